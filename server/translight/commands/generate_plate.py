"""``translight generate plate``: a loop of clouds, waves or film over a sky; docs/generation/plates.md."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from collections.abc import Mapping

    from translight.environment.environment import Environment
    from translight.environment.report import Report

_INTERRUPTED = 130
_SUFFIX = ".tlenv"
_DEFAULT_WINDOW = {"clouds": "-60,60,0,50", "waves": "-50,50,-20,0", "film": "-40,40,-10,40", "model": "-40,40,-10,40"}


@dataclass(frozen=True)
class AddPlate:
    """Add a moving plate to an environment: a loop over a part of its sky, in time with the wall's frames.

    The same command goes on where an interrupted one was.
    """

    environment: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="NAME.tlenv")]
    """The environment, which needs a sky."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.tlenv")]
    """The environment with the plate."""
    kind: Literal["clouds", "waves", "film", "model"] = "clouds"
    """clouds and waves are computed from the candidate's brief; film is a movie, or a folder of EXR pictures; model is
    an image-to-video model that goes on from the candidate's picture."""
    candidate: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """The candidate that the environment was lifted from: clouds, waves and model need it."""
    brief: Annotated[Path | None, tyro.conf.arg(metavar="BRIEF.toml")] = None
    """Its brief; that of the run's folder if not given."""
    film: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The film."""
    model: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """The image-to-video model's folder."""
    window: Annotated[str | None, tyro.conf.arg(metavar="LEFT,RIGHT,LOW,HIGH")] = None
    """Where on the sky, in degrees: azimuths (0 is stage +Y, right is positive) and elevations. A film is seen as a
    lens of that width would have seen it, about the window's middle."""
    seconds: float = 8.0
    """How long a turn of the loop takes."""
    fade: Annotated[float | None, tyro.conf.arg(metavar="SECONDS")] = None
    """How long the loop's end fades into its beginning (not of waves, which come round by themselves); 2 seconds, or a
    quarter of a loop of less than 8, if not given."""
    rate: str | None = None
    """Frames a second: 24, 24000/1001. The film's or the model's own if not given, else 24."""
    speed: float = 1.0
    """Of clouds: how many times faster than the wind."""
    from_m: Annotated[float, tyro.conf.arg(metavar="METRES")] = 20.0
    """Of waves: how far from the eye they begin; splats of the sea beyond make room for them."""
    name: str | None = None
    """What to call the plate; its kind if not given. One of the same name is replaced."""
    ledger: Annotated[Path | None, tyro.conf.arg(metavar="RUN/ledger.jsonl")] = None
    """The run's ledger, which gets a line; that of the candidate's run if not given."""
    by: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Your name for the ledger; this account's if not given."""
    force: bool = False
    """Replace the output when it exists."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Make the plate; the package appears whole or not at all."""
        from translight.commands.generate import Lines
        from translight.commands.review import account
        from translight.core.clock import parse_rate
        from translight.core.errors import GenerationError
        from translight.environment.files import load_environment
        from translight.environment.package import is_package
        from translight.environment.report import Report
        from translight.generation.brief.read import read_brief
        from translight.generation.plates.make import Order, make
        from translight.generation.plates.window import Window
        from translight.generation.review.made import add_plated, digest_of
        from translight.generation.run.generate import BRIEF
        from translight.generation.run.store import load_candidate

        if self.output.suffix != _SUFFIX:
            raise GenerationError(f"{self.output}: an environment package's name ends in {_SUFFIX}")
        if self.output.exists() and not self.force:
            raise GenerationError(f"{self.output}: exists; --force replaces it")
        if not self.output.absolute().parent.is_dir():
            raise GenerationError(f"{self.output}: there is no folder {self.output.absolute().parent}")
        if not is_package(self.environment):
            raise GenerationError(f"{self.environment}: is no environment package, which a plate is added to")
        try:
            rate = None if self.rate is None else parse_rate(self.rate)
        except ValueError as error:
            raise GenerationError(f"--rate: {error}") from error
        name = self.name or self.kind
        if not 1 <= len(name) <= 100:
            raise GenerationError(f"--name: 1 to 100 characters, got {len(name)}")
        order = Order(
            self.kind,
            name,
            Window.parse(self.window or _DEFAULT_WINDOW[self.kind]),
            self.seconds,
            min(2.0, self.seconds / 4) if self.fade is None else self.fade,
            rate,
            self.speed,
            self.from_m,
            self.film,
            self.model,
        )
        candidate = None if self.candidate is None else load_candidate(self.candidate)
        brief = None
        if self.candidate is not None:
            brief = read_brief(self.brief or self.candidate.absolute().parent.parent / BRIEF)
        ledger, who = self._ledger(), account(self.by)
        environment, report = load_environment(self.environment), Report.of(self.environment)
        source = (self.environment.absolute().name, digest_of(self.environment))
        work = self.output.with_name(f".{self.output.name}.frames")
        began, lines = time.monotonic(), Lines()
        try:
            made = make(order, environment, brief, candidate, work, lines.progress)
            facts = {
                **made.facts,
                **({} if candidate is None else {"candidate": candidate.name, "seed": candidate.seed}),
                **({} if brief is None else {"brief": brief.name}),
            }
            lines.note(f"writing {self.output}")
            _write(made.environment, self.environment, self.output, report, facts)
            if ledger is None:
                lines.note("no run's ledger has a line about it: --ledger RUN/ledger.jsonl adds one")
            else:
                add_plated(ledger, source, self.output, who, facts)
        except KeyboardInterrupt:
            kept = f"; the frames that are done are kept in {work}" if work.exists() else ""
            print(f"translight: interrupted, nothing was written{kept}", file=sys.stderr)
            return _INTERRUPTED
        finally:
            lines.close()
        took_s = time.monotonic() - began
        if self.json:
            print(json.dumps({"environment": str(self.output), "seconds": round(took_s, 1), **facts}))
        else:
            print("\n".join(_said(self.output, facts, made.coherence.said(), took_s)))
        return 0

    def _ledger(self) -> Path | None:
        """The ledger that gets a line, read before the long work; None where there is none."""
        from translight.generation.provenance.decision import ledger_at
        from translight.generation.review.ledger import FILE_NAME
        from translight.generation.review.made import run_entries

        if self.ledger is not None:
            ledger_at(self.ledger)
            return self.ledger
        if self.candidate is None or run_entries(self.candidate) is None:
            return None
        return self.candidate.absolute().parent.parent / FILE_NAME


