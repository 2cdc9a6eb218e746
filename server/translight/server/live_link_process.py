"""Sends a show's camera to Unreal's Live Link, in a process that reads the pose ring (``[[unreal.live_link]]``)."""

from __future__ import annotations

import gc
import logging
import sys
import time
from contextlib import ExitStack
from fractions import Fraction

from translight.core.errors import TranslightError
from translight.server.board import Board
from translight.server.children import read_job
from translight.server.show import Show
from translight.server.status import LiveLinkStatus
from translight.tracking.ring import PoseRing
from translight.ue_bridge import sender
from translight.ue_bridge.live_link import parse_live_link
from translight.ue_bridge.packets import FilmBack
from translight.ue_bridge.sender import LiveLinkSender

_STATUS_EVERY_S = 0.25


def job_of(show: Show) -> dict[str, object]:
    """What the process is told of a show, as JSON has it."""
    camera = show.camera
    return {
        "urls": [spec.url for spec in show.live_link],
        "name": show.name,
        "sensor_width_mm": camera.sensor_width_mm,
        "sensor_height_mm": camera.sensor_width_mm * camera.height_px / camera.width_px,
        "focal_length_mm": camera.focal_length_mm,
        "tracked_lens": camera.tracked_lens,
        "rate": [show.rate.numerator, show.rate.denominator],
        "lost_after_ns": show.tracking.lost_after_ns,
    }


class _Telling:
    """The board as the sender's stop word, which also says four times a second how it goes."""

    def __init__(self, board: Board[LiveLinkStatus], senders: list[LiveLinkSender]) -> None:
        self._board = board
        self._senders = senders
        self._told_s = 0.0

    def is_set(self) -> bool:
        now = time.monotonic()
        if now - self._told_s >= _STATUS_EVERY_S:
            self._told_s = now
            self.tell("running")
        return self._board.stopping

    def tell(self, phase: str) -> None:
        self._board.write(
            LiveLinkStatus(
                phase=phase,
                sent=sum(one.sent for one in self._senders),
                refused=sum(one.refused for one in self._senders),
                out_of_range=sum(one.out_of_range for one in self._senders),
            )
        )


def main() -> int:
    """The process's entry: its job is ``job_of``'s, with the board and the pose ring."""
    logging.basicConfig(level=logging.WARNING, format="translight: live link: %(message)s")
    job = read_job()
    with Board.attach(job["board"], LiveLinkStatus) as board, ExitStack() as stack:
        try:
            ring = stack.enter_context(PoseRing.attach(job["ring"]))
            film_back = FilmBack(
                label=job["name"],
                width_mm=job["sensor_width_mm"],
                height_mm=job["sensor_height_mm"],
                focal_length_mm=job["focal_length_mm"],
                tracked_lens=job["tracked_lens"],
                rate=Fraction(*job["rate"]),
            )
            lost_after_ns = job["lost_after_ns"]
            senders = [
                stack.enter_context(LiveLinkSender(parse_live_link(url), film_back, lost_after_ns))
                for url in job["urls"]
            ]
            telling = _Telling(board, senders)
            gc.collect()
            gc.freeze()
            sender.run(ring, senders, telling)
            telling.tell("ended")
        except TranslightError as error:
            board.write(LiveLinkStatus(phase="failed", detail=str(error)))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
