"""Training of splats on a dataset: one trainer for two rasterisers (our own on the processor, gsplat's on a GPU)."""
