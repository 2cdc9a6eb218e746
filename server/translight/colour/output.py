"""From the splats' colour encoding to the code values that a wall is sent, exactly and as tables for the live path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Float32, Float64

from translight.colour import lookup, transfer
from translight.colour.grade import Grade
from translight.core.errors import ShowError
from translight.core.image import PixelFormat

ColourEncoding = Literal["srgb", "linear"]
"""How a rendered picture is encoded: sRGB-encoded or linear Rec.709, as the environment says of its splats."""
WallEncoding = Literal["srgb", "gamma2.4", "pq", "linear"]

OPAQUE = {PixelFormat.RGBA8: 255, PixelFormat.RGB10A2: 3}
LARGEST_CODES = {PixelFormat.RGBA8: 255, PixelFormat.RGB10A2: 1023, PixelFormat.RGBA16F: 1}
"""What a signal of 1 is in a picture's format."""
LIGHT_LIMIT = 1024.0
"""Linear light, in times white, that nothing goes above in RGBA16F; ten stops, which the tables reach too."""
DITHER_SIDE = 8


@dataclass(frozen=True, slots=True)
class OutputTransform:
    """A picture in the splats' ``encoding`` → linear Rec.709 → exposure, white balance → ``wall`` code values.

    sRGB and gamma 2.4 walls show linear 1.0 at full code. A PQ wall shows 1.0 at ``reference_white_nits`` (100, as
    OpenVPCal has it) and nothing above ``peak_nits``. Codes are full range: 0–255 in RGBA8, 0–1023 in RGB10A2,
    rounded to nearest, or with ``dither`` by an ordered 8×8 pattern. A linear wall is sent the light itself in RGBA16F,
    1.0 being white, rounded to the nearest half. Raises ShowError on values not allowed.
    """

    encoding: ColourEncoding = "srgb"
    grade: Grade = field(default_factory=Grade)
    wall: WallEncoding = "srgb"
    pixel_format: PixelFormat = PixelFormat.RGBA8
    reference_white_nits: float = 100.0
    peak_nits: float = 1500.0
    dither: bool = False

    def __post_init__(self) -> None:
        if self.encoding not in get_args(ColourEncoding):
            raise ShowError(f"colour encoding is 'srgb' or 'linear', got {self.encoding!r}")
        if self.wall not in get_args(WallEncoding):
            raise ShowError(f"colour wall encoding is 'srgb', 'gamma2.4', 'pq' or 'linear', got {self.wall!r}")
        if (self.wall == "linear") is not (self.pixel_format is PixelFormat.RGBA16F):
            raise ShowError(
                f"colour encoding 'linear' and format 'rgba16f' go together, "
                f"got encoding {self.wall!r} and format {self.pixel_format.value!r}"
            )
        if self.dither and self.wall == "linear":
            raise ShowError("colour dither is for formats of whole codes, and 'rgba16f' is none")
        if not 0 < self.reference_white_nits <= self.peak_nits <= transfer.PQ_PEAK_NITS:
            raise ShowError(
                f"colour wants 0 < reference_white_nits <= peak_nits <= {transfer.PQ_PEAK_NITS:g},"
                f" got {self.reference_white_nits:g} and {self.peak_nits:g}"
            )

    @property
    def largest_code(self) -> int:
        """255 or 1023; 1 in RGBA16F, where brighter light has larger ones."""
        return LARGEST_CODES[self.pixel_format]

    @property
    def limit(self) -> float:
        """The code that nothing goes above: ``largest_code``, a PQ wall's peak, or LIGHT_LIMIT."""
        if self.wall == "linear":
            return LIGHT_LIMIT
        if self.wall == "pq":
            return float(transfer.pq_encode(self.peak_nits)) * self.largest_code
        return float(self.largest_code)

    @property
    def nominal_peak(self) -> float:
        """The code that pictures are measured against: ``limit``, but white in linear light."""
        return 1.0 if self.wall == "linear" else self.limit

    def linear(self, rgb: Float[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        """Graded linear Rec.709 of a picture in the splats' encoding."""
        return self._decode(np.asarray(rgb, np.float64)) @ self.grade.matrix().T

    def codes(self, rgb: Float[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        """Code values before rounding, within [0, ``limit``], by the exact formulas."""
        return np.minimum(self._encode(self.linear(rgb)), self.limit)

    def linear_from_codes(self, codes: Float[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        """The graded linear Rec.709 light that a wall makes of code values: the inverse of the last step."""
        signal = np.asarray(codes, np.float64) / self.largest_code
        if self.wall == "linear":
            return signal
        if self.wall == "pq":
            return transfer.pq_decode(signal) / self.reference_white_nits
        return transfer.srgb_decode(signal) if self.wall == "srgb" else transfer.gamma_decode(signal)

    def tables(self) -> OutputTables:
        """The same function as tables, for the compositor's kernel."""
        matrix = self.grade.matrix()
        return OutputTables(
            mixes=not self.grade.balanced,
            direct=lookup.tabulate(lambda x: self._encode(self._decode(x) * matrix[0, 0])),
            decode=lookup.tabulate(self._decode),
            encode=lookup.tabulate(self._encode),
            matrix=matrix.astype(np.float32),
            limit=self.limit,
            rounding=rounding(self.dither),
        )

    def _decode(self, x: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
        return transfer.srgb_decode(x) if self.encoding == "srgb" else x

    def _encode(self, linear: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
        """Codes from 0 up, not yet limited: the limit's kink would cost a table its precision."""
        light = np.maximum(linear, 0)
        if self.wall == "linear":
            return light
        if self.wall == "pq":
            return transfer.pq_encode(light * self.reference_white_nits) * self.largest_code
        return (
            transfer.srgb_encode(light) if self.wall == "srgb" else transfer.gamma_encode(light)
        ) * self.largest_code


@dataclass(frozen=True, slots=True, eq=False)
class OutputTables:
    """An ``OutputTransform`` as ``lookup`` tables: code = min(direct(x), limit), or where it ``mixes`` channels (a
    white balance) min(encode(matrix · decode(x)), limit). ``rounding`` is added before the fraction is cut off.
    """

    mixes: bool
    direct: Float32[np.ndarray, "nodes"]
    decode: Float32[np.ndarray, "nodes"]
    encode: Float32[np.ndarray, "nodes"]
    matrix: Float32[np.ndarray, "3 3"]
    limit: float
    rounding: Float32[np.ndarray, "8 8"]

    def codes(self, rgb: Float[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 3"]:
        """Code values before rounding, as the kernel computes them."""
        if self.mixes:
            codes = lookup.evaluate(self.encode, lookup.evaluate(self.decode, rgb) @ self.matrix.T)
        else:
            codes = lookup.evaluate(self.direct, rgb)
        return np.minimum(codes, np.float32(self.limit))


def rounding(dither: bool) -> Float32[np.ndarray, "8 8"]:
    """What is added to a code before its fraction is cut off: ½, or a Bayer (1973) pattern of mean ½ within (0, 1)."""
    if not dither:
        return np.full((DITHER_SIDE, DITHER_SIDE), 0.5, np.float32)
    pattern = np.zeros((1, 1))
    while len(pattern) < DITHER_SIDE:
        pattern = np.block([[4 * pattern, 4 * pattern + 2], [4 * pattern + 3, 4 * pattern + 1]])
    return ((pattern + 0.5) / DITHER_SIDE**2).astype(np.float32)


def pack(
    codes: Float[np.ndarray, "h w 3"], pixel_format: PixelFormat, offsets: Float32[np.ndarray, "8 8"]
) -> np.ndarray:
    """A finished picture from codes: (h w 4) uint8 or (h w) uint32, rounded by ``offsets`` tiled over it, or halves."""
    if pixel_format is PixelFormat.RGBA16F:
        return np.concatenate([codes, np.ones_like(codes[..., :1])], axis=-1).astype(pixel_format.dtype)
    height, width = codes.shape[:2]
    tiles = (-(-height // DITHER_SIDE), -(-width // DITHER_SIDE))
    whole = (codes + np.tile(offsets, tiles)[:height, :width, None].astype(codes.dtype)).astype(np.uint32)
    opaque = np.uint32(OPAQUE[pixel_format])
    if pixel_format is PixelFormat.RGBA8:
        return np.concatenate([whole, np.full_like(whole[..., :1], opaque)], axis=-1).astype(np.uint8)
    return whole[..., 0] | whole[..., 1] << np.uint32(10) | whole[..., 2] << np.uint32(20) | opaque << np.uint32(30)


def unpack(picture: np.ndarray, pixel_format: PixelFormat) -> np.ndarray:
    """Codes (h w 3) of a finished picture, uint32 or, from halves, float32: the inverse of ``pack``."""
    if pixel_format is PixelFormat.RGBA16F:
        return picture[..., :3].astype(np.float32)
    if pixel_format is PixelFormat.RGBA8:
        return picture[..., :3].astype(np.uint32)
    return (picture[..., None] >> np.array([0, 10, 20], np.uint32)) & np.uint32(1023)