def _said(output: Path, facts: Mapping[str, Any], steadiness: str, took_s: float) -> list[str]:
    left, top, width, height = facts["texels"]
    where = f"{width}x{height} texels at column {left}, row {top}"
    lines = [
        f"{output}: plate {facts['name']!r}, {facts['frames']} frames at {facts['rate']} a second, in {took_s:.0f} s",
        f"{where}; {steadiness}",
    ]
    if "parallax_px" in facts:
        lines.append(
            f"{facts['splats_removed']} splats of the sea made room; its nearest edge, {facts['from_m']:g} m away, is "
            f"seen up to {facts['parallax_px']} texels wrong within the camera's reach; waves run "
            f"{facts['speed_error']:.1%} off their speed so as to repeat"
        )
    lines.append(f"play it: translight demo --environment {output}")
    return lines


def _write(environment: Environment, source: Path, output: Path, report: Report, facts: Mapping[str, object]) -> None:
    """All of the source's package but its signature, which was for what it held before."""
    from translight.core.image import load_image
    from translight.environment.files import load_json_part, save_environment
    from translight.environment.package import open_package

    with open_package(source) as package:
        parts = {role: package.part(role) for role in ("poses", "proxy", "contact_sheet", "thumbnail", "splats")}
        pictures = {}
        for role in ("contact_sheet", "thumbnail"):
            file = parts[role]
            pictures[role] = None if file is None else load_image(file)
        splats = parts["splats"]
        save_environment(
            environment,
            output,
            report=report.with_step("plate", **facts).values(),
            cameras=load_json_part(source, "cameras"),
            contact_sheet=pictures["contact_sheet"],
            thumbnail=pictures["thumbnail"],
            copies={role: file for role in ("poses", "proxy") if (file := parts[role]) is not None},
            splat_format="spz" if splats is not None and splats.suffix.lower() == ".spz" else "ply",
            zipped=not source.is_dir(),
        )
