"""What Unreal can follow of a show, by name: its environment, the sun in that one's sky, camera, exposure, cue.

The show file is read again when it changes. While the show runs on this machine, its status board (status.py) says
which cue has begun, and the environment is that cue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from translight.core.errors import ShowError, StreamError
from translight.core.image import load_image
from translight.core.shared_memory import names
from translight.environment.package import is_package, open_package
from translight.environment.procedural import MIN_SPLATS, demo_environment
from translight.server.board import Board
from translight.server.places import BUILT_IN, EnvironmentPlace
from translight.server.show import Show, show_from_text
from translight.server.status import LiveStatus
from translight.server.tables import read_show
from translight.ue_bridge.sun import Sun, find_sun
from translight.ue_bridge.values import Value, colour, filmback, heading, light_along, location, number, vector

Kind = Literal["size", "word"]

NAMES: Mapping[str, Kind] = {
    "environment.location": "size",
    "environment.rotation": "size",
    "environment.scale": "size",
    "environment.tint": "size",
    "environment.sun.rotation": "size",
    "environment.sun.colour": "size",
    "environment.sun.illuminance": "size",
    "camera.filmback": "size",
    "camera.focal_length_mm": "size",
    "colour.exposure_stops": "size",
    "volume.eye": "size",
    "show.name": "word",
    "show.running": "word",
    "show.cue": "word",
}
_SUN = "environment.sun."
_STALE_S = 2.0
"""A status that is older is that of a show that was killed."""


def values_of(show: Show, place: EnvironmentPlace, sun: Sun | None, live: LiveStatus | None) -> dict[str, Value]:
    """Every value that there is; the sun's are left out where the sky has none."""
    camera = show.camera
    height_mm = camera.sensor_width_mm * camera.height_px / camera.width_px
    found: dict[str, Value] = {
        "environment.location": location(place.position_m),
        "environment.rotation": heading(place.heading_deg),
        "environment.scale": vector((place.scale,) * 3),
        "environment.tint": colour(place.tint),
        "camera.filmback": filmback(camera.sensor_width_mm, height_mm),
        "camera.focal_length_mm": number(camera.focal_length_mm),
        "colour.exposure_stops": number(show.colour.grade.exposure_stops),
        "volume.eye": location(show.volume.eye_m),
        "show.name": show.name,
        "show.running": live is not None and live.phase == "running",
        "show.cue": live.cue if live is not None else "",
    }
    if sun is not None:
        # A tint relights the environment, its sun too
        received = sun.colour * np.array(place.tint)
        brightest = float(received.max())
        found[_SUN + "rotation"] = light_along(sun.direction)
        found[_SUN + "colour"] = colour(received / brightest if brightest > 0 else sun.colour)
        found[_SUN + "illuminance"] = number(sun.illuminance * brightest)
    return found


class ShowValues:
    """Reads a show's values whenever it is called; ``with_sun`` looks for suns, which opens the environments."""

    def __init__(self, path: Path, *, with_sun: bool) -> None:
        """Read the show. Raises ShowError."""
        self._path = path
        self._with_sun = with_sun
        self._suns: dict[str, Sun | None] = {}
        self.fault = ""
        """Why the show file, changed since, could not be read; the last good one holds."""
        self._stamp = self._stamped()
        self.show = show_from_text(read_show(path), str(path))

    def __call__(self) -> dict[str, Value]:
        """The values now."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self.show = show_from_text(read_show(self._path), str(self._path))
                self.fault = ""
            except ShowError as error:
                self.fault = str(error)
        live = running_show()
        place = self.show.environment
        for cue in self.show.cues:
            if live is not None and cue.name == live.cue:
                place = cue.environment
        return values_of(self.show, place, self._sun(place), live)

    def _sun(self, place: EnvironmentPlace) -> Sun | None:
        if not self._with_sun:
            return None
        if place.path not in self._suns:
            sky = sky_of(self._path.resolve().parent, place)
            self._suns[place.path] = None if sky is None else find_sun(sky)
        return self._suns[place.path]

    def _stamped(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0


def sky_of(base: Path, place: EnvironmentPlace) -> np.ndarray | None:
    """An environment's sky (h w 3), or None where it has none. Raises ShowError or FormatError."""
    if place.path == BUILT_IN:
        return demo_environment(splats=MIN_SPLATS).sky
    file = base / place.path
    if not file.exists():
        raise ShowError(f"environment.path: there is no {file}")
    if not is_package(file):
        return None
    with open_package(file) as package:
        sky = package.part("sky")
        return None if sky is None else load_image(sky)[..., :3]


def running_show() -> LiveStatus | None:
    """The status of the show that runs on this machine, or None when none does or several do.

    A board does not say which show is its; a machine runs one.
    """
    boards = [board for board in names("show-") if board.endswith("-live")]
    if len(boards) != 1:
        return None
    try:
        with Board.attach(boards[0], LiveStatus) as board:
            return board.read() if board.age_s < _STALE_S else None
    except (StreamError, ValueError):
        return None
