"""Floor 1: transfer functions, exposure and white balance, packing for the wall."""
