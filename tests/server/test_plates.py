"""Plates on the wall, through a whole pipeline: which frame stands there, at which frame number, inside and outside."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.environment.plates import environment_of, plate_of

from translight.colour.transfer import srgb_encode
from translight.core.pose import Pose
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.server.governor import LADDER, Quality
from translight.server.pipeline import NO_MIX, Pipeline
from translight.server.places import Mix
from translight.server.show import show_from_text
from translight.stream.contract import Receiver
from translight.stream.header import FrameTimes
from translight.stream.urls import open_receiver

SHOW = """\
rate = "{rate}"
outputs = ["shm://{name}"]
[environment]
path = "{path}"
[tracking]
source = "freed://:40000"
[camera]
pixels = [64, 36]
[volume]
eye_m = [0, 0, 1.5]
[[walls]]
name = "back"
kind = "arc"
centre_m = [0, 0]
radius_m = 3
arc_deg = 120
height_m = 3
pixels = [200, 60]
"""
CUE = """
[[cues]]
name = "other"
at_s = 1
dissolve_s = 2
environment = {{ path = "{path}" }}
"""
LEVELS = [0.02, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9]
"""Of the frames of a plate: greys."""
ALL_ROUND = (8, 16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rate in (("ntsc", Fraction(24000, 1001)), ("film", Fraction(24)), ("slow", Fraction(10))):
        save_environment(environment_of(plate_of(LEVELS, size=ALL_ROUND, rate=rate)), tmp_path / f"{name}.tlenv")
    save_environment(environment_of(), tmp_path / "still.tlenv")
    return tmp_path


@contextmanager
def played(folder: Path, path: str, rate: str = "60", more: str = "") -> Iterator[tuple[Pipeline, Receiver]]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    show = show_from_text(SHOW.format(rate=rate, name=name, path=path) + more, "show.toml")
    with Pipeline(show, folder, lambda _: None) as pipeline, open_receiver(f"shm://{name}") as receiver:
        yield pipeline, receiver


def wall(
    pipeline: Pipeline, receiver: Receiver, number: int, *, mix: Mix = NO_MIX, quality: Quality = LADDER[0]
) -> np.ndarray:
    pose = Pose.from_wxyz((0.7071, -0.7071, 0, 0), (0, 0, 1.5))
    camera = pipeline.show.camera.camera(None)
    pipeline.frame(pose, camera, number, times=FrameTimes(), pose_sequence=3, flags=0, mix=mix, quality=quality)
    frame = receiver.receive(5.0)
    assert frame is not None
    assert frame.header.frame == number
    return np.array(frame.pixels[..., :3], int)


def code(grey: float) -> float:
    return float(255 * srgb_encode(np.float32(np.float16(grey))))


def level_of(pixels: np.ndarray) -> int:
    """Which of the levels fills all of the wall but the splat, within rounding and dither."""
    for number, grey in enumerate(LEVELS):
        near = np.abs(pixels - code(grey)).max(axis=-1) <= 1.01
        if near.mean() > 0.75:
            assert near[0].all()
            assert near[:, [0, -1]].all(), "outside the inner frustum"
            return number
    raise AssertionError("the wall shows no frame of the plate, or several")


@pytest.mark.parametrize(
    ("path", "rate", "own"),
    [("ntsc", "60", Fraction(24000, 1001)), ("film", "59.94", Fraction(24)), ("slow", "24", Fraction(10))],
)
def test_the_wall_shows_the_frame_that_the_frame_number_says(folder: Path, path: str, rate: str, own: Fraction) -> None:
    walls_rate = {"59.94": Fraction(60000, 1001)}.get(rate) or Fraction(rate)
    now = int(1_800_000_000 * walls_rate)
    with played(folder, f"{path}.tlenv", rate) as (pipeline, receiver):
        # on, a jump of the clock, and one back
        for number in (*range(7), now, now + 1, now + 2, now + 1001, now - 5, 3):
            expected = int((number / walls_rate * own) // 1) % len(LEVELS)
            assert level_of(wall(pipeline, receiver, number)) == expected
        assert pipeline.outer_renders == 1, "the splats of the outer picture are drawn once"


def test_two_machines_show_the_same(folder: Path) -> None:
    with played(folder, "ntsc.tlenv") as one, played(folder, "ntsc.tlenv") as other:
        wall(*other, 77_000_000_123)  # which has shown something else before
        for number in (108_000_000_000, 108_000_000_003):
            np.testing.assert_array_equal(wall(*one, number), wall(*other, number))


def test_splats_stay_before_a_plate(folder: Path) -> None:
    """The splat is white at 0.9; behind it a tenth of the plate is seen."""
    with played(folder, "film.tlenv") as (pipeline, receiver):
        dark, light = wall(pipeline, receiver, 0), wall(pipeline, receiver, 15)
    middle = dark[:, 90:110].max(axis=(0, 1))
    assert middle.min() > 120
    risen = (light - dark)[..., 0]
    expected = code(LEVELS[6]) - code(LEVELS[0])
    assert risen[0, 0] == pytest.approx(expected, abs=2)
    place = np.unravel_index(np.argmax(dark[..., 0]), risen.shape)
    assert risen[place] == pytest.approx(0.1 * expected, abs=3)


def test_a_cue_dissolves_from_a_plate_into_another_environment_and_back(folder: Path) -> None:
    with played(folder, "film.tlenv", more=CUE.format(path="slow.tlenv")) as (pipeline, receiver):
        number = 60 * 7 + 20  # frame 8 of 24 and 3 of 10 mod 7: 1 and 3
        film, slow = pipeline.skies[0], pipeline.skies[1]
        assert film is not None
        assert slow is not None
        numbers = [sky.plates[0].frame_at(number, Fraction(60)) for sky in (film, slow)]
        first, second = (code(LEVELS[k]) for k in numbers)
        mixed = wall(pipeline, receiver, number, mix=Mix(0, 1, 0.25))
        assert abs(mixed[0, 0] - (0.75 * first + 0.25 * second)).max() <= 1.5
        assert abs(mixed[0, 100] - (0.75 * first + 0.25 * second)).max() <= 1.5
        assert level_of(wall(pipeline, receiver, number, mix=Mix(1, 1))) == numbers[1]
        assert level_of(wall(pipeline, receiver, number)) == numbers[0]


@pytest.mark.parametrize("way", ["from", "into"])
def test_a_cue_between_a_plate_and_a_sky_that_stands_still(folder: Path, way: str) -> None:
    paths = ("film.tlenv", "still.tlenv") if way == "from" else ("still.tlenv", "film.tlenv")
    with played(folder, paths[0], more=CUE.format(path=paths[1])) as (pipeline, receiver):
        ends = [wall(pipeline, receiver, 40, mix=Mix(k, k)) for k in (0, 1)]
        mixed = wall(pipeline, receiver, 40, mix=Mix(0, 1, 0.5))
        assert np.abs(mixed - (ends[0] + ends[1]) / 2).max() <= 1.6
        assert {level_of(ends[0 if way == "from" else 1])} == {2}


def test_relit_alone_a_plate_is_relit_too(folder: Path) -> None:
    more = CUE.replace("}}", ", tint = [0.5, 0.5, 0.5] }}").format(path="film.tlenv")
    with played(folder, "film.tlenv", more=more) as (pipeline, receiver):
        assert pipeline.skies[0] is pipeline.skies[1], "one film in memory"
        relit = wall(pipeline, receiver, 5, mix=Mix(1, 1))
        assert np.abs(relit[0] - code(LEVELS[2] / 2)).max() <= 1.6
        half = wall(pipeline, receiver, 5, mix=Mix(0, 1, 0.5))
        expected = (code(LEVELS[2]) + code(LEVELS[2] / 2)) / 2
        assert np.abs(half[0, 0] - expected).max() <= 1.6
        assert np.abs(half[:3, 100] - expected).max() <= 1.6


def test_where_there_is_no_time_the_outer_picture_follows_less_often(folder: Path) -> None:
    with played(folder, "film.tlenv", rate="24") as (pipeline, receiver):
        coarse = Quality(outer_every=4)
        wall(pipeline, receiver, 0, quality=coarse)
        shown = [wall(pipeline, receiver, number, quality=coarse)[0, 0, 0] for number in range(1, 6)]
        levels = [int(np.argmin([abs(code(grey) - value) for grey in LEVELS])) for value in shown]
        assert levels == [0, 0, 0, 4, 4]


def test_a_plate_in_a_part_of_the_sky_leaves_the_rest_of_the_wall(folder: Path) -> None:
    sky = np.full((64, 128, 3), 0.3, np.float32)
    plate = plate_of(LEVELS, size=(10, 12), at=(64, 22), cover=1.0)
    save_environment(environment_of(plate, sky=sky), folder / "part.tlenv")
    with played(folder, "part.tlenv") as (pipeline, receiver):
        dark, light = wall(pipeline, receiver, 0), wall(pipeline, receiver, 15)
    changed = np.abs(light - dark).max(axis=-1) > 2
    assert 0.02 < changed.mean() < 0.2
    columns = np.flatnonzero(changed.any(axis=0))
    # 12 columns of 128 to the right of the middle: 0 to 33.75°, of a wall that spans 120° in 200 pixels
    assert 97 <= columns.min() <= 101
    assert 154 <= columns.max() <= 160
    np.testing.assert_array_equal(dark[:, :90], light[:, :90])


def test_a_still_environment_has_no_moving_sky(folder: Path) -> None:
    with played(folder, "still.tlenv") as (pipeline, receiver):
        assert pipeline.skies == [None]
        np.testing.assert_array_equal(wall(pipeline, receiver, 0), wall(pipeline, receiver, 15))


def test_layers_bring_the_sky_that_counts(folder: Path) -> None:
    layer = '[[environment.layers]]\npath = "film.tlenv"\n'
    text = SHOW.replace("[tracking]", layer + "[tracking]")
    from translight.splats.files import save

    environment: Environment = environment_of()
    save(folder / "bare.ply", environment.splats)
    name = f"test-{uuid.uuid4().hex[:12]}"
    show = show_from_text(text.format(rate="60", name=name, path="bare.ply"), "show.toml")
    with Pipeline(show, folder, lambda _: None) as pipeline, open_receiver(f"shm://{name}") as receiver:
        assert level_of(wall(pipeline, receiver, 15)) == 6
