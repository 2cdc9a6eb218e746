"""What an OSC tracker's messages mean: addresses, arguments, axes and units as configuration, and presets of products.

There is no standard for poses over OSC: every product has its own addresses, axes and angles. A map says them, and
comes from a preset, from a TOML file, or from both with single keys set anew. osc.py reads messages by a map.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from translight.core.errors import ShowError

_DIRECTIONS = {
    "right": (1, 0, 0), "left": (-1, 0, 0), "forward": (0, 1, 0), "back": (0, -1, 0),
    "up": (0, 0, 1), "down": (0, 0, -1),
}  # fmt: skip
UNITS_M = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "in": 0.0254, "ft": 0.3048}
ANGLES = ("deg", "rad")
ORDERS = ("xyz", "xzy", "yxz", "yzx", "zxy", "zyx")

POSITION = ("x", "y", "z")
ROTATIONS = (("rx", "ry", "rz"), ("pan", "tilt", "roll"), ("qw", "qx", "qy", "qz"), ("triad_z", "triad_y", "triad_x"))
LENS = (
    "focal_length_mm", "focus_distance_m", "focus_distance_cm", "f_number", "fov_vertical_deg", "fov_horizontal_deg",
    "zoom_raw", "focus_raw", "iris_raw",
)  # fmt: skip
MEANINGS = frozenset((*POSITION, *(m for group in ROTATIONS for m in group), *LENS, "name", "timecode", "skip"))

Matrix = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class OscMessageMap:
    """One message. ``<name>`` in the address is the camera's name; other ``<words>`` match anything.

    Arguments are words of ``MEANINGS``; a minus before one turns its sign. Position and rotation may come in messages
    of their own: a sample is complete when both have come.
    """

    address: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OscMap:
    """All of a product's messages. ``axes`` are the stage directions of its x, y and z."""

    name: str
    port: int
    messages: tuple[OscMessageMap, ...]
    axes: tuple[str, str, str] = ("right", "forward", "up")
    """In a frame where an unturned camera looks forward and its top is up."""
    unit: str = "m"
    angle: str = "deg"
    order: str = "zxy"
    """Intrinsic order of rx, ry and rz, by the product's own axes."""
    ignored: tuple[str, ...] = ()
    """Addresses that are not the camera's and no fault; a trailing * stands for any ending."""
    sensor_width_mm: float | None = None
    """Turns a horizontal field of view into a focal length."""
    sensor_height_mm: float | None = None
    """Turns a vertical field of view into a focal length."""
    note: str = field(default="", compare=False)

    def matrix(self) -> Matrix:
        """``stage_from_source`` axes: rows are stage x, y, z."""
        columns = [_DIRECTIONS[direction] for direction in self.axes]
        x, y, z = zip(*columns, strict=True)
        return x, y, z

    def hand(self) -> int:
        """1 when the axes are right-handed, −1 when they are left-handed, 0 when they are no frame at all."""
        (a, b, c), (d, e, f), (g, h, i) = self.matrix()
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


UNITY_AXES = ("right", "up", "forward")
OPENVR_AXES = ("right", "up", "back")

PRESETS = {
    preset.name: preset
    for preset in (
        OscMap(
            "reality-field",
            8000,
            (OscMessageMap("/tracker/position/<name>",
                           ("x", "y", "z", "rx", "ry", "rz", "focus_raw", "iris_raw", "zoom_raw")),),
            axes=OPENVR_AXES,
            order="yxz",
            ignored=("/tracker/camera/*", "/tracker/controller/*", "/genlock"),
            note="LOLED Reality Field documentation, OSC Output: addresses and metres. It says nothing of axes and "
            "angle order and lets the operator map both; these are SteamVR's: pan about y, then tilt, then roll.",
        ),
        OscMap(
            "vmc",
            39539,
            (OscMessageMap("/VMC/Ext/Cam", ("name", "x", "y", "z", "qx", "qy", "qz", "qw", "fov_vertical_deg")),),
            axes=UNITY_AXES,
            ignored=("/VMC/*",),
            note="VMC protocol, protocol.vmc.info: Unity's axes and vertical field of view.",
        ),
        OscMap(
            "vrchat",
            9000,
            (
                OscMessageMap("/tracking/trackers/<name>/position", ("x", "y", "z")),
                OscMessageMap("/tracking/trackers/<name>/rotation", ("rx", "ry", "rz")),
            ),
            axes=UNITY_AXES,
            order="yxz",
            note="VRChat documentation, OSC Trackers: Unity's axes, metres, Euler angles applied Z, X, Y.",
        ),
        OscMap(
            "openvr",
            7000,
            (OscMessageMap("/<kind>/<name>", ("x", "y", "z", "triad_z", "triad_y", "triad_x")),),
            axes=OPENVR_AXES,
            note="OpenVR-OSC 1.0 with the angles of triad_openvr.convert_to_euler, whose pitch is not an Euler angle.",
        ),
        OscMap(
            "disguise",
            7401,
            (
                OscMessageMap("/d3/camera/<name>/focus", ("focus_distance_cm",)),
                OscMessageMap("/d3/camera/<name>/zoom", ("focal_length_mm",)),
            ),
            note="The lens only, as lens encoders send it to disguise; with a pose: preset=reality-field+disguise.",
        ),
    )
}  # fmt: skip


