"""``python -m translight.splats.usd_reader JOB``: reads one USD file for ``usd``, as JSON and a file of arrays.

Source: OpenUSD, "UsdVol: ParticleField3DGaussianSplat" (float arrays before half ones; missing ones have defaults).
It may be ended by the file at any time: it holds nothing but the file, and gives up memory and files before it reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from importlib import import_module
from typing import Any

import numpy as np

_MOST_PRIMS = 100_000
_BLOCK = 1 << 16
_QUOTES = "'\n\t "


class Refused(Exception):  # noqa: N818 - it becomes usd.py's FormatError
    """What the file is refused for, in one line."""


def main(text: str) -> None:
    """Do the job and print what was found, or why not."""
    job = json.loads(text)
    try:
        pxr = {name: import_module(f"pxr.{name}") for name in ("Gf", "Sdf", "Tf", "Usd", "UsdGeom", "UsdVol")}
    except ModuleNotFoundError:
        print(json.dumps({"missing": True}))
        return
    try:
        print(json.dumps(_report(job, pxr)))
    except Refused as refused:
        print(json.dumps({"error": str(refused)}))
    except (MemoryError, OSError):
        print(json.dumps({"error": "unpacks to more than the limits allow"}))
    except (pxr["Tf"].ErrorException, RuntimeError, TypeError, ValueError) as error:
        print(json.dumps({"error": f"broken: {_words(error)}"}))


def _words(error: Exception) -> str:
    """What is wrong, out of OpenUSD's text: function, line and file of its own, a colon, then that in quotes."""
    try:
        text = str(error)
    except UnicodeError:  # it quotes the file, whatever that holds
        return "not UTF-8"
    return (text.partition(" : ")[2] or text).strip(_QUOTES)


def _report(job: dict[str, Any], pxr: dict[str, Any]) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(open(job["arrays"], "wb")) if job["arrays"] else None
        _bound(job, files=False)
        pxr["Usd"].SchemaRegistry()  # reads the schemas' own files, while it may
        layer = pxr["Sdf"].Layer.FindOrOpen(job["path"])
        if layer is None:
            raise Refused("cannot be read as USD")
        _check_alone(layer, pxr)
        _bound(job, files=True)
        stage = pxr["Usd"].Stage.Open(layer)
        fields, total = [], 0
        for i, prim in enumerate(stage.Traverse()):
            if i >= _MOST_PRIMS:
                raise Refused(f"more than {_MOST_PRIMS:,} prims")
            if prim.IsA(pxr["UsdVol"].ParticleField3DGaussianSplat):
                field = _field(prim, pxr, job["max_splats"] - total, out)
                total += field["count"]
                fields.append(field)
        if not fields:
            raise Refused("holds no ParticleField3DGaussianSplat")
        geometry = pxr["UsdGeom"]
        return {
            "fields": fields,
            "up_axis": str(geometry.GetStageUpAxis(stage)),
            "metres_per_unit": float(geometry.GetStageMetersPerUnit(stage)),
        }


def _bound(job: dict[str, Any], *, files: bool) -> None:
    """Take no more memory and time than the job gives; ``files``: from now on open no file at all."""
    try:
        resource = import_module("resource")
    except ModuleNotFoundError:  # Windows
        return
    if files:
        opened = os.open(os.devnull, os.O_RDONLY)
        os.close(opened)
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened, opened))
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    wanted = (
        (resource.RLIMIT_AS, job["memory"]),
        (resource.RLIMIT_CPU, job["cpu_s"]),
        (resource.RLIMIT_FSIZE, job["max_bytes"]),
    )
    for kind, most in wanted:
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _check_alone(layer: Any, pxr: dict[str, Any]) -> None:
    """Raise Refused when the layer would have others opened: by sublayers, references, payloads or value clips."""
    others = [str(path) for path in layer.GetCompositionAssetDependencies() if path]  # empty: this layer itself
    if others:
        raise Refused(f"refers to another file ({others[0]}); flatten it into one layer first")
    clipped: list[str] = []

    def look(path: Any) -> None:
        spec = layer.GetObjectAtPath(path)
        if isinstance(spec, pxr["Sdf"].PrimSpec) and (spec.HasInfo("clips") or spec.HasInfo("clipSets")):
            clipped.append(str(path))

    layer.Traverse(pxr["Sdf"].Path.absoluteRootPath, look)
    if clipped:
        raise Refused(f"has value clips ({clipped[0]}), which are not read")


def _field(prim: Any, pxr: dict[str, Any], room: int, out: Any) -> dict[str, Any]:
    """One prim's description; its arrays are appended to ``out``, float32, where there is one."""
    time = pxr["Usd"].TimeCode.EarliestTime()

    def get(name: str, width: int) -> np.ndarray | None:
        """The float array, or else the half one, (n, width); None where neither says anything."""
        for attribute in (prim.GetAttribute(name), prim.GetAttribute(f"{name}h")):
            value = attribute.Get(time) if attribute else None
            if value is not None and len(value):
                array = np.asarray(value)
                if array.dtype.kind != "f" or array.size != len(value) * width:
                    raise Refused(f"{prim.GetPath()}: {attribute.GetName()} has type {attribute.GetTypeName()}")
                return array.reshape(len(value), width)
        return None

    where = str(prim.GetPath())
    positions = get("positions", 3)
    n = 0 if positions is None else len(positions)
    if n > room:
        raise Refused(f"{where} has {n:,} splats; the limit leaves {room:,}")
    degree = _degree(prim, where)
    coefficients = get("radiance:sphericalHarmonicsCoefficients", 3)
    k = (degree + 1) ** 2
    if coefficients is None or len(coefficients) < n * k:
        # the schema's own words: too few are ignored, and the colour is then mid-grey, which is 0 in this basis
        degree, k, coefficients = 0, 1, None
    if out is not None and n:
        parts = (
            (positions, (0.0, 0.0, 0.0), 1),
            (_wxyz(get("orientations", 4)), (1.0, 0.0, 0.0, 0.0), 1),
            (get("scales", 3), (1.0, 1.0, 1.0), 1),
            (get("opacities", 1), (1.0,), 1),
            (coefficients, (0.0, 0.0, 0.0), k),
        )
        for array, default, each in parts:
            _write(out, array if array is not None and len(array) >= n * each else None, default, n * each)
    matrix = pxr["UsdGeom"].Xformable(prim).ComputeLocalToWorldTransform(time)
    rows = [[float(matrix[row][column]) for row in range(4)] for column in range(4)]  # Gf's vectors are rows
    return {"count": n, "degree": degree, "matrix": [v for row in rows for v in row]}


def _degree(prim: Any, where: str) -> int:
    degree = prim.GetAttribute("radiance:sphericalHarmonicsDegree").Get()
    if degree is None:
        return 3
    if not 0 <= int(degree) <= 3:
        raise Refused(f"{where}: spherical harmonics of degree {degree}; degrees 0 to 3 are read")
    return int(degree)


def _wxyz(xyzw: np.ndarray | None) -> np.ndarray | None:
    """Gf's quaternions lie in memory with the real part last."""
    return None if xyzw is None else np.roll(xyzw, 1, axis=1)


def _write(out: Any, array: np.ndarray | None, default: tuple[float, ...], rows: int) -> None:
    for start in range(0, rows, _BLOCK):
        stop = min(start + _BLOCK, rows)
        if array is None:
            block = np.tile(np.array(default, "<f4"), (stop - start, 1))
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                block = array[start:stop].astype("<f4")
        out.write(np.ascontiguousarray(block).tobytes())


if __name__ == "__main__":
    main(sys.argv[1])
