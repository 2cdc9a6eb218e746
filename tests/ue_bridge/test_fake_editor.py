"""The fake editor against clients and vectors that are not ours, so that it is no mirror of our own mistakes."""

import json
from pathlib import Path
from typing import Any

import pytest
import upyrc.upyrc as upyrc
from tests.ue_bridge.fake_editor import CUBE, LIGHT, FakeEditor, FakeObject, FakePreset, editor_of_a_stage, served
from websockets.sync.client import connect

from translight.ue_bridge import remote_messages as rc
from translight.ue_bridge.remote_http import HttpEditor

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "unreal" / "remote_control_vectors.json"
MESH = f"{CUBE}.StaticMeshComponent0"


def vectors() -> dict[str, Any]:
    if not VECTORS.is_file():
        pytest.skip("the published Remote Control vectors lie in ../shared/data, which is not here")
    return json.loads(VECTORS.read_text())


def real(tree: Any) -> Any:
    """The documents' placeholders as objects of the fake's stage."""
    text = json.dumps(tree)
    text = text.replace("<path>.StaticMeshComponent0", "<path>").replace(
        "/Game/ThirdPersonBP/Maps/ThirdPersonExampleMap.ThirdPersonExampleMap:PersistentLevel.CubeMesh_5", CUBE
    )
    return json.loads(text.replace("<path>", MESH))


def shaped(shape: Any, value: Any) -> bool:
    """Whether a documented shape's keys are there, and its lists and texts are such."""
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(
            k == "..." or (k in value and shaped(v, value[k])) for k, v in shape.items()
        )
    if isinstance(shape, list):
        return isinstance(value, list) and all(shaped(shape[0], v) for v in value[:1])
    return isinstance(value, type(shape)) or value is not None


def test_the_documents_http_examples_get_the_documents_answers():
    for one in vectors()["http"]:
        editor = editor_of_a_stage()
        editor.objects["/Game/Geometry/Meshes/CubeMaterial.CubeMaterial"] = FakeObject("Material")
        path = one["path"].replace("<missing>", "insert_preset_name")
        body = one.get("body")
        code, answer = editor.handle(one["verb"], path, b"" if body is None else json.dumps(real(body)).encode())
        tree = json.loads(answer) if answer else ""
        if "error_body" in one:
            assert (code, tree) == (404, one["error_body"])
            continue
        assert code == one["status"], (one, tree)
        if "response" in one and one["path"] != "/remote/presets":
            assert tree == one["response"]
        shape = one.get("response_shape", one.get("response"))
        if isinstance(shape, dict):
            shape.pop("SweepHitResult", None)  # out parameters of a sweep that no fake makes
            assert shaped(shape, tree), (shape, tree)


def test_our_messages_are_the_documents_own():
    http = {(v["verb"], v["path"], json.dumps(v.get("body"), sort_keys=True)): v for v in vectors()["http"]}

    def documented(request: rc.Request) -> bool:
        body = None if request.body is None else dict(request.body)
        return (request.verb, request.url, json.dumps(body, sort_keys=True)) in http

    mesh = "<path>.StaticMeshComponent0"
    assert documented(rc.info())
    assert documented(rc.presets())
    cube = "/Game/ThirdPersonBP/Maps/ThirdPersonExampleMap.ThirdPersonExampleMap:PersistentLevel.CubeMesh_5"
    moved = {"NewLocation": {"X": 100, "Y": 0, "Z": 30}, "bSweep": True}
    assert documented(rc.call(cube, "SetActorLocation", moved, undo=True))
    assert documented(rc.read(mesh, "StreamingDistanceMultiplier"))
    assert documented(rc.write(mesh, "StreamingDistanceMultiplier", 2))
    assert documented(rc.search_assets("Cube"))
    assert documented(rc.describe("<path>"))
    assert documented(rc.batch([rc.read("<path>", "StreamingDistanceMultiplier")]))
    sent = [v["send"] for v in vectors()["ws"] if "send" in v]
    for text, wanted in ((rc.register("MyPreset", 1), sent[1]), (rc.unregister("MyPreset", 1), sent[2])):
        tree = json.loads(text)
        del tree["Id"]
        assert tree == wanted
    tree = json.loads(rc.wrapped(rc.read("<path>", "StreamingDistanceMultiplier"), 1))
    assert tree["Parameters"].pop("RequestId") == 1
    wanted = sent[0]
    wanted["Parameters"]["Body"]["objectPath"] = wanted["Parameters"]["Body"].pop("ObjectPath")
    assert tree == wanted


def test_the_documents_events_and_replies_are_read():
    for one in vectors()["ws"]:
        if "recv" in one:
            reply = rc.parse_message(json.dumps(one["recv"]).encode())
            assert isinstance(reply, rc.Reply)
            assert (reply.request_id, reply.code, reply.body) == (-1, 200, {"StreamingDistanceMultiplier": 1})
        if "event" in one:
            event = rc.parse_message(json.dumps(one["event"]).encode())
            assert isinstance(event, rc.Event)
            assert (event.kind, event.preset) == (one["event"]["Type"], "MyPreset")
            changed = {"Relative Rotation (LightSource_0)": {"Pitch": 346.4, "Yaw": 0, "Roll": 169.2}}
            assert event.changed() == (changed if event.kind == "PresetFieldsChanged" else {})


