"""The engine as its users call it: every path of a brief shows in the picture, or is said not to."""

import importlib.util
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generation.diffusion import orders, tiny
from tests.generation.diffusion.conftest import Shelf

from translight.core.errors import GenerationError, MissingExtra
from translight.core.image import save_image
from translight.core.progress import silent
from translight.generation.brief.brief import Avoid, LoraChoice, Reference
from translight.generation.diffusion import drawing, latents, loading
from translight.generation.engines.engine import open_engine

_ROLL_PX = 16
"""Two latents: one cell of the tiny UNet's coarsest level."""


def _apart(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float(np.abs(a - b).max())


@pytest.fixture(scope="module")
def plain(shelf: Shelf) -> np.ndarray[Any, Any]:
    return orders.image(shelf.model("sd"))


_SLOW_KINDS = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("sdxl", "flux2", "z_image")]


@pytest.mark.parametrize("kind", ["sd", "flux", *_SLOW_KINDS])
def test_a_candidate_is_a_linear_panorama_with_its_record(shelf: Shelf, kind: str, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> None:
        raise AssertionError("asked a server")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    candidate = orders.drawn(shelf.model(kind), height_px=40)
    (view,) = candidate.views
    assert (candidate.name, candidate.engine, candidate.seed) == ("diffusers-0000", "diffusers", 7)
    assert (view.image.shape, view.image.dtype, view.camera, view.distance_m) == ((40, 80, 3), np.float32, None, None)
    assert tuple(view.stage_from_camera.position_m) == (0, 0, 1.7)
    assert 0 <= view.image.min() < view.image.max() <= 1
    assert view.image.std() > 0.05
    assert [model.role for model in candidate.models] == ["text-to-image"]
    assert json.loads(json.dumps(candidate.settings)) == candidate.settings
    assert candidate.settings["drawn_px"] == [48, 96]
    assert candidate.settings["prompt"] == "dunes at dusk"


def test_seeds_are_candidates_and_equal_orders_are_equal(shelf: Shelf, plain: np.ndarray[Any, Any]):
    engine = open_engine("diffusers", shelf.model("sd"))
    found = list(engine.candidates(orders.order(seeds=(8, 7)), silent))
    assert [(one.name, one.seed) for one in found] == [("diffusers-0000", 8), ("diffusers-0001", 7)]
    assert np.array_equal(found[1].views[0].image, plain)  # another engine, another place in the order
    assert _apart(found[0].views[0].image, plain) > 0.1


@pytest.mark.slow
def test_what_to_avoid_changes_the_picture(shelf: Shelf, plain: np.ndarray[Any, Any]):
    assert _apart(orders.image(shelf.model("sd"), negative_prompt="people"), plain) > 0.01
    flux = orders.image(shelf.model("flux"))
    assert _apart(orders.image(shelf.model("flux"), negative_prompt="people"), flux) > 0.01


@pytest.mark.slow
def test_words_that_are_not_heard_are_told(shelf: Shelf):
    candidate = orders.drawn(shelf.model("flux2"), negative_prompt="people")
    assert candidate.settings["not_followed"] == ["the negative prompt: a Flux2KleinPipeline takes none"]
    candidate = orders.drawn(shelf.model("sd"), negative_prompt="a" * 100, guidance=1.0)
    assert candidate.settings["not_followed"] == ["the negative prompt: it acts from a guidance above 1, got 1"]
    candidate = orders.drawn(shelf.model("flux"), prompt="a" * 600)
    assert candidate.settings["not_followed"] == [
        "the end of the prompt: it has 602 tokens, the model reads 512",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_each_control_map_changes_the_picture_and_weight_0_does_not(shelf: Shelf, kind: str):
    room = shelf.room(kind)
    without = orders.image(room)
    depth = orders.image(room, control=orders.control(edges_weight=0.0))
    edges = orders.image(room, control=orders.control(depth_weight=0.0))
    both = orders.drawn(room, control=orders.control())
    assert both.settings["control"] == {"depth": 1.0, "edges": 1.0}
    assert [model.role for model in both.models] == ["text-to-image", "controlnet-depth", "controlnet-edges"]
    pictures = [without, depth, edges, both.views[0].image]
    assert min(_apart(a, b) for i, a in enumerate(pictures) for b in pictures[:i]) > 0.01
    assert np.array_equal(orders.image(room, control=orders.control(depth_weight=0.0, edges_weight=0.0)), without)


def _rolled_noise(*given: Any, **more: Any) -> torch.Tensor:
    return torch.roll(latents.noise(*given, **more), _ROLL_PX // 8, dims=-1)


def test_the_same_panorama_turned_is_the_panorama_turned(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    """Roll-equivariance of it all, ControlNets too: no place of the picture is its edge."""
    room = shelf.room()
    straight = orders.image(room, control=orders.control())
    monkeypatch.setattr(drawing, "noise", _rolled_noise)
    turned = orders.image(room, control=orders.control(turn_px=_ROLL_PX))
    assert _apart(np.roll(straight, _ROLL_PX, axis=1), turned) < 1e-4
    monkeypatch.setattr(loading, "wrap_columns", lambda model: None)  # as diffusers has it, there is an edge
    assert _apart(np.roll(straight, _ROLL_PX, axis=1), orders.image(room, control=orders.control())) > 0.01


@pytest.mark.parametrize("kind", ["flux", *_SLOW_KINDS[1:]])
def test_a_transformers_last_column_was_drawn_beside_its_first(
    shelf: Shelf, kind: str, monkeypatch: pytest.MonkeyPatch
):
    """What follows the last column, in the latents it was drawn with, is the first columns to the bit."""
    ends: list[torch.Tensor] = []
    decode = drawing.decode

    def watched(vae: Any, given: torch.Tensor, *rest: Any) -> torch.Tensor:
        ends.append(latents.unpack(given, 4, 14) if kind == "flux" else given)
        return decode(vae, given, *rest)

    monkeypatch.setattr(drawing, "decode", watched)
    orders.drawn(shelf.model(kind))
    assert ends[0].shape == (1, 4, 4, 8 + 6)
    assert torch.equal(ends[0][..., 8:], ends[0][..., :6])
    monkeypatch.setattr(drawing, "close_seam", lambda found, *_: found)
    orders.drawn(shelf.model(kind))
    assert not torch.equal(ends[1][..., 8:], ends[1][..., :6])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_references_act_by_their_weights(shelf: Shelf, kind: str, tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        save_image(tmp_path / f"{name}.png", rng.integers(0, 255, (40, 60, 3), np.uint8))
    room = shelf.room(kind)

    def seen(**weights: float) -> np.ndarray[Any, Any]:
        references = tuple(Reference(file=tmp_path / f"{name}.png", weight=w) for name, w in weights.items())
        return orders.image(room, references=references)

    without = orders.image(room)
    one, other, both = seen(a=1.0), seen(b=1.0), seen(a=1.0, b=0.5)
    pictures = [without, one, other, both]
    assert min(_apart(a, b) for i, a in enumerate(pictures) for b in pictures[:i]) > 1e-3
    np.testing.assert_allclose(seen(a=1.0, b=0.0), one, atol=1e-5)


def test_what_the_room_cannot_follow_is_told(shelf: Shelf, tmp_path: Path, plain: np.ndarray[Any, Any]):
    said: list[str] = []
    engine = open_engine("diffusers", shelf.model("sd"))
    order = orders.order(control=orders.control(), references=(Reference(file=tmp_path / "a.png"),), height_px=72)
    candidate = next(engine.candidates(order, lambda what, share: said.append(what)))
    wanted = [
        "the block-out's depth: no controlnet-depth/ beside sd/",
        "the block-out's edges: no controlnet-edges/ beside sd/",
        "the reference pictures (1): no ip-adapter/ beside sd/",
        "the height of 72 px: drawn at 64, the model's own, and enlarged",
    ]
    assert candidate.settings["not_followed"] == wanted
    assert [what.removeprefix("not followed: ") for what in said if what.startswith("not")] == wanted
    assert candidate.views[0].image.shape == (72, 144, 3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sd", "sdxl", "flux", "flux2", "z_image"])
def test_a_lora_acts_and_at_weight_0_restores_the_base(shelf: Shelf, kind: str):
    folder, file = shelf.model(kind), shelf.lora(kind)
    plain = orders.image(folder)
    candidate = orders.drawn(folder, loras=(LoraChoice(file=file, weight=1.0),))
    assert _apart(candidate.views[0].image, plain) > 0.01
    assert [(model.name, model.role) for model in candidate.models][1:] == [(file.stem, "lora")]
    assert np.array_equal(orders.image(folder, loras=(LoraChoice(file=file, weight=0.0),)), plain)


@pytest.mark.slow
def test_loras_add_up(shelf: Shelf):
    folder, file = shelf.model("sd"), shelf.lora()
    once = orders.image(folder, loras=(LoraChoice(file=file, weight=1.0),))
    twice = tuple(LoraChoice(file=file, weight=0.5) for _ in range(2))
    np.testing.assert_allclose(orders.image(folder, loras=twice), once, atol=1e-4)


def test_a_lora_for_something_else_is_told(shelf: Shelf, tmp_path: Path):
    def told(file: Path) -> str:
        with pytest.raises(GenerationError) as error:
            orders.drawn(shelf.model("sd"), loras=(LoraChoice(file=file),))
        assert "\n" not in str(error.value)
        return str(error.value)

    tiny.save_file({"something": torch.zeros(2)}, tmp_path / "else.safetensors")
    assert told(tmp_path / "else.safetensors").startswith(f"{tmp_path / 'else.safetensors'}: ")
    assert told(tmp_path / "gone.safetensors") == (
        f"{tmp_path / 'gone.safetensors'}: cannot be read (No such file or directory)"
    )
    (tmp_path / "old.pt").write_bytes(b"\x80\x04.")
    assert told(tmp_path / "old.pt").startswith(f"{tmp_path / 'old.pt'}: pickled weights can run code")


def test_a_forbidden_licence_ends_it_before_anything_is_loaded(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    engine = open_engine("diffusers", shelf.model("flux"))
    (model,) = engine.models()
    assert (model.licence, model.commercial, len(model.sha256)) == ("flux-1-dev-non-commercial-license", False, 64)
    said: list[str] = []
    next(engine.candidates(orders.order(), lambda what, share: said.append(what)))
    assert "flux: its licence (flux-1-dev-non-commercial-license) does not allow commercial use" in said
    monkeypatch.setattr(loading, "load", None)
    with pytest.raises(GenerationError) as error:
        next(engine.candidates(orders.order(avoid=Avoid(non_commercial_models=True)), silent))
    assert str(error.value) == (
        "flux (text-to-image): its licence (flux-1-dev-non-commercial-license) does not allow commercial use, "
        "and avoid.non_commercial_models forbids that: choose another model"
    )


def test_progress_rises_and_its_interrupt_ends_the_work(shelf: Shelf):
    engine = open_engine("diffusers", shelf.model("sd"))
    heard: list[tuple[str, float]] = []
    list(engine.candidates(orders.order(seeds=(1, 2)), lambda what, share: heard.append((what, share))))
    assert [one for one in heard if one[0].startswith("drawing")] == [
        ("drawing diffusers-0000", 0.25),
        ("drawing diffusers-0000", 0.5),
        ("drawing diffusers-0001", 0.75),
        ("drawing diffusers-0001", 1.0),
    ]

    def interrupt(what: str, share: float) -> None:
        if what.startswith("drawing"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(engine.candidates(orders.order(), interrupt))

    def stop(what: str, share: float) -> None:
        if what.startswith("drawing"):
            raise ValueError("enough")

    with pytest.raises(ValueError, match=r"^enough$"):
        next(engine.candidates(orders.order(), stop))


def test_opening_loads_no_library(shelf: Shelf):
    code = f"""
import sys
from pathlib import Path
from translight.generation.engines.engine import open_engine
assert open_engine("diffusers", Path({str(shelf.model("sd"))!r})).models()
print(*(name for name in ("torch", "diffusers", "transformers", "peft") if name in sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, ""), run.stderr


def test_digests_follow_the_files(shelf: Shelf, tmp_path: Path):
    folder = tiny.sd(tmp_path / "own", card=None)
    engine = open_engine("diffusers", folder)
    (before,) = engine.models()
    assert (before.name, before.licence, before.commercial) == ("own", "unknown", None)
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    (after,) = engine.models()
    assert after.sha256 != before.sha256


def test_a_folder_that_lies_about_its_sizes_is_told(tmp_path: Path):
    folder = tiny.sd(tmp_path / "own")
    config = folder / "unet" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "cross_attention_dim": 48}))
    with pytest.raises(GenerationError) as error:
        orders.drawn(folder)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{folder}: cannot be loaded (")


def test_a_missing_library_names_the_extra(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "translight.generation.diffusion.engine.find_spec", lambda name: None if name == "peft" else find(name)
    )
    with pytest.raises(MissingExtra) as error:
        open_engine("diffusers", shelf.model("sd"))
    assert str(error.value) == 'peft is not installed: pip install "translight[generate]"'
