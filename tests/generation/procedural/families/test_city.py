import contextlib

import numpy as np
import pytest
from tests.generation.procedural.solids import first_hits, touching, triangles_near

from translight.core.errors import GenerationError
from translight.generation.brief.brief import Block, Brief, Light, Place, Stage
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.city.palette import Surface
from translight.generation.procedural.families import city
from translight.generation.procedural.scene import Sky

ACTOR = Block(name="her", position_m=(1.0, 4.0), turn_deg=20)
CAR = Block(name="cab", kind="hero", size_m=(1.9, 4.7, 1.5), position_m=(-3.5, 6.0))
HOARDING = Block(name="hoarding", kind="wall", size_m=(1.5, 0.3, 2.5), position_m=(4.5, 9))
LIT_SKY = city._lit_sky


def brief(where="a street corner in the rain", elevation_deg=-14.0, weather="rain"):
    return Brief(
        name="city",
        intent="night exterior",
        place=Place(where=where, weather=weather),
        light=Light(sun_elevation_deg=elevation_deg),
        stage=Stage(reach_m=(4.0, 3.0, 1.0)),
        blocking=(ACTOR, CAR, HOARDING),
    )


@pytest.fixture(scope="module", autouse=True)
def small():
    """Cities of a few streets under no sky: the rest of one is more of the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(city, "FAR_M", 260.0)
        patch.setattr(city, "NEAR_M", 80.0)
        patch.setattr(city, "DETAIL_M", (35.0, 35.0))
        patch.setattr(city, "_lit_sky", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def street(small):
    return city.build(brief(), 5, 64)


@pytest.fixture(scope="module")
def roof(small):
    return city.build(brief("on the roof of a hotel"), 5, 64)


@pytest.fixture(scope="module")
def day(small):
    return city.build(brief(elevation_deg=40.0, weather="clear"), 6, 64)


@pytest.fixture(params=["street", "roof"])
def built(request):
    """A city of each kind, with its brief."""
    return brief(), request.getfixturevalue(request.param)


def test_what_must_stay_free_is_free(built):
    asked, scene = built
    eye = scene.eye_m[2]
    reach = np.array([2.0, 1.5])
    low, high = (*-reach, 0.05), (*reach, eye + 0.5)
    assert not touching(triangles_near(scene, low, high), low, high).any()
    for block in asked.blocking[:2]:
        r = 0.35 * min(block.size_m[:2])  # a box within the turned one
        x, y = block.position_m
        low, high = (x - r, y - r, 0.05), (x + r, y + r, block.size_m[2])
        assert not touching(triangles_near(scene, low, high), low, high).any()


def test_the_floor_is_level_below_camera_and_blocking(built):
    asked, scene = built
    x, y = np.meshgrid(np.linspace(-6, 6, 25), np.linspace(-3, 10, 27))
    points = np.column_stack([x.reshape(-1), y.reshape(-1)])
    points = points[clearance_m(asked, points) == 0]
    assert len(points) > 40
    near = triangles_near(scene, (-7, -4, -3), (7, 11, 1.0))
    below = [first_hits(near, (*p, 0.5), [(0, 0, -1)])[0] - 0.5 for p in points]
    np.testing.assert_allclose(below, 0, atol=0.03)


def test_the_eye_stands_at_the_lens_height_and_sees_the_city_around_it(built):
    asked, scene = built
    np.testing.assert_allclose(scene.eye_m, (0, 0, asked.lens.height_m))
    at = scene.placed[0].mesh.vertices
    assert at[:, :2].max() > 250
    assert at[:, 2].max() > 20
    assert sum(len(p.mesh.triangles) for p in scene.placed) < 1_500_000


def test_lamps_are_near_above_their_street_and_not_too_many(built):
    _, scene = built
    lamps = scene.lamps
    assert 15 < len(lamps.position_m) <= city.MOST_LAMPS
    street_m = scene.placed[0].stage_from_mesh[0, 2, 3]
    assert (np.linalg.norm(lamps.position_m[:, :2], axis=1) < city.NEAR_M + 3).all()
    height = lamps.position_m[:, 2] - street_m
    assert (height > 0.3).all()
    poles = lamps.position_m[(lamps.cone_cos < 0) & (lamps.cone_cos > -0.9), 2] - street_m
    assert len(poles) > 5
    assert ((poles > 6) & (poles < 9)).all()
    np.testing.assert_allclose(np.linalg.norm(lamps.axis, axis=1), 1, atol=1e-6)


def test_copies_keep_clear_of_the_free_ground(built):
    asked, scene = built
    seen = 0
    for placed in scene.placed[1:]:
        reach = 0.8 * np.linalg.norm(placed.mesh.vertices[:, :2], axis=1).max()
        feet = placed.stage_from_mesh[:, :, 3]
        level = np.abs(feet[:, 2]) < 0.5
        if level.any() and reach < 1.0:
            seen += int(level.sum())
            assert (clearance_m(asked, feet[level, :2]) > 0.3).all()
    assert seen > 0


def test_a_roof_is_high_above_its_street_and_a_corner_is_not(street, roof):
    assert street.placed[0].stage_from_mesh[0, 2, 3] == 0
    assert -60 < roof.placed[0].stage_from_mesh[0, 2, 3] < -30


def test_the_seed_changes_the_layout_and_nothing_else_does(street, day):
    again = city.build(brief(), 5, 64)
    np.testing.assert_array_equal(street.placed[0].mesh.vertices, again.placed[0].mesh.vertices)
    np.testing.assert_array_equal(street.placed[0].stage_from_mesh, again.placed[0].stage_from_mesh)
    np.testing.assert_array_equal(street.lamps.position_m, again.lamps.position_m)
    assert street.placed[0].stage_from_mesh[0, 0, 0] != day.placed[0].stage_from_mesh[0, 0, 0]


def test_rain_wets_the_street_and_day_puts_the_lamps_out(street, day):
    assert street.materials[Surface.ASPHALT].roughness < 0.35 < day.materials[Surface.ASPHALT].roughness
    assert (street.placed[0].mesh.material == Surface.PUDDLE).any()
    assert not (day.placed[0].mesh.material == Surface.PUDDLE).any()
    assert day.lamps is None
    assert max(day.materials[Surface.PANES_HOMES].emission) < 0.5 * max(street.materials[Surface.PANES_HOMES].emission)
    assert day.materials[Surface.PANES_HOMES].lit_share < 0.1 < street.materials[Surface.PANES_HOMES].lit_share
    lit = (Surface.ROOM_WARM, Surface.ROOM_COOL, Surface.SHOP, Surface.LAMP)
    assert all(max(street.materials[k].emission) > 0.1 for k in lit)


def test_walls_of_the_block_out_stand_in_the_place(built):
    _, scene = built
    near = triangles_near(scene, (3, 0, 1), (5, 12, 2))
    assert first_hits(near, (4.5, 0, 1.5), [(0, 1, 0)])[0] == pytest.approx(8.85)


def test_at_night_the_sky_is_far_darker_than_what_lamps_light(monkeypatch):
    even = Sky(np.ones((32, 64, 3), np.float32), np.array([0.0, 0.6, 0.8]), np.ones(3))
    monkeypatch.setattr(city, "sky_for", lambda *_: even)
    lit = LIT_SKY(brief(elevation_deg=-20), 1, 32, 1.0)
    rows = lit.radiance.mean(axis=(1, 2))
    assert rows[:16].max() < 0.1
    assert rows[15] > rows[0] > 0
    day = LIT_SKY(brief(elevation_deg=40, weather="clear"), 1, 32, 0.0)
    assert day.radiance[:16].mean() > 5 * lit.radiance[:16].mean()


@pytest.mark.parametrize("where", ["a street corner", "a roof"])
def test_a_block_out_wider_than_any_city_s_block_is_refused(where):
    deck = Block(name="deck", kind="floor", size_m=(1200, 1200, 0.5), position_m=(0, 0))
    asked = Brief(name="x", intent="night", place=Place(where=where), blocking=(deck,))
    with pytest.raises(GenerationError, match=r"^the block-out is 1\d\d\d m wide: a city takes 300 m \(blocking\)$"):
        city.build(asked, 1, 64)


def test_the_ground_itself_may_be_as_large_as_it_likes():
    ground = Block(name="ground", kind="floor", size_m=(1200, 1200, 0.1), position_m=(0, 0))
    assert city.build(Brief(name="x", intent="night", blocking=(ground,)), 1, 64).placed


@pytest.mark.parametrize("size_m", [(290.0, 6.0), (6.0, 600.0), (180.0, 500.0)])
def test_a_stage_as_large_as_a_city_takes_has_streets_around_it(monkeypatch, size_m):
    monkeypatch.setattr(city, "NEAR_M", 260.0)
    deck = Block(name="deck", kind="floor", size_m=(*size_m, 0.5), position_m=(0, 0))
    scene = city.build(Brief(name="x", intent="night", light=Light(sun_elevation_deg=-20), blocking=(deck,)), 5, 64)
    assert (scene.placed[0].mesh.material == Surface.MARKING).any()
    assert len(scene.lamps.position_m) > 10


def any_brief(rng):
    """Whatever the rules for briefs allow, from a phone box to beyond a city's means."""
    depth = float(rng.choice([0.5, 4.0, 22.0, 400.0, 5000.0]))
    blocks = []
    for k in range(int(rng.integers(0, 5))):
        size = np.exp(rng.uniform(np.log(0.05), np.log(600), 3)).tolist()
        at = (rng.uniform(-0.7, 0.7, 2) * min(depth, 120.0)).tolist()
        at += [float(rng.uniform(-1, 8))] if rng.random() < 0.3 else []
        kind = str(rng.choice(["actor", "hero", "wall", "floor"]))
        blocks.append(
            Block(name=f"{k}", kind=kind, size_m=tuple(size), position_m=tuple(at), in_picture=bool(rng.random() < 0.3),
                  turn_deg=float(rng.uniform(-360, 360)), words=str(rng.choice(["", "brick", "Ωθ [(*"])))
        )  # fmt: skip
    high = float(rng.uniform(0.01, 6.0))
    reach = (*np.exp(rng.uniform(np.log(0.05), np.log(70), 2)).tolist(), float(rng.uniform(0.01, 2.0)) * high)
    return Brief(
        name="any",
        intent="outside",
        place=Place(
            where=str(rng.choice(["", "a street", "a roof", "Ωθ [(*"])), weather=str(rng.choice(["clear", "rain"]))
        ),
        light=Light(sun_elevation_deg=float(rng.uniform(-90, 90))),
        stage=Stage(depth_m=depth, reach_m=reach),
        blocking=tuple(blocks),
    )


def test_every_brief_becomes_a_city_or_one_line():
    made = 0
    for k in range(24):
        with contextlib.suppress(GenerationError):
            scene = city.build(any_brief(np.random.default_rng(k)), k, 64)
            made += 1
            assert all(np.isfinite(p.mesh.vertices).all() for p in scene.placed)
    assert 10 <= made < 24


@pytest.mark.parametrize(
    ("where", "is_roof"),
    [("on a Rooftop", True), ("two roofs", True), ("a hotel's balconies", True), ("terraced houses", False),
     ("a roofer's van", False)],
)  # fmt: skip
def test_words_make_a_roof_terrace(where, is_roof):
    scene = city.build(Brief(name="x", intent="night", place=Place(where=where)), 1, 64)
    assert (scene.placed[0].stage_from_mesh[0, 2, 3] < -30) == is_roof
