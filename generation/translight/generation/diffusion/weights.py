"""Weight files of a model's folder: safetensors only, whole, and their digest; folder.py and room.py ask.

Format: https://github.com/huggingface/safetensors#format. Pickled weights are refused: unpickling runs their code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from translight.core.errors import GenerationError
from translight.core.progress import Progress

MAX_HEADER_BYTES = 1 << 24
"""Security: of the JSON before the tensors; that of the largest models has under 2 MB."""
MAX_JSON_BYTES = 1 << 23
"""Security: of configurations and of the lists of split weights."""
VARIANT = "fp16"
"""The other name that half-precision weights go by: ``model.fp16.safetensors``."""

_STEMS = ("diffusion_pytorch_model", "model")
_PICKLED = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Weights:
    """The files that hold one model, in the order of their names."""

    files: tuple[Path, ...]
    variant: str | None
    """VARIANT where there are no others."""


def find_weights(folder: Path, *, variant_first: bool = False) -> Weights:
    """The weights in a component's folder, each file checked; of two kinds the plain one, or the variant first.

    Raises GenerationError where there are none, where they are pickled, cut off, or split with a piece missing.
    """
    for variant in (VARIANT, None) if variant_first else (None, VARIANT):
        dot = f".{variant}" if variant else ""
        names: set[str] = set()
        for stem in _STEMS:
            if (folder / f"{stem}{dot}.safetensors").is_file():
                names.add(f"{stem}{dot}.safetensors")
            index = folder / f"{stem}.safetensors.index{dot}.json"
            if index.is_file():
                names |= _pieces(index)
        if names:
            files = tuple(folder / name for name in sorted(names))
            for file in files:
                read_metadata(file)
            return Weights(files, variant)
    pickled = sorted(path.name for path in folder.glob("*") if path.suffix in _PICKLED)
    if pickled:
        raise GenerationError(
            f"{folder}: holds pickled weights only ({pickled[0]}), which can run code: "
            "get the .safetensors files of this model, or convert them"
        )
    raise GenerationError(f"{folder}: no weights; {_STEMS[0]}.safetensors or {_STEMS[1]}.safetensors is wanted")


def read_metadata(file: Path) -> dict[str, str]:
    """What a safetensors file says about itself, once its header and length agree. Raises GenerationError if not."""
    if file.suffix in _PICKLED:
        raise GenerationError(f"{file}: pickled weights can run code: get it as .safetensors, or convert it")
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if size < 8 or length > min(MAX_HEADER_BYTES, size - 8):
                raise GenerationError(f"{file}: cut off or not a safetensors file ({size} bytes)")
            header: Any = json.loads(opened.read(length))
        metadata = header.pop("__metadata__", {})
        wanted = 8 + length + max((int(tensor["data_offsets"][1]) for tensor in header.values()), default=0)
        said = {str(key): str(value) for key, value in metadata.items()}
    except OSError as error:
        raise GenerationError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
        raise GenerationError(f"{file}: not a safetensors file: its header is not readable") from error
    if size != wanted:
        raise GenerationError(f"{file}: cut off or damaged: {size} bytes, its header says {wanted}")
    return said


def digest(files: Iterable[Path], what: str, progress: Progress) -> str:
    """SHA-256 over the bytes of files, in the order of their names. Raises GenerationError where one is unreadable."""
    ordered = sorted(files, key=lambda path: (path.name, str(path)))
    try:
        total = max(1, sum(path.stat().st_size for path in ordered))
        done, sha = 0, hashlib.sha256()
        for path in ordered:
            with path.open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    sha.update(chunk)
                    done += len(chunk)
                    progress(f"reading {what}", done / total)
    except OSError as error:
        raise GenerationError(f"{error.filename}: cannot be read ({error.strerror})") from error
    return sha.hexdigest()


def read_json(file: Path) -> dict[str, Any]:
    """An object in a JSON file. Raises GenerationError on a missing, large (security) or malformed one."""
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise GenerationError(f"{file}: {file.stat().st_size} bytes; up to {MAX_JSON_BYTES} are read")
        found = json.loads(file.read_bytes())
    except OSError as error:
        raise GenerationError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise GenerationError(f"{file}: not JSON ({error})") from error
    if not isinstance(found, dict):
        raise GenerationError(f"{file}: a JSON object is wanted, got a {type(found).__name__}")
    return found


def _pieces(index: Path) -> set[str]:
    """Names of the files that split weights lie in."""
    named = read_json(index).get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(name, str) for name in named.values()):
        raise GenerationError(f"{index}: names no weight files")
    for name in sorted(set(named.values())):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise GenerationError(f"{index}: {name!r} is not a .safetensors file beside it")
        if not (index.parent / name).is_file():
            raise GenerationError(f"{index.parent / name}: missing, and {index.name} names it")
    return set(named.values())
