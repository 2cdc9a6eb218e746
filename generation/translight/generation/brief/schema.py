"""Values against the types of brief.py: what fits becomes a Brief, the rest an error of one line; read.py uses it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from translight.core.errors import GenerationError
from translight.generation.brief.brief import Brief

_UNITS = {
    "_m_s": "m/s",
    "_deg": "degrees",
    "_km": "km",
    "_mm": "mm",
    "_m": "metres",
    "_k": "kelvin",
}
"""How the end of a key names its unit; the first that fits holds."""
_WIDEST_SHOWN = 60


def brief_of(values: Mapping[str, Any], source: str, path_of: Callable[[str], Path] = Path) -> Brief:
    """A Brief of TOML's values; ``path_of`` makes paths of texts, ``source`` begins every error.

    A text may stand for a table that needs nothing but a file: ``references = ["still.jpg"]``. Raises GenerationError.
    """
    brief: Brief = _Walk(source, path_of).value(inspect.type_info(Brief), values, "")
    return brief


def shown(value: object) -> str:
    """A value as an error shows it: as TOML writes it, in one short line."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list" + (f" of {len(value)}" if value else " of none")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "a very large number"  # Python writes no more than 4300 digits
    if not isinstance(value, str):
        return clipped(str(value))
    return f'"{clipped("".join(c if c.isprintable() else ascii(c)[1:-1] for c in value))}"'


def clipped(text: str) -> str:
    """At most as much of a text as one line of an error can bear."""
    return text if len(text) <= _WIDEST_SHOWN else text[: _WIDEST_SHOWN - 3] + "..."


def entry_key(key: str, entry: object, place: int) -> str:
    """``blocking[mia]`` for an entry with a name, ``blocking[2]`` for one without, counted from 0."""
    name = entry.get("name") if isinstance(entry, Mapping) else getattr(entry, "name", None)
    return f"{key}[{shown(name)[1:-1] if isinstance(name, str) and name else place}]"


class _Walk:
    """One file being read: where from, and what its paths are relative to."""

    def __init__(self, source: str, path_of: Callable[[str], Path]) -> None:
        self._source, self._path_of = source, path_of

    def value(self, kind: inspect.Type, value: Any, key: str) -> Any:
        match kind:
            case inspect.UnionType():  # only ever "or None", and TOML has no null
                kinds = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
                return None if value is None else self.value(kinds[0], value, key)
            case inspect.StructType():
                return self._struct(kind, value, key)
            case inspect.VarTupleType():
                if not isinstance(value, list | tuple):
                    raise self._fail(key, value, "a list")
                low, high = kind.min_length or 0, kind.max_length or 0
                if not low <= len(value) <= high:
                    raise self._fail(key, value, f"a list of {low} to {high}" if low else f"a list of at most {high}")
                table = isinstance(kind.item_type, inspect.StructType)
                names = [entry_key(key, one if table else None, i) for i, one in enumerate(value)]
                return tuple(self.value(kind.item_type, v, name) for v, name in zip(value, names, strict=True))
            case inspect.TupleType():
                if not isinstance(value, list | tuple) or len(value) != len(kind.item_types):
                    raise self._fail(key, value, f"a list of {len(kind.item_types)} numbers")
                parts = zip(kind.item_types, value, strict=True)
                return tuple(self.value(one, v, f"{key}[{i}]") for i, (one, v) in enumerate(parts))
            case inspect.LiteralType():
                if value not in kind.values:
                    raise self._fail(
                        key, value, f"one of {', '.join(map(str, kind.values))}", _near(value, kind.values)
                    )
                return value
            case inspect.BoolType():
                if not isinstance(value, bool):
                    raise self._fail(key, value, "true or false")
                return value
            case inspect.CustomType():
                if isinstance(value, Path):
                    return value
                if not isinstance(value, str) or not value or "\0" in value:
                    raise self._fail(key, value, "a file's path")
                return self._path_of(value)
            case inspect.StrType():
                return self._text(kind, value, key)
            case inspect.IntType() | inspect.FloatType():
                return self._number(kind, value, key)
        raise AssertionError(f"{key}: brief.py uses a type that is not read: {kind}")

    def _struct(self, kind: inspect.StructType, value: Any, key: str) -> Any:
        names = [field.name for field in kind.fields]
        if isinstance(value, str) and "file" in names:
            value = {"file": value}
        if not isinstance(value, Mapping):
            raise self._fail(key, value, f"a table with {', '.join(names)}")
        prefix = f"{key}." if key else ""
        for name in value:
            if name not in names:
                # a key that is known by the rest of its name counts too: sun_elevation for sun_elevation_deg
                near = difflib.get_close_matches(name, names, 1) or [n for n in names if n.startswith(f"{name}_")]
                hint = f"did you mean {near[0]}?" if near else f"allowed here: {', '.join(names)}"
                raise GenerationError(f"{self._source}: {prefix}{shown(name)[1:-1]} is not known; {hint}")
        made = {}
        for field in kind.fields:
            if field.name in value:
                made[field.name] = self.value(field.type, value[field.name], prefix + field.name)
            elif field.required:
                raise GenerationError(f"{self._source}: {prefix}{field.name} is missing, give {_wanted(field.type)}")
        return kind.cls(**made)

    def _text(self, kind: inspect.StrType, value: Any, key: str) -> str:
        low, high = kind.min_length or 0, kind.max_length or 0
        if not isinstance(value, str) or not (value.strip() or not low):
            raise self._fail(key, value, _wanted(kind))
        if len(value) > high:
            raise GenerationError(f"{self._source}: {key} must be {_wanted(kind)}, got {len(value)} characters")
        if any("\ud800" <= c <= "\udfff" for c in value):  # of a brief built in Python: no file could hold it
            raise self._fail(key, value, "a text that UTF-8 can hold")
        return value

    def _number(self, kind: inspect.IntType | inspect.FloatType, value: Any, key: str) -> float:
        whole = isinstance(kind, inspect.IntType)
        # a[name].size_m[2] and lens.sensor_mm[0] end as their lists do; a block's own name may hold anything
        stem = key.rpartition("].")[2].partition("[")[0]
        unit = next((f" {unit}" for end, unit in _UNITS.items() if stem.endswith(end)), "")
        low = kind.ge if kind.gt is None else kind.gt
        high = kind.le
        assert low is not None, f"{key}: every number of a brief has its limits"
        assert high is not None, f"{key}: every number of a brief has its limits"
        least = f"from {low:g}" if kind.gt is None else f"more than {low:g}, up"
        allowed = f"{'a whole number ' if whole else ''}{least} to {high if whole else format(high, 'g')}{unit}"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise self._fail(key, value, allowed if whole else f"a number {allowed}")
        if not low <= value <= high or value == kind.gt:  # not for NaN either
            raise self._fail(key, value, allowed)
        return value if whole else float(value)

    def _fail(self, key: str, value: object, allowed: str, hint: str = "") -> GenerationError:
        what = f"{key} must be" if key else "a brief is"
        return GenerationError(f"{self._source}: {what} {allowed}, got {shown(value)}{hint}")


def _wanted(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.StrType):
        return f"a text of {kind.min_length or 0} to {kind.max_length} characters"
    return "a file's path"


def _near(value: object, choices: tuple[Any, ...]) -> str:
    near = difflib.get_close_matches(value, [str(c) for c in choices], 1) if isinstance(value, str) else []
    return f" (did you mean {near[0]}?)" if near else ""


def plain(value: Any) -> Any:
    """A brief's values as TOML or JSON can hold them: tables, lists, texts and numbers; None stays None."""
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    return value
