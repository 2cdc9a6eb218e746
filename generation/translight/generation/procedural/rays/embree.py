"""Meshes and their copies in Embree, the ray tracing kernels of Intel, in the library that the embreex package carries.

Declarations follow include/embree4/rtcore_device.h, rtcore_geometry.h and rtcore_scene.h of Embree 4.4. Kernels call it
at the addresses that ``Meshes.words`` gives. Where the package has no library for a machine, meshes.py walks trees of
bvh.py itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import Float32, Float64, Int32

_TRIANGLES, _INSTANCE = 0, 121
_INDICES, _VERTICES = 0, 1
_UINT3, _FLOAT3, _FLOAT3X4_ROW_MAJOR = 0x5003, 0x9003, 0x9134
_ROBUST = 4
"""Rays do not pass between triangles that share an edge."""
_OUT_OF_MEMORY = 4
_MAJOR_VERSION = 1
"""A device's property."""
_HANDLE, _UINT, _SIZE = ctypes.c_void_p, ctypes.c_uint, ctypes.c_size_t
_SIGNATURES = {
    "rtcNewDevice": (_HANDLE, [ctypes.c_char_p]),
    "rtcReleaseDevice": (None, [_HANDLE]),
    "rtcGetDeviceError": (ctypes.c_int, [_HANDLE]),
    "rtcGetDeviceProperty": (ctypes.c_ssize_t, [_HANDLE, ctypes.c_int]),
    "rtcNewScene": (_HANDLE, [_HANDLE]),
    "rtcReleaseScene": (None, [_HANDLE]),
    "rtcSetSceneFlags": (None, [_HANDLE, ctypes.c_int]),
    "rtcJoinCommitScene": (None, [_HANDLE]),
    "rtcNewGeometry": (_HANDLE, [_HANDLE, ctypes.c_int]),
    "rtcReleaseGeometry": (None, [_HANDLE]),
    "rtcCommitGeometry": (None, [_HANDLE]),
    "rtcAttachGeometryByID": (None, [_HANDLE, _HANDLE, _UINT]),
    "rtcSetNewGeometryBuffer": (_HANDLE, [_HANDLE, ctypes.c_int, _UINT, ctypes.c_int, _SIZE, _SIZE]),
    "rtcSetGeometryInstancedScene": (None, [_HANDLE, _HANDLE]),
    "rtcSetGeometryTransform": (None, [_HANDLE, _UINT, ctypes.c_int, _HANDLE]),
    "rtcIntersect1": (None, [_HANDLE, _HANDLE, _HANDLE]),
    "rtcOccluded1": (None, [_HANDLE, _HANDLE, _HANDLE]),
}


@cache
def library() -> ctypes.CDLL | None:
    """Embree 4 with its signatures, or None where embreex is not installed or hides it."""
    try:
        # The loader finds what that module links to.
        loaded = ctypes.CDLL(str(import_module("embreex.rtcore_scene").__file__))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (ImportError, OSError, AttributeError):
        return None
    device = loaded.rtcNewDevice(b"threads=1")
    if not device:
        return None
    version = loaded.rtcGetDeviceProperty(device, _MAJOR_VERSION)
    loaded.rtcReleaseDevice(device)
    return loaded if version == 4 else None


class Meshes:
    """Solids, each a scene of meshes, and their copies in one scene: built by the caller's thread, so always alike.

    Scenes are committed by joining: rtcCommitScene leaves a thread that spins while a second device of one thread is
    open. Raises MemoryError and RuntimeError where Embree fails.
    """

    def __init__(self, embree: ctypes.CDLL) -> None:
        self._embree = embree
        self._device: int = embree.rtcNewDevice(b"threads=1") or 0
        self._scenes: list[int] = []
        try:
            self._check()
            self._top = self._scene()
        except BaseException:
            self.close()
            raise

    def solid(self, meshes: Sequence[tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "t 3"]]]) -> int:
        """Add meshes, of vertices and triangles, that are always placed together; returns what ``place`` calls them."""
        scene = self._scene()
        for number, (vertices, triangles) in enumerate(meshes):
            geometry = self._embree.rtcNewGeometry(self._device, _TRIANGLES)
            self._fill(geometry, _VERTICES, _FLOAT3, np.ascontiguousarray(vertices, np.float32))
            self._fill(geometry, _INDICES, _UINT3, np.ascontiguousarray(triangles, np.uint32))
            self._attach(scene, geometry, number)
        self._embree.rtcJoinCommitScene(scene)
        self._check()
        return scene

    def place(self, solid: int, stage_from_mesh: Float64[np.ndarray, "n 3 4"], first: int) -> None:
        """Place copies, numbered from ``first`` on; ``finish`` comes after the last ones."""
        matrices = np.ascontiguousarray(stage_from_mesh, np.float32)
        for k, matrix in enumerate(matrices):
            geometry = self._embree.rtcNewGeometry(self._device, _INSTANCE)
            self._embree.rtcSetGeometryInstancedScene(geometry, solid)
            self._embree.rtcSetGeometryTransform(geometry, 0, _FLOAT3X4_ROW_MAJOR, matrix.ctypes.data)
            self._attach(self._top, geometry, first + k)

    def finish(self) -> None:
        """Build the tree over all copies."""
        self._embree.rtcJoinCommitScene(self._top)
        self._check()

    def words(self) -> tuple[int, int, int]:
        """The scene, and the addresses of rtcIntersect1 and of rtcOccluded1."""
        calls = self._embree.rtcIntersect1, self._embree.rtcOccluded1
        intersect, occluded = (ctypes.cast(call, ctypes.c_void_p).value or 0 for call in calls)
        return self._top, intersect, occluded

    def close(self) -> None:
        """Give everything back; no ray may be under way."""
        for scene in self._scenes:
            self._embree.rtcReleaseScene(scene)
        self._scenes.clear()
        if self._device:
            self._embree.rtcReleaseDevice(self._device)
            self._device = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _scene(self) -> int:
        scene: int = self._embree.rtcNewScene(self._device) or 0
        self._check()
        self._scenes.append(scene)
        self._embree.rtcSetSceneFlags(scene, _ROBUST)
        return scene

    def _fill(self, geometry: int, kind: int, form: int, values: np.ndarray) -> None:
        room = self._embree.rtcSetNewGeometryBuffer(geometry, kind, 0, form, values.strides[0], len(values))
        if room:
            ctypes.memmove(room, values.ctypes.data, values.nbytes)

    def _attach(self, scene: int, geometry: int, number: int) -> None:
        self._embree.rtcCommitGeometry(geometry)
        self._embree.rtcAttachGeometryByID(scene, geometry, number)
        self._embree.rtcReleaseGeometry(geometry)

    def _check(self) -> None:
        error = self._embree.rtcGetDeviceError(self._device or None)
        if error:
            kind = MemoryError if error == _OUT_OF_MEMORY else RuntimeError
            raise kind(f"Embree cannot hold the scene's meshes: its error {error}")
