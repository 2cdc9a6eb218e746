"""H.264 and HEVC access units from finished pictures, at once: PyAV's x264, x265 or NVENC over the planes of yuv.py."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.stream import nal, yuv
from translight.stream.contract import PictureSpec
from translight.stream.header import DEPTH_LOG, FrameHeader
from translight.stream.nal import VideoCodec
from translight.stream.video_options import VideoOptions

_log = logging.getLogger(__name__)

# ITU-T H.273: 1 is BT.709 in all three; 13 sRGB's and 16 PQ's transfer characteristics. A display of BT.709 signals has
# gamma 2.4 (BT.1886). 2 is unspecified: depth is no light.
BT709, LIMITED, TRANSFER = 1, 1, {"srgb": 13, "gamma2.4": 1, "pq": 16, DEPTH_LOG: 2}
_VBV_FRAMES = 4  # a key picture may take this many pictures' share of the bit rate
_SOFTWARE = {"h264": "libx264", "hevc": "libx265"}
_HARDWARE = {"h264": "h264_nvenc", "hevc": "hevc_nvenc"}


@dataclass(frozen=True, slots=True, eq=False)
class AccessUnit:
    """One encoded picture: its NAL units, the frame header's SEI among them."""

    nals: list[bytes | memoryview]
    header: FrameHeader
    codec: VideoCodec
    key: bool
    """Decoding can begin here."""


class Planes:
    """A PyAV frame and its planes as arrays, filled from finished pictures."""

    def __init__(self, spec: PictureSpec, pixel_format: str) -> None:
        self.frame = VideoFrame(spec.width_px, spec.height_px, pixel_format)
        self.bits = 10 if "10le" in pixel_format else 8
        chroma = {"420": yuv.YUV420, "422": yuv.YUV422, "444": yuv.YUV444}
        self._sampling = next(s for name, s in chroma.items() if name in pixel_format)
        self._source = spec.format
        self.arrays = yuv.planes(self.frame, self.bits)
        # Compiles, if need be, before the show begins.
        self.fill(np.zeros(spec.format.shape(spec.width_px, spec.height_px), spec.format.dtype))

    def fill(self, picture: NDArray[np.generic], first_row: int = 0, end_row: int | None = None) -> None:
        """Convert a picture into the frame, or rows of it as ``yuv.convert`` does."""
        y, cb, cr = self.arrays[:3]
        yuv.convert(picture, self._source, y, cb, cr, self.bits, self._sampling, first_row, end_row)


def tag_colour(context: VideoCodecContext | VideoFrame, encoding: str) -> None:
    """Say in the stream what the values mean: BT.709 matrix and primaries, limited range, the wall's transfer."""
    context.color_range = LIMITED
    context.colorspace = BT709
    context.color_primaries = BT709
    context.color_trc = TRANSFER[encoding]


def check_size(url: str, spec: PictureSpec) -> None:
    """Raises StreamError on a size that 4:2:0 cannot hold, and on linear light, which video has no code for."""
    if spec.format is PixelFormat.RGBA16F:
        raise StreamError(f"{url}: encoded video holds rgba8 or rgb10a2, not {spec.format.value}")
    if spec.width_px % 2 or spec.height_px % 2 or min(spec.width_px, spec.height_px) < 32:
        raise StreamError(
            f"{url}: {spec.width_px}x{spec.height_px}: encoded video wants an even width and height of 32 or more; "
            "change its size in the show"
        )


