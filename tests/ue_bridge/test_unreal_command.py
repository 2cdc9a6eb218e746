"""``translight unreal …`` against the fake editor: what it prints, and one line for each mistake."""

import json
from pathlib import Path

import pytest
from tests.server.test_unreal_values import SHOW
from tests.ue_bridge.fake_editor import CAMERA, CUBE, LIGHT, ORIGIN, FakeEditor

from translight import cli
from translight.core.threads import Stages

LAMP = f"{LIGHT}.LightComponent0"


@pytest.fixture
def say(editor: FakeEditor, capsys):
    """Run a command against the fake editor: (exit status, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        ports = ["--http-port", str(editor.http_port), "--websocket-port", str(editor.websocket_port)]
        status = cli.main(["unreal", *words, *ports])
        return status, *capsys.readouterr()

    return run


def test_connect(say, editor):
    status, out, err = say("connect")
    assert (status, err) == (0, "")
    http, ws = out.splitlines()
    assert http.startswith(f"http://127.0.0.1:{editor.http_port}: 6 routes, ")
    assert ws.startswith(f"ws://127.0.0.1:{editor.websocket_port}: answers, ")


def test_nobody_there(capsys):
    assert cli.main(["unreal", "connect", "--http-port", "1", "--websocket-port", "1"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": nobody listens there;")[0] for line in lines] == [
        "translight: Unreal at http://127.0.0.1:1",
        "translight: Unreal at ws://127.0.0.1:1",
    ]


def test_status(say):
    _, out, _ = say("status", "--find", "cine", "--json")
    assert json.loads(out) == {"actors": [CAMERA], "presets": ["MyPreset"]}
    _, out, _ = say("status")
    assert out.splitlines()[0] == "actors: 4"
    assert f"  {CUBE}" in out.splitlines()


def test_set_get_describe_and_call(say, editor):
    assert say("set", LAMP, "Intensity", "12.5") == (0, "", "")
    assert json.loads(say("get", LAMP, "Intensity")[1]) == {"Intensity": 12.5}
    assert set(json.loads(say("get", LAMP)[1])) == {"Intensity", "RelativeRotation"}
    assert json.loads(say("get", LAMP, "--describe")[1])["Class"] == "/Script/Engine.DirectionalLightComponent"
    moved = '{"NewLocation": {"X": 1, "Y": 2, "Z": 3}, "bSweep": false}'
    assert json.loads(say("call", CUBE, "SetActorLocation", "--parameters", moved)[1]) == {"ReturnValue": True}
    assert editor.objects[CUBE].properties["RootLocation"] == {"X": 1, "Y": 2, "Z": 3}


def test_presets(say, editor):
    label = "Directional Light Rotation"
    assert json.loads(say("preset")[1])["Presets"][0]["Name"] == "MyPreset"
    assert (
        json.loads(say("preset", "MyPreset")[1])["Preset"]["Groups"][0]["ExposedProperties"][0]["DisplayName"] == label
    )
    assert say("preset", "MyPreset", label, '{"Pitch": -30}') == (0, "", "")
    told = json.loads(say("preset", "MyPreset", label)[1])
    assert told["PropertyValues"][0]["PropertyValue"]["Pitch"] == -30
    assert json.loads(say("preset", "MyPreset", "Play/Now", "--call", "{}")[1]) == {
        "ReturnedValues": [{"ReturnValue": True}]
    }
    assert editor.objects["/Game/Translight/Player.Player"].properties["playing"]


def test_watching_a_preset(say, editor):
    def turn(stop) -> None:
        """As somebody in the editor does, as soon as the preset is watched."""
        while not editor.watched("MyPreset") and not stop.wait(0.01):
            pass
        editor.set(LAMP, "RelativeRotation", {"Pitch": 5.0})

    with Stages(deadline_s=5) as stages:
        stages.start("turn", turn)
        _, out, _ = say("preset", "MyPreset", "--watch", "1")
    (line,) = out.splitlines()
    assert json.loads(line)["ChangedFields"][0]["PropertyValue"]["Pitch"] == 5.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["set", LAMP, "Nothing", "1"], f"Unreal refused PUT /remote/object/property: Object property: Nothing could not be resolved on object: {LAMP}."),
        (["get", "/Game/No.No"], "Unreal refused PUT /remote/object/property: Object: /Game/No.No does not exist when trying to resolve it."),
        (["set", f"{CAMERA}.CameraComponent", "CurrentFocalLength", "50"], "Unreal refused PUT /remote/object/property: CurrentFocalLength has a BlueprintSetter: call it"),
        (["preset", "No"], "Unreal refused GET /remote/preset/No: Preset No could not be found."),
        (["preset", "No", "--watch", "1"], "Unreal refused GET /remote/preset/No: Preset No could not be found."),
        (["call", CUBE, "Fly"], f"Unreal refused PUT /remote/object/call: Function Fly does not exist on object {CUBE}."),
        (["call", CUBE, "Fly", "--parameters", "3"], "--parameters is '3': give a JSON object, like {\"NewIntensity\": 10}"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(say, words, message):
    assert say(*words) == (1, "", f"translight: {message}\n")


RULES = f"""\
[editor]
http_port = {{port}}
rate_hz = 50
[[follow]]
from = "environment.location"
to = "{ORIGIN}"
[[follow]]
from = "camera.filmback"
to = "{CAMERA}.CameraComponent"
"""


def test_follow(editor, tmp_path: Path, capsys):
    show, rules, log = tmp_path / "show.toml", tmp_path / "unreal.toml", tmp_path / "session.jsonl"
    show.write_text(SHOW.format(focal=50))
    rules.write_text(RULES.format(port=editor.http_port))
    assert cli.main(["unreal", "follow", str(show), str(rules), "--seconds", "0.5", "--log", str(log)]) == 0
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["event"] for e in events] == ["connected", "sent", "sent", "ended"]
    assert events[1]["value"] == {"X": 200.0, "Y": 100.0, "Z": 50.0}
    assert editor.objects[ORIGIN].properties["RootLocation"] == events[1]["value"]
    assert capsys.readouterr().out == ""


def test_follow_checks_without_an_editor(tmp_path: Path, capsys):
    show, rules = tmp_path / "show.toml", tmp_path / "unreal.toml"
    show.write_text(SHOW.format(focal=50).replace("[environment]", '[environment]\npath = "bare.ply"', 1))
    rules.write_text(RULES.format(port=1))
    assert cli.main(["unreal", "follow", str(show), str(rules), "--check"]) == 0
    assert json.loads(capsys.readouterr().out)["camera.filmback"] == {"SensorWidth": 36.0, "SensorHeight": 20.25}
    (tmp_path / "bare.ply").write_bytes(b"ply\n")
    rules.write_text(f'[[follow]]\nfrom = "environment.sun.illuminance"\nto = "{LAMP}"\n')
    assert cli.main(["unreal", "follow", str(show), str(rules)]) == 1
    wanted = f"translight: {rules}: environment.sun.illuminance is followed, and the environment's sky shows no sun\n"
    assert capsys.readouterr().err == wanted
