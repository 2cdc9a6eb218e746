"""``translight environment prune`` and ``detail``: fewer splats, and what that loses; see also environment.py."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from translight.commands.environment_edit import (
    Edit,
    View,
    as_show_error,
    check_picture,
    check_views,
    progress_bar,
    reading,
    renderer,
    write_edit,
)
from translight.core.errors import ShowError, TranslightError

if TYPE_CHECKING:
    from translight.reconstruction.edit.pruning import Step
    from translight.reconstruction.edit.source import Source
    from translight.splats.cloud import SplatCloud

_MOST_LEVELS = 8
_USUAL_QUALITY_DB = 30.0


@dataclass(frozen=True)
class Prune(View, Edit):
    """Delete the splats on which least of the picture hangs, step by step, and say what each step loses."""

    splats: int | None = None
    """Stop at this many splats."""
    db_lost: float | None = None
    """Stop before the PSNR against the photographs is expected to have fallen by this many dB (see --quality)."""
    psnr: float | None = None
    """Stop before the PSNR against the unpruned environment falls below this, in dB."""
    quality: float | None = None
    """The PSNR against photographs that dB are lost from; by default the report's held-out one, or else 30 dB."""
    step: float = 0.15
    """The share of the splats that goes at a time."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Also plot the PSNR over the number of splats."""

    def run(self) -> int:
        """Print a table as the steps are done, and write the package."""
        from translight.core.image import save_image
        from translight.reconstruction.edit.curve import plot
        from translight.reconstruction.edit.pruning import Goal, pruned
        from translight.reconstruction.edit.source import check_output
        from translight.reconstruction.edit.views import views_of
        from translight.render.scene import scene_of

        check_output(self.output, force=self.force)
        check_picture(self.picture)
        check_views(self, fewest=2)  # splats are weighed from some and measured from others
        with reading(self.source) as source:
            with as_show_error("prune"):
                goal = Goal(self.splats, self.db_lost, self.psnr, self._quality(source), self.step)
            count = len(source.environment.splats)
            if count <= (self.splats or 1):
                raise ShowError(f"{self.source}: has {count:,} splats, so there is nothing to prune")
            scene = scene_of(source.environment)
            views = views_of(scene, source.views(), self.views, self.width)
            with progress_bar() as told, renderer() as drawing:
                cloud, steps = pruned(scene, views[::2], views[1::2] or views, drawing, goal, told)
            print(_table(steps))
            if len(steps) == 1:
                raise ShowError(f"{self.source}: not one step is within what may be lost")
            if self.picture is not None:
                save_image(self.picture, plot(source.environment.name, steps))
            write_edit(
                self,
                source,
                replace(source.environment, splats=cloud),
                "prune",
                f"pruned at {steps[-1].psnr_db:.2f} dB",
                quality_db=goal.quality_db,
                views=len(views),
                width_px=self.width,
                steps=[_rounded(step) for step in steps],
            )
        return 0

    def _quality(self, source: Source) -> float:
        """What is lost from: as asked, or as the report says, or a usual value."""
        if self.quality is not None:
            return self.quality
        evaluated = source.report.last("evaluate")
        found = None if evaluated is None else evaluated.get("psnr_db")
        return float(found) if isinstance(found, int | float) else _USUAL_QUALITY_DB


