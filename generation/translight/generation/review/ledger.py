"""The ledger of a run: who did what, when, to which candidate, in lines that each hold the hash of the one before.

``ledger.jsonl`` has one JSON object a line. A line's hash is the SHA-256 of its bytes; changing, removing, adding or
moving a line breaks the chain from there on. Leaving out the newest lines does not: whoever must notice that too keeps
the head, the last line's hash, elsewhere, as a signed asset does (Haber and Stornetta, "How to Time-Stamp a Digital
Document", 1991, on linking).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from translight.core.errors import FormatError, GenerationError
from translight.core.file_lock import locked
from translight.core.files import write_whole

FILE_NAME = "ledger.jsonl"
NOTHING_BEFORE = "0" * 64
"""What the first line follows."""
Action = Literal["generated", "accepted", "rejected", "varied", "lifted", "plated", "looked", "marked", "signed"]

_MAX_BYTES = 64 << 20
_MAX_NAME = 200


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line. ``at`` is ISO 8601 in UTC; ``about`` are JSON values, with the candidate's name and hash."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    at: str
    who: Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_NAME)]
    action: Action
    about: dict[str, Any]
    previous: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


def line_of(entry: Entry) -> bytes:
    """An entry's line, without its end."""
    return msgspec.json.encode(entry)


def digest_of(line: bytes) -> str:
    """What the next line follows."""
    return hashlib.sha256(line).hexdigest()


def read_ledger(path: Path) -> tuple[tuple[Entry, ...], str]:
    """All entries, and the head: the last one's hash. A ledger that is not there is empty.

    Raises FormatError, naming the first line that does not follow the one before it, cannot be read or is cut off.
    """
    try:
        if not path.exists():
            return (), NOTHING_BEFORE
        if path.stat().st_size > _MAX_BYTES:
            raise FormatError(f"{path}: {path.stat().st_size} bytes, the limit is {_MAX_BYTES}")
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    return parse_ledger(data, str(path))


def parse_ledger(data: bytes, source: str) -> tuple[tuple[Entry, ...], str]:
    """The same of a file's bytes; ``source`` begins each error."""
    if data and not data.endswith(b"\n"):
        raise FormatError(f"{source}: its last line is cut off")
    entries, head = [], NOTHING_BEFORE
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            entry = msgspec.json.decode(line, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise FormatError(f"{source}: line {number} is no ledger entry ({error})") from error
        if entry.number != number or entry.previous != head:
            raise FormatError(
                f"{source}: line {number} does not follow the line before it: one of them was changed, "
                "or lines were removed, added or moved"
            )
        entries.append(entry)
        head = digest_of(line)
    return tuple(entries), head


def checked_name(who: str) -> str:
    """A name as the ledger writes it. Raises GenerationError on none, a long one, or what is not one printed line."""
    if not who.strip() or len(who) > _MAX_NAME:
        raise GenerationError("a decision wants a name: --by NAME, at most 200 characters")
    if not who.strip().isprintable():
        raise GenerationError(f"--by {who[:80]!a}: a name has neither line breaks nor control characters")
    return who.strip()


def steps_back(entries: Sequence[Entry]) -> list[Entry]:
    """Entries whose clock stood earlier than that of the line before; times are what each machine's clock said."""
    found = []
    for before, entry in pairwise(entries):
        try:
            earlier = datetime.fromisoformat(entry.at) < datetime.fromisoformat(before.at)
        except (ValueError, TypeError):  # no time, or one without a zone: nothing to hold against each other
            continue
        if earlier:
            found.append(entry)
    return found


def append(
    path: Path,
    who: str,
    action: Action,
    about: Mapping[str, Any],
    *,
    now: datetime | None = None,
    wait_s: float = 0.0,
) -> tuple[Entry, str]:
    """Add an entry and return it with the new head. The ledger is written whole or not at all.

    Raises GenerationError without a name or while another writes for longer than ``wait_s``, FormatError when the
    ledger that is there is broken (nothing is added to such a one) or cannot be written.
    """
    who = checked_name(who)
    at = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
    with locked(path.with_suffix(".lock"), wait_s=wait_s) as have:
        if not have:
            raise GenerationError(f"{path}: another is writing to it; try again")
        entries, head = read_ledger(path)
        entry = Entry(len(entries) + 1, at, who, action, dict(about), head)
        line = line_of(entry)
        before = path.read_bytes() if entries else b""
        write_whole(path, before + line + b"\n")
        return entry, digest_of(line)
