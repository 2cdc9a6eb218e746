"""gsplat on its own CUDA kernels (Ye et al., "gsplat", 2024), for bench_cuda.py: the same splats, cameras and sizes.

Splats are its tensors before the clock starts; a frame is one ``rasterization`` call for all views of a pass, SH and
depth included, its pictures left on the GPU. The faster of its packed and its batched mode counts.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from importlib.metadata import version as installed_version

import gsplat
import numpy as np
import torch

from translight.core.camera import View
from translight.core.errors import BackendError
from translight.core.pose import Similarity
from translight.render.contract import Scene


def check() -> None:
    """Raises BackendError where it cannot draw."""
    if not torch.cuda.is_available():
        raise BackendError("torch sees no GPU")


def version() -> str:
    """What was measured, in a line."""
    return f"{installed_version('gsplat')} on torch {torch.__version__}"


class Clouds:
    """A scene's splats on the GPU; its placement must be the identity, as bench scenes' is."""

    def __init__(self, scene: Scene) -> None:
        (layer,) = scene.layers
        assert np.allclose(layer.stage_from_scene.matrix(), Similarity.identity().matrix())
        splats = layer.splats
        self._fields = [
            torch.from_numpy(a).cuda() for a in (splats.means, splats.wxyz, splats.scales, splats.opacities, splats.sh)
        ]
        self._degree = splats.sh_degree

    def frame_times(self, passes: Sequence[Sequence[View]], frames: int) -> np.ndarray:
        """Milliseconds by the wall clock of frames that go round ``passes``, until the GPU is done."""
        given = [self._cameras(views) for views in passes]
        best = np.full(frames, math.inf)
        for packed in (False, True):
            found = np.empty(frames)
            for cameras in given:
                self._draw(*cameras, packed)
            for k in range(frames):
                begin = time.perf_counter_ns()
                self._draw(*given[k % len(given)], packed)
                torch.cuda.synchronize()
                found[k] = (time.perf_counter_ns() - begin) / 1e6
            if np.median(found) < np.median(best):
                best = found
        return best

    def _draw(
        self, views: torch.Tensor, intrinsics: torch.Tensor, size: tuple[int, int], near_m: float, packed: bool
    ) -> None:
        means, wxyz, scales, opacities, sh = self._fields
        with torch.inference_mode():
            gsplat.rasterization(
                means, wxyz, scales, opacities, sh, views, intrinsics, *size, near_plane=near_m, far_plane=1e10,
                sh_degree=self._degree, packed=packed, render_mode="RGB+ED",
            )  # fmt: skip

    def _cameras(self, views: Sequence[View]) -> tuple[torch.Tensor, torch.Tensor, tuple[int, int], float]:
        camera = views[0].camera
        camera_from_stage = np.stack([view.stage_from_camera.inverse().matrix() for view in views])
        intrinsics = np.stack([view.camera.matrix() for view in views])
        return (
            torch.from_numpy(camera_from_stage.astype(np.float32)).cuda(),
            torch.from_numpy(intrinsics.astype(np.float32)).cuda(),
            (camera.width_px, camera.height_px),
            views[0].near_m,
        )
