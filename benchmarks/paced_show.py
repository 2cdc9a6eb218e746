"""A show's live loop for bench_receivers.py: drawn by the stand-in, paced, and every frame's time and work kept."""

from __future__ import annotations

import gc
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import standin
from translight.core.clock import FrameClock, now_ns
from translight.server.children import read_job
from translight.server.pace import Pace, system_frame_clock
from translight.server.pipeline import Pipeline
from translight.server.show import show_from_text
from translight.stream.header import FrameTimes

COLUMNS = ("begin_ns", "passed", "composite_ns", "send_ns", "publish_cpu_ns")
"""Of a frame: when it began, clock places that went by before it, and what its steps took; of publishing also the
processor time of the thread."""
_MOST = 200_000


def main() -> int:
    """Run until terminated, then write the rows where the job says."""
    job: dict[str, Any] = read_job()
    standin.register()
    rows = np.zeros((_MOST, len(COLUMNS)), np.int64)
    count = 0
    show = show_from_text(job["show"], "the benchmark's show")
    try:
        with Pipeline(show, Path.cwd(), lambda _: None) as pipeline:
            cpu_ns = _timed_publish(pipeline.senders[0])
            pace = Pace(system_frame_clock(FrameClock(Fraction(show.rate))))
            gc.collect()
            gc.freeze()
            gc.disable()
            camera = show.camera.camera(None)
            while count < _MOST:
                slot = pace.wait()
                begin_ns = now_ns()
                times = FrameTimes(presentation_ns=slot.presentation_ns)
                sent = pipeline.frame(show.camera.rest, camera, slot.frame, times=times, pose_sequence=0, flags=0).times
                end_ns = now_ns()
                pace.worked(end_ns - begin_ns)
                composite_ns = sent.composite_end_ns - sent.render_end_ns
                rows[count] = (begin_ns, slot.passed, composite_ns, end_ns - sent.composite_end_ns, cpu_ns[0])
                count += 1
                if count == 1:
                    print("running", flush=True)
    finally:
        np.save(job["rows"], rows[:count])
    return 0


def _timed_publish(sender: Any) -> list[int]:
    """From now on the list's one number is the processor time that ``publish`` took last."""
    took, publish = [0], sender.publish

    def timed(header: Any) -> Any:
        begin = time.thread_time_ns()
        sent = publish(header)
        took[0] = time.thread_time_ns() - begin
        return sent

    sender.publish = timed
    return took


if __name__ == "__main__":
    # run as a module the stand-in's backend must be found by its own name
    sys.exit(main())
