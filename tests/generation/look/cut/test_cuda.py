"""A GPU teaches the network what the processor teaches it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra generate is not installed")

from tests.generation.look.cut.test_training import COOL, WARM, taught  # noqa: E402

from translight.generation.look.cut.model import Settings, device_named, load_generator  # noqa: E402
from translight.generation.look.cut.translator import open_translator  # noqa: E402

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch finds"),
]


def test_it_learns_there_what_it_learns_here(tmp_path):
    settings = Settings(size_px=32, filters=8, blocks=1, places=64, embedding=32, learning_rate=2e-3)
    made = {}
    for name in ("cpu", "cuda"):
        ended = taught(tmp_path / name, 10, settings, device=device_named(name))
        assert np.isfinite(ended.losses.contrast)
        generator = load_generator(tmp_path / name)[0]
        with torch.no_grad():
            made[name] = torch.cat([generator(x[None, :, :48, :48]) for x in WARM.pictures])
    assert COOL.pictures[0].shape == WARM.pictures[0].shape
    assert float((made["cpu"] - made["cuda"]).abs().mean()) < 0.05


def test_it_shows_there_what_it_shows_here(tmp_path):
    taught(tmp_path / "m", 2)
    picture = np.random.default_rng(0).random((64, 128, 3)).astype(np.float32) * 4
    here, there = (open_translator(tmp_path / "m", 64, name).gain(picture, panorama=True) for name in ("cpu", "cuda"))
    assert np.abs(here - there).mean() < 0.01 * here.mean()
