"""A run on disk: everything that its next iteration hangs on, written aside and renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from translight.core.errors import ReconstructionError
from translight.core.files import whole_file
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.training.settings import Settings

FILE_NAME = "checkpoint.pt"
_VERSION = 1
_WITHOUT_EFFECT = ("checkpoint_s", "preview_s")


def fingerprint(dataset: Dataset, settings: Settings, begun_with: str) -> str:
    """Of all that a run's result hangs on: pictures' names and sizes, cameras, points, settings, first splats."""
    digest = hashlib.sha256(begun_with.encode())
    for image in dataset.images:
        pose = image.scene_from_camera
        size = image.file.stat().st_size if image.file.is_file() else -1
        digest.update(repr((image.name, size, image.camera, image.distortion)).encode())
        digest.update(pose.wxyz.tobytes() + pose.position_m.tobytes())
    if dataset.points is not None:
        digest.update(dataset.points.xyz.tobytes() + dataset.points.rgb.tobytes())
    values = {f.name: getattr(settings, f.name) for f in fields(settings) if f.name not in _WITHOUT_EFFECT}
    digest.update(repr(values).encode())
    return digest.hexdigest()


def save_checkpoint(folder: Path, key: str, state: Mapping[str, Any]) -> None:
    """Write a run's state whole. Raises ReconstructionError, as on a full disk; what was there stays."""
    path = folder / FILE_NAME
    try:
        with whole_file(path) as aside:
            torch.save({"version": _VERSION, "fingerprint": key, **state}, aside)
    except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
        cause = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ReconstructionError(f"{path}: cannot be written: {cause}; make room and start the same again") from error


def load_checkpoint(folder: Path, key: str) -> dict[str, Any] | None:
    """A run's state, or None where none has begun. Raises ReconstructionError on another run's, or a damaged one."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever its unpickler meets
        raise ReconstructionError(f"{path}: damaged ({type(error).__name__}): delete it to begin anew") from error
    if not isinstance(state, dict) or state.get("version") != _VERSION or state.get("fingerprint") != key:
        raise ReconstructionError(f"{path}: is of other photographs or settings: delete it to begin anew")
    return state
