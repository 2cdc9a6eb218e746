"""Stills become environments: capture, poses, training of splats and NeRFs, editing; docs/reconstruction.md."""
