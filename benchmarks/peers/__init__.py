"""Other renderers of Gaussian splats that run on a processor, drawing our scenes through our views, to measure against.

A peer is a module with ``open_peer(scene, width_px, height_px, …) -> Peer``, which raises BackendError with the line
that installs what is missing; it is imported when it is opened and not before. Each draws the same picture as the
``cpu`` backend; how close it comes, and what its frame time holds, stands in its docstring. Where that was in doubt, it
was decided in the peer's favour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from translight.core.camera import View
from translight.core.errors import BackendError
from translight.render.contract import Scene

PEERS: Mapping[str, tuple[str, ...]] = {
    "moderngl": ("benchmarks.peers.moderngl_quads",),
    "playcanvas": ("benchmarks.peers.playcanvas",),
    "playcanvas-swiftshader": ("benchmarks.peers.playcanvas", "swiftshader"),
    "spark": ("benchmarks.peers.spark",),
    "spark-swiftshader": ("benchmarks.peers.spark", "swiftshader"),
    "torch": ("benchmarks.peers.torch_tiles",),
}
"""Every peer by its name: its module, and what else its ``open_peer`` is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """``milliseconds`` of wall time, one a frame: round by round, in each the views in turn, after a warm-up.

    ``pictures`` holds one (h w 3) for each view: display-encoded RGB in 0 … 1 over black.
    """

    milliseconds: list[float]
    pictures: list[Float32[np.ndarray, "h w 3"]]


class Peer(Protocol):
    """A renderer that holds one scene; ``close`` ends what it started and may be called twice."""

    name: str
    version: str
    """What ran, in a line: library, its version, and what draws below it."""

    def measure(self, views: Sequence[View], rounds: int) -> Measured:
        """Draw every view ``rounds`` times, each frame with another camera than the last where there are several.

        Raises ValueError on a view of another size than the peer was opened with, and BackendError when it fails.
        """
        ...

    def close(self) -> None:
        """End threads, processes and contexts."""
        ...


def open_peer(name: str, scene: Scene, width_px: int, height_px: int) -> Peer:
    """The peer called ``name`` with ``scene`` loaded; its sky is left out. Raises BackendError."""
    if name not in PEERS:
        raise BackendError(f"no peer {name!r}; there are: {', '.join(PEERS)}")
    module, *told = PEERS[name]
    try:
        imported = import_module(module)
    except ImportError as error:
        raise BackendError(f'the {name} peer cannot be imported: {error}; pip install "translight[peers]"') from error
    peer: Peer = imported.open_peer(scene, width_px, height_px, *told)
    return peer


def check_sizes(views: Sequence[View], width_px: int, height_px: int) -> None:
    """Raise ValueError on a view that is not of the peer's size."""
    for view in views:
        size = (view.camera.width_px, view.camera.height_px)
        if size != (width_px, height_px):
            raise ValueError(
                f"the peer was opened for {width_px}x{height_px} pixels, got a view of {size[0]}x{size[1]}"
            )
