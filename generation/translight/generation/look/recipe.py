"""What a look is made of, read and checked before a picture is touched; look.py cooks by it.

The order is fixed: a network translates, a reference's colours are taken, a film sees it, a LUT ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float32

from translight.colour.transfer import srgb_decode
from translight.core.errors import GenerationError
from translight.core.files import sha256_of
from translight.core.image import load_image
from translight.generation.look.cube import read_cube
from translight.generation.look.distribution import ITERATIONS, SOFTNESS_STOPS, distribution_transfer
from translight.generation.look.encoding import ColourMap, Encoding, carried, mixed
from translight.generation.look.film import Film
from translight.generation.look.halation import RADIUS_DEG
from translight.generation.look.lattice import Lut
from translight.generation.look.palette import Palette, palette_of
from translight.generation.look.transfer import SLOPES, LinearTransfer, linear_transfer

Transfer = Literal["mk", "idt"]
TRANSFERS: tuple[Transfer, ...] = get_args(Transfer)
_LINEAR_FILES = (".exr", ".hdr", ".pic")


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A picture whose colours are wanted. Raises GenerationError on values that are not allowed."""

    file: Path
    transfer: Transfer = "mk"
    strength: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.transfer not in TRANSFERS:
            raise GenerationError(f"no transfer {self.transfer!r}: {', '.join(TRANSFERS)} exist")
        if not 0 <= self.strength <= 1:
            raise GenerationError(f"--strength must lie within 0 and 1, got {self.strength:g}")
        _check_seed(self.seed)

    def map_from(self, source: Palette) -> tuple[ColourMap, dict[str, Any]]:
        """The map of linear light from a candidate's palette to the picture's, and what the record shows of it."""
        light = linear_picture(self.file)
        wanted = palette_of(light, str(self.file), panorama=is_panorama(self.file, light))
        facts: dict[str, Any] = {
            "look": "reference",
            **file_facts(self.file),
            "transfer": self.transfer,
            "strength": self.strength,
            "knee": source.knee,
        }
        found: ColourMap
        if self.transfer == "mk":
            found = linear_transfer(source, wanted)
            assert isinstance(found, LinearTransfer)
            facts |= {"gain": found.gain.tolist(), "source": found.source.tolist(), "target": found.target.tolist()}
        else:
            found = distribution_transfer(source, wanted, seed=self.seed)
            facts |= {
                "seed": self.seed,
                "iterations": ITERATIONS,
                "softness_stops": SOFTNESS_STOPS,
                "steepest": SLOPES[1],
            }
        return lambda light: mixed(light, carried(found, np.maximum(light, 0), source.knee), self.strength), facts


@dataclass(frozen=True, slots=True, eq=False)
class FilmStep:
    """A film stock, with what is not a map of colours. Raises GenerationError on values that are not allowed."""

    film: Film
    halation: float = 1.0
    """Times the stock's own."""
    halation_deg: float = RADIUS_DEG
    grain: float = 0.0
    """Times the stock's own."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.halation <= 10:
            raise GenerationError(f"--halation must lie within 0 and 10, got {self.halation:g}")
        if not 0 < self.halation_deg <= 10:
            raise GenerationError(f"--halation-radius must lie within 0 and 10 degrees, got {self.halation_deg:g}")
        if not 0 <= self.grain <= 10:
            raise GenerationError(f"--grain must lie within 0 and 10, got {self.grain:g}")
        _check_seed(self.seed)

    def facts(self, *, local: bool) -> dict[str, Any]:
        """What the record shows; ``local`` where there are pictures that glow and grain can be laid on."""
        facts: dict[str, Any] = {"look": "film", **self.film.facts()}
        if local and self.halation:
            facts |= {"halation": self.halation, "halation_deg": self.halation_deg}
        if local and self.grain:
            facts |= {"grain": self.grain, "seed": self.seed}
        return facts


@dataclass(frozen=True, slots=True, eq=False)
class LutStep:
    """A LUT from a file."""

    file: Path
    lut: Lut

    def facts(self) -> dict[str, Any]:
        """What the record shows."""
        return {"look": "lut", **file_facts(self.file), **self.lut.facts()}


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """Steps in their order, each or none; a network is given to look.py beside it."""

    reference: Reference | None = None
    film: FilmStep | None = None
    lut: LutStep | None = None


def lut_step(file: Path, given: Encoding, gives: Encoding | None = None) -> LutStep:
    """A LUT whose codes are of an encoding, and give another or the same. Raises FormatError, GenerationError."""
    cube = read_cube(file)
    try:
        return LutStep(file, Lut(cube, given, gives or given))
    except GenerationError as error:
        raise GenerationError(f"{file}: {error}") from error


def linear_picture(file: Path) -> Float32[np.ndarray, "h w 3"]:
    """A picture's light: 8-bit ones are sRGB-encoded, EXR and Radiance linear. Raises FormatError."""
    pixels = load_image(file)
    light = srgb_decode(pixels.astype(np.float32) / 255) if pixels.dtype == np.uint8 else pixels
    if light.ndim == 2:
        light = np.repeat(light[..., None], 3, axis=-1)
    return np.ascontiguousarray(light[..., :3], np.float32)


def is_panorama(file: Path, light: Float32[np.ndarray, "h w 3"]) -> bool:
    """Whether a reference is taken for one: linear light, twice as wide as high."""
    return file.suffix.lower() in _LINEAR_FILES and light.shape[1] == 2 * light.shape[0]


def file_facts(file: Path) -> dict[str, Any]:
    """A file's name and bytes. Raises GenerationError when it cannot be read."""
    try:
        return {"file": file.name, "sha256": sha256_of(file)}
    except OSError as error:
        raise GenerationError(f"{file}: cannot be read ({error.strerror})") from error


def _check_seed(seed: int) -> None:
    if not 0 <= seed < 2**32:
        raise GenerationError(f"--seed must lie within 0 and {2**32 - 1}, got {seed}")
