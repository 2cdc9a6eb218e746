"""How much of the picture hangs on each splat, by the differentiable rasteriser's kernels, without torch.

Two measures, multiplied. **Change**: a pixel is linear in one splat's opacity, so leaving the splat out changes it by
opacity · ∂pixel/∂opacity. The squares, summed over pixels, would take a picture a splat. But with every pixel's
colours multiplied by random signs, one way back through the kernels gives the sum of signs times changes for all
splats at once, whose mean square over draws of signs is the sum of the squares (Hutchinson, "A stochastic estimator of
the trace of the influence matrix", 1989). **Weight**: the sum of a splat's blending weights over pixels, the gradient
of their sum by its colour (as Fan et al., "LightGaussian", 2024, weigh splats). The first knows when what lies behind
looks the same, the second that many splats that go together change more than each alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64

from translight.colour.transfer import srgb_encode
from translight.core.camera import View
from translight.core.pose import Similarity
from translight.core.progress import Progress, silent
from translight.render.contract import Scene
from translight.render.gradients.picture import PLANES
from translight.render.gradients.rasteriser import Drawn, GradientRasteriser, Gradients, Splats
from translight.render.gradients.splats import SCREEN
from translight.render.sh import SH_0
from translight.render.sky import sky_picture
from translight.splats.cloud import SplatCloud

_MOST_OPACITY = 0.99
"""Above, an alpha meets the cap somewhere, where the kernels give no gradient."""
_LEAST_LIGHT = 1e-3
"""The sRGB curve's slope is not followed any nearer to black."""


class Importance:
    """Judges clouds from the same views; keeps the kernels' scratch from one cloud to the next."""

    def __init__(self, views: Sequence[View], draws: int = 2, seed: int = 0) -> None:
        if not views or draws < 1:
            raise ValueError(f"importance takes at least one view and one draw, got {len(views)} and {draws}")
        self._views, self._draws, self._seed = list(views), draws, seed
        self._rasteriser = GradientRasteriser()
        self._drawn = Drawn()

    def of(self, scene: Scene, progress: Progress = silent) -> Float64[np.ndarray, "n"]:
        """For each splat of a scene of one layer, the root of its summed squared change times its summed weight.

        Changes are of display-encoded values, and estimated; 0 for what no view sees. The same scene gives the same
        numbers. Raises ValueError on a scene of several layers.
        """
        change, weight = self.parts(scene, progress)
        return np.sqrt(change) * weight

    def parts(
        self, scene: Scene, progress: Progress = silent
    ) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
        """The summed squared change by leaving each splat out, and the sum of its blending weights."""
        if len(scene.layers) != 1:
            raise ValueError(f"importance is judged in a scene of one layer, got {len(scene.layers)}")
        layer = scene.layers[0]
        flat, grey = _flat(layer.splats), _flat(_grey(layer.splats))
        out, grey_out = _room(flat), _room(grey)
        rng = np.random.default_rng(self._seed)
        change, weight = np.zeros(len(layer.splats)), np.zeros(len(layer.splats))
        for number, view in enumerate(self._views):
            self._add_change(flat, scene, view, out, rng, change)
            self._add_weight(grey, scene, view, grey_out, weight)
            progress("weighing splats", (number + 1) / len(self._views))
        change *= flat.opacities.astype(np.float64) ** 2 / self._draws
        return _finite(change), _finite(weight)

    def _planes(self, flat: Splats, scene: Scene, view: View) -> Float32[np.ndarray, "5 h w"]:
        """One view drawn, and what its way back needs kept."""
        layer, camera = scene.layers[0], view.camera
        planes = np.empty((PLANES, camera.height_px, camera.width_px), np.float32)
        pose, near = _in_scene(view, layer.stage_from_scene)
        self._rasteriser.draw(flat, pose, camera, near, self._drawn, planes, antialiased=layer.antialiased)
        return planes

    def _add_weight(self, grey: Splats, scene: Scene, view: View, out: Gradients, total: np.ndarray) -> None:
        """Add the gradients of a view's summed red by the splats' red: each splat's blending weights, summed."""
        planes = self._planes(grey, scene, view)
        red, nothing = np.zeros_like(planes[:3]), np.zeros_like(planes[3])
        red[0] = 1.0
        self._rasteriser.gradients(grey, self._drawn, planes, red, nothing, nothing, out, absolute=False)
        total += out.sh[::3].astype(np.float64) / SH_0

    def _add_change(
        self, flat: Splats, scene: Scene, view: View, out: Gradients, rng: np.random.Generator, total: np.ndarray
    ) -> None:
        """Add the squared gradients of a view's summed colours under random signs, by the splats' opacities."""
        planes = self._planes(flat, scene, view)
        camera = view.camera
        sky = np.zeros((camera.height_px, camera.width_px, 3)) if scene.sky is None else sky_picture(scene.sky, view)
        slope = _display_slope(np.moveaxis(planes[:3], 0, -1) + (1 - planes[3])[..., None] * sky, scene.encoding)
        no_depth = np.zeros(planes.shape[1:], np.float32)
        for _ in range(self._draws):
            signs = rng.integers(0, 2, slope.shape) * 2.0 - 1.0
            rgb = np.ascontiguousarray(np.moveaxis(signs * slope, -1, 0), dtype=np.float32)
            # what a splat takes from the sky behind it, through the alpha that the sky is hidden by
            alpha = np.ascontiguousarray(-(signs * slope * sky).sum(axis=-1), dtype=np.float32)
            self._rasteriser.gradients(flat, self._drawn, planes, rgb, alpha, no_depth, out, absolute=False)
            total += out.opacities.astype(np.float64) ** 2


def _finite(found: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    return np.where(np.isfinite(found), np.maximum(found, 0.0), 0.0)


def _flat(cloud: SplatCloud) -> Splats:
    opacities = np.minimum(cloud.opacities, np.float32(_MOST_OPACITY))
    means, scales, wxyz, sh = (field.ravel() for field in (cloud.means, cloud.scales, cloud.wxyz, cloud.sh))
    count = 3 * cloud.sh.shape[1]
    return Splats(means, scales, wxyz, opacities, sh, coefficients=count, active=count)


def _grey(cloud: SplatCloud) -> SplatCloud:
    """The cloud in one colour above black, so that no colour is clamped."""
    return replace(cloud, sh=np.zeros((len(cloud), 1, 3), np.float32))


def _room(flat: Splats) -> Gradients:
    sizes = [array.size for array in (flat.means, flat.scales, flat.wxyz, flat.opacities, flat.sh)]
    return Gradients(*(np.zeros(size, np.float32) for size in (*sizes, SCREEN * len(flat.opacities))))


def _in_scene(view: View, stage_from_scene: Similarity) -> tuple[Float64[np.ndarray, "7"], float]:
    """The eye's pose and near plane in scene axes and units, where the picture is the same."""
    scene_from_stage = stage_from_scene.inverse()
    turn = (scene_from_stage.pose @ view.stage_from_camera).wxyz
    eye = scene_from_stage.apply(view.stage_from_camera.position_m)
    return np.concatenate([turn, eye]), view.near_m * scene_from_stage.scale


def _display_slope(picture: np.ndarray, encoding: str) -> Float32[np.ndarray, "h w 3"]:
    """How fast a display's code values grow with the picture's: 1 where those are blended already."""
    if encoding == "srgb":
        return np.ones(picture.shape, np.float32)
    light = np.maximum(picture, _LEAST_LIGHT)
    return ((srgb_encode(light * 1.001) - srgb_encode(light)) / (light * 0.001)).astype(np.float32)
