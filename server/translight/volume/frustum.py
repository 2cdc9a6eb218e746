"""Which views a wall needs: the inner frustum around the tracked camera, the outer ones from a fixed eye.

Views are pinholes. A film lens's distortion does not reach the wall: it bends the picture of the wall, and the scene
standing behind the wall with it, alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Float64

from translight.core.camera import Camera, View
from translight.core.errors import ShowError
from translight.core.pose import Pose
from translight.volume.canvas import Canvas
from translight.volume.wall import PlaneWall, Wall

_FACET_RAD = np.radians(40.0)
"""A piece of a curved wall in one outer view covers at most this much of the eye's horizon."""
_MARGIN_PX = 3
"""Outer views reach this much beyond their pixels, so that a resampling filter never runs out of picture."""
_LARGEST_OVERSCAN = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class OuterView:
    """A view from the outer eye, and the wall's columns from ``first`` up to ``end`` that are sampled from it."""

    wall: Wall
    first: int
    end: int
    view: View


def inner_view(
    stage_from_camera: Pose,
    camera: Camera,
    *,
    overscan: float = 0.1,
    scale: float = 1.0,
    behind: Float64[np.ndarray, "k 4"] | None = None,
) -> View:
    """The tracked camera's view, larger by ``overscan`` of its width and height (half of it on either side).

    ``scale`` is the picture's resolution over the camera's. The size in pixels depends on the three alone, so it
    stays as it is while the camera moves. ``behind`` is the view's own (``behind_walls``). Raises ShowError on values
    out of range.
    """
    if not 0 <= overscan <= _LARGEST_OVERSCAN:
        raise ShowError(f"volume overscan must be within 0 to {_LARGEST_OVERSCAN:g}, got {overscan:g}")
    if not 0.1 <= scale <= 4:
        raise ShowError(f"volume scale must be within 0.1 to 4, got {scale:g}")
    x, y = round(camera.width_px * overscan / 2), round(camera.height_px * overscan / 2)
    padded = camera.padded(x, y, x, y)
    if scale != 1:
        padded = padded.resized(round(padded.width_px * scale), round(padded.height_px * scale))
    return View(stage_from_camera, padded, behind=behind)


def behind_walls(canvas: Canvas) -> Float64[np.ndarray, "k 4"]:
    """Half-spaces of the stage behind the walls' panels, for views that are to show nothing before them.

    Exact for an eye within a stage that its walls stand around, as they do.
    """
    return np.concatenate([wall.behind() for wall in canvas.walls])


def check_feather(feather: float, overscan: float) -> None:
    """Raise ShowError unless a ``feather`` (of the inner picture's size) stays in the overscan, out of sight."""
    largest = overscan / 2 / (1 + overscan)
    if not 0 <= feather <= largest:
        raise ShowError(
            f"volume feather must be within 0 to {largest:.4g} so that overscan {overscan:g} hides it, got {feather:g}"
        )


def kooima_view(
    lower_left_m: Float64[np.ndarray, "3"],
    lower_right_m: Float64[np.ndarray, "3"],
    upper_left_m: Float64[np.ndarray, "3"],
    eye_m: Float64[np.ndarray, "3"],
    width_px: int,
    height_px: int,
) -> View:
    """The off-axis view from ``eye_m`` through a rectangle whose pixels become the picture's.

    Kooima, "Generalized Perspective Projection" (2009). Raises ValueError when the eye is not in front of it.
    """
    right = _unit(lower_right_m - lower_left_m)
    up = _unit(upper_left_m - lower_left_m)
    out = np.cross(right, up)
    to_lower_left, to_lower_right, to_upper_left = lower_left_m - eye_m, lower_right_m - eye_m, upper_left_m - eye_m
    distance = -(out @ to_lower_left)
    if not distance > 1e-6:
        raise ValueError(f"the eye must be in front of the screen, got {distance:g} m")
    camera = Camera.from_frustum(
        width_px,
        height_px,
        left=right @ to_lower_left,
        right=right @ to_lower_right,
        bottom=up @ to_lower_left,
        top=up @ to_upper_left,
        near=distance,
    )
    return View(Pose.from_matrix(np.column_stack([right, -up, -out, eye_m])), camera)


