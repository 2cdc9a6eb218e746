import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reconstruction.nerf import room

from translight.core.errors import FormatError, ReconstructionError
from translight.core.pose import Pose
from translight.reconstruction.dataset import Dataset, SparsePoints
from translight.reconstruction.nerf.run import NerfSettings, nearest_depth, train_nerf
from translight.reconstruction.nerf.views import photograph_views

SPEAKS = """
import json, os, struct, sys
job = json.loads(sys.stdin.readline())
with open(os.path.join(job["work"], "calls"), "a") as calls:
    calls.write("x")
def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)
tell("ready", device="cpu", iteration=0, parameters=12)
tell("iteration", iteration=5, iterations=job["iterations"], per_second=2.5, loss=0.125, psnr_db=None, seconds=2.0)
tell("trained", iteration=10, seconds=4.0, stopped="iterations")
folder = os.path.join(job["work"], "renders")
os.makedirs(folder)
sys.path += json.loads(os.environ["HERE"])
import numpy as np
for n, view in enumerate(job["render"]):
    size = (view["h"], view["w"])
    planes = dict(depth=np.full(size, n + 1.0), expected_depth=np.ones(size), accumulation=np.ones(size))
    np.savez(os.path.join(folder, view["name"] + ".npz"), rgb=np.zeros((*size, 3)), **planes)
    tell("rendered", name=view["name"], number=n + 1, count=len(job["render"]))
"""
DONE = 'tell("done")\n'


@pytest.fixture
def worker(tmp_path, monkeypatch):
    monkeypatch.setenv("HERE", json.dumps(sys.path))
    file = tmp_path / "worker.py"
    file.write_text(SPEAKS + DONE)
    return file


@pytest.fixture
def dataset(tmp_path):
    return room.dataset(tmp_path, 5)


def trained(dataset, tmp_path, worker, settings=None, told=lambda *_: None, views=None):
    views = photograph_views(dataset.images, 32) if views is None else views
    settings = settings or NerfSettings(width_px=32, iterations=10)
    return train_nerf(dataset, views, settings, tmp_path / "work", Path(sys.executable), told, worker=worker)


def test_pictures_facts_and_progress_come_back(dataset, tmp_path, worker):
    said = []
    nerf = trained(dataset, tmp_path, worker, told=lambda words, share: said.append((words, share)))
    assert set(nerf.pictures) == {f"photo_00{k}" for k in range(5)}
    assert np.all(nerf.pictures["photo_003"].depth == 4.0)
    assert nerf.pictures["photo_003"].rgb.dtype == np.float32
    assert nerf.facts == {
        "method": "nerfacto (nerfstudio 1.1.5)",
        "device": "cpu",
        "parameters": 12,
        "per_second": 2.5,
        "training_psnr_db": None,
        "iteration": 10,
        "seconds": 4.0,
        "stopped": "iterations",
        "width_px": 32,
        "images": 5,
    }
    assert ("nerfacto: iteration 5 of 10, 2.50/s, loss 0.1250, PSNR – dB", 0.5) in said
    assert ("looking at the NeRF: view 5 of 5", 1.0) in said


def test_by_the_clock_progress_is_the_clocks(dataset, tmp_path, worker):
    said = []
    settings = NerfSettings(width_px=32, iterations=10_000, seconds=4.0)
    trained(dataset, tmp_path, worker, settings, lambda words, share: said.append((words, share)))
    assert ("nerfacto: iteration 5 of 10,000, 2 of 4 s, 2.50/s, loss 0.1250, PSNR – dB", 0.5) in said


def test_what_is_finished_is_not_done_again(dataset, tmp_path, worker):
    calls = tmp_path / "work" / "calls"
    first = trained(dataset, tmp_path, worker)
    again = trained(dataset, tmp_path, worker)
    assert calls.read_text() == "x"
    assert again.facts == first.facts
    trained(dataset, tmp_path, worker, views=photograph_views(dataset.images[:2], 32))
    assert calls.read_text() == "xx"
    (tmp_path / "work" / "finished.json").write_text("{half")
    trained(dataset, tmp_path, worker, views=photograph_views(dataset.images[:2], 32))
    assert calls.read_text() == "xxx"


