from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from translight.core.camera import Camera, View
from translight.core.pose import Pose
from translight.render.contract import Scene
from translight.render.reference import open_backend
from translight.splats import files
from translight.splats.cloud import SplatCloud
from translight.splats.detail import BLUR, coarser, detail_levels
from translight.splats.mixture import OPACITY_MAX, Mixture
from translight.splats.neighbours import Neighbours

CLOUDS = st.builds(
    lambda n, degree, seed, spread, size, flat: make_cloud(n, degree, seed, spread, size, flat),
    st.integers(1, 80), st.integers(0, 3), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-3, 1.0, 1e4]),
    st.sampled_from([1e-6, 0.1, 1e3]), st.booleans(),
)  # fmt: skip


def make_cloud(
    n: int, degree: int, seed: int, spread: float = 1.0, size: float = 0.1, flat: bool = False
) -> SplatCloud:
    rng = np.random.default_rng(seed)
    wxyz = rng.normal(size=(n, 4))
    scales = size * np.exp(rng.normal(size=(n, 3)))
    scales[:, 2] *= not flat
    return SplatCloud(
        (spread * rng.normal(size=(n, 3))).astype(np.float32),
        scales.astype(np.float32),
        (wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        rng.uniform(0, 1, n).astype(np.float32),
        rng.normal(0, 0.5, (n, (degree + 1) ** 2, 3)).astype(np.float32),
    )


def one(scales: tuple[float, float, float] = (0.1, 0.2, 0.3), opacity: float = 0.3, grey: float = 0.5) -> SplatCloud:
    """A splat at the origin, its axes turned by 60° about (1, 1, 1)."""
    half = np.float32(0.5 / np.sqrt(3))
    return SplatCloud(
        np.zeros((1, 3), np.float32),
        np.array([scales], np.float32),
        np.array([[np.sqrt(0.75), half, half, half]], np.float32),
        np.array([opacity], np.float32),
        np.full((1, 1, 3), grey, np.float32),
    )


def together(*clouds: SplatCloud) -> SplatCloud:
    return SplatCloud(
        *(np.concatenate([getattr(c, f) for c in clouds]) for f in ("means", "scales", "wxyz", "opacities", "sh"))
    )


def moved(cloud: SplatCloud, x: float) -> SplatCloud:
    return replace(cloud, means=cloud.means + np.array([x, 0, 0], np.float32))


def rows(cloud: SplatCloud, order: np.ndarray) -> SplatCloud:
    return SplatCloud(
        cloud.means[order], cloud.scales[order], cloud.wxyz[order], cloud.opacities[order], cloud.sh[order]
    )


def covariances(cloud: SplatCloud) -> np.ndarray:
    return Mixture.of(cloud, 0.0).covariances


def check_usable(cloud: SplatCloud) -> None:
    for field in (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh):
        assert np.isfinite(field).all()
    assert (cloud.scales >= 0).all()
    assert np.linalg.norm(cloud.wxyz.astype(np.float64), axis=1) == pytest.approx(1, abs=1e-6)
    assert (cloud.opacities >= 0).all()
    assert (cloud.opacities <= 1).all()


@settings(deadline=None, max_examples=60)
@given(CLOUDS, st.integers(1, 9))
def test_a_coarser_cloud_has_the_count_and_usable_values(cloud: SplatCloud, factor: int):
    fewer = coarser(cloud, factor)
    assert len(fewer) == -(-len(cloud) // factor)
    assert fewer.sh_degree == cloud.sh_degree
    check_usable(fewer)
    # Means and colours are weighted averages: they leave no box that held them.
    for before, after in ((cloud.means, fewer.means), (cloud.sh, fewer.sh)):
        margin = 1e-5 * (1 + np.abs(before).max())
        assert (after.min(axis=0) >= before.min(axis=0) - margin).all()
        assert (after.max(axis=0) <= before.max(axis=0) + margin).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 200), st.integers(0, 2**32 - 1))
