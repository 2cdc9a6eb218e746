"""The trainer: from a dataset to splats, told as it goes, kept as it goes, and taken up again where it was left.

run.py is what one iteration does; this is the loop around it: pictures, first splats, checkpoints, previews, the end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8

from translight.core.errors import ReconstructionError
from translight.core.image import to_u8
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.pixels import Photograph
from translight.reconstruction.training.checkpoint import fingerprint, load_checkpoint, save_checkpoint
from translight.reconstruction.training.dome import Backdrop, Dome, has_sky, stage_directions
from translight.reconstruction.training.exposure import Exposures
from translight.reconstruction.training.initial import initial_cloud, scene_size, typical_depths
from translight.reconstruction.training.mcmc import DEAD_OPACITY
from translight.reconstruction.training.rasterisers import Name, Opened, open_rasteriser
from translight.reconstruction.training.run import Run
from translight.reconstruction.training.settings import Settings
from translight.reconstruction.training.splats import TrainedSplats
from translight.reconstruction.training.views import TrainingView, load_views
from translight.splats.cloud import SplatCloud

_TOLD_S = 0.25
_NEAR_SHARE = 0.05
"""The near plane, of the depth that all but one in a hundred known points lie beyond."""
_FIRST_OPACITY = {"mcmc": 0.5, "default": 0.1}
"""As gsplat's two example configurations have it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How a run is doing. ``psnr_db`` is that of the training pictures, smoothed; ``left_s`` an estimate."""

    iteration: int
    iterations: int
    seconds: float
    per_second: float
    splats: int
    loss: float
    psnr_db: float
    left_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a run came to: splats in the dataset's scene, the sky (h w 3, linear, stage axes) where it was learned,
    whether they want the 2D filter, why the run ended (``iterations``, ``time``, ``quality``), and facts for a report.

    ``gains`` are those of held-out photographs by name (3,), as their exposure values and the training photographs'
    gains foretell them: what the sRGB-encoded picture of the environment is multiplied by to be as bright.
    """

    cloud: SplatCloud
    sky: Float32[np.ndarray, "h w 3"] | None
    antialiased: bool
    iterations: int
    seconds: float
    stopped: str
    facts: dict[str, Any]
    gains: dict[str, Float64[np.ndarray, "3"]] = field(default_factory=dict)


Told = Callable[[Moment], None]
Preview = Callable[[Moment, UInt8[np.ndarray, "h w 3"], str], None]


def train(
    dataset: Dataset,
    settings: Settings,
    folder: Path,
    *,
    initial: SplatCloud | None = None,
    rasteriser: Name = "auto",
    told: Told | None = None,
    preview: Preview | None = None,
    says: Callable[[str], None] | None = None,
) -> Trained:
    """Train splats on the pictures of ``dataset`` that are not held out.

    ``folder`` keeps the checkpoint: called again with the same dataset and settings, a run goes on from it, and without
    ``settings.seconds`` it comes to the same splats, to the bit, as if it had never stopped (on the processor, with as
    many threads). ``initial`` are splats to begin with instead of the dataset's points. ``told`` hears of progress four
    times a second, ``preview`` gets a picture (name and pixels) now and then, ``says`` is told of slow preparations.

    Raises FormatError on pictures that cannot be read, ReconstructionError when the folder holds another run or cannot
    be written, BackendError when a named rasteriser does not open.
    """
    says = says or (lambda _: None)
    folder.mkdir(parents=True, exist_ok=True)
    key = fingerprint(dataset, settings, _named(initial))
    opened = open_rasteriser(rasteriser, says)
    with _one_torch_thread(opened.device):
        trainer = _Trainer(dataset, settings, opened, initial, says)
        state = load_checkpoint(folder, key)
        if state is not None:
            trainer.run.restore(state)
        trainer.loop(folder, key, told or (lambda _: None), preview)
        return trainer.result()


class _Trainer:
    """The loop's surroundings."""

    def __init__(
        self,
        dataset: Dataset,
        settings: Settings,
        opened: Opened,
        initial: SplatCloud | None,
        says: Callable[[str], None],
    ) -> None:
        self.dataset, self.settings, self.opened, self.says = dataset, settings, opened, says
        self.views, photographs = self._load(settings.width_px)
        self._coarse: list[TrainingView] | None = None
        held_out = dataset.split()[1]
        self._shown = self._load(settings.width_px, held_out[:1])[0][0] if held_out else self.views[0]
        size = scene_size(dataset)
        depths = typical_depths(dataset)
        near = _NEAR_SHARE * (float(np.percentile(depths, 1)) if depths.size else 0.2 * size)
        behind = self._behind()
        cloud = initial or initial_cloud(
            dataset,
            photographs,
            most=settings.splats,
            opacity=_FIRST_OPACITY[settings.densification],
            fill=round(settings.fill_share * settings.splats),
            beyond=not isinstance(behind, Dome),
            rng=np.random.default_rng(settings.seed),
        )
        splats = TrainedSplats.of(cloud, 0 if initial is None else initial.sh_degree, opened.device)
        self.run = Run(opened, settings, splats, behind, self.views, size, near)

    def _load(self, width_px: int, images: Sequence[Any] | None = None) -> tuple[list[TrainingView], list[Photograph]]:
        chosen = self.dataset.split()[0] if images is None else images

        def told(share: float) -> None:
            self.says(f"reading {len(chosen)} pictures: {share:.0%}")

        known = self.dataset.points if self.settings.points_weight else None
        points = None if known is None or not len(known) else known.xyz
        return load_views(chosen, width_px, self.dataset.stage_from_scene, self.opened.device, points, told)

    def _behind(self) -> Dome | Backdrop | None:
        """What is behind the splats."""
        kind = self.settings.sky
        if kind == "none":
            return None
        posed = zip(self.dataset.split()[0], self.views, strict=True)
        if kind == "backdrop" or (kind == "auto" and not has_sky([(i.scene_from_camera, v.camera) for i, v in posed])):
            return Backdrop.of([(view.planes, view.weight) for view in self.views])
        directions = [stage_directions(view.stage_from_camera, view.camera) for view in self.views]
        seen = [(d, view.planes, view.weight) for d, view in zip(directions, self.views, strict=True)]
        return Dome.begun(seen, self.opened.device)

    def loop(self, folder: Path, key: str, told: Told, preview: Preview | None) -> None:
        """Iterate until the end, telling, keeping and showing in between."""
        run = self.run
        told_at = shown_at = kept_at = time.monotonic()
        mark = (run.iteration, told_at)
        rate = 0.0
        while self._ended() is None:
            began = time.monotonic()
            run.step(self._current_views())
            now = time.monotonic()
            run.elapsed_s += now - began
            if now - told_at >= _TOLD_S:
                told_at = now
                rate = (run.iteration - mark[0]) / (now - mark[1])
                if now - mark[1] > 5:
                    mark = (run.iteration, now)
                told(self._moment(rate))
            if preview is not None and now - shown_at >= self.settings.preview_s:
                preview(self._moment(rate), self._picture(), self._shown.name)
                shown_at = time.monotonic()
            if now - kept_at >= self.settings.checkpoint_s:
                save_checkpoint(folder, key, run.state())
                kept_at = time.monotonic()
        save_checkpoint(folder, key, run.state())
        told(self._moment(rate))

    def _ended(self) -> str | None:
        run, settings = self.run, self.settings
        if run.iteration >= settings.iterations:
            return "iterations"
        if settings.seconds is not None and run.elapsed_s >= settings.seconds:
            return "time"
        if (
            settings.stop_db is not None
            and run.progress() > settings.coarse_share
            and _db(run.squares) >= settings.stop_db
        ):
            return "quality"
        return None

    def _current_views(self) -> Sequence[TrainingView]:
        """Half as large at first: what is coarse is learned at a quarter of the work."""
        if self.run.progress() >= self.settings.coarse_share:
            self._coarse = None
            return self.views
        if self._coarse is None:
            self._coarse = self._load(max(1, self.views[0].camera.width_px // 2))[0]
        return self._coarse

    def _moment(self, rate: float) -> Moment:
        run = self.run
        progress = max(run.progress(), 1e-9)
        left = run.elapsed_s * (1 - progress) / progress
        return Moment(
            run.iteration,
            self.settings.iterations,
            run.elapsed_s,
            rate,
            len(run.splats),
            run.loss,
            _db(run.squares),
            left,
        )

    def _picture(self) -> UInt8[np.ndarray, "h w 3"]:
        return to_u8(self.run.drawn(self._shown).permute(1, 2, 0).cpu().numpy())

    def result(self) -> Trained:
        """The splats that any training picture sees."""
        run, settings = self.run, self.settings
        rows = self._seen() & (run.splats.opacities().detach() > DEAD_OPACITY)
        run.splats.select(torch.nonzero(rows)[:, 0], run.optimiser)
        cloud = run.splats.cloud()
        if not len(cloud):
            raise ReconstructionError("training ended without a splat: the poses or masks cannot be right")
        stopped = self._ended()
        assert stopped is not None, "a result is what the loop came to"
        facts: dict[str, Any] = {
            "rasteriser": self.opened.words,
            "splats": len(cloud),
            "iterations": run.iteration,
            "seconds": round(run.elapsed_s, 1),
            "stopped": stopped,
            "pictures": len(self.views),
            "training_psnr_db": round(_db(run.squares), 2),
            "sky": isinstance(run.dome, Dome),
            "settings": asdict(settings),
        }
        if run.exposures is not None:
            spread = run.exposures.logs.detach().abs().max()
            facts["largest_exposure_gain"] = round(float(spread.exp()), 3)
        if run.poses is not None:
            turned, moved = run.poses.moved()
            facts["poses_moved"] = {"rms_deg": round(turned, 4), "rms_scene_units": round(moved, 6)}
        sky = None if run.dome is None else run.dome.sky()
        gains = {} if run.exposures is None else self._gains(run.exposures)
        return Trained(cloud, sky, settings.antialiased, run.iteration, run.elapsed_s, stopped, facts, gains)

    def _gains(self, exposures: Exposures) -> dict[str, Float64[np.ndarray, "3"]]:
        held_out = ((image.name, exposures.predicted(image.exposure_ev)) for image in self.dataset.split()[1])
        return {name: gain for name, gain in held_out if gain is not None}

    def _seen(self) -> torch.Tensor:
        """Which splats reach a pixel of any training picture; the others are where nobody looked."""
        splats = self.run.splats
        seen = torch.zeros(len(splats), dtype=torch.bool, device=self.opened.device)
        for view in self.views:
            means = splats.means.detach().requires_grad_()
            drawn = self.opened.rasteriser.rasterise(
                means, splats.scales().detach(), splats.wxyz.detach(), splats.opacities().detach(), splats.sh.detach(),
                view.scene_from_camera, view.camera, near_m=self.run.near, antialiased=self.settings.antialiased,
            )  # fmt: skip
            drawn.alpha.sum().backward()  # type: ignore[no-untyped-call]
            assert drawn.screen is not None
            seen |= drawn.screen[:, 4] > 0
        return seen


def _db(squares: float | None) -> float:
    return float("nan") if squares is None else -10 * math.log10(max(squares, 1e-10))


def _named(initial: SplatCloud | None) -> str:
    if initial is None:
        return "points"
    return f"{len(initial)} splats, {float(np.abs(initial.means).sum()):.9g}, {float(initial.opacities.sum()):.9g}"


@contextmanager
def _one_torch_thread(device: torch.device) -> Iterator[None]:
    """On the processor the kernels have all threads; torch's own would wait for work by spinning, against them."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
