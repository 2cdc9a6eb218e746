"""What grows and lies below trees.py: turf, grass, ferns, bushes, saplings, litter, logs and stones, as meshes.

Every maker takes a seed for its variant; sizes are in metres and plants stand on z = 0.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.environment.noise import fractal
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import merged, mesh, sphere
from translight.generation.procedural.vegetation.foliage import leaves, needles, sprigs
from translight.generation.procedural.vegetation.growth import Habit, broad, conifer
from translight.generation.procedural.vegetation.palette import Stuff
from translight.generation.procedural.vegetation.skeleton import Skeleton
from translight.generation.procedural.vegetation.tubes import tubes

_LOG_SINKS = 0.8
"""Of a log's radius, how high its middle lies above the ground."""


def turf(seed: int, radius_m: float = 0.45, blades: int = 520) -> Mesh:
    """Short grass and clover to walk on, 2 to 5 cm high."""
    rng = np.random.default_rng((seed, 1))
    foot = _disc(blades, radius_m, rng)
    short = _blades(foot, rng.uniform(0.02, 0.05, blades), 0.004, 0.8, rng)
    leaf = _disc(blades // 3, radius_m, rng)
    flat = _kites(leaf + np.array([0, 0, 0.02]), rng.uniform(0.012, 0.028, len(leaf)), 0.8, 0.5, rng)
    colour = np.repeat(_tones(len(leaf), 0.2, rng) * (0.75, 0.9, 0.8), 4, axis=0)
    return merged([short, mesh(flat.reshape(-1, 3), _two(len(leaf)), Stuff.GRASS, colour)])


def grass(seed: int, height_m: float = 0.38, blades: int = 130, dry: float = 0.15) -> Mesh:
    """A tuft, ``dry`` of whose blades are last year's; some carry a head of seeds."""
    rng = np.random.default_rng((seed, 2))
    foot = _disc(blades, 0.24, rng)
    height = height_m * rng.uniform(0.4, 1.15, blades) * (1 - 0.5 * np.hypot(*foot[:, :2].T) / 0.24)
    return _blades(foot, height, 0.0075, 0.55, rng, dry)


def fern(seed: int) -> Mesh:
    """A shuttlecock of arching fronds, each a stalk with paired leaflets that narrow to its tip."""
    rng = np.random.default_rng((seed, 3))
    fronds, pairs = int(rng.integers(9, 13)), 20
    out = []
    for k in range(fronds):
        azimuth = (k + rng.uniform(-0.3, 0.3)) * 2 * np.pi / fronds
        length, steep = rng.uniform(0.55, 0.95), rng.uniform(0.9, 1.25)
        s = (np.arange(pairs) + 1) / (pairs + 0.5)
        slope = steep - 1.75 * s**1.3
        reach = np.cumsum(np.cos(slope)) * length / pairs
        rise = np.cumsum(np.sin(slope)) * length / pairs
        way = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        across = np.array([-way[1], way[0], 0.0])
        spine = reach[:, None] * way + rise[:, None] * (0, 0, 1)
        along = np.cos(slope)[:, None] * way + np.sin(slope)[:, None] * (0, 0, 1)
        size = 0.30 * length * np.sin(np.pi * np.clip(0.08 + 0.92 * s, 0, 1)) ** 0.8 * (1.15 - 0.6 * s)
        for side in (-1.0, 1.0):
            axis = side * across + 0.42 * along - np.array([0, 0, 0.12])
            axis = axis / np.linalg.norm(axis, axis=1, keepdims=True)
            half = 0.5 * length / pairs * 0.95 * along
            middle = spine + 0.35 * size[:, None] * axis + np.array([0, 0, 0.012])
            tip = spine + size[:, None] * axis - (0, 0, 0.02)
            out.append(np.stack([spine, middle - half, tip, middle + half], axis=1))
    corners = np.concatenate(out)
    tone = _tones(fronds, 0.16, rng).repeat(2 * pairs, axis=0)
    colour = np.repeat(tone * _tones(len(corners), 0.06, rng), 4, axis=0)
    return mesh(corners.reshape(-1, 3), _two(len(corners)), Stuff.FERN, colour)


def bush(seed: int, count: int = 3600) -> Mesh:
    """A hazel-like bush of several stems, about 2 m high."""
    rng = np.random.default_rng((seed, 4))
    habit = Habit(
        rng.uniform(1.6, 2.5), 0.97, rng.uniform(0.9, 1.3), 0.03, 0.25, points=900, step_m=0.12, lift=0.2,
        tip_radius_m=0.002,
    )  # fmt: skip
    grown = broad(habit, rng)
    wood = tubes(grown, thinnest_m=0.003, sides=6, flare=0.0, bump=0.0, seed=seed)
    stems = mesh(wood.vertices, wood.triangles, Stuff.BEECH_BARK, (0.6, 0.55, 0.5), smooth=True)
    leaf = leaves(sprigs(grown, 0.006), count, 0.085, Stuff.BROAD_LEAF, rng, width=0.75, spread_m=0.1)
    return merged([stems, leaf])


def sapling(seed: int, count: int = 6500) -> Mesh:
    """A young spruce, 2 to 3.5 m high, green to the ground."""
    rng = np.random.default_rng((seed, 5))
    habit = Habit(
        rng.uniform(2.0, 3.5), 0.97, rng.uniform(0.75, 1.1), 0.035, 1.0, whorl_m=0.26, tip_radius_m=0.002
    )  # fmt: skip
    grown = conifer(habit, rng)
    wood = tubes(grown, thinnest_m=0.004, sides=7, flare=0.0, bump=0.05, seed=seed)
    stem = mesh(wood.vertices, wood.triangles, Stuff.SPRUCE_BARK, (0.8, 0.8, 0.8), smooth=True)
    green = needles(sprigs(grown, 0.006), count, 0.075, 0.012, Stuff.NEEDLES, rng, splay=0.8)
    return merged([stem, green])


def litter(seed: int, radius_m: float = 0.5, count: int = 110) -> Mesh:
    """Fallen leaves and a few sticks, lying within 2 cm of the ground."""
    rng = np.random.default_rng((seed, 6))
    foot = _disc(count, radius_m, rng) + np.column_stack([np.zeros((count, 2)), rng.uniform(0.004, 0.016, count)])
    corners = _kites(foot, rng.uniform(0.045, 0.095, count), 0.62, 0.22, rng)
    value = rng.uniform(0.45, 1.35, count)[:, None]
    hue = np.where(rng.random((count, 1)) < 0.25, (1.15, 1.15, 0.8), (1.0, 0.9, 0.9))
    fallen = mesh(corners.reshape(-1, 3), _two(count), Stuff.LITTER, np.repeat(value * hue, 4, axis=0))
    sticks = 9
    turn, length = rng.uniform(0, 2 * np.pi, sticks), rng.uniform(0.12, 0.5, sticks)
    start = _disc(sticks, radius_m * 0.8, rng) + np.array([0, 0, 0.006])
    way = np.column_stack([np.cos(turn), np.sin(turn), rng.uniform(0, 0.03, sticks)])
    middle = (
        start
        + 0.5 * length[:, None] * way
        + np.column_stack([rng.normal(scale=0.015, size=(sticks, 2)), np.zeros(sticks)])
    )
    parts = [fallen]
    for a, b, c in zip(start, middle, start + length[:, None] * way, strict=True):
        wood = _rod(np.stack([a, b, c]), 0.004)
        parts.append(wood)
    return merged(parts)


def log(seed: int) -> Mesh:
    """A fallen trunk along X, lying on the ground by all its length, with broken stubs of limbs and moss on top."""
    rng = np.random.default_rng((seed, 7))
    length, foot = rng.uniform(4.5, 9.0), rng.uniform(0.14, 0.24)
    up = np.linspace(0, length, 24)
    thick = foot * (1 - 0.45 * up / length)
    # grown along Z with what will be above towards X: a trunk's own height is its parameter
    trunk = np.column_stack([_LOG_SINKS * thick, 0.05 * np.sin(up + seed), up])
    joints, parents = [trunk], [np.arange(-1, len(up) - 1)]
    radius = [thick]
    for k in range(int(rng.integers(5, 10))):
        at, azimuth, reach = int(rng.integers(6, 23)), rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 0.6)
        way = np.array([np.cos(azimuth), np.sin(azimuth), 0.5])
        joints.append(trunk[at] + np.array([[0.5], [1.0]]) * (reach + foot) * way)
        parents.append(np.array([at, len(up) + 2 * k]))
        radius.append(np.array([0.03, 0.018]))
    skeleton = Skeleton(np.concatenate(joints), np.concatenate(parents), np.concatenate(radius))
    wood = tubes(skeleton, thinnest_m=0.0, sides=16, flare=0.25, bump=0.16, seed=seed)
    patch = fractal(wood.vertices * 1.4, seed + 9, 4).astype(np.float64)[:, None]
    above = wood.vertices[:, :1] - np.interp(wood.vertices[:, 2:], up, trunk[:, 0])
    moss = np.clip(1.2 * patch + 0.45 + 0.6 * above / foot, 0, 1)
    colour = (1 + 0.4 * patch) * (1 - moss) + moss * (0.55, 0.85, 0.3)
    # a half turn about the diagonal between X and Z
    laid = wood.vertices[:, ::-1] * (1, -1, 1)
    return mesh(laid, wood.triangles, Stuff.DEAD_WOOD, colour, smooth=True)


