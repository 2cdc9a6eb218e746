"""Polycam's and Record3D's exports, made here as their formats are described."""

import json
import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tests.reconstruction.photographs import save_photograph, texture

from translight.core.errors import FormatError, ReconstructionError
from translight.core.frames import RDF_FROM_RUB
from translight.core.image import load_image
from translight.core.pose import Pose
from translight.reconstruction.pixels import load_photograph
from translight.reconstruction.polycam import read_polycam
from translight.reconstruction.record3d import read_record3d

TURNED = Pose.exp([0.3, 1.5, -2.0, 0.1, 0.7, -0.2])
"""ARKit's world (y up) from the camera in OpenGL's axes."""


def keyframe(pose, **keys):
    rows = pose.matrix()
    values = {f"t_{i}{j}": float(rows[i, j]) for i in range(3) for j in range(4)}
    return {
        "fx": 30.0,
        "fy": 31.0,
        "cx": 16.5,
        "cy": 12.25,
        "width": 32,
        "height": 24,
        "blur_score": 99.0,
        **values,
        **keys,
    }


def polycam(folder, *, corrected=True):
    root = folder / "keyframes"
    for name, seed in (("1001", 0), ("1002", 1)):
        for suffix in ("", "corrected_") if corrected else ("",):
            save_photograph(root / f"{suffix}images" / f"{name}.jpg", texture(24, 32, seed))
            cameras = root / f"{suffix}cameras"
            cameras.mkdir(exist_ok=True)
            pose = TURNED if suffix or not corrected else Pose.identity()
            (cameras / f"{name}.json").write_text(json.dumps(keyframe(pose)))
    (root / "depth").mkdir()
    Image.fromarray(np.full((6, 8), 1250, np.uint16)).save(root / "depth" / "1001.png")
    return folder


def assert_turned(image):
    """Up in ARKit's world is up on the stage: y; what it looks along, -z, is the stage's forward."""
    x, y, z = TURNED.position_m
    assert np.allclose(image.scene_from_camera.position_m, [x, -y, -z])
    right, up, back = TURNED.rotation().T
    assert np.allclose(image.scene_from_camera.rotation().T, [RDF_FROM_RUB.apply(v) for v in (right, -up, -back)])


def test_polycams_optimised_cameras_pictures_and_depth(tmp_path):
    dataset = read_polycam(polycam(tmp_path), tmp_path)
    first, second = dataset.images
    assert (first.name, first.file) == ("1001.jpg", tmp_path / "keyframes/corrected_images/1001.jpg")
    assert dataset.metres_per_unit == 1.0
    camera = first.camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (30, 31, 16.5, 12.25)
    assert_turned(first)
    assert np.allclose(load_photograph(first).depth, 1.25)
    assert second.depth is None


def test_polycams_raw_cameras_where_none_were_optimised(tmp_path):
    dataset = read_polycam(polycam(tmp_path, corrected=False) / "keyframes", tmp_path)
    assert dataset.images[0].file == tmp_path / "keyframes/images/1001.jpg"
    assert_turned(dataset.images[0])


def test_black_borders_of_undistorted_pictures_are_masked(tmp_path):
    folder = polycam(tmp_path / "scan")
    picture = np.full((80, 100, 3), 120, np.uint8)
    picture[:10] = 0  # the border
    picture[40:50, 40:60] = 0  # a black thing
    save_photograph(folder / "keyframes/corrected_images/1001.jpg", picture, quality=80)
    first, second = read_polycam(folder, tmp_path / "work").images
    assert first.mask == tmp_path / "work/polycam/masks/1001.png"
    mask = load_image(first.mask)
    assert not mask[:10].any()
    assert (mask[18:] == 255).all()
    assert second.mask is None
    assert read_polycam(folder, tmp_path / "work").images[0].mask == first.mask
    (tmp_path / "file").touch()
    with pytest.raises(ReconstructionError, match=r"1001\.png: cannot be written"):
        read_polycam(folder, tmp_path / "file")


@pytest.mark.parametrize("prefix", ["", "poly/"])
def test_polycam_zipped(tmp_path, prefix):
    folder = polycam(tmp_path / "made")
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        archive.writestr(f"{prefix}raw.glb", b"glTF")
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, f"{prefix}{file.relative_to(folder).as_posix()}")
    dataset = read_polycam(tmp_path / "scan.zip", tmp_path / "work")
    assert len(dataset.images) == 2
    assert dataset.images[0].file == tmp_path / "work/polycam/keyframes/corrected_images/1001.jpg"
    assert not list((tmp_path / "work").rglob("raw.glb"))


