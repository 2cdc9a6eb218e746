"""LED walls as geometry: where each pixel stands on the stage, and which pixel a ray meets; ``canvas.py`` joins them.

A pixel's position is a point of the wall's plan curve plus a point of its vertical line, ``columns()[x] + rows()[y]``:
planes and arcs are both of this kind, and the compositor lives on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.errors import ShowError

_TOUCH_DEG = 10.0


class Hits(NamedTuple):
    """Where rays meet a wall.

    ``pixels`` (n 2) are in the wall's own pixels from its upper left corner, centres at +0.5, NaN for a ray that
    misses the lit face or meets the wall's back. ``distance`` (n) is in lengths of the ray's direction: inf where the
    ray misses, finite where it is stopped by face or back.
    """

    pixels: Float64[np.ndarray, "n 2"]
    distance: Float64[np.ndarray, "n"]


class Wall(Protocol):
    """A lit surface and its place on the canvas. Pixel rows run top to bottom, columns left to right as seen."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def width_px(self) -> int:
        """Columns of pixels."""
        ...

    @property
    def height_px(self) -> int:
        """Rows of pixels."""
        ...

    @property
    def canvas_x_px(self) -> int:
        """Canvas column of its leftmost pixels."""
        ...

    @property
    def canvas_y_px(self) -> int:
        """Canvas row of its top pixels."""
        ...

    def columns(self) -> Float64[np.ndarray, "w 3"]:
        """Stage position of each column of pixels, at height zero of the column, in metres."""
        ...

    def rows(self) -> Float64[np.ndarray, "h 3"]:
        """What each row adds to its columns' positions, in metres."""
        ...

    def intersect(self, origin_m: Float64[np.ndarray, "3"], directions: Float64[np.ndarray, "n 3"]) -> Hits:
        """Where rays from one stage point along ``directions`` (any length) meet it."""
        ...

    def behind(self) -> Float64[np.ndarray, "k 4"]:
        """Half-spaces of the stage, n·p + d ≥ 0, one of which at least holds whatever stands behind the lit face."""
        ...


