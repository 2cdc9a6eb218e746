"""The pose ring: what is written is read, whole, by another process too, at any speed."""

import math
import multiprocessing
import struct
import time
import uuid
from collections.abc import Iterator

import numpy as np
import pytest

from translight.core.errors import StreamError
from translight.core.pose import Pose
from translight.core.shared_memory import SharedMemory
from translight.tracking.motion import Motion
from translight.tracking.ring import SLOTS, PoseRing, RingCounts, Tracked
from translight.tracking.sample import LensSample, TrackingSample


@pytest.fixture
def name() -> str:
    return f"test-pose-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def ring(name: str) -> Iterator[PoseRing]:
    with PoseRing.create(name) as made:
        yield made


def record(n: int) -> tuple[TrackingSample, Motion]:
    """A record whose every number follows from n."""
    angle = 0.001 * n
    pose = Pose(np.array([math.cos(angle), math.sin(angle), 0.0, 0.0]), np.array([n, n + 0.25, n + 0.5]))
    lens = LensSample(24.0 + n, 1.0 + n, 2.0 + n, 0.1 + n, n, n + 1, n + 2)
    sample = TrackingSample(pose, n * 1000, n, f"cam {n}", n * 1000 - 7, f"00:00:00:{n % 60:02}", lens)
    velocity, acceleration = np.arange(6) + float(n), np.arange(6) - float(n)
    return sample, Motion(n * 1000 + 1, Pose(pose.wxyz, pose.position_m + 1), velocity, acceleration)


def check(tracked: Tracked) -> int:
    sample, motion = record(tracked.sequence)
    for field in ("received_ns", "sequence", "camera", "captured_ns", "timecode", "lens"):
        assert getattr(tracked, field) == getattr(sample, field), field
    np.testing.assert_array_equal(tracked.stage_from_camera.wxyz, sample.stage_from_camera.wxyz)
    np.testing.assert_array_equal(tracked.stage_from_camera.position_m, sample.stage_from_camera.position_m)
    assert tracked.motion.time_ns == motion.time_ns
    np.testing.assert_array_equal(tracked.motion.stage_from_camera.wxyz, motion.stage_from_camera.wxyz)
    np.testing.assert_array_equal(tracked.motion.stage_from_camera.position_m, motion.stage_from_camera.position_m)
    np.testing.assert_array_equal(tracked.motion.velocity, motion.velocity)
    np.testing.assert_array_equal(tracked.motion.acceleration, motion.acceleration)
    return tracked.sequence


def test_what_is_written_is_read(ring: PoseRing, name: str) -> None:
    with PoseRing.attach(name) as reader:
        assert reader.latest() is None
        for n in range(1, 3 * SLOTS):
            ring.write(*record(n))
            tracked = reader.latest()
            assert tracked is not None
            assert check(tracked) == n
            assert reader.latest() is tracked


def test_what_is_not_known_stays_unknown(ring: PoseRing) -> None:
    sample = TrackingSample(Pose.identity(), 5, 1)
    ring.write(sample, Motion.still(Pose.identity(), 5))
    tracked = ring.latest()
    assert tracked is not None
    assert (tracked.captured_ns, tracked.timecode, tracked.camera) == (None, None, "")
    assert tracked.lens == LensSample()


def test_long_names_are_cut_between_letters(ring: PoseRing) -> None:
    ring.write(TrackingSample(Pose.identity(), 5, 1, "é" * 50, timecode="x" * 99), Motion.still(Pose.identity(), 5))
    tracked = ring.latest()
    assert tracked is not None
    assert (tracked.camera, tracked.timecode) == ("é" * 20, "x" * 16)


def write_fast(name: str, count: int, rate_hz: float) -> None:
    """The other process: a writer that keeps its rate."""
    with PoseRing.attach(name) as ring:
        begin = time.monotonic()
        for n in range(1, count + 1):
            ring.write(*record(n))
            if n % 20 == 0:
                ring.tell(RingCounts(received=n, bad=2 * n, bad_by_cause={"checksum": 2 * n}))
            time.sleep(max(0.0, begin + n / rate_hz - time.monotonic()))


def test_another_process_writes_at_2_khz(ring: PoseRing, name: str) -> None:
    count = 3000
    process = multiprocessing.get_context("spawn").Process(target=write_fast, args=(name, count, 2000.0))
    process.start()
    try:
        seen = reads = last = 0
        deadline = time.monotonic() + 60.0
        while last < count and time.monotonic() < deadline:
            tracked = ring.latest()
            reads += 1
            if tracked is not None and tracked.sequence != last:
                assert check(tracked) > last
                last = tracked.sequence
                seen += 1
            counts = ring.counts()
            assert counts.bad == 2 * counts.received == sum(counts.bad_by_cause.values())
            time.sleep(0.0001)
    finally:
        process.join(30.0)
    assert process.exitcode == 0
    assert last == count
    assert seen > 500
    assert reads >= seen
    assert ring.writer_pid == process.pid
    process.close()


def test_a_record_being_written_is_not_read(ring: PoseRing, name: str) -> None:
    ring.write(*record(1))
    ring.write(*record(2))
    with SharedMemory.attach(f"{name}") as memory, PoseRing.attach(name) as reader:
        words = memory.buffer.cast("q")
        slot = (4096 + 2 * 512) // 8
        words[slot] = 3  # a writer that stopped in the middle of record 2
        assert reader.latest() is None
        words[slot] = 4
        byte = memory.buffer[4096 + 2 * 512 + 100]
        memory.buffer[4096 + 2 * 512 + 100] = byte ^ 1
        assert reader.latest() is None
        memory.buffer[4096 + 2 * 512 + 100] = byte
        assert reader.latest() is not None
        words.release()


def test_counts_are_told_and_read(ring: PoseRing, name: str) -> None:
    assert ring.counts() == RingCounts()
    told = RingCounts(7, 1, 3, {"checksum": 2, "length": 1}, "length: FreeD D1 is 29 bytes, got 3", 239.7, 1, 2, 99)
    ring.tell(told)
    with PoseRing.attach(name) as reader:
        assert reader.counts() == told


def test_counts_too_long_for_the_head_are_shortened(ring: PoseRing) -> None:
    ring.tell(RingCounts(bad=9, bad_by_cause={"x" * 5000: 9}, last_fault="y"))
    assert ring.counts() == RingCounts(bad=9, bad_by_cause={"all": 9})


def test_what_is_no_pose_ring_is_refused(name: str) -> None:
    with pytest.raises(StreamError, match="no shared memory named"):
        PoseRing.attach(name)
    with SharedMemory.create(name, 100_000) as memory:
        with pytest.raises(StreamError, match=f"shared memory '{name}' is not a pose ring"):
            PoseRing.attach(name)
        struct.pack_into("=2q", memory.buffer, 0, int.from_bytes(b"TLPOSES\0", "little"), 9)
        with pytest.raises(StreamError, match=f"pose ring '{name}' is version 9, this reads version 1"):
            PoseRing.attach(name)
    with (
        SharedMemory.create(name, 100),
        pytest.raises(StreamError, match=f"shared memory '{name}' is not a pose ring"),
    ):
        PoseRing.attach(name)


def test_a_new_writer_goes_on_where_the_last_one_ended(ring: PoseRing, name: str) -> None:
    ring.write(*record(5))
    with PoseRing.attach(name) as writer:
        writer.write(*record(1))
    tracked = ring.latest()
    assert tracked is not None
    assert tracked.sequence == 1
