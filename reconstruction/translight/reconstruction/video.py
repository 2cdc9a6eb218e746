"""From a video to a capture: its key frames (``keyframes``), as pictures in a work folder. Anything FFmpeg reads.

Videos say nothing of focal length and place: every frame is one camera's, and follows the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from translight.core.errors import FormatError, ReconstructionError
from translight.core.files import whole_file
from translight.core.image import MAX_PIXELS, save_image
from translight.core.progress import Progress, silent
from translight.reconstruction import hdr_video, keyframes
from translight.reconstruction.capture import Capture, Still
from translight.reconstruction.motion import BLOCK_PX, Motion
from translight.reconstruction.sharpness import laplacian_variance

if TYPE_CHECKING:
    import av

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".3gp")

_LOOKED_AT_PX = 960
"""Longer side of the pictures whose sharpness is measured; motion is followed in a third of that."""
_MOTION_SHARE = 3
_FEWEST_PX = 3 * BLOCK_PX
_JPEG_QUALITY = 95
_UNSPECIFIED = 2
"""ITU-T H.273's code point of a matrix that nobody named."""
_HD_LINES = 720
_CHOICE = "frames.json"


class _Choice(msgspec.Struct, frozen=True):
    """What was chosen of which video: an interrupted run goes on from it."""

    bytes: int
    modified_ns: int
    count: int | None
    width_px: int
    height_px: int
    frames: list[tuple[int, float]]
    """Number in the video, and seconds."""


def read_video(path: Path, work: Path, *, count: int | None = None, progress: Progress = silent) -> Capture:
    """Key frames of a video, as JPEGs in ``work``/frames, turned as the video says; ``count`` of them, or as needed.

    What a run before has chosen and written for the same video and count is kept. Raises FormatError on what is no
    video or is broken, ReconstructionError when the disk does not take the frames, ValueError on a count below 1.
    """
    if count is not None and count < 1:
        raise ValueError(f"at least one frame is chosen, got {count}")
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    folder = work / "frames"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReconstructionError(f"{folder}: cannot be made ({error.strerror})") from error
    choice = _earlier(path, folder, count) or _choose(path, folder, count, progress)
    files = {number: folder / f"frame_{number:06d}.jpg" for number, _ in choice.frames}
    _extract(path, {number: file for number, file in files.items() if not file.is_file()}, progress)
    camera = f"{path.name} {choice.width_px}x{choice.height_px}"
    stills = tuple(
        Still(files[number].name, files[number], choice.width_px, choice.height_px, camera, taken_s=seconds)
        for number, seconds in choice.frames
    )
    return Capture(path, stills, sequential=True)


def _earlier(path: Path, folder: Path, count: int | None) -> _Choice | None:
    try:
        choice = msgspec.json.decode((folder / _CHOICE).read_bytes(), type=_Choice)
    except (OSError, msgspec.DecodeError):
        return None
    of = path.stat()
    same = (choice.bytes, choice.modified_ns, choice.count) == (of.st_size, of.st_mtime_ns, count)
    return choice if same and choice.frames else None


def _choose(path: Path, folder: Path, count: int | None, progress: Progress) -> _Choice:
    """Look at every frame, and write down which are taken."""
    motion, size = Motion(), (0, 0)
    moved: list[Float64[np.ndarray, "blocks 2"]] = []
    sharpness: list[float] = []
    seconds: list[float] = []
    for seen in _decoded(path):
        size = size if moved else seen.shown_size()
        grey = seen.grey()
        sharpness.append(laplacian_variance(grey))
        small = _averaged(grey)
        moved.append(motion.follow(small) / max(small.shape))
        seconds.append(seen.frame.time or 0.0)
        progress("choosing frames", seen.share)
    if not moved:
        raise FormatError(f"{path}: a video without frames")
    chosen = keyframes.choose(np.array(moved), np.array(sharpness), count)
    of = path.stat()
    frames = [(int(number), float(seconds[number])) for number in chosen]
    choice = _Choice(of.st_size, of.st_mtime_ns, count, *size, frames)
    try:
        for old in folder.glob("frame_*.jpg"):  # of another video or count; before the choice, which vouches for them
            old.unlink()
        with whole_file(folder / _CHOICE) as aside:
            aside.write_bytes(msgspec.json.encode(choice))
    except OSError as error:
        raise ReconstructionError(f"{folder / _CHOICE}: cannot be written ({error.strerror})") from error
    return choice