def stone(seed: int, subdivisions: int = 4) -> Mesh:
    """A boulder of about 1 m across, half sunk, with moss on its top."""
    ball = sphere(1.0, Stuff.STONE, subdivisions=subdivisions)
    rng = np.random.default_rng((seed, 8))
    way = ball.vertices.astype(np.float64)
    flats = rng.normal(size=(14, 3))
    flats /= np.linalg.norm(flats, axis=1, keepdims=True)
    # planes cut a ball into facets; the softened minimum rounds their edges
    cut = rng.uniform(0.62, 0.95, 14) / np.maximum(way @ flats.T, 0.15)
    radius = -np.log(np.exp(-9 * np.minimum(cut, 1.15)).mean(axis=1)) / 9 - 0.12
    rough = fractal(way * 2.2 + seed % 97, seed, 5).astype(np.float64)
    place = way * (0.5 * radius * (1 + 0.16 * rough))[:, None] * (1.15, 0.9, 0.75) + (0, 0, 0.1)
    moss = np.clip(2.4 * (way[:, 2] - 0.35) + 1.6 * fractal(way * 3, seed + 3, 3), 0, 1)[:, None]
    colour = (1 + 0.5 * rough)[:, None] * (1 - moss) + moss * (0.42, 0.62, 0.2)
    return mesh(place, ball.triangles, Stuff.STONE, np.clip(colour, 0.1, 2.0), smooth=True)


