"""The procedural engine's ray tracer beside Mitsuba 3 (scalar_rgb): one scene, two pictures, two processor times.

The scene is what both can hold exactly: land as triangles, boxes and a ball, diffuse, under an even sky and a sun.
Where Mitsuba is not installed, our own rows are written alone. Then what the engine's own skies and scenes take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from jaxtyping import Float32

from benchmarks.places import places
from translight.core.camera import Camera
from translight.core.image import save_image, to_u8
from translight.core.machine import describe
from translight.environment.noise import fractal
from translight.generation.brief.brief import Brief, Family, Place
from translight.generation.procedural.engine import SAMPLES, scene_of
from translight.generation.procedural.rays import embree
from translight.generation.procedural.scene import Grid, Land, Material, Mesh, Placed, Scene, Sky
from translight.generation.procedural.shapes import box, mesh, sphere
from translight.generation.procedural.skies import sky_for
from translight.generation.procedural.trace import Panorama, Shot, draw
from translight.render.cameras import look_at

_RESULT = Path(__file__).parent / "results" / "procedural.md"
_PICTURE = Path(__file__).parents[1] / "docs" / "images" / "trace_mitsuba.jpg"
_EYE, _TARGET = (0.0, -9.0, 3.0), (0.0, 4.0, 0.8)
_TOWARDS_SUN = np.array([0.55, -0.45, 0.55])
_SUN, _AIR = (3.0, 2.8, 2.4), (0.25, 0.33, 0.5)
_COLOURS = ((0.42, 0.33, 0.22), (0.55, 0.2, 0.15), (0.6, 0.6, 0.58))


def main(tiny: bool) -> None:
    """Draw with both and compare; write the table and the picture unless ``tiny``."""
    width, samples, n = (48, 1, 17) if tiny else (640, 16, 257)
    camera = Camera.from_fov(width, width * 9 // 16, horizontal_deg=55)
    grid = _grid(n)
    solids = [
        box((2.0, 2.0, 2.0), 1, foot_m=(-3.5, 0.0, 0.0)),
        box((3.0, 3.0, 3.0), 1, foot_m=(2.5, 3.0, 0.0)),
        sphere(1.0, 2, subdivisions=2 if tiny else 5, centre_m=(-0.3, -2.0, 1.0)),
    ]
    scene = _scene(grid, solids)
    stage_from_camera = look_at(_EYE, _TARGET)
    draw(scene, Panorama(2, scene.eye_m), samples=1)  # compiles
    began = time.process_time()
    ours = draw(scene, Shot(camera, stage_from_camera), samples=samples).image
    rows = [("translight", samples, time.process_time() - began)]
    pictures, notes = [ours], []
    if find_spec("mitsuba") is None:
        notes.append("Mitsuba is not installed: nothing to compare with.")
    else:
        meshes = [_land_mesh(grid), *solids]
        began = time.process_time()
        theirs = _mitsuba(meshes, camera, samples)
        rows.append(("mitsuba scalar_rgb, path", samples, time.process_time() - began))
        pictures.append(theirs)
        ratio = ours.reshape(-1, 3).mean(axis=0) / theirs.reshape(-1, 3).mean(axis=0)
        blurred = np.abs(_shrunk(ours) - _shrunk(theirs)).mean() / theirs.mean()
        notes.append(
            f"Mean radiance, ours over theirs: {ratio[0]:.3f} {ratio[1]:.3f} {ratio[2]:.3f} (red, green, blue)."
        )
        notes.append(f"Mean difference of 8x8 pixel means: {100 * blurred:.1f} % of the mean.")
    if not tiny:
        began = time.process_time()
        draw(scene, Panorama(512, scene.eye_m), samples=4)
        rows.append(("translight, panorama 1024x512", 4, time.process_time() - began))
    lines = [f"| {name} | {count} | {seconds:.1f} |" for name, count, seconds in rows]
    table = "\n".join(["| renderer | samples a pixel | processor s |", "|---|--:|--:|", *lines])
    work = [f"| {name} | {seconds:.1f} |" for name, seconds in _work(tiny)]
    table_of_work = "\n".join(["| kernels compiled | processor s |", "|---|--:|", *work])
    table_of_trees = _trees(tiny)
    print(table, *notes, table_of_work, table_of_trees, sep="\n")
    if not tiny:
        text = (
            f"# procedural\n\n{describe()}; {camera.width_px}x{camera.height_px}.\n\n{table}\n\n"
            + "\n".join(notes)
            + f"\n\n{table_of_work}\n\n{table_of_trees}\n"
        )
        _RESULT.write_text(text, encoding="utf-8")
        shown = np.clip(np.concatenate(pictures, axis=1), 0.0, 1.0) ** (1 / 2.2)
        save_image(_PICTURE, to_u8(shown), jpeg_quality=85)


def _trees(tiny: bool) -> str:
    """The shipped briefs' scenes drawn with Embree's trees and with our own, in turn: medians of processor seconds."""
    height_px, repeats = (16, 1) if tiny else (256, 3)
    if embree.library() is None:
        return "Embree is not installed: our own trees are walked."
    what = f"drawn, {2 * height_px}x{height_px}, {SAMPLES} samples, median of {repeats}"
    lines = [f"| {what} | with Embree | with our own trees | ratio |", "|---|--:|--:|--:|"]
    for brief, family, seed in places(tiny):
        scene = scene_of(brief, family, seed, height_px)
        drawn = partial(draw, scene, Panorama(height_px, scene.eye_m), samples=SAMPLES, seed=seed)
        drawn()  # compiles
        with_embree, without = [], []
        for _ in range(repeats):
            with_embree.append(_spent(drawn))
            with mock.patch.object(embree, "library", return_value=None):
                without.append(_spent(drawn))
        quick, slow = float(np.median(with_embree)), float(np.median(without))
        lines.append(f"| {family} | {quick:.1f} | {slow:.1f} | {slow / quick:.2f} |")
    return "\n".join(lines)


def _work(tiny: bool) -> Iterator[tuple[str, float]]:
    """Processor seconds of all threads: a sky with marched clouds, and each shipped brief's scene, built and drawn."""
    rows = 16 if tiny else 512
    cloudy = Brief(name="sky", intent="clouds", place=Place(weather="broken"))
    sky_for(cloudy, 1, 16)  # compiles
    yield f"sky of `broken`, {rows} rows", _spent(lambda: sky_for(cloudy, 1, rows))
    for brief, family, seed in places(tiny):

        def drawn(height_px: int, brief: Brief = brief, family: Family = family, seed: int = seed) -> None:
            scene = scene_of(brief, family, seed, height_px)
            draw(scene, Panorama(height_px, scene.eye_m), samples=SAMPLES, seed=seed)

        drawn(16)  # compiles
        yield f"{family}, {2 * rows}x{rows}, {SAMPLES} samples", _spent(partial(drawn, rows))


