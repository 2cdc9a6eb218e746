"""Gradients held to finite differences and to torch's own autograd, both of a float64 rasteriser in plain torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from translight.core.camera import Camera, View
from translight.core.errors import BackendError
from translight.core.pose import Pose
from translight.render.compiling import compiling_told
from translight.render.contract import ALPHA_CUT, Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.render.differentiable import Rasterised, Rasteriser
from translight.render.gradients.rasteriser import compile_kernels
from translight.render.reference import ReferenceRenderer
from translight.render.sh import SH_0, SH_OFFSET
from translight.splats.cloud import SplatCloud

ROOT = Path(__file__).parents[2]
GROUPS = ("means", "scales", "wxyz", "opacities", "sh", "scene_from_camera")
CAMERA = Camera(61, 45, 70.0, 66.0, 28.0, 25.0)
POSE = (1.1, 0.05, -0.03, 0.1, 0.2, -0.1, -4.0)
AHEAD = (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
Oracle = Callable[..., Tensor]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """The rasteriser that benchmarks measure ours against; in float64 it is the truth here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        from benchmarks.peers.torch_gradients import rasterise

        yield rasterise


@pytest.fixture(scope="module")
def rasteriser() -> Rasteriser:
    return Rasteriser()


def tensors(
    seed: int, n: int = 200, degree: int = 3, size: float = 0.1, pose: tuple[float, ...] = POSE
) -> list[Tensor]:
    """A cloud around the origin whose quaternions are of any length, and a pose; in float64, of float32 values."""
    rng = np.random.default_rng(seed)
    sh = rng.normal(0, 0.25, (n, (degree + 1) ** 2, 3))
    sh[:, 0] = rng.uniform(-2.2, 1.7, (n, 3))
    arrays = (
        rng.normal(size=(n, 3)), size * np.exp(rng.normal(0, 0.7, (n, 3))), rng.normal(size=(n, 4)),
        rng.uniform(0.01, 1.0, n), sh, np.array(pose),
    )  # fmt: skip
    return [torch.from_numpy(array.astype(np.float32)).double() for array in arrays]


def single(of: list[Tensor]) -> list[Tensor]:
    """In float32, as leaves that want a gradient."""
    return [tensor.float().requires_grad_() for tensor in of]


def weights(seed: int, camera: Camera = CAMERA) -> Tensor:
    """A loss's gradient by the five planes."""
    shape = (5, camera.height_px, camera.width_px)
    return torch.from_numpy(np.random.default_rng(seed).normal(0.2, 1.0, shape).astype(np.float32))


def planes(picture: Rasterised) -> Tensor:
    return torch.cat([picture.rgb, picture.alpha[None], picture.depth[None]])


def gradients(rasteriser: Rasteriser, of: list[Tensor], weight: Tensor, camera: Camera = CAMERA) -> list[np.ndarray]:
    leaves = single(of)
    (planes(rasteriser.rasterise(*leaves, camera)) * weight).sum().backward()
    return [leaf.grad.numpy() for leaf in leaves]


def cloud_of(of: list[Tensor]) -> SplatCloud:
    means, scales, wxyz, opacities, sh, _ = (tensor.detach().float().numpy() for tensor in of)
    return SplatCloud(means, scales, wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True), opacities, sh)


def view_of(of: list[Tensor], camera: Camera = CAMERA, near_m: float = 0.01) -> View:
    return View(Pose.from_wxyz(of[5][:4].numpy(), of[5][4:].numpy()), camera, near_m)


def assert_agrees(ours: np.ndarray, truth: np.ndarray, relative: float, name: str) -> None:
    ours, truth = ours.ravel().astype(np.float64), truth.ravel()
    cosine = ours @ truth / (np.linalg.norm(ours) * np.linalg.norm(truth))
    error = np.linalg.norm(ours - truth) / np.linalg.norm(truth)
    assert error < relative, f"{name}: relative error {error:.2g}"
    assert cosine > 1 - relative**2, f"{name}: cosine 1 − {1 - cosine:.2g}"


