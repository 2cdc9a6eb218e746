"""The written .ndisplay, parsed back: corners against the walls' own pixels, structure against real files."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ue_bridge.unreal_reader import rotator_axes

from translight.core.errors import ShowError
from translight.ue_bridge import ndisplay
from translight.volume.canvas import Canvas, side_by_side
from translight.volume.wall import ArcWall, PlaneWall, Wall, positions

REAL = Path(__file__).parents[3] / "shared" / "data" / "ndisplay"
UNREAL_FROM_STAGE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) * 100.0

PLANE = PlaneWall("back wall", (0.5, 3.0, 1.5), 6.0, 3.0, 600, 300, heading_deg=20.0, tilt_deg=5.0)
CEILING = PlaneWall("ceiling", (0.0, -2.0, 3.6), 4.0, 2.0, 80, 40, tilt_deg=-90.0, canvas_x_px=700)
FLOOR = PlaneWall("floor", (0.0, -2.0, 0.0), 4.0, 2.0, 80, 40, tilt_deg=90.0, canvas_x_px=700, canvas_y_px=100)
ARC = ArcWall("arc", (0.0, -4.0), 5.5, 105.0, 3.6, 1920, 688, base_m=0.2, heading_deg=-15.0)

headings = st.floats(-180, 180)
metres = st.floats(-20, 20)


def written(*walls: Wall, **options: Any) -> dict[str, Any]:
    canvas = Canvas(*side_by_side(walls), walls)
    return json.loads(ndisplay.dump(ndisplay.document(canvas, (0.0, -4.0, 1.6), **options)))["nDisplay"]


def corners(screen: dict[str, Any]) -> dict[str, np.ndarray]:
    """As nDisplay's simple policy has them: from the pivot in the middle, Y to the right and Z up, turned."""
    axes = rotator_axes(*(screen["rotation"][k] for k in ("pitch", "yaw", "roll")))
    middle = np.array([screen["location"][k] for k in "xyz"])
    half_w, half_h = screen["size"]["width"] / 2, screen["size"]["height"] / 2
    return {
        f"{v} {h}": middle + np.array([0.0, y * half_w, z * half_h]) @ axes
        for v, z in (("lower", -1), ("upper", 1))
        for h, y in (("left", -1), ("right", 1))
    }


def wall_corners(wall: Wall, first: int, last: int) -> dict[str, np.ndarray]:
    """Outer corners of some columns by their pixels' centres, half a pixel further out; Unreal's axes, cm."""
    grid = positions(wall).astype(np.float64)

    def out(row: int, column: int, inner_row: int, inner_column: int) -> np.ndarray:
        at = grid[row, column]
        return UNREAL_FROM_STAGE @ (at + (at - grid[inner_row, column]) / 2 + (at - grid[row, inner_column]) / 2)

    return {
        "upper left": out(0, first, 1, first + 1),
        "upper right": out(0, last - 1, 1, last - 2),
        "lower left": out(-1, first, -2, first + 1),
        "lower right": out(-1, last - 1, -2, last - 2),
    }


@pytest.mark.parametrize("wall", [PLANE, CEILING, FLOOR], ids=lambda w: w.name)
def test_a_planes_corners_are_its_pixels(wall):
    (screen,) = written(wall)["scene"]["screens"].values()
    for name, corner in wall_corners(wall, 0, wall.width_px).items():
        np.testing.assert_allclose(corners(screen)[name], corner, atol=0.01, err_msg=name)


@given(st.tuples(metres, metres, metres), headings, st.floats(-90, 90))
def test_any_planes_corners(centre, heading, tilt):
    wall = PlaneWall("w", centre, 6.0, 3.0, 60, 30, heading, tilt)
    (screen,) = written(wall)["scene"]["screens"].values()
    for name, corner in zip(("lower left", "lower right", "upper left"), wall.corners(), strict=True):
        np.testing.assert_allclose(corners(screen)[name], UNREAL_FROM_STAGE @ corner, atol=1e-3, err_msg=name)


@given(st.tuples(metres, metres), headings, st.floats(20, 300), st.floats(0.005, 0.05))
def test_any_arcs_screens_stand_on_it_edge_to_edge(centre, heading, arc_deg, error_m):
    wall = ArcWall("w", centre, 5.0, arc_deg, 3.0, 1000, 400, heading_deg=heading)
    tree = written(wall, error_m=error_m)
    screens = list(tree["scene"]["screens"].values())
    regions = [v["region"] for v in tree["cluster"]["nodes"]["Node_0"]["viewports"].values()]
    for one, other in itertools.pairwise(screens):
        for edge in ("upper", "lower"):
            np.testing.assert_allclose(corners(one)[f"{edge} right"], corners(other)[f"{edge} left"], atol=1e-3)
    columns = wall.columns()
    for screen, region in zip(screens, regions, strict=True):
        left, right = corners(screen)["lower left"], corners(screen)["lower right"]
        share = (np.arange(region["w"]) + 0.5)[:, None] / region["w"]
        flat = left + share * (right - left)
        there = columns[region["x"] : region["x"] + region["w"]] @ UNREAL_FROM_STAGE.T
        assert np.linalg.norm(flat - there, axis=1).max() <= error_m * 100 * 1.15  # equal steps are not equal angles
    assert [r["x"] for r in regions] == [0, *np.cumsum([r["w"] for r in regions])[:-1]]
    assert sum(r["w"] for r in regions) == 1000


