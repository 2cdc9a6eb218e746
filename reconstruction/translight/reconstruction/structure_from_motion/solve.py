"""Poses of a capture's stills: the way in. ``search.py`` finds them, ``standing.py`` stands them up."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from translight.core.errors import ReconstructionError
from translight.core.progress import Progress, silent
from translight.reconstruction.capture import Capture, Still
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.structure_from_motion.attempts import attempts
from translight.reconstruction.structure_from_motion.explain import Reason, explain, summary
from translight.reconstruction.structure_from_motion.geodesy import local_positions_m
from translight.reconstruction.structure_from_motion.gimbal import up_in_camera
from translight.reconstruction.structure_from_motion.jobs import Angles, PairAngles
from translight.reconstruction.structure_from_motion.known_distance import KnownDistance, metres_per_unit
from translight.reconstruction.structure_from_motion.matching import DATABASE, capture_fingerprint
from translight.reconstruction.structure_from_motion.model import ARRAYS_FILE, SparseModel
from translight.reconstruction.structure_from_motion.pictures import load_reduced
from translight.reconstruction.structure_from_motion.plan_view import draw_poses
from translight.reconstruction.structure_from_motion.search import Found, Matches, search
from translight.reconstruction.structure_from_motion.standing import Standing, stand
from translight.reconstruction.structure_from_motion.worker import run_job

LEAST_STILLS = 3
"""Two views have a geometry, but nothing checks it."""
LEAST_SHARE = 1 / 3
"""Of the stills: a model of fewer is refused, and said why."""
FEW_STILLS = 8
"""A scene of fewer holds up only near where they were taken."""
PICTURE = "poses.jpg"


@dataclass(frozen=True, slots=True)
class Options:
    """``seconds`` are what poses may take: the pictures' size follows from them, and no attempt begins after them.

    ``longest_px`` asks for a size of the pictures' longer side instead. ``distance`` is a distance that was measured
    on the set; it goes before GPS.
    """

    seconds: float | None = None
    longest_px: int | None = None
    distance: KnownDistance | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """Posed stills, and what is to be told of them.

    ``facts`` are for the report's "poses" step: values that JSON holds. ``left_out`` says of each still without a pose
    why it has none. ``picture`` (JPEG) shows cameras and points from above and from the side.
    """

    dataset: Dataset
    facts: dict[str, Any]
    left_out: Mapping[str, str]
    picture: Path


def solve(capture: Capture, work: Path, options: Options | None = None, progress: Progress = silent) -> Posed:
    """Where each still was taken, in a scene that stands upright on y = 0, in metres where anything tells them.

    ``work`` keeps what is finished; the same call goes on from there after an interruption. Raises FormatError on a
    still that cannot be read, and ReconstructionError, in one line that says why, when fewer than three or a third of
    the stills hang together, or COLMAP fails.
    """
    began = time.monotonic()
    options = options or Options()
    stills = capture.stills
    if len(stills) < LEAST_STILLS:
        count = {0: "no photographs", 1: "one photograph"}.get(len(stills), f"{len(stills)} photographs")
        raise ReconstructionError(
            f"{capture.source}: {count}; poses want at least {LEAST_STILLS} that overlap, and a scene some 20 or more"
        )
    folder = work / f"poses-{capture_fingerprint(capture)}"
    largest_px = max(max(still.width_px, still.height_px) for still in stills)
    tries = attempts(len(stills), largest_px, options.seconds, options.longest_px)
    found = search(capture, folder, tries, options.seconds, progress)
    assert found.matches is not None  # or search had raised
    files = [entry.file for entry in found.matches.pictures.entries]
    placed_files = set(found.best.models[0]) if found.best is not None else set()
    placed = {still.name for still, file in zip(stills, files, strict=True) if file in placed_files}
    reasons = _reasons(capture, found.matches, placed)
    if found.best_folder is None or len(placed) < max(LEAST_STILLS, LEAST_SHARE * len(stills)):
        raise ReconstructionError(_refusal(capture, placed, reasons))
    model = SparseModel.load(found.best_folder / ARRAYS_FILE)
    of_file = dict(zip(files, stills, strict=True))
    rows = [files.index(file) for file in model.files]
    positions = local_positions_m(capture)[rows]
    unit = None
    if options.distance is not None:
        unit = metres_per_unit(options.distance, capture, files, model)
    standing = stand(model, positions, _gimbal_ups([of_file[file] for file in model.files]), unit)
    dataset = _dataset(model, of_file, standing)
    picture = folder / PICTURE
    draw_poses(dataset, picture)
    facts = _facts(capture, found, model, of_file, reasons, standing)
    facts["seconds"] = round(time.monotonic() - began, 1)
    return Posed(dataset, facts, {name: reason.words for name, reason in reasons.items()}, picture)


def _reasons(capture: Capture, matches: Matches, placed: set[str]) -> dict[str, Reason]:
    """Why each still that is not placed is not."""
    left_out = [still.name for still in capture.stills if still.name not in placed]
    if not left_out:
        return {}
    job = Angles(str(matches.folder / DATABASE))
    angles = run_job(job, PairAngles, matches.folder, "looking for what went wrong", silent).angles_deg
    places = {still.name: place for place, still in enumerate(capture.stills)}
    names = {entry.file: still.name for entry, still in zip(matches.pictures.entries, capture.stills, strict=True)}
    between = {(min(names[a], names[b]), max(names[a], names[b])): angle for a, b, angle in angles}
    return explain(
        left_out, placed, matches.overlap, between, lambda name: load_reduced(matches.pictures, places[name])
    )


def _refusal(capture: Capture, placed: set[str], reasons: Mapping[str, Reason]) -> str:
    total = len(capture.stills)
    if not placed:
        head = f"{capture.source}: none of {total} photographs could be placed"
    else:
        least = max(LEAST_STILLS, -(-total // 3))
        head = f"{capture.source}: only {len(placed)} of {total} photographs hang together, {least} are wanted"
    return f"{head}: {summary(reasons)}"


def _gimbal_ups(stills: list[Still]) -> Float64[np.ndarray, "n 3"]:
    found = [up_in_camera(still.file) for still in stills]
    return np.array([np.full(3, np.nan) if up is None else up for up in found])


def _dataset(model: SparseModel, of_file: Mapping[str, Still], standing: Standing) -> Dataset:
    """The model's images as the capture's stills at their full size, in the scene's frame."""
    scale, turn = standing.scene_from_model.scale, standing.scene_from_model.pose
    images = []
    for file, place, pose in zip(model.files, model.camera_of, model.world_from_camera, strict=True):
        still, seen = of_file[file], model.cameras[place]
        images.append(
            PosedImage(
                still.name,
                still.file,
                seen.camera.resized(still.width_px, still.height_px),
                turn @ type(pose)(pose.wxyz, pose.position_m * scale),
                seen.distortion,
                still.mask,
            )
        )
    points = SparsePoints(standing.scene_from_model.apply(model.xyz), model.rgb)
    ordered = tuple(sorted(images, key=lambda image: image.name))
    return Dataset(ordered, points, standing.stage_from_scene, standing.metres_per_unit)


