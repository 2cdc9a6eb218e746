from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.core.frames import STAGE_FROM_RDF
from translight.generation.lift.lift import Lifted
from translight.generation.lift.training_views import write_training_views
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.open_input import open_input
from translight.reconstruction.pixels import load_photograph

REACH = (3.0, 3.0, 1.0)


@pytest.fixture(scope="module")
def folder(lifted: Lifted, panorama, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("views") / "yard"
    write_training_views(lifted, panorama, REACH, path, moved=3, size_px=32, backend="cpu")
    return path


def test_reconstruct_takes_them_where_they_are(folder: Path, panorama, tmp_path: Path):
    dataset = open_input(folder, tmp_path)
    assert isinstance(dataset, Dataset)
    assert len(dataset.images) == 17
    assert dataset.metres_per_unit == 1.0
    assert dataset.points is not None
    assert len(dataset.points) == 5000
    heights = STAGE_FROM_RDF.apply(dataset.points.xyz)[:, 2]
    assert np.quantile(heights, 0.1) == pytest.approx(0.0, abs=0.1), "the ground lies at Z 0"
    eye, moved = dataset.images[0], dataset.images[-1]
    np.testing.assert_allclose((STAGE_FROM_RDF @ eye.scene_from_camera).position_m, [0, 0, 1.6], atol=1e-6)
    away = (STAGE_FROM_RDF @ moved.scene_from_camera).position_m - (0, 0, 1.6)
    assert (np.abs(away) <= 0.5 * np.array(REACH)).all()
    assert np.abs(away).max() > 0.05


def test_the_eyes_picture_is_the_panorama_ahead(folder: Path, world, tmp_path: Path):
    dataset = open_input(folder, tmp_path)
    assert isinstance(dataset, Dataset)
    first = dataset.images[0]
    photograph = load_photograph(first, None)
    truth, _ = world.picture(first.camera, STAGE_FROM_RDF @ first.scene_from_camera)
    from translight.colour.transfer import srgb_encode

    assert np.abs(photograph.rgb - srgb_encode(np.clip(truth, 0, 1))).mean() < 0.04
    assert (photograph.weight > 0).all()


def test_an_existing_folder_is_left_alone(folder: Path, lifted: Lifted, panorama):
    with pytest.raises(FormatError, match=r"exists; training views are written to a new folder$"):
        write_training_views(lifted, panorama, REACH, folder)
