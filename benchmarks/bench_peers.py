"""The cpu renderer beside other renderers that need no GPU: one run, the same scenes, views and pictures.

``make bench-peers`` installs what they need; a peer that cannot run here is named with what it lacks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.scenes import bench_scene, move, room
from translight.core.errors import BackendError
from translight.core.machine import describe
from translight.render.contract import Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.render.measure import measure
from translight.volume.lens import psnr_db

SCENES = ("room_100k", "room_500k")
SIZE = (1280, 720)
VIEWS = 3
ROUNDS = 3
_RESULT = Path(__file__).parent / "results" / "peers.md"


def main(tiny: bool) -> None:
    """Measure ours and each peer in turn, several rounds; write the table unless ``tiny``."""
    rows: list[dict[str, Any]] = []
    lacking: dict[str, str] = {}
    width, height = (64, 36) if tiny else SIZE
    for name in ("tiny",) if tiny else SCENES:
        scene = Scene.of(room(500)) if tiny else bench_scene(name)
        views = move(width, height)[:: 8 // VIEWS][:VIEWS]
        for peer_name in peers.PEERS:
            if tiny and peer_name not in ("torch", "moderngl"):
                continue
            try:
                rows.append(_row(peer_name, name, scene, views, 1 if tiny else ROUNDS))
            except BackendError as error:
                lacking[peer_name] = str(error)
                print(f"{peer_name}: {error}", flush=True)
            else:
                print(_line(rows[-1]), flush=True)
    if not tiny:
        _RESULT.write_text(_table(rows, lacking))


def _row(peer_name: str, scene_name: str, scene: Scene, views: list[Any], rounds: int) -> dict[str, Any]:
    """One peer between two measurements of ours, so that a machine that slows down slows both."""
    camera = views[0].camera
    peer = peers.open_peer(peer_name, scene, camera.width_px, camera.height_px)
    try:
        with CpuRenderer() as renderer:
            before = measure(renderer, scene, views, 2 * rounds).frame_ms
            found = peer.measure(views, rounds)
            after = measure(renderer, scene, views, 2 * rounds).frame_ms
            pictures = [frame.rgba[..., :3] for frame in renderer.render(scene, views)]
    finally:
        peer.close()
    ours = float(np.median(np.concatenate([before, after])))
    theirs = float(np.median(found.milliseconds))
    return {
        "peer": peer_name,
        "version": peer.version,
        "scene": scene_name,
        "ours_ms": ours,
        "peer_ms": theirs,
        "ratio": theirs / ours,
        "psnr_db": min(_psnr(a, b) for a, b in zip(pictures, found.pictures, strict=True)),
    }


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    return psnr_db(np.clip(a, 0, 1), b, np.ones(b.shape[:2], bool))


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['scene']:>10} {row['peer']:>22}: {row['peer_ms']:8.1f} ms, ours {row['ours_ms']:6.1f} ms, "
        f"{row['ratio']:.1f}×, {row['psnr_db']:.0f} dB"
    )


def _table(rows: list[dict[str, Any]], lacking: dict[str, str]) -> str:
    lines = [
        "# Other renderers on a processor",
        "",
        f"`make bench-peers`. {SIZE[0]}×{SIZE[1]}, {VIEWS} views of `benchmarks/scenes.py`'s move, {ROUNDS} rounds;",
        "ours measured before and after each peer, in one run. Wall-clock medians, ms. PSNR against our picture, the",
        "least of the views'. What a peer's frame holds stands in its adaptor (`benchmarks/peers/`), in doubt in the",
        "peer's favour: the browsers' frames leave out sorting and upload.",
        "",
        f"Machine: {describe()}. Shared with other work.",
        "",
        "| scene | peer | ms | ours, ms | ratio | PSNR, dB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['scene']} | {row['peer']} | {row['peer_ms']:.0f} | {row['ours_ms']:.1f} | **{row['ratio']:.1f}×** "
        f"| {row['psnr_db']:.0f} |"
        for row in rows
    ]
    versions = dict.fromkeys(f"- {row['peer']}: {row['version']}" for row in rows)
    lines += ["", *versions, *(f"- {name} not run: {why}" for name, why in lacking.items()), ""]
    return "\n".join(lines)
