"""Standing an environment on the stage anew: up, scale, origin and heading, as numbers or by picked points.

Every function gives ``new_from_stage``: a transform of the stage on which the environment stands so far.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.core.errors import ReconstructionError
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.reconstruction.edit.motion import turned_sky
from translight.splats.motion import moved

Along = Literal["right", "forward"]
_UP = np.array([0.0, 0.0, 1.0])
_LEAST_SINE = 1e-3


def upright(up: ArrayLike) -> Similarity:
    """The least turn about the origin that makes a direction (3,) stage +Z. Raises ValueError on no direction."""
    direction = _unit(up, "up")
    axis, cosine = np.cross(direction, _UP), float(direction @ _UP)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-12:
        # upside down: half a turn about X, which keeps left and right where they were
        half_turn = Pose.from_wxyz((0.0, 1.0, 0.0, 0.0))
        return Similarity.identity() if cosine > 0 else Similarity(1.0, half_turn)
    angle = np.arctan2(sine, cosine)
    return Similarity(1.0, Pose.exp([0.0, 0.0, 0.0, *(axis / sine * angle)]))


def by_three_points(origin: ArrayLike, ahead: ArrayLike, third: ArrayLike, along: Along) -> Similarity:
    """A on the floor becomes the origin, B lies on +X (``right``) or +Y (``forward``), C anywhere else on the floor.

    Up is the side of their plane on which the stage's +Z is. Raises ValueError when the three lie on one line or stand
    upright, where which side is up cannot be told.
    """
    a, b, c = (np.asarray(p, dtype=np.float64) for p in (origin, ahead, third))
    first = _unit(b - a, "the line from A to B")
    normal = np.cross(first, c - a)
    if np.linalg.norm(normal) < _LEAST_SINE * np.linalg.norm(c - a) or not np.linalg.norm(c - a) > 0:
        raise ValueError("the three points lie on one line: take C to the side of A and B")
    up = normal / np.linalg.norm(normal)
    if abs(up @ _UP) < _LEAST_SINE:
        raise ValueError("the three points stand upright, so which side of them is up cannot be told: use --up first")
    up = up if up @ _UP > 0 else -up
    rows = [first, np.cross(up, first), up] if along == "right" else [np.cross(first, up), first, up]
    turn = Pose.from_matrix(np.array(rows))
    return Similarity(1.0, Pose(turn.wxyz, -(turn.rotation() @ a)))


def to_origin(point: ArrayLike) -> Similarity:
    """Moves a point (3,) to the origin."""
    return Similarity(1.0, Pose(np.array([1.0, 0.0, 0.0, 0.0]), -np.asarray(point, dtype=np.float64)))


def scaled(factor: float) -> Similarity:
    """Larger by a factor about the origin. Raises ValueError on one that is not above 0."""
    if not np.isfinite(factor) or factor <= 0:
        raise ValueError(f"a scale is a finite number above 0, got {factor:g}")
    return Similarity(float(factor), Pose.identity())


def headed(heading_deg: float) -> Similarity:
    """Turned about the vertical through the origin, to the left as seen from above."""
    half = np.radians(heading_deg) / 2
    return Similarity(1.0, Pose.from_wxyz((np.cos(half), 0.0, 0.0, np.sin(half))))


def placed_by(environment: Environment, new_from_stage: Similarity) -> Environment:
    """The environment standing anew: its placement, and its sky turned along; the splats' arrays are untouched.

    Plates, which lie on the sky's texels, are turned by whole ones. Raises ReconstructionError where there are some and
    the turn is not about the vertical alone.
    """
    sky, turn, plates = environment.sky, new_from_stage.pose.rotation(), environment.plates
    if sky is not None and plates:
        if not np.allclose(turn[2], (0.0, 0.0, 1.0), atol=1e-6):
            raise ReconstructionError(f"{environment.name!r} has plates: it is turned about the vertical alone")
        texels = round(float(np.arctan2(turn[0, 1], turn[1, 1])) / (2 * np.pi) * sky.shape[1])
        plates = tuple(replace(plate, left_px=(plate.left_px + texels) % sky.shape[1]) for plate in plates)
    if sky is not None and not np.allclose(turn, np.eye(3), atol=1e-9):
        sky = turned_sky(sky, turn)
    placed = new_from_stage @ environment.stage_from_scene
    return replace(environment, stage_from_scene=placed, sky=sky, plates=plates)


def baked(environment: Environment) -> Environment:
    """The same picture with the placement worked into the splats: scene axes are then the stage's, as RDF, in metres.

    What a program that knows no placement needs. ``stage_from_scene`` becomes the turn from RDF alone.
    """
    upright_scene = Similarity(1.0, STAGE_FROM_RDF)
    cloud = moved(environment.splats, upright_scene.inverse() @ environment.stage_from_scene)
    metres = environment.metres_per_unit
    if metres is not None:
        metres /= environment.stage_from_scene.scale
    return replace(environment, splats=cloud, stage_from_scene=upright_scene, metres_per_unit=metres)


def _unit(vector: ArrayLike, what: str) -> Float64[np.ndarray, "3"]:
    direction = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(direction))
    if not np.isfinite(length) or length <= 0:
        raise ValueError(f"{what} has no direction: {direction.tolist()}")
    return direction / length
