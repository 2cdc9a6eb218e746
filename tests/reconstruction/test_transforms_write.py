import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reconstruction.nerf import room

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.image import load_image, save_image
from translight.core.pose import Pose, angle_between
from translight.reconstruction.dataset import Dataset, PosedImage
from translight.reconstruction.opengl_pose import SCENE_FROM_Z_UP, scene_from_opengl
from translight.reconstruction.pixels import load_photograph
from translight.reconstruction.transforms import read_transforms
from translight.reconstruction.transforms_write import transform_matrix, write_transforms


def test_what_is_written_is_read_back_the_same(tmp_path):
    dataset = room.dataset(tmp_path, masked=True)
    back = read_transforms(write_transforms(dataset, tmp_path / "data"))
    assert len(back.images) == len(dataset.images)
    for image, again in zip(dataset.images, back.images, strict=True):
        assert again.camera == image.camera
        assert angle_between(again.scene_from_camera, image.scene_from_camera) < 1e-9
        assert np.abs(again.scene_from_camera.position_m - image.scene_from_camera.position_m).max() < 1e-9
        was, now = load_photograph(image), load_photograph(again)
        assert np.array_equal(was.rgb, now.rgb)
        assert np.array_equal(was.weight, now.weight)
    assert np.allclose(back.points.xyz, dataset.points.xyz, atol=1e-6)
    assert np.array_equal(back.points.rgb, dataset.points.rgb)


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6))
def test_any_pose_goes_there_and_back(twist):
    pose = Pose.exp(twist)
    again = scene_from_opengl(transform_matrix(pose), "here", SCENE_FROM_Z_UP)
    assert angle_between(again, pose) < 1e-9
    assert np.abs(again.position_m - pose.position_m).max() < 1e-9


def test_a_level_camera_looks_along_the_worlds_y_with_z_up():
    matrix = np.array(transform_matrix(Pose.from_wxyz([1, 0, 0, 0], [1.0, 2.0, 3.0])))
    # OpenGL's camera: x right, y up, z back; RDF (1, 2, 3) is 1 to the right, 3 ahead and 2 below
    assert np.allclose(matrix, [[1, 0, 0, 1], [0, 0, -1, 3], [0, 1, 0, -2], [0, 0, 0, 1]])


def test_held_out_pictures_are_the_other_splits_and_none_is_empty(tmp_path):
    values = json.loads(write_transforms(room.dataset(tmp_path, 10), tmp_path / "ten").read_text())
    assert values["val_filenames"] == values["test_filenames"] == ["images/00.png", "images/08.png"]
    assert len(values["train_filenames"]) == 8
    assert not {*values["train_filenames"]} & {*values["val_filenames"]}
    values = json.loads(write_transforms(room.dataset(tmp_path, 3), tmp_path / "three").read_text())
    assert values["train_filenames"] == [f"images/0{k}.png" for k in range(3)]
    assert values["val_filenames"] == ["images/00.png"]


def test_masks_are_for_all_pictures_or_for_none(tmp_path):
    values = json.loads(write_transforms(room.dataset(tmp_path), tmp_path / "a").read_text())
    assert not any("mask_path" in frame for frame in values["frames"])
    values = json.loads(write_transforms(room.dataset(tmp_path, masked=True), tmp_path / "b").read_text())
    masks = [load_image(tmp_path / "b" / frame["mask_path"]) for frame in values["frames"]]
    assert [int((mask > 0).sum()) for mask in masks[:3]] == [64 * 48, 32 * 48, 64 * 48]


def test_pictures_are_made_smaller_and_pinhole(tmp_path):
    save_image(tmp_path / "a.png", np.full((48, 64, 3), 90, np.uint8))
    lens = PosedImage(
        "a.png", tmp_path / "a.png", room.Camera(64, 48, 40, 40, 32, 24), Pose.identity(), (-0.2, 0, 0, 0)
    )
    values = json.loads(write_transforms(Dataset((lens,)), tmp_path / "data", 32).read_text())
    (frame,) = values["frames"]
    assert (frame["w"], frame["h"], frame["fl_x"]) == (32, 24, 20.0)
    assert load_image(tmp_path / "data" / frame["file_path"]).shape == (24, 32, 3)
    assert not any(key in {**values, **frame} for key in ("k1", "k2", "p1", "p2"))


def test_names_that_differ_in_suffix_or_folder_stay_apart(tmp_path):
    camera, images = Camera(4, 3, 4, 4, 2, 1.5), []
    for name in ("a.jpg", "a.png", "b/a.png"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        save_image(file, np.zeros((3, 4, 3), np.uint8))
        images.append(PosedImage(name, file, camera, Pose.identity()))
    write_transforms(Dataset(tuple(images)), tmp_path / "data")
    names = sorted(file.name for file in (tmp_path / "data" / "images").iterdir())
    assert names == ["00000_a.png", "00001_a.png", "00002_b_a.png"]


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(
        FormatError, match=r"data: exists; transforms.json and its pictures are written to a new folder$"
    ):
        write_transforms(room.dataset(tmp_path, 3), tmp_path / "data")


def test_nothing_is_left_where_a_picture_is_damaged(tmp_path):
    dataset = room.dataset(tmp_path, 3)
    dataset.images[1].file.write_bytes(b"no picture")
    with pytest.raises(FormatError, match=r"01\.png: not a readable picture"):
        write_transforms(dataset, tmp_path / "data")
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
