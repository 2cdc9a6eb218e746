"""Whose a model is and what its licence allows, from its folder's own words; the record and the brief's ban use it.

A model card's front matter: https://huggingface.co/docs/hub/model-cards. Ids: https://huggingface.co/docs/hub/repositories-licenses
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from translight.core.errors import GenerationError
from translight.core.progress import Progress
from translight.generation.brief.brief import Avoid
from translight.generation.candidate import Model
from translight.generation.diffusion.folder import ModelFolder
from translight.generation.diffusion.weights import read_metadata

UNKNOWN = "unknown"
LORA = "LoRA"
"""In place of a pipeline's class, for a LoRA's file."""
_MAX_CHARS = 1 << 16
"""Of a card or licence text that are looked at."""

_COMMERCIAL = {
    *("apache-2.0", "mit", "bsd", "bsd-2-clause", "bsd-3-clause", "isc", "unlicense", "cc0-1.0"),
    *("cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("openrail", "openrail++", "creativeml-openrail-m", "bigscience-openrail-m"),
}
"""Ids that allow commercial use; the OpenRAIL ones forbid some purposes whoever pays."""
_NON_COMMERCIAL = re.compile(r"non-?commercial|(^|-)nc(-|$)|research-only")
_KNOWN = (
    (re.compile(r"flux\.?1-schnell|flux\.?2-klein-4b", re.I), "apache-2.0"),
    (re.compile(r"flux\.?1-(dev|fill|canny|depth|redux|kontext)|flux\.?2-(dev|klein-9b)", re.I), "flux-non-commercial"),
    (re.compile(r"stable-diffusion-xl-base-1\.0", re.I), "openrail++"),
    (re.compile(r"(^|/)(wan2|qwen-image|z-image)", re.I), "apache-2.0"),
)
"""Models that are often copied without their card, by name."""
_TEXTS = (
    (re.compile(r"non-?commercial", re.I), "non-commercial (its licence file)"),
    (re.compile(r"apache license\s+version 2\.0", re.I), "apache-2.0"),
    (re.compile(r"\bmit license\b", re.I), "mit"),
    (re.compile(r"open\s?rail\+\+", re.I), "openrail++"),
    (re.compile(r"open\s?rail", re.I), "openrail"),
)
"""What the beginning of a licence file shows."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def commercial_use(licence: str) -> bool | None:
    """Whether a licence allows commercial use; None where its id does not tell."""
    plain = licence.lower()
    if _NON_COMMERCIAL.search(plain):
        return False
    return True if plain in _COMMERCIAL else None


def licence_of(folder: Path, name: str) -> str:
    """Licence of the model in ``folder``: by its card, its licence file, its name; "unknown" where nothing says."""
    card = _text(folder / "README.md")
    front = re.match(r"---\s*\n(.*?)\n---", card, re.S)
    said = {}
    for key in ("license", "license_name"):
        found = re.search(
            rf"^{key}:[ \t]*(?:\n[ \t]*-[ \t]*)?[\"']?([^\"'\n#]+)", front.group(1) if front else "", re.M
        )
        if found and found.group(1).strip():
            said[key] = found.group(1).strip()[:100]
    licence = said.get("license", "")
    if licence.lower() in ("", "other", "unknown"):
        licence = said.get("license_name", "")
    if licence:
        return licence
    for file in sorted(folder.glob("LICEN[CS]E*")):
        text = _text(file)[:4000]
        for pattern, found_licence in _TEXTS:
            if pattern.search(text):
                return found_licence
    return next((known for pattern, known in _KNOWN if pattern.search(name)), UNKNOWN)


def record(role: str, folder: ModelFolder, sha256: str) -> Model:
    """A model as the record names it. A LoRA's licence is what its own metadata says, by the ModelSpec's key."""
    if folder.pipeline == LORA:  # the folder that it lies in is no model's
        licence = read_metadata(folder.weights[0]).get("modelspec.license", "").strip()[:100] or UNKNOWN
        return Model(folder.name, role, "", sha256, licence, commercial_use(licence))
    licence = licence_of(folder.path, folder.name)
    return Model(folder.name, role, revision_of(folder.path), sha256, licence, commercial_use(licence))


def permit(models: Iterable[Model], avoid: Avoid, progress: Progress) -> None:
    """Say aloud which models may not be used commercially, or may not be known to.

    Raises GenerationError for the first of them where the brief forbids such models.
    """
    for model in models:
        if model.commercial:
            continue
        told = (
            f"its licence ({model.licence}) does not allow commercial use"
            if model.commercial is False
            else f"its licence ({model.licence}) is not known to allow commercial use"
        )
        if avoid.non_commercial_models:
            cure = (
                "choose another model"
                if model.commercial is False
                else "choose another model, or write `license:` into its README.md once you know it"
            )
            raise GenerationError(
                f"{model.name} ({model.role}): {told}, and avoid.non_commercial_models forbids that: {cure}"
            )
        progress(f"{model.name}: {told}", 0.0)


def revision_of(folder: Path) -> str:
    """The commit that a download left behind: the hub's cache names folders by it, a local copy notes it."""
    for part in folder.absolute().parts[::-1]:
        if _COMMIT.fullmatch(part):
            return part
    notes = folder / ".cache" / "huggingface" / "download"
    for note in sorted(notes.glob("*.metadata")):
        first = _text(note).partition("\n")[0].strip()
        if _COMMIT.fullmatch(first):
            return first
    return ""


def _text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return opened.read(_MAX_CHARS)
    except OSError:
        return ""
