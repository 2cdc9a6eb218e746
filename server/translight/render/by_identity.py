"""What backends make of an array and keep for as long as it lives, found again by the array itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

import numpy as np

T = TypeVar("T")


class ByIdentity(Generic[T]):
    """A ``WeakKeyDictionary`` for the few arrays of a show, such as skies: an array cannot be a dictionary's key."""

    def __init__(self) -> None:
        self._kept: list[tuple[ref[np.ndarray], T]] = []

    def get(self, array: np.ndarray, make: Callable[[np.ndarray], T]) -> T:
        """What is kept of ``array``, made now if nothing is."""
        self._kept = [(reference, value) for reference, value in self._kept if reference() is not None]
        for reference, value in self._kept:
            if reference() is array:
                return value
        self._kept.append((ref(array), make(array)))
        return self._kept[-1][1]

    def values(self) -> list[T]:
        """Of the arrays that still live."""
        return [value for reference, value in self._kept if reference() is not None]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
