"""2.5D layers from elsewhere, pictures with alpha at distances, as an environment; imported.py finds their folders.

A folder with ``layers.json``::

    {"layers": [{"file": "pier.png", "distance_m": 6.0},
                {"file": "hills.exr", "distance_m": 400.0},
                {"file": "sky.exr"}]}

All pictures have one size. Twice as wide as high they are panoramas around the brief's eye and a distance is a sphere's
radius; else stills through the brief's lens, and it is that of a plane across the line of sight. A layer without a
distance is the sky. Colour is sRGB-encoded and not premultiplied in 8 bits, linear and premultiplied in OpenEXR.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from translight.colour.transfer import srgb_decode
from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.files import sha256_of
from translight.core.frames import STAGE_FROM_RDF
from translight.core.image import load_image
from translight.environment.environment import Environment
from translight.environment.typed_json import read_json
from translight.generation.brief.brief import Brief
from translight.generation.brief.optics import picture_mm
from translight.generation.lift.cells import divide
from translight.generation.lift.gaussians import gaussians, overlap_for
from translight.generation.lift.layers import Layer
from translight.generation.lift.sky import whole_sky
from translight.generation.panorama import directions

FILE_NAME = "layers.json"
SPLATS = 300_000
_MOST_HEIGHT_PX = 2048
_MAGNIFICATION = 2.0
_COVERED = 0.5
"""A layer is there where its alpha is above this: splats have no soft edges of their own."""


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A layer: its picture, and how far it is; without, it is the sky."""

    file: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9 ._-]{0,120}$")]
    distance_m: Annotated[float, msgspec.Meta(ge=0.1, le=100_000)] | None = None


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``layers.json``, in any order."""

    layers: Annotated[tuple[Listed, ...], msgspec.Meta(min_length=1, max_length=16)]


def layers_digest(folder: Path) -> str:
    """SHA-256 over the listing's and its pictures' own, in their order. Raises FormatError, OSError."""
    listing = read_json(folder / FILE_NAME, Listing)
    files = (FILE_NAME, *(layer.file for layer in listing.layers))
    return hashlib.sha256("".join(sha256_of(_there(folder, file)) for file in files).encode()).hexdigest()


def layered_environment(folder: Path, brief: Brief) -> Environment:
    """The layers as splats around the brief's eye, each where it is, and the sky behind them.

    Raises FormatError, in one line, on a listing or picture that is not as said above.
    """
    listing = read_json(folder / FILE_NAME, Listing)
    sheets: list[Layer] = []
    skies: list[Layer] = []
    shape: tuple[int, ...] | None = None
    for layer in sorted(listing.layers, key=lambda one: one.distance_m or np.inf):
        file = _there(folder, layer.file)
        rgba = _premultiplied(file)
        shape = shape or rgba.shape
        if rgba.shape != shape:
            sizes = f"{rgba.shape[1]}x{rgba.shape[0]} pixels, {shape[1]}x{shape[0]} as the layer before it are wanted"
            raise FormatError(f"{file}: {sizes}")
        (skies if layer.distance_m is None else sheets).append(_around(rgba, layer.distance_m, brief))
    if len(skies) > 1:
        raise FormatError(f"{folder / FILE_NAME}: layers: {len(skies)} have no distance_m; one can be the sky")
    if not sheets:
        raise FormatError(f"{folder / FILE_NAME}: layers: none has a distance_m: a sky alone is a picture to import")
    if not any(sheet.mask.any() for sheet in sheets):
        raise FormatError(f"{folder / FILE_NAME}: its layers are empty: alpha is nowhere above {_COVERED:g}")
    try:
        cells = divide(sheets, SPLATS, 0.5 * float(np.linalg.norm(brief.stage.reach_m)))
    except ValueError as error:
        raise FormatError(f"{folder}: {error}") from error
    eye_m = np.array([0.0, 0.0, brief.lens.height_m])
    cloud = gaussians(sheets, cells, eye_m, overlap_for(_MAGNIFICATION))
    sky = None
    if skies and skies[0].mask.any():
        sky = whole_sky(skies[0].image, skies[0].mask)
    return Environment(folder.name, cloud, sky=sky, encoding="linear", metres_per_unit=1.0)


def _there(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise FormatError(f"{folder / name}: no such file, {FILE_NAME} lists it")
    return folder / name


def _premultiplied(file: Path) -> Float32[np.ndarray, "h w 4"]:
    """Linear and premultiplied; opaque where a picture has no alpha. Raises FormatError."""
    pixels = load_image(file)
    if pixels.ndim != 3:
        raise FormatError(f"{file}: one channel; colour, with alpha where it does not cover, is wanted")
    if pixels.dtype == np.uint8:
        values = pixels.astype(np.float32) / np.float32(255)
        alpha = values[..., 3:] if values.shape[2] == 4 else np.ones_like(values[..., :1])
        colour = np.asarray(srgb_decode(values[..., :3]), np.float32) * alpha
    else:
        values = pixels.astype(np.float32)
        if not np.isfinite(values).all():
            raise FormatError(f"{file}: holds values that are not numbers")
        alpha = np.clip(values[..., 3:4], 0, 1) if values.shape[2] == 4 else np.ones_like(values[..., :1])
        colour = np.maximum(values[..., :3], 0)
    return np.concatenate([colour, alpha], axis=2)


def _around(rgba: Float32[np.ndarray, "h w 4"], metres: float | None, brief: Brief) -> Layer:
    """A layer around the eye: an equirectangular picture as it is, a still laid into an empty one."""
    height, width = rgba.shape[:2]
    away = 0.0 if metres is None else 1 / metres
    if width == 2 * height:
        while rgba.shape[0] > _MOST_HEIGHT_PX and rgba.shape[0] % 2 == 0:
            rgba = (rgba[::2, ::2] + rgba[1::2, ::2] + rgba[::2, 1::2] + rgba[1::2, 1::2]) / np.float32(4)
        inverse = np.full(rgba.shape[:2], away, np.float32)
    else:
        lens = brief.lens
        camera = Camera.from_sensor(
            width, height, focal_length_mm=lens.focal_length_mm, sensor_width_mm=picture_mm(lens)[0]
        )
        # a panorama whose pixels are about the still's, in the middle of its view
        rows = min(_MOST_HEIGHT_PX, max(64, 4 * round(np.pi * camera.fx / 4)))
        ray = directions(rows) @ STAGE_FROM_RDF.rotation().astype(np.float32)
        rgba = _seen(rgba, camera.project(ray))
        inverse = (np.maximum(ray[..., 2], 1e-6) * away).astype(np.float32)
    alpha = rgba[..., 3]
    mask = alpha > _COVERED
    colour = rgba[..., :3] / np.maximum(alpha, np.float32(1e-6))[..., None]
    return Layer(np.where(mask[..., None], colour, 0).astype(np.float32), inverse, mask)


def _seen(rgba: Float32[np.ndarray, "h w 4"], at: np.ndarray) -> Float32[np.ndarray, "r c 4"]:
    """Bilinear values at pixels (r c 2), which are NaN behind the camera; clear outside the picture."""
    height, width = rgba.shape[:2]
    with np.errstate(invalid="ignore"):
        inside = (at >= 0).all(axis=-1) & (at <= (width, height)).all(axis=-1)
    found = np.zeros((*at.shape[:2], 4), np.float32)
    place = at[inside][:, ::-1].T - 0.5
    for channel in range(4):
        found[inside, channel] = ndimage.map_coordinates(rgba[..., channel], place, order=1, mode="nearest")
    return found
