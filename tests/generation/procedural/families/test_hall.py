import contextlib
from pathlib import Path

import numpy as np
import pytest
from tests.generation.procedural.solids import first_hits, touching, triangles_near

from translight.core.errors import GenerationError
from translight.generation.brief.brief import Block, Brief, Lens, Light, Place, Stage
from translight.generation.brief.read import read_brief
from translight.generation.procedural.blocking import clearance_m
from translight.generation.procedural.families import hall
from translight.generation.procedural.halls.nave import nave
from translight.generation.procedural.halls.station import station
from translight.generation.procedural.halls.warehouse import warehouse
from translight.generation.procedural.scene import Sky

BRIEFS = Path(__file__).parents[4] / "docs/briefs"
WORDS = {"nave": "a gothic cathedral", "station": "the station's hall", "warehouse": "an empty warehouse"}
EVERYWHERE = ((-500, -500, -5), (500, 500, 60))


def brief(words, elevation_deg=30.0, depth_m=22.0):
    return Brief(
        name="hall",
        intent="interior day",
        place=Place(where=words),
        light=Light(sun_elevation_deg=elevation_deg),
        stage=Stage(depth_m=depth_m, reach_m=(4.0, 3.0, 1.0)),
        blocking=(Block(name="him", position_m=(1.5, 5.0), turn_deg=30), Block(name="trunk", size_m=(2, 1, 1), kind="hero",
                  position_m=(-2.0, 7.0))),
    )  # fmt: skip


@pytest.fixture(scope="module", params=WORDS)
def built(request):
    """A small hall of each style, with its brief, under a sky of one colour."""
    with pytest.MonkeyPatch.context() as patch:
        even = Sky(np.ones((8, 16, 3), np.float32), np.array([0.0, 0.6, 0.8]), np.ones(3))
        patch.setattr(hall, "sky_for", lambda *_: even)
        asked = brief(WORDS[request.param])
        yield asked, hall.build(asked, 3, 64)


def test_what_must_stay_free_is_free(built):
    asked, scene = built
    low, high = (-2.0, -1.5, 0.05), (2.0, 1.5, scene.eye_m[2] + 0.5)
    assert not touching(triangles_near(scene, low, high), low, high).any()
    for block in asked.blocking:
        r = 0.35 * min(block.size_m[:2])
        x, y = block.position_m
        low, high = (x - r, y - r, 0.05), (x + r, y + r, block.size_m[2])
        assert not touching(triangles_near(scene, low, high), low, high).any()


def test_the_floor_is_level_below_camera_and_blocking(built):
    asked, scene = built
    x, y = np.meshgrid(np.linspace(-4, 4, 17), np.linspace(-2, 9, 23))
    points = np.column_stack([x.reshape(-1), y.reshape(-1)])
    points = points[clearance_m(asked, points) == 0]
    assert len(points) > 20
    near = triangles_near(scene, (-5, -3, -3), (5, 10, 1.0))
    below = [first_hits(near, (*p, 0.5), [(0, 0, -1)])[0] - 0.5 for p in points]
    np.testing.assert_allclose(below, 0, atol=0.03)


def test_windows_are_holes_to_the_sky_in_a_closed_hall(built):
    _, scene = built
    triangles = triangles_near(scene, *EVERYWHERE)
    turn, rise = np.meshgrid(np.radians(np.arange(1.5, 360, 30)), np.radians([14, 32, 60]))
    way = np.stack([np.cos(rise) * np.sin(turn), np.cos(rise) * np.cos(turn), np.sin(rise)], axis=-1).reshape(-1, 3)
    sky = np.isinf(first_hits(triangles, scene.eye_m, way))
    assert 0.01 < sky.mean() < 0.4


def test_lamps_hang_inside_above_heads(built):
    asked, scene = built
    lamps = scene.lamps
    assert 4 <= len(lamps.position_m) < 300
    assert (lamps.position_m[:, 2] > 2.5).all()
    over = np.abs(lamps.position_m[:, 0]) < 2.0
    assert over.any() == (asked.place.where != WORDS["station"])  # a station's are on brackets at its walls
    assert (lamps.position_m[over, 2] >= hall.CLEAR_M).all()
    assert np.abs(lamps.position_m[:, 0]).max() < 40
    assert lamps.position_m[:, 1].max() < asked.stage.depth_m + 12
    for at in lamps.position_m[::5]:
        triangles = triangles_near(scene, np.subtract(at, (0.5, 0.5, 3.0)), np.add(at, (0.5, 0.5, 0.0)))
        down = first_hits(triangles, at, [(0.02, 0.01, -1)])[0]
        assert down > 0.5  # nothing that is part of the lamp lies below its light


