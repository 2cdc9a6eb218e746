"""Cameras and points from matches by COLMAP's mappers, in plain arrays; only ``child.py`` imports this."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap

from translight.core.errors import FormatError
from translight.core.files import whole_file
from translight.core.pose import Pose
from translight.reconstruction.structure_from_motion.camera_models import opencv_camera
from translight.reconstruction.structure_from_motion.colmap_refine import refined
from translight.reconstruction.structure_from_motion.jobs import (
    Angles,
    Map,
    Mapped,
    MapperSettings,
    PairAngles,
)
from translight.reconstruction.structure_from_motion.model import ARRAYS_FILE, SparseModel

Tell = Callable[[float], None]

LEAST_MODEL = 3
"""Two stills make a model of anything."""
_LEAST_POINTS = 12
"""Twice what a pose has degrees of freedom, in points that an image sees."""
MODEL_FOLDER = "sparse"


def map_matches(job: Map, tell: Tell) -> Mapped:
    """Map, refine the largest model, and keep it as COLMAP's files (``sparse/``) and as ours (``model.npz``)."""
    folder = Path(job.folder)
    tried = folder / "tried"
    shutil.rmtree(tried, ignore_errors=True)
    tried.mkdir(parents=True)
    if job.settings.global_:
        options = pycolmap.GlobalPipelineOptions()
        options.random_seed = job.settings.seed
        models = pycolmap.global_mapping(job.database, job.pictures_folder, str(tried), options)
    else:
        models = _incremental(job, tried, tell)
    shutil.rmtree(tried)
    for model in models.values():
        _drop_unsupported(model)
    found = [model for model in models.values() if model.num_reg_images() >= LEAST_MODEL]
    found.sort(key=lambda model: (-model.num_reg_images(), -model.num_points3D()))
    if found:
        best = refined(found[0], _prior_focals(job.database))
        kept = folder / MODEL_FOLDER
        kept.mkdir(exist_ok=True)
        best.write(str(kept))
        _save(sparse_model(best), folder / ARRAYS_FILE)
    tell(1.0)
    return Mapped([sorted(model.image(i).name for i in model.reg_image_ids()) for model in found])


def pair_angles(job: Angles, tell: Tell) -> PairAngles:
    """The median triangulation angle of each verified pair whose cameras' motion can be told."""
    database = pycolmap.Database.open(job.database)
    images = {image.image_id: image for image in database.read_all_images()}
    cameras = {camera.camera_id: camera for camera in database.read_all_cameras()}
    points = {i: database.read_keypoints(i)[:, :2].astype(np.float64) for i in images}
    found = []
    pairs, geometries = database.read_two_view_geometries()
    for done, (pair, geometry) in enumerate(zip(pairs, geometries, strict=True)):
        tell(done / len(pairs))
        i, j = pycolmap.pair_id_to_image_pair(pair)
        one, other = images[i], images[j]
        known = len(geometry.inlier_matches) and pycolmap.estimate_two_view_geometry_pose(
            cameras[one.camera_id], points[i], cameras[other.camera_id], points[j], geometry
        )
        if known and geometry.tri_angle >= 0:
            a, b = sorted((one.name, other.name))
            found.append((a, b, float(np.degrees(geometry.tri_angle))))
    database.close()
    return PairAngles(found)


def sparse_model(model: pycolmap.Reconstruction) -> SparseModel:
    """The model in plain arrays, images by name. Raises FormatError on a camera that we cannot hold, or no images."""
    images = sorted((model.image(i) for i in model.reg_image_ids()), key=lambda image: image.name)
    if not images:
        raise FormatError("the model holds no registered images")
    places = {image.image_id: place for place, image in enumerate(images)}
    camera_ids = sorted({image.camera_id for image in images})
    cameras = tuple(
        opencv_camera(camera.model_name, camera.width, camera.height, [float(p) for p in camera.params])
        for camera in (model.camera(i) for i in camera_ids)
    )
    poses = []
    for image in images:
        camera_from_world = image.cam_from_world()
        x, y, z, w = camera_from_world.rotation.quat
        poses.append(Pose.from_wxyz([w, x, y, z], camera_from_world.translation).inverse())
    points = [model.points3D[i] for i in sorted(model.point3D_ids())]
    seen = [(places[e.image_id], p, e) for p, point in enumerate(points) for e in point.track.elements]
    pixels = {image.image_id: image.points2D for image in images}
    return SparseModel(
        files=tuple(image.name for image in images),
        cameras=cameras,
        camera_of=np.array([camera_ids.index(image.camera_id) for image in images], np.int64),
        world_from_camera=tuple(poses),
        xyz=np.array([point.xyz for point in points], np.float64).reshape(-1, 3),
        rgb=np.array([point.color for point in points], np.uint8).reshape(-1, 3),
        error_px=np.array([point.error for point in points], np.float64),
        seen_by=np.array([image for image, _, _ in seen], np.int64),
        seen_point=np.array([point for _, point, _ in seen], np.int64),
        seen_px=np.array([pixels[e.image_id][e.point2D_idx].xy for _, _, e in seen], np.float64).reshape(-1, 2),
    )


def _drop_unsupported(model: pycolmap.Reconstruction) -> None:
    """Take back poses that hardly any point supports: the global mapper gives one to every image that has matches.

    Points go with the images that saw them, so it is done until nothing changes.
    """
    while True:
        images = [model.image(number) for number in model.reg_image_ids()]
        weak = [image.frame_id for image in images if image.num_points3D < _LEAST_POINTS]
        if not weak:
            return
        for frame in weak:
            model.deregister_frame(frame)


def _prior_focals(database_file: str) -> dict[int, float]:
    database = pycolmap.Database.open(database_file)
    cameras = database.read_all_cameras()
    database.close()
    return {camera.camera_id: camera.focal_length for camera in cameras if camera.has_prior_focal_length}


def _incremental(job: Map, folder: Path, tell: Tell) -> dict[int, pycolmap.Reconstruction]:
    registered = [0]

    def one_more(count: int) -> None:
        registered[0] += count
        tell(min(registered[0] / job.stills, 1.0) * 0.95)

    return pycolmap.incremental_mapping(
        job.database,
        job.pictures_folder,
        str(folder),
        _options(job.settings, job.seconds),
        initial_image_pair_callback=lambda: one_more(2),
        next_image_callback=lambda: one_more(1),
    )


def _options(settings: MapperSettings, seconds: int) -> pycolmap.IncrementalPipelineOptions:
    options = pycolmap.IncrementalPipelineOptions()
    options.min_model_size = LEAST_MODEL
    options.random_seed = settings.seed
    options.max_runtime_seconds = seconds
    options.mapper.init_min_num_inliers = settings.init_inliers
    options.mapper.init_min_tri_angle = settings.init_angle_deg
    options.mapper.abs_pose_min_num_inliers = settings.register_inliers
    options.mapper.abs_pose_min_inlier_ratio = settings.register_share
    options.mapper.filter_min_tri_angle = settings.least_angle_deg
    options.triangulation.min_angle = settings.least_angle_deg
    return options


def _save(model: SparseModel, file: Path) -> None:
    with whole_file(file) as aside:
        model.save(aside)
