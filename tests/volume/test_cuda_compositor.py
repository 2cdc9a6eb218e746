"""The compositor's kernels for GPUs, run on the CPU, against the CPU's own compositor, word for word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.render.cuda_emulation.devices import GPU, device_called
from tests.render.cuda_emulation.emulator import COMPILER, Emulator
from tests.volume.test_compositor import CAMERA, EYE, HALF_NAMES, HALVES, NEARER, OUTPUTS, POSE, canvas  # noqa: F401 - a fixture

from translight.colour.grade import Grade
from translight.colour.output import OutputTransform, unpack
from translight.core.device import uploaded
from translight.core.frames import camera_from_pan_tilt_roll
from translight.volume.canvas import Canvas
from translight.volume.compositor import Compositor
from translight.volume.cuda.composition import COMPOSITION
from translight.volume.cuda.compositor import CudaCompositor
from translight.volume.frustum import inner_view
from translight.volume.sampling import Sampling

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)

FAR = np.array([8000.0, -3000.0, 0.0])


@pytest.fixture(params=[0, 1, 9, GPU])
def device(request):
    with device_called(request.param) as found:
        yield found


@pytest.fixture(params=[0, GPU])
def one_device(request):
    with device_called(request.param) as found:
        yield found


def room(compositor: Compositor | CudaCompositor) -> np.ndarray:
    """A canvas whose every word is wrong."""
    pixel_format = compositor.output.pixel_format
    size = (compositor.canvas.width_px, compositor.canvas.height_px)
    return np.full(pixel_format.shape(*size), 7, pixel_format.dtype)


def assert_alike(ours: np.ndarray, theirs: np.ndarray, output: OutputTransform) -> None:
    """A code may fall to the other side of its rounding, in one pixel of a thousand."""
    assert ours.shape == theirs.shape
    one, other = (unpack(picture, output.pixel_format).astype(int) for picture in (ours, theirs))
    assert np.abs(one - other).max() <= 1
    assert (one != other).any(axis=-1).mean() < 1e-3
    opaque = ours[..., 3] == 255 if output.largest_code == 255 else ours >> 30 == 3
    assert opaque.all()


def assert_halves_alike(ours: np.ndarray, theirs: np.ndarray) -> None:
    """As above, a unit in the last place, or float32's error in the sampled colour."""
    one, other = ours.astype(np.float64), theirs.astype(np.float64)
    unit = np.spacing(np.maximum(theirs, np.float16(2.0**-14))).astype(np.float64)
    assert (np.abs(one - other) <= unit + 3e-5).all()
    assert (one != other).any(axis=-1).mean() < 0.02
    assert (ours[..., 3] == 1).all()


def pair(device, canvas, output, picture_of, **options):  # noqa: F811
    """Both compositors with the same outer picture."""
    cpu = Compositor(canvas, output, **options)
    cuda = CudaCompositor(device, canvas, output, **options)

    outer = cpu.draw_outer(lambda _s, views: [picture_of(view, k) for k, view in enumerate(views)], "scene", EYE)
    for compositor in (cpu, cuda):
        compositor.show_outer(outer)
    return cpu, cuda


def composited(device, cpu, cuda, inner, view):
    one, other = room(cuda), room(cpu)
    cuda.composite(uploaded(device, inner.rgba), view, one)
    cpu.composite(inner, view, other)
    return one, other


@pytest.mark.parametrize("sampling", list(Sampling))
@pytest.mark.parametrize("output", OUTPUTS, ids=["srgb8", "srgb10-dither", "pq10-exposed", "gamma8-balanced"])
def test_every_word_is_the_cpus(one_device, canvas, picture_of, output, sampling) -> None:  # noqa: F811
    cpu, cuda = pair(one_device, canvas, output, picture_of, feather=0.05, sampling=sampling)
    view = inner_view(POSE, CAMERA, overscan=0.12)
    ours, theirs = composited(one_device, cpu, cuda, picture_of(view, 99), view)
    assert_alike(ours, theirs, output)
    assert unpack(theirs, output.pixel_format).std() > 20


def test_from_frame_to_frame_and_whatever_order_blocks_run(device, canvas, picture_of) -> None:  # noqa: F811
    """Cameras that turn, move and zoom, one that looks away, and colours that change under way."""
    output = OUTPUTS[3]
    cpu, cuda = pair(device, canvas, output, picture_of, feather=0.0)
    for k, (pan, tilt) in enumerate([(0.1, 0.0), (-0.4, 0.5), (np.pi, 0.3)]):
        pose = camera_from_pan_tilt_roll(pan, tilt, 0.1 * k, (0.2 * k, -0.5, 1.4))
        view = inner_view(pose, replace(CAMERA, fx=CAMERA.fx * (1 + 0.3 * k)), overscan=0.1 + 0.1 * k)
        assert_alike(*composited(device, cpu, cuda, picture_of(view, k), view), output)
    output = OutputTransform(grade=Grade(exposure_stops=-1))
    for compositor in (cpu, cuda):
        compositor.set_output(output)
    assert_alike(*composited(device, cpu, cuda, picture_of(view, 5), view), output)


