from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.render.contract import Frame, Renderer, Scene
from translight.render.reference import ReferenceRenderer, open_backend
from translight.splats.cloud import SplatCloud

DATA = Path(__file__).parents[1] / "data" / "render"


def draw(scene: Scene, view: View) -> Frame:
    with open_backend() as renderer:
        return renderer.render(scene, [view])[0]


def test_meets_gsplats_picture():
    """Four splats of degree 3 as gsplat 1.5 draws them: their files hold logits, logarithms and raw quaternions."""
    case = {name: array.astype(np.float64) for name, array in load_file(DATA / "gsplat_tiny_case.safetensors").items()}
    splats = SplatCloud(
        means=case["means"].astype(np.float32),
        scales=np.exp(case["scales"]).astype(np.float32),
        wxyz=(case["quats"] / np.linalg.norm(case["quats"], axis=1, keepdims=True)).astype(np.float32),
        opacities=(1 / (1 + np.exp(-case["opacities"]))).astype(np.float32),
        sh=case["coeffs"].astype(np.float32),
    )
    view = View(
        Pose.from_wxyz([1, 0, 0, 0], [0.123, 0.456, -8.0]), Camera(123, 82, 61.5, 61.5, 61.5, 41.0), near_m=0.01
    )
    np.testing.assert_allclose(draw(Scene.of(splats), view).rgba, case["out_img"], atol=1e-5)


def test_is_a_renderer():
    assert isinstance(ReferenceRenderer(), Renderer)


def test_centre_of_a_single_splat(cloud_of, view_at):
    """At the projected centre σ = 0: alpha is the opacity, colour premultiplied, depth the centre's z."""
    camera = Camera(65, 49, 50.0, 50.0, 32.5, 24.5)
    splats = cloud_of([0, 0, 4], scales=0.5, opacity=0.6, sh=[1.0, 0.0, -1.0])
    frame = draw(Scene.of(splats), view_at(camera=camera))
    c0 = 0.28209479177387814
    np.testing.assert_allclose(frame.rgba[24, 32], [0.6 * (0.5 + c0), 0.3, 0.6 * (0.5 - c0), 0.6], rtol=1e-6)
    assert frame.depth[24, 32] == pytest.approx(4.0)


def test_profile_of_a_single_splat(cloud_of, view_at):
    """A round splat on the axis is a Gaussian of variance (f·s/z)² + 0.3 px², cut where alpha falls below 1/255."""
    camera = Camera(65, 65, 100.0, 100.0, 32.5, 32.5)
    frame = draw(Scene.of(cloud_of([0, 0, 10], scales=0.4, opacity=0.8)), view_at(camera=camera))
    offset = np.arange(65) - 32.0
    expected = 0.8 * np.exp(-0.5 * offset**2 / (4.0**2 + 0.3))
    expected[expected < 1 / 255] = 0
    assert 0 < (expected == 0).sum() < 60
    np.testing.assert_allclose(frame.rgba[32, :, 3], expected, rtol=1e-6)
    assert np.isinf(frame.depth[32][expected == 0]).all()


def test_two_layers_blend_near_over_far(cloud_of, view_at):
    camera = Camera(5, 5, 10.0, 10.0, 2.5, 2.5)
    splats = cloud_of([[0, 0, 8], [0, 0, 2]], scales=[[8] * 3, [2] * 3], opacity=[0.5, 0.25], sh=[[1, 1, 1], [0, 0, 0]])
    frame = draw(Scene.of(splats), view_at(camera=camera))
    far = 0.5 + 0.28209479177387814
    weights = 0.25, 0.75 * 0.5
    np.testing.assert_allclose(frame.rgba[2, 2, 0], weights[0] * 0.5 + weights[1] * far, rtol=1e-6)
    np.testing.assert_allclose(frame.rgba[2, 2, 3], sum(weights), rtol=1e-6)
    np.testing.assert_allclose(frame.depth[2, 2], (weights[0] * 2 + weights[1] * 8) / sum(weights), rtol=1e-6)


