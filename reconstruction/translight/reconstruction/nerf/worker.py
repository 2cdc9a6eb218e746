"""Trains and renders nerfacto inside nerfstudio's own environment; process.py starts it and speaks its protocol.

It is run as a file and imports nothing of Translight. The first line of stdin is the job, a JSON object; events, one
JSON object a line, come on what was stdout when it began (nerfstudio prints to the rest). When stdin ends, so does the
work, after a checkpoint: whoever asked is gone, or has had enough. Written for nerfstudio 1.1.5.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

NERFSTUDIO = "1.1.5"
"""Another version has another API: it is refused."""
CPU_SIZES: dict[str, Any] = {
    "train_num_rays_per_batch": 1024,
    "num_proposal_samples_per_ray": (32, 16),
    "num_nerf_samples_per_ray": 16,
    "num_levels": 8,
    "features_per_level": 4,
    "max_res": 1024,
    "log2_hashmap_size": 15,
    "proposal_net_args_list": [
        {"hidden_dim": 16, "log2_hashmap_size": 14, "num_levels": 4, "max_res": 64, "use_linear": False},
        {"hidden_dim": 16, "log2_hashmap_size": 14, "num_levels": 4, "max_res": 128, "use_linear": False},
    ],
}
"""On a GPU nerfacto's own sizes hold. Looking features up is most of the work: 2,560 a ray here, 20,000 there."""
_FINAL_RATE = 1e-3
"""The learning rate falls from nerfacto's 1e-2 to this over the run, however short the run is."""
_REPORT_EVERY_S = 0.5
_CHUNK_RAYS = {"cpu": 1 << 12, "cuda": 1 << 15}


class Stopped(Exception):  # noqa: N818 - reads as what it says
    """Stdin has ended: nobody waits for more."""


