"""``translight check``: a show file alone, or what the film camera sees of its walls against the environment itself."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class ShowFile:
    """Check a show file and say what it asks for."""

    show: Annotated[Path, tyro.conf.Positional]
    """The show file."""

    def run(self) -> int:
        """Print a line; a mistake is the error's one line and exit status 1."""
        from translight.server.show import load_show

        show = load_show(self.show)
        size = f"{show.canvas.width_px}x{show.canvas.height_px}"
        outputs = ", ".join(map(str, show.outputs))
        print(f"{self.show}: good; {len(show.canvas.walls)} walls, canvas {size}, outputs {outputs}")
        return 0


@dataclass(frozen=True)
class Lens:
    """Draw a show's walls for several camera poses, look at them through the camera, and measure what differs."""

    show: Annotated[Path, tyro.conf.Positional]
    """The show file."""
    poses: int = 5
    """How many poses, spread over a simulated move."""
    move: str = "crane"
    """The move that the poses are taken from: crane, dolly, handheld, orbit, pan, static or whip."""
    picture: Path | None = None
    """Write the first pose's picture here: direct, through the wall, difference ×8."""
    samples: int = 4
    """Rays a camera pixel, squared."""
    json: bool = False
    """Print one JSON list instead of lines."""

    def run(self) -> int:
        """Print a row a pose; exit status 1 when a wall is displaced by more than 0.1 camera pixels."""
        from translight.server.lens_check import LARGEST_PX, check_show, row
        from translight.server.show import show_from_text
        from translight.server.tables import read_show
        from translight.volume.lens import save_comparison

        text = read_show(self.show)
        picture = self.picture.resolve() if self.picture is not None else None
        os.chdir(self.show.resolve().parent)
        show = show_from_text(text, str(self.show))
        found = check_show(show, Path.cwd(), poses=self.poses, move=self.move, samples=self.samples)
        if picture is not None:
            save_comparison(picture, found[0])
        rows = [row(view) for view in found]
        if self.json:
            print(json.dumps(rows))
        else:
            print("pose   registration px      PSNR dB   textured dB   seen wall   wall px a camera px")
            for number, values in enumerate(rows, 1):
                print(
                    f"{number:>4} {_shown(values['registration_px'], 17, 3)} {_shown(values['psnr_db'], 12, 1)} "
                    f"{_shown(values['textured_psnr_db'], 13, 1)} {100 * (values['coverage'] or 0):>9.0f} % "
                    f"{_shown(values['wall_px_per_camera_px'], 21, 2)}"
                )
        measured = [values["registration_px"] for values in rows if values["registration_px"] is not None]
        return 0 if measured and max(measured) <= LARGEST_PX else 1


def _shown(value: float | None, width: int, digits: int) -> str:
    return f"{value:>{width}.{digits}f}" if value is not None else f"{'–':>{width}}"
