"""Cameras that a person or a file names: ``--camera``'s text and cameras.json; the format is in docs/rendering.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from translight.core.camera import Camera, View
from translight.core.errors import FormatError, ShowError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.pose import Pose

DEFAULT_SIZE = (1280, 720)
DEFAULT_FOV_DEG = 60.0
DEFAULT_NEAR_M = 0.01
ASPECT_TOLERANCE = 0.01
"""A size may differ this much in aspect from the file's own before it counts as another shape."""
MAX_CAMERAS = 100_000
"""Security: more than this in one file is refused."""

_Vector = tuple[float, float, float]
_Positive = Annotated[float, msgspec.Meta(gt=0)]
_Pixels = Annotated[int, msgspec.Meta(ge=1, le=65536)]


@dataclass(frozen=True, slots=True, eq=False)
class NamedView:
    """One entry of cameras.json: a view, what it is called, and when a path passes it (None: not said)."""

    name: str
    view: View
    time_s: float | None = None


class _Transform(msgspec.Struct, forbid_unknown_fields=True):
    wxyz: tuple[float, float, float, float]
    position_m: _Vector


class _LookAt(msgspec.Struct, forbid_unknown_fields=True):
    position_m: _Vector
    target_m: _Vector
    roll_deg: float = 0.0


class _Intrinsics(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    width_px: _Pixels | None = None
    height_px: _Pixels | None = None
    fov_deg: Annotated[float, msgspec.Meta(gt=0, lt=180)] | None = None
    fx: _Positive | None = None
    fy: _Positive | None = None
    cx: float | None = None
    cy: float | None = None


class _Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    stage_from_camera: _Transform | None = None
    look_at: _LookAt | None = None
    intrinsics: _Intrinsics | None = None
    near_m: _Positive = DEFAULT_NEAR_M
    time_s: Annotated[float, msgspec.Meta(ge=0)] | None = None


def look_at(position_m: ArrayLike, target_m: ArrayLike, roll_deg: float = 0.0) -> Pose:
    """``stage_from_camera`` of an upright camera that looks at a point; straight up or down, its right is stage +X.

    Positive roll turns the camera's right side down, as in ``core.frames``. Raises ValueError when the two coincide.
    """
    eye, target = np.asarray(position_m, dtype=np.float64), np.asarray(target_m, dtype=np.float64)
    x, y, z = target - eye
    if not np.isfinite([x, y, z]).all() or (x == 0 and y == 0 and z == 0):
        raise ValueError(f"a camera at {eye.tolist()} cannot look at {target.tolist()}")
    pan = np.arctan2(-x, y) if np.hypot(x, y) > 0 else 0.0
    return camera_from_pan_tilt_roll(pan, np.arctan2(z, np.hypot(x, y)), np.radians(roll_deg), tuple(eye.tolist()))


def parse_cameras(data: bytes, where: str, size: tuple[int, int] | None = None) -> list[NamedView]:
    """The views of a cameras.json's bytes, at ``size`` (width, height) in pixels or their own.

    Raises FormatError, beginning with ``where``: what the file says is not allowed, or ``size`` has another shape.
    """
    try:
        entries = msgspec.json.decode(data, type=list[_Entry])
    except msgspec.ValidationError as error:
        raise FormatError(f"{where}: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{where}: not JSON ({error})") from error
    if not 1 <= len(entries) <= MAX_CAMERAS:
        raise FormatError(f"{where}: holds {len(entries)} cameras; 1 to {MAX_CAMERAS} are allowed")
    names: set[str] = set()
    views = []
    for entry in entries:
        at = f"{where}: camera {entry.name!r}"
        if entry.name in names:
            raise FormatError(f"{at} is there twice")
        names.add(entry.name)
        try:
            view = View(_pose(entry), _camera(entry.intrinsics or _Intrinsics(), size), entry.near_m)
        except ValueError as error:
            raise FormatError(f"{at}: {error}") from error
        views.append(NamedView(entry.name, view, entry.time_s))
    return views


def format_cameras(views: Sequence[NamedView]) -> bytes:
    """A cameras.json of these views, which ``parse_cameras`` reads back."""
    entries = []
    for named in views:
        pose, camera = named.view.stage_from_camera, named.view.camera
        transform = _Transform(tuple(pose.wxyz.tolist()), tuple(pose.position_m.tolist()))
        intrinsics = _Intrinsics(
            camera.width_px, camera.height_px, None, camera.fx, camera.fy, camera.cx, camera.cy
        )  # fmt: skip
        entries.append(_Entry(named.name, transform, None, intrinsics, named.view.near_m, named.time_s))
    return msgspec.json.format(msgspec.json.encode(entries), indent=2)


def parse_camera(text: str, size: tuple[int, int] = DEFAULT_SIZE) -> View:
    """The view of ``--camera``'s text, such as ``position=0,-4,1.6 target=0,0,1 fov=60``.

    Keys: ``position`` (metres) and either ``target`` or ``pan``, ``tilt`` (degrees; + left, + up); ``roll`` (degrees,
    + right side down), ``fov`` (degrees, horizontal), ``near`` (metres). Raises ShowError.
    """
    values: dict[str, list[float]] = {}
    for word in text.split():
        key, _, value = word.partition("=")
        count = _KEYS.get(key)
        if count is None:
            raise ShowError(f"--camera: {word!r} is none of {', '.join(f'{name}=' for name in _KEYS)}")
        try:
            numbers = [float(number) for number in value.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != count or not np.isfinite(numbers).all():
            raise ShowError(
                f"--camera: {key} wants {'three numbers as 0,-4,1.6' if count == 3 else 'a number'}: {word!r}"
            )
        values[key] = numbers
    if "position" not in values or ("target" in values and ("pan" in values or "tilt" in values)):
        raise ShowError(f"--camera: wants position=X,Y,Z and either target=X,Y,Z or pan= and tilt=, got {text!r}")
    pan, tilt, roll = (values.get(key, [0.0])[0] for key in ("pan", "tilt", "roll"))
    position = values["position"]
    fov, near = values.get("fov", [DEFAULT_FOV_DEG])[0], values.get("near", [DEFAULT_NEAR_M])[0]
    if not 0 < fov < 180 or near <= 0:
        raise ShowError(f"--camera: fov is between 0 and 180 degrees and near above 0 metres, got {fov:g} and {near:g}")
    try:
        if "target" in values:
            pose = look_at(position, values["target"], roll)
        else:
            eye = (position[0], position[1], position[2])
            pose = camera_from_pan_tilt_roll(np.radians(pan), np.radians(tilt), np.radians(roll), eye)
    except ValueError as error:
        raise ShowError(f"--camera: {error}") from error
    return View(pose, Camera.from_fov(*size, horizontal_deg=fov), near)


_KEYS = {"position": 3, "target": 3, "pan": 1, "tilt": 1, "roll": 1, "fov": 1, "near": 1}


def _pose(entry: _Entry) -> Pose:
    if (entry.stage_from_camera is None) == (entry.look_at is None):
        raise ValueError("wants stage_from_camera or look_at, one of the two")
    if entry.look_at is not None:
        return look_at(entry.look_at.position_m, entry.look_at.target_m, entry.look_at.roll_deg)
    assert entry.stage_from_camera is not None
    return Pose.from_wxyz(entry.stage_from_camera.wxyz, entry.stage_from_camera.position_m)


def _camera(lens: _Intrinsics, size: tuple[int, int] | None) -> Camera:
    if (lens.width_px is None) != (lens.height_px is None):
        raise ValueError("intrinsics want width_px and height_px together")
    own = None if lens.width_px is None or lens.height_px is None else (lens.width_px, lens.height_px)
    matrix = (lens.fx, lens.fy, lens.cx, lens.cy)
    if all(value is None for value in matrix):
        return Camera.from_fov(*(size or own or DEFAULT_SIZE), horizontal_deg=lens.fov_deg or DEFAULT_FOV_DEG)
    if lens.fov_deg is not None or own is None or any(value is None for value in matrix):
        raise ValueError("intrinsics want width_px, height_px, fx, fy, cx and cy, or fov_deg instead of the last four")
    fx, fy, cx, cy = (float(value) for value in matrix if value is not None)
    camera = Camera(*own, fx, fy, cx, cy)
    if size is None:
        return camera
    if abs(size[0] / size[1] / camera.aspect - 1) > ASPECT_TOLERANCE:
        raise ValueError(f"is {own[0]}x{own[1]}, and {size[0]}x{size[1]} has another shape")
    return camera.resized(*size)
