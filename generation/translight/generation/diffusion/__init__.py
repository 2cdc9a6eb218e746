"""Stills from diffusion models in local folders: what a folder holds, its licence, loading it, seam-free drawing."""
