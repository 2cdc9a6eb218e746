import threading
import time
from collections.abc import Callable

import pytest

from translight.core.errors import StuckThreadError
from translight.core.threads import Stages

Target = Callable[[threading.Event], object]


def _until_stop(stop: threading.Event, seen: list[str], name: str) -> None:
    stop.wait()
    seen.append(name)


def _wait(stop: threading.Event) -> None:
    stop.wait()


def _fails_with(error: BaseException) -> Target:
    def fail(stop: threading.Event) -> None:
        raise error

    return fail


def _deaf_until(release: threading.Event) -> Target:
    def deaf(stop: threading.Event) -> None:
        release.wait()

    return deaf


def _run(stages: Stages, body_error: BaseException | None = None, **targets: Target) -> None:
    """Start the targets by name, wait until one of them fails (when one does), then leave, raising ``body_error``."""
    with stages:
        for name, target in targets.items():
            stages.start(name, target)
        stages.stop.wait(0.2)
        if body_error is not None:
            raise body_error


def test_stages_run_beside_each_other_and_end_with_the_block():
    seen: list[str] = []
    before = threading.active_count()
    with Stages() as stages:
        stages.start("one", _until_stop, seen, "one")
        stages.start("two", _until_stop, seen, name="two")
        assert sorted(stages.running) == ["one", "two"]
        assert not any(thread.daemon for thread in threading.enumerate() if thread.name in ("one", "two"))
        assert seen == []
    assert sorted(seen) == ["one", "two"]
    assert threading.active_count() == before
    assert stages.running == ()


def test_a_failing_stage_sets_stop_while_the_body_still_runs():
    told = threading.Event()

    def body(stages: Stages) -> None:
        with stages:
            stages.start("breaks", _fails_with(KeyError("lost")))
            if stages.stop.wait(5):
                told.set()

    with pytest.raises(KeyError):
        body(Stages())
    assert told.is_set()


def test_a_failing_stage_stops_the_others_and_its_error_comes_out():
    stages = Stages()
    with pytest.raises(KeyError) as caught:
        _run(stages, waits=_wait, breaks=_fails_with(KeyError("lost")))
    assert stages.stop.is_set()
    assert stages.running == ()
    assert caught.value.args == ("lost",)
    assert caught.value.__notes__ == ["in stage 'breaks'"]


def test_several_errors_come_out_as_a_group():
    gate = threading.Barrier(2)

    def breaks(stop: threading.Event) -> None:
        gate.wait(5)
        raise ValueError(threading.current_thread().name)

    with pytest.raises(ExceptionGroup) as caught:
        _run(Stages(), one=breaks, two=breaks)
    assert {str(error) for error in caught.value.exceptions} == {"one", "two"}


def test_the_bodys_error_passes_alone_and_joins_the_group():
    with pytest.raises(RuntimeError, match="body"):
        _run(Stages(), RuntimeError("body"), waits=_wait)
    with pytest.raises(ExceptionGroup) as caught:
        _run(Stages(), RuntimeError("body"), breaks=_fails_with(ValueError("stage")))
    assert [str(error) for error in caught.value.exceptions] == ["body", "stage"]


def test_an_interrupt_of_the_body_is_not_lost_among_errors():
    with pytest.raises(BaseExceptionGroup) as caught:
        _run(Stages(), KeyboardInterrupt(), breaks=_fails_with(ValueError("stage")))
    assert not isinstance(caught.value, ExceptionGroup)
    assert caught.value.subgroup(KeyboardInterrupt) is not None


def test_stuck_stages_are_named_at_one_common_deadline():
    release = threading.Event()
    stages = Stages(deadline_s=0.5)
    names = [f"deaf {n}" for n in range(8)]
    begin = time.monotonic()
    try:
        with pytest.raises(StuckThreadError, match=rf"^still running 0\.5 s after stop: {', '.join(names)}$"):
            _run(stages, good=_wait, **dict.fromkeys(names, _deaf_until(release)))
        # one deadline for all: eight of their own would take four seconds
        assert 0.5 < time.monotonic() - begin < 3
        assert stages.running == tuple(names)
    finally:
        release.set()
        end = time.monotonic() + 5
        while stages.running and time.monotonic() < end:
            time.sleep(0.001)
    assert stages.running == ()


def test_a_stuck_stage_and_a_failed_one_are_both_told():
    release = threading.Event()
    try:
        with pytest.raises(ExceptionGroup) as caught:
            _run(Stages(deadline_s=0.05), deaf=_deaf_until(release), breaks=_fails_with(ValueError("stage")))
        assert [type(error) for error in caught.value.exceptions] == [ValueError, StuckThreadError]
    finally:
        release.set()


def test_misuse_is_refused():
    stages = Stages()
    with pytest.raises(RuntimeError, match="inside the with block"):
        stages.start("early", _wait)
    with stages:
        stages.start("name", _wait)
        with pytest.raises(ValueError, match="'name' has already been started"):
            stages.start("name", _wait)
        with pytest.raises(RuntimeError, match="entered twice"):
            stages.__enter__()
    with pytest.raises(RuntimeError, match="inside the with block"):
        stages.start("late", _wait)
    with pytest.raises(RuntimeError, match="entered twice"):
        stages.__enter__()
    for bad in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="positive number of seconds"):
            Stages(deadline_s=bad)
