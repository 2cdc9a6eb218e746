"""A panorama with distances becomes an environment with true parallax: layers, splats, sky, and the parallax budget.

sky_mask.py, layers.py, cells.py, gaussians.py, sky.py and parallax.py in their order; the package is environment's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from translight.colour.transfer import srgb_encode
from translight.core.camera import Camera
from translight.core.errors import GenerationError
from translight.core.image import to_u8
from translight.core.pose import Pose
from translight.core.progress import Progress, silent
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.environment.report import Report
from translight.generation.brief.brief import Stage
from translight.generation.candidate import Model, View
from translight.generation.lift.cells import divide
from translight.generation.lift.fill import Inpaint
from translight.generation.lift.gaussians import gaussians, overlap_for
from translight.generation.lift.layers import Cut, Layers, cut_layers
from translight.generation.lift.parallax import Parallax, measure
from translight.generation.lift.parallax_plan import plan
from translight.generation.lift.sky import whole_sky
from translight.generation.lift.sky_mask import sky_mask
from translight.generation.panorama import perspective
from translight.render.backends import open_renderer
from translight.render.cameras import look_at
from translight.render.scene import scene_of

_NEAREST_M = 0.05
_THUMBNAIL = (640, 360)


@dataclass(frozen=True, slots=True)
class Options:
    """How a panorama is lifted."""

    splats: int = 300_000
    """Exactly so many, or one for each pixel of all layers where those are fewer."""
    height_px: int = 2048
    """Layers of higher panoramas are cut at half the size, or a quarter …; the sky keeps its own."""
    magnification: float = 2.0
    """How many pixels of the picture come to one of the layers: larger closes gaps, smaller is sharper."""
    cut: Cut = field(default_factory=Cut)
    steps: int = 4
    """The parallax budget is measured in so many on each side of the eye; 0 leaves it out."""
    backend: str = "auto"

    def __post_init__(self) -> None:
        if not 0.25 <= self.magnification <= 16:
            raise GenerationError(f"--magnification must be from 0.25 to 16, got {self.magnification:g}")
        if self.splats < 1:
            raise GenerationError(f"--splats must be above 0, got {self.splats}")


@dataclass(frozen=True, slots=True, eq=False)
class Lifted:
    """What came of it. ``report`` has the step ``lift`` and, where it was measured, ``parallax``."""

    environment: Environment
    layers: Layers
    eye: Pose
    parallax: Parallax | None
    report: Report
    thumbnail: UInt8[np.ndarray, "h w 3"]


def lift(
    panorama: View,
    sky: Float32[np.ndarray, "h w 3"] | None,
    stage: Stage,
    options: Options = Options(),
    progress: Progress = silent,
    *,
    name: str = "lifted",
    inpaint: Inpaint | None = None,
    models: Sequence[Model] = (),
) -> Lifted:
    """The environment of a panorama around its eye, for cameras within ``stage.reach_m`` of it.

    ``sky`` is the sky alone where it is known. ``inpaint`` takes the place of the built-in textures behind edges;
    ``models`` (depth, inpainting) go into the report. Raises GenerationError on a picture that cannot be lifted: a
    camera's, without distances, with values that are not finite, or with too few splats for its layers.
    """
    began = time.monotonic()
    view = _checked(panorama)
    progress("finding the sky", 0.0)
    reach = 0.5 * float(np.linalg.norm(stage.reach_m))
    whole_mask = sky_mask(view)
    if sky is not None and (sky.shape[1:] != (2 * len(sky), 3) or not np.isfinite(sky).all()):
        raise GenerationError(f"lift: a sky is finite and (h 2·h 3), got {sky.shape}")
    behind_all = whole_sky(view.image, whole_mask, sky)
    image, distance, mask = _working(view, whole_mask, options.height_px)
    progress("cutting layers", 0.1)
    layers = cut_layers(image, distance, mask, reach, options.cut, inpaint)
    progress("placing splats", 0.45)
    eye = panorama.stage_from_camera
    try:
        cells = divide(layers.sheets, options.splats, reach)
    except ValueError as error:
        raise GenerationError(f"lift: {error}") from error
    cloud = gaussians(layers.sheets, cells, eye.position_m, overlap_for(options.magnification))
    environment = Environment(name, cloud, sky=behind_all, encoding="linear", metres_per_unit=1.0)
    parallax = None
    if options.steps:
        with open_renderer(options.backend) as renderer:
            parallax = measure(
                renderer, scene_of(environment), eye.position_m, layers.sky, stage.reach_m,
                steps=options.steps,
                progress=lambda what, share: progress(what, 0.6 + 0.4 * share),
            )  # fmt: skip
    report = Report().with_step(
        "lift",
        panorama_px=[view.image.shape[1], view.image.shape[0]],
        layers_px=[image.shape[1], image.shape[0]],
        splats=len(cloud),
        layers=[int(sheet.mask.sum()) for sheet in layers.sheets],
        sky_share=round(float(whole_mask.mean()), 4),
        reach_m=round(reach, 3),
        nearest_m=round(float(distance[~mask].min()), 3),
        options=asdict(options),
        inpainted="patches" if inpaint is None else "model",
        models=[msgspec.structs.asdict(model) for model in models],
        seconds=round(time.monotonic() - began, 1),
    )
    if parallax is not None:
        report = report.with_step("parallax", **parallax.facts())
    progress("lifted", 1.0)
    return Lifted(environment, layers, eye, parallax, report, _thumbnail(view))


def save_lifted(lifted: Lifted, path: Path, *, zipped: bool = False, steps: Sequence[dict[str, Any]] = ()) -> None:
    """Write the package, whole or not at all; the parallax budget is its contact sheet.

    ``steps`` of the report that came before (which brief, which candidate) stand before the lift's own. Raises
    FormatError when ``path`` is something other than a package, or cannot be written.
    """
    report = Report((*steps, *lifted.report.steps))
    save_environment(
        lifted.environment,
        path,
        report=report.values(),
        cameras=_cameras(lifted.eye),
        contact_sheet=None if lifted.parallax is None else plan(lifted.parallax),
        thumbnail=lifted.thumbnail,
        zipped=zipped,
    )


def _checked(panorama: View) -> View:
    image, distance = panorama.image, panorama.distance_m
    height, width = image.shape[:2]
    if panorama.camera is not None or width != 2 * height:
        raise GenerationError(
            f"lift: an equirectangular panorama is wanted, twice as wide as high, got {width}x{height}"
        )
    if distance is None:
        raise GenerationError("lift: the panorama has no distances: give a depth model's folder")
    for values, what in ((distance, "distances"), (panorama.sky, "sky mask")):
        if values is not None and values.shape != (height, width):
            raise GenerationError(f"lift: the picture is {(height, width)}, its {what} {values.shape}")
    if not np.isfinite(image).all() or np.isnan(distance).any() or not (distance > 0).all():
        raise GenerationError("lift: colours must be finite, distances above 0 (infinite in the sky)")
    sky = panorama.sky
    if not np.isfinite(distance).any() or (sky is not None and sky.all()):
        raise GenerationError("lift: the panorama shows nothing but sky: it needs no lift")
    if sky is not None and not np.isfinite(distance[~sky]).all():
        sky = sky | ~np.isfinite(distance)
    distance = np.maximum(distance, np.float32(_NEAREST_M)).astype(np.float32)
    return replace(panorama, image=np.maximum(image, 0).astype(np.float32), distance_m=distance, sky=sky)


def _working(
    view: View, mask: Bool[np.ndarray, "h w"], height_px: int
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """The panorama at a size that layers are cut at: colours averaged, distances of one pixel, for they do not mix."""
    image, distance = view.image, view.distance_m
    assert distance is not None
    while image.shape[0] > height_px and image.shape[0] % 2 == 0:
        image = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / np.float32(4)
        distance, mask = distance[::2, ::2], mask[::2, ::2]
    return np.ascontiguousarray(image), np.ascontiguousarray(distance), np.ascontiguousarray(mask)


def _cameras(eye: Pose) -> list[dict[str, Any]]:
    """The eye, looking forward, as the package's camera."""
    x, y, z = (float(v) for v in eye.position_m)
    look = {"position_m": [x, y, z], "target_m": [x, y + 10.0, z]}
    return [{"name": "eye", "look_at": look, "intrinsics": {"fov_deg": 60.0}}]


def _thumbnail(view: View) -> UInt8[np.ndarray, "h w 3"]:
    camera = Camera.from_fov(*_THUMBNAIL, horizontal_deg=75)
    ahead = look_at((0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    picture = perspective(view.image, camera, ahead)
    return to_u8(srgb_encode(np.clip(picture, 0, 1)))
