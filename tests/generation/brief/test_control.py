import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from translight.generation.brief.blockout import box
from translight.generation.brief.brief import Block, Brief, Lens, Stage
from translight.generation.brief.control import control, depth_picture, edge_picture, surfaces
from translight.generation.panorama import directions

HEIGHT_PX = 90
"""Of the panoramas: 2 degrees a pixel."""
EYE_M = 1.5
WALL = Block(name="wall", kind="wall", size_m=(4.0, 1.0, 3.0), position_m=(0.0, 10.5))


def turned(block: Block, right_deg: float) -> Block:
    """The block carried around the eye to the right."""
    x, y, *z = block.position_m
    cos, sin = math.cos(math.radians(right_deg)), math.sin(math.radians(right_deg))
    return Block(
        name=block.name,
        kind=block.kind,
        size_m=block.size_m,
        position_m=(cos * x + sin * y, cos * y - sin * x, *z),
        turn_deg=block.turn_deg + right_deg,
    )


def test_a_wall_ahead_is_as_far_as_its_plane():
    distance, surface = surfaces([WALL], EYE_M, 0.0, HEIGHT_PX)
    rays = directions(HEIGHT_PX).astype(np.float64)
    ahead = rays[..., 1] > 0
    at = np.where(ahead, 10.0 / np.where(ahead, rays[..., 1], 1), np.inf)
    with np.errstate(invalid="ignore"):
        on = ahead & (np.abs(at * rays[..., 0]) < 2) & (np.abs(EYE_M - 1.5 + at * rays[..., 2]) < 1.5)
    assert np.count_nonzero(on) > 50
    np.testing.assert_array_equal(np.isfinite(distance), on)
    np.testing.assert_allclose(distance[on], at[on], rtol=1e-6)
    assert len(np.unique(surface[on])) == 1


def test_a_corner_is_nearer_than_a_face():
    block = Block(name="a", kind="wall", size_m=(2.0, 2.0, 20.0), position_m=(0.0, 10.0, -10.0), turn_deg=45.0)
    distance, _ = surfaces([block], EYE_M, 0.0, 450)
    assert distance.min() == pytest.approx(10 - math.sqrt(2), abs=0.035)  # a pixel is 0.4 degrees wide
    seen = np.flatnonzero(np.isfinite(distance[225]))
    half_deg = (seen[-1] - seen[0] + 1) * 0.4 / 2
    assert half_deg == pytest.approx(math.degrees(math.atan(math.sqrt(2) / 10)), abs=0.4)


def test_a_block_turns_from_forward_to_the_right():
    """A long beam before the camera, turned by +30°: its far end leaves to the right of +Y."""
    foot = box(Block(name="a", size_m=(0.2, 10.0, 1.0), position_m=(0.0, 8.0), turn_deg=30.0)).foot_m()
    far_end = foot[:2].mean(axis=0) - (0.0, 8.0)
    np.testing.assert_allclose(far_end, (5 * math.sin(math.radians(30)), 5 * math.cos(math.radians(30))), atol=1e-9)


def test_the_floor_is_a_disc_as_wide_as_the_stage_is_deep():
    distance, _ = surfaces([], EYE_M, 20.0, HEIGHT_PX)
    down = np.radians((np.arange(HEIGHT_PX) + 0.5) * 180 / HEIGHT_PX - 90)
    rim = math.atan(EYE_M / 20.0)
    assert np.isinf(distance[down < rim]).all()
    expected = EYE_M / np.sin(down[down > rim])
    np.testing.assert_allclose(distance[down > rim], np.repeat(expected[:, None], 180, axis=1), rtol=1e-5)


shapes = st.builds(
    Block,
    name=st.just("a"),
    kind=st.just("wall"),
    size_m=st.tuples(*[st.floats(0.5, 5)] * 3),
    position_m=st.tuples(st.floats(-9, 9), st.floats(5, 12), st.floats(-2, 2)),
    turn_deg=st.floats(-180, 180),
)


@given(st.lists(shapes, min_size=1, max_size=3))
@settings(deadline=None, max_examples=20)
def test_rays_end_on_the_nearest_surface(blocks):
    """By scipy's rotations: at each hit some box's surface, before it nothing, and no box that rays pass through."""
    distance, _ = surfaces(blocks, EYE_M, 0.0, 24)
    rays = directions(24).astype(np.float64)
    hit = np.isfinite(distance)

    def outside_m(at: np.ndarray) -> np.ndarray:
        """Largest distance beyond a pair of faces, negative within; of the nearest box."""
        worst = []
        for block in blocks:
            half = np.array(block.size_m) / 2
            centre = np.array([*block.position_m[:2], block.position_m[2] + half[2]])
            local = Rotation.from_euler("z", -block.turn_deg, degrees=True).inv().apply(at - centre)
            worst.append((np.abs(local) - half).max(axis=-1))
        return np.min(worst, axis=0)

    eye = np.array([0, 0, EYE_M])
    ends = eye + rays[hit] * distance[hit][:, None]
    if len(ends):
        assert np.abs(outside_m(ends)).max() < 1e-4
    for share in (0.25, 0.5, 0.75, 0.9, 0.99):
        if len(ends):
            assert outside_m(eye + share * (ends - eye)).min() > -1e-4
    for metres in np.arange(1, 20, 0.5):
        assert outside_m(eye + rays[~hit] * metres).min() > -1e-6