class Events:
    """Where events go, and whether anybody still listens."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        self._closed = False

    def tell(self, event: str, **facts: Any) -> None:
        """One line; numbers that JSON has no word for become null."""
        clean = {k: None if isinstance(v, float) and not abs(v) < float("inf") else v for k, v in facts.items()}
        try:
            self._out.write(json.dumps({"event": event, **clean}) + "\n")
        except BrokenPipeError:
            self._closed = True  # nothing is lost but words: the work is kept first

    def unheard(self) -> bool:
        """Whether stdin, which does not block, has come to its end, or nobody reads the events."""
        try:
            return self._closed or os.read(0, 4096) == b""
        except BlockingIOError:
            return False


def trainer_of(job: dict[str, Any], events: Events) -> Any:
    """nerfstudio's ``Trainer`` with nerfacto's method configuration, made small where there is no GPU."""
    import torch
    from nerfstudio.cameras.camera_optimizers import CameraOptimizerConfig
    from nerfstudio.configs.method_configs import method_configs
    from nerfstudio.data.datamanagers.base_datamanager import VanillaDataManagerConfig
    from nerfstudio.data.dataparsers.nerfstudio_dataparser import NerfstudioDataParserConfig

    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder, work = Path(job["data"]), Path(job["work"])
    config = method_configs["nerfacto"]
    # The default manager starts processes of its own, which a killed worker would leave behind.
    parser = NerfstudioDataParserConfig(data=folder, downscale_factor=1)
    rays = config.pipeline.datamanager.train_num_rays_per_batch
    config.pipeline.datamanager = VanillaDataManagerConfig(
        data=folder, dataparser=parser, train_num_rays_per_batch=rays, eval_num_rays_per_batch=rays
    )
    model = config.pipeline.model
    model.implementation = "torch"  # tinycudann has no wheel
    model.camera_optimizer = CameraOptimizerConfig(mode="off")  # the poses that come in are those that go out
    model.eval_num_rays_per_chunk = _CHUNK_RAYS[device]
    for name, value in {**(CPU_SIZES if device == "cpu" else {}), **job.get("sizes", {})}.items():
        owner = config.pipeline.datamanager if hasattr(config.pipeline.datamanager, name) else model
        if not hasattr(owner, name):
            raise ValueError(f"nerfacto has no setting {name}")
        setattr(owner, name, tuple(value) if name.endswith("per_ray") and isinstance(value, list) else value)
    config.output_dir, config.experiment_name, config.timestamp = work, "nerfstudio", "run"
    config.machine.device_type, config.machine.seed = device, job["seed"]
    config.vis = "none"  # no viewer and no writer: events are the only report
    config.logging.local_writer.enable = False
    config.logging.profiler = "none"
    config.viewer.quit_on_train_completion = True
    config.max_num_iterations = job["iterations"]
    config.steps_per_save = 10**9  # by the clock instead
    for group in config.optimizers.values():
        group["scheduler"].lr_final, group["scheduler"].max_steps = _FINAL_RATE, job["iterations"]
    checkpoint = work / "checkpoint.ckpt"
    if checkpoint.exists():
        config.load_checkpoint = checkpoint
    random.seed(job["seed"])
    torch.manual_seed(job["seed"])
    trainer = _telling_trainer()(config, job, checkpoint, events)
    trainer.setup()
    collider = trainer.pipeline.model.collider
    if job["near"] is not None:
        scale = float(trainer.pipeline.datamanager.train_dataparser_outputs.dataparser_scale)
        collider.near_plane = max(job["near"] * scale, collider.near_plane)
    # nerfacto looks from 0 on where it is not trained: what it sees there is what nothing has ever told it of.
    collider.reset_near_plane = False
    return trainer


def _telling_trainer() -> type:
    from nerfstudio.engine.trainer import Trainer

    class TellingTrainer(Trainer):  # type: ignore[misc]
        """nerfstudio's trainer, which reports, keeps time and writes its checkpoints whole."""

        def __init__(self, config: Any, job: dict[str, Any], checkpoint: Path, events: Events) -> None:
            super().__init__(config)
            self.job, self.whole, self.events = job, checkpoint, events
            self.done, self.spent_before = 0, 0.0
            if checkpoint.exists():
                self.spent_before = json.loads((checkpoint.parent / "spent.json").read_text())
            self.stopped = "iterations"
            self.began = self.told = self.saved = time.monotonic()
            self.recent: list[tuple[float, float]] = []

        def train(self) -> None:
            """What is left of the iterations, unless the clock or the asker ends it before."""
            self.done = self._start_step
            self.config.max_num_iterations = max(self.job["iterations"] - self._start_step, 0)
            self.began = self.told = self.saved = time.monotonic()
            limit = self.job["seconds"]
            if self.config.max_num_iterations and not (limit is not None and self.spent_before >= limit):
                super().train()

        def spent(self, now: float) -> float:
            """Seconds of training, those before an interruption too."""
            return self.spent_before + now - self.began

        def train_iteration(self, step: int) -> Any:
            """One iteration, and after it a look at the clock."""
            result = super().train_iteration(step)
            self.done = step + 1
            self.recent.append((float(result[0]), float(result[2]["psnr"])))
            now = time.monotonic()
            spent, limit = self.spent(now), self.job["seconds"]
            if limit is not None:
                self._fall_by(self.done * limit / max(spent, 1e-3))
                if spent >= limit:
                    self.stopped, self.stop_training = "time", True
            if self.events.unheard():
                self.stopped, self.stop_training = "stopped", True
            if now - self.told > _REPORT_EVERY_S or self.done == self.job["iterations"]:
                loss, psnr = (sum(values) / len(self.recent) for values in zip(*self.recent, strict=True))
                self.events.tell(
                    "iteration",
                    iteration=self.done,
                    iterations=self.job["iterations"],
                    per_second=(self.done - self._start_step) / (now - self.began),
                    loss=loss,
                    psnr_db=psnr,
                    seconds=spent,
                )
                self.told, self.recent = now, []
            if now - self.saved > self.job["checkpoint_every_s"] and not self.stop_training:
                self.save_checkpoint(step)
                self.saved = now
            return result

        def _fall_by(self, iterations: float) -> None:
            """Let the learning rate reach its end when the clock will: schedulers read their configuration."""
            for group in self.config.optimizers.values():
                group["scheduler"].max_steps = max(min(iterations, self.job["iterations"]), 1)

        def save_checkpoint(self, step: int) -> None:
            """Beside, then renamed: a checkpoint is whole. nerfstudio counts one too many when it stops early."""
            super().save_checkpoint(min(step, self.done - 1))
            newest = max(self.checkpoint_dir.glob("*.ckpt"))
            spent = self.whole.with_name("spent.json")
            spent.write_text(json.dumps(self.spent(time.monotonic())))
            os.replace(newest, self.whole)

    return TellingTrainer


