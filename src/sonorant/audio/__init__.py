"""Waveforms and what is measured from them."""
