"""An environment's proxy mesh, ``proxy.glb``: set elsewhere by one node above its scene, its own bytes untouched.

The mesh stands in glTF's axes as splats in glTF do: x right, y up, z back of the scene, in scene units.
"""

from __future__ import annotations

import copy
from typing import Any

from translight.core.errors import FormatError
from translight.core.frames import RDF_FROM_RUB
from translight.core.pose import Similarity
from translight.splats.glb import MAGIC, parse, write_glb
from translight.splats.limits import DEFAULT_LIMITS, Limits

_WHAT = "proxy"


def placed_proxy(data: bytes, new_from_scene: Similarity, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """A ``.glb`` whose scene is turned, scaled and moved as splats are by ``new_from_scene`` (both in RDF).

    Raises FormatError on what is no .glb, has no scene, or keeps its data in other files.
    """
    if not data.startswith(MAGIC):
        raise FormatError(f"{_WHAT}: not a .glb")
    document = parse(data, limits)
    values: dict[str, Any] = copy.deepcopy(document.json)
    scenes = values.get("scenes")
    index = values.get("scene", 0)
    scene = scenes[index] if isinstance(scenes, list) and isinstance(index, int) and 0 <= index < len(scenes) else None
    nodes = values.get("nodes")
    if not isinstance(scene, dict) or not isinstance(nodes, list) or not isinstance(scene.get("nodes"), list):
        raise FormatError(f"{_WHAT}: the .glb has no scene of nodes")
    turn = Similarity(1.0, RDF_FROM_RUB)
    move = turn.inverse() @ new_from_scene @ turn
    w, x, y, z = (float(v) for v in move.pose.wxyz)
    scale = float(move.scale)
    nodes.append(
        {
            "name": "Placement",
            "translation": [float(v) for v in move.pose.position_m],
            "rotation": [x, y, z, w],
            "scale": [scale, scale, scale],
            "children": scene["nodes"],
        }
    )
    scene["nodes"] = [len(nodes) - 1]
    inside = bool(document.buffers) and "uri" not in values["buffers"][0]
    return write_glb(values, bytes(document.buffers[0]) if inside else b"")
