"""Scenes drawn by gsplat's operators (operators.py): project, colour, list by tile, blend; views of a size together.

The contract's constants are gsplat's own, so pictures agree with render/reference.py; order by distance is had by
giving its tile lists the distance in place of the depth. A frame's number of tile entries comes to the host in the
middle of it (``isect_tiles``), so a frame cannot be captured as a CUDA graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from translight.core.camera import View
from translight.core.errors import BackendError
from translight.core.pose import Similarity
from translight.render.by_identity import ByIdentity
from translight.render.clip import clips_of
from translight.render.contract import ALPHA_CUT, DILATION_PX2, DepthKind, Frame, Layer, Order, Scene, frames_for
from translight.render.gsplat.operators import Operators, compile_operators, load_operators
from translight.render.gsplat.sky import sky_pictures
from translight.render.projection import eye_in_scene
from translight.render.sh import SH_OFFSET
from translight.render.tint import tint_curve
from translight.splats.cloud import SplatCloud

TILE_PX = 16
_UNPACKED_BYTES = 64
"""A splat's intermediate values for one view, where every splat has a place whether it is seen or not."""
_SHARE_OF_MEMORY = 0.125
"""Of the device's free memory, which those values may take; beyond, only what is seen has a place (gsplat's packed
mode)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cloud:
    """A cloud's splats that can be seen at all, on the device."""

    means: Tensor
    scales: Tensor
    quats: Tensor
    opacities: Tensor
    sh: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class _Projected:
    """Splats in views, m of them: ``image_ids`` (m) which view; ``far`` what they are ordered by."""

    image_ids: Tensor
    radii: Tensor
    means2d: Tensor
    conics: Tensor
    opacities: Tensor
    depths: Tensor
    far: Tensor
    colours: Tensor


