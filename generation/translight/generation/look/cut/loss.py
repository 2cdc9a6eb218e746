"""What the networks are taught by: places stay what they are, and the whole looks like the wanted stills.

Park et al. (2020), equations 1 to 5, with the least squares of Mao et al. (2017) for the judge. network.py has the
networks.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from translight.generation.look.cut.network import Generator, Heads

TEMPERATURE = 0.07
"""Of the comparison of places, as in the paper."""


def patch_nce(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """Whether each place of one picture is told from the others of another: cross entropy, log(n) by chance.

    Both (n places, size), place by place, of length 1; the keys are not taught.
    """
    alike = query @ key.detach().T / TEMPERATURE
    return functional.cross_entropy(alike, torch.arange(len(query), device=query.device))


def chance(places: int) -> float:
    """``patch_nce`` of one who cannot tell."""
    return math.log(places)


def contrast(
    generator: Generator,
    heads: Heads,
    source: list[torch.Tensor],
    result: torch.Tensor,
    places: int,
    dice: torch.Generator,
) -> torch.Tensor:
    """The mean over layers of ``patch_nce``, of a picture's features (1 c h w) and those of what became of it."""
    losses = []
    for layer, (before, after) in enumerate(zip(source, generator.features(result), strict=True)):
        count = before.shape[2] * before.shape[3]
        at = torch.randperm(count, generator=dice)[:places].to(before.device)
        query = heads(layer, after[0].flatten(1).T[at])
        with torch.no_grad():
            key = heads(layer, before[0].flatten(1).T[at])
        losses.append(patch_nce(query, key))
    return torch.stack(losses).mean()


def judged(verdict: torch.Tensor, wanted: float) -> torch.Tensor:
    """How far a verdict is from what is wanted, squared."""
    return ((verdict - wanted) ** 2).mean()
