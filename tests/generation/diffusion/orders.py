"""Orders for an engine, small and plain, with what a test changes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from translight.core.progress import silent
from translight.generation.brief.brief import Avoid, Brief
from translight.generation.brief.parameters import Control, Parameters
from translight.generation.candidate import Candidate
from translight.generation.engines.engine import Order, open_engine

HEIGHT_PX = 32


def parameters(**changes: Any) -> Parameters:
    """Two steps of few words."""
    plain: dict[str, Any] = {
        "family": "dunes",
        "prompt": "dunes at dusk",
        "negative_prompt": "",
        "seeds": (7,),
        "guidance": 5.0,
        "steps": 2,
        "control": None,
        "references": (),
        "loras": (),
        "lut": None,
        "reasons": (),
    }
    return Parameters(**{**plain, **changes})


def order(*, height_px: int = HEIGHT_PX, avoid: Avoid | None = None, **changes: Any) -> Order:
    """An order of it."""
    return Order(Brief(name="tiny", intent="dunes", avoid=avoid or Avoid()), parameters(**changes), height_px)


def control(*, turn_px: int = 0, depth_weight: float = 1.0, edges_weight: float = 1.0) -> Control:
    """A box in front, and the same turned by columns to the right."""
    depth = np.zeros((HEIGHT_PX, 2 * HEIGHT_PX), np.uint8)
    depth[10:26, 20:38] = 200
    edges = np.zeros_like(depth)
    edges[10:26, [20, 37]] = 255
    edges[[10, 25], 20:38] = 255
    distance = np.where(depth > 0, np.float32(4), np.float32(np.inf))
    turned = [np.roll(plane, turn_px, axis=1) for plane in (distance, depth, edges)]
    return Control(turned[0], turned[1], turned[2], depth_weight, edges_weight)


def drawn(folder: Path, *, height_px: int = HEIGHT_PX, **changes: Any) -> Candidate:
    """The first candidate that the public engine makes of an order."""
    return next(open_engine("diffusers", folder).candidates(order(height_px=height_px, **changes), silent))


def image(folder: Path, **changes: Any) -> np.ndarray[Any, Any]:
    """Its panorama."""
    return drawn(folder, **changes).views[0].image
