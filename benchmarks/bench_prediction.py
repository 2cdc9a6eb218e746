"""Predicting the pose: translight.tracking's motion filter against the usual predictors, on simulated moves.

Every rival is given the setting out of a grid that is best over all the cases, found with one seed of noise and judged
with another. Translight's filter runs on its defaults, knowing nothing of the noise.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from benchmarks.predictors import RIVALS, Rival
from translight.core import chart, machine
from translight.core.pose import Pose
from translight.tracking.filter import MotionFilter
from translight.tracking.moves import NoiseOptions, TrackerNoise, open_move
from translight.tracking.sample import TrackingSample

RESULTS = Path(__file__).parent / "results"
OURS = "translight"
SETTLING_S = 1.0
TUNING_SEED, JUDGING_SEED = 11, 12
NOISE = NoiseOptions(drift_position_m=0.0, drift_rotation_deg=0.0)
NOISY = NoiseOptions(0.001, 0.01, 0.0, 0.0)


@dataclass(frozen=True)
class Case:
    """One row: a move seen by a tracker, predicted ``horizon_ms`` ahead."""

    move: str
    rate_hz: float
    horizon_ms: float
    noise: NoiseOptions = field(default=NOISE)
    jitter_ms: float = 0.0
    """Without a capture time: mean delay of arrivals, exponentially distributed."""
    note: str = ""

    @property
    def label(self) -> str:
        return f"{self.move} {self.rate_hz:g} Hz, {self.horizon_ms:g} ms{', ' + self.note if self.note else ''}"


TUNED = [
    Case("crane", 60, 50), Case("crane", 240, 50), Case("pan", 240, 50),
    Case("whip", 60, 20), Case("whip", 240, 50), Case("whip", 240, 100),
]  # fmt: skip
OTHERS = [
    Case("handheld", 60, 50),
    Case("handheld", 240, 20),
    Case("orbit", 120, 50),
    Case("crane", 240, 50, NOISY, note="10 × the noise"),
    Case("whip", 240, 50, NOISY, note="10 × the noise"),
    Case("pan", 240, 50, jitter_ms=0.2, note="0.2 ms arrival jitter"),
]
POSITIONS = [Case("crane", 60, 50), Case("crane", 240, 50), Case("dolly", 240, 50), Case("handheld", 240, 20)]

Errors = Float64[np.ndarray, "n 2"]
"""Millimetres and degrees off, one row a sample."""


@dataclass(frozen=True)
class Recording:
    """A case's samples, and what is true a horizon after each: position and rotation vector, metres and radians."""

    times_s: Float64[np.ndarray, "n"]
    arrivals_s: Float64[np.ndarray, "n"]
    measured: list[Pose]
    coordinates: Float64[np.ndarray, "n 6"]
    reference: Pose
    true: list[Pose]


def main(tiny: bool) -> None:
    seconds = 2.0 if tiny else 30.0
    cases = [*TUNED[1:2], *OTHERS[:1]] if tiny else [*TUNED, *OTHERS]
    chosen = {rival.name: best_setting(rival, cases[:1] if tiny else TUNED, seconds) for rival in RIVALS}
    rotation = table(cases, chosen, seconds, 1, "degrees")
    position = table([] if tiny else POSITIONS, chosen, seconds, 0, "mm")
    cost = costs(tiny)
    settings = "\n".join(f"- {rival.name}: {rival.source}; {rival.settings[chosen[rival.name]]}" for rival in RIVALS)
    text = REPORT.format(
        machine=machine.describe(), rotation=rotation, position=position, cost=cost, settings=settings,
        noise=f"{NOISE.position_m * 1e3:g} mm and {NOISE.rotation_deg:g}°",
    )  # fmt: skip
    print(text)
    if not tiny:
        (RESULTS / "prediction.md").write_text(text, encoding="utf-8")
        whip_by_horizon(chosen, seconds)


def record(case: Case, seed: int, seconds: float) -> Recording:
    move, tracker = open_move(case.move), TrackerNoise(seed, case.noise)
    times = np.arange(round(seconds * case.rate_hz)) / case.rate_hz
    delays = np.random.default_rng(seed).exponential(case.jitter_ms * 1e-3, len(times)) if case.jitter_ms else 0.0
    measured = [tracker.measure(move.pose(t), t) for t in times.tolist()]
    horizon_s = case.horizon_ms * 1e-3
    true = [move.pose(t + horizon_s) for t in times.tolist()]
    reference = Pose(measured[0].wxyz, np.zeros(3)).inverse()
    coordinates = np.stack([
        np.concatenate([pose.position_m, (Pose(pose.wxyz, np.zeros(3)) @ reference).log()[3:]]) for pose in measured
    ])  # fmt: skip
    return Recording(times, np.maximum.accumulate(times + delays), measured, coordinates, reference.inverse(), true)


def rival_errors(predict: Callable[..., Float64[np.ndarray, "n 6"]], case: Case, taken: Recording) -> Errors:
    """A rival predicts position and rotation vector relative to the first pose, as vectors."""
    ahead = case.horizon_ms * 1e-3 - (taken.arrivals_s - taken.times_s)
    predicted = predict(taken.coordinates, taken.arrivals_s, ahead)
    return errors([Pose.exp([0, 0, 0, *row[3:]]) @ taken.reference for row in predicted], predicted[:, :3], taken)


