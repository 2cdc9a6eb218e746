"""``translight reconstruct``: photographs become an environment; docs/reconstruction.md."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from translight.reconstruction.run.job import Job
    from translight.reconstruction.run.watch import Watch

_INTERRUPTED = 130
_SUFFIX = ".tlenv"


@dataclass(frozen=True)
class Reconstruct:
    """Make an environment of photographs, and measure it on some that it never saw.

    The same command goes on where an interrupted one was. `translight reconstruct inspect PHOTOS` says before any long
    work what will likely fail.
    """

    photos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTOS")]
    """A folder of photographs, a video, a transforms.json, a COLMAP model, or a Polycam or Record3D export."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.tlenv")]
    """The environment package to write."""
    method: Literal["splats", "nerf"] = "splats"
    """splats are trained directly; nerf trains nerfstudio's nerfacto, in the environment that make nerf builds (or that
    of TRANSLIGHT_NERF_PYTHON), and bakes it to splats."""
    budget: Annotated[str | None, tyro.conf.arg(metavar="minutes=N")] = None
    """Time for all of it: minutes=5, hours=1 or seconds=300. It chooses width, splats and iterations for this machine.
    Without it, 20 minutes; without it and with --iterations, no limit."""
    width: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Train on pictures so many pixels wide (never wider than they are)."""
    splats: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Have at most so many splats."""
    iterations: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Train so many iterations, fewer where --budget ends first."""
    stop_db: Annotated[float | None, tyro.conf.arg(metavar="DB")] = None
    """End the training when its pictures are matched so well on average."""
    densification: Literal["mcmc", "default"] = "mcmc"
    """How splats are added and moved: mcmc (Kheradmand et al. 2024) or 3DGS's own default (Kerbl et al. 2023)."""
    refine_poses: bool = False
    """Move the cameras a little with the splats, for poses that are not quite right."""
    frames: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Take so many frames of a video; as many as it needs without it."""
    skip_damaged: bool = False
    """Leave photographs out that cannot be read; without it, the first ends the run."""
    distance: Annotated[tuple[str, str, float] | None, tyro.conf.arg(metavar="A B METRES")] = None
    """A distance measured on the set, for the scale: two marks and metres, as in --distance a.jpg:812,440 b.jpg:93,500
    2.4, each a photograph and a pixel in it from the upper left. Without it, GPS tells the scale where there is any."""
    name: Annotated[str | None, tyro.conf.arg(metavar="TEXT")] = None
    """What people call the environment; the output's name without .tlenv if not given."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Of all random choices: equal ones come to equal splats where no time is limited."""
    renderer: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """The renderer of the pictures that are measured; auto is what a wall would use here."""
    force: bool = False
    """Replace the output when it exists."""
    fresh: bool = False
    """Forget what an interrupted run has done."""
    keep_work: bool = False
    """Leave the hidden work folder beside the output, with checkpoints and COLMAP's log."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Reconstruct; the package appears whole or not at all."""
        job = self._job()
        from translight.reconstruction.run.methods import pieces_of
        from translight.reconstruction.run.reconstruct import reconstruct
        from translight.reconstruction.run.summary import summary_text, summary_values

        try:
            with _watch() as watch:
                outcome = reconstruct(job, pieces_of(job), watch)
        except KeyboardInterrupt:
            print("translight: interrupted; the same command goes on from here, --fresh begins anew", file=sys.stderr)
            return _INTERRUPTED
        print(json.dumps(summary_values(outcome)) if self.json else summary_text(outcome))
        return 0

    def _job(self) -> Job:
        from translight.reconstruction.run.budget import DEFAULT_BUDGET_S, Fixed, parse_budget
        from translight.reconstruction.run.job import Job

        python = os.environ.get("TRANSLIGHT_NERF_PYTHON")
        budget_s = DEFAULT_BUDGET_S if self.iterations is None else None
        if self.budget is not None:
            budget_s = parse_budget(self.budget)
        return Job(
            photos=self.photos,
            output=self.output,
            name=self.output.name.removesuffix(_SUFFIX) if self.name is None else self.name,
            method=self.method,
            budget_s=budget_s,
            fixed=Fixed(self.width, self.splats, self.iterations),
            stop_db=self.stop_db,
            densification=self.densification,
            refine_poses=self.refine_poses,
            seed=self.seed,
            frames=self.frames,
            skip_damaged=self.skip_damaged,
            distance=self.distance,
            nerf_python=Path(python) if python else None,
            renderer=self.renderer,
            force=self.force,
            fresh=self.fresh,
            keep_work=self.keep_work,
        )


@contextmanager
def _watch() -> Iterator[Watch]:
    """A list of stages on a terminal, else plain lines; both on standard error."""
    if not sys.stderr.isatty():
        from translight.reconstruction.run.watch import Lines

        yield Lines(lambda line: print(line, file=sys.stderr, flush=True))
        return
    from rich.console import Console

    from translight.reconstruction.run.live import LiveWatch

    with LiveWatch(Console(stderr=True)) as watch:
        yield watch
