import itertools
import threading
import time

from translight.core.latest import Latest
from translight.core.threads import Stages


def test_the_newest_value_wins_and_is_given_once():
    box: Latest[int] = Latest()
    assert box.peek() is None
    assert box.get(timeout_s=0) is None
    for value in (1, 2, 3):
        box.put(value)
    assert box.get(timeout_s=0) == 3
    assert box.get(timeout_s=0) is None
    assert box.peek() == 3
    assert (box.put_count, box.skipped_count) == (3, 2)


def test_a_falsy_value_is_a_value():
    box: Latest[int] = Latest()
    box.put(0)
    assert box.get(timeout_s=0) == 0
    assert box.get(timeout_s=0) is None


def test_get_waits_for_a_value_and_for_no_longer_than_told():
    box: Latest[str] = Latest()
    begin = time.monotonic()
    assert box.get(timeout_s=0.05) is None
    assert 0.045 < time.monotonic() - begin < 5
    waiting = threading.Event()

    def put_later(stop: threading.Event) -> None:
        waiting.wait()
        stop.wait(0.05)
        box.put("late")

    with Stages() as stages:
        stages.start("put", put_later)
        waiting.set()
        assert box.get(timeout_s=5) == "late"


def test_a_reader_that_waits_without_a_limit_is_woken_by_the_close():
    box: Latest[int] = Latest()
    got: list[int | None] = []

    def read(stop: threading.Event) -> None:
        got.append(box.get())

    with Stages() as stages:
        stages.start("read", read)
        time.sleep(0.02)
        assert got == []
        box.close()
    assert got == [None]
    assert box.closed


def test_closing_keeps_what_was_put_before_and_drops_what_comes_after():
    box: Latest[int] = Latest()
    box.put(1)
    assert not box.closed
    box.close()
    box.put(2)
    assert box.get() == 1
    assert box.get() is None
    assert (box.put_count, box.skipped_count, box.peek()) == (1, 0, 1)


def test_under_load_a_slow_reader_sees_rising_values_and_every_put_is_accounted_for():
    box: Latest[int] = Latest()
    taken: list[int] = []
    count = 20_000

    def write(stop: threading.Event) -> None:
        for value in range(count):
            box.put(value)
        box.close()

    def read(stop: threading.Event) -> None:
        while (value := box.get(timeout_s=10)) is not None:
            taken.append(value)
            if value % 7 == 0:
                time.sleep(0.0005)

    with Stages(deadline_s=20) as stages:
        stages.start("read", read)
        stages.start("write", write)
        while stages.running and not stages.stop.is_set():
            time.sleep(0.001)
    assert all(a < b for a, b in itertools.pairwise(taken))
    assert taken[-1] == count - 1
    assert box.put_count == count
    assert len(taken) + box.skipped_count == count
    assert box.skipped_count > 0
