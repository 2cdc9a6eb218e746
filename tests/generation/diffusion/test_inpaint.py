"""A region is drawn anew, the rest is the same to the bit, and a panorama's edge is no edge."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generation.diffusion import orders
from tests.generation.diffusion.conftest import Shelf

from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.generation.diffusion import drawing, latents
from translight.generation.diffusion.inpaint import Inpainter

IMAGE = np.random.default_rng(1).random((32, 64, 3)).astype(np.float32) * 3
"""Brighter than a model can see."""
MASK = np.zeros((32, 64), bool)
MASK[8:24, :10] = MASK[8:24, -9:] = True


def _filled(folder: Path, image: Any, mask: Any, parameters: Any, seed: int, *, wrap: bool = True) -> Any:
    return Inpainter(folder, silent, wrap=wrap).fill(image, mask, parameters, seed, silent)


@pytest.mark.parametrize(
    "kind", ["inpainting", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("sd", "sdxl", "flux"))]
)
def test_only_the_region_is_drawn(shelf: Shelf, kind: str):
    filler = Inpainter(shelf.model(kind), silent)
    heard: list[float] = []
    filled, again, other = (
        filler.fill(IMAGE, MASK, orders.parameters(), seed, lambda what, share: heard.append(share))
        for seed in (3, 3, 4)
    )
    assert (filled.shape, filled.dtype) == (IMAGE.shape, np.float32)
    assert np.array_equal(filled[~MASK], IMAGE[~MASK])
    assert np.abs(filled - IMAGE)[MASK].mean() > 0.1
    assert 0 <= filled[MASK].min() < filled[MASK].max() <= 1
    assert np.array_equal(filled, again)
    assert np.abs(filled - other)[MASK].max() > 0.05
    assert heard[:2] == [0.5, 1.0]


def test_what_is_around_the_region_is_seen(shelf: Shelf):
    parameters = orders.parameters()
    around = IMAGE.copy()
    around[~MASK] = 0.2
    seen, other = (_filled(shelf.model("inpainting"), image, MASK, parameters, 3) for image in (IMAGE, around))
    assert np.abs(seen - other)[MASK].max() > 0.01
    hidden = IMAGE.copy()
    hidden[4:28] = np.where(MASK[4:28, :, None], 9.0, IMAGE[4:28])  # what the mask covers is not
    assert np.array_equal(_filled(shelf.model("inpainting"), hidden, MASK, parameters, 3), seen)


@pytest.mark.slow
def test_a_panorama_turned_is_filled_turned(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    turned = [np.roll(array, 16, axis=1) for array in (IMAGE, MASK)]
    straight = _filled(shelf.model("sdxl"), IMAGE, MASK, orders.parameters(), 3)

    def rolled(*given: Any, **more: Any) -> torch.Tensor:
        return torch.roll(latents.noise(*given, **more), 2, dims=-1)

    monkeypatch.setattr(drawing, "noise", rolled)
    found = [
        _filled(shelf.model("sdxl"), turned[0], turned[1], orders.parameters(), 3, wrap=wrap) for wrap in (True, False)
    ]
    # the VAE's own noise (it samples what it encodes) does not turn, so the picture is nearly that one
    apart = [np.abs(np.roll(straight, 16, axis=1) - one)[turned[1]].mean() for one in found]
    assert apart[0] < 0.5 * apart[1], apart


def test_sizes_need_not_fit_the_model(shelf: Shelf):
    image, mask = IMAGE[:27, :41], MASK[:27, :41]
    filled = _filled(shelf.model("sd"), image, mask, orders.parameters(), 3, wrap=False)
    assert filled.shape == (27, 41, 3)
    assert np.array_equal(filled[~mask], image[~mask])


def test_an_empty_mask_changes_nothing_and_thin_ones_are_not_missed(shelf: Shelf):
    filler = Inpainter(shelf.model("sd"), silent)
    empty = np.zeros_like(MASK)
    assert np.array_equal(filler.fill(IMAGE, empty, orders.parameters(), 3, silent), IMAGE)
    thin = empty.copy()
    thin[:, 13] = True  # no multiple of a latent's 8 pixels
    wide = empty.copy()
    wide[:, 8:16] = True
    filled = [filler.fill(IMAGE, mask, orders.parameters(), 3, silent) for mask in (thin, wide)]
    assert np.array_equal(filled[0][:, 13], filled[1][:, 13])


def test_what_does_not_fit_is_told(shelf: Shelf):
    with pytest.raises(ValueError) as error:
        _filled(shelf.model("sd"), IMAGE, MASK[:5], orders.parameters(), 3)
    assert str(error.value) == ("an image (h w 3) and a bool mask (h w) are wanted, got (32, 64, 3), bool (5, 64)")
    with pytest.raises(GenerationError, match="holds a Flux2KleinPipeline; for inpainting one of"):
        _filled(shelf.model("flux2"), IMAGE, MASK, orders.parameters(), 3)