class GsplatRenderer:
    """Draws on one CUDA device (or, in tests, wherever its operators work)."""

    name = "gsplat"

    def __init__(self, operators: Operators, device: torch.device) -> None:
        self._operators = operators
        self._device = device
        self._clouds: WeakKeyDictionary[SplatCloud, _Cloud] = WeakKeyDictionary()
        self._skies: ByIdentity[Tensor] = ByIdentity()

    def render(
        self,
        scene: Scene,
        views: Sequence[View],
        out: Sequence[Frame] | None = None,
        *,
        order: Order = "depth",
        depth: DepthKind = "expected",
    ) -> list[Frame]:
        """Draw ``scene`` for each view; see ``contract.Renderer``. Raises BackendError on ``depth="median"``."""
        if depth == "median":
            raise BackendError("the gsplat backend draws no median depth; cpu, cuda and reference do")
        frames = frames_for(views, out)
        batches: defaultdict[tuple[int, int, float], list[int]] = defaultdict(list)
        for number, view in enumerate(views):
            batches[view.camera.width_px, view.camera.height_px, view.near_m].append(number)
        with torch.inference_mode():
            for numbers in batches.values():
                self._draw(scene, [views[k] for k in numbers], [frames[k] for k in numbers], order, depth)
        return frames

    def close(self) -> None:
        """Forget the scenes."""
        self._clouds.clear()
        self._skies.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _draw(self, scene: Scene, views: list[View], frames: list[Frame], order: Order, depth: DepthKind) -> None:
        """Views of one size and near plane."""
        camera = views[0].camera
        parts = [self._project(layer, scene, views, order) for layer in scene.layers]
        drawn, alphas = self._blend([part for part in parts if part], len(views), camera.width_px, camera.height_px)
        rgb = drawn[..., :3]
        if scene.sky is not None:
            curve = self._tensor(tint_curve(scene.sky_tint, scene.encoding))
            rgb = rgb + (1 - alphas) * _tinted(
                sky_pictures(self._skies.get(scene.sky, self._tensor), views, self._device), curve
            )
        rgba = torch.cat([rgb, alphas], dim=-1).to(torch.float32)
        for k, frame in enumerate(frames):
            torch.from_numpy(frame.rgba).copy_(rgba[k])
            if depth == "expected":
                seen = alphas[k, ..., 0] > 0
                z = torch.where(seen, drawn[k, ..., 3] / torch.where(seen, alphas[k, ..., 0], 1), torch.inf)
                torch.from_numpy(frame.depth).copy_(z)

    def _blend(self, parts: Sequence[_Projected], images: int, width_px: int, height_px: int) -> tuple[Tensor, Tensor]:
        """Colours and weighted depth (c h w 4), premultiplied, and alphas (c h w 1)."""
        if not parts:
            nothing = torch.zeros((images, height_px, width_px, 4), device=self._device)
            return nothing, nothing[..., :1]
        splats = _Projected(*(torch.cat([getattr(part, name) for part in parts]) for name in _Projected.__slots__))
        across, down = -(-width_px // TILE_PX), -(-height_px // TILE_PX)
        _, ids, flat = self._operators.isect_tiles(
            splats.means2d, splats.radii, splats.far, TILE_PX, across, down, packed=True, n_images=images,
            image_ids=splats.image_ids, gaussian_ids=torch.zeros_like(splats.image_ids),
        )  # fmt: skip
        offsets = self._operators.isect_offset_encode(ids, images, across, down).reshape(images, down, across)
        channels = torch.cat([splats.colours, splats.depths[:, None]], dim=1)
        drawn, alphas = self._operators.rasterize_to_pixels(
            splats.means2d, splats.conics, channels, splats.opacities, width_px, height_px, TILE_PX, offsets, flat,
            packed=True,
        )  # fmt: skip
        return drawn, alphas

    def _project(self, layer: Layer, scene: Scene, views: list[View], order: Order) -> _Projected | None:
        """None where there is not a splat: gsplat's kernels divide by their number, and take the process with them."""
        cloud = self._cloud(layer.splats)
        if not len(cloud.means):
            return None
        scale, count, images = layer.stage_from_scene.scale, len(cloud.means), len(views)
        camera, near_m = views[0].camera, views[0].near_m
        packed = self._packed(images * count)
        found = self._operators.fully_fused_projection(
            cloud.means * scale, None, cloud.quats, cloud.scales * scale, self._viewmats(layer, views),
            self._tensor(np.stack([view.camera.matrix() for view in views])), camera.width_px, camera.height_px,
            eps2d=DILATION_PX2, near_plane=near_m, packed=packed, calc_compensations=layer.antialiased,
            opacities=cloud.opacities,
        )  # fmt: skip
        if packed:
            _, image_ids, splat_ids, radii, means2d, depths, conics, kept = found
        else:
            radii, means2d, depths, conics, kept = (None if a is None else a.flatten(0, 1) for a in found)
            image_ids = torch.arange(images, device=self._device).repeat_interleave(count)
            splat_ids = torch.arange(count, device=self._device).repeat(images)
        if not len(splat_ids):
            return None
        splat_ids = splat_ids.long()
        seen = (radii > 0).all(dim=-1)
        eyes = np.stack([eye_in_scene(layer.stage_from_scene, view.stage_from_camera) for view in views])
        towards = cloud.means[splat_ids] - self._tensor(eyes)[image_ids.long()]
        seen &= self._kept(layer, views, cloud)[image_ids.long(), splat_ids]
        degree = round(cloud.sh.shape[1] ** 0.5) - 1
        colours = self._operators.spherical_harmonics(degree, towards, cloud.sh[splat_ids], masks=seen)
        colours = _tinted(torch.clamp_min(colours + SH_OFFSET, 0), self._tensor(tint_curve(layer.tint, scene.encoding)))
        opacities = cloud.opacities[splat_ids]
        return _Projected(
            image_ids=image_ids,
            radii=radii * seen[:, None],
            means2d=means2d,
            conics=conics,
            opacities=opacities if kept is None else opacities * kept,
            depths=depths,
            far=depths if order == "depth" else scale * towards.norm(dim=-1),
            colours=torch.where(seen[:, None], colours, 0),
        )

    def _packed(self, places: int) -> bool:
        if self._device.type != "cuda":
            return False
        free, _ = torch.cuda.mem_get_info(self._device)
        return places * _UNPACKED_BYTES > _SHARE_OF_MEMORY * free

    def _viewmats(self, layer: Layer, views: list[View]) -> Tensor:
        """camera_from_scene in metres, as (c 4 4); the placement's scale is the splats' already."""
        matrices = []
        for view in views:
            camera_from_scene = Similarity(1.0, view.stage_from_camera.inverse()) @ layer.stage_from_scene
            matrices.append(camera_from_scene.pose.matrix())
        return self._tensor(np.stack(matrices))

    def _kept(self, layer: Layer, views: list[View], cloud: _Cloud) -> Tensor:
        """Which splats the clips of each view leave, (c n)."""
        kept = torch.ones((len(views), len(cloud.means)), dtype=torch.bool, device=self._device)
        for k, view in enumerate(views):
            for planes in clips_of(layer.clips, view, layer.stage_from_scene):
                sides = self._tensor(planes)
                kept[k] &= (cloud.means @ sides[:, :3].T + sides[:, 3] >= 0).any(dim=1)
        return kept

    def _cloud(self, splats: SplatCloud) -> _Cloud:
        if splats not in self._clouds:
            arrays = (splats.means, splats.scales, splats.wxyz)
            finite = np.logical_and.reduce([np.isfinite(array).all(axis=1) for array in arrays])
            kept = finite & (splats.opacities >= np.float32(ALPHA_CUT))
            fields = (*arrays, splats.opacities, splats.sh)
            self._clouds[splats] = _Cloud(*(self._tensor(field[kept]) for field in fields))
        return self._clouds[splats]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self._device)


def _tinted(colours: Tensor, curve: Tensor) -> Tensor:
    """tint.py's ``tinted`` on the device."""
    sign, slope, gain, lift = curve.reshape(4, 3)
    return sign * torch.minimum(slope * colours, gain * colours + lift)


def open_backend(threads: int | None = None) -> GsplatRenderer:  # noqa: ARG001 - every backend is asked
    """The entry that backends.py calls. Raises BackendError where there is no GPU or nothing to compile with."""
    return GsplatRenderer(load_operators(), torch.device("cuda"))


def compile_kernels(progress: Callable[[str], None] | None = None) -> None:
    """Compile gsplat's kernels now; ``progress`` is told how far it is. Raises BackendError when that fails."""
    compile_operators(progress or (lambda _: None))
