"""The same scenes on every backend that opens, held to the reference. A case is (scene, views) from a name.

A backend passes where the mean absolute difference over RGBA is below 0.1/255, at most one pixel in 10,000 differs by
more than 1/255 (a threshold fell to the other side: alpha cut, transmittance stop), and, where alpha is above one half,
99.9 % of depths agree within 1e-3 of their value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.camera import Camera, View
from translight.core.errors import BackendError
from translight.core.frames import STAGE_FROM_RDF, camera_from_pan_tilt_roll
from translight.core.pose import Pose, Similarity
from translight.environment.environment import ColourEncoding
from translight.render.backends import BACKENDS, open_renderer
from translight.render.clip import outside_box, within_box
from translight.render.contract import Frame, Layer, Order, Renderer, Scene
from translight.render.reference import ReferenceRenderer
from translight.render.sh import SH_0, SH_OFFSET
from translight.splats.cloud import SplatCloud
from translight.splats.files import load

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
MEAN_LIMIT = 0.1 / 255
PIXEL_LIMIT = 1 / 255
FLIPS = 1e-4
DEPTH_LIMIT = 1e-3
DEPTH_STRAYS = 1e-3

Case = tuple[Scene, Sequence[View]]
FORWARD = Pose.identity()
"""A camera at the origin that looks along scene +z where stage_from_scene is the identity."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.cuda] if found.extra == "cuda" else [])
        for name, found in BACKENDS.items()
    ],
)
def backend(request: pytest.FixtureRequest) -> Iterator[Renderer]:
    try:
        renderer = open_renderer(request.param)
    except BackendError as error:
        pytest.skip(str(error))
    with renderer:
        yield renderer


