"""SPZ's quantised arrays, the same in every container; ``spz`` reads and writes the containers.

Source: nianticlabs/spz, ``src/cc/load-spz.cc`` and ``splat-types.h``. A file's axes are RUB unless an extension says
otherwise; here positions, rotations and spherical harmonics are turned to the cloud's RDF and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.errors import FormatError
from translight.splats import raw
from translight.splats.axes import RUB_TO_RDF, Flips, mean_signs, sh_signs, wxyz_signs
from translight.splats.cloud import SplatCloud
from translight.splats.limits import Progress, blocks

WHAT = "SPZ"
MAX_FRACTIONAL_BITS = 24
COLOUR_SCALE = 0.15
"""Colour bytes are sh · 0.15 · 255 + 127.5: wider than 0…1, so that SH may bring a colour back into range."""
LEAST_LOG_SCALE, LOG_SCALE_STEP = -10.0, 1.0 / 16.0
_DEFAULT_BITS, _MOST_BITS = 12, 20
_WANTED_STEPS = 17
_HALF = 1 << 23
_MAGNITUDE = 511


@dataclass(frozen=True, slots=True)
class Header:
    """What every SPZ header says."""

    version: int
    count: int
    degree: int
    fractional_bits: int
    flags: int

    def sections(self) -> dict[str, int]:
        """Bytes of each array, by name, in file order."""
        n, version = self.count, self.version
        return {
            "positions": n * (6 if version == 1 else 9),
            "alphas": n,
            "colours": n * 3,
            "scales": n * 3,
            "rotations": n * (4 if version >= 3 else 3),
            "sh": n * 3 * raw.REST[self.degree],
        }


def unpack(
    header: Header, sections: Mapping[str, memoryview], flips: Flips = RUB_TO_RDF, progress: Progress | None = None
) -> SplatCloud:
    """The cloud from its arrays, which have the lengths of ``header.sections``. Raises FormatError."""
    n, rest = header.count, raw.REST[header.degree]
    means, scales = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32)
    wxyz, opacities = np.empty((n, 4), np.float32), np.empty(n, np.float32)
    sh = np.empty((n, 1 + rest, 3), np.float32)
    arrays = {name: np.frombuffer(data, np.uint8).reshape(n, -1) if n else None for name, data in sections.items()}
    unpack_rotations = _smallest_three if header.version >= 3 else _first_three
    to_mean, to_wxyz, to_sh = mean_signs(flips), wxyz_signs(flips), sh_signs(flips, rest)
    for part in blocks(n, progress):
        block = {name: array[part] for name, array in arrays.items() if array is not None}
        means[part] = _positions(block["positions"], header) * to_mean
        scales[part] = np.exp(block["scales"] * np.float32(LOG_SCALE_STEP) + np.float32(LEAST_LOG_SCALE))
        wxyz[part] = unpack_rotations(block["rotations"]) * to_wxyz
        opacities[part] = block["alphas"][:, 0] / np.float32(255.0)
        sh[part, 0] = (block["colours"] / np.float32(255.0) - np.float32(0.5)) / np.float32(COLOUR_SCALE)
        if rest:
            codes = block["sh"].reshape(-1, rest, 3)
            sh[part, 1:] = (codes.astype(np.float32) - np.float32(128.0)) / np.float32(128.0) * to_sh
    return raw.make_cloud(WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def pack(cloud: SplatCloud, header: Header, progress: Progress | None = None) -> dict[str, bytes]:
    """The arrays of version 3 and 4, by name, in file order."""
    n, rest = header.count, raw.REST[header.degree]
    out = {name: np.empty((n, size // n if n else 0), np.uint8) for name, size in header.sections().items()}
    step = np.float64(1 << header.fractional_bits)
    to_mean, to_wxyz, to_sh = mean_signs(RUB_TO_RDF), wxyz_signs(RUB_TO_RDF), sh_signs(RUB_TO_RDF, rest)
    for part in blocks(n, progress):
        fixed = np.rint(cloud.means[part] * to_mean * step).clip(-_HALF, _HALF - 1).astype("<i4")
        out["positions"][part] = fixed.view(np.uint8).reshape(-1, 3, 4)[:, :, :3].reshape(-1, 9)
        out["alphas"][part, 0] = _bytes(cloud.opacities[part] * 255.0)
        out["colours"][part] = _bytes(cloud.sh[part, 0] * (COLOUR_SCALE * 255.0) + 127.5)
        out["scales"][part] = _bytes((raw.log(cloud.scales[part]) - LEAST_LOG_SCALE) / LOG_SCALE_STEP)
        out["rotations"][part] = _pack_rotations(cloud.wxyz[part] * to_wxyz)
        if rest:
            out["sh"][part] = _bytes(cloud.sh[part, 1:] * to_sh * 128.0 + 128.0).reshape(-1, 3 * rest)
    return {name: array.tobytes() for name, array in out.items()}


def choose_fractional_bits(cloud: SplatCloud) -> int:
    """Bits after the point that give the bulk of the cloud 2^17 steps from its origin, and hold its farthest splat.

    12, the reference's constant, when that is fine enough; more for small scenes, less for those beyond ±2048.
    Raises FormatError when even none would do.
    """
    if len(cloud) == 0:
        return _DEFAULT_BITS
    farthest = float(np.abs(cloud.means).max())
    if farthest > _HALF - 1:
        raise FormatError(f"{WHAT}: holds positions up to {_HALF - 1:,}; the farthest is at {farthest:,.0f}")
    bulk = float(np.quantile(np.abs(cloud.means).max(axis=1), 0.99))
    wanted = _WANTED_STEPS - int(np.ceil(np.log2(max(bulk, 1e-6))))
    fits = next(bits for bits in range(_MOST_BITS, -1, -1) if farthest * (1 << bits) <= _HALF - 1)
    return min(max(wanted, _DEFAULT_BITS), _MOST_BITS, fits)


def _positions(codes: UInt8[np.ndarray, "m b"], header: Header) -> Float32[np.ndarray, "m 3"]:
    if header.version == 1:
        with np.errstate(invalid="ignore"):  # a NaN is refused by make_cloud
            return np.ascontiguousarray(codes).view("<f2").astype(np.float32)
    padded = np.zeros((len(codes), 3, 4), np.uint8)
    padded[:, :, 1:] = codes.reshape(-1, 3, 3)  # in the top three bytes, so that shifting down carries the sign
    fixed = padded.view("<i4")[:, :, 0] >> 8
    return fixed.astype(np.float32) * np.float32(1.0 / (1 << header.fractional_bits))


def _first_three(codes: UInt8[np.ndarray, "m 3"]) -> Float32[np.ndarray, "m 4"]:
    """Versions 1 and 2: x y z in a byte each, w ≥ 0."""
    xyz = codes.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
    return raw.from_smallest_three(xyz, np.zeros(len(xyz), np.intp))


def _smallest_three(codes: UInt8[np.ndarray, "m 4"]) -> Float32[np.ndarray, "m 4"]:
    """Versions 3 and 4: index of the largest of x y z w, then the others, each a sign and 9 bits of |q| · √2."""
    words = np.ascontiguousarray(codes).view("<u4")[:, 0].astype(np.uint32)
    fields = words[:, None] >> np.array([20, 10, 0], np.uint32)
    small = (fields & np.uint32(_MAGNITUDE)).astype(np.float32) / np.float32(_MAGNITUDE * np.sqrt(2.0))
    small = np.where(fields & np.uint32(512), -small, small)
    return np.roll(raw.from_smallest_three(small, (words >> np.uint32(30)).astype(np.intp)), 1, axis=1)


def _pack_rotations(wxyz: Float32[np.ndarray, "m 4"]) -> UInt8[np.ndarray, "m 4"]:
    xyzw = np.roll(wxyz.astype(np.float64), -1, axis=1)
    largest = np.abs(xyzw).argmax(axis=1)
    sign = np.where(np.take_along_axis(xyzw, largest[:, None], axis=1) < 0, -1.0, 1.0)
    small = np.take_along_axis(xyzw * sign, _OTHERS[largest], axis=1)
    magnitude = np.minimum(np.floor(np.abs(small) * (_MAGNITUDE * np.sqrt(2.0)) + 0.5), _MAGNITUDE).astype(np.uint32)
    fields = (magnitude | (small < 0).astype(np.uint32) << 9) << np.array([20, 10, 0], np.uint32)
    words = np.bitwise_or.reduce(fields, axis=1) | largest.astype(np.uint32) << np.uint32(30)
    return words.astype("<u4")[:, None].view(np.uint8)


_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0.0, 255.0).astype(np.uint8)
