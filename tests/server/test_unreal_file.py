"""unreal.toml: what it means, and that every mistake is one line with file, line and key."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ShowError
from translight.server.unreal_file import load_plan, plan_from_text
from translight.ue_bridge import remote_messages as rc
from translight.ue_bridge.follow import FunctionTarget, PresetTarget, PropertyTarget

DOCUMENT = Path(__file__).parents[2] / "docs" / "unreal" / "remote_control.md"
LIGHT = "/Game/Stage/Main.Main:PersistentLevel.DirectionalLight_0"


def rule(*lines: str) -> str:
    return "\n".join(("# a comment", "[[follow]]", *lines))


def test_the_documented_plan():
    match = re.search(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert match is not None
    plan = plan_from_text(match[1], "unreal.toml")
    assert (plan.host, plan.http_port, plan.websocket_port, plan.via) == ("127.0.0.1", 30010, 30020, "http")
    assert plan.watch == ("MyPreset",)
    kinds = {type(one.target) for one in plan.rules}
    assert kinds == {FunctionTarget, PropertyTarget, PresetTarget}
    player, source = (f"/Game/Translight/Picture_{part}.Picture_{part}" for part in ("Player", "Source"))
    assert plan.start == (rc.call(player, "OpenSource", {"MediaSource": source}),)
    assert plan.end == (rc.call(player, "Close"),)


def test_usual_ways_need_no_function():
    (one,) = plan_from_text(rule('from = "environment.sun.rotation"', f'to = "{LIGHT}"'), "u").rules
    assert one.target == FunctionTarget(LIGHT, "SetActorRotation", "NewRotation", {"bTeleportPhysics": True})


def test_a_call_of_a_preset():
    text = '[[start]]\npreset = "P"\nfunction = "Go"\nparameters = { a = 1 }\n'
    assert plan_from_text(text, "u").start == (rc.call_preset("P", "Go", {"a": 1}),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "u.toml: follow is [], give at least one [[follow]], [[start]] or watch"),
        ("[[follow]\n", "u.toml: Expected ']]' at the end of an array declaration (at line 1, column 9)"),
        (
            rule('from = "environment.sun"', f'to = "{LIGHT}"'),
            'u.toml, line 2: follow[0].from is "environment.sun", give "environment.location" or',
        ),
        (
            rule('from = "show.cue"', f'to = "{LIGHT}"'),
            'u.toml, line 2: follow[0].to is "show.cue to an object", give how it is set: give property, or function and parameter, or preset and field',
        ),
        (
            rule('from = "volume.eye"', 'to = "DirectionalLight_0"', 'property = "A"'),
            'u.toml, line 2: follow[0].to is "DirectionalLight_0", give an object\'s path like /Game/Stage/Main.Main:PersistentLevel.DirectionalLight_0',
        ),
        (
            rule('from = "volume.eye"', f'to = "{LIGHT}"', 'property = "A"', 'function = "B"'),
            'u.toml, line 2: follow[0].function is "given beside property", give one of them: give property, or function and parameter, or preset and field',
        ),
        (
            rule('from = "volume.eye"', f'to = "{LIGHT}"', 'function = "B"'),
            "u.toml, line 2: follow[0].parameter is missing, give the C++ name of the parameter that takes the value",
        ),
        (
            rule('from = "show.name"', 'preset = "A"', 'field = "B"', "factor = 2.0"),
            "u.toml, line 2: follow[0].factor is 2.0, give it only for values that have a size, and show.name has none",
        ),
        (
            rule('from = "volume.eye"', 'preset = "A"', 'field = "B"', "fields = 1"),
            "u.toml, line 2: follow[0].fields is not known; did you mean 'field'?",
        ),
        (
            rule('from = "volume.eye"', 'preset = "A"', 'field = "B"') + "\n\n[[follow]]\n",
            'u.toml, line 7: follow[1].from is missing, give "environment.location" or',
        ),
        ('[editor]\nvia = "osc"\n', 'u.toml: editor.via is "osc", give "http" or "websocket"'),
        ("[editor]\nrate_hz = 1000\n", "u.toml: editor.rate_hz is 1000, give a number from 0.1 to 60 times a second"),
        ('[[start]]\nto = "/Game/A.A"\n', "u.toml, line 1: start[0].function is missing, give the function's C++ name"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(ShowError) as caught:
        plan_from_text(text, "u.toml")
    assert str(caught.value).startswith(message)


KEYS = st.sampled_from(
    ["editor", "follow", "start", "end", "from", "to", "property", "function", "with", "factor", "watch"]
)
TREES = st.recursive(
    st.sampled_from(["volume.eye", "/Game/A.A", "B"]) | st.integers(-3, 3) | st.booleans() | st.floats(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def toml(tree: object) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key} = {toml(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(toml, tree)) + "]"
    return str(tree).lower() if not isinstance(tree, str) else f'"{tree}"'


@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_any_tree_is_a_plan_or_one_line(tree):
    with contextlib.suppress(ShowError):
        plan_from_text("\n".join(f"{key} = {toml(value)}" for key, value in tree.items()), "u.toml")


def test_a_missing_file(tmp_path):
    with pytest.raises(ShowError) as caught:
        load_plan(tmp_path / "u.toml")
    assert str(caught.value) == f"{tmp_path / 'u.toml'}: No such file or directory"
