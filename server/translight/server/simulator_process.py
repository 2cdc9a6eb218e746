"""The simulator's process: sends a camera move as real datagrams to this machine, for ``simulate://`` sources."""

from __future__ import annotations

import logging
import sys
from typing import cast

from translight.core.errors import TranslightError
from translight.server.board import Board
from translight.server.children import read_job
from translight.server.status import SimulatorStatus
from translight.tracking.simulate import Protocol, send_move
from translight.tracking.source import parse_source


def main() -> int:
    """The process's entry: its job names the source and the board."""
    logging.basicConfig(level=logging.WARNING, format="translight: simulator: %(message)s")
    job = read_job()
    with Board.attach(job["board"], SimulatorStatus) as board:
        try:
            spec = parse_source(job["source"])
            board.write(SimulatorStatus(phase="running"))
            move = spec.simulation
            assert move is not None, "only simulate:// sources have a simulator"
            host, port = spec.target
            sent = send_move(
                move.move,
                host=host,
                port=port,
                protocol=cast("Protocol", spec.wire),
                rate_hz=move.rate_hz,
                seed=move.seed,
                noise=move.noise,
                stop=board,
                camera=spec.camera,
                osc=spec.osc,
                freed_preset=spec.freed_preset,
            )
            board.write(SimulatorStatus(phase="ended", sent=sent))
        except TranslightError as error:
            board.write(SimulatorStatus(phase="failed", detail=str(error)))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
