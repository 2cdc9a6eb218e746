import contextlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from translight.core.errors import FormatError
from translight.reconstruction.pixels import load_photograph
from translight.reconstruction.structure_from_motion.camera_models import opencv_camera
from translight.reconstruction.structure_from_motion.colmap_model import is_colmap_model, read_colmap_model

pytest.importorskip("pycolmap")

# pycolmap stays out of this process, so the models are written by another.
WRITE = """
import sys
import PIL.Image
import numpy as np, pycolmap
out, model, params = sys.argv[1], sys.argv[2], [float(p) for p in sys.argv[3].split(",")]
r = pycolmap.Reconstruction()
camera = pycolmap.Camera(model=model, width=64, height=48, params=params, camera_id=3)
r.add_camera_with_trivial_rig(camera)
for i, name in enumerate(["sub/b.png", "a.png", "never.png"]):
    image = pycolmap.Image(name=name, camera_id=3, image_id=i + 1)
    image.points2D = pycolmap.Point2DList([pycolmap.Point2D(np.array([10.0 + i, 20.5]))])
    if name == "never.png":
        continue
    r.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pycolmap.Rotation3d(np.array([0.0, 0.6, 0.0, 0.8])), np.array([1.0 + i, 2.0, 3.0])))
track = pycolmap.Track()
track.add_element(1, 0)
track.add_element(2, 0)
r.add_point3D(np.array([0.25, -1.5, 4.0]), track, np.array([200, 100, 50], np.uint8))
for kind in ("binary", "text"):
    import os
    os.makedirs(f"{out}/{kind}", exist_ok=True)
    getattr(r, f"write_{kind}")(f"{out}/{kind}")
"""


def write_models(folder, model="OPENCV", params="50,51,32,24,0.1,-0.02,0.001,0.002"):
    subprocess.run(
        [sys.executable, "-c", WRITE, str(folder), model, params], check=True, timeout=60, capture_output=True
    )


def write_pictures(folder, size=(64, 48)):
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png"):
        Image.new("RGB", size, (90, 60, 30)).save(folder / name)


def test_binary_and_text_are_the_same_dataset(tmp_path):
    write_models(tmp_path)
    write_pictures(tmp_path / "images")
    binary = read_colmap_model(tmp_path / "binary", tmp_path / "images")
    text = read_colmap_model(tmp_path / "text", tmp_path / "images")
    for found in (binary, text):
        assert [image.name for image in found.images] == ["a.png", "sub/b.png"]
        a = found.images[0]
        assert a.file == tmp_path / "images" / "a.png"
        assert (a.camera.fx, a.camera.fy, a.camera.cx, a.camera.cy) == (50, 51, 32, 24)
        assert a.distortion == (0.1, -0.02, 0.001, 0.002)
        # by hand: x_camera = R x + t, where R turns by 2 acos 0.8 about y
        R = np.array([[0.28, 0, 0.96], [0, 1, 0], [-0.96, 0, 0.28]])
        assert np.allclose(a.scene_from_camera.position_m, -R.T @ [2.0, 2.0, 3.0])
        assert np.allclose(a.scene_from_camera.rotation(), R.T)
        assert np.allclose(found.points.xyz, [[0.25, -1.5, 4.0]])
        assert found.points.rgb.tolist() == [[200, 100, 50]]
        assert found.metres_per_unit is None
    assert load_photograph(binary.images[0]).rgb.shape == (48, 64, 3)


