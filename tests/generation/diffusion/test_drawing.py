"""Pictures against those that diffusers makes by itself, and what goes into them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from tests.generation.diffusion.conftest import Shelf

from translight.colour.transfer import srgb_encode
from translight.core.errors import GenerationError
from translight.core.image import save_image
from translight.generation.diffusion.drawing import Words, control_picture, draw, guided, reference_picture, size_for
from translight.generation.diffusion.loading import Loaded, load
from translight.generation.diffusion.room import read_room
from translight.generation.diffusion.seamless import wrap_columns

WORDS = Words("dunes at dusk", "", 5.0, 2)


@pytest.mark.parametrize(
    "kind", ["sd", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("sdxl", "flux", "flux2", "z_image"))]
)
def test_a_picture_is_the_one_that_diffusers_makes_by_itself(shelf: Shelf, kind: str):
    """Seed, layout of latents, scaling and encoding: only the wrapping of columns is shared between the two."""
    folder = shelf.model(kind)
    loaded = load(read_room(folder))
    got = draw(loaded, WORDS, (32, 64), 7, lambda share: None, wrap=False)
    pipe: Any = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    wrap_columns(pipe.vae)
    if kind in ("sd", "sdxl"):
        wrap_columns(pipe.unet)
    wanted = pipe(
        prompt=WORDS.prompt,
        height=32,
        width=64,
        num_inference_steps=2,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(7),
        output_type="np",
    ).images[0]
    np.testing.assert_allclose(srgb_encode(got), wanted, atol=1e-5)
    assert got.dtype == np.float32
    assert len(np.unique(got)) > 2000  # never 8 bits: 6144 values of at most 256 kinds


def _loaded(family: Any, multiple_px: int = 64, native_px: int = 512) -> Loaded:
    return Loaded(SimpleNamespace(), family, "cpu", torch.float32, 8, multiple_px, native_px, 4)


@pytest.mark.parametrize(
    ("height", "wanted"), [(512, (512, 1024)), (1024, (512, 1024)), (100, (128, 256)), (500, (512, 1024))]
)
def test_sizes_are_whole_and_the_models_own_at_most(height: int, wanted: tuple[int, int]):
    assert size_for(_loaded("sd"), height, 2 * height) == wanted


def test_guidance_goes_where_the_family_takes_it():
    words = Words("a", "b", 6.0, 2)
    assert guided(_loaded("sd"), words) == {"guidance_scale": 6.0}  # its words are encoded apart
    assert guided(_loaded("z-image"), words) == {"guidance_scale": 6.0, "negative_prompt": "b"}
    assert guided(_loaded("z-image"), WORDS) == {"guidance_scale": 5.0, "negative_prompt": None}
    assert guided(_loaded("flux"), words) == {"guidance_scale": 1.0, "true_cfg_scale": 6.0, "negative_prompt": "b"}
    assert guided(_loaded("flux"), WORDS) == {"guidance_scale": 5.0}
    assert guided(_loaded("flux2"), words) == {"guidance_scale": 6.0}


def test_a_control_map_keeps_black_and_white():
    picture = control_picture(np.full((16, 32), 255, np.uint8), (32, 64))
    assert picture.shape == (1, 3, 32, 64)
    assert torch.equal(picture, torch.ones(1, 3, 32, 64))


def test_a_reference_is_its_middle_square_as_clip_saw_pictures(tmp_path: Path):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 10:30] = (255, 0, 51)
    save_image(tmp_path / "a.png", pixels)
    picture = reference_picture(tmp_path / "a.png", 8)
    assert picture.shape == (1, 3, 8, 8)
    # openai/CLIP: (x − mean) / std, channel by channel
    wanted = [(1 - 0.48145466) / 0.26862954, -0.4578275 / 0.26130258, (0.2 - 0.40821073) / 0.27577711]
    np.testing.assert_allclose(picture.mean(dim=(2, 3))[0], wanted, atol=1e-5)
    save_image(tmp_path / "light.exr", np.full((8, 8, 3), 1.0, np.float32))
    np.testing.assert_allclose(reference_picture(tmp_path / "light.exr", 8)[0, 0], wanted[0], atol=1e-3)


def test_an_unreadable_reference_is_told(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(GenerationError, match="not a readable PNG"):
        reference_picture(tmp_path / "a.png", 8)


def test_values_that_are_not_numbers_are_told(shelf: Shelf):
    loaded = load(read_room(shelf.model("sd")))
    with torch.no_grad():
        loaded.pipe.vae.decoder.conv_out.bias.fill_(float("nan"))
    with pytest.raises(GenerationError) as error:
        draw(loaded, WORDS, (32, 64), 7, lambda share: None)
    assert str(error.value) == "StableDiffusionPipeline drew values that are not numbers: its weights are damaged"
