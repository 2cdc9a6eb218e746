"""Which splats lie in a box or a ball on the stage; boxes are a show's crops (``render/clip.py``), kept for good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from translight.core.pose import Pose, Similarity
from translight.core.rotations import rotations
from translight.render.clip import Clips, kept, outside_box, within_box
from translight.splats.cloud import SplatCloud

EXTENT_SIGMAS = 2.0
"""How far a splat reaches from its centre where extents count: at two standard deviations 13 % of its alpha is left."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box on the stage in metres, turned about the vertical through its middle, to the left as seen from above."""

    centre_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    heading_deg: float = 0.0

    @classmethod
    def between(
        cls, lower_m: tuple[float, float, float], upper_m: tuple[float, float, float], heading_deg: float = 0.0
    ) -> Box:
        """From two opposite corners, as they are before the turn. Raises ValueError unless upper is above lower."""
        low, high = np.array(lower_m), np.array(upper_m)
        if not np.isfinite([*low, *high, heading_deg]).all() or not (high > low).all():
            raise ValueError(f"a box wants upper above lower along every axis, got {lower_m} and {upper_m}")
        x, y, z = ((low + high) / 2).tolist()
        width, depth, height = (high - low).tolist()
        return cls((x, y, z), (width, depth, height), heading_deg)

    def clips(self, stage_from_scene: Similarity, *, inside: bool) -> Clips:
        """The show's conditions for the splats within, or for those outside."""
        half = np.radians(self.heading_deg) / 2
        stage_from_box = Pose.from_wxyz((np.cos(half), 0.0, 0.0, np.sin(half)), self.centre_m)
        return (within_box if inside else outside_box)(stage_from_box, self.size_m, stage_from_scene)


@dataclass(frozen=True, slots=True)
class Ball:
    """A ball on the stage in metres. Raises ValueError on a radius that is not above 0."""

    centre_m: tuple[float, float, float]
    radius_m: float

    def __post_init__(self) -> None:
        if not np.isfinite([*self.centre_m, self.radius_m]).all() or self.radius_m <= 0:
            raise ValueError(f"a ball wants a finite centre and a radius above 0, got {self.centre_m}, {self.radius_m}")


Region = Box | Ball


def selected(
    cloud: SplatCloud, stage_from_scene: Similarity, region: Region, *, inside: bool = True, extents: bool = False
) -> Bool[np.ndarray, "n"]:
    """Which splats are to be kept: those whose centre lies inside ``region``, or else outside.

    With ``extents`` only those of which all, to two standard deviations, lies there: no splat pokes through the
    region's face. At a box's outer edges and for balls the test is a little strict, never lax.
    Splats whose centre is not finite are kept by neither.
    """
    means = cloud.means.astype(np.float64)
    finite = np.isfinite(means.sum(axis=1))
    means = np.where(finite[:, None], means, 0.0)
    if isinstance(region, Ball):
        distance = np.linalg.norm(stage_from_scene.apply(means) - np.asarray(region.centre_m), axis=1)
        sigma = cloud.scales.max(axis=1, initial=0.0).astype(np.float64) * stage_from_scene.scale
        reach = EXTENT_SIGMAS * sigma if extents else np.zeros(len(cloud))
        held = distance + reach <= region.radius_m if inside else distance - reach >= region.radius_m
        return np.logical_and(finite, held)
    clips = region.clips(stage_from_scene, inside=inside)
    return finite & (_wholly(cloud, means, clips) if extents else kept(means, clips))


def _wholly(cloud: SplatCloud, means: Float64[np.ndarray, "n 3"], clips: Clips) -> Bool[np.ndarray, "n"]:
    """``clip.kept`` of ellipsoids: a half-space holds one whose centre is as deep inside as the ellipsoid reaches."""
    axes = rotations(cloud.wxyz) * cloud.scales.astype(np.float64)[:, None, :]
    seen = np.ones(len(means), dtype=bool)
    for planes in clips:
        held = np.zeros(len(means), dtype=bool)
        for plane in planes:
            reach = EXTENT_SIGMAS * np.linalg.norm(plane[:3] @ axes, axis=1)
            held |= means @ plane[:3] + plane[3] >= reach
        seen &= held
    return seen
