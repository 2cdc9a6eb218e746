"""A way out measured by itself: pictures sent at a steady rate to a receiver in a process of its own, or to a window.

``bench transports`` shows a row a way; the floor beside them is one copy of the picture in memory.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray

from translight.core.clock import FrameClock, now_ns
from translight.core.errors import StreamError
from translight.server import children
from translight.server.latency.report import Distribution, distribution
from translight.server.pace import Pace, system_frame_clock
from translight.stream.contract import PictureSpec, ReceiverCounts, Sender, StripSender
from translight.stream.display import DisplaySender
from translight.stream.header import NO_TIME, FrameHeader, FrameTimes, clock_id
from translight.stream.latency import COLUMNS, column, steady
from translight.stream.trace import Trace, load_trace
from translight.stream.transports import Transport
from translight.stream.urls import open_sender, parse_url

WARM_S = 1.0
_COMPOSITING_SHARE = 0.5
"""Of a frame's time: a picture that is written faster than strips can leave would show nothing of what they are for."""
_PICTURES = 3
_CONNECTED_WITHIN_S = 20.0
_RECEIVER_ENDS_WITHIN_S = 15.0
_WINDOW = "display"
_WINDOW_TELLS_WITHIN_S = 0.5
_ASK_EVERY = 1000
"""Frames; a window's sender keeps the newest 4096."""

Says = Callable[[str], None]


class TransportRow(msgspec.Struct, frozen=True):
    """A way out at one size. Times in ms from the picture's last pixel being written at the sender.

    ``skipped`` frames were sent and never received.
    ``received_ms`` until the receiver's own buffer holds it, ``available_ms`` until the receiver could look at it; of a
    window both until the picture is drawn and its swap of buffers done.
    ``cpu_ms`` is the sender's process time a frame, threads and children included, without writing the picture.
    """

    url: str
    width_px: int
    height_px: int
    rate: str
    seconds: float
    sent: int
    received: int
    dropped: int
    skipped: int
    torn: int
    bad: int
    available_ms: Distribution
    received_ms: Distribution
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Size:
    """Pictures to send."""

    spec: PictureSpec
    rate: Fraction


def measure_floor(size: Size, seconds: float) -> Distribution:
    """Copies of one picture, paced like the senders: what no transport into another buffer can be faster than."""
    source = _pictures(size.spec)[0]
    target = np.empty_like(source)
    pace = Pace(system_frame_clock(FrameClock(size.rate)))
    taken = []
    for _ in range(max(1, round(seconds * float(size.rate)))):
        pace.wait()
        began = now_ns()
        np.copyto(target, source)
        taken.append((now_ns() - began) / 1e6)
    return distribution(np.array(taken))


def is_measurable(transport: Transport) -> bool:
    """Whether frames can be timed at the other end: a receiver of ours tells, or a window does itself."""
    return transport.receives or transport.scheme == _WINDOW


def measure_transport(url: str, size: Size, seconds: float, says: Says = lambda _: None) -> TransportRow:
    """Send by ``url`` for ``seconds`` after its receiver has its first frame. Raises StreamError, MissingExtra."""
    if parse_url(url).scheme == _WINDOW:
        return _measure_window(url, size, seconds, says)
    with tempfile.TemporaryDirectory(prefix="translight-transports-") as folder:
        trace_file = Path(folder) / "trace.npz"
        with open_sender(url, size.spec) as sender:
            watch = ["receive", url.replace("*", "127.0.0.1"), "--json", "--trace", str(trace_file)]
            watch += ["--seconds", str(WARM_S + seconds), "--wait", str(_CONNECTED_WITHIN_S)]
            receiver = children.start_command("receiver", watch, stdout=subprocess.DEVNULL)
            try:
                says(f"{url}: sending {size.spec.width_px}x{size.spec.height_px} at {size.rate} a second")
                cpu_ms, sent, dropped = _send(sender, size, lambda: receiver.running, WARM_S + seconds)
                receiver.wait(time.monotonic() + _RECEIVER_ENDS_WITHIN_S)
            finally:
                receiver.kill()
        if not trace_file.exists():
            raise StreamError(f"{url}: no frame came to its receiver")
        return row_of(load_trace(trace_file), size, cpu_ms, sent, dropped)


def _measure_window(url: str, size: Size, seconds: float, says: Says) -> TransportRow:
    """The same of a window, which tells what it showed and when: nothing else could look at its frames."""
    with open_sender(url, size.spec) as sender:
        assert isinstance(sender, DisplaySender)
        says(f"{url}: showing {size.spec.width_px}x{size.spec.height_px} at {size.rate} a second")
        shown_ns: dict[int, int] = {}
        written_ns: list[int] = []
        until = time.monotonic() + WARM_S + seconds

        def showing() -> bool:
            if len(written_ns) % _ASK_EVERY == 0:
                shown_ns.update((p.frame, p.shown_ns) for p in sender.presentations())
            return time.monotonic() < until

        cpu_ms, sent, _ = _send(sender, size, showing, WARM_S + seconds, written_ns.append)
        time.sleep(_WINDOW_TELLS_WITHIN_S)
        shown_ns.update((p.frame, p.shown_ns) for p in sender.presentations())
        dropped = sender.counts().dropped
    return row_of(_shown(url, size, written_ns, shown_ns), size, cpu_ms, sent, dropped)


