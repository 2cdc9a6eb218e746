"""The preview's own process: ``python -m translight.stream.browser_process SETTINGS``, started by browser.py.

An event loop in the live process would hold its interpreter for tens of milliseconds; here it holds nobody's. It prints
one line, "open" or what went wrong, and ends when its standard input does, so it never outlives its starter.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

import msgspec

from translight.core.errors import TranslightError
from translight.core.threads import Stages
from translight.stream import browser_feeds
from translight.stream.browser_feeds import Encoded, JpegFeed
from translight.stream.browser_server import PreviewServer
from translight.stream.browser_settings import Counters, Settings
from translight.stream.shm import ShmReceiver

_DEADLINE_S = 5.0


async def preview(settings: Settings, counters: Counters) -> None:
    """Serve until standard input ends. Raises OSError when the port cannot be had."""
    loop = asyncio.get_running_loop()
    server = PreviewServer(settings, counters)
    ended = asyncio.Event()

    def look() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    def deliver(encoded: Encoded) -> None:
        with suppress(RuntimeError):  # the loop has just closed
            loop.call_soon_threadsafe(server.deliver, encoded)

    feed = JpegFeed(server.wanted, settings.scale) if settings.player == "jpeg" else server.h264
    with ShmReceiver(settings.ring) as receiver, Stages(deadline_s=_DEADLINE_S) as stages:
        async with await server.open():
            loop.add_reader(sys.stdin.fileno(), look)
            print("open", flush=True)
            stages.start("encode", browser_feeds.run, receiver, feed, deliver)
            while not stages.stop.is_set() and not ended.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), 0.5)
        await server.close()


def main(arguments: list[str]) -> int:
    """Decode the settings and serve; exit status 1 when that cannot be."""
    settings = msgspec.json.decode(arguments[0], type=Settings)
    # Ctrl-C goes to the whole group; this process ends with its starter's pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpriority") and os.getpriority(os.PRIO_PROCESS, 0) < 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)  # the show goes first
    try:
        counters = Counters.attach(settings.counters)
        asyncio.run(preview(settings, counters))
    except OSError as error:
        print(os.strerror(error.errno) if error.errno else error, flush=True)
        return 1
    except TranslightError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
