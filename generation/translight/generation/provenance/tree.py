"""A credential as a tree that a person reads: who signed, what was done in which order, of what; claim.py wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from translight.generation.provenance.claim import ACTIONS, FILES, LEDGER, MINING, ORIGIN
from translight.generation.provenance.credential import Reading
from translight.generation.provenance.verify import plain

_DEEP = 8


def tree(reading: Reading) -> list[str]:
    """Lines of text, with nothing in them that a terminal obeys; nothing of it is proved by being shown."""
    manifest = reading.manifest
    lines = [f"{manifest.get('title', 'without a title')}"]
    signature = manifest.get("signature_info")
    if isinstance(signature, dict):
        lines += _branch("signature", signature)
    actions = reading.assertion(ACTIONS)
    done = actions.get("actions") if isinstance(actions, dict) else None
    lines.append("  actions")
    for action in done if isinstance(done, list) else ():
        if isinstance(action, dict):
            source = str(action.get("digitalSourceType", "")).rpartition("/")[2]
            when = f", {action['when']}" if action.get("when") else ""
            lines.append(
                f"    {action.get('action')} {action.get('description', '')}{when}" + (source and f": {source}")
            )
            facts = action.get("parameters")
            facts = facts.get("translight.facts") if isinstance(facts, dict) else None
            lines += list(_values(facts, 3)) if facts else []
    lines.append("  ingredients")
    ingredients = manifest.get("ingredients")
    for one in ingredients if isinstance(ingredients, list) else ():
        if isinstance(one, dict):
            lines.append(f"    {one.get('relationship')} {one.get('title')}: {one.get('description', '')}")
            lines += list(_values({k: v for k, v in dict(one.get("metadata") or {}).items() if v}, 3))
    for label, words in ((LEDGER, "ledger"), (ORIGIN, "origin"), (FILES, "files"), (MINING, "training and mining")):
        lines += _branch(words, reading.assertion(label))
    return [plain(line) for line in lines]


def _branch(words: str, data: Any) -> list[str]:
    return [f"  {words}", *_values(data, 2)]


def _values(data: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if depth > _DEEP:
        yield f"{indent}…"
    elif isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, dict | list) and value:
                yield f"{indent}{key}"
                yield from _values(value, depth + 1)
            else:
                yield f"{indent}{key}: {_scalar(value)}"
    elif isinstance(data, list):
        for value in data:
            if isinstance(value, dict | list) and value:
                yield f"{indent}-"
                yield from _values(value, depth + 1)
            else:
                yield f"{indent}- {_scalar(value)}"
    elif data is not None:
        yield f"{indent}{_scalar(data)}"


def _scalar(value: Any) -> str:
    return {None: "none", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)
