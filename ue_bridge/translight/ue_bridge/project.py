"""The files that ``translight unreal project`` writes for an editor: plan, script and stage; the script carries it out.

project_script.py is the script; ndisplay.py makes the stage.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from translight.core.errors import ShowError
from translight.core.frames import unreal_from_camera, unreal_from_stage_points
from translight.core.pose import Pose
from translight.ue_bridge.live_link import LiveLinkSpec
from translight.ue_bridge.values import number

SCRIPT = "translight_project.py"
PLAN = "translight_project.json"
STAGE = "stage.ndisplay"
FOLDER = "/Game/Translight"
PICTURE, DEPTH = "Picture", "Depth"
"""Labels of the media that are composited."""

_STREAMS = ("rtsp", "http", "https", "file")
"""Schemes that some media player of a stock Unreal opens, as its platform has it (Windows: WmfMedia)."""
_NDI_FULL = re.compile(r"[^()]+ \([^()]+\)")
_FORBIDDEN = re.compile(r'["\\\x00-\x1f]')
MediaKind = Literal["ndi", "stream"]


@dataclass(frozen=True, slots=True)
class Media:
    """A picture that Unreal receives; ``source`` is an NDI name, "MACHINE (NAME)", or a stream's URL."""

    label: str
    kind: MediaKind
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class CameraPlan:
    """The film camera in Unreal: where it rests, its sensor, and the Live Link URL that moves it."""

    rest: Pose
    sensor_mm: tuple[float, float]
    focal_length_mm: float
    live_link: LiveLinkSpec | None


def parse_media(url: str, label: str, machine: str) -> Media:
    """``ndi://NAME`` (of this ``machine``, or with a machine of its own) or a stream's URL. Raises ShowError."""
    scheme, separator, rest = url.partition("://")
    if not separator or not rest or _FORBIDDEN.search(url):
        raise ShowError(f'{url!r} is nothing that Unreal plays: give ndi://NAME, "ndi://MACHINE (NAME)" or rtsp://…')
    if scheme == "ndi":
        return Media(label, "ndi", rest if _NDI_FULL.fullmatch(rest) else f"{machine.upper()} ({rest})")
    if scheme in _STREAMS:
        return Media(label, "stream", url)
    raise ShowError(f"{url}: a stock Unreal has no player for {scheme}://: give ndi:// or one of {', '.join(_STREAMS)}")


def plan_of(
    name: str,
    media: list[Media],
    camera: CameraPlan,
    environment: Mapping[str, Any],
    stage: str,
    depth_m: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """The plan as JSON has it. ``environment`` has position_m, heading_deg and scale; ``stage`` is the file's text.

    ``depth_m`` is near and far of the depth among ``media`` (colour/depth_curve.py), for a plate that composites by it.
    """
    labels = [m.label for m in media]
    composited = depth_m if {PICTURE, DEPTH} <= set(labels) else None
    location, rotator = unreal_from_camera(camera.rest)
    subject, role, role_plugin = _subject(camera.live_link)
    x, y, z = (number(v) for v in unreal_from_stage_points(environment["position_m"]).tolist())
    return {
        "version": 1,
        "name": name,
        "folder": FOLDER,
        "media": [{"label": m.label, "kind": m.kind, "name" if m.kind == "ndi" else "url": m.source} for m in media],
        "composite": None
        if composited is None
        else {
            "label": "Composite",
            "picture": PICTURE,
            "depth": DEPTH,
            "parameters": {"NearM": number(composited[0]), "FarM": number(composited[1]), "Linearised": 1.0},
        },
        "camera": {
            "label": "TL_Camera",
            "location_cm": [number(v) for v in location],
            "rotator_deg": [number(v) for v in rotator],
            "sensor_mm": [number(v) for v in camera.sensor_mm],
            "focal_length_mm": number(camera.focal_length_mm),
            "subject": subject,
            "role": role,
            "role_plugin": role_plugin,
        },
        "environment": {
            "label": "TL_Environment",
            "location_cm": [x, y, z],
            "rotator_deg": [0.0, number(-environment["heading_deg"]), 0.0],
            "scale": [number(environment["scale"])] * 3,
        },
        "stage": {
            "label": "TL_Stage",
            "name": "TL_Stage",
            "file": STAGE,
            "sha256": hashlib.sha256(stage.encode()).hexdigest(),
            "location_cm": [0.0, 0.0, 0.0],
            "rotator_deg": [0.0, 0.0, 0.0],
        },
        "follow": [
            ["environment.location", "environment"],
            ["environment.rotation", "environment"],
            ["environment.scale", "environment"],
            ["camera.filmback", "lens"],
        ],
    }


def project_files(plan: Mapping[str, Any], stage: str) -> dict[str, str]:
    """Every file by name."""
    script = files("translight.ue_bridge").joinpath("project_script.py").read_text(encoding="utf-8")
    return {SCRIPT: script, PLAN: json.dumps(plan, indent=2, allow_nan=False) + "\n", STAGE: stage}


def _subject(spec: LiveLinkSpec | None) -> tuple[str, str, str]:
    """Live Link's subject, its role's class and the plugin of that: Unreal's FreeD source names cameras by their id;
    its OpenTrackIO source is told a name by who adds it."""
    if spec is None or spec.wire == "freed":
        return f"Camera {1 if spec is None else spec.camera}", "LiveLinkCameraRole", "Live Link"
    return "Translight", "LiveLinkOpenTrackIORole", "Live Link OpenTrackIO"
