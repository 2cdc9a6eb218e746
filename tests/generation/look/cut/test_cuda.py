"""On a GPU: training and translating come to what a processor comes to, but for rounding."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra generate is not installed")

from tests.generation.candidates import candidate, panorama  # noqa: E402

from translight.commands.generate_look import Look  # noqa: E402
from translight.commands.generate_look_train import LookTrain  # noqa: E402
from translight.core.image import save_image  # noqa: E402
from translight.generation.look.cut.model import load_generator  # noqa: E402
from translight.generation.run.store import load_candidate, save_candidate  # noqa: E402

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here"),
]
STEPS = 20


@pytest.fixture
def exact(monkeypatch):
    """Float32 as it is: without TF32 a GPU differs from a processor by rounding alone."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)


@pytest.mark.usefixtures("exact")
def test_a_gpu_learns_and_shows_what_a_processor_does(tmp_path):
    chance = np.random.default_rng(0)
    for name, tint in (("a", [200, 150, 100]), ("b", [100, 150, 200])):
        (tmp_path / name).mkdir()
        save_image(tmp_path / name / "1.png", (chance.random((48, 48, 3)) * tint).astype(np.uint8))
    made = {}
    for device in ("cpu", "cuda"):
        where = {"size": 32, "filters": 8, "blocks": 1, "device": device}
        for steps in (STEPS // 2, STEPS):  # the second goes on from a checkpoint
            assert LookTrain(tmp_path / "a", tmp_path / "b", tmp_path / device, steps=steps, **where).run() == 0
        weights = load_generator(tmp_path / device)[0].state_dict()
        made[device] = torch.cat([value.flatten() for value in weights.values()])
    before, lengths = 2e-4 * STEPS, [float((made[d]).norm()) for d in made]
    # Adam moves a weight by its rate each step: apart by less than a tenth of what was gone
    assert float((made["cuda"] - made["cpu"]).abs().mean()) < 0.1 * before
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-3)
    save_candidate(candidate(views=(panorama(32),)), tmp_path / "test-0007")
    for device, name in (("cpu", "test-0007-look"), ("cuda", "test-0007-look2")):
        assert Look(tmp_path / "test-0007", cut=tmp_path / "cuda", device=device).run() == 0
        made[device] = load_candidate(tmp_path / name).views[0].image
    np.testing.assert_allclose(made["cuda"], made["cpu"], rtol=2e-3, atol=1e-4)
