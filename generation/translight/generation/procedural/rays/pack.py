"""A Scene into the two buffers of layout.py: grids with their maxima, hierarchies, small skies, lamps, constants."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, Int32

from translight.environment.noise import hashed
from translight.generation.panorama import directions
from translight.generation.procedural.rays import layout as at
from translight.generation.procedural.rays.bvh import build
from translight.generation.procedural.rays.fixtures import balls, lamp_records, near_lamps
from translight.generation.procedural.rays.grids import packed_grids
from translight.generation.procedural.rays.tables import blurred, dither, horizon, irradiance
from translight.generation.procedural.scene import Material, Mesh, Placed, Scene

_FLAT = 1e-12
"""Volume of a copy of the unit cube, over the product of its edges, at which it is flat."""


class Buffers:
    """What grows while a scene is packed: blocks of floats and of integers, and how many there are."""

    def __init__(self) -> None:
        self.floats, self.integers = at.CONSTANTS, at.HEADER
        self._float_blocks: list[np.ndarray] = []
        self._integer_blocks: list[np.ndarray] = []

    def add_floats(self, values: np.ndarray) -> int:
        """Append values; returns their offset."""
        block = np.ascontiguousarray(values, np.float32).ravel()
        self._float_blocks.append(block)
        self.floats += len(block)
        return self.floats - len(block)

    def add_integers(self, values: np.ndarray) -> int:
        """Append values; returns their offset."""
        block = np.ascontiguousarray(values, np.int32).ravel()
        self._integer_blocks.append(block)
        self.integers += len(block)
        return self.integers - len(block)

    def joined(self, constants: np.ndarray, header: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The two buffers."""
        if max(self.floats, self.integers) >= 1 << 31:
            raise ValueError(f"a scene of {self.floats} floats is too large: 2^31 are addressed")
        floats = np.concatenate([constants.astype(np.float32), *self._float_blocks])
        return floats, np.concatenate([header.astype(np.int32), *self._integer_blocks])


def pack(scene: Scene, seed: int) -> tuple[Float32[np.ndarray, "f"], Int32[np.ndarray, "i"]]:
    """Floats and integers of a scene. Raises ValueError for a scene that contradicts itself, or one too large."""
    buffers, header = Buffers(), np.zeros(at.HEADER, np.int64)
    header[at.MATERIAL_F] = buffers.add_floats(np.array([_material(m) for m in scene.materials]))
    grids = scene.land.grids if scene.land is not None else ()
    for grid in grids:
        _check_materials(grid.material, scene)
    header[at.GRIDS] = len(grids)
    header[at.GRID_I] = packed_grids(grids, buffers.add_floats, buffers.add_integers)
    _pack_meshes(scene, buffers, header)
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
    return buffers.joined(constants, header)


def _material(m: Material) -> Float32[np.ndarray, "24"]:
    values = [*m.a, *m.b, int(m.pattern), *m.size_m, m.octaves, m.turn_rad, m.relief_m]
    values += [m.roughness, m.specular, m.metal, *m.emission, m.lit_share, m.through]
    row = np.zeros(at.MATERIAL_FLOATS, np.float32)
    row[: len(values)] = values
    return row


def _check_materials(numbers: np.ndarray, scene: Scene) -> None:
    if numbers.size and int(numbers.max()) >= len(scene.materials):
        raise ValueError(f"a surface has material {int(numbers.max())}, and the scene has {len(scene.materials)}")


def _check_placed(placed: Placed) -> None:
    # The kernels test nothing: a NaN or a vertex that is not there would become an offset.
    mesh, matrices = placed.mesh, placed.stage_from_mesh
    if mesh.triangles.size:
        first, last = int(mesh.triangles.min()), int(mesh.triangles.max())
        if first < 0:
            raise ValueError(f"a mesh counts its vertices from 0, got {first}")
        if last >= len(mesh.vertices):
            raise ValueError(f"a triangle has vertex {last}, and its mesh has {len(mesh.vertices)}")
    if not (np.isfinite(mesh.vertices).all() and np.isfinite(matrices).all()):
        raise ValueError("meshes, copies and lamps hold finite numbers only")
    turns = np.asarray(matrices, np.float64)[:, :, :3]
    flat = np.abs(np.linalg.det(turns)) <= _FLAT * np.linalg.norm(turns, axis=1).prod(axis=1)
    if flat.any():
        raise ValueError(f"copy {int(np.argmax(flat))} of a mesh is flat: its stage_from_mesh has no inverse")


