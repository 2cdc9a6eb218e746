"""Tracking samples to motion: smooths a tracker's noise away and finds the velocity that motion.py predicts with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from translight.core.clock import NS_PER_S
from translight.core.pose import Pose
from translight.tracking.kalman import Blend, Process, State, Vector
from translight.tracking.motion import Motion, turn
from translight.tracking.noise import Residual, Variance, blame
from translight.tracking.sample import TrackingSample

_ZERO: Vector = (0.0, 0.0, 0.0)

# Standard deviations on one axis of a camera's motion before anything is known of it. The speeds are so wide that a
# start in the middle of a whip pan passes the gate.
_SPEED_M_S = 5.0
_ACCELERATION_M_S2 = 2.0
_SPEED_DEG_S = 200.0
_ACCELERATION_DEG_S2 = 100.0

# What no film camera surpasses; only a sample that would need more can be an outlier.
_MOST_ACCELERATION_M_S2 = 40.0
_MOST_ACCELERATION_DEG_S2 = 4000.0


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """What the filter believes of trackers and of cameras. The defaults suit a stage; a show rarely sets any."""

    enabled: bool = True
    """Off: every motion is the sample's own pose, standing still, so nothing is smoothed and nothing predicted."""
    measure_noise: bool = True
    """Measure the tracker's noise and jitter while it runs, instead of trusting the next three values throughout."""
    position_noise_m: float = 0.0003
    """Standard deviation of a sample's position on each axis, metres; where measuring starts."""
    rotation_noise_deg: float = 0.003
    """Standard deviation of a sample's rotation about each axis, degrees; where measuring starts."""
    arrival_jitter_ms: float = 0.1
    """Standard deviation of the delay of samples without a capture time; where measuring starts."""
    position_jerk: tuple[float, float] = (0.05, 10.0)
    """White-noise jerk of a calm and of a lively move, m/s³/√Hz."""
    rotation_jerk_deg: tuple[float, float] = (1.0, 300.0)
    """White-noise jerk of a calm and of a lively turn, deg/s³/√Hz."""
    stay_s: float = 2.0
    """How long a move stays calm or lively, on average, seconds."""
    reset_after_ms: float = 250.0
    """After this long without samples, or when the clock jumps back by it, start anew from the next sample."""
    gate_sigma: float = 6.0
    """A sample farther than this many standard deviations from the prediction may be an outlier, if also ..."""
    gate_position_m: float = 0.02
    """... farther than this, metres, plus what 40 m/s² do in the time between samples ..."""
    gate_rotation_deg: float = 0.3
    """... or than this, degrees, plus what 4000°/s² do: no film camera leaves its prediction faster."""
    outliers_to_reset: int = 3
    """So many outliers in a row are a jump of the tracker's: start anew from the last of them."""

    def __post_init__(self) -> None:
        positive = (self.position_noise_m, self.rotation_noise_deg, self.stay_s, self.reset_after_ms, self.gate_sigma)
        if min(*positive, *self.position_jerk, *self.rotation_jerk_deg) <= 0 or self.arrival_jitter_ms < 0:
            raise ValueError("a filter's noise, jerk, times and gate are positive")
        if self.outliers_to_reset < 1 or min(self.gate_position_m, self.gate_rotation_deg) < 0:
            raise ValueError("a filter resets after at least 1 outlier, and its gates are not negative")


@dataclass(slots=True)
class FilterCounts:
    """What became of the samples so far."""

    taken: int = 0
    """Corrected the estimate."""
    late: int = 0
    """Older than one already seen, or of the very same time: dropped."""
    outliers: int = 0
    """Too far from the prediction, or not finite: dropped."""
    resets: int = 0
    """Starts after the first: a gap, a jump of the tracker's, a clock set back."""


