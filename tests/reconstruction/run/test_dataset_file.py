"""A kept dataset is exactly the one that was kept; a damaged one is refused in one line."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.pose import Pose, Similarity
from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.run.dataset_file import load_dataset, save_dataset


def _dataset(points: bool = True) -> Dataset:
    rng = np.random.default_rng(2)
    images = (
        PosedImage("a é.jpg", Path("/p/a é.jpg"), Camera(64, 48, 60.1, 60.2, 32.3, 24.4), Pose.exp(rng.normal(size=6))),
        PosedImage(
            "b.jpg",
            Path("/p/b.jpg"),
            Camera(640, 480, 600, 600, 320, 240),
            Pose.exp(rng.normal(size=6)),
            (0.1, -0.02, 1e-5, 0.0),
            Path("/p/masks/b.png"),
            Path("/p/depth/b.png"),
            0.001,
            11.3,
        ),
    )
    sparse = SparsePoints(rng.normal(size=(7, 3)), rng.integers(0, 255, (7, 3)).astype(np.uint8)) if points else None
    return Dataset(images, sparse, Similarity(1 / 3, Pose.exp(rng.normal(size=6))), 0.7 if points else None)


@pytest.mark.parametrize("points", [True, False])
def test_round_trip(tmp_path: Path, points: bool):
    dataset = _dataset(points)
    save_dataset(dataset, tmp_path)
    read = load_dataset(tmp_path)
    for before, after in zip(dataset.images, read.images, strict=True):
        for name in (field.name for field in fields(PosedImage) if field.name != "scene_from_camera"):
            assert getattr(after, name) == getattr(before, name)
        np.testing.assert_array_equal(after.scene_from_camera.matrix(), before.scene_from_camera.matrix())
    np.testing.assert_array_equal(read.stage_from_scene.matrix(), dataset.stage_from_scene.matrix())
    assert read.metres_per_unit == dataset.metres_per_unit
    if dataset.points is None:
        assert read.points is None
    else:
        assert read.points is not None
        np.testing.assert_array_equal(read.points.xyz, dataset.points.xyz)
        np.testing.assert_array_equal(read.points.rgb, dataset.points.rgb)
        assert read.points.rgb.dtype == np.uint8


@pytest.mark.parametrize("damage", ["none", "json", "version", "points", "no points"])
def test_what_is_damaged_is_refused(tmp_path: Path, damage: str):
    cameras, points = tmp_path / "dataset.json", tmp_path / "points.npz"
    if damage != "none":
        save_dataset(_dataset(), tmp_path)
    if damage == "json":
        cameras.write_bytes(cameras.read_bytes()[:100])
    elif damage == "version":
        cameras.write_bytes(cameras.read_bytes().replace(b'"version": 1', b'"version": 2'))
    elif damage == "points":
        points.write_bytes(b"PK rubbish")
    elif damage == "no points":
        points.unlink()
    where = "points.npz" if "points" in damage else "dataset.json"
    with pytest.raises(FormatError, match=rf"{where}: not a kept dataset \(.*\); --fresh begins anew$"):
        load_dataset(tmp_path)
