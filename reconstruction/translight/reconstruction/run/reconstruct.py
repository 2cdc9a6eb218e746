"""One run from photographs to a package: stages in their order, each kept in the work folder (work_folder.py)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from translight.core.errors import ReconstructionError, TranslightError
from translight.core.files import whole_file
from translight.core.image import save_image, to_u8
from translight.environment.environment import Environment
from translight.environment.files import load_environment, save_environment
from translight.environment.report import Report
from translight.reconstruction.capture import Capture
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.evaluate.contact_sheet import contact_sheet
from translight.reconstruction.evaluate.evaluation import Evaluation, evaluate
from translight.reconstruction.evaluate.views import cameras_part
from translight.reconstruction.run.budget import POSES_SHARE, Plan, plan_text, training_s
from translight.reconstruction.run.dataset_file import load_dataset, save_dataset
from translight.reconstruction.run.facts import plain
from translight.reconstruction.run.job import Job, check_job
from translight.reconstruction.run.pieces import Pieces, Relay
from translight.reconstruction.run.resources import check_room, is_disk_full, needed_bytes, peak_memory
from translight.reconstruction.run.watch import Watch
from translight.reconstruction.run.work_folder import WorkFolder, opened_work, work_path
from translight.render.backends import open_renderer

_TRAINED = "trained.tlenv"
_PREVIEW = "preview.jpg"
_POSES_PICTURE = "poses.jpg"
_FEW_SPLATS = 100_000
"""Room for so many is there at least, before any plan says how many there will be."""
_THUMBNAIL_PX = 480


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a run came to: the package, its report, and the evaluation that stands in it."""

    output: Path
    report: Report
    evaluation: Evaluation
    splats: int


def reconstruct(job: Job, pieces: Pieces, watch: Watch) -> Outcome:
    """Do it all, or what an interrupted run left to do; the package appears whole or not at all.

    Raises TranslightError, in one line. Whatever ends a run, its work stays for the same call to go on with; it goes
    when the package is written, and when the photographs are refused.
    """
    check_job(job)
    with opened_work(work_path(job.output), job.identity(), fresh=job.fresh) as work:
        try:
            outcome = _Run(job, pieces, watch, work).outcome()
        except Exception as error:
            if is_disk_full(error, work.path):
                raise ReconstructionError(
                    f"{work.path}: the disk is full; make room there, and the same command goes on"
                ) from error
            if isinstance(error, TranslightError) and not work.any_kept() and not job.keep_work:
                work.remove()
            raise
        if not job.keep_work:
            work.remove()
    return outcome


