"""The compositor against the same written out in NumPy, pixel for pixel, and when it renders the outer picture."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from translight.colour.grade import Grade
from translight.colour.output import OutputTransform, rounding, unpack
from translight.colour.transfer import srgb_decode
from translight.core.camera import Camera, View
from translight.core.errors import ShowError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.image import PixelFormat
from translight.volume.canvas import Canvas, rectangle
from translight.volume.compositor import Compositor
from translight.volume.frustum import inner_view, outer_views
from translight.volume.sampling import Sampling, resample
from translight.volume.surfaces import Surfaces
from translight.volume.wall import ArcWall, PlaneWall

EYE = np.array([0.3, -0.2, 1.6])
NEARER = np.array([0.1, 0.0, 0.0])
CAMERA = Camera.from_fov(256, 144, horizontal_deg=48)
POSE = camera_from_pan_tilt_roll(np.radians(8), np.radians(3), np.radians(4), (0.1, -0.4, 1.5))


@pytest.fixture
def canvas(plane: PlaneWall, arc: ArcWall) -> Canvas:
    """An arc with a ceiling over it, a plane beside it, and gaps."""
    ceiling = PlaneWall("ceiling", (0.0, 2.0, 4.2), 3.0, 2.0, 90, 60, tilt_deg=-90, canvas_x_px=11, canvas_y_px=185)
    floor_side = PlaneWall("side", (-3.5, 1.0, 1.5), 3.0, 2.0, 131, 77, heading_deg=80, canvas_x_px=430, canvas_y_px=3)
    return Canvas(600, 260, (replace(arc, canvas_y_px=5), ceiling, floor_side))


def expected_floats(
    canvas: Canvas, inner, view: View, outer_pictures, feather: float, sampling: Sampling
) -> np.ndarray:
    """The canvas (h w 3) float64 before colour: outer views, then the inner view with its feather."""
    floats = np.zeros((canvas.height_px, canvas.width_px, 3))
    for wall in canvas.walls:
        x, y, width, height = rectangle(wall)
        points = wall.columns()[None] + wall.rows()[:, None]
        target = floats[y : y + height, x : x + width]
        for outer, picture in zip(outer_views(canvas, EYE), outer_pictures, strict=True):
            if outer.wall is wall:
                part = points[:, outer.first : outer.end]
                uv = outer.view.camera.project(outer.view.stage_from_camera.inverse().apply(part)).reshape(-1, 2)
                rgb = resample(picture.rgba[..., :3].astype(np.float64), uv[:, 0], uv[:, 1], sampling)
                target[:, outer.first : outer.end] = rgb.reshape(*part.shape[:2], 3)
        uv = view.camera.project(view.stage_from_camera.inverse().apply(points)).reshape(-1, 2)
        u, v = np.nan_to_num(uv, nan=-1.0).T
        camera = view.camera
        across = np.minimum(u, camera.width_px - u) / camera.width_px
        down = np.minimum(v, camera.height_px - v) / camera.height_px
        t = np.clip(np.minimum(across, down) / feather, 0, 1)
        weight = (t * t * (3 - 2 * t))[:, None]
        u, v = np.clip(u, 1.5, camera.width_px - 1.5), np.clip(v, 1.5, camera.height_px - 1.5)
        rgb = resample(inner.rgba[..., :3].astype(np.float64), u, v, sampling)
        shape = (height, width, 3)
        target[:] = ((1 - weight) * target.reshape(-1, 3) + weight * rgb).reshape(shape)
    return floats


OUTPUTS = [
    OutputTransform(),
    OutputTransform(pixel_format=PixelFormat.RGB10A2, dither=True),
    OutputTransform(wall="pq", grade=Grade(exposure_stops=0.5), pixel_format=PixelFormat.RGB10A2),
    OutputTransform("linear", Grade(source_k=4000, target_k=7000), "gamma2.4", dither=True),
]
HALVES = [
    OutputTransform("srgb", Grade(exposure_stops=3), "linear", PixelFormat.RGBA16F),
    OutputTransform("linear", wall="linear", pixel_format=PixelFormat.RGBA16F),
    OutputTransform("srgb", Grade(source_k=4000, target_k=7000), "linear", PixelFormat.RGBA16F),
]
HALF_NAMES = ["srgb-exposed", "linear-plain", "srgb-balanced"]


@pytest.mark.parametrize("sampling", list(Sampling))
@pytest.mark.parametrize("output", OUTPUTS, ids=["srgb8", "srgb10-dither", "pq10-exposed", "gamma8-balanced"])
def test_every_pixel_is_what_numpy_says(
    canvas: Canvas, picture_of, output: OutputTransform, sampling: Sampling
) -> None:
    view = inner_view(POSE, CAMERA, overscan=0.12)
    inner = picture_of(view, 99)
    pictures = [picture_of(outer.view, k) for k, outer in enumerate(outer_views(canvas, EYE))]
    compositor = Compositor(canvas, output, feather=0.05, sampling=sampling)
    compositor.show_outer(compositor.draw_outer(lambda _scene, _views: pictures, "scene", EYE))
    pixel_format = output.pixel_format
    out = np.full(pixel_format.shape(600, 260), 7, pixel_format.dtype)
    compositor.composite(inner, view, out)

    floats = expected_floats(canvas, inner, view, pictures, 0.05, sampling)
    offsets = np.tile(rounding(output.dither), (33, 75))[:260, :600, None]
    error = unpack(out, pixel_format) - (output.codes(np.maximum(floats, 0)) + offsets - 0.5)
    assert np.abs(error).max() < 0.55  # half a code of rounding, float32 and the tables
    if pixel_format is PixelFormat.RGBA8:
        assert (out[..., 3] == 255).all()
    else:
        assert (out >> 30 == 3).all()
    covered = np.zeros((260, 600), bool)
    for wall in canvas.walls:
        x, y, width, height = rectangle(wall)
        covered[y : y + height, x : x + width] = True
    assert 0.1 < covered.mean() < 0.9
    assert (unpack(out, pixel_format)[~covered] == 0).all()


@pytest.mark.parametrize("output", HALVES, ids=HALF_NAMES)
def test_halves_are_the_exact_light_rounded_once(canvas: Canvas, picture_of, output: OutputTransform) -> None:
    """Within half a unit in a half's last place of the formula, and a tenth of that for float32 and the tables."""
    view = inner_view(POSE, CAMERA, overscan=0.12)
    inner = picture_of(view, 99)
    inner.rgba[40:80] *= 3  # brighter than white
    pictures = [picture_of(outer.view, k) for k, outer in enumerate(outer_views(canvas, EYE))]
    compositor = Compositor(canvas, output, feather=0.05)
    compositor.show_outer(compositor.draw_outer(lambda _scene, _views: pictures, "scene", EYE))
    out = np.full(PixelFormat.RGBA16F.shape(600, 260), 7, np.float16)
    compositor.composite(inner, view, out)

    floats = expected_floats(canvas, inner, view, pictures, 0.05, Sampling.CATMULL_ROM)
    light = output.codes(np.maximum(floats, 0))
    found = unpack(out, PixelFormat.RGBA16F)
    unit = np.spacing(np.maximum(light, 2.0**-14).astype(np.float16)).astype(np.float64)
    # Sampling's float32 error counts by the brightest channel: a balance takes differences of large numbers
    brightest = np.maximum(light, output.linear(floats)).max(axis=-1, keepdims=True)
    linear = np.maximum(brightest, srgb_decode(floats).max(axis=-1, keepdims=True))
    error = np.abs(found - light)
    assert (error <= 0.55 * unit + 2e-5 * linear).all()
    assert (error <= 0.55 * unit).mean() > 0.998
    assert found.max() > 1.5
    assert (out[..., 3] == 1).all()


