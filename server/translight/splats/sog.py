"""SOG version 2: splats as lossless WebP textures with 256-entry codebooks, beside a ``meta.json``.

Source: PlayCanvas, "The SOG format" (developer.playcanvas.com/user-manual/gaussian-splatting/formats/sog).
Axes are RDF, as in the cloud. ``sog_zip`` reads the same in one ``.sog`` file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.errors import FormatError
from translight.splats import raw, webp
from translight.splats.cloud import SplatCloud
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, blocks, brief

META = "meta.json"
MAX_META_BYTES = 1 << 20
_WHAT = "SOG"
PALETTE_COLUMNS = 64
_MAX_PALETTE = 1 << 16
_SLACK_PIXELS = 1 << 16
_OPEN = Callable[[str], bytes]

_Vector = tuple[float, float, float]
_Codebook = Annotated[list[float], msgspec.Meta(min_length=1, max_length=256)]


class _Means(msgspec.Struct, frozen=True):
    mins: _Vector
    maxs: _Vector
    files: tuple[str, str]


class _Coded(msgspec.Struct, frozen=True):
    codebook: _Codebook
    files: tuple[str]


class _Quats(msgspec.Struct, frozen=True):
    files: tuple[str]


class _Palette(msgspec.Struct, frozen=True):
    count: Annotated[int, msgspec.Meta(ge=0, le=_MAX_PALETTE)]
    bands: Annotated[int, msgspec.Meta(ge=0, le=3)]
    codebook: _Codebook
    files: tuple[str, str]


class _Version(msgspec.Struct):
    version: int | None = None


class Meta(msgspec.Struct, frozen=True):
    """``meta.json`` of SOG version 2."""

    version: int
    count: Annotated[int, msgspec.Meta(ge=0)]
    means: _Means
    scales: _Coded
    quats: _Quats
    sh0: _Coded
    shN: _Palette | None = None  # noqa: N815 - the file's own name

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0 to 3."""
        return self.shN.bands if self.shN is not None else 0


def parse_meta(data: bytes) -> Meta:
    """Read ``meta.json`` strictly. Raises FormatError, which names the key."""
    if len(data) > MAX_META_BYTES:
        raise FormatError(f"{_WHAT}: {META} is {len(data):,} bytes; the limit is {MAX_META_BYTES:,}")
    try:
        version = msgspec.json.decode(data, type=_Version).version
        if version != 2:
            said = "no version (version 1)" if version is None else f"version {version}"
            raise FormatError(f"{_WHAT}: {META} has {said}; version 2 is read")
        meta = msgspec.json.decode(data, type=Meta)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise FormatError(f"{_WHAT}: {META}: {brief(error)}") from error
    for name in files(meta):
        if not name or name.startswith(".") or any(c in name for c in "/\\:\0") or name == META:
            raise FormatError(f"{_WHAT}: {META} names the file {brief(repr(name))}; a plain file name is needed")
    return meta


def files(meta: Meta) -> tuple[str, ...]:
    """Names of the textures."""
    palette = meta.shN.files if meta.shN is not None else ()
    return (*meta.means.files, *meta.scales.files, *meta.quats.files, *meta.sh0.files, *palette)


