"""Lifting a panorama and its depth into layers, and layers into Gaussians."""
