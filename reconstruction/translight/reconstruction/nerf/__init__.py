"""nerfacto, trained by nerfstudio in an environment of its own, and baked to splats."""