def test_it_is_as_deep_as_asked_and_small_enough(built):
    asked, scene = built
    front = triangles_near(scene, (-40, 12, 0.1), (40, 60, 30))
    ahead = first_hits(front, (0.0, 12.0, 1.5), [(0, 1, 0)])[0] + 12
    assert 0.7 * asked.stage.depth_m < ahead < asked.stage.depth_m + 8
    assert sum(len(p.mesh.triangles) for p in scene.placed) < 400_000


@pytest.fixture
def plain_sky(monkeypatch):
    even = Sky(np.ones((8, 16, 3), np.float32), np.array([0.0, 0.6, 0.8]), np.ones(3))
    monkeypatch.setattr(hall, "sky_for", lambda *_: even)


@pytest.mark.usefixtures("plain_sky")
def test_seeds_change_the_hall_and_nothing_else_does():
    one, again, other = (hall.build(brief("a church"), seed, 64) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.placed[0].mesh.vertices, again.placed[0].mesh.vertices)
    np.testing.assert_array_equal(one.lamps.position_m, again.lamps.position_m)
    same = one.placed[0].mesh.vertices.shape == other.placed[0].mesh.vertices.shape
    assert not same or not np.allclose(one.placed[0].mesh.vertices, other.placed[0].mesh.vertices)


@pytest.mark.parametrize(
    ("words", "style"),
    [
        ("Abbey at dawn", nave),
        ("grand central STATION", station),
        ("old factory floor", warehouse),
        ("a loft", warehouse),
        ("two factories", warehouse),
        ("a goods shed", warehouse),
        ("a lofty cathedral nave", nave),
        ("a lofty church", nave),
        ("light shed on a church altar", nave),
        ("evening light shed on a church", nave),
        ("a stone arch in a railway station", station),
    ],
)
def test_words_choose_the_style(words, style):
    assert hall._style(brief(words), np.random.default_rng(0)) is style


def test_without_words_seeds_choose_among_all_styles():
    asked = Brief(name="x", intent="somewhere")
    assert {hall._style(asked, np.random.default_rng(k)) for k in range(20)} == {nave, station, warehouse}


@pytest.mark.usefixtures("plain_sky")
def test_day_opens_the_aperture_and_night_leaves_it_to_the_lamps():
    day, night = hall.build(brief("a church"), 1, 64), hall.build(brief("a church", -20.0), 1, 64)
    assert (day.exposure, night.exposure) == (pytest.approx(6.0), pytest.approx(1.0))
    assert night.sky.radiance.max() < 0.1 < day.sky.radiance.max()
    seen = [s.exposure * s.lamps.intensity.max() for s in (day, night)]
    assert seen[0] < seen[1]


@pytest.mark.usefixtures("plain_sky")
def test_a_wide_block_out_widens_the_hall():
    wide = Brief(
        name="x",
        intent="church",
        stage=Stage(depth_m=20),
        blocking=(Block(name="coach", kind="hero", size_m=(11, 4, 3), position_m=(0, 6)),),
    )
    scene = hall.build(wide, 1, 64)
    low, high = (-5, 4.8, 0.05), (5, 7.2, 2.9)
    assert not touching(triangles_near(scene, low, high), low, high).any()


def test_a_camera_among_the_lamps_is_refused():
    with pytest.raises(
        GenerationError, match=r"^the camera reaches up to 5.5 m: a hall leaves it 4.8 m \(lens.height_m\)$"
    ):
        hall.build(Brief(name="x", intent="church", lens=Lens(height_m=5.0)), 1, 64)


def test_a_block_out_longer_than_any_hall_is_refused():
    far = Brief(name="x", intent="church", blocking=(Block(name="him", position_m=(0, 300)),))
    with pytest.raises(
        GenerationError, match=r"^the block-out is \d+ m long: a hall takes 240 m \(blocking, stage.reach_m\)$"
    ):
        hall.build(far, 1, 64)


