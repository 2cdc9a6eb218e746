"""How an asset came to be, from what its own records say: an environment's report, or a candidate's description.

Nothing is added that no record holds; claim.py puts it into C2PA's terms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from translight.core.errors import FormatError, GenerationError
from translight.core.files import sha256_of
from translight.environment.package import is_package
from translight.environment.report import Report
from translight.generation.brief.read import read_brief
from translight.generation.candidate import DERIVED, Model
from translight.generation.review.decisions import check_whole
from translight.generation.run.generate import BRIEF
from translight.generation.run.store import FILE_NAME, read_stored

How = Literal["procedural", "model", "photographs", "imported", "mixed"]
"""``mixed``: of models and of something else."""

_FACT_BYTES = 400
"""A fact of a step that is longer is named by its sha256: the record itself has it whole …"""
_PRIVATE = ("prompt", "negative_prompt")
"""… and so are these: a credential goes out with the asset, the director's words stay in the house."""
_PHOTOGRAPHS = ("capture", "poses", "train", "reconstruct", "nerf", "bake")
_BY_HAND = ("crop", "floaters", "prune", "match", "merge")
"""Edits of an environment that change what is in it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done; ``facts`` are JSON values."""

    what: str
    at: str
    """ISO 8601, or empty where the record does not say when."""
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Input:
    """A file that was used: a reference, a LoRA, the brief with its block-out, or what was imported."""

    name: str
    role: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Origin:
    """All that is known; empty strings and None where nothing is."""

    how: How
    engine: str = ""
    seed: int | None = None
    brief: str = ""
    candidate: str = ""
    candidate_sha256: str = ""
    """Of its ``candidate.json``, which lists the sha256 of its files; empty where that was not at hand."""
    models: tuple[Model, ...] = ()
    inputs: tuple[Input, ...] = ()
    steps: tuple[Step, ...] = ()


def origin_of(asset: Path, source: Path | None, run: Path | None) -> Origin:
    """Of an asset: an environment by its report; else by ``source``, the candidate or environment it was made of.

    ``source`` None: the candidate in whose folder the asset lies, as an imported environment does. ``run`` is the
    folder of the run whose ledger is at hand: a candidate that a report names is looked up there. Raises FormatError
    or GenerationError where nothing says how the asset was made.
    """
    stored = asset.is_file() and (asset.absolute().parent / FILE_NAME).is_file()
    if is_package(asset) and not stored and (source is None or Report.of(asset).steps):
        return _of_environment(asset, run)
    if source is None:
        holds = asset if (asset / FILE_NAME).is_file() else asset.absolute().parent
        if not (holds / FILE_NAME).is_file():
            raise GenerationError(f"{asset}: nothing beside it says how it was made: name its source, --of CANDIDATE")
        if asset.is_file() and read_stored(holds).files.get(asset.name) != sha256_of(asset):
            raise GenerationError(f"{asset}: is not the file that {holds / FILE_NAME} lists")
        if asset.is_dir():
            check_whole(asset)
        return of_candidate(holds)
    if is_package(source):
        return _of_environment(source, run)
    if not (source / FILE_NAME).is_file():
        raise GenerationError(f"{source}: neither a candidate's folder nor an environment")
    return of_candidate(source)


def of_candidate(folder: Path) -> Origin:
    """Of a candidate, by its description and the brief of its run."""
    stored = read_stored(folder)
    origin = _generated(stored.engine, stored.seed, stored.name, stored.settings, stored.models)
    brief = folder.absolute().parent.parent / BRIEF
    name, inputs = "", origin.inputs
    if brief.is_file():
        read = read_brief(brief)
        role = f"brief and block-out of {len(read.blocking)}" if read.blocking else "brief"
        name, inputs = read.name, (Input(BRIEF, role, sha256_of(brief)), *inputs)
    return replace(origin, brief=name, inputs=inputs, candidate_sha256=sha256_of(folder / FILE_NAME))


