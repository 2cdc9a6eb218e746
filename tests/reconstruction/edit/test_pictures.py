import numpy as np
import pytest

from translight.colour.transfer import srgb_encode
from translight.core.camera import Camera, View
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.reconstruction.edit.curve import plot
from translight.reconstruction.edit.pictures import drawn, sheet, thumbnail
from translight.reconstruction.edit.pruning import Step
from translight.reconstruction.evaluate.metrics import BEST_PSNR_DB, psnr_db
from translight.render.backends import open_renderer
from translight.render.cameras import look_at
from translight.render.scene import scene_of


def test_psnr_of_known_errors():
    black = np.zeros((4, 4, 3), np.float32)
    assert psnr_db(black, black + np.float32(0.1)) == pytest.approx(20, abs=1e-5)
    assert psnr_db(black, black) == BEST_PSNR_DB


def test_a_display_shows_linear_scenes_encoded(cloud_of):
    view = View(look_at((0, -4, 1), (0, 0, 0)), Camera.from_fov(40, 30, horizontal_deg=60))
    cloud = cloud_of(50)
    with open_renderer() as renderer:
        srgb, linear = (
            drawn(renderer, scene_of(Environment("e", cloud, Similarity.identity(), encoding=encoding)), view)
            for encoding in ("srgb", "linear")
        )
    inside = srgb < 0.999
    assert np.allclose(linear[inside], srgb_encode(srgb)[inside], atol=1e-5)


def test_a_thumbnail_shows_the_scene(cloud_of):
    with open_renderer() as renderer:
        picture = thumbnail(renderer, scene_of(Environment("e", cloud_of(200))))
    assert picture.shape == (360, 640, 3)
    assert picture[150:210, 290:350].max() > 60


def test_a_sheet_of_pictures_in_rows():
    red, blue = np.full((2, 3, 3), (255, 0, 0), np.uint8), np.full((3, 2, 3), (0, 0, 255), np.uint8)
    paper = sheet([[red, blue], [blue]])
    assert paper.shape == (3 + 4 + 3, 3 + 4 + 2, 3)
    assert (paper[:2, :3] == red).all()
    assert (paper[:3, 7:] == blue).all()
    assert (paper[7:, :2] == blue).all()
    assert (paper[2, :3] == 255).all()
    with pytest.raises(ValueError, match=r"^a contact sheet has at least one picture in every row$"):
        sheet([])


def test_the_curve_goes_through_its_points():
    steps = [Step(1000, BEST_PSNR_DB, 0.0), Step(800, 50.0, 0.1), Step(400, 40.0, 0.2)]
    picture = plot("set", steps)
    assert picture.shape == (360, 640, 3)
    rows, columns = np.nonzero((picture == (200, 60, 40)).all(axis=2))
    right, left = columns.argmax(), columns.argmin()
    # 800 of 1000 and 400 of 1000 of the axis, and the better one higher
    axis = 640 - 64 - 40
    assert columns[right] - 3 == pytest.approx(64 + 0.8 * axis, abs=2)
    assert columns[left] + 3 == pytest.approx(64 + 0.4 * axis, abs=2)
    assert rows[right] < rows[left]
    with pytest.raises(ValueError, match=r"^nothing was pruned, so there is no curve$"):
        plot("set", steps[:1])
