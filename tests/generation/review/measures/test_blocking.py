"""A block-out's own distances, then off by known factors."""

import msgspec
import numpy as np
import pytest
from tests.generation.candidates import EYE

from translight.generation.brief.brief import Block, Brief, Place
from translight.generation.brief.control import surfaces
from translight.generation.candidate import View
from translight.generation.review.measures.blocking import agreement, blocking

BRIEF = Brief(
    name="b",
    intent="x",
    blocking=(
        Block(name="house", kind="wall", size_m=(6.0, 4.0, 5.0), position_m=(2.0, 12.0)),
        Block(name="shed", kind="wall", size_m=(3.0, 3.0, 3.0), position_m=(-8.0, 3.0)),
        Block(name="mia"),
    ),
)


def view(change=lambda d: d):
    distance, _ = surfaces(BRIEF.blocking[:2], 1.7, 500.0, 128)
    return View(np.ones((128, 256, 3), np.float32), None, EYE, change(distance).astype(np.float32))


@pytest.mark.parametrize(
    ("factor", "met", "verdict"), [(1.0, 1.0, "good"), (1.08, 1.0, "good"), (1.3, 0.0, "bad"), (0.5, 0.0, "bad")]
)
def test_a_known_factor(factor, met, verdict):
    found = blocking(view(lambda d: d * factor), BRIEF)
    assert found.details["within_share"] == pytest.approx(met, abs=0.02)
    assert found.details["shape_share"] == pytest.approx(1.0, abs=0.02)
    assert found.details["scale"] == pytest.approx(factor, rel=0.01)
    assert found.verdict == verdict
    assert (f"of the right shape: {factor:.2g} times as far" in found.why) == (verdict == "bad")


def test_a_shift_of_inverse_distance_is_of_the_right_shape():
    found = blocking(view(lambda d: 1 / (2.0 / d + 0.05)), BRIEF)
    assert found.details["within_share"] < 0.2
    assert found.details["shape_share"] > 0.98


def test_a_house_that_is_not_there():
    distance, _ = surfaces(BRIEF.blocking[1:2], 1.7, 500.0, 128)
    missing = View(np.ones((128, 256, 3), np.float32), None, EYE, distance)
    found = blocking(missing, BRIEF)
    own, other = (np.isfinite(surfaces(BRIEF.blocking[i : i + 1], 1.7, 0.0, 128)[0]).sum() for i in (0, 1))
    assert found.details["within_share"] == pytest.approx(other / (own + other), abs=0.1)
    assert found.verdict in ("look", "bad")
    sky = blocking(view(lambda d: np.full_like(d, np.inf)), BRIEF)
    assert (sky.value, sky.details["shape_share"]) == (0.0, 0.0)


ROW = Block(name="columns", kind="wall", size_m=(1.0, 20.0, 6.0), position_m=(-6.0, 14.0))
HALL = Brief(name="b", intent="x", place=Place(family="hall"), blocking=(ROW,))


def columns(behind_m, blocks):
    """Blocks before walls at a distance along Y and X that stand behind all of them."""
    walls = [Block(name="w", kind="wall", size_m=(0.2, 80.0, 30.0), position_m=(-behind_m, 14.0))]
    distance, _ = surfaces([*blocks, *walls], 1.7, 500.0, 128)
    return View(np.ones((128, 256, 3), np.float32), None, EYE, distance)


def test_a_row_of_columns_is_seen_through_in_a_hall():
    posts = [
        Block(name="p", kind="wall", size_m=(0.7, 0.7, 6.0), position_m=(-6.0, y)) for y in np.arange(4.5, 24.0, 3.0)
    ]
    view = columns(9.0, posts)
    found = blocking(view, HALL)
    assert (found.value, found.verdict) == (100.0, "good")
    assert found.details["open_share"] > 0.2
    open_share = f"{found.details['open_share']:.0%}"
    assert found.why.endswith(f"; {open_share} of it are openings in rows of columns and do not count")
    outdoors = msgspec.structs.replace(HALL, place=Place(family="city"))
    assert blocking(view, outdoors).value < 60


def test_a_row_that_is_not_there_or_hidden_is_not_met():
    gone = blocking(columns(9.0, []), HALL)
    assert (gone.verdict, gone.details["open_share"]) == ("bad", 0.0)
    hidden = blocking(columns(3.0, []), HALL)
    assert (hidden.value, hidden.verdict) == (0.0, "bad")


def test_noise_has_no_shape():
    chance = np.random.default_rng(0)
    met, shape, _ = agreement(chance.uniform(1, 50, 4000), chance.uniform(1, 50, 4000), np.ones(4000))
    assert met < 0.15
    assert shape < 0.3


def test_what_cannot_be_held_against_it():
    bare = View(np.ones((128, 256, 3), np.float32), None, EYE)
    assert blocking(bare, BRIEF).why == "its distances are not known"
    assert blocking(None, BRIEF).why == "no panorama with distances"
    nothing = Brief(name="b", intent="x", blocking=(Block(name="mia"),))
    assert blocking(view(), nothing).why == "the brief blocks nothing out that the picture shows"
