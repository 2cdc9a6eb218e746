"""Frames that take long, kept on disk as they are made, so that an interrupted plate goes on where it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16

from translight.core.errors import FormatError, GenerationError
from translight.core.files import whole_file, write_whole
from translight.core.progress import Progress

_IDENTITY = "frames.json"
HALF_MAX = 65504.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder of frames, half floats (h w 3)."""

    folder: Path
    shape: tuple[int, int, int]

    def film(
        self, count: int, draw: Callable[[int], np.ndarray], progress: Progress
    ) -> list[Float16[np.ndarray, "h w 3"]]:
        """``count`` frames: those that are here, and the others, drawn now."""
        frames = []
        for number in range(count):
            progress(f"drawing frames, {number} of {count}", number / count)
            file = self.folder / f"{number:05d}.npy"
            frame = self._read(file)
            if frame is None:
                frame = np.clip(draw(number), 0.0, HALF_MAX).astype(np.float16)
                if frame.shape != self.shape:
                    raise ValueError(f"frames of {self.shape} are wanted, got {frame.shape}")
                try:
                    with whole_file(file) as aside:
                        np.save(aside, frame, allow_pickle=False)
                except OSError as error:
                    raise FormatError(f"{file}: cannot be written ({error.strerror})") from error
            frames.append(frame)
        progress(f"drawing frames, {count} of {count}", 1.0)
        return frames

    def _read(self, file: Path) -> Float16[np.ndarray, "h w 3"] | None:
        if not file.is_file():
            return None
        try:
            frame = np.load(file, mmap_mode="r", allow_pickle=False)
            whole = frame.shape == self.shape and frame.dtype == np.float16
            return np.array(frame) if whole else None
        except (OSError, ValueError, EOFError):
            return None


@contextmanager
def kept_frames(folder: Path, identity: dict[str, Any], shape: tuple[int, int, int]) -> Iterator[Kept]:
    """``folder`` with the frames of an earlier, interrupted making of the same; it goes when the block ends well.

    Raises GenerationError where the folder is there and holds something else; frames of another plate are begun anew.
    """
    note, text = folder / _IDENTITY, json.dumps({**identity, "shape": shape}, sort_keys=True)
    if folder.exists() and not note.is_file():
        raise GenerationError(f"{folder}: exists and holds no frames of a plate: move it away")
    if not note.is_file() or note.read_text(encoding="utf-8") != text:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise FormatError(f"{folder}: cannot be made ({error.strerror})") from error
        write_whole(note, text)
    yield Kept(folder, shape)
    shutil.rmtree(folder, ignore_errors=True)
