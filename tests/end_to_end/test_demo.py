"""``translight demo``: the whole path on embedded defaults, as its users start it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def _demo(*arguments: str, timeout: float = 200) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "translight.cli", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def _checked(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stdout.splitlines()
    report = json.loads(lines[-1])
    assert report["frames_received"] > 10
    assert report["frames_received"] <= report["frames_sent"]
    assert report["frames_torn"] == 0
    assert report["fps"] == pytest.approx(1000 / report["frame_time_ms"])
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p95"] <= report["latency_ms"]["p99"]
    assert {"pose_age", "render", "composite", "send", "transport", "copy"} <= set(report["stages_ms"])
    assert report["tracking"]["received"] > 100
    assert report["tracking"]["bad"] == 0
    return report


@pytest.mark.parametrize(
    "protocol", ["osc", *(pytest.param(name, marks=pytest.mark.slow) for name in ("freed", "opentrackio"))]
)
def test_the_demo_runs_whole_in_every_protocol(protocol: str, tmp_path: Path) -> None:
    snapshot = tmp_path / "wall.png"
    _checked(_demo("--seconds", "3", "--json", "--protocol", protocol, "--snapshot", str(snapshot)))
    with Image.open(snapshot) as picture:
        assert picture.size == (1920, 688)
        low, high = picture.convert("L").getextrema()
        assert high - low > 100, "the wall must show something"


@pytest.mark.slow
def test_the_demo_plays_a_real_capture() -> None:
    capture = SHARED / "splats" / "playbot_125k_sog"
    if not capture.is_dir():
        pytest.skip(f"there is no {capture}")
    _checked(_demo("--environment", str(capture), "--seconds", "3", "--json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--environment", "nowhere.ply"), "there is no "),
        (("--rate", "fast"), 'rate is "fast", give a frame rate'),
        (("--snapshot", "no/such/folder/x.png"), "there is no folder "),
        (("--move", "jump"), "there is no move 'jump': give one of "),
        (("--protocol", "morse"), "morse"),
    ],
)
def test_a_mistake_is_one_line_and_status_one(arguments: tuple[str, str], message: str) -> None:
    done = _demo("--seconds", "1", *arguments)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("translight: ")]
    assert len(errors) == 1, done.stderr
    assert message in errors[0]
    assert "Traceback" not in done.stderr