@pytest.mark.parametrize("model", ["OPENCV_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "FOV"])
def test_other_lenses_are_refused(tmp_path, model):
    params = {
        "OPENCV_FISHEYE": "50,50,32,24,0.1,0,0,0",
        "SIMPLE_RADIAL_FISHEYE": "50,32,24,0.1",
        "FOV": "50,50,32,24,0.9",
    }[model]
    write_models(tmp_path, model, params)
    write_pictures(tmp_path / "images")
    said = (
        f"{tmp_path}/binary/cameras.bin: COLMAP's camera model {model} is not held by OpenCV's coefficients; undistort to "
        "SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL, RADIAL, OPENCV, FULL_OPENCV"
    )
    with pytest.raises(FormatError, match=f"^{re.escape(said)}$"):
        read_colmap_model(tmp_path / "binary", tmp_path / "images")


def test_missing_pictures_are_named(tmp_path):
    write_models(tmp_path)
    write_pictures(tmp_path / "images")
    (tmp_path / "images" / "sub" / "b.png").unlink()
    with pytest.raises(FormatError, match=rf"^{tmp_path}/images: 1 of the model's 2 pictures missing: sub/b\.png$"):
        read_colmap_model(tmp_path / "binary", tmp_path / "images")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    write_pictures(folder / "images")
    return folder


@pytest.fixture
def copied(models, tmp_path):
    """A model to damage, and its pictures' folder."""

    def copy(kind):
        shutil.copytree(models / kind, tmp_path / kind)
        return tmp_path / kind, models / "images"

    return copy


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[: len(data) // 2], "bytes cannot hold them|within what it says it holds"),
        (lambda data: data[:-1], "bytes cannot hold them|within what it says it holds"),
        (lambda data: data[:0], "ends at byte 0, within what it says it holds"),
        (lambda data: data + b"!", "1 bytes more than it says it holds"),
        (lambda data: b"\xff" * 8 + data[8:], "says 18446744073709551615 records, [0-9]+ bytes cannot hold them"),
    ],
)
def test_damaged_binary_files_are_one_line(copied, name, damage, said):
    model, images = copied("binary")
    file = model / f"{name}.bin"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(FormatError, match=f"^{file}: .*({said})$"):
        read_colmap_model(model, images)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(["cameras", "images", "points3D"]), st.sampled_from(["bin", "txt"]), st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_else(models, tmp_path, name, suffix, data):
    model = tmp_path / suffix
    shutil.copytree(models / {"bin": "binary", "txt": "text"}[suffix], model, dirs_exist_ok=True)
    (model / f"{name}.{suffix}").write_bytes(data)
    with contextlib.suppress(FormatError):
        read_colmap_model(model, models / "images")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("cameras", "OPENCV 64", "OPENCV none", "could not convert string to float: 'none'"),
        ("cameras", "OPENCV 64", "OPENCV 0", "a camera of 0x48 pixels; from 1 to 131072 are allowed"),
        ("cameras", "OPENCV 64 48 50", "OPENCV 64 48", "camera model OPENCV has 8 parameters, got 7"),
        ("cameras", "OPENCV", "FISH", "COLMAP's camera model FISH is not held by OpenCV's coefficients; .*"),
        ("images", " a.png", " ../a.png", r"'\.\./a\.png' is no path within the folder of images"),
        ("images", " a.png", " sub/b.png", r"two images are called 'sub/b\.png'"),
        ("images", " 3 a.png", " 4 a.png", r"a\.png was taken by camera 4, which cameras\.txt lacks"),
        ("images", " 3 a.png", "", "an image has 10 words and its points a line of their own, got .*"),
        ("points3D", "0.25", "nan", "holds points whose positions or colours are no numbers"),
        ("points3D", " 200 ", " 256 ", "holds points whose positions or colours are no numbers"),
    ],
)
def test_damaged_text_files_are_one_line(copied, name, old, new, said):
    model, images = copied("text")
    file = model / f"{name}.txt"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    blamed = model / ("images.txt" if name == "images" else file.name)
    with pytest.raises(FormatError, match=f"^{blamed}: {said}$"):
        read_colmap_model(model, images)


def test_an_image_that_saw_nothing_keeps_its_empty_line(copied):
    model, images = copied("text")
    file = model / "images.txt"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    lines[1] = ""
    file.write_text("\n".join(lines) + "\n")
    assert len(read_colmap_model(model, images).images) == 2


def test_no_model(tmp_path):
    assert not is_colmap_model(tmp_path)
    with pytest.raises(
        FormatError,
        match=rf"^{tmp_path}: not a COLMAP model: a folder with cameras, images, points3D, \.bin or \.txt$",
    ):
        read_colmap_model(tmp_path, tmp_path)


def test_each_model_of_camera():
    assert opencv_camera("SIMPLE_PINHOLE", 64, 48, [50, 30, 20]).distortion == ()
    pinhole = opencv_camera("PINHOLE", 64, 48, [50, 52, 30, 20]).camera
    assert (pinhole.fx, pinhole.fy, pinhole.cx, pinhole.cy) == (50, 52, 30, 20)
    simple = opencv_camera("SIMPLE_RADIAL", 64, 48, [50, 30, 20, 0.1])
    assert (simple.camera.fy, simple.distortion) == (50, (0.1, 0, 0, 0))
    assert opencv_camera("RADIAL", 64, 48, [50, 30, 20, 0.1, 0.2]).distortion == (0.1, 0.2, 0, 0)
    assert opencv_camera("FULL_OPENCV", 64, 48, [50, 51, 30, 20, *range(1, 9)]).distortion == tuple(range(1, 9))
    assert opencv_camera("OPENCV", 64, 48, [50, 51, 30, 20, 0, 0, 0, 0]).distortion == ()
    with pytest.raises(FormatError, match=r"^camera model RADIAL has 5 parameters, got 4$"):
        opencv_camera("RADIAL", 64, 48, [50, 30, 20, 0.1])
    with pytest.raises(FormatError, match=r"^camera model PINHOLE: a camera needs finite intrinsics"):
        opencv_camera("PINHOLE", 64, 48, [0, 52, 30, 20])
