"""Prompts of any length for Stable Diffusion and SDXL, whose CLIP reads 77 tokens at once; drawing.py asks.

A longer text is read in chunks of 75 tokens, each between its own beginning and end, and what the encoder makes of
them is put one after another: attention in the UNet takes a text of any length. Chunks end where a phrase or at least
a word does. Short texts give to the bit what diffusers' own encode_prompt gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

_PHRASE_TOKENS = 20
"""So many at a chunk's end are searched for the end of a phrase."""
_WORD_END = "</w>"
"""How CLIP's byte pairs mark it (openai/CLIP, simple_tokenizer.py)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Encoded:
    tokens: torch.Tensor
    """(1 77·chunks width)"""
    pooled: torch.Tensor | None
    """(1 width): SDXL's second encoder's summary, of the first chunk."""


def encoded(pipe: Any, prompt: str, negative_prompt: str, device: str) -> dict[str, torch.Tensor]:
    """Arguments of an SD or SDXL pipeline in place of its prompt and negative prompt, which get equally many chunks."""
    readers = [
        (tokenizer, encoder)
        for tokenizer, encoder in (
            (pipe.tokenizer, pipe.text_encoder),
            (getattr(pipe, "tokenizer_2", None), getattr(pipe, "text_encoder_2", None)),
        )
        if encoder is not None
    ]
    summed = getattr(pipe, "text_encoder_2", None) is not None  # SDXL, which also takes a summary
    texts = [[chunks(tokenizer, text) for tokenizer, _ in readers] for text in (prompt, negative_prompt)]
    count = max(len(found) for text in texts for found in text)
    with torch.no_grad():
        positive, negative = (_encode(readers, text, count, summed, device) for text in texts)
    if summed and not negative_prompt and pipe.config.force_zeros_for_empty_prompt:
        summary = None if positive.pooled is None else torch.zeros_like(positive.pooled)
        negative = _Encoded(torch.zeros_like(positive.tokens), summary)
    found = {"prompt_embeds": positive.tokens, "negative_prompt_embeds": negative.tokens}
    if positive.pooled is not None and negative.pooled is not None:
        found |= {"pooled_prompt_embeds": positive.pooled, "negative_pooled_prompt_embeds": negative.pooled}
    return found


def chunks(tokenizer: Any, text: str) -> list[list[int]]:
    """The tokens of a text in pieces that fit between a beginning and an end; one empty piece for an empty text."""
    most = int(tokenizer.model_max_length) - 2
    tokens: list[int] = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids
    found = []
    while len(tokens) > most:
        end = _cut(tokenizer.convert_ids_to_tokens(tokens[:most]))
        found.append(tokens[:end])
        tokens = tokens[end:]
    return [*found, tokens]


def _cut(tokens: Sequence[str]) -> int:
    """How many of the tokens to keep together: up to a comma or full stop near the end, else to the last whole word."""
    for end in range(len(tokens), len(tokens) - _PHRASE_TOKENS, -1):
        if tokens[end - 1] in (f",{_WORD_END}", f".{_WORD_END}"):
            return end
    return next((end for end in range(len(tokens), 0, -1) if tokens[end - 1].endswith(_WORD_END)), len(tokens))


def _encode(
    readers: Sequence[tuple[Any, Any]], texts: Sequence[list[list[int]]], count: int, summed: bool, device: str
) -> _Encoded:
    """One text, read by every encoder, in ``count`` chunks; missing ones are empty."""
    widths, pooled = [], None
    for (tokenizer, encoder), pieces in zip(readers, texts, strict=True):
        read = []
        for number in range(count):
            ids, mask = _framed(tokenizer, pieces[number] if number < len(pieces) else [], device)
            if not summed:
                wants_mask = getattr(encoder.config, "use_attention_mask", False)
                read.append(encoder(ids, attention_mask=mask if wants_mask else None)[0])
                continue
            out = encoder(ids, output_hidden_states=True)
            if pooled is None and out[0].ndim == 2:
                pooled = out[0].to(device)
            read.append(out.hidden_states[-2])  # SDXL was trained with the last but one layer
        widths.append(torch.cat(read, dim=1))
    kind = readers[-1][1].dtype
    return _Encoded(torch.cat(widths, dim=-1).to(dtype=kind, device=device), pooled)


def _framed(tokenizer: Any, piece: list[int], device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(1 77) ids with beginning, end and padding, and which of them are text."""
    ids = [tokenizer.bos_token_id, *piece, tokenizer.eos_token_id]
    empty = int(tokenizer.model_max_length) - len(ids)
    padded = torch.tensor([[*ids, *([tokenizer.pad_token_id] * empty)]], device=device)
    return padded, torch.tensor([[1] * len(ids) + [0] * empty], device=device)
