"""Numba's cache on disk for kernels that are inlined across files: it must know every source, not only a kernel's own.

Numba itself is not imported: who has a function to keep has it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any


def cached(dispatcher: Any, *builds_on: Path) -> Any:
    """A Numba function that keeps what it compiles, until a source in its folder, or in one it ``builds_on``, changes.

    Source: Numba 0.61 to 0.68, ``numba.core.caching``: ``Cache._index_key`` names what was compiled from which source.
    """
    dispatcher.enable_caching()
    found, own = dispatcher._cache, Path(dispatcher.py_func.__code__.co_filename).parent
    folders, named = tuple(dict.fromkeys((*builds_on, own))), found._index_key
    found._index_key = lambda signature, codegen: (*named(signature, codegen), _digest(folders))
    return dispatcher


@cache
def _digest(folders: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
