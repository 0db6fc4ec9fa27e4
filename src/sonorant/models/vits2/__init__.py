"""VITS2 (Kong et al. 2023, arXiv:2307.16430)."""
