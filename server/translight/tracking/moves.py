"""Camera moves with an exact pose at every time, and the noise a tracker adds; simulate.py sends them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.pose import Pose

HOME_M = (0.0, -5.0, 1.6)
"""Where the camera stands when a move leaves it alone: on the stage floor's near side, at eye height."""

SUBJECT_M = (0.0, 0.0, 1.5)
"""What the moves that frame something look at."""

Path = Callable[[float], tuple[float, float, float, float, float, float]]
"""Seconds → x, y, z in metres, then pan (+ left), tilt (+ up) and roll in degrees."""


@dataclass(frozen=True, slots=True)
class Move:
    """A camera move that repeats after ``period_s`` without a jump in position or velocity."""

    name: str
    period_s: float
    path: Path

    def pose(self, t_s: float) -> Pose:
        """``stage_from_camera`` at ``t_s`` seconds, for any finite time; OpenCV camera axes."""
        x, y, z, pan_deg, tilt_deg, roll_deg = self.path(t_s % self.period_s)
        return camera_from_pan_tilt_roll(
            math.radians(pan_deg), math.radians(tilt_deg), math.radians(roll_deg), (x, y, z)
        )


@dataclass(frozen=True, slots=True)
class NoiseOptions:
    """What a tracker adds to the truth. The defaults are those of a good optical or encoded system on a stage."""

    position_m: float = 0.0001
    """Standard deviation of the white noise on each axis, metres."""
    rotation_deg: float = 0.0008
    """Standard deviation of the white noise about each axis, degrees."""
    drift_position_m: float = 0.001
    """Standard deviation of the slow drift on each axis, metres."""
    drift_rotation_deg: float = 0.01
    """Standard deviation of the slow drift about each axis, degrees."""
    drift_period_s: float = 40.0
    """The drift's shortest period, seconds: it looks like warming up and re-solving, not like motion."""


class TrackerNoise:
    """White noise and slow drift, from a seed. A protocol's quantisation is added by its packet builder."""

    def __init__(self, seed: int, options: NoiseOptions | None = None) -> None:
        self.options = options or NoiseOptions()
        self._rng = np.random.default_rng(seed)
        tones = 3
        self._drift_rad_s = 2.0 * math.pi / (self.options.drift_period_s * np.array([1.0, math.sqrt(3), math.sqrt(7)]))
        self._drift_phase = self._rng.uniform(0.0, 2.0 * math.pi, (6, tones))
        self._drift_scale = _per_axis(self.options.drift_position_m, self.options.drift_rotation_deg)
        self._drift_scale *= math.sqrt(2.0 / tones)
        self._white_scale = _per_axis(self.options.position_m, self.options.rotation_deg)

    def measure(self, pose: Pose, t_s: float) -> Pose:
        """What the tracker says of ``pose`` at ``t_s`` seconds; every call draws new white noise."""
        drift = self._drift_scale * np.sin(self._drift_rad_s * t_s + self._drift_phase).sum(axis=1)
        error = drift + self._white_scale * self._rng.standard_normal(6)
        turned = Pose.exp(np.concatenate([np.zeros(3), error[3:]])) @ Pose(pose.wxyz, np.zeros(3))
        return Pose(turned.wxyz, pose.position_m + error[:3])


def open_move(name: str, seed: int = 0) -> Move:
    """The move called ``name``; ``seed`` varies those with chance in them (handheld). Raises ValueError."""
    if name not in MOVES:
        raise ValueError(f"no camera move {name!r}; there are {', '.join(MOVES)}")
    return MOVES[name](seed)


def static() -> Move:
    """A camera on sticks."""
    return Move("static", 10.0, lambda _t: (*HOME_M, 0.0, 0.0, 0.0))


def crane() -> Move:
    """A jib's arm: up and over in a slow arc, the head keeping the subject framed. At most 8°/s."""
    period_s = 9.7

    def path(t: float) -> tuple[float, float, float, float, float, float]:
        phase = 2.0 * math.pi * t / period_s
        at = (1.5 * math.sin(phase), HOME_M[1] + 0.4 * math.cos(phase), 2.0 - 0.9 * math.cos(phase))
        pan_deg, tilt_deg = _looking_at(at, SUBJECT_M)
        return *at, 0.65 * pan_deg, 0.4 * tilt_deg, 0.5 * math.sin(phase)

    return Move("crane", period_s, path)


def dolly() -> Move:
    """A dolly on straight track across the set and a little towards it, with a stop at either end."""
    period_s = 16.0

    def path(t: float) -> tuple[float, float, float, float, float, float]:
        along = _there_and_back(t, period_s, 6.0)
        at = (-1.5 + 3.0 * along, HOME_M[1] - 0.3 + 0.6 * along, HOME_M[2])
        return *at, 0.0, 0.0, 0.0

    return Move("dolly", period_s, path)


