"""Geometry of scenes for tests, in plain NumPy and trimesh: nothing of it comes from the code under test."""

import numpy as np
import trimesh


def solid(mesh):
    """A scene.Mesh in trimesh's hands, equal corners joined."""
    return trimesh.Trimesh(np.round(mesh.vertices.astype(np.float64), 5), mesh.triangles)


def triangles_near(scene, low, high):
    """All triangles (n 3 3) of a scene, in stage axes, whose bounds overlap a box."""
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    found = []
    for placed in scene.placed:
        corners = placed.mesh.vertices.astype(np.float64)
        for matrix in placed.stage_from_mesh:
            at = corners @ matrix[:, :3].T + matrix[:, 3]
            if (at.min(axis=0) > high).any() or (at.max(axis=0) < low).any():
                continue
            t = at[placed.mesh.triangles]
            found.append(t[(t.min(axis=1) <= high).all(axis=1) & (t.max(axis=1) >= low).all(axis=1)])
    return np.concatenate(found) if found else np.zeros((0, 3, 3))


def touching(triangles, low, high):
    """Which triangles reach into an axis-aligned box (Akenine-Moeller, "Fast 3D triangle-box overlap testing", 2001)."""
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    t, half = triangles - 0.5 * (low + high), 0.5 * (high - low)
    edges = np.roll(t, -1, axis=1) - t
    axes = [np.broadcast_to(a, (len(t), 3)) for a in np.eye(3)] + [np.cross(edges[:, 0], edges[:, 1])]
    axes += [np.cross(edges[:, k], a) for k in range(3) for a in np.eye(3)]
    inside = np.ones(len(t), bool)
    for axis in axes:
        along = np.einsum("nij,nj->ni", t, axis)
        reach = np.abs(axis) @ half
        inside &= (along.min(axis=1) <= reach + 1e-9) & (along.max(axis=1) >= -reach - 1e-9)
    return inside


def first_hits(triangles, origin, directions):
    """Distance (n) of the first triangle along each ray; infinite where there is none (Moeller, Trumbore 1997)."""
    a = triangles[:, 0]
    ab, ac = triangles[:, 1] - a, triangles[:, 2] - a
    s = np.asarray(origin, np.float64) - a
    q = np.cross(s, ab)
    out = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for d in np.asarray(directions, np.float64):
            p = np.cross(d, ac)
            det = np.einsum("nj,nj->n", ab, p)
            u = np.einsum("nj,nj->n", s, p) / det
            v = q @ d / det
            far = np.einsum("nj,nj->n", ac, q) / det
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 1e-6)
            out.append(far[hit].min() if hit.any() else np.inf)
    return np.array(out)
