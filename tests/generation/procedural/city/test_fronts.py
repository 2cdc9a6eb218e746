import numpy as np
import pytest
from tests.generation.procedural.solids import touching, triangles_near

from translight.generation.brief.brief import Block, Brief, Light, Place, Stage
from translight.generation.procedural.city import fronts
from translight.generation.procedural.city.buildings import Site
from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.families import city
from translight.generation.procedural.turned import Turned

SITE = Site((0.0, 0.0), 0.4, 0.85, 35.0)
BRICK = Block(name="left", kind="wall", size_m=(10, 34, 18), position_m=(-16, 20), turn_deg=12, words="brick fronts")
GLASS = Block(name="right", kind="wall", size_m=(9, 40, 26), position_m=(14, 18), words="glass offices")
LEFT = Block(name="left", kind="wall", size_m=(10, 40, 18), position_m=(-16, 18), words="stone")
SLANTED = Block(name="slanted", kind="wall", size_m=(9, 20, 15), position_m=(-24, 22), turn_deg=-35)


def everything(placed):
    """Corners (n 3 3) and materials (n) of all copies, on the stage."""
    corners, materials = [], []
    for part in placed:
        for matrix in part.stage_from_mesh:
            at = part.mesh.vertices.astype(np.float64) @ matrix[:, :3].T + matrix[:, 3]
            corners.append(at[part.mesh.triangles])
            materials.append(part.mesh.material)
    return np.concatenate(corners), np.concatenate(materials)


def own_axes(points, block):
    turn = np.radians(block.turn_deg)
    away = points[..., :2] - np.array(block.position_m[:2])
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([c * away[..., 0] - s * away[..., 1], s * away[..., 0] + c * away[..., 1]], axis=-1)


def asked(*blocking):
    return Brief(
        name="street",
        intent="night exterior",
        place=Place(where="a street", weather="rain"),
        light=Light(sun_elevation_deg=-20.0),
        stage=Stage(reach_m=(4.0, 3.0, 1.0)),
        blocking=(Block(name="her", position_m=(0.5, 4.0)), *blocking),
    )


@pytest.mark.parametrize("block", [BRICK, GLASS], ids=["brick", "glass"])
def test_a_block_as_large_as_a_building_has_lit_windows_towards_the_camera_on_its_footprint(block):
    made = fronts.built((block,), 0.0, SITE, np.random.default_rng(3))
    corners, material = everything(made.placed)
    local, half = own_axes(corners, block), 0.5 * np.array(block.size_m[:2])
    assert (np.abs(local) <= half + 1.5).all()
    assert 0.85 * block.size_m[2] < corners[..., 2].max() < block.size_m[2] + 12.0
    # Towards the camera lies the side of the origin: there are panes that glow, on many storeys, and dark ones.
    toward = np.sign(own_axes(np.zeros((1, 3)), block)[0, 0])
    depth = half[0] - toward * local[..., 0].mean(axis=1)
    glows = material >= len(Surface)
    assert (glows & (depth < 5.0)).sum() > 200
    assert not (glows & (depth > 7.0)).any()
    assert ((material == Surface.GLASS) & (depth < 0.5)).sum() > 50
    assert np.ptp(corners[glows][..., 2]) > 0.6 * block.size_m[2]
    assert (glows & (corners[..., 2].max(axis=1) < 4.4)).sum() > 50


def test_shops_of_a_front_shine_out_of_it_towards_the_street():
    made = fronts.built((BRICK,), 0.13, SITE, np.random.default_rng(3))
    assert len(made.shining) > 3
    local = own_axes(made.shining[:, :3], BRICK)
    ahead = own_axes(made.shining[:, :3] + made.shining[:, 3:], BRICK)
    long_side = np.abs(local[:, 0] - 5.12) < 0.01
    assert long_side.sum() > 2
    assert (ahead[long_side, 0] > local[long_side, 0]).all()
    assert ((made.shining[:, 2] > 2.5) & (made.shining[:, 2] < 4.5)).all()


def test_small_floating_and_other_blocks_are_not_buildings():
    small = (
        Block(name="kiosk", kind="wall", size_m=(6, 6, 4.9), position_m=(9, 9)),
        Block(name="hoarding", kind="wall", size_m=(30, 0.4, 8), position_m=(0, 30)),
        Block(name="bridge", kind="wall", size_m=(30, 8, 6), position_m=(0, 30, 7)),
        Block(name="rig", kind="hero", size_m=(8, 8, 8), position_m=(9, 20)),
    )
    rest, tall = fronts.parted(asked(BRICK, *small))
    assert tall == (BRICK,)
    assert rest.blocking[1:] == small


@pytest.mark.parametrize(
    ("words", "styles"),
    [
        ("brick fronts with fire escapes", ("walk-up",)), ("glass office fronts", ("curtain", "office")),
        ("Limestone? granite", ("stone",)), ("a wall", ()), ("", ()), ("banked snow, golden light", ()),
        ("a lofty wall, officers before it", ()), ("two banks", ("stone",)),
    ],
)  # fmt: skip
def test_words_choose_the_style(words, styles):
    assert fronts.styles_of(words) == styles


