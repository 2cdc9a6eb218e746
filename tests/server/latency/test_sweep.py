"""Variations of a show: what is asked for is what the show then says."""

import tomllib
from pathlib import Path

import pytest

from translight.core.errors import ShowError
from translight.environment.files import load_environment
from translight.server.demo import DemoPlan, demo_show
from translight.server.latency.sweep import parse_sweeps, thinned, variations, varied
from translight.server.show import show_from_text


@pytest.fixture
def text() -> str:
    return demo_show(DemoPlan())


def test_every_combination_is_a_run(text: str) -> None:
    axes = parse_sweeps(["fps=24,60", "load=none,cores"])
    found = list(variations(text, axes))
    assert [settings for settings, _ in found] == [
        {"fps": fps, "load": load} for fps in ("24", "60") for load in ("none", "cores")
    ]
    assert [show_from_text(varied_text, "x").rate for _, varied_text in found] == [24, 24, 60, 60]


def test_without_axes_the_show_stays_as_it_is(text: str) -> None:
    assert list(variations(text, {})) == [({}, text)]


def test_the_inner_picture_takes_the_size(text: str) -> None:
    camera = show_from_text(varied(text, {"resolution": "640x360"}), "x").camera
    assert (camera.width_px, camera.height_px) == (640, 360)


def test_walls_are_copies_beside_each_other_turned_about(text: str) -> None:
    show = show_from_text(varied(text, {"walls": "3"}), "x")
    assert [wall.name for wall in show.canvas.walls] == ["arc", "arc 2", "arc 3"]
    assert [wall.canvas_x_px for wall in show.canvas.walls] == [0, 1920, 3840]
    assert (show.canvas.width_px, show.canvas.height_px) == (3 * 1920, 688)


def test_outputs_are_rings_beside_the_shows_own(text: str) -> None:
    own = [output.url for output in show_from_text(text, "x").outputs]
    assert [output.url for output in show_from_text(varied(text, {"outputs": "3"}), "x").outputs] == [
        *own,
        "shm://latency-bench-1",
        "shm://latency-bench-2",
    ]


@pytest.mark.slow
def test_fewer_splats_are_a_package_that_the_show_names(text: str, tmp_path: Path) -> None:
    found = tomllib.loads(thinned(text, 20_000, Path(), tmp_path))
    assert 15_000 < len(load_environment(found["environment"]["path"]).splats) < 25_000
    assert thinned(text, 10**7, Path(), tmp_path) == text


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        (
            "speed=1",
            "--sweep speed=1: give AXIS=VALUE,VALUE with AXIS one of resolution, splats, fps, walls, outputs, load",
        ),
        ("fps", "--sweep fps: give AXIS=VALUE,VALUE with AXIS one of resolution, splats, fps, walls, outputs, load"),
        ("resolution=720", "--sweep resolution=720: give WIDTHxHEIGHT in pixels"),
        ("splats=many", "--sweep splats=many: give a count of splats"),
        ("walls=0", "--sweep walls=0: give a count from 1 to 16"),
        ("outputs=99", "--sweep outputs=99: give a count from 1 to 16"),
        ("load=heavy", "--sweep load=heavy: load is one of none, interpreter, memory, cores"),
    ],
)
def test_what_is_not_allowed_is_said(sweep: str, message: str) -> None:
    with pytest.raises(ShowError) as caught:
        parse_sweeps([sweep])
    assert str(caught.value) == message


def test_an_axis_is_given_once() -> None:
    with pytest.raises(ShowError, match=r"^--sweep fps=30: fps is given twice$"):
        parse_sweeps(["fps=24", "fps=30"])
