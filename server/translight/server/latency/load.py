"""Work that goes on beside a show while it is measured, in processes of its own, as on a machine that is shared.

Run as a child (children.py): its job names the kind; it works until it is killed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from translight.server import children

KINDS: Mapping[str, str] = {
    "none": "nothing else",
    "interpreter": "one Python process that computes and allocates",
    "memory": "one process that copies 256 MB to and fro",
    "cores": "as many computing Python processes as there are cores",
}
_COPIED_BYTES = 1 << 28


@contextmanager
def loaded(kind: str) -> Iterator[None]:
    """The work of ``kind`` for as long as the block lasts."""
    count = {"none": 0, "interpreter": 1, "memory": 1, "cores": os.cpu_count() or 1}[kind]
    running: list[children.Child] = []
    try:
        running.extend(children.start("load", __name__, {"kind": kind}) for _ in range(count))
        yield
    finally:
        for child in running:
            child.kill()


def _compute() -> None:
    kept: list[dict[int, str]] = []
    while True:
        kept = [*kept[-50:], {k: str(k) for k in range(1000)}]


def _copy() -> None:
    a, b = np.ones(_COPIED_BYTES // 2, np.uint8), np.zeros(_COPIED_BYTES // 2, np.uint8)
    while True:
        np.copyto(b, a)
        np.copyto(a, b)


if __name__ == "__main__":
    # No priority of its own, as read_job would ask for: it is the machine's other work.
    if json.loads(sys.stdin.readline())["kind"] == "memory":
        _copy()
    _compute()
