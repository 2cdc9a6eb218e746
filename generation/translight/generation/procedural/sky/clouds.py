"""What clouds a weather has: cirrus, heaps, a closed sheet; cloud_kernel.py and paint_kernel.py draw them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from translight.environment.noise import fractal, hashed, start_of
from translight.generation.brief.brief import Weather
from translight.generation.procedural.sky.cloud_kernel import march

MOST_ROWS = 512
"""Rows from the horizon to overhead on which heaps are marched; finer pictures interpolate."""
_FARTHEST_M = 70_000.0
_PER_M = 0.04
"""Extinction within a cumulus, 1/m: a third of a real one's, since marching steps are long."""


@dataclass(frozen=True, slots=True)
class Heaps:
    """A layer of cumulus or stratocumulus."""

    cover: float
    """Share of the plan that lies under it."""
    base_m: float
    thickness_m: float
    scale_m: float
    """Distance between clouds, about."""
    gain: float
    """How steeply they rise from their edges."""
    billow_m: float
    roughness: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A closed layer: stratus, nimbostratus."""

    base_m: float
    depth: float
    """Optical depth, after which light has no direction left."""
    swing: float
    """Its variation."""
    size_m: float
    relief: float
    through: float
    """Share of the light above that comes through."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Clouds:
    """All that stands in the sky in some weather, and the share of direct sunlight that it lets through."""

    cirrus: float
    heaps: Heaps | None = None
    sheet: Sheet | None = None
    sun: float = 1.0
    level: float = 1.0
    """What the camera exposes a white to, under it."""


WEATHERS: dict[Weather, Clouds] = {
    "clear": Clouds(cirrus=0.16),
    "haze": Clouds(cirrus=0.10, sun=0.9),
    "scattered": Clouds(cirrus=0.30, heaps=Heaps(0.24, 1250.0, 950.0, 1700.0, 2.6, 380.0, 0.40)),
    "broken": Clouds(cirrus=0.40, heaps=Heaps(0.56, 1100.0, 850.0, 2000.0, 1.9, 380.0, 0.36), sun=0.85),
    "overcast": Clouds(cirrus=0.0, sheet=Sheet(750.0, 12.0, 0.42, 1500.0, 0.40, 0.30), sun=0.0, level=0.62),
    "rain": Clouds(cirrus=0.0, sheet=Sheet(520.0, 20.0, 0.60, 700.0, 1.1, 0.12, (0.96, 1.0, 1.05)), sun=0.0, level=0.5),
    "snow": Clouds(cirrus=0.0, sheet=Sheet(500.0, 14.0, 0.16, 1400.0, 0.16, 0.45), sun=0.0, level=0.8),
    "fog": Clouds(cirrus=0.0, sun=0.12, level=0.8),
}


def chosen(weather: Weather, seed: int) -> Clouds:
    """The weather's clouds; how much cirrus there is, the seed says."""
    kind = WEATHERS[weather]
    share = float(hashed(np.array([17]), seed)[0])
    return replace(kind, cirrus=kind.cirrus * (0.35 + 1.3 * share))


def marched(
    heaps: Heaps,
    seed: int,
    rows: int,
    *,
    clear_towards: Float64[np.ndarray, "3"] | None,
    light: Float64[np.ndarray, "3"],
    direct: Float64[np.ndarray, "3"],
    above: Float64[np.ndarray, "3"],
    under: Float64[np.ndarray, "3"],
) -> Float32[np.ndarray, "h w 5"]:
    """The heaps on ``rows`` rows over the horizon: radiance, how much they hide, metres; see cloud_kernel.march.

    ``clear_towards`` as ``plan_of`` has it.
    """
    rows = min(rows, MOST_ROWS)
    elevation = (0.5 - (np.arange(rows) + 0.5) / (2 * rows)) * np.pi
    azimuth = ((np.arange(4 * rows) + 0.5) / (4 * rows) - 0.5) * 2 * np.pi
    layer, start = plan_of(heaps, seed, clear_towards)
    out = np.zeros((rows, 4 * rows, 5), np.float32)
    turn = np.stack([np.sin(azimuth), np.cos(azimuth)], axis=-1)
    march(np.sin(elevation), turn, layer, start, light, direct, above, under, out)
    return out


def plan_of(
    heaps: Heaps, seed: int, clear_towards: Float64[np.ndarray, "3"] | None
) -> tuple[Float64[np.ndarray, "11"], np.uint32]:
    """A seed's clouds as ``cloud_kernel.march`` takes them: the layer and the start of its noise.

    The layer's last two are where the plan begins over the eye (x, y).

    They are shifted until the middle of a gap stands before ``clear_towards`` (the sun), when it is given.
    """
    start = start_of(seed + 401)
    rng = np.random.default_rng([seed, 3])
    probe = rng.uniform(-300.0, 300.0, (20_000, 2)).astype(np.float32)
    threshold = float(np.quantile(fractal(probe, seed + 401, 5), 1 - heaps.cover))
    begins = rng.uniform(-80_000.0, 80_000.0, (12, 2))
    if clear_towards is not None:
        begins = np.stack([_gap(heaps, seed + 401, begin, clear_towards) for begin in begins])
    # of a few places, the one over whose next kilometres the cover is most as it was asked for
    near = rng.normal(0.0, 2500.0, (400, 2))
    plan = ((begins[:, None] + near) / heaps.scale_m).reshape(-1, 2).astype(np.float32)
    covered = (fractal(plan, seed + 401, 5) > threshold).reshape(len(begins), -1).mean(axis=1)
    begin = begins[np.argmin(np.abs(covered - heaps.cover))]
    layer = np.array(
        [
            heaps.base_m,
            heaps.thickness_m,
            heaps.scale_m,
            threshold,
            heaps.gain,
            heaps.billow_m,
            heaps.roughness,
            _PER_M,
            _FARTHEST_M,
            *begin,
        ]
    )
    return layer, start


def _gap(
    heaps: Heaps, noise_seed: int, begin: Float64[np.ndarray, "2"], towards: Float64[np.ndarray, "3"]
) -> Float64[np.ndarray, "2"]:
    """Where the plan must begin for the ray towards the sun to pass where there is least cloud."""
    far = np.linspace(heaps.base_m, heaps.base_m + 0.8 * heaps.thickness_m, 6) / max(towards[2], 0.05)
    line = far[:, None] * towards[:2]
    shift = heaps.scale_m * np.stack(np.meshgrid(*[np.linspace(-2.5, 2.5, 26)] * 2), axis=-1).reshape(-1, 1, 2)
    plan = ((begin + line + shift) / heaps.scale_m).reshape(-1, 2).astype(np.float32)
    cover = fractal(plan, noise_seed, 5).reshape(len(shift), -1)
    return np.asarray(begin + shift[np.argmin(cover.max(axis=1)), 0])
