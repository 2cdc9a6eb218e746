"""Reading stills as they are shown: decoded, turned as EXIF says, in RGB; ``exif`` reads what else the file says."""

from __future__ import annotations

import struct
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from translight.core.errors import FormatError, MissingExtra
from translight.core.image import MAX_PIXELS
from translight.splats.limits import brief

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".heif")
"""What a still's name may end in, in any case of letters."""
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
"""Of an ISO base media file: what its first box names when it is a HEIF picture (ISO/IEC 23008-12, annex B)."""

_FORMATS: tuple[str, ...] = ("JPEG", "PNG", "TIFF")  # MPO pictures, of some telephones, open as JPEG
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    RuntimeError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
)
"""What Pillow's decoders raise on files that are damaged on purpose."""
_ORIENTATION, _EXIF_IFD, _GPS_IFD = 0x0112, 0x8769, 0x8825
_DEMUXERS = {"PNG": "png_pipe", "TIFF": "tiff_pipe"}
_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}
"""EXIF orientation → quarter turns anticlockwise, then whether left and right are exchanged."""


class _Quiet:
    """No warnings while any thread is inside: Pillow warns of large pictures, which max_pixels stands for, and EXIF.

    ``warnings.catch_warnings`` alone puts back the wrong filters when threads overlap.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._caught.__exit__(None, None, None)


_QUIET = _Quiet()


def load_still(path: Path, *, max_pixels: int = MAX_PIXELS) -> Float32[np.ndarray, "h w 3"]:
    """A still's pixels, sRGB-encoded, 0 to 1, its EXIF orientation applied. Raises FormatError on what is none.

    16 bits a channel keep their precision; where a colour profile other than sRGB is converted, 8 stay. What is
    transparent is black. ``max_pixels`` is for security: a small file may claim a huge picture; nothing is decoded
    before the claim is checked. Raises MissingExtra on a HEIC picture without pillow-heif.
    """
    with open_still(path, max_pixels=max_pixels) as picture:
        deep = _deep(path, picture)
        if deep is not None:
            return _over_black(_turned(deep, orientation(picture)), 65535)
        return _over_black(_shallow(picture), 255)


def load_reduced(path: Path, longest_px: int, *, max_pixels: int = MAX_PIXELS) -> UInt8[np.ndarray, "h w 3"]:
    """A small copy of a still as it is shown, its longer side ``longest_px`` or less; quick for JPEGs."""
    from PIL import Image

    with open_still(path, max_pixels=max_pixels) as picture:
        how = orientation(picture)
        picture.draft("RGB", (longest_px, longest_px))
        if picture.mode.startswith("I;16"):
            small = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        else:
            small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        small.thumbnail((longest_px, longest_px), Image.Resampling.BOX)
        pixels = _over_black(_turned(np.atleast_3d(np.asarray(small)), how), 255)
    return (pixels * np.float32(255) + np.float32(0.5)).astype(np.uint8)


@contextmanager
def open_still(path: Path, *, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Pillow's picture, its header read and its size allowed, nothing decoded yet. Raises FormatError.

    Errors while the block decodes become FormatError too.
    """
    from PIL import Image

    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    try:
        formats = _FORMATS
        if is_heic(path):
            _register_heic()
            formats = ("HEIF",)
        with _QUIET, Image.open(path, formats=formats) as picture:
            if picture.width * picture.height > max_pixels:
                size = f"{picture.width}x{picture.height}"
                raise FormatError(f"{path}: {size} pixels; from 1 to {max_pixels} are allowed")
            yield picture
    except _DAMAGE as error:
        raise FormatError(f"{path}: not a readable picture ({_said(error, path)})") from error
    except Image.DecompressionBombError as error:  # Pillow's own limit lies above max_pixels' usual value
        raise FormatError(f"{path}: more pixels than the {max_pixels} that are allowed") from error


def shown_size(picture: Image.Image) -> tuple[int, int]:
    """(width, height) in pixels with the EXIF orientation applied."""
    width, height = picture.size
    return (height, width) if orientation(picture) >= 5 else (width, height)


def orientation(picture: Image.Image) -> int:
    """EXIF's number from 1 (upright) to 8."""
    value = exif_directories(picture)[0].get(_ORIENTATION)
    return value if value in _TURNS else 1


