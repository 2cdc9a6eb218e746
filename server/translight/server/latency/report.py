"""What a latency benchmark found, as values that JSON keeps: distributions, frames, and each run's own show."""

from __future__ import annotations

import msgspec
import numpy as np
from hdrh.histogram import HdrHistogram
from jaxtyping import Float64, Int64

from translight.core.errors import FormatError

VERSION = 1
MAX_REPORT_BYTES = 1 << 28
PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9)
_LOWEST_US, _HIGHEST_US, _DIGITS = 1, 3_600_000_000, 3


class Distribution(msgspec.Struct, frozen=True):
    """Milliseconds of ``count`` frames, to three digits (Tene's HdrHistogram, 2012). With nothing counted, all are 0.

    ``corrected`` ones have what a stall kept from being sent counted in (Tene, "How NOT to measure latency", 2013:
    coordinated omission), by the function of that name.
    """

    count: int
    p50: float
    p90: float
    p95: float
    p99: float
    p99_9: float
    max: float
    corrected: bool = False


class Run(msgspec.Struct, frozen=True):
    """One show, measured for ``seconds``. Times in ms; a frame's total is from datagram received to picture copied.

    ``frames`` counts: ``due`` places on the frame clock, ``received`` pictures, ``skipped`` ones that the receiver
    never took, ``duplicates`` received twice, ``dropped`` places that the show let pass, ``torn`` and ``bad`` as the
    receiver has them. ``interval_ms`` is how the times between pictures are spread, ``jitter_ms`` how far they are
    from a frame time, each way. ``totals_us`` are the frames' totals in their order, −1 where a pose was held.
    """

    name: str
    settings: dict[str, str]
    show: str
    seconds: float
    rate: str
    width_px: int
    height_px: int
    backend: str
    detail_level: int
    frames: dict[str, int]
    stages_ms: dict[str, Distribution]
    total_ms: Distribution
    corrected_ms: Distribution
    interval_ms: Distribution
    jitter_ms: Distribution
    totals_us: list[int]
    budget_ms: float | None = None
    over_budget: bool = False
    at_s: list[float] = []
    """When each of ``totals_us`` was received, from the run's begin."""


class Report(msgspec.Struct, frozen=True):
    """Runs of one session on one machine, at ``at`` (ISO 8601, UTC)."""

    version: int
    translight: str
    at: str
    machine: str
    runs: list[Run]


def distribution(values_ms: Float64[np.ndarray, "n"]) -> Distribution:
    """The distribution of values; less than 1 µs counts as 1 µs."""
    histogram = _histogram()
    for us in _microseconds(values_ms):
        histogram.record_value(us)
    return _read(histogram, corrected=False)


def corrected(values_ms: Float64[np.ndarray, "n"], omitted: Int64[np.ndarray, "n"], interval_ms: float) -> Distribution:
    """The same with the places on the frame clock counted that no frame filled: ``omitted`` so many after each frame.

    At such a place the picture before is still shown, ``interval_ms`` older each time; left out, a stall of a second
    would count as one slow frame.
    """
    late_ms = [
        value + k * interval_ms for value, count in zip(values_ms, omitted, strict=True) for k in range(count + 1)
    ]
    histogram = _histogram()
    for us in _microseconds(np.array(late_ms)):
        histogram.record_value(us)
    return _read(histogram, corrected=True)


def _histogram() -> HdrHistogram:
    return HdrHistogram(_LOWEST_US, _HIGHEST_US, _DIGITS)


def _microseconds(values_ms: Float64[np.ndarray, "n"]) -> list[int]:
    whole: list[int] = np.clip(np.rint(np.asarray(values_ms) * 1e3), _LOWEST_US, _HIGHEST_US).astype(np.int64).tolist()
    return whole


def _read(histogram: HdrHistogram, *, corrected: bool) -> Distribution:
    count = histogram.get_total_count()
    if not count:
        return Distribution(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, corrected)
    p50, p90, p95, p99, p99_9 = (histogram.get_value_at_percentile(percent) / 1e3 for percent in PERCENTS)
    return Distribution(count, p50, p90, p95, p99, p99_9, histogram.get_max_value() / 1e3, corrected)


def encode(report: Report) -> bytes:
    """As JSON."""
    return msgspec.json.encode(report)


def decode(data: bytes, source: str) -> Report:
    """From JSON. Raises FormatError on anything that is no report."""
    if len(data) > MAX_REPORT_BYTES:
        raise FormatError(f"{source}: a report is at most {MAX_REPORT_BYTES} bytes, this has {len(data)}")
    try:
        report = msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{source}: not a latency report ({error})") from error
    if report.version != VERSION:
        raise FormatError(f"{source}: a report of version {report.version}; this reads version {VERSION}")
    return report
