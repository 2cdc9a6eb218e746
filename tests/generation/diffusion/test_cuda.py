"""A GPU draws what the processor draws, as far as half precision goes; a second picture as well as the first."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.generation.diffusion import orders
from tests.generation.diffusion.conftest import Shelf

from translight.core.progress import silent
from translight.generation.brief.brief import Avoid, LoraChoice, Reference
from translight.generation.diffusion import loading
from translight.generation.diffusion.inpaint import Inpainter
from translight.generation.diffusion.video import VideoModel
from translight.generation.engines.engine import open_engine

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch finds"),
    pytest.mark.filterwarnings("ignore"),
]
HALF = 0.05
"""Mean difference allowed of two pictures, of 0 to 1: random weights spread what half precision rounds."""
PATHS = ("sd", "sdxl", "flux", "flux2", "z_image", "room-sd", "room-sdxl")


@pytest.fixture(autouse=True)
def _same_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch before 2.13 draws other noise in half precision, not the same noise rounded."""
    real = torch.randn

    def in_float(*size: Any, dtype: torch.dtype | None = None, **more: Any) -> torch.Tensor:
        return real(*size, dtype=torch.float32, **more).to(dtype or torch.get_default_dtype())

    monkeypatch.setattr(torch, "randn", in_float)


def _on_the_processor(monkeypatch: pytest.MonkeyPatch, draw: Any) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        return draw()


def _order(shelf: Shelf, path: str) -> tuple[Any, Any]:
    if not path.startswith("room-"):
        return shelf.model(path), orders.order(seeds=(7, 8))
    kind = path.removeprefix("room-")
    picture = shelf.model(kind) / "reference.png"
    if not picture.exists():
        from translight.core.image import save_image

        save_image(picture, np.random.default_rng(3).integers(0, 255, (40, 40, 3)).astype(np.uint8))
    return shelf.room(kind), orders.order(
        seeds=(7, 8),
        control=orders.control(),
        references=(Reference(file=picture, weight=0.6),),
        loras=(LoraChoice(file=shelf.lora(kind), weight=0.8),),
    )


def _near(got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> None:
    assert got.shape == wanted.shape
    assert np.isfinite(got).all()
    assert got.std() > 0.02
    assert np.abs(got - wanted).mean() < HALF


@pytest.mark.parametrize("offloaded", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_panoramas(shelf: Shelf, path: str, offloaded: bool, monkeypatch: pytest.MonkeyPatch):
    if offloaded:
        monkeypatch.setattr(loading, "_FREE_SHARE", 0.0)  # parts wait in main memory for their turn
    folder, order = _order(shelf, path)

    def draw() -> list[np.ndarray[Any, Any]]:
        return [one.views[0].image for one in open_engine("diffusers", folder).candidates(order, silent)]

    wanted = _on_the_processor(monkeypatch, draw)
    for got, expected in zip(draw(), wanted, strict=True):
        _near(got, expected)


@pytest.mark.parametrize("kind", ["inpainting", "sd", "sdxl", "flux"])
def test_filled_regions(shelf: Shelf, kind: str, monkeypatch: pytest.MonkeyPatch):
    image = np.random.default_rng(1).random((32, 64, 3)).astype(np.float32) * 3
    mask = np.zeros((32, 64), bool)
    mask[8:24, :10] = mask[8:24, -9:] = True

    def draw() -> list[np.ndarray[Any, Any]]:
        filler = Inpainter(shelf.model(kind), silent)
        return [filler.fill(image, mask, orders.parameters(), seed, silent) for seed in (3, 4)]

    wanted = _on_the_processor(monkeypatch, draw)
    for got, expected in zip(draw(), wanted, strict=True):
        assert np.array_equal(got[~mask], image[~mask])
        _near(got[mask], expected[mask])


@pytest.mark.parametrize("kind", ["svd", "wan", "ltx", "cogvideox"])
def test_films(shelf: Shelf, kind: str, monkeypatch: pytest.MonkeyPatch):
    first = np.random.default_rng(2).random((32, 64, 3)).astype(np.float32)

    def draw() -> np.ndarray[Any, Any]:
        model = VideoModel(shelf.video(kind), Avoid(), silent)
        return np.stack(list(model.frames(first, "waves", "", 5, 7, silent, steps=2)))

    _near(draw(), _on_the_processor(monkeypatch, draw))
