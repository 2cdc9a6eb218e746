"""Read TOML tables strictly: every error names file, key, what was found and what is allowed; show.py uses it."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from translight.core.errors import ShowError

T = TypeVar("T")
MAX_FILE_BYTES = 1 << 20


def read_show(path: Path) -> str:
    """A TOML file's text. Raises ShowError naming the file when it cannot be read."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ShowError(f"{path}: a show file is at most {MAX_FILE_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ShowError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ShowError(f"{path}: byte {error.start} is not UTF-8") from error


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """A TOML text's tables. Raises ShowError with line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ShowError(f"{source}: {error}") from error


class Table:
    """One table being read: each ``take_…`` uses up a key; ``end`` refuses the keys that nothing used."""

    def __init__(self, values: Mapping[str, Any], source: str, path: str = "") -> None:
        self._values = dict(values)
        self._known: list[str] = []
        self._source = source
        self._path = path

    def fail(self, key: str, found: object, allowed: str) -> ShowError:
        """The error for a key's value."""
        return ShowError(f"{self._source}: {self._name(key)} is {_shown(found)}, give {allowed}")

    def refused(self, key: str, error: Exception) -> ShowError:
        """The error for a key whose value another room refused; its message says what was found and what is allowed."""
        return ShowError(f"{self._source}: {self._name(key)}: {error}")

    def made(self, make: Callable[[], T]) -> T:
        """What ``make`` gives; a ShowError of its own is told the file's name."""
        try:
            return make()
        except ShowError as error:
            raise ShowError(f"{self._source}: {error}") from error

    def number(self, key: str, default: float | None, low: float, high: float, unit: str = "") -> float:
        """A number within [low, high]; ``default`` None makes the key required."""
        allowed = f"a number from {low:g} to {high:g}{' ' + unit if unit else ''}"
        value = self._take(key, default, allowed)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.fail(key, value, allowed)
        return float(value)

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        """An integer within [low, high]."""
        allowed = f"an integer from {low} to {high}"
        value = self._take(key, default, allowed)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(key, value, allowed)
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._take(key, default, "true or false")
        if not isinstance(value, bool):
            raise self.fail(key, value, "true or false")
        return value

    def text(self, key: str, default: str | None, allowed: str = "a text") -> str:
        """A non-empty string."""
        value = self._take(key, default, allowed)
        if not isinstance(value, str) or not value:
            raise self.fail(key, value, allowed)
        return value

    def choice(self, key: str, default: str | None, choices: Sequence[str]) -> str:
        """One of a few words."""
        allowed = " or ".join(f'"{c}"' for c in choices)
        value = self._take(key, default, allowed)
        if value not in choices:
            raise self.fail(key, value, allowed)
        return str(value)

    def numbers(
        self, key: str, default: Sequence[float] | None, count: int, low: float, high: float
    ) -> tuple[float, ...]:
        """A list of ``count`` numbers within [low, high]."""
        allowed = f"a list of {count} numbers from {low:g} to {high:g}"
        value = self._take(key, default, allowed)
        good = isinstance(value, list | tuple) and len(value) == count
        if not good or any(
            isinstance(v, bool) or not isinstance(v, int | float) or not low <= v <= high for v in value
        ):
            raise self.fail(key, value, allowed)
        return tuple(float(v) for v in value)

    def integers(self, key: str, default: Sequence[int] | None, count: int, low: int, high: int) -> tuple[int, ...]:
        """A list of ``count`` integers within [low, high]."""
        allowed = f"a list of {count} integers from {low} to {high}"
        value = self._take(key, default, allowed)
        good = isinstance(value, list | tuple) and len(value) == count
        if not good or any(isinstance(v, bool) or not isinstance(v, int) or not low <= v <= high for v in value):
            raise self.fail(key, value, allowed)
        return tuple(int(v) for v in value)

    def texts(self, key: str, default: Sequence[str] | None, allowed: str) -> tuple[str, ...]:
        """A list of strings, at least one."""
        value = self._take(key, default, allowed)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(v, str) for v in value):
            raise self.fail(key, value, allowed)
        return tuple(value)

    def parsed(self, key: str, default: Any, parse: Callable[[str], T], allowed: str) -> T:
        """A string or number that ``parse`` reads; its ValueError becomes the error of this key."""
        value = self._take(key, default, allowed)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fail(key, value, allowed)
        try:
            return parse(str(value))
        except ValueError:
            raise self.fail(key, value, allowed) from None

    def table(self, key: str) -> Table:
        """A table within; empty when absent, so that its keys take their defaults."""
        value = self._take(key, {}, "a table")
        if not isinstance(value, dict):
            raise self.fail(key, value, f"a table: [{self._name(key)}]")
        return Table(value, self._source, self._name(key))

    def tables(self, key: str, allowed: str) -> list[Table]:
        """A list of tables, at least one; an entry with a name is called by it."""
        value = self._take(key, None, allowed)
        if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
            raise self.fail(key, value, allowed)
        names = [v.get("name", i) for i, v in enumerate(value)]
        return [Table(v, self._source, f"{self._name(key)}[{n}]") for v, n in zip(value, names, strict=True)]

    def entries(self, key: str, default: Sequence[str], allowed: str) -> list[str | Table]:
        """A list, at least one, of strings and tables; a table is called by its place in it."""
        value = self._take(key, default, allowed)
        if not isinstance(value, list | tuple) or not value or not all(isinstance(v, str | dict) for v in value):
            raise self.fail(key, value, allowed)
        name = self._name(key)
        return [v if isinstance(v, str) else Table(v, self._source, f"{name}[{i}]") for i, v in enumerate(value)]

    def mapping(self, key: str) -> dict[str, Any]:
        """A table within whose keys are the user's own; what is in it is not looked at."""
        value = self._take(key, {}, "a table")
        if not isinstance(value, dict):
            raise self.fail(key, value, "a table of names and values")
        return dict(value)

    def has(self, key: str) -> bool:
        """Whether the key is given."""
        self._known.append(key)
        return key in self._values

    def end(self) -> None:
        """Refuse keys that nothing has read: a misspelt key must not be passed over in silence."""
        for key in self._values:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"allowed here: {', '.join(sorted(set(self._known)))}"
                raise ShowError(f"{self._source}: {self._name(key)} is not known; {hint}")

    def _take(self, key: str, default: Any, allowed: str) -> Any:
        self._known.append(key)
        if key in self._values:
            return self._values[key]
        if default is None:
            raise ShowError(f"{self._source}: {self._name(key)} is missing, give {allowed}")
        return default

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
