"""The skeleton of a woody plant: joints with parents, radii by da Vinci's rule, and the limbs that tubes.py draws.

A skeleton stands on z = 0 of its own coordinates; parents come before their children.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """Joints in metres. ``parent`` is −1 for the foot, which comes first."""

    joint_m: Float64[np.ndarray, "n 3"]
    parent: Int64[np.ndarray, "n"]
    radius_m: Float64[np.ndarray, "n"]

    def tips(self) -> Bool[np.ndarray, "n"]:
        """Joints without children."""
        out = np.ones(len(self.parent), bool)
        out[self.parent[1:]] = False
        return out


def radii(parent: Int64[np.ndarray, "n"], foot_m: float, tip_m: float) -> Float64[np.ndarray, "n"]:
    """Radii that obey da Vinci's rule: each limb's, to some power, is the sum of its children's to that power.

    The power is the one at which tips are ``tip_m`` and the foot ``foot_m`` thick. 2 keeps the cross-section; real
    trees lie between 1.8 and 2.3 (Minamino and Tateno, "Tree Branching: Leonardo da Vinci's Rule", 2014).
    """
    carried = np.ones(len(parent))
    carried[parent[1:]] = 0.0
    for i in range(len(parent) - 1, 0, -1):
        carried[parent[i]] += carried[i]
    power = np.log(max(carried[0], 2.0)) / np.log(foot_m / tip_m)
    return tip_m * carried ** (1.0 / power)


def limbs(skeleton: Skeleton) -> list[Int64[np.ndarray, "k"]]:
    """Chains of joints, trunk first: at each fork the thickest child goes on, the others start limbs at the fork."""
    parent, radius = skeleton.parent, skeleton.radius_m
    heir = np.full(len(parent), -1)
    order = np.argsort(radius[1:], kind="stable") + 1
    heir[parent[order]] = order  # the thickest is written last
    out = []
    for first in np.flatnonzero(np.arange(len(parent)) != heir[parent]):
        chain = [int(parent[first])] if first else []
        joint = int(first)
        while joint >= 0:
            chain.append(joint)
            joint = int(heir[joint])
        if len(chain) > 1:
            out.append(np.array(chain))
    return out


def unit(v: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
    """Vectors of length 1 along these; 0 where one is 0."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)
