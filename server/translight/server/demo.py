"""The demo: a show that needs no file, no tracker and no wall: simulated crane over UDP, arc wall, one receiver."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translight.core.errors import ShowError
from translight.environment.package import is_package
from translight.server import children
from translight.server.places import BUILT_IN
from translight.server.show import show_from_text
from translight.server.supervisor import ShowState, Supervisor

_REPORT_WITHIN_S = 2.0
_FIRST_FRAME_WITHIN_S = 300


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the demo shows. ``environment`` None is the procedural one; a bare splat file is fitted to the stage."""

    environment: Path | None = None
    rate: str = "30"
    seconds: float | None = None
    snapshot: Path | None = None
    move: str = "crane"
    protocol: str = "osc"
    output: str = ""


def demo_show(plan: DemoPlan) -> str:
    """The demo's show file: a 10 m arc wall, 1280×720 inner frustum through a 35 mm lens."""
    environment = BUILT_IN if plan.environment is None else str(plan.environment.resolve())
    # A package says where it stands and how large it is; a bare splat file does not.
    fit = "false" if plan.environment is None or is_package(plan.environment) else "true"
    return f"""\
name = "demo"
rate = {json.dumps(plan.rate)}
outputs = [{json.dumps(_output(plan))}]

[environment]
path = {json.dumps(environment)}
fit = {fit}

[tracking]
source = "simulate://{plan.move}?protocol={plan.protocol}&port={free_udp_port()}&rate=240"

[camera]
pixels = [1280, 720]
sensor_width_mm = 36.0
focal_length_mm = 35.0

[[walls]]
name = "arc"
kind = "arc"
centre_m = [0.0, -4.0]
radius_m = 5.5
arc_deg = 105.0
height_m = 3.6
pixels = [1920, 688]

[volume]
eye_m = [0.0, -4.0, 1.6]
"""


def run_demo(plan: DemoPlan, each_second: Callable[[ShowState], None]) -> dict[str, Any]:
    """Run the demo until its seconds are over or a signal comes; returns its report. Raises TranslightError."""
    text = demo_show(plan)
    url = _output(plan)
    show = show_from_text(text, "the demo's show")
    if plan.snapshot is not None and not plan.snapshot.resolve().parent.is_dir():
        raise ShowError(f"--snapshot {plan.snapshot}: there is no folder {plan.snapshot.resolve().parent}")
    watch = ["receive", url, "--json", "--until-ended", "--wait", str(_FIRST_FRAME_WITHIN_S)]
    if plan.snapshot is not None:
        watch += ["--png", str(plan.snapshot.resolve())]
    with Supervisor(show, text, "the demo's show", Path.cwd()) as supervisor:
        receiver = children.start_command("receiver", watch, stdout=subprocess.PIPE)
        try:
            supervisor.watch(each_second, plan.seconds)
            final = supervisor.end()
            assert final is not None, "the show was running"
            received = _receiver_report(receiver)
        finally:
            receiver.kill()
    return _report(final, received)


def _report(final: ShowState, received: dict[str, Any]) -> dict[str, Any]:
    """The demo's JSON object; latencies and rates are the receiver's, who sees the whole path."""
    live = final.live
    return {
        "frames_sent": live.frames_sent,
        "frames_received": received.get("frames_received", 0),
        "frames_torn": received.get("frames_torn", 0),
        "frames_skipped": received.get("frames_skipped", 0),
        "frames_dropped": live.frames_dropped,
        "fps": received.get("fps", 0.0),
        "frame_time_ms": 1000.0 / received["fps"] if received.get("fps") else None,
        "latency_ms": received.get("latency_ms"),
        "stages_ms": received.get("stages_ms", {}),
        "tracking": {
            "received": final.tracking_received,
            "bad": final.tracking_bad,
            "bad_by_cause": final.tracking_bad_by_cause,
        },
        "width": received.get("width"),
        "height": received.get("height"),
        "backend": live.backend,
        "longest_work_ms": live.longest_work_ms,
        "frames_very_late": live.frames_very_late,
        "detail_level": live.detail_level,
        "inner_scale": live.inner_scale,
        "quality_changes": live.quality_changes,
        "restarts": final.restarts,
    }


def _receiver_report(receiver: children.Child) -> dict[str, Any]:
    """The receiver ends by itself when the show does; its last line is its report. Empty when no frame came."""
    try:
        out, _ = receiver.process.communicate(timeout=_REPORT_WITHIN_S)
    except subprocess.TimeoutExpired:
        return {}
    lines = out.strip().splitlines()
    report = json.loads(lines[-1]) if lines else {}
    assert isinstance(report, dict), "the receiver prints one JSON object"
    return report


def _output(plan: DemoPlan) -> str:
    return plan.output or f"shm://demo-{os.getpid()}"


def free_udp_port() -> int:
    """A port of this machine that nothing listened on a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
