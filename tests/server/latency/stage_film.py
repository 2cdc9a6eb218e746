"""A film of a made-up stage whose latency is known: a disc that moves, and a wall that shows where it was."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from translight.stream.barcode import Barcode, BarcodePlace, Corner, burn

WIDTH, HEIGHT = 320, 200
OBJECT, WALL = (10, 10, 140, 80), (160, 110, 150, 80)
WALL_HZ = 60
Motion = Callable[[np.ndarray], np.ndarray]


def hand(t: np.ndarray) -> np.ndarray:
    """From −1 to 1, as a hand moves something to and fro."""
    return 0.6 * np.sin(2 * np.pi * 0.7 * t) + 0.4 * np.sin(2 * np.pi * 1.9 * t + 1)


def stage_film(
    path: Path,
    latency_s: float,
    *,
    fps: int = 50,
    seconds: float = 6.0,
    readout_s: float = 0.0,
    exposure_s: float = 0.008,
    noise: float = 6.0,
    barcode: bool = True,
    motion: Motion = hand,
    lamp: bool = False,
) -> Path:
    """The wall shows a new picture every 1/60 s, of where the object was ``latency_s`` before; rows are exposed one after
    the other over ``readout_s``, each for ``exposure_s``. With ``lamp``, both regions grow brighter instead."""
    rng = np.random.default_rng(0)
    still = rng.uniform(40, 60, (HEIGHT, WIDTH))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "18", "preset": "ultrafast"}
        for k in range(int(seconds * fps)):
            grey = still.copy()
            moments = np.linspace(0, exposure_s, 4)
            for moment in moments:
                grey += _light(k / fps + moment, latency_s, readout_s, motion, barcode=barcode, lamp=lamp) / len(
                    moments
                )
            grey = np.clip(grey + rng.normal(0, noise, grey.shape), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.repeat(grey[..., None], 3, 2), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, fps)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def _light(t: float, latency_s: float, readout_s: float, motion: Motion, *, barcode: bool, lamp: bool) -> np.ndarray:
    """Brightness that object and wall add at a moment, each row at its own time."""
    rows = t + readout_s * np.arange(HEIGHT) / HEIGHT
    shown = np.floor(rows * WALL_HZ).astype(int)
    light = np.zeros((HEIGHT, WIDTH))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for (left, top, width, height), at in ((OBJECT, motion(rows)), (WALL, motion(shown / WALL_HZ - latency_s))):
        inside = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
        if lamp:
            light += np.where(inside, 60 * (1 + at)[:, None], 0)
            continue
        middle = left + width / 2 + 0.32 * width * at
        distance = np.hypot(x - middle[:, None], y - (top + height / 2))
        light += np.where(inside, 150 * np.clip(14 - distance, 0, 1), 0)
    if barcode:
        for number in np.unique(shown):
            code = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
            burn(code, Barcode(int(number) + 1000, 0), BarcodePlace(Corner.BOTTOM_LEFT, 5))
            light += np.where((shown == number)[:, None], code[..., 0] * 0.7, 0)
    return light