@pytest.mark.parametrize("output", HALVES, ids=HALF_NAMES)
def test_every_half_is_the_cpus(one_device, canvas, picture_of, output) -> None:  # noqa: F811
    cpu, cuda = pair(one_device, canvas, output, picture_of, feather=0.05)
    view = inner_view(POSE, CAMERA, overscan=0.12)
    ours, theirs = composited(one_device, cpu, cuda, picture_of(view, 99), view)
    assert_halves_alike(ours, theirs)
    assert theirs.astype(np.float32).std() > 0.05


def test_a_stage_far_from_its_origin_loses_no_digit(one_device, plane, picture_of) -> None:
    away = Canvas(300, 150, (replace(plane, centre_m=tuple(np.array(plane.centre_m) + FAR)),))
    pose = replace(POSE, position_m=POSE.position_m + FAR)
    cpu, cuda = Compositor(away, OUTPUTS[1]), CudaCompositor(one_device, away, OUTPUTS[1])
    view = inner_view(pose, CAMERA, overscan=0.12)
    ours, theirs = composited(one_device, cpu, cuda, picture_of(view, 3), view)
    assert_alike(ours, theirs, OUTPUTS[1])
    assert unpack(theirs, OUTPUTS[1].pixel_format).std() > 50


def test_values_that_no_picture_should_hold_become_codes_too(one_device, plane, picture_of) -> None:
    """Not-a-number, infinities, negatives: as the CPU has it, but for where a filter mixes them."""
    output = OutputTransform("linear", wall="gamma2.4")
    canvas_ = Canvas(300, 150, (plane,))
    cuda = CudaCompositor(one_device, canvas_, output, sampling=Sampling.BILINEAR)
    view = inner_view(POSE, CAMERA)
    inner = picture_of(view)
    inner.rgba[::7, ::5, 0], inner.rgba[::3, ::5, 1], inner.rgba[::5, :, 2] = np.nan, np.inf, -4.0
    out = room(cuda)
    cuda.composite(uploaded(one_device, inner.rgba), view, out)
    assert (out[..., 3] == 255).all()


def test_another_outer_picture_takes_the_place_of_the_first(device, canvas, picture_of) -> None:  # noqa: F811
    cpu, cuda = pair(device, canvas, OUTPUTS[0], picture_of)
    view = inner_view(POSE, CAMERA)
    before, _ = composited(device, cpu, cuda, picture_of(view, 3), view)
    other = cpu.draw_outer(
        lambda _s, views: [picture_of(v, 40 + k) for k, v in enumerate(views)], "other", EYE + NEARER
    )
    for compositor in (cpu, cuda):
        compositor.show_outer(other)
    ours, theirs = composited(device, cpu, cuda, picture_of(view, 3), view)
    assert_alike(ours, theirs, OUTPUTS[0])
    assert (ours != before).any(axis=-1).mean() > 0.1


def test_wrong_rooms_and_pictures_are_refused(one_device, plane, picture_of) -> None:
    cuda = CudaCompositor(one_device, Canvas(300, 150, (plane,)), OutputTransform())
    view = inner_view(POSE, CAMERA)
    inner = uploaded(one_device, picture_of(view).rgba)
    with pytest.raises(ValueError, match=r"^the canvas is C-contiguous uint8 \(150, 300, 4\), got float32"):
        cuda.composite(inner, view, np.empty((150, 300, 4), np.float32))
    with pytest.raises(ValueError, match=r"^the inner picture is float32 RGBA of 282x158, at least 4x4; got 16 bytes$"):
        cuda.composite(one_device.allocate(16), view, np.empty((150, 300, 4), np.uint8))


def test_nothing_is_allocated_from_frame_to_frame(plane, picture_of) -> None:
    device = Emulator()
    cuda = CudaCompositor(device, Canvas(300, 150, (plane,)), OutputTransform())
    view = inner_view(POSE, CAMERA)
    inner, out = uploaded(device, picture_of(view).rgba), np.empty((150, 300, 4), np.uint8)
    before = device.allocated
    for _ in range(3):
        cuda.composite(inner, view, out)
    assert device.allocated == before


def test_the_composition_has_no_gaps() -> None:
    """Doubles first, so that C++ puts none between its fields either."""
    assert COMPOSITION.itemsize == 8 * 52 + 4 * (4 + 16 + 9 + 64 + 5)
