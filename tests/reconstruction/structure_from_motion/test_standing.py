import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reconstruction.structure_from_motion.rooms import looking

from translight.core.camera import Camera
from translight.core.pose import Pose, Similarity
from translight.reconstruction.structure_from_motion.gimbal import up_of_angles
from translight.reconstruction.structure_from_motion.model import ModelCamera, SparseModel
from translight.reconstruction.structure_from_motion.standing import stand
from translight.reconstruction.structure_from_motion.upright import up_of_cameras

SEEN = ModelCamera(Camera(640, 480, 500.0, 500.0, 320.0, 240.0), ())
NOWHERE = np.full((12, 3), np.nan)


def model_of(poses, xyz, model_from_truth=None):
    """A model of cameras and points given in RDF metres, in a frame and unit of its own."""
    moved = model_from_truth or Similarity.identity()
    turned = tuple(Pose((moved.pose @ p).wxyz, moved.apply(p.position_m)) for p in poses)
    n, m = len(turned), len(xyz)
    return SparseModel(
        tuple(f"{i}.jpg" for i in range(n)),
        (SEEN,),
        np.zeros(n, np.int64),
        turned,
        moved.apply(xyz),
        np.full((m, 3), 99, np.uint8),
        np.ones(m),
        np.zeros(m, np.int64),
        np.arange(m),
        np.zeros((m, 2)),
    )


def hall(seed=0, floor=400, wall=300, clutter=200):
    """Points of a floor at y = 0 with noise, of a wall at z = 9, and of things that stand about."""
    chance = np.random.default_rng(seed)
    ground = np.column_stack([chance.uniform(-6, 6, floor), chance.normal(0, 0.02, floor), chance.uniform(0, 9, floor)])
    ahead = np.column_stack([chance.uniform(-6, 6, wall), chance.uniform(-5, 0, wall), chance.normal(9, 0.02, wall)])
    things = np.column_stack(
        [chance.uniform(-5, 5, clutter), chance.uniform(-2, 0, clutter), chance.uniform(2, 8, clutter)]
    )
    return np.concatenate([ground, ahead, things])


def walk(count=12, height=1.6, tilt=-10.0, pans=(-40, 40)):
    chance = np.random.default_rng(1)
    return [
        looking((x, -height + chance.normal(0, 0.05), -1.0), pan, tilt + chance.normal(0, 4))
        for x, pan in zip(np.linspace(-3, 3, count), np.linspace(*pans, count), strict=True)
    ]


frames = st.builds(
    lambda scale, twist: Similarity(scale, Pose.exp(twist)),
    st.floats(0.05, 20),
    st.lists(st.floats(-3, 3), min_size=6, max_size=6),
)


@settings(deadline=None, max_examples=15)
@given(frames)
def test_any_frame_is_stood_upright_on_its_floor(model_from_truth):
    poses = walk()
    standing = stand(model_of(poses, hall(), model_from_truth), NOWHERE, NOWHERE)
    scene_from_truth = standing.scene_from_model @ model_from_truth
    down = scene_from_truth.pose.rotation() @ [0.0, 1.0, 0.0]
    assert np.degrees(np.arccos(np.clip(down[1], -1, 1))) < 0.5
    assert abs(scene_from_truth.apply(np.array([0.0, 0.0, 4.0]))[1]) < 0.06
    assert scene_from_truth.scale == pytest.approx(1.0, rel=0.05)  # for the cameras are 1.6 m high
    assert standing.metres_per_unit is None
    assert np.allclose(
        np.median(scene_from_truth.apply(np.array([p.position_m for p in poses]))[:, [0, 2]], axis=0), 0, atol=0.1
    )
    ahead = scene_from_truth.pose.rotation() @ [0.0, 0.0, 1.0]
    assert np.degrees(np.arccos(ahead[2])) < 3


