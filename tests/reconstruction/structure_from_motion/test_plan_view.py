import numpy as np
from PIL import Image
from tests.reconstruction.structure_from_motion.rooms import CAMERA, looking

from translight.reconstruction.dataset import Dataset, PosedImage, SparsePoints
from translight.reconstruction.structure_from_motion.plan_view import draw_poses


def images(tmp_path):
    return tuple(PosedImage(f"{i}.png", tmp_path, CAMERA, looking((i, -1.6, 0.0))) for i in range(3))


def test_points_and_cameras_are_seen_from_above_and_from_the_side(tmp_path):
    chance = np.random.default_rng(0)
    xyz = np.column_stack([chance.uniform(-2, 4, 4000), chance.uniform(-3, 0, 4000), chance.uniform(8, 9, 4000)])
    rgb = np.tile(np.uint8([[20, 60, 220]]), (4000, 1))
    draw_poses(Dataset(images(tmp_path), SparsePoints(xyz, rgb)), tmp_path / "poses.jpg")
    with Image.open(tmp_path / "poses.jpg") as picture:
        pixels = np.asarray(picture).astype(int)
    blue = pixels[..., 2] - pixels[..., 0] > 80
    red = pixels[..., 0] - pixels[..., 2] > 80
    rows, columns = np.nonzero(blue)
    above, side = columns < 600, columns >= 600
    # from above the points lie ahead, which is up; from the side to the right of the cameras
    assert rows[above].max() < np.nonzero(red[:, :600])[0].min()
    assert columns[side].min() > np.nonzero(red[:, 600:])[1].max() + 600
    assert list(tmp_path.iterdir()) == [tmp_path / "poses.jpg"]


def test_a_dataset_without_points_is_drawn(tmp_path):
    draw_poses(Dataset(images(tmp_path)[:1]), tmp_path / "poses.jpg")
    with Image.open(tmp_path / "poses.jpg") as picture:
        assert picture.size == (1200, 720)
