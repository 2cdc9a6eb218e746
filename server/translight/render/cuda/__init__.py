"""The cuda backend: splats on an NVIDIA GPU by our own kernels, which NVRTC compiles on the user's machine."""
