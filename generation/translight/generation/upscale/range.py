"""Light of any brightness as networks see pictures, and back: exposure, shoulder, sRGB, and peaks that are kept apart.

A super-resolution network was trained on pictures between 0 and 1. What the shoulder takes from bright light is not
asked back of the network, whose small errors near white would become large ones: it is carried in the smaller
picture's pixels and interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from translight.colour.transfer import srgb_encode
from translight.generation.panorama import sample

KNEE = 0.7
"""Below it light is seen as it is; above, 1 is approached: 1 − (1 − k)² / (x + 1 − 2k), with slope 1 at the knee."""
GREY = 0.18
"""What a picture's geometric mean is exposed to, as a photograph's."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_BLACK = 1e-5
"""Light that the mean counts at least; black borders must not make a picture bright."""
_MAX_STOPS = 10.0
_BLOCK_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture as a network takes it, and what it cannot show."""

    encoded: Float32[np.ndarray, "h w 3"]
    """sRGB-encoded, 0 to 1."""
    peaks: Float32[np.ndarray, "h w 2"]
    """Of the three channels of exposed light, the largest, and what is shown of it."""
    exposure: float

    def light(self, shown: Float32[np.ndarray, "h2 w2 3"]) -> Float32[np.ndarray, "h2 w2 3"]:
        """Linear light of the panorama in other pixels, of what is shown there (linear).

        It is multiplied by the interpolated peak over what is shown of it, interpolated: exactly 1 below the knee, and
        a lamp that is narrower than a pixel keeps most of its light.
        """
        height, own = shown.shape[0], self.peaks.shape[0]
        light = np.empty_like(shown)
        column = (np.arange(2 * height) + 0.5) * own / height
        for top in range(0, height, _BLOCK_ROWS):
            row = (np.arange(top, min(top + _BLOCK_ROWS, height)) + 0.5) * own / height
            at = np.stack(np.broadcast_arrays(column[None], row[:, None]), axis=-1)
            peak, bent = np.moveaxis(sample(self.peaks, at), -1, 0)
            gain = np.where(peak > bent, peak / np.maximum(bent, _BLACK), 1)
            block = slice(top, top + len(row))
            light[block] = shown[block] * (gain[..., None] / self.exposure)
        return light


def see(light: Float32[np.ndarray, "h w 3"]) -> Seen:
    """Linear light of a panorama for a network. Light that is below 0 counts as 0."""
    positive = np.maximum(light, 0)
    mean = float(np.exp(np.mean(np.log(np.maximum(positive @ _LUMINANCE, _BLACK)), dtype=np.float64)))
    exposure = float(np.clip(GREY / mean, 2**-_MAX_STOPS, 2**_MAX_STOPS))
    exposed = positive * np.float32(exposure)
    peak = exposed.max(axis=-1)
    bent = np.where(peak > KNEE, 1 - (1 - KNEE) ** 2 / (np.maximum(peak, KNEE) + 1 - 2 * KNEE), peak)
    shown = exposed * np.where(peak > KNEE, bent / np.maximum(peak, KNEE), 1)[..., None]
    encoded = np.clip(srgb_encode(shown), 0, 1).astype(np.float32)
    return Seen(encoded, np.stack([peak, bent], axis=-1).astype(np.float32), exposure)
