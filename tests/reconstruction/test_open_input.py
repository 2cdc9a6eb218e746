import json
import sys
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import pytest
from tests.reconstruction.photographs import save_photograph, texture
from tests.reconstruction.test_phones import polycam, record3d
from tests.reconstruction.test_video import encode, pan

from translight.core.camera import Camera
from translight.core.errors import FormatError
from translight.core.pose import Pose
from translight.reconstruction.capture import Capture
from translight.reconstruction.dataset import Dataset, PosedImage
from translight.reconstruction.open_input import READ, find_colmap_model, open_input


def test_each_kind_of_input_is_known_by_what_it_is(tmp_path):
    photos = tmp_path / "photos"
    save_photograph(photos / "a.jpg", texture(24, 32))
    capture = open_input(photos, tmp_path)
    assert isinstance(capture, Capture)
    assert not capture.sequential
    video = encode(tmp_path / "a.MP4", pan(6, 4))
    capture = open_input(video, tmp_path / "work", frames=3)
    assert isinstance(capture, Capture)
    assert (capture.sequential, len(capture.stills)) == (True, 3)
    assert isinstance(open_input(record3d(tmp_path / "a.r3d"), tmp_path / "work"), Dataset)
    assert isinstance(open_input(polycam(tmp_path / "poly"), tmp_path / "work"), Dataset)
    matrix = np.eye(4).tolist()
    frames = [{"file_path": "a.jpg", "transform_matrix": matrix, "fl_x": 30}]
    (photos / "transforms.json").write_text(json.dumps({"frames": frames}))
    for path in (photos, photos / "transforms.json"):
        dataset = open_input(path, tmp_path)
        assert isinstance(dataset, Dataset)
        assert dataset.images[0].file == photos / "a.jpg"


@pytest.mark.parametrize("model", [".", "sparse/0", "sparse", "colmap/sparse/0"])
@pytest.mark.parametrize("suffix", ["bin", "txt"])
def test_a_colmap_model_is_found_with_its_pictures(tmp_path, monkeypatch, model, suffix):
    """The reader itself, which needs pycolmap, has tests of its own."""
    save_photograph(tmp_path / "images" / "a.jpg", texture(24, 32))
    (tmp_path / model).mkdir(parents=True, exist_ok=True)
    for name in ("cameras", "images"):
        (tmp_path / model / f"{name}.{suffix}").touch()
    asked = []

    def read_colmap_model(folder, images):
        asked.append((folder, images))
        return Dataset((PosedImage("a.jpg", images / "a.jpg", Camera(32, 24, 30, 30, 16, 12), Pose.identity()),))

    module = ModuleType("colmap_model")
    module.read_colmap_model = read_colmap_model
    monkeypatch.setitem(sys.modules, "translight.reconstruction.structure_from_motion.colmap_model", module)
    assert isinstance(open_input(tmp_path, tmp_path), Dataset)
    assert isinstance(open_input(tmp_path / model, tmp_path), Dataset)
    assert [(folder.resolve(), images.resolve()) for folder, images in asked] == [
        ((tmp_path / model).resolve(), (tmp_path / "images").resolve())
    ] * 2


def test_a_text_model_written_by_hand_is_read(tmp_path):
    if find_spec("pycolmap") is None:  # never imported here: it must not come before Pillow
        pytest.skip("pycolmap is not installed")
    save_photograph(tmp_path / "images" / "a.jpg", texture(24, 32))
    model = tmp_path / "sparse" / "0"
    model.mkdir(parents=True)
    (model / "cameras.txt").write_text("1 OPENCV 32 24 30 31 16.5 12.25 0.1 0.01 0.001 0.002\n")
    # half a turn about x, and then 1 2 3: the camera stands at -R'(1, 2, 3)
    (model / "images.txt").write_text("1 0 1 0 0 1 2 3 1 a.jpg\n16 12 1\n")
    (model / "points3D.txt").write_text("1 5 6 7 10 20 30 0.5 1 0\n")
    dataset = open_input(tmp_path, tmp_path / "work")
    assert isinstance(dataset, Dataset)
    (image,) = dataset.images
    assert image.file.samefile(tmp_path / "images" / "a.jpg")
    assert (image.camera.fx, image.camera.fy, image.camera.cx, image.camera.cy) == (30, 31, 16.5, 12.25)
    assert image.distortion == (0.1, 0.01, 0.001, 0.002)
    assert np.allclose(image.scene_from_camera.position_m, [-1, 2, 3])
    assert dataset.points is not None
    assert dataset.points.xyz.tolist() == [[5, 6, 7]]


def test_no_model_is_no_model(tmp_path):
    assert find_colmap_model(tmp_path) is None
    (tmp_path / "cameras.bin").touch()
    assert find_colmap_model(tmp_path) is None


def test_what_is_none_of_them_is_told_what_would_be(tmp_path):
    def words(path):
        with pytest.raises(FormatError) as caught:
            open_input(path, tmp_path)
        assert "\n" not in str(caught.value)
        return str(caught.value).removeprefix(f"{path}: ")

    assert words(tmp_path / "absent") == f"no such file or folder; wanted: {READ}"
    picture = save_photograph(tmp_path / "a.jpg", texture(24, 32))
    assert words(picture) == "one picture has no depth to find; give the folder of all of them"
    (tmp_path / "a.obj").touch()
    assert words(tmp_path / "a.obj") == f"not known what this is; wanted: {READ}"
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "c.mov").touch()
    assert words(tmp_path / "clip") == "no photographs, but a video: give a video's file itself"
    (tmp_path / "empty").mkdir()
    assert words(tmp_path / "empty") == "no photographs; .jpg, .png, .tif and .heic are read"
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").touch()
    assert words(tmp_path / "bad").startswith("1 picture is damaged: a.jpg (not a readable picture (")
    (tmp_path / "a.zip").write_bytes(b"PK")
    assert words(tmp_path / "a.zip") == "a damaged zip: File is not a zip file"
