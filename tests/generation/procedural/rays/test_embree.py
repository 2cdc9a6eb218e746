"""Embree against our own trees, which find the same; what it leaves behind; where it is missing or fails."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

from translight.generation.procedural.rays import embree
from translight.generation.procedural.rays.jit import kernel
from translight.generation.procedural.rays.layout import INSTANCE_F, INSTANCE_FLOATS
from translight.generation.procedural.rays.meshes import mesh_hit
from translight.generation.procedural.rays.pack import pack
from translight.generation.procedural.scene import Material, Mesh, Placed, Scene, Sky
from translight.generation.procedural.shapes import box
from translight.generation.procedural.trace import Panorama, draw

needs_embree = pytest.mark.skipif(embree.library() is None, reason="embreex has no Embree 4 for this machine")
_SKY = Sky(np.ones((16, 32, 3), np.float32), np.array([0.0, 0.6, 0.8]), np.ones(3))


@dataclass
class Failing:
    """Embree, whose device tells of an error from a call on."""

    real: ctypes.CDLL
    error: int
    after: int

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def rtcGetDeviceError(self, device: int) -> int:  # noqa: N802, Embree's name
        self.after -= 1
        return self.error if self.after < 0 else int(self.real.rtcGetDeviceError(device))


def _scene(*placed: Placed, radiance: float = 1.0) -> Scene:
    sky = Sky(_SKY.radiance * np.float32(radiance), _SKY.sun_direction, _SKY.sun_irradiance)
    return Scene(sky, np.array([0.0, 0.0, 1.6]), (Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),), placed=placed)


def _soup(seed: int, triangles: int, copies: int) -> Placed:
    random = np.random.default_rng(seed)
    corners = random.normal(0, 2, (triangles, 1, 3)) + random.normal(0, 0.5, (triangles, 3, 3))
    vertices = corners.reshape(-1, 3).astype(np.float32)
    numbers = np.arange(3 * triangles, dtype=np.int32).reshape(-1, 3)
    mesh = Mesh(vertices, numbers, np.ones_like(vertices), np.zeros(triangles, np.uint16))
    turns = np.linalg.qr(random.normal(size=(copies, 3, 3)))[0] * random.uniform(0.4, 1.5, (copies, 1, 3))
    moves = random.normal(0, 8, (copies, 3, 1))
    return Placed(mesh, np.concatenate([turns, moves], axis=2), random.random((copies, 3)).astype(np.float32))


@kernel
def _cast(F, N, stack, origin, direction, far, any_hit, out):  # type: ignore[no-untyped-def]
    for k in range(len(out)):
        o, d = origin[k], direction[k]
        t, triangle, copy, u, v = mesh_hit(F, N, stack, o[0], o[1], o[2], d[0], d[1], d[2], far, any_hit)
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = t, triangle, copy, u, v


def _hits(
    scene: Scene, origin: np.ndarray, direction: np.ndarray, far: float = np.inf, any_hit: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distances (n), the copies' tints (n 3), and the two weights (n 2)."""
    out = np.empty((len(origin), 5))
    with pack(scene, 0) as packed:
        _cast(packed.floats, packed.integers, packed.scratch(1)[0], origin, direction, far, any_hit, out)
        at = packed.integers[INSTANCE_F]
        copies = packed.floats[at : at + INSTANCE_FLOATS * sum(len(p.tint) for p in scene.placed)].reshape(-1, 16)
    return out[:, 0], copies[out[:, 2].astype(int), 12:15], out[:, 3:]


