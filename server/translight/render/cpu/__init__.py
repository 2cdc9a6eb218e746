"""The cpu backend: splats on the processor's vector units, by Numba."""

from translight.render.cpu.renderer import CpuRenderer, compile_kernels, open_backend

__all__ = ["CpuRenderer", "compile_kernels", "open_backend"]