def render(trainer: Any, job: dict[str, Any], events: Events) -> None:
    """Each view as an .npz: rgb, depth (median) and expected_depth as camera z in the data's units, accumulation.

    After the job's ``render_seconds`` only views that are ``wanted`` follow.
    """
    import numpy as np
    import torch
    from nerfstudio.cameras.cameras import Cameras

    parsed = trainer.pipeline.datamanager.train_dataparser_outputs
    turn = np.asarray(parsed.dataparser_transform, dtype=np.float64)[:3]
    scale = float(parsed.dataparser_scale)
    views, folder, limit = job["render"], Path(job["work"]) / "renders", job["render_seconds"]
    folder.mkdir(parents=True, exist_ok=True)
    trainer.pipeline.eval()
    began = time.monotonic()
    for number, view in enumerate(views):
        if events.unheard():
            raise Stopped
        if limit is not None and time.monotonic() - began > limit and not view["wanted"]:
            continue
        data_from_camera = np.array(view["transform_matrix"], dtype=np.float64)
        pose = turn @ data_from_camera
        pose[:, 3] *= scale
        keys = {"fx": "fl_x", "fy": "fl_y", "cx": "cx", "cy": "cy"}
        lens = {ours: float(view[theirs]) for ours, theirs in keys.items()}
        matrix = torch.tensor(pose[None], dtype=torch.float32)
        camera = Cameras(camera_to_worlds=matrix, width=view["w"], height=view["h"], **lens).to(trainer.device)
        with torch.no_grad():
            found = trainer.pipeline.model.get_outputs_for_camera(camera)
        names = ("rgb", "depth", "expected_depth", "accumulation")
        planes = {name: found[name].cpu().numpy().astype(np.float32) for name in names}
        planes = {name: plane if name == "rgb" else plane[..., 0] for name, plane in planes.items()}
        v, u = np.mgrid[: view["h"], : view["w"]] + 0.5
        ray = np.sqrt(((u - view["cx"]) / view["fl_x"]) ** 2 + ((v - view["cy"]) / view["fl_y"]) ** 2 + 1)
        z_of = (1 / (ray * scale)).astype(np.float32)  # nerfstudio's depths run along the ray
        file = folder / f"{view['name']}.npz"
        aside = folder / f".{view['name']}.npz"
        for name in ("depth", "expected_depth"):
            planes[name] *= z_of
        np.savez(aside, **planes)
        os.replace(aside, file)
        events.tell("rendered", name=view["name"], number=number + 1, count=len(views))


def prepare() -> str:
    """Make nerfstudio importable and offline; its version."""
    import warnings
    from importlib.metadata import version

    warnings.simplefilter("ignore", FutureWarning)
    import torch

    _declare_operators(torch)
    import torchmetrics.image.lpip as lpips

    class NoLpips(torch.nn.Module):
        """LPIPS is not measured here, and its weights would be downloaded."""

        def __init__(self, **_: Any) -> None:
            super().__init__()

    lpips.LearnedPerceptualImagePatchSimilarity = NoLpips
    # Schedulers' states hold NumPy scalars, which torch.load refuses by default.
    import numpy as np

    scalars: list[Any] = [np.float64(0).__reduce__()[0], np.dtype, type(np.dtype(np.float64))]
    torch.serialization.add_safe_globals(scalars)
    return version("nerfstudio")


def _declare_operators(torch: Any) -> None:
    """Let torchvision be imported beside a torch without CUDA.

    PyPI's torchvision is built for CUDA. Where that is missing its library does not load, and its import then describes
    operators that do not exist; nothing here calls them.
    """
    from importlib.util import find_spec

    found = find_spec("torchvision")
    assert found is not None
    assert found.origin is not None
    try:
        torch.ops.load_library(next(Path(found.origin).parent.glob("_C*")))
    except (OSError, StopIteration):
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        globals()["_operators"] = library  # they live as long as this object


def main() -> int:
    """Do one job; 0 when it is done, 3 when it was stopped, 1 when it failed."""
    events = Events()
    job = json.loads(sys.stdin.buffer.readline())
    os.set_blocking(0, False)
    try:
        found = prepare()
        if found != NERFSTUDIO:
            events.tell("failed", message=f"nerfstudio {found} is installed, {NERFSTUDIO} is wanted")
            return 1
        trainer = trainer_of(job, events)
        parameters = sum(p.numel() for p in trainer.pipeline.model.parameters())
        events.tell("ready", device=trainer.device, iteration=trainer._start_step, parameters=parameters)
        trainer.train()
        seconds = trainer.spent(time.monotonic())
        events.tell("trained", iteration=trainer.done, seconds=seconds, stopped=trainer.stopped)
        if trainer.stopped == "stopped":
            return 3
        render(trainer, job, events)
        events.tell("done")
        return 0
    except Stopped:
        return 3
    except Exception as error:
        import traceback

        traceback.print_exc()
        events.tell("failed", message=f"{type(error).__name__}: {error}".splitlines()[0][:300])
        return 1


if __name__ == "__main__":
    sys.exit(main())