def cloud(
    seed: int,
    n: int = 400,
    degree: int = 0,
    *,
    centre: tuple[float, float, float] = (0, 0, 0),
    spread: float = 1.0,
    size: float = 0.06,
    opacity: tuple[float, float] = (0.02, 1.0),
) -> SplatCloud:
    """Random ellipsoids of every elongation, normally distributed around ``centre``."""
    rng = np.random.default_rng(seed)
    turns = rng.normal(size=(n, 4))
    sh = rng.normal(0, 0.25, (n, (degree + 1) ** 2, 3))
    sh[:, 0] = rng.uniform(-1.7, 1.7, (n, 3))
    return SplatCloud(
        means=(rng.normal(size=(n, 3)) * spread + centre).astype(np.float32),
        scales=(size * np.exp(rng.normal(0, 0.8, (n, 3)))).astype(np.float32),
        wxyz=(turns / np.linalg.norm(turns, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(*opacity, n).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def sky(seed: int, height: int = 24, width: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def at(x: float, y: float, z: float, wxyz: tuple[float, float, float, float] = (1, 0, 0, 0)) -> Pose:
    return Pose.from_wxyz(wxyz, (x, y, z))


def degree(k: int) -> Case:
    return Scene.of(cloud(10 + k, degree=k)), [View(at(0.2, -0.1, -4), Camera.from_fov(123, 82, horizontal_deg=50))]


def size(width: int, height: int) -> Case:
    camera = Camera(width, height, 60.0, 60.0, width / 2, height / 2)
    return Scene.of(cloud(20, 800, 1), sky=sky(1)), [View(at(0, 0, -3), camera)]


def inside() -> Case:
    """Six square faces around an eye in the middle of the scene."""
    camera = Camera.from_fov(61, 61, horizontal_deg=90)
    turns = [(0, 0), (90, 0), (180, 0), (270, 0), (0, 90), (0, -90)]
    poses = [camera_from_pan_tilt_roll(np.radians(pan), np.radians(tilt), 0, (0.1, -0.2, 0.05)) for pan, tilt in turns]
    return Scene.of(cloud(30, 600, 2, size=0.08)), [View(pose, camera) for pose in poses]


def off_axis() -> Case:
    """Frusta whose axis lies within the picture, on its edge, and far outside it."""
    centres = [(20.0, 60.0), (100.0, 0.0), (-250.0, 40.0), (50.0, 400.0), (400.0, -300.0)]
    scene = Scene.of(cloud(31, 2000, 1, centre=(0, 0, 1), spread=3.0, size=0.15), sky=sky(2))
    return scene, [View(at(0, 0, -4), Camera(100, 80, 90.0, 70.0, *centre)) for centre in centres]


def several_views() -> Case:
    """Other cameras, sizes, eyes and near planes in one call."""
    cameras = [(64, 48, 60.0), (33, 90, 25.0), (120, 17, 140.0)]
    views = [
        View(
            camera_from_pan_tilt_roll(0.3 * i, -0.2 * i, 0.5 * i, (-0.5 * i, -3.0, 0.3 * i)),
            Camera.from_fov(w, h, horizontal_deg=fov),
            near_m=0.01 + i,
        )
        for i, (w, h, fov) in enumerate(cameras)
    ]
    return Scene.of(cloud(32, 700, 3), Similarity(1.0, STAGE_FROM_RDF), sky(3)), views


def empty(with_sky: bool) -> Case:
    none = cloud(0, 0, 2)
    return Scene.of(none, sky=sky(4) if with_sky else None), [View(FORWARD, Camera.from_fov(50, 40, horizontal_deg=70))]


def sky_only(pan_deg: float, tilt_deg: float, roll_deg: float) -> Case:
    pose = camera_from_pan_tilt_roll(*np.radians([pan_deg, tilt_deg, roll_deg]), (3.0, 2.0, 1.0))
    return Scene.of(cloud(0, 0), sky=sky(5, 40, 80)), [View(pose, Camera.from_fov(90, 70, horizontal_deg=100))]


def giant(z: float, scale: float) -> Case:
    """One splat over the whole picture, with and without small ones before it."""
    one = cloud(33, 200, 1, centre=(0, 0, 4))
    means, scales = one.means.copy(), one.scales.copy()
    means[0], scales[0] = (0.3, -0.2, z), (scale, scale * 0.8, scale * 0.5)
    wide = SplatCloud(means, scales, one.wxyz, one.opacities, one.sh)
    return Scene.of(wide, sky=sky(6)), [View(FORWARD, Camera.from_fov(100, 70, horizontal_deg=60))]


def near_plane() -> Case:
    """Big splats all around the eye: centres just before, on and behind the near plane, and beyond the clamp."""
    scene = Scene.of(cloud(34, 300, 1, spread=0.4, size=0.15, opacity=(0.02, 0.4)), sky=sky(7))
    camera = Camera.from_fov(90, 60, horizontal_deg=70)
    return scene, [View(FORWARD, camera, near) for near in (0.01, 0.2, 0.5)]


def flat_and_thin() -> Case:
    """Discs and needles, scales of zero included."""
    base = cloud(35, 400, 0)
    scales = np.full((400, 3), 0.08, np.float32)
    scales[:150, 2] = 0.0
    scales[150:300, 1:] = 1e-4
    scales[300:350] = 0.0
    scales[350:, 0] = 1.5
    thin = SplatCloud(base.means, scales, base.wxyz, base.opacities, base.sh)
    return Scene.of(thin), [View(at(0, 0, -4), Camera.from_fov(123, 82, horizontal_deg=45))]


def opaque() -> Case:
    """Deep stacks of nearly opaque splats: most pixels end before the last one."""
    scene = Scene.of(cloud(36, 1500, 0, size=0.2, opacity=(0.9, 1.0)), sky=sky(8))
    return scene, [View(at(0, 0, -4), Camera.from_fov(123, 82, horizontal_deg=40))]


def faint() -> Case:
    """Opacities around the alpha cut, where an extent that is not exact shows."""
    return (
        Scene.of(cloud(37, 2000, 0, size=0.3, opacity=(0.0, 0.02))),
        [View(at(0, 0, -4), Camera.from_fov(123, 82, horizontal_deg=50))],
    )


def ties() -> Case:
    """Many splats on each of four exact depths: ties are drawn by index."""
    base = cloud(38, 600, 0, size=0.15)
    means = base.means.copy()
    means[:, 2] = np.random.default_rng(0).integers(0, 4, 600)
    flat = SplatCloud(means, base.scales, base.wxyz, base.opacities, base.sh)
    return Scene.of(flat), [View(at(0, 0, -4), Camera.from_fov(123, 82, horizontal_deg=40))]


def similarity(scale: float) -> Case:
    """A scene in its own unit, turned and moved onto the stage; the camera sees it at the same size."""
    stage_from_scene = Similarity(scale, Pose.from_wxyz([0.5, -0.4, 0.7, 0.2], np.array([3.0, -8.0, 1.0]) * scale))
    eye = stage_from_scene.apply([0.3, 0.1, -4.0])
    pose = Pose((stage_from_scene.pose @ Pose.from_wxyz([1, 0.03, -0.02, 0.2], [0, 0, 0])).wxyz, eye)
    view = View(pose, Camera.from_fov(100, 75, horizontal_deg=45), near_m=0.01 * scale)
    return Scene.of(cloud(39, 500, 3), stage_from_scene, sky(9)), [view]


def far_away() -> Case:
    """A scene ten kilometres from the stage's origin, the camera with it: nothing may lose its small digits."""
    stage_from_scene = Similarity(1.0, Pose.from_wxyz([1, 0, 0, 0], [10_000.0, -7_000.0, 300.0]))
    view = View(at(10_000.0, -7_000.0, 296.0), Camera.from_fov(100, 75, horizontal_deg=45))
    return Scene.of(cloud(40, 500, 2), stage_from_scene), [view]


def long_lens() -> Case:
    """A degree of view from far: splats are tens of pixels wide at z = 200."""
    return Scene.of(cloud(41, 500, 1)), [View(at(0, 0, -200), Camera.from_fov(123, 82, horizontal_deg=0.9))]


def layered(encoding: ColourEncoding = "srgb") -> Case:
    """Three environments among one another, of other sizes, SH degrees and units; one of them empty."""
    turned = Similarity(0.5, Pose.from_wxyz([0.9, 0.1, -0.3, 0.2], (0.4, 0.1, 0.3)))
    layers = (
        Layer(cloud(60, 300, 1)),
        Layer(cloud(61, 0, 3)),
        Layer(cloud(62, 400, 3, spread=2.0, size=0.12), turned, tint=(1.6, 0.4, 1.0)),
    )
    scene = Scene(layers, sky(12), sky_tint=(0.3, 1.0, 2.5), encoding=encoding)
    return scene, [View(at(0.2 * i, -0.1, -4), Camera.from_fov(123, 82, horizontal_deg=50)) for i in range(2)]


def tinted(tint: tuple[float, float, float], encoding: ColourEncoding) -> Case:
    """Dark and bright colours, each channel by its own factor."""
    layer = Layer(cloud(63, 600, 2), tint=tint)
    return Scene((layer,), sky(13), tint, encoding), [View(at(0, 0, -4), Camera.from_fov(100, 75, horizontal_deg=50))]


def clipped() -> Case:
    """Within one box, outside two others, and behind one of two walls, in a scene of its own unit."""
    stage_from_scene = Similarity(3.0, Pose.from_wxyz([0.8, 0.3, -0.4, 0.2], (1.0, 2.0, 0.5)))
    middle = stage_from_scene.pose.position_m
    boxes = [Pose.from_wxyz([0.9, 0.1, 0.2, 0.1], middle + shift) for shift in ((0.2, 0, 0), (1, 1, 0), (-2, 0, 0.5))]
    clips = (
        *within_box(boxes[0], (7.0, 8.0, 6.0), stage_from_scene),
        *outside_box(boxes[1], (2.0, 2.5, 3.0), stage_from_scene),
        *outside_box(boxes[2], (1.0, 4.0, 2.0), stage_from_scene),
    )
    layer = Layer(cloud(64, 1500, 1), stage_from_scene, clips=clips)
    eye = Pose.from_wxyz([1, 0, 0, 0], middle + np.array([0, 0, -12]))
    walls = np.array([[0.0, 0.0, 1.0, 0.4 - middle[2]], [0.8, 0.0, 0.6, -1.0 - 0.8 * middle[0] - 0.6 * middle[2]]])
    camera = Camera.from_fov(123, 82, horizontal_deg=50)
    return Scene((layer,), sky(14)), [View(eye, camera, behind=behind) for behind in (None, walls, walls[:1])]


def antialiased(distance: float) -> Case:
    """Splats from below a pixel to many, discs seen from their edge among them."""
    base = cloud(65, 900, 1, size=0.05)
    scales = base.scales.copy()
    scales[:200, 2] = 0.0
    layer = Layer(SplatCloud(base.means, scales, base.wxyz, base.opacities, base.sh), antialiased=True)
    return Scene((layer,), sky(15)), [View(at(0, 0, -distance), Camera.from_fov(123, 82, horizontal_deg=50))]


CASES: dict[str, Callable[[], Case]] = {
    **{f"degree_{k}": (lambda k=k: degree(k)) for k in range(4)},
    **{
        f"size_{w}x{h}": (lambda w=w, h=h: size(w, h))
        for w, h in ((1, 1), (2, 3), (8, 8), (1, 65), (97, 1), (31, 33), (64, 64), (123, 82), (320, 180))
    },
    **{f"sky_{pan}_{tilt}_{roll}": (lambda a=(pan, tilt, roll): sky_only(*a))
       for pan, tilt, roll in ((0, 0, 0), (180, 0, 0), (30, 88, 0), (-70, -90, 20), (100, 20, 45))},
    **{f"giant_{z}_{scale}": (lambda a=(z, scale): giant(*a)) for z, scale in ((2.0, 3.0), (40.0, 500.0), (0.02, 0.5))},
    **{f"similarity_{scale}": (lambda scale=scale: similarity(scale)) for scale in (0.01, 1.0, 250.0)},
    **{f"antialiased_{distance}": (lambda distance=distance: antialiased(distance)) for distance in (3, 30)},
    **{f"tinted_{encoding}_{tint[0]}": (lambda a=(tint, encoding): tinted(*a))
       for encoding in get_args(ColourEncoding) for tint in ((0.0, 0.5, 1.0), (4.0, 1.2, 0.99))},
    "layered": layered,
    "layered_linear": lambda: layered("linear"),
    "clipped": clipped,
    "empty": lambda: empty(with_sky=False),
    "empty_with_sky": lambda: empty(with_sky=True),
    "inside": inside,
    "off_axis": off_axis,
    "several_views": several_views,
    "near_plane": near_plane,
    "flat_and_thin": flat_and_thin,
    "opaque": opaque,
    "faint": faint,
    "ties": ties,
    "far_away": far_away,
    "long_lens": long_lens,
}  # fmt: skip


@cache
def expected(name: str, order: Order = "depth") -> tuple[Case, list[Frame]]:
    """A case with the reference's pictures of it, drawn once for all backends."""
    scene, views = CASES[name]()
    return (scene, views), ReferenceRenderer().render(scene, views, order=order)


@cache
def real_capture(path: Path, place: str) -> tuple[Case, list[Frame]]:
    """A capture on the stage, 160 by 90, with the reference's picture."""
    splats = load(path)
    scene = Scene.of(splats, Similarity(2.0, STAGE_FROM_RDF), sky(11))
    offset, pan, tilt = {"outside": ((0.8, -2.0, 0.9), 0.4, -0.25), "within": ((0.1, -0.1, 0.1), -2.0, 0.1)}[place]
    eye = scene.layers[0].stage_from_scene.apply(np.median(splats.means, axis=0)) + np.array(offset)
    views = [View(camera_from_pan_tilt_roll(pan, tilt, 0.0, tuple(eye)), Camera.from_fov(160, 90, horizontal_deg=50))]
    return (scene, views), ReferenceRenderer().render(scene, views)


def assert_conforms(frames: Sequence[Frame], truth: Sequence[Frame]) -> None:
    """The module's criterion, over all pixels of all views together."""
    assert len(frames) == len(truth)
    for frame, true in zip(frames, truth, strict=True):
        assert frame.rgba.shape == true.rgba.shape
        assert frame.depth.shape == true.depth.shape
        assert frame.rgba.dtype == frame.depth.dtype == np.float32
        assert frame.rgba.flags.c_contiguous
        assert frame.depth.flags.c_contiguous
        assert np.isfinite(frame.rgba).all(), "a colour is not finite"
        assert not np.isnan(frame.depth).any(), "a depth is NaN"
        unseen = true.rgba[..., 3] == 0
        assert np.isposinf(frame.depth[unseen & (frame.rgba[..., 3] == 0)]).all(), "depth is +inf where nothing is seen"
    difference = np.concatenate(
        [np.abs(frame.rgba - true.rgba).reshape(-1, 4) for frame, true in zip(frames, truth, strict=True)]
    )
    mean, worst = difference.mean(), difference.max(axis=1)
    off = int((worst > PIXEL_LIMIT).sum())
    assert mean < MEAN_LIMIT, f"mean difference {mean * 255:.4f}/255"
    assert off <= math.ceil(FLIPS * len(worst)), (
        f"{off} of {len(worst)} pixels differ, by up to {worst.max() * 255:.2f}/255"
    )
    depth, true_depth, alpha, true_alpha = (
        np.concatenate([part(f).ravel() for f in fs])
        for part, fs in (
            (lambda f: f.depth, frames), (lambda f: f.depth, truth),
            (lambda f: f.rgba[..., 3], frames), (lambda f: f.rgba[..., 3], truth),
        )
    )  # fmt: skip
    solid = (true_alpha > 0.5) & (alpha > 0.5)
    stray = int((np.abs(depth[solid] / true_depth[solid] - 1) > DEPTH_LIMIT).sum())
    assert stray <= math.ceil(DEPTH_STRAYS * solid.sum()), f"{stray} of {solid.sum()} depths differ by more than 1e-3"


@pytest.mark.parametrize("case", CASES)
def test_meets_the_reference(backend, case):
    (scene, views), truth = expected(case)
    assert_conforms(backend.render(scene, views), truth)


@pytest.mark.parametrize("backend", sorted(BACKENDS.keys() - {"reference"}), indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_meets_the_reference_in_order_of_distance(backend, case):
    (scene, views), truth = expected(case, "distance")
    assert_conforms(backend.render(scene, views, order="distance"), truth)


MEDIAN_CASES = ("degree_0", "size_97x1", "opaque", "faint", "layered", "size_123x82", "empty")


@pytest.fixture
def with_median(backend):
    """The backend, where it draws the median depth; one that does not must say so in a line."""
    if backend.name == "gsplat":
        (scene, views), _ = expected("degree_0")
        with pytest.raises(BackendError, match="the gsplat backend draws no median depth"):
            backend.render(scene, views, depth="median")
        pytest.skip("the gsplat backend draws no median depth, and says so")
    return backend


@pytest.mark.parametrize("case", MEDIAN_CASES)
def test_median_depth_meets_the_reference(with_median, case):
    assert_median_conforms(with_median, case)


def assert_median_conforms(renderer: Renderer, case: str) -> None:
    scene, views = CASES[case]()
    truth = ReferenceRenderer().render(scene, views, depth="median")
    frames = renderer.render(scene, views, depth="median")
    for frame, true in zip(frames, truth, strict=True):
        # Where half of the light is taken, but for pixels that come within rounding of it.
        certain = np.abs(true.rgba[..., 3] - 0.5) > 1e-3
        np.testing.assert_array_equal(np.isfinite(frame.depth[certain]), true.rgba[certain, 3] >= 0.5)
        solid = np.isfinite(true.depth) & np.isfinite(frame.depth)
        stray = np.abs(frame.depth[solid] / true.depth[solid] - 1) > DEPTH_LIMIT
        assert stray.sum() <= math.ceil(2 * DEPTH_STRAYS * stray.size)


def test_median_depth_is_a_splats_own(with_median):
    assert_median_is_a_splats_own(with_median)


def assert_median_is_a_splats_own(renderer: Renderer) -> None:
    """Before a wall stands a veil of 40 %: the expected depth floats between, the median is the wall's."""
    two = SplatCloud(
        means=np.array([[0, 0, 2], [0, 0, 6]], np.float32),
        scales=np.array([[3, 3, 0.01], [9, 9, 0.01]], np.float32),
        wxyz=np.array([[1, 0, 0, 0]] * 2, np.float32),
        opacities=np.array([0.4, 0.99], np.float32),
        sh=np.zeros((2, 1, 3), np.float32),
    )
    view = View(FORWARD, Camera.from_fov(9, 9, horizontal_deg=20))
    expected_m, median_m = (
        renderer.render(Scene.of(two), [view], depth=kind)[0].depth[4, 4] for kind in ("expected", "median")
    )
    assert expected_m == pytest.approx((0.4 * 2 + 0.6 * 0.99 * 6) / (0.4 + 0.6 * 0.99), rel=1e-3)
    assert median_m == 6.0


def test_without_depth_the_picture_is_the_same_and_depth_is_left_alone(backend):
    assert_depth_is_left_alone(backend)


def assert_depth_is_left_alone(renderer: Renderer) -> None:
    (scene, views), _ = expected("size_123x82")
    (whole,) = renderer.render(scene, views)
    frame = Frame.empty(123, 82)
    frame.depth.fill(7.0)
    renderer.render(scene, views, [frame], depth="none")
    np.testing.assert_array_equal(frame.rgba, whole.rgba)
    assert (frame.depth == 7.0).all()


@pytest.mark.parametrize("order", get_args(Order))
def test_a_turn_changes_what_is_in_front_by_depth_and_not_by_distance(backend, order):
    """A red splat is farther than a green one, but less deep while the camera looks straight ahead."""
    red, green = SH_OFFSET / SH_0 * np.array([[1, -1, -1], [-1, 1, -1]])
    scene = Scene.of(
        SplatCloud(
            means=np.array([[2.2, 0, 4], [0, 0, 4.3]], np.float32),
            scales=np.array([[1, 1, 0.01]] * 2, np.float32),
            wxyz=np.array([[1, 0, 0, 0]] * 2, np.float32),
            opacities=np.array([0.99, 0.99], np.float32),
            sh=np.array([[red], [green]], np.float32),
        )
    )
    between = np.array([1.0, 0.0, 4.15])
    fronts = []
    for pan in (0.0, 30.0):
        half = np.radians(pan) / 2
        view = View(Pose.from_wxyz((np.cos(half), 0, np.sin(half), 0)), Camera.from_fov(64, 48, horizontal_deg=90))
        u, v = view.camera.project(view.stage_from_camera.inverse().apply(between))
        (frame,) = backend.render(scene, [view], order=order)
        fronts.append(("red", "green", "blue")[int(np.argmax(frame.rgba[int(v), int(u), :3]))])
    assert fronts == (["red", "green"] if order == "depth" else ["green", "green"])


@pytest.mark.parametrize("backend", sorted(BACKENDS.keys() - {"reference"}), indirect=True)
@pytest.mark.parametrize("name", ["playbot_125k_sog", "plant_114k.splat"])
@pytest.mark.parametrize("place", ["outside", pytest.param("within", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_meets_the_reference_on_a_real_capture(backend, name, place):
    """From outside and from within the capture, small enough for the reference."""
    path = SHARED / "splats" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    (scene, views), truth = real_capture(path, place)
    assert_conforms(backend.render(scene, views), truth)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(1, 300),
    degree=st.integers(0, 3),
    pan=st.floats(-math.pi, math.pi),
    tilt=st.floats(-1.5, 1.5),
    roll=st.floats(-math.pi, math.pi),
    distance=st.floats(0.0, 6.0),
    fov=st.floats(5.0, 120.0),
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    shift=st.floats(-1.0, 1.0),
    scale=st.floats(0.1, 10.0),
)
def test_meets_the_reference_anywhere(
    backend, seed, n, degree, pan, tilt, roll, distance, fov, width, height, shift, scale
):
    camera = Camera.from_fov(width, height, horizontal_deg=fov)
    camera = Camera(width, height, camera.fx, camera.fy * 0.9, camera.cx + shift * width, camera.cy)
    turned = camera_from_pan_tilt_roll(pan, tilt, roll, (0.0, 0.0, 0.0))
    pose = Pose(turned.wxyz, turned.apply([0.0, 0.0, -distance * scale]))
    scene = Scene.of(cloud(seed, n, degree), Similarity(scale, STAGE_FROM_RDF), sky(seed))
    views = [View(pose, camera, 0.01 * scale)]
    assert_conforms(backend.render(scene, views), ReferenceRenderer().render(scene, views))


def sparse(shape: tuple[int, ...]) -> np.ndarray:
    """2.5 levels in every thousandth pixel."""
    return (np.arange(math.prod(shape)).reshape(shape) % 1000 == 0).astype(np.float32) * np.float32(0.01)


WRONG: dict[str, Callable[[Frame], Frame]] = {
    "a pixel to the right": lambda f: Frame(np.roll(f.rgba, 1, axis=1), f.depth),
    "depth 1 % too far": lambda f: Frame(f.rgba, f.depth * np.float32(1.01)),
    "depth 0 where nothing is seen": lambda f: Frame(f.rgba, np.where(np.isinf(f.depth), np.float32(0), f.depth)),
    "red and blue changed": lambda f: Frame(np.ascontiguousarray(f.rgba[..., [2, 1, 0, 3]]), f.depth),
    "an eighth of a level too bright": lambda f: Frame(f.rgba + np.float32(0.125 / 255), f.depth),
    "one wrong pixel in a thousand": lambda f: Frame(f.rgba + sparse(f.depth.shape)[..., None], f.depth),
    "float64": lambda f: Frame(f.rgba.astype(np.float64), f.depth),
    "not a number": lambda f: Frame(np.where(f.rgba == 0, np.float32(np.nan), f.rgba), f.depth),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_the_criterion_catches(fault):
    _, truth = expected("degree_3")
    assert_conforms(truth, truth)
    with pytest.raises(AssertionError):
        assert_conforms([WRONG[fault](frame) for frame in truth], truth)


def test_out_frames_are_drawn_into(backend):
    """Every pixel is written, whatever the frames held before; the frames that come back are the ones given."""
    (scene, views), truth = expected("several_views")
    out = [Frame.empty(view.camera.width_px, view.camera.height_px) for view in views]
    for frame in out:
        frame.rgba.fill(np.nan)
        frame.depth.fill(-1)
    drawn = backend.render(scene, views, out)
    assert all(a is b for a, b in zip(drawn, out, strict=True))
    assert_conforms(out, truth)


def test_frames_outlive_the_next_render(backend):
    (scene, views), truth = expected("degree_2")
    frames = backend.render(scene, views)
    backend.render(*CASES["opaque"]())
    assert_conforms(frames, truth)


def test_scenes_may_alternate(backend):
    """What a backend caches for one scene must not show in another, nor one view's size in the next."""
    for name in ("degree_3", "similarity_250.0", "degree_3", "empty", "size_123x82", "size_1x1", "degree_3"):
        (scene, views), truth = expected(name)
        assert_conforms(backend.render(scene, views), truth)


def test_no_views_no_frames(backend):
    assert backend.render(CASES["empty"]()[0], []) == []


def test_wrong_out_is_refused(backend):
    (scene, views), _ = expected("degree_0")
    with pytest.raises(ValueError, match="one frame for each of 1 views"):
        backend.render(scene, views, [])
    with pytest.raises(ValueError, match="rgba must be"):
        backend.render(scene, views, [Frame.empty(82, 123)])


def test_unusable_splats_are_left_out(backend):
    """Not-a-number and infinite values leave the other splats' picture alone."""
    (scene, views), truth = expected("degree_1")
    good = scene.layers[0].splats
    bad = cloud(50, 8, 1)
    for row, (array, value) in enumerate(
        [(bad.means, np.nan), (bad.means, np.inf), (bad.scales, np.nan), (bad.scales, np.inf), (bad.wxyz, np.nan),
         (bad.opacities, np.nan), (bad.opacities, 0.0), (bad.means, -np.inf)]
    ):  # fmt: skip
        array[row] = value
    names = ("means", "scales", "wxyz", "opacities", "sh")
    both = SplatCloud(*(np.concatenate([getattr(bad, name), getattr(good, name)]) for name in names))
    assert_conforms(backend.render(Scene.of(both), views), truth)


def test_may_be_closed_twice():
    for name in BACKENDS:
        try:
            renderer = open_renderer(name)
        except BackendError:
            continue
        renderer.close()
        renderer.close()
