import numpy as np
from tests.reconstruction.nerf import room

from translight.colour.transfer import srgb_encode
from translight.core.camera import Camera, View
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.reconstruction.dataset import PosedImage
from translight.reconstruction.evaluate.views import stage_view
from translight.reconstruction.nerf.run import NerfPicture
from translight.reconstruction.nerf.sky import baked_sky, sky_pixels
from translight.reconstruction.nerf.views import NerfView
from translight.render.backends import open_renderer
from translight.render.scene import scene_of
from translight.splats.cloud import SplatCloud

CAMERA = Camera.from_fov(64, 48, horizontal_deg=80)
PLACE = Similarity(2.0, Pose.exp([1.0, 2.0, 0.5, 0.3, -0.2, 0.6]) @ STAGE_FROM_RDF)
NOBODY = SplatCloud(
    np.full((1, 3), -50, np.float32),
    np.full((1, 3), 1e-3, np.float32),
    np.array([[1, 0, 0, 0]], np.float32),
    np.zeros(1, np.float32),
    np.zeros((1, 1, 3), np.float32),
)


def radiance(directions):
    """A smooth sky, linear, of unit stage directions."""
    x, y, z = np.moveaxis(directions, -1, 0)
    return 0.4 + 0.3 * np.stack([x, y, z], axis=-1)


def looking(pose):
    v, u = np.mgrid[: CAMERA.height_px, : CAMERA.width_px] + 0.5
    rays = CAMERA.ray(np.stack([u, v], -1)) @ (PLACE.pose.rotation() @ pose.rotation()).T
    rgb = srgb_encode(radiance(rays / np.linalg.norm(rays, axis=-1, keepdims=True))).astype(np.float32)
    nothing = np.zeros(rgb.shape[:2], np.float32)
    return NerfPicture(NerfView("v", CAMERA, pose), rgb, nothing + 1, nothing + 1, nothing)


def test_the_sky_is_drawn_where_the_views_saw_it():
    """The renderer draws the baked sky, through the environment's placement, as the NeRF showed it."""
    poses = [Pose.exp([0, 0, 0, *turn]) for turn in np.random.default_rng(2).normal(0, 1.2, (40, 3))]
    sky = baked_sky([looking(pose) for pose in poses], np.inf, PLACE, 64)
    assert sky.shape == (64, 128, 3)
    assert sky.dtype == np.float32
    scene = scene_of(Environment("sky", NOBODY, PLACE, sky))
    pose = Pose.exp([0, 0, 0, 0.2, 0.4, -0.1])
    with open_renderer("cpu") as renderer:
        view = stage_view(PLACE, PosedImage("a", room.Path("a"), CAMERA, pose))
        (frame,) = renderer.render(scene, [View(view.stage_from_camera, CAMERA)])
    assert np.abs(frame.rgba[..., :3] - looking(pose).rgb).mean() < 0.02


def test_what_nobody_saw_is_filled_from_beside_it():
    sky = baked_sky([looking(Pose.identity())], np.inf, PLACE, 64)
    assert np.isfinite(sky).all()
    assert sky.min() > 0.05


def test_a_hole_is_no_sky():
    picture = looking(Pose.identity())
    solid = np.ones_like(picture.depth)
    closed = NerfPicture(picture.view, picture.rgb, solid, solid, solid)
    assert baked_sky([closed], np.inf, PLACE) is None
    holed = solid.copy()
    holed[3, 3:6] = 0
    assert baked_sky([NerfPicture(picture.view, picture.rgb, solid, solid, holed)], np.inf, PLACE) is None


def test_sky_is_what_is_empty_or_far():
    picture = looking(Pose.identity())
    solid = np.ones_like(picture.depth)
    depth = solid.copy()
    depth[:, :10] = 99
    found = sky_pixels(NerfPicture(picture.view, picture.rgb, depth, depth, solid), 50.0)
    assert found[:, :10].all()
    assert not found[:, 10:].any()
