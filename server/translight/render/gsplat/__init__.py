"""The ``gsplat`` backend: gsplat 1.5's CUDA kernels behind our contract; needs an NVIDIA GPU and nvcc.

torch and gsplat are imported when it is opened and there is a GPU, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from translight.core.errors import BackendError
from translight.render.contract import Renderer
from translight.render.nvidia import require_gpu

_RENDERER = "translight.render.gsplat.renderer"


def open_backend(threads: int | None = None) -> Renderer:
    """The entry that backends.py calls. Raises BackendError where there is no GPU or nothing to compile with."""
    require_gpu("gsplat")
    try:
        renderer: Renderer = import_module(_RENDERER).open_backend(threads)
    except ImportError as error:
        raise BackendError(
            f'the gsplat backend needs torch, which cannot be imported ({error}); pip install "translight[train]"'
        ) from error
    return renderer


def compile_kernels(progress: Callable[[str], None] | None = None) -> None:
    """Compile gsplat's kernels now; ``progress`` is told how far it is. Raises BackendError when that fails."""
    import_module(_RENDERER).compile_kernels(progress)
