"""The two buffers of layout.py while they are filled: blocks of floats and of integers, joined at the end."""

from __future__ import annotations

import numpy as np

from translight.generation.procedural.rays import layout as at


class Buffers:
    """What grows while a scene is packed: blocks of floats and of integers, and how many there are."""

    def __init__(self) -> None:
        self.floats, self.integers = at.CONSTANTS, at.HEADER
        self._float_blocks: list[np.ndarray] = []
        self._integer_blocks: list[np.ndarray] = []

    def add_floats(self, values: np.ndarray) -> int:
        """Append values; returns their offset."""
        block = np.ascontiguousarray(values, np.float32).ravel()
        self._float_blocks.append(block)
        self.floats += len(block)
        return self.floats - len(block)

    def add_integers(self, values: np.ndarray) -> int:
        """Append values; returns their offset."""
        block = np.ascontiguousarray(values, np.int32).ravel()
        self._integer_blocks.append(block)
        self.integers += len(block)
        return self.integers - len(block)

    def joined(self, constants: np.ndarray, header: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The two buffers."""
        if max(self.floats, self.integers) >= 1 << 31:
            raise ValueError(f"a scene of {self.floats} floats is too large: 2^31 are addressed")
        floats = np.concatenate([constants.astype(np.float32), *self._float_blocks])
        return floats, np.concatenate([header.astype(np.int32), *self._integer_blocks])
