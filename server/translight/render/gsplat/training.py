"""The differentiable rasteriser for torch on an NVIDIA GPU: gsplat's operators as ``render/differentiable.py`` has it.

A trainer uses either of the two: they take and give the same, on their own device.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import torch
from jaxtyping import Float32
from torch import Tensor

from translight.core.camera import Camera
from translight.render.contract import DILATION_PX2
from translight.render.differentiable import Rasterised
from translight.render.gsplat.operators import Operators, compile_operators, load_operators
from translight.render.gsplat.renderer import TILE_PX
from translight.render.sh import SH_OFFSET


class GsplatRasteriser:
    """Draws clouds that autograd can go back through, on one CUDA device (in tests, wherever its operators work)."""

    def __init__(self, operators: Operators) -> None:
        self._operators = operators

    def rasterise(
        self,
        means: Float32[Tensor, "n 3"],
        scales: Float32[Tensor, "n 3"],
        wxyz: Float32[Tensor, "n 4"],
        opacities: Float32[Tensor, "n"],
        sh: Float32[Tensor, "n k 3"],
        scene_from_camera: Float32[Tensor, "7"],
        camera: Camera,
        *,
        near_m: float = 0.01,
        degree: int | None = None,
        absolute: bool = False,
        antialiased: bool = False,
    ) -> Rasterised:
        """Draw a cloud seen from ``scene_from_camera``; all as ``differentiable.Rasteriser.rasterise`` says.

        All tensors lie on one device; ``screen``'s reach is gsplat's radius, rounded up to whole pixels.
        """
        device, highest = means.device, isqrt(sh.shape[1]) - 1
        eye = scene_from_camera[4:]
        radii, means2d, depths, conics, kept = self._operators.fully_fused_projection(
            means, None, wxyz, scales, _camera_from_scene(scene_from_camera)[None],
            torch.tensor(camera.matrix(), dtype=torch.float32, device=device)[None], camera.width_px, camera.height_px,
            eps2d=DILATION_PX2, near_plane=near_m, calc_compensations=antialiased, opacities=opacities.detach(),
        )  # fmt: skip
        radii, means2d, depths, conics = radii[0], means2d[0], depths[0], conics[0]
        seen = (radii > 0).all(dim=-1)
        harmonics = self._operators.spherical_harmonics(
            highest if degree is None else degree, means - eye.to(means.dtype), sh, masks=seen
        )
        colours = torch.where(seen[:, None], torch.clamp_min(harmonics + SH_OFFSET, 0), 0)
        channels = torch.cat([colours, depths[:, None]], dim=1)
        across, down = -(-camera.width_px // TILE_PX), -(-camera.height_px // TILE_PX)
        images = torch.zeros(len(means), dtype=torch.int64, device=device)
        _, ids, flat = self._operators.isect_tiles(
            means2d.detach(), radii, depths.detach(), TILE_PX, across, down, packed=True, n_images=1,
            image_ids=images, gaussian_ids=images,
        )  # fmt: skip
        offsets = self._operators.isect_offset_encode(ids, 1, across, down).reshape(1, down, across)
        screen = self._screen(means2d, radii, absolute=absolute)
        drawn, alphas = self._operators.rasterize_to_pixels(
            means2d, conics, channels, opacities if kept is None else opacities * kept[0], camera.width_px,
            camera.height_px, TILE_PX, offsets, flat, packed=True, absgrad=absolute,
        )  # fmt: skip
        picture = drawn[0].permute(2, 0, 1)
        return Rasterised(picture[:3], alphas[0, ..., 0], picture[3], screen)

    @staticmethod
    def _screen(means2d: Tensor, radii: Tensor, *, absolute: bool) -> Tensor | None:
        """What is told of splats in the picture, filled in by the way back; gsplat leaves magnitudes in ``absgrad``."""
        if not means2d.requires_grad:
            return None
        screen = torch.zeros((len(means2d), 5), device=means2d.device)

        def told(gradient: Tensor) -> None:
            screen[:, :2] = gradient
            if absolute:
                screen[:, 2:4] = means2d.absgrad  # type: ignore[attr-defined]
            screen[:, 4] = radii.amax(dim=-1)

        means2d.register_hook(told)  # type: ignore[no-untyped-call]
        return screen


def _camera_from_scene(scene_from_camera: Tensor) -> Tensor:
    """The view matrix (4 4) of a quaternion of any length but zero and an eye, with a way back to both."""
    w, x, y, z = (scene_from_camera[:4] / scene_from_camera[:4].norm()).unbind()
    turn = torch.stack(
        [
            torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]),
            torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]),
            torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]),
        ]
    ).T
    last = torch.tensor([[0.0, 0.0, 0.0, 1.0]], dtype=turn.dtype, device=turn.device)
    return torch.cat([torch.cat([turn, -(turn @ scene_from_camera[4:])[:, None]], dim=1), last]).to(torch.float32)


def open_rasteriser(progress: Callable[[str], None]) -> GsplatRasteriser:
    """On the current GPU; compiling gsplat's kernels, where that has not been done, is told. Raises BackendError."""
    operators = load_operators()
    compile_operators(progress)
    return GsplatRasteriser(operators)
