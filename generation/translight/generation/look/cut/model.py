"""A trained network on disk: ``model.safetensors`` and ``model.json``, and the checkpoint that training goes on from.

training.py writes the folder whole, translator.py reads it. Weights are safetensors; the checkpoint is read by torch's
unpickler of tensors only (``weights_only``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from translight.core.errors import GenerationError
from translight.core.files import sha256_of, whole_folder
from translight.environment.typed_json import read_json
from translight.generation.candidate import Model
from translight.generation.look.cut.network import Generator

DESCRIPTION, WEIGHTS, CHECKPOINT = "model.json", "model.safetensors", "checkpoint.pt"
SCHEMA_VERSION = 1

_MAX_WEIGHTS_BYTES = 1 << 30
_MAX_CHECKPOINT_BYTES = 4 << 30
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a network is built and taught; all but the number of steps is fixed once training has begun."""

    size_px: Annotated[int, msgspec.Meta(ge=32, le=1024)] = 128
    """Side of the crops."""
    filters: Annotated[int, msgspec.Meta(ge=4, le=128)] = 32
    blocks: Annotated[int, msgspec.Meta(ge=0, le=16)] = 6
    places: Annotated[int, msgspec.Meta(ge=2, le=1024)] = 128
    """That are compared in each layer."""
    embedding: Annotated[int, msgspec.Meta(ge=4, le=1024)] = 128
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=1)] = 2e-4
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] = 0


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``model.json``: the record of what a network is and what it was taught with."""

    schema_version: int
    kind: Literal["cut"]
    settings: Settings
    steps: Annotated[int, msgspec.Meta(ge=0)]
    changed: dict[str, _Sha256]
    """The stills that it learned to change, by file name."""
    wanted: dict[str, _Sha256]
    """The stills whose look it learned."""
    licence: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    commercial: bool | None
    weights_sha256: _Sha256


def save_model(folder: Path, description: Description, generator: Generator, state: Mapping[str, Any]) -> None:
    """Write the folder whole. Raises GenerationError when it cannot be, as on a full disk; what was there stays."""
    weights = {name: value.detach().cpu().contiguous() for name, value in generator.state_dict().items()}
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder.absolute()) as aside:
            (aside / WEIGHTS).write_bytes(save(weights))
            whole = msgspec.structs.replace(description, weights_sha256=sha256_of(aside / WEIGHTS))
            (aside / DESCRIPTION).write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")
            torch.save(dict(state), aside / CHECKPOINT)
    except (OSError, RuntimeError) as error:  # torch's writer turns a full disk into a RuntimeError
        cause = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise GenerationError(f"{folder}: cannot be written ({cause})") from error


def read_description(folder: Path) -> Description:
    """What a folder says. Raises FormatError, GenerationError."""
    if not folder.is_dir():
        raise GenerationError(f"{folder}: no such folder; translight generate look-train makes one")
    found = read_json(folder / DESCRIPTION, Description)
    if found.schema_version != SCHEMA_VERSION:
        raise GenerationError(f"{folder / DESCRIPTION}: version {found.schema_version}, {SCHEMA_VERSION} is read")
    return found


def load_generator(folder: Path) -> tuple[Generator, Description, Model]:
    """The network, what is written of it, and its record. Raises FormatError, GenerationError."""
    found = read_description(folder)
    file = folder / WEIGHTS
    try:
        if file.stat().st_size > _MAX_WEIGHTS_BYTES:
            raise GenerationError(f"{file}: {file.stat().st_size} bytes, the limit is {_MAX_WEIGHTS_BYTES}")
        if sha256_of(file) != found.weights_sha256:
            raise GenerationError(f"{file}: is not the file that {DESCRIPTION} describes: its sha256 differs")
        weights = load(file.read_bytes())
    except OSError as error:
        raise GenerationError(f"{file}: cannot be read ({error.strerror})") from error
    except SafetensorError as error:
        raise GenerationError(f"{file}: not a safetensors file ({error})") from error
    generator = Generator(found.settings.filters, found.settings.blocks)
    try:
        generator.load_state_dict(weights)
    except RuntimeError as error:
        raise GenerationError(f"{file}: does not hold the network that {DESCRIPTION} describes") from error
    record = Model(
        folder.absolute().name,
        "image-translation",
        f"step {found.steps}",
        found.weights_sha256,
        found.licence,
        found.commercial,
    )
    return generator.eval(), found, record


def load_state(folder: Path) -> dict[str, Any]:
    """What training goes on from. Raises GenerationError."""
    file = folder / CHECKPOINT
    try:
        if file.stat().st_size > _MAX_CHECKPOINT_BYTES:
            raise GenerationError(f"{file}: {file.stat().st_size} bytes, the limit is {_MAX_CHECKPOINT_BYTES}")
        state = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise GenerationError(f"{file}: cannot be read ({error.strerror}); --fresh begins anew") from error
    except Exception as error:  # torch raises whatever its unpickler meets
        if isinstance(error, GenerationError):
            raise
        raise GenerationError(f"{file}: damaged ({type(error).__name__}); --fresh begins anew") from error
    if not isinstance(state, dict):
        raise GenerationError(f"{file}: is no checkpoint; --fresh begins anew")
    return state


def device_named(name: str) -> torch.device:
    """``auto`` is CUDA where there is one. Raises GenerationError."""
    if name not in ("auto", "cpu", "cuda"):
        raise GenerationError(f"--device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise GenerationError("--device cuda: torch finds no CUDA device here; --device cpu works everywhere")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def out_of_memory(error: RuntimeError) -> bool:
    """Whether torch had no memory left; on a processor it says so in words only."""
    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)
