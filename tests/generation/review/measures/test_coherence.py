"""Two views of one analytic place, and the same with a known error."""

import numpy as np
import pytest
from tests.generation.candidates import candidate

from translight.core.camera import Camera
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose
from translight.generation.candidate import View
from translight.generation.panorama import directions
from translight.generation.review.measures.coherence import agree, coherence

ROOM = np.array([3.0, 4.0, 2.0])
"""Half sizes of a box around the origin, painted by a function of the point."""


def paint(points):
    light = 1 + 0.5 * np.sin(2 * points[..., 0]) * np.cos(1.5 * points[..., 1]) + 0.2 * points[..., 2]
    return np.repeat(light[..., None], 3, axis=-1).astype(np.float32)


def seen(eye, camera=None):
    eye = np.asarray(eye, np.float64)
    if camera is None:
        rays, pose = directions(96).astype(np.float64), Pose.from_wxyz((1, 0, 0, 0), eye)
    else:
        pose = Pose(STAGE_FROM_RDF.wxyz, eye)
        at = np.stack(np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px)), axis=-1) + 0.5
        rays = camera.ray(at)
        rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True) @ pose.rotation().T
    walls = (np.sign(rays) * ROOM - eye) / np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    distance = walls.min(axis=-1)
    return View(paint(eye + distance[..., None] * rays), camera, pose, distance.astype(np.float32))


CAMERA = Camera.from_fov(120, 80, horizontal_deg=70)


@pytest.mark.parametrize("other", [seen((0.5, 0.3, 0.2)), seen((0.5, 0.3, 0.2), CAMERA)], ids=["panorama", "still"])
def test_views_of_one_place_agree(other):
    first = seen((0, 0, 0))
    found = coherence(candidate(views=(first, other)))
    assert found.verdict == "good", found
    assert found.value < 3.0
    assert found.details["pairs"] == 2


def test_a_known_error_of_distance_is_found():
    first, other = seen((0, 0, 0)), seen((0.4, 0.2, 0))
    wrong = View(other.image, None, other.stage_from_camera, other.distance_m * np.float32(0.85))
    assert agree(first, wrong).depth == pytest.approx(0.15, abs=0.02)
    assert agree(first, other).depth < 0.02
    assert coherence(candidate(views=(first, wrong))).verdict == "look"


def test_another_exposure_is_found():
    first, other = seen((0, 0, 0)), seen((0.4, 0.2, 0))
    brighter = View(other.image * np.float32(1.5), None, other.stage_from_camera, other.distance_m)
    assert agree(first, brighter).light == pytest.approx(0.5, rel=0.15)
    found = coherence(candidate(views=(first, brighter)))
    assert found.verdict == "bad"
    assert found.why.startswith("the views contradict: ")


def test_what_cannot_be_compared_says_so():
    first = seen((0, 0, 0))
    blind = View(first.image, None, first.stage_from_camera)
    assert coherence(candidate(views=(first,))).why == "one view"
    assert coherence(candidate(views=())).why == "no picture"
    assert coherence(candidate(views=(blind, blind))).why == "no view has distances"
    behind = Camera.from_fov(120, 80, horizontal_deg=20)
    away = View(seen((0, 0, 0), behind).image, behind, Pose(STAGE_FROM_RDF.wxyz, np.array([0, 90.0, 0])))
    assert coherence(candidate(views=(seen((0, 0, 0), CAMERA), away))).why == "no two views see the same"