@settings(deadline=None, max_examples=15)
@given(frames)
def test_a_known_unit_goes_before_the_guess(model_from_truth):
    poses = walk(height=2.3)
    standing = stand(model_of(poses, hall(), model_from_truth), NOWHERE, NOWHERE, 1.0 / model_from_truth.scale)
    assert (standing.scene_from_model @ model_from_truth).scale == pytest.approx(1.0)
    assert standing.metres_per_unit == 1.0
    assert standing.facts["camera_height_m"] == pytest.approx(2.3, abs=0.1)


def test_a_drone_without_gps_is_stood_by_its_gimbal():
    poses = [looking((x, -40.0, z), 0, -88) for x in (-20, 0, 20) for z in (0, 10, 20, 30)]
    chance = np.random.default_rng(0)
    ground = np.column_stack([chance.uniform(-40, 40, 600), chance.normal(0, 0.3, 600), chance.uniform(-20, 50, 600)])
    ups = np.tile(up_of_angles(np.radians(-88), 0.0), (12, 1))
    turned = Similarity(0.1, Pose.exp([1, 2, 3, 1.0, -0.5, 0.3]))
    standing = stand(model_of(poses, ground, turned), NOWHERE, ups, 10.0)
    assert standing.facts["up"]["by"] == "the drone's gimbal"
    down = (standing.scene_from_model @ turned).pose.rotation() @ [0.0, 1.0, 0.0]
    assert np.degrees(np.arccos(down[1])) < 0.1
    assert standing.facts["camera_height_m"] == pytest.approx(40, abs=0.5)
    # flown: the stage's eye is where the middle still was taken, and the floor lies far below
    eyes = standing.stage_from_scene.apply(
        standing.scene_from_model.apply(np.array([turned.apply(p.position_m) for p in poses]))
    )
    assert np.linalg.norm(eyes - [0, 0, 1.7], axis=1).min() < 1e-9
    assert standing.facts["floor_z_m"] == pytest.approx(1.7 - 40, abs=0.5)
    assert standing.facts["heading"] == "the pictures' upper edges"


def test_a_facade_is_stood_on_its_wall():
    """Cameras that all look one way tilt up; the floor is not seen, and the wall tells how far they do."""
    chance = np.random.default_rng(0)
    wall = np.column_stack([chance.uniform(-6, 6, 500), chance.uniform(-12, -2, 500), chance.normal(15, 0.03, 500)])
    poses = [looking((x, -1.6, 0.0), x, 22.0) for x in (-2, -1, 0, 1, 2)]
    assert up_of_cameras(poses).tolerance_deg == 30
    standing = stand(model_of(poses, wall), NOWHERE[:5], NOWHERE[:5])
    assert standing.facts["up"]["by"] == "how the cameras were held, and a wall"
    down = standing.scene_from_model.pose.rotation() @ [0.0, 1.0, 0.0]
    assert np.degrees(np.arccos(down[1])) < 0.5
    assert standing.facts["floor"] == {"by": "1.6 m below the cameras: nothing is seen below them", "points": 0}
    assert standing.scene_from_model.apply(poses[2].position_m)[1] == pytest.approx(-1.6)


@given(st.floats(-60, 60), st.floats(-170, 170), st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_up_of_cameras_that_never_roll(tilt, pan, twist):
    chance = np.random.default_rng(0)
    model_from_truth = Pose.exp(twist)
    poses = [model_from_truth @ looking((0, 0, 0), pan + 15 * i, tilt + chance.normal(0, 5)) for i in range(8)]
    rolled = model_from_truth @ looking((0, 0, 0), pan) @ Pose.exp([0, 0, 0, 0, 0, 1.4])
    up = up_of_cameras([*poses, rolled])
    truth = model_from_truth.rotation() @ [0.0, -1.0, 0.0]
    assert np.degrees(np.arccos(np.clip(up.direction @ truth, -1, 1))) < 1.5


def test_views_all_round_take_the_middle_stills():
    poses = [looking((0.02 * i, -1.6, 0), 30 * i, -30) for i in range(12)]
    standing = stand(model_of(poses, hall()), NOWHERE, NOWHERE)
    assert standing.facts["heading"] == "the middle still's view"
