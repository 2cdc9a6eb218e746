"""glTF with KHR_gaussian_splatting, both ways; ``glb`` reads and writes the containers.

Source: Khronos, "KHR_gaussian_splatting" (ratified): a primitive of points whose attributes are position, rotation
x y z w, linear scale ≥ 0, opacity 0…1 and SH in INRIA's basis. Axes are glTF's, y up, right-handed; here as its
cameras have them, RUB: x right, y up, z back. Nodes' transforms are worked into the splats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from translight.core.errors import FormatError
from translight.core.pose import Pose, Similarity
from translight.splats import raw
from translight.splats.axes import RUB_TO_RDF, mean_signs, sh_signs, wxyz_signs
from translight.splats.cloud import MAX_DEGREE, SplatCloud
from translight.splats.glb import WHAT, Document, OpenFile, finite, parse, write_glb, write_gltf
from translight.splats.limits import DEFAULT_LIMITS, Limits, Progress, blocks, brief
from translight.splats.motion import joined, moved_in_rub, rdf_and_rub, similarity_of

EXTENSION = "KHR_gaussian_splatting"
SRGB, LINEAR = "srgb_rec709_display", "lin_rec709_display"
_PREFIX = f"{EXTENSION}:"
_POINTS = 0
_POSITION_BYTES = 12
_ARRAY_BUFFER, _FLOAT, _UBYTE = 34962, 5126, 5121
_ACCESSORS = {
    width: {"componentType": _FLOAT, "type": kind} for width, kind in ((1, "SCALAR"), (3, "VEC3"), (4, "VEC4"))
}
_MOST_NODES = 10_000


@dataclass(frozen=True, slots=True)
class _Field:
    """One splat primitive, where it stands and how many splats it holds."""

    primitive: dict[str, Any]
    world: Similarity
    count: int
    degree: int


def decode(
    data: bytes,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
    open_file: OpenFile | None = None,
) -> SplatCloud:
    """Read a ``.glb`` or ``.gltf``; several splat primitives become one cloud, meshes beside them are passed over.

    Raises FormatError on what is broken or holds no splats, and on compressed splats and unequal scaling.
    """
    document, fields = _fields(data, limits, open_file)
    total = sum(field.count for field in fields)
    clouds, done = [], 0
    for field in fields:
        tell = _shared(progress, done, field.count, total)
        clouds.append(moved_in_rub(_cloud(document, field, tell), field.world))
        raw.check_finite(WHAT, clouds[-1])
        done += field.count
    return clouds[0] if len(clouds) == 1 else joined(clouds)


def describe(data: bytes, limits: Limits = DEFAULT_LIMITS, open_file: OpenFile | None = None) -> tuple[int, int]:
    """(splats, SH degree) as the JSON says. Raises FormatError."""
    _, fields = _fields(data, limits, open_file)
    return sum(field.count for field in fields), max(field.degree for field in fields)


def encode(cloud: SplatCloud, *, binary: bool = True, linear: bool = False, progress: Progress | None = None) -> bytes:
    """Write a ``.glb``, or a ``.gltf`` with its buffer inside; float32 throughout, so nothing is lost.

    ``linear``: the colours are linear Rec.709, not sRGB-encoded. COLOR_0 shows points where splats are not known.
    Raises FormatError on an empty cloud, which glTF has no accessor for, and where a ``.glb`` would pass 4 GiB.
    """
    if len(cloud) == 0:
        raise FormatError(f"{WHAT}: holds no empty cloud: an accessor has one element or more")
    cloud = rdf_and_rub(cloud)
    arrays = {
        "POSITION": cloud.means,
        "COLOR_0": _colours(cloud),
        f"{_PREFIX}ROTATION": np.roll(cloud.wxyz, -1, axis=1),
        f"{_PREFIX}SCALE": cloud.scales,
        f"{_PREFIX}OPACITY": cloud.opacities[:, None],
    }
    arrays |= {name: cloud.sh[:, i] for i, name in enumerate(_sh_names(cloud.sh_degree))}
    accessors: list[dict[str, Any]] = []
    views: list[dict[str, Any]] = []
    body = bytearray()
    for name, values in arrays.items():
        part = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        views.append({"buffer": 0, "byteOffset": len(body), "byteLength": len(part), "target": _ARRAY_BUFFER})
        accessors.append({"bufferView": len(accessors), "count": len(cloud), **_ACCESSORS[values.shape[1]]})
        if name == "COLOR_0":
            accessors[-1] |= {"componentType": _UBYTE, "normalized": True}
        body += part
        if progress is not None:
            progress(len(accessors) / len(arrays))
    accessors[0] |= {"min": cloud.means.min(axis=0).tolist(), "max": cloud.means.max(axis=0).tolist()}
    extension = {
        "kernel": "ellipse",
        "colorSpace": LINEAR if linear else SRGB,
        "projection": "perspective",
        "sortingMethod": "cameraDistance",
    }
    attributes = {name: i for i, name in enumerate(arrays)}
    primitive = {"attributes": attributes, "mode": _POINTS, "extensions": {EXTENSION: extension}}
    whole = {
        "asset": {"version": "2.0", "generator": f"translight {version('translight')}"},
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Splats"}],
        "meshes": [{"primitives": [primitive]}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(body)}],
    }
    return write_glb(whole, bytes(body)) if binary else write_gltf(whole, bytes(body))


def world_transforms(document: Document) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """The scene's nodes, each with its matrix (4 4) to the scene. Raises FormatError on loops and broken transforms."""
    scenes = document.json.get("scenes")
    if scenes:
        scene = document.array("scenes", document.json.get("scene", 0), "scene")
        roots = scene.get("nodes", [])
    else:
        roots = _roots(document)
    waiting = [(index, np.eye(4)) for index in reversed(_indices(roots, "scene.nodes"))]
    seen: set[int] = set()
    while waiting:
        index, parent = waiting.pop()
        node = document.array("nodes", index, "a node")
        if index in seen or len(seen) >= _MOST_NODES:
            raise FormatError(f"{WHAT}: nodes[{index}] is reached twice, or there are more than {_MOST_NODES:,}")
        seen.add(index)
        with np.errstate(over="ignore", invalid="ignore"):
            world = parent @ _local(node, index)
        waiting += [(child, world) for child in reversed(_indices(node.get("children", []), f"nodes[{index}]"))]
        yield node, world