@pytest.mark.parametrize("columns", [1, 37, 90, 179])
def test_blocks_carried_around_the_eye_roll_the_panorama(columns):
    blocks = [WALL, Block(name="b", kind="hero", size_m=(1.0, 2.0, 1.1), position_m=(3.0, 5.0), turn_deg=20.0)]
    blocks.append(Block(name="c", kind="floor", size_m=(6.0, 6.0, 0.2), position_m=(-4.0, -3.0)))
    before = surfaces(blocks, EYE_M, 30.0, HEIGHT_PX)
    after = surfaces([turned(block, columns * 2.0) for block in blocks], EYE_M, 30.0, HEIGHT_PX)
    rolled = [np.roll(part, columns, axis=1) for part in before]
    same = rolled[1] == after[1]  # a ray along an edge may fall to either side of it
    assert same.mean() > 0.999
    np.testing.assert_allclose(after[0][same], rolled[0][same], rtol=1e-5)
    edges = [edge_picture(*before), edge_picture(*after)]
    assert (np.roll(edges[0], columns, axis=1) == edges[1]).mean() > 0.998


def test_the_seam_has_no_false_edges():
    behind = turned(WALL, 180.0)
    edges = edge_picture(*surfaces([behind], EYE_M, 30.0, HEIGHT_PX))
    middle = HEIGHT_PX // 2 - 3
    assert (edges[middle, [0, 1, -2, -1]] == 0).all()
    # the wall's two upright edges are there, as far from the seam as half its width
    columns = np.flatnonzero(edges[middle])
    half = math.degrees(math.atan(2 / 10)) / 2
    assert len(columns) == 2
    assert columns[0] == pytest.approx(half - 0.5, abs=1)
    assert 180 - columns[1] == pytest.approx(half + 0.5, abs=1)


def test_creases_within_a_box_are_edges():
    block = Block(name="a", kind="wall", size_m=(2.0, 2.0, 20.0), position_m=(0.0, 10.0, -10.0), turn_deg=45.0)
    row = edge_picture(*surfaces([block], EYE_M, 0.0, 300))[150]
    columns = np.flatnonzero(row)
    assert len(columns) == 3  # left outline, the corner between two faces, right outline
    assert columns[1] == pytest.approx(300, abs=1)


@given(shapes, st.tuples(*[st.floats(0.5, 6)] * 3))
@settings(deadline=None, max_examples=40)
def test_boxes_overlap_where_they_share_a_point(block, half_m):
    """By points spread over the turned box: one within the other box proves it, and none nearly disproves it."""
    grid = np.stack(np.meshgrid(*[np.linspace(-0.5, 0.5, 25)] * 3), axis=-1).reshape(-1, 3) * block.size_m
    centre = np.array([*block.position_m[:2], block.position_m[2] + block.size_m[2] / 2])
    points = Rotation.from_euler("z", -block.turn_deg, degrees=True).apply(grid) + centre - (0, 0, EYE_M)
    margin = np.max(np.abs(points) - half_m, axis=-1).min()
    if margin < 0:
        assert box(block).overlaps((0, 0, EYE_M), half_m)
    if margin > max(block.size_m) / 24:
        assert not box(block).overlaps((0, 0, EYE_M), half_m)


def test_every_face_of_many_blocks_is_its_own():
    blocks = [Block(name=str(i), kind="wall", position_m=(i - 40.0, 30.0)) for i in range(80)]
    for block, first in ((blocks[0], 2), (blocks[79], 2 + 6 * 79)):
        _, surface = surfaces([*blocks], EYE_M, 0.0, 180)
        x, y = block.position_m
        column = round((math.degrees(math.atan2(x, y)) + 180) * 1 - 0.5)
        assert first <= surface[90, column] < first + 6
    assert surface.max() < 2 + 6 * 80


def test_depth_is_inverse_distance_with_the_nearest_white():
    distance = np.full((8, 16), np.inf, np.float32)
    distance[3, 4], distance[4, 5], distance[4, 6] = 3.0, 6.0, 30.0
    distance[7, 7] = 1.0  # under the eye: nearer than all that the camera sees
    picture = depth_picture(distance)
    assert [picture[3, 4], picture[4, 5], picture[4, 6], picture[7, 7], picture[0, 0]] == [255, 128, 26, 255, 0]
    assert (depth_picture(np.full((8, 16), np.inf, np.float32)) == 0).all()


def test_only_what_the_picture_shall_show_is_drawn():
    def seen(*blocks: Block) -> np.ndarray:
        brief = Brief(name="a", intent="b", blocking=blocks, lens=Lens(height_m=1.5), stage=Stage(depth_m=20.0))
        return control(brief, HEIGHT_PX, depth_weight=0.5, edges_weight=0.5).distance_m

    actor = Block(name="a", position_m=(0.0, 4.0))
    painted = Block(name="a", position_m=(0.0, 4.0), in_picture=True)
    floor = seen()
    np.testing.assert_array_equal(seen(actor), floor)
    assert seen(painted)[HEIGHT_PX // 2, HEIGHT_PX] == pytest.approx(3.8, abs=0.01)
    assert seen(WALL)[HEIGHT_PX // 2, HEIGHT_PX] == pytest.approx(10, abs=0.01)
    assert np.isinf(floor[: HEIGHT_PX // 2]).all()
