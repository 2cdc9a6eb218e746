"""A title as rows of plain words, the same for HTML and PDF; title.py gathers it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from translight.generation.candidate import Model
from translight.generation.provenance.decision import reason
from translight.generation.provenance.title import MISSING, Title, head_claimed
from translight.generation.provenance.verify import plain
from translight.generation.review.made import made_words

Tone = Literal["", "good", "bad"]

_HOW = {
    "procedural": "computed, without a trained model",
    "model": "made by a trained model (AI)",
    "mixed": "made of a trained model's work (AI) and of something else",
    "photographs": "made of photographs",
    "imported": "imported: what made it is not known",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A label, and lines with the tone of each. Words from elsewhere have no control characters; nothing is escaped."""

    label: str
    lines: tuple[tuple[str, Tone], ...]


def heading(title: Title) -> str:
    """What stands above an asset's rows."""
    name = title.asset.name if title.kind == "candidate" else title.asset.stem
    fault = f", {MISSING if title.fault == MISSING else 'damaged'}" if title.fault else ""
    return plain(f"{name} ({title.kind}{fault})")


def rows_of(title: Title) -> list[Row]:
    """The chain of title of one asset."""
    origin = title.origin
    rows = [_row("File", title.asset.name, f"sha256 {title.sha256}" if title.sha256 else "")]
    if title.fault:
        rows.append(Row("Fault", ((plain(_fault(title)), "bad"),)))
    if title.fault == MISSING:
        pass  # nothing is known of what is not there
    elif origin is None:
        rows.append(Row("Origin", ((plain(f"not known: {title.unknown}"), "bad"),)))
    else:
        rows.append(_row("Origin", _HOW[origin.how], f"IPTC {title.source_type}" if title.source_type else ""))
        engine = f"{origin.engine}, seed {origin.seed}" if origin.engine else ""
        rows.append(_row("Brief", origin.brief))
        rows.append(_row("Engine", engine, f"candidate {origin.candidate}" if origin.candidate else ""))
        rows.append(Row("Models", tuple(_model(model) for model in title.models)))
        rows.append(_row("Inputs", *(f"{one.role}: {one.name}, sha256 {one.sha256}" for one in origin.inputs)))
        steps = (f"{step.what}{f', {step.at}' if step.at else ''}: {_facts(step.facts)}" for step in title.steps)
        rows.append(_row("Steps", *steps))
    decisions = tuple(
        (
            plain(f"{entry.action} by {entry.who}, {entry.at}{_why(reason(entry))} (line {entry.number})"),
            _tone(entry.action),
        )
        for entry in title.decisions
    )
    if title.fault == MISSING and title.ledger is None:
        return rows[:2]
    rows.append(_row("Made", *(f"{made_words(entry)}, {entry.at} (line {entry.number})" for entry in title.made)))
    rows.append(Row("Decisions", decisions or (("nobody has decided", "bad"),)))
    if title.fault != MISSING:
        rows.append(Row("Signature", _signature(title)))
    rows.append(Row("Ledger", _ledger(title)))
    return [row for row in rows if row.lines]


def summary(titles: Sequence[Title]) -> list[tuple[str, Tone]]:
    """What a producer must know first."""
    proved = sum(title.verdict.status == 0 for title in titles)
    barred = sorted({m.name for title in titles for m in title.models if m.commercial is False})
    asked = sorted({m.name for title in titles for m in title.models if m.commercial is None})
    unknown = sum(title.origin is None and not title.fault for title in titles)
    missing = gaps(titles)
    lines: list[tuple[str, Tone]] = [
        (f"{len(titles)} assets, {proved} with a proved signature", "good" if proved == len(titles) else "bad")
    ]
    if barred:
        lines.append((f"NOT for commercial use: {', '.join(barred)}", "bad"))
    if asked:
        lines.append((f"licence to be asked for: {', '.join(asked)}", "bad"))
    if unknown:
        lines.append((f"of {unknown} the records do not say how they were made", "bad"))
    if missing:
        lines.append(("THIS REPORT IS NOT COMPLETE:", "bad"))
        lines += [(line, "bad") for line in missing]
    return [(plain(line), tone) for line, tone in lines]


def gaps(titles: Sequence[Title]) -> list[str]:
    """Why the report is not complete, a line for each thing; none where it is."""
    found = [_fault(title) for title in titles if title.fault]
    ledgers = {title.ledger.path: title.ledger.broken for title in titles if title.ledger is not None}
    for path, broken in sorted(ledgers.items()):
        if broken:
            found.append(f"{MISSING}: {path}" if broken == MISSING else f"a ledger was changed: {path}")
    return [plain(line) for line in found]


def _fault(title: Title) -> str:
    return f"{MISSING}: {title.asset}" if title.fault == MISSING else f"damaged: {title.fault}"


def _row(label: str, *lines: str) -> Row:
    return Row(label, tuple((plain(line), "") for line in lines if line))


def _model(model: Model) -> tuple[str, Tone]:
    allowed = {True: "commercial use allowed", False: "NOT for commercial use", None: "commercial use not known"}
    revision = f", revision {model.revision}" if model.revision else ""
    words = f"{model.role}: {model.name}{revision}; licence {model.licence}: {allowed[model.commercial]}"
    return plain(f"{words}; sha256 {model.sha256}"), "" if model.commercial else "bad"


def _signature(title: Title) -> tuple[tuple[str, Tone], ...]:
    verdict = title.verdict
    lines: list[tuple[str, Tone]] = [(title.state, "good" if verdict.status == 0 else "bad")]
    lines += [(f"proved: {line}", "") for line in verdict.proved]
    lines += [(f"claimed: {line}", "") for line in verdict.claimed[:2]]
    return (*lines, *((f"not proved: {line}", "bad" if verdict.status else "") for line in verdict.wrong))


def _ledger(title: Title) -> tuple[tuple[str, Tone], ...]:
    head = head_claimed(title.asset)
    signed: tuple[tuple[str, Tone], ...] = ((plain(f"head when it was signed {head}"), ""),) if head else ()
    if title.ledger is None:
        return (("its run's folder was not given", ""), *signed)
    if title.ledger.broken:
        broken = title.ledger.broken
        return ((plain(f"{MISSING}: {title.ledger.path}" if broken == MISSING else broken), "bad"), *signed)
    return ((f"{len(title.ledger.entries)} lines, head now {title.ledger.head}", ""), *signed)


def _tone(action: str) -> Tone:
    return "good" if action == "accepted" else "bad"


def _why(words: str) -> str:
    return f": {words}" if words else ""


def _facts(facts: dict[str, object]) -> str:
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in facts.items())
