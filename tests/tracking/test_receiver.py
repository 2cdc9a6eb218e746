"""The tracking process's loop over a real socket: samples reach the ring filtered, counts are told, stop stops."""

import socket
import threading
import time
import uuid
from pathlib import Path

import pytest

from translight.core.errors import StreamError
from translight.tracking import freed
from translight.tracking.filter import FilterOptions
from translight.tracking.freed import FreeD
from translight.tracking.receiver import Rate, run
from translight.tracking.ring import PoseRing
from translight.tracking.source import parse_source
from translight.tracking.take import Take, TakeWriter


def test_samples_reach_the_ring() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        spec = parse_source(f"freed://127.0.0.1:{port}")
        stop = threading.Event()
        with PoseRing.create(f"test-run-{uuid.uuid4().hex[:12]}") as ring:
            thread = threading.Thread(target=run, args=(spec, ring, stop, FilterOptions()))
            thread.start()
            try:
                time.sleep(0.2)
                for n in range(100):
                    sender.sendto(freed.build(FreeD(1, 0.05 * n, 0, 0, 10.0 * n, 0, 1500, 0, 0)), ("127.0.0.1", port))
                    if n == 50:
                        sender.sendto(b"nonsense", ("127.0.0.1", port))
                    time.sleep(0.005)
                time.sleep(0.3)
            finally:
                stop.set()
                thread.join(5.0)
            assert not thread.is_alive()
            counts = ring.counts()
            assert counts.received == 100
            assert counts.bad_by_cause == {"length": 1}
            assert counts.last_fault == "length: FreeD D1 is 29 bytes, got 8"
            assert counts.rate_hz > 10
            tracked = ring.latest()
            assert tracked is not None
            assert tracked.sequence == 100
            assert tracked.stage_from_camera.position_m.tolist() == pytest.approx([0.99, 0, 1.5], abs=1e-4)
            # 10 mm every 5 ms is 2 m/s to the right; the machine may be slow, so only the direction is sure
            assert tracked.motion.velocity[0] > 0.5
            assert abs(tracked.motion.velocity[1]) < 0.1


def test_what_a_show_receives_can_be_recorded(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"freed://127.0.0.1:{port}"
    data = [freed.build(FreeD(1, n, 0, 0, 0, 0, 0, 0, 0)) for n in range(5)] + [b"bad"]
    stop = threading.Event()
    path = tmp_path / "show.tlt"
    with PoseRing.create(f"test-run-{uuid.uuid4().hex[:12]}") as ring, TakeWriter(path, url) as writer:
        thread = threading.Thread(target=run, args=(parse_source(url), ring, stop), kwargs={"tap": writer.write})
        thread.start()
        try:
            time.sleep(0.2)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for datagram in data:
                    sender.sendto(datagram, ("127.0.0.1", port))
            time.sleep(0.3)
        finally:
            stop.set()
            thread.join(5.0)
    assert [record.datagram for record in Take(path).records()] == data


def test_a_source_that_cannot_open_says_so() -> None:
    with (
        PoseRing.create(f"test-run-{uuid.uuid4().hex[:12]}") as ring,
        pytest.raises(StreamError, match="is no address"),
    ):
        run(parse_source("freed://192.0.2.1:40000"), ring, threading.Event())


def test_rate_is_of_the_last_second() -> None:
    rate = Rate()
    assert rate.update(0, 0) == 0.0
    for quarter in range(1, 20):
        value = rate.update(60 * quarter, quarter * 250_000_000)
        assert value == pytest.approx(240.0)
    for quarter in range(20, 28):
        value = rate.update(60 * 19, quarter * 250_000_000)
    assert value == 0.0
