"""Telling of Numba at work: the first start on a machine compiles for a minute, later ones load its cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event


@contextmanager
def compiling_told(progress: Callable[[str], None]) -> Iterator[None]:
    """``progress`` is told of every function that is compiled meanwhile; of one that comes from the cache, nothing.

    Source: Numba's event API (numba.core.event), the event "numba:compile".
    """
    with event.install_listener("numba:compile", _Teller(progress)):
        yield


class _Teller(event.Listener):
    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._begun = 0

    def on_start(self, event: Any) -> None:
        self._begun += 1
        name = event.data["dispatcher"].py_func.__name__.strip("_")
        self._progress(f"compiling, once on this machine: part {self._begun}, {name}")

    def on_end(self, event: Any) -> None:
        """One that ends is followed by another, or by silence."""
