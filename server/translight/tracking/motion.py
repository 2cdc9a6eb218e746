"""A camera's pose with its velocity and acceleration, and where it will be a little later; filter.py estimates it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float64

from translight.core.clock import NS_PER_S
from translight.core.pose import Pose

MAX_HORIZON_NS = 150_000_000
"""How far a motion is trusted: nine frames at 60 fps. Past it the camera glides to a stop instead of flying away."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """``stage_from_camera`` at ``time_ns`` (``core.clock``) and how it moves, all in the stage frame.

    ``velocity`` (6,) and ``acceleration`` (6,) hold the position's rates first (m/s, m/s²), then the rotation's
    (rad/s, rad/s²). The rotation's are those of a left (stage frame) perturbation: at time t after ``time_ns`` the
    orientation is Exp(ω·t + α·t²/2) · R, with ω and α vectors along stage axes, so that a tilted camera's pan is a
    turn about stage Z.
    """

    time_ns: int
    stage_from_camera: Pose
    velocity: Float64[np.ndarray, "6"]
    acceleration: Float64[np.ndarray, "6"]

    @classmethod
    def still(cls, pose: Pose, time_ns: int) -> Self:
        """A camera that stands at ``pose``: predicts nothing."""
        return cls(time_ns, pose, np.zeros(6), np.zeros(6))

    def at(self, time_ns: int, *, max_horizon_ns: int = MAX_HORIZON_NS) -> Pose:
        """``stage_from_camera`` at ``time_ns`` by constant acceleration, at most ``max_horizon_ns`` away.

        Beyond the horizon the velocity reached there falls linearly to zero within the same time again, then the pose
        holds: position and velocity stay continuous when a tracker falls silent. Times before ``time_ns`` are
        extrapolated backwards by the same rule.
        """
        elapsed_ns = time_ns - self.time_ns
        if elapsed_ns == 0:
            return self.stage_from_camera
        by_velocity, by_acceleration = _weights(elapsed_ns, max_horizon_ns)
        vx, vy, vz, wx, wy, wz = self.velocity.tolist()
        ax, ay, az, bx, by, bz = self.acceleration.tolist()
        x, y, z = self.stage_from_camera.position_m.tolist()
        position = np.array(
            (
                x + vx * by_velocity + ax * by_acceleration,
                y + vy * by_velocity + ay * by_acceleration,
                z + vz * by_velocity + az * by_acceleration,
            )
        )
        turned = turn(
            self.stage_from_camera.wxyz.tolist(),
            wx * by_velocity + bx * by_acceleration,
            wy * by_velocity + by * by_acceleration,
            wz * by_velocity + bz * by_acceleration,
        )
        return Pose(np.array(turned), position)


def turn(wxyz: list[float], x: float, y: float, z: float) -> list[float]:
    """Unit quaternion (4,) after a left (stage frame) turn by the rotation vector (x, y, z), radians; normalised.

    In plain floats: on four numbers these are several times faster than NumPy, and the live loop calls it every frame.
    """
    half = 0.5 * math.sqrt(x * x + y * y + z * z)
    ratio = 0.5 * math.sin(half) / half if half > 1e-7 else 0.5
    aw, ax, ay, az = math.cos(half), x * ratio, y * ratio, z * ratio
    bw, bx, by, bz = wxyz
    w = aw * bw - ax * bx - ay * by - az * bz
    i = aw * bx + ax * bw + ay * bz - az * by
    j = aw * by - ax * bz + ay * bw + az * bx
    k = aw * bz + ax * by - ay * bx + az * bw
    scale = 1.0 / math.sqrt(w * w + i * i + j * j + k * k)
    return [w * scale, i * scale, j * scale, k * scale]


def _weights(elapsed_ns: int, max_horizon_ns: int) -> tuple[float, float]:
    """What velocity (s) and acceleration (s²) are multiplied by to give the displacement after ``elapsed_ns``."""
    horizon = max(max_horizon_ns, 0) / NS_PER_S
    t = abs(elapsed_ns) / NS_PER_S
    sign = 1.0 if elapsed_ns >= 0 else -1.0
    if t <= horizon:
        return sign * t, 0.5 * t * t
    beyond = min(t - horizon, horizon)
    glide = beyond - beyond * beyond / (2.0 * horizon) if horizon > 0 else 0.0
    return sign * (horizon + glide), 0.5 * horizon * horizon + horizon * glide
