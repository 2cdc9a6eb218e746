"""The differentiable rasteriser for torch, on the processor: gradients/rasteriser.py behind an autograd function.

Tensors' memory is drawn from and written to without copies. What is kept for the way back, pictures and gradients lie
in buffers that are used again as soon as no tensor holds them, since fresh memory costs more than the work in it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.autograd.function import once_differentiable

from translight.core.camera import Camera
from translight.render.cpu.memory import aligned
from translight.render.gradients.picture import PLANES
from translight.render.gradients.rasteriser import Drawn, GradientRasteriser, Gradients, Splats
from translight.render.gradients.splats import SCREEN
from translight.splats.cloud import MAX_DEGREE

_LINE = 16
"""Floats of a cache line, where each array in a buffer begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Rasterised:
    """A picture with a way back: premultiplied colour ``rgb`` (3 h w), ``alpha`` (h w), and ``depth`` (h w).

    RGB is Σ weight·colour without a sky: blend a background outside, as rgb + (1 − alpha)·background. Alpha is
    Σ weight, and depth Σ weight·z in scene units, **not** divided by alpha: depth / alpha is the expected depth.

    ``screen`` (n 5) is filled in when the gradient has come back, for densification: the loss's gradient by each centre
    in pixels, x and y; the sums over pixels of their magnitudes (Ye et al., "AbsGS", 2024), 0 unless asked for; and how
    many pixels the splat reaches, 0 where it is not seen. None where no gradient was wanted.
    """

    rgb: Float32[Tensor, "3 h w"]
    alpha: Float32[Tensor, "h w"]
    depth: Float32[Tensor, "h w"]
    screen: Float32[Tensor, "n 5"] | None


class Rasteriser:
    """Draws clouds that autograd can go back through; one thread uses it at a time, and its way back.

    Any number of pictures may be drawn before the first way back: each holds its own buffers until then.
    With the same number of ``threads`` (all that Numba has if None) the same gradients come out every time, to the bit.
    Raises BackendError on a thread count that this process does not have.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.kernels = GradientRasteriser(threads)
        self._unsaved = Drawn()
        self._drawn = _Pool(Drawn)
        self._pictures = _Pool(lambda: aligned(0))
        self._gradients = _Pool(lambda: aligned(0))
        self._screens = _Pool(lambda: aligned(0))

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
        """Draw a cloud as the ``cpu`` backend does, seen from ``scene_from_camera``: wxyz, then the eye's position.

        The cloud's tensors hold what ``SplatCloud``'s arrays do: scales and opacities as they are, without a trainer's
        exp and sigmoid. They are float32, contiguous and on the CPU, and drawn from without a copy. Quaternions, the
        pose's too, may have any length but zero; the pose may be float64. ``degree`` uses only the harmonics up to it,
        for growth in training. ``absolute`` asks for the sums of magnitudes, which take a tenth more time.
        ``antialiased`` multiplies each opacity by √(det Σ / det(Σ + 0.3·1)), where Σ is the image's covariance: the 2D
        filter of Yu et al., "Mip-Splatting" (2024).

        Gradients come for every tensor that wants one: exactly 0 for splats that are not seen, and nothing where a
        splat is cut off, its alpha capped or its colour clamped. A splat with a value that is not finite, or a
        quaternion of zeros, is not seen. Raises ValueError on tensors of other types, layouts or shapes.
        """
        cloud = (means, scales, wxyz, opacities, sh)
        active = _check(*cloud, scene_from_camera, degree)
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (*cloud, scene_from_camera))):
            picture, planes = self.picture(camera)
            self.kernels.draw(
                _splats(cloud, active), _pose(scene_from_camera), camera, near_m, self._unsaved, planes,
                antialiased=antialiased,
            )  # fmt: skip
            return Rasterised(*picture, screen=None)
        n = len(means)
        slot = self._screens.take(lambda array: _at_least(array, n * SCREEN))
        screen = slot.lend(slot.item[: n * SCREEN].reshape(n, SCREEN))
        options = _Options(self, camera, near_m, active, absolute, antialiased, screen)
        rgb, alpha, depth = _Rasterise.apply(options, *cloud, scene_from_camera)  # type: ignore[no-untyped-call]
        return Rasterised(rgb, alpha, depth, screen)

    def picture(self, camera: Camera) -> tuple[tuple[Tensor, Tensor, Tensor], Float32[np.ndarray, "5 h w"]]:
        """Room for a picture: colour, alpha and depth as tensors, and all planes together as the array behind them."""
        width, height = camera.width_px, camera.height_px
        slot = self._pictures.take(lambda array: _at_least(array, PLANES * height * width))
        planes = slot.item[: PLANES * height * width].reshape(PLANES, height, width)
        return (slot.lend(planes[:3]), slot.lend(planes[3]), slot.lend(planes[4])), planes

    def saved(self) -> tuple[Drawn, Tensor]:
        """Room for what a way back needs, and a tensor: while that is held, the room is not used again."""
        slot = self._drawn.take()
        return slot.item, slot.lend(np.zeros(1, np.float32))

    def gradients(self, shapes: Sequence[torch.Size]) -> list[Tensor]:
        """Room for gradients of these shapes."""
        sizes = [shape.numel() for shape in shapes]
        begins = [0]
        for size in sizes:
            begins.append(begins[-1] + -(-size // _LINE) * _LINE)
        slot = self._gradients.take(lambda array: _at_least(array, begins[-1]))
        parts = zip(begins[:-1], sizes, shapes, strict=True)
        return [slot.lend(slot.item[begin : begin + size].reshape(shape)) for begin, size, shape in parts]


@dataclass(frozen=True, slots=True, eq=False)
class _Options:
    """What the autograd function is told besides tensors that have gradients."""

    rasteriser: Rasteriser
    camera: Camera
    near_m: float
    active: int
    absolute: bool
    antialiased: bool
    screen: Tensor


class _Rasterise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, options: _Options, *tensors: Tensor) -> tuple[Tensor, ...]:
        *cloud, pose = tensors
        rasteriser = options.rasteriser
        picture, planes = rasteriser.picture(options.camera)
        drawn, lease = rasteriser.saved()
        rasteriser.kernels.draw(
            _splats(cloud, options.active), _pose(pose), options.camera, options.near_m, drawn, planes,
            antialiased=options.antialiased,
        )  # fmt: skip
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, *picture, lease)
        ctx.options, ctx.drawn, ctx.planes = options, drawn, planes
        return picture

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *of_picture: Tensor | None) -> tuple[Tensor | None, ...]:
        *cloud, pose = ctx.saved_tensors[:6]
        options: _Options = ctx.options
        rasteriser = options.rasteriser
        height, width = ctx.planes.shape[1:]
        shapes = ((3, height, width), (height, width), (height, width))
        planes = [
            np.zeros(shape, np.float32) if gradient is None else gradient.contiguous().numpy()
            for gradient, shape in zip(of_picture, shapes, strict=True)
        ]
        found = rasteriser.gradients([tensor.shape for tensor in cloud])
        out = Gradients(*map(_flat, (*found, options.screen)))
        of_pose = rasteriser.kernels.gradients(
            _splats(cloud, options.active), ctx.drawn, ctx.planes, planes[0], planes[1], planes[2], out,
            absolute=options.absolute,
        )  # fmt: skip
        found.append(torch.from_numpy(of_pose).to(pose.dtype))
        wanted = zip(found, ctx.needs_input_grad[1:], strict=True)
        return (None, *(gradient if needed else None for gradient, needed in wanted))


def _check(
    means: Tensor, scales: Tensor, wxyz: Tensor, opacities: Tensor, sh: Tensor, pose: Tensor, degree: int | None
) -> int:
    """How many of a splat's numbers in ``sh`` are used. Raises ValueError."""
    n = len(means)
    k = sh.shape[1] if sh.ndim == 3 else 0
    if k not in [(degree + 1) ** 2 for degree in range(MAX_DEGREE + 1)]:
        raise ValueError(f"sh must be (n k 3) with 1, 4, 9 or 16 coefficients, got {tuple(sh.shape)}")
    named = {"means": means, "scales": scales, "wxyz": wxyz, "opacities": opacities, "sh": sh}
    shapes = ((n, 3), (n, 3), (n, 4), (n,), (n, k, 3))
    for (name, tensor), shape in zip(named.items(), shapes, strict=True):
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu" or not tensor.is_contiguous():
            layout = "contiguous" if tensor.is_contiguous() else "strided"
            raise ValueError(
                f"{name} must be a contiguous float32 tensor on the CPU, got {layout} {tensor.dtype} on {tensor.device}"
            )
        if tuple(tensor.shape) != shape:
            raise ValueError(f"{name} must have the shape {shape} beside {n} means, got {tuple(tensor.shape)}")
    if pose.shape != (7,) or pose.device.type != "cpu" or pose.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"scene_from_camera must be 7 floats on the CPU (wxyz, position), got {pose.dtype} {tuple(pose.shape)}"
        )
    values = pose.detach().double().numpy()
    if not np.isfinite(values).all() or not np.linalg.norm(values[:4]) > 0:
        raise ValueError(f"scene_from_camera needs a finite position and a quaternion of some length, got {values}")
    highest = isqrt(k) - 1
    if degree is not None and not 0 <= degree <= highest:
        raise ValueError(f"degree must be 0 to {highest}, which sh has coefficients for, got {degree}")
    return 3 * ((highest if degree is None else degree) + 1) ** 2