def _rays(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    direction = random.normal(size=(count, 3))
    return random.normal(0, 6, (count, 3)), direction / np.linalg.norm(direction, axis=1, keepdims=True)


@needs_embree
def test_it_finds_what_our_own_trees_find(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _soup(2, 200, 40), _soup(3, 50, 60)
    # with the first stands another mesh, as leaves with their wood
    beside = replace(_soup(9, 80, 40), stage_from_mesh=one.stage_from_mesh)
    scene, (origin, direction) = _scene(one, two, beside), _rays(20_000)
    t, tint, weights = _hits(scene, origin, direction)
    shut = _hits(scene, origin, direction, any_hit=1)[0]
    near = _hits(scene, origin, direction, far=20.0)[0]
    shut_near = _hits(scene, origin, direction, far=20.0, any_hit=1)[0]
    monkeypatch.setattr(embree, "library", lambda: None)
    own_t, own_tint, own_weights = _hits(scene, origin, direction)
    met = np.isfinite(own_t)
    assert 0.2 < met.mean() < 0.9
    same = np.isclose(t, own_t, rtol=1e-12) | (np.isinf(t) & ~met)
    # a ray along an edge may go either way in float32
    assert same.mean() > 0.9995
    np.testing.assert_array_equal(tint[same & met], own_tint[same & met])
    np.testing.assert_allclose(weights[same & met], own_weights[same & met], atol=1e-6)
    for found, own in ((shut, own_t < np.inf), (near, own_t < 20.0), (shut_near, own_t < 20.0)):
        assert (np.isfinite(found) == own).mean() > 0.9995
    assert set(np.unique(shut)) == {0.0, np.inf}


@needs_embree
def test_pictures_are_those_of_our_own_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = _scene(_soup(4, 100, 30))
    with_it = draw(scene, Panorama(48, scene.eye_m), samples=4, seed=1)
    monkeypatch.setattr(embree, "library", lambda: None)
    without = draw(scene, Panorama(48, scene.eye_m), samples=4, seed=1)
    assert np.isfinite(with_it.distance_m).mean() > 0.05
    assert (with_it.distance_m == without.distance_m).mean() > 0.999
    assert np.median(np.abs(with_it.image - without.image)) < 1e-6
    assert abs(with_it.image.mean() - without.image.mean()) < 1e-3


@needs_embree
def test_no_ray_leaves_a_closed_box_through_its_edges() -> None:
    shut = box((2.0, 2.0, 2.0), 0, (0.0, 0.0, -1.0))
    moved = np.eye(3, 4)
    moved[:, 3] = 100.0, 50.0, 7.0
    scene = _scene(Placed(shut, moved[None], np.ones((1, 3), np.float32)))
    along = np.linspace(-1, 1, 2001)
    edges = [
        np.stack(np.broadcast_arrays(*c), axis=-1)
        for c in ((1, 1, along), (along, 1, 1), (1, along, -1), (along, along, 1))
    ]
    direction = np.concatenate(edges).astype(float)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    t, _, _ = _hits(scene, np.tile(moved[:, 3], (len(direction), 1)), direction)
    assert np.isfinite(t).all()
    assert t.max() < 1.74


@needs_embree
def test_nothing_runs_on_while_scenes_are_open() -> None:
    """rtcCommitScene would leave a thread that spins, from the second device of one thread on."""
    scene = _scene(_soup(5, 3000, 20))
    with pack(scene, 0):
        pass
    with pack(scene, 0), pack(scene, 0):
        began = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - began < 0.25


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'embreex'"),
        ImportError("libtbb.so.12: cannot open shared object file"),
        OSError("embreex: invalid ELF header"),
        None,
    ],
    ids=["package", "library", "file", "call"],
)
def test_without_the_library_our_own_trees_are_walked(error: Exception | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if error is None:
        monkeypatch.setattr(embree, "_SIGNATURES", {"rtcNotThere": (None, [])})
    else:

        def missing(_name: str) -> object:
            raise error

        monkeypatch.setattr(embree, "import_module", missing)
    embree.library.cache_clear()
    try:
        assert embree.library() is None
        scene = _scene(_soup(6, 20, 3))
        with pack(scene, 0) as packed:
            assert packed.meshes is None
            assert not packed.scratch(2)[:, :3].any()
    finally:
        embree.library.cache_clear()


@needs_embree
@pytest.mark.parametrize(("error", "kind"), [(4, MemoryError), (1, RuntimeError)])
@pytest.mark.parametrize("after", [0, 1, 3, 4])
def test_what_embree_cannot_hold_is_one_line_and_nothing_stays_open(
    error: int, kind: type[Exception], after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = embree.library()
    assert real is not None
    failing, closed = Failing(real, error, after), []
    monkeypatch.setattr(embree, "library", lambda: failing)
    close = embree.Meshes.close
    monkeypatch.setattr(embree.Meshes, "close", lambda self: (closed.append(self), close(self))[1])
    with pytest.raises(kind, match=rf"^Embree cannot hold the scene's meshes: its error {error}$"):
        pack(_scene(_soup(7, 20, 3)), 0)
    assert len(closed) == 1


@needs_embree
def test_a_scene_that_is_refused_after_its_meshes_closes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    close = embree.Meshes.close
    monkeypatch.setattr(embree.Meshes, "close", lambda self: (closed.append(self), close(self))[1])
    with pytest.raises(ValueError, match=r"^a scene and its view hold finite numbers only$"):
        pack(_scene(_soup(8, 20, 3), radiance=np.nan), 0)
    assert len(closed) == 1
