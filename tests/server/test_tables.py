"""Strict TOML reading: every refusal names file, key, what was found and what is allowed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from translight.core.errors import ShowError
from translight.server.tables import MAX_FILE_BYTES, Table, parse_toml, read_show


def _table(text: str) -> Table:
    return Table(parse_toml(text, "show.toml"), "show.toml")


def _read_rate(table: Table) -> None:
    table.flag("rate", default=True)
    table.end()


def test_values_are_read_and_defaults_taken() -> None:
    table = _table('n = 2\nx = 1.5\non = true\nname = "a"\nxyz = [1, 2.5, 3]\npx = [4, 5]\n[inner]\nkey = 1')
    assert table.integer("n", None, 0, 5) == 2
    assert table.number("x", None, 0, 2) == 1.5
    assert table.number("absent", 7.0, 0, 10) == 7.0
    assert table.flag("on", default=False) is True
    assert table.text("name", None) == "a"
    assert table.choice("other", "b", ("a", "b")) == "b"
    assert table.numbers("xyz", None, 3, 0, 9) == (1.0, 2.5, 3.0)
    assert table.integers("px", None, 2, 0, 9) == (4, 5)
    inner = table.table("inner")
    assert inner.integer("key", None, 0, 1) == 1
    inner.end()
    table.end()


@pytest.mark.parametrize(
    ("text", "take", "message"),
    [
        ("x = 11", lambda t: t.number("x", 0.0, 0, 10, "m"), "x is 11, give a number from 0 to 10 m"),
        ("x = nan", lambda t: t.number("x", 0.0, 0, 10), "x is nan, give a number from 0 to 10"),
        ("x = true", lambda t: t.number("x", 0.0, 0, 10), "x is true, give a number from 0 to 10"),
        ('x = "wide"', lambda t: t.integer("x", 1, 1, 9), 'x is "wide", give an integer from 1 to 9'),
        ("x = 1.0", lambda t: t.integer("x", 1, 1, 9), "x is 1.0, give an integer from 1 to 9"),
        ("", lambda t: t.integer("x", None, 1, 9), "x is missing, give an integer from 1 to 9"),
        ("x = 1", lambda t: t.flag("x", default=False), "x is 1, give true or false"),
        ('x = "c"', lambda t: t.choice("x", "a", ("a", "b")), 'x is "c", give "a" or "b"'),
        ('x = ""', lambda t: t.text("x", "a", "a name"), 'x is "", give a name'),
        ("x = [1]", lambda t: t.numbers("x", None, 2, 0, 5), "x is [1], give a list of 2 numbers from 0 to 5"),
        ("x = [1, 6]", lambda t: t.numbers("x", None, 2, 0, 5), "x is [1, 6], give a list of 2 numbers from 0 to 5"),
        ("x = [1.5]", lambda t: t.integers("x", None, 1, 0, 5), "x is [1.5], give a list of 1 integers from 0 to 5"),
        ("x = []", lambda t: t.texts("x", None, "names"), "x is [], give names"),
        ("x = 3", lambda t: t.table("x"), "x is 3, give a table: [x]"),
        ("x = {y = 9}", lambda t: t.table("x").integer("y", 0, 0, 1), "x.y is 9, give an integer from 0 to 1"),
        ("[[x]]\nname = 'a'\ny = 9", lambda t: t.tables("x", "")[0].text("y", ""), "x[a].y is 9, give a text"),
        ("rate = true\nrat = 2", _read_rate, "rat is not known; did you mean 'rate'?"),
        ("zzz = 2", _read_rate, "zzz is not known; allowed here: rate"),
    ],
)  # fmt: skip
def test_a_refusal_names_key_value_and_what_is_allowed(text: str, take: Callable[[Table], Any], message: str) -> None:
    with pytest.raises(ShowError) as caught:
        take(_table(text))
    assert str(caught.value) == f"show.toml: {message}"


def test_a_long_value_is_cut() -> None:
    with pytest.raises(ShowError) as caught:
        _table(f'x = "{"a" * 500}"').integer("x", 0, 0, 1)
    assert len(str(caught.value)) < 160


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    missing, broken, binary, large = (tmp_path / n for n in ("missing", "broken", "binary", "large"))
    broken.write_text("a = 1\nb = = 2\n")
    binary.write_bytes(b"a = '\xff'")
    large.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    expected = {
        missing: "No such file or directory",
        broken: "(at line 2, column 5)",
        binary: "byte 5 is not UTF-8",
        large: f"a show file is at most {MAX_FILE_BYTES} bytes",
        tmp_path: "Is a directory",
    }
    for path, part in expected.items():
        with pytest.raises(ShowError) as caught:
            parse_toml(read_show(path), str(path))
        assert str(caught.value).startswith(f"{path}: ")
        assert part in str(caught.value)
        assert "\n" not in str(caught.value)
