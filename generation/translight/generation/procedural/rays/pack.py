"""A Scene for the kernels: meshes, and the two buffers of layout.py with grids, small skies, lamps and constants."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from translight.environment.noise import hashed
from translight.generation.panorama import directions
from translight.generation.procedural.rays import layout as at
from translight.generation.procedural.rays.buffers import Buffers
from translight.generation.procedural.rays.embree import Meshes
from translight.generation.procedural.rays.fixtures import lamp_records, near_lamps
from translight.generation.procedural.rays.grids import packed_grids
from translight.generation.procedural.rays.meshes import INTERSECT, OCCLUDED, RAY, RAY_AT, SCENE, STACK
from translight.generation.procedural.rays.placed import check_materials, pack_meshes
from translight.generation.procedural.rays.tables import blurred, dither, horizon, irradiance
from translight.generation.procedural.scene import Material, Scene

_LINE = 8
"""Words of a cache line."""


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """What kernels read of a scene: floats, integers, and its meshes where Embree holds them. A context manager."""

    floats: Float32[np.ndarray, "f"]
    integers: Int32[np.ndarray, "i"]
    meshes: Meshes | None

    def scratch(self, workers: int) -> Int64[np.ndarray, "workers words"]:
        """What each worker's rays write on (meshes.py says what stands where); each is a cache line's multiple."""
        room = np.zeros(workers * STACK + _LINE, np.int64)
        begin = -(room.ctypes.data // room.itemsize) % _LINE
        words = room[begin:][: workers * STACK].reshape(workers, STACK)
        if self.meshes is not None:
            words[:, SCENE], words[:, INTERSECT], words[:, OCCLUDED] = self.meshes.words()
        words[:, RAY_AT] = words.ctypes.data + words.strides[0] * np.arange(workers) + words.itemsize * RAY
        return words

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.meshes is not None:
            self.meshes.close()


def pack(scene: Scene, seed: int) -> Packed:
    """A scene for the kernels. Raises ValueError for a scene that contradicts itself, or one too large."""
    buffers, header = Buffers(), np.zeros(at.HEADER, np.int64)
    with ExitStack() as undone:
        meshes = pack_meshes(scene, buffers, header)
        if meshes is not None:
            undone.enter_context(meshes)
        constants = _pack_rest(scene, seed, buffers, header)
        floats, integers = buffers.joined(constants, header)
        # The kernels test nothing: a NaN would become an offset.
        if not np.isfinite(floats).all():
            raise ValueError("a scene and its view hold finite numbers only")
        undone.pop_all()
        return Packed(floats, integers, meshes)


def _pack_rest(
    scene: Scene, seed: int, buffers: Buffers, header: Int32[np.ndarray, "i"]
) -> Float64[np.ndarray, "c"]:  # fmt: skip
    """Everything but meshes; returns the constants."""
    header[at.MATERIAL_F] = buffers.add_floats(np.array([_material(m) for m in scene.materials]))
    grids = scene.land.grids if scene.land is not None else ()
    for grid in grids:
        check_materials(grid.material, scene)
    header[at.GRIDS] = len(grids)
    header[at.GRID_I] = packed_grids(grids, buffers.add_floats, buffers.add_integers)
    sky = np.asarray(scene.sky.radiance, np.float32)
    header[at.SKY_F], header[at.SKY_ROWS] = buffers.add_floats(sky), len(sky)
    small = blurred(sky, at.BLURRED_ROWS)
    header[at.BLURRED_F] = buffers.add_floats(small)
    header[at.IRRADIANCE_F] = buffers.add_floats(irradiance(small))
    header[at.HORIZON_F] = buffers.add_floats(horizon(sky, at.HORIZON_COLUMNS))
    header[at.DITHER_F] = buffers.add_floats(dither(at.DITHER_PX))
    constants = _constants(scene, small)
    # The dither's tile has so many places; when they are used up, its numbers move on as well.
    rounds, header[at.SEED] = divmod(seed, at.DITHER_PX)
    constants[at.CHANCE : at.CHANCE + 2] = hashed(np.arange(2), rounds) if rounds else 0.0
    _pack_lamps(scene, buffers, header, constants)
    _pack_water(scene, buffers, header, constants)
    return constants


def _material(m: Material) -> Float32[np.ndarray, "24"]:
    values = [*m.a, *m.b, int(m.pattern), *m.size_m, m.octaves, m.turn_rad, m.relief_m]
    values += [m.roughness, m.specular, m.metal, *m.emission, m.lit_share, m.through]
    row = np.zeros(at.MATERIAL_FLOATS, np.float32)
    row[: len(values)] = values
    return row


def _constants(scene: Scene, small: Float32[np.ndarray, "h w 3"]) -> Float64[np.ndarray, "c"]:
    c, sky, air = np.zeros(at.CONSTANTS), scene.sky, scene.air
    c[at.SUN : at.SUN + 3] = sky.sun_direction / np.linalg.norm(sky.sun_direction)
    c[at.SUN_LIGHT : at.SUN_LIGHT + 3] = sky.sun_irradiance
    c[at.SUN_COS], c[at.SUN_SIN] = np.cos(sky.sun_radius_rad), np.sin(sky.sun_radius_rad)
    c[at.SUN_DISC : at.SUN_DISC + 3] = sky.sun_irradiance / (np.pi * np.sin(sky.sun_radius_rad) ** 2)
    c[at.HAZE : at.HAZE + 3], c[at.HAZE_HEIGHT] = air.haze_per_m, air.haze_height_m
    c[at.FOG], c[at.FOG_HEIGHT], c[at.FOG_TOP], c[at.FORWARD] = (
        air.fog_per_m, air.fog_height_m, air.fog_top_m, air.forward,
    )  # fmt: skip
    c[at.AIR_ALBEDO : at.AIR_ALBEDO + 3] = air.albedo
    rise = directions(len(small))[..., 2]
    weight = np.sqrt(1.0 - rise**2) * (rise > 0)
    c[at.MEAN_SKY : at.MEAN_SKY + 3] = (small * weight[..., None]).sum(axis=(0, 1)) / weight.sum()
    # Half of the light that the fog takes from the sun on its way down comes on, scattered forward.
    depth = air.fog_per_m * (max(air.fog_top_m, 0.0) + air.fog_height_m)
    c[at.FOG_SUN] = np.exp(-0.5 * depth / max(float(sky.sun_direction[2]), 0.05))
    return c


def _pack_lamps(
    scene: Scene, buffers: Buffers, header: Int32[np.ndarray, "i"], constants: Float64[np.ndarray, "c"]
) -> None:
    if scene.lamps is None or not len(scene.lamps.position_m):
        return
    header[at.LAMPS], header[at.LAMP_F] = len(scene.lamps.position_m), buffers.add_floats(lamp_records(scene.lamps))
    corner, cell, (header[at.NEAR_ROWS], header[at.NEAR_COLUMNS]), listed = near_lamps(scene.lamps)
    header[at.NEAR_LAMPS_I] = buffers.add_integers(listed)
    constants[at.NEAR_X : at.NEAR_X + 2], constants[at.NEAR_CELL] = corner, cell


def _pack_water(
    scene: Scene, buffers: Buffers, header: Int32[np.ndarray, "i"], constants: Float64[np.ndarray, "c"]
) -> None:
    """The water, and its waves, longest first: those that move the surface lead."""
    water = scene.water
    if water is None:
        return
    waves = np.asarray(water.waves, np.float64).reshape(-1, 4)
    number = np.hypot(waves[:, 1], waves[:, 2])
    waves = waves[np.argsort(number, kind="stable")]
    displaced = int((2 * np.pi > water.displaced_m * number).sum())
    header[at.WATER], header[at.WAVES], header[at.WAVE_F] = 1, len(waves), buffers.add_floats(waves.T)
    header[at.DISPLACED] = displaced
    c = constants
    c[at.LEVEL], c[at.FOAM], c[at.AMPLITUDE] = water.level_m, water.foam, np.abs(waves[:displaced, 0]).sum()
    c[at.DEEP : at.DEEP + 3], c[at.CLEAR : at.CLEAR + 3] = water.colour, np.maximum(water.clear_m, 1e-3)
