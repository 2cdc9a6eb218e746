"""What each process of a show tells of itself, as it stands on its board (board.py)."""

from __future__ import annotations

import msgspec


class LiveStatus(msgspec.Struct, frozen=True):
    """The live process: rendering, compositing, sending."""

    phase: str = "starting"
    """``starting``, ``running``, ``ended`` or ``failed``."""
    detail: str = ""
    """What is being started, or why it failed."""
    backend: str = ""
    frames_sent: int = 0
    frames_dropped: int = 0
    """Places on the frame clock that passed without a frame."""
    fps: float = 0.0
    """Frames sent in the last second."""
    work_ms: float = 0.0
    """Pose taken to frame sent, median of the last second."""
    work_p99_ms: float = 0.0
    longest_work_ms: float = 0.0
    """Of all frames but the first second's."""
    frames_very_late: int = 0
    """Frames that took longer than two periods, the first second's left out."""
    latency_ms: float = 0.0
    """Datagram received to frame sent, median of the last second."""
    latency_p99_ms: float = 0.0
    stages_ms: dict[str, float] = {}
    """Median of each stage in the last second."""
    tracking_age_ms: float = -1.0
    """Time since the last datagram; −1 before the first."""
    lost_since_s: float = -1.0
    """How long tracking has been lost and the pose held; −1 while it is there."""
    receivers: int = 0
    receivers_of: dict[str, int] = {}
    """The same by what they are sent: ``wall``, ``camera``, ``depth``."""
    outer_renders: int = 0
    detail_level: int = 0
    """Level of detail that the last frame was drawn with; 0: every splat."""
    inner_scale: float = 1.0
    """Resolution of the inner picture over the camera's."""
    quality_changes: int = 0
    """How often the governor has changed the two."""
    first_frame: int = -1
    """Number of the show's first frame on the frame clock, from which cues count; −1 before it."""
    cue: str = ""
    """The last cue that has begun; empty before the first."""
    dissolve: float = 1.0
    """How far it has dissolved into its environment: 1 when it stands alone."""


class TrackingStatus(msgspec.Struct, frozen=True):
    """The tracking process: sockets, parsers, filter."""

    phase: str = "starting"
    detail: str = ""


class SimulatorStatus(msgspec.Struct, frozen=True):
    """The process that sends a simulated or recorded camera move."""

    phase: str = "starting"
    detail: str = ""
    sent: int = 0


class LiveLinkStatus(msgspec.Struct, frozen=True):
    """The process that sends the camera to Unreal's Live Link."""

    phase: str = "starting"
    detail: str = ""
    sent: int = 0
    """Datagrams that left."""
    refused: int = 0
    """Datagrams that the network would not take."""
    out_of_range: int = 0
    """Samples that the wire cannot hold."""
