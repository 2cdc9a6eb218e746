"""A sky with plates over it, that changes from frame to frame behind splats which are drawn without one.

A scene never changes, and backends keep what they make of its sky. So an environment with plates is drawn without sky
by any backend, and its sky is added here, on the processor, by what the splats let through: cpu/sky.py's kernel, and
the same picture to the bit as the ``cpu`` backend's of a scene with such a sky.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numba
import numpy as np
from jaxtyping import Float32

from translight.colour.transfer import srgb_encode
from translight.core.camera import View
from translight.environment.environment import ColourEncoding
from translight.environment.plate import Plate
from translight.render.contract import Frame, Scene
from translight.render.cpu.jit import on_threads, parallel_kernel
from translight.render.cpu.memory import aligned
from translight.render.cpu.prepare import prepare_sky
from translight.render.cpu.simd import LANES
from translight.render.cpu.sky import CORNERS, FRACTIONS, add_sky, sky_tint
from translight.render.cpu.viewpoint import view_row

_HALVES = 1 << 16
_LARGEST = 0x7C00
"""Bits of the first half float that is not finite."""
_UNDER, _OVER_UNDER, _OVER_TEXELS = 0, 1, 2
"""What a plate's texels become: the still sky, the frame over that, or the frame over what lies there."""


class MovingSky:
    """A sky's texels in the encoding that a scene blends in, with the frames of its plates that were shown last.

    Used by one thread. No picture is made after construction. ``threads`` None takes all of Numba's.
    """

    def __init__(
        self,
        sky: Float32[np.ndarray, "h w 3"],
        plates: Sequence[Plate],
        encoding: ColourEncoding,
        threads: int | None = None,
    ) -> None:
        """``sky`` is linear, as the environment's. Raises ValueError where a plate does not lie on it."""
        self.height_px, self.width_px = sky.shape[:2]
        self.plates = tuple(plates)
        self.threads = min(threads or numba.get_num_threads(), numba.get_num_threads())
        still = np.asarray(srgb_encode(sky) if encoding == "srgb" else sky, np.float32)
        self.texels: Float32[np.ndarray, "h w 4"] = prepare_sky(still)
        """As it looks now; the fourth channel is 0."""
        self.version = 0
        """Grows with each change of the texels."""
        self._colours, self._covers = _tables(encoding)
        self._under: list[np.ndarray] = []
        taken = np.zeros(sky.shape[:2], bool)
        self._overlap = False
        for plate in self.plates:
            plate.area.check(self.width_px, self.height_px)
            place = np.ix_(np.arange(self.height_px)[plate.area.rows], plate.area.columns(self.width_px))
            self._under.append(np.ascontiguousarray(still[place]))
            self._overlap |= bool(taken[place].any())
            taken[place] = True
        self.moving = taken
        """(h w) which texels lie under a plate."""
        self._shown = [-1] * len(self.plates)
        self._fractions = aligned(self.threads * FRACTIONS * LANES).reshape(self.threads, -1)
        self._corners = aligned(self.threads * CORNERS * LANES, np.int32).reshape(self.threads, -1)

    def show(self, frame: int, rate: Fraction) -> None:
        """Bring the texels to what a wall of this rate shows in its frame number ``frame`` (Plate.frame_at)."""
        numbers = [plate.frame_at(frame, rate) for plate in self.plates]
        if numbers == self._shown:
            return
        whole = self._overlap
        if whole:  # what lies over another is laid again whichever of them changed
            for plate, under in zip(self.plates, self._under, strict=True):
                self._lay(plate, under, 0, _UNDER)
        for k, (plate, under) in enumerate(zip(self.plates, self._under, strict=True)):
            if whole or numbers[k] != self._shown[k]:
                self._lay(plate, under, numbers[k], _OVER_TEXELS if whole else _OVER_UNDER)
        self._shown[:] = numbers
        self.version += 1

    def add_to(self, frame: Frame, view: View, scene: Scene) -> None:
        """Add the sky behind what was drawn of ``scene`` without one, as ``view`` sees it, in the scene's sky tint."""
        row = view_row(scene.layers[0], scene.encoding, view)
        with on_threads(self.threads):
            add_sky(
                self.texels.reshape(-1), self.width_px, self.height_px, row, sky_tint(scene), frame.rgba.reshape(-1),
                view.camera.width_px, self._fractions, self._corners,
            )  # fmt: skip

    def _lay(self, plate: Plate, under: np.ndarray, number: int, mode: int) -> None:
        with on_threads(self.threads):
            _lay_frame(
                plate.frames[number].view(np.uint16), self._colours, self._covers, under, self.texels, plate.left_px,
                plate.top_px, mode, self.threads,
            )  # fmt: skip


def _tables(encoding: ColourEncoding) -> tuple[Float32[np.ndarray, "65536"], Float32[np.ndarray, "65536"]]:
    """Of a half float's bits: the colour as a scene blends it, and the plain value; 0 for what no plate holds."""
    linear = np.zeros(_HALVES, np.float32)
    linear[:_LARGEST] = np.arange(_LARGEST, dtype=np.uint16).view(np.float16)
    colours = np.asarray(srgb_encode(linear), np.float32) if encoding == "srgb" else linear
    return np.ascontiguousarray(colours), linear


@parallel_kernel
def _lay_frame(
    bits: Any, colours: Any, covers: Any, under: Any, texels: Any, left: int, top: int, mode: int, threads: int
) -> None:
    """A frame (h w 4) into ``texels``, as ``mode`` says: ``under`` alone, the frame over that, or over the texels."""
    height, width, around = bits.shape[0], bits.shape[1], texels.shape[1]
    for thread in numba.prange(threads):
        for i in range(height * thread // threads, height * (thread + 1) // threads):
            for j in range(width):
                x = left + j
                if x >= around:
                    x -= around
                cover = covers[bits[i, j, 3]]
                for c in range(3):
                    old = texels[top + i, x, c] if mode == _OVER_TEXELS else under[i, j, c]
                    if mode != _UNDER:
                        old += cover * (colours[bits[i, j, c]] - old)
                    texels[top + i, x, c] = old
