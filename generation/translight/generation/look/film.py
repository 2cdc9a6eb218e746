"""Film stocks: light becomes density by each layer's characteristic curve, layers act on each other, and it is viewed.

Hurter and Driffield, "Photochemical Investigations" (1890): density over the logarithm of exposure has a toe, a
straight line whose slope is gamma, and a shoulder. Layers inhibit one another (interlayer effects; Hunt, "The
Reproduction of Colour", on them). The stocks are our own figures for kinds of film, not measurements of any product.
halation.py and grain.py do what is not a map of colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float64

from translight.core.errors import GenerationError
from translight.generation.look.encoding import carried

GREY = 0.18
"""Light that comes out as it goes in; exposures are counted from it."""

_DARK = 1e-7
_REACH = 6.0
"""Powers of ten above grey within which the knee is sought."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Three layers: what each adds, over log10 exposure from grey; a rising curve from 0 to its largest.

    A negative's is its density above base. A positive's is how far its density falls, for it is light's logarithm.
    """

    gamma: tuple[float, float, float]
    toe: tuple[float, float, float]
    """Where the straight line, drawn on, meets the smallest density; then where it meets the largest."""
    shoulder: tuple[float, float, float]
    softness: tuple[float, float] = (0.25, 0.3)
    """How wide toe and shoulder bend, in log10 exposure."""

    def rise(self, exposure: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Of three log10 exposures from grey."""
        kind = exposure.dtype
        low, high = (np.asarray(values, kind) for values in (self.toe, self.shoulder))
        bent = _bend(exposure - low, self.softness[0]) - _bend(exposure - high, self.softness[1])
        return (np.asarray(self.gamma, kind) * bent).astype(kind, copy=False)


@dataclass(frozen=True, slots=True)
class Stock:
    """A kind of film, and how it is looked at: a negative scanned, or printed on a positive; a reversal by itself."""

    words: str
    negative: Curves | None
    positive: Curves | None
    contrast: float
    """Slope from light to light at grey: of a scan."""
    interlayer: tuple[tuple[float, float, float], ...]
    """Density of each layer by those of all; rows sum to 1, so greys stay."""
    halation: tuple[float, float, float]
    """Share of each channel's light that is reflected from the base and exposes it once more."""
    grain: float
    """Standard deviation of density, where density is 1, in a pixel of 0.1° square."""


_COUPLED = ((1.12, -0.08, -0.04), (-0.06, 1.14, -0.08), (-0.02, -0.10, 1.12))
_DAYLIGHT = Curves((0.58, 0.60, 0.62), (-1.62, -1.60, -1.55), (2.00, 1.95, 1.85), (0.28, 0.40))
_TUNGSTEN = Curves((0.56, 0.59, 0.61), (-1.75, -1.72, -1.62), (1.95, 1.90, 1.75), (0.32, 0.45))
_PRINT = Curves((2.85, 2.80, 2.75), (-0.95, -0.95, -0.93), (0.36, 0.36, 0.35), (0.10, 0.10))
_REVERSAL = Curves((1.72, 1.70, 1.66), (-1.55, -1.52, -1.46), (0.56, 0.56, 0.57), (0.20, 0.16))

