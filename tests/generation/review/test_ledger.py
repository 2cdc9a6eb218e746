import contextlib
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import FormatError, GenerationError
from translight.core.file_lock import locked
from translight.generation.review.ledger import NOTHING_BEFORE, append, parse_ledger, read_ledger, steps_back

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger.jsonl"
    for i, action in enumerate(("generated", "rejected", "accepted", "signed")):
        append(path, "Ada", action, {"candidate": f"c{i}"}, now=NOON + timedelta(seconds=i))
    return path


def test_lines_hold_who_what_when_and_the_line_before(ledger):
    lines = ledger.read_bytes().splitlines()
    assert json.loads(lines[1]) == {
        "number": 2,
        "at": "2026-03-01T12:00:01.000+00:00",
        "who": "Ada",
        "action": "rejected",
        "about": {"candidate": "c1"},
        "previous": hashlib.sha256(lines[0]).hexdigest(),
    }
    entries, head = read_ledger(ledger)
    assert [entry.action for entry in entries] == ["generated", "rejected", "accepted", "signed"]
    assert entries[0].previous == NOTHING_BEFORE
    assert head == hashlib.sha256(lines[3]).hexdigest()


def test_times_are_utc(tmp_path):
    east = timezone(timedelta(hours=2))
    entry, head = append(tmp_path / "l.jsonl", " Ada ", "accepted", {}, now=NOON.astimezone(east))
    assert (entry.at, entry.who) == ("2026-03-01T12:00:00.000+00:00", "Ada")
    assert read_ledger(tmp_path / "l.jsonl")[1] == head


def test_none_is_empty(tmp_path):
    assert read_ledger(tmp_path / "l.jsonl") == ((), NOTHING_BEFORE)
    assert parse_ledger(b"", "l") == ((), NOTHING_BEFORE)


@given(st.data())
def test_any_change_of_a_line_that_has_a_next_is_seen(data):
    entries = data.draw(st.lists(JSON, min_size=2, max_size=4))
    lines, head = [], NOTHING_BEFORE
    for number, about in enumerate(entries, start=1):
        line = json.dumps(
            {"number": number, "at": "t", "who": "w", "action": "accepted", "about": {"x": about}, "previous": head}
        ).encode()
        lines.append(line)
        head = hashlib.sha256(line).hexdigest()
    whole = b"\n".join(lines) + b"\n"
    assert len(parse_ledger(whole, "l")[0]) == len(entries)
    changed = bytearray(whole)
    place = data.draw(st.integers(0, len(whole) - len(lines[-1]) - 2))
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FormatError, match=r"^l: (line \d+ |its last line is cut off)"):
        parse_ledger(bytes(changed), "l")


@given(st.binary(max_size=200))
def test_rubbish_is_a_format_error(data):
    with contextlib.suppress(FormatError):
        parse_ledger(data, "l")


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], *lines[2:]], 2),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3),
        (lambda lines: [lines[0].replace(b"Ada", b"Eve"), *lines[1:]], 2),
    ],
)
def test_lines_removed_moved_added_or_changed(ledger, edit, line):
    ledger.write_bytes(b"".join(row + b"\n" for row in edit(ledger.read_bytes().splitlines())))
    with pytest.raises(FormatError) as caught:
        read_ledger(ledger)
    assert str(caught.value) == (
        f"{ledger}: line {line} does not follow the line before it: one of them was changed, "
        "or lines were removed, added or moved"
    )
    before = ledger.read_bytes()
    with pytest.raises(FormatError):
        append(ledger, "Ada", "accepted", {})
    assert ledger.read_bytes() == before


def test_leaving_out_the_newest_changes_the_head_only(ledger):
    _, head = read_ledger(ledger)
    ledger.write_bytes(b"".join(row + b"\n" for row in ledger.read_bytes().splitlines()[:-1]))
    entries, shorter = read_ledger(ledger)
    assert len(entries) == 3
    assert shorter != head


def test_a_cut_off_line(ledger):
    ledger.write_bytes(ledger.read_bytes()[:-4])
    with pytest.raises(FormatError, match=rf"^{ledger}: its last line is cut off$"):
        read_ledger(ledger)


@pytest.mark.parametrize("who", ["", "  ", "x" * 201])
def test_nobody_decides_nothing(tmp_path, who):
    with pytest.raises(GenerationError, match=r"^a decision wants a name: --by NAME, at most 200 characters$"):
        append(tmp_path / "l.jsonl", who, "accepted", {})
    assert not (tmp_path / "l.jsonl").exists()


def test_two_writers(ledger):
    with (
        locked(ledger.with_suffix(".lock")),
        pytest.raises(GenerationError, match="another is writing to it; try again"),
    ):
        append(ledger, "Ada", "accepted", {})
    assert len(read_ledger(ledger)[0]) == 4


def test_a_folder_that_cannot_be_written(ledger, monkeypatch):
    before = ledger.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("translight.core.files.os.replace", full)
    with pytest.raises(FormatError, match=rf"^{ledger}: cannot be written \(No space left on device\)$"):
        append(ledger, "Ada", "accepted", {})
    assert ledger.read_bytes() == before


@pytest.mark.parametrize("who", ["a\nb", "Ana\x1b[2J", "\udcff"])
def test_a_name_is_one_printed_line(tmp_path, who):
    with pytest.raises(GenerationError) as caught:
        append(tmp_path / "l.jsonl", who, "accepted", {})
    assert str(caught.value) == f"--by {who!a}: a name has neither line breaks nor control characters"
    assert not (tmp_path / "l.jsonl").exists()


def test_a_clock_that_went_back_is_seen(tmp_path):
    path = tmp_path / "l.jsonl"
    for hours in (0, 2, 1, 1, 3):
        append(path, "Ada", "accepted", {}, now=NOON + timedelta(hours=hours))
    entries, _ = read_ledger(path)
    assert [entry.number for entry in steps_back(entries)] == [3]
    strange = [msgspec.structs.replace(entries[0], at=at) for at in ("t", "2026-01-01T00:00:00", entries[0].at)]
    assert steps_back(strange) == []


def test_two_ledgers_laid_together_are_no_chain(ledger, tmp_path):
    other = tmp_path / "other.jsonl"
    append(other, "Ben", "accepted", {"candidate": "c9"}, now=NOON)
    ours, theirs = ledger.read_bytes(), other.read_bytes()
    for merged, line in ((ours + theirs, 5), (theirs + ours, 2)):
        with pytest.raises(FormatError, match=f"^l: line {line} does not follow the line before it: "):
            parse_ledger(merged, "l")
    with pytest.raises(FormatError, match=r"^l: line 1 is no ledger entry "):
        parse_ledger(b"<<<<<<< ours\n" + ours, "l")
    with pytest.raises(FormatError, match=r"^l: line 2 does not follow the line before it: "):
        parse_ledger(ours.replace(b"\n", b"\r\n"), "l")