def our_errors(case: Case, taken: Recording) -> Errors:
    motion_filter, predicted = MotionFilter(), []
    for k, (pose, t, arrival) in enumerate(zip(taken.measured, taken.times_s, taken.arrivals_s, strict=True)):
        captured_ns = None if case.jitter_ms else round(t * 1e9)
        motion = motion_filter.update(TrackingSample(pose, round(arrival * 1e9), k, captured_ns=captured_ns))
        predicted.append(motion.at(round((t + case.horizon_ms * 1e-3) * 1e9)))
    return errors(predicted, np.stack([pose.position_m for pose in predicted]), taken)


def errors(poses: list[Pose], positions_m: Float64[np.ndarray, "n 3"], taken: Recording) -> Errors:
    true_m = np.stack([pose.position_m for pose in taken.true])
    got, true = np.stack([pose.wxyz for pose in poses]), np.stack([pose.wxyz for pose in taken.true])
    got *= np.where(np.sum(got * true, axis=1) < 0.0, -1.0, 1.0)[:, None]
    chords = np.linalg.norm(got - true, axis=1)
    off = np.stack([1e3 * np.linalg.norm(positions_m - true_m, axis=1), np.degrees(4.0 * np.arcsin(chords / 2.0))], 1)
    return off[taken.times_s >= SETTLING_S]


def best_setting(rival: Rival, cases: list[Case], seconds: float) -> int:
    """The setting with the least geometric mean, over the cases, of the root mean square rotation error."""
    recordings = [record(case, TUNING_SEED, seconds) for case in cases]
    means = []
    for setting in rival.settings:
        rms = [
            rms_p99(rival_errors(rival.make(**setting), case, taken)[:, 1])[0]
            for case, taken in zip(cases, recordings, strict=True)
        ]
        means.append(float(np.mean(np.log(rms))))
    return int(np.argmin(means))


def rms_p99(values: Float64[np.ndarray, "n"]) -> tuple[float, float]:
    return float(np.sqrt(np.mean(values**2))), float(np.percentile(values, 99))


def table(cases: list[Case], chosen: dict[str, int], seconds: float, column: int, unit: str) -> str:
    names = [*(rival.name for rival in RIVALS), f"**{OURS}**"]
    lines = [f"| {unit}, rms / p99 | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for case in cases:
        taken = record(case, JUDGING_SEED, seconds)
        pairs = [
            rms_p99(rival_errors(rival.make(**rival.settings[chosen[rival.name]]), case, taken)[:, column])
            for rival in RIVALS
        ]
        pairs.append(rms_p99(our_errors(case, taken)[:, column]))
        least = min(rms for rms, _ in pairs)
        cells = [f"**{rms:.3g}** / {p99:.3g}" if rms == least else f"{rms:.3g} / {p99:.3g}" for rms, p99 in pairs]
        lines.append(f"| {case.label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def costs(tiny: bool) -> str:
    """Microseconds a sample and a prediction, the least of several runs."""
    taken = record(Case("crane", 240, 50), JUDGING_SEED, 1.0 if tiny else 4.0)
    samples = [
        TrackingSample(pose, round(t * 1e9), k)
        for k, (pose, t) in enumerate(zip(taken.measured, taken.times_s, strict=True))
    ]
    update, predict = [], []
    for _ in range(2 if tiny else 15):
        motion_filter = MotionFilter()
        began = time.perf_counter()
        motions = [motion_filter.update(sample) for sample in samples]
        between = time.perf_counter()
        for motion in motions:
            motion.at(motion.time_ns + 50_000_000)
        update.append((between - began) / len(samples) * 1e6)
        predict.append((time.perf_counter() - between) / len(samples) * 1e6)
    return (
        f"An update takes {min(update):.0f} µs, a prediction {min(predict):.1f} µs (mean of a run, least of the runs)."
    )


def whip_by_horizon(chosen: dict[str, int], seconds: float) -> None:
    horizons_ms = [5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 65.0, 80.0, 100.0]
    lines: dict[str, list[float]] = {name: [] for name in (*(rival.name for rival in RIVALS), OURS)}
    for horizon_ms in horizons_ms:
        case = Case("whip", 240, horizon_ms)
        taken = record(case, JUDGING_SEED, seconds)
        for rival in RIVALS:
            predict = rival.make(**rival.settings[chosen[rival.name]])
            lines[rival.name].append(rms_p99(rival_errors(predict, case, taken)[:, 1])[0])
        lines[OURS].append(rms_p99(our_errors(case, taken)[:, 1])[0])
    drawn = chart.log_lines(
        "Whip pan, tracker at 240 Hz: rotation error by horizon", "ms ahead", "degrees, rms", horizons_ms, lines
    )
    (RESULTS / "prediction.svg").write_text(drawn, encoding="utf-8")


REPORT = """# Predicting the pose

`python -m benchmarks prediction`. Simulated moves (translight.tracking.moves) seen by a tracker with white noise of
{noise} on each axis unless the row says otherwise, for 30 s, the first second left out. Error of the pose
predicted from each sample a horizon ahead, against the exact pose of that moment. The least rms of a row is bold.

{machine}

## Rotation

{rotation}

## Position

{position}

## Cost

{cost}

## Predictors

Each rival has the one setting of a grid that is best over the first six rows (geometric mean of the rms), found with
another seed of noise than the one judged here. All rivals see vectors: position, and rotation vector from the first
pose.

{settings}
- translight: tracking/filter.py with its default options, the same in every row; the noise is measured, not told.

![Whip pan](prediction.svg)
"""
