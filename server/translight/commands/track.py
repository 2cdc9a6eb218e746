"""``translight track``: watch a tracker, simulate one, record takes and play them."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from translight.commands.track_screen import screen

if TYPE_CHECKING:
    from translight.tracking.source import SourceSpec

_LOOK_S = 0.1


@dataclass(frozen=True)
class Monitor:
    """Show what a tracker sends: rate, jitter, pose, lens, and what was wrong with bad datagrams."""

    url: Annotated[str, tyro.conf.Positional]
    """The source, like osc://:9000?preset=reality-field, freed://:40000, opentrackio://239.135.1.1:55555, f4://:8001,
    replay://take.tlt or simulate://crane."""
    seconds: float | None = None
    """Stop after this long; otherwise on Ctrl-C, or at a take's end."""
    json: bool = False
    """Print one JSON object as the last line of standard output, and nothing else there."""

    def run(self) -> int:
        """Watch until the time is over or Ctrl-C; exit status 1 when no sample came."""
        from translight.tracking.source import open_source, parse_source
        from translight.tracking.watch import Watch

        spec = parse_source(self.url)
        watch = Watch()
        with _until_interrupted() as stop, _simulator(spec, stop), closing(open_source(spec)) as source:
            with screen(self.url, quiet=self.json) as show:
                for _ in _until(stop, self.seconds):
                    sample = source.read(_LOOK_S)
                    if sample is not None:
                        watch.add(sample)
                    show(watch.report, source)
                    if getattr(source, "ended", False):
                        break
            report = {"url": self.url, **watch.report(source)}
        if self.json:
            print(json.dumps(report))
        if watch.last is None:
            bad = f"; {report['bad']} bad datagrams, the last: {report['last_fault']}" if report["bad"] else ""
            print(f"translight: {self.url}: no sample came{bad}", file=sys.stderr)
            return 1
        return 0


@dataclass(frozen=True)
class Simulate:
    """Send a simulated camera move as a tracker would, in real datagrams."""

    move: Annotated[str, tyro.conf.Positional]
    """crane, dolly, handheld, orbit, pan, static or whip."""
    to: str = ""
    """HOST:PORT to send to; without it this machine, at the port that simulate:// sources listen on."""
    protocol: Literal["osc", "freed", "opentrackio"] = "osc"
    """What the datagrams speak."""
    preset: str = ""
    """OSC: the product whose messages are sent (reality-field). FreeD: the vendor whose lens values are (generic)."""
    rate: float = 240.0
    """Samples a second."""
    seed: int = 0
    """Of the noise, and of what is random in the move."""
    noise: bool = True
    """Add a good tracker's noise and drift."""
    camera: str = ""
    """Name (OSC) or number (FreeD, OpenTrackIO) of the camera."""
    seconds: float | None = None
    """Stop after this long; otherwise on Ctrl-C."""

    def run(self) -> int:
        """Send until the time is over or Ctrl-C."""
        from translight.core.errors import ShowError
        from translight.tracking.moves import MOVES
        from translight.tracking.simulate import send_move
        from translight.tracking.source import parse_source

        if self.move not in MOVES:
            raise ShowError(f"there is no move {self.move!r}: give one of {', '.join(MOVES)}")
        noise = "yes" if self.noise else "no"
        preset = f"&preset={self.preset}" if self.preset else ""
        url = (
            f"simulate://{self.move}?protocol={self.protocol}&rate={self.rate:g}&seed={self.seed}&noise={noise}{preset}"
        )
        spec = parse_source(url)
        host, port = _host_port(self.to) if self.to else spec.target
        print(f"sending {self.move} by {self.protocol} to {host}:{port} at {self.rate:g} Hz", file=sys.stderr)
        with _until_interrupted() as stop:
            sent = send_move(
                self.move,
                host=host,
                port=port,
                protocol=self.protocol,
                rate_hz=self.rate,
                seed=self.seed,
                noise=self.noise,
                stop=stop,
                seconds=self.seconds,
                camera=self.camera,
                osc=spec.osc,
                freed_preset=spec.freed_preset,
            )
        print(f"{sent} datagrams sent")
        return 0


