"""A tracker that is not there: a camera move (moves.py) sent as real UDP datagrams in a real protocol."""

from __future__ import annotations

import math
import socket
import time
import typing
from collections.abc import Callable
from fractions import Fraction
from typing import Literal, get_args

import msgspec
import numpy as np

from translight.core.clock import NS_PER_S, now_ns
from translight.core.errors import ShowError, StreamError
from translight.core.pose import Pose
from translight.tracking import freed, opentrackio, opentrackio_packet, osc_build, osc_map
from translight.tracking.moves import SUBJECT_M, TrackerNoise, open_move
from translight.tracking.opentrackio_packet import Encoding
from translight.tracking.osc_map import OscMap
from translight.tracking.sample import LensSample, TrackingSample

Protocol = Literal["osc", "freed", "opentrackio"]


class Stop(typing.Protocol):
    """What ends the sending: a ``threading.Event``, or anything that answers like one."""

    def is_set(self) -> bool:
        """Whether to end."""
        ...


Builder = Callable[[TrackingSample], list[bytes]]
"""A sample's datagrams, in order."""

FOCAL_LENGTH_MM = 35.0
F_NUMBER = 2.8
STATIC_PERIOD_S = 2.0
"""How often OpenTrackIO's static block comes, as its transport recommendations have it."""

_LONGEST_SLEEP_S = 0.05  # so that stop is obeyed within it
_TAI_MINUS_UTC_NS = 37 * NS_PER_S  # since 2017
_STATIC = opentrackio.Static(
    camera=opentrackio.StaticCamera(
        label="Simulated", make="Translight", active_sensor_physical_dimensions=opentrackio.Size(36.0, 20.25)
    ),
    lens=opentrackio.StaticDevice(make="Translight", model="35 mm"),
    tracker=opentrackio.StaticDevice(make="Translight", model="Simulated"),
)


def send_move(
    move: str,
    *,
    host: str,
    port: int,
    protocol: Protocol,
    rate_hz: float,
    seed: int = 0,
    noise: bool = True,
    stop: Stop,
    seconds: float | None = None,
    camera: str = "",
    osc: OscMap | None = None,
    freed_preset: str = "generic",
) -> int:
    """Send ``move`` until ``stop`` is set or ``seconds`` have passed; returns the number of datagrams sent.

    Sample k shows the camera at k / ``rate_hz`` seconds and is sent at that time after the start, by absolute
    deadlines: the rate does not drift, and samples missed while the machine was busy are left out, as a tracker's
    would be. ``camera`` is a name in OSC and a number in FreeD and OpenTrackIO; ``osc`` is the map, Reality Field's
    when None. Raises ValueError on an unknown move, ShowError on an impossible camera or rate, StreamError when the
    network refuses.
    """
    if not 0.0 < rate_hz <= 10_000.0:
        raise ShowError(f"a simulated tracker sends 0 to 10000 samples a second, got {rate_hz}")
    truth, tracker = open_move(move, seed), TrackerNoise(seed)
    lens_units = freed.PRESETS[freed_preset]
    build = _builder(protocol, camera, rate_hz, osc)
    sent = k = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outlet:
        start_ns = now_ns()
        while seconds is None or k < round(seconds * rate_hz):
            due_ns = start_ns + round(k * NS_PER_S / rate_hz)
            if not _sleep_until(due_ns, stop):
                break
            t_s = k / rate_hz
            pose = truth.pose(t_s)
            lens = _lens(pose, lens_units)
            measured = tracker.measure(pose, t_s) if noise else pose
            for datagram in build(TrackingSample(measured, due_ns, k + 1, camera, captured_ns=due_ns, lens=lens)):
                try:
                    outlet.sendto(datagram, (host, port))
                except OSError as error:
                    raise StreamError(f"simulated {protocol} to {host}:{port}: {error.strerror or error}") from error
                sent += 1
            k = max(k + 1, math.ceil((now_ns() - start_ns) * rate_hz / NS_PER_S - 1.0))
    return sent


def _sleep_until(due_ns: int, stop: Stop) -> bool:
    """Whether the time came before ``stop``.

    Sleeps rather than waits on the event, whose lock a signal handler that sets it could find held by itself.
    """
    while not stop.is_set():
        left_s = (due_ns - now_ns()) / NS_PER_S
        if left_s <= 0.0:
            return True
        time.sleep(min(left_s, _LONGEST_SLEEP_S))
    return False


def _builder(protocol: Protocol, camera: str, rate_hz: float, osc: OscMap | None) -> Builder:
    if protocol == "osc":
        messages = osc or osc_map.preset("reality-field")
        return lambda sample: osc_build.build_sample(messages, sample)
    if protocol == "freed":
        number = _number(camera, "a FreeD camera", 0, 255)
        return lambda sample: [freed.build(freed.from_sample(sample, number))]
    if protocol == "opentrackio":
        return _opentrackio_builder(_number(camera, "an OpenTrackIO source number", 1, 200), rate_hz)
    raise ShowError(f"a simulated tracker speaks {', '.join(get_args(Protocol))}, not {protocol!r}")


def _opentrackio_builder(number: int, rate_hz: float) -> Builder:
    rate = Fraction(rate_hz).limit_denominator(1001)
    sample_rate = opentrackio.Rational(rate.numerator, rate.denominator)
    static_every = max(1, round(STATIC_PERIOD_S * rate_hz))
    tai_from_monotonic_ns = time.time_ns() + _TAI_MINUS_UTC_NS - now_ns()
    until_static = 0

    def build(sample: TrackingSample) -> list[bytes]:
        nonlocal until_static
        static = _STATIC if until_static <= 0 else None
        until_static = static_every - 1 if static else until_static - 1
        told = opentrackio.from_sample(
            sample,
            source_number=number,
            time_ns=None if sample.captured_ns is None else sample.captured_ns + tai_from_monotonic_ns,
            static=static,
        )
        assert told.timing is not None
        timing = msgspec.structs.replace(told.timing, mode="internal", sample_rate=sample_rate)
        payload = opentrackio.build(msgspec.structs.replace(told, timing=timing), Encoding.JSON)
        return opentrackio_packet.build(payload, Encoding.JSON, sample.sequence & 0xFFFF)

    return build


def _lens(pose: Pose, units: freed.Preset) -> LensSample:
    """A prime lens whose focus puller keeps the subject sharp."""
    distance_m = float(np.linalg.norm(pose.position_m - np.array(SUBJECT_M)))
    if units.units == "millimetres":
        zoom, focus = round(FOCAL_LENGTH_MM * 100.0), round(distance_m * 10_000.0)
    else:
        zoom = _travel(units.zoom, 0.4)
        focus = _travel(units.focus, 1.0 - 1.0 / max(distance_m, 1.0))
    return LensSample(FOCAL_LENGTH_MM, distance_m, F_NUMBER, zoom_raw=zoom, focus_raw=focus)


def _travel(ends: tuple[int, int], fraction: float) -> int:
    return round(ends[0] + (ends[1] - ends[0]) * fraction)


def _number(camera: str, what: str, low: int, high: int) -> int:
    if not camera:
        return 1
    if not camera.isascii() or not camera.isdigit() or not low <= int(camera) <= high:
        raise ShowError(f"{what} is a number from {low} to {high}, got {camera!r}")
    return int(camera)
