"""``translight bench transports``: every way out measured in one run, beside the floor of one copy in memory."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from translight.commands.bench import say
from translight.commands.render import parse_size
from translight.core.errors import ShowError, TranslightError

if TYPE_CHECKING:
    from translight.server.latency.report import Distribution
    from translight.server.latency.transports import TransportRow

_SIZES = ("1920x1080", "3840x2160")
_FIRST_PORT = 47_600


@dataclass(frozen=True)
class BenchTransports:
    """Measure every way out: latency to the receiver's own buffer, drops, the sender's work, beside one plain copy."""

    urls: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Ways out to measure; every one that can be when none is given: srt:// and file:// have no receiver of ours.
    display:// is a window meanwhile, give display://N for a whole monitor; without a screen its row is left out."""
    size: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """WIDTHxHEIGHT in pixels, again for another; 1920x1080 and 3840x2160 when not given."""
    rate: str = "60"
    """Frames a second."""
    seconds: float = 10.0
    """How long each is measured."""
    frames: int | None = None
    """Instead of seconds: for as long as so many frames take at the rate."""
    format: str = "rgba8"
    """Pixel format of the pictures."""
    json: bool = False
    """Print one JSON object, and nothing else on standard output."""
    table: Path | None = None
    """Write the table here (Markdown)."""
    plot: Path | None = None
    """Write the plot here (SVG)."""

    def run(self) -> int:
        """Measure; a row a way and size. What cannot run here is told and left out; exit status 1 if nothing could."""
        import msgspec

        from translight.core.clock import parse_rate
        from translight.core.files import write_whole
        from translight.core.image import PixelFormat
        from translight.server.latency.transports import Size, is_measurable, measure_floor, measure_transport
        from translight.stream.contract import PictureSpec
        from translight.stream.latency import KEPT
        from translight.stream.urls import parse_url

        if self.format not in [f.value for f in PixelFormat]:
            raise ShowError(f"--format {self.format}: one of {', '.join(f.value for f in PixelFormat)}")
        try:
            rate: Fraction = parse_rate(self.rate)
        except ValueError as error:
            raise ShowError(f"--rate {self.rate}: {error}") from error
        seconds = self.seconds if self.frames is None else float(self.frames / rate)
        asked = f"--seconds {self.seconds:g}" if self.frames is None else f"--frames {self.frames}"
        if not 1 <= seconds <= 86_400:
            raise ShowError(f"{asked} at {rate} a second: 1 to 86400 seconds, got {seconds:g}")
        if seconds * rate > KEPT:
            raise ShowError(f"{asked} at {rate} a second: at most {KEPT:,} frames are kept")
        for url in self.urls:
            if not is_measurable(parse_url(url).transport):
                raise ShowError(f"{url}: has no receiver of ours to measure by")
        sizes = [parse_size(size) for size in self.size or _SIZES]
        floors: dict[str, Distribution] = {}
        rows: list[TransportRow] = []
        with tempfile.TemporaryDirectory(prefix="translight-transports-") as folder:
            for pixels in sizes:
                assert pixels is not None, "a size that is given is one"
                size = Size(PictureSpec(*pixels, PixelFormat(self.format)), rate)
                floors[f"{pixels[0]}x{pixels[1]}"] = measure_floor(size, min(seconds, 5.0))
                for url in self.urls or default_urls(Path(folder), *pixels):
                    try:
                        rows.append(measure_transport(url, size, seconds, say))
                    except TranslightError as error:
                        print(f"translight: {error}", file=sys.stderr)
        if self.json:
            print(msgspec.json.encode({"floor_ms": floors, "rows": rows}).decode())
        else:
            print(table_of(rows, floors))
        if self.table is not None:
            write_whole(self.table, document(rows, floors))
        if self.plot is not None:
            write_whole(self.plot, plot_of(rows, floors))
        return 0 if rows else 1