def outer_views(
    canvas: Canvas, eye_m: Float64[np.ndarray, "3"], behind: Float64[np.ndarray, "k 4"] | None = None
) -> list[OuterView]:
    """Views from one eye that between them see every pixel of every wall at about the wall's own resolution.

    A plane is one Kooima view with the wall's own pixels. A curved wall is cut into facets by its columns, each with
    a view that faces it and reaches a little beyond it, so neighbours meet without a seam. ``behind`` is every view's
    own (``behind_walls``). Raises ShowError when the eye stands where it cannot see a wall.
    """
    eye = np.asarray(eye_m, np.float64)
    views: list[OuterView] = []
    for wall in canvas.walls:
        if isinstance(wall, PlaneWall):
            try:
                view = kooima_view(*wall.corners(), eye, wall.width_px, wall.height_px)
            except ValueError as error:
                raise ShowError(f"volume eye_m {_metres(eye)} is not in front of wall {wall.name!r}") from error
            camera = view.camera.padded(_MARGIN_PX, _MARGIN_PX, _MARGIN_PX, _MARGIN_PX)
            views.append(OuterView(wall, 0, wall.width_px, replace(view, camera=camera)))
        else:
            views.extend(_facets(wall, eye))
    return [replace(outer, view=replace(outer.view, behind=behind)) for outer in views]


def _facets(wall: Wall, eye: Float64[np.ndarray, "3"]) -> list[OuterView]:
    columns, rows = wall.columns(), wall.rows()
    middle = columns + rows[wall.height_px // 2] - eye
    bearing = np.unwrap(np.arctan2(middle[:, 0], middle[:, 1]))
    if len(bearing) > 1 and np.diff(bearing).min() <= 0:
        raise ShowError(f"volume eye_m {_metres(eye)} does not see the whole inside of wall {wall.name!r}")
    pieces = int(np.ceil((bearing[-1] - bearing[0] + 1e-9) / _FACET_RAD))
    cuts = np.searchsorted(bearing, np.linspace(bearing[0], bearing[-1], pieces + 1)[1:-1])
    bounds = [0, *(int(c) for c in cuts), wall.width_px]
    return [OuterView(wall, a, b, _facing(columns[a:b], rows, eye)) for a, b in pairwise(bounds) if b > a]


def _facing(
    columns: Float64[np.ndarray, "w 3"], rows: Float64[np.ndarray, "h 3"], eye: Float64[np.ndarray, "3"]
) -> View:
    """A view from the eye, level in its picture's rows, just large enough for a piece of wall and its margin."""
    rim = np.concatenate([columns + rows[0], columns + rows[-1], columns[:1] + rows, columns[-1:] + rows]) - eye
    middle = columns[len(columns) // 2] + rows[len(rows) // 2] - eye
    # Facing the wall in plan only: its verticals stay vertical in the picture
    forward = _unit(middle * [1.0, 1.0, 0.0])
    right = np.array([forward[1], -forward[0], 0.0])
    axes = np.column_stack([right, [0.0, 0.0, -1.0], forward])
    seen = rim @ axes
    x, y = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]
    # As many pixels a unit of the picture plane as the wall has where it has most
    n, steps = len(columns), max(len(rows) - 1, 1)
    down = (y[n : 2 * n] - y[:n]).min() / steps
    across = np.diff(x[:n]).min() if n > 1 else down
    fx, fy = float(1 / across), float(1 / (down if len(rows) > 1 else across))
    left, top = x.min() * fx - _MARGIN_PX, y.min() * fy - _MARGIN_PX
    width, height = int(np.ceil(x.max() * fx + _MARGIN_PX - left)), int(np.ceil(y.max() * fy + _MARGIN_PX - top))
    return View(Pose.from_matrix(np.column_stack([axes, eye])), Camera(width, height, fx, fy, -left, -top))


def _unit(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return vector / np.linalg.norm(vector)


def _metres(point: Float64[np.ndarray, "3"]) -> str:
    return "(" + ", ".join(f"{v:g}" for v in point) + ")"