def test_plots_make_way_and_keep_their_larger_rest():
    rng = np.random.default_rng(7)
    low = rng.uniform(-200, 200, (300, 2))
    plots = np.hstack([low, low + rng.uniform(8, 40, (300, 2))])
    held = [(-20.0, 0.0, 10.0, 120.0), (30.0, -50.0, 60.0, 10.0)]
    left = fronts.cut_back(plots, held, 0.5)
    for x0, y0, x1, y1 in held:
        apart = (
            (left[:, 0] >= x1 + 0.5) | (left[:, 2] <= x0 - 0.5) | (left[:, 1] >= y1 + 0.5) | (left[:, 3] <= y0 - 0.5)
        )
        assert apart.all()
    assert (left[:, 2:] - left[:, :2] >= 7.0).all()
    cut = fronts.cut_back(np.array([(0.0, 0.0, 30.0, 20.0), (0.0, 0.0, 9.0, 9.0)]), [(18.0, -9.0, 40.0, 40.0)], 0.0)
    np.testing.assert_array_equal(cut, [(0, 0, 9, 9), (0, 0, 18, 20)])


def test_any_size_turn_and_place_of_a_front_can_be_built():
    rng = np.random.default_rng(11)
    words = ("", "brick", "stone", "glass", "office")
    for k in range(12):
        size = tuple(float(v) for v in rng.uniform((5, 5, 5.1), (16, 30, 30)))
        at = (float(rng.uniform(-90, 90)), float(rng.uniform(20, 200)))
        block = Block(name="b", kind="wall", size_m=size, position_m=at, turn_deg=float(rng.uniform(-360, 360)),
                      words=words[k % 5])  # fmt: skip
        corners, _ = everything(fronts.built((block,), -0.1, SITE, rng).placed)
        assert np.isfinite(corners).all()
        assert (np.abs(own_axes(corners, block)) <= 0.5 * np.array(size[:2]) + 1.5).all()
        assert corners[..., 2].max() > 4.3


@pytest.mark.parametrize("blocks", [(LEFT, GLASS), (SLANTED,)], ids=["both sides", "one slanted"])
def test_the_city_makes_way_for_fronts_and_lights_the_street_between_them(monkeypatch, blocks):
    for name, value in (("FAR_M", 200.0), ("NEAR_M", 70.0), ("DETAIL_M", (20.0, 20.0)), ("_lit_sky", lambda *_: None)):
        monkeypatch.setattr(city, name, value)
    scene = city.build(asked(*blocks), 5, 64)
    own = scene.placed[0].mesh
    at = own.vertices.astype(np.float64) @ scene.placed[0].stage_from_mesh[0, :, :3].T
    at = (at + scene.placed[0].stage_from_mesh[0, :, 3])[own.triangles]
    for block in blocks:
        middle = np.array(block.position_m)
        turned = Turned(np.radians(block.turn_deg))
        inside = np.concatenate([turned.place(at[..., :2].reshape(-1, 2) - middle).reshape(-1, 3, 2), at[..., 2:]], -1)
        low = (*(-0.5 * np.array(block.size_m[:2])), 0.5)
        high = (*(0.5 * np.array(block.size_m[:2])), block.size_m[2])
        near = inside[(inside.min(axis=1) <= high).all(axis=1) & (inside.max(axis=1) >= low).all(axis=1)]
        assert not touching(near, low, high).any()
        for copies in scene.placed[1:]:
            feet = copies.stage_from_mesh[:, :, 3]
            within = (np.abs(own_axes(feet, block)) < 0.5 * np.array(block.size_m[:2])).all(axis=1)
            whole = len(feet) == 1 and (feet == (0, 0, feet[0, 2])).all()
            assert whole or not (within & (np.abs(feet[:, 2]) < 1)).any()
    ahead = scene.lamps.position_m
    assert ((ahead[:, 1] > 0) & (ahead[:, 1] < 40) & (np.abs(ahead[:, 0]) < 25)).sum() > 5
    low, high = (-2.0, -1.5, 0.05), (2.0, 1.5, 2.2)
    assert not touching(triangles_near(scene, low, high), low, high).any()


def test_between_two_fronts_the_stage_is_the_roadway(monkeypatch):
    for name, value in (("FAR_M", 150.0), ("NEAR_M", 70.0), ("DETAIL_M", (20.0, 20.0)), ("_lit_sky", lambda *_: None)):
        monkeypatch.setattr(city, name, value)
    scene = city.build(asked(LEFT, GLASS), 5, 64)
    own = scene.placed[0]
    assert own.stage_from_mesh[0, 2, 3] == pytest.approx(0.13)
    lit = scene.lamps.position_m
    middle = 0.5 * (-11.0 + 9.5)
    poles = lit[(np.abs(lit[:, 2] - 8.07) < 0.02) & (np.abs(lit[:, 1] - 14) < 24) & (np.abs(lit[:, 0] - middle) < 12)]
    assert len(poles) >= 3
    assert set(np.round(poles[:, 0] - middle, 3)) == {-7.25, 7.25}  # a kerb's lamp reaches 1.8 m over the road
