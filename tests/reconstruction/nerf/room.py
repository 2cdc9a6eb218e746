"""A painted room with a ball in it, whose pictures and depths are known exactly."""

from pathlib import Path

import numpy as np

from translight.core.camera import Camera
from translight.core.image import save_image, to_u8
from translight.core.pose import Pose
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.nerf.run import NerfPicture

HALF = np.array([3.0, 1.5, 3.0])
"""Half the room's width, height and length; RDF, y down."""
BALL = np.array([0.0, 0.7, 0.0])
RADIUS = 0.8


def paint(points):
    """Colour, sRGB-encoded, of points (n 3) on the surfaces: soft waves, no edge finer than a few pixels."""
    x, y, z = np.moveaxis(points, -1, 0)
    ball = np.linalg.norm(points - BALL, axis=-1) < RADIUS * 1.01
    wall = np.stack([0.5 + 0.3 * np.sin(2 * x + z), 0.5 + 0.3 * np.sin(2 * z - y), 0.5 + 0.3 * np.cos(x + 2 * y)], -1)
    stripes = np.stack([0.8 + 0 * x, 0.35 + 0.25 * np.sin(8 * y), 0.2 + 0.1 * np.sin(5 * x)], -1)
    return np.where(ball[..., None], stripes, wall)


def cast(camera, scene_from_camera):
    """(rgb (h w 3), camera-frame z (h w)) of the room."""
    v, u = np.mgrid[: camera.height_px, : camera.width_px] + 0.5
    rays = camera.ray(np.stack([u, v], -1)) @ scene_from_camera.rotation().T
    eye = scene_from_camera.position_m
    with np.errstate(divide="ignore"):
        depth = np.min((np.sign(rays) * HALF - eye) / rays, axis=-1)
    a, b, c = (rays**2).sum(-1), (rays * (eye - BALL)).sum(-1), ((eye - BALL) ** 2).sum() - RADIUS**2
    hit = b * b - a * c
    near = (-b - np.sqrt(np.maximum(hit, 0))) / a
    depth = np.where((hit > 0) & (near > 0), np.minimum(near, depth), depth)
    return paint(eye + rays * depth[..., None]).astype(np.float32), depth.astype(np.float32)


def poses(count, arc_deg=360.0):
    """Cameras on an arc within the room that look at the ball, a little up and down in turn."""
    found = []
    for k in range(count):
        angle = np.radians(arc_deg) * (k / count - 0.5)
        eye = np.array([2.2 * np.sin(angle), -0.4 + 0.5 * (k % 2), -2.2 * np.cos(angle)])
        ahead = BALL * 0.5 - eye
        ahead /= np.linalg.norm(ahead)
        right = np.cross([0.0, 1.0, 0.0], ahead)
        right /= np.linalg.norm(right)
        found.append(Pose.from_matrix(np.column_stack([np.column_stack([right, np.cross(ahead, right), ahead]), eye])))
    return found


def picture(view):
    """What a perfect NeRF shows a view."""
    rgb, depth = cast(view.camera, view.scene_from_camera)
    return NerfPicture(view, rgb, depth, depth, np.ones_like(depth))


def off_surface(points):
    """How far scene points are from the nearest surface."""
    walls = np.abs(HALF - np.abs(points)).min(axis=1)
    return np.minimum(walls, np.abs(np.linalg.norm(points - BALL, axis=1) - RADIUS))


def dataset(folder: Path, count=10, camera=None, *, masked=False, arc_deg=360.0):
    """Pictures of the room in a folder, as a dataset with a few exact points."""
    camera = camera or Camera.from_fov(64, 48, horizontal_deg=75)
    images, points = [], []
    for k, pose in enumerate(poses(count, arc_deg)):
        file = folder / f"{k:02}.png"
        rgb, depth = cast(camera, pose)
        save_image(file, to_u8(rgb))
        u, v = 10 + 2 * k, 7 + 2 * k
        points.append(pose.apply(camera.ray([u + 0.5, v + 0.5]) * depth[v, u]))
        mask = None
        if masked and k == 1:
            mask = folder / "mask.png"
            half = np.zeros((camera.height_px, camera.width_px), np.uint8)
            half[:, camera.width_px // 2 :] = 255
            save_image(mask, half)
        images.append(PosedImage(file.name, file, camera, pose, mask=mask))
    return Dataset(tuple(images), SparsePoints(np.array(points), np.full((count, 3), 9, np.uint8)))