def test_what_is_wrong_with_a_polycam_export(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.jpg", b"x")
    with pytest.raises(
        FormatError, match=r"photos\.zip: no keyframes/cameras .* has; unpack a zip of photographs first$"
    ):
        read_polycam(tmp_path / "photos.zip", tmp_path)
    with pytest.raises(FormatError, match=r"no keyframes/cameras inside, as Polycam's raw data export has$"):
        read_polycam(tmp_path, tmp_path)
    root = polycam(tmp_path) / "keyframes"
    camera = root / "corrected_cameras/1002.json"
    for change, words in (
        ({"fx": "30"}, "fx: Expected `float`, got `str`"),
        ({"fx": 0}, "a camera needs finite intrinsics and positive focal lengths, got (0.0, 31.0, 16.5, 12.25)"),
        ({"t_00": 9}, "t_00 to t_23: it scales by"),
    ):
        camera.write_text(json.dumps(keyframe(TURNED, **change)))
        with pytest.raises(FormatError) as caught:
            read_polycam(tmp_path, tmp_path)
        assert str(caught.value).startswith(f"{camera}: {words}")
    camera.write_text(json.dumps(keyframe(TURNED)))
    (root / "corrected_images/1002.jpg").unlink()
    with pytest.raises(FormatError, match=r"1002\.json: its picture corrected_images/1002\.jpg is missing$"):
        read_polycam(tmp_path, tmp_path)
    for file in (root / "corrected_cameras").iterdir():
        file.unlink()
    with pytest.raises(FormatError, match=r"corrected_cameras: no cameras \(\.json\)$"):
        read_polycam(tmp_path, tmp_path)


def record3d(path, frames=3, *, poses=None, pictures=None, **keys):
    w, x, y, z = TURNED.wxyz.tolist()
    metadata = {
        "w": 24,
        "h": 32,
        "K": [40.0, 0, 0, 0, 41.0, 0, 12.5, 16.5, 1],
        "fps": 60,
        "poses": [[x, y, z, w, *TURNED.position_m[:2], TURNED.position_m[2] + i] for i in range(frames)]
        if poses is None
        else poses,
        **keys,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata", json.dumps({k: v for k, v in metadata.items() if v is not None}))
        for i in range(frames if pictures is None else pictures):
            data = BytesIO()
            Image.fromarray(texture(32, 24, i)).save(data, "JPEG")
            archive.writestr(f"rgbd/{i}.jpg", data.getvalue())
            archive.writestr(f"rgbd/{i}.depth", b"bvx2")
    return path


def test_record3d(tmp_path):
    dataset = read_record3d(record3d(tmp_path / "a.r3d"), tmp_path / "work")
    assert [image.name for image in dataset.images] == ["000000.jpg", "000001.jpg", "000002.jpg"]
    first = dataset.images[0]
    assert_turned(first)
    camera = first.camera
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (40, 41, 12.5, 16.5)
    assert (dataset.metres_per_unit, first.depth) == (1.0, None)
    assert load_photograph(first).rgb.shape == (32, 24, 3)
    assert sorted(file.suffix for file in (tmp_path / "work").rglob("*.*")) == [".jpg"] * 3


def test_record3ds_own_intrinsics_of_each_frame_and_fewer_pictures(tmp_path):
    own = [[30.0 + i, 31.0, 12.0, 16.0] for i in range(10)]
    dataset = read_record3d(record3d(tmp_path / "a.r3d", 10, perFrameIntrinsicCoeffs=own), tmp_path, most=3)
    assert [image.name for image in dataset.images] == ["000000.jpg", "000003.jpg", "000006.jpg"]
    assert [image.camera.fx for image in dataset.images] == [30, 33, 36]
    twice = record3d(tmp_path / "b.r3d", w=12, h=16)  # the pictures are twice as large as the metadata says
    camera = read_record3d(twice, tmp_path / "b").images[0].camera
    assert (camera.width_px, camera.fx, camera.cx) == (24, 80, 25)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"pictures": 0}, "no picture (rgbd/0.jpg and on) has a pose in metadata"),
        ({"poses": [[0, 0, 0, 1, 0, 0, 0]] * 3}, "its poses are all one: only LiDAR recordings have poses, not the selfie camera's"),
        ({"poses": [[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 0, 0, 0]]}, "metadata: poses[0]: a pose wants a finite non-zero quaternion"),
        ({"poses": [[0, 0, 0, 1]]}, "metadata: poses[0]: Expected `array` of length 7"),
        ({"K": None}, "metadata: poses[0]: neither perFrameIntrinsicCoeffs nor a K of 9 numbers"),
        ({"w": 32, "h": 24}, "rgbd/0.jpg is 24x32, metadata says 32x24"),
        ({"w": 0}, "metadata: poses[0]: a camera image is at least 1x1 pixels, got 0x32"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_record3d_recording(tmp_path, keys, words):
    path = record3d(tmp_path / "a.r3d", **keys)
    with pytest.raises(FormatError) as caught:
        read_record3d(path, tmp_path)
    assert str(caught.value).startswith(f"{path}: {words}")