def _roots(document: Document) -> list[int]:
    """Where there is no scene, the nodes that are nobody's child."""
    nodes = document.json.get("nodes", [])
    count = len(nodes) if isinstance(nodes, list) else 0
    children = {c for i in range(count) for c in _indices(document.array("nodes", i, "").get("children", []), "nodes")}
    return [i for i in range(count) if i not in children]


def _fields(data: bytes, limits: Limits, open_file: OpenFile | None) -> tuple[Document, list[_Field]]:
    document = parse(data, limits, open_file)
    packed = len(data) + sum(len(buffer) for buffer in document.buffers)
    fields: list[_Field] = []
    total = 0
    for node, matrix in world_transforms(document):
        if "mesh" not in node:
            continue
        primitives = document.array("meshes", node["mesh"], "a node").get("primitives")
        for primitive in primitives if isinstance(primitives, list) else []:
            if isinstance(primitive, dict) and EXTENSION in _object(primitive.get("extensions")):
                field = _field(document, primitive, matrix)
                total += field.count
                limits.check_count(total, WHAT)
                limits.check_ratio(_POSITION_BYTES * total, packed, f"{WHAT}: positions")
                fields.append(field)
    if not fields:
        raise FormatError(f"{WHAT}: a mesh or an empty scene, not splats: no primitive has {EXTENSION}")
    return document, fields


def _field(document: Document, primitive: dict[str, Any], matrix: np.ndarray) -> _Field:
    extension = _object(_object(primitive.get("extensions")).get(EXTENSION))
    more = extension.get("extensions")
    if isinstance(more, dict) and more:
        raise FormatError(f"{WHAT}: splats packed by {brief(next(iter(more)))}, which is not read")
    if extension.get("kernel", "ellipse") != "ellipse":
        raise FormatError(f"{WHAT}: kernel {brief(extension['kernel'])}; ellipse is read")
    if primitive.get("mode", 4) != _POINTS:
        raise FormatError(f"{WHAT}: a splat primitive has mode {brief(primitive.get('mode', 4))}; 0, points, is needed")
    attributes = _object(primitive.get("attributes"))
    for name in ("POSITION", *(f"{_PREFIX}{n}" for n in ("ROTATION", "SCALE", "OPACITY")), *_sh_names(0)):
        if name not in attributes:
            raise FormatError(f"{WHAT}: the splats have no attribute {name}")
    degree = max(d for d in range(MAX_DEGREE + 1) if all(name in attributes for name in _sh_names(d)))
    for name in attributes:
        if name.startswith(f"{_PREFIX}SH_DEGREE_") and name not in _sh_names(degree):
            raise FormatError(f"{WHAT}: the splats have {brief(name)}, and not all that degree {degree + 1} needs")
    counts = {len(document.accessor(attributes[n], n)[0]) for n in _needed(degree)}
    if len(counts) != 1:
        raise FormatError(f"{WHAT}: attributes of different lengths: {', '.join(f'{c:,}' for c in sorted(counts))}")
    return _Field(primitive, _similarity(matrix), counts.pop(), degree)


