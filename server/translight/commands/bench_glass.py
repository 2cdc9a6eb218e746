"""``translight bench glass``: motion to photon from a film of the wall and a moving object beside it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from translight.core.errors import FormatError, ShowError

if TYPE_CHECKING:
    from translight.server.latency.film import Region
    from translight.server.latency.glass import Glass


@dataclass(frozen=True)
class BenchGlass:
    """Measure a stage by a film of it: how far the wall follows behind the object that it is tracked by."""

    video: Annotated[Path, tyro.conf.Positional]
    """The film: the tracked object moving beside the wall, in one picture with what follows it there."""
    object: str | None = None
    """Region of the moving object: x,y,width,height in pixels of the film."""
    wall: str | None = None
    """Region of what follows it on the wall."""
    object_signal: Literal["position", "brightness", "shift"] = "position"
    """What changes there: where something is, how bright it is (a lamp), or how far all of it moved."""
    wall_signal: Literal["position", "brightness", "shift"] = "position"
    """The same of the wall's region; shift suits a picture that moves as a whole."""
    readout_ms: float = 0.0
    """How long the camera takes from its first row to its last (rolling shutter), negative when it reads upwards."""
    most_ms: float = 500.0
    """The largest delay that is looked for."""
    json: bool = False
    """Print one JSON object."""
    plot: Path | None = None
    """Write both signals over time here (SVG)."""

    def run(self) -> int:
        """Read the film; exit status 0 when it told anything."""
        from translight.server.latency.glass import GlassPlan, measure_film, words

        if (self.object is None) != (self.wall is None):
            raise ShowError("--object and --wall: give both, or neither to read burned-in frame numbers alone")
        if not 20 <= self.most_ms <= 10_000:
            raise ShowError(f"--most-ms: 20 to 10000, got {self.most_ms:g}")
        if not -100 <= self.readout_ms <= 100:
            raise ShowError(f"--readout-ms: -100 to 100, got {self.readout_ms:g}")
        plan = GlassPlan(
            _region("--object", self.object),
            _region("--wall", self.wall),
            self.object_signal,
            self.wall_signal,
            self.readout_ms / 1e3,
            self.most_ms / 1e3,
        )
        glass = measure_film(self.video, plan, _told)
        if self.plot is not None:
            _write_plot(self.plot, glass)
        if self.json:
            print(json.dumps(_facts(glass)))
        else:
            print("\n".join(words(glass, plan.readout_s)))
        return 0


def _region(option: str, text: str | None) -> Region | None:
    from translight.server.latency.film import Region

    if text is None:
        return None
    try:
        return Region.parse(text)
    except ValueError as error:
        raise ShowError(f"{option}: {error}") from error


def _facts(glass: Glass) -> dict[str, object]:
    shown = glass.shown
    return {
        "pictures": glass.pictures,
        "film_fps": glass.film_fps,
        "delay_ms": None if glass.delay is None else {k: _ms(k, v) for k, v in asdict(glass.delay).items()},
        "why_no_delay": glass.why_no_delay,
        "shown": None
        if shown is None
        else {
            "first": shown.first,
            "last": shown.last,
            "read": shown.read,
            "missing": shown.missing,
            "held": shown.held,
        },
    }


def _ms(name: str, value: float) -> float:
    return value if name == "correlation" else 1e3 * value


def _write_plot(path: Path, glass: Glass) -> None:
    import numpy as np

    from translight.core.chart import curves
    from translight.core.files import write_whole

    lines = {}
    for name, values in (("object", glass.object_values), ("wall", glass.wall_values)):
        known = np.isfinite(values)
        if known.any() and np.ptp(values[known]) > 0:
            level = (values[known] - values[known].min()) / np.ptp(values[known])
            lines[name] = (glass.times_s[known].tolist(), level.tolist())
    if not lines:
        raise FormatError(f"{path}: there is no signal to plot: {glass.why_no_delay}")
    write_whole(path, curves("The object and the wall, each from its least to its most", "s", "", lines))


def _told(count: int) -> None:
    if sys.stderr.isatty() and count % 25 == 0:
        print(f"\r{count} pictures read", end="", file=sys.stderr, flush=True)
