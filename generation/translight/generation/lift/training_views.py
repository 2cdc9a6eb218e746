"""A lifted environment's pictures as a dataset that ``translight reconstruct`` takes: refinement by training.

At the eye they are the panorama itself; from places within the stage's reach they are rendered, with masks that leave
out what no splat covers. The format is nerfstudio's ``transforms.json`` (docs.nerf.studio, "Data conventions"), in
stage axes and metres.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from translight.colour.transfer import srgb_encode
from translight.core.camera import Camera, View
from translight.core.errors import FormatError
from translight.core.files import whole_folder
from translight.core.frames import RDF_FROM_RUB, STAGE_FROM_RDF
from translight.core.image import save_image, to_u8
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.generation.candidate import View as Picture
from translight.generation.lift.depth_merge import ring_of_views
from translight.generation.lift.lift import Lifted
from translight.generation.lift.parallax import COVERED
from translight.generation.panorama import perspective, pixels
from translight.render.backends import open_renderer
from translight.render.cameras import look_at
from translight.render.scene import scene_of
from translight.splats.cloud import SplatCloud
from translight.splats.raw import SH_C0

_POINTS = 50_000


def write_training_views(
    lifted: Lifted,
    panorama: Picture,
    reach_m: tuple[float, float, float],
    folder: Path,
    *,
    moved: int = 24,
    size_px: int = 512,
    seed: int = 0,
    backend: str = "auto",
    progress: Progress = silent,
) -> Path:
    """Write a new folder of pictures, masks, points and ``transforms.json``, and return the last.

    Pictures are 8-bit sRGB, cut off at 1: training refines shape and colour, the HDR sky stays the package's. Equal
    seeds give equal places. Raises FormatError when the folder exists or cannot be written.
    """
    if folder.exists():
        raise FormatError(f"{folder}: exists; training views are written to a new folder")
    eye = lifted.eye.position_m
    try:
        with whole_folder(folder) as aside:
            for name in ("images", "masks"):
                (aside / name).mkdir()
            frames = []
            for number, (camera, turned) in enumerate(ring_of_views(size_px)):
                picture = perspective(panorama.image, camera, turned)
                everything = np.ones((size_px, size_px), bool)
                frames.append(_frame(aside, f"eye_{number:03}", camera, Pose(turned.wxyz, eye), picture, everything))
            frames += _moved(lifted, reach_m, aside, moved, size_px, seed, backend, progress)
            _write_points(lifted.environment.splats, aside / "points.ply")
            values = {
                "camera_model": "OPENCV", "frames": frames, "ply_file_path": "points.ply", "metres_per_unit": 1.0
            }  # fmt: skip
            (aside / "transforms.json").write_text(json.dumps(values, indent=1, allow_nan=False), encoding="utf-8")
    except OSError as error:
        raise FormatError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return folder / "transforms.json"


def _moved(
    lifted: Lifted, reach_m: tuple[float, float, float], folder: Path, count: int, size_px: int, seed: int,
    backend: str, progress: Progress,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rendered views from random places within the reach, in random level directions."""
    rng = np.random.default_rng(seed)
    camera = Camera.from_fov(size_px, size_px, horizontal_deg=75)
    sky = lifted.layers.sky
    u, v = np.meshgrid(np.arange(size_px) + 0.5, np.arange(size_px) + 0.5)
    rays = camera.ray(np.stack([u, v], axis=-1))
    scene = scene_of(lifted.environment)
    frames = []
    with open_renderer(backend) as renderer:
        for number in range(count):
            progress("rendering training views", number / max(count, 1))
            place = lifted.eye.position_m + rng.uniform(-0.5, 0.5, 3) * reach_m
            turn, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.15)
            pose = look_at(place, place + np.array([np.sin(turn), np.cos(turn), tilt]))
            frame = renderer.render(scene, [View(pose, camera)])[0]
            column, row = np.moveaxis(pixels(rays @ pose.rotation().T, sky.shape[0]), -1, 0)
            at = np.clip(row.astype(int), 0, sky.shape[0] - 1), np.clip(column.astype(int), 0, sky.shape[1] - 1)
            learned = (frame.rgba[..., 3] >= COVERED) | sky[at]
            frames.append(_frame(folder, f"moved_{number:03}", camera, pose, frame.rgba[..., :3], learned))
    return frames


def _frame(
    folder: Path, stem: str, camera: Camera, stage_from_camera: Pose, picture: Float32[np.ndarray, "h w 3"],
    learned: Bool[np.ndarray, "h w"],
) -> dict[str, Any]:  # fmt: skip
    save_image(folder / "images" / f"{stem}.png", to_u8(srgb_encode(np.clip(picture, 0, 1))))
    save_image(folder / "masks" / f"{stem}.png", learned.astype(np.uint8) * np.uint8(255))
    return {
        "file_path": f"images/{stem}.png",
        "mask_path": f"masks/{stem}.png",
        "w": camera.width_px,
        "h": camera.height_px,
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "transform_matrix": (stage_from_camera @ RDF_FROM_RUB).matrix().tolist(),
    }


def _write_points(cloud: SplatCloud, file: Path) -> None:
    """Splats' middles as a binary PLY, evenly thinned."""
    chosen = np.arange(0, len(cloud), max(len(cloud) // _POINTS, 1))
    table = np.empty(len(chosen), np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)]))
    table["xyz"] = STAGE_FROM_RDF.apply(cloud.means[chosen])
    table["rgb"] = to_u8(srgb_encode(np.clip(0.5 + SH_C0 * cloud.sh[chosen, 0], 0, 1)))
    properties = [f"property float {axis}" for axis in "xyz"]
    properties += [f"property uchar {colour}" for colour in ("red", "green", "blue")]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(chosen)}", *properties, "end_header", ""]
    file.write_bytes("\n".join(lines).encode() + table.tobytes())
