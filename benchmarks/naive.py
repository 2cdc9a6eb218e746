"""The usual way, as a yardstick: one asyncio program reads OSC, draws and publishes; ``python -m benchmarks.naive``.

python-osc's asyncio server, the stand-in renderer's time, a copy of the picture, a copy into bytes, a ZeroMQ PUB socket
with its defaults. It composites nothing and corrects no colours, so it has less to do than a show.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import zmq
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import AsyncIOOSCUDPServer

from translight.core.clock import FrameClock, now_ns
from translight.core.image import PixelFormat
from translight.server.pace import system_frame_clock
from translight.stream.header import FrameHeader, FrameTimes, clock_id, pack, picture_check


async def show(job: dict[str, Any]) -> None:
    """Run for ``seconds``: OSC on ``port``, pictures on ``endpoint``, ``ms`` a frame for drawing."""
    newest = [-1, 0]

    def moved(_address: str, *_values: object) -> None:
        newest[0], newest[1] = now_ns(), newest[1] + 1

    dispatcher = Dispatcher()
    dispatcher.set_default_handler(moved)
    loop = asyncio.get_running_loop()
    server = AsyncIOOSCUDPServer(("127.0.0.1", job["port"]), dispatcher, loop)  # type: ignore[arg-type]
    transport, _ = await server.create_serve_endpoint()
    context: zmq.Context[Any] = zmq.Context()
    out = context.socket(zmq.PUB)
    out.setsockopt(zmq.LINGER, 0)
    out.bind(job["endpoint"])
    width, height = job["pixels"]
    drawn = np.random.default_rng(0).integers(0, 255, (height, width, 4), np.uint8)
    clock = system_frame_clock(FrameClock(Fraction(job["fps"])))
    header = FrameHeader(0, width, height, PixelFormat.RGBA8, rate=Fraction(job["fps"]), clock_id=clock_id())
    until = time.monotonic() + job["seconds"]
    number = clock.next_frame(now_ns())
    try:
        while time.monotonic() < until:
            number = max(number + 1, clock.next_frame(now_ns()))
            await asyncio.sleep(max(0.0, (clock.time_ns(number) - now_ns()) / 1e9))
            received, sequence = newest
            begin = now_ns()
            time.sleep(job["ms"] / 1e3)
            end = now_ns()
            picture = drawn.copy()
            flat = picture.reshape(-1)
            times = FrameTimes(-1, received, begin, begin, end, now_ns(), now_ns(), clock.time_ns(number))
            sent = replace(header, frame=number, pose_sequence=sequence, times=times, check=picture_check(flat))
            out.send(pack(sent) + picture.tobytes())
    finally:
        transport.close()
        out.close(0)
        context.destroy(0)


if __name__ == "__main__":
    asyncio.run(show(json.loads(sys.stdin.readline())))