def any_brief(rng):
    """Whatever the rules for briefs allow, from a phone box to beyond a hall's means."""
    depth = float(rng.choice([0.5, 4.0, 22.0, 22.0, 5000.0]))
    blocks = []
    for k in range(int(rng.integers(0, 5))):
        size = np.exp(rng.uniform(np.log(0.05), np.log(40), 3)).tolist()
        at = (rng.uniform(-1, 1, 2) * min(depth, 25.0)).tolist() + ([rng.uniform(-1, 8)] if rng.random() < 0.3 else [])
        kind = str(rng.choice(["actor", "hero", "wall", "floor"]))
        turn = float(rng.uniform(-360, 360))
        blocks.append(Block(name=f"{k}", kind=kind, size_m=tuple(size), position_m=tuple(at), turn_deg=turn))
    high = float(rng.uniform(0.01, 6.0))
    reach = (*np.exp(rng.uniform(np.log(0.05), np.log(70), 2)).tolist(), float(rng.uniform(0.01, 2.0)) * high)
    words = str(rng.choice(["", "castle", "station", "warehouse", "Ωθ [(*"]))
    return Brief(
        name="any",
        intent="an inside",
        place=Place(where=words),
        light=Light(sun_elevation_deg=float(rng.uniform(-90, 90))),
        lens=Lens(height_m=high),
        stage=Stage(depth_m=depth, reach_m=reach),
        blocking=tuple(blocks),
    )


@pytest.mark.usefixtures("plain_sky")
def test_every_brief_becomes_a_hall_or_one_line():
    made = 0
    for k in range(40):
        with contextlib.suppress(GenerationError):
            scene = hall.build(any_brief(np.random.default_rng(k)), k, 64)
            made += 1
            assert all(len(p.tint) and np.isfinite(p.mesh.vertices).all() for p in scene.placed)
    assert 15 <= made < 40


@pytest.mark.usefixtures("plain_sky")
@pytest.mark.parametrize("half_m", [1.0, 9.0, 14.0, 22.0, 29.0])
@pytest.mark.parametrize("words", ["a castle", "a station", "a warehouse"])
def test_a_hall_of_any_width_can_be_built(words, half_m):
    asked = Brief(name="x", intent=words, stage=Stage(depth_m=20, reach_m=(2 * half_m, 2, 1)))
    assert hall.build(asked, 4, 64).placed


@pytest.mark.usefixtures("plain_sky")
def test_a_hall_is_square_to_its_rows_of_columns_and_light_goes_between_them():
    row = Block(name="row", kind="wall", size_m=(1.2, 24.0, 8.0), position_m=(-6.0, 10.0), turn_deg=12.0)
    scene = hall.build(Brief(name="x", intent="castle", stage=Stage(depth_m=22), blocking=(row,)), 2, 64)
    turns = [np.degrees(np.arctan2(p.stage_from_mesh[0, 0, 1], p.stage_from_mesh[0, 1, 1])) for p in scene.placed[:3]]
    assert all((t - 12.0 + 0.01) % 90.0 < 0.02 for t in turns)
    near = triangles_near(scene, (-12, -6, 0), (0, 26, 8.1))
    away = np.array([np.cos(np.radians(12.0)), -np.sin(np.radians(12.0)), 0.0])
    along = np.array([np.sin(np.radians(12.0)), np.cos(np.radians(12.0)), 0.0])
    seen = [
        first_hits(near, (-6, 10, 1.5) + s * along + 2.0 * away, [-away])[0] > 3.0 for s in np.linspace(-11, 11, 60)
    ]
    assert 0.5 < np.mean(seen) < 0.9


@pytest.mark.usefixtures("plain_sky")
@pytest.mark.parametrize("words", WORDS.values())
def test_rows_of_columns_stand_below_the_roof(words):
    row = Block(name="row", kind="wall", size_m=(1.0, 20.0, 12.0), position_m=(-6.0, 8.0))
    scene = hall.build(Brief(name="x", intent=words, stage=Stage(depth_m=22), blocking=(row,)), 2, 64)
    near = triangles_near(scene, (-7, -4, 11.0), (-5, 20, 40))
    tops = [first_hits(near, (-6, y, 60.0), [(0, 0, -1)])[0] for y in np.linspace(0.0, 16.0, 9)]
    assert np.mean(np.subtract(60.0, tops) > 12.2) > 0.5  # some are below a skylight