def test_a_failed_run_is_taken_up_again(dataset, tmp_path, worker):
    worker.write_text(SPEAKS + "raise SystemExit(4)\n")
    with pytest.raises(ReconstructionError, match=r"ended \(status 4\)"):
        trained(dataset, tmp_path, worker)
    worker.write_text(SPEAKS + DONE)
    assert len(trained(dataset, tmp_path, worker).pictures) == 5


def test_views_that_nobody_had_time_for_are_missing(dataset, tmp_path, worker):
    worker.write_text(SPEAKS + "os.remove(os.path.join(folder, 'photo_003.npz'))\n" + DONE)
    views = [replace(view, wanted=k < 2) for k, view in enumerate(photograph_views(dataset.images, 32))]
    assert sorted(trained(dataset, tmp_path, worker, views=views).pictures) == [f"photo_00{k}" for k in (0, 1, 2, 4)]


def test_another_nerfs_folder_is_refused(dataset, tmp_path, worker):
    trained(dataset, tmp_path, worker)
    message = r"work: holds the NeRF of other pictures or settings: remove it, or name another folder$"
    with pytest.raises(ReconstructionError, match=message):
        trained(dataset, tmp_path, worker, NerfSettings(width_px=16, iterations=10))
    (tmp_path / "more").mkdir()
    with pytest.raises(ReconstructionError, match=message):
        trained(room.dataset(tmp_path / "more", 6), tmp_path, worker)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("open(os.path.join(folder, 'photo_001.npz'), 'wb').write(b'rubbish')", "photo_001.npz: not a view that nerfstudio rendered"),
        ("os.remove(os.path.join(folder, 'photo_001.npz'))", "photo_001.npz: not a view that nerfstudio rendered"),
        ("np.savez(os.path.join(folder, 'photo_001.npz'), rgb=np.zeros((2, 2, 3)))", "photo_001.npz: not a view that nerfstudio rendered"),
        ("np.savez(os.path.join(folder, 'photo_001.npz'), rgb=np.zeros((24, 32, 3)), depth=np.full((24, 32), np.nan), expected_depth=np.ones((24, 32)), accumulation=np.ones((24, 32)))", "photo_001.npz: depth is not 32x24 finite values"),
    ],
)  # fmt: skip
def test_views_that_are_none(dataset, tmp_path, worker, code, message):
    worker.write_text(SPEAKS + code + "\n" + DONE)
    with pytest.raises(FormatError) as caught:
        trained(dataset, tmp_path, worker)
    assert message in str(caught.value)


def test_a_folder_that_cannot_be_made(dataset, tmp_path, worker):
    (tmp_path / "work").write_text("a file")
    with pytest.raises(FormatError, match=r"work: cannot be used for a NeRF \("):
        trained(dataset, tmp_path, worker)


def test_settings_and_views_that_cannot_be(dataset, tmp_path, worker):
    with pytest.raises(ValueError, match="for more than 0 seconds"):
        NerfSettings(seconds=0)
    with pytest.raises(ValueError, match="an iteration or more"):
        NerfSettings(iterations=0)
    view = photograph_views(dataset.images[:1], 32)
    with pytest.raises(ValueError, match="different names"):
        trained(dataset, tmp_path, worker, views=[*view, *view])


def test_nothing_is_looked_for_before_the_nearest_point(dataset):
    z = np.concatenate([np.linspace(2, 9, 200), [-5.0, 0.01]])
    xyz = np.stack([0.1 * z, 0.1 * z, z], axis=1)
    xyz[-1, 0] = 7.0  # beside every picture
    one = replace(dataset.images[0], scene_from_camera=Pose.identity())
    points = SparsePoints(xyz, np.zeros(xyz.shape, np.uint8))
    assert nearest_depth(Dataset((one,), points)) == pytest.approx(np.percentile(np.linspace(2, 9, 200), 1) / 2)
    assert nearest_depth(Dataset((one,))) is None
    behind = SparsePoints(-xyz[:200], points.rgb[:200])
    assert nearest_depth(Dataset((one,), behind)) is None
