"""A show's walls as an nDisplay configuration (``.ndisplay``, JSON, centimetres) that Unreal 5 imports.

A screen of nDisplay is a rectangle whose pivot is its middle: unturned it stands across Unreal's X, its width along Y
and its height along Z, and is seen by who looks along +X, as our plane wall is by who looks along stage +Y. An arc
becomes several such screens, side by side, each with its own columns of pixels: the format holds no mesh itself
(policy "mesh" names a component that somebody has to make in the editor), and real stages are described so too.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from translight.core.errors import ShowError
from translight.core.frames import unreal_from_stage_points
from translight.ue_bridge.values import number
from translight.volume.canvas import Canvas, Rectangle, rectangle
from translight.volume.wall import ArcWall, PlaneWall, Wall

DEFAULT_ERROR_M = 0.01
"""How far a flat screen may stand from the arc that it stands for: 16 screens for 105° at 5.5 m."""
NODE = "Node_0"
CAMERA = "DefaultViewPoint"
_MOST_SCREENS = 128
"""Security: a viewport costs Unreal a view."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A rectangle of nDisplay and the pixels of the canvas that show it; ``rotator_deg`` is (pitch, yaw, roll)."""

    name: str
    location_cm: tuple[float, float, float]
    rotator_deg: tuple[float, float, float]
    width_cm: float
    height_cm: float
    region: Rectangle


def screens_of(wall: Wall, error_m: float = DEFAULT_ERROR_M) -> list[Screen]:
    """The screens of a wall, left to right as seen. Raises ShowError on a wall that takes too many."""
    name = re.sub(r"\W+", "_", wall.name, flags=re.ASCII).strip("_") or "wall"
    if isinstance(wall, PlaneWall):
        turned = (-wall.tilt_deg, -wall.heading_deg, 0.0)
        size = wall.width_m * 100.0, wall.height_m * 100.0
        return [Screen(name, _location(np.array(wall.centre_m)), turned, *size, rectangle(wall))]
    if isinstance(wall, ArcWall):
        return [_chord(wall, f"{name}_{i:02}", *ends) for i, ends in enumerate(_columns(wall, error_m))]
    raise ShowError(f"wall {wall.name!r}: nDisplay takes planes and arcs, this is a {type(wall).__name__}")


def document(
    canvas: Canvas, eye_m: tuple[float, float, float], *, error_m: float = DEFAULT_ERROR_M, host: str = "127.0.0.1"
) -> dict[str, Any]:
    """The whole configuration: one node whose window is the canvas, seen from ``eye_m`` on the stage.

    Raises ShowError when walls' names come out the same, or one takes too many screens.
    """
    screens = [screen for wall in canvas.walls for screen in screens_of(wall, error_m)]
    names = [screen.name for screen in screens]
    for name in names:
        if names.count(name) > 1:
            raise ShowError(f"two walls are called {name} in nDisplay, which keeps letters, digits and _: rename one")
    return {
        "nDisplay": {
            "description": "Written by Translight",
            "version": "5.00",
            "assetPath": "",
            "misc": {
                "bFollowLocalPlayerCamera": False,
                "bExitOnEsc": True,
                "bOverrideViewportsFromExternalConfig": False,
            },
            "scene": {
                "xforms": {},
                "cameras": {CAMERA: _camera(eye_m)},
                "screens": {screen.name: _screen(screen) for screen in screens},
            },
            "cluster": _cluster(canvas, screens, host),
            "customParameters": {},
            "diagnostics": {"simulateLag": False, "minLagTime": 0.01, "maxLagTime": 0.3},
        }
    }


