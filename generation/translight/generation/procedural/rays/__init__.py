"""The kernels of trace.py: a scene packed into two buffers, and the rays that run through them."""
