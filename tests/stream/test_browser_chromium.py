"""The previews in a real Chromium: it shows the pictures, and frame numbers read from its pixels are the headers'."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.stream import chromium

from translight.core.image import PixelFormat
from translight.stream.browser import BrowserSender
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader, clock_id
from translight.stream.urls import open_sender

pytestmark = [
    pytest.mark.skipif(chromium.program() is None, reason="Chromium is not installed"),
    pytest.mark.skipif(find_spec("websockets") is None, reason="websockets is not installed"),
]
W, H, BITS = 640, 360, 16
BLOCK = W // BITS

# reads the number in the picture on screen beside the one in its header, at the moment that it is shown
READ = f"""
(() => {{
  const screen = document.querySelector("canvas:not([hidden]), video:not([hidden])");
  const copy = document.createElement("canvas");
  copy.width = {W}; copy.height = {BLOCK};
  const draw = copy.getContext("2d", {{ willReadFrequently: true }});
  window.seen = [];
  translight.onframe = (header) => {{
    draw.drawImage(screen, 0, 0, {W}, {H}, 0, 0, {W}, {H});
    const row = draw.getImageData(0, {BLOCK // 2}, {W}, 1).data;
    let number = 0;
    for (let bit = 0; bit < {BITS}; bit++) if (row[4 * (bit * {BLOCK} + {BLOCK // 2}) + 1] > 128) number += 1 << bit;
    seen.push([header.frame, number]);
  }};
}})()
"""


def _draw(room: np.ndarray, frame: int) -> None:
    """A row of blocks, the frame's bits from the left, over a gradient that moves."""
    y, x = np.mgrid[0:H, 0:W]
    room[..., 0] = (x + 4 * frame) % 256
    room[..., 1] = y * 255 // H
    room[..., 2] = 120
    room[..., 3] = 255
    for bit in range(BITS):
        room[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK, :3] = 235 if frame >> bit & 1 else 20


@contextmanager
def _show(scheme: str) -> Iterator[tuple[BrowserSender, str]]:
    """A preview that gets a numbered picture every 1/30 s, and its page's address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = threading.Event()

    def send(sender: BrowserSender) -> None:
        frame = 0
        while not stop.wait(1 / 30):
            _draw(sender.acquire(), frame)  # type: ignore[arg-type]
            sender.publish(FrameHeader(frame, W, H, PixelFormat.RGBA8, rate=Fraction(30), clock_id=clock_id()))
            frame += 1

    with open_sender(f"{scheme}://127.0.0.1:{port}", PictureSpec(W, H)) as sender:
        assert isinstance(sender, BrowserSender)
        thread = threading.Thread(target=send, args=(sender,))
        thread.start()
        try:
            yield sender, f"http://127.0.0.1:{port}/"
        finally:
            stop.set()
            thread.join(5)


def _read_numbers(browser: chromium.Chromium, count: int) -> list[list[int]]:
    browser.evaluate(READ)
    browser.wait_for(f"seen.length >= {count}", 30)
    seen: list[list[int]] = browser.evaluate("seen")
    assert [number for _, number in seen] == [frame for frame, _ in seen]
    frames = [frame for frame, _ in seen]
    assert frames == sorted(set(frames))
    return seen


def _wait_until(bad: int, sender: BrowserSender) -> None:
    end = time.monotonic() + 10
    while sender.bad < bad:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_jpegs_are_shown_with_their_numbers(tmp_path: Path) -> None:
    pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
    with _show("ws") as (sender, page), chromium.Chromium(tmp_path) as browser:
        browser.open(page)
        browser.wait_for("window.translight && translight.shown > 3")
        _read_numbers(browser, 15)
        report = browser.evaluate("translight.report()")
        assert 0 < report["p50"] < 5000
        assert browser.evaluate("document.getElementById('state').textContent") == "640 × 360"
        assert sender.counts().receivers == 1
        assert sender.bad == 0
        # the button
        browser.evaluate("document.getElementById('pause').click()")
        time.sleep(0.3)
        paused = browser.evaluate("translight.shown")
        time.sleep(0.3)
        assert browser.evaluate("translight.shown") == paused
        browser.evaluate("document.getElementById('pause').click()")
        browser.wait_for(f"translight.shown > {paused + 3}")


@pytest.mark.slow
def test_a_page_finds_a_preview_that_was_killed(tmp_path: Path) -> None:
    pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
    with _show("ws") as (sender, page), chromium.Chromium(tmp_path) as browser:
        browser.open(page)
        browser.wait_for("window.translight && translight.shown > 3")
        assert sender._child is not None
        sender._child.kill()
        browser.wait_for("translight.connections === 2", 30)
        _read_numbers(browser, 5)
        assert sender.restarts == 1


@pytest.mark.slow
def test_video_is_shown_with_its_numbers(tmp_path: Path) -> None:
    pytest.importorskip("aiortc", reason="aiortc is not installed")
    with _show("webrtc") as (sender, page), chromium.Chromium(tmp_path) as browser:
        if not _has_network_interface():
            pytest.skip("WebRTC's candidates need a network interface beside loopback")
        browser.open(page)
        browser.wait_for("window.translight && translight.shown > 3", 30)
        _read_numbers(browser, 15)
        assert sender.bad == 0
        codec = browser.evaluate(
            "peer.getStats().then((all) => [...all.values()].find((s) => s.type === 'codec').mimeType)"
        )
        assert codec == "video/H264"
        # rubbish in the data channels, and one channel too many
        browser.evaluate("control.send('rubbish'), control.send(new ArrayBuffer(9)), control.send('x'.repeat(9000))")
        _wait_until(3, sender)
        browser.evaluate("peer.createDataChannel('more') && undefined")
        _wait_until(4, sender)
        shown = browser.evaluate("translight.shown")
        browser.evaluate("control.send(JSON.stringify({type: 'bitrate', kbps: 3000}))")
        browser.evaluate("control.send(JSON.stringify({type: 'keyframe'}))")
        browser.wait_for(f"translight.shown > {shown + 10}", 30)
        assert sender.bad == 4


def _has_network_interface() -> bool:
    import psutil

    addresses = psutil.net_if_addrs()
    return any(
        a.family in (socket.AF_INET, socket.AF_INET6) and not a.address.startswith(("127.", "::1", "fe80"))
        for name, those in addresses.items()
        if psutil.net_if_stats()[name].isup
        for a in those
    )
