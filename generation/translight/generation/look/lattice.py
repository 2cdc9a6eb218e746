"""Colours looked up in a LUT, and a map of colours laid down in one; cube.py reads and writes the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Float32

from translight.core.errors import GenerationError
from translight.generation.look.cube import Cube
from translight.generation.look.encoding import ColourMap, Encoding, carried, decode, encode

Interpolation = Literal["tetrahedral", "trilinear"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
SIZES = (2, 129)
"""Of tables that are made."""

_LEAST_KNEE = 1e-6
"""Light that is carried from below it would leave float32."""
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Lut:
    """A LUT as a map of linear light: its codes are of ``input``, and what it gives of ``output``.

    Light whose largest channel lies above the domain is carried from there, as encoding.py says; light below it
    takes the domain's end.
    """

    cube: Cube
    input: Encoding
    output: Encoding
    interpolation: Interpolation = "tetrahedral"

    @property
    def knee(self) -> float:
        """The light where the domain ends, in the first channel that does."""
        return float(decode(np.array(self.cube.domain_max), self.input).min())

    def __post_init__(self) -> None:
        if not self.knee >= _LEAST_KNEE:
            raise GenerationError(f"the LUT's domain ends at {self.knee:g} in linear light: above 0 is wanted")

    def __call__(self, light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Linear light, never below 0."""

        def seen(light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
            codes = looked_up(self.cube, encode(light, self.input), self.interpolation)
            return np.maximum(decode(codes, self.output), 0)

        return carried(seen, np.maximum(light, 0), self.knee)

    def facts(self) -> dict[str, Any]:
        """For the record, beside the file's."""
        return {"input": self.input, "output": self.output, "interpolation": self.interpolation, "size": self.cube.size}


def looked_up(
    cube: Cube, codes: Float[np.ndarray, "*n 3"], interpolation: Interpolation = "tetrahedral"
) -> Float[np.ndarray, "*n 3"]:
    """The table's values at codes, which are held within the domain first; in the floating type of the codes.

    Raises ValueError on codes that are not numbers.
    """
    if np.isnan(codes).any():
        raise ValueError("codes that are not numbers have no place in a LUT")
    flat = codes.reshape(-1, 3)
    low, high = (np.asarray(corner, codes.dtype) for corner in (cube.domain_min, cube.domain_max))
    out = np.empty_like(flat)
    for start in range(0, len(flat), _BLOCK):
        part = slice(start, start + _BLOCK)
        place = np.clip((flat[part] - low) / (high - low), 0, 1) * np.asarray(cube.size - 1, codes.dtype)
        first = np.minimum(place.astype(np.int64), cube.size - 2)
        out[part] = _between(cube.table, first, place - first, interpolation)
    return out.reshape(codes.shape)


def laid_down(colour_map: ColourMap, encoding: Encoding, size: int, title: str) -> Cube:
    """A 3D LUT of a map of linear light, for codes from 0 to 1 of an encoding, which it gives too."""
    if not SIZES[0] <= size <= SIZES[1]:
        raise GenerationError(f"--cube-size must lie within {SIZES[0]} and {SIZES[1]}, got {size}")
    steps = np.linspace(0, 1, size)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    codes = np.stack([red, green, blue], axis=-1)
    light = np.maximum(decode(codes, encoding), 0)
    return Cube(encode(colour_map(light), encoding).astype(np.float32), title)


def _between(
    table: Float32[np.ndarray, "*n 3"], first: np.ndarray, share: np.ndarray, interpolation: Interpolation
) -> np.ndarray:
    """Values at a cell's lowest corner (red, green, blue) and shares of the way to its highest."""
    if table.ndim == 2:
        each = np.arange(3)
        return table[first, each] * (1 - share) + table[first + 1, each] * share
    size = table.shape[0]
    strides = np.array([1, size, size * size])
    flat, corner = table.reshape(-1, 3), first @ strides
    if interpolation == "trilinear":
        out = np.zeros_like(share)
        for i in range(8):
            steps = np.array([i & 1, i >> 1 & 1, i >> 2])
            weight = np.where(steps, share, 1 - share).prod(axis=-1, keepdims=True)
            out += flat[corner + steps @ strides] * weight
        return out
    # from corner to corner along the axes, that of the largest share first
    order = np.argsort(-share, axis=-1, kind="stable")
    sorted_share = np.take_along_axis(share, order, axis=-1)
    out = flat[corner] * (1 - sorted_share[:, :1])
    for i in range(3):
        corner = corner + strides[order[:, i]]
        rest = sorted_share[:, i] - (sorted_share[:, i + 1] if i < 2 else 0)
        out += flat[corner] * rest[:, None]
    return out