@pytest.mark.parametrize("degree", range(4))
def test_the_truth_draws_what_the_reference_draws(oracle, degree):
    of = tensors(degree, degree=degree)
    drawn = oracle(*of, CAMERA).numpy()
    frame = ReferenceRenderer().render(Scene.of(cloud_of(of)), [view_of(of)])[0]
    np.testing.assert_allclose(drawn[:4], frame.rgba.transpose(2, 0, 1), atol=1e-5)
    seen = drawn[3] > 0
    np.testing.assert_allclose(drawn[4][seen] / drawn[3][seen], frame.depth[seen], rtol=1e-5)


@pytest.mark.parametrize("size", [(61, 45), (1, 1), (64, 32), (3, 90), (200, 150)])
@pytest.mark.parametrize("degree", [0, 3])
def test_draws_what_the_cpu_backend_draws(rasteriser, size, degree):
    of = tensors(7, 500, degree)
    camera = CAMERA.resized(*size)
    drawn = rasteriser.rasterise(*(tensor.float() for tensor in of), camera)
    with CpuRenderer() as renderer:
        frame = renderer.render(Scene.of(cloud_of(of)), [view_of(of, camera)])[0]
    difference = np.abs(planes(drawn)[:4].numpy() - frame.rgba.transpose(2, 0, 1))
    assert difference.mean() < 2e-6
    assert (difference.max(axis=0) > 1e-3).sum() <= 1, "a threshold may fall to the other side"
    seen = frame.rgba[..., 3] > 0.1
    np.testing.assert_allclose((drawn.depth / drawn.alpha).numpy()[seen], frame.depth[seen], rtol=1e-3)


@pytest.mark.parametrize("degree", range(4))
@pytest.mark.parametrize("size", [0.03, 0.1, 0.5])
def test_gradients_agree_with_autograd(oracle, rasteriser, degree, size):
    of = tensors(20 + degree, 300, degree, size)
    weight = weights(degree)
    ours = gradients(rasteriser, of, weight)
    leaves = [tensor.clone().requires_grad_() for tensor in of]
    (oracle(*leaves, CAMERA) * weight).sum().backward()
    for name, found, leaf in zip(GROUPS, ours, leaves, strict=True):
        assert_agrees(found, leaf.grad.numpy(), 2e-4, name)


def test_gradients_agree_with_autograd_around_the_eye(oracle, rasteriser):
    """Splats to all sides, many beyond the clamp of the Jacobian, in a wide picture off its axis."""
    of = tensors(5, 600, 2, pose=(0.9, 0.2, -0.3, 0.1, 0.1, 0.0, -0.2))
    camera = Camera(90, 60, 35.0, 40.0, 60.0, 10.0)
    weight = weights(5, camera)
    leaves = single(of)
    (planes(rasteriser.rasterise(*leaves, camera, near_m=0.2)) * weight).sum().backward()
    truth = [tensor.clone().requires_grad_() for tensor in of]
    (oracle(*truth, camera, 0.2) * weight).sum().backward()
    for name, found, leaf in zip(GROUPS, leaves, truth, strict=True):
        assert_agrees(found.grad.numpy(), leaf.grad.numpy(), 2e-4, name)


@pytest.mark.parametrize(("degree", "n"), [(0, 7), pytest.param(3, 3, marks=pytest.mark.slow)])
def test_gradients_agree_with_finite_differences(oracle, rasteriser, degree, n):
    """Every number of a few splats and of the pose is moved to either side."""
    of = tensors(40 + degree, n, degree, 0.5)
    camera = CAMERA.resized(16, 12)
    weight = weights(degree, camera)
    step = 1e-6
    for name, found, tensor in zip(GROUPS, gradients(rasteriser, of, weight, camera), of, strict=True):
        numbers = tensor.view(-1)
        truth = np.empty(len(numbers))
        for i, value in enumerate(numbers.tolist()):
            numbers[i] = value + step
            more = (oracle(*of, camera) * weight).sum()
            numbers[i] = value - step
            truth[i] = (more - (oracle(*of, camera) * weight).sum()) / (2 * step)
            numbers[i] = value
        assert_agrees(found, truth, 1e-3, name)


