"""What is sent of what changed, and sessions that outlive their editor."""

import json
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest
from tests.ue_bridge.fake_editor import CAMERA, LIGHT, ORIGIN, FakeEditor, editor_of_a_stage, served

from translight.core.threads import Stages
from translight.ue_bridge import remote_messages as rc
from translight.ue_bridge.follow import USUAL, Follower, FunctionTarget, Plan, PresetTarget, PropertyTarget, Rule
from translight.ue_bridge.follow_session import Backoff, follow

LAMP = f"{LIGHT}.LightComponent0"
PLAYER = "/Game/Translight/Player.Player"
RULES = (
    Rule("environment.location", FunctionTarget(ORIGIN, *USUAL["environment.location"])),
    Rule("environment.rotation", FunctionTarget(ORIGIN, *USUAL["environment.rotation"])),
    Rule("environment.scale", FunctionTarget(ORIGIN, *USUAL["environment.scale"])),
    Rule("environment.sun.rotation", FunctionTarget(LIGHT, *USUAL["environment.sun.rotation"])),
    Rule("environment.sun.colour", FunctionTarget(LAMP, *USUAL["environment.sun.colour"])),
    Rule("environment.sun.illuminance", FunctionTarget(LAMP, *USUAL["environment.sun.illuminance"]), 1000.0),
    Rule("camera.filmback", FunctionTarget(f"{CAMERA}.CameraComponent", *USUAL["camera.filmback"])),
    Rule("camera.focal_length_mm", FunctionTarget(f"{CAMERA}.CameraComponent", *USUAL["camera.focal_length_mm"])),
)
VALUES = {
    "environment.location": {"X": 100.0, "Y": 0.0, "Z": 0.0},
    "environment.rotation": {"Pitch": 0.0, "Yaw": -10.0, "Roll": 0.0},
    "environment.scale": {"X": 2.0, "Y": 2.0, "Z": 2.0},
    "environment.sun.rotation": {"Pitch": -8.0, "Yaw": 153.0, "Roll": 0.0},
    "environment.sun.colour": {"R": 1.0, "G": 0.5, "B": 0.25, "A": 1.0},
    "environment.sun.illuminance": 3.0,
    "camera.filmback": {"SensorWidth": 36.0, "SensorHeight": 20.25},
    "camera.focal_length_mm": 50.0,
}


def test_only_changes_are_sent_once_they_are_settled():
    follower = Follower(Plan(RULES))
    first = follower.changes(VALUES)
    assert [c.rule for c in first] == list(range(8))
    assert follower.changes(VALUES) == first  # nothing was settled
    for change in first:
        follower.settle(change)
    assert follower.changes(VALUES) == []
    (change,) = follower.changes({**VALUES, "camera.focal_length_mm": 85.0})
    assert change.request == rc.call(f"{CAMERA}.CameraComponent", "SetCurrentFocalLength", {"InFocalLength": 85.0})
    follower.forget()
    assert len(follower.changes(VALUES)) == 8


def test_a_value_that_is_not_there_is_left_alone_and_a_factor_multiplies():
    follower = Follower(Plan(RULES))
    (change,) = follower.changes({"environment.sun.illuminance": 3.0})
    assert change.value == 3000.0


def test_properties_members_and_presets():
    volume = "/Game/A.A:PersistentLevel.PostProcessVolume_0"
    whole = PropertyTarget(volume, "Priority").request(2.0, undo=True)
    assert whole == rc.write(volume, "Priority", 2.0, undo=True)
    more = {"bOverride_AutoExposureBias": True}
    member = PropertyTarget(volume, "Settings", "AutoExposureBias", more).request(1.5, undo=False)
    assert member == rc.write(volume, "Settings", {"AutoExposureBias": 1.5, **more})
    exposed = PresetTarget("MyPreset", "Directional Light Rotation").request({"Pitch": 1.0}, undo=False)
    assert exposed == rc.write_preset("MyPreset", "Directional Light Rotation", {"Pitch": 1.0})


def test_pauses_double_and_begin_anew():
    backoff = Backoff(0.25, 2.0)
    assert [backoff.next_s() for _ in range(5)] == [0.25, 0.5, 1.0, 2.0, 2.0]
    backoff.reset()
    assert backoff.next_s() == 0.25


