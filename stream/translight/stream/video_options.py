"""What the URLs of encoded video may say: codec, bit rate, key frames, encoder; nothing heavy is imported."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction

from translight.core.url_options import Options

CODECS = ("h264", "hevc")
ENCODERS = ("auto", "software", "nvenc")
OPTIONS = ("codec", "bitrate", "gop", "refresh", "encoder", "threads")
DEFAULT_THREADS = min(4, os.cpu_count() or 1)
_BIT_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([kM])")
_LOWEST_BPS, _HIGHEST_BPS = 100_000, 1_000_000_000
_BITS_A_PIXEL = 0.16  # 20 Mbit/s at 1080p60


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How pictures are encoded for a stream."""

    codec: str = "h264"
    """h264 or hevc; hevc has 10 bits where the pictures have."""
    bit_rate_bps: int | None = None
    """None: by the picture's size and rate."""
    gop_s: float = 0.5
    """A receiver that joins, or that lost a packet, sees a whole picture after this long."""
    rolling: bool = False
    """Refresh a column of each picture instead of sending key pictures (H.264 by x264 only)."""
    encoder: str = "auto"
    """auto takes NVENC where it opens and software where not; a named one never falls back."""
    threads: int = DEFAULT_THREADS
    """Slices that are encoded beside one another."""

    def rate_for(self, width_px: int, height_px: int, rate: Fraction) -> int:
        """Bits a second for pictures of a size."""
        if self.bit_rate_bps is not None:
            return self.bit_rate_bps
        return max(2_000_000, int(_BITS_A_PIXEL * width_px * height_px * rate))


def read_video_options(options: Options) -> VideoOptions:
    """Take the options of a URL. Raises its error on one that is not allowed."""
    codec = options.one_of("codec", CODECS, "h264")
    refresh = options.one_of("refresh", ("key", "rolling"), "key")
    encoder = options.one_of("encoder", ENCODERS, "auto")
    if refresh == "rolling" and (codec != "h264" or encoder == "nvenc"):
        raise options.wrong("refresh", "rolling only with codec=h264 and without encoder=nvenc")
    return VideoOptions(
        codec=codec,
        bit_rate_bps=read_bit_rate(options),
        gop_s=options.number("gop", 0.5, 0.05, 10),
        rolling=refresh == "rolling",
        encoder="software" if refresh == "rolling" else encoder,
        threads=options.integer("threads", DEFAULT_THREADS, 1, 16),
    )


def read_bit_rate(options: Options) -> int | None:
    """bitrate=20M or 800k, in bits a second; None where it is not given."""
    if not options.given("bitrate"):
        return None
    match = _BIT_RATE.fullmatch(options.text("bitrate"))
    value = float(match[1]) * (1e3 if match[2] == "k" else 1e6) if match else 0.0
    if not _LOWEST_BPS <= value <= _HIGHEST_BPS:
        raise options.wrong("bitrate", "bits a second from 100k to 1000M, like 20M")
    return int(value)
