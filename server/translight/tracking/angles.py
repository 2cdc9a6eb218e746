"""Camera angles and axis-aligned frames as unit quaternions, in plain floats: the datagram path of ``core.frames``.

On four numbers plain floats are an order of magnitude faster than NumPy, and every datagram passes here. Quaternions
are (w, x, y, z). ``stage_from_camera`` ends with the turn from OpenCV's camera axes (x right, y down, z forward) to
a level camera that looks along stage +Y.
"""

from __future__ import annotations

import math

import numpy as np

from translight.core.pose import Pose
from translight.tracking.datagram import BadDatagram

Wxyz = tuple[float, float, float, float]
Vector = tuple[float, float, float]

FAR_M = 100_000.0

_HALF = math.sqrt(0.5)
STAGE_FROM_LEVEL_CAMERA: Wxyz = (_HALF, -_HALF, 0.0, 0.0)
"""A level camera that looks along stage +Y: −90° about x. The same turn as ``core.frames.STAGE_FROM_RDF``."""


def multiply(a: Wxyz, b: Wxyz) -> Wxyz:
    """Hamilton product a · b."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def about(axis: int, angle_rad: float) -> Wxyz:
    """A turn about the axis x (0), y (1) or z (2)."""
    half = 0.5 * angle_rad
    c, s = math.cos(half), math.sin(half)
    return (c, s, 0.0, 0.0) if axis == 0 else (c, 0.0, s, 0.0) if axis == 1 else (c, 0.0, 0.0, s)


def rotate(q: Wxyz, v: Vector) -> Vector:
    """The vector v turned by the unit quaternion q."""
    w, x, y, z = q
    vx, vy, vz = v
    tx, ty, tz = 2.0 * (y * vz - z * vy), 2.0 * (z * vx - x * vz), 2.0 * (x * vy - y * vx)
    return (
        vx + w * tx + y * tz - z * ty,
        vy + w * ty + z * tx - x * tz,
        vz + w * tz + x * ty - y * tx,
    )


def pan_tilt_roll(pan_deg: float, tilt_deg: float, roll_deg: float) -> Wxyz:
    """OpenTrackIO's angles in degrees as a turn: intrinsic Z (pan, + left), X (tilt, + up), Y (roll, + right down)."""
    p, t, r = math.radians(0.5 * pan_deg), math.radians(0.5 * tilt_deg), math.radians(0.5 * roll_deg)
    cp, sp, ct, st, cr, sr = math.cos(p), math.sin(p), math.cos(t), math.sin(t), math.cos(r), math.sin(r)
    return (
        cp * ct * cr - sp * st * sr,
        cp * st * cr - sp * ct * sr,
        cp * ct * sr + sp * st * cr,
        sp * ct * cr + cp * st * sr,
    )


def camera_pose(turn: Wxyz, position_m: Vector) -> Pose:
    """``stage_from_camera`` of a camera that ``turn`` (normalised here) takes from level along stage +Y.

    Raises BadDatagram as ``check_position`` does.
    """
    check_position(position_m)
    w, x, y, z = multiply(turn, STAGE_FROM_LEVEL_CAMERA)
    scale = 1.0 / math.sqrt(w * w + x * x + y * y + z * z)
    return Pose(np.array((w * scale, x * scale, y * scale, z * scale)), np.array(position_m))


def check_position(position_m: Vector) -> None:
    """Raise BadDatagram when a position is farther off than any stage is wide, or not finite: it is no position."""
    x, y, z = position_m
    if not (-FAR_M < x < FAR_M and -FAR_M < y < FAR_M and -FAR_M < z < FAR_M):
        raise BadDatagram("too far", f"a camera {max(map(abs, position_m)):.3g} m from the stage's origin is none")


def turn_of(stage_from_camera: Pose) -> Wxyz:
    """The inverse of ``camera_pose``: the turn from a level camera along stage +Y."""
    w, x, y, z = stage_from_camera.wxyz.tolist()
    sw, sx, sy, sz = STAGE_FROM_LEVEL_CAMERA
    return multiply((w, x, y, z), (sw, -sx, -sy, -sz))


def pan_tilt_roll_deg(stage_from_camera: Pose) -> Vector:
    """OpenTrackIO's (pan, tilt, roll) of a camera in degrees; at tilt ±90° roll is 0."""
    w, x, y, z = turn_of(stage_from_camera)
    sin_tilt = 2.0 * (y * z + w * x)
    if abs(sin_tilt) > 1.0 - 1e-12:
        pan = math.atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z))
        return math.degrees(pan), math.copysign(90.0, sin_tilt), 0.0
    pan = math.atan2(2.0 * (w * z - x * y), 1.0 - 2.0 * (x * x + z * z))
    roll = math.atan2(2.0 * (w * y - x * z), 1.0 - 2.0 * (x * x + y * y))
    return math.degrees(pan), math.degrees(math.asin(sin_tilt)), math.degrees(roll)
