"""Trees of the wood: species with their ranges of size, each grown by growth.py, with wood by tubes.py and foliage.

Sizes are those of closed stands in Central and Northern Europe (yield tables give 18–32 m for such diameters).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from translight.environment.noise import fractal, smoothstep
from translight.generation.procedural.scene import Mesh
from translight.generation.procedural.shapes import mesh
from translight.generation.procedural.vegetation.foliage import leaves, needles, sprigs
from translight.generation.procedural.vegetation.growth import Habit, broad, conifer
from translight.generation.procedural.vegetation.palette import Season, Stuff
from translight.generation.procedural.vegetation.skeleton import Skeleton
from translight.generation.procedural.vegetation.tubes import Wood, tubes

Level = Literal["near", "middle", "far"]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Species:
    """Ranges from which a tree is drawn, and how its foliage is made at each level of detail."""

    name: str
    bark: Stuff
    leaf: Stuff
    height_m: Range
    crown_share: Range
    crown_radius_m: Range
    foot_radius_m: Range
    leader_share: float
    lift: float
    evergreen: bool
    points: int = 7000
    step_m: float = 0.3
    whorled: bool = False
    leaf_m: float = 0.15
    """Length of a leaf, or of a bunch of needles, near by."""
    leaf_width: float = 0.6
    """Width of a leaf over its length."""
    count: int = 24_000
    """Leaves or bunches near by."""
    hang: float = 0.0
    spread_m: float = 0.3


SPRUCE = Species(
    "spruce", Stuff.SPRUCE_BARK, Stuff.NEEDLES, height_m=(19, 30), crown_share=(0.72, 0.9), crown_radius_m=(2.2, 3.4),
    foot_radius_m=(0.17, 0.29), leader_share=1.0, lift=0.0, evergreen=True, whorled=True, leaf_m=0.17, leaf_width=0.2,
    count=46_000,
)  # fmt: skip
PINE = Species(
    "pine", Stuff.PINE_BARK, Stuff.NEEDLES, height_m=(18, 27), crown_share=(0.3, 0.45), crown_radius_m=(2.2, 3.4),
    foot_radius_m=(0.16, 0.26), leader_share=0.93, lift=0.05, evergreen=True, points=2200, step_m=0.25, leaf_m=0.2,
    leaf_width=0.12, count=40_000,
)  # fmt: skip
BEECH = Species(
    "beech", Stuff.BEECH_BARK, Stuff.BROAD_LEAF, height_m=(18, 29), crown_share=(0.58, 0.78), crown_radius_m=(4.0, 6.2),
    foot_radius_m=(0.19, 0.34), leader_share=0.72, lift=0.12, evergreen=False, leaf_m=0.155, count=34_000,
)  # fmt: skip
BIRCH = Species(
    "birch", Stuff.BIRCH_BARK, Stuff.BIRCH_LEAF, height_m=(14, 22), crown_share=(0.55, 0.72), crown_radius_m=(2.0, 3.2),
    foot_radius_m=(0.09, 0.16), leader_share=0.9, lift=0.02, evergreen=False, points=4200, step_m=0.24, leaf_m=0.1,
    leaf_width=0.75, count=24_000, hang=0.5, spread_m=0.28,
)  # fmt: skip
SPECIES = (SPRUCE, PINE, BEECH, BIRCH)
_LEVELS: dict[Level, tuple[float, float, float, int]] = {
    "near": (1.0, 1.0, 0.007, 18),
    "middle": (0.26, 2.5, 0.015, 8),
    "far": (0.05, 5.2, 0.08, 5),
}
"""Share of the leaves, their size, the thinnest limb's radius and the trunk's sides."""


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One grown tree, of which meshes of any level are made."""

    species: Species
    habit: Habit
    skeleton: Skeleton


def grow(species: Species, seed: int) -> Tree:
    """A tree of the species; equal seeds grow equal trees."""
    rng = np.random.default_rng((seed, *species.name.encode()))
    size = rng.uniform()  # what is tall is thick and wide as well

    def pick(range_: Range) -> float:
        return float(range_[0] + (range_[1] - range_[0]) * (0.75 * size + 0.25 * rng.uniform()))

    habit = Habit(
        pick(species.height_m),
        float(rng.uniform(*species.crown_share)),
        pick(species.crown_radius_m),
        pick(species.foot_radius_m),
        species.leader_share,
        species.points,
        species.step_m,
        species.lift,
    )
    return Tree(species, habit, (conifer if species.whorled else broad)(habit, rng))


