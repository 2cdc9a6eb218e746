"""A run that tests of the review share: two imported panoramas, made by the command itself."""

import numpy as np

from translight.cli import main
from translight.core.image import save_image
from translight.generation.brief.brief import Block, Brief, Lens, Place
from translight.generation.brief.write import write_brief
from translight.generation.panorama import directions


def place(height=64, grey=0.3):
    """A floor 1.7 m below the eye, a wall all round at 30 m, a sky above it."""
    rays = directions(height)
    distance_m = np.where(rays[..., 2] < -0.06, -1.7 / np.minimum(rays[..., 2], -1e-3), 30.0)
    distance_m[rays[..., 2] > 0.17] = np.inf
    image = np.where(np.isinf(distance_m)[..., None], np.float32(2.0), grey + 0.2 * np.abs(rays)).astype(np.float32)
    tiles = np.kron(np.random.default_rng(1).random((height // 4, height // 2)), np.ones((4, 4)))
    image *= np.where(np.isinf(distance_m), 1.0, 0.5 + tiles)[..., None].astype(np.float32)
    return image, distance_m.astype(np.float32)


def make(folder, *, by="Ana", names=("one", "two")):
    """RUN made by ``translight generate`` and its candidates' folders."""
    (folder / "pictures").mkdir()
    for i, name in enumerate(names):
        image, distance_m = place(grey=0.2 + 0.2 * i)
        save_image(folder / "pictures" / f"{name}.exr", image)
        save_image(folder / "pictures" / f"{name}_distance.exr", distance_m)
    brief = Brief(
        name="Ring", intent="grey dunes in a ring", candidates=len(names), place=Place(family="dunes"),
        lens=Lens(aspect=1.5), blocking=(Block(name="mia"),),
    )  # fmt: skip
    write_brief(folder / "brief.toml", brief)
    run = folder / "run"
    words = ["generate", str(folder / "brief.toml"), "-o", str(run), "--engine", "import", "--height", "128"]
    assert main([*words, "--source", str(folder / "pictures"), "--by", by]) == 0
    return run, sorted((run / "candidates").iterdir())
