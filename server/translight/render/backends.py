"""The table of renderer backends, and how one is opened by name; what they must do stands in contract.py.

A backend is a module with ``open_backend(threads: int | None = None) -> Renderer``, which raises BackendError when this
machine cannot run it; where it compiles anything, also ``compile_kernels(progress)``. The module is imported when the
backend is opened and not before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from translight.core.errors import BackendError
from translight.render.contract import Renderer

AUTO = "auto"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a backend lives, and the extra that installs what it needs beyond the base (None: nothing)."""

    module: str
    extra: str | None = None


BACKENDS: Mapping[str, Backend] = {
    "cuda": Backend("translight.render.cuda", extra="cuda"),
    "cpu": Backend("translight.render.cpu"),
    "gsplat": Backend("translight.render.gsplat", extra="cuda"),
    "reference": Backend("translight.render.reference"),
}
"""Every backend by name, what ``auto`` tries first at the top; gsplat only by name, as cuda opens wherever it does."""


Progress = Callable[[str], None]
"""Is told, in a word or two, what is about to be done."""


def open_renderer(name: str = AUTO, *, threads: int | None = None, progress: Progress | None = None) -> Renderer:
    """The backend called ``name``, or with ``auto`` the first that opens; why the others did not is logged.

    ``threads`` bounds the processor threads of a backend that draws with several; None takes all. With ``progress``,
    what the backend compiles is compiled now and told of; without, the first picture waits for it.
    A named backend never falls back to another. Raises BackendError, with the line that installs what is missing.
    """
    if name != AUTO:
        return _open(name, threads, progress)
    reasons = []
    for candidate in BACKENDS:
        try:
            renderer = _open(candidate, threads, progress)
        except BackendError as error:
            _log.info("backend %s not used: %s", candidate, error)
            reasons.append(f"{candidate}: {error}")
        else:
            _log.info("backend: %s", candidate)
            return renderer
    raise BackendError("no renderer backend opens here: " + "; ".join(reasons))


def _open(name: str, threads: int | None, progress: Progress | None) -> Renderer:
    backend = BACKENDS.get(name)
    if backend is None:
        raise BackendError(f"no renderer backend {name!r}; there are: {AUTO}, {', '.join(BACKENDS)}")
    try:
        module = import_module(backend.module)
    except ImportError as error:
        missing = f"the {name} backend cannot be imported: {error}"
        if backend.extra is not None:
            missing += f'; pip install "translight[{backend.extra}]"'
        raise BackendError(missing) from error
    renderer: Renderer = module.open_backend(threads)
    if progress is not None and hasattr(module, "compile_kernels"):
        module.compile_kernels(progress)
    return renderer
