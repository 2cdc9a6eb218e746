"""``unreal.toml``: what of a show Unreal follows, checked whole (docs/unreal/remote_control.md); tables.py reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from translight.server.tables import Table, parse_toml, read_show
from translight.server.unreal_values import NAMES
from translight.ue_bridge import remote_messages
from translight.ue_bridge.follow import USUAL, FunctionTarget, Plan, PresetTarget, PropertyTarget, Rule, Target, Via
from translight.ue_bridge.remote_messages import HTTP_PORT, WEBSOCKET_PORT, Request

_HEADER = re.compile(r"^\s*\[\[\s*(\w+)\s*\]\]", re.MULTILINE)
_PATH = "an object's path like /Game/Stage/Main.Main:PersistentLevel.DirectionalLight_0"
_TARGETS = "give property, or function and parameter, or preset and field"


def load_plan(path: Path) -> Plan:
    """A plan from its file. Raises ShowError naming the file, line, key, what was found and what is allowed."""
    return plan_from_text(read_show(path), str(path))


def plan_from_text(text: str, source: str) -> Plan:
    """A plan from TOML text; ``source`` is what errors call it."""
    tree = parse_toml(text, source)
    top = Table(tree, source)
    editor = top.table("editor")
    rules = tuple(_rule(table) for table in _listed(top, tree, text, source, "follow"))
    start, end = (
        tuple(_call(table) for table in _listed(top, tree, text, source, which)) for which in ("start", "end")
    )
    watch = editor.texts("watch", (), "a list of presets' names") if editor.has("watch") else ()
    plan = Plan(
        rules=rules,
        host=editor.text("host", "127.0.0.1", "the address of Unreal's machine"),
        http_port=editor.integer("http_port", HTTP_PORT, 1, 65535),
        websocket_port=editor.integer("websocket_port", WEBSOCKET_PORT, 1, 65535),
        via=cast("Via", editor.choice("via", "http", get_args(Via))),
        rate_hz=editor.number("rate_hz", 10.0, 0.1, 60.0, "times a second"),
        undo=editor.flag("undo", default=False),
        watch=watch,
        start=start,
        end=end,
    )
    editor.end()
    if not rules and not watch and not start:
        raise top.fail("follow", [], "at least one [[follow]], [[start]] or watch")
    top.end()
    return plan


def _listed(top: Table, tree: Mapping[str, Any], text: str, source: str, key: str) -> list[Table]:
    """The tables of ``[[key]]``, each called by the line that it begins on."""
    if not top.has(key):
        return []
    top.tables(key, f"a list of tables: [[{key}]]")  # its errors
    lines = [text.count("\n", 0, m.start(1)) + 1 for m in _HEADER.finditer(text) if m[1] == key]
    entries = tree[key]
    # written as an array of inline tables, it has no lines of its own
    named = [f"{source}, line {n}" for n in lines] if len(lines) == len(entries) else [source] * len(entries)
    return [Table(entry, name, f"{key}[{i}]") for i, (entry, name) in enumerate(zip(entries, named, strict=True))]


def _rule(table: Table) -> Rule:
    value = table.choice("from", None, tuple(NAMES))
    factor = table.number("factor", 1.0, -1e9, 1e9)
    if factor != 1.0 and NAMES[value] == "word":
        raise table.fail("factor", factor, f"it only for values that have a size, and {value} has none")
    rule = Rule(value, _target(table, value), factor)
    table.end()
    return rule


def _target(table: Table, value: str) -> Target:
    kinds = [key for key in ("property", "function", "preset") if table.has(key)]
    if len(kinds) > 1:
        raise table.fail(kinds[1], "given beside " + kinds[0], f"one of them: {_TARGETS}")
    if kinds == ["preset"]:
        return PresetTarget(
            table.text("preset", None, "the preset's name"), table.text("field", None, "the exposed property's label")
        )
    path = _path(table)
    if kinds == ["property"]:
        name = table.text("property", None, "the property's C++ name")
        member = table.text("member", None, "a field of the property's struct") if table.has("member") else ""
        return PropertyTarget(path, name, member, _values(table, "with") if member else {})
    if kinds == ["function"]:
        name = table.text("function", None, "the function's C++ name")
        parameter = table.text("parameter", None, "the C++ name of the parameter that takes the value")
        return FunctionTarget(path, name, parameter, _values(table, "with"))
    if value not in USUAL:
        raise table.fail("to", f"{value} to an object", f"how it is set: {_TARGETS}")
    return FunctionTarget(path, *USUAL[value])


def _call(table: Table) -> Request:
    name = table.text("function", None, "the function's C++ name")
    if table.has("preset"):
        preset = table.text("preset", None, "the preset's name")
        request = remote_messages.call_preset(preset, name, _values(table, "parameters"))
    else:
        request = remote_messages.call(_path(table), name, _values(table, "parameters"))
    table.end()
    return request


def _path(table: Table) -> str:
    path = table.text("to", None, _PATH)
    if not path.startswith("/") or "." not in path:
        raise table.fail("to", path, _PATH)
    return path


def _values(table: Table, key: str) -> Mapping[str, Any]:
    return table.mapping(key) if table.has(key) else {}