def orbit() -> Move:
    """To and fro along an arc around the subject, always facing it."""
    period_s, radius_m, swing_rad = 14.0, 5.0, 0.3

    def path(t: float) -> tuple[float, float, float, float, float, float]:
        angle = swing_rad * math.sin(2.0 * math.pi * t / period_s)
        at = (SUBJECT_M[0] + radius_m * math.sin(angle), SUBJECT_M[1] - radius_m * math.cos(angle), HOME_M[2])
        return *at, *_looking_at(at, SUBJECT_M), 0.0

    return Move("orbit", period_s, path)


def pan() -> Move:
    """An operator's pan on sticks: 40° in 3.75 s, a hold, and back. At most 20°/s."""
    period_s = 27.0
    return Move("pan", period_s, lambda t: (*HOME_M, -20.0 + 40.0 * _there_and_back(t, period_s, 3.75), 0.0, 0.0))


def whip() -> Move:
    """A whip pan: 48° in 0.56 s with a little tilt, a hold, and back. At most 160°/s."""
    period_s, leg_s = 6.4, 0.56

    def path(t: float) -> tuple[float, float, float, float, float, float]:
        along = _there_and_back(t, period_s, leg_s)
        return *HOME_M, -24.0 + 48.0 * along, 3.0 * along, 0.0

    return Move("whip", period_s, path)


def handheld(seed: int = 0) -> Move:
    """A camera on a shoulder: breathing, sway and tremor as tones up to 8 Hz whose amplitude falls as 1/f^1.5.

    The power spectrum of a standing body's sway falls roughly as 1/f² to 1/f⁴ (Collins and De Luca, "Open-loop and
    closed-loop control of posture", 1993); muscles hold the camera's fast motion lower still than this.
    """
    period_s, lowest_hz, highest_hz = 20.0, 0.15, 8.0
    rng = np.random.default_rng(seed)
    cycles = np.arange(math.ceil(lowest_hz * period_s), int(highest_hz * period_s) + 1)
    tones: Float64[np.ndarray, "6 n"] = rng.normal(size=(6, len(cycles))) * cycles**-1.5
    tones *= math.sqrt(2.0) / np.sqrt((tones**2).sum(axis=1, keepdims=True))
    tones *= np.array([0.02, 0.015, 0.012, 0.9, 0.7, 0.4])[:, None]
    phases = rng.uniform(0.0, 2.0 * math.pi, tones.shape)
    rates = 2.0 * math.pi * cycles / period_s

    def path(t: float) -> tuple[float, float, float, float, float, float]:
        x, y, z, pan_deg, tilt_deg, roll_deg = (tones * np.sin(rates * t + phases)).sum(axis=1).tolist()
        return HOME_M[0] + x, HOME_M[1] + y, HOME_M[2] + z, pan_deg, tilt_deg, roll_deg

    return Move("handheld", period_s, path)


MOVES: dict[str, Callable[[int], Move]] = {
    "crane": lambda _seed: crane(),
    "dolly": lambda _seed: dolly(),
    "handheld": handheld,
    "orbit": lambda _seed: orbit(),
    "pan": lambda _seed: pan(),
    "static": lambda _seed: static(),
    "whip": lambda _seed: whip(),
}
"""Every move by its name in a ``simulate://`` URL."""


def _eased(fraction: float) -> float:
    """0 to 1 with velocity and acceleration zero at both ends: how a trained hand moves.

    Flash and Hogan, "The coordination of arm movements" (1985): the minimum-jerk polynomial.
    """
    s = min(max(fraction, 0.0), 1.0)
    return s * s * s * (10.0 + s * (-15.0 + 6.0 * s))


def _there_and_back(t_s: float, period_s: float, leg_s: float) -> float:
    """0, eased to 1 within ``leg_s``, held, eased back at half the period, held."""
    if t_s < period_s / 2.0:
        return _eased(t_s / leg_s)
    return 1.0 - _eased((t_s - period_s / 2.0) / leg_s)


def _looking_at(from_m: tuple[float, float, float], to_m: tuple[float, float, float]) -> tuple[float, float]:
    """Pan and tilt in degrees of a camera at ``from_m`` that has ``to_m`` in its middle."""
    x, y, z = (b - a for a, b in zip(from_m, to_m, strict=True))
    return math.degrees(math.atan2(-x, y)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _per_axis(position_m: float, rotation_deg: float) -> Float64[np.ndarray, "6"]:
    return np.array([position_m] * 3 + [math.radians(rotation_deg)] * 3)
