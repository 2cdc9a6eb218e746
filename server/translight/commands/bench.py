"""``translight bench``: what this machine renders, in numbers that can be compared."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from translight.commands.render import parse_size
from translight.core.errors import ShowError

if TYPE_CHECKING:
    from translight.core.camera import View
    from translight.render.contract import Renderer, Scene

_DEFAULT_SCENES = ("room_100k", "room_500k", "room_2m")
_CHECKOUT = Path(__file__).resolve().parents[3]
_ORBIT_VIEWS = 8


@dataclass(frozen=True)
class BenchRender:
    """Measure a renderer: frame times on fixed scenes along a camera move, stage by stage, beside a peer's."""

    scene: str | None = None
    """room_100k, room_500k, room_2m or room_6m (seeded, SH 3), or an environment or splat file; the first three when
    none is given."""
    size: str = "1280x720"
    """WIDTHxHEIGHT in pixels."""
    backend: str = "cpu"
    """The renderer."""
    threads: int | None = None
    """Processor threads; all when not given."""
    peer: str | None = None
    """Another renderer, measured in the same run on the same views: moderngl, playcanvas, spark or torch."""
    rounds: int = 6
    """How often the move's views are drawn."""
    json: bool = False
    """Print one JSON list of rows instead of a table."""

    def run(self) -> int:
        """Measure; a row a scene and renderer."""
        from translight.render.backends import open_renderer

        size = parse_size(self.size)
        assert size is not None, "there is a default"
        if self.rounds < 1:
            raise ShowError(f"--rounds: at least 1, got {self.rounds}")
        rows: list[dict[str, Any]] = []
        for name in _DEFAULT_SCENES if self.scene is None else (self.scene,):
            scene, views = _scene(name, size)
            with open_renderer(self.backend, threads=self.threads, progress=say) as renderer:
                row = measure_row(renderer, name, scene, views, self.rounds)
            rows.append(row)
            if self.peer is not None:
                rows.append(_peer_row(self.peer, row, scene, views, self.rounds))
        print(json.dumps(rows) if self.json else _table(rows))
        return 0


@dataclass(frozen=True)
class BenchPeers:
    """Say which peers can be measured here, and what the others lack."""

    def run(self) -> int:
        """A line a peer."""
        from translight.core.errors import BackendError

        peers, scenes = benchmarks_module("benchmarks.peers"), benchmarks_module("benchmarks.scenes")
        scene, (view, *_) = scenes.Scene.of(scenes.room(500)), scenes.move(64, 64)
        for name in peers.PEERS:
            try:
                peer = peers.open_peer(name, scene, 64, 64)
            except BackendError as error:
                print(f"· {name:<12} {error}")
                continue
            try:
                peer.measure([view], 1)
                print(f"✓ {name:<12} {peer.version}")
            except BackendError as error:
                print(f"· {name:<12} {error}")
            finally:
                peer.close()
        return 0


def measure_row(renderer: Renderer, name: str, scene: Scene, views: Sequence[View], rounds: int) -> dict[str, Any]:
    """A renderer's row: times, and where it tells what it blended, fragments a second beside the processor's peak."""
    from translight.render.measure import measure

    camera = views[0].camera
    with _progress(f"{renderer.name} {name}", rounds + 1) as told:
        found = measure(renderer, scene, views, rounds, told)
    row: dict[str, Any] = {
        "backend": renderer.name,
        "scene": name,
        "splats": scene.count,
        "width": camera.width_px,
        "height": camera.height_px,
        "threads": getattr(renderer, "threads", 1),
        "median_ms": found.median_ms,
        "p99_ms": found.p99_ms,
        "fps": 1e3 / found.median_ms,
        "stages_ms": {stage: _middle(values) for stage, values in found.stages_ms.items()},
    }
    if renderer.name == "cpu":
        row |= _blended(renderer, scene, views, row)
    return row


