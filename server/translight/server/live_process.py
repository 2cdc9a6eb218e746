"""The live process: newest pose → predict → render → composite → send, on the frame clock; run by the supervisor.

No event loop, no web server, no thread beside the renderer's and the senders'; the garbage collector is off while it
runs, and the status goes out by a page of shared memory.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from translight.core.camera import Camera
from translight.core.clock import FrameClock, now_ns
from translight.core.errors import TranslightError
from translight.core.pose import Pose
from translight.server.board import Board
from translight.server.children import read_job
from translight.server.governor import LADDER, Governor
from translight.server.pace import Pace, Slot, system_frame_clock
from translight.server.pipeline import Pipeline
from translight.server.places import Mix, mix_at
from translight.server.show import Show, show_from_text
from translight.server.status import LiveStatus
from translight.stream.header import FLAG_PREDICTED, FLAG_TRACKING_LOST, FrameHeader, FrameTimes
from translight.tracking.ring import PoseRing, Tracked

_log = logging.getLogger(__name__)
_STATUS_EVERY_NS = 200_000_000
_SECOND_NS = 1_000_000_000
_RECENT = 1024
_UNTURNED = np.array((1.0, 0.0, 0.0, 0.0))
_STEPS = ("pose_age", "wait", "render", "composite", "send")


class LiveLoop:
    """Runs a pipeline on the frame clock from a pose ring until its board says stop.

    ``first_frame`` is the show's first where this process was started anew in the middle of it: cues count from there.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        ring: PoseRing,
        board: Board[LiveStatus],
        backend: str,
        first_frame: int | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._show: Show = pipeline.show
        self._ring = ring
        self._board = board
        self._camera: Camera = self._show.camera.camera(None)
        self._focal_length_mm: float | None = None
        period_ns = float(FrameClock(self._show.rate).period_ns)
        self._mix = Mix()
        self._first_frame = first_frame
        self._governor = Governor(period_ns, LADDER if self._show.render.hold_rate else LADDER[:1])
        self._meter = _Meter(backend, period_ns)

    def run(self) -> None:
        """The loop. Before the first datagram it shows the environment from the show's resting camera."""
        pace = Pace(system_frame_clock(FrameClock(self._show.rate)))
        while not self._board.stopping:
            slot = pace.wait()
            begin_ns = now_ns()
            self._cue(slot, begin_ns)
            tracked = self._ring.latest()
            sent = self._frame(slot, tracked, begin_ns)
            work_ns = now_ns() - begin_ns
            pace.worked(work_ns)
            sky_ns = self._pipeline.outer_sky_ns
            self._govern(work_ns, sent.times.render_end_ns - sent.times.render_begin_ns - sky_ns, sky_ns)
            self._meter.add(sent, work_ns, slot.passed)
            self._tell(tracked)
        self._board.write(self._status("ended", -1.0, None, {}))

    def _frame(self, slot: Slot, tracked: Tracked | None, taken_ns: int) -> FrameHeader:
        show = self._show
        if tracked is None:
            pose, flags, times, sequence = show.camera.rest, FLAG_TRACKING_LOST, FrameTimes(), 0
        else:
            lost = taken_ns - tracked.received_ns > show.tracking.lost_after_ns
            pose = self._pose(tracked, slot)
            flags = (FLAG_TRACKING_LOST if lost else 0) | (FLAG_PREDICTED if show.tracking.predict else 0)
            captured_ns = -1 if tracked.captured_ns is None else tracked.captured_ns
            times, sequence = FrameTimes(captured_ns, tracked.received_ns), tracked.sequence
            self._follow_lens(tracked)
        times = replace(times, pose_taken_ns=taken_ns, presentation_ns=slot.presentation_ns)
        return self._pipeline.frame(
            pose,
            self._camera,
            slot.frame,
            times=times,
            pose_sequence=sequence,
            flags=flags,
            quality=self._governor.quality,
            mix=self._mix,
        )

    def _cue(self, slot: Slot, begin_ns: int) -> None:
        """What the cues ask for at this frame; what another environment takes to draw is not known before."""
        if self._first_frame is None:
            self._first_frame = slot.frame
        before = self._mix
        self._mix = mix_at(self._show.cues, float((slot.frame - self._first_frame) / self._show.rate))
        if (before.first, before.second) != (self._mix.first, self._mix.second):
            self._governor.restart(begin_ns)
            if self._mix.second != before.second:
                _log.info("cue: %s", self._show.cues[self._mix.second - 1].name)

    def _govern(self, work_ns: int, draw_ns: int, sky_ns: int) -> None:
        before = self._governor.quality
        if self._governor.worked(work_ns, draw_ns, now_ns(), sky_ns):
            _log.info("quality: %s, then %s", before, self._governor.quality)

    def _pose(self, tracked: Tracked, slot: Slot) -> Pose:
        """The pinhole's pose, predicted to the presentation time; a silent tracker's motion glides to its end."""
        plan = self._show.tracking
        pose = tracked.stage_from_camera
        if plan.predict:
            pose = tracked.motion.at(slot.presentation_ns + plan.output_delay_ns)
        pupil_m = tracked.lens.entrance_pupil_offset_m
        if pupil_m and self._show.camera.tracked_lens:
            # Trackers that send an entrance pupil send the sensor's pose; light converges that far in front of it.
            pose = pose @ Pose(_UNTURNED, np.array((0.0, 0.0, pupil_m)))
        return pose

    def _follow_lens(self, tracked: Tracked) -> None:
        focal_length_mm = tracked.lens.focal_length_mm
        if focal_length_mm != self._focal_length_mm and self._show.camera.tracked_lens:
            self._focal_length_mm = focal_length_mm
            self._camera = self._show.camera.camera(focal_length_mm)

    def _tell(self, tracked: Tracked | None) -> None:
        if not self._meter.due():
            return
        age = self._age(tracked)
        lost_after = self._show.tracking.lost_after_ns / 1e6
        lost = (age - lost_after) / 1e3 if tracked is not None and age > lost_after else None
        self._board.write(self._status("running", age, lost, self._receivers()))

    def _status(self, phase: str, age_ms: float, lost_s: float | None, receivers: dict[str, int]) -> LiveStatus:
        return msgspec.structs.replace(
            self._meter.status(),
            phase=phase,
            tracking_age_ms=age_ms,
            lost_since_s=-1.0 if lost_s is None else lost_s,
            receivers=sum(receivers.values()),
            receivers_of=receivers,
            outer_renders=self._pipeline.outer_renders,
            detail_level=self._governor.quality.detail,
            inner_scale=self._governor.quality.scale,
            quality_changes=self._governor.changes,
            first_frame=-1 if self._first_frame is None else self._first_frame,
            cue=self._show.cues[self._mix.second - 1].name if self._mix.second else "",
            dissolve=1.0 if self._mix.first == self._mix.second else self._mix.fraction,
        )

    def _age(self, tracked: Tracked | None) -> float:
        return -1.0 if tracked is None else (now_ns() - tracked.received_ns) / 1e6

    def _receivers(self) -> dict[str, int]:
        """By what they are sent."""
        counted: dict[str, int] = {}
        for ways in self._pipeline.ways:
            here = sum(sender.counts().receivers or 0 for sender in ways.senders)
            counted[ways.carries] = counted.get(ways.carries, 0) + here
        return counted


