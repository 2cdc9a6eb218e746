from dataclasses import replace

import numpy as np
import pytest

from translight.environment.environment import Environment
from translight.generation.lift.cells import Cells
from translight.generation.lift.gaussians import gaussians
from translight.generation.lift.layers import Layer
from translight.generation.lift.parallax import measure
from translight.generation.lift.parallax_plan import plan
from translight.render.scene import scene_of

EYE = np.array([0.0, 0.0, 1.6])
STAGE = (3.0, 3.0, 1.0)


def shell(mask: np.ndarray):
    """A sphere of 4 m around the eye, whole where the mask says."""
    layer = Layer(np.full((*mask.shape, 3), 0.5, np.float32), np.full(mask.shape, 0.25, np.float32), mask)
    row, column = (axis.astype(np.int32) for axis in np.nonzero(mask))
    cells = Cells(np.zeros(len(row), np.int32), row, row + 1, column, column + 1)
    return scene_of(Environment("shell", gaussians([layer], cells, EYE, 0.5), encoding="linear"))


def test_a_whole_shell_has_no_holes_anywhere(renderer):
    everything = np.ones((48, 96), bool)
    found = measure(renderer, shell(everything), EYE, ~everything, STAGE, steps=1, extent_m=1.0)
    assert found.holes.max() == 0
    assert set(found.reach_m.values()) == {1.0, np.sqrt(2.0)}
    assert found.corners == 0
    assert (found.reach("ahead"), found.reach("ahead left")) == ("1.0+ m", "1.4+ m")


@pytest.mark.parametrize(
    ("stage_m", "extent_m", "height_m"),
    [((3.0, 2.0, 1.0), 2.0, 2.0), ((4.5, 5.25, 1.0), 3.5, 2.0), ((1.0, 1.0, 3.3), 2.0, 2.2)],
)
def test_the_grid_goes_beyond_the_stage(renderer, stage_m, extent_m, height_m):
    everything = np.ones((48, 96), bool)
    found = measure(renderer, shell(everything), EYE, ~everything, stage_m, steps=1)
    np.testing.assert_allclose(found.offsets_m, [-extent_m, 0.0, extent_m])
    np.testing.assert_allclose(found.heights_m, [-height_m, 0.0, height_m])
    assert (found.reach("left"), found.reach("up")) == (f"{extent_m:.1f}+ m", f"{height_m:.1f}+ m")


def test_half_a_shell_is_half_holes_unless_it_is_sky(renderer):
    half = np.zeros((48, 96), bool)
    half[24:] = True
    lower = measure(renderer, shell(half), EYE, half & False, STAGE, steps=1, extent_m=1.0)
    assert lower.holes[1, 1] == pytest.approx(0.5, abs=0.03)
    assert set(lower.reach_m.values()) == {0.0}
    under_a_sky = measure(renderer, shell(half), EYE, ~half, STAGE, steps=1, extent_m=1.0)
    assert under_a_sky.holes[1, 1] < 0.01


def test_a_gap_behind_a_screen_opens_as_the_camera_moves(renderer):
    """Two metres away stands a screen before a gap of its own size: seen from aside, the gap is a hole."""
    mask = np.ones((48, 96), bool)
    mask[18:30, 40:56] = False
    back = Layer(np.full((48, 96, 3), 0.5, np.float32), np.full((48, 96), 0.1, np.float32), mask)
    front = Layer(back.image, np.full((48, 96), 0.5, np.float32), ~mask)
    rows, columns, which = [], [], []
    for number, layer in enumerate((back, front)):
        row, column = np.nonzero(layer.mask)
        rows.append(row), columns.append(column), which.append(np.full(len(row), number))
    n, r, c = (np.concatenate(parts).astype(np.int32) for parts in (which, rows, columns))
    cloud = gaussians([back, front], Cells(n, r, r + 1, c, c + 1), EYE, 0.5)
    scene = scene_of(Environment("screen", cloud, encoding="linear"))
    found = measure(renderer, scene, EYE, mask & False, STAGE, steps=2, extent_m=1.0)
    assert found.holes[2, 2] < 0.002
    assert found.holes[2, 4] > 0.01
    assert 0.2 < found.reach_m["right"] < 1.0
    assert found.reach("right") == f"{found.reach_m['right']:.1f} m"
    assert found.reach_m["right"] == pytest.approx(found.reach_m["left"], abs=0.1)
    facts = found.facts()
    assert facts["holes_within_stage"]["most"] == pytest.approx(float(found.holes.max()), abs=1e-5)
    assert facts["stage_m"] == [3.0, 3.0, 1.0]

    picture = plan(found)
    assert picture.shape == (660, 600, 3)
    middle, right = picture[60 + 250, 60 + 250], picture[60 + 245, 60 + 470]
    assert middle[1] > middle[0], "green in the middle"
    assert right[0] > right[1], "red where there are holes"
    swapped = replace(found, holes=found.holes[:, ::-1].copy())
    assert not np.array_equal(plan(swapped)[60:540, 60:540], picture[60:540, 60:540]) or np.allclose(
        found.holes, found.holes[:, ::-1]
    )