def _facts(
    capture: Capture,
    found: Found,
    model: SparseModel,
    of_file: Mapping[str, Still],
    reasons: Mapping[str, Reason],
    standing: Standing,
) -> dict[str, Any]:
    assert found.best is not None
    assert found.matches is not None
    total, registered = len(capture.stills), len(model.files)
    lengths = model.track_lengths()
    stills = [of_file[file] for file in model.files]
    enlarged = max(still.width_px for still in stills) / max(seen.camera.width_px for seen in model.cameras)
    error_px = float(np.average(model.error_px, weights=lengths))
    notes = []
    if registered < total:
        notes.append(f"partial: {registered} of {total} photographs have a pose: {summary(reasons)}")
    if registered < FEW_STILLS:
        notes.append(f"{registered} photographs: the scene holds up only near where they were taken")
    if not standing.facts["scale"]["known"]:
        notes.append("the size is a guess: give GPS or a known distance")
    return {
        "registered": registered,
        "total": total,
        "left_out": {name: reason.words for name, reason in reasons.items()},
        "reprojection_error_px": round(error_px * enlarged, 3),
        "points": len(model.xyz),
        "mean_track_length": round(float(lengths.mean()), 2),
        "picture_longest_px": found.best.longest_px,
        "pairing": found.matches.overlap.pairing,
        "cameras": _cameras(model, stills),
        "attempts": [
            {
                "what": outcome.what,
                "picture_longest_px": outcome.longest_px,
                "registered": outcome.registered,
                "seconds": outcome.seconds,
                **({} if outcome.failed is None else {"failed": outcome.failed}),
            }
            for outcome in found.outcomes
        ],
        **standing.facts,
        "metres_per_unit": standing.metres_per_unit,
        "notes": notes,
    }


def _cameras(model: SparseModel, stills: list[Still]) -> list[dict[str, Any]]:
    """Each camera as refined, in pixels of the full stills."""
    found = []
    for place, seen in enumerate(model.cameras):
        of_camera = [still for still, camera in zip(stills, model.camera_of, strict=True) if camera == place]
        camera = seen.camera.resized(of_camera[0].width_px, of_camera[0].height_px)
        focals = [still.focal_px for still in of_camera if still.focal_px]
        found.append(
            {
                "stills": len(of_camera),
                "camera": of_camera[0].camera,
                "focal_px": [round(camera.fx, 1), round(camera.fy, 1)],
                "exif_focal_px": round(float(np.median(focals)), 1) if focals else None,
                "distortion": [round(value, 5) for value in seen.distortion],
            }
        )
    return found
