"""NaturalSpeech (Tan et al. 2022, arXiv:2205.04421)."""
