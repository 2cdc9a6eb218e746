"""``translight generate lift``: a candidate becomes an environment with true parallax; docs/generation/lift.md."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from translight.generation.lift.lift import Lifted

_SUFFIX = ".tlenv"


@dataclass(frozen=True)
class Lift:
    """Make the environment of a candidate: layers, splats, a sky apart, and how far the camera may move in it."""

    candidate: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CANDIDATE")]
    """A candidate's folder, as translight generate made it."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.tlenv")]
    """The environment package to write."""
    brief: Annotated[Path | None, tyro.conf.arg(metavar="BRIEF.toml")] = None
    """The brief whose stage the camera moves on; that of the run's folder if not given."""
    splats: Annotated[int, tyro.conf.arg(metavar="N")] = 300_000
    """Have so many splats, or one for each pixel where that is fewer."""
    magnification: Annotated[float, tyro.conf.arg(metavar="X")] = 2.0
    """How many pixels of the wall come to one of the panorama."""
    depth: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """A depth network (Depth Anything, DepthPro …), for a panorama that came without distances."""
    inpaint: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """A diffusion model that draws what is hidden behind things; textures from around it are used without one."""
    by: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Your name for the ledger; this account's if not given."""
    force: bool = False
    """Replace the output when it exists."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Lift; the package appears whole or not at all."""
        from translight.commands.generate import Lines
        from translight.commands.review import account
        from translight.core.errors import GenerationError
        from translight.environment.report import Report
        from translight.generation.brief.read import read_brief
        from translight.generation.brief.translate import family_of, translate
        from translight.generation.lift.layers import ESTIMATED_DEPTH, TRUE_DEPTH
        from translight.generation.lift.lift import Options, lift, save_lifted
        from translight.generation.lift.networks import inpainting, with_distances
        from translight.generation.review.made import add_lifted, not_accepted, run_entries
        from translight.generation.review.vary import brief_of
        from translight.generation.run.generate import BRIEF
        from translight.generation.run.store import load_candidate

        if self.output.suffix != _SUFFIX:
            raise GenerationError(f"{self.output}: an environment package's name ends in {_SUFFIX}")
        if self.output.exists() and not self.force:
            raise GenerationError(f"{self.output}: exists; --force replaces it")
        file = self.brief or self.candidate.absolute().parent.parent / BRIEF
        who = account(self.by)
        entries = run_entries(self.candidate)
        candidate = load_candidate(self.candidate)
        brief = read_brief(file)
        if self.brief is None:
            brief = brief_of(candidate, brief)  # of a variation its own
        if not candidate.views or candidate.views[0].camera is not None:
            what = "is an environment already" if candidate.environment is not None else "has no panorama"
            raise GenerationError(f"{self.candidate}: {what}: only panoramas are lifted")
        panorama, models, cut, inpaint = candidate.views[0], list(candidate.models), TRUE_DEPTH, None
        if panorama.distance_m is None and self.depth is None:
            raise GenerationError(f"{self.candidate}: its panorama has no distances: give --depth FOLDER")
        lines = Lines()
        if entries is not None and (warning := not_accepted(self.candidate, entries)):
            lines.note(warning)
        try:
            if self.depth is not None:
                panorama, model = with_distances(panorama, self.depth, brief, lines.progress)
                models.append(model)
                cut = ESTIMATED_DEPTH
            if self.inpaint is not None:
                parameters = translate(brief)
                inpaint, model = inpainting(self.inpaint, parameters, brief.avoid, candidate.seed, lines.progress)
                models.append(model)
            lifted = lift(
                panorama,
                candidate.sky,
                brief.stage,
                Options(splats=self.splats, magnification=self.magnification, cut=cut),
                lines.progress,
                name=self.output.name.removesuffix(_SUFFIX),
                inpaint=inpaint,
                models=models,
            )
        except KeyboardInterrupt:
            print("translight: interrupted, nothing was written", file=sys.stderr)
            return 130
        finally:
            lines.close()
        own = brief_of(candidate, brief)
        told = {
            "intent": own.intent,
            "where": own.place.where,
            "family": family_of(own) or "",
            "weather": own.place.weather,
            "time_of_day": own.light.time_of_day,
        }
        made = Report().with_step(
            "generate",
            brief=brief.name,
            **told,
            candidate=candidate.name,
            engine=candidate.engine,
            seed=candidate.seed,
            settings=candidate.settings,
        )
        save_lifted(lifted, self.output, steps=[dict(step) for step in made.steps])
        if entries is not None:
            add_lifted(self.candidate, self.output, who)
        facts = lifted.parallax.facts() if lifted.parallax is not None else {}
        if self.json:
            print(json.dumps({"environment": str(self.output), "splats": len(lifted.environment.splats), **facts}))
        else:
            print("\n".join(_said(self.output, lifted)))
        return 0


def _said(output: Path, lifted: Lifted) -> list[str]:
    """What was written, and how far the camera may go."""
    lines = [f"{output}: {len(lifted.environment.splats):,} splats"]
    if lifted.parallax is not None:
        ways = ("left", "right", "ahead", "back", "up", "down")
        reach = [f"{lifted.parallax.reach(way)} {way}" for way in ways]
        lines.append(f"holes stay below {lifted.parallax.limit:.0%} up to {', '.join(reach)} (+: not looked farther)")
    lines.append(f"play it: translight demo --environment {output}")
    return lines
