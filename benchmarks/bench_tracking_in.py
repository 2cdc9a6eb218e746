"""Tracking in: datagram sent → pose in the shared-memory ring, by protocol and rate; and what each step costs.

The receiver's loop runs in its own process, as in a show; this process sends, and notes when. Both use one clock.
"""

from __future__ import annotations

import gc
import multiprocessing
import socket
import threading
import time
import timeit
import uuid
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from pythonosc.osc_packet import OscPacket

from translight.core import machine
from translight.core.clock import NS_PER_S, now_ns
from translight.server.latency.load import KINDS, loaded
from translight.tracking import freed, opentrackio, opentrackio_packet, osc_build, osc_map, osc_packet
from translight.tracking.angles import camera_pose, pan_tilt_roll
from translight.tracking.datagram import Decoder
from translight.tracking.decoders import FreeDDecoder, OpenTrackIODecoder, OscDecoder
from translight.tracking.filter import MotionFilter
from translight.tracking.motion import Motion
from translight.tracking.opentrackio_packet import Encoding
from translight.tracking.receiver import follow
from translight.tracking.ring import PoseRing
from translight.tracking.sample import LensSample, TrackingSample
from translight.tracking.source import open_source, parse_source

RESULT = Path(__file__).parent / "results" / "tracking_in.md"
URLS = {
    "freed": "freed://127.0.0.1:{}",
    "osc": "osc://127.0.0.1:{}?preset=reality-field",
    "opentrackio": "opentrackio://127.0.0.1:{}",
}
RATES_HZ = (240.0, 1000.0, 2000.0)
LOADED = ("osc", (240.0, 2000.0))
"""Measured once more while another Python process computes and allocates."""


def main(tiny: bool) -> None:
    """Measure, print, and write the tables unless ``tiny``."""
    seconds, repeats = (0.3, 3) if tiny else (20.0, 400)
    cases = [(protocol, rate_hz, "none") for protocol in URLS for rate_hz in (RATES_HZ[1:2] if tiny else RATES_HZ)]
    if not tiny:
        cases += [(LOADED[0], rate_hz, "interpreter") for rate_hz in LOADED[1]]
    rows = []
    for protocol, rate_hz, kind in cases:
        with loaded(kind):
            rows.append((protocol, rate_hz, KINDS[kind], *_latency(protocol, rate_hz, seconds)))
    lines = [
        "# Tracking in",
        "",
        f"{machine.describe()}. {seconds:g} s each, paced; the machine was shared.",
        "",
        "Datagram handed to the sender's socket → left the receiver's socket (received) → filtered and in the ring",
        "(ready), µs p50/p99:",
        "",
        "| protocol | Hz | beside it | received | ready | seen of sent |",
        "|---|---|---|---|---|---|",
    ]
    for protocol, rate_hz, beside, received, ready, seen, sent in rows:
        lines.append(f"| {protocol} | {rate_hz:g} | {beside} | {_pair(received)} | {_pair(ready)} | {seen} of {sent} |")
    lines += ["", "Steps alone, µs, best of many:", "", "| step | µs |", "|---|---|"]
    with PoseRing.create(f"bench-{uuid.uuid4().hex[:12]}") as ring:
        lines += [f"| {name} | {_microseconds(step, repeats):.1f} |" for name, step in _steps(ring)]
    text = "\n".join(lines) + "\n"
    print(text)
    if not tiny:
        RESULT.write_text(text)


def _latency(protocol: str, rate_hz: float, seconds: float) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Microseconds to received and to ready of every sample that was seen, and how many were seen and sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_receive, args=(URLS[protocol].format(port), theirs))
    process.start()
    try:
        assert ours.recv() == "listening"
        sent_ns = _send(protocol, port, rate_hz, int(seconds * rate_hz))
        time.sleep(0.2)
        ours.send("stop")
        seen = ours.recv()
    finally:
        process.join(10.0)
    numbers = np.array([number for number, _, _ in seen])
    times = np.array([(received, ready) for _, received, ready in seen], dtype=np.int64)
    spans = (times - np.array(sent_ns, dtype=np.int64)[numbers][:, None]) / 1e3
    settled = numbers > min(rate_hz, len(sent_ns) / 4)  # not the first second: caches, filter
    return spans[settled, 0], spans[settled, 1], len(seen), len(sent_ns)


