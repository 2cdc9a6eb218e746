"""A CLIP model of random weights: the cosine is what its own forward pass says, its licence is kept and can forbid it."""

import math

import numpy as np
import pytest
from tests.generation.candidates import EYE, candidate

from translight.cli import main
from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.generation.brief.brief import Avoid, Brief, Place
from translight.generation.candidate import View
from translight.generation.panorama import directions
from translight.generation.review.measures.measures import open_clip, read_measures

pytestmark = pytest.mark.slow
BRIEF = Brief(name="b", intent="grey dunes", place=Place(where="a desert"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch = pytest.importorskip("torch", reason="the extra generate is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra generate is not installed")
    folder = tmp_path_factory.mktemp("clip")
    letters = {c: i + 2 for i, c in enumerate("abcdefghijklmnopqrstuvwxyz,")}
    words = {"<|startoftext|>": 0, "<|endoftext|>": 1, **letters, **{f"{c}</w>": i + 40 for c, i in letters.items()}}
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    torch.manual_seed(0)
    transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config={"vocab_size": 80, "max_position_embeddings": 77, "bos_token_id": 0, "eos_token_id": 1, **size},
            vision_config={"image_size": 32, "patch_size": 8, **size},
            projection_dim=8,
        )
    ).save_pretrained(folder)
    transformers.CLIPTokenizer(vocab=words, merges=[], model_max_length=77).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    return folder


def around(colour_of):
    rays = directions(64)
    return candidate(views=(View(colour_of(rays).astype(np.float32), None, EYE),))


def test_the_cosine_is_the_models_own_and_what_the_lens_sees_counts(folder):
    clip = open_clip(folder, BRIEF, silent)
    ahead = np.clip(np.random.default_rng(0).random((64, 128, 3)), 0, 1)
    found = clip.measure(around(lambda rays: np.where(rays[..., 1:2] > 0.3, ahead, 0.1)), BRIEF)
    other = clip.measure(around(lambda rays: np.where(rays[..., 1:2] > 0.3, ahead, 0.9)), BRIEF)
    assert found.value == other.value, "what is behind the camera does not count"
    assert found.details["view_1"] != other.details["view_1"]
    assert -1 <= found.value <= 1
    grey = [np.full((32, 32, 3), 0.5, np.float32)]
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    network = transformers.CLIPModel.from_pretrained(folder, local_files_only=True).eval()
    tokens = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)("a desert", return_tensors="pt")
    mean, std = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    pixels = torch.tensor(np.broadcast_to(((0.5 - mean) / std)[:, None, None], (1, 3, 32, 32)).copy()).float()
    with torch.no_grad():
        logits = network(**tokens, pixel_values=pixels).logits_per_text
    scale = math.exp(float(network.logit_scale.detach()))
    assert clip.cosines(grey, "a desert")[0] == pytest.approx(float(logits[0, 0]) / scale, abs=1e-5)


def test_its_licence_is_recorded_and_can_be_forbidden(folder, tmp_path):
    clip = open_clip(folder, BRIEF, silent)
    assert (clip.model.role, clip.model.licence, clip.model.commercial) == ("clip", "cc-by-nc-4.0", False)
    assert len(clip.model.sha256) == 64
    strict = Brief(name="b", intent="x", avoid=Avoid(non_commercial_models=True))
    with pytest.raises(GenerationError, match=r"avoid\.non_commercial_models forbids that"):
        open_clip(folder, strict, silent)
    with pytest.raises(GenerationError, match=r"^.*: not a model's folder, it has no config.json$"):
        open_clip(tmp_path, BRIEF, silent)


def test_a_run_is_measured_with_it(folder, tmp_path, capsys):
    from tests.generation.review import runs

    run, (one, _) = runs.make(tmp_path)
    capsys.readouterr()
    assert main(["review", "measure", str(run), "--clip", str(folder)]) == 0
    assert "clip" in capsys.readouterr().err
    measured = read_measures(one)
    assert measured.clip.licence == "cc-by-nc-4.0"
    assert measured.measures[-1].unit == "cosine"
    assert measured.measures[-1].value is not None
