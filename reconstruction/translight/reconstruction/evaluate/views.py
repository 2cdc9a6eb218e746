"""A dataset's cameras on the stage, where an environment stands: to draw from (evaluation.py), and for cameras.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.reconstruction.dataset import PosedImage
from translight.render.cameras import NamedView, format_cameras


def stage_view(stage_from_scene: Similarity, image: PosedImage, camera: Camera | None = None) -> View:
    """A picture's view on the stage, through ``camera`` if it is another than the picture's own (its size changed)."""
    pose, place = image.scene_from_camera, stage_from_scene
    placed = Pose(pose.wxyz, pose.position_m * place.scale)
    return View(place.pose @ placed, camera or image.camera)


def cameras_part(stage_from_scene: Similarity, images: Sequence[PosedImage]) -> list[dict[str, Any]]:
    """A package's ``cameras.json``: the pictures' pinholes, undistorted, as docs/rendering.md wants cameras."""
    views = [NamedView(image.name, stage_view(stage_from_scene, image)) for image in images]
    entries: list[dict[str, Any]] = json.loads(format_cameras(views))
    return entries