def _receive(url: str, pipe: Connection) -> None:
    """The tracking process's loop, with a ring that also notes when each record was in it."""
    seen: list[tuple[int, int, int]] = []

    class Noting(PoseRing):
        def write(self, sample: TrackingSample, motion: Motion) -> None:
            super().write(sample, motion)
            number = round(float(sample.stage_from_camera.position_m[0]) * 1000.0)
            seen.append((number, sample.received_ns, now_ns()))

    stop = threading.Event()
    with Noting.create(f"bench-{uuid.uuid4().hex[:12]}") as ring, closing(open_source(parse_source(url))) as source:
        gc.collect()
        gc.freeze()

        def watch() -> None:
            pipe.recv()
            stop.set()

        watcher = threading.Thread(target=watch)
        pipe.send("listening")
        watcher.start()
        follow(source, ring, stop)
        watcher.join()
    pipe.send(seen)


def _send(protocol: str, port: int, rate_hz: float, count: int) -> list[int]:
    """Datagrams numbered by their x in mm, at absolute deadlines; when each was sent."""
    datagrams = [_datagram(protocol, n) for n in range(count)]
    sent_ns = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        begin_ns = now_ns()
        for n, datagram in enumerate(datagrams):
            left_ns = begin_ns + int(n * NS_PER_S / rate_hz) - now_ns()
            if left_ns > 0:
                time.sleep(left_ns / NS_PER_S)
            sent_ns.append(now_ns())
            sock.sendto(datagram, ("127.0.0.1", port))
    return sent_ns


def _datagram(protocol: str, n: int) -> bytes:
    pose = camera_pose(pan_tilt_roll(0.001 * n, -5.0, 0.0), (n / 1000.0, -4.0, 1.6))
    sample = TrackingSample(pose, 0, n, "A", lens=LensSample(35.0, 4.0, 2.8, None, 100, 200, 300))
    if protocol == "freed":
        return freed.build(freed.from_sample(sample))
    if protocol == "osc":
        return osc_build.build_sample(osc_map.preset("reality-field"), sample)[0]
    payload = opentrackio.build(opentrackio.from_sample(sample, time_ns=n), Encoding.JSON)
    return opentrackio_packet.build(payload, Encoding.JSON, n & 0xFFFF)[0]


def _steps(ring: PoseRing) -> list[tuple[str, Callable[[], Any]]]:
    osc = _datagram("osc", 1)
    full = _datagram("opentrackio", 1)
    sample = FreeDDecoder(freed.PRESETS["generic"]).decode(_datagram("freed", 1), 1)
    motion = Motion.still(sample.stage_from_camera, 1)
    motion_filter = MotionFilter()
    ticks = iter(range(1, 1 << 40))

    def write_and_read() -> None:
        ring.write(sample, motion)
        ring.latest()

    def update() -> None:
        n = next(ticks)
        motion_filter.update(TrackingSample(sample.stage_from_camera, n * 4_166_667, n))

    return [
        ("python-osc: OSC packet to arguments", lambda: OscPacket(osc).messages),
        ("OSC packet to arguments", lambda: osc_packet.parse(osc)),
        ("OSC (reality-field) to sample", _decoding(OscDecoder(osc_map.preset("reality-field")), osc)),
        ("FreeD to sample", _decoding(FreeDDecoder(freed.PRESETS["generic"]), _datagram("freed", 1))),
        (f"OpenTrackIO JSON, {len(full)} bytes, to sample", _decoding(OpenTrackIODecoder(), full)),
        ("filter", update),
        ("ring: write", lambda: ring.write(sample, motion)),
        ("ring: write and read", write_and_read),
        ("ring: read again", ring.latest),
    ]


def _decoding(decoder: Decoder, datagram: bytes) -> Callable[[], Any]:
    seconds = iter(range(1 << 40))
    return lambda: decoder.decode(datagram, next(seconds) * NS_PER_S)


def _microseconds(step: Callable[[], Any], repeats: int) -> float:
    return min(timeit.repeat(step, number=20, repeat=repeats)) / 20 * 1e6


def _pair(values: np.ndarray) -> str:
    p50, p99 = np.percentile(values, (50, 99))
    return f"{p50:.0f}/{p99:.0f}"
