"""The real pieces, on photographs of a known environment: what they are asked for, and a whole tiny training."""

import sys
import types
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tests.reconstruction.evaluate.photographed import photographed

from translight.core.errors import MissingExtra, ReconstructionError, ShowError
from translight.core.progress import silent
from translight.reconstruction.capture import Capture, Still
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.run import methods
from translight.reconstruction.run.budget import Fixed, Plan
from translight.reconstruction.run.calibration import TRIALS
from translight.reconstruction.run.job import Job
from translight.reconstruction.run.methods import pieces_of
from translight.reconstruction.run.pieces import Relay

JOB = Job(Path("photos"), Path("wall.tlenv"), "The wall")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return photographed(tmp_path_factory.mktemp("photographs"))[1]


@dataclass
class Trained:
    seconds: float = 0.4
    iterations: int = 40


def test_a_missing_torch_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(methods, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r'^torch is not installed: pip install "translight\[train\]"$'):
        pieces_of(JOB)


def test_a_wrong_mark_is_told_at_once():
    with pytest.raises(ShowError, match=r"^here: a mark is a photograph and a pixel in it, as in photo\.jpg:812,440$"):
        pieces_of(replace(JOB, distance=("here", "b.jpg:3,4", 2.0)))


def test_reading_hands_on_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = {}

    def open_input(path, work, **more):
        asked.update(path=path, work=work, **more)
        return Capture(path, ())

    module = types.ModuleType("open_input")
    module.open_input = open_input
    monkeypatch.setitem(sys.modules, "translight.reconstruction.open_input", module)
    pieces_of(replace(JOB, frames=30, skip_damaged=True)).read(Path("p"), tmp_path, silent)
    assert asked == {"path": Path("p"), "work": tmp_path, "frames": 30, "skip_damaged": True, "progress": silent}


def test_poses_take_the_stills_exposures_along(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from translight.reconstruction.structure_from_motion import solve

    asked = []

    def solved(capture, work, options, progress):
        asked.append(options)
        return solve.Posed(dataset, {"registered": 6}, {}, tmp_path / "poses.jpg")

    monkeypatch.setattr(solve, "solve", solved)
    stills = tuple(Still(i.name, i.file, 96, 72, "cam", exposure_ev=11.5 + n) for n, i in enumerate(dataset.images))
    pieces = pieces_of(replace(JOB, distance=("a.jpg:1,2", "b.jpg:3,4", 2.5)))
    found = pieces.solve(Capture(Path("p"), stills), tmp_path, 70.0, silent)
    assert [image.exposure_ev for image in found.dataset.images] == [11.5, 12.5, 13.5, 14.5, 15.5, 16.5]
    assert (found.facts, found.picture) == ({"registered": 6}, tmp_path / "poses.jpg")
    assert asked[0].seconds == 70.0
    assert asked[0].distance.metres == 2.5
    assert asked[0].distance.b.still == "b.jpg"


def test_without_a_time_limit_nothing_is_tried(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(methods, "_tried", None)
    found = pieces_of(JOB).plan(dataset, None, Fixed(iterations=9), tmp_path, silent)
    assert (found.width_px, found.iterations, found.seconds) == (96, 9, None)


def test_trials_stop_when_they_have_taken_their_share(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    now, tried = [0.0], []
    monkeypatch.setattr(methods.time, "monotonic", lambda: now[0])

    def slowly(few, trial, iterations, folder, progress):
        folder.mkdir(exist_ok=True)
        now[0] += 4.0
        tried.append(trial)
        return Trained()

    monkeypatch.setattr(methods, "_tried", slowly)
    pieces = pieces_of(JOB)
    found = pieces.plan(dataset, 1000.0, Fixed(), tmp_path, silent)
    assert tried[1:] == list(TRIALS)
    assert found.seconds is not None
    assert 970 < found.seconds < 1000 - 16
    tried.clear()
    found = pieces.plan(dataset, 50.0, Fixed(), tmp_path, silent)
    assert tried[1:] == [TRIALS[0]]
    assert found.seconds is not None
    assert 20 < found.seconds < 50 - 8
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_tiny_training_learns_the_wall(dataset: Dataset, tmp_path: Path):
    """Trials, plan and training as they are, to a picture far better than a grey one."""
    moments, said = [], []
    pieces = pieces_of(JOB)
    found = pieces.plan(dataset, 60.0, Fixed(), tmp_path, lambda what, _: said.append(what))
    assert (found.width_px, found.splats) == (96, 10_000)
    assert found.iterations >= 200
    assert any(what.startswith("trying ") for what in said)
    relay = Relay(moments.append, lambda _: None, silent)
    quick = Plan(96, 600, 400, None, "in a test")
    made = pieces.make(dataset, quick, tmp_path / "train", relay)
    facts = dict(made.steps)["train"]
    assert facts["iterations"] == 400
    assert facts["training_psnr_db"] > 24
    assert moments[-1].iteration == 400
    assert made.environment.metres_per_unit == dataset.metres_per_unit
    np.testing.assert_array_equal(made.environment.stage_from_scene.matrix(), dataset.stage_from_scene.matrix())


@pytest.mark.parametrize(("pictures", "degree", "drop"), [(6, 1, 0.3), (60, 3, 0.0)])
def test_the_trainer_is_asked_for_what_the_user_and_the_pictures_want(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: int, degree: int, drop: float
):
    from translight.reconstruction.training import trainer

    asked = []

    def trained(_dataset, settings, _folder, **_told):
        asked.append(settings)
        raise ReconstructionError("enough")

    monkeypatch.setattr(trainer, "train", trained)
    many = replace(dataset, images=tuple(replace(dataset.images[0], name=f"{i:02}") for i in range(pictures)))
    job = replace(JOB, densification="default", refine_poses=True, stop_db=30.0, seed=4)
    with pytest.raises(ReconstructionError, match="enough"):
        pieces_of(job).make(many, Plan(96, 600, 400, None, ""), tmp_path, Relay(print, print, silent))
    (settings,) = asked
    assert (settings.densification, settings.poses, settings.stop_db, settings.seed) == ("default", True, 30.0, 4)
    assert (settings.degree, settings.drop) == (degree, drop)
    assert (settings.refine_from, settings.refine_every) == (28, 5)


def test_nerf_wants_its_environment(tmp_path: Path):
    pytest.importorskip("translight.reconstruction.nerf.process", reason="the nerf package is not there")
    with pytest.raises(ReconstructionError, match="no Python of nerfstudio's environment: run `make nerf`"):
        pieces_of(replace(JOB, method="nerf", nerf_python=tmp_path / "python"))
