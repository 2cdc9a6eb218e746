"""Teaching a network two folders of stills, in steps that can be stopped and gone on with; model.py keeps it.

Each step draws its chances from its own number, so a training that was interrupted comes to the same weights, to the
bit, as one that was not (on a processor, with as many threads).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from translight.core.errors import GenerationError
from translight.core.progress import Progress
from translight.generation.look.cut.loss import contrast, judged
from translight.generation.look.cut.model import (
    DESCRIPTION,
    SCHEMA_VERSION,
    Description,
    Settings,
    load_state,
    out_of_memory,
    read_description,
    save_model,
)
from translight.generation.look.cut.network import STRIDE, Generator, Heads, Judge
from translight.generation.look.cut.stills import Stills

SAVE_EVERY = 500
"""Steps between checkpoints."""

_BETAS = (0.5, 0.99)
"""Adam's. The second is 0.999 in the paper: the contrast's first gradients are large, and are forgotten sooner so."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Of the last step."""

    likeness: float
    """How little the judge takes the result for a wanted still; 0 is wholly."""
    contrast: float
    """Of places; log(places) is chance."""
    judge: float


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended."""

    steps: int
    losses: Losses | None
    interrupted: bool


def train(
    changed: Stills,
    wanted: Stills,
    folder: Path,
    settings: Settings,
    steps: int,
    progress: Progress,
    *,
    device: torch.device,
    licence: str,
    commercial: bool | None,
    stop: Callable[[], bool] = lambda: False,
    fresh: bool = False,
) -> Trained:
    """Teach up to ``steps`` in all, going on from what the folder holds; ``stop`` is asked before each.

    Raises GenerationError where the folder holds another training or cannot be written.
    """
    if settings.size_px % STRIDE:
        raise GenerationError(f"--size must be a multiple of {STRIDE}, got {settings.size_px}")
    description = Description(
        SCHEMA_VERSION, "cut", settings, 0, changed.digests, wanted.digests, licence, commercial, "0" * 64
    )
    pupil = _Pupil(settings, device)
    _check_ours(folder)
    done = 0 if fresh else _gone_on(folder, description, pupil)
    losses = None
    saved = done

    def keep() -> None:
        save_model(folder, msgspec.structs.replace(description, steps=done), pupil.generator, pupil.state(done))

    interrupted = False
    while done < steps:
        if stop():
            interrupted = True
            break
        try:
            losses = pupil.step(changed, wanted, done)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise GenerationError(
                f"training does not fit into the memory of {device.type}: give a smaller --size or fewer --filters"
            ) from error
        done += 1
        progress(
            f"step {done} of {steps}: likeness {losses.likeness:.3f}, contrast {losses.contrast:.3f}", done / steps
        )
        if done - saved >= SAVE_EVERY:
            keep()
            saved = done
    if done > saved or not (folder / DESCRIPTION).is_file():
        keep()
    return Trained(done, losses, interrupted)


class _Pupil:
    """The three networks and their optimisers."""

    def __init__(self, settings: Settings, device: torch.device) -> None:
        self.settings, self.device = settings, device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator = Generator(settings.filters, settings.blocks)
            self.heads = Heads(self.generator.channels(), settings.embedding)
            self.judge = Judge(settings.filters)
        for network in (self.generator, self.heads, self.judge):
            network.to(device)
        taught = [*self.generator.parameters(), *self.heads.parameters()]
        self.maker = torch.optim.Adam(taught, settings.learning_rate, _BETAS)
        self.critic = torch.optim.Adam(self.judge.parameters(), settings.learning_rate, _BETAS)

    def step(self, changed: Stills, wanted: Stills, number: int) -> Losses:
        """One picture of each folder."""
        dice = torch.Generator().manual_seed((self.settings.seed << 32) + number)
        source, target = (s.crop(self.settings.size_px, dice).to(self.device) for s in (changed, wanted))
        result, same = self.generator(torch.cat([source, target])).split(1)

        self.judge.requires_grad_(True)
        fault = (judged(self.judge(result.detach()), 0.0) + judged(self.judge(target), 1.0)) / 2
        self.critic.zero_grad(set_to_none=True)
        fault.backward()  # type: ignore[no-untyped-call]
        self.critic.step()

        self.judge.requires_grad_(False)
        likeness = judged(self.judge(result), 1.0)
        places = self.settings.places
        with torch.no_grad():  # what results are compared with is not taught
            keys = [self.generator.features(picture) for picture in (source, target)]
        kept = [
            contrast(self.generator, self.heads, before, after, places, dice)
            for before, after in zip(keys, (result, same), strict=True)
        ]
        different = torch.stack(kept).mean()
        self.maker.zero_grad(set_to_none=True)
        (likeness + different).backward()  # type: ignore[no-untyped-call]
        self.maker.step()
        return Losses(float(likeness.detach()), float(different.detach()), float(fault.detach()))

    def state(self, done: int) -> dict[str, Any]:
        """All that the next step hangs on."""
        parts = {name: getattr(self, name).state_dict() for name in ("generator", "heads", "judge", "maker", "critic")}
        return {"steps": done, **parts}

    def restore(self, state: dict[str, Any]) -> int:
        """Back to where a state was taken; the number of steps done."""
        for name in ("generator", "heads", "judge", "maker", "critic"):
            getattr(self, name).load_state_dict(state[name])
        return int(state["steps"])


def _check_ours(folder: Path) -> None:
    """A folder that is there holds a network or nothing: it will be replaced."""
    if not folder.exists() or (folder / DESCRIPTION).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise GenerationError(f"{folder}: holds something else than a network; choose another folder")


def _gone_on(folder: Path, now: Description, pupil: _Pupil) -> int:
    """Steps done in the folder, the pupil brought there; 0 where nothing is."""
    if not (folder / DESCRIPTION).is_file():
        return 0
    then = read_description(folder)
    for what, before, after in (
        ("settings", then.settings, now.settings),
        ("stills to change", then.changed, now.changed),
        ("wanted stills", then.wanted, now.wanted),
    ):
        if before != after:
            raise GenerationError(f"{folder}: was begun with other {what}; --fresh begins anew")
    state = load_state(folder)
    try:
        return pupil.restore(state)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise GenerationError(f"{folder}: its checkpoint does not fit its settings; --fresh begins anew") from error
