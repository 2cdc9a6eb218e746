"""A moving sky is the picture that a backend draws of a scene whose sky stands still in that state."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.environment.plates import environment_of, plate_of, random_plate

from translight.core.camera import Camera, View
from translight.core.pose import Pose
from translight.environment.environment import ColourEncoding
from translight.environment.plate import laid
from translight.render.contract import Renderer, Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.render.moving_sky import MovingSky
from translight.render.reference import ReferenceRenderer
from translight.render.scene import scene_of

NTSC = Fraction(24000, 1001)
VIEW = View(Pose.from_wxyz((0.6, -0.7, 0.3, -0.1), (0.3, -1.0, 1.2)), Camera.from_fov(66, 40, horizontal_deg=100))
PLATES = random_plate(1, count=5, size=(3, 9), at=(12, 2)), random_plate(2, count=7, size=(4, 5), at=(14, 3))
"""They overlap, and the first crosses the sky's seam."""


@pytest.fixture(params=["srgb", "linear"])
def encoding(request: pytest.FixtureRequest) -> ColourEncoding:
    return request.param


def drawn_still(renderer: Renderer, encoding: ColourEncoding, numbers: list[int]) -> np.ndarray:
    """What a backend draws where the sky is made anew, by other code, for this state."""
    environment = environment_of(*PLATES, encoding=encoding)
    assert environment.sky is not None
    if encoding == "srgb":  # mixed as the wall mixes: in the encoding
        still = scene_of(replace(environment, plates=())).sky
        frames = [plate.frames.copy() for plate in PLATES]
        shown = scene_of(replace(environment, plates=()))
        sky = np.array(still)
        for plate, number, frame in zip(PLATES, numbers, frames, strict=True):
            colours = scene_of(replace(environment, plates=(), sky=frame[number, ..., :3].astype(np.float32))).sky
            place = np.ix_(np.arange(8)[plate.area.rows], plate.area.columns(16))
            sky[place] += frame[number, ..., 3:].astype(np.float32) * (colours - sky[place])
        scene = replace(shown, sky=sky)
    else:
        scene = scene_of(replace(environment, plates=(), sky=laid(environment.sky, PLATES, numbers)))
    return renderer.render(tinted(scene), [VIEW])[0].rgba


def tinted(scene: Scene) -> Scene:
    return replace(scene, sky_tint=(0.9, 1.4, 0.3))


def drawn_moving(renderer: Renderer, moving: MovingSky, encoding: ColourEncoding) -> np.ndarray:
    scene = tinted(replace(scene_of(environment_of(*PLATES, encoding=encoding)), sky=None))
    (frame,) = renderer.render(scene, [VIEW])
    moving.add_to(frame, VIEW, scene)
    return frame.rgba


def test_frame_after_frame_it_is_the_still_picture(encoding: ColourEncoding) -> None:
    environment = environment_of(*PLATES, encoding=encoding)
    assert environment.sky is not None
    moving = MovingSky(environment.sky, environment.plates, encoding)
    with CpuRenderer() as cpu, ReferenceRenderer() as reference:
        for wall_frame in (0, 3, 4, 1_000_000_007, 2):  # forwards, years on, and back
            moving.show(wall_frame, Fraction(60))
            numbers = [plate.frame_at(wall_frame, Fraction(60)) for plate in PLATES]
            shown = drawn_moving(cpu, moving, encoding)
            np.testing.assert_allclose(shown, drawn_still(cpu, encoding, numbers), atol=2e-6)
            np.testing.assert_allclose(shown, drawn_still(reference, encoding, numbers), atol=1e-4)
            np.testing.assert_allclose(shown, drawn_moving(reference, moving, encoding), atol=1e-4)


def test_only_what_changes_is_laid_again() -> None:
    slow = plate_of([0.1, 0.2], at=(0, 0), rate=Fraction(1))
    fast = plate_of([0.3, 0.4], at=(8, 0), rate=Fraction(50))
    environment = environment_of(slow, fast, encoding="linear")
    assert environment.sky is not None
    moving = MovingSky(environment.sky, environment.plates, "linear")
    versions = []
    for frame in range(4):
        moving.show(frame, Fraction(100))
        versions.append(moving.version)
    assert versions == [1, 1, 2, 2]
    np.testing.assert_array_equal(moving.texels[:4, 8:14, 0], np.float32(np.float16(0.4)))
    np.testing.assert_array_equal(moving.texels[:4, :6, 0], np.float32(np.float16(0.1)))
    np.testing.assert_array_equal(moving.texels[~moving.moving][:, :3], environment.sky[~moving.moving])


def test_a_plate_that_does_not_lie_on_the_sky() -> None:
    sky = np.zeros((8, 16, 3), np.float32)
    with pytest.raises(ValueError, match=r"^6x4 texels at column 0, row 5 do not lie on a sky of 16x8$"):
        MovingSky(sky, [plate_of([1.0], at=(0, 5))], "srgb")
