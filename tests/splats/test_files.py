import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.splats import ply
from translight.splats.files import load


def test_real_sog_scene_is_a_capture_of_the_known_size(real_scene):
    cloud = load(real_scene("playbot_125k_sog"))
    assert len(cloud) == 125_000
    assert cloud.sh_degree == 2
    lower, upper = cloud.bounds()
    assert ((upper - lower) > 1.0).all()
    assert ((upper - lower) < 2.2).all()
    assert np.allclose(np.linalg.norm(cloud.wxyz, axis=1), 1.0, atol=1e-6)


def test_real_splat_scene_has_the_extent_its_licence_file_states(real_scene):
    cloud = load(real_scene("plant_114k.splat"))
    assert len(cloud) == 113_648
    assert cloud.sh_degree == 0
    lower, upper = cloud.bounds()
    assert np.allclose(upper - lower, [0.5172, 1.0, 0.6098], atol=1e-4)


def test_ply_is_known_by_its_content(random_cloud, tmp_path):
    path = tmp_path / "misnamed.splat"
    path.write_bytes(ply.encode(random_cloud(40, 1)))
    assert load(path).sh_degree == 1


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(FormatError, match=r"absent\.ply: cannot be read: No such file or directory$"):
        load(tmp_path / "absent.ply")