def _needed(degree: int) -> tuple[str, ...]:
    return ("POSITION", f"{_PREFIX}ROTATION", f"{_PREFIX}SCALE", f"{_PREFIX}OPACITY", *_sh_names(degree))


def _sh_names(degree: int) -> tuple[str, ...]:
    return tuple(f"{_PREFIX}SH_DEGREE_{d}_COEF_{i}" for d in range(degree + 1) for i in range(2 * d + 1))


def _cloud(document: Document, field: _Field, tell: Progress | None) -> SplatCloud:
    attributes = field.primitive["attributes"]

    def values(name: str, width: int) -> np.ndarray:
        array, normalised = document.accessor(attributes[name], name)
        if array.shape[1] != width:
            raise FormatError(f"{WHAT}: {name} has {array.shape[1]} components; {width} are needed")
        return _normalised(array) if normalised and array.dtype.kind != "f" else array

    n, rest = field.count, raw.REST[field.degree]
    stored = {name: values(name, width) for name, width in zip(_needed(field.degree), (3, 4, 3, 1), strict=False)}
    stored |= {name: values(name, 3) for name in _sh_names(field.degree)}
    means, scales = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32)
    wxyz, opacities = np.empty((n, 4), np.float32), np.empty(n, np.float32)
    sh = np.empty((n, 1 + rest, 3), np.float32)
    to_rdf, turn, to_sh = mean_signs(RUB_TO_RDF), wxyz_signs(RUB_TO_RDF), sh_signs(RUB_TO_RDF, rest)
    with np.errstate(over="ignore", invalid="ignore"):  # make_cloud refuses what is not finite
        for part in blocks(n, tell):
            means[part] = stored["POSITION"][part] * to_rdf
            wxyz[part] = np.roll(stored[f"{_PREFIX}ROTATION"][part], 1, axis=1) * turn
            scales[part] = stored[f"{_PREFIX}SCALE"][part]
            opacities[part] = stored[f"{_PREFIX}OPACITY"][part, 0]
            for i, name in enumerate(_sh_names(field.degree)):
                sh[part, i] = stored[name][part]
            sh[part, 1:] *= to_sh
    _check_range("a negative scale", (scales < 0).any(axis=1))
    _check_range("an opacity outside 0 to 1", (opacities < 0) | (opacities > 1))
    return raw.make_cloud(WHAT, means=means, scales=scales, wxyz=wxyz, opacities=opacities, sh=sh)


def _normalised(whole: np.ndarray) -> np.ndarray:
    """Whole numbers that stand for 0…1 or −1…1 (glTF 2.0, 3.11)."""
    return np.maximum(whole.astype(np.float32) / np.float32(np.iinfo(whole.dtype).max), np.float32(-1.0))


def _check_range(fault: str, wrong: Any) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise FormatError(f"{WHAT}: {len(rows):,} splats have {fault}, the first at index {rows[0]:,}")


def _local(node: dict[str, Any], index: int) -> np.ndarray:
    """A node's own matrix, of its ``matrix`` or of translation, rotation and scale."""
    wrong = FormatError(f"{WHAT}: nodes[{index}] has a transform that is not one of finite numbers")
    if "matrix" in node:
        numbers = finite(node["matrix"], 16)
        if numbers is None:
            raise wrong
        return np.array(numbers).reshape(4, 4).T
    translation = finite(node.get("translation", [0, 0, 0]), 3)
    xyzw = finite(node.get("rotation", [0, 0, 0, 1]), 4)
    scale = finite(node.get("scale", [1, 1, 1]), 3)
    if translation is None or xyzw is None or scale is None or not np.linalg.norm(xyzw) > 1e-6:
        raise wrong
    out = Pose.from_wxyz((xyzw[3], *xyzw[:3]), translation).matrix()
    out[:3, :3] *= scale
    return out


def _similarity(matrix: np.ndarray) -> Similarity:
    found = similarity_of(matrix)
    if found is None:
        raise FormatError(f"{WHAT}: a node scales splats unequally, shears or mirrors them, which is not read")
    return found


def _colours(cloud: SplatCloud) -> np.ndarray:
    """COLOR_0: the base colour and opacity of each splat in bytes."""
    rgba = np.empty((len(cloud), 4), np.float32)
    rgba[:, :3] = cloud.sh[:, 0] * np.float32(raw.SH_C0) + np.float32(0.5)
    rgba[:, 3] = cloud.opacities
    return np.rint(np.clip(rgba, 0.0, 1.0) * 255.0).astype(np.uint8)


def _shared(progress: Progress | None, done: int, count: int, total: int) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress((done + share * count) / total)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _indices(values: Any, what: str) -> list[int]:
    if not isinstance(values, list) or not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
        raise FormatError(f"{WHAT}: {what} is no list of numbers")
    return values