def test_a_public_client_finds_what_ours_does():
    """upyrc (MIT), made against Unreal 5.3; it sends generateTransaction with every body, which Unreal passes over."""
    with served(editor_of_a_stage(lenient=True)) as editor:
        connection = upyrc.URConnection("127.0.0.1", editor.http_port)
        ours = HttpEditor("127.0.0.1", editor.http_port)
        assert connection.ping() is not None
        light = connection.get_ruobject(f"{LIGHT}.LightComponent0")
        light.set_property("Intensity", 12.5)
        assert ours.request(rc.read(f"{LIGHT}.LightComponent0", "Intensity")).body == {"Intensity": 12.5}
        assert ours.request(rc.write(f"{LIGHT}.LightComponent0", "Intensity", 3.0)).body is None
        assert light.get_property("Intensity") == 3.0
        cube = connection.get_ruobject(CUBE)
        assert cube.run_function("SetActorLocation", NewLocation={"X": 1, "Y": 2, "Z": 3}, bSweep=False) is True
        preset = connection.get_preset("MyPreset")
        rotation = preset.get_property("Directional Light Rotation")
        rotation.set(Pitch=-90, Yaw=0, Roll=0)
        told = ours.request(rc.read_preset("MyPreset", "Directional Light Rotation"))
        assert told.body["PropertyValues"][0]["PropertyValue"] == rotation.eval() == {"Pitch": -90, "Yaw": 0, "Roll": 0}
        theirs, mine = editor.log[-6:-1], [entry for entry in editor.log if entry[1].startswith("/remote/preset/")]
        assert theirs
        assert {path for _, path, _ in mine} == {
            "/remote/preset/MyPreset",
            "/remote/preset/MyPreset/property/Directional Light Rotation",
        }
        with connection.batch_context() as batch:
            light.get_property("Intensity")
            (result,) = batch.execute()
        (again,) = ours.exchange([rc.read(f"{LIGHT}.LightComponent0", "Intensity")])
        assert (result.response_code, result.response_body) == (again.code, again.body)


def test_epics_own_way_over_the_websocket(editor: FakeEditor):
    """The message that Epic's web application sends: RequestId and URL within the parameters."""
    with connect(f"ws://127.0.0.1:{editor.websocket_port}", proxy=None) as socket:
        for number, more in ((5, {"RequestId": 5}), (-1, {})):
            message = {"MessageName": "http", "Id": 77, "Parameters": {**more, "Verb": "GET", "URL": "/remote/presets"}}
            socket.send(json.dumps(message))
            data = socket.recv(5)
            assert isinstance(data, bytes), "Unreal's frames are binary"
            reply = json.loads(data)
            assert (reply["RequestId"], reply["ResponseCode"]) == (number, 200)


@pytest.mark.parametrize(
    ("verb", "path", "body", "code", "message"),
    [
        ("GET", "/remote/objects", None, 404, "no route GET /remote/objects"),
        ("GET", "/remote/object/call", None, 404, "no route GET /remote/object/call"),
        ("PUT", "/remote/object/call", {"objectPath": CUBE}, 400, "functionName is missing"),
        ("PUT", "/remote/object/property", {"objectPath": CUBE, "access": "WRITE"}, 400, "access WRITE is none of READ_ACCESS, WRITE_ACCESS, WRITE_TRANSACTION_ACCESS"),
        ("PUT", "/remote/object/property", {"objectPath": MESH, "access": "WRITE_ACCESS", "propertyName": "StreamingDistanceMultiplier", "propertyValue": {"StreamingDistanceMultiplier": "2"}}, 400, "StreamingDistanceMultiplier cannot take '2'"),
        ("PUT", "/remote/object/property", {"objectPath": MESH, "access": "READ_ACCESS", "undo": True}, 400, "undo is none of objectPath, propertyName, access, propertyValue, generateTransaction"),
    ],
)  # fmt: skip
def test_what_the_documents_do_not_allow_is_refused(verb, path, body, code, message):
    editor = editor_of_a_stage()
    got, answer = editor.handle(verb, path, json.dumps(body).encode())
    assert (got, json.loads(answer)) == (code, {"errorMessage": message})
    assert editor.log == []


def test_changes_are_gathered_to_one_event():
    editor = editor_of_a_stage()
    editor.presets["Other"] = FakePreset()
    sent: list[Any] = []
    editor.tell = lambda name, event: sent.append((name, event))  # type: ignore[method-assign]
    for pitch in range(5):
        editor.set(f"{LIGHT}.LightComponent0", "RelativeRotation", {"Pitch": pitch})
    editor.flush()
    editor.flush()
    ((name, event),) = sent
    assert name == "MyPreset"
    assert [f["PropertyValue"]["Pitch"] for f in event["ChangedFields"]] == [4]