def _extract(path: Path, files: dict[int, Path], progress: Progress) -> None:
    wanted = len(files)
    if not wanted:
        return
    for number, seen in enumerate(_decoded(path)):
        file = files.pop(number, None)
        if file is not None:
            try:
                save_image(file, seen.rgb(), jpeg_quality=_JPEG_QUALITY)
            except FormatError as error:
                raise ReconstructionError(str(error)) from error
            progress("writing frames", 1 - len(files) / wanted)
        if not files:
            return
    raise FormatError(f"{path}: ends before frame {min(files)}; it was longer when its frames were chosen")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A decoded frame, as wide as it is with square pixels, and the share of the video that it ends."""

    frame: av.VideoFrame
    width_px: int
    share: float

    def grey(self) -> Float32[np.ndarray, "h w"]:
        """Luma from 0 to 1, the longer side ``_LOOKED_AT_PX`` or less."""
        size = (self.width_px, self.frame.height)
        width, height = (round(px * min(1.0, _LOOKED_AT_PX / max(size))) for px in size)
        grey = self.frame.reformat(width=max(_FEWEST_PX, width), height=max(_FEWEST_PX, height), format="gray")
        return grey.to_ndarray().astype(np.float32) / np.float32(255)

    def rgb(self) -> UInt8[np.ndarray, "h w 3"]:
        """As it is shown: square pixels, turned by the video's quarter turns, HDR brought down to sRGB."""
        frame = self.frame
        hd = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_LINES
        matrix = "ITU709" if hd else None  # FFmpeg takes what is unnamed for Rec. 601, which HD video is not
        layout = "rgb48le" if frame.color_trc in (hdr_video.PQ, hdr_video.HLG) else "rgb24"
        pixels = frame.reformat(self.width_px, frame.height, layout, src_colorspace=matrix).to_ndarray()
        if layout != "rgb24":
            pixels = hdr_video.srgb_of(pixels, frame.color_trc)
        return np.ascontiguousarray(np.rot90(pixels, self._quarters()))

    def shown_size(self) -> tuple[int, int]:
        """(width, height) of ``rgb``."""
        size = (self.width_px, self.frame.height)
        return size[::-1] if self._quarters() % 2 else size

    def _quarters(self) -> int:
        return round(self.frame.rotation / 90) % 4  # anticlockwise


def _decoded(path: Path) -> Iterator[_Seen]:
    """Every frame of a video's first stream of moving pictures."""
    import av

    with _readable(path), av.open(f"file:{path}", options={"protocol_whitelist": "file"}) as container:
        covers = av.stream.Disposition.attached_pic
        stream = next((each for each in container.streams.video if not each.disposition & covers), None)
        if stream is None:
            raise FormatError(f"{path}: no video in it")
        if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
            raise FormatError(f"{path}: frames of more than {MAX_PIXELS} pixels")
        stream.thread_type = "AUTO"
        stretch = float(stream.sample_aspect_ratio or 1)
        duration_s = float(container.duration or 0) / av.time_base
        size = None
        for number, frame in enumerate(container.decode(stream)):
            if size not in (None, (frame.width, frame.height)):
                raise FormatError(f"{path}: its frames change their size at frame {number}; give each part by itself")
            size = (frame.width, frame.height)
            if min(frame.width, frame.height) < _FEWEST_PX:
                raise FormatError(f"{path}: {frame.width}x{frame.height} pixels; {_FEWEST_PX} each way are needed")
            share = (frame.time or 0.0) / duration_s if duration_s > 0 else number / max(stream.frames, number + 1)
            yield _Seen(frame, max(1, round(frame.width * stretch)), min(max(share, 0.0), 1.0))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        raise FormatError(f"{path}: not a readable video ({error.strerror})") from error


def _averaged(grey: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h3 w3"]:
    height, width = (size // _MOTION_SHARE for size in grey.shape)
    cut = grey[: height * _MOTION_SHARE, : width * _MOTION_SHARE]
    return cut.reshape(height, _MOTION_SHARE, width, _MOTION_SHARE).mean(axis=(1, 3))
