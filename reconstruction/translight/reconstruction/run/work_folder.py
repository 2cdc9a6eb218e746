"""Where a run keeps what it has done, beside its output, so that the same command goes on after an interruption.

One run at a time holds the folder's lock, which goes with its process. stages.py decides what is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from translight.core.errors import ReconstructionError
from translight.core.file_lock import locked
from translight.core.files import whole_file
from translight.reconstruction.run.fingerprint import Fingerprint

_STATE, _LOCK = "run.json", "lock"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """What must be the same for a run to go on: the photographs, and each setting by its option's name."""

    photos: Fingerprint
    settings: Mapping[str, Any]

    def values(self) -> dict[str, Any]:
        """As run.json holds it."""
        values: dict[str, Any] = json.loads(json.dumps({"photos": asdict(self.photos), "settings": self.settings}))
        return values


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The folder of a run whose lock is held."""

    path: Path
    identity: Identity

    def kept(self, stage: str) -> dict[str, Any] | None:
        """What was kept of a stage that came to its end, or None."""
        found: dict[str, Any] | None = self._stages().get(stage)
        return found

    def keep(self, stage: str, facts: Mapping[str, Any]) -> None:
        """Record that a stage is done; ``facts`` are any values that JSON holds. Its files are written before."""
        self._write({**self._stages(), stage: dict(facts)}, self.seconds())

    def seconds(self) -> dict[str, float]:
        """What each stage took so far, in all runs together."""
        return dict((_state(self.path) or {}).get("seconds", {}))

    def add_seconds(self, stage: str, seconds: float) -> None:
        """Count time that a stage took, whether it came to its end or not."""
        sums = self.seconds()
        self._write(self._stages(), {**sums, stage: sums.get(stage, 0.0) + seconds})

    def any_kept(self) -> bool:
        """Whether an earlier run came so far that this one goes on."""
        return bool(self._stages())

    def folder(self, name: str) -> Path:
        """A folder for a stage's own files."""
        found = self.path / name
        found.mkdir(exist_ok=True)
        return found

    def remove(self) -> None:
        """All of it; what cannot be removed stays without a word, for the result is written."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _stages(self) -> dict[str, Any]:
        state = _state(self.path)
        return {} if state is None else state["stages"]

    def _write(self, stages: Mapping[str, Any], seconds: Mapping[str, float]) -> None:
        with whole_file(self.path / _STATE) as aside:
            values = {"version": _VERSION, **self.identity.values(), "stages": stages, "seconds": seconds}
            aside.write_text(json.dumps(values, indent=2, allow_nan=False), encoding="utf-8")


def work_path(output: Path) -> Path:
    """``.beach.tlenv.work`` beside ``beach.tlenv``."""
    return output.with_name(f".{output.name}.work")


@contextmanager
def opened_work(path: Path, identity: Identity, *, fresh: bool = False) -> Iterator[WorkFolder]:
    """The folder, made or gone on with, for as long as the block runs; ``fresh`` empties it first.

    Raises ReconstructionError when another process runs in it, when a stage is kept in it of a run of other photographs
    or settings, or when it cannot be made.
    """
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise ReconstructionError(f"{path}: cannot be made ({error.strerror or error})") from error
    with locked(path / _LOCK) as have:
        if not have:
            raise ReconstructionError(f"{path}: another run is at work there; wait for it, or give another --output")
        if fresh:
            _empty(path)
        work = WorkFolder(path, identity)
        state = _state(path)
        if state is not None and state["stages"]:
            _check_same(path, state, identity)
        elif state is None or _differences(state, identity):
            _empty(path)  # nothing in it is worth a question
            work._write({}, {})
        yield work


def _empty(path: Path) -> None:
    """All but the lock."""
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _LOCK:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry)


def _state(path: Path) -> dict[str, Any] | None:
    try:
        state = json.loads((path / _STATE).read_bytes())
    except (OSError, ValueError):
        return None
    good = isinstance(state, dict) and state.get("version") == _VERSION
    good = good and all(isinstance(state.get(key), dict) for key in ("photos", "settings", "stages", "seconds"))
    return state if good else None


def _check_same(path: Path, state: Mapping[str, Any], identity: Identity) -> None:
    differences = _differences(state, identity)
    if differences:
        raise ReconstructionError(f"{path} holds another run: {'; '.join(differences)}; --fresh begins anew")


def _differences(state: Mapping[str, Any], identity: Identity) -> list[str]:
    now = identity.values()
    found = []
    if state["photos"] != now["photos"]:
        then, there = state["photos"].get("path"), now["photos"]["path"]
        count = f"{state['photos'].get('files')} files then, {now['photos']['files']} now"
        found.append(f"photographs changed since ({count})" if then == there else f"photographs were {then}")
    for name in sorted({*state["settings"], *now["settings"]}):
        before, after = state["settings"].get(name), now["settings"].get(name)
        if before != after:
            found.append(f"--{name} was {_said(before)}, is {_said(after)}")
    return found


def _said(value: Any) -> str:
    return "not given" if value is None else str(value)
