"""The pieces that a run is put together from: reading, poses, planning, making; methods.py has the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from translight.core.progress import Progress
from translight.environment.environment import Environment
from translight.reconstruction.capture import Capture
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.run.budget import Fixed, Plan
from translight.reconstruction.run.watch import Moment


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Poses that were found, what the report's ``poses`` step says of them, and a picture of cameras and points."""

    dataset: Dataset
    facts: Mapping[str, Any]
    picture: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """An environment that was made, and the report's steps of how: ``train``, or ``nerf`` and ``bake``.

    ``gains`` are those that held-out photographs' exposure values foretell (evaluation.py).
    """

    environment: Environment
    steps: tuple[tuple[str, Mapping[str, Any]], ...]
    gains: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Relay:
    """Where the making of an environment tells of itself."""

    moment: Callable[[Moment], None]
    preview: Callable[[UInt8[np.ndarray, "h w 3"]], None]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Pieces:
    """Each may keep files in the folder that it is given, and goes on with them when it is called again.

    ``read(photos, folder, progress)`` gives stills, or a dataset where cameras are known. ``solve(capture, folder,
    seconds, progress)`` finds poses within about ``seconds`` (None: no limit). ``plan(dataset, left_s, fixed, folder,
    progress)`` says what is trained in the seconds left. ``make(dataset, plan, folder, relay)`` trains on the dataset's
    training pictures alone.
    """

    read: Callable[[Path, Path, Progress], Capture | Dataset]
    solve: Callable[[Capture, Path, float | None, Progress], Solved]
    plan: Callable[[Dataset, float | None, Fixed, Path, Progress], Plan]
    make: Callable[[Dataset, Plan, Path, Relay], Made]
