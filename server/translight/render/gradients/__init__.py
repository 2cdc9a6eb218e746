"""Gradients of the cpu backend's picture, by Numba on NumPy arrays; render/differentiable.py is their door to torch."""