@pytest.mark.parametrize("size", [0.01, 0.05, 0.3])
def test_antialiased_gradients_agree_with_autograd(oracle, rasteriser, size):
    """Splats from a fraction of a pixel on, some thinned out of sight."""
    of = tensors(60, 400, 1, size)
    weight = weights(6)
    leaves = single(of)
    picture = planes(rasteriser.rasterise(*leaves, CAMERA, antialiased=True))
    (picture * weight).sum().backward()
    truth = [tensor.clone().requires_grad_() for tensor in of]
    drawn = oracle(*truth, CAMERA, antialiased=True)
    (drawn * weight).sum().backward()
    np.testing.assert_allclose(picture.detach().numpy(), drawn.detach().numpy(), atol=1e-3)
    for name, found, leaf in zip(GROUPS, leaves, truth, strict=True):
        assert_agrees(found.grad.numpy(), leaf.grad.numpy(), 2e-4, name)


def test_each_plane_has_its_own_gradient(oracle, rasteriser):
    """A loss of one plane alone, the others' gradients not there at all."""
    of = tensors(9)
    for plane, weight in enumerate(weights(9)[2:]):
        leaves = single(of)
        picture = rasteriser.rasterise(*leaves, CAMERA)
        ((picture.rgb[2], picture.alpha, picture.depth)[plane] * weight).sum().backward()
        truth = [tensor.clone().requires_grad_() for tensor in of]
        (oracle(*truth, CAMERA)[2 + plane] * weight).sum().backward()
        assert_agrees(leaves[0].grad.numpy(), truth[0].grad.numpy(), 1e-3, f"plane {2 + plane}")
        assert_agrees(leaves[3].grad.numpy(), truth[3].grad.numpy(), 1e-3, f"plane {2 + plane}")


def test_what_is_not_seen_has_no_gradient(rasteriser):
    """Behind the eye, nearer than the near plane, beside the picture, below the cut, and not finite: exactly 0."""
    of = tensors(1, 9, 1, pose=AHEAD)
    means, scales, wxyz, opacities, _, _ = of
    means[:] = torch.tensor([0.0, 0.0, 3.0])
    opacities[:] = 0.4
    means[1, 2], means[2, 2], means[3, 0] = -3.0, 0.005, 40.0
    opacities[4] = 0.99 * ALPHA_CUT
    scales[5, 1], means[6, 1] = np.nan, np.inf
    wxyz[7] = 0.0
    found = gradients(rasteriser, of, weights(1))
    for name, gradient in zip(GROUPS, found, strict=True):
        assert np.isfinite(gradient).all(), name
    for name, gradient in zip(GROUPS[:5], found[:5], strict=True):
        assert not gradient[1:8].any(), name
        assert gradient[[0, 8]].all(axis=None) or name == "sh", name


def test_thresholds_have_no_gradient(rasteriser):
    """A wall whose alpha is capped in every pixel, before one whose opacity ends all of them, before one unseen."""
    camera = Camera.from_fov(8, 6, horizontal_deg=10)
    of = tensors(2, 3, 0, pose=AHEAD)
    means, scales, _, opacities, sh, _ = of
    means[:] = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 3.0], [0.0, 0.0, 4.0]])
    scales[:] = 500.0
    opacities[:] = torch.tensor([1.0, 0.95, 0.5])
    sh[:] = torch.tensor([1.0, 0.0, -SH_OFFSET / SH_0 - 0.1])
    _, by_scale, _, by_opacity, by_sh, _ = gradients(rasteriser, of, torch.ones(5, 6, 8), camera)
    assert by_opacity[0] == 0.0
    assert not by_scale[0].any()
    np.testing.assert_allclose(by_sh[0, 0, :2], 48 * 0.999 * SH_0, rtol=1e-3)
    assert not by_sh[:, 0, 2].any(), "blue is clamped"
    assert not by_opacity[1:].any()
    assert not by_sh[1:].any()


def test_the_length_of_a_quaternion_changes_nothing_but_its_own_gradient(rasteriser):
    of = tensors(3)
    longer = [tensor.clone() for tensor in of]
    longer[2] *= 2.0
    longer[5][:4] *= 4.0
    a, b = gradients(rasteriser, of, weights(3)), gradients(rasteriser, longer, weights(3))
    for k in (0, 1, 3, 4):
        np.testing.assert_array_equal(a[k], b[k])
    np.testing.assert_array_equal(a[2], 2 * b[2])
    np.testing.assert_allclose(a[5][:4], 4 * b[5][:4], rtol=1e-5)
    np.testing.assert_allclose((a[2] * of[2].numpy()).sum(axis=1), 0.0, atol=1e-3)