class Session:
    """A session in a thread of its own, its values and what it logged."""

    def __init__(self, editor: FakeEditor, **options: Any) -> None:
        self.values: dict[str, Any] = dict(VALUES)
        self.entries: list[dict[str, Any]] = []
        self.plan = Plan(
            RULES,
            http_port=editor.http_port,
            websocket_port=editor.websocket_port,
            rate_hz=50.0,
            start=(rc.call(PLAYER, "Play"),),
            end=(rc.call(PLAYER, "Close"),),
            **options,
        )

    def run(self, stop: threading.Event) -> None:
        def log(entry: Any) -> None:
            self.entries.append(json.loads(json.dumps(entry)))

        follow(self.plan, lambda: dict(self.values), log, stop, Backoff(0.02, 0.05))

    def told(self, what: str) -> list[dict[str, Any]]:
        return [entry for entry in list(self.entries) if entry["event"] == what]

    def wait(self, what: str, count: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.told(what)) < count:
            assert time.monotonic() < deadline, self.entries
            time.sleep(0.005)


@pytest.mark.parametrize("via", ["http", "websocket"])
def test_two_worlds_in_step_over_both_ways(via):
    with served(editor_of_a_stage()) as editor:
        session = Session(editor, via=via, watch=("MyPreset",))
        with Stages(deadline_s=5) as stages:
            stages.start("follow", session.run)
            session.wait("sent", 8)
            assert editor.objects[PLAYER].properties["playing"] is True
            assert editor.objects[ORIGIN].properties["RootLocation"] == VALUES["environment.location"]
            assert editor.objects[LAMP].properties["Intensity"] == 3000.0
            assert editor.objects[f"{CAMERA}.CameraComponent"].properties["Filmback"] == VALUES["camera.filmback"]
            session.values["camera.focal_length_mm"] = 85.0
            session.wait("sent", 9)
            assert editor.objects[f"{CAMERA}.CameraComponent"].properties["CurrentFocalLength"] == 85.0
            editor.set(LAMP, "RelativeRotation", {"Pitch": -12.0})
            session.wait("event", 1)
        assert editor.objects[PLAYER].properties["playing"] is False
        assert editor.refused == []
        assert [e["event"] for e in session.entries][:3] == ["connected", "registered", "start"]
        assert session.told("event")[0]["changed"]["Directional Light Rotation"]["Pitch"] == -12.0
        assert session.entries[-1]["event"] == "ended"
        # one exchange for all of the first values, then one for the one that changed
        assert len(session.told("sent")) == 9


def test_an_editor_that_goes_and_comes_back_gets_everything_again(monkeypatch):
    monkeypatch.setattr("translight.ue_bridge.follow_session.LOOK_S", 0.05)
    with ExitStack() as whole:
        with served(editor_of_a_stage()) as editor:
            session = Session(editor)
            ports = editor.http_port, editor.websocket_port
            whole.enter_context(Stages(deadline_s=5)).start("follow", session.run)
            session.wait("sent", 8)
        session.wait("lost", 1)
        session.values["camera.focal_length_mm"] = 24.0
        with served(editor_of_a_stage(), *ports) as another:
            session.wait("sent", 16)
            assert another.objects[f"{CAMERA}.CameraComponent"].properties["CurrentFocalLength"] == 24.0
            assert another.objects[PLAYER].properties["playing"] is True
    assert any("nobody listens there" in entry["why"] for entry in session.told("lost"))


def test_what_the_editor_refuses_is_logged_once_and_the_rest_goes_on():
    with served(editor_of_a_stage()) as editor:
        del editor.objects[LIGHT].functions["SetActorRotation"]
        session = Session(editor)
        with Stages(deadline_s=5) as stages:
            stages.start("follow", session.run)
            session.wait("sent", 7)
            time.sleep(0.1)
        (refused,) = session.told("refused")
        assert refused["source"] == "environment.sun.rotation"
        assert refused["why"] == f"Function SetActorRotation does not exist on object {LIGHT}."


def test_an_editor_that_was_never_there_is_waited_for():
    editor = editor_of_a_stage()
    with served(editor):
        pass
    session = Session(editor)
    with Stages(deadline_s=5) as stages:
        stages.start("follow", session.run)
        session.wait("lost", 3)
    assert session.told("connected") == []
