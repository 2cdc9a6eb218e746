"""The tracking process: sockets, parsers and filter, so that no other interpreter's work delays a pose."""

from __future__ import annotations

import gc
import logging
import sys

from translight.core.errors import TranslightError
from translight.server.board import Board
from translight.server.children import read_job
from translight.server.status import TrackingStatus
from translight.tracking.filter import FilterOptions
from translight.tracking.receiver import run
from translight.tracking.ring import PoseRing
from translight.tracking.source import parse_source


def main() -> int:
    """The process's entry: its job names the source, the board and the pose ring."""
    logging.basicConfig(level=logging.WARNING, format="translight: tracking: %(message)s")
    job = read_job()
    with Board.attach(job["board"], TrackingStatus) as board:
        try:
            with PoseRing.attach(job["ring"]) as ring:
                board.write(TrackingStatus(phase="running"))
                gc.collect()
                gc.freeze()
                run(parse_source(job["source"]), ring, board, FilterOptions(enabled=bool(job["predict"])))
        except TranslightError as error:
            board.write(TrackingStatus(phase="failed", detail=str(error)))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
