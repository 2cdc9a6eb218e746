"""What every renderer does: a scene and views in, frames out. Backends are listed in backends.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Float32

from translight.core.camera import View
from translight.core.pose import Similarity
from translight.environment.environment import ColourEncoding
from translight.render.clip import Clips
from translight.splats.cloud import SplatCloud

DILATION_PX2 = 0.3
"""Added to the diagonal of the projected covariance (the 3DGS low-pass)."""
ALPHA_CUT = 1.0 / 255.0
"""A splat's alpha below this is not drawn."""
ALPHA_MAX = 0.999
"""A splat's alpha is at most this (gsplat's value)."""
TRANSMITTANCE_STOP = 1e-4
"""A splat that would bring a pixel's transmittance to this or below is not drawn, and ends the pixel."""
FRUSTUM_CLAMP = 1.3
"""In the projection's Jacobian, x/z and y/z are clamped to this many times half the field of view."""
HALF = 0.5
"""The median depth is that of the splat which brings a pixel's transmittance to this or below."""
Order = Literal["depth", "distance"]
"""What splats are drawn in the order of: ``depth``, the camera's z, is what clouds are trained with; ``distance`` from
the eye is the same for every view of one eye, so nothing changes places when a camera only turns."""
DepthKind = Literal["expected", "median", "none"]
"""Which depth a frame gets: ``expected``, Σ weight·z / Σ weight; ``median``, the z of the splat that takes the second
half of a pixel's light, which does not float between a near thing and a far one; ``none`` leaves it undefined."""
NO_TINT = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One environment's splats in a scene, where ``stage_from_scene`` places them.

    ``tint`` relights it: factors of red, green and blue in linear light (tint.py). ``clips`` are in scene axes and
    leave splats out by their centres (clip.py). ``antialiased``: the cloud was trained with Mip-Splatting's 2D filter
    and is drawn with it, so that splats smaller than a pixel become fainter instead of larger.
    """

    splats: SplatCloud
    stage_from_scene: Similarity = field(default_factory=Similarity.identity)
    tint: tuple[float, float, float] = NO_TINT
    clips: Clips = ()
    antialiased: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is drawn: the splats of all layers in one order, and a sky behind them.

    A scene and what it holds never change. Renderers keep what they prepare for as long as a layer's cloud or a sky's
    array lives, so another scene of the same clouds, moved or tinted, costs nothing.

    ``encoding`` is the colour encoding of the splats' SH and of ``sky``, in which they are blended as in training.
    ``sky`` (h w 3) is an equirectangular picture. Its middle column is stage +Y (forward), azimuth grows to
    the right (+X), its top row is stage +Z (up). None means black and transparent.
    """

    layers: tuple[Layer, ...]
    sky: Float32[np.ndarray, "h w 3"] | None = None
    sky_tint: tuple[float, float, float] = NO_TINT
    encoding: ColourEncoding = "srgb"

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("a scene has at least one layer")

    @classmethod
    def of(
        cls,
        splats: SplatCloud,
        stage_from_scene: Similarity | None = None,
        sky: Float32[np.ndarray, "h w 3"] | None = None,
    ) -> Self:
        """A scene of one cloud."""
        return cls((Layer(splats, stage_from_scene or Similarity.identity()),), sky)

    def with_clouds(self, clouds: Sequence[SplatCloud]) -> Self:
        """The same scene with another cloud for each layer. Raises ValueError on fewer or more."""
        layers = zip(self.layers, clouds, strict=True)
        return replace(self, layers=tuple(replace(layer, splats=cloud) for layer, cloud in layers))

    @property
    def count(self) -> int:
        """Splats of all layers."""
        return sum(len(layer.splats) for layer in self.layers)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One view's picture: ``rgba`` (h w 4) and ``depth`` (h w), float32, C-contiguous.

    RGB is premultiplied: Σ weight·colour of the splats, plus transmittance·sky where the scene has one. Alpha is the
    splats' own coverage 1 − transmittance, sky or not. Depth is camera-frame z in metres, as ``DepthKind`` says: the
    expected one is +inf where no splat is seen, the median where transmittance stays above one half.
    """

    rgba: Float32[np.ndarray, "h w 4"]
    depth: Float32[np.ndarray, "h w"]

    @classmethod
    def empty(cls, width_px: int, height_px: int) -> Self:
        """Room for a picture; its contents are undefined until rendered."""
        return cls(np.empty((height_px, width_px, 4), np.float32), np.empty((height_px, width_px), np.float32))


@runtime_checkable
class Renderer(Protocol):
    """A backend. One thread uses it at a time; ``close`` frees what it holds and may be called twice."""

    name: str

    def render(
        self,
        scene: Scene,
        views: Sequence[View],
        out: Sequence[Frame] | None = None,
        *,
        order: Order = "depth",
        depth: DepthKind = "expected",
    ) -> list[Frame]:
        """Draw ``scene`` for each view; into ``out``'s frames when given (same sizes as the views' cameras).

        Raises ValueError on mismatching sizes, and BackendError when the backend fails or draws no such depth.
        """
        ...

    def close(self) -> None:
        """Free threads, buffers and devices."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None: ...


def frames_for(views: Sequence[View], out: Sequence[Frame] | None) -> list[Frame]:
    """The frames that a backend draws into: ``out``'s, checked against the views' cameras, or new ones.

    Raises ValueError on a wrong count, size, type or layout.
    """
    if out is None:
        return [Frame.empty(view.camera.width_px, view.camera.height_px) for view in views]
    if len(out) != len(views):
        raise ValueError(f"out must hold one frame for each of {len(views)} views, got {len(out)}")
    for view, frame in zip(views, out, strict=True):
        size = (view.camera.height_px, view.camera.width_px)
        for name, array, shape in (("rgba", frame.rgba, (*size, 4)), ("depth", frame.depth, size)):
            if array.shape != shape or array.dtype != np.float32 or not array.flags.c_contiguous:
                raise ValueError(f"out's {name} must be C-contiguous float32 {shape}, got {array.dtype} {array.shape}")
    return list(out)
