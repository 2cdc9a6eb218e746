"""Motion to photon from films of made-up stages: the known latency comes out, to half a film frame and better."""

import json
from pathlib import Path

import pytest
from tests.server.latency.stage_film import OBJECT, WALL, WALL_HZ, stage_film

from translight import cli
from translight.core.errors import FormatError
from translight.server.latency.film import Region
from translight.server.latency.glass import Glass, GlassPlan, measure_film

HOLD_S = 0.5 / WALL_HZ
"""A wall that holds each picture is, on average, seen half of its time later."""


def _plan(**changes: object) -> GlassPlan:
    return GlassPlan(Region(*OBJECT), Region(*WALL), **changes)


def _error_frames(glass: Glass, latency_s: float, fps: float) -> float:
    assert glass.delay is not None, glass.why_no_delay
    return abs(glass.delay.seconds - latency_s - HOLD_S) * fps


@pytest.mark.slow
@pytest.mark.parametrize(
    ("latency_s", "fps", "readout_s"), [(0.030, 50, 0.0), (0.083, 50, 0.015), (0.210, 25, 0.025), (0.117, 60, -0.012)]
)
def test_the_latency_comes_out(tmp_path: Path, latency_s: float, fps: int, readout_s: float) -> None:
    film = stage_film(tmp_path / "a.mkv", latency_s, fps=fps, readout_s=readout_s)
    glass = measure_film(film, _plan(readout_s=readout_s))
    # a film at the wall's own rate always sees the same moment of the wall's hold, not its middle
    assert _error_frames(glass, latency_s, fps) < (0.5 if fps == WALL_HZ else 0.15)
    assert glass.delay is not None
    assert glass.delay.high_s - glass.delay.low_s < 0.5 / fps
    assert glass.delay.correlation > 0.98


@pytest.mark.slow
def test_a_rolling_shutter_that_is_not_told_is_half_a_frame_off_at_most(tmp_path: Path) -> None:
    film = stage_film(tmp_path / "a.mkv", 0.083, fps=50, readout_s=0.015)
    glass = measure_film(film, _plan())
    assert _error_frames(glass, 0.083, 50) < 0.5


@pytest.mark.slow
def test_strong_noise_and_blur_leave_it_within_half_a_frame(tmp_path: Path) -> None:
    film = stage_film(tmp_path / "a.mkv", 0.083, fps=25, exposure_s=0.035, noise=25, barcode=False)
    glass = measure_film(film, _plan())
    # a long exposure shows both at its middle, so it cancels out
    assert _error_frames(glass, 0.083, 25) < 0.5


@pytest.mark.slow
def test_lamps_are_followed_by_brightness(tmp_path: Path) -> None:
    film = stage_film(tmp_path / "a.mkv", 0.060, lamp=True, barcode=False)
    glass = measure_film(film, _plan(object_signal="brightness", wall_signal="brightness"))
    assert _error_frames(glass, 0.060, 50) < 0.15


@pytest.mark.slow
def test_frame_numbers_say_what_was_shown(tmp_path: Path) -> None:
    film = stage_film(tmp_path / "a.mkv", 0.05, fps=60, seconds=3, exposure_s=0.004)
    glass = measure_film(film, GlassPlan())
    assert glass.delay is None
    assert glass.shown is not None
    assert glass.shown.first >= 1000
    assert glass.shown.last <= 1000 + 180
    assert glass.shown.read > 150
    assert glass.shown.missing < 20
    assert max(glass.shown.held.values()) <= 2


def test_a_film_that_shows_nothing_is_refused(tmp_path: Path) -> None:
    film = stage_film(tmp_path / "a.mkv", 0.05, seconds=1.0, barcode=False, motion=lambda t: 0 * t)
    with pytest.raises(FormatError, match=r"a\.mkv: no barcode is read in it, and no delay: "):
        measure_film(film, _plan())


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not a readable film"), (b"RIFFxxxxAVI rubbish" * 30, "(has no video track|not a readable film)")],
)
def test_what_is_no_film_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.avi").write_bytes(content)
    with pytest.raises(FormatError, match=rf"a\.avi: {message}"):
        measure_film(tmp_path / "a.avi", GlassPlan())


def test_a_region_outside_the_film_is_refused(tmp_path: Path) -> None:
    film = stage_film(tmp_path / "a.mkv", 0.05, seconds=0.2)
    with pytest.raises(FormatError, match=r"^the region 300,0,100,50 does not lie in a film of 320x200$"):
        measure_film(film, GlassPlan(Region(300, 0, 100, 50), Region(*WALL)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--object", "1,2,3"], "--object and --wall: give both, or neither to read burned-in frame numbers alone"),
        (
            ["--object", "1,2,3", "--wall", "1,2,30,40"],
            "--object: a region is x,y,width,height in pixels, got '1,2,3'",
        ),
        (["--object", "1,2,3,4", "--wall", "1,2,30,40"], "--object: a region is at least 4x4 pixels, got '1,2,3,4'"),
        (["--most-ms", "5"], "--most-ms: 20 to 10000, got 5"),
        (["--readout-ms", "500"], "--readout-ms: -100 to 100, got 500"),
    ],
)
def test_wrong_options_are_said(capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    assert cli.main(["bench", "glass", "film.mkv", *options]) == 1
    assert capsys.readouterr().err == f"translight: {message}\n"


@pytest.mark.slow
def test_the_command_prints_it_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = stage_film(tmp_path / "a.mkv", 0.083)
    regions = ["--object", ",".join(map(str, OBJECT)), "--wall", ",".join(map(str, WALL))]
    plot = tmp_path / "a.svg"
    assert cli.main(["bench", "glass", str(film), *regions, "--json", "--plot", str(plot)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["delay_ms"]["seconds"] == pytest.approx(83 + 1e3 * HOLD_S, abs=5)
    assert facts["shown"]["read"] > 100
    assert plot.read_text().count("<polyline") == 2
    assert cli.main(["bench", "glass", str(film), *regions]) == 0
    assert "the wall follows the object by 9" in capsys.readouterr().out
