import numpy as np
import pytest

from translight.core.camera import Camera
from translight.core.errors import ReconstructionError, ShowError
from translight.core.pose import Pose
from translight.reconstruction.capture import Capture, Still
from translight.reconstruction.structure_from_motion.known_distance import (
    KnownDistance,
    Mark,
    metres_per_unit,
    undistorted,
)
from translight.reconstruction.structure_from_motion.model import ModelCamera, SparseModel

SEEN = ModelCamera(Camera(640, 480, 500.0, 500.0, 320.0, 240.0), ())


def model():
    """Two cameras before a leaning wall, z = 4 + x/2, one unit being 2 m; its right half holds no points."""
    chance = np.random.default_rng(0)
    xyz = np.column_stack([chance.uniform(-2.5, 0.5, 500), chance.uniform(-1.5, 1.5, 500), np.zeros(500)])
    xyz[:, 2] = 4 + xyz[:, 0] / 2
    poses = (Pose.identity(), Pose.from_wxyz([1, 0, 0, 0], [-0.5, 0, 0]))
    pixels = [SEEN.camera.project(pose.inverse().apply(xyz)) for pose in poses]
    seen_by = np.repeat([0, 1], len(xyz))
    points = np.tile(np.arange(len(xyz)), 2)
    return SparseModel(
        ("0.jpg", "1.jpg"),
        (SEEN,),
        np.zeros(2, np.int64),
        poses,
        xyz,
        np.zeros(xyz.shape, np.uint8),
        np.zeros(len(xyz)),
        seen_by,
        points,
        np.concatenate(pixels),
    )


def capture(tmp_path):
    """The stills are three times as large as the pictures that the model saw."""
    return Capture(
        tmp_path, tuple(Still(name, tmp_path / name, 1920, 1440, "c") for name in ("p.jpg", "q.jpg", "r.jpg"))
    )


FILES = ["0.jpg", "1.jpg", "2.jpg"]


def mark(still, x, y, camera_x=0.0):
    """The mark of the wall's point (x, y)."""
    u, v = 3 * SEEN.camera.project(np.array([x - camera_x, y, 4 + x / 2]))
    return Mark(still, float(u), float(v))


def test_two_marks_in_two_stills(tmp_path):
    a, b = mark("p.jpg", -1.2, 0.5), mark("q.jpg", 0.2, -0.7, -0.5)
    units = np.linalg.norm([1.4, 1.2, 0.7])
    assert metres_per_unit(KnownDistance(a, b, 2 * units), capture(tmp_path), FILES, model()) == pytest.approx(
        2.0, rel=1e-3
    )


@pytest.mark.parametrize(
    ("a", "said"),
    [
        (Mark("s.jpg", 1, 1), r"s\.jpg: no photograph of that name; there is p\.jpg, q\.jpg, r\.jpg …"),
        (Mark("r.jpg", 1, 1), r"r\.jpg: has no pose, so that no distance can be taken from it"),
        (Mark("p.jpg", 1921, 1), r"p\.jpg: has 1920x1440 pixels, the mark is at 1921,1"),
        (Mark("p.jpg", 1900, 700), r"p\.jpg: the model holds nothing near 1900,700; mark something with texture"),
        (mark("p.jpg", -1.2, 0.5), r"p\.jpg and p\.jpg: both marks show the same point"),
    ],
)
def test_marks_that_tell_nothing(tmp_path, a, said):
    with pytest.raises(ReconstructionError, match=f"^{said}$"):
        metres_per_unit(KnownDistance(a, mark("p.jpg", -1.2, 0.5), 2.0), capture(tmp_path), FILES, model())


def test_marks_are_read_from_words():
    assert Mark.parse("my photo.jpg:812,440.5") == Mark("my photo.jpg", 812.0, 440.5)
    assert Mark.parse("C:/a.jpg:1,2") == Mark("C:/a.jpg", 1.0, 2.0)
    for wrong in ("photo.jpg", "photo.jpg:1", "photo.jpg:1;2", ":1,2", "photo.jpg:-1,2", ""):
        with pytest.raises(ShowError, match=r": a mark is a photograph and a pixel in it, as in photo\.jpg:812,440$"):
            Mark.parse(wrong)
    for metres in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ShowError, match=r"^a known distance is some metres, got "):
            KnownDistance(Mark("a", 1, 1), Mark("b", 1, 1), metres)


def test_undistortion_is_the_inverse_of_opencvs():
    seen = ModelCamera(SEEN.camera, (-0.2, 0.05, 0.002, -0.003))
    x, y = 0.3, -0.25
    r2 = x * x + y * y
    radial = 1 - 0.2 * r2 + 0.05 * r2 * r2
    distorted = np.array(
        [
            x * radial + 2 * 0.002 * x * y - 0.003 * (r2 + 2 * x * x),
            y * radial + 0.002 * (r2 + 2 * y * y) - 2 * 0.003 * x * y,
        ]
    )
    pixel = distorted * 500 + (320, 240)
    assert np.allclose(undistorted(seen, pixel), np.array([x, y]) * 500 + (320, 240), atol=1e-3)
    assert undistorted(SEEN, pixel) is pixel