def _blended(renderer: Any, scene: Scene, views: Sequence[View], row: dict[str, Any]) -> dict[str, float]:
    """Fragments of a frame, mean of a few views, over the median blend time; the peak is that of as many threads."""
    from translight.render.cpu.roofline import fma_peak, fragments

    total, few = 0, views[:: max(1, len(views) // 2)]
    for view in few:
        renderer.render(scene, [view])
        total += fragments(renderer, view.camera.width_px, view.camera.height_px)
    rate = total / len(few) / (row["stages_ms"]["blend"] / 1e3)
    peak = fma_peak(renderer.threads)
    return {
        "fragments": total / len(few),
        "fragments_per_s": rate,
        "fma_peak_per_s": peak,
        "fragments_per_fma": rate / peak,
    }


def _peer_row(name: str, ours: dict[str, Any], scene: Scene, views: Sequence[View], rounds: int) -> dict[str, Any]:
    import numpy as np

    camera = views[0].camera
    peers = benchmarks_module("benchmarks.peers")
    peer = peers.open_peer(name, scene, camera.width_px, camera.height_px)
    try:
        say(f"{peer.name}: {peer.version}")
        ms = peer.measure(views, rounds).milliseconds
    finally:
        peer.close()
    median = float(np.median(ms))
    return {key: ours[key] for key in ("scene", "splats", "width", "height", "threads")} | {
        "backend": peer.name,
        "version": peer.version,
        "median_ms": median,
        "p99_ms": float(np.percentile(ms, 99)),
        "fps": 1e3 / median,
        "ratio": median / ours["median_ms"],
    }


def _scene(name: str, size: tuple[int, int]) -> tuple[Scene, list[View]]:
    """A named scene and its move, or a file's."""
    path = Path(name)
    if path.exists():
        return file_scene(path, size)
    scenes = benchmarks_module("benchmarks.scenes")
    if name not in scenes.COUNTS:
        raise ShowError(f"--scene: no file and no bench scene {name!r}; there are {', '.join(scenes.COUNTS)}")
    return scenes.bench_scene(name), scenes.move(*size)


def file_scene(path: Path, size: tuple[int, int]) -> tuple[Scene, list[View]]:
    """A file's scene, and views along an orbit as ``translight render`` frames it."""
    from translight.core.camera import Camera
    from translight.environment.files import load_environment
    from translight.render.cameras import DEFAULT_FOV_DEG, DEFAULT_NEAR_M
    from translight.render.framing import framing
    from translight.render.paths import orbit
    from translight.render.scene import scene_of

    scene = scene_of(load_environment(path))
    camera = Camera.from_fov(*size, horizontal_deg=DEFAULT_FOV_DEG)
    return scene, orbit(framing(scene, camera), camera, _ORBIT_VIEWS, DEFAULT_NEAR_M)


def benchmarks_module(name: str) -> ModuleType:
    """A module of the repository's ``benchmarks``, which are no part of the installed package. Raises ShowError."""
    if not (_CHECKOUT / "benchmarks" / "scenes.py").is_file():
        raise ShowError("bench scenes and peers are in the repository, not in the package: run it from a checkout")
    if str(_CHECKOUT) not in sys.path:
        sys.path.append(str(_CHECKOUT))
    return importlib.import_module(name)


def _middle(values: Any) -> float:
    import numpy as np

    return float(np.median(values))


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'backend':>12} {'scene':>16} {'splats':>9} {'size':>10} {'thr':>3} {'median':>9} {'p99':>9} {'fps':>7}"]
    for row in rows:
        size = f"{row['width']}x{row['height']}"
        name = row["scene"] if len(row["scene"]) <= 16 else "…" + row["scene"][-15:]
        line = (
            f"{row['backend']:>12} {name:>16} {row['splats']:>9,} {size:>10} {row['threads']:>3} "
            f"{row['median_ms']:>6.2f} ms {row['p99_ms']:>6.2f} ms {row['fps']:>7.1f}"
        )
        if "ratio" in row:
            line += f"   {row['ratio']:.1f} × ours"
        if row.get("stages_ms"):
            line += "   " + "  ".join(f"{stage} {ms:.2f}" for stage, ms in row["stages_ms"].items() if ms)
        if "fragments_per_s" in row:
            line += f"   {row['fragments_per_s'] / 1e9:.2f} G fragments/s"
        lines.append(line)
    return "\n".join(lines)


@contextmanager
def _progress(what: str, total: int) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def say(what: str) -> None:
    """Tell whoever looks on at a terminal."""
    if sys.stderr.isatty():
        print(what, file=sys.stderr)