def test_harmonics_may_grow(rasteriser):
    """A degree below the tensor's draws what fewer coefficients would, and leaves the others' gradients 0."""
    of = tensors(4)
    few = [*of[:4], of[4][:, :4], of[5]]
    leaves = single(of)
    picture = rasteriser.rasterise(*leaves, CAMERA, degree=1)
    fewer = single(few)
    fewer[4] = few[4].float().contiguous().requires_grad_()
    expected = rasteriser.rasterise(*fewer, CAMERA)
    torch.testing.assert_close(planes(picture), planes(expected), rtol=0, atol=0)
    (planes(picture) * weights(4)).sum().backward()
    (planes(expected) * weights(4)).sum().backward()
    torch.testing.assert_close(leaves[4].grad[:, :4], fewer[4].grad, rtol=0, atol=0)
    assert not leaves[4].grad[:, 4:].any()
    torch.testing.assert_close(leaves[0].grad, fewer[0].grad, rtol=0, atol=0)


def test_screen_gradients(oracle, rasteriser):
    """All centres moved together are the principal point moved; magnitudes are those of each pixel's own gradient."""
    camera = CAMERA.resized(9, 7)
    of = tensors(6, 60, 0, 0.3)
    of[0][:50] *= 0.5
    of[0][50:, 0] += 9.0
    weight = weights(6, camera)
    leaves = single(of)
    picture = rasteriser.rasterise(*leaves, camera, absolute=True)
    (planes(picture) * weight).sum().backward(retain_graph=True)
    screen = picture.screen.clone().numpy()
    moved = [Camera(9, 7, camera.fx, camera.fy, camera.cx + s, camera.cy) for s in (1e-5, -1e-5)]
    # The clamp of the Jacobian, which moves with the principal point, plays no part so far inside the picture.
    difference = [(oracle(*of, lens) * weight).sum() for lens in moved]
    expected = float((difference[0] - difference[1]) / 2e-5)
    assert screen[:, 0].sum() == pytest.approx(expected, abs=1e-4 * float(np.abs(screen[:, 0]).sum()))
    total = np.zeros((60, 2))
    for y in range(7):
        for x in range(9):
            alone = torch.zeros_like(weight)
            alone[:, y, x] = weight[:, y, x]
            (planes(picture) * alone).sum().backward(retain_graph=True)
            total += np.abs(picture.screen.numpy()[:, :2])
    np.testing.assert_allclose(screen[:, 2:4], total, rtol=1e-3, atol=1e-3 * total.max())
    unseen = screen[:, 4] == 0
    assert 0 < unseen.sum() < 60
    assert not screen[unseen].any()


def test_screen_magnitudes_are_left_out_unless_asked_for(rasteriser):
    picture = rasteriser.rasterise(*single(tensors(6)), CAMERA)
    picture.rgb.sum().backward()
    assert picture.screen[:, :2].any()
    assert not picture.screen[:, 2:4].any()


def test_pictures_may_be_drawn_before_the_first_way_back(rasteriser):
    """Of other sizes, eyes and clouds: each loss finds its own."""
    cases = [(tensors(k, 100 + 50 * k), CAMERA.resized(40 + 9 * k, 30 + 5 * k)) for k in range(4)]
    alone = [gradients(rasteriser, of, weights(0, camera), camera) for of, camera in cases]
    leaves = [single(of) for of, _ in cases]
    pictures = [rasteriser.rasterise(*leaf, camera) for leaf, (_, camera) in zip(leaves, cases, strict=True)]
    losses = [(planes(p) * weights(0, camera)).sum() for p, (_, camera) in zip(pictures, cases, strict=True)]
    for k in (2, 0, 3, 1):
        losses[k].backward()
    for leaf, expected in zip(leaves, alone, strict=True):
        for tensor, gradient in zip(leaf, expected, strict=True):
            np.testing.assert_array_equal(tensor.grad.numpy(), gradient)


def test_views_of_one_cloud_add_up(rasteriser):
    of = tensors(8)
    poses = [torch.tensor([1.0, 0.02 * k, -0.03, 0.1, 0.2 * k, -0.1, -4.0]) for k in range(3)]
    each = [gradients(rasteriser, [*of[:5], pose.double()], weights(8)) for pose in poses]
    leaves = single(of)
    for pose in poses:
        (planes(rasteriser.rasterise(*leaves[:5], pose, CAMERA)) * weights(8)).sum().backward()
    for k in range(5):
        total = each[0][k] + each[1][k] + each[2][k]
        np.testing.assert_allclose(leaves[k].grad.numpy(), total, rtol=1e-6, atol=1e-6 * np.abs(total).max())


