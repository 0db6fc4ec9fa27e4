"""Characters to phonemes to token ids. Knows no torch: training and serving use the same code."""