def wood_of(tree: Tree, level: Level, seed: int) -> Wood:
    """The tree's trunk and limbs."""
    _, _, thinnest, sides = _LEVELS[level]
    flare = 0.75 if level == "near" else 0.5
    bump = {"birch": 0.05, "beech": 0.07}.get(tree.species.name, 0.1)
    return tubes(tree.skeleton, thinnest_m=thinnest, sides=sides, flare=flare, bump=bump, seed=seed)


def wood_mesh(tree: Tree, level: Level, seed: int, season: Season = "summer") -> Mesh:
    """Trunk and limbs with the colours of bark, moss at the foot; snow on limbs in winter."""
    wood = wood_of(tree, level, seed)
    bark = mesh(wood.vertices, wood.triangles, tree.species.bark, _bark_colour(wood, tree, seed), smooth=True)
    return snowed(bark) if season == "winter" else bark


def foliage_mesh(tree: Tree, level: Level, seed: int, season: Season = "summer", detail: float = 1.0) -> Mesh | None:
    """All leaves or needles; None for a bare tree. ``detail`` scales how many there are, and so how small they are."""
    species = tree.species
    share, size, _, _ = _LEVELS[level]
    rng = np.random.default_rng((seed, len(level)))
    if season == "winter" and not species.evergreen:
        return None
    count = int(species.count * share * detail * (0.55 if season == "autumn" and not species.evergreen else 1.0))
    length = species.leaf_m * size / np.sqrt(detail)
    crown = species.crown_share[1] if species.whorled else tree.habit.crown_share
    on = sprigs(tree.skeleton, 0.012, above_m=0.9 * (1 - crown) * tree.habit.height_m)
    if species.leaf is Stuff.NEEDLES:
        splay = 0.75 if species.whorled else 1.6
        made = needles(on, count, length, species.leaf_width * length, species.leaf, rng, splay=splay)
    else:
        made = leaves(
            on, count, length, species.leaf, rng, width=species.leaf_width, spread_m=species.spread_m, hang=species.hang
        )
    return snowed(made) if season == "winter" else made


def snowed(of: Mesh) -> Mesh:
    """Snow on what faces the sky: those triangles take the material SNOW and lose their colour."""
    a, b, c = (of.vertices[of.triangles[:, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    upward = np.abs(normal[:, 2]) / np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    thin = np.isin(of.material, (Stuff.NEEDLES, Stuff.GRASS, Stuff.FERN, Stuff.LITTER))
    lies = (normal[:, 2] > 0) | thin
    white = lies & (upward > np.where(thin, 0.62, 0.5))
    material = np.where(white, np.uint16(Stuff.SNOW), of.material)
    # a vertex keeps one colour: a white triangle has vertices of its own
    corners = of.triangles.reshape(-1)
    colour = np.where(np.repeat(white, 3)[:, None], np.float32(1.0), of.colour[corners])
    return replace(
        of,
        vertices=np.ascontiguousarray(of.vertices[corners]),
        triangles=np.arange(len(corners), dtype=np.int32).reshape(-1, 3),
        colour=np.ascontiguousarray(colour, np.float32),
        material=np.ascontiguousarray(material, np.uint16),
        smooth=False,
    )


def _bark_colour(wood: Wood, tree: Tree, seed: int) -> Float64[np.ndarray, "v 3"]:
    """Darker and mossy at the foot; a pine's upper bark is orange and a birch's twigs are dark."""
    height = wood.vertices[:, 2]
    patch = fractal(wood.vertices * (1.6, 1.6, 0.8), seed + 5, 4).astype(np.float64)
    moss = smoothstep(1.6, 0.0, height + 1.2 * patch)[:, None]
    colour = np.ones((len(height), 3)) * (1 + 0.35 * patch)[:, None]
    if tree.species is PINE:
        upper = smoothstep(0.35, 0.75, height / tree.habit.height_m)[:, None]
        colour = colour * (1 - upper) + upper * (1.75, 1.35, 0.95)
    if tree.species is BIRCH:
        colour = np.where(wood.limb[:, None] > 0, (0.16, 0.12, 0.11), colour)
        foot = smoothstep(1.3, 0.1, height + patch)[:, None]
        colour = colour * (1 - 0.7 * foot)
    return np.clip(colour * (1 - 0.6 * moss) + 0.6 * moss * (0.62, 0.85, 0.35), 0.05, 2.0)
