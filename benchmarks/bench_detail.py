"""What a coarser quality loses and what levels of detail take to make; docs/rendering.md shows the table.

Each quality of the governor's is drawn along an orbit and held to the finest: a smaller picture is enlarged by a
bicubic filter first, a level of detail is drawn at full size.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.scenes import move, room
from translight.commands.bench import file_scene
from translight.core.camera import View
from translight.core.machine import describe
from translight.render.contract import Scene
from translight.render.cpu.renderer import CpuRenderer
from translight.splats.detail import detail_levels
from translight.splats.order import along_curve
from translight.volume.lens import psnr_db

SIZE = (1280, 720)
SCALES = (0.85, 0.7, 0.5)
CAPTURES = ("plant_114k.splat", "playbot_125k_sog", "playbot_500k_sog")
_FOLDER = Path(__file__).parents[2] / "shared" / "data" / "splats"
_RESULT = Path(__file__).parent / "results" / "detail.md"


def main(tiny: bool) -> None:
    """Measure every capture that is there; write the table unless ``tiny``."""
    if tiny:
        scenes = {"tiny": (Scene.of(along_curve(room(500))), move(64, 36)[::4])}
    else:
        detail_levels(room(500))  # compiles
        scenes = {name: file_scene(_FOLDER / name, SIZE) for name in CAPTURES if (_FOLDER / name).exists()}
        scenes = {name: (scene, views[::2]) for name, (scene, views) in scenes.items()}
    rows = []
    for name, (scene, views) in scenes.items():
        began = time.perf_counter()
        levels = detail_levels(scene.layers[0].splats)
        seconds = time.perf_counter() - began
        with CpuRenderer() as renderer:
            coarser = [scene.with_clouds([along_curve(level)]) for level in levels[1:]]
            lost = [_level(renderer, scene, level, views) for level in coarser]
            lost += [_scaled(renderer, scene, views, scale) for scale in SCALES]
        rows.append((name, seconds, *lost))
        print(f"{name:>18}: made in {seconds:.1f} s; dB " + "  ".join(f"{value:.1f}" for value in lost), flush=True)
    if not tiny:
        _RESULT.write_text(_table(rows))


def _level(renderer: CpuRenderer, finest: Scene, coarser: Scene, views: list[View]) -> float:
    return float(np.mean([_psnr(_draw(renderer, finest, view), _draw(renderer, coarser, view)) for view in views]))


def _scaled(renderer: CpuRenderer, scene: Scene, views: list[View], scale: float) -> float:
    found = []
    for view in views:
        width, height = view.camera.width_px, view.camera.height_px
        camera = view.camera.resized(round(width * scale), round(height * scale))
        small = _draw(renderer, scene, replace(view, camera=camera))
        channels = [Image.fromarray(small[..., k]).resize((width, height), Image.Resampling.BICUBIC) for k in range(3)]
        found.append(_psnr(_draw(renderer, scene, view), np.stack([np.asarray(c) for c in channels], axis=-1)))
    return float(np.mean(found))


def _draw(renderer: CpuRenderer, scene: Scene, view: View) -> np.ndarray:
    return np.ascontiguousarray(renderer.render(scene, [view])[0].rgba[..., :3])


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    return psnr_db(np.clip(a, 0, 1), np.clip(b, 0, 1), np.ones(a.shape[:2], bool))


def _table(rows: list[tuple[str, float, float, float, float, float, float]]) -> str:
    lines = [
        "# What coarser qualities lose",
        "",
        f"`python -m benchmarks detail`. {SIZE[0]}×{SIZE[1]}, PSNR in dB against the finest, mean of four views of an",
        "orbit; smaller pictures enlarged bicubically. plant: Marcel Padilla, playbot: Stephane Agullo, CC-BY-4.0.",
        "",
        f"Machine: {describe()}. Shared with other work.",
        "",
        "| scene | inner 85 % | inner 70 % | ¼ of the splats | inner 50 % | 1/16 of the splats | both levels made in |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, seconds, quarter, sixteenth, large, middle, small in rows:
        lines.append(
            f"| {name} | {large:.1f} | {middle:.1f} | {quarter:.1f} | {small:.1f} | {sixteenth:.1f} | {seconds:.1f} s |"
        )
    return "\n".join([*lines, ""])