@dataclass(frozen=True)
class Record:
    """Record a tracker's datagrams into a take, good and bad ones alike, to be played again exactly."""

    url: Annotated[str, tyro.conf.Positional]
    """The source, like freed://:40000 or osc://:9000?preset=vmc."""
    take: Annotated[Path, tyro.conf.Positional]
    """The file to make, like A001.tlt; one that exists is never written over."""
    seconds: float | None = None
    """Stop after this long; otherwise on Ctrl-C."""

    def run(self) -> int:
        """Record until the time is over or Ctrl-C; exit status 1 when nothing came."""
        from translight.core.errors import FormatError, ShowError
        from translight.tracking.source import parse_source
        from translight.tracking.take import TakeWriter
        from translight.tracking.udp import UdpSource
        from translight.tracking.watch import Watch

        spec = parse_source(self.url)
        if spec.scheme == "replay":
            raise ShowError(f"{self.url}: a take is recorded from a tracker; to have another, copy the file")
        watch = Watch()
        with (
            _until_interrupted() as stop,
            UdpSource(spec, tap=lambda datagram, ns, sender: writer.write(datagram, ns, sender)) as source,
            TakeWriter(self.take, self.url) as writer,  # after the source, so that one that cannot open leaves no file
            _simulator(spec, stop),
            screen(self.url, quiet=False) as show,
        ):
            for _ in _until(stop, self.seconds):
                sample = source.read(_LOOK_S)
                if sample is not None:
                    watch.add(sample)
                if writer.failure:
                    break
                show(watch.report, source)
        if writer.failure:
            raise FormatError(f"recording ended after {writer.count} datagrams: {writer.failure}")
        print(f"{self.take}: {writer.count} datagrams, {source.counts.samples} samples, {source.counts.bad} bad")
        return 0 if writer.count else 1


@dataclass(frozen=True)
class Replay:
    """Send a take's datagrams to a UDP port in their own rhythm, or say what is in it."""

    take: Annotated[Path, tyro.conf.Positional]
    """A .tlt take, or a Mo-Sys .f4 file."""
    to: str = ""
    """HOST:PORT to send to; without it the take is read through and described."""
    speed: float = 1.0
    """2 plays twice as fast, 0.5 at half speed."""
    loop: bool = False
    """Begin again at the end, until Ctrl-C."""

    def run(self) -> int:
        """Play or describe the take. Exit status 1 when it is cut off or has no good sample."""
        from translight.core.errors import ShowError
        from translight.tracking import replay
        from translight.tracking.take import Take

        take = Take(self.take)
        if not self.to:
            return _describe(take)
        if not 0.01 <= self.speed <= 100.0:
            raise ShowError(f"--speed {self.speed:g}: give a number from 0.01 to 100")
        target = _host_port(self.to)
        print(f"sending {self.take} to {self.to}", file=sys.stderr)
        with _until_interrupted() as stop:
            sent = replay.send(take, target, speed=self.speed, loop=self.loop, stopped=stop.is_set)
        print(f"{sent} datagrams sent")
        return 0


def _describe(take: Any) -> int:
    from translight.tracking.replay import samples

    count, first_ns, last_ns = 0, 0, 0
    for record in take.records():
        first_ns = record.received_ns if count == 0 else first_ns
        last_ns = max(last_ns, record.received_ns) if count else record.received_ns
        count += 1
    good = sum(1 for _ in samples(take))
    seconds = (last_ns - first_ns) / 1e9
    rate = f", {(count - 1) / seconds:.2f} a second" if seconds > 0 else ""
    started = f", recorded {take.info.started_utc}" if take.info.started_utc else ""
    print(f"{take.path}: {count} datagrams in {seconds:.2f} s{rate}, {good} samples, of {take.info.source}{started}")
    if not take.complete:
        print(f"translight: {take.path} was cut off: it has no end", file=sys.stderr)
    return 0 if take.complete and good else 1


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that Ctrl-C or a termination sets, so that what is open closes in order."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _simulator(spec: SourceSpec, stop: threading.Event) -> Iterator[None]:
    """For a ``simulate://`` source, its sender in a thread; else nothing."""
    if spec.simulation is None:
        yield
        return
    from translight.core.threads import Stages
    from translight.tracking.simulate import send_move

    simulation, (host, port) = spec.simulation, spec.target

    def send(ended: threading.Event) -> None:
        try:
            send_until(ended)
        finally:
            stop.set()

    def send_until(ended: threading.Event) -> None:
        send_move(
            simulation.move,
            host=host,
            port=port,
            protocol=simulation.protocol,
            rate_hz=simulation.rate_hz,
            seed=simulation.seed,
            noise=simulation.noise,
            stop=ended,
            camera=spec.camera,
            osc=spec.osc,
            freed_preset=spec.freed_preset,
        )

    with Stages() as stages:
        stages.start("simulate", send)
        yield


def _until(stop: threading.Event, seconds: float | None) -> Iterator[None]:
    """Again and again until ``stop`` or the time is over."""
    begin = time.monotonic()
    while not stop.is_set() and (seconds is None or time.monotonic() - begin < seconds):
        yield


def _host_port(text: str) -> tuple[str, int]:
    from translight.core.errors import ShowError

    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ShowError(f"--to {text}: give HOST:PORT, like 127.0.0.1:40000")
    return host, int(port)