def test_the_order_of_the_splats_does_not_matter(n: int, seed: int):
    cloud = make_cloud(n, 1, seed)
    shuffled = rows(cloud, np.random.default_rng(seed).permutation(n))
    a, b = coarser(cloud), coarser(shuffled)
    for field in ("means", "scales", "wxyz", "opacities", "sh"):
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(2, 4), st.integers(0, 2**32 - 1))
@example(groups=11, each=3, seed=29410)
def test_groups_that_stand_apart_are_merged_within_and_keep_absorbance_and_colour(groups: int, each: int, seed: int):
    rng = np.random.default_rng(seed)
    n = groups * each
    faint = replace(
        make_cloud(n, 0, seed),
        means=(np.repeat(np.arange(groups), each)[:, None] * [100, 0, 0] + rng.normal(0, 0.01, (n, 3))).astype(
            np.float32
        ),
        scales=rng.uniform(0.04, 0.08, (n, 3)).astype(np.float32),
        opacities=rng.uniform(0.005, 0.01, n).astype(np.float32),
        sh=rng.uniform(-0.2, 0.2, (n, 1, 3)).astype(np.float32),
    )
    fewer = coarser(faint, each)
    assert len(fewer) == groups
    group = np.rint(fewer.means[:, 0] / 100).astype(int)
    assert sorted(group) == list(range(groups))
    blur = BLUR * float(np.median(faint.scales.max(axis=1)))
    before, after = Mixture.of(faint, blur), Mixture.of(fewer, blur)
    absorbance = (before.opacities * before.areas()).reshape(groups, each)
    assert after.opacities * after.areas() == pytest.approx(absorbance.sum(axis=1)[group], rel=1e-4)
    shares = absorbance / absorbance.sum(axis=1, keepdims=True)
    colours = np.einsum("gi,gic->gc", shares, faint.sh.reshape(groups, each, 3))
    # Splats this faint hide each other by a few percent.
    assert fewer.sh[:, 0] == pytest.approx(colours[group], abs=0.01)


@pytest.mark.parametrize("copies", [2, 4])
def test_identical_splats_become_one_of_that_shape_and_the_sum_of_opacities(copies: int):
    splat = one(opacity=0.2)
    fewer = coarser(together(*[splat] * copies), copies)
    assert fewer.means == pytest.approx(splat.means, abs=1e-7)
    assert fewer.scales == pytest.approx(splat.scales, rel=1e-5)
    assert covariances(fewer) == pytest.approx(covariances(splat), abs=1e-8)
    assert fewer.opacities == pytest.approx(0.2 * copies, rel=1e-6)
    assert fewer.sh == pytest.approx(splat.sh)


def test_more_absorbance_than_an_opaque_splat_has_makes_it_larger():
    splat = one(opacity=1.0)
    fewer = coarser(together(splat, splat), 2)
    assert fewer.opacities == pytest.approx(OPACITY_MAX)
    blur2 = (BLUR * 0.3) ** 2
    variances = np.sort(splat.scales.astype(np.float64) ** 2) + blur2
    assert np.sort(fewer.scales**2) == pytest.approx(variances * 2 / OPACITY_MAX - blur2, rel=1e-5)


def test_two_splats_side_by_side_have_the_moments_of_both():
    a, b = one(opacity=0.3, grey=0.0), moved(one(opacity=0.1, grey=0.8), 4.0)
    fewer = coarser(together(a, b), 2)
    assert fewer.means[0] == pytest.approx([1.0, 0, 0], abs=1e-6)
    expected = covariances(a)[0] + np.array([0.75 * 0.25 * 16, 0, 0, 0, 0, 0])
    assert covariances(fewer)[0] == pytest.approx(expected, abs=1e-5)
    # Along x each hides some of the other, the strong one more of the faint one.
    assert fewer.sh[0, 0] == pytest.approx([0.2] * 3, abs=0.01)


def test_what_changes_the_picture_least_is_merged():
    alike = [moved(one(opacity=0.3), x) for x in (0.0, 0.01)]
    fewer = coarser(together(*alike, moved(one(opacity=0.3, grey=-1.0), 0.02)), 2)
    assert sorted(fewer.opacities) == pytest.approx([0.3, 0.6], rel=1e-2)
    assert sorted(fewer.sh[:, 0, 0]) == pytest.approx([-1.0, 0.5])


def test_an_empty_cloud_stays_empty_and_one_splat_itself():
    empty = rows(one(), np.empty(0, np.int64))
    assert [len(level) for level in detail_levels(empty)] == [0, 0, 0]
    for level in detail_levels(one()):
        assert len(level) == 1
        assert level.scales[0] == pytest.approx([0.1, 0.2, 0.3], rel=1e-5)
        assert covariances(level) == pytest.approx(covariances(one()), abs=1e-8)
        assert level.opacities == pytest.approx(0.3)


def test_points_without_size_or_opacity_stay_points():
    point = one(scales=(0.0, 0.0, 0.0), opacity=0.0)
    fewer = coarser(together(*[point] * 8))
    assert len(fewer) == 2
    check_usable(fewer)
    assert not fewer.means.any()
    assert not fewer.scales.any()
    assert not fewer.opacities.any()
    seen = coarser(together(*[one(scales=(0.0, 0.0, 0.0), opacity=1.0)] * 8))
    assert (seen.opacities >= np.float32(OPACITY_MAX)).all()


@pytest.mark.parametrize("scale", [1e-30, 1e18])
def test_the_largest_and_smallest_values_stay_finite(scale: float):
    cloud = make_cloud(64, 0, 5)
    extreme = replace(cloud, means=cloud.means * np.float32(scale), scales=cloud.scales * np.float32(scale))
    fewer = coarser(extreme)
    assert len(fewer) == 16
    check_usable(fewer)


