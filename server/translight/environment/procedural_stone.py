"""The procedural scene's ruins: arcades, columns and lintels as surfaces to cut into Gaussians."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from translight.environment.noise import fractal, hashed, noise, smoothstep
from translight.environment.surfels import Surface, grid

_STONE = np.array([0.54, 0.45, 0.345])
_MORTAR = np.array([0.30, 0.24, 0.18])
DUST = np.array([0.50, 0.39, 0.27])
"""Sand that has blown onto stone."""
_COURSE_M, _BLOCK_M, _RING_M = 0.46, 0.98, 0.46


@dataclass(frozen=True, slots=True)
class Arcade:
    """A wall of round arches: begins at ``start`` (x, y), runs along ``heading`` (radians from +Y to the right).

    ``bays`` arches of ``bay`` metres each, openings of ``radius`` on piers up to ``spring``, the wall's top at
    ``top``, its body ``depth`` to the right of the line; ``ruin`` is how many metres the top has crumbled at most, and
    of the ``missing`` bays only stumps of the piers stand.
    """

    start: tuple[float, float]
    heading: float
    bays: int
    bay: float
    radius: float
    spring: float
    top: float
    depth: float
    ruin: float
    seed: int
    missing: tuple[int, ...] = ()

    def surfaces(self) -> list[Surface]:
        """Both faces, jambs, vaults, the top, and the ends of what stands."""
        n, b = self.bays, self.bay
        piers, walls, openings = [], [], []
        for k in range(n):
            stands = k not in self.missing
            left, right = self._piers(k)
            piers += [grid(int(stands), left, (0.0, 1.0), 1, 3), grid(int(stands), right, (0.0, 1.0), 1, 3)]
            openings.append(grid(k, (0.0, 1.0), (0.0, 1.0), 2, 10))
            if stands:
                cuts = [self.bay / 2 - self._ring / 2, self.bay / 2 + self._ring / 2]
                edges = np.unique(np.round(np.r_[np.arange(9) * b / 8, cuts], 6)) + k * b
                walls += [grid(2, (lo, hi), (0.0, 1.0), 1, 3) for lo, hi in itertools.pairwise(edges)]
                walls.append(grid(3 + k, (0.0, 1.0), (0.0, 1.0), 9, 1))
        faces = np.concatenate(piers + walls)
        roofs = np.concatenate([self._roof_patches(k) for k in range(n)])
        whole = [False, *(k not in self.missing for k in range(n)), False]
        begins = [grid(k, (0.0, 1.0), (0.0, 1.0), 1, 4) for k in range(n + 1) if whole[k + 1] and not whole[k]]
        ends = [grid(k, (0.0, 1.0), (0.0, 1.0), 1, 4) for k in range(n + 1) if whole[k] and not whole[k + 1]]
        return [
            Surface(lambda k, u, v: self._face(k, u, v, near=True), faces, self._paint, flip=True),
            Surface(lambda k, u, v: self._face(k, u, v, near=False), faces, self._paint),
            Surface(self._inside, np.concatenate(openings), self._paint, flip=True),
            Surface(self._roof, roofs, self._paint, flip=True),
            Surface(lambda k, u, v: self._end(k, u, v, 1e-3), np.concatenate(begins), self._paint),
            Surface(lambda k, u, v: self._end(k, u, v, -1e-3), np.concatenate(ends), self._paint, flip=True),
        ]

    def _place(self, s: np.ndarray, across: np.ndarray | float, z: np.ndarray) -> np.ndarray:
        """Along the wall, to its right, up → stage points (n 3)."""
        sine, cosine = np.sin(self.heading), np.cos(self.heading)
        return np.column_stack(
            [self.start[0] + s * sine + across * cosine, self.start[1] + s * cosine - across * sine, z]
        )

    def _piers(self, k: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where along the wall the half piers of a bay begin and end."""
        left, right = k * self.bay, (k + 1) * self.bay
        side = self.bay / 2 - self.radius
        return (left, left + side), (right - side, right)

    def _roof_patches(self, k: int) -> np.ndarray:
        left, right = self._piers(k)
        if k in self.missing:
            return np.concatenate([grid(0, left, (0.0, 1.0), 1, 1), grid(0, right, (0.0, 1.0), 1, 1)])
        return grid(1, (left[0], right[1]), (0.0, 1.0), 8, 1)

    def _top(self, s: np.ndarray) -> np.ndarray:
        """Crumbled in steps: eight columns of stones to a bay, whole courses of each."""
        stone = np.floor(s / (self.bay / 8))
        rough = noise(np.column_stack([stone * 0.17, np.zeros_like(s)]), self.seed)
        rough = rough + 0.45 * (hashed(stone, self.seed + 1) - 0.5)
        return self.top - np.round(self.ruin * smoothstep(-0.15, 0.9, rough) / _COURSE_M) * _COURSE_M

    def _stump(self, s: np.ndarray) -> np.ndarray:
        """What is left of the piers of a missing bay."""
        pier = np.round(s / self.bay)
        broken = noise(np.column_stack([s * 1.3, pier * 7.0]), self.seed + 9)
        return self.spring * (0.12 + 0.5 * hashed(pier, self.seed + 8)) + 0.35 * broken

    @property
    def _ring(self) -> float:
        """Diameter at which the wall begins above an arch, a little under the ring of its voussoirs."""
        return 2 * (self.radius + 0.7 * _RING_M)

    def _face(self, patch: np.ndarray, u: np.ndarray, v: np.ndarray, *, near: bool) -> np.ndarray:
        """Patch 0 is a stump, 1 a pier up to the springing, 2 the wall above, 3 + k the ring around bay k's arch."""
        x = (u % self.bay) - self.bay / 2
        low = self.spring + np.sqrt(np.maximum((self._ring / 2) ** 2 - x * x, 0.0))
        z = np.choose(np.minimum(patch, 2), [v * self._stump(u), v * self.spring, low + v * (self._top(u) - low)])
        rho, angle = self.radius + v * _RING_M, np.pi * (1 - u)
        ring = patch > 2
        s = np.where(ring, (patch - 2.5) * self.bay + rho * np.cos(angle), u)
        z = np.where(ring, self.spring + rho * np.sin(angle), z)
        out = self._relief(s, z) + np.where(ring, 0.08, 0.0)
        return self._place(s, -out if near else self.depth + out, z)

    def _relief(self, s: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Metres that the face stands out: plinth, imposts, cornice, and the wear of single blocks."""
        x = (s % self.bay) - self.bay / 2
        band = smoothstep(0.03, 0.0, np.abs(z - self.spring + 0.12) - 0.12) * (np.abs(x) > self.radius - 0.2)
        plinth = smoothstep(0.62, 0.55, z)
        cornice = smoothstep(self.top - 0.85, self.top - 0.72, z) * smoothstep(self.top - 0.38, self.top - 0.45, z)
        row = np.floor(z / _COURSE_M)
        column = np.floor(s / _BLOCK_M + 0.5 * (row % 2))
        worn = hashed(row * 977 + column, self.seed + 2) - 0.5
        return 0.11 * band + 0.10 * plinth + 0.14 * cornice + 0.035 * worn

    def _inside(self, k: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """One opening's jamb, vault and jamb: v runs around it, u through the wall. Without a vault, two stumps."""
        c = (k + 0.5) * self.bay
        arc, side = np.pi * self.radius, self.spring
        length = v * (arc + 2 * side)
        angle = np.clip((length - side) / self.radius, 0.0, np.pi)
        s = c - self.radius * np.cos(angle)
        below = np.maximum(np.maximum(side - length, length - side - arc), 0.0)
        z = side + self.radius * np.sin(angle) - below
        gone = np.isin(k, self.missing)
        left = v < 0.5
        s = np.where(gone, c + np.where(left, -self.radius, self.radius), s)
        z = np.where(gone, np.where(left, 2 * v, 2 - 2 * v) * self._stump(s), z)
        return self._place(s, u * self.depth, z)

    def _roof(self, k: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return self._place(u, v * self.depth, np.where(k == 0, self._stump(u), self._top(u)))

    def _end(self, k: np.ndarray, u: np.ndarray, v: np.ndarray, inwards: float) -> np.ndarray:
        """Where the wall begins or ends between bays k − 1 and k; the standing one lies ``inwards``."""
        s = k * self.bay
        return self._place(s, u * self.depth, v * self._top(s + inwards))

    def _paint(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        d = points[:, :2] - np.array(self.start)
        s = d @ np.array([np.sin(self.heading), np.cos(self.heading)])
        x, z = (s % self.bay) - self.bay / 2, points[:, 2]
        rho, angle = np.hypot(x, z - self.spring), np.arctan2(z - self.spring, x)
        ring = (z > self.spring) & (rho < self.radius + _RING_M) & (rho > self.radius - 0.02)
        joint = np.abs((angle / np.pi * 13) % 1.0 - 0.5)
        colour = masonry(points, normals, self.seed)
        voussoir = _STONE * (0.92 + 0.22 * hashed(np.floor(angle / np.pi * 13), self.seed + 5))[:, None]
        voussoir = voussoir * (1 - 0.35 * smoothstep(0.44, 0.49, joint))[:, None]
        return np.where(ring[:, None], voussoir, colour)


def column(
    centre: tuple[float, float], height: float, radius: float, seed: int, *, capital: bool, lean: float = 0.0
) -> list[Surface]:
    """A fluted shaft on a square-ish base; whole with a capital, or broken off in a slope."""

    def profile(z: np.ndarray, angle: np.ndarray) -> np.ndarray:
        entasis = radius * (1.0 - 0.16 * (z / 6.0) ** 1.6)
        base = 0.30 * radius * smoothstep(0.62, 0.42, z) + 0.22 * radius * smoothstep(0.32, 0.26, z)
        flutes = 0.09 * radius * (np.abs(np.sin(9 * angle)) - 0.6) * smoothstep(0.6, 0.8, z)
        top = np.zeros_like(z)
        if capital:
            top = 0.55 * radius * smoothstep(height - 0.75, height - 0.12, z) + 0.12 * radius * smoothstep(
                0.06, 0.02, np.abs(z - height + 0.85)
            )
        drum = np.abs((z / 1.15) % 1.0 - 0.5)
        joint = -0.035 * radius * smoothstep(0.47, 0.495, drum)
        return entasis + base + flutes + top + joint

    def upper(angle: np.ndarray) -> np.ndarray:
        if capital:
            return np.full_like(angle, height)
        ring = np.column_stack([np.cos(angle), np.sin(angle)])
        return height * (1.0 + 0.10 * np.cos(angle - seed)) + 0.25 * noise(ring * 1.7, seed)

    def place(angle: np.ndarray, rho: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.column_stack([centre[0] + rho * np.cos(angle) + lean * z, centre[1] + rho * np.sin(angle), z])

    def shaft(_: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        z = v * upper(u)
        return place(u, profile(z, u), z)

    def cap(_: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        z = upper(u) - (0.0 if capital else 0.12 * (1 - v))
        return place(u, v * profile(z, u), z)

    def paint(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        angle = np.arctan2(points[:, 1] - centre[1], points[:, 0] - centre[0] - lean * points[:, 2])
        hollow = 1.0 - np.abs(np.sin(9 * angle)) * smoothstep(0.6, 0.8, points[:, 2])
        shaft_end = height - 0.85 if capital else 99.0
        shade = 1.0 - 0.42 * (1 - np.abs(np.sin(9 * angle))) ** 2 * (hollow < 1) * (points[:, 2] < shaft_end)
        return _weathered(points, normals, _STONE * np.array([1.08, 1.10, 1.14]), seed) * shade[:, None]

    turn = (-np.pi, np.pi)
    return [
        Surface(shaft, grid(0, turn, (0.0, 1.0), 10, 8), paint),
        Surface(cap, grid(0, turn, (0.0, 1.0), 6, 1), paint, flip=True),
    ]


def block(
    corner: tuple[float, float, float], size: tuple[float, float, float], heading: float, seed: int
) -> list[Surface]:
    """A dressed stone: ``corner`` is its lower near left, ``size`` along its width, depth and height."""
    sine, cosine = np.sin(heading), np.cos(heading)
    w, d, h = size

    def place(a: np.ndarray, b: np.ndarray, z: np.ndarray) -> np.ndarray:
        rough = 0.03 * fractal(np.column_stack([a, b, z]) * 2.5, seed, 2)
        a, b = a + rough, b + rough
        return np.column_stack([corner[0] + a * cosine + b * sine, corner[1] - a * sine + b * cosine, corner[2] + z])

    def sides(k: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        a = np.choose(k, [u * w, np.full_like(u, w), (1 - u) * w, np.zeros_like(u)])
        b = np.choose(k, [np.zeros_like(u), u * d, np.full_like(u, d), (1 - u) * d])
        return place(a, b, v * h)

    def lids(k: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return place(np.where(k == 0, u, 1 - u) * w, v * d, np.where(k == 0, h, 0.0))

    def paint(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        return _weathered(points, normals, _STONE, seed)

    walls = np.concatenate([grid(k, (0.0, 1.0), (0.0, 1.0), 2, 1) for k in range(4)])
    flat = np.concatenate([grid(k, (0.0, 1.0), (0.0, 1.0), 2, 1) for k in range(2)])
    return [Surface(sides, walls, paint), Surface(lids, flat, paint)]


def masonry(points: np.ndarray, normals: np.ndarray, seed: int) -> np.ndarray:
    """Coursed blocks, each with a tone of its own, on faces of any heading."""
    along = np.where(np.abs(normals[:, 0]) > np.abs(normals[:, 1]), points[:, 1], points[:, 0])
    z = points[:, 2]
    row = np.floor(z / _COURSE_M)
    place = along / _BLOCK_M + 0.5 * (row % 2)
    tone = hashed(row * 977 + np.floor(place), seed + 3)
    warm = hashed(row * 613 + np.floor(place), seed + 4) - 0.5
    edge = np.minimum(
        np.minimum(place % 1.0, 1 - place % 1.0) * _BLOCK_M,
        np.minimum((z / _COURSE_M) % 1.0, 1 - (z / _COURSE_M) % 1.0) * _COURSE_M,
    )
    colour = _STONE * (0.80 + 0.36 * tone)[:, None] * (1 + warm[:, None] * np.array([0.06, 0.0, -0.12]))
    gap = smoothstep(0.05, 0.0, edge)[:, None]
    return _weathered(points, normals, colour * (1 - 0.75 * gap) + _MORTAR * 0.75 * gap, seed)


def _weathered(points: np.ndarray, normals: np.ndarray, colour: np.ndarray, seed: int) -> np.ndarray:
    """Grain, streaks below the top, and sand blown against the foot."""
    grain = 1.0 + 0.26 * fractal(points * 2.1, seed + 6, 4)
    streak = fractal(points * np.array([1.6, 1.6, 0.22]), seed + 7, 3)
    stained = colour * (grain * (1.0 - 0.30 * smoothstep(0.05, 0.55, streak)))[:, None]
    dust = 0.75 * smoothstep(0.9, 0.0, points[:, 2] + 0.35 * fractal(points * 1.3, seed + 8, 2))
    dust = np.maximum(dust, 0.35 * smoothstep(0.75, 0.95, normals[:, 2]))[:, None]
    return stained * (1 - dust) + DUST * dust