def test_gradients_and_pictures_outlive_the_next_ones(rasteriser):
    """Buffers are used again, but never while a tensor holds them."""
    of = tensors(10)
    leaves = single(of)
    picture = rasteriser.rasterise(*leaves, CAMERA, absolute=True)
    planes(picture).sum().backward()
    kept = [leaf.grad for leaf in leaves] + [picture.rgb[1], picture.alpha, picture.depth, picture.screen]
    before = [tensor.detach().clone() for tensor in kept]
    part = picture.rgb[0, 3:5].detach()
    part_before = part.clone()
    del picture, leaves
    for seed in range(3):
        gradients(rasteriser, tensors(seed, 250), weights(seed))
    for tensor, copy in zip([*kept, part], [*before, part_before], strict=True):
        torch.testing.assert_close(tensor.detach(), copy, rtol=0, atol=0)


def test_buffers_are_used_again():
    rasteriser = Rasteriser()
    of = single(tensors(10))
    places = set()
    for _ in range(6):
        (rasteriser.rasterise(*of, CAMERA).rgb ** 2).sum().backward()
        places.add(of[4].grad.data_ptr())
        for leaf in of:
            leaf.grad = None
    assert len(places) == 1


def test_the_same_gradients_every_time_on_any_number_of_threads(rasteriser):
    of = tensors(11, 3000)
    expected = gradients(rasteriser, of, weights(11))
    for _ in range(3):
        for found, first in zip(gradients(rasteriser, of, weights(11)), expected, strict=True):
            np.testing.assert_array_equal(found, first)
    alone = gradients(Rasteriser(threads=1), of, weights(11))
    for found, first in zip(alone[:5], expected[:5], strict=True):
        np.testing.assert_array_equal(found, first)
    np.testing.assert_allclose(alone[5], expected[5], rtol=1e-5)


def test_only_what_is_wanted_gets_a_gradient(rasteriser):
    leaves = [tensor.float() for tensor in tensors(12)]
    leaves[1].requires_grad_()
    rasteriser.rasterise(*leaves, CAMERA).alpha.sum().backward()
    assert [leaf.grad is not None for leaf in leaves] == [False, True, False, False, False, False]


def test_pose_may_be_double(rasteriser):
    of = tensors(12)
    pose = of[5].clone().requires_grad_()
    planes(rasteriser.rasterise(*(tensor.float() for tensor in of[:5]), pose, CAMERA)).sum().backward()
    assert pose.grad.dtype == torch.float64
    single_pose = gradients(rasteriser, of, torch.ones(5, 45, 61))[5]
    np.testing.assert_allclose(pose.grad.numpy(), single_pose, rtol=1e-6)


def test_without_gradients_nothing_is_kept():
    rasteriser = Rasteriser()
    leaves = single(tensors(13))
    with torch.no_grad():
        first = rasteriser.rasterise(*leaves, CAMERA)
        rasteriser.rasterise(*single(tensors(14)), CAMERA)
    assert first.screen is None
    assert not first.rgb.requires_grad
    with_gradients = rasteriser.rasterise(*leaves, CAMERA)
    torch.testing.assert_close(planes(first), planes(with_gradients).detach(), rtol=0, atol=0)
    assert with_gradients.rgb.requires_grad


def test_an_empty_cloud_is_drawn_and_has_no_gradients(rasteriser):
    leaves = single(tensors(0, 0))
    picture = rasteriser.rasterise(*leaves, CAMERA)
    assert not planes(picture).any()
    planes(picture).sum().backward()
    assert leaves[0].grad.shape == (0, 3)
    assert not leaves[5].grad.any()


def test_a_second_way_back_is_refused(rasteriser):
    leaves = single(tensors(15))
    loss = rasteriser.rasterise(*leaves, CAMERA).rgb.sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()


def test_a_cloud_that_was_changed_meanwhile_is_refused(rasteriser):
    leaves = single(tensors(15))
    loss = rasteriser.rasterise(*leaves, CAMERA).rgb.sum()
    with torch.no_grad():
        leaves[0] += 1.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


