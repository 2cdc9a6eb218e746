"""What people and logs see of a run."""

import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from translight.reconstruction.run.live import LiveWatch
from translight.reconstruction.run.watch import LINE_EVERY_S, STAGES, Lines, Watch, duration_text, moment_text


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True)
class Told:
    iteration: int = 1200
    iterations: int = 7000
    per_second: float = 52.13
    splats: int = 84210
    psnr_db: float = 22.1
    left_s: float = 102.0


MOMENT = "1,200 of 7,000, 52.1 it/s, 22.10 dB, 84,210 splats, 1:42 left"


def test_a_moment_in_words():
    assert moment_text(Told()) == MOMENT


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1:00"), (3599.7, "1:00:00"),
     (7390, "2:03:10"), (float("nan"), "?"), (float("inf"), "?"), (-1, "?")],
)  # fmt: skip
def test_durations(seconds: float, text: str):
    assert duration_text(seconds) == text


def test_lines_come_every_few_seconds_and_at_each_end():
    clock, written = Clock(), []
    watch: Watch = Lines(written.append, clock)
    watch.begin("poses")
    watch.progress("matching photographs", 0.1)
    clock.now_s += LINE_EVERY_S
    watch.progress("matching photographs", 0.5)
    watch.progress("matching photographs", 0.6)
    clock.now_s += 57
    watch.end("18 of 18 photographs")
    watch.begin("train")
    watch.note("400 px wide")
    watch.preview(Path("w/preview.jpg"))
    watch.preview(Path("w/preview.jpg"))
    for _ in range(10):
        clock.now_s += 1
        watch.moment(Told())
    watch.end("84,210 splats")
    assert written == [
        "poses: matching photographs, 50%",
        "poses: 18 of 18 photographs (1:02)",
        "train: 400 px wide",
        "train: preview in w/preview.jpg",
        f"train: {MOMENT}",
        f"train: {MOMENT}",
        "train: 84,210 splats (10 s)",
    ]


def _drawn(watch: LiveWatch) -> str:
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(watch.drawn())
    return console.file.getvalue()


def test_a_terminal_sees_all_stages():
    clock = Clock()
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with LiveWatch(console, clock) as watch:
        looker: Watch = watch
        looker.begin("capture")
        clock.now_s += 0.4
        looker.end("18 photographs")
        looker.begin("train")
        clock.now_s += 61
        looker.moment(Told())
        looker.note("400 px wide")
        looker.preview(Path("w/preview.jpg"))
        lines = _drawn(watch).splitlines()
    assert [line.split()[1] for line in lines[:5]] == list(STAGES)
    assert lines[0].split() == ["✓", "capture", "0.4", "s", "18", "photographs"]
    assert lines[1].split() == ["·", "poses"]
    assert lines[2].startswith("▸  train     1:01")
    assert lines[2].rstrip().endswith(MOMENT)
    assert "━" in lines[2]
    assert [line.strip() for line in lines[5:]] == ["400 px wide", "preview: w/preview.jpg"]
    assert "✓" in console.file.getvalue()


def test_a_stage_that_fails_is_marked():
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    watch = LiveWatch(console, Clock())

    def interrupted() -> None:
        with watch:
            watch.begin("poses")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _drawn(watch).splitlines()[1].split()[:2] == ["✗", "poses"]
