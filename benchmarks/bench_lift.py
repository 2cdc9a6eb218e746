"""A lifted panorama against truth: holes and PSNR from random places within ±1.5 m, beside the published recipe's.

The recipe is WorldGen's: one splat for each pixel, k = 0.65, opacity written as it is where the file's readers expect
a logit, no layer behind edges or of the sky: the sky is there where the panorama shows it. It is given the same
panorama and distances here, and no smaller texture.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.lift_scenes import Place, procedural, room, yard
from translight.colour.transfer import srgb_encode
from translight.core.camera import Camera, View
from translight.core.machine import describe
from translight.environment.environment import Environment
from translight.generation.brief.brief import Stage
from translight.generation.candidate import View as Picture
from translight.generation.lift.cells import Cells
from translight.generation.lift.gaussians import gaussians
from translight.generation.lift.layers import Cut, Layer
from translight.generation.lift.lift import Options, lift
from translight.generation.lift.sky import whole_sky
from translight.reconstruction.evaluate.metrics import psnr_db
from translight.render.backends import open_renderer
from translight.render.cameras import look_at
from translight.render.contract import Renderer
from translight.render.scene import scene_of

HEIGHT_PX = 512
VIEWS = 12
PROCEDURAL = ("dunes", "ocean", "forest", "peaks", "city", "hall", "space")
"""Shipped briefs whose places are drawn anew from aside."""
FOV_DEG = 70.0
WORLDGEN_K = 0.65
WORLDGEN_OPACITY = 1 / (1 + np.exp(-1.0))
"""What a reader makes of the number 1 where a logit is expected."""
COLUMNS = (
    "| scene | method | splats | PSNR, dB | worst | holes | at most | lift, s | a picture, ms |\n"
    "|---|---|---|---|---|---|---|---|---|"
)
_RESULT = Path(__file__).parent / "results" / "lift.md"


@dataclass(frozen=True)
class Score:
    """Over all views: PSNR of pictures as shown, and the share of pixels that should show a surface and do not."""

    psnr_db: float
    worst_db: float
    holes: float
    most_holes: float
    picture_ms: float


def worldgen(panorama: Picture, *, backdrop: bool = False) -> Environment:
    """The published recipe, written anew from its description; with ``backdrop`` our filled sky shows in its holes."""
    assert panorama.distance_m is not None
    assert panorama.sky is not None
    mask = ~panorama.sky
    inverse = np.where(mask, 1 / panorama.distance_m, 0).astype(np.float32)
    layer = Layer(panorama.image, inverse, mask)
    row, column = (axis.astype(np.int32) for axis in np.nonzero(mask))
    cells = Cells(np.zeros(len(row), np.int32), row, row + 1, column, column + 1)
    cloud = gaussians([layer], cells, panorama.stage_from_camera.position_m, WORLDGEN_K)
    cloud = replace(cloud, opacities=np.full(len(cloud), WORLDGEN_OPACITY, np.float32))
    seen = np.where(panorama.sky[..., None], panorama.image, 0).astype(np.float32)
    sky = whole_sky(panorama.image, panorama.sky) if backdrop else seen
    return Environment("worldgen", cloud, sky=sky, encoding="linear")


def places(world: Place, count: int, seed: int = 1) -> list[View]:
    """Random cameras within ±1.5 m, ±0.5 m in height, where it is free; the magnification is about 1."""
    rng = np.random.default_rng(seed)
    views: list[View] = []
    while len(views) < count:
        eye = world.eye + rng.uniform((-1.5, -1.5, -0.5), (1.5, 1.5, 0.5))
        if not world.free(eye):
            continue
        turn = rng.uniform(0, 2 * np.pi)
        target = eye + np.array([np.sin(turn), np.cos(turn), rng.uniform(-0.25, 0.1)])
        views.append(View(look_at(eye, target), Camera.from_fov(2, 2, horizontal_deg=FOV_DEG)))
    return views


Truth = tuple[View, np.ndarray, np.ndarray]
"""A view, what it should show, and where that is a surface."""


def truths(world: Place, views: list[View], width_px: int) -> list[Truth]:
    """Cast anew from each place."""
    camera = Camera.from_fov(width_px, width_px * 9 // 16, horizontal_deg=FOV_DEG)
    return [(View(v.stage_from_camera, camera), *world.picture(camera, v.stage_from_camera)) for v in views]


def score(renderer: Renderer, environment: Environment, known: list[Truth]) -> Score:
    """How the environment's pictures compare with the truth."""
    scene = scene_of(environment)
    quality, holes, times = [], [], []
    for view, truth, seen in known:
        began = time.perf_counter()
        frame = renderer.render(scene, [view])[0]
        times.append(time.perf_counter() - began)
        shown = [srgb_encode(np.clip(p, 0, 1)).astype(np.float32) for p in (frame.rgba[..., :3], truth)]
        found_db = psnr_db(shown[0], shown[1])
        assert found_db is not None, "every pixel has weight"
        quality.append(found_db)
        holes.append(float(((frame.rgba[..., 3] < 0.5) & seen).mean()))
    median_ms = 1e3 * float(np.median(times))
    return Score(float(np.mean(quality)), min(quality), float(np.mean(holes)), max(holes), median_ms)


