import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from translight.core.errors import ReconstructionError
from translight.reconstruction.nerf.process import do, nerf_python

START = "import json, os, sys, time\njob = json.loads(sys.stdin.readline())\n"
DONE = "print(json.dumps({'event': 'done'}), flush=True)\n"


def run(tmp_path, code, told=lambda _: None, **options):
    worker = tmp_path / "worker.py"
    worker.write_text(START + code)
    do({"a": 1}, Path(sys.executable), tmp_path / "log", told, worker=worker, grace_s=2, **options)


def refused(tmp_path, code, **options):
    with pytest.raises(ReconstructionError) as caught:
        run(tmp_path, code, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(tmp_path), "…")


def test_a_worker_gets_its_job_and_its_events_arrive(tmp_path):
    heard = []
    code = "print(json.dumps({'event': 'ready', 'device': str(job), 'iteration': 0, 'parameters': 7}))\n" + DONE
    run(tmp_path, code, heard.append)
    assert heard == [{"event": "ready", "device": "{'a': 1}", "iteration": 0, "parameters": 7}]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ValueError('no such thing')", "nerfstudio's process ended (status 1): ValueError: no such thing (its log is …/log)"),
        ("sys.exit(0)", "nerfstudio's process ended (status 0): it said nothing (its log is …/log)"),
        ("os.kill(os.getpid(), 9)", "nerfstudio's process ended (signal 9): it said nothing (its log is …/log)"),
        ("print('Hello')", "nerfstudio's process said what is no event: 'Hello' (its log is …/log)"),
        ("print('[1, 2]')", "nerfstudio's process said what is no event: '[1, 2]' (its log is …/log)"),
        ("print('{\"event\": \"trained\"}')", "nerfstudio's process said what is no event: '{\"event\": \"trained\"}' (its log is …/log)"),
        ("print('{\"event\": \"surprise\"}')", "nerfstudio's process said what is no event: '{\"event\": \"surprise\"}' (its log is …/log)"),
        ("sys.stdout.buffer.write(b'\\xff\\xfe\\n')", "nerfstudio's process said what is no event: '��' (its log is …/log)"),
        ("print(json.dumps({'event': 'failed', 'message': 'RuntimeError: no'}))", "nerfstudio: RuntimeError: no (its log is …/log)"),
    ],
)  # fmt: skip
def test_what_a_wrong_worker_says_in_one_line(tmp_path, code, message):
    assert refused(tmp_path, code) == message


def test_a_line_without_an_end_is_not_read_for_ever(tmp_path):
    code = "while True: sys.stdout.write('x' * 10000)"
    message = f"nerfstudio's process said what is no event: '{'x' * 60}' (its log is …/log)"
    assert refused(tmp_path, code) == message


@pytest.mark.slow
def test_a_silent_worker_is_ended(tmp_path):
    message = "nerfstudio's process said nothing for 0.3 s and was ended (its log is …/log)"
    assert refused(tmp_path, "time.sleep(60)", patience_s=0.3) == message


def test_an_interrupt_lets_the_worker_finish_what_it_does(tmp_path):
    def interrupt(event):
        raise KeyboardInterrupt

    ready = "print(json.dumps({'event': 'ready', 'device': 'cpu', 'iteration': 0, 'parameters': 7}), flush=True)\n"
    kept = tmp_path / "kept"
    code = ready + f"sys.stdin.read()\nopen({str(kept)!r}, 'w').write('checkpoint')\n"
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, code, interrupt)
    assert kept.read_text() == "checkpoint"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="process groups are POSIX'")
def test_a_worker_that_does_not_stop_is_killed_with_its_children(tmp_path):
    seen = []

    def interrupt(event):
        seen.append(int(event["device"]))
        raise KeyboardInterrupt

    code = (
        "import signal, subprocess\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(json.dumps({'event': 'ready', 'device': str(child.pid), 'iteration': 0, 'parameters': 0}), flush=True)\n"
        "time.sleep(600)\n"
    )
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, code, interrupt)
    assert time.monotonic() - began < 30
    (child,) = seen
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the worker's child outlived it")


def test_a_python_that_is_not_there(tmp_path):
    with pytest.raises(ReconstructionError) as caught:
        nerf_python(tmp_path / "python")
    asked = "no Python of nerfstudio's environment: run `make nerf`, or name one with TRANSLIGHT_NERF_PYTHON"
    assert str(caught.value) == f"{tmp_path / 'python'}: {asked}"
    assert nerf_python(Path(sys.executable)) == Path(sys.executable).absolute()


def test_a_file_that_is_no_program(tmp_path):
    python = tmp_path / "python"
    python.write_text("not a program")
    with pytest.raises(ReconstructionError, match=r"python: cannot be started \(Permission denied\)$"):
        do({}, python, tmp_path / "log", lambda _: None)


def test_the_environment_is_found_from_the_folder_above(tmp_path, monkeypatch):
    inside = tmp_path / ".venv-nerf" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    inside.parent.mkdir(parents=True)
    inside.write_text("")
    monkeypatch.chdir(tmp_path)
    assert nerf_python() == inside
