"""``translight generate upscale``: a candidate's panorama in more pixels; docs/generation/upscale.md."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

_INTERRUPTED = 130


@dataclass(frozen=True)
class Upscale:
    """Make a larger candidate of a candidate, beside it, with detail that Real-ESRGAN finds likely."""

    candidate: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CANDIDATE")]
    """A candidate's folder, as translight generate made it."""
    height: Annotated[int, tyro.conf.arg(metavar="PIXELS")]
    """Of the larger panorama: up to 4 times its own, and up to 8192."""
    network: Annotated[str, tyro.conf.arg(metavar="NAME")] = "photo"
    """photo adds texture and is slow; fast takes a fortieth of the time and adds little."""
    force: bool = False
    """Replace the larger candidate when it exists."""
    json: bool = False
    """Print one JSON object on standard output; how far it is still goes to standard error."""

    def run(self) -> int:
        """Enlarge; the larger candidate appears whole or not at all."""
        from importlib import import_module
        from importlib.util import find_spec

        from translight.commands.generate import Lines
        from translight.core.errors import GenerationError, MissingExtra
        from translight.generation.run.generate import licence_line
        from translight.generation.run.store import load_candidate, read_stored, save_candidate
        from translight.generation.upscale.upscale import upscale

        output = self.candidate.absolute().parent / f"{read_stored(self.candidate).name}-{self.height}"
        if output.exists() and not self.force:
            raise GenerationError(f"{output}: exists; --force replaces it")
        if find_spec("ncnn") is None:
            raise MissingExtra("ncnn", "upscale")
        network = import_module("translight.generation.upscale.network").RealEsrgan(self.network)
        began = time.monotonic()
        lines = Lines()
        try:
            lines.note(licence_line(network.model))
            larger = upscale(load_candidate(self.candidate), self.height, network, network.model, lines.progress)
            save_candidate(larger, output)
        except KeyboardInterrupt:
            print("translight: interrupted, nothing was written", file=sys.stderr)
            return _INTERRUPTED
        finally:
            lines.close()
        took_s = time.monotonic() - began
        if self.json:
            print(json.dumps({"candidate": str(output), "height_px": self.height, "seconds": round(took_s, 1)}))
        else:
            print(f"{output}: {2 * self.height}x{self.height} pixels in {took_s:.0f} s")
        return 0
