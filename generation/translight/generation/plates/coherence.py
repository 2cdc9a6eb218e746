"""How steady a loop is from frame to frame: its warping error and its flicker, at the cut and everywhere else.

Warping error: what is left between neighbours when optical flow (flow.py) has brought one onto the other, where both
see the same: Lai et al. (2018), "Learning Blind Video Temporal Consistency"; what is hidden in one of them is told by
flow there and back (Sundaram et al. 2010). Flicker: how the light along the motion changes as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from translight.colour.transfer import srgb_encode
from translight.core.progress import Progress, silent
from translight.generation.plates.flow import flow, warped
from translight.generation.plates.loop import Film

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_WIDEST_PX = 320
"""Wider pictures are averaged down before they are compared: flow follows motion, not grain."""
_CODES = 255.0
_LOCAL_PX = 6.0
_FAINTEST = 0.004
"""A texture of less than a code is noise, and is not made more of."""
_FEWEST = 0.05
"""Of the pixels, that must be seen in both pictures for a step to be measured."""


@dataclass(frozen=True, slots=True)
class Coherence:
    """Of the steps that were measured, ``steps`` of them and the loop's cut.

    Warping errors are RMS differences in codes of 255, as shown in sRGB; flicker is relative, RMS over the steps: 0.01
    is one percent more or less light from one frame to the next.
    """

    steps: int
    warping_codes: float
    warping_p99_codes: float
    cut_warping_codes: float
    flicker: float
    flicker_p99: float
    cut_flicker: float

    def facts(self) -> dict[str, float]:
        """For a report."""
        return {name: round(float(getattr(self, name)), 5) for name in self.__slots__}

    def said(self) -> str:
        """In one line."""
        return (
            f"warping error {self.warping_codes:.2f} codes (p99 {self.warping_p99_codes:.2f}, at the cut "
            f"{self.cut_warping_codes:.2f}); flicker {self.flicker:.3%} (p99 {self.flicker_p99:.3%}, at the cut "
            f"{self.cut_flicker:.3%}), {self.steps} steps"
        )


def coherence(frames: Film, steps: int = 24, progress: Progress = silent) -> Coherence:
    """Measure a loop (n h w 3 or more), linear, over up to so many of its steps, evenly spread, and over its cut.

    The cut is the step from the last frame to the first. Raises ValueError on fewer than 3 frames.
    """
    count = len(frames)
    if count < 3:
        raise ValueError(f"a loop of at least 3 frames is measured, got {count}")
    chosen = np.unique(np.linspace(0, count - 2, min(steps, count - 1)).round().astype(int))
    found = []
    for done, k in enumerate((*chosen, count - 1)):
        progress("measuring coherence", done / (len(chosen) + 1))
        found.append(step_between(_small(frames[k]), _small(frames[(k + 1) % count])))
    progress("measuring coherence", 1.0)
    warping, changes = np.array(found).T
    inner, change = warping[:-1], np.abs(changes[:-1])
    return Coherence(
        len(chosen),
        float(np.sqrt(np.mean(inner**2))),
        float(np.percentile(inner, 99)),
        float(warping[-1]),
        float(np.sqrt(np.mean(change**2))),
        float(np.percentile(change, 99)),
        float(abs(changes[-1])),
    )


def step_between(first: Float32[np.ndarray, "h w 3"], second: Float32[np.ndarray, "h w 3"]) -> tuple[float, float]:
    """Warping error in codes and the relative change of light, from one linear picture to the next.

    Where next to nothing is seen in both, as over a bad cut, they are compared as they stand.
    """
    shown = [np.clip(srgb_encode(np.clip(picture, 0, 1)), 0, 1).astype(np.float32) for picture in (first, second)]
    grey = [_structure(picture @ _LUMINANCE) for picture in shown]
    there, back = flow(grey[0], grey[1]), flow(grey[1], grey[0])
    both = seen_in_both(there, back)
    if both.mean() < _FEWEST:
        there, both = np.zeros_like(there), np.ones_like(both)
    difference = (warped(shown[1], there) - shown[0])[both]
    light = [float((picture @ _LUMINANCE)[both].mean()) for picture in (first, warped(second, there))]
    return float(np.sqrt(np.mean(difference**2)) * _CODES), light[1] / max(light[0], 1e-6) - 1.0


def seen_in_both(there: Float32[np.ndarray, "h w 2"], back: Float32[np.ndarray, "h w 2"]) -> Bool[np.ndarray, "h w"]:
    """Where the flow back leads to where one came from, within the picture."""
    height, width = there.shape[:2]
    returned = warped(back, there)
    off = np.sum((there + returned) ** 2, axis=-1)
    size = np.sum(there**2, axis=-1) + np.sum(returned**2, axis=-1)
    rows, columns = np.mgrid[:height, :width]
    x, y = columns + there[..., 0], rows + there[..., 1]
    return (off < 0.01 * size + 0.5) & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _structure(grey: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """What the flow follows: without the local mean, so that flicker is not taken for motion."""
    rest = grey - ndimage.gaussian_filter(grey, _LOCAL_PX, mode="nearest")
    return np.asarray(0.5 + 0.15 * rest / max(float(rest.std()), _FAINTEST), np.float32)


def _small(frame: np.ndarray) -> Float32[np.ndarray, "h w 3"]:
    picture = np.asarray(frame[..., :3], np.float32)
    factor = -(-picture.shape[1] // _WIDEST_PX)
    height, width = (side // factor * factor for side in picture.shape[:2])
    if factor == 1 or height == 0:
        return picture
    cells = picture[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
    return np.ascontiguousarray(cells.mean(axis=(1, 3)))