STOCKS: dict[str, Stock] = {
    "daylight negative 250": Stock(
        "scanned; moderate contrast, long shoulder", _DAYLIGHT, None, 1.15, _COUPLED, (0.020, 0.006, 0.001), 0.018
    ),
    "tungsten negative 500": Stock(
        "scanned; softer, blue layer bends first", _TUNGSTEN, None, 1.08, _COUPLED, (0.028, 0.008, 0.001), 0.027
    ),
    "reversal 100": Stock(
        "seen by itself; steep, saturated, short shoulder",
        None,
        _REVERSAL,
        1.7,
        ((1.20, -0.14, -0.06), (-0.09, 1.21, -0.12), (-0.03, -0.15, 1.18)),
        (0.012, 0.004, 0.001),
        0.012,
    ),
    "print": Stock(
        "the daylight negative on a release print: deep blacks, bright whites bend late",
        _DAYLIGHT,
        _PRINT,
        1.68,
        _COUPLED,
        (0.020, 0.006, 0.001),
        0.018,
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A stock as a map of linear light: grey and black stay.

    ``highlights``: above the point of the shoulder where the film's slope has fallen to so many stops out for each
    stop in, light goes on with that slope, so the curve stays smooth. 1 keeps every stop, which a wall needs; 0 is
    the film's own end, for displays.
    """

    stock: Stock
    highlights: float
    knee: float
    black: Float64[np.ndarray, "3"]

    def __call__(
        self, light: Float[np.ndarray, "*n 3"], noise: Float[np.ndarray, "*n 3"] | None = None
    ) -> Float[np.ndarray, "*n 3"]:
        """Linear light seen by the film; ``noise`` of density is for grain.py."""
        return carried(lambda seen: self._seen(seen, noise), np.maximum(light, 0), self.knee, self.highlights)

    def density(self, light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Of the film that grain is in, above its base."""
        exposure = np.log10(np.maximum(light, np.asarray(_DARK, light.dtype)) / np.asarray(GREY, light.dtype))
        if self.stock.negative is not None:
            return self.stock.negative.rise(exposure)
        assert self.stock.positive is not None
        top = self.stock.positive.rise(np.full(3, _REACH)).astype(light.dtype)
        return top - self.stock.positive.rise(exposure)

    def facts(self) -> dict[str, Any]:
        """For the record."""
        return {"stock": next(name for name, s in STOCKS.items() if s is self.stock), "highlights": self.highlights}

    def _seen(self, light: Float[np.ndarray, "*n 3"], noise: Float[np.ndarray, "*n 3"] | None) -> np.ndarray:
        seen = GREY * 10 ** _logarithm(self.stock, light, noise)
        black = self.black.astype(light.dtype)
        return np.maximum((seen - black) * (1 / (1 - black / GREY)), 0).astype(light.dtype, copy=False)


def film(name: str, highlights: float = 1.0) -> Film:
    """A stock by its name. Raises GenerationError."""
    if name not in STOCKS:
        raise GenerationError(f"no film stock {name!r}: {', '.join(STOCKS)} exist")
    if not 0 <= highlights <= 1:
        raise GenerationError(f"--highlights must lie within 0 and 1, got {highlights:g}")
    stock = STOCKS[name]
    black = GREY * 10 ** _logarithm(stock, np.zeros(3), None)
    whole = Film(stock, highlights, np.inf, black)
    if highlights == 0:
        return whole
    exposure = np.arange(0.0, _REACH, 1e-3)
    seen = whole(np.repeat(GREY * 10 ** exposure[:, None], 3, axis=1)).mean(axis=-1)
    slope = np.gradient(np.log10(seen), exposure)
    knee = GREY * 10 ** exposure[np.flatnonzero(slope >= highlights)[-1]]
    return Film(stock, highlights, float(knee), black)


def _logarithm(
    stock: Stock, light: Float[np.ndarray, "*n 3"], noise: Float[np.ndarray, "*n 3"] | None
) -> Float[np.ndarray, "*n 3"]:
    """log10 of what is seen, from grey."""
    kind = light.dtype
    exposure = np.log10(np.maximum(light, np.asarray(_DARK, kind)) / np.asarray(GREY, kind))
    first = stock.negative or stock.positive
    assert first is not None
    apart = first.rise(exposure) - first.rise(np.zeros(3)).astype(kind)
    if noise is not None:
        apart = apart + noise
    apart = apart @ np.asarray(stock.interlayer, kind).T
    if stock.negative is None:
        return apart
    if stock.positive is not None:  # dense negative, thin print
        return stock.positive.rise(apart) - stock.positive.rise(np.zeros(3)).astype(kind)
    return apart * (stock.contrast / np.asarray(stock.negative.gamma, kind))


def _bend(x: Float[np.ndarray, "*n"], width: float) -> Float[np.ndarray, "*n"]:
    """0 far below 0 and x far above, bending within some widths."""
    return width * np.logaddexp(np.zeros((), x.dtype), x / width)
