"""Films of tiny random models, against those that diffusers makes of the same picture by itself."""

from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from tests.generation.diffusion.conftest import Shelf

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.generation.brief.brief import Avoid
from translight.generation.diffusion.video import VIDEO, VideoModel

KINDS = ["svd", "wan", "ltx", "cogvideox"]
SIZE = (32, 64)
"""What each of them draws at without resizing."""


def _first(size: tuple[int, int] = SIZE) -> np.ndarray[Any, Any]:
    """Values that 8 bits hold, so that a PIL picture is the same one."""
    y, x = np.mgrid[: size[0], : size[1]]
    values = np.stack([x * 3 % 256, y * 7 % 256, (x + y) * 2 % 256], axis=-1).astype(np.uint8)
    return srgb_decode(values.astype(np.float32) / 255).astype(np.float32)


def _film(model: VideoModel, count: int = 5, seed: int = 7, prompt: str = "waves", **more: Any) -> np.ndarray[Any, Any]:
    first = more.pop("first", _first())
    return np.stack(list(model.frames(first, prompt, "", count, seed, silent, steps=2, **more)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # transformers' processors, of tensors
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS])
def test_a_film_is_the_one_that_diffusers_makes_of_a_pil_picture(shelf: Shelf, kind: str):
    folder = shelf.video(kind)
    got = _film(VideoModel(folder, Avoid(), silent), guidance=3.0)
    pipe: Any = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    picture = Image.fromarray(np.round(srgb_encode(_first()) * 255).astype(np.uint8))
    arguments: dict[str, Any] = {"prompt": "waves", "negative_prompt": "", "guidance_scale": 3.0}
    if kind == "svd":
        arguments = {"max_guidance_scale": 3.0}
    wanted = pipe(
        image=picture,
        height=SIZE[0],
        width=SIZE[1],
        num_frames=9 if kind == "ltx" else 5,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(7),
        output_type="np",
        **arguments,
    ).frames[0]
    assert got.shape == (5, *SIZE, 3)
    assert got.dtype == np.float32
    np.testing.assert_allclose(srgb_encode(got), wanted[:5], atol=1e-4)
    assert len(np.unique(got)) > 5000  # never 8 bits


@pytest.mark.parametrize(
    "kind", ["ltx", *(pytest.param(k, marks=pytest.mark.slow) for k in ("svd", "wan", "cogvideox"))]
)
def test_picture_seed_and_words_make_the_film(shelf: Shelf, kind: str):
    model = VideoModel(shelf.video(kind), Avoid(), silent)
    film = _film(model, count=2)
    assert film.shape == (2, *SIZE, 3)
    assert film.min() >= 0
    assert film.max() <= 1
    assert np.array_equal(_film(model, count=2), film)
    assert np.abs(_film(model, count=2, seed=8) - film).max() > 1e-3
    assert np.abs(_film(model, count=2, first=_first()[::-1].copy()) - film).max() > 1e-3
    if kind == "svd":
        assert model.not_followed("waves", "people") == [
            "the prompt: a StableVideoDiffusionPipeline takes none",
            "the negative prompt: a StableVideoDiffusionPipeline takes none",
        ]
    else:
        assert model.not_followed("waves", "people") == []
        assert np.abs(_film(model, count=2, prompt="smoke") - film).max() > 1e-6


def test_a_film_has_the_size_and_the_number_of_frames_that_were_asked_for(shelf: Shelf):
    told: list[float] = []
    model = VideoModel(shelf.video("ltx"), Avoid(), silent)
    film = list(model.frames(5 * _first((40, 50)), "waves", "", 3, 1, lambda what, share: told.append(share)))
    assert [frame.shape for frame in film] == [(40, 50, 3)] * 3
    assert told[-1] == 1.0


def test_words_that_are_not_read_are_told(shelf: Shelf):
    model = VideoModel(shelf.video("ltx"), Avoid(), silent)
    assert model.not_followed("a" * 200, "b") == [
        "the end of the prompt: it has 202 tokens, the model reads 128",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_one_frame_is_a_film_too(shelf: Shelf, kind: str):
    assert _film(VideoModel(shelf.video(kind), Avoid(), silent), count=1).shape == (1, *SIZE, 3)


def test_a_licence_is_recorded_said_and_forbidden(shelf: Shelf):
    told: list[str] = []
    model = VideoModel(shelf.video("ltx"), Avoid(), lambda what, share: told.append(what))
    assert (model.model.role, model.model.licence) == ("image-to-video", "ltx-video-open-weights")
    assert len(model.model.sha256) == 64
    assert told[0] == "ltx: its licence (ltx-video-open-weights) is not known to allow commercial use"
    with pytest.raises(GenerationError) as error:
        VideoModel(shelf.video("ltx"), Avoid(non_commercial_models=True), silent)
    assert str(error.value) == (
        "ltx (image-to-video): its licence (ltx-video-open-weights) is not known to allow commercial use, and "
        "avoid.non_commercial_models forbids that: choose another model, or write `license:` into its README.md once "
        "you know it"
    )


def test_another_kind_of_model_is_told(shelf: Shelf):
    folder = shelf.model("sd")
    with pytest.raises(GenerationError) as error:
        VideoModel(folder, Avoid(), silent)
    assert str(error.value) == (
        f"{folder}: holds a StableDiffusionPipeline; for image-to-video one of {', '.join(VIDEO)} is wanted"
    )


def test_wrong_pictures_and_counts_are_refused(shelf: Shelf):
    model = VideoModel(shelf.video("ltx"), Avoid(), silent)
    with pytest.raises(ValueError, match=r"^a picture \(h w 3\) of at least 8x8 pixels is wanted, got \(4, 4, 3\)$"):
        model.frames(np.zeros((4, 4, 3), np.float32), "", "", 2, 1, silent)
    with pytest.raises(ValueError, match=r"^from 1 to 1000 frames are drawn, got 1001$"):
        model.frames(_first(), "", "", 1001, 1, silent)


def test_an_interrupt_is_the_caller_s_own(shelf: Shelf):
    def stop(what: str, share: float) -> None:
        if what == "drawing frames":
            raise RuntimeError("stop")

    model = VideoModel(shelf.video("ltx"), Avoid(), silent)
    with pytest.raises(RuntimeError, match=r"^stop$"):
        model.frames(_first(), "waves", "", 2, 1, stop)
