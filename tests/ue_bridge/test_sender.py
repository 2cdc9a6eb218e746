"""The Live Link sender: what it sends when, over real UDP on loopback."""

import socket
import threading

import numpy as np
import pytest

from translight.core.clock import now_ns
from translight.core.errors import StreamError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.threads import Stages
from translight.tracking import freed
from translight.tracking.motion import Motion
from translight.tracking.ring import Tracked
from translight.tracking.sample import LensSample
from translight.ue_bridge import sender
from translight.ue_bridge.live_link import parse_live_link
from translight.ue_bridge.packets import FilmBack
from translight.ue_bridge.sender import LiveLinkSender, sample_of

BACK = FilmBack("A", 36.0, 20.25, 35.0)
MS = 1_000_000
LOST_NS = 500 * MS


@pytest.fixture
def inlet():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(5)
        yield opened


def tracked(received_ns: int, x_m: float = 1.0, sequence: int = 1) -> Tracked:
    """Measured at x, solved 1 m further, moving at 2 m/s along X."""
    raw = camera_from_pan_tilt_roll(0, 0, 0, (x_m, 0.0, 1.5))
    solved = camera_from_pan_tilt_roll(0, 0, 0, (x_m + 1.0, 0.0, 1.5))
    motion = Motion(received_ns, solved, np.array([2.0, 0, 0, 0, 0, 0]), np.zeros(6))
    return Tracked(raw, received_ns, sequence, motion, "A", received_ns - MS, "01:00:00:00", LensSample())


def sending(inlet: socket.socket, options: str = "") -> LiveLinkSender:
    spec = parse_live_link(f"freed://127.0.0.1:{inlet.getsockname()[1]}{options}")
    return LiveLinkSender(spec, BACK, LOST_NS)


@pytest.mark.parametrize(
    ("kind", "x_m"), [("?pose=raw", 1.0), ("", 2.0), ("?pose=predicted", 2.02), ("?pose=predicted&ahead_ms=50", 2.12)]
)
def test_raw_solved_and_predicted_poses(inlet, kind, x_m):
    with sending(inlet, kind) as out:
        assert out.tick(tracked(10**9), 10**9 + 10 * MS)
        told = freed.parse(inlet.recv(100))
        assert told.x_mm == pytest.approx(x_m * 1000, abs=1 / 32)
        assert (out.sent, out.refused, out.out_of_range) == (1, 0, 0)


def test_a_prediction_is_dated_when_it_comes_true():
    spec = parse_live_link("opentrackio://127.0.0.1?pose=predicted&ahead_ms=50")
    told = sample_of(tracked(10**9), spec, 10**9 + 10 * MS)
    assert told.captured_ns == 10**9 + 60 * MS
    assert told.timecode is None
    raw = sample_of(tracked(10**9), parse_live_link("opentrackio://127.0.0.1?pose=raw"), 10**9 + 10 * MS)
    assert (raw.captured_ns, raw.timecode) == (10**9 - MS, "01:00:00:00")


def test_each_sample_once_and_nothing_of_a_lost_tracker(inlet):
    with sending(inlet) as out:
        first = tracked(10**9)
        assert not out.tick(None, 10**9)
        assert out.tick(first, 10**9)
        assert not out.tick(first, 10**9 + 50 * MS)
        assert out.tick(tracked(10**9 + 60 * MS), 10**9 + 60 * MS)
        assert not out.tick(tracked(10**9 + 60 * MS), 10**9 + 60 * MS + LOST_NS + 1)


def test_a_fast_tracker_is_thinned_to_the_rate(inlet):
    with sending(inlet) as out:
        sent = sum(out.tick(tracked(10**9 + k * 4_166_667, sequence=k), 10**9 + k * 4_166_667) for k in range(240))
    assert 99 <= sent <= 101


def test_predictions_go_on_between_samples_until_the_tracker_is_lost(inlet):
    with sending(inlet, "?pose=predicted&rate=50") as out:
        still = tracked(10**9)
        sent = sum(out.tick(still, 10**9 + k * MS) for k in range(1000))
    assert 25 <= sent <= 27


def test_nobody_listens(inlet):
    with sending(inlet) as out:
        inlet.close()
        for k in range(20):
            out.tick(tracked(10**9 + k * 20 * MS, sequence=k), 10**9 + k * 20 * MS)
    assert out.sent + out.refused == 20


def test_an_impossible_pose_is_counted_and_not_sent(inlet):
    with sending(inlet) as out:
        assert out.tick(tracked(10**9, x_m=float("nan")), 10**9)
        assert (out.sent, out.out_of_range) == (0, 1)


def test_an_interface_that_is_not_ours():
    spec = parse_live_link("opentrackio://239.135.1.1?interface=192.0.2.1")
    with pytest.raises(StreamError) as caught:
        LiveLinkSender(spec, BACK, LOST_NS)
    assert str(caught.value) == (
        "opentrackio://239.135.1.1?interface=192.0.2.1: 192.0.2.1 is no address of this machine: "
        "give interface=ADDRESS of the card"
    )


def test_the_loop_sends_what_comes_and_ends(inlet):
    class Poses:
        def latest(self) -> Tracked:
            return tracked(now_ns())

    before = threading.active_count()
    with sending(inlet) as out, Stages(deadline_s=5) as stages:
        stages.start("send", lambda stop: sender.run(Poses(), [out], stop))
        for _ in range(3):
            assert freed.parse(inlet.recv(100)).x_mm == pytest.approx(2000.0)
    assert threading.active_count() == before