def test_splats_that_are_not_finite_are_left_out():
    cloud = make_cloud(9, 1, 3)
    cloud.means[4, 1] = np.nan
    fewer = coarser(cloud)
    assert len(fewer) == 2
    check_usable(fewer)


def test_levels_begin_with_the_cloud_itself_and_quarter():
    cloud = make_cloud(1000, 0, 1)
    levels = detail_levels(cloud, 4)
    assert levels[0] is cloud
    assert [len(level) for level in levels] == [1000, 250, 63, 16]
    first = coarser(cloud)
    assert np.array_equal(levels[1].means, first.means)
    assert np.array_equal(levels[1].wxyz, first.wxyz)


def test_progress_grows_to_one():
    told: list[float] = []
    detail_levels(make_cloud(3000, 0, 2), 3, told.append)
    assert told == sorted(told)
    assert told[0] > 0
    assert told[-1] == pytest.approx(1)
    assert len(told) > 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coarser(one(), 0), "a coarser cloud has at least 1 times fewer splats, got 0"),
        (lambda: detail_levels(one(), 0), "there is at least one level of detail, got 0"),
    ],
)
def test_bad_arguments(call: Callable[[], object], message: str):
    with pytest.raises(ValueError, match=f"^{message}$"):
        call()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 120), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_nearest_neighbours_are_those_of_all_pairs(n: int, count: int, seed: int, crowded: bool):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (n, 3)).astype(np.float64) if crowded else rng.normal(size=(n, 3))
    found = Neighbours(points).nearest(slice(0, n), count)
    square = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(square, np.inf)
    wanted = np.sort(square, axis=1)[:, :count]
    there = min(count, n - 1)
    assert (found[:, there:] == -1).all()
    assert all(len(set(row)) == there for row in found[:, :there].tolist())
    np.testing.assert_allclose(np.take_along_axis(square, found[:, :there].astype(int), axis=1), wanted[:, :there])


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((np.clip(a, 0, 1) - np.clip(b, 0, 1)) ** 2)))


def test_a_coarser_wall_looks_like_the_wall():
    rng = np.random.default_rng(8)
    n = 4000
    means = np.stack([rng.uniform(-2, 2, n), rng.uniform(-1.5, 1.5, n), rng.normal(4, 0.01, n)], axis=1)
    waves = np.sin(means[:, :1] * np.array([1.5, 2.0, 2.5])) + np.cos(means[:, 1:2] * 2)
    cloud = SplatCloud(
        means=means.astype(np.float32),
        scales=np.tile(np.array([0.08, 0.06, 0.005], np.float32), (n, 1)),
        wxyz=np.tile(np.array([1, 0, 0, 0], np.float32), (n, 1)),
        opacities=rng.uniform(0.1, 0.9, n).astype(np.float32),
        sh=(0.6 * waves).astype(np.float32)[:, None],
    )
    view = View(Pose.from_wxyz((1, 0, 0, 0), (0, 0, 0)), Camera.from_fov(96, 72, horizontal_deg=50))
    thinned = rows(cloud, np.arange(0, n, 4))
    with open_backend() as renderer:
        full, first, second, every_fourth = (
            renderer.render(Scene.of(c), [view])[0].rgba for c in (*detail_levels(cloud), thinned)
        )
    assert psnr(full[..., :3], first[..., :3]) > 37
    assert psnr(full[..., :3], second[..., :3]) > 27
    assert psnr(full[..., :3], every_fourth[..., :3]) < 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least_1", "least_2"),
    [("plant_114k.splat", 43, 33), ("playbot_125k_sog", 34, 29)],
)
def test_real_scenes(real_scene: Callable[[str], Path], name: str, least_1: float, least_2: float):
    from translight.environment.files import load_environment
    from translight.environment.placement import fitted
    from translight.render.cpu.renderer import CpuRenderer
    from translight.render.framing import framing
    from translight.render.paths import orbit
    from translight.render.scene import scene_of

    scene = scene_of(fitted(load_environment(real_scene(name))))
    camera = Camera.from_fov(1280, 720, horizontal_deg=60)
    views = orbit(framing(scene, camera), camera, 4, 0.01)
    with CpuRenderer() as renderer:
        pictures = [
            np.array([frame.rgba[..., :3] for frame in renderer.render(scene.with_clouds([level]), views)])
            for level in detail_levels(scene.layers[0].splats)
        ]
    assert psnr(pictures[0], pictures[1]) >= least_1
    assert psnr(pictures[0], pictures[2]) >= least_2


def test_reading_a_file_and_coarsening_it_writes_a_file(tmp_path: Path):
    files.save(tmp_path / "coarse.ply", coarser(make_cloud(100, 2, 4)))
    assert len(files.load(tmp_path / "coarse.ply")) == 25
