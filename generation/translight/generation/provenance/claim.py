"""An origin in C2PA's terms: the definition of a manifest, as plain values; credential.py signs it.

Actions, ingredients and assertions as C2PA 2.2 has them; digital source types are IPTC's NewsCodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec

from translight.generation.candidate import Model
from translight.generation.provenance.decision import Decision, reason
from translight.generation.provenance.origin import How, Input, Origin, Step
from translight.generation.review.ledger import Entry

LEDGER, ORIGIN, FILES = "translight.ledger", "translight.origin", "translight.files"
"""Labels of our own assertions."""
ACTIONS, MINING = "c2pa.actions.v2", "cawg.training-mining"

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCE_TYPES: dict[How, str] = {
    "procedural": _IPTC + "algorithmicMedia",
    "model": _IPTC + "trainedAlgorithmicMedia",
    "mixed": _IPTC + "compositeWithTrainedAlgorithmicMedia",
    "photographs": _IPTC + "compositeCapture",
}
"""What was imported has none: it was opened, not created, and nothing is known of before."""

_DONE = {
    "upscaled": "c2pa.resized",
    "looked": "c2pa.color_adjustments",
    "match": "c2pa.color_adjustments",
    "varied": "c2pa.edited",
    "lift": "c2pa.converted",
    "export": "c2pa.transcoded",
    "crop": "c2pa.cropped",
    "watermarked": "c2pa.watermarked.unbound",
}
"""Step → action; any other step is c2pa.edited."""
_MEASURES = ("parallax", "evaluate", "detail")
"""Steps that changed nothing."""
_MODEL_TYPE = "c2pa.types.model"
_NO_MINING = ("ai_inference", "ai_generative_training", "ai_training", "data_mining")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a signature says beside where the asset came from."""

    title: str
    by: str
    signed_at: str
    """ISO 8601: the signer's own clock."""
    sha256_before: str
    """Of the asset before a credential was put in."""
    files: Mapping[str, str]
    """Name → sha256 of each file of a package or folder."""
    ledger_head: str
    ledger_entries: int
    has_ledger: bool
    made: tuple[Entry, ...] = ()
    """The ledger's lines that lead from a candidate to this package."""


def definition(origin: Origin, decision: Decision, facts: Facts) -> dict[str, Any]:
    """The manifest to sign, as c2pa's JSON; equal arguments give equal values."""
    ours = {"name": "translight", "version": version("translight")}
    ingredients, labels = _ingredients(origin)
    return {
        "claim_generator_info": [ours],
        "title": facts.title,
        "ingredients": ingredients,
        "assertions": [
            _created(ACTIONS, {"actions": _actions(origin, labels, ours)}),
            _created(MINING, {"entries": {f"cawg.{use}": {"use": "notAllowed"} for use in _NO_MINING}}),
            _created(ORIGIN, _origin(origin, facts)),
            _created(LEDGER, _ledger(decision, facts)),
            _created(FILES, {"files": dict(facts.files)}),
        ],
    }


def _created(label: str, data: Any) -> dict[str, Any]:
    """An assertion that the signer makes, not one that it was handed."""
    return {"label": label, "created": True, "data": data}


def _actions(origin: Origin, labels: list[str], ours: Mapping[str, str]) -> list[dict[str, Any]]:
    first, *rest = origin.steps or (Step("generated", "", {}),)
    if origin.how == "photographs":
        rest = list(origin.steps)
    imported = origin.how == "imported"
    begun = _action("c2pa.opened" if imported else "c2pa.created", first, ours)
    if not imported:
        begun["digitalSourceType"] = SOURCE_TYPES[origin.how]
    if labels:  # what is opened is one parent, and C2PA allows that action nothing else
        begun.setdefault("parameters", {})["ingredientIds"] = labels[:1] if imported else labels
    done = [_action(_DONE.get(step.what, "c2pa.edited"), step, ours) for step in rest if step.what not in _MEASURES]
    return [begun, *done]


def _action(name: str, step: Step, ours: Mapping[str, str]) -> dict[str, Any]:
    action: dict[str, Any] = {"action": name, "softwareAgent": dict(ours), "description": step.what}
    if step.at:
        action["when"] = step.at
    if step.facts:
        action["parameters"] = {"translight.facts": _without_lists(step.facts)}
    return action


def _without_lists(value: Any) -> Any:
    """Lists as text: c2pa takes a list of numbers for bytes, and cuts each down to one."""
    if isinstance(value, dict):
        return {key: _without_lists(inner) for key, inner in value.items()}
    return msgspec.json.encode(value).decode() if isinstance(value, list | tuple) else value


def _ingredients(origin: Origin) -> tuple[list[dict[str, Any]], list[str]]:
    """What went in, and the labels by which the first action names it."""
    found: list[dict[str, Any]] = []
    inputs = list(origin.inputs)
    if origin.how == "imported":
        own = next((one for one in inputs if one.role == "input"), Input(origin.candidate, "input", ""))
        inputs = [one for one in inputs if one is not own]
        found.append(_ingredient("parentOf", own.name, "imported; what made it is not known", own.sha256))
    found += [_ingredient("inputTo", one.name, one.role, one.sha256) for one in inputs]
    found += [_model(one) for one in origin.models if (origin.how, one.role) != ("imported", "imported")]
    labels = [f"ingredient-{number}" for number in range(1, len(found) + 1)]
    for label, ingredient in zip(labels, found, strict=True):
        ingredient["label"] = label
    return found, labels


def _ingredient(relationship: str, name: str, description: str, sha256: str) -> dict[str, Any]:
    return {
        "title": name,
        "format": "application/octet-stream",
        "relationship": relationship,
        "description": description,
        "metadata": {"sha256": sha256},
    }


def _model(model: Model) -> dict[str, Any]:
    allowed = {True: "commercial use allowed", False: "not for commercial use", None: "commercial use not known"}
    facts = {"licence": model.licence, "revision": model.revision, "sha256": model.sha256, "role": model.role}
    return {
        **_ingredient("inputTo", model.name, f"{model.role}; licence {model.licence}, {allowed[model.commercial]}", ""),
        "data_types": [{"type": _MODEL_TYPE}],
        "metadata": facts,
    }


def _origin(origin: Origin, facts: Facts) -> dict[str, Any]:
    return {
        "how": origin.how,
        "engine": origin.engine,
        "seed": origin.seed,
        "brief": origin.brief,
        "candidate": origin.candidate,
        "candidate_sha256": origin.candidate_sha256,
        "asset_sha256_before_signing": facts.sha256_before,
        "inputs": [{"name": one.name, "role": one.role, "sha256": one.sha256} for one in origin.inputs],
        "models": [msgspec.structs.asdict(model) for model in origin.models],
    }


def _ledger(decision: Decision, facts: Facts) -> dict[str, Any]:
    entry = decision.entry
    told = None
    if entry is not None:
        told = {"line": entry.number, "action": entry.action, "who": entry.who, "at": entry.at}
        if why := reason(entry):
            told["why"] = why
    return {
        "head": facts.ledger_head if facts.has_ledger else None,
        "entries": facts.ledger_entries,
        "approved": decision.accepted,
        **({} if decision.accepted else {"why_not_approved": decision.why_not}),
        "decision": told,
        "made_in_line": decision.recorded,
        "made": [{"line": e.number, "action": e.action, "who": e.who, "at": e.at} for e in facts.made],
        "signed_by": facts.by,
        "signed_at": facts.signed_at,
    }
