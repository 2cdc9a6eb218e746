"""A procedural scene as data: land, meshes, water, lamps, air and sky; trace.py draws it, families/ make it.

Stage axes and metres throughout; colours are linear Rec.709. Lengths of arrays agree as the shapes say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt16


class Pattern(IntEnum):
    """How a material's two colours and its relief are spread, in three dimensions."""

    PLAIN = 0
    FRACTAL = 1
    """Cloudy: several octaves of noise."""
    RIDGES = 2
    """Rock: sharp ridges of noise."""
    CELLS = 3
    """Cobbles, cracks, scales: distance between cells' borders."""
    BRICKS = 4
    """Courses of ``size_m`` (length, depth, height), half offset, with joints of colour b."""
    TILES = 5
    """A square grid of ``size_m``, with joints of colour b."""
    PANES = 6
    """Windows of ``size_m`` (width, depth, height): colour b frames; a share of panes emits light."""
    RIPPLES = 7
    """Wind's ripples in sand, across ``turn_rad``, over grain."""
    PLANKS = 8
    """Boards along X, with wood's grain."""


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface looks. The pattern is fixed to the object's own coordinates, so instances look alike."""

    a: tuple[float, float, float]
    """Albedo, times the vertex's or land's own colour."""
    b: tuple[float, float, float]
    pattern: Pattern = Pattern.PLAIN
    size_m: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Largest features along x, y and z."""
    octaves: int = 6
    """Of the noise, each twice as fine as the one before; RIPPLES and PANES have their own."""
    turn_rad: float = 0.0
    """By which the pattern is turned about Z; PANES never is."""
    relief_m: float = 0.0
    """Height of the bumps that the normal shows."""
    roughness: float = 0.9
    """GGX's alpha is its square; below 0.35 the surface mirrors what is around it."""
    specular: float = 0.04
    """Reflectance head on, of what is no metal."""
    metal: float = 0.0
    """1: the colour tints the reflection, and nothing is diffuse."""
    emission: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Radiance that it gives off (PANES: of a lit pane)."""
    lit_share: float = 1.0
    """Share of panes that are lit."""
    through: float = 0.0
    """Share of the diffuse light from behind that comes through, whatever the pattern: leaves."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """One level of the land: heights at corners, ``origin_m`` (x, y) of height[0, 0], rows along Y."""

    origin_m: tuple[float, float]
    cell_m: float
    height_m: Float32[np.ndarray, "n m"]
    colour: Float32[np.ndarray, "n m 3"]
    material: UInt16[np.ndarray, "n m"]


@dataclass(frozen=True, slots=True, eq=False)
class Land:
    """Nested grids, finest first, each within the next; beyond the last there is none (down to the sea, or nothing)."""

    grids: tuple[Grid, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles, counter-clockwise from outside."""

    vertices: Float32[np.ndarray, "v 3"]
    triangles: Int32[np.ndarray, "t 3"]
    colour: Float32[np.ndarray, "v 3"]
    material: UInt16[np.ndarray, "t"]
    smooth: bool = False
    """True: normals are interpolated over vertices."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Copies of one mesh: ``stage_from_mesh`` (n 3 4) affine, and a tint for each."""

    mesh: Mesh
    stage_from_mesh: Float64[np.ndarray, "n 3 4"]
    tint: Float32[np.ndarray, "n 3"]


@dataclass(frozen=True, slots=True, eq=False)
class Water:
    """A level surface with waves: sines of ``waves`` (k 4): amplitude m, wave number x, wave number y (rad/m), phase.

    Waves longer than ``displaced_m`` move the surface; shorter ones only tilt its normal. ``colour`` is what deep water
    scatters back, ``clear_m`` (3) how far each colour sees down.
    """

    level_m: float
    waves: Float64[np.ndarray, "k 4"]
    displaced_m: float
    colour: tuple[float, float, float]
    clear_m: tuple[float, float, float]
    foam: float = 0.0
    """How much of the steepest crests is foam."""


@dataclass(frozen=True, slots=True, eq=False)
class Lamps:
    """Balls of light, and cones of it: everything (n ...)."""

    position_m: Float64[np.ndarray, "n 3"]
    radius_m: Float64[np.ndarray, "n"]
    intensity: Float64[np.ndarray, "n 3"]
    """Radiant intensity along the axis, in the picture's units times m²."""
    axis: Float64[np.ndarray, "n 3"]
    cone_cos: Float64[np.ndarray, "n"]
    """Cosine of the half angle; −1 shines all round."""


@dataclass(frozen=True, slots=True)
class Air:
    """Haze and ground fog: extinction at the stage's floor, per metre, and the height over which it falls to 1/e.

    Haze scatters in the sky's light near the horizon; fog the sky's mean and the sun's, by a Henyey-Greenstein phase
    function.
    """

    haze_per_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    haze_height_m: float = 1200.0
    fog_per_m: float = 0.0
    fog_height_m: float = 20.0
    fog_top_m: float = 0.0
    """The fog is thinned above this height."""
    forward: float = 0.75
    """Asymmetry of the fog's phase function."""
    albedo: tuple[float, float, float] = (0.95, 0.95, 0.95)
    """Share of the light lost in fog that is scattered, not absorbed."""


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Radiance from beyond everything, as panorama.py lays it out, without the sun's disc, which trace.py adds.

    The lower half is what lies below the horizon where no land reaches.
    The haze of Air is in it already, ground fog is not.
    """

    radiance: Float32[np.ndarray, "h w 3"]
    sun_direction: Float64[np.ndarray, "3"]
    """Unit, towards the sun or, at night, the moon."""
    sun_irradiance: Float64[np.ndarray, "3"]
    """On a surface that faces it."""
    sun_radius_rad: float = 0.00465


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All of it. ``eye_m`` is the camera's place, about which detail is spread."""

    sky: Sky
    eye_m: Float64[np.ndarray, "3"]
    materials: tuple[Material, ...]
    land: Land | None = None
    placed: tuple[Placed, ...] = ()
    water: Water | None = None
    lamps: Lamps | None = None
    air: Air = Air()
    exposure: float = 1.0
    """Factor on everything, so that a well-lit white lies near 1."""
