"""Unreal's Remote Control API as values: requests to bytes, bytes to replies and events; no sockets.

Epic Games, "Remote Control API HTTP Reference", "… Preset API HTTP Reference" and "… WebSocket Reference", UE 5.7.
A property write answers 200 with an empty body. Over the WebSocket, Unreal's replies are binary frames of UTF-8 JSON,
and a reply's RequestId is that of the message's parameters, or −1 where it gave none. ``remote_http.py`` and
``remote_socket.py`` carry these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from translight.core.errors import ProtocolError

HTTP_PORT = 30010
WEBSOCKET_PORT = 30020
MAX_MESSAGE_BYTES = 16 << 20
"""Security: the longest reply or event that is read."""
NO_ID = -1
ACTORS = "/Script/UnrealEd.Default__EditorActorSubsystem"
"""The editor subsystem that lists a level's actors; Remote Control has no actor search of its own."""

Verb = Literal["GET", "PUT", "DELETE"]
Json = Any
"""What JSON can say."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call of an HTTP route; ``url`` is a path, percent-encoded."""

    verb: Verb
    url: str
    body: Mapping[str, Json] | None = None

    def payload(self) -> bytes:
        """The body's bytes; none without a body."""
        return b"" if self.body is None else json.dumps(self.body, allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``body`` is None where it was empty; ``request_id`` is NO_ID where there was none to repeat."""

    code: int
    body: Json = None
    request_id: int = NO_ID

    @property
    def ok(self) -> bool:
        """Whether the editor did it."""
        return 200 <= self.code < 300

    @property
    def error(self) -> str:
        """The editor's own words for what was wrong, or the status."""
        told = self.body.get("errorMessage") if isinstance(self.body, dict) else None
        return str(told) if told else f"status {self.code}"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a preset that was registered: ``PresetFieldsChanged`` and its like, all fields in ``body``."""

    kind: str
    preset: str
    body: Mapping[str, Json]

    def changed(self) -> dict[str, Json]:
        """Label and new value of each field of a ``PresetFieldsChanged``; empty for other kinds."""
        fields = self.body.get("ChangedFields") if self.kind == "PresetFieldsChanged" else None
        found = [f for f in fields if isinstance(f, dict)] if isinstance(fields, list) else []
        return {str(f["PropertyLabel"]): f.get("PropertyValue") for f in found if "PropertyLabel" in f}


def info() -> Request:
    """Every route that the editor has."""
    return Request("GET", "/remote/info")


def describe(path: str) -> Request:
    """An object's class, properties and functions."""
    return Request("PUT", "/remote/object/describe", {"objectPath": path})


def read(path: str, name: str | None = None) -> Request:
    """A property of an object, or all of them."""
    which = {} if name is None else {"propertyName": name}
    return Request("PUT", "/remote/object/property", {"objectPath": path, **which, "access": "READ_ACCESS"})


def write(path: str, name: str, value: Json, *, undo: bool = False) -> Request:
    """Set a property; with ``undo`` it enters the editor's undo history, and a Multi-User session."""
    access = "WRITE_TRANSACTION_ACCESS" if undo else "WRITE_ACCESS"
    body = {"objectPath": path, "access": access, "propertyName": name, "propertyValue": {name: value}}
    return Request("PUT", "/remote/object/property", body)


def call(path: str, function: str, parameters: Mapping[str, Json] | None = None, *, undo: bool = False) -> Request:
    """Call a function that Blueprints can call, by its C++ names; parameters left out take their types' defaults."""
    body: dict[str, Json] = {"objectPath": path, "functionName": function}
    if parameters:
        body["parameters"] = dict(parameters)
    return Request("PUT", "/remote/object/call", {**body, "generateTransaction": undo})


def search_assets(query: str, classes: Sequence[str] = (), folders: Sequence[str] = ()) -> Request:
    """Assets whose name holds ``query``, of these classes, in these folders and below."""
    body = {
        "Query": query,
        "Filter": {
            "PackageNames": [],
            "ClassNames": list(classes),
            "PackagePaths": list(folders),
            "RecursiveClassesExclusionSet": [],
            "RecursivePaths": bool(folders),
            "RecursiveClasses": bool(classes),
        },
    }
    return Request("PUT", "/remote/search/assets", body)


def level_actors() -> Request:
    """The paths of all actors of the level that is open in the editor (its ReturnValue)."""
    return call(ACTORS, "GetAllLevelActors")


def presets() -> Request:
    """Every preset of the project."""
    return Request("GET", "/remote/presets")


def preset(name: str) -> Request:
    """What a preset exposes."""
    return Request("GET", f"/remote/preset/{_part(name)}")


def read_preset(name: str, label: str) -> Request:
    """An exposed property's values, one for each object that it is bound to."""
    return Request("GET", f"/remote/preset/{_part(name)}/property/{_part(label)}")


def write_preset(name: str, label: str, value: Json, *, undo: bool = False) -> Request:
    """Set an exposed property."""
    body = {"PropertyValue": value, "GenerateTransaction": undo}
    return Request("PUT", f"/remote/preset/{_part(name)}/property/{_part(label)}", body)


def call_preset(name: str, label: str, parameters: Mapping[str, Json], *, undo: bool = False) -> Request:
    """Call an exposed function."""
    body = {"Parameters": dict(parameters), "GenerateTransaction": undo}
    return Request("PUT", f"/remote/preset/{_part(name)}/function/{_part(label)}", body)


def batch(requests: Sequence[Request]) -> Request:
    """Several requests in one; they count from 1."""
    listed = [
        {"RequestId": number, "URL": one.url, "Verb": one.verb, **({} if one.body is None else {"Body": one.body})}
        for number, one in enumerate(requests, 1)
    ]
    return Request("PUT", "/remote/batch", {"Requests": listed})


def parse_reply(code: int, payload: bytes) -> Reply:
    """An HTTP reply. Raises ProtocolError when its body is not JSON."""
    return Reply(code, _json(payload, f"reply with status {code}") if payload.strip() else None)


def parse_batch(reply: Reply, count: int) -> list[Reply]:
    """The replies to a batch, in the order of its requests. Raises ProtocolError when one is missing or malformed."""
    if not reply.ok:
        return [Reply(reply.code, reply.body)] * count
    listed = reply.body.get("Responses") if isinstance(reply.body, dict) else None
    if not isinstance(listed, list):
        raise ProtocolError("a batch's reply has a list of Responses, this one has none")
    found = {one.request_id: one for one in map(_reply, listed)}
    missing = [number for number in range(1, count + 1) if number not in found]
    if missing:
        raise ProtocolError(f"a batch's reply leaves out request {missing[0]} of {count}")
    return [found[number] for number in range(1, count + 1)]


def wrapped(request: Request, number: int) -> str:
    """A request as a WebSocket message; ``number`` (above 0: 0 reads as none in Epic's own client) comes back."""
    parameters = {"RequestId": number, "Url": request.url, "Verb": request.verb}
    if request.body is not None:
        parameters["Body"] = request.body
    return json.dumps({"MessageName": "http", "Id": number, "Parameters": parameters}, allow_nan=False)


def register(name: str, number: int) -> str:
    """A WebSocket message: tell of what happens to a preset."""
    return json.dumps({"MessageName": "preset.register", "Id": number, "Parameters": {"PresetName": name}})


def unregister(name: str, number: int) -> str:
    """A WebSocket message: tell of it no more."""
    return json.dumps({"MessageName": "preset.unregister", "Id": number, "Parameters": {"PresetName": name}})


def parse_message(data: bytes | str) -> Reply | Event:
    """A message from the WebSocket. Raises ProtocolError when it is neither a reply nor an event."""
    tree = _json(data, "message")
    if isinstance(tree, dict) and "ResponseCode" in tree:
        return _reply(tree)
    kind = tree.get("Type") if isinstance(tree, dict) else None
    if not isinstance(kind, str):
        raise ProtocolError("a Remote Control message has a ResponseCode or a Type, this one has neither")
    name = tree.get("PresetName", "")
    if not isinstance(name, str):
        raise ProtocolError(f"a Remote Control event's PresetName is a text, got {name!r:.40}")
    return Event(kind, name, tree)


def _reply(tree: Json) -> Reply:
    number, code = (tree.get(key) if isinstance(tree, dict) else None for key in ("RequestId", "ResponseCode"))
    for key, value in (("RequestId", number), ("ResponseCode", code)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise ProtocolError(f"a Remote Control reply's {key} is an integer, got {value!r:.40}")
    assert isinstance(code, int)
    assert isinstance(number, int)
    # an empty body comes as "" or null, or not at all
    return Reply(code, tree.get("ResponseBody") or None, number)


def _json(data: bytes | str, what: str) -> Json:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"Remote Control {what} is not JSON: {error}") from None


def _part(name: str) -> str:
    return quote(name, safe="")
