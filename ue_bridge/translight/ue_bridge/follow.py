"""Keeping Unreal in step: which value of the show goes to which object, and what there is to send; no sockets.

follow_session.py sends it; ``unreal.toml`` is read by the server room's unreal_file.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from translight.ue_bridge import remote_messages
from translight.ue_bridge.remote_messages import HTTP_PORT, WEBSOCKET_PORT, Json, Request
from translight.ue_bridge.values import Value, scaled

Via = Literal["http", "websocket"]


@dataclass(frozen=True, slots=True)
class PropertyTarget:
    """A property of an object; ``member`` is a field of a struct, ``more`` other fields that go with it."""

    path: str
    name: str
    member: str = ""
    more: Mapping[str, Json] = field(default_factory=dict)

    def request(self, value: Value, *, undo: bool) -> Request:
        """What sets it. Unreal leaves the fields of a struct alone that are not named."""
        if self.member:
            value = {self.member: value, **self.more}
        return remote_messages.write(self.path, self.name, value, undo=undo)


@dataclass(frozen=True, slots=True)
class FunctionTarget:
    """A function of an object, called with the value as ``parameter``, and ``more``."""

    path: str
    name: str
    parameter: str
    more: Mapping[str, Json] = field(default_factory=dict)

    def request(self, value: Value, *, undo: bool) -> Request:
        """What calls it."""
        return remote_messages.call(self.path, self.name, {self.parameter: value, **self.more}, undo=undo)


@dataclass(frozen=True, slots=True)
class PresetTarget:
    """A property that a preset exposes."""

    preset: str
    label: str

    def request(self, value: Value, *, undo: bool) -> Request:
        """What sets it."""
        return remote_messages.write_preset(self.preset, self.label, value, undo=undo)


Target = PropertyTarget | FunctionTarget | PresetTarget


@dataclass(frozen=True, slots=True)
class Rule:
    """``source`` names a value of the show; ``factor`` multiplies it, as from the sky's units to lux."""

    source: str
    target: Target
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All of an ``unreal.toml``."""

    rules: tuple[Rule, ...]
    host: str = "127.0.0.1"
    http_port: int = HTTP_PORT
    websocket_port: int = WEBSOCKET_PORT
    via: Via = "http"
    rate_hz: float = 10.0
    undo: bool = False
    watch: tuple[str, ...] = ()
    """Presets whose events are logged."""
    start: tuple[Request, ...] = ()
    """What is called whenever the editor has been reached."""
    end: tuple[Request, ...] = ()
    """What is called when following ends."""


USUAL: Mapping[str, tuple[str, str, Mapping[str, Json]]] = {
    "environment.location": ("SetActorLocation", "NewLocation", {"bSweep": False, "bTeleport": True}),
    "environment.rotation": ("SetActorRotation", "NewRotation", {"bTeleportPhysics": True}),
    "environment.scale": ("SetActorScale3D", "NewScale3D", {}),
    "environment.sun.rotation": ("SetActorRotation", "NewRotation", {"bTeleportPhysics": True}),
    "environment.sun.colour": ("SetLightColor", "NewLightColor", {"bSRGB": True}),
    "environment.sun.illuminance": ("SetIntensity", "NewIntensity", {}),
    "camera.filmback": ("SetFilmback", "NewFilmback", {}),
    "camera.focal_length_mm": ("SetCurrentFocalLength", "InFocalLength", {}),
}
"""Function, parameter and further parameters, by the names in Unreal's C++ reference: the actor's for placement, the
light component's and the CineCamera component's for the rest, whose properties have setters and so are not written."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to send, and the rule that asks for it."""

    rule: int
    source: str
    value: Value
    request: Request


class Follower:
    """What has to be sent so that Unreal has the show's values: only what changed since it was last taken."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._settled: dict[int, Value] = {}

    def changes(self, values: Mapping[str, Value]) -> list[Change]:
        """One for each rule whose value is known and new. A value that the show does not have now is left alone."""
        found = []
        for number, rule in enumerate(self._plan.rules):
            if rule.source not in values:
                continue
            value = values[rule.source]
            if rule.factor != 1.0:
                value = scaled(value, rule.factor)
            if number in self._settled and self._settled[number] == value:
                continue
            found.append(Change(number, rule.source, value, rule.target.request(value, undo=self._plan.undo)))
        return found

    def settle(self, change: Change) -> None:
        """The editor answered, whether it took the value or refused it: the same is not sent again."""
        self._settled[change.rule] = change.value

    def forget(self) -> None:
        """The editor was away, and may have come back as another: everything is sent again."""
        self._settled.clear()