class MotionFilter:
    """One camera's filter. Feed it every sample in the order received; each gives the motion as of that sample.

    Two constant-acceleration Kalman filters, blended (kalman.py), on position and again on rotation, where the error
    is a rotation vector in the stage frame and corrections multiply the quaternion (Sola, "Quaternion kinematics for
    the error-state Kalman filter", 2017, section 7, with global angular errors).
    """

    def __init__(self, options: FilterOptions | None = None) -> None:
        self.options = o = options or FilterOptions()
        self.counts = FilterCounts()
        self._position = Blend(Process(*o.position_jerk, o.stay_s, _SPEED_M_S, _ACCELERATION_M_S2))
        self._position_residual = Residual()
        self._position_noise = Variance(o.position_noise_m, least=2e-6, most=0.05)
        calm, lively = (math.radians(jerk) for jerk in o.rotation_jerk_deg)
        speed, acceleration = math.radians(_SPEED_DEG_S), math.radians(_ACCELERATION_DEG_S2)
        self._rotation = Blend(Process(calm, lively, o.stay_s, speed, acceleration))
        self._rotation_residual = Residual()
        self._rotation_noise = Variance(math.radians(o.rotation_noise_deg), least=1e-6, most=0.02)
        self._jitter = Variance(o.arrival_jitter_ms * 1e-3, least=1e-5, most=5e-3)
        self._at_m: Vector = _ZERO
        self._turned: Vector = _ZERO  # sum of all turns, where the residual looks: rotation vectors add while small
        self._wxyz = [1.0, 0.0, 0.0, 0.0]
        self._motion: Motion | None = None
        self._began_ns = 0
        self._outliers_in_a_row = 0

    @property
    def position_noise_m(self) -> float:
        """Standard deviation of the tracker's position on each axis, as measured so far, metres."""
        return math.sqrt(self._position_noise.value)

    @property
    def rotation_noise_deg(self) -> float:
        """Standard deviation of the tracker's rotation about each axis, as measured so far, degrees."""
        return math.degrees(math.sqrt(self._rotation_noise.value))

    @property
    def arrival_jitter_ms(self) -> float:
        """Standard deviation of the arrivals, as measured so far on samples without a capture time, milliseconds."""
        return 1e3 * math.sqrt(self._jitter.value)

    def update(self, sample: TrackingSample) -> Motion:
        """The motion as of this sample; after a sample that was dropped, the motion without it.

        Raises ValueError when the very first pose is not finite.
        """
        time_ns = sample.received_ns if sample.captured_ns is None else sample.captured_ns
        pose = sample.stage_from_camera
        if not self.options.enabled:
            self.counts.taken += 1
            return Motion.still(pose, time_ns)
        finite = math.isfinite(sum(pose.position_m.tolist()) + sum(pose.wxyz.tolist()))
        if self._motion is None:
            if not finite:
                raise ValueError(f"a tracking sample's pose is not finite: {pose}")
            return self._start(pose, time_ns)
        elapsed_ns = time_ns - self._motion.time_ns
        if not finite:
            self.counts.outliers += 1
            return self._motion
        if abs(elapsed_ns) > self.options.reset_after_ms * 1e6:
            self.counts.resets += 1
            return self._start(pose, time_ns)
        if elapsed_ns <= 0:
            self.counts.late += 1
            return self._motion
        return self._advance(pose, time_ns, elapsed_ns / NS_PER_S, timed=sample.captured_ns is not None)

    def _start(self, pose: Pose, time_ns: int, velocity: Vector = _ZERO, spin: Vector = _ZERO) -> Motion:
        x, y, z = pose.position_m.tolist()
        self._at_m, self._wxyz, self._turned = (x, y, z), pose.wxyz.tolist(), _ZERO
        self._position.reset(self._position_noise.value, velocity)
        self._rotation.reset(self._rotation_noise.value, spin)
        self._position_residual.forget()
        self._rotation_residual.forget()
        self._began_ns = time_ns
        self._outliers_in_a_row = 0
        self.counts.taken += 1
        return self._moved(time_ns, self._position.state(), self._rotation.state())

    def _advance(self, pose: Pose, time_ns: int, dt: float, *, timed: bool) -> Motion:
        o = self.options
        self._move(self._position.predict(dt))
        self._turn(self._rotation.predict(dt))
        x, y, z = pose.position_m.tolist()
        off_m = (x - self._at_m[0], y - self._at_m[1], z - self._at_m[2])
        off_rad = _turn_between(self._wxyz, pose.wxyz.tolist())

        moving, turning = self._position.state(), self._rotation.state()
        speed2, spin2 = _square(moving[3:6]), _square(turning[3:6])
        jitter = 0.0 if timed else self._jitter.value
        noise_m2 = self._position_noise.value + jitter * speed2
        noise_rad2 = self._rotation_noise.value + jitter * spin2
        far_m = o.gate_position_m + 0.5 * _MOST_ACCELERATION_M_S2 * dt * dt
        far_rad = math.radians(o.gate_rotation_deg + 0.5 * _MOST_ACCELERATION_DEG_S2 * dt * dt)
        if self._outside(off_m, far_m, self._position.variance() + noise_m2) or self._outside(
            off_rad, far_rad, self._rotation.variance() + noise_rad2
        ):
            self.counts.outliers += 1
            self._outliers_in_a_row += 1
            if self._outliers_in_a_row < o.outliers_to_reset:
                return self._moved(time_ns, moving, turning)
            self.counts.resets += 1
            vx, vy, vz, wx, wy, wz = (*moving[3:6], *turning[3:6])
            return self._start(pose, time_ns, (vx, vy, vz), (wx, wy, wz))

        self._outliers_in_a_row = 0
        self.counts.taken += 1
        if o.measure_noise:
            t = (time_ns - self._began_ns) / NS_PER_S
            u, v, w = self._turned
            left_m2 = self._position_residual.add(t, (x, y, z))
            left_rad2 = self._rotation_residual.add(t, (u + off_rad[0], v + off_rad[1], w + off_rad[2]))
            late = None if timed else self._jitter
            if left_m2 is not None and left_rad2 is not None:
                blame(left_m2, self._position_noise, late, speed2, dt)
                blame(left_rad2, self._rotation_noise, late, spin2, dt)
        self._move(self._position.correct(off_m, noise_m2))
        self._turn(self._rotation.correct(off_rad, noise_rad2))
        return self._moved(time_ns, self._position.state(), self._rotation.state())

    def _outside(self, off: Vector, far: float, variance: float) -> bool:
        square = _square(off)
        return square > far * far and square > self.options.gate_sigma**2 * variance

    def _move(self, step: Vector) -> None:
        x, y, z = self._at_m
        self._at_m = (x + step[0], y + step[1], z + step[2])

    def _turn(self, step: Vector) -> None:
        x, y, z = self._turned
        self._turned = (x + step[0], y + step[1], z + step[2])
        self._wxyz = turn(self._wxyz, *step)

    def _moved(self, time_ns: int, moving: State, turning: State) -> Motion:
        self._motion = Motion(
            time_ns,
            Pose(np.array(self._wxyz), np.array(self._at_m)),
            np.array(moving[3:6] + turning[3:6]),
            np.array(moving[6:9] + turning[6:9]),
        )
        return self._motion


def _square(v: Vector | list[float]) -> float:
    x, y, z = v
    return x * x + y * y + z * z


def _turn_between(before: list[float], after: list[float]) -> Vector:
    """The stage-frame rotation vector, at most π long, that turns one unit quaternion to another."""
    aw, ax, ay, az = after
    bw, bx, by, bz = before
    w = aw * bw + ax * bx + ay * by + az * bz
    x = -aw * bx + ax * bw - ay * bz + az * by
    y = -aw * by + ax * bz + ay * bw - az * bx
    z = -aw * bz - ax * by + ay * bx + az * bw
    if w < 0.0:
        w, x, y, z = -w, -x, -y, -z
    sine = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 * math.atan2(sine, w) / sine if sine > 1e-9 else 2.0
    return x * scale, y * scale, z * scale
