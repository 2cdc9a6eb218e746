"""``translight receive``: watch a stream, measure it, keep a picture of it."""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from translight.stream.contract import ReceivedFrame, Receiver
    from translight.stream.latency import LatencyLog
    from translight.stream.pixel_numbers import PixelNumbers

_LOOK_S = 0.25


@dataclass(frozen=True)
class Receive:
    """Receive a stream and show its frame rate, drops, and latency by stage."""

    url: Annotated[str, tyro.conf.Positional]
    """shm://NAME, tcp:// or zmq+tcp://HOST:PORT, zmq+ipc://PATH, rtp:// or udp://HOST:PORT, rtsp://HOST:PORT/PATH,
    ndi://NAME or ws://HOST:PORT"""
    png: Path | None = None
    """Write the last picture here, as it will be shown (8 bits; linear light is sRGB-encoded, and cut off at white;
    depth in metres is drawn by the usual curve)."""
    exr: Path | None = None
    """Write the last picture here as it came: the light of rgba16f as half floats, or depth in metres. Other pictures
    hold no light."""
    trace: Path | None = None
    """Write every frame's times here at the end (a NumPy archive), as stream/trace.py has it."""
    seconds: float | None = None
    """Stop after this long; otherwise on Ctrl-C."""
    json: bool = False
    """Print one JSON object as the last line of standard output, and nothing else there."""
    until_ended: bool = False
    """Stop when the sender says that it ended (shm:// and tcp:// only)."""
    wait: float = 10.0
    """Give up when no first frame has come after this many seconds."""

    def run(self) -> int:
        """Watch until the time is over or Ctrl-C; exit status 1 when no frame came."""
        from translight.core.errors import StreamError
        from translight.stream.header import clock_id
        from translight.stream.latency import LatencyLog
        from translight.stream.pixel_numbers import PixelNumbers
        from translight.stream.urls import open_receiver

        _check_suffix("--png", self.png, ".png")
        _check_suffix("--exr", self.exr, ".exr")
        with open_receiver(self.url) as receiver:
            log = LatencyLog(clock_id())
            watch = _Watch(receiver, log, PixelNumbers(), None if self.json else sys.stdout)
            with suppress(KeyboardInterrupt):
                watch.run(self.seconds, self.wait, until_ended=self.until_ended)
            if watch.last is None:
                raise StreamError(f"{self.url}: no frame came within {self.wait:g} s")
            if self.png is not None:
                _write_png(self.png, watch.last)
            if self.exr is not None:
                _write_exr(self.exr, watch.last, self.url)
            if self.trace is not None:
                _write_trace(self.trace, self.url, receiver, watch.last, log)
            report = watch.report()
        if self.json:
            print(json.dumps(report))
        else:
            print(_summary(report))
        return 0


class _Watch:
    """Receives until it is time to stop, and says once a second how it goes."""

    def __init__(self, receiver: Receiver, log: LatencyLog, pixels: PixelNumbers, out: Any) -> None:
        self._receiver = receiver
        self._log = log
        self._pixels = pixels
        self._out = out
        self._first_ns = 0
        self.last: ReceivedFrame | None = None

    def run(self, seconds: float | None, wait_s: float, *, until_ended: bool) -> None:
        begin = time.monotonic()
        second, count = begin, 0
        while True:
            now = time.monotonic()
            if self.last is None and now - begin > wait_s:
                return
            if until_ended and self.last is not None and self._receiver.ended:
                return
            if seconds is not None and self.last is not None and now - begin > seconds:
                return
            if now - second >= 1.0:
                self._line(count / (now - second))
                second, count = now, 0
            frame = self._receiver.receive(_LOOK_S)
            if frame is not None:
                if self.last is None:
                    self._first_ns, begin = frame.done_ns, time.monotonic()
                self.last = frame
                self._log.add(frame)
                self._pixels.add(frame)
                count += 1

    def report(self) -> dict[str, Any]:
        counts = self._receiver.counts
        last = self.last
        assert last is not None
        span_s = (last.done_ns - self._first_ns) / 1e9
        stages = {name: asdict(p) for name, p in self._log.stages().items()}
        return {
            "url": self._receiver.url,
            "width": last.header.width_px,
            "height": last.header.height_px,
            "format": last.header.format.value,
            "carries": last.header.carries,
            "frames_received": counts.received,
            "frames_skipped": counts.skipped,
            "frames_torn": counts.torn,
            "copies_overtaken": counts.overtaken,
            "bad_messages": counts.bad,
            "restarts": counts.restarts,
            "fps": (counts.received - 1) / span_s if span_s > 0 else 0.0,
            "latency_ms": stages.pop("total", None),
            "stages_ms": stages,
            "pixel_numbers": asdict(self._pixels.counts) if self._pixels.counts.read else None,
            "foreign_clock": self._log.foreign > 0,
        }

    def _line(self, fps: float) -> None:
        if self._out is None:
            return
        if self.last is None:
            print(f"waiting for a frame on {self._receiver.url}", file=self._out, flush=True)
            return
        total = self._log.stages().get("total")
        latency = f"{total.p50:.1f}/{total.p95:.1f}/{total.p99:.1f} ms" if total else "no tracked frame yet"
        counts = self._receiver.counts
        print(
            f"{fps:6.1f} fps   latency p50/p95/p99 {latency}   skipped {counts.skipped}   torn {counts.torn}   "
            f"bad {counts.bad}{self._pixels.said}",
            file=self._out,
            flush=True,
        )


