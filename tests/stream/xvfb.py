"""Xvfb for the display's tests: an X server without a monitor, and its screen's pixels by xwd (another program)."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest


@contextmanager
def xvfb(width: int = 640, height: int = 480, depth: int = 24) -> Iterator[str]:
    """A display's name, like ``:3``; the test skips where Xvfb or xwd is missing."""
    for program in ("Xvfb", "xwd"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    read, write = os.pipe()
    screen = f"{width}x{height}x{depth}"
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with open(read) as answer:
            number = answer.readline().strip()
        try:
            if not number:
                pytest.skip("Xvfb does not start")
            yield f":{number}"
        finally:
            server.terminate()


def screenshot(display: str) -> np.ndarray:
    """The screen's red, green and blue, (h w 3) uint16 of as many bits as the screen has.

    The XWD format is X11's XWDFile.h: a big-endian header, colours, then the rows.
    """
    dump = subprocess.run(["xwd", "-root", "-silent", "-display", display], capture_output=True, check=True).stdout
    head = struct.unpack_from(">25I", dump)
    size, _, _, depth, width, height, _, order, _, _, _, bits, stride, _, *masks = head[:17]
    colours = head[19]
    assert depth in (24, 30)
    rows = np.frombuffer(dump, np.uint8, stride * height, size + 12 * colours).reshape(height, stride)
    pixels = rows[:, : width * bits // 8].reshape(height, width, bits // 8).astype(np.uint32)
    if order:
        pixels = pixels[..., ::-1]
    words = sum(pixels[..., k] << 8 * k for k in range(bits // 8))
    channels = [(words & mask) >> ((mask & -mask).bit_length() - 1) for mask in masks[:3]]
    return np.stack(channels, -1).astype(np.uint16)
