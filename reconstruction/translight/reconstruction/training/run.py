"""One training run between two iterations: what it holds, one step further, and all of it as a checkpoint keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from translight.reconstruction.training.adaptive import RESET_EVERY, Adaptive
from translight.reconstruction.training.dome import Backdrop, Dome
from translight.reconstruction.training.exposure import Exposures
from translight.reconstruction.training.losses import Judge, depth_loss
from translight.reconstruction.training.mcmc import Mcmc
from translight.reconstruction.training.optimiser import Adam
from translight.reconstruction.training.poses import Poses
from translight.reconstruction.training.rasterisers import Opened
from translight.reconstruction.training.settings import Settings
from translight.reconstruction.training.splats import TrainedSplats
from translight.reconstruction.training.views import TrainingView
from translight.render.differentiable import Rasterised

MEANS_RATE, MEANS_END = 1.6e-4, 0.01
"""Of the scene's size an iteration at first, and what is left of it at the end."""
SCALES_RATE, TURN_RATE, OPACITY_RATE, COLOUR_RATE, HARMONICS_RATE = 5e-3, 1e-3, 5e-2, 2.5e-3, 1.25e-4
_SHOWS = 0.02
"""The dome learns only where so much of it, or more, shines through the splats."""
_SMOOTHING = 0.98
"""Of the mean squared difference that is told, from picture to picture."""