@dataclass(frozen=True)
class Detail(View, Edit):
    """Write an environment and coarser ones of a quarter of the splats each, by merging: NEW, NEW-lod1, NEW-lod2.

    A show on this machine makes such levels for itself when it first opens an environment; here they are made
    beforehand, kept where shows look for them, and written as packages of their own, for other machines and for
    environments seen from afar.
    """

    levels: int = 3
    """How many packages, the finest included: 2 to 8."""

    def run(self) -> int:
        """All levels are made before the first is written; a write that fails takes those before it away."""
        from translight.reconstruction.edit.source import check_output

        if not 2 <= self.levels <= _MOST_LEVELS:
            raise ShowError(f"--levels: 2 to {_MOST_LEVELS}, the finest included, got {self.levels}")
        check_views(self)
        outputs = [self.output, *(_coarser_name(self.output, level) for level in range(1, self.levels))]
        for output in outputs:
            check_output(output, force=self.force)
        with reading(self.source) as source:
            with progress_bar() as told:
                levels = _levels(source, self.levels, lambda share: told("making levels of detail", share))
            losses = self._losses(source, levels)
            table = [{"splats": len(c), "psnr_db": round(db, 3)} for c, db in zip(levels, losses, strict=True)]
            written: list[Path] = []
            try:
                for number, (output, cloud) in enumerate(zip(outputs, levels, strict=True)):
                    fresh = not output.exists()
                    write_edit(
                        replace(self, output=output),
                        source,
                        replace(source.environment, splats=cloud),
                        "detail",
                        "the finest" if number == 0 else f"level {number} at {losses[number]:.2f} dB",
                        level=number,
                        levels=table,
                        files=[path.name for path in outputs],
                    )
                    written += [output] if fresh else []
            except (TranslightError, KeyboardInterrupt):
                # a set is whole or not at all
                for output in written:
                    shutil.rmtree(output) if output.is_dir() else output.unlink()
                raise
        return 0

    def _losses(self, source: Source, levels: list[SplatCloud]) -> list[float]:
        """PSNR of each level against the finest, in dB."""
        from translight.reconstruction.edit.pictures import drawn, mean_psnr_db
        from translight.reconstruction.edit.views import views_of
        from translight.reconstruction.evaluate.metrics import BEST_PSNR_DB
        from translight.render.scene import scene_of

        finest = scene_of(source.environment)
        views = views_of(finest, source.views(), self.views, self.width)
        with renderer() as drawing:
            truths = [drawn(drawing, finest, view) for view in views]
            scenes = [scene_of(replace(source.environment, splats=cloud)) for cloud in levels[1:]]
            return [BEST_PSNR_DB, *(mean_psnr_db(drawing, scene, views, truths) for scene in scenes)]


def _levels(source: Source, count: int, progress: Callable[[float], None]) -> list[SplatCloud]:
    """The source's cloud and coarser ones, which shows of this user find again.

    Shows know levels by the splats that they were made of, bit for bit as read from the file and put in order: so they
    are made here of what will be read.
    """
    from translight.server.detail_cache import default_folder, kept_levels
    from translight.splats.files import load, save
    from translight.splats.order import along_curve

    with tempfile.TemporaryDirectory("", "tlenv-") as folder:
        file = Path(folder) / f"splats.{source.splat_format}"
        save(file, source.environment.splats)
        finest = along_curve(load(file))
    return [source.environment.splats, *kept_levels(finest, count, default_folder(), progress)[1:]]


def _coarser_name(output: Path, level: int) -> Path:
    return output.with_name(f"{output.stem}-lod{level}{output.suffix}")


def _rounded(step: Step) -> dict[str, float]:
    return {"splats": step.splats, "psnr_db": round(step.psnr_db, 3), "db_lost": round(step.db_lost, 4)}


def _table(steps: list[Step]) -> str:
    """What each step leaves and loses."""
    lines = [f"{'splats':>12} {'left':>7} {'PSNR dB':>8} {'by step':>8} {'expected loss dB':>17}"]
    for before, step in zip([steps[0], *steps], steps, strict=False):
        psnr = f"{step.psnr_db:.2f}" if step is not steps[0] else "equal"
        fell = f"{step.psnr_db - before.psnr_db:+.2f}" if before is not steps[0] else ""
        share = f"{step.splats / steps[0].splats:.1%}"
        lines.append(f"{step.splats:>12,} {share:>7} {psnr:>8} {fell:>8} {step.db_lost:>17.2f}")
    return "\n".join(lines)
