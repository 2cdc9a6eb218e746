"""Splats to finished wall pixels on one device, no picture leaving it, against the CPU's renderer and compositor."""

from __future__ import annotations

import numpy as np
import pytest
from tests.render.cuda_emulation.devices import GPU, device_called
from tests.render.cuda_emulation.emulator import COMPILER
from tests.render.test_conformance import cloud

from translight.colour.output import OutputTransform, unpack
from translight.core.camera import Camera
from translight.core.device import Part
from translight.core.frames import STAGE_FROM_RDF, camera_from_pan_tilt_roll
from translight.core.image import PixelFormat
from translight.core.pose import Pose, Similarity
from translight.render.contract import Scene
from translight.render.cpu import CpuRenderer
from translight.render.cuda.memory import STATUS_BYTES
from translight.render.cuda.pipeline import Pipeline
from translight.volume.canvas import Canvas
from translight.volume.compositor import Compositor
from translight.volume.cuda.compositor import CudaCompositor
from translight.volume.frustum import inner_view
from translight.volume.wall import PlaneWall

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)


@pytest.fixture(params=[0, GPU])
def device(request):
    with device_called(request.param) as found:
        yield found


def test_a_frame_stays_on_the_device_until_it_is_finished(device):
    placement = Similarity(1.0, Pose(STAGE_FROM_RDF.wxyz, np.array([0.0, 6.0, 1.5])))
    scene = Scene.of(cloud(1, 3000, 2, spread=1.5), placement)
    canvas = Canvas(160, 96, (PlaneWall("wall", (0.0, 4.0, 1.5), 4.0, 2.4, 160, 96),))
    output = OutputTransform(pixel_format=PixelFormat.RGB10A2)
    eye = np.array([0.0, 0.0, 1.5])
    view = inner_view(
        camera_from_pan_tilt_roll(0.05, 0.02, 0.0, (0.1, -0.3, 1.5)),
        Camera.from_fov(96, 60, horizontal_deg=30),
        overscan=0.1,
    )
    pipeline, wall = Pipeline(device), CudaCompositor(device, canvas, output)
    cpu, cpu_wall = CpuRenderer(), Compositor(canvas, output)
    outer = cpu_wall.draw_outer(lambda s, views: cpu.render(s, views, order="distance"), scene, eye)
    for compositor in (wall, cpu_wall):
        compositor.show_outer(outer)
    ours, theirs = np.empty((2, 96, 160), np.uint32)
    for _ in range(3):
        pipeline.draw(scene, [view], "distance")
        wall.composite(Part(pipeline.frame, STATUS_BYTES), view, ours)
        status = np.empty(4, np.uint32)
        device.download(pipeline.frame, [status])
        assert pipeline.settle(status)
        cpu_wall.composite(cpu.render(scene, [view], order="distance")[0], view, theirs)
        apart = np.abs(unpack(ours, output.pixel_format).astype(int) - unpack(theirs, output.pixel_format).astype(int))
        assert np.median(apart) == 0
        assert (apart > 1).mean() < 1e-3
    assert unpack(theirs, output.pixel_format).std() > 100
