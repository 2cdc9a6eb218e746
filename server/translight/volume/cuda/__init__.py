"""The compositor on an NVIDIA GPU: pictures never leave it, finished words do."""