@dataclass(frozen=True, slots=True)
class PlaneWall:
    """A flat wall. Straight (heading 0) it faces somebody who looks along stage +Y, its columns running along +X.

    ``heading_deg`` turns it about the vertical, counter-clockwise from above as pan does; ``tilt_deg`` then turns its
    face up (90 is a floor, −90 a ceiling). ``centre_m`` is the middle of the lit face.
    """

    name: str
    centre_m: tuple[float, float, float]
    width_m: float
    height_m: float
    width_px: int
    height_px: int
    heading_deg: float = 0.0
    tilt_deg: float = 0.0
    canvas_x_px: int = 0
    canvas_y_px: int = 0

    def __post_init__(self) -> None:
        _check(self.name, {"width_m": self.width_m, "height_m": self.height_m}, self.width_px, self.height_px)
        _check_finite(self.name, "centre_m", *self.centre_m)
        _check_finite(self.name, "heading_deg and tilt_deg", self.heading_deg, self.tilt_deg)

    def axes(self) -> Float64[np.ndarray, "3 3"]:
        """Unit vectors on the stage, as rows: right and up along the face, and out of it towards the audience."""
        heading, tilt = np.radians(self.heading_deg), np.radians(self.tilt_deg)
        ch, sh, ct, st = np.cos(heading), np.sin(heading), np.cos(tilt), np.sin(tilt)
        return np.array([[ch, sh, 0.0], [-sh * st, ch * st, ct], [sh * ct, -ch * ct, st]])

    def corners(self) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
        """Lower left, lower right and upper left corner of the lit face on the stage."""
        right, up, _ = self.axes()
        centre = np.array(self.centre_m)
        across, along = right * self.width_m / 2, up * self.height_m / 2
        return centre - across - along, centre + across - along, centre - across + along

    def columns(self) -> Float64[np.ndarray, "w 3"]:
        """The middle row of pixels on the stage."""
        return np.array(self.centre_m) + _middles(self.width_m, self.width_px)[:, None] * self.axes()[0]

    def rows(self) -> Float64[np.ndarray, "h 3"]:
        """Each row's offset from the middle, top first."""
        return -_middles(self.height_m, self.height_px)[:, None] * self.axes()[1]

    def intersect(self, origin_m: Float64[np.ndarray, "3"], directions: Float64[np.ndarray, "n 3"]) -> Hits:
        """Where rays from one stage point along ``directions`` (any length) meet it."""
        right, up, out = self.axes()
        offset = np.asarray(origin_m) - np.array(self.centre_m)
        towards = directions @ out
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = -(offset @ out) / towards
            x = (offset @ right + distance * (directions @ right)) / self.width_m + 0.5
            y = 0.5 - (offset @ up + distance * (directions @ up)) / self.height_m
            met = (distance > 0) & (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
        pixels = np.stack([x * self.width_px, y * self.height_px], axis=-1)
        pixels[~(met & (towards < 0))] = np.nan
        return Hits(pixels, np.where(met, distance, np.inf))

    def behind(self) -> Float64[np.ndarray, "1 4"]:
        """All beyond the wall's plane."""
        out = self.axes()[2]
        return np.array([[*-out, out @ np.array(self.centre_m)]])


@dataclass(frozen=True, slots=True)
class ArcWall:
    """An upright wall along a circle, lit on the inside; its pixels stand at equal angles.

    ``centre_m`` (x, y) is the circle's centre in plan, ``base_m`` the height of the lower edge. The middle of the arc
    lies in the direction ``heading_deg`` from the centre: 0 is stage +Y, positive turns left as pan does.
    """

    name: str
    centre_m: tuple[float, float]
    radius_m: float
    arc_deg: float
    height_m: float
    width_px: int
    height_px: int
    base_m: float = 0.0
    heading_deg: float = 0.0
    canvas_x_px: int = 0
    canvas_y_px: int = 0

    def __post_init__(self) -> None:
        sizes = {"radius_m": self.radius_m, "height_m": self.height_m}
        _check(self.name, sizes, self.width_px, self.height_px)
        _check_finite(self.name, "centre_m, base_m and heading_deg", *self.centre_m, self.base_m, self.heading_deg)
        if not 0 < self.arc_deg <= 360:
            raise ShowError(f"wall {self.name!r}: arc_deg must be above 0 and at most 360, got {self.arc_deg:g}")

    def columns(self) -> Float64[np.ndarray, "w 3"]:
        """The lower edge on the stage, at the middle of each column."""
        bearing = _middles(np.radians(self.arc_deg), self.width_px) - np.radians(self.heading_deg)
        x, y = self.centre_m
        plan = [x + self.radius_m * np.sin(bearing), y + self.radius_m * np.cos(bearing)]
        return np.stack([*plan, np.full(self.width_px, self.base_m)], axis=-1)

    def rows(self) -> Float64[np.ndarray, "h 3"]:
        """Each row's height above the lower edge, top first."""
        up = self.height_m / 2 - _middles(self.height_m, self.height_px)
        return np.stack([np.zeros_like(up), np.zeros_like(up), up], axis=-1)

    def intersect(self, origin_m: Float64[np.ndarray, "3"], directions: Float64[np.ndarray, "n 3"]) -> Hits:
        """Where rays from one stage point along ``directions`` (any length) meet it.

        The far crossing of the circle meets the lit inside. The near one, from outside, meets the back, which stops a
        ray where there is wall and lets it pass where there is none.
        """
        ox, oy = origin_m[0] - self.centre_m[0], origin_m[1] - self.centre_m[1]
        dx, dy = directions[:, 0], directions[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b, c = dx * dx + dy * dy, ox * dx + oy * dy, ox * ox + oy * oy - self.radius_m**2
            root = np.sqrt(b * b - a * c)
            near, far = (-b - root) / a, (-b + root) / a
        behind, _ = self._met(origin_m, directions, near)
        face, pixels = self._met(origin_m, directions, far)
        pixels[~face | behind] = np.nan
        return Hits(pixels, np.where(behind, near, np.where(face, far, np.inf)))

    def behind(self) -> Float64[np.ndarray, "k 4"]:
        """All beyond planes that touch the circle every 10° or less; they leave it by 0.4 % of the radius at most."""
        pieces = int(np.ceil(self.arc_deg / _TOUCH_DEG))
        bearing = _middles(np.radians(self.arc_deg), pieces) - np.radians(self.heading_deg)
        x, y = self.centre_m
        outwards = np.stack([np.sin(bearing), np.cos(bearing), np.zeros(pieces)], axis=-1)
        return np.column_stack([outwards, -(outwards[:, 0] * x + outwards[:, 1] * y + self.radius_m)])

    def _met(
        self, origin_m: Float64[np.ndarray, "3"], directions: Float64[np.ndarray, "n 3"], t: Float64[np.ndarray, "n"]
    ) -> tuple[np.ndarray, Float64[np.ndarray, "n 2"]]:
        with np.errstate(invalid="ignore"):
            point = np.asarray(origin_m) + t[:, None] * directions
            bearing = np.arctan2(point[:, 0] - self.centre_m[0], point[:, 1] - self.centre_m[1])
            # Within half a turn of the arc's middle
            bearing = np.remainder(bearing + np.radians(self.heading_deg) + np.pi, 2 * np.pi) - np.pi
            x = bearing / np.radians(self.arc_deg) + 0.5
            y = 1.0 - (point[:, 2] - self.base_m) / self.height_m
            met = (t > 0) & (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
        return met, np.stack([x * self.width_px, y * self.height_px], axis=-1)


def positions(wall: Wall) -> Float32[np.ndarray, "h w 3"]:
    """Stage position of every pixel's centre, in metres."""
    return (wall.columns()[None] + wall.rows()[:, None]).astype(np.float32)


def _middles(length: float, count: int) -> Float64[np.ndarray, "count"]:
    """Centres of ``count`` equal pieces of a length, measured from its middle."""
    return ((np.arange(count) + 0.5) / count - 0.5) * length


def _check(name: str, sizes: dict[str, float], width_px: int, height_px: int) -> None:
    for key, size in sizes.items():
        if not (np.isfinite(size) and size > 0):
            raise ShowError(f"wall {name!r}: {key} must be above 0, got {size:g}")
    if width_px < 1 or height_px < 1:
        raise ShowError(f"wall {name!r}: width_px and height_px must be at least 1, got {width_px} and {height_px}")


def _check_finite(name: str, keys: str, *values: float) -> None:
    if not np.isfinite(values).all():
        raise ShowError(f"wall {name!r}: {keys} must be finite, got {values}")
