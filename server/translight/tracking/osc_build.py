"""OSC messages that tell a camera by an ``OscMap``: what osc.py reads; for the simulator, and for tests."""

from __future__ import annotations

import math

from translight.tracking.angles import Vector, Wxyz, pan_tilt_roll_deg, turn_of
from translight.tracking.osc import Values
from translight.tracking.osc_map import POSITION, UNITS_M, OscMap
from translight.tracking.osc_packet import Argument, build
from translight.tracking.sample import TrackingSample


def build_sample(osc_map: OscMap, sample: TrackingSample) -> list[bytes]:
    """The messages that tell a sample by a map, each a packet of its own; an unknown number is 0."""
    packets = []
    for message in osc_map.messages:
        values = _values(osc_map, sample)
        address = message.address.replace("<name>", sample.camera or "camera").replace("<kind>", "tracker")
        arguments: list[Argument] = []
        for word in message.arguments:
            value = values.get(word.removeprefix("-"), 0.0)
            arguments.append(-value if word.startswith("-") and isinstance(value, float) else value)
        packets.append(build(address, *arguments))
    return packets


def _values(osc_map: OscMap, sample: TrackingSample) -> Values:
    """Every word that a sample can be told by."""
    rows = osc_map.matrix()
    columns = tuple(zip(*rows, strict=True))
    unit = UNITS_M[osc_map.unit]
    position = sample.stage_from_camera.position_m.tolist()
    values: Values = {
        word: sum(c * p for c, p in zip(column, position, strict=True)) / unit
        for word, column in zip(POSITION, columns, strict=True)
    }
    w, *axis = turn_of(sample.stage_from_camera)
    hand = osc_map.hand()
    x, y, z = (hand * sum(c * a for c, a in zip(column, axis, strict=True)) for column in columns)
    degrees = 1.0 if osc_map.angle == "deg" else 180.0 / math.pi
    values |= {"qw": w, "qx": x, "qy": y, "qz": z}
    m = _matrix_of((w, x, y, z))
    values |= {f"r{axis}": a / degrees for axis, a in _euler_of(m, osc_map.order).items()}
    pan, tilt, roll = pan_tilt_roll_deg(sample.stage_from_camera)
    values |= {"pan": pan / degrees, "tilt": tilt / degrees, "roll": roll / degrees}
    values |= {
        "triad_z": math.degrees(math.atan2(m[1][0], m[0][0])),
        "triad_y": math.degrees(math.atan2(m[2][0], m[0][0])),
        "triad_x": math.degrees(math.atan2(m[2][1], m[2][2])),
    }
    lens = sample.lens
    told = {
        "focal_length_mm": lens.focal_length_mm,
        "focus_distance_m": lens.focus_distance_m,
        "focus_distance_cm": lens.focus_distance_m and lens.focus_distance_m * 100.0,
        "f_number": lens.f_number,
        "fov_vertical_deg": _fov_deg(lens.focal_length_mm, osc_map.sensor_height_mm),
        "fov_horizontal_deg": _fov_deg(lens.focal_length_mm, osc_map.sensor_width_mm),
        "zoom_raw": lens.zoom_raw,
        "focus_raw": lens.focus_raw,
        "iris_raw": lens.iris_raw,
    }
    values |= {word: float(value) for word, value in told.items() if value is not None}
    return values | {"name": sample.camera or "camera", "timecode": sample.timecode or ""}


def _fov_deg(focal_length_mm: float | None, size_mm: float | None) -> float | None:
    if focal_length_mm is None or size_mm is None:
        return None
    return math.degrees(2.0 * math.atan(0.5 * size_mm / focal_length_mm))


def _matrix_of(q: Wxyz) -> tuple[Vector, Vector, Vector]:
    w, x, y, z = q
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )


def _euler_of(m: tuple[Vector, Vector, Vector], order: str) -> dict[str, float]:
    """The intrinsic angles in degrees of a rotation; Shoemake, "Euler angle conversion", Graphics Gems IV (1994)."""
    i, j, k = ("xyz".index(axis) for axis in order)
    e = 1.0 if (j - i) % 3 == 1 else -1.0
    sine = min(1.0, max(-1.0, e * m[i][k]))
    if abs(sine) > 1.0 - 1e-9:  # the first and third axis are one line: all of the turn goes to the first
        first, third = math.atan2(e * m[k][j], m[j][j]), 0.0
    else:
        first, third = math.atan2(-e * m[j][k], m[k][k]), math.atan2(-e * m[i][j], m[i][i])
    angles = (first, math.asin(sine), third)
    return {axis: math.degrees(a) for axis, a in zip(order, angles, strict=True)}