def default_urls(folder: Path, width_px: int, height_px: int) -> list[str]:
    """One URL a transport that can be measured, on this machine."""
    from translight.server.latency.transports import is_measurable
    from translight.stream.transports import TRANSPORTS

    places = {
        "shm": f"bench-{os.getpid()}",
        "zmq+ipc": str(folder / "z"),
        "ndi": f"bench-{os.getpid()}",
        "display": f"1?window={width_px}x{height_px}",
        "rtsp": f"127.0.0.1:{_FIRST_PORT + 40}/bench",
    }
    return [
        f"{scheme}://{places.get(scheme, f'127.0.0.1:{_FIRST_PORT + 2 * k}')}"
        for k, (scheme, transport) in enumerate(TRANSPORTS.items())
        if is_measurable(transport)
    ]


def table_of(rows: list[TransportRow], floors: dict[str, Distribution]) -> str:
    """The table for a terminal."""
    head = f"{'way':>12} {'size':>10} {'seen p50':>9} {'p99':>7} {'held p50':>9} {'p95':>7} {'p99':>7} {'max':>7}  ms"
    lines = [f"{head} {'cpu ms':>7} {'received':>9} {'skipped':>8} {'dropped':>8} {'torn':>5}"]
    for size, floor in floors.items():
        lines.append(f"{'one copy':>12} {size:>10} {'':>9} {'':>7} {_held(floor)}")
        for row in (row for row in rows if f"{row.width_px}x{row.height_px}" == size):
            seen = row.available_ms
            lines.append(
                f"{_scheme(row):>12} {size:>10} {seen.p50:>9.2f} {seen.p99:>7.2f} {_held(row.received_ms)} "
                f"   {row.cpu_ms:>7.2f} {row.received:>9} {row.skipped:>8} {row.dropped:>8} {row.torn:>5}"
            )
    return "\n".join(lines)


def document(rows: list[TransportRow], floors: dict[str, Distribution]) -> str:
    """The same in Markdown, with the machine."""
    from translight.core.machine import describe

    head = "way|size|seen, p50|p99|held, p50|p95|p99|max|sender's work, ms a frame|received|skipped|dropped|torn"
    lines = [
        "# Ways out",
        "",
        f"{describe()}.",
        "Milliseconds from the picture's last pixel being written at the sender until the receiver, another process,",
        "could look at it (seen) and held it in its own buffer; docs/latency.md says where each way's end lies.",
        "What takes strips (tcp, encoded video) is written over half of the frame's time, as a compositor writes it.",
        "`translight bench transports`.",
        "",
        f"| {' | '.join(head.split('|'))} |",
        "|" + "---|" * len(head.split("|")),
    ]
    for size, floor in floors.items():
        cells = [f"{v:.2f}" for v in (floor.p50, floor.p95, floor.p99, floor.max)]
        lines.append(f"| one copy in memory | {size} | | | {' | '.join(cells)} | | | | | |")
        for row in (row for row in rows if f"{row.width_px}x{row.height_px}" == size):
            seen, held = row.available_ms, row.received_ms
            values = (seen.p50, seen.p99, held.p50, held.p95, held.p99, held.max, row.cpu_ms)
            counts = (row.received, row.skipped, row.dropped, row.torn)
            cells = [*(f"{v:.2f}" for v in values), *(f"{n:,}" for n in counts)]
            lines.append(f"| {_scheme(row)} | {size} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def plot_of(rows: list[TransportRow], floors: dict[str, Distribution]) -> str:
    """Bars: the median, and what the 99th percentile adds to it."""
    from translight.core.chart import bars

    parts: dict[str, dict[str, float]] = {}
    for size, floor in floors.items():
        parts[f"one copy {size}"] = {"p50": floor.p50, "to p99": floor.p99 - floor.p50}
        for row in (row for row in rows if f"{row.width_px}x{row.height_px}" == size):
            held = row.received_ms
            parts[f"{_scheme(row)} {size}"] = {"p50": held.p50, "to p99": held.p99 - held.p50}
    return bars("Picture written to picture held by the receiver", "ms", parts)


def _held(d: Distribution) -> str:
    return f"{d.p50:>9.2f} {d.p95:>7.2f} {d.p99:>7.2f} {d.max:>7.2f}"


def _scheme(row: TransportRow) -> str:
    return row.url.partition("://")[0]
