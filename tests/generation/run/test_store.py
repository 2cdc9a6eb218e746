import errno
import json

import numpy as np
import pytest
from tests.generation.candidates import candidate, panorama

from translight.core.errors import FormatError
from translight.core.exr import load_exr
from translight.core.image import load_image
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.environment.files import load_environment
from translight.generation.candidate import Candidate
from translight.generation.run import store
from translight.generation.run.store import load_candidate, read_stored, save_candidate
from translight.splats.cloud import SplatCloud


@pytest.fixture
def saved(tmp_path):
    save_candidate(candidate(), tmp_path / "test-0007")
    return tmp_path / "test-0007"


def test_all_of_it_comes_back(saved):
    made, found = candidate(), load_candidate(saved)
    assert (found.name, found.engine, found.seed) == ("test-0007", "test", 7)
    assert (found.models, found.settings) == (made.models, made.settings)
    for before, after in zip(made.views, found.views, strict=True):
        assert after.image == pytest.approx(before.image, rel=1e-3)
        assert np.array_equal(after.stage_from_camera.matrix(), before.stage_from_camera.matrix())
        assert after.camera == before.camera
    first = found.views[0]
    assert np.array_equal(first.distance_m, made.views[0].distance_m)
    assert np.array_equal(first.sky, made.views[0].sky)
    assert np.array_equal(found.sky, made.sky)
    assert found.views[1].distance_m is None


def test_light_beyond_half_floats_is_kept_in_full(tmp_path):
    bright = candidate(views=(panorama(peak=3e5),))
    save_candidate(bright, tmp_path / "c")
    assert np.array_equal(load_candidate(tmp_path / "c").views[0].image, bright.views[0].image)
    assert load_exr(tmp_path / "c" / "panorama.exr", max_pixels=1 << 20).max() == np.float32(3e5)


def test_an_environment_comes_back(tmp_path):
    cloud = SplatCloud(
        means=np.ones((2, 3), np.float32),
        scales=np.full((2, 3), 0.1, np.float32),
        wxyz=np.tile(np.float32([1, 0, 0, 0]), (2, 1)),
        opacities=np.full(2, 0.5, np.float32),
        sh=np.zeros((2, 1, 3), np.float32),
    )
    made = Candidate("e", "import", 0, environment=Environment("place", cloud, metres_per_unit=2.0))
    stored = save_candidate(made, tmp_path / "e")
    assert stored.files.keys() == {"environment.tlenv"}
    found = load_candidate(tmp_path / "e").environment
    assert np.array_equal(found.splats.means, cloud.means)
    assert (found.name, found.metres_per_unit) == ("place", 2.0)
    assert isinstance(load_environment(tmp_path / "e" / "environment.tlenv").stage_from_scene, Similarity)


def test_the_preview_shows_the_first_view(saved):
    preview = load_image(saved / "preview.jpg")
    assert preview.shape == (16, 32, 3)
    assert preview[2, 3].min() > 200


@pytest.mark.parametrize("name", ["panorama.exr", "panorama_distance.exr", "preview.jpg", "sky.exr"])
def test_a_changed_file_is_seen(saved, name):
    data = bytearray((saved / name).read_bytes())
    data[-1] ^= 1
    (saved / name).write_bytes(data)
    with pytest.raises(FormatError) as caught:
        load_candidate(saved)
    assert str(caught.value) == f"{saved / name}: is not the file that was generated: its sha256 differs"
    (saved / name).unlink()
    with pytest.raises(FormatError) as caught:
        load_candidate(saved)
    assert str(caught.value) == f"{saved / name}: no such file, candidate.json lists it"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("schema_version", 2, "schema version 2, 1 is read"),
        ("name", "../up", "name: Expected `str` matching regex '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,100}$'"),
        ("sky", "other.exr", "'other.exr' is not among its files"),
        ("more", 1, "Object contains unknown field `more`"),
    ],
)
def test_a_description_that_is_not_allowed(saved, key, value, said):
    values = json.loads((saved / "candidate.json").read_bytes())
    (saved / "candidate.json").write_text(json.dumps({**values, key: value}))
    with pytest.raises(FormatError) as caught:
        read_stored(saved)
    assert str(caught.value) == f"{saved / 'candidate.json'}: {said}"


def test_a_full_disk_leaves_what_was_there(saved, monkeypatch):
    def full(path, pixels, **kind):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store, "save_image", full)
    with pytest.raises(FormatError) as caught:
        save_candidate(candidate(sky=None), saved)
    assert str(caught.value) == f"{saved}: cannot be written (No space left on device)"
    monkeypatch.undo()
    assert load_candidate(saved).sky is not None
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]
