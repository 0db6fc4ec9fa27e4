"""A text encoder that has read before it speaks: Mixed-Phoneme BERT (Zhang et al. 2022, arXiv:2203.17190)."""
