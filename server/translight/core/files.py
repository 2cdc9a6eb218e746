"""Files that appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes ``path``'s place when the block ends well, and goes when not.

    A reader sees the old file or the new one, never half of one: the rename is atomic within a folder (POSIX
    rename; Windows MoveFileEx with replacement). Raises OSError when the folder is missing or cannot be written.
    """
    path = Path(path)
    # the suffix stays, for writers that choose their format by it
    aside = path.with_name(f".{path.stem}.{os.getpid()}-{threading.get_ident()}{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