@dataclass(slots=True)
class _Run:
    job: Job
    pieces: Pieces
    watch: Watch
    work: WorkFolder
    resumed: bool = False
    began_s: float = 0.0
    gains: Mapping[str, list[float]] = field(default_factory=dict)

    def outcome(self) -> Outcome:
        self.resumed = self.work.any_kept()
        report, capture = self._captured()
        dataset, report = self._posed(capture, report)
        environment, plan, report = self._trained(dataset, report)
        evaluation = self._evaluated(environment, dataset, plan)
        report = report.with_step("evaluate", **plain(evaluation.facts()))
        return self._written(environment, dataset, plan, evaluation, report)

    def _captured(self) -> tuple[Report, Capture | Dataset]:
        with self._stage("capture"):
            # Kernels are compiled now, so that the time it takes is known when training is planned.
            open_renderer(self.job.renderer, progress=self._preparing).close()
            found = self.pieces.read(self.job.photos, self.work.folder("capture"), self.watch.progress)
            count = len(found.stills) if isinstance(found, Capture) else len(found.images)
            facts = {"source": self.job.photos.resolve().name, "photographs": count}
            if isinstance(found, Capture):
                facts["cameras"] = len({still.camera for still in found.stills})
                facts["sequential"] = found.sequential
            check_room(self.work.path, needed_bytes(count, self.job.fixed.splats or _FEW_SPLATS))
            self.watch.end(f"{count} photographs")
        return Report().with_step("capture", **plain(facts)), found

    def _posed(self, capture: Capture | Dataset, report: Report) -> tuple[Dataset, Report]:
        with self._stage("poses"):
            folder = self.work.folder("poses")
            kept = self.work.kept("poses")
            if kept is not None:
                self.watch.end(f"{_registered(kept['facts'])}, kept from before")
                return load_dataset(folder), report.with_step("poses", **kept["facts"])
            if isinstance(capture, Dataset):
                count = len(capture.images)
                dataset, facts = capture, {"registered": count, "total": count, "known": True}
            else:
                budget = self.job.budget_s
                allowed = None if budget is None else max(POSES_SHARE * budget, 1.0)
                solved = self.pieces.solve(capture, folder, allowed, self.watch.progress)
                dataset, facts = solved.dataset, plain(solved.facts)
                if solved.picture is not None:
                    with whole_file(self.work.path / _POSES_PICTURE) as aside:
                        shutil.copyfile(solved.picture, aside)
            save_dataset(dataset, folder)
            self.work.keep("poses", {"facts": facts})
            self.watch.end(_registered(facts))
        return dataset, report.with_step("poses", **facts)

    def _trained(self, dataset: Dataset, report: Report) -> tuple[Environment, Plan, Report]:
        with self._stage("train"):
            plan = self._plan(dataset)
            package = self.work.path / _TRAINED
            kept = self.work.kept("train")
            if kept is not None:
                environment = load_environment(package)
                self.watch.end(f"{len(environment.splats):,} splats, kept from before")
            else:
                check_room(self.work.path, needed_bytes(0, plan.splats))
                relay = Relay(self.watch.moment, self._preview, self.watch.progress)
                made = self.pieces.make(dataset, plan, self.work.folder("train"), relay)
                environment = replace(made.environment, name=self.job.name)
                if len(environment.splats) == 0:
                    raise ReconstructionError(f"{self.job.photos}: the training ended without a splat")
                kept = {"steps": plain(made.steps), "gains": plain(made.gains)}
                save_environment(environment, package)
                self.work.keep("train", kept)
                self.watch.end(f"{len(environment.splats):,} splats")
        for name, facts in kept["steps"]:
            report = report.with_step(name, **facts)
        self.gains = kept["gains"]
        return replace(environment, name=self.job.name), plan, report

    def _plan(self, dataset: Dataset) -> Plan:
        """Made once: training that goes on must go on with the same."""
        kept = self.work.kept("plan")
        if kept is not None:
            return Plan(**kept)
        left_s = None if self.job.budget_s is None else training_s(self.job.budget_s, self._spent_s())
        plan = self.pieces.plan(dataset, left_s, self.job.fixed, self.work.folder("train"), self.watch.progress)
        self.work.keep("plan", asdict(plan))
        self.watch.note(plan_text(plan))
        return plan

    def _evaluated(self, environment: Environment, dataset: Dataset, plan: Plan) -> Evaluation:
        with self._stage("evaluate"):
            _, held_out = dataset.split()
            evaluation = evaluate(
                environment,
                held_out or dataset.images,
                plan.width_px,
                self.job.renderer,
                self.watch.progress,
                held_out=bool(held_out),
                gains=self.gains,
            )
            self.watch.end(quality_text(evaluation))
        return evaluation

    def _written(
        self, environment: Environment, dataset: Dataset, plan: Plan, evaluation: Evaluation, report: Report
    ) -> Outcome:
        with self._stage("write"):
            facts = {
                "method": self.job.method,
                "budget_s": self.job.budget_s,
                "plan": asdict(plan),
                "stages_s": self.work.seconds(),
                "seconds": self._spent_s(),
                "resumed": self.resumed,
                "peak_memory": peak_memory(),
            }
            report = report.with_step("reconstruct", **plain(facts))
            poses = self.work.path / _POSES_PICTURE
            save_environment(
                environment,
                self.job.output,
                copies={"poses": poses} if poses.is_file() else None,
                report=report.values(),
                cameras=cameras_part(environment.stage_from_scene, dataset.images),
                contact_sheet=contact_sheet(evaluation, environment.name),
                thumbnail=_thumbnail(evaluation),
            )
            self.watch.end(str(self.job.output))
        return Outcome(self.job.output, report, evaluation, len(environment.splats))

    def _preview(self, picture: UInt8[np.ndarray, "h w 3"]) -> None:
        file = self.work.path / _PREVIEW
        save_image(file, picture)
        self.watch.preview(file)

    def _preparing(self, what: str) -> None:
        self.watch.progress(f"preparing the renderer: {what}", 0.0)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        """Its time is counted however it ends."""
        self.watch.begin(name)
        self.began_s = time.monotonic()
        try:
            yield
        finally:
            with suppress(OSError):  # a full disk is told by what met it first
                self.work.add_seconds(name, round(time.monotonic() - self.began_s, 3))

    def _spent_s(self) -> float:
        """By all stages until now, in all runs together."""
        return sum(self.work.seconds().values()) + time.monotonic() - self.began_s


def quality_text(evaluation: Evaluation) -> str:
    """``22.10 dB, SSIM 0.710, ST-LPIPS 0.310 on 3 held-out views``."""
    mean, count = evaluation.mean, len(evaluation.scores)
    parts = [] if mean.psnr_db is None else [f"{mean.psnr_db:.2f} dB"]
    parts += [] if mean.ssim is None else [f"SSIM {mean.ssim:.3f}"]
    parts += [] if mean.lpips is None else [f"ST-LPIPS {mean.lpips:.3f}"]
    kind = "held-out" if evaluation.held_out else "training"
    return f"{', '.join(parts) or 'nothing to measure'} on {count} {kind} view{'s' if count != 1 else ''}"


def _registered(facts: Mapping[str, Any]) -> str:
    if facts.get("known"):
        return f"{facts['registered']} cameras, known"
    return f"{facts.get('registered', '?')} of {facts.get('total', '?')} photographs registered"


def _thumbnail(evaluation: Evaluation) -> UInt8[np.ndarray, "h w 3"]:
    """The environment as one of its photographs shows it, in the middle of those that were measured."""
    from PIL import Image

    picture = Image.fromarray(to_u8(evaluation.shown[len(evaluation.shown) // 2].picture))
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    return np.asarray(picture)