def _of_environment(package: Path, run: Path | None) -> Origin:
    report = Report.of(package)
    made = report.last("generate")
    names = [str(step["step"]) for step in report.steps]
    if made is None:
        if not any(name in _PHOTOGRAPHS for name in names):
            raise GenerationError(f"{package}: its report does not say how it was made")
        return Origin("photographs", steps=_steps(report.steps))
    settings = made.get("settings")
    try:
        candidate, engine, seed = str(made["candidate"]), str(made["engine"]), int(made["seed"])
        with_models = (report.last("lift") or {}, *(step for step in report.steps if step["step"] == "plate"))
        models = msgspec.convert([m for step in with_models for m in step.get("models", ())], tuple[Model, ...])
        films = tuple(
            Input(str(step["film"]), "film of a plate", str(step.get("film_sha256", "")))
            for step in report.steps
            if step["step"] == "plate" and "film" in step
        )
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise FormatError(f"{package}: its report's steps are not as translight writes them ({error})") from error
    folder = None if run is None else run / "candidates" / candidate
    if folder is not None and Path(candidate).name == candidate and (folder / FILE_NAME).is_file():
        origin = of_candidate(folder)
        models = (*origin.models, *(model for model in models if model not in origin.models))
    else:
        origin = _generated(engine, seed, candidate, settings if isinstance(settings, dict) else {}, models)
        origin = replace(origin, brief=str(made.get("brief", "")))
    after = [step for step in report.steps if step["step"] != "generate"]
    mixed = any(name in (*_BY_HAND, *_PHOTOGRAPHS) for name in names) or engine == "procedural"
    how: How = "mixed" if (origin.how == "model" and mixed) or (models and origin.how == "procedural") else origin.how
    steps, inputs = (*origin.steps, *_steps(after)), (*origin.inputs, *films)
    return replace(origin, how=how, models=models, inputs=inputs, steps=steps)


def _generated(engine: str, seed: int, name: str, settings: Mapping[str, Any], models: Sequence[Model]) -> Origin:
    derived = settings.get(DERIVED, ())
    derived = [step for step in derived if isinstance(step, dict)] if isinstance(derived, list | tuple) else []
    own = {key: value for key, value in settings.items() if key != DERIVED}
    how: How = "model"
    if engine == "procedural":
        how = "mixed" if models else "procedural"
    elif engine == "import":
        how = "imported"
    facts = _short({"engine": engine, "seed": seed, **own})
    steps = (Step("generated", "", facts), *_steps(derived))
    return Origin(how, engine, seed, "", name, "", tuple(models), tuple(_inputs(settings)), steps)


def _steps(records: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Records of a report, or of what a candidate went through."""
    return tuple(
        Step(str(record.get("step")), str(record.get("at", "")), _short(record, ("step", "at", "models", "settings")))
        for record in records
    )


def _short(facts: Mapping[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in facts.items():
        if key in without:
            continue
        written = msgspec.json.encode(value, order="sorted")
        if len(written) <= _FACT_BYTES and key not in _PRIVATE:
            kept[str(key)] = _without_folders(value)
        else:
            kept[f"{key}_sha256"] = hashlib.sha256(written).hexdigest()
    return kept


def _without_folders(value: Any) -> Any:
    """Files by their names alone: where they lay says nothing of the asset, and much of the house."""
    if isinstance(value, dict):
        return {
            str(key): Path(inner).name if key == "file" and isinstance(inner, str) else _without_folders(inner)
            for key, inner in value.items()
        }
    return [_without_folders(inner) for inner in value] if isinstance(value, list | tuple) else value


def _inputs(settings: Any, role: str = "input") -> Iterable[Input]:
    """Every file that the settings name together with its sha256, however deep."""
    if isinstance(settings, dict):
        name, digest = settings.get("file"), settings.get("sha256")
        if isinstance(name, str) and isinstance(digest, str):
            yield Input(Path(name).name, role, digest)
        for key, value in settings.items():
            yield from _inputs(value, {"references": "reference", "loras": "LoRA"}.get(str(key), str(key)))
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from _inputs(value, role)
