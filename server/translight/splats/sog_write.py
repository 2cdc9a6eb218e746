"""Writing SOG version 2: a cloud as lossless WebP textures and a ``meta.json``; ``sog`` reads them back.

Source: PlayCanvas, "The SOG format" (developer.playcanvas.com/user-manual/gaussian-splatting/formats/sog). Splats are
put in Morton order first: neighbours' pixels are then alike, and the textures pack better.
"""

from __future__ import annotations

import math
from importlib.metadata import version

import msgspec
import numpy as np
from jaxtyping import Float32, UInt8

from translight.core.errors import FormatError
from translight.splats import raw, webp
from translight.splats.cloud import SplatCloud
from translight.splats.codebook import codebook_of, codes_of
from translight.splats.limits import Progress, blocks
from translight.splats.order import along_curve
from translight.splats.palette import palette_of, palette_size
from translight.splats.sog import META, PALETTE_COLUMNS

MOST_SPLATS = webp.MOST_SIDE_PX**2
_SQRT2 = math.sqrt(2.0)
_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def encode(cloud: SplatCloud, progress: Progress | None = None) -> dict[str, bytes]:
    """The files of a SOG scene by name, ``meta.json`` last.

    Errors: positions 1/131070 of the range of sign(x) · ln(1 + |x|); log scales and base colours to a codebook of 256
    values each; opacity 1/510; rotation components 1/361; higher SH to a palette (65,536 sets at most, by k-means)
    whose values have a codebook of their own. Raises FormatError on more splats than a WebP has pixels.
    """
    if len(cloud) > MOST_SPLATS:
        raise FormatError(f"SOG: holds up to {MOST_SPLATS:,} splats, got {len(cloud):,}")
    tell = progress or (lambda _: None)
    cloud = along_curve(cloud)
    tell(0.05)
    files: dict[str, bytes] = {}
    meta: dict[str, object] = {
        "version": 2,
        "asset": {"generator": f"translight {version('translight')}"},
        "count": len(cloud),
    }
    meta["means"], low, high = _positions(cloud.means)
    files["means_l.webp"] = _texture(low)
    files["means_u.webp"] = _texture(high)
    tell(0.2)
    logs = raw.log(cloud.scales)
    book = codebook_of(logs)
    meta["scales"] = {"codebook": book.tolist(), "files": ["scales.webp"]}
    files["scales.webp"] = _texture(_opaque(codes_of(logs, book)))
    tell(0.35)
    meta["quats"] = {"files": ["quats.webp"]}
    files["quats.webp"] = _texture(_quaternions(cloud.wxyz))
    tell(0.45)
    book = codebook_of(cloud.sh[:, 0])
    colours = np.empty((len(cloud), 4), np.uint8)
    colours[:, :3] = codes_of(np.ascontiguousarray(cloud.sh[:, 0]), book)
    colours[:, 3] = np.rint(cloud.opacities * np.float32(255.0))
    meta["sh0"] = {"codebook": book.tolist(), "files": ["sh0.webp"]}
    files["sh0.webp"] = _texture(colours)
    tell(0.55)
    if cloud.sh_degree and len(cloud):
        meta["shN"] = _harmonics(cloud, files, lambda share: tell(0.55 + 0.4 * share))
    files[META] = msgspec.json.encode(meta)
    tell(1.0)
    return files


def _positions(
    means: Float32[np.ndarray, "n 3"],
) -> tuple[dict[str, object], UInt8[np.ndarray, "n 4"], UInt8[np.ndarray, "n 4"]]:
    """Bounds of sign(x) · ln(1 + |x|), and the 16-bit steps between them as low and high bytes."""
    logs = np.copysign(np.log1p(np.abs(means.astype(np.float64))), means)
    lower, upper = (logs.min(axis=0), logs.max(axis=0)) if len(logs) else (np.zeros(3), np.zeros(3))
    steps = np.rint((logs - lower) / np.maximum(upper - lower, 1e-300) * 65535.0).astype(np.uint16)
    meta = {"mins": lower.tolist(), "maxs": upper.tolist(), "files": ["means_l.webp", "means_u.webp"]}
    return meta, _opaque((steps & 0xFF).astype(np.uint8)), _opaque((steps >> 8).astype(np.uint8))


def _quaternions(wxyz: Float32[np.ndarray, "n 4"]) -> UInt8[np.ndarray, "n 4"]:
    """The three smallest of w x y z in RGB, ±1/√2; alpha is 252 + the index of the largest, made positive."""
    out = np.empty((len(wxyz), 4), np.uint8)
    for part in blocks(len(wxyz)):
        q = wxyz[part].astype(np.float64)
        largest = np.abs(q).argmax(axis=1)
        sign = np.where(np.take_along_axis(q, largest[:, None], axis=1) < 0, -1.0, 1.0)
        small = np.take_along_axis(q * sign, _OTHERS[largest], axis=1)
        out[part, :3] = np.rint(np.clip(small / _SQRT2 + 0.5, 0.0, 1.0) * 255.0)
        out[part, 3] = 252 + largest
    return out


def _harmonics(cloud: SplatCloud, files: dict[str, bytes], tell: Progress) -> dict[str, object]:
    """The palette's texture, 64 sets in a row and a pixel for each coefficient, and the label of each splat."""
    k = raw.REST[cloud.sh_degree]
    rows = cloud.sh[:, 1:].reshape(len(cloud), 3 * k)
    sets, labels = palette_of(rows, palette_size(len(cloud)), tell)
    book = codebook_of(sets)
    lines = -(-len(sets) // PALETTE_COLUMNS)
    pixels = np.full((lines * PALETTE_COLUMNS, k, 4), 255, np.uint8)
    pixels[: len(sets), :, :3] = codes_of(sets, book).reshape(-1, k, 3)
    files["shN_centroids.webp"] = webp.encode(pixels.reshape(lines, PALETTE_COLUMNS * k, 4))
    packed = np.zeros((len(cloud), 3), np.uint8)
    packed[:, 0], packed[:, 1] = labels & 0xFF, labels >> 8
    files["shN_labels.webp"] = _texture(_opaque(packed))
    return {
        "count": len(sets),
        "bands": cloud.sh_degree,
        "codebook": book.tolist(),
        "files": ["shN_centroids.webp", "shN_labels.webp"],
    }


def _opaque(rgb: UInt8[np.ndarray, "n 3"]) -> UInt8[np.ndarray, "n 4"]:
    return np.concatenate([rgb, np.full((len(rgb), 1), 255, np.uint8)], axis=1)


def _texture(rgba: UInt8[np.ndarray, "n 4"]) -> bytes:
    """A nearly square texture, its sides multiples of 4 as PlayCanvas's are; what is left over is opaque black."""
    width = min(max(4, 4 * math.ceil(math.sqrt(len(rgba)) / 4)), webp.MOST_SIDE_PX)
    height = max(4, 4 * math.ceil(len(rgba) / width / 4))
    pixels = np.zeros((min(height, webp.MOST_SIDE_PX) * width, 4), np.uint8)
    pixels[:, 3] = 255
    pixels[: len(rgba)] = rgba
    return webp.encode(pixels.reshape(-1, width, 4))
