"""``translight generate look-train``: a network learns a look from two folders of stills; docs/generation/look.md."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

import tyro

_INTERRUPTED = 130


@dataclass(frozen=True)
class LookTrain:
    """Teach a network to make pictures like those of one folder look like those of another; no pairs are needed.

    The same command goes on where an interrupted one was, and with more steps where a finished one was.
    """

    changed: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER_A")]
    """Stills that look as candidates do."""
    wanted: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER_B")]
    """Stills that look as they shall."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="MODEL")]
    """The network's folder."""
    steps: int = 20_000
    """Steps in all, each on one crop of each folder."""
    size: Annotated[int, tyro.conf.arg(metavar="PIXELS")] = 128
    """Side of the crops: a multiple of 4 from 32 to 1024."""
    filters: int = 32
    """Of the network's finest layer, 4 to 128: twice as many are four times the work."""
    blocks: int = 6
    """Residual blocks, 0 to 16: more see further."""
    seed: int = 0
    """Of first weights, crops and places."""
    device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """cpu, cuda, or cuda where there is one."""
    licence: Annotated[str, tyro.conf.arg(metavar="WORDS")] = "the user's own"
    """What the record says of the network: whose stills these are and what they may be used for."""
    commercial: bool | None = None
    """Whether that allows commercial use; not known if not given."""
    fresh: bool = False
    """Begin anew in a network's folder."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Train; the network is kept every 500 steps, at the end, and at an interrupt."""
        from importlib.util import find_spec

        from translight.core.errors import GenerationError, MissingExtra

        for package in ("torch", "safetensors"):
            if find_spec(package) is None:
                raise MissingExtra(package, "generate")
        if not 1 <= self.steps <= 10_000_000:
            raise GenerationError(f"--steps must lie within 1 and 10000000, got {self.steps}")
        if not self.licence.strip() or len(self.licence) > 200:
            raise GenerationError("--licence wants some words, at most 200 characters")
        return self._trained()

    def _trained(self) -> int:
        import msgspec

        from translight.commands.generate import Lines
        from translight.core.errors import GenerationError
        from translight.generation.look.cut.loss import chance
        from translight.generation.look.cut.model import Settings, device_named
        from translight.generation.look.cut.stills import read_stills
        from translight.generation.look.cut.training import train

        try:
            values = {"size_px": self.size, "filters": self.filters, "blocks": self.blocks, "seed": self.seed}
            settings = msgspec.convert(values, Settings)
        except msgspec.ValidationError as error:
            said, _, at = str(error).partition(" - at `$.")
            raise GenerationError(f"--{at.removesuffix('`').removesuffix('_px')}: {said}") from error
        device = device_named(self.device)
        lines = Lines()
        try:
            with _until_interrupt() as stop:
                changed = read_stills(self.changed, self.size, lines.progress, exposed=True)
                wanted = read_stills(self.wanted, self.size, lines.progress, exposed=False)
                trained = train(
                    changed,
                    wanted,
                    self.output,
                    settings,
                    self.steps,
                    lines.progress,
                    device=device,
                    licence=self.licence,
                    commercial=self.commercial,
                    stop=stop,
                    fresh=self.fresh,
                )
        finally:
            lines.close()
        losses = trained.losses
        if self.json:
            told = None if losses is None else {"likeness": losses.likeness, "contrast": losses.contrast}
            print(json.dumps({"model": str(self.output), "steps": trained.steps, "losses": told}))
        else:
            print(f"{self.output}: {trained.steps} steps on {device.type}")
            if losses is not None:
                print(f"contrast {losses.contrast:.3f}, by chance {chance(settings.places):.3f}")
        if trained.interrupted:
            print("translight: interrupted; the same command goes on from here", file=sys.stderr)
            return _INTERRUPTED
        return 0


@contextmanager
def _until_interrupt() -> Iterator[Callable[[], bool]]:
    """Whether ctrl-C was pressed; pressed again, it interrupts at once."""
    pressed = False

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
