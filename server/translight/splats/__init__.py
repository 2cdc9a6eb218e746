"""Floor 1: the Gaussian cloud and its file formats."""
