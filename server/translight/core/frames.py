"""Axes, units and angles of every system Translight talks to, each both ways; the table is in docs/architecture.md.

Stage: right-handed, X right, Y forward, Z up, metres. Camera: OpenCV, x right, y down, z forward. A *body* is a thing
whose own axes lie like the stage's when nothing is turned; a camera is a body times ``STAGE_FROM_RDF``.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.core.pose import Pose, rotation_vector

Triple = tuple[float, float, float]

STAGE_FROM_RDF = Pose.from_matrix(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]))
"""RDF (x right, y down, z forward; INRIA PLY, COLMAP, OpenCV camera) to stage; also a level camera looking at +Y."""

RDF_FROM_RUB = Pose.from_matrix(np.diag([1.0, -1.0, -1.0]))
"""RUB (x right, y up, z back; SPZ, OpenGL, glTF cameras) to RDF: half a turn about x, and so its own inverse."""

STAGE_FROM_RUB = STAGE_FROM_RDF @ RDF_FROM_RUB
"""RUB to stage: y up becomes Z up."""

_SWAP_XY = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""Unreal's X forward, Y right, Z up from the stage's and back: a mirror, for Unreal is left-handed."""

_SWAP_YZ = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
"""PosiStageNet's x right, y up, z depth from the stage's and back: a mirror, for that is left-handed too."""


def camera_from_pan_tilt_roll(
    pan_rad: float, tilt_rad: float, roll_rad: float, position_m: tuple[float, float, float]
) -> Pose:
    """``stage_from_camera`` from OpenTrackIO's angles: intrinsic Z (pan, + left), X (tilt, + up), Y (roll).

    Roll is + when the camera leans to its right: clockwise, seen from behind. At zero the camera is level and looks
    along stage +Y. Source: OpenTrackIO 1.0.1, "transforms" ("intrinsic … around the axes ZXY") and "positive
    rotations are clockwise around the axis", looking along it: the right-hand rule.
    """
    return Pose(turn(pan_rad, tilt_rad, roll_rad).wxyz, np.array(position_m, dtype=np.float64)) @ STAGE_FROM_RDF


def pan_tilt_roll_from_camera(stage_from_camera: Pose) -> Triple:
    """The inverse of ``camera_from_pan_tilt_roll``: (pan, tilt, roll) in radians; at tilt ±90° roll is 0."""
    R = stage_from_camera.rotation() @ STAGE_FROM_RDF.rotation().T
    level = math.hypot(R[0, 1], R[1, 1])
    tilt = math.atan2(R[2, 1], level)
    if level < 1e-9:  # straight up or down, pan and roll are one turn
        return math.atan2(R[1, 0], R[0, 0]), tilt, 0.0
    return math.atan2(-R[0, 1], R[1, 1]), tilt, math.atan2(-R[2, 0], R[2, 2])


def turn(pan_rad: float, tilt_rad: float, roll_rad: float) -> Pose:
    """The rotation of a body by OpenTrackIO's angles; OpenTrackIO's chained transforms compose such poses."""
    cp, sp = math.cos(pan_rad), math.sin(pan_rad)
    ct, st = math.cos(tilt_rad), math.sin(tilt_rad)
    cr, sr = math.cos(roll_rad), math.sin(roll_rad)
    Rz = np.array([[cp, -sp, 0.0], [sp, cp, 0.0], [0.0, 0.0, 1.0]])
    Rx = np.array([[1.0, 0.0, 0.0], [0.0, ct, -st], [0.0, st, ct]])
    Ry = np.array([[cr, 0.0, sr], [0.0, 1.0, 0.0], [-sr, 0.0, cr]])
    return Pose.from_matrix(Rz @ Rx @ Ry)


def camera_from_opentrackio(pan_deg: float, tilt_deg: float, roll_deg: float, translation_m: Triple) -> Pose:
    """``stage_from_camera`` of one OpenTrackIO transform: degrees (pan + left) and metres."""
    return camera_from_pan_tilt_roll(
        math.radians(pan_deg), math.radians(tilt_deg), math.radians(roll_deg), translation_m
    )


def opentrackio_from_camera(stage_from_camera: Pose) -> tuple[Triple, Triple]:
    """((pan, tilt, roll) in degrees, translation in metres) of OpenTrackIO's single transform."""
    pan, tilt, roll = pan_tilt_roll_from_camera(stage_from_camera)
    return (math.degrees(pan), math.degrees(tilt), math.degrees(roll)), _triple(stage_from_camera.position_m)