def dump(tree: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(tree, indent="\t", allow_nan=False) + "\n"


def _columns(wall: ArcWall, error_m: float) -> list[tuple[int, int]]:
    """First column and the one after the last, of each flat piece."""
    if not error_m > 0:
        raise ValueError(f"a screen's distance from its arc is above 0 m, got {error_m}")
    # A chord of an angle δ leaves its circle by r·(1 − cos δ/2) in the middle
    widest_rad = 2.0 * math.acos(max(1.0 - error_m / wall.radius_m, 0.0))
    pieces = min(math.ceil(math.radians(wall.arc_deg) / widest_rad - 1e-9), wall.width_px)
    if pieces > _MOST_SCREENS:
        raise ShowError(
            f"wall {wall.name!r} takes {pieces} flat screens to be within {error_m * 1000:g} mm, "
            f"{_MOST_SCREENS} at most: allow more millimetres"
        )
    edges = [round(i * wall.width_px / pieces) for i in range(pieces + 1)]
    return list(itertools.pairwise(edges))


def _chord(wall: ArcWall, name: str, first: int, last: int) -> Screen:
    """The flat screen between two columns' outer edges, which stand on the arc."""
    left, right = _on_arc(wall, first), _on_arc(wall, last)
    middle = np.append((left + right) / 2.0, wall.base_m + wall.height_m / 2.0)
    # Seen from the inside it runs from left to right; yaw 0 runs along Unreal's Y, which is stage X
    yaw_deg = math.degrees(math.atan2(left[1] - right[1], right[0] - left[0]))
    region = Rectangle(wall.canvas_x_px + first, wall.canvas_y_px, last - first, wall.height_px)
    width_cm = float(np.linalg.norm(right - left)) * 100.0
    return Screen(name, _location(middle), (0.0, yaw_deg, 0.0), width_cm, wall.height_m * 100.0, region)


def _on_arc(wall: ArcWall, column: float) -> Float64[np.ndarray, "2"]:
    """Plan position of a column's left edge; its bearing grows to the right of stage +Y."""
    bearing = math.radians((column / wall.width_px - 0.5) * wall.arc_deg - wall.heading_deg)
    x, y = wall.centre_m
    return np.array([x + wall.radius_m * math.sin(bearing), y + wall.radius_m * math.cos(bearing)])


def _location(stage_m: Float64[np.ndarray, "3"]) -> tuple[float, float, float]:
    x, y, z = unreal_from_stage_points(stage_m).tolist()
    return x, y, z


def _placed(location_cm: Sequence[float], rotator_deg: Sequence[float]) -> dict[str, Any]:
    return {
        "parentId": "",
        "location": {axis: number(value) for axis, value in zip("xyz", location_cm, strict=True)},
        "rotation": {name: number(value) for name, value in zip(("pitch", "yaw", "roll"), rotator_deg, strict=True)},
    }


def _camera(eye_m: tuple[float, float, float]) -> dict[str, Any]:
    told = {"interpupillaryDistance": 6.4, "swapEyes": False, "stereoOffset": "none"}
    return {**told, **_placed(_location(np.array(eye_m)), (0.0, 0.0, 0.0))}


def _screen(screen: Screen) -> dict[str, Any]:
    size = {"width": number(screen.width_cm), "height": number(screen.height_cm)}
    return {"size": size, **_placed(screen.location_cm, screen.rotator_deg)}


def _viewport(screen: Screen) -> dict[str, Any]:
    return {
        "camera": "",
        "bufferRatio": 1,
        "gPUIndex": -1,
        "allowCrossGPUTransfer": False,
        "isShared": False,
        "overscan": {
            "bEnabled": False, "mode": "percent", "left": 0, "right": 0, "top": 0, "bottom": 0, "oversize": True,
        },
        "region": dict(zip("xywh", screen.region, strict=True)),
        "projectionPolicy": {"type": "simple", "parameters": {"screen": screen.name}},
    }  # fmt: skip


def _cluster(canvas: Canvas, screens: Sequence[Screen], host: str) -> dict[str, Any]:
    """Ports, policies and timeouts are nDisplay's own defaults."""
    node = {
        "host": host,
        "sound": False,
        "fullScreen": False,
        "window": {"x": 0, "y": 0, "w": canvas.width_px, "h": canvas.height_px},
        "postprocess": {},
        "viewports": {screen.name: _viewport(screen) for screen in screens},
        "outputRemap": {"bEnable": False, "dataSource": "mesh", "staticMeshAsset": "", "externalFile": ""},
    }
    return {
        "primaryNode": {
            "id": NODE,
            "ports": {"ClusterSync": 41001, "ClusterEventsJson": 41003, "ClusterEventsBinary": 41004},
        },
        "sync": {
            "renderSyncPolicy": {"type": "ethernet", "parameters": {}},
            "inputSyncPolicy": {"type": "ReplicatePrimary", "parameters": {}},
        },
        "network": {
            "ConnectRetriesAmount": "300",
            "ConnectRetryDelay": "1000",
            "GameStartBarrierTimeout": "18000000",
            "FrameStartBarrierTimeout": "1800000",
            "FrameEndBarrierTimeout": "1800000",
            "RenderSyncBarrierTimeout": "1800000",
        },
        "failover": {"failoverPolicy": "Disabled"},
        "nodes": {NODE: node},
    }
