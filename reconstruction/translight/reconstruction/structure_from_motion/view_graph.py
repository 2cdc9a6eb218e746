"""How stills hang together: which share how many matches; ``matching.py`` finds it, ``explain.py`` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEAST_INLIERS = 15
"""Two stills with fewer matches that one geometry explains are not connected (COLMAP's own limit)."""


@dataclass(frozen=True, slots=True)
class PairOverlap:
    """Two stills by name: features that look alike, those of them that one two-view geometry explains (``inliers``).

    ``planar``: a homography explains them too, so that they show one plane, or the camera only turned between them.
    """

    a: str
    b: str
    matches: int
    inliers: int
    planar: bool = False


@dataclass(frozen=True, slots=True)
class Overlap:
    """``features`` of each still, in the capture's order, and every compared pair that has any match.

    ``pairing`` says in words which pairs were compared: "every pair" leaves none out, others may have.
    """

    features: Mapping[str, int]
    pairs: tuple[PairOverlap, ...]
    pairing: str

    def groups(self, least_inliers: int = LEAST_INLIERS) -> tuple[tuple[str, ...], ...]:
        """Stills that hang together by pairs of so many inliers, largest group first; one that stands alone is one."""
        links = [(pair.a, pair.b) for pair in self.pairs if pair.inliers >= least_inliers]
        return connected(self.features, links)

    def partners(self, name: str) -> dict[str, int]:
        """The inliers that a still shares with each other one, most first; none without any."""
        found = [
            (pair.b if pair.a == name else pair.a, pair.inliers) for pair in self.pairs if name in (pair.a, pair.b)
        ]
        return dict(sorted(((other, count) for other, count in found if count), key=lambda item: -item[1]))


def connected(names: Iterable[str], links: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Groups of names that links join, largest first, then by first name; names keep their order (union by root)."""
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for a, b in links:
        parent[root(a)] = root(b)
    groups: dict[str, list[str]] = {}
    for name in parent:
        groups.setdefault(root(name), []).append(name)
    return tuple(tuple(group) for group in sorted(groups.values(), key=lambda group: -len(group)))
