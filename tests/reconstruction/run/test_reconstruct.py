"""Whole runs on photographs of a known environment; poses and training are stood in for by the truth."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reconstruction.evaluate.photographed import PLACE, QUANTISED_PSNR_DB, photographed
from tests.reconstruction.run.hands import Hands, raising

from translight.core.errors import FormatError, ReconstructionError, ShowError
from translight.core.image import load_image
from translight.environment.environment import Environment
from translight.environment.files import load_environment, load_json_part
from translight.environment.package import read_manifest
from translight.environment.report import Report
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.evaluate import evaluation
from translight.reconstruction.run import reconstruct as module
from translight.reconstruction.run.budget import Fixed
from translight.reconstruction.run.job import Job
from translight.reconstruction.run.reconstruct import reconstruct
from translight.reconstruction.run.watch import Lines


def _disk_full() -> None:
    Path("/dev/full").write_bytes(b"x")


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Dataset]:
    return photographed(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(autouse=True)
def _without_the_learned_metric(monkeypatch: pytest.MonkeyPatch):
    """It has its own tests, and takes its time."""
    monkeypatch.setattr(evaluation, "_perceptual", lambda: (None, "not in this test"))


@pytest.fixture
def hands(truth: tuple[Environment, Dataset]) -> Hands:
    return Hands(*truth)


@pytest.fixture
def job(truth: tuple[Environment, Dataset], tmp_path: Path) -> Job:
    photos = truth[1].images[0].file.parent
    return Job(photos, tmp_path / "wall.tlenv", "The wall", renderer="reference", budget_s=300.0)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def run(hands: Hands, lines: list[str]):
    return lambda job: reconstruct(job, hands.pieces(), Lines(lines.append))


def test_a_run_ends_in_an_environment_with_its_quality(run, job: Job, hands: Hands, lines: list[str], truth):
    outcome = run(job)
    assert sorted(p.name for p in job.output.parent.iterdir()) == ["wall.tlenv"]
    environment = load_environment(job.output)
    assert (environment.name, environment.encoding, len(environment.splats)) == ("The wall", "srgb", 150)
    np.testing.assert_allclose(environment.stage_from_scene.matrix(), PLACE.matrix(), atol=1e-12)
    manifest = read_manifest(job.output)
    assert set(manifest.parts) == {"splats", "cameras", "poses", "report", "contact_sheet", "thumbnail"}
    assert (job.output / "poses.jpg").read_bytes() == b"a picture"
    report = Report.of(job.output)
    assert [step["step"] for step in report.steps] == ["capture", "poses", "train", "evaluate", "reconstruct"]
    assert report.last("capture")["photographs"] == 6
    assert report.last("poses")["error_px"] == 0.5
    assert report.last("train")["loss"] is None
    evaluated = report.last("evaluate")
    assert evaluated["psnr_db"] == pytest.approx(QUANTISED_PSNR_DB, abs=1)
    assert [view["name"] for view in evaluated["views"]] == ["000.png"]
    whole = report.last("reconstruct")
    assert (whole["method"], whole["budget_s"], whole["resumed"]) == ("splats", 300.0, False)
    assert set(whole["stages_s"]) == {"capture", "poses", "train", "evaluate"}
    assert whole["seconds"] >= sum(whole["stages_s"].values())
    assert whole["peak_memory"]["own_bytes"] > 10_000_000
    assert whole["plan"]["width_px"] == 96
    assert 290 < hands.left_s < 300
    assert [camera["name"] for camera in load_json_part(job.output, "cameras")] == [f"{i:03}.png" for i in range(6)]
    assert load_image(job.output / "thumbnail.jpg").shape == (72, 96, 3)
    assert outcome.splats == 150
    assert outcome.report.values() == report.values()
    assert hands.calls == ["read", "solve", "plan", "make"]
    ends = [line for line in lines if line.endswith(" s)")]
    assert [line.split(":")[0] for line in ends] == ["capture", "poses", "train", "evaluate", "write"]
    assert ends[1].startswith("poses: 6 of 6 photographs registered (")
    assert lines[2] == "train: 96 px wide, 150 splats at most, 10 iterations (in a test)"
    assert lines[3] == f"train: preview in {job.output.parent}/.wall.tlenv.work/preview.jpg"


def test_known_cameras_are_not_sought(run, job: Job, hands: Hands):
    hands.known = True
    run(job)
    assert hands.calls == ["read", "plan", "make"]
    assert Report.of(job.output).last("poses")["known"] is True


def test_an_interrupted_run_goes_on_where_it_was(run, job: Job, hands: Hands):
    hands.failing["make"] = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(job)
    work = job.output.parent / ".wall.tlenv.work"
    assert [p.name for p in job.output.parent.iterdir()] == [work.name]
    assert (work / "train" / "checkpoint").read_text() == "half"
    hands.calls.clear()
    run(job)
    assert hands.calls == ["read", "make"]
    report = Report.of(job.output)
    assert report.last("reconstruct")["resumed"] is True
    assert report.last("poses")["registered"] == 6
    assert not work.exists()


def test_what_is_trained_is_not_trained_again(run, job: Job, hands: Hands, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "evaluate", lambda *_, **__: raising(KeyboardInterrupt())())
        with pytest.raises(KeyboardInterrupt):
            run(job)
    hands.calls.clear()
    outcome = run(job)
    assert hands.calls == ["read"]
    assert outcome.evaluation.mean.psnr_db == pytest.approx(QUANTISED_PSNR_DB, abs=1)
    assert [step["step"] for step in outcome.report.steps] == ["capture", "poses", "train", "evaluate", "reconstruct"]


def test_an_interrupted_run_counts_its_time(run, job: Job, hands: Hands, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def slowly(error: BaseException | None) -> Callable[[], None]:
        def work() -> None:
            now[0] += 100
            if error is not None:
                raise error

        return work

    hands.failing = {"solve": slowly(None), "make": slowly(KeyboardInterrupt())}
    with pytest.raises(KeyboardInterrupt):
        run(job)
    assert hands.left_s == 200
    hands.failing = {"make": slowly(None)}
    assert run(job).report.last("reconstruct")["stages_s"]["train"] == 200


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("stage", ["solve", "make"])
def test_a_full_disk_is_one_line_and_the_run_goes_on(run, job: Job, hands: Hands, stage: str):
    hands.failing[stage] = _disk_full
    with pytest.raises(ReconstructionError) as error:
        run(job)
    work = job.output.parent / ".wall.tlenv.work"
    assert str(error.value) == f"{work}: the disk is full; make room there, and the same command goes on"
    assert [p.name for p in job.output.parent.iterdir()] == [work.name]
    run(job)
    assert [p.name for p in job.output.parent.iterdir()] == ["wall.tlenv"]


def test_a_full_disk_while_the_package_is_written_leaves_none_of_it(
    run, job: Job, hands: Hands, monkeypatch: pytest.MonkeyPatch
):
    written = module.save_environment

    def full_at_the_end(environment, path, **parts):
        if path == job.output:
            _disk_full()
        return written(environment, path, **parts)

    monkeypatch.setattr(module, "save_environment", full_at_the_end)
    with pytest.raises(ReconstructionError, match="the disk is full"):
        run(job)
    assert not job.output.exists()
    monkeypatch.setattr(module, "save_environment", written)
    hands.calls.clear()
    run(job)
    assert hands.calls == ["read"]


def test_refused_photographs_leave_nothing(run, job: Job, hands: Hands):
    hands.failing["solve"] = raising(ReconstructionError("3 photographs: too few"))
    with pytest.raises(ReconstructionError, match=r"^3 photographs: too few$"):
        run(job)
    assert list(job.output.parent.iterdir()) == []
    hands.failing["solve"] = raising(ReconstructionError("3 photographs: too few"))
    with pytest.raises(ReconstructionError):
        run(replace(job, keep_work=True))
    assert [p.name for p in job.output.parent.iterdir()] == [".wall.tlenv.work"]


def test_an_unexpected_error_keeps_the_work(run, job: Job, hands: Hands):
    hands.failing["make"] = raising(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        run(job)
    hands.calls.clear()
    run(job)
    assert hands.calls == ["read", "make"]


def test_another_setting_is_told_and_fresh_begins_anew(run, job: Job, hands: Hands):
    hands.failing["make"] = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(job)
    other = replace(job, fixed=Fixed(width_px=48))
    with pytest.raises(ReconstructionError) as error:
        run(other)
    work = job.output.parent / ".wall.tlenv.work"
    assert str(error.value) == f"{work} holds another run: --width was not given, is 48; --fresh begins anew"
    hands.calls.clear()
    run(replace(other, fresh=True))
    assert hands.calls == ["read", "solve", "plan", "make"]
    assert Report.of(job.output).last("evaluate")["width_px"] == 48


def test_few_photographs_are_measured_on_what_was_trained_on(run, job: Job, hands: Hands):
    hands.dataset = replace(hands.dataset, images=hands.dataset.images[:3])
    outcome = run(job)
    assert not outcome.evaluation.held_out
    evaluated = Report.of(job.output).last("evaluate")
    assert (evaluated["psnr_db"], evaluated["held_out"]) == (None, 0)
    assert evaluated["training"]["psnr_db"] > 50


def test_an_environment_without_splats_is_none(run, job: Job, hands: Hands):
    cloud = hands.environment.splats
    nothing = type(cloud)(cloud.means[:0], cloud.scales[:0], cloud.wxyz[:0], cloud.opacities[:0], cloud.sh[:0])
    hands.environment = replace(hands.environment, splats=nothing)
    with pytest.raises(ReconstructionError, match="the training ended without a splat"):
        run(job)
    assert not job.output.exists()


def test_an_environment_is_replaced_only_when_forced(run, job: Job, hands: Hands):
    run(job)
    hands.calls.clear()
    with pytest.raises(ShowError, match=r"wall\.tlenv exists; --force replaces it$"):
        run(job)
    assert hands.calls == []
    run(replace(job, force=True, name="Again"))
    assert load_environment(job.output).name == "Again"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output": Path("wall.ply")}, r"--output: an environment's name ends in \.tlenv, got 'wall\.ply'"),
        ({"output": Path("nowhere/wall.tlenv")}, "--output: there is no folder nowhere"),
        ({"name": ""}, "--name: 1 to 200 characters, got 0"),
        ({"fixed": Fixed(width_px=0)}, "--width: at least 1, got 0"),
        ({"fixed": Fixed(splats=-3)}, "--splats: at least 1, got -3"),
        ({"fixed": Fixed(iterations=0)}, "--iterations: at least 1, got 0"),
        ({"frames": 0}, "--frames: at least 1, got 0"),
        ({"renderer": "crayon"}, "--renderer: auto or one of cuda, cpu, gsplat, reference, got 'crayon'"),
    ],
)
def test_what_cannot_end_well_is_not_begun(run, job: Job, hands: Hands, change: dict, said: str):
    with pytest.raises(ShowError, match=f"^{said}$"):
        run(replace(job, **change))
    assert hands.calls == []
    assert list(job.output.parent.iterdir()) == []


def test_what_is_no_environment_is_never_replaced(run, job: Job):
    job.output.mkdir()
    (job.output / "thesis.txt").write_text("precious")
    with pytest.raises(ShowError, match="exists and is not an environment: choose another name"):
        run(replace(job, force=True))
    assert (job.output / "thesis.txt").read_text() == "precious"


def test_photographs_that_are_not_there(run, job: Job):
    with pytest.raises(FormatError, match=r"gone: no such file or folder$"):
        run(replace(job, photos=Path("gone")))
    assert list(job.output.parent.iterdir()) == []
