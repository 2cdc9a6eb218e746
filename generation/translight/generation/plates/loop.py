"""A film becomes a loop: where to cut it, and a cross-fade over the cut that keeps the picture's contrast.

The cut is where the film resembles itself most one loop later (Schödl et al. 2000, "Video Textures"). Fading between
two pictures of one texture halves its variance in the middle, which is seen as a breath of blur in every turn; so what
stands out from the local mean is scaled back up to the variance that it had (Heitz and Neyret 2018, "High-Performance
By-Example Noise using a Histogram-Preserving Blending Operator", whose factor is ours for pictures that do not
correlate; for two that do, as slow clouds, less is missing).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from translight.core.errors import GenerationError

_LOCAL = 0.06
"""Of a picture's height: the Gaussian about a pixel within which its local mean is taken."""
_COMPARED_PX = 64
"""Width to which frames are averaged down to be compared."""


@dataclass(frozen=True, slots=True)
class Cut:
    """``begins``: the film's frame that the loop begins with; ``frames`` of the loop; ``faded`` of them over the cut.

    ``difference`` is the RMS difference, of what is faded, over the film's own contrast.
    """

    begins: int
    frames: int
    faded: int
    difference: float


class Film(Protocol):
    """Linear pictures (h w 3) by their numbers: a list, an array, or what makes them when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> np.ndarray: ...


def best_cut(film: Film, frames: int, faded: int) -> Cut:
    """Where to cut a film (n h w 3) for a loop of so many frames. Raises GenerationError where it is too short."""
    if frames < 3 or not 1 <= faded < frames:
        raise GenerationError(f"a loop has 3 frames or more and fades over fewer, got {frames} and {faded}")
    spare = len(film) - frames - faded
    if spare < 0:
        raise GenerationError(
            f"{len(film)} frames are too few for a loop of {frames} that fades over {faded}: "
            f"{frames + faded} are needed"
        )
    small = np.stack([_tiny(film[number]) for number in range(len(film))])
    contrast = float(np.sqrt(np.mean((small - small.mean(axis=0)) ** 2))) or 1.0
    apart = np.mean((small[frames:] - small[:-frames]) ** 2, axis=(1, 2, 3))
    sums = np.convolve(apart, np.ones(faded) / faded, "valid")
    begins = int(np.argmin(sums))
    return Cut(begins, frames, faded, float(np.sqrt(sums[begins]) / contrast))


def looped(film: Film, cut: Cut) -> Callable[[int], Float32[np.ndarray, "h w 3"]]:
    """The loop's frame by its number, made when it is asked for."""

    def frame(number: int) -> Float32[np.ndarray, "h w 3"]:
        if not 0 <= number < cut.frames:
            raise ValueError(f"the loop has frames 0 to {cut.frames - 1}, got {number}")
        own = np.asarray(film[cut.begins + number], np.float32)
        if number >= cut.faded:
            return own
        before = np.asarray(film[cut.begins + cut.frames + number], np.float32)
        share = (number + 0.5) / cut.faded
        return faded(before, own, share * share * (3 - 2 * share))

    return frame


def faded(
    first: Float32[np.ndarray, "h w 3"], second: Float32[np.ndarray, "h w 3"], share: float
) -> Float32[np.ndarray, "h w 3"]:
    """A mix with ``share`` of the second, linear in the local means; the rest keeps the variance of both."""
    means = [_local_mean(picture) for picture in (first, second)]
    rests = [picture - mean for picture, mean in zip((first, second), means, strict=True)]
    power = [float(np.mean(rest**2)) for rest in rests]
    alike = float(np.mean(rests[0] * rests[1])) / max(np.sqrt(power[0] * power[1]), 1e-20)
    a, b = 1.0 - share, share
    kept = np.sqrt(a * a + b * b + 2 * a * b * np.clip(alike, 0.0, 1.0))
    mixed = a * means[0] + b * means[1] + (a * rests[0] + b * rests[1]) / kept
    return np.maximum(mixed, 0.0).astype(np.float32)


def _local_mean(picture: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    size = max(_LOCAL * picture.shape[0], 1.0)
    return ndimage.gaussian_filter(picture, (size, size, 0), mode="nearest")


def _tiny(frame: np.ndarray) -> Float32[np.ndarray, "h w 3"]:
    """Averaged down, and the brightest held back, so that glints do not decide."""
    picture = np.asarray(frame[..., :3], np.float32)
    picture = picture / (1.0 + picture)
    factor = max(1, picture.shape[1] // _COMPARED_PX)
    height, width = (max(side // factor, 1) * factor for side in picture.shape[:2])
    if height > picture.shape[0] or width > picture.shape[1]:
        return picture
    cells = picture[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
    return np.asarray(cells.mean(axis=(1, 3)), np.float32)