def test_every_half_is_met(plane: PlaneWall, picture_of) -> None:
    """NumPy's own rounding to halves, over all magnitudes, ties, subnormals, and what no picture should hold."""
    canvas = Canvas(300, 150, (plane,))
    compositor = Compositor(canvas, OutputTransform("linear", wall="linear", pixel_format=PixelFormat.RGBA16F))
    halves = np.arange(0, np.float16(1024).view(np.uint16), dtype=np.uint16).view(np.float16).astype(np.float32)
    between = (halves[:-1] + halves[1:]) / 2
    values = np.concatenate([halves, between, np.nextafter(between, 0), np.nextafter(between, 9), [-0.0, -3, 1e-30]])
    outer = np.zeros((150, 300, 4), np.float32)
    flat = np.concatenate([values, [np.nan, np.inf, 5000.0]]).astype(np.float32)
    looks_away = inner_view(camera_from_pan_tilt_roll(np.pi, -0.3, 0.0, (0.0, -3.0, 1.5)), CAMERA)
    out = np.empty((150, 300, 4), np.float16)
    for chunk in np.array_split(flat, -(-len(flat) // (150 * 300 * 3))):
        filled = np.zeros(150 * 300 * 3, np.float32)
        filled[: len(chunk)] = chunk
        outer[..., :3] = filled.reshape(150, 300, 3)
        compositor.show_outer(outer)
        compositor.composite(picture_of(looks_away), looks_away, out)
        wanted = np.minimum(np.where(chunk > 0, chunk, 0), 1024).astype(np.float16)
        np.testing.assert_array_equal(out[..., :3].reshape(-1)[: len(chunk)], wanted)


@pytest.mark.slow
@pytest.mark.parametrize("ends", [(260,), (16, 32, 260), (1, 2, 7, 100, 199, 259, 260), tuple(range(1, 261))])
def test_rows_that_are_done_stay_as_they_are(canvas: Canvas, picture_of, ends: tuple[int, ...]) -> None:
    """Another thread looks while frames are composited: what it is told of is the whole picture's."""
    view = inner_view(POSE, CAMERA, overscan=0.12)
    inner = picture_of(view, 99)
    compositor = Compositor(canvas, OutputTransform())
    compositor.show_outer(
        compositor.draw_outer(lambda _s, views: [picture_of(v, k) for k, v in enumerate(views)], "scene", EYE)
    )
    whole = np.empty((260, 600, 4), np.uint8)
    compositor.composite(inner, view, whole)
    compositor.watch_rows(ends)
    out = np.zeros_like(whole)
    seen, wrong, stop = set(), [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            rows = compositor.rows_done()
            seen.add(rows)
            if not np.array_equal(out[:rows], whole[:rows]):
                wrong.append(rows)

    assert compositor.rows_done() == 0
    looker = threading.Thread(target=look)
    looker.start()
    for _ in range(30):
        assert compositor.rows_done() == 0
        compositor.composite(inner, view, out)
        np.testing.assert_array_equal(out, whole)
        stop.wait(0.001)
    stop.set()
    looker.join()
    assert wrong == []
    assert seen <= {0, *ends}


def test_bands_are_done_when_all_tiles_above_their_end_are(canvas: Canvas) -> None:
    """The rule written out: rows before an end are whole when every tile that begins above it is filled."""
    surfaces, ends = Surfaces(canvas), (5, 16, 100, 101, 260)
    bands, counts = surfaces.bands(ends)
    assert counts.sum() == len(surfaces.tiles)
    for k, end in enumerate(ends):
        np.testing.assert_array_equal(bands <= k, surfaces.tiles[:, 1] < end)
        assert counts[: k + 1].sum() == (surfaces.tiles[:, 1] < end).sum()
    assert (np.diff(surfaces.tiles[:, 1]) >= 0).all(), "threads take tiles from the top down"


@pytest.mark.parametrize("feather", [0.0, 0.04])
def test_the_inner_picture_ends_where_its_view_does(plane: PlaneWall, picture_of, feather: float) -> None:
    canvas = Canvas(300, 150, (plane,))
    view = inner_view(POSE, CAMERA, overscan=0.12)
    white = type(picture_of(view))(np.ones((view.camera.height_px, view.camera.width_px, 4), np.float32))
    compositor = Compositor(canvas, OutputTransform(), feather=feather)
    out = np.empty((150, 300, 4), np.uint8)
    compositor.composite(white, view, out)
    points = plane.columns()[None] + plane.rows()[:, None]
    uv = view.camera.project(view.stage_from_camera.inverse().apply(points))
    size = np.array([view.camera.width_px, view.camera.height_px])
    edge = np.nan_to_num((np.minimum(uv, size - uv) / size).min(axis=-1), nan=-1)
    full = edge > feather + 1e-5
    assert 0.05 < full.mean() < 0.9
    assert (out[full] == 255).all()
    assert (out[edge <= 0, :3] == 0).all()
    # The film camera's own picture lies inside the overscan: no feather in it
    seen = CAMERA.project(POSE.inverse().apply(points))
    own = (seen > 0).all(axis=-1) & (seen < [CAMERA.width_px, CAMERA.height_px]).all(axis=-1)
    assert (out[own] == 255).all()


def test_the_feather_is_smooth(plane: PlaneWall, picture_of) -> None:
    canvas = Canvas(300, 150, (plane,))
    view = inner_view(POSE, CAMERA, overscan=0.3)
    white = type(picture_of(view))(np.ones((view.camera.height_px, view.camera.width_px, 4), np.float32))
    compositor = Compositor(canvas, OutputTransform("linear", wall="gamma2.4"), feather=0.1)
    compositor.set_output(OutputTransform())  # codes 255 × the weight itself
    out = np.empty((150, 300, 4), np.uint8)
    compositor.composite(white, view, out)
    weight = out[..., 0].astype(float) / 255
    steps = np.abs(np.diff(weight, axis=1)).max()
    feather_on_wall = 0.1 * view.camera.width_px * (300 / 6.0) / (view.camera.fx / 4.4)
    # A smoothstep's slope is at most 1.5 over its length
    assert steps < 2.0 * 1.5 / feather_on_wall
    assert {0.0, 1.0} < set(np.unique(weight))
    assert len(np.unique(weight)) > 20


def test_frames_and_another_colour_render_no_outer_picture(canvas: Canvas, picture_of) -> None:
    rendered: list[object] = []

    def render(scene: object, views: list[View]):
        rendered.append(scene)
        return [picture_of(view, k) for k, view in enumerate(views)]

    compositor = Compositor(canvas, OutputTransform())
    scene, moved = object(), object()
    compositor.show_outer(compositor.draw_outer(render, scene, EYE))
    view = inner_view(POSE, CAMERA)
    inner, out = picture_of(view), np.empty((260, 600, 4), np.uint8)
    for _ in range(3):
        compositor.composite(inner, view, out)
    before = out.copy()
    assert rendered == [scene]
    compositor.set_output(OutputTransform(grade=Grade(exposure_stops=-1)))
    compositor.composite(inner, view, out)
    assert rendered == [scene]  # colour is encoded anew, not rendered
    assert (out[..., :3] < before[..., :3]).mean() > 0.3
    compositor.draw_outer(render, scene, EYE + NEARER)
    compositor.draw_outer(render, moved, EYE + NEARER)
    assert rendered == [scene, scene, moved]
    assert compositor.outer_renders == 3


@pytest.mark.parametrize("threads", [1, 2])
def test_outer_pictures_dissolve_in_their_encoding(canvas: Canvas, picture_of, threads: int) -> None:
    compositor = Compositor(canvas, OutputTransform(), threads=threads)
    looks_away = inner_view(camera_from_pan_tilt_roll(np.pi, -0.3, 0.0, (0.0, -3.0, 1.5)), CAMERA)
    inner, out = picture_of(looks_away), np.empty((260, 600, 4), np.uint8)

    def drawn(seed: int) -> np.ndarray:
        return compositor.draw_outer(
            lambda _s, views: [picture_of(view, seed + k) for k, view in enumerate(views)], object(), EYE
        )

    def shown() -> np.ndarray:
        compositor.composite(inner, looks_away, out)
        return out[..., :3].astype(np.float64)

    first, second = drawn(0), drawn(50)
    assert shown().max() == 0, "drawing shows nothing"
    kept = first.copy(), second.copy()
    for fraction in (0.25, 0.6):
        compositor.dissolve_outer(first, second, fraction)
        wanted = np.clip(first + fraction * (second - first), 0, 1)[..., :3] * 255
        assert np.abs(shown() - wanted).max() < 0.55
    compositor.show_outer(second)
    assert np.abs(shown() - np.clip(second, 0, 1)[..., :3] * 255).max() < 0.55
    np.testing.assert_array_equal(first, kept[0])
    np.testing.assert_array_equal(second, kept[1])


def test_an_eye_that_sees_nothing_leaves_the_outer_picture_as_it_was(canvas: Canvas, picture_of) -> None:
    compositor = Compositor(canvas, OutputTransform())
    with pytest.raises(ShowError, match="does not see the whole inside"):
        compositor.draw_outer(lambda _s, views: [picture_of(v) for v in views], object(), np.array([0.0, 9.0, 1.0]))
    assert compositor.outer_renders == 0


def test_a_camera_that_looks_away_shows_the_outer_picture(canvas: Canvas, picture_of) -> None:
    compositor = Compositor(canvas, OutputTransform())
    outer = compositor.draw_outer(lambda _s, views: [picture_of(v, k) for k, v in enumerate(views)], object(), EYE)
    compositor.show_outer(outer)
    behind = inner_view(camera_from_pan_tilt_roll(np.pi, -0.3, 0.0, (0.0, -3.0, 1.5)), CAMERA)
    one, other = np.empty((2, 260, 600, 4), np.uint8)
    compositor.composite(picture_of(behind, 5), behind, one)
    compositor.composite(picture_of(behind, 6), behind, other)
    np.testing.assert_array_equal(one, other)
    assert one[..., :3].std() > 20


def test_wrong_pictures_are_refused(plane: PlaneWall, picture_of) -> None:
    compositor = Compositor(Canvas(300, 150, (plane,)), OutputTransform())
    view = inner_view(POSE, CAMERA)
    inner = picture_of(view)
    with pytest.raises(
        ValueError, match=r"^the canvas is C-contiguous uint8 \(150, 300, 4\), got float32 \(150, 300, 4\)"
    ):
        compositor.composite(inner, view, np.empty((150, 300, 4), np.float32))
    with pytest.raises(
        ValueError, match=r"^the canvas is C-contiguous uint8 \(150, 300, 4\), got uint8 \(150, 300, 3\)"
    ):
        compositor.composite(inner, view, np.empty((150, 300, 3), np.uint8))
    small = type(inner)(inner.rgba[:-1].copy())
    with pytest.raises(ValueError, match=r"^a view's picture is C-contiguous float32 \(158, 282, 4\)"):
        compositor.composite(small, view, np.empty((150, 300, 4), np.uint8))