def camera_from_freed(pan_deg: float, tilt_deg: float, roll_deg: float, position_mm: Triple) -> Pose:
    """``stage_from_camera`` from FreeD D1: X right, Y forward, Z up in mm; pan + to the **right**, tilt + up.

    Roll is + clockwise seen from behind the camera, like OpenTrackIO's. Source: Vinten free-d Installation Manual
    V1.4.4, appendix B.2 to B.7: right-handed axes, pan "to the right (ie, … clockwise when viewed from above)",
    tilt "upwards", roll "a clockwise roll, when viewed from behind the camera".
    """
    x, y, z = position_mm
    return camera_from_opentrackio(-pan_deg, tilt_deg, roll_deg, (x / 1000.0, y / 1000.0, z / 1000.0))


def freed_from_camera(stage_from_camera: Pose) -> tuple[Triple, Triple]:
    """((pan, tilt, roll) in degrees, position in mm) as FreeD D1 means them."""
    (pan, tilt, roll), position_m = opentrackio_from_camera(stage_from_camera)
    return (-pan, tilt, roll), _triple(np.array(position_m) * 1000.0)


def pose_from_unreal(location_cm: Triple, rotator_deg: Triple) -> Pose:
    """``stage_from_body`` of an Unreal actor at ``location_cm`` turned by the rotator (pitch, yaw, roll) in degrees.

    Unreal: left-handed, X forward, Y right, Z up, cm; yaw + right, pitch + up, roll + clockwise seen from behind.
    Source: Unreal Engine's documentation of ``FRotator`` ("+Up", "+Right", "+Clockwise") and ``FRotationMatrix``.
    """
    pitch, yaw, roll = (math.radians(angle) for angle in rotator_deg)
    return Pose(turn(-yaw, pitch, roll).wxyz, stage_from_unreal_points(location_cm))


def unreal_from_pose(stage_from_body: Pose) -> tuple[Triple, Triple]:
    """(location in cm, rotator (pitch, yaw, roll) in degrees) of a body: the inverse of ``pose_from_unreal``."""
    return unreal_from_camera(stage_from_body @ STAGE_FROM_RDF)


def camera_from_unreal(location_cm: Triple, rotator_deg: Triple) -> Pose:
    """``stage_from_camera`` of an Unreal camera, which looks along its own X."""
    return pose_from_unreal(location_cm, rotator_deg) @ STAGE_FROM_RDF


def unreal_from_camera(stage_from_camera: Pose) -> tuple[Triple, Triple]:
    """(location in cm, rotator (pitch, yaw, roll) in degrees) of a camera.

    These are the rules of Unreal's Live Link sources: from OpenTrackIO location (Y, X, Z)·100 and Rotator(tilt, −pan,
    roll); from FreeD location (Y, X, Z)/10 and Rotator(tilt, pan, roll).
    """
    (pan, tilt, roll), _ = opentrackio_from_camera(stage_from_camera)
    return _triple(unreal_from_stage_points(stage_from_camera.position_m)), (tilt, -pan, roll)


def unreal_from_stage_points(points_m: ArrayLike) -> Float64[np.ndarray, "*n 3"]:
    """Stage points (…, 3) in metres, in Unreal's axes and centimetres."""
    return np.asarray(points_m, dtype=np.float64) @ _SWAP_XY * 100.0


def stage_from_unreal_points(points_cm: ArrayLike) -> Float64[np.ndarray, "*n 3"]:
    """Unreal points (…, 3) in centimetres, in the stage's axes and metres."""
    return np.asarray(points_cm, dtype=np.float64) @ _SWAP_XY / 100.0


def camera_from_psn(position_m: Triple, rotation_rad: Triple) -> Pose:
    """``stage_from_camera`` of a PosiStageNet tracker whose unturned camera looks along depth with y up.

    Position: x right, y up, z depth (2.03, "PSN_DATA_TRACKER_POS"), which is left-handed. ``rotation_rad`` is
    axis times angle. The document does not say which way a positive angle turns: read here by Rodrigues' formula on
    PSN's own coordinates, so a positive turn about y takes z (depth) to x (right).
    """
    # a mirror M turns exp([ω]×) into exp([det(M)·Mω]×), and this one's determinant is −1
    twist = np.concatenate([np.zeros(3), -(_SWAP_YZ @ np.array(rotation_rad, dtype=np.float64))])
    return Pose(Pose.exp(twist).wxyz, _SWAP_YZ @ np.array(position_m, dtype=np.float64)) @ STAGE_FROM_RDF


def psn_from_camera(stage_from_camera: Pose) -> tuple[Triple, Triple]:
    """(position in metres, axis times angle in radians) of PosiStageNet: the inverse of ``camera_from_psn``."""
    body = stage_from_camera @ STAGE_FROM_RDF.inverse()
    return _triple(_SWAP_YZ @ body.position_m), _triple(-(_SWAP_YZ @ rotation_vector(body.wxyz)))


def _triple(values: ArrayLike) -> Triple:
    x, y, z = np.asarray(values, dtype=np.float64).tolist()
    return x, y, z