def test_an_arc_is_seen_from_the_inside():
    tree = written(ARC)
    assert len(tree["scene"]["screens"]) == 16
    for screen in tree["scene"]["screens"].values():
        axes = rotator_axes(*(screen["rotation"][k] for k in ("pitch", "yaw", "roll")))
        towards = np.array([screen["location"][k] for k in "xyz"]) - UNREAL_FROM_STAGE @ [0.0, -4.0, 2.0]
        assert axes[0] @ towards > 0  # from the circle's centre one looks along the screen's X


def test_pixels_and_window_are_the_canvas():
    tree = written(PLANE, CEILING, FLOOR)
    node = tree["cluster"]["nodes"]["Node_0"]
    assert node["window"] == {"x": 0, "y": 0, "w": 780, "h": 300}
    assert {name: v["region"] for name, v in node["viewports"].items()} == {
        "back_wall": {"x": 0, "y": 0, "w": 600, "h": 300},
        "ceiling": {"x": 700, "y": 0, "w": 80, "h": 40},
        "floor": {"x": 700, "y": 100, "w": 80, "h": 40},
    }
    assert [v["projectionPolicy"]["parameters"]["screen"] for v in node["viewports"].values()] == list(
        tree["scene"]["screens"]
    )
    assert tree["scene"]["cameras"]["DefaultViewPoint"]["location"] == {"x": -400.0, "y": 0.0, "z": 160.0}


def skeleton(tree: Any) -> Any:
    """Keys and types; entries whose names are the user's own become one."""
    if not isinstance(tree, dict):
        return {bool: "flag", int: "number", float: "number", str: "text"}[type(tree)]
    return {key: skeleton(value) for key, value in sorted(tree.items())}


def one_of_each(tree: dict[str, Any]) -> dict[str, Any]:
    tree = tree.get("nDisplay", tree)
    scene, node = tree["scene"], next(iter(tree["cluster"]["nodes"].values()))
    viewport = next(
        v for v in node["viewports"].values() if "mesh_component" not in v["projectionPolicy"]["parameters"]
    )
    parts = {
        "screen": next(iter(scene["screens"].values())),
        "camera": next(iter(scene["cameras"].values())),
        "viewport": viewport,
        "node": {**node, "viewports": {}},
        "cluster": {**tree["cluster"], "nodes": {}},
        "rest": {**tree, "scene": {}, "cluster": {}},
        "scene": dict.fromkeys(scene, ""),
    }
    return skeleton(parts)


@pytest.mark.parametrize("name", ["nDisplayConfig", "nDisplay_Cinta_Unreal_Tallarin"])
def test_the_structure_is_that_of_real_files(name):
    path = REAL / f"benjavides_{name}.ndisplay"
    if not path.is_file():
        pytest.skip("the real nDisplay files lie in ../shared/data, which is not here")
    assert one_of_each(written(PLANE)) == one_of_each(json.loads(path.read_text()))


def test_a_real_floor_and_ours_are_turned_alike():
    """The real stage's floor is pitched −90°, and looked at from above with its upper edge ahead."""
    path = REAL / "benjavides_nDisplayConfig.ndisplay"
    if not path.is_file():
        pytest.skip("the real nDisplay files lie in ../shared/data, which is not here")
    real = json.loads(path.read_text())["nDisplay"]["scene"]["screens"]["Piso1"]
    wall = PlaneWall("f", (0.0, 0.0, 0.0), 5.74, 6.86, 1200, 1306, tilt_deg=90.0)
    (ours,) = written(wall)["scene"]["screens"].values()
    assert ours == real


@pytest.mark.parametrize(
    ("walls", "options", "message"),
    [
        (
            (PlaneWall("a b", (0, 0, 0), 1, 1, 10, 10), PlaneWall("a-b", (0, 5, 0), 1, 1, 10, 10, canvas_x_px=10)),
            {},
            "two walls are called a_b in nDisplay, which keeps letters, digits and _: rename one",
        ),
        (
            (ARC,),
            {"error_m": 0.0001},
            "wall 'arc' takes 152 flat screens to be within 0.1 mm, 128 at most: allow more millimetres",
        ),
    ],
)
def test_what_cannot_be_written(walls, options, message):
    with pytest.raises(ShowError) as caught:
        written(*walls, **options)
    assert str(caught.value) == message


def test_a_distance_above_nothing():
    with pytest.raises(ValueError, match="above 0 m, got 0"):
        written(ARC, error_m=0)