def _blades(
    foot: Float64[np.ndarray, "n 3"], height: np.ndarray, width_m: float, droop: float, rng: np.random.Generator,
    dry: float = 0.08,
) -> Mesh:  # fmt: skip
    """Blades of three triangles that bend over."""
    n = len(foot)
    turn = rng.uniform(0, 2 * np.pi, n)
    over = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(n)])
    side = np.column_stack([-np.sin(turn), np.cos(turn), np.zeros(n)]) * (0.5 * width_m)
    bend = height[:, None] * droop * rng.uniform(0.3, 1.2, n)[:, None] * over
    knee = foot + 0.3 * bend + np.outer(0.6 * height, (0, 0, 1))
    tip = foot + bend + np.outer(height * rng.uniform(0.75, 1.0, n), (0, 0, 1))
    corners = np.stack([foot - side, foot + side, knee + 0.8 * side, knee - 0.8 * side, tip], axis=1)
    faces = np.array([[0, 1, 2], [0, 2, 3], [3, 2, 4]])[None] + 5 * np.arange(n)[:, None, None]
    straw = rng.random((n, 1)) < dry
    colour = np.where(straw, (2.3, 1.6, 1.9), _tones(n, 0.2, rng))
    shade = np.array([0.6, 0.6, 1.0, 1.0, 1.25])[None, :, None]
    return mesh(corners.reshape(-1, 3), faces, Stuff.GRASS, (colour[:, None] * shade).reshape(-1, 3))


def _kites(
    foot: Float64[np.ndarray, "n 3"], length: np.ndarray, width: float, tilt: float, rng: np.random.Generator
) -> Float64[np.ndarray, "n 4 3"]:
    """Flat-lying leaves, curled a little: corners of two triangles each."""
    n = len(foot)
    turn = rng.uniform(0, 2 * np.pi, n)
    axis = np.column_stack([np.cos(turn), np.sin(turn), tilt * rng.uniform(-0.2, 1.0, n)])
    side = np.column_stack([-np.sin(turn), np.cos(turn), tilt * rng.uniform(-0.6, 0.6, n)]) * (0.5 * width)
    size = length[:, None]
    curl = np.array([0, 0, 0.14]) * size
    belly = foot + 0.45 * size * axis
    return np.stack([foot, belly - size * side + curl, foot + size * axis, belly + size * side + curl], axis=1)


def _rod(points: Float64[np.ndarray, "3 3"], radius_m: float) -> Mesh:
    way = points[2] - points[0]
    a = np.cross(way, (0, 0, 1.0))
    a *= radius_m / np.linalg.norm(a)
    b = np.array([0, 0, radius_m])
    ring = np.stack([a - 0.5 * b, b, -a - 0.5 * b])
    corners = (points[:, None] + ring[None] * np.array([1.0, 0.85, 0.6])[:, None, None]).reshape(-1, 3)
    k, after = np.arange(3), (np.arange(3) + 1) % 3
    sides = [np.stack([r + k, r + 3 + after, r + after], -1) for r in (0, 3)]
    more = [np.stack([r + k, r + 3 + k, r + 3 + after], -1) for r in (0, 3)]
    return mesh(corners, np.concatenate([*sides, *more, [[0, 1, 2]], [[6, 8, 7]]]), Stuff.DEAD_WOOD, (0.8, 0.75, 0.65))


def _disc(n: int, radius_m: float, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    """Points of a disc, denser in its middle, so that neighbours blend."""
    radius, turn = radius_m * rng.random(n) ** 0.6, rng.uniform(0, 2 * np.pi, n)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), np.zeros(n)])


def _two(n: int) -> np.ndarray:
    return np.array([[0, 1, 2], [0, 2, 3]])[None] + 4 * np.arange(n)[:, None, None]


def _tones(n: int, spread: float, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    value = np.clip(1 + spread * rng.normal(size=n), 0.5, 1.6)[:, None]
    warm = np.clip(0.7 * spread * rng.normal(size=n), -0.3, 0.3)
    return value * np.stack([1 + warm, np.ones(n), 1 - 0.7 * warm], axis=-1)
