"""The ray tracer against what can be worked out by hand: light, shadows, distances, mirrors, fog, lamps, water."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.generation.panorama import directions
from translight.generation.procedural import trace
from translight.generation.procedural.rays import embree, workers
from translight.generation.procedural.scene import (
    Air,
    Grid,
    Lamps,
    Land,
    Material,
    Mesh,
    Pattern,
    Placed,
    Scene,
    Sky,
    Water,
)
from translight.generation.procedural.trace import Drawn, Panorama, Shot, draw

GREY = Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), specular=0.0)
DOWN = Pose.from_matrix(np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 4]]))
"""A camera four metres up that looks straight down, its image's right along X."""
CAMERA = Camera.from_fov(24, 24, horizontal_deg=60)


@pytest.fixture(params=["the machine's trees", "our own trees"])
def trees(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Embree where the machine has it; and without."""
    if request.param == "our own trees":
        monkeypatch.setattr(embree, "library", lambda: None)


def _sky(radiance: float = 0.0, *, elevation_deg: float = 90.0, sun: float = 0.0) -> Sky:
    turn = np.radians(elevation_deg)
    toward = np.array([np.cos(turn), 0.0, np.sin(turn)])
    return Sky(np.full((16, 32, 3), radiance, np.float32), toward, np.full(3, sun))


def _scene(*materials: Material, sky: Sky | None = None, **parts: object) -> Scene:
    return Scene(sky or _sky(), np.array([0.0, 0.0, 1.6]), materials or (GREY,), **parts)  # type: ignore[arg-type]


def _flat(height_m: float = 0.0, half_m: float = 20.0, material: int = 0) -> Land:
    n = 9
    return Land(
        (
            Grid(
                (-half_m, -half_m),
                2 * half_m / (n - 1),
                np.full((n, n), height_m, np.float32),
                np.ones((n, n, 3), np.float32),
                np.full((n, n), material, np.uint16),
            ),
        )
    )


def _mesh(vertices: object, triangles: object, material: int = 0, *, smooth: bool = False) -> Placed:
    v, t = np.array(vertices, np.float32), np.array(triangles, np.int32)
    mesh = Mesh(v, t, np.ones_like(v), np.full(len(t), material, np.uint16), smooth)
    return Placed(mesh, np.eye(3, 4)[None], np.ones((1, 3), np.float32))


def _quad(corners: object, material: int = 0) -> Placed:
    return _mesh(corners, [[0, 1, 2], [0, 2, 3]], material)


def _copy(stage_from_mesh: np.ndarray) -> Placed:
    """A triangle twice, the second time by this matrix."""
    mesh = _mesh(np.eye(3), [[0, 1, 2]]).mesh
    return Placed(mesh, np.stack([np.eye(3, 4), stage_from_mesh]), np.ones((2, 3), np.float32))


def _lamp(height_m: float) -> Lamps:
    return Lamps(
        np.array([[1.0, 0.0, height_m]]),
        np.array([0.001]),
        np.array([[8.0, 4.0, 2.0]]),
        np.array([[0, 0, -1.0]]),
        np.array([-1.0]),
    )


def _ball(rings: int, material: int = 0) -> Placed:
    theta = np.pi * np.arange(rings + 1) / rings
    phi = np.pi * np.arange(2 * rings) / rings
    v = np.stack(
        [
            np.outer(np.sin(theta), np.cos(phi)),
            np.outer(np.sin(theta), np.sin(phi)),
            np.outer(np.cos(theta), 0 * phi + 1),
        ],
        axis=-1,
    ).reshape(-1, 3)
    j, i = np.divmod(np.arange(2 * rings * rings), 2 * rings)
    a, b = j * 2 * rings + i, j * 2 * rings + (i + 1) % (2 * rings)
    c, d = a + 2 * rings, b + 2 * rings
    t = np.concatenate([np.column_stack([a, c, b]), np.column_stack([b, c, d])])
    return _mesh(v, t, material, smooth=True)


def _down(scene: Scene, samples: int = 1) -> Drawn:
    return draw(scene, Shot(CAMERA, DOWN), samples=samples)


def test_a_lit_plane_is_lamberts() -> None:
    drawn = _down(_scene(sky=_sky(elevation_deg=40.0, sun=3.0), land=_flat()))
    expected = 0.5 / np.pi * 3.0 * np.sin(np.radians(40.0))
    np.testing.assert_allclose(drawn.image, expected, rtol=8e-3)  # a point of the disc for each pixel
    assert drawn.image.mean() == pytest.approx(expected, rel=5e-4)
    np.testing.assert_allclose(drawn.normal, np.broadcast_to([0.0, 0.0, 1.0], drawn.normal.shape), atol=1e-6)
    np.testing.assert_allclose(drawn.albedo, 0.5, rtol=1e-6)


@pytest.mark.usefixtures("trees")
def test_a_shadow_lies_where_the_sun_throws_it() -> None:
    roof = _quad([[-1, -1, 1], [0, -1, 1], [0, 1, 1], [-1, 1, 1]])
    sky = replace(_sky(elevation_deg=45.0, sun=3.0), sun_radius_rad=1e-4)
    drawn = _down(_scene(sky=sky, land=_flat(), placed=(roof,)))
    rays = CAMERA.ray(np.stack(np.meshgrid(np.arange(24), np.arange(24)), axis=-1) + 0.5)
    x, y = 4.0 * rays[..., 0], -4.0 * rays[..., 1]
    seen_roof = (np.abs(0.75 * y) < 1) & (0.75 * x > -1) & (0.75 * x < 0)
    shadow = (x > -2) & (x < -1) & (np.abs(y) < 1)  # the sun is at +X: shadows fall 1 m towards −X
    edge = np.minimum(np.abs(x + 2), np.minimum(np.abs(x + 1), np.abs(np.abs(y) - 1))) < 0.02
    ground = ~seen_roof & ~edge
    np.testing.assert_array_equal(drawn.image[ground & shadow] < 0.05, True)
    np.testing.assert_allclose(drawn.image[ground & ~shadow], 1.5 / np.pi * np.sqrt(0.5), rtol=2e-3, atol=0.02)
    assert (ground & shadow).sum() > 10


@pytest.mark.parametrize("material", [
    Material((1, 1, 1), (1, 1, 1), specular=0.0),
    Material((1, 1, 1), (1, 1, 1), specular=0.04, roughness=0.9),
    Material((1, 1, 1), (1, 1, 1), specular=0.04, roughness=0.2),
    Material((1, 1, 1), (1, 1, 1), metal=1.0, roughness=0.8),
    Material((1, 1, 1), (1, 1, 1), metal=1.0, roughness=0.02),
], ids=["chalk", "plaster", "gloss", "brushed", "mirror"])  # fmt: skip
def test_a_white_ball_vanishes_in_a_white_furnace(material: Material) -> None:
    scene = _scene(material, sky=_sky(1.0), placed=(_ball(16),))
    camera = Shot(Camera.from_fov(16, 16, horizontal_deg=40), DOWN)
    drawn = draw(scene, camera, samples=4)
    assert 0.4 < np.isfinite(drawn.distance_m).mean() < 0.9
    assert drawn.image.mean() == pytest.approx(1.0, abs=3e-3)
    if material.roughness < 0.35:  # at the rim each sample's reflectance is its own
        np.testing.assert_allclose(drawn.image, 1.0, atol=0.25)
    else:
        np.testing.assert_allclose(drawn.image, 1.0, atol=1e-4)


def test_a_leaf_gives_back_what_comes_from_either_side() -> None:
    leaf = Material((0.8, 0.8, 0.8), (0.8, 0.8, 0.8), Pattern.FRACTAL, specular=0.0, through=0.25)
    sheet = _quad([[-9, -9, 0], [9, -9, 0], [9, 9, 0], [-9, 9, 0]])
    above = _sky(1.0)
    above.radiance[8:] = 0.0
    np.testing.assert_allclose(_down(_scene(leaf, sky=_sky(1.0), placed=(sheet,)), 4).image, 0.8, rtol=1e-4)
    lit = _down(_scene(leaf, sky=above, placed=(sheet,)), 16).image
    assert lit.mean() == pytest.approx(0.8 * 0.75, rel=0.03)
    under = Pose.from_matrix(np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -4]]))
    sun = _scene(leaf, sky=_sky(sun=2.0), placed=(sheet,))
    assert draw(sun, Shot(CAMERA, under), samples=1).image.mean() == pytest.approx(0.8 * 0.25 * 2.0 / np.pi, rel=1e-3)


def test_rough_mirrors_never_give_more_than_they_get() -> None:
    for roughness in (0.1, 0.2, 0.34):
        metal = Material((1, 1, 1), (1, 1, 1), metal=1.0, roughness=roughness)
        drawn = draw(_scene(metal, sky=_sky(1.0), placed=(_ball(16),)), Shot(CAMERA, DOWN), samples=4)
        assert drawn.image.max() <= 1.0 + 1e-5
        assert drawn.image.mean() > 0.97


@pytest.mark.usefixtures("trees")
def test_distances_are_those_to_land_box_and_ball() -> None:
    land, ball = _flat(-1.0, 4000.0), _ball(64)
    step = _quad([[2, -1, 0.5], [4, -1, 0.5], [4, 1, 0.5], [2, 1, 0.5]])
    eye = np.array([0.3, -0.2, 3.0])
    drawn = draw(_scene(land=land, placed=(ball, step)), Panorama(32, eye), samples=1)
    d = directions(32).astype(np.float64)
    expected = np.where(d[..., 2] < -1e-3, -4.0 / d[..., 2], np.inf)
    b, c = d @ eye, eye @ eye - 1
    met = (b * b - c > 0) & (b < 0)
    expected = np.where(met, -b - np.sqrt(np.maximum(b * b - c, 0)), expected)
    at = -2.5 / np.minimum(d[..., 2], -1e-9)
    x, y = eye[0] + at * d[..., 0], eye[1] + at * d[..., 1]
    expected = np.where((x > 2) & (x < 4) & (np.abs(y) < 1), at, expected)
    sky = np.isinf(expected)
    np.testing.assert_array_equal(np.isinf(drawn.distance_m), sky)
    silhouette = np.abs(b * b - c) < 0.05
    np.testing.assert_allclose(drawn.distance_m[~sky & ~silhouette], expected[~sky & ~silhouette], rtol=2e-3)
    below = ~sky & ~met & ~silhouette
    np.testing.assert_allclose(drawn.distance_m[below], expected[below], rtol=1e-5)


def test_a_bumpy_land_of_nested_grids_is_met_where_it_is() -> None:
    def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 0.5 * np.sin(x) * np.cos(0.8 * y) + 0.05 * x

    def grid(half: float, cell: float) -> Grid:
        axis = np.arange(-half, half + cell / 2, cell)
        h = height(*np.meshgrid(axis, axis)).astype(np.float32)
        return Grid((-half, -half), cell, h, np.ones((*h.shape, 3), np.float32), np.zeros(h.shape, np.uint16))

    eye = np.array([0.0, 0.0, 2.0])
    drawn = draw(_scene(land=Land((grid(6.0, 0.05), grid(40.0, 0.2)))), Panorama(48, eye), samples=1)
    d, t = directions(48).astype(np.float64), drawn.distance_m.astype(np.float64)
    met = np.isfinite(t)
    assert met[26:].all()
    assert not met[:20].any()
    p = eye + d[met] * t[met, None]
    np.testing.assert_allclose(p[:, 2], height(p[:, 0], p[:, 1]), atol=0.01)
    # Nothing is met before that: the way there is clear.
    for share in np.linspace(0.02, 0.98, 49):
        q = eye + d[met] * (share * t[met, None])
        assert (q[:, 2] > height(q[:, 0], q[:, 1]) - 0.01).all()


@pytest.mark.usefixtures("trees")
def test_a_soup_of_triangles_is_met_as_a_search_through_all_finds() -> None:
    random = np.random.default_rng(3)
    corners = (random.normal(0, 2, (300, 1, 3)) + random.normal(0, 0.5, (300, 3, 3))).astype(np.float32)
    mesh = _mesh(corners.reshape(-1, 3), np.arange(900).reshape(-1, 3)).mesh
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0] * np.array([1.5, 0.7, 1.0])
    copies = np.stack([np.eye(3, 4), np.column_stack([turn, [1.0, 4.0, -2.0]])])
    eye = np.array([0.2, -7.0, 0.4])
    drawn = draw(_scene(placed=(Placed(mesh, copies, np.ones((2, 3), np.float32)),)), Panorama(24, eye), samples=1)
    d = directions(24).reshape(-1, 3).astype(np.float64)
    nearest = np.full(len(d), np.inf)
    for m in copies:
        for a, b, c in corners @ m[:, :3].T + m[:, 3]:
            solved = np.linalg.solve(
                np.stack(np.broadcast_arrays(b - a, c - a, -d), axis=-1), np.broadcast_to(eye - a, d.shape)[..., None]
            )
            u, v, t = solved[..., 0].T
            inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
            nearest = np.where(inside, np.minimum(nearest, t), nearest)
    assert 0.02 < np.isfinite(nearest).mean() < 0.9
    same = np.isclose(drawn.distance_m.ravel(), nearest, rtol=1e-4) | (
        np.isinf(nearest) & np.isinf(drawn.distance_m.ravel())
    )
    assert same.mean() > 0.998  # a ray along an edge may go either way


@pytest.mark.usefixtures("trees")
def test_a_mirror_shows_what_stands_where_it_points() -> None:
    mirror = Material((1, 1, 1), (1, 1, 1), metal=1.0, roughness=0.0)
    lit = Material((0, 0, 0), (0, 0, 0), emission=(2.0, 1.0, 0.5), specular=0.0)
    panel = _quad([[-3, -3, 8], [0, -3, 8], [0, 3, 8], [-3, 3, 8]], 1)
    drawn = _down(_scene(mirror, lit, land=_flat(), placed=(panel,)))
    rays = CAMERA.ray(np.stack(np.meshgrid(np.arange(24), np.arange(24)), axis=-1) + 0.5)
    x, y = 12.0 * rays[..., 0], -12.0 * rays[..., 1]
    inside = (x > -3) & (x < 0) & (np.abs(y) < 3)
    edge = np.minimum(np.abs(x), np.minimum(np.abs(x + 3), np.abs(np.abs(y) - 3))) < 0.05
    np.testing.assert_allclose(
        drawn.image[inside & ~edge], np.broadcast_to([2.0, 1.0, 0.5], (int((inside & ~edge).sum()), 3)), rtol=5e-3
    )
    np.testing.assert_allclose(drawn.image[~inside & ~edge], 0.0, atol=1e-4)


def test_fog_that_hides_all_but_a_denormal_leaves_numbers() -> None:
    """Of a floor at four metres: e⁻⁸⁸ to e⁻¹⁰⁴, the colours that float32 cannot divide by."""
    for fog_per_m in np.linspace(21.5, 26.0, 10):
        fog = Air(fog_per_m=float(fog_per_m), fog_top_m=100.0)
        drawn = _down(_scene(land=_flat(), air=fog, sky=_sky(1.0)))
        assert np.isfinite(drawn.image).all(), fog_per_m


def test_fog_dims_by_beers_law() -> None:
    lit = Material((0, 0, 0), (0, 0, 0), emission=(1.0, 1.0, 1.0), specular=0.0)
    even = Air(fog_per_m=0.1, fog_top_m=100.0, albedo=(0.0, 0.0, 0.0))
    drawn = _down(_scene(lit, land=_flat(), air=even))
    np.testing.assert_allclose(drawn.image[..., 0], np.exp(-0.1 * drawn.distance_m), rtol=1e-4)
    layered = Air(fog_per_m=0.2, fog_height_m=1.5, fog_top_m=2.0, albedo=(0.0, 0.0, 0.0))
    drawn = _down(_scene(lit, land=_flat(), air=layered))
    z = (np.arange(20_000) + 0.5) * 4.0 / 20_000
    column = 0.2 * np.exp(-np.maximum(z - 2.0, 0.0) / 1.5).sum() * 4.0 / 20_000
    np.testing.assert_allclose(drawn.image[..., 0], np.exp(-column * drawn.distance_m / 4.0), rtol=1e-4)


def test_far_haze_takes_the_horizons_colour() -> None:
    haze = Air((0.05, 0.05, 0.05), haze_height_m=1e6)
    drawn = draw(
        _scene(sky=_sky(0.7), land=_flat(0.0, 4000.0), air=haze), Panorama(256, np.array([0, 0, 2.0])), samples=1
    )
    np.testing.assert_allclose(drawn.image[129], 0.7, rtol=0.01)


@pytest.mark.usefixtures("trees")
def test_a_lamp_gives_intensity_over_squared_distance() -> None:
    lamps = _lamp(2.0)
    camera = CAMERA.resized(96, 96)
    drawn = draw(_scene(land=_flat(), lamps=lamps), Shot(camera, DOWN), samples=4)
    rays = 4.0 * camera.ray(np.stack(np.meshgrid(np.arange(96), np.arange(96)), axis=-1) + 0.5)
    d2 = (rays[..., 0] - 1.0) ** 2 + rays[..., 1] ** 2 + 4.0
    expected = 0.5 / np.pi * 8.0 * (2.0 / np.sqrt(d2)) / d2
    np.testing.assert_allclose(drawn.image[..., 0], expected, rtol=0.12)  # smoothed within 6 pixels
    assert drawn.image[..., 0].mean() == pytest.approx(expected.mean(), rel=0.01)
    np.testing.assert_allclose(drawn.image[..., 1], 0.5 * drawn.image[..., 0], rtol=1e-4)


def test_still_water_mirrors_by_fresnel_and_shows_its_floor_dimmed() -> None:
    water = Water(0.0, np.zeros((0, 4)), 1.0, (0.0, 0.0, 0.0), (1.0, 2.0, 4.0))
    lit = Material((0, 0, 0), (0, 0, 0), emission=(1.0, 1.0, 1.0), specular=0.0)
    drawn = _down(_scene(lit, land=_flat(-1.0), water=water))
    np.testing.assert_allclose(drawn.distance_m[11:13, 11:13], 4.0, rtol=1e-3)
    middle = drawn.image[11:13, 11:13].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, 0.98 * np.exp(-2.0 / np.array([1.0, 2.0, 4.0])), rtol=0.02)
    mirrored = _down(_scene(sky=_sky(1.0), water=water))
    np.testing.assert_allclose(mirrored.image[11:13, 11:13], 0.0201, rtol=0.02)


def test_the_suns_disc_holds_the_suns_irradiance() -> None:
    sky = replace(_sky(elevation_deg=90.0, sun=2.0), sun_radius_rad=0.05)
    camera = Camera.from_fov(128, 128, horizontal_deg=10)
    up = Pose.from_matrix(np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]))
    drawn = draw(_scene(sky=sky), Shot(camera, up), samples=4)
    rays = camera.ray(np.stack(np.meshgrid(np.arange(128), np.arange(128)), axis=-1) + 0.5)
    cosine = 1.0 / np.linalg.norm(rays, axis=-1)
    received = (drawn.image[..., 0] * cosine**4).sum() / camera.fx**2
    assert received == pytest.approx(2.0, rel=0.01)
    assert np.isinf(drawn.distance_m).all()


@pytest.mark.usefixtures("trees")
def test_equal_arguments_give_equal_pictures_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = _scene(sky=_sky(0.4, elevation_deg=30, sun=1.0), land=_flat(), placed=(_ball(8),))
    pictures = []
    for count in (1, 3):
        monkeypatch.setattr(trace, "worker_count", lambda count=count: count)
        pictures.append(draw(scene, Panorama(16, scene.eye_m), samples=4, seed=5))
    np.testing.assert_array_equal(pictures[0].image, pictures[1].image)
    np.testing.assert_array_equal(pictures[0].distance_m, pictures[1].distance_m)


@pytest.mark.parametrize("other", [6, 69, 5 + 64 * 9])
def test_another_seed_gives_another_picture(other: int) -> None:
    scene = _scene(sky=_sky(0.4, elevation_deg=30, sun=1.0), land=_flat(), placed=(_ball(8),))
    one, two = (draw(scene, Panorama(16, scene.eye_m), samples=2, seed=seed) for seed in (5, other))
    assert (one.image != two.image).mean() > 0.2
    np.testing.assert_array_equal(one.distance_m, two.distance_m)


def test_even_pixels_get_half_their_rays_and_edges_all(monkeypatch: pytest.MonkeyPatch) -> None:
    roof = _quad([[-1, -1, 1], [0, -1, 1], [0, 1, 1], [-1, 1, 1]])
    scene = _scene(sky=_sky(0.2, elevation_deg=45.0, sun=3.0), land=_flat(), placed=(roof,))
    shot = Shot(Camera.from_fov(96, 96, horizontal_deg=60), DOWN)
    drawn = draw(scene, shot, samples=8).distance_m
    monkeypatch.setattr(trace, "_EVEN_SAMPLES", 2)
    half, whole = (draw(scene, shot, samples=count).distance_m for count in (4, 8))
    assert ((drawn == half) | (drawn == whole)).all()
    differ = half != whole  # a median of other rays: on the slanting ground everywhere
    assert 0.6 < (drawn == half)[differ].mean() < 0.99
    step = np.abs(np.diff(whole, axis=1, prepend=whole[:, :1])) > 0.5  # from the roof to the ground, one metre below
    edge = differ & (step | np.roll(step, -1, axis=1))
    assert edge.sum() > 20
    np.testing.assert_array_equal(drawn[edge], whole[edge])


@pytest.mark.parametrize("samples", [64, 300])
def test_many_samples_are_taken_everywhere(samples: int) -> None:
    scene = _scene(sky=_sky(0.4, elevation_deg=30, sun=1.0), land=_flat(), placed=(_ball(8),))
    drawn = draw(scene, Panorama(8, scene.eye_m), samples=samples)
    few = draw(scene, Panorama(8, scene.eye_m), samples=samples // 2)
    assert (drawn.image != few.image).any(axis=-1).mean() > 0.5


@pytest.mark.parametrize("samples", [1, 4])
def test_bands_join_without_a_seam(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = _scene(sky=_sky(0.4, elevation_deg=30, sun=1.0), land=_flat(), placed=(_ball(8),))
    whole = draw(scene, Panorama(96, scene.eye_m), samples=samples)
    monkeypatch.setattr(trace, "_BAND_PX", 192 * 7)
    monkeypatch.setattr(trace, "_STEP_PX", 192 * 5)
    told: list[float] = []
    bands = draw(scene, Panorama(96, scene.eye_m), samples=samples, progress=lambda _what, share: told.append(share))
    np.testing.assert_array_equal(whole.image, bands.image)
    np.testing.assert_array_equal(whole.distance_m, bands.distance_m)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert len(told) > 10


def test_an_interrupt_ends_the_work() -> None:
    def stop(what: str, share: float) -> None:
        if share > 0:
            raise KeyboardInterrupt(what)

    with pytest.raises(KeyboardInterrupt, match="tracing rays"):
        draw(_scene(land=_flat()), Panorama(64, np.array([0, 0, 1.0])), samples=1, progress=stop)


def test_an_error_of_one_worker_ends_the_others() -> None:
    done: list[int] = []

    def work(_worker: int, first: int, _last: int) -> None:
        if first == 4:
            raise RuntimeError("a bad row")
        done.append(first)

    with pytest.raises(RuntimeError, match=r"^a bad row"):
        workers.share_rows(2, 1000, 2, work)
    assert len(done) < 500


_FINITE = "meshes, copies and lamps hold finite numbers only"
_SINGULAR = "copy 1 of a mesh is flat: its stage_from_mesh has no inverse"


@pytest.mark.parametrize(("scene", "samples", "message"), [
    (_scene(land=_flat()), 0, "a pixel has 1 to 4096 samples, got 0"),
    (_scene(land=_flat(material=3)), 1, "a surface has material 3, and the scene has 1"),
    (_scene(land=Land((_flat(half_m=9.0).grids[0], _flat(half_m=8.0).grids[0]))), 1, "each grid of land lies within the next"),
    (_scene(land=_flat(float("nan"))), 1, "a scene and its view hold finite numbers only"),
    (_scene(placed=(_mesh(np.eye(3), [[0, 1, -1]]),)), 1, "a mesh counts its vertices from 0, got -1"),
    (_scene(placed=(_mesh(np.eye(3), [[0, 1, 3]]),)), 1, "a triangle has vertex 3, and its mesh has 3"),
    (_scene(placed=(_mesh([[np.inf, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 2]]),)), 1, _FINITE),
    (_scene(placed=(_copy(np.full((3, 4), np.nan)),)), 1, _FINITE),
    (_scene(lamps=_lamp(np.nan)), 1, _FINITE),
    (_scene(placed=(_copy(np.diag([1.0, 0, 1, 0])[:3]),)), 1, _SINGULAR),
    (_scene(placed=(_copy(np.repeat([[1.0, 2, 3, 0]], 3, axis=0)),)), 1, _SINGULAR),
], ids=["samples", "material", "nesting", "height", "below", "above", "vertices", "copy", "lamp", "flat", "line"])  # fmt: skip
def test_what_contradicts_itself_is_refused(scene: Scene, samples: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        draw(scene, Panorama(8, scene.eye_m), samples=samples)


@pytest.mark.parametrize("pattern", list(Pattern), ids=lambda p: p.name.lower())
def test_every_pattern_mixes_its_two_colours_and_fades_far_off(pattern: Pattern) -> None:
    material = Material((0.8, 0.8, 0.8), (0.2, 0.2, 0.2), pattern, (1.6, 1.6, 1.6), specular=0.0, relief_m=0.01)
    scene = _scene(material, sky=_sky(1.0), land=_flat(half_m=2000.0))
    near = _down(scene)
    assert near.albedo.min() >= 0.2 - 1e-6
    assert near.albedo.max() <= 0.8 + 1e-6
    assert (np.ptp(near.albedo) > 0.02) == (pattern is not Pattern.PLAIN)
    np.testing.assert_allclose(np.linalg.norm(near.normal, axis=-1), 1.0, rtol=1e-5)
    high = Pose.from_matrix(np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 900.0]]))
    far = draw(scene, Shot(CAMERA, high), samples=1)
    assert np.ptp(far.albedo) < 0.35 * max(np.ptp(near.albedo), 0.03)
