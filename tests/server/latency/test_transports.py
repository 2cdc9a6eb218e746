"""Ways out measured: real senders and receivers, and what a trace says where the truth is known."""

import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.stream.xvfb import xvfb

from translight import cli
from translight.commands.bench_transports import default_urls
from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.server.latency import transports
from translight.server.latency.transports import Size, measure_floor, row_of
from translight.stream.contract import PictureSpec, ReceiverCounts
from translight.stream.latency import COLUMNS
from translight.stream.trace import Trace
from translight.stream.transports import TRANSPORTS
from translight.stream.urls import parse_url

MS = 1_000_000
SIZE = Size(PictureSpec(64, 36), Fraction(50))


def _trace(numbers: list[int], seen_ms: float, held_ms: float) -> Trace:
    rows = np.full((len(numbers), len(COLUMNS)), -1, np.int64)
    written = 7_000 * MS + np.array(numbers) * 20 * MS
    rows[:, COLUMNS.index("frame")] = numbers
    rows[:, COLUMNS.index("composite_end")] = written
    rows[:, COLUMNS.index("available")] = written + round(seen_ms * MS)
    rows[:, COLUMNS.index("done")] = written + round(held_ms * MS)
    return Trace("shm://x", Fraction(50), 64, 36, "rgba8", ReceiverCounts(torn=2, bad=1), rows)


def test_a_row_says_what_the_trace_does() -> None:
    numbers = [k for k in range(200) if k not in (150, 151)]
    row = row_of(_trace(numbers, 0.5, 2.0), SIZE, 0.25, 200, 3)
    assert (row.received, row.skipped, row.dropped, row.torn, row.bad, row.sent) == (148, 2, 3, 2, 1, 200)
    assert row.available_ms.p50 == pytest.approx(0.5, rel=2e-3)
    assert row.received_ms.p99 == pytest.approx(2.0, rel=2e-3)
    assert row.cpu_ms == 0.25


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(StreamError, match=r"^shm://x: 0 frames came after 1 s: send for longer$"):
        row_of(_trace(list(range(40)), 1, 1), SIZE, 0.0, 40, 0)
    with pytest.raises(StreamError, match=r"^shm://x: 0 frames"):
        row_of(_trace([], 1, 1), SIZE, 0.0, 40, 0)


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_the_floor_is_of_a_picture_of_any_format(pixel_format: PixelFormat) -> None:
    floor = measure_floor(Size(PictureSpec(64, 36, pixel_format), Fraction(100)), 0.1)
    assert floor.count == 10
    assert 0 < floor.p50 < 100


@pytest.mark.slow
def test_every_way_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    urls = [f"shm://bench-test-{os.getpid()}", f"zmq+ipc://{tmp_path / 'z'}", "tcp://127.0.0.1:47581"]
    table, plot = tmp_path / "t.md", tmp_path / "t.svg"
    options = ["--size", "64x36", "--seconds", "1.5", "--rate", "30", "--table", str(table), "--plot", str(plot)]
    assert cli.main(["bench", "transports", *urls, *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["url"] for row in found["rows"]] == urls
    for row in found["rows"]:
        assert row["received"] > 20
        assert row["torn"] == row["bad"] == 0
        assert 0 < row["received_ms"]["p50"] < 1000
    assert found["floor_ms"]["64x36"]["count"] == 45
    assert [line.split(" | ")[0] for line in table.read_text().splitlines()[-3:]] == ["| shm", "| zmq+ipc", "| tcp"]
    assert plot.read_text().startswith("<svg")


@pytest.mark.slow
def test_a_window_is_a_row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("glfw", reason="glfw is not installed")
    monkeypatch.setattr(transports, "_ASK_EVERY", 10)
    with xvfb() as display:
        monkeypatch.setenv("DISPLAY", display)
        options = ["display://1?window=64x36", "--size", "64x36", "--seconds", "1", "--rate", "30", "--json"]
        assert cli.main(["bench", "transports", *options]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["received"] > 10
    assert row["received"] + row["skipped"] <= 31
    assert row["available_ms"] == row["received_ms"]
    assert 0 < row["received_ms"]["p50"] < 1000


def test_what_a_window_showed_is_matched_with_what_was_written() -> None:
    written = [100 * k * MS for k in range(50)]
    trace = transports._shown("display://1", SIZE, written, {k: written[k] + 3 * MS for k in (30, 4, 5, 31, 33)})
    assert trace.rows[:, COLUMNS.index("frame")].tolist() == [4, 5, 30, 31, 33]
    row = row_of(trace, SIZE, 0.0, 50, 2)
    assert (row.received, row.skipped) == (3, 1)
    assert row.received_ms.max == pytest.approx(3, rel=2e-3)


def test_without_a_screen_one_line_says_so_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("glfw", reason="glfw is not installed")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert cli.main(["bench", "transports", "display://1", "--size", "64x36", "--seconds", "1", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["rows"] == []
    assert err.splitlines()[-1].startswith("translight: display://1: no screen: ")


def test_every_way_that_can_be_measured_is(tmp_path: Path) -> None:
    urls = default_urls(tmp_path, 64, 36)
    schemes = [parse_url(url).scheme for url in urls]
    assert sorted({*TRANSPORTS} - {*schemes}) == ["file", "srt", "webrtc"]
    assert urls[schemes.index("display")] == "display://1?window=64x36"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["srt://h:1"], "srt://h:1: has no receiver of ours to measure by"),
        (["pigeon://1"], "'pigeon://1': there is no transport 'pigeon': give "),
        (["--format", "rgb8"], "--format rgb8: one of rgba8, rgb10a2, rgba16f"),
        (["--seconds", "0"], "--seconds 0 at 60 a second: 1 to 86400 seconds, got 0"),
        (["--frames", "30"], "--frames 30 at 60 a second: 1 to 86400 seconds, got 0.5"),
        (["--seconds", "4000"], "--seconds 4000 at 60 a second: at most 200,000 frames are kept"),
        (["--rate", "fast"], "--rate fast: a frame rate is like 24, 23.976 or 24000/1001, got 'fast'"),
    ],
)
def test_wrong_options_are_said(capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert cli.main(["bench", "transports", *options]) == 1
    assert capsys.readouterr().err.startswith(f"translight: {message}")