def exif_directories(picture: Image.Image) -> tuple[Mapping[int, Any], Mapping[int, Any], Mapping[int, Any]]:
    """EXIF's main, photographic and GPS directories; empty where they are damaged, which pixels may survive."""
    found: list[Mapping[int, Any]] = []
    for directory in (None, _EXIF_IFD, _GPS_IFD):
        try:
            tags = picture.getexif()
            found.append(dict(tags if directory is None else tags.get_ifd(directory)))
        except _DAMAGE:
            found.append({})
    return found[0], found[1], found[2]


def is_heic(path: Path) -> bool:
    """Whether a file is a HEIF picture by its first bytes, whatever its name is."""
    with path.open("rb") as file:
        start = file.read(12)
    return start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS


def _register_heic() -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingExtra("pillow-heif, which reads HEIC pictures,", "heic") from error
    pillow_heif.register_heif_opener(thumbnails=False)


def _said(error: Exception, path: Path) -> str:
    """Pillow's words without the path, which stands before them already."""
    words = getattr(error, "strerror", None) or str(error)
    if "cannot identify" in words:
        return "it begins like no JPEG, PNG, TIFF or HEIC"
    return brief(words.replace(str(path), "it"))


def _shallow(picture: Image.Image) -> np.ndarray:
    """8 bits a channel, or 16 of grey: (h w c), turned, with straight alpha last where there is any."""
    if picture.mode in ("I", "F"):
        raise ValueError("its pixels are of 32 bits, which no photograph's are")
    how = orientation(picture)
    if _has_profile(picture):
        picture = _in_srgb(picture)
    if picture.mode not in ("L", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return _turned(np.atleast_3d(np.asarray(picture)), how)


def _has_profile(picture: Image.Image) -> bool:
    """Whether the picture's colours are of another profile than sRGB's, which names itself, in ASCII or UTF-16."""
    profile = picture.info.get("icc_profile")
    if not isinstance(profile, bytes) or picture.mode not in ("RGB", "RGBA", "CMYK"):
        return False
    return not any("sRGB".encode(code) in profile[128:2048] for code in ("ascii", "utf-16-be"))


def _in_srgb(picture: Image.Image) -> Image.Image:
    """By Little CMS, relative to white as displays are; as it is where the profile is broken or of another kind."""
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(picture.info["icc_profile"]))
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        found = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), intent, mode)
    except (OSError, ImageCms.PyCMSError):
        return picture
    return picture if found is None else found


def _deep(path: Path, picture: Image.Image) -> UInt16[np.ndarray, "h w c"] | None:
    """16 bits a channel, not turned; None where the picture has not so many.

    Pillow decodes 16-bit colour to 8 bits; FFmpeg keeps 16. Pillow's is taken where FFmpeg cannot read the file or
    reads it differently (tiled and planar TIFFs are many things).
    """
    if picture.mode.startswith("I;16"):
        return np.atleast_3d(np.asarray(picture).astype(np.uint16))
    if picture.mode not in ("RGB", "RGBA") or _has_profile(picture) or ";16" not in str(getattr(picture, "tile", "")):
        return None
    import av

    layout = "rgb48le" if picture.mode == "RGB" else "rgba64le"
    known = np.asarray(picture)
    try:
        with av.open(f"file:{path}", format=_DEMUXERS.get(str(picture.format))) as container:
            found: np.ndarray = next(container.decode(video=0)).to_ndarray(format=layout)
    except (av.error.FFmpegError, StopIteration, ValueError):
        return None
    same = found.shape == known.shape and int(np.abs((found >> 8).astype(np.int32) - known).max()) <= 1
    return found if same else None


def _turned(pixels: np.ndarray, how: int) -> np.ndarray:
    quarters, mirrored = _TURNS.get(how, (0, False))
    turned = np.rot90(pixels, quarters)
    return turned[:, ::-1] if mirrored else turned


def _over_black(pixels: np.ndarray, most: int) -> Float32[np.ndarray, "h w 3"]:
    """(h w 1..4) with straight alpha last, from 0 to ``most``, as RGB from 0 to 1."""
    values = np.ascontiguousarray(pixels, dtype=np.float32) / np.float32(most)
    if values.shape[2] in (2, 4):
        values = values[..., :-1] * values[..., -1:]
    return values if values.shape[2] == 3 else np.repeat(values, 3, axis=2)
