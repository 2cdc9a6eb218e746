import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from translight.core.errors import FormatError, MissingExtra, ReconstructionError
from translight.core.progress import silent
from translight.reconstruction.structure_from_motion import worker
from translight.reconstruction.structure_from_motion.jobs import Angles, PairAngles
from translight.reconstruction.structure_from_motion.worker import fingerprint, run_job

JOB = Angles("nowhere.db")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a small program in COLMAP's process's place."""

    def put(program: str) -> Path:
        (tmp_path / "stand_in.py").write_text("import os, signal, subprocess, sys, time\n" + textwrap.dedent(program))
        monkeypatch.setattr(worker, "CHILD", "stand_in")
        monkeypatch.setattr(worker, "find_spec", lambda _: object())
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        return tmp_path / "work"

    return put


def gone(pid_file: Path) -> bool:
    pid = int(pid_file.read_text())
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_progress_and_the_result_come_through(stand_in):
    work = stand_in("""
        print("said to the log", file=sys.stderr, flush=True)
        print('{"share": 0.25}'); print('{"share": 0.75}'); print('{"result": {"angles_deg": [["a", "b", 2.5]]}}')
    """)
    told = []
    found = run_job(JOB, PairAngles, work, "matching", lambda what, share: told.append((what, share)))
    assert found.angles_deg == [("a", "b", 2.5)]
    assert told == [("matching", 0.25), ("matching", 0.75)]
    assert (work / "colmap.log").read_text() == "said to the log\n"
    assert [path.name for path in work.iterdir()] == ["colmap.log"]


def test_a_refusal_is_one_line(stand_in):
    work = stand_in("""print('{"error": "a.jpg: no picture"}')""")
    with pytest.raises(FormatError, match=r"^a\.jpg: no picture$"):
        run_job(JOB, PairAngles, work, "matching", silent)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "COLMAP's process was ended by SIGSEGV"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "COLMAP's process was ended by SIGKILL, as happens when memory runs out",
        ),
        ("sys.exit(7)", "COLMAP's process ended with status 7"),
        ("print('nonsense')", "COLMAP's process wrote b'nonsense\\n'"),
    ],
)
def test_a_crash_is_one_line(stand_in, program, said):
    work = stand_in(program)
    with pytest.raises(ReconstructionError) as caught:
        run_job(JOB, PairAngles, work, "matching", silent)
    assert str(caught.value) == f"matching: {said}; its log is {work / 'colmap.log'}"


def test_a_hang_is_ended_with_all_that_it_started(stand_in, tmp_path):
    work = stand_in(f"""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
        time.sleep(60)
    """)
    with pytest.raises(ReconstructionError, match=r"^matching: COLMAP told nothing for 1 s and was ended; its log is "):
        run_job(JOB, PairAngles, work, "matching", silent, silent_s=1.0)
    assert gone(tmp_path / "pid")


def test_time_is_limited(stand_in):
    work = stand_in("""
        while True:
            print('{"share": 0.5}', flush=True); time.sleep(0.05)
    """)
    with pytest.raises(ReconstructionError, match=r"^matching: COLMAP was not done in 1 s and was ended; "):
        run_job(JOB, PairAngles, work, "matching", silent, seconds=0.6)


def test_an_interrupt_leaves_no_process(stand_in, tmp_path):
    work = stand_in(f"""
        open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
        print('{{"share": 0.5}}', flush=True); time.sleep(60)
    """)

    def interrupted(what, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(JOB, PairAngles, work, "matching", interrupted)
    assert gone(tmp_path / "pid")


def test_without_pycolmap(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r'^pycolmap is not installed: pip install "translight\[train\]"$'):
        run_job(JOB, PairAngles, tmp_path, "matching", silent)


def test_the_real_process_ends_with_its_parent(tmp_path):
    """A parent that is killed ends nothing itself: the child sees its input close."""
    pytest.importorskip("pycolmap")
    os.mkfifo(tmp_path / "job.json")  # reading it, the child waits
    command = [sys.executable, "-P", "-m", worker.CHILD, str(tmp_path / "job.json")]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.close()
    try:
        assert child.wait(timeout=20) == 3
    finally:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            child.wait()


def test_pillow_is_loaded_before_pycolmap():
    pytest.importorskip("pycolmap")
    code = "import sys, translight.reconstruction.structure_from_motion.child; names = list(sys.modules); print(names.index('PIL.Image') < names.index('pycolmap'))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "True\n"


def test_this_process_never_loads_pycolmap():
    code = "import sys, translight.reconstruction.structure_from_motion.solve, translight.reconstruction.structure_from_motion.colmap_model; print('pycolmap' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout == "False\n"


def test_fingerprints_tell_values_apart():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1]) != fingerprint([2])