def preset(names: str) -> OscMap:
    """A preset by name, or several joined by +: the first one's axes and units, everyone's messages."""
    chosen = []
    for name in names.split("+"):
        if name not in PRESETS:
            raise ShowError(f"OSC preset {name!r} is none of {', '.join(sorted(PRESETS))}")
        chosen.append(PRESETS[name])
    first = chosen[0]
    messages = tuple(message for part in chosen for message in part.messages)
    ignored = tuple(pattern for part in chosen for pattern in part.ignored)
    return checked(replace(first, name=names, messages=messages, ignored=ignored))


def load(path: Path) -> OscMap:
    """A map from a TOML file: the fields of ``OscMap`` and one [[message]] table each. Raises ShowError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ShowError(f"OSC map {path}: {error}") from error
    base = preset(table.pop("preset")) if isinstance(table.get("preset"), str) else None
    messages = table.pop("message", None)
    known = {f.name for f in fields(OscMap)} - {"messages"}
    for key in table:
        if key not in known:
            raise ShowError(
                f"OSC map {path}: key {key!r} is none of {', '.join(sorted(known | {'message', 'preset'}))}"
            )
    values: dict[str, Any] = {key: _typed(path, key, value) for key, value in table.items()}
    if messages is not None:
        values["messages"] = _messages(path, messages)
    if base is not None:
        return checked(replace(base, **values), f"OSC map {path}: ")
    if "messages" not in values:
        raise ShowError(f"OSC map {path}: give [[message]] tables with address and arguments, or a preset")
    return checked(OscMap(**{"name": path.stem, "port": 9000, **values}), f"OSC map {path}: ")


def checked(osc_map: OscMap, where: str = "") -> OscMap:
    """The same map, or ShowError saying which key holds what is not allowed."""
    _one_of(where, "unit", osc_map.unit, UNITS_M)
    _one_of(where, "angle", osc_map.angle, ANGLES)
    _one_of(where, "order", osc_map.order, ORDERS)
    if len(osc_map.axes) != 3 or not all(d in _DIRECTIONS for d in osc_map.axes) or not osc_map.hand():
        allowed = "three of right, left, forward, back, up, down along different lines"
        raise ShowError(f"{where}axes = {','.join(map(str, osc_map.axes))!r}: give {allowed}")
    if isinstance(osc_map.port, bool) or not isinstance(osc_map.port, int) or not 1 <= osc_map.port <= 65535:
        raise ShowError(f"{where}port = {osc_map.port!r}: give 1 to 65535")
    for size in (osc_map.sensor_width_mm, osc_map.sensor_height_mm):
        if size is not None and not (isinstance(size, int | float) and 0 < size < 1000):
            raise ShowError(f"{where}the sensor's size is {size!r}: give millimetres")
    for message in osc_map.messages:
        _check_message(where, message)
    return osc_map


def pattern_of(address: str) -> re.Pattern[str]:
    """The regular expression of an address with ``<words>``; only ``<name>`` is captured."""
    parts = re.split(r"(<[^<>/]*>)", address)
    text = "".join(
        "(?P<name>[^/]+)" if p == "<name>" else "[^/]+" if p.startswith("<") and p.endswith(">") else re.escape(p)
        for p in parts
    )
    return re.compile(text)


def _typed(path: Path, key: str, value: Any) -> Any:
    if key in ("axes", "ignored"):
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise ShowError(f"OSC map {path}: {key} = {value!r}: give a list of texts")
        return tuple(value)
    if key in ("name", "unit", "angle", "order", "note") and not isinstance(value, str):
        raise ShowError(f"OSC map {path}: {key} = {value!r}: give a text")
    return value


def _messages(path: Path, tables: Any) -> tuple[OscMessageMap, ...]:
    if not isinstance(tables, list) or not all(
        isinstance(t, dict) and set(t) == {"address", "arguments"} for t in tables
    ):
        raise ShowError(f"OSC map {path}: each [[message]] has exactly an address and arguments")
    made = []
    for table in tables:
        address, arguments = table["address"], table["arguments"]
        if not isinstance(address, str) or not isinstance(arguments, list):
            raise ShowError(f"OSC map {path}: a [[message]] has an address text and a list of arguments")
        made.append(OscMessageMap(address, tuple(map(str, arguments))))
    return tuple(made)


def _check_message(where: str, message: OscMessageMap) -> None:
    at = f"{where}message {message.address!r}"
    if not message.address.startswith("/"):
        raise ShowError(f"{at}: an OSC address begins with /")
    if message.address.count("<name>") > 1:
        raise ShowError(f"{at}: <name> stands once")
    words = [word.removeprefix("-") for word in message.arguments]
    for word in words:
        if word not in MEANINGS:
            raise ShowError(f"{at}: argument {word!r} is none of {', '.join(sorted(MEANINGS))}")
    used = [word for word in words if word != "skip"]
    if len(used) != len(set(used)):
        raise ShowError(f"{at}: an argument is named twice in {', '.join(message.arguments)}")
    groups = [group for group in (POSITION, *ROTATIONS) if set(group) & set(used)]
    for group in groups:
        if not set(group) <= set(used):
            raise ShowError(f"{at}: {', '.join(group)} come together")
    if len(groups) - (POSITION in groups) > 1:
        raise ShowError(f"{at}: one kind of rotation, not several")


def _one_of(where: str, key: str, value: object, allowed: Any) -> None:
    if value not in allowed:
        raise ShowError(f"{where}{key} = {value!r}: give one of {', '.join(allowed)}")
