"""One of bench_receivers.py's receivers: told by lines on standard input to look on or to rest, it counts frames.

``receive`` is what ``translight receive`` does; ``headers`` wakes with each frame of a ring and reads its header alone;
``stranger`` copies a picture of the same size 60 times a second and has nothing to do with the show.
"""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np

from translight.stream.header import unpack
from translight.stream.ring import Ring
from translight.stream.urls import open_receiver, parse_url

_STEP_S = 0.1


def looking(kind: str, url: str, nbytes: int, stack: ExitStack) -> Callable[[], int]:
    """A function that looks on for a moment and gives how many frames it saw."""
    if kind == "stranger":
        pages = np.ones(nbytes, np.uint8), np.zeros(nbytes, np.uint8)

        def copied() -> int:
            np.copyto(pages[1], pages[0])
            time.sleep(1 / 60)
            return 0

        return copied
    if kind == "headers":
        ring = Ring.attach(parse_url(url).place)
        stack.callback(ring.close)

        def read() -> int:
            seen = ring.wake.value
            if not ring.wake.wait(seen, _STEP_S):
                return 0
            return int(unpack(ring.header_bytes(ring.latest)).frame >= 0)

        return read
    receiver = stack.enter_context(open_receiver(url))
    return lambda: int(receiver.receive(_STEP_S) is not None)


def main() -> None:
    """Lines in: ``look KIND URL BYTES``, ``rest``; lines out: ``first`` once a frame came, at rest frames a second."""
    while line := sys.stdin.readline():
        _, kind, url, nbytes = line.split()
        count, first_s, last_s = 0, 0.0, 0.0
        with ExitStack() as stack:
            look = looking(kind, url, int(nbytes), stack)
            if kind == "stranger":
                print("first", flush=True)
            while not select.select([sys.stdin], [], [], 0)[0]:
                if look():
                    last_s = time.monotonic()
                    if not count:
                        first_s = last_s
                        print("first", flush=True)
                    count += 1
        sys.stdin.readline()
        print((count - 1) / (last_s - first_s) if count > 1 else 0.0, flush=True)


if __name__ == "__main__":
    main()