def rows_of(name: str, world: Place, height_px: int, count: int, budgets: tuple[int, ...]) -> list[str]:
    """Rows of the table for one scene."""
    panorama = world.panorama(height_px)
    known = truths(world, places(world, count), round(height_px * FOV_DEG / 180))
    rows = []

    def row(method: str, environment: Environment, seconds: float) -> None:
        with open_renderer("cpu", threads=1) as renderer:
            found = score(renderer, environment, known)
        rows.append(
            f"| {name} | {method} | {len(environment.splats):,} | {found.psnr_db:.2f} | {found.worst_db:.2f} | "
            f"{found.holes:.3%} | {found.most_holes:.3%} | {seconds:.1f} | {found.picture_ms:.0f} |"
        )
        print(rows[-1], flush=True)

    for backdrop in (False, True):
        began = time.perf_counter()
        environment = worldgen(panorama, backdrop=backdrop)
        method = "the recipe before our filled sky" if backdrop else "published recipe"
        row(method, environment, time.perf_counter() - began)
    for hidden in (0, 2):
        for budget in budgets if hidden else budgets[-1:]:
            began = time.perf_counter()
            options = Options(splats=budget, magnification=1.0, steps=0, backend="cpu", cut=Cut(hidden=hidden))
            lifted = lift(panorama, None, Stage(), options)
            row("layers" if hidden else "one layer", lifted.environment, time.perf_counter() - began)
    return rows


def main(tiny: bool) -> None:
    """Write the table; tiny, one small scene, and nothing is written."""
    if tiny:
        print(COLUMNS)
        rows_of("yard", yard(), 64, 2, (6_000,))
        return
    rows = []
    for name in ("room", "yard", *PROCEDURAL):
        world: Place = {"room": room, "yard": yard}[name]() if name not in PROCEDURAL else procedural(name, HEIGHT_PX)
        rows += rows_of(name, world, HEIGHT_PX, VIEWS, (100_000, 300_000))
    _RESULT.write_text(
        "# Lifting a panorama\n\n"
        f"{describe()}.\nPanoramas of {2 * HEIGHT_PX}x{HEIGHT_PX} with true distances, of two scenes of boxes and of "
        "the shipped briefs' procedural places (dunes to space, 4 samples), whose truth is drawn anew from "
        f"{VIEWS} random places within ±1.5 m (±0.5 m in height). Holes: pixels covered by less than half "
        "where the truth shows a surface. Times are by the clock, and grow where other work shares the cores. "
        "`python -m benchmarks lift`.\n\n" + COLUMNS + "\n" + "\n".join(rows) + "\n"
    )
