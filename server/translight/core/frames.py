"""Frames of reference and angle conventions of every system Translight talks to; the table is in docs/architecture.md.

Stage: right-handed, X right, Y forward, Z up, metres. Camera: OpenCV, x right, y down, z forward.
"""

from __future__ import annotations

import numpy as np

from translight.core.pose import Pose

STAGE_FROM_RDF = Pose.from_matrix(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]))
"""RDF (x right, y down, z forward; INRIA PLY, COLMAP, OpenCV camera) to the stage; also a level camera looking at +Y."""

RDF_FROM_RUB = Pose.from_matrix(np.diag([1.0, -1.0, -1.0]))
"""RUB (x right, y up, z back; SPZ, OpenGL) to RDF: half a turn about x."""


def camera_from_pan_tilt_roll(
    pan_rad: float, tilt_rad: float, roll_rad: float, position_m: tuple[float, float, float]
) -> Pose:
    """``stage_from_camera`` from OpenTrackIO's angles: intrinsic Z (pan, + left), X (tilt, + up), Y (roll, + right down).

    At zero the camera is level and looks along stage +Y. Source: SMPTE RIS-OSVP camera tracking parameters 1.0.1.
    """
    cp, sp = np.cos(pan_rad), np.sin(pan_rad)
    ct, st = np.cos(tilt_rad), np.sin(tilt_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    Rz = np.array([[cp, -sp, 0.0], [sp, cp, 0.0], [0.0, 0.0, 1.0]])
    Rx = np.array([[1.0, 0.0, 0.0], [0.0, ct, -st], [0.0, st, ct]])
    Ry = np.array([[cr, 0.0, sr], [0.0, 1.0, 0.0], [-sr, 0.0, cr]])
    turned = Pose.from_matrix(Rz @ Rx @ Ry)
    return Pose(turned.wxyz, np.array(position_m, dtype=np.float64)) @ STAGE_FROM_RDF


def pan_tilt_roll_from_camera(stage_from_camera: Pose) -> tuple[float, float, float]:
    """The inverse of ``camera_from_pan_tilt_roll``: (pan, tilt, roll) in radians; at tilt ±90° roll is 0."""
    R = stage_from_camera.rotation() @ STAGE_FROM_RDF.rotation().T
    tilt = float(np.arcsin(np.clip(R[2, 1], -1.0, 1.0)))
    if abs(R[2, 1]) > 1.0 - 1e-9:
        return float(np.arctan2(R[1, 0], R[0, 0])), tilt, 0.0
    return float(np.arctan2(-R[0, 1], R[1, 1])), tilt, float(np.arctan2(-R[2, 0], R[2, 2]))
