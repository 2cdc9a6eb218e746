import numpy as np
from tests.reconstruction.nerf import room

from translight.core.camera import Camera
from translight.reconstruction.nerf.agreement import Witness, contradicted
from translight.reconstruction.nerf.views import NerfView

CAMERA = Camera.from_fov(64, 48, horizontal_deg=75)


def test_views_speak_for_surfaces_against_floaters_and_not_of_what_they_cannot_see():
    witnesses = [Witness.of(room.picture(NerfView(f"{k}", CAMERA, pose))) for k, pose in enumerate(room.poses(8))]
    surface = room.BALL - np.array([0.0, room.RADIUS, 0.0])
    floater = np.array([0.0, -0.6, 0.3])
    inside = room.BALL
    outside = np.array([0.0, 0.0, 50.0])
    found = contradicted(np.array([surface, floater, inside, outside]), witnesses)
    assert found.tolist() == [False, True, False, False]


def test_one_view_may_be_wrong_and_the_own_one_is_not_asked():
    witnesses = [Witness.of(room.picture(NerfView(f"{k}", CAMERA, pose))) for k, pose in enumerate(room.poses(8))]
    floater = np.array([[0.0, -0.6, 0.3]])
    seeing = [k for k in range(8) if contradicted(floater, [witnesses[k], witnesses[k]]).all()]
    assert len(seeing) >= 3
    assert not contradicted(floater, [witnesses[seeing[0]]]).any()
    two = [witnesses[seeing[0]], witnesses[seeing[1]]]
    assert contradicted(floater, two).all()
    assert not contradicted(floater, two, but=1).any()
