"""Meshes and their copies into layout.py's buffers, and into Embree's trees, or ours where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from translight.generation.procedural.rays import embree
from translight.generation.procedural.rays import layout as at
from translight.generation.procedural.rays.buffers import Buffers
from translight.generation.procedural.rays.bvh import build
from translight.generation.procedural.rays.fixtures import balls
from translight.generation.procedural.scene import Mesh, Placed, Scene

_FLAT = 1e-12
"""Volume of a copy of the unit cube, over the product of its edges, at which it is flat."""


def check_materials(numbers: np.ndarray, scene: Scene) -> None:
    """Raise ValueError for a material that the scene lacks."""
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


def pack_meshes(scene: Scene, buffers: Buffers, header: Int32[np.ndarray, "i"]) -> embree.Meshes | None:
    """All meshes, once each, and their copies. Returns Embree's where the machine has it: to be closed."""
    header[at.TOP_NODE] = -1
    lamps = (balls(scene.lamps),) if scene.lamps is not None and len(scene.lamps.position_m) else ()
    everything = (*scene.placed, *lamps)
    for placed in everything:
        _check_placed(placed)
    everything = tuple(p for p in everything if len(p.mesh.triangles) and len(p.stage_from_mesh))
    if not everything:
        return None
    together = _together(everything)
    everything = tuple(chain.from_iterable(together))
    meshes = list({id(p.mesh): p.mesh for p in everything}.values())
    for mesh in meshes:
        check_materials(mesh.material, scene)
    number = {id(mesh): k for k, mesh in enumerate(meshes)}
    of = np.concatenate([np.full(len(p.stage_from_mesh), number[id(p.mesh)]) for p in everything])
    stage_from_mesh = np.concatenate([np.asarray(p.stage_from_mesh, np.float64) for p in everything])
    counts = [len(p.stage_from_mesh) for p in everything]
    lamp_of = np.concatenate(
        [np.arange(n) if p in lamps else np.full(n, -1) for p, n in zip(everything, counts, strict=True)]
    )
    first = np.cumsum([0, *(len(mesh.triangles) for mesh in meshes)])
    library = embree.library()
    with ExitStack() as undone:
        if library is not None:
            held = undone.enter_context(embree.Meshes(library))
            _place(together, held)
            header[at.TOP_NODE] = 0
            orders, roots = [np.arange(len(mesh.triangles)) for mesh in meshes], np.zeros(len(meshes), np.int64)
            order = np.arange(len(of))
        else:
            held = None
            orders, roots, order = _trees(meshes, everything, first, buffers, header)
        _add_triangles(meshes, orders, buffers, header)
        copies = np.zeros((len(order), at.INSTANCE_FLOATS))
        copies[:, :12] = _inverses(stage_from_mesh[order]).reshape(-1, 12)
        copies[:, 12:15] = np.concatenate([p.tint for p in everything])[order]
        copies[:, 15] = np.cbrt(np.abs(np.linalg.det(stage_from_mesh[order, :, :3])))
        smooth = np.array([mesh.smooth for mesh in meshes])
        header[at.INSTANCE_F] = buffers.add_floats(copies)
        integers = np.column_stack([roots[of], smooth[of], lamp_of, first[of], np.repeat(counts, counts)])
        header[at.INSTANCE_I] = buffers.add_integers(integers[order])
        undone.pop_all()
    return held


def _together(everything: Sequence[Placed]) -> list[list[Placed]]:
    """Those that stand where others do, as leaves and their wood: one solid, one box, which rays enter once."""
    found: dict[bytes, list[Placed]] = {}
    for placed in everything:
        found.setdefault(np.asarray(placed.stage_from_mesh, np.float64).tobytes(), []).append(placed)
    return list(found.values())


def _place(together: list[list[Placed]], held: embree.Meshes) -> None:
    """All copies; of those that stand together, each mesh's copies follow the one's before."""
    solids: dict[tuple[int, ...], int] = {}
    first = 0
    for group in together:
        key = tuple(id(p.mesh) for p in group)
        if key not in solids:
            solids[key] = held.solid([(p.mesh.vertices, p.mesh.triangles) for p in group])
        held.place(solids[key], group[0].stage_from_mesh, first)
        first += len(group) * len(group[0].stage_from_mesh)
    held.finish()


def _add_triangles(
    meshes: list[Mesh], orders: list[np.ndarray], buffers: Buffers, header: Int32[np.ndarray, "i"]
) -> None:
    """Every mesh's triangles in its order, and its vertices."""
    triangles, integers, vertices, corners = [], [], [], 0
    for mesh, order in zip(meshes, orders, strict=True):
        corner = np.asarray(mesh.vertices, np.float32)[mesh.triangles[order]]
        edges = corner[:, 1:] - corner[:, :1]
        triangles.append(np.concatenate([corner[:, :1], edges], axis=1).reshape(-1, at.TRIANGLE_FLOATS))
        integers.append(np.column_stack([mesh.triangles[order] + corners, mesh.material[order]]))
        vertices.append(np.column_stack([_normals(mesh), mesh.colour]))
        corners += len(mesh.vertices)
    header[at.TRIANGLE_F] = buffers.add_floats(np.concatenate(triangles))
    header[at.TRIANGLE_I] = buffers.add_integers(np.concatenate(integers))
    header[at.VERTEX_F] = buffers.add_floats(np.concatenate(vertices))


def _trees(
    meshes: list[Mesh],
    everything: tuple[Placed, ...],
    first: Int64[np.ndarray, "n"],
    buffers: Buffers,
    header: Int32[np.ndarray, "i"],
) -> tuple[list[np.ndarray], Int64[np.ndarray, "m"], Int64[np.ndarray, "n"]]:
    """Hierarchies of our own; returns the order of each mesh's triangles, its root, and the order of copies."""
    bounds, links, orders, roots, nodes = [], [], [], [], 0

    def add(low: np.ndarray, high: np.ndarray, items: int) -> np.ndarray:
        nonlocal nodes
        box, link, order = build(low, high)
        link[:, 0] += np.where(link[:, 1] == 0, nodes, items).astype(np.int32)
        bounds.append(box)
        links.append(link)
        nodes += len(box)
        return order

    for mesh, items in zip(meshes, first[:-1], strict=True):
        corner = np.asarray(mesh.vertices, np.float32)[mesh.triangles]
        roots.append(nodes)
        orders.append(add(corner.min(axis=1), corner.max(axis=1), int(items)))
    header[at.TOP_NODE] = nodes
    lows, highs = zip(*(_placed_bounds(placed) for placed in everything), strict=True)
    order = add(np.concatenate(lows), np.concatenate(highs), 0)
    header[at.NODE_F] = buffers.add_floats(np.concatenate(bounds))
    header[at.NODE_I] = buffers.add_integers(np.concatenate(links))
    return orders, np.array(roots), order


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