def _shown(url: str, size: Size, written_ns: list[int], shown_ns: dict[int, int]) -> Trace:
    """What a receiver's trace would be: the frames that were on the screen, in order."""
    spec, numbers = size.spec, sorted(shown_ns)
    rows = np.full((len(numbers), len(COLUMNS)), NO_TIME, np.int64)
    column(rows, "frame")[:] = numbers
    column(rows, "composite_end")[:] = [written_ns[number] for number in numbers]
    column(rows, "available")[:] = column(rows, "done")[:] = [shown_ns[number] for number in numbers]
    counts = ReceiverCounts(received=len(rows))
    return Trace(url, size.rate, spec.width_px, spec.height_px, spec.format.value, counts, rows)


def row_of(trace: Trace, size: Size, cpu_ms: float, sent: int, dropped: int) -> TransportRow:
    """What a trace, after its first second, says."""
    rows = steady(trace.rows, WARM_S)
    if len(rows) < 2:
        raise StreamError(f"{trace.url}: {len(rows)} frames came after {WARM_S:g} s: send for longer")
    written, done = column(rows, "composite_end"), column(rows, "done")
    numbers = column(rows, "frame")
    return TransportRow(
        url=trace.url,
        width_px=trace.width_px,
        height_px=trace.height_px,
        rate=str(size.rate),
        seconds=round(float(done[-1] - done[0]) / 1e9, 3),
        sent=sent,
        received=len(rows),
        dropped=dropped,
        skipped=int(numbers[-1] - numbers[0]) + 1 - len(np.unique(numbers)),
        torn=trace.counts.torn,
        bad=trace.counts.bad,
        available_ms=distribution((column(rows, "available") - written) / 1e6),
        received_ms=distribution((done - written) / 1e6),
        cpu_ms=cpu_ms,
    )


def _send(
    sender: Sender,
    size: Size,
    receiving: Callable[[], bool],
    seconds: float,
    wrote: Callable[[int], None] = lambda _: None,
) -> tuple[float, int, int]:
    """Until the receiver has ended; the process time of a frame in ms, and frames sent and dropped.

    ``wrote`` is told when the last pixel of each was written, in ns.
    """
    spec, clock = size.spec, clock_id()
    pictures = _pictures(spec)
    pace = Pace(system_frame_clock(FrameClock(size.rate)))
    header = FrameHeader(0, spec.width_px, spec.height_px, spec.format, rate=size.rate, clock_id=clock)
    latest = time.monotonic() + _CONNECTED_WITHIN_S + seconds + _RECEIVER_ENDS_WITHIN_S
    before_s, writing_s, frames = _process_s(), 0.0, 0
    while receiving() and time.monotonic() < latest:
        pace.wait()
        room = sender.acquire()
        thread_s = time.thread_time()
        begin_ns = now_ns()
        _write(sender, room, pictures[frames % _PICTURES], float(1 / size.rate))
        times = FrameTimes(render_begin_ns=begin_ns, render_end_ns=begin_ns, composite_end_ns=now_ns())
        wrote(times.composite_end_ns)
        writing_s += time.thread_time() - thread_s
        sender.publish(replace(header, frame=frames, times=times))
        frames += 1
    counts = sender.counts()
    return 1e3 * max(_process_s() - before_s - writing_s, 0.0) / max(frames, 1), counts.sent, counts.dropped


def _write(sender: Sender, room: NDArray[np.generic], picture: NDArray[np.generic], period_s: float) -> None:
    """As a compositor does: strip by strip where the sender takes strips, over a compositor's share of the time."""
    if not isinstance(sender, StripSender):
        np.copyto(room, picture)
        return
    begin, began = 0, time.perf_counter()
    for end in sender.strip_ends:
        np.copyto(room[begin:end], picture[begin:end])
        left_s = began + period_s * _COMPOSITING_SHARE * end / len(room) - time.perf_counter()
        if left_s > 0:
            time.sleep(left_s)
        sender.strip(end)
        begin = end


def _pictures(spec: PictureSpec) -> list[NDArray[np.generic]]:
    """Pictures with detail that moves: gradients, and noise in a quarter of the width."""
    rng = np.random.default_rng(0)
    shape = spec.format.shape(spec.width_px, spec.height_px)
    found = []
    for k in range(_PICTURES):
        y, x = np.mgrid[: spec.height_px, : spec.width_px]
        values = ((x + y + 40 * k) % 256).astype(np.uint8)
        values[:, : spec.width_px // 4] = rng.integers(0, 256, (spec.height_px, spec.width_px // 4), np.uint8)
        picture = np.zeros(shape, spec.format.dtype)
        if picture.ndim == 3:
            picture[...] = (
                values[..., None].astype(np.float32) / 255 if picture.dtype.kind == "f" else values[..., None]
            )
            picture[..., 3] = 1 if picture.dtype.kind == "f" else 255
        else:
            wide = values.astype(np.uint32) << 2
            picture[...] = wide | wide << 10 | wide << 20 | np.uint32(3 << 30)
        found.append(picture)
    return found


def _process_s() -> float:
    """Process time of this process and the sender's own children, not of the receiver."""
    total = time.process_time()
    for child in psutil.Process().children(recursive=True):
        try:
            if "receive" not in child.cmdline():
                total += sum(child.cpu_times()[:2])
        except psutil.Error:
            continue
    return total