class Encoder:
    """Encodes pictures one by one, each giving its access unit before the next is taken. Used by one thread."""

    def __init__(self, url: str, spec: PictureSpec, options: VideoOptions) -> None:
        check_size(url, spec)
        self._url = url
        self._spec = spec
        self._options = options
        self.codec = VideoCodec(options.codec)
        self.ten_bits = self.codec is VideoCodec.HEVC and spec.format is PixelFormat.RGB10A2
        self._planes = self.make_planes()
        self._key_wanted = True
        self._rate, self._encoding = Fraction(60), "srgb"
        self._pts = 0
        self.name = ""
        """The encoder in use, by FFmpeg's name."""
        self._context = self._open()
        self.parameter_sets: list[bytes] = []
        """VPS (HEVC), SPS and PPS as last sent; at first, of a black picture at 60 fps that went nowhere."""
        black = FrameHeader(0, spec.width_px, spec.height_px, spec.format)
        self.encode(np.zeros(spec.format.shape(spec.width_px, spec.height_px), spec.format.dtype), black)
        self._key_wanted = True

    def want_key(self) -> None:
        """Make the next picture one that a receiver can begin with. Any thread may call it."""
        self._key_wanted = True

    def make_planes(self) -> Planes:
        """Planes that ``encode_planes`` takes."""
        return Planes(self._spec, "yuv420p10le" if self.ten_bits else "yuv420p")

    def encode(self, picture: NDArray[np.generic], header: FrameHeader) -> AccessUnit | None:
        """The access unit of a picture; None should the encoder hold it back. Raises StreamError when it fails."""
        self._planes.fill(picture)
        return self.encode_planes(self._planes, header)

    def encode_planes(self, planes: Planes, header: FrameHeader) -> AccessUnit | None:
        """The same of a picture that has been converted."""
        if (header.rate, header.encoding) != (self._rate, self._encoding):
            self._rate, self._encoding = header.rate, header.encoding
            self._context = self._open()
            self._key_wanted = True
        frame = planes.frame
        frame.pts = self._pts
        frame.time_base = 1 / self._rate
        wanted, self._key_wanted = self._key_wanted, False
        frame.pict_type = 1 if wanted else 0
        self._pts += 1
        try:
            packets = self._context.encode(frame)
        except av.FFmpegError as error:
            raise StreamError(f"{self._url}: {self.name} failed ({error.strerror})") from error
        if not packets:
            return None
        nals: list[bytes | memoryview] = [unit for packet in packets for unit in nal.split(bytes(packet))]
        self.parameter_sets = nal.parameter_sets(nals, self.codec) or self.parameter_sets
        key = nal.is_key(nals, self.codec)
        return AccessUnit(nal.with_header(nals, header, self.codec), header, self.codec, key)

    def _open(self) -> VideoCodecContext:
        kind = self._options.encoder
        hardware, software = _HARDWARE[self._options.codec], _SOFTWARE[self._options.codec]
        if kind == "nvenc" and self.ten_bits:
            raise StreamError(f"{self._url}: NVENC is driven with 8 bits here: give encoder=software or 8-bit pictures")
        if kind != "software" and not self.ten_bits:
            try:
                return self._opened(hardware, self._nvenc)
            except (av.FFmpegError, ValueError) as error:
                why = getattr(error, "strerror", None) or str(error)
                if kind == "nvenc":
                    raise StreamError(
                        f"{self._url}: {hardware} does not open here ({why}): give encoder=software"
                    ) from error
                if not self.name:
                    _log.info("%s: %s does not open here (%s); %s encodes", self._url, hardware, why, software)
        try:
            return self._opened(software, self._x264 if self.codec is VideoCodec.H264 else self._x265)
        except (av.FFmpegError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise StreamError(f"{self._url}: {software} does not open ({why})") from error

    def _opened(self, name: str, settings: Callable[[int], dict[str, str]]) -> VideoCodecContext:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height = self._spec.width_px, self._spec.height_px
        context.pix_fmt = self._planes.frame.format.name
        context.framerate, context.time_base = self._rate, 1 / self._rate
        context.gop_size = self._gop
        context.max_b_frames = 0
        context.thread_count = self._options.threads
        tag_colour(context, self._encoding)
        bit_rate = self._options.rate_for(self._spec.width_px, self._spec.height_px, self._rate)
        context.bit_rate = bit_rate
        buffer = int(bit_rate * _VBV_FRAMES / self._rate)
        context.options = {"maxrate": str(bit_rate), "bufsize": str(buffer), **settings(bit_rate)}
        context.open()
        self.name = name
        return context

    @property
    def _gop(self) -> int:
        return max(1, round(self._options.gop_s * float(self._rate)))

    def _x264(self, _: int) -> dict[str, str]:
        rolling = {"intra-refresh": "1"} if self._options.rolling else {"forced-idr": "1"}
        return {"preset": "ultrafast", "tune": "zerolatency", "sc_threshold": "0", **rolling}

    def _x265(self, bit_rate: int) -> dict[str, str]:
        # The wrapper takes maxrate and bufsize from the context; pools bounds the threads.
        parameters = f"log-level=none:repeat-headers=1:open-gop=0:scenecut=0:pools={self._options.threads}"
        del bit_rate
        return {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "x265-params": parameters}

    def _nvenc(self, _: int) -> dict[str, str]:
        return {
            "preset": "p1", "tune": "ull", "rc": "cbr", "zerolatency": "1", "delay": "0", "forced-idr": "1",
            "no-scenecut": "1",
        }  # fmt: skip
