import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.reconstruction.photographs import save_photograph, texture

from translight.core.errors import FormatError
from translight.core.image import save_image
from translight.core.pose import Pose
from translight.reconstruction.pixels import load_photograph
from translight.reconstruction.transforms import read_transforms

LEVEL = [[1, 0, 0, 1], [0, 0, -1, 2], [0, 1, 0, 3], [0, 0, 0, 1]]
"""A camera at (1, 2, 3) of a world whose Z is up, level, looking along +Y: OpenGL's y is the world's Z."""


@pytest.fixture
def folder(tmp_path):
    save_photograph(tmp_path / "images/a.png", texture(6, 8))
    save_photograph(tmp_path / "images/b.png", texture(6, 8, 1))
    return tmp_path


def write(folder, frames=None, name="transforms.json", **top):
    frames = [{"file_path": "images/a.png", "transform_matrix": LEVEL}] if frames is None else frames
    (folder / name).write_text(json.dumps({"fl_x": 10, "frames": frames, **top}))
    return folder / name


def frame(**keys):
    return {"file_path": "images/a.png", "transform_matrix": LEVEL, **keys}


def test_a_level_camera_stands_upright_on_the_stage(folder):
    dataset = read_transforms(write(folder))
    stage_from_camera = dataset.stage_from_scene.pose @ dataset.images[0].scene_from_camera
    assert np.allclose(stage_from_camera.position_m, [1, 2, 3])
    right, down, forward = stage_from_camera.rotation().T
    assert np.allclose([right, down, forward], [[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    assert dataset.metres_per_unit is None
    assert dataset.points is None


def test_intrinsics_of_the_file_and_of_a_frame(folder):
    frames = [frame(), frame(file_path="./images/b.png", fl_x=20, cx=3.5, k1=0, p1=0.01)]
    top = {"fl_y": 11, "cx": 4.25, "cy": 2.5, "w": 8, "h": 6, "k1": 0.1, "k3": 0.0, "camera_model": "OPENCV"}
    a, b = read_transforms(write(folder, frames, **top)).images
    assert (a.name, b.name) == ("images/a.png", "images/b.png")
    assert (a.camera.fx, a.camera.fy, a.camera.cx, a.camera.cy) == (10, 11, 4.25, 2.5)
    assert (b.camera.fx, b.camera.fy, b.camera.cx, b.camera.cy) == (20, 11, 3.5, 2.5)
    assert (a.distortion, b.distortion) == ((0.1, 0, 0, 0), (0, 0, 0.01, 0))
    assert (a.camera.width_px, a.camera.height_px) == (8, 6)


def test_all_of_opencvs_coefficients(folder):
    assert read_transforms(write(folder, k3=0.5)).images[0].distortion == (0, 0, 0, 0, 0.5)
    keys = {"k1": 1, "k2": 2, "p1": 3, "p2": 4, "k3": 5, "k4": 6, "k5": 7, "k6": 8}
    full = write(folder, camera_model="FULL_OPENCV", **keys)
    assert read_transforms(full).images[0].distortion == tuple(range(1, 9))


def test_instant_ngps_angles_and_names_without_suffix(folder):
    # an angle of 90° across 8 pixels is a focal length of 4
    text = {"camera_angle_x": np.pi / 2, "frames": [frame(file_path="./images/a")]}
    (folder / "transforms_train.json").write_text(json.dumps(text))
    (image,) = read_transforms(folder).images
    assert image.name == "images/a.png"
    camera = image.camera
    assert (camera.fx, camera.fy) == pytest.approx((4, 4))
    assert (camera.cx, camera.cy) == (4, 3)


def test_masks_depth_and_points(folder):
    save_photograph(folder / "m.png", np.full((6, 8), 255, np.uint8))
    Image.fromarray(np.full((6, 8), 1500, np.uint16)).save(folder / "d.png")
    save_image(folder / "d.exr", np.full((6, 8), 1.5, np.float32))
    (folder / "points.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
        "property uint8 red\nproperty uint8 green\nproperty uint8 blue\nend_header\n1 5 3 10 20 30\n"
    )
    frames = [
        frame(mask_path="m.png", depth_file_path="d.png"),
        frame(file_path="images\\b.png", depth_path="d.exr"),
    ]
    path = write(folder, frames, ply_file_path="points.ply", applied_transform=LEVEL[:3], metres_per_unit=2)
    dataset = read_transforms(path)
    a, b = dataset.images
    assert (a.mask, a.depth, a.depth_scale) == (folder / "m.png", folder / "d.png", 1e-3)
    assert (b.name, b.mask, b.depth, b.depth_scale) == ("images/b.png", None, folder / "d.exr", 1.0)
    assert dataset.metres_per_unit == 2
    # the point lies 3 units straight ahead of the camera, as both pictures of depth can say
    assert np.allclose(a.scene_from_camera.inverse().apply(dataset.points.xyz), [[0, 0, 3]])
    assert dataset.points.rgb.tolist() == [[10, 20, 30]]
    for image in (a, b):
        assert np.allclose(load_photograph(image).depth, 1.5)
    scaled = read_transforms(write(folder, frames, depth_unit_scale_factor=0.01))
    assert [image.depth_scale for image in scaled.images] == [0.01, 0.01]
    scaled = read_transforms(write(folder, frames, integer_depth_scale=0.5))
    assert scaled.images[0].depth_scale == 0.5


def test_depth_of_fewer_pixels_than_its_picture(folder):
    coarse = np.array([[1000, 2000], [3000, 0]], np.uint16)
    save_photograph(folder / "images/a.png", texture(6, 6))
    Image.fromarray(coarse).save(folder / "d.png")
    (image,) = read_transforms(write(folder, [frame(depth_file_path="d.png")])).images
    assert np.allclose(load_photograph(image).depth, np.kron(coarse, np.ones((3, 3))) / 1000)
    Image.fromarray(coarse[:1]).save(folder / "d.png")
    with pytest.raises(FormatError, match=r"d\.png: 2x1 pixels, the camera of images/a\.png says 6x6$"):
        load_photograph(image)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    twist=st.lists(st.floats(-3, 3), min_size=6, max_size=6),
    digits=st.sampled_from([6, 17]),
    rows=st.sampled_from([3, 4]),
)
def test_any_pose_comes_back(folder, twist, digits, rows):
    pose = Pose.exp(twist)  # world (Z up) from an OpenGL camera
    text = [[float(f"{value:.{digits}g}") for value in row] for row in pose.matrix()[:rows].tolist()]
    (image,) = read_transforms(write(folder, [frame(transform_matrix=text)])).images
    found = image.scene_from_camera
    tolerance = 1e-12 if digits == 17 else 1e-4
    x, y, z = pose.position_m
    assert np.allclose(found.position_m, [x, -z, y], atol=tolerance)
    # the camera's right, up and back in the world, RDF's right, down and forward in the scene
    right, up, back = pose.rotation().T
    expected = [[v[0], -v[2], v[1]] for v in (right, -up, -back)]
    assert np.allclose(found.rotation().T, expected, atol=tolerance)


def test_generated_views_with_depth_lie_where_they_were_generated(folder):
    """Views of a floor as Blender would write them: its own rays, matrices and depth, and our reading of them."""
    width, height, focal = 40, 30, 35.0
    frames = []
    for i, (turn, tilt, position) in enumerate([(0.3, -0.7, (1, 2, 3)), (-2.0, -1.2, (4, -1, 2.5))]):
        ct, st_, cx, sx = np.cos(turn), np.sin(turn), np.cos(np.pi / 2 + tilt), np.sin(np.pi / 2 + tilt)
        # a camera that looks along its -z, pitched about x and then turned about the world's Z
        rotation = np.array([[ct, -st_, 0], [st_, ct, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
        v, u = np.mgrid[:height, :width] + 0.5
        rays = np.stack([(u - 20.5) / focal, -(v - 14) / focal, -np.ones_like(u)], axis=-1) @ rotation.T
        depth = -position[2] / rays[..., 2]
        depth[depth < 0] = 0  # the sky
        floor = np.array(position) + rays * depth[..., None]
        save_photograph(folder / f"v{i}.png", (np.sin(floor * 3) * 100 + 128).astype(np.uint8))
        save_image(folder / f"d{i}.exr", depth.astype(np.float32))
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, position
        frames.append({"file_path": f"v{i}.png", "depth_file_path": f"d{i}.exr", "transform_matrix": matrix.tolist()})
    dataset = read_transforms(write(folder, frames, fl_x=focal, cx=20.5, cy=14.0))
    for image in dataset.images:
        photograph = load_photograph(image)
        assert photograph.depth is not None
        v, u = np.nonzero(photograph.depth)
        assert len(u) > 600
        seen = photograph.camera.ray(np.stack([u, v], axis=-1) + 0.5) * photograph.depth[v, u, None]
        on_stage = dataset.stage_from_scene.apply(image.scene_from_camera.apply(seen))
        assert np.abs(on_stage[:, 2]).max() < 1e-5
        # and the colours, which the floor's place makes, agree with where we put it
        assert np.allclose(photograph.rgb[v, u], np.trunc(np.sin(on_stage * 3) * 100 + 128) / 255, atol=1.1 / 255)


BAD = {
    "fisheye": ({"camera_model": "OPENCV_FISHEYE"}, None, "frames[0]: camera_model OPENCV_FISHEYE is not read, only pinholes with OpenCV's distortion are: undistort the pictures first"),
    "ngp fisheye": ({"is_fisheye": True}, None, "frames[0]: camera_model is_fisheye is not read, only pinholes with OpenCV's distortion are: undistort the pictures first"),
    "no focal length": ({"fl_x": None}, None, "frames[0]: no focal length: neither fl_x nor camera_angle_x, here or at the top of the file"),
    "focal length zero": ({"fl_x": 0}, None, "frames[0]: a camera needs finite intrinsics and positive focal lengths, got (0.0, 0.0, 4.0, 3.0)"),
    "angle": ({"fl_x": None, "camera_angle_x": 4}, None, "frames[0]: camera_angle_x: an angle between 0 and pi radians is wanted, got 4.0"),
    "size": ({"w": 9}, None, "frames[0]: w is 9, its picture is 8x6"),
    "text for a number": ({"fl_x": "10"}, None, "fl_x: Expected `float | null`, got `str`"),
    "no frames": ({}, [], "frames: there are none"),
    "frame without picture": ({}, [{"transform_matrix": LEVEL}], "frames[0]: Object missing required field `file_path`"),
    "picture missing": ({}, [frame(), frame(file_path="c.png")], "frames[1].file_path: no such file: c.png"),
    "picture twice": ({}, [frame(), frame()], "frames[1].file_path: images/a.png is there twice"),
    "mask missing": ({}, [frame(mask_path="m.png")], "frames[0].mask_path: no such file: m.png"),
    "matrix shape": ({}, [frame(transform_matrix=[[1, 2], [3, 4]])], "frames[0].transform_matrix: a matrix of 4x4 or 3x4 is wanted, got rows of [2, 2]"),
    "matrix row": ({}, [frame(transform_matrix=[*LEVEL[:3], [0, 0, 0, 2]])], "frames[0].transform_matrix: finite numbers are wanted, and 0 0 0 1 in the last row"),
    "mirror": ({}, [frame(transform_matrix=[[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])], "frames[0].transform_matrix: it mirrors, or is flat; a rotation is wanted"),
    "scale": ({}, [frame(transform_matrix=[[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]])], "frames[0].transform_matrix: it scales by 2; a rotation is wanted"),
    "k4": ({"k4": 1}, None, "frames[0]: k4, k5 and k6 are read of camera_model FULL_OPENCV only"),
    "points missing": ({"ply_file_path": "p.ply"}, None, "ply_file_path: no such file: p.ply"),
    "metres": ({"metres_per_unit": 0}, None, "metres_per_unit: a positive number is wanted, got 0.0"),
    "applied": ({"applied_transform": [[1]]}, None, "applied_transform: a matrix of 4x4 or 3x4 is wanted, got rows of [1]"),
    "depth kind": ({}, [frame(depth_file_path="images/d.npy")], "frames[0].depth_file_path: depth is read from .png and .exr, got d.npy"),
}  # fmt: skip


@pytest.mark.parametrize(("top", "frames", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_told_by_its_key(folder, top, frames, words):
    (folder / "images/d.npy").touch()
    path = write(folder, frames, **top)
    with pytest.raises(FormatError) as caught:
        read_transforms(path)
    assert str(caught.value) == f"{path}: {words}"


def test_what_is_no_json(folder):
    with pytest.raises(FormatError, match=r"no transforms\.json here$"):
        read_transforms(folder)
    for text in (b"", b"{", b"[1]", b'{"frames": 1}', b"\xff", b'{"fl_x": NaN}', b"[" * 100_000):
        (folder / "transforms.json").write_bytes(text)
        with pytest.raises(FormatError) as caught:
            read_transforms(folder)
        assert str(caught.value).startswith(f"{folder / 'transforms.json'}: ")
        assert "\n" not in str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)
keys = ("camera_model", "fl_x", "cx", "w", "k1", "k4", "camera_angle_x", "file_path", "transform_matrix", "mask_path", "depth_file_path", "ply_file_path")  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=st.dictionaries(st.sampled_from(keys), values), inner=st.dictionaries(st.sampled_from(keys), values))
def test_nonsense_raises_nothing_but_format_errors(folder, top, inner):
    (folder / "transforms.json").write_text(json.dumps({"fl_x": 5, **top, "frames": [frame() | inner]}))
    try:
        dataset = read_transforms(folder)
    except FormatError as error:
        assert "\n" not in str(error)  # noqa: PT017 - some nonsense is let through
    else:
        assert np.isfinite(dataset.images[0].scene_from_camera.matrix()).all()