def _pack_meshes(scene: Scene, buffers: Buffers, header: Int32[np.ndarray, "i"]) -> None:
    """All meshes with their hierarchies, once each, and one hierarchy over all copies."""
    bounds: list[np.ndarray] = []
    links: list[np.ndarray] = []
    triangles: list[np.ndarray] = []
    triangle_ints: list[np.ndarray] = []
    vertices: list[np.ndarray] = []
    nodes = items = corners = 0
    roots: dict[int, int] = {}
    matrices, tints, copies_of, smooth = [], [], [], []
    lows, highs = [], []
    lit = scene.lamps is not None and len(scene.lamps.position_m) > 0
    everything = (*scene.placed, balls(scene.lamps)) if lit and scene.lamps is not None else scene.placed
    for placed in everything:
        mesh = placed.mesh
        _check_placed(placed)
        if not len(mesh.triangles) or not len(placed.stage_from_mesh):
            continue
        if id(mesh) not in roots:
            _check_materials(mesh.material, scene)
            corner = np.asarray(mesh.vertices, np.float32)[mesh.triangles]
            box, link, order = build(corner.min(axis=1), corner.max(axis=1))
            link = link.copy()
            link[:, 0] += np.where(link[:, 1] == 0, nodes, items).astype(np.int32)
            roots[id(mesh)] = nodes
            ordered = corner[order]
            edges = ordered[:, 1:] - ordered[:, :1]
            triangles.append(np.concatenate([ordered[:, :1], edges], axis=1).reshape(-1, at.TRIANGLE_FLOATS))
            triangle_ints.append(np.column_stack([mesh.triangles[order] + corners, mesh.material[order]]))
            vertices.append(np.column_stack([_normals(mesh), mesh.colour]))
            bounds.append(box)
            links.append(link)
            nodes, items, corners = nodes + len(box), items + len(order), corners + len(mesh.vertices)
        low, high = _placed_bounds(placed)
        lows.append(low)
        highs.append(high)
        matrices.append(np.asarray(placed.stage_from_mesh, np.float64))
        tints.append(placed.tint)
        copies_of.append(np.full(len(low), roots[id(mesh)]))
        smooth.append(np.full(len(low), mesh.smooth))
    header[at.TOP_NODE] = -1
    if not matrices:
        return
    lamp_of = np.full(sum(map(len, lows)), -1)
    if lit:
        lamp_of[-len(lows[-1]) :] = np.arange(len(lows[-1]))
    box, link, order = build(np.concatenate(lows), np.concatenate(highs))
    link = link.copy()
    link[link[:, 1] == 0, 0] += nodes
    header[at.TOP_NODE] = nodes
    bounds.append(box)
    links.append(link)
    stage_from_mesh = np.concatenate(matrices)[order]
    copies = np.zeros((len(order), at.INSTANCE_FLOATS))
    copies[:, :12] = _inverses(stage_from_mesh).reshape(-1, 12)
    copies[:, 12:15] = np.concatenate(tints)[order]
    copies[:, 15] = np.cbrt(np.abs(np.linalg.det(stage_from_mesh[:, :, :3])))
    integers = np.column_stack([np.concatenate(copies_of), np.concatenate(smooth), lamp_of])[order]
    header[at.NODE_F] = buffers.add_floats(np.concatenate(bounds))
    header[at.NODE_I] = buffers.add_integers(np.concatenate(links))
    header[at.TRIANGLE_F] = buffers.add_floats(np.concatenate(triangles))
    header[at.TRIANGLE_I] = buffers.add_integers(np.concatenate(triangle_ints))
    header[at.VERTEX_F] = buffers.add_floats(np.concatenate(vertices))
    header[at.INSTANCE_F] = buffers.add_floats(copies)
    header[at.INSTANCE_I] = buffers.add_integers(integers)


def _inverses(matrices: Float64[np.ndarray, "n 3 4"]) -> Float64[np.ndarray, "n 3 4"]:
    inverse = np.linalg.inv(matrices[:, :, :3])
    return np.concatenate([inverse, -inverse @ matrices[:, :, 3:]], axis=2)


def _placed_bounds(placed: Placed) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
    """Boxes around the copies: those of the mesh's own box, turned, a little wider for float32's sake."""
    low, high = placed.mesh.vertices.min(axis=0), placed.mesh.vertices.max(axis=0)
    middle, half = 0.5 * (low + high).astype(np.float64), 0.5 * (high - low).astype(np.float64)
    turn, move = placed.stage_from_mesh[:, :, :3], placed.stage_from_mesh[:, :, 3]
    centre, reach = turn @ middle + move, np.abs(turn) @ half
    reach = reach + 1e-6 * (1.0 + np.abs(centre))
    return (centre - reach).astype(np.float32), (centre + reach).astype(np.float32)


def _normals(mesh: Mesh) -> Float32[np.ndarray, "v 3"]:
    """Normals of vertices: their triangles', weighted by area."""
    corner = np.asarray(mesh.vertices, np.float64)[mesh.triangles]
    facing = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.zeros((len(mesh.vertices), 3))
    for k in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(mesh.triangles[:, k], facing[:, axis], len(total))
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)).astype(np.float32)


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
