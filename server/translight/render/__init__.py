"""Floor 2: the renderer contract and its backends, one file each."""