def _spent(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _grid(n: int) -> Grid:
    axis = np.linspace(-24.0, 24.0, n)
    x, y = np.meshgrid(axis, axis)
    rise = 1.6 * fractal(np.stack([x, y], axis=-1).reshape(-1, 2) / 7.0, 4, 7).reshape(n, n)
    rise *= np.clip((np.hypot(x, y) - 4.0) / 8.0, 0.0, 1.0).astype(np.float32)
    ones = np.ones((n, n, 3), np.float32)
    return Grid((-24.0, -24.0), float(axis[1] - axis[0]), rise.astype(np.float32), ones, np.zeros((n, n), np.uint16))


def _land_mesh(grid: Grid) -> Mesh:
    rows, columns = grid.height_m.shape
    x, y = np.meshgrid(
        grid.origin_m[0] + grid.cell_m * np.arange(columns), grid.origin_m[1] + grid.cell_m * np.arange(rows)
    )
    j, i = np.mgrid[: rows - 1, : columns - 1]
    a = (j * columns + i).ravel()
    triangles = np.concatenate(
        [np.column_stack([a, a + 1, a + columns + 1]), np.column_stack([a, a + columns + 1, a + columns])]
    )
    return mesh(np.stack([x, y, grid.height_m], axis=-1), triangles, 0)


def _scene(grid: Grid, solids: list[Mesh]) -> Scene:
    sky = Sky(
        np.broadcast_to(np.float32(_AIR), (32, 64, 3)).copy(),
        _TOWARDS_SUN / np.linalg.norm(_TOWARDS_SUN),
        np.array(_SUN),
        sun_radius_rad=1e-4,
    )
    materials = tuple(Material(c, c, specular=0.0) for c in _COLOURS)
    placed = tuple(Placed(mesh, np.eye(3, 4)[None], np.ones((1, 3), np.float32)) for mesh in solids)
    return Scene(sky, np.array(_EYE), materials, Land((grid,)), placed)


def _mitsuba(meshes: list[Mesh], camera: Camera, samples: int) -> Float32[np.ndarray, "h w 3"]:
    mi = import_module("mitsuba")
    mi.set_variant("scalar_rgb")
    scene: dict[str, Any] = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 5},
        "sky": {"type": "constant", "radiance": {"type": "rgb", "value": list(_AIR)}},
        "sun": {
            "type": "directional",
            "direction": list(-_TOWARDS_SUN),
            "irradiance": {"type": "rgb", "value": list(_SUN)},
        },
        "sensor": {
            "type": "perspective",
            "fov": camera.fov_deg[0],
            "fov_axis": "x",
            "to_world": mi.ScalarTransform4f().look_at(origin=list(_EYE), target=list(_TARGET), up=[0, 0, 1]),
            "film": {
                "type": "hdrfilm",
                "width": camera.width_px,
                "height": camera.height_px,
                "rfilter": {"type": "box"},
                "pixel_format": "rgb",
            },
            "sampler": {"type": "multijitter", "sample_count": samples},
        },
    }
    for k, solid in enumerate(meshes):
        colour = {"type": "rgb", "value": list(_COLOURS[int(solid.material[0])])}
        properties = mi.Properties()
        properties["bsdf"] = mi.load_dict({"type": "twosided", "bsdf": {"type": "diffuse", "reflectance": colour}})
        made = mi.Mesh(
            f"mesh{k}", len(solid.vertices), len(solid.triangles), has_vertex_normals=False, props=properties
        )
        values = mi.traverse(made)
        values["vertex_positions"] = solid.vertices.ravel()
        values["faces"] = solid.triangles.astype(np.uint32).ravel()
        values.update()
        scene[f"mesh{k}"] = made
    return np.array(mi.render(mi.load_dict(scene), spp=samples), np.float32)


def _shrunk(picture: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "a b 3"]:
    height, width = picture.shape[0] // 8 * 8, picture.shape[1] // 8 * 8
    return picture[:height, :width].reshape(height // 8, 8, width // 8, 8, 3).mean(axis=(1, 3))