def test_equal_depths_are_drawn_by_index(cloud_of, view_at):
    camera = Camera(5, 5, 10.0, 10.0, 2.5, 2.5)
    splats = cloud_of([[0, 0, 4]] * 3, scales=2, opacity=0.5, sh=[[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    rgb = draw(Scene.of(splats), view_at(camera=camera)).rgba[2, 2, :3]
    c0 = 0.28209479177387814
    np.testing.assert_allclose(rgb, 0.5 * 0.875 + c0 * np.array([0.5, 0.25, 0.125]), rtol=1e-6)


def test_a_splat_that_would_end_the_pixel_is_not_drawn(cloud_of, view_at):
    """0.999 leaves 1e-3; a second 0.999 would leave 1e-6, so it is dropped and hides the red one behind it."""
    camera = Camera(5, 5, 10.0, 10.0, 2.5, 2.5)
    sh = [[-1.7724539] * 3, [-1.7724539] * 3, [5, -1.7724539, -1.7724539]]
    splats = cloud_of([[0, 0, 2], [0, 0, 3], [0, 0, 4]], scales=9, opacity=[1, 1, 0.5], sh=sh)
    frame = draw(Scene.of(splats), view_at(camera=camera))
    np.testing.assert_allclose(frame.rgba[2, 2], [0, 0, 0, 0.999], atol=1e-6)
    assert frame.depth[2, 2] == pytest.approx(2.0)


@pytest.mark.parametrize(("z", "seen"), [(0.5, True), (0.499, False), (-1.0, False)])
def test_near_plane_is_the_centres(cloud_of, view_at, z, seen):
    frame = draw(Scene.of(cloud_of([0, 0, z], scales=0.3)), view_at(near_m=0.5))
    assert (frame.rgba[..., 3].max() > 0) == seen


def test_negative_colours_are_clamped_per_splat(cloud_of, view_at):
    frame = draw(Scene.of(cloud_of([0, 0, 2], scales=1, sh=[-9, 0, 9])), view_at())
    assert frame.rgba[24, 32, 0] == 0
    assert frame.rgba[24, 32, 2] > 1


def test_non_finite_splats_are_left_out(cloud_of, view_at):
    good = [0.0, 0.0, 3.0]
    bad = cloud_of([good, [np.nan, 0, 3], [0, np.inf, 3]], sh=[[0, 0, 0], [9, 9, 9], [9, 9, 9]])
    np.testing.assert_array_equal(draw(Scene.of(bad), view_at()).rgba, draw(Scene.of(cloud_of(good)), view_at()).rgba)


def test_similarity_moves_the_picture_with_the_scene(cloud_of):
    """Moving scene and camera by one similarity changes nothing but depth, which takes the scale: SH turns along."""
    rng = np.random.default_rng(3)
    splats = cloud_of(
        rng.normal(size=(200, 3)), np.exp(rng.normal(-2, 0.5, (200, 3))), rng.normal(size=(200, 4)), rng.random(200),
        rng.normal(0, 0.3, (200, 16, 3)),
    )  # fmt: skip
    camera = Camera(40, 30, 30.0, 31.0, 14.0, 20.0)
    still = draw(Scene.of(splats), View(Pose.from_wxyz([1, 0, 0, 0], [0, 0, -4]), camera))
    moved = Similarity(2.5, Pose.from_wxyz([0.3, -0.8, 0.5, 0.1], [7, -3, 2]))
    eye = Pose(moved.pose.wxyz, moved.apply([0, 0, -4]))
    frame = draw(Scene.of(splats, moved), View(eye, camera))
    np.testing.assert_allclose(frame.rgba, still.rgba, atol=1e-5)
    np.testing.assert_allclose(frame.depth, still.depth * 2.5, rtol=1e-5)


def test_off_axis_view_is_a_crop_of_a_wider_one(cloud_of, view_at):
    """Shifting the principal point and cropping show the same pixels while no splat meets the Jacobian's clamp."""
    rng = np.random.default_rng(4)
    splats = cloud_of(rng.normal([0, 0, 6], size=(100, 3)), 0.1, rng.normal(size=(100, 4)), rng.random(100))
    wide = Camera(80, 60, 50.0, 50.0, 40.0, 30.0)
    crop = Camera(35, 25, 50.0, 50.0, 40.0 - 20, 30.0 - 11)
    whole = draw(Scene.of(splats), view_at(camera=wide)).rgba
    np.testing.assert_array_equal(draw(Scene.of(splats), view_at(camera=crop)).rgba, whole[11:36, 20:55])


def test_sky_fills_what_splats_leave(cloud_of, view_at):
    sky = np.full((4, 8, 3), [0.25, 0.5, 1.0], dtype=np.float32)
    frame = draw(Scene.of(cloud_of([0, 0, 3], sh=-2.0), sky=sky), view_at())
    np.testing.assert_allclose(frame.rgba[..., :3], (1 - frame.rgba[..., 3:]) * sky[0, 0], atol=1e-6)


def test_nothing_is_transparent_black(cloud_of, view_at):
    frame = draw(Scene.of(cloud_of(np.zeros((0, 3)), sh=np.zeros((0, 4, 3)))), view_at())
    assert not frame.rgba.any()
    assert np.isposinf(frame.depth).all()


def test_out_frames_are_drawn_into(cloud_of, view_at):
    frame = Frame.empty(64, 48)
    with open_backend() as renderer:
        assert renderer.render(Scene.of(cloud_of([0, 0, 3])), [view_at()], [frame]) == [frame]
    assert frame.rgba[24, 32, 3] > 0.8


def test_wrong_out_is_refused(cloud_of, view_at):
    scene = Scene.of(cloud_of([0, 0, 3]))
    with pytest.raises(ValueError, match="one frame for each of 1 views, got 0"):
        open_backend().render(scene, [view_at()], [])
    with pytest.raises(ValueError, match=r"rgba must be C-contiguous float32 \(48, 64, 4\)"):
        open_backend().render(scene, [view_at()], [Frame.empty(48, 64)])
