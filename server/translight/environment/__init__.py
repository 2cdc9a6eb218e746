"""Floor 1: the environment package on disk: manifest, splats, sky, provenance, report."""
