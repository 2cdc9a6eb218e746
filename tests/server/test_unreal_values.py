"""The values that Unreal follows, from a show file that changes and a show that runs."""

import os
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import ShowError
from translight.core.shared_memory import names
from translight.server.board import Board
from translight.server.places import EnvironmentPlace
from translight.server.show import show_from_text
from translight.server.status import LiveStatus
from translight.server.unreal_values import NAMES, ShowValues, running_show, sky_of, values_of
from translight.ue_bridge.sun import Sun

SHOW = """\
name = "dusk"
rate = "24"
[environment]
position_m = [1.0, 2.0, 0.5]
heading_deg = 30.0
scale = 2.0
tint = [1.0, 0.5, 0.5]
[[cues]]
name = "night"
at_s = 10
environment = {{ position_m = [0.0, 7.0, 0.0] }}
[tracking]
source = "freed://:40000"
[camera]
pixels = [1920, 1080]
focal_length_mm = {focal}
[[walls]]
name = "back"
kind = "plane"
centre_m = [0, 1, 1.5]
width_m = 6
height_m = 3
pixels = [600, 300]
[colour]
exposure_stops = -1.5
"""
SUN = Sun(np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.8, 0.6]), 5.0)


def test_every_value():
    show = show_from_text(SHOW.format(focal=50), "s")
    found = values_of(show, show.environment, SUN, LiveStatus(phase="running", cue="night"))
    assert set(found) == set(NAMES)
    assert found["environment.location"] == {"X": 200.0, "Y": 100.0, "Z": 50.0}
    assert found["environment.rotation"] == {"Pitch": 0.0, "Yaw": -30.0, "Roll": 0.0}
    assert found["environment.scale"] == {"X": 2.0, "Y": 2.0, "Z": 2.0}
    assert found["camera.filmback"] == {"SensorWidth": 36.0, "SensorHeight": 20.25}
    assert found["camera.focal_length_mm"] == 50.0
    assert found["colour.exposure_stops"] == -1.5
    assert (found["show.running"], found["show.cue"], found["show.name"]) == (True, "night", "dusk")
    # the sun lies ahead, so it shines back along Unreal's −X; the tint halves its green and blue
    assert found["environment.sun.rotation"] == {"Pitch": 0.0, "Yaw": 180.0, "Roll": 0.0}
    assert found["environment.sun.colour"] == {"R": 1.0, "G": 0.4, "B": 0.3, "A": 1.0}
    assert found["environment.sun.illuminance"] == 5.0


def test_without_a_sun_its_values_are_not_there():
    show = show_from_text(SHOW.format(focal=50), "s")
    assert not [name for name in values_of(show, show.environment, None, None) if "sun" in name]


def test_the_show_file_is_read_again_and_a_mistake_in_it_changes_nothing(tmp_path: Path):
    path = tmp_path / "show.toml"
    path.write_text(SHOW.format(focal=50))
    values = ShowValues(path, with_sun=False)
    assert values()["camera.focal_length_mm"] == 50.0
    for text, focal, fault in (
        (SHOW.format(focal=85), 85.0, ""),
        (SHOW.format(focal=-1), 85.0, f"{path}: camera.focal_length_mm is -1, give a number from 1 to 2000 mm"),
        (SHOW.format(focal=24), 24.0, ""),
    ):
        stamp = path.stat().st_mtime_ns
        path.write_text(text)
        os.utime(path, ns=(stamp + 10**9, stamp + 10**9))
        assert values()["camera.focal_length_mm"] == focal
        assert values.fault == fault


def test_a_running_show_says_its_cue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def ours(prefix: str) -> list[str]:
        """Without the shows of others on this machine."""
        return [name for name in names(prefix) if name.startswith(f"show-{os.getpid()}-")]

    monkeypatch.setattr("translight.server.unreal_values.names", ours)
    assert running_show() is None
    path = tmp_path / "show.toml"
    path.write_text(SHOW.format(focal=50))
    values = ShowValues(path, with_sun=False)
    assert values()["show.running"] is False
    with Board.create(f"show-{os.getpid()}-live", LiveStatus) as board:
        board.write(LiveStatus(phase="running", cue="night"))
        found = values()
    assert (found["show.running"], found["show.cue"]) == (True, "night")
    assert found["environment.location"] == {"X": 700.0, "Y": 0.0, "Z": 0.0}
    assert values()["environment.location"] == {"X": 200.0, "Y": 100.0, "Z": 50.0}


def test_an_environment_that_is_not_there(tmp_path: Path):
    with pytest.raises(ShowError) as caught:
        sky_of(tmp_path, EnvironmentPlace("dusk.tlenv"))
    assert str(caught.value) == f"environment.path: there is no {tmp_path / 'dusk.tlenv'}"
    (tmp_path / "bare.ply").write_bytes(b"ply\n")
    assert sky_of(tmp_path, EnvironmentPlace("bare.ply")) is None