@pytest.mark.usefixtures("plain_sky")
@pytest.mark.parametrize("words", WORDS.values())
def test_rows_of_columns_raised_off_the_floor_stand_below_the_roof(words):
    row = Block(name="row", kind="wall", size_m=(1.0, 20.0, 6.0), position_m=(-6.0, 8.0, 14.0))
    scene = hall.build(Brief(name="x", intent=words, stage=Stage(depth_m=22), blocking=(row,)), 2, 64)
    near = triangles_near(scene, (-7, -4, 19.0), (-5, 20, 50))
    tops = [first_hits(near, (-6, y, 70.0), [(0, 0, -1)])[0] for y in np.linspace(0.0, 16.0, 9)]
    assert np.mean(np.subtract(70.0, tops) > 20.2) > 0.5


@pytest.mark.parametrize("foot_m", [0.0, 18.0])
def test_rows_of_columns_higher_than_any_hall_are_refused(foot_m):
    row = Block(name="row", kind="wall", size_m=(1.0, 20.0, 23.5 - foot_m), position_m=(-6.0, 8.0, foot_m))
    with pytest.raises(GenerationError, match=r"^rows of columns reach up to 23.5 m: a hall takes 23 m \(blocking\)$"):
        hall.build(Brief(name="x", intent="church", blocking=(row,)), 1, 64)


@pytest.mark.usefixtures("plain_sky")
def test_ground_changes_no_hall_and_no_furniture():
    ground = Block(name="ground", kind="floor", size_m=(80.0, 300.0, 0.1), position_m=(0.0, 0.0))
    bare, laid = (
        hall.build(Brief(name="x", intent="a church", stage=Stage(depth_m=22), blocking=blocks), 3, 64)
        for blocks in ((), (ground,))
    )
    assert [len(p.tint) for p in bare.placed] == [len(p.tint) for p in laid.placed]


@pytest.mark.usefixtures("plain_sky")
def test_pews_keep_away_from_a_wall_however_it_is_marked():
    wall = Block(name="w", kind="wall", size_m=(4.0, 4.0, 3.0), position_m=(0.0, 12.0), in_picture=True)
    scene = hall.build(Brief(name="x", intent="a church", stage=Stage(depth_m=22), blocking=(wall,)), 3, 64)
    feet = [
        p.stage_from_mesh[:, :2, 3] for p in scene.placed[1:] if len(p.tint) > 1 and p.mesh.vertices[:, 2].max() < 2
    ]
    assert len(feet)
    assert all(clearance_m(hall._solid(Brief(name="x", intent="x", blocking=(wall,))), at).min() > 1.0 for at in feet)


@pytest.mark.usefixtures("plain_sky")
def test_the_shipped_brief_s_sun_lies_on_the_floor_and_its_throne_stands():
    asked = read_brief(BRIEFS / "hall.toml")
    scene = hall.build(asked, 1, 64)
    triangles = triangles_near(scene, *EVERYWHERE)
    turn, rise = np.radians(asked.light.sun_azimuth_deg), np.radians(asked.light.sun_elevation_deg)
    sun = np.array([np.cos(rise) * np.sin(turn), np.cos(rise) * np.cos(turn), np.sin(rise)])
    floor = [(x, y, 0.05) for x in (-5.0, -2.0, 0.5, 3.0) for y in np.linspace(1.0, 25.0, 8)]
    lit = np.mean([np.isinf(first_hits(triangles, p, [sun])[0]) for p in floor])
    assert 0.1 < lit < 0.6
    np.testing.assert_allclose(first_hits(triangles, (0.1, 31.1, 5.0), [(0, 0, -1)]), 5.0 - 3.4, atol=1e-4)
    np.testing.assert_allclose(first_hits(triangles, (3.5, 31.1, 5.0), [(0, 0, -1)]), 5.0 - 0.6, atol=1e-4)


def test_a_block_out_wider_than_any_hall_is_refused():
    far = Brief(name="x", intent="church", blocking=(Block(name="him", position_m=(300, 0)),))
    with pytest.raises(GenerationError, match=r"^the block-out is \d+ m wide: a hall takes 60 m \(blocking\)$"):
        hall.build(far, 1, 64)