def _summary(report: dict[str, Any]) -> str:
    counted = (
        f"{report['frames_received']} frames at {report['fps']:.2f} fps, {report['frames_skipped']} skipped, "
        f"{report['frames_torn']} torn, {report['bad_messages']} bad messages, {report['restarts']} sender restarts"
    )
    what = "" if report["carries"] == "wall" else f" {report['carries']}"
    lines = [f"{report['url']}  {report['width']}x{report['height']} {report['format']}{what}", counted]
    pixels = report["pixel_numbers"]
    if pixels is not None:
        lines.append(
            f"barcode in the pixels: frame {pixels['newest']}; {pixels['read']} read, "
            f"{pixels['mismatched']} unlike the header's number, {pixels['unread']} not read"
        )
    if report["foreign_clock"]:
        lines.append("times are of another machine's clock: no latency")
    stages = dict(report["stages_ms"])
    if report["latency_ms"] is not None:
        stages["datagram → received"] = report["latency_ms"]
    lines.append(f"{'stage':>22}      p50      p95      p99  ms")
    lines += [f"{name:>22} {p['p50']:8.2f} {p['p95']:8.2f} {p['p99']:8.2f}" for name, p in stages.items()]
    return "\n".join(lines)


def _check_suffix(option: str, path: Path | None, suffix: str) -> None:
    from translight.core.errors import ShowError

    if path is not None and path.suffix.lower() != suffix:
        raise ShowError(f"{option} {path}: give a path that ends in {suffix}")


def _write_trace(path: Path, url: str, receiver: Receiver, last: ReceivedFrame, log: LatencyLog) -> None:
    from translight.stream.trace import Trace, save_trace

    header = last.header
    size = (header.width_px, header.height_px, header.format.value)
    save_trace(path, Trace(url, header.rate, *size, receiver.counts, log.rows()))


def _write_png(path: Path, frame: ReceivedFrame) -> None:
    from translight.colour.depth_curve import DepthCurve
    from translight.colour.transfer import srgb_encode
    from translight.core.image import PixelFormat, save_image, to_u8, unpack_rgb10a2

    pixels = frame.pixels
    if frame.header.format is PixelFormat.RGB10A2:
        pixels = (unpack_rgb10a2(pixels) >> 2).astype("uint8")
    elif frame.header.format is PixelFormat.RGBA16F and frame.header.carries == "depth":
        pixels = to_u8(DepthCurve().signal(pixels[..., :3]))
    elif frame.header.format is PixelFormat.RGBA16F:
        pixels = to_u8(srgb_encode(pixels[..., :3].astype("float32")))
    save_image(path, pixels[..., :3])


def _write_exr(path: Path, frame: ReceivedFrame, url: str) -> None:
    import numpy as np

    from translight.colour.depth_curve import FARTHEST_M, DepthCurve
    from translight.colour.output import LARGEST_CODES, unpack
    from translight.core.errors import StreamError
    from translight.core.image import PixelFormat, save_image
    from translight.stream.header import DEPTH_LOG

    header = frame.header
    if header.encoding == DEPTH_LOG:
        signal = unpack(frame.pixels, header.format)[..., 1] / LARGEST_CODES[header.format]
        metres = DepthCurve(header.near_m, header.far_m).depth_m(signal)
        save_image(path, np.minimum(metres, FARTHEST_M).astype(np.float32))
        return
    if header.format is not PixelFormat.RGBA16F:
        raise StreamError(
            f"{url} carries {frame.header.format}, which --exr does not write: give --png, or send rgba16f"
        )
    save_image(path, frame.pixels[..., 0] if header.carries == "depth" else frame.pixels[..., :3])