def _splats(cloud: Sequence[Tensor], active: int) -> Splats:
    means, scales, wxyz, opacities, sh = map(_flat, cloud)
    return Splats(means, scales, wxyz, opacities, sh, 3 * cloud[4].shape[1], active)


def _flat(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().reshape(-1)


def _pose(pose: Tensor) -> np.ndarray:
    return pose.detach().double().numpy()


def _at_least(array: np.ndarray, count: int) -> np.ndarray:
    return array if len(array) >= count else aligned(count + count // 4)


T = TypeVar("T")


class _Slot(Generic[T]):
    """A buffer and the arrays within it that tensors hold."""

    __slots__ = ("_lent", "item")

    def __init__(self, item: T) -> None:
        self.item = item
        self._lent: list[weakref.ref[np.ndarray]] = []

    def lend(self, array: np.ndarray) -> Tensor:
        """An array of the buffer as a tensor; while that is held, or a view of it, the buffer is not free."""
        view = array[...]
        self._lent.append(weakref.ref(view))
        return torch.from_numpy(view)

    def is_free(self) -> bool:
        """Whether no tensor holds any of it."""
        self._lent = [reference for reference in self._lent if reference() is not None]
        return not self._lent


class _Pool(Generic[T]):
    """Buffers of one kind, as many as were ever held at once."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._slots: list[_Slot[T]] = []

    def take(self, renewed: Callable[[T], T] | None = None) -> _Slot[T]:
        """A free buffer, or a new one; ``renewed`` may put another in its place, as where it is too small."""
        slot = next((slot for slot in self._slots if slot.is_free()), None)
        if slot is None:
            slot = _Slot(self._make())
            self._slots.append(slot)
        if renewed is not None:
            slot.item = renewed(slot.item)
        return slot