def decode(
    meta: Meta, open_file: _OPEN, limits: Limits = DEFAULT_LIMITS, progress: Progress | None = None
) -> SplatCloud:
    """Read the textures that ``meta`` names through ``open_file`` (file name to bytes). Raises FormatError."""
    n = meta.count
    limits.check_count(n, _WHAT)
    tell = progress or (lambda _: None)

    def texture(name: str) -> UInt8[np.ndarray, "n 4"]:
        return _texture(open_file(name), name, n)

    packed = [open_file(name) for name in meta.means.files]
    limits.check_ratio(n * 6, sum(map(len, packed)), f"{_WHAT}: means")
    low, high = (_texture(data, name, n) for data, name in zip(packed, meta.means.files, strict=True))
    means = _positions(meta.means, low, high)
    tell(0.3)
    scales = raw.exp(_lookup(meta.scales, texture(meta.scales.files[0])[:, :3], "scales"))
    tell(0.45)
    wxyz = _quaternions(texture(meta.quats.files[0]))
    tell(0.6)
    rgba = texture(meta.sh0.files[0])
    opacities = rgba[:, 3] / np.float32(255.0)
    sh = np.empty((n, 1 + raw.REST[meta.sh_degree], 3), np.float32)
    sh[:, 0] = _lookup(meta.sh0, rgba[:, :3], "sh0")
    tell(0.75)
    if meta.shN is not None and meta.shN.bands:
        centroids = _centroids(meta.shN, open_file(meta.shN.files[0]))
        labels = _labels(meta.shN, texture(meta.shN.files[1]))
        for part in blocks(n):
            sh[part, 1:] = centroids[labels[part]]
    tell(1.0)
    return raw.make_cloud(_WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def _texture(data: bytes, name: str, count: int) -> UInt8[np.ndarray, "n 4"]:
    """The first ``count`` pixels in row order."""
    what = f"{_WHAT}: {name}"
    width, height = webp.size(data, what)
    if width * height < count:
        raise FormatError(f"{what}: {width} x {height} pixels hold no {count:,} splats")
    image = webp.pixels(data, what, 4 * count + _SLACK_PIXELS)
    return image.reshape(-1, 4)[:count]


def _positions(
    means: _Means, low: UInt8[np.ndarray, "n 4"], high: UInt8[np.ndarray, "n 4"]
) -> Float32[np.ndarray, "n 3"]:
    """16-bit steps between the bounds, which are of sign(x) · ln(1 + |x|)."""
    out = np.empty((len(low), 3), np.float32)
    lower = np.array(means.mins)
    span = np.array(means.maxs) - lower
    with np.errstate(over="ignore", invalid="ignore"):
        for part in blocks(len(out)):
            steps = low[part, :3].astype(np.uint16) | (high[part, :3].astype(np.uint16) << 8)
            logs = lower + span * (steps / 65535.0)
            out[part] = np.copysign(np.expm1(np.abs(logs)), logs)
    return out


def _lookup(coded: _Coded, codes: UInt8[np.ndarray, "n 3"], name: str) -> Float32[np.ndarray, "n 3"]:
    return _book(coded.codebook, codes, name)[codes]


def _book(codebook: list[float], codes: UInt8[np.ndarray, "..."], name: str) -> Float32[np.ndarray, "c"]:
    """The codebook as an array; writers shorten it for tiny clouds, so the codes are held against its length."""
    if codes.size and int(codes.max()) >= len(codebook):
        raise FormatError(f"{_WHAT}: {name} uses code {codes.max()} of a codebook of {len(codebook)}")
    with np.errstate(over="ignore"):
        return np.array(codebook, dtype=np.float32)


def _quaternions(rgba: UInt8[np.ndarray, "n 4"]) -> Float32[np.ndarray, "n 4"]:
    """The three smallest of w x y z in RGB, ±1/√2; alpha is 252 + the index of the largest, which is positive."""
    largest = rgba[:, 3].astype(np.intp) - 252
    wrong = np.flatnonzero(largest < 0)
    if len(wrong):
        raise FormatError(f"{_WHAT}: {len(wrong):,} rotations have an alpha below 252, the first at index {wrong[0]:,}")
    out = np.empty((len(rgba), 4), np.float32)
    for part in blocks(len(rgba)):
        small = (rgba[part, :3].astype(np.float32) / 255.0 - 0.5) * np.float32(np.sqrt(2.0))
        out[part] = raw.from_smallest_three(small, largest[part])
    return out


def _centroids(palette: _Palette, data: bytes) -> Float32[np.ndarray, "p k 3"]:
    """The palette of SH sets: 64 in a row of the texture, each one pixel per coefficient."""
    k = raw.REST[palette.bands]
    what = f"{_WHAT}: {palette.files[0]}"
    lines = -(-palette.count // PALETTE_COLUMNS)
    width, height = webp.size(data, what)
    if width != PALETTE_COLUMNS * k or height < lines:
        raise FormatError(
            f"{what}: {width} x {height} pixels; {palette.count:,} sets of degree {palette.bands} are "
            f"{PALETTE_COLUMNS * k} x {lines}"
        )
    image = webp.pixels(data, what, PALETTE_COLUMNS * k * (_MAX_PALETTE // PALETTE_COLUMNS))
    codes = np.ascontiguousarray(image[:lines, :, :3]).reshape(-1, k, 3)[: palette.count]
    return _book(palette.codebook, codes, "shN")[codes]


def _labels(palette: _Palette, rgba: UInt8[np.ndarray, "n 4"]) -> np.ndarray:
    labels = rgba[:, 0].astype(np.uint16) | (rgba[:, 1].astype(np.uint16) << 8)
    wrong = np.flatnonzero(labels >= palette.count)
    if len(wrong):
        raise FormatError(
            f"{_WHAT}: {len(wrong):,} splats use an SH set beyond the palette's {palette.count:,}, "
            f"the first at index {wrong[0]:,}"
        )
    return labels
