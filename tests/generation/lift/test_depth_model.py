"""Networks of random weights, saved and loaded as real ones are."""

import sys
from pathlib import Path

import numpy as np
import pytest
from tests.generation.lift.depth_networks import Seer, depth_anything

from translight.core.errors import GenerationError, MissingExtra
from translight.core.pose import Pose
from translight.generation.candidate import View
from translight.generation.lift.depth_model import DepthModel, estimate, open_depth_model

pytest.importorskip("transformers", reason="transformers is not here, which runs depth networks")
pytestmark = pytest.mark.slow  # importing transformers alone takes longer than a default test may


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return depth_anything(tmp_path_factory.mktemp("models") / "depth")


def test_a_folder_becomes_a_network_that_agrees_with_its_own_library(folder: Path):
    import torch
    from transformers import DepthAnythingForDepthEstimation

    model = open_depth_model(folder)
    assert (model.metric, model.size_px, model.deviation) == (False, 28, (0.25, 0.25, 0.25))
    picture = np.full((28, 28, 3), 0.32, np.float32)
    code = 1.055 * 0.32 ** (1 / 2.4) - 0.055
    with torch.inference_mode():
        network = DepthAnythingForDepthEstimation.from_pretrained(folder, local_files_only=True).eval()
        wanted = network(pixel_values=torch.full((1, 3, 28, 28), (code - 0.5) / 0.25)).predicted_depth
    np.testing.assert_allclose(model.inverse(picture), wanted[0].numpy(), rtol=1e-4, atol=1e-5)


def test_a_panorama_gets_distances_of_its_floor():
    """A ball of one brightness is one distance away, whatever each view's scale; the floor makes it metres."""
    import torch

    model = DepthModel(Seer(), torch, False, 28, (0.0,) * 3, (1.0,) * 3)
    view = View(np.full((32, 64, 3), 0.4, np.float32), None, Pose.identity())
    told: list[float] = []
    found = estimate(view, model, 1.6, lambda what, share: told.append(share))
    assert found.shape == (32, 64)
    assert np.isfinite(found).all()
    assert told == sorted(told)
    assert told[-1] == 1.0
    low = found[24:]
    assert 1.2 < np.median(low) < 3.0


def test_the_whole_of_a_random_network_runs(folder: Path):
    rng = np.random.default_rng(0)
    view = View(rng.uniform(0.1, 1, (64, 128, 3)).astype(np.float32), None, Pose.identity())
    try:
        found = estimate(view, open_depth_model(folder), 1.6)
    except GenerationError as error:  # random weights may see nonsense, which is then said
        assert "contradicts its neighbours'" in str(error)  # noqa: PT017
    else:
        assert found.shape == (64, 128)
        assert (found > 0).all()


def _spoilt(folder: Path, tmp_path: Path, **files: str) -> Path:
    new = tmp_path / "model"
    new.mkdir()
    (new / "config.json").write_bytes((folder / "config.json").read_bytes())
    for name, text in files.items():
        (new / name.replace("_json", ".json").replace("_safetensors", ".safetensors")).write_text(text)
    return new


def test_folders_that_hold_no_depth_model(folder: Path, tmp_path: Path):
    with pytest.raises(GenerationError) as caught:
        open_depth_model(tmp_path / "nothing")
    assert str(caught.value) == f"{tmp_path}/nothing/config.json: cannot be read (No such file or directory)"
    wrong = _spoilt(folder, tmp_path, config_json='{"model_type": "llama"}')
    with pytest.raises(GenerationError) as caught:
        open_depth_model(wrong)
    kinds = "depth_anything, depth_pro, dpt, zoedepth"
    assert str(caught.value) == f"{wrong}: config.json: model_type 'llama' is no depth model: {kinds} are"
    (wrong / "config.json").write_text("{")
    with pytest.raises(GenerationError, match=r"config\.json: not JSON \("):
        open_depth_model(wrong)
    (wrong / "config.json").write_text("[]")
    with pytest.raises(GenerationError, match=r"config\.json: a JSON object is wanted, got a list$"):
        open_depth_model(wrong)


def test_damaged_weights_are_one_line(folder: Path, tmp_path: Path):
    wrong = _spoilt(folder, tmp_path, model_safetensors="rubbish")
    with pytest.raises(GenerationError, match=r"cannot be loaded as a depth model: ") as caught:
        open_depth_model(wrong)
    assert "\n" not in str(caught.value)


def test_impossible_sizes(folder: Path, tmp_path: Path):
    wrong = _spoilt(folder, tmp_path, preprocessor_config_json='{"size": {"height": 100000}}')
    (wrong / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(GenerationError, match=r"sizes 100000 and patches 14 cannot be$"):
        open_depth_model(wrong)


def test_without_transformers_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r'transformers is not installed: pip install "translight\[generate\]"'):
        open_depth_model(folder)
