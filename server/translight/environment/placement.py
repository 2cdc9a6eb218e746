"""Where an environment stands on the stage: as a show asks, or fitted where a bare splat file has no size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.splats.cloud import SplatCloud

_OPAQUE = 0.3
"""Fainter splats are haze around a capture, and say nothing of where it stands."""
_FLOOR_PERCENT = 0.5
_EDGE_PERCENT = 1.0


def placed(
    environment: Environment,
    position_m: ArrayLike = (0.0, 0.0, 0.0),
    heading_deg: float = 0.0,
    scale: float = 1.0,
) -> Environment:
    """The environment with its stage origin at ``position_m`` (3,), turned about the vertical and scaled around it.

    ``heading_deg`` grows to the left (counter-clockwise from above), as pan does. What the package says of its own
    placement comes first, so zeros and scale 1 change nothing. Raises ValueError on values that are not finite and on
    a scale that is not above 0.
    """
    position = np.asarray(position_m, dtype=np.float64)
    if position.shape != (3,) or not np.isfinite([*position, heading_deg, scale]).all() or scale <= 0:
        raise ValueError(
            f"a placement wants a finite position of three metres, a heading and a scale above 0, "
            f"got {position_m!r}, {heading_deg!r} and {scale!r}"
        )
    half = np.radians(heading_deg) / 2
    turn = Pose.from_wxyz((np.cos(half), 0.0, 0.0, np.sin(half)), position)
    return replace(environment, stage_from_scene=Similarity(float(scale), turn) @ environment.stage_from_scene)


def auto_placement(
    cloud: SplatCloud, *, height_m: float = 4.0, width_m: float = 8.0, nearest_m: float = 4.0
) -> Similarity:
    """``stage_from_scene`` that shows a capture of unknown scale behind the wall: upright, on the floor, centred.

    Scene axes are taken as RDF. The lowest opaque splats (all but outliers) stand at stage Z = 0, the middle of the
    rest lies on X = 0, the capture is as large as fits ``height_m`` and ``width_m``, and its near edge is at
    Y = ``nearest_m``. Raises ValueError on an empty cloud or on sizes that are not above 0.
    """
    if len(cloud) == 0:
        raise ValueError("an empty cloud cannot be placed")
    if not (height_m > 0 and width_m > 0):
        raise ValueError(f"a capture is fitted to a height and width above 0, got {height_m} and {width_m}")
    opaque = cloud.opacities >= _OPAQUE
    points = STAGE_FROM_RDF.apply(cloud.means[opaque] if opaque.any() else cloud.means)
    low = np.percentile(points, _EDGE_PERCENT, axis=0)
    high = np.percentile(points, 100 - _EDGE_PERCENT, axis=0)
    low[2] = np.percentile(points[:, 2], _FLOOR_PERCENT)
    width, _, height = high - low
    wanted = [metres / extent for metres, extent in ((width_m, width), (height_m, height)) if extent > 0]
    scale = float(min(wanted, default=1.0))
    position = scale * np.array([-(low[0] + high[0]) / 2, -low[1], -low[2]]) + np.array([0.0, nearest_m, 0.0])
    return Similarity(scale, Pose(STAGE_FROM_RDF.wxyz, position))


def fitted(
    environment: Environment, *, height_m: float = 4.0, width_m: float = 8.0, nearest_m: float = 4.0
) -> Environment:
    """The environment with ``auto_placement`` in place of its own."""
    placement = auto_placement(environment.splats, height_m=height_m, width_m=width_m, nearest_m=nearest_m)
    return replace(environment, stage_from_scene=placement)
