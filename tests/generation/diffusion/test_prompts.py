"""Texts longer than CLIP reads at once, against diffusers' own encoding of short ones."""

from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from tests.generation.diffusion import orders, tiny
from tests.generation.diffusion.conftest import Shelf

from translight.generation.diffusion.prompts import chunks, encoded

PHRASES = "dunes at dusk, far away, "
"""20 tokens: the tiny tokenizer's are letters."""
LONG = PHRASES * 8


def _pipe(shelf: Shelf, kind: str) -> Any:
    return diffusers.DiffusionPipeline.from_pretrained(shelf.model(kind), local_files_only=True)


def _own(pipe: Any, kind: str, prompt: str, negative: str | None) -> dict[str, torch.Tensor]:
    """What diffusers makes of short texts."""
    arguments = {"device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": True}
    with torch.no_grad():
        found = pipe.encode_prompt(prompt=prompt, negative_prompt=negative, **arguments)
    names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    return dict(zip(names, found, strict=False))


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
@pytest.mark.parametrize("negative", ["", "people"])
def test_short_texts_are_encoded_as_diffusers_does_to_the_bit(shelf: Shelf, kind: str, negative: str):
    pipe = _pipe(shelf, kind)
    got, wanted = encoded(pipe, "dunes at dusk", negative, "cpu"), _own(pipe, kind, "dunes at dusk", negative or None)
    assert got.keys() == wanted.keys()
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_a_long_text_is_its_chunks_one_after_another(shelf: Shelf, kind: str):
    pipe = _pipe(shelf, kind)
    pieces = [PHRASES * 3 + "dunes at dusk, ", "far away, " + PHRASES * 3, PHRASES]  # 72, 68 and 20 tokens
    got = encoded(pipe, LONG, "people", "cpu")
    own = [_own(pipe, kind, piece, "") for piece in pieces]
    assert torch.equal(got["prompt_embeds"], torch.cat([one["prompt_embeds"] for one in own], dim=1))
    nothing = own[0]["negative_prompt_embeds"]
    wanted = [_own(pipe, kind, "a", "people")["negative_prompt_embeds"], nothing, nothing]
    assert torch.equal(got["negative_prompt_embeds"], torch.cat(wanted, dim=1))
    if kind == "sdxl":
        assert torch.equal(got["pooled_prompt_embeds"], own[0]["pooled_prompt_embeds"])


def test_a_long_text_without_a_negative_one_keeps_sdxl_s_zeros(shelf: Shelf):
    got = encoded(_pipe(shelf, "sdxl"), LONG, "", "cpu")
    assert got["negative_prompt_embeds"].shape == (1, 3 * 77, 2 * tiny.CROSS)
    assert not got["negative_prompt_embeds"].any()
    assert not got["negative_pooled_prompt_embeds"].any()


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", [0]),
        ("a " * 75, [75]),
        ("a " * 76, [75, 1]),
        ("ab " * 40, [74, 6]),  # no word is torn
        ("a" * 80, [75, 5]),  # unless it is longer than a chunk
        ("a " * 60 + ", " + "a " * 30, [61, 30]),  # a phrase stays whole
        ("a " * 50 + ", " + "a " * 30, [75, 6]),  # not at the cost of too many empty places
    ],
)
def test_chunks_end_between_words(text: str, lengths: list[int]):
    tokenizer = tiny.clip_tokenizer()
    found = chunks(tokenizer, text)
    assert [len(piece) for piece in found] == lengths
    assert [token for piece in found for token in piece] == tokenizer(text, add_special_tokens=False).input_ids


def test_the_end_of_a_long_prompt_is_drawn(shelf: Shelf):
    """Both differ past the 77th token only."""
    folder = shelf.model("sd")
    one, other = (orders.drawn(folder, prompt=LONG + end) for end in ("fog", "sun"))
    assert np.abs(one.views[0].image - other.views[0].image).max() > 1e-4
    assert one.settings["not_followed"] == other.settings["not_followed"] == []
