"""The editor script: every call is one of Unreal's published API, and it makes what the plan says, once."""

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.server.test_unreal_values import SHOW
from tests.ue_bridge.fake_unreal import API, Editor

from translight import cli
from translight.colour.depth_curve import DepthCurve
from translight.colour.transfer import srgb_decode
from translight.core.errors import ShowError
from translight.server.unreal_file import plan_from_text
from translight.ue_bridge import project
from translight.ue_bridge.project import Media, parse_media

SOURCE = Path(project.__file__).with_name("project_script.py").read_text()
ARC = """
[[walls]]
name = "arc"
kind = "arc"
centre_m = [0.0, -4.0]
radius_m = 5.5
arc_deg = 105.0
height_m = 3.6
pixels = [1920, 688]
canvas = [600, 0]
"""


def chain(node: ast.expr) -> list[str]:
    """``unreal.A.b`` as its names."""
    if isinstance(node, ast.Attribute):
        return [*chain(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else ["?"]


def test_every_name_of_unreal_is_a_published_one():
    found = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Attribute) and (names := chain(node))[0] == "unreal":
            found.add(".".join(names[1:]))
    assert len(found) > 20
    for name in found:
        owner, _, member = name.partition(".")
        if not member:
            assert owner in API["classes"] or owner in API["functions"], name
        else:
            entry = API["classes"][owner]
            assert member in entry.get("values", []) or member in entry.get("methods", {}), name


def test_keywords_and_counts_of_direct_calls_are_published_ones():
    for node in ast.walk(ast.parse(SOURCE)):
        if not isinstance(node, ast.Call) or (names := chain(node.func))[0] != "unreal":
            continue
        if names[1] in API["functions"]:
            parameters = API["functions"][names[1]]
        else:
            parameters = API["classes"][names[1]].get("methods", {}).get((names[2:] or ["__init__"])[0], [])
        assert {k.arg for k in node.keywords} <= set(parameters), names
        if not any(isinstance(a, ast.Starred) for a in node.args):
            assert len(node.args) <= len(parameters), names


def test_the_list_is_the_published_stubs():
    """Where unreal-stub is installed (33 MB of Epic's names), the list is checked against it line by line."""
    spec = importlib.util.find_spec("unreal")
    if spec is None or spec.origin is None:
        pytest.skip("unreal-stub is not installed")
    text = (Path(spec.origin).parent / "unreal.py").read_text()
    for name, entry in API["classes"].items():
        if entry["source"] != "stub":
            continue
        found = re.search(
            rf"^class {name}\(({entry['base']})\):\n(.*?)(?=^class |^def |\Z)", text, re.MULTILINE | re.DOTALL
        )
        assert found is not None, name
        for method, parameters in entry.get("methods", {}).items():
            signature = re.search(rf"    def {method}\((.*)\)", found[2])
            assert signature is not None, (name, method)
            for parameter in parameters:
                assert re.search(rf"\b{parameter}:", signature[1]), (name, method, parameter)
        for one in entry.get("properties", []):
            assert re.search(rf"- ``{one}`` \(.*\):  \[Read-Write\]", found[2]), (name, one)


@pytest.fixture
def folder(tmp_path: Path, capsys) -> Path:
    """A project's files, of a show with a plane and an arc."""
    show = tmp_path / "show.toml"
    show.write_text(SHOW.format(focal=50) + ARC + '[[unreal.live_link]]\nurl = "freed://10.0.0.2?camera=3"\n')
    out = tmp_path / "unreal"
    words = [
        "unreal",
        "project",
        str(show),
        "-o",
        str(out),
        "--media",
        "ndi://STAGE-PC (Wall A)",
        "--depth",
        "rtsp://10.0.0.1/d",
    ]
    assert cli.main(words) == 0
    assert "2 walls as 17 nDisplay screens" in capsys.readouterr().out
    return out


def run(folder: Path, editor: Editor, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The written script in the editor, as Execute Python Script runs it: a fresh module with a file of its own."""
    monkeypatch.setitem(sys.modules, "unreal", editor.module)
    path = folder / "translight_project.py"
    spec = importlib.util.spec_from_file_location("translight_project", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main()


def state(editor: Editor) -> Any:
    """All that is in the project, as text."""

    def told(value: Any) -> Any:
        if hasattr(value, "state"):
            return type(value).__name__, {k: told(v) for k, v in value.state.items()}
        if isinstance(value, dict):
            return {k: told(v) for k, v in value.items()}
        return [told(v) for v in value] if isinstance(value, list) else str(value)

    return told(editor.assets), told(editor.actors), editor.wires, len(editor.imported)


def actor(editor: Editor, label: str) -> Any:
    (found,) = [one for one in editor.actors if one.state["label"] == label]
    return found


def test_the_script_makes_everything(folder, monkeypatch):
    editor = Editor()
    paths = run(folder, editor, monkeypatch)
    assert editor.warnings == []
    assert sorted(editor.assets) == [
        "/Game/Translight/Composite_Plate", "/Game/Translight/Depth_Plate", "/Game/Translight/Depth_Player", "/Game/Translight/Depth_Source", "/Game/Translight/Depth_Texture",
        "/Game/Translight/Picture_Plate", "/Game/Translight/Picture_Player", "/Game/Translight/Picture_Source", "/Game/Translight/Picture_Texture",
        "/Game/Translight/TL_Stage",
    ]  # fmt: skip
    assets = {path.rpartition("/")[2]: asset for path, asset in editor.assets.items()}
    assert assets["Picture_Source"].get_url() == "ndi://STAGE-PC (Wall A)"
    assert assets["Depth_Source"].state["stream_url"] == "rtsp://10.0.0.1/d"
    assert assets["Picture_Texture"].state["media_player"] is assets["Picture_Player"]
    (sample,) = editor.expressions[id(assets["Picture_Plate"])]
    assert sample.state["texture"] is assets["Picture_Texture"]
    emissive = ("RGB", "MaterialProperty.MP_EMISSIVE_COLOR")
    assert editor.wires == [emissive] * 3 + [("", "MaterialProperty.MP_OPACITY")]
    camera = actor(editor, "TL_Camera")
    assert camera.state["location"] == {"x": -400.0, "y": 0.0, "z": 160.0}
    lens, controller = camera.state["components"]
    assert lens.state["current_focal_length"] == 50.0
    assert lens.state["filmback"].state["sensor_height"] == 20.25
    subject = controller.state["subject_representation"].state["fields"]
    assert subject["subject"].state["fields"] == {"name": "Camera 3"}
    assert subject["role"] is editor.module.LiveLinkCameraRole
    environment = actor(editor, "TL_Environment")
    assert environment.state["location"] == {"x": 200.0, "y": 100.0, "z": 50.0}
    assert environment.state["rotation"] == {"roll": 0.0, "pitch": 0.0, "yaw": -30.0}
    assert environment.state["scale"] == {"x": 2.0, "y": 2.0, "z": 2.0}
    assert actor(editor, "TL_Stage").state["of"] is assets["TL_Stage"]
    assert len(paths) == 3


def test_the_composite_plate_compares_depth_with_the_scenes(folder, monkeypatch):
    editor = Editor()
    run(folder, editor, monkeypatch)
    assets = {path.rpartition("/")[2]: asset for path, asset in editor.assets.items()}
    material = assets["Composite_Plate"]
    assert material.state["blend_mode"] == "BlendMode.BLEND_TRANSLUCENT"
    assert material.state["disable_depth_test"] is True
    assert assets["Depth_Texture"].state["filter"] == "TextureFilter.TF_NEAREST"
    made = editor.expressions[id(material)]
    opacity = made[-1]
    inputs = {name: (source, output) for source, output, to, name in editor.links if to is opacity}
    assert list(inputs) == ["Depth", "Scene", "NearM", "FarM", "Linearised"]
    assert inputs["Depth"][0].state["texture"] is assets["Depth_Texture"]
    assert inputs["Depth"][1] == "RGB"
    assert type(inputs["Scene"][0]).__name__ == "MaterialExpressionSceneDepth"
    values = {name: inputs[name][0].state["default_value"] for name in ("NearM", "FarM", "Linearised")}
    assert values == {"NearM": 0.5, "FarM": 100.0, "Linearised": 1.0}
    screen = made[0]
    assert [to.state["texture"] for source, _, to, _ in editor.links if source is screen] == [
        assets["Picture_Texture"], assets["Depth_Texture"],
    ]  # fmt: skip


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not here, which runs the material's expression")
@pytest.mark.parametrize("linearised", [0, 1])
def test_the_materials_expression_decodes_our_curve(tmp_path, linearised):
    """HLSL of this kind is C++ too: it is run on codes of the encoder's, with a scene a little before and behind."""
    code = re.search(r'COMPOSITE = """(.*?)"""', SOURCE, re.DOTALL)
    assert code is not None
    (tmp_path / "plate.cpp").write_text(
        "#include <cmath>\n#include <cstdio>\nusing std::pow;\nstruct float3 { float r, g, b; };\n"
        "float plate(float3 Depth, float Scene, float NearM, float FarM, float Linearised) {\n" + code[1] + "}\n"
        "int main() { float d, s, n, f, l;\n"
        'while (std::scanf("%f %f %f %f %f", &d, &s, &n, &f, &l) == 5) std::printf("%g ", plate({d, d, d}, s, n, f, l)); }'
    )
    subprocess.run(["g++", "-o", tmp_path / "plate", tmp_path / "plate.cpp"], check=True)
    curve = DepthCurve(0.4, 60)
    codes = np.arange(0, 1024)
    depth_m = curve.depth_m(codes / 1023)
    signal = srgb_decode(codes / 1023) if linearised else codes / 1023
    lines, wanted = [], []
    for value, at in zip(signal, np.minimum(depth_m, 60), strict=True):
        if 0 < value < 0.003:
            continue  # within half a step of nothing
        for scene_m, shown in ((at * 0.999, 0), (at * 1.001, 1), (1e6, 1)):
            lines.append(f"{value:.9g} {100 * scene_m:.9g} 0.4 60 {linearised}")
            wanted.append(shown)
    run = subprocess.run([tmp_path / "plate"], input="\n".join(lines), capture_output=True, text=True, check=True)
    assert [int(word) for word in run.stdout.split()] == wanted


def test_the_shows_own_outputs_are_taken_and_their_curve(tmp_path, capsys):
    show = tmp_path / "show.toml"
    outputs = """outputs = [
    "ndi://Wall",
    { url = "ndi://Depth", carries = "depth", near_m = 1, far_m = 30 },
    { url = "ndi://Camera", carries = "camera" },
]
"""
    show.write_text(outputs + SHOW.format(focal=50))
    for more, ends in (([], (1, 30)), (["--far-m", "40"], (1, 40)), (["--depth", "rtsp://a/d"], (1, 30))):
        assert cli.main(["unreal", "project", str(show), "-o", str(tmp_path / "out"), *more]) == 0
        assert f"composited by depth from {ends[0]} to {ends[1]} m; " in capsys.readouterr().out
        plan = json.loads((tmp_path / "out" / "translight_project.json").read_text())
        assert plan["media"][0]["name"].endswith("(Camera)")
        assert plan["composite"]["parameters"] == {"NearM": ends[0], "FarM": ends[1], "Linearised": 1}
    assert cli.main(["unreal", "project", str(show), "-o", str(tmp_path / "no"), "--near-m", "50"]) == 1
    assert capsys.readouterr().err == (
        "translight: depth wants 0.01 <= near_m < far_m <= 1000 m, got near_m 50 and far_m 30\n"
    )
    assert not (tmp_path / "no").exists()


def test_depth_is_not_laid_over_the_walls_picture(tmp_path, capsys):
    show = tmp_path / "show.toml"
    outputs = 'outputs = ["ndi://Wall", { url = "ndi://Depth", carries = "depth" }]\n'
    show.write_text(outputs + SHOW.format(focal=50))
    assert cli.main(["unreal", "project", str(show), "-o", str(tmp_path)]) == 0
    assert (
        "(not composited by depth: the picture is the walls', send one that carries the camera)"
        in capsys.readouterr().out
    )
    plan = json.loads((tmp_path / "translight_project.json").read_text())
    assert plan["composite"] is None
    assert [media["label"] for media in plan["media"]] == ["Picture", "Depth"]


def test_a_show_without_depth_has_no_composite(tmp_path):
    show = tmp_path / "show.toml"
    show.write_text(SHOW.format(focal=50))
    assert cli.main(["unreal", "project", str(show), "-o", str(tmp_path), "--media", "ndi://A"]) == 0
    assert json.loads((tmp_path / "translight_project.json").read_text())["composite"] is None


def test_joints_that_unreal_does_not_make_are_said(folder, monkeypatch):
    editor = Editor()
    editor.links_fail = True
    run(folder, editor, monkeypatch)
    assert editor.warnings == [
        "Translight: Composite_Plate: join the Custom node's inputs by hand: Depth, Scene, NearM, FarM, Linearised"
    ]


def test_twice_changes_nothing(folder, monkeypatch):
    editor = Editor()
    first = run(folder, editor, monkeypatch)
    once = state(editor)
    follow = (folder / "unreal.toml").read_text()
    editor.log.clear()
    assert run(folder, editor, monkeypatch) == first
    assert state(editor) == once
    assert (folder / "unreal.toml").read_text() == follow
    assert not [line for line in editor.log if "made" in line]


def test_a_changed_stage_is_imported_again_and_a_moved_camera_put_back(folder, monkeypatch):
    editor = Editor()
    run(folder, editor, monkeypatch)
    plan = json.loads((folder / "translight_project.json").read_text())
    plan["stage"]["sha256"] = "0" * 64
    (folder / "translight_project.json").write_text(json.dumps(plan))
    actor(editor, "TL_Camera").state["location"] = {"x": 1.0}
    run(folder, editor, monkeypatch)
    assert len(editor.imported) == 2
    assert actor(editor, "TL_Camera").state["location"] == {"x": -400.0, "y": 0.0, "z": 160.0}
    assert len(editor.actors) == 3


def test_the_written_follow_file_is_one_of_ours(folder, monkeypatch):
    editor = Editor()
    run(folder, editor, monkeypatch)
    plan = plan_from_text((folder / "unreal.toml").read_text(), "unreal.toml")
    assert [rule.source for rule in plan.rules] == [
        "environment.location", "environment.rotation", "environment.scale", "camera.filmback",
    ]  # fmt: skip
    assert plan.rules[0].target.path == actor(editor, "TL_Environment").state["path"]
    assert [r.body["functionName"] for r in (*plan.start, *plan.end)] == ["OpenSource", "OpenSource", "Close", "Close"]


@pytest.mark.parametrize("plugin", ["NDI Media", "Live Link", "nDisplay"])
def test_a_missing_plugin_is_named_and_the_rest_is_made(folder, monkeypatch, plugin):
    editor = Editor(without=(plugin,))
    run(folder, editor, monkeypatch)
    warning, *others = editor.warnings
    assert others == (
        ["Translight: Composite_Plate is not made: it wants both the picture's and the depth's texture"]
        if plugin == "NDI Media"
        else []
    )
    assert warning.startswith(f"Translight: enable the plugin {plugin}")
    assert actor(editor, "TL_Camera")
    assert "/Game/Translight/Depth_Plate" in editor.assets


def test_what_unreal_does_not_take_is_said(folder, monkeypatch):
    editor = Editor()
    editor.imports_fail = True
    editor.text_is_read = False
    run(folder, editor, monkeypatch)
    assert editor.warnings == [
        "Translight: Picture_Source: choose the device STAGE-PC (Wall A) by hand, in its Configuration",
        "Translight: stage.ndisplay: Unreal did not import it",
    ]


def test_the_fake_refuses_what_is_not_published():
    editor = Editor()
    with pytest.raises(AttributeError):
        _ = editor.module.EditorLevelLibrary
    with pytest.raises(AttributeError, match="Failed to find property 'url'"):
        editor.module.StreamMediaSource().set_editor_property("url", "x")
    with pytest.raises(TypeError):
        editor.module.Vector(1, 2, 3, 4)
    with pytest.raises(TypeError):
        editor.module.AssetToolsHelpers.get_asset_tools().create_asset("a", "b", None, None, "c", "d")


def test_an_opentrackio_camera_takes_its_own_role(tmp_path, monkeypatch):
    show = tmp_path / "show.toml"
    show.write_text(SHOW.format(focal=50) + '[[unreal.live_link]]\nurl = "opentrackio://10.0.0.2"\n')
    assert cli.main(["unreal", "project", str(show), "--out", str(tmp_path)]) == 0
    editor = Editor()
    run(tmp_path, editor, monkeypatch)
    controller = actor(editor, "TL_Camera").state["components"][1]
    subject = controller.state["subject_representation"].state["fields"]
    assert subject["subject"].state["fields"] == {"name": "Translight"}
    assert subject["role"] is editor.module.LiveLinkOpenTrackIORole


@pytest.mark.parametrize(
    ("url", "media"),
    [
        ("ndi://Wall A", Media("P", "ndi", "STAGE (Wall A)")),
        ("ndi://OTHER (Wall A)", Media("P", "ndi", "OTHER (Wall A)")),
        ("rtsp://10.0.0.1:8554/wall", Media("P", "stream", "rtsp://10.0.0.1:8554/wall")),
    ],
)
def test_media(url, media):
    assert parse_media(url, "P", "stage") == media


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("wall", "'wall' is nothing that Unreal plays: give ndi://NAME, \"ndi://MACHINE (NAME)\" or rtsp://…"),
        ('ndi://a"b', "'ndi://a\"b' is nothing that Unreal plays: give ndi://NAME, \"ndi://MACHINE (NAME)\" or rtsp://…"),
        ("rtp://10.0.0.1:5004", "rtp://10.0.0.1:5004: a stock Unreal has no player for rtp://: give ndi:// or one of rtsp, http, https, file"),
    ],
)  # fmt: skip
def test_media_that_unreal_does_not_play(url, message):
    with pytest.raises(ShowError) as caught:
        parse_media(url, "P", "stage")
    assert str(caught.value) == message


def test_nothing_is_written_when_something_is_wrong(tmp_path, capsys):
    show = tmp_path / "show.toml"
    show.write_text(SHOW.format(focal=50))
    for more, message in (
        (["--media", "rtp://x"], "rtp://x: a stock Unreal has no player for rtp://"),
        (["--arc-error-mm", "0"], "--arc-error-mm is 0, give a number from 0.1 to 1000"),
    ):
        assert cli.main(["unreal", "project", str(show), "-o", str(tmp_path / "out"), *more]) == 1
        assert capsys.readouterr().err.startswith(f"translight: {message}")
        assert not (tmp_path / "out").exists()
    assert cli.main(["unreal", "project", str(show), "-o", str(show / "out")]) == 1
    assert capsys.readouterr().err == f"translight: {show / 'out'}: Not a directory\n"