BAD: dict[str, tuple[Callable[[list[Tensor]], None], str]] = {
    "float64": (
        lambda of: of.__setitem__(0, of[0].double()),
        "means must be a contiguous float32 tensor on the CPU, got contiguous torch.float64 on cpu",
    ),
    "strided": (
        lambda of: of.__setitem__(1, torch.zeros(200, 6)[:, ::2]),
        "scales must be a contiguous float32 tensor on the CPU, got strided torch.float32 on cpu",
    ),
    "elsewhere": (
        lambda of: of.__setitem__(3, torch.empty(200, device="meta")),
        "opacities must be a contiguous float32 tensor on the CPU, got contiguous torch.float32 on meta",
    ),
    "another count": (
        lambda of: of.__setitem__(2, torch.zeros(199, 4)),
        "wxyz must have the shape (200, 4) beside 200 means, got (199, 4)",
    ),
    "a column of opacities": (
        lambda of: of.__setitem__(3, torch.zeros(200, 1)),
        "opacities must have the shape (200,) beside 200 means, got (200, 1)",
    ),
    "flat means": (
        lambda of: of.__setitem__(0, torch.zeros(200)),
        "means must have the shape (200, 3) beside 200 means, got (200,)",
    ),
    "five coefficients": (
        lambda of: of.__setitem__(4, torch.zeros(200, 5, 3)),
        "sh must be (n k 3) with 1, 4, 9 or 16 coefficients, got (200, 5, 3)",
    ),
    "a matrix for a pose": (
        lambda of: of.__setitem__(5, torch.eye(4)),
        "scene_from_camera must be 7 floats on the CPU (wxyz, position), got torch.float32 (4, 4)",
    ),
    "no rotation": (
        lambda of: of.__setitem__(5, torch.tensor([0.0, 0, 0, 0, 1, 2, 3])),
        "scene_from_camera needs a finite position and a quaternion of some length, got [0. 0. 0. 0. 1. 2. 3.]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD)
def test_wrong_tensors_are_refused(rasteriser, fault):
    of = [tensor.float() for tensor in tensors(16)]
    change, message = BAD[fault]
    change(of)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rasteriser.rasterise(*of, CAMERA)


def test_wrong_degrees_and_threads_are_refused(rasteriser):
    of = [tensor.float() for tensor in tensors(16, degree=1)]
    with pytest.raises(ValueError, match=r"^degree must be 0 to 1, which sh has coefficients for, got 2$"):
        rasteriser.rasterise(*of, CAMERA, degree=2)
    with pytest.raises(BackendError, match=r"^the rasteriser was asked for 0 threads; this process has 1 to "):
        Rasteriser(threads=0)


def test_all_kernels_are_compiled_beforehand(rasteriser):
    compile_kernels()
    said: list[str] = []
    with compiling_told(said.append):
        for seed in range(2):
            gradients(rasteriser, tensors(seed), weights(seed))
    assert said == []


def test_a_fit_converges(rasteriser):
    """A cloud that was knocked about finds back to three pictures of what it was."""
    torch.manual_seed(0)
    of = tensors(17, 150, 1, 0.2)
    poses = [torch.tensor([1.0, 0.1 * k, -0.1 * k, 0.0, 0.3 * k, 0.2 * k, -4.0]) for k in (-1, 0, 1)]
    with torch.no_grad():
        truth = [rasteriser.rasterise(*(tensor.float() for tensor in of[:5]), pose, CAMERA).rgb for pose in poses]
    leaves = [
        (tensor + spread * torch.randn_like(tensor)).float().requires_grad_()
        for tensor, spread in zip(of[:5], (0.05, 0.02, 0.2, 0.0, 0.2), strict=True)
    ]
    rates = (0.005, 0.003, 0.01, 0.01, 0.02)
    optimiser = torch.optim.Adam([{"params": [leaf], "lr": rate} for leaf, rate in zip(leaves, rates, strict=True)])
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = torch.stack([
            (rasteriser.rasterise(*leaves, pose, CAMERA).rgb - picture).square().mean()
            for pose, picture in zip(poses, truth, strict=True)
        ]).sum()  # fmt: skip
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0], f"{losses[0]:.4g} to {losses[-1]:.4g}"
