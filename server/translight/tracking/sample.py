"""One tracking datagram's content, in stage axes: what every protocol parser gives and everything after it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from translight.core.pose import Pose


@dataclass(frozen=True, slots=True)
class LensSample:
    """What a tracker says of the lens; None where it says nothing. Raw values are the encoder's own units."""

    focal_length_mm: float | None = None
    focus_distance_m: float | None = None
    f_number: float | None = None
    entrance_pupil_offset_m: float | None = None
    zoom_raw: int | None = None
    focus_raw: int | None = None
    iris_raw: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrackingSample:
    """``stage_from_camera`` as the tracker measured it, with the times that latency is counted from.

    ``received_ns`` is when the datagram left the socket, on ``core.clock``; ``captured_ns`` is when the tracker says
    it measured, on the same clock, or None when it does not say. ``sequence`` counts samples of this source.
    """

    stage_from_camera: Pose
    received_ns: int
    sequence: int
    camera: str = ""
    captured_ns: int | None = None
    timecode: str | None = None
    lens: LensSample = field(default_factory=LensSample)
