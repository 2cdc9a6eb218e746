"""A run goes on where it was, for the same photographs and settings, and alone."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from translight.core.errors import ReconstructionError
from translight.reconstruction.run.fingerprint import Fingerprint
from translight.reconstruction.run.work_folder import Identity, opened_work, work_path

PHOTOS = Fingerprint("/photos", 18, "d1")
IDENTITY = Identity(PHOTOS, {"width": 400, "budget": "minutes=5", "splats": None})


def test_it_lies_hidden_beside_its_output():
    assert work_path(Path("films/beach.tlenv")) == Path("films/.beach.tlenv.work")


def test_what_is_kept_is_there_next_time(tmp_path: Path):
    path = tmp_path / "w"
    with opened_work(path, IDENTITY) as work:
        assert not work.any_kept()
        assert work.kept("poses") is None
        (work.folder("poses") / "a.bin").write_bytes(b"x")
        work.keep("poses", {"registered": 18})
        work.keep("train", {"seconds": 1.5})
    with opened_work(path, IDENTITY) as work:
        assert work.any_kept()
        assert work.kept("poses") == {"registered": 18}
        assert work.kept("train") == {"seconds": 1.5}
        assert (work.folder("poses") / "a.bin").read_bytes() == b"x"
        work.remove()
    assert not path.exists()


def test_seconds_add_up_over_runs(tmp_path: Path):
    for seconds in (2.0, 3.5):
        with opened_work(tmp_path / "w", IDENTITY) as work:
            work.add_seconds("train", seconds)
            work.keep("poses", {})
            work.add_seconds("poses", 1.0)
    with opened_work(tmp_path / "w", IDENTITY) as work:
        assert work.seconds() == {"train": 5.5, "poses": 2.0}


def test_where_no_stage_is_kept_another_run_takes_the_folder(tmp_path: Path):
    path = tmp_path / "w"
    with opened_work(path, IDENTITY) as work:
        (work.folder("poses") / "half").write_bytes(b"x")
        work.add_seconds("poses", 3.0)
    with opened_work(path, IDENTITY) as work:
        assert (work.folder("poses") / "half").exists()  # the same run goes on with what it has
    with opened_work(path, replace(IDENTITY, settings={"width": 800})) as work:
        assert not (path / "poses").exists()
        assert work.seconds() == {}


def test_fresh_begins_anew(tmp_path: Path):
    path = tmp_path / "w"
    with opened_work(path, IDENTITY) as work:
        (work.folder("poses") / "a.bin").write_bytes(b"x")
        work.keep("poses", {})
    other = replace(IDENTITY, settings={"width": 800})
    with opened_work(path, other, fresh=True) as work:
        assert not work.any_kept()
        assert sorted(p.name for p in path.iterdir()) == ["lock", "run.json"]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            replace(IDENTITY, photos=Fingerprint("/photos", 17, "d2")),
            "photographs changed since (18 files then, 17 now)",
        ),
        (replace(IDENTITY, photos=Fingerprint("/others", 18, "d1")), "photographs were /photos"),
        (
            replace(IDENTITY, settings={"width": 800, "budget": "minutes=5", "splats": 5}),
            "--splats was not given, is 5; --width was 400, is 800",
        ),
        (replace(IDENTITY, settings={"width": 400}), "--budget was minutes=5, is not given"),
    ],
)
def test_another_run_is_told_and_nothing_is_touched(tmp_path: Path, now: Identity, said: str):
    path = tmp_path / "w"
    with opened_work(path, IDENTITY) as work:
        work.keep("poses", {"registered": 18})
    with pytest.raises(ReconstructionError) as error, opened_work(path, now):
        pass
    assert str(error.value) == f"{path} holds another run: {said}; --fresh begins anew"
    with opened_work(path, IDENTITY) as work:
        assert work.kept("poses") == {"registered": 18}


def test_one_run_at_a_time(tmp_path: Path):
    path = tmp_path / "w"
    with opened_work(path, IDENTITY), pytest.raises(ReconstructionError) as error, opened_work(path, IDENTITY):
        pass
    assert str(error.value) == f"{path}: another run is at work there; wait for it, or give another --output"
    with opened_work(path, IDENTITY):
        pass


def test_a_killed_run_leaves_no_lock(tmp_path: Path):
    code = """
import sys, time
from pathlib import Path
from translight.reconstruction.run.fingerprint import Fingerprint
from translight.reconstruction.run.work_folder import Identity, opened_work
with opened_work(Path(sys.argv[1]), Identity(Fingerprint("/photos", 18, "d1"), {})) as work:
    work.keep("poses", {"registered": 18})
    print("held", flush=True)
    time.sleep(60)
"""
    path, identity = tmp_path / "w", Identity(PHOTOS, {})
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(ReconstructionError, match="another run is at work there"), opened_work(path, identity):
            pass
        child.kill()
    with opened_work(path, identity) as work:
        assert work.kept("poses") == {"registered": 18}


@pytest.mark.parametrize("state", [b"", b"[]", b'{"version": 99}', b'{"version": 1, "stages": []}'])
def test_a_state_that_says_nothing_is_begun_anew(tmp_path: Path, state: bytes):
    path = tmp_path / "w"
    path.mkdir()
    (path / "run.json").write_bytes(state)
    (path / "stray").mkdir()
    with opened_work(path, IDENTITY) as work:
        assert not work.any_kept()
        assert not (path / "stray").exists()


def test_a_place_that_takes_no_folder(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(ReconstructionError, match=r"w: cannot be made \("),
        opened_work(tmp_path / "file" / "w", IDENTITY),
    ):
        pass