class _Meter:
    """Counts frames and keeps the last second's stage times, in arrays made once."""

    def __init__(self, backend: str, period_ns: float) -> None:
        self._backend = backend
        self._period_ns = period_ns
        self._begun_ns = self._longest_ns = self._very_late = 0
        self._sent = self._passed = 0
        self._at_ns = np.zeros(_RECENT, np.int64)
        self._ms = np.full((_RECENT, len(_STEPS) + 2), np.nan)
        self._told_ns = now_ns()

    def add(self, sent: FrameHeader, work_ns: int, passed: int) -> None:
        t = sent.times
        row = self._sent % _RECENT
        marks = (t.received_ns, t.pose_taken_ns, t.render_begin_ns, t.render_end_ns, t.composite_end_ns, t.sent_ns)
        for k in range(len(_STEPS)):
            self._ms[row, k] = (marks[k + 1] - marks[k]) / 1e6
        self._ms[row, -2] = work_ns / 1e6
        self._begun_ns = self._begun_ns or t.sent_ns
        if t.sent_ns - self._begun_ns > _SECOND_NS:
            self._longest_ns = max(self._longest_ns, work_ns)
            self._very_late += work_ns > 2 * self._period_ns
        self._ms[row, -1] = (t.sent_ns - t.received_ns) / 1e6
        if sent.flags & FLAG_TRACKING_LOST:
            self._ms[row, [0, -1]] = np.nan
        self._at_ns[row] = t.sent_ns
        self._sent += 1
        self._passed += passed

    def due(self) -> bool:
        if now_ns() - self._told_ns < _STATUS_EVERY_NS:
            return False
        self._told_ns = now_ns()
        return True

    def status(self) -> LiveStatus:
        """The frames' part of the status."""
        recent = self._at_ns > now_ns() - _SECOND_NS
        ms = self._ms[recent]
        fps = 0.0
        if recent.sum() > 1:
            times = np.sort(self._at_ns[recent])
            fps = float((len(times) - 1) * 1e9 / (times[-1] - times[0]))
        return LiveStatus(
            backend=self._backend,
            frames_sent=self._sent,
            frames_dropped=self._passed,
            fps=fps,
            work_ms=_middle(ms[:, -2], 50),
            work_p99_ms=_middle(ms[:, -2], 99),
            longest_work_ms=self._longest_ns / 1e6,
            frames_very_late=self._very_late,
            latency_ms=_middle(ms[:, -1], 50),
            latency_p99_ms=_middle(ms[:, -1], 99),
            stages_ms={name: _middle(ms[:, k], 50) for k, name in enumerate(_STEPS)},
        )


def _middle(values: np.ndarray, percent: float) -> float:
    seen = values[np.isfinite(values)]
    return float(np.percentile(seen, percent)) if len(seen) else -1.0


def main() -> int:
    """The process's entry: its job names the show, the board and the pose ring."""
    logging.basicConfig(level=logging.WARNING, format="translight: %(message)s")
    job = read_job()
    with Board.attach(job["board"], LiveStatus) as board:
        tell: Callable[[str], None] = lambda text: board.write(LiveStatus(detail=text))  # noqa: E731
        try:
            tell("reading the show")
            show = show_from_text(job["show"], job["source"])
            with PoseRing.attach(job["ring"]) as ring, Pipeline(show, Path(job["base"]), tell) as pipeline:
                # A collection over a large heap stops every thread for hundreds of milliseconds; the loop makes no
                # reference cycles, so counting references frees all that it uses.
                gc.collect()
                gc.freeze()
                gc.disable()
                LiveLoop(pipeline, ring, board, pipeline.renderer.name, job.get("first_frame")).run()
        except TranslightError as error:
            board.write(LiveStatus(phase="failed", detail=str(error)))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