class Run:
    """Splats, dome, exposures, poses, moments and randomness; ``step`` is one iteration."""

    def __init__(
        self,
        opened: Opened,
        settings: Settings,
        splats: TrainedSplats,
        dome: Dome | Backdrop | None,
        views: Sequence[TrainingView],
        scene_size: float,
        near: float,
    ) -> None:
        self.opened, self.settings, self.scene_size, self.near = opened, settings, scene_size, near
        self.splats, self.dome = splats, dome
        self.optimiser = Adam()
        self.exposures = Exposures([view.exposure_ev for view in views], opened.device) if settings.exposure else None
        self.poses = Poses(views, scene_size) if settings.poses else None
        self.generator = torch.Generator(opened.device).manual_seed(settings.seed)
        self.shuffler = torch.Generator().manual_seed(settings.seed)
        self.strategy = self._strategy(len(splats))
        self.order: list[int] = []
        self.iteration = 0
        self.elapsed_s = 0.0
        self.loss = float("nan")
        self.squares: float | None = None
        self._judge = Judge(settings.ssim_weight)

    def _strategy(self, begun_with: int) -> Mcmc | Adaptive:
        settings = self.settings
        if settings.densification == "default":
            return Adaptive(settings.splats, self.scene_size, self.generator, absolute=settings.absolute_gradients)
        refinements = max(1.0, (0.5 * settings.iterations - settings.refine_from) / settings.refine_every)
        return Mcmc(settings.splats, (settings.splats / max(1, begun_with)) ** (1 / refinements), self.generator)

    def progress(self) -> float:
        """How far the run is, 0 to 1: by iterations, or by the clock where that is ahead."""
        by_count = self.iteration / self.settings.iterations
        by_clock = 0.0 if self.settings.seconds is None else self.elapsed_s / self.settings.seconds
        return min(1.0, max(by_count, by_clock))

    def step(self, views: Sequence[TrainingView]) -> None:
        """One iteration on the next of ``views``: draw, judge, go back, move all, densify when it is time."""
        if not self.order:
            self.order = torch.randperm(len(views), generator=self.shuffler).tolist()
        index = self.order.pop()
        view, progress, settings = views[index], self.progress(), self.settings
        self.splats.grow(min(settings.degree, int(progress / max(settings.degree_share, 1e-9))), self.optimiser)
        scales, opacities = self.splats.scales(), self.splats.opacities()
        pose = view.scene_from_camera if self.poses is None else self.poses.of(index)
        drawn = self._drawn(view, pose, scales, self._thinned(opacities, progress))
        picture = self.over_sky(drawn, view)
        if self.exposures is not None:
            picture = picture * self.exposures.gain(index)
        judged, squares = self._judge.picture(picture, view)
        total = judged
        if settings.opacity_weight:
            total = total + settings.opacity_weight * opacities.mean()
        if settings.scale_weight:
            total = total + settings.scale_weight / self.scene_size * scales.mean()
        weight = settings.points_weight if view.of_points else settings.depth_weight
        of_depth = depth_loss(drawn, view, self.scene_size) if weight else None
        if of_depth is not None:
            total = total + weight * of_depth
        total.backward()  # type: ignore[no-untyped-call]
        self._move(progress)
        self.loss = float(judged.detach())
        self.squares = squares if self.squares is None else _SMOOTHING * self.squares + (1 - _SMOOTHING) * squares
        self.iteration += 1
        self._densify(drawn, view, progress)

    def _thinned(self, opacities: Tensor, progress: float) -> Tensor:
        """Without a share of the splats, drawn anew each time, which grows with the run."""
        share = self.settings.drop * progress
        if not share:
            return opacities
        kept = torch.rand(len(opacities), generator=self.generator, device=opacities.device) >= share
        return (opacities * kept / (1 - share)).clamp_max(1.0)

    def drawn(self, view: TrainingView) -> Tensor:
        """What ``view`` sees now, over the sky, without exposure: (3 h w), no way back."""
        with torch.no_grad():
            scales, opacities = self.splats.scales(), self.splats.opacities()
            return self.over_sky(self._drawn(view, view.scene_from_camera, scales, opacities), view)

    def over_sky(self, drawn: Rasterised, view: TrainingView) -> Tensor:
        """A drawn picture over what is behind the splats."""
        if self.dome is None:
            return drawn.rgb
        through = 1 - drawn.alpha
        if isinstance(self.dome, Backdrop):
            return drawn.rgb + through * self.dome.colour[:, None, None]
        sky = self.dome.picture(view.grid())
        # Adam would move what hardly shows as far as what does
        return drawn.rgb + through * torch.where(through.detach() > _SHOWS, sky, sky.detach())

    def _drawn(self, view: TrainingView, pose: Tensor, scales: Tensor, opacities: Tensor) -> Rasterised:
        splats = self.splats
        return self.opened.rasteriser.rasterise(
            splats.means, scales, splats.wxyz, opacities, splats.sh, pose, view.camera, near_m=self.near,
            absolute=self.settings.densification == "default" and self.settings.absolute_gradients,
            antialiased=self.settings.antialiased,
        )  # fmt: skip

    def means_rate(self, progress: float) -> float:
        """The centres' learning rate, in scene units."""
        return MEANS_RATE * self.scene_size * float(MEANS_END**progress)

    def _move(self, progress: float) -> None:
        splats, optimiser = self.splats, self.optimiser
        rate = self.means_rate(progress)
        optimiser.step("means", splats.means, [rate] * 3)
        optimiser.step("log_scales", splats.log_scales, [SCALES_RATE] * 3)
        optimiser.step("wxyz", splats.wxyz, [TURN_RATE] * 4)
        optimiser.step("logits", splats.logits, [OPACITY_RATE])
        harmonics = [HARMONICS_RATE] * (3 * (splats.sh.shape[1] - 1))
        optimiser.step("sh", splats.sh, [COLOUR_RATE] * 3 + harmonics)
        if self.exposures is not None:
            self.exposures.step(optimiser, progress)
        if isinstance(self.dome, Dome):
            self.dome.step(optimiser, progress)
        if self.poses is not None:
            self.poses.step(optimiser, progress)
        if isinstance(self.strategy, Mcmc):
            self.strategy.shake(splats, rate / self.scene_size**2)

    def _densify(self, drawn: Rasterised, view: TrainingView, progress: float) -> None:
        settings, strategy = self.settings, self.strategy
        if isinstance(strategy, Adaptive) and drawn.screen is not None:
            strategy.see(drawn.screen, view.camera.width_px, view.camera.height_px)
        if progress >= settings.refine_until_share or self.iteration <= settings.refine_from:
            return
        if self.iteration % settings.refine_every == 0:
            if isinstance(strategy, Mcmc):
                strategy.refine(self.splats, self.optimiser)
            else:
                strategy.refine(self.splats, self.optimiser, huge_go=self.iteration > RESET_EVERY)
        if isinstance(strategy, Adaptive) and self.iteration % RESET_EVERY == 0:
            strategy.reset(self.splats, self.optimiser)

    def state(self) -> dict[str, Any]:
        """Tensors and plain values."""
        adaptive = self.strategy if isinstance(self.strategy, Adaptive) else None
        return {
            "splats": self.splats.state(),
            "optimiser": self.optimiser.state(),
            "exposures": None if self.exposures is None else self.exposures.logs.detach(),
            "poses": None if self.poses is None else self.poses.values.detach(),
            "dome": None if not isinstance(self.dome, Dome) else (self.dome.texels.detach(), self.dome.seen),
            "generators": (self.generator.get_state(), self.shuffler.get_state()),
            "pulls": None if adaptive is None or adaptive.pulls is None else (adaptive.pulls, adaptive.seen),
            "order": list(self.order),
            "iteration": self.iteration,
            "elapsed_s": self.elapsed_s,
            "loss": self.loss,
            "squares": self.squares,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Back to what ``state`` gave, on this run's device."""
        device = self.opened.device
        self.splats = TrainedSplats.restored(state["splats"], device)
        moments = {name: (a.to(device), b.to(device)) for name, (a, b) in state["optimiser"]["moments"].items()}
        self.optimiser.restore({"moments": moments, "steps": state["optimiser"]["steps"]})
        if self.exposures is not None:
            self.exposures.logs = state["exposures"].to(device).requires_grad_()
        if self.poses is not None:
            self.poses.values = state["poses"].to(device).requires_grad_()
        if state["dome"] is not None:
            self.dome = Dome(*(tensor.to(device) for tensor in state["dome"]))
        of_device, of_order = state["generators"]
        self.generator.set_state(of_device)
        self.shuffler.set_state(of_order)
        if isinstance(self.strategy, Adaptive) and state["pulls"] is not None:
            self.strategy.pulls, self.strategy.seen = (tensor.to(device) for tensor in state["pulls"])
        self.order = list(state["order"])
        self.iteration, self.elapsed_s = state["iteration"], state["elapsed_s"]
        self.loss, self.squares = state["loss"], state["squares"]
