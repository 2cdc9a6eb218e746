"""A stand-in for Unreal's editor that speaks the published Remote Control protocol strictly, quirks and all.

Sources: Epic's HTTP, Preset and WebSocket references for UE 5.7 (the facts are in
../shared/data/unreal/remote_control_vectors.json); a message's RequestId comes from its parameters as Epic's own web
application has it. What the documents do not allow is refused, so that a client which passes here asks for nothing
undocumented. ``lenient`` lets unknown keys of a body pass, as Unreal's deserialiser does: for clients that are not
ours.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

FLUSH_S = 5 / 60  # events are gathered for about five frames
ACCESS = ("READ_ACCESS", "WRITE_ACCESS", "WRITE_TRANSACTION_ACCESS")
FILTER = {
    "PackageNames": list, "ClassNames": list, "PackagePaths": list,
    "RecursiveClassesExclusionSet": list, "RecursivePaths": bool, "RecursiveClasses": bool,
}  # fmt: skip


class Refused(Exception):  # noqa: N818 - what the editor does
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class FakeObject:
    """Properties by name, and functions that take the parameters they are given; ``guarded`` properties have setters."""

    kind: str
    properties: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    parameters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    guarded: frozenset[str] = frozenset()


@dataclass
class FakePreset:
    """Exposed properties: label → (object path, property); functions: label → (object path, function)."""

    properties: dict[str, tuple[str, str]] = field(default_factory=dict)
    functions: dict[str, tuple[str, str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)


class FakeEditor:
    """The editor's state; ``served`` gives it its two ports."""

    def __init__(self, *, lenient: bool = False, repeats_ids: bool = True) -> None:
        self.objects: dict[str, FakeObject] = {}
        self.presets: dict[str, FakePreset] = {}
        self.log: list[tuple[str, str, Any]] = []
        """Verb, path and body of every request that was carried out, batches opened up."""
        self.refused: list[str] = []
        self.ignored = 0
        """WebSocket messages that were none; Unreal logs such and does not answer."""
        self.http_port = self.websocket_port = 0
        self.silent = False
        """Take requests and answer nothing, as behind a modal dialogue."""
        self.connections: list[ServerConnection] = []
        self._lenient = lenient
        self._repeats_ids = repeats_ids
        self._lock = threading.RLock()
        self._watchers: dict[str, list[ServerConnection]] = {}
        self._changed: dict[str, dict[str, Any]] = {}

    # -- routes

    def handle(self, verb: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body; a batch is opened up."""
        with self._lock:
            try:
                answer = self._route(verb, path, body)
            except Refused as error:
                self.refused.append(str(error))
                return error.code, json.dumps({"errorMessage": str(error)}).encode()
            return 200, b"" if answer is None else json.dumps(answer).encode()

    def _route(self, verb: str, path: str, body: bytes) -> Any:
        if (verb, path) == ("PUT", "/remote/batch"):
            return self._batch(self._body(body))
        tree = self._body(body) if verb == "PUT" else {}
        answer = self._answer(verb, path, tree)
        self.log.append((verb, unquote(path), tree))
        return answer

    def _answer(self, verb: str, path: str, body: dict[str, Any]) -> Any:
        routes: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "/remote/info"): lambda _: {
                "HttpRoutes": [{"Path": p, "Verb": v.title(), "Description": ""} for v, p in routes]
            },
            ("PUT", "/remote/object/call"): self._call,
            ("PUT", "/remote/object/property"): self._property,
            ("PUT", "/remote/object/describe"): self._describe,
            ("PUT", "/remote/search/assets"): self._search,
            ("GET", "/remote/presets"): lambda _: {"Presets": [self._listed(name) for name in self.presets]},
        }
        if (verb, path) in routes:
            return routes[verb, path](body)
        parts = [unquote(part) for part in path.split("/")]
        if parts[:3] == ["", "remote", "preset"] and len(parts) >= 4:
            return self._preset(verb, parts[3], parts[4:], body)
        raise Refused(404, f"no route {verb} {path}")

    def _batch(self, body: dict[str, Any]) -> Any:
        requests = self._keys(body, {"Requests": list}, ("Requests",))["Requests"]
        responses = []
        for one in requests:
            one = self._keys(
                one, {"RequestId": int, "URL": str, "Verb": str, "Body": dict}, ("RequestId", "URL", "Verb")
            )
            inner = json.dumps(one["Body"]).encode() if "Body" in one else b""
            code, answer = self.handle(one["Verb"], one["URL"], inner)
            responses.append(
                {
                    "RequestId": one["RequestId"],
                    "ResponseCode": code,
                    "ResponseBody": json.loads(answer) if answer else "",
                }
            )
        return {"Responses": responses}

    def _call(self, body: dict[str, Any]) -> Any:
        shape = {"objectPath": str, "functionName": str, "parameters": dict, "generateTransaction": bool}
        body = self._keys(body, shape, ("objectPath", "functionName"))
        thing = self._object(body["objectPath"])
        name = body["functionName"]
        if name not in thing.functions:
            raise Refused(400, f"Function {name} does not exist on object {body['objectPath']}.")
        given = body.get("parameters", {})
        unknown = set(given) - set(thing.parameters.get(name, ()))
        if unknown:
            raise Refused(400, f"Function {name} has no parameter {sorted(unknown)[0]}.")
        result = thing.functions[name](**given)
        return {} if result is None else {"ReturnValue": result}

    def _property(self, body: dict[str, Any]) -> Any:
        shape = {
            "objectPath": str,
            "propertyName": str,
            "access": str,
            "propertyValue": dict,
            "generateTransaction": bool,
        }
        body = self._keys(body, shape, ("objectPath", "access"))
        path, access = body["objectPath"], body["access"]
        thing = self._object(path)
        if access not in ACCESS:
            raise Refused(400, f"access {access} is none of {', '.join(ACCESS)}")
        name = body.get("propertyName")
        if name is not None and name not in thing.properties:
            raise Refused(400, f"Object property: {name} could not be resolved on object: {path}.")
        if access == "READ_ACCESS":
            if "propertyValue" in body:
                raise Refused(400, "READ_ACCESS has no propertyValue")
            return dict(thing.properties) if name is None else {name: thing.properties[name]}
        if "propertyValue" not in body:
            raise Refused(400, "a write has a propertyValue")
        for key, value in body["propertyValue"].items():
            if name is not None and key != name:
                raise Refused(400, f"propertyValue writes {key}, propertyName is {name}")
            if key in thing.guarded:
                raise Refused(400, f"{key} has a BlueprintSetter: call it")
            self._check_type(key, thing.properties[key], value)
            self.set(path, key, value)
        return None

    def _describe(self, body: dict[str, Any]) -> Any:
        body = self._keys(body, {"objectPath": str}, ("objectPath",))
        path = body["objectPath"]
        thing = self._object(path)
        blank = {"Description": "", "ContainerType": "", "KeyType": "", "Metadata": {}}
        properties = [{"Name": n, "Type": type(v).__name__, **blank} for n, v in thing.properties.items()]
        functions = [{"Name": n, "Description": "", "Arguments": []} for n in thing.functions]
        return {"Name": path.rpartition(".")[2], "Class": thing.kind, "Properties": properties, "Functions": functions}

    def _search(self, body: dict[str, Any]) -> Any:
        body = self._keys(body, {"Query": str, "Filter": dict}, ("Query",))
        self._keys(body.get("Filter", {}), FILTER, ())
        kinds = body.get("Filter", {}).get("ClassNames", [])
        return {
            "Assets": [
                {"Name": path.rpartition(".")[2], "Class": thing.kind, "Path": path}
                for path, thing in self.objects.items()
                if ":" not in path and body["Query"].lower() in path.lower() and (not kinds or thing.kind in kinds)
            ]
        }

    def _preset(self, verb: str, name: str, rest: list[str], body: dict[str, Any]) -> Any:
        if name not in self.presets:
            raise Refused(404, f"Preset {name} could not be found.")
        preset = self.presets[name]
        match verb, *rest:
            case ["GET"]:
                return {"Preset": {**self._listed(name), "Groups": [self._group(preset)]}}
            case ["GET", "property", label] if label in preset.properties:
                path, key = preset.properties[label]
                return {"PropertyValues": [{"ObjectPath": path, "PropertyValue": self.objects[path].properties[key]}]}
            case ["PUT", "property", label] if label in preset.properties:
                shape = {"PropertyValue": object, "GenerateTransaction": bool}
                path, key = preset.properties[label]
                value = self._keys(body, shape, ("PropertyValue",))["PropertyValue"]
                self._check_type(key, self.objects[path].properties[key], value)
                self.set(path, key, value)
                return None
            case ["PUT", "function", label] if label in preset.functions:
                body = self._keys(body, {"Parameters": dict, "GenerateTransaction": bool}, ())
                path, function = preset.functions[label]
                returned = self.objects[path].functions[function](**body.get("Parameters", {}))
                return {"ReturnedValues": [{} if returned is None else {"ReturnValue": returned}]}
            case ["GET", "metadata"]:
                return {"Metadata": preset.metadata}
            case ["PUT", "metadata", key]:
                preset.metadata[key] = self._keys(body, {"Value": str}, ())["Value"]
                return None
            case ["DELETE", "metadata", key]:
                preset.metadata.pop(key, None)
                return None
        raise Refused(404, f"Preset {name} has no {'/'.join(rest)}")

    def _listed(self, name: str) -> dict[str, str]:
        return {"Name": name, "ID": f"id-{name}", "Path": f"/Game/Presets/{name}.{name}"}

    def _group(self, preset: FakePreset) -> dict[str, Any]:
        properties = [
            {
                "DisplayName": label,
                "ID": label,
                "UnderlyingProperty": {"Name": key},
                "Metadata": {},
                "OwnerObjects": [path],
            }
            for label, (path, key) in preset.properties.items()
        ]
        functions = [
            {
                "DisplayName": label,
                "ID": label,
                "UnderlyingFunction": {"Name": key, "Arguments": []},
                "OwnerObjects": [path],
            }
            for label, (path, key) in preset.functions.items()
        ]
        return {"Name": "Default Group", "ExposedProperties": properties, "ExposedFunctions": functions}

    # -- checks

    def _body(self, body: bytes) -> dict[str, Any]:
        try:
            tree = json.loads(body)
        except ValueError:
            raise Refused(400, "Unable to deserialize the request body.") from None
        if not isinstance(tree, dict):
            raise Refused(400, "a request's body is an object")
        return tree

    def _keys(self, body: Any, shape: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
        """The body with its keys spelt as documented; keys are taken in any case, as Unreal does."""
        if not isinstance(body, dict):
            raise Refused(400, f"an object with {', '.join(shape)} is wanted")
        spelt = {name.lower(): name for name in shape}
        found: dict[str, Any] = {}
        for key, value in body.items():
            if key.lower() not in spelt:
                if self._lenient:
                    continue
                raise Refused(400, f"{key} is none of {', '.join(shape)}")
            name = spelt[key.lower()]
            kind = shape[name]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise Refused(400, f"{name} is a {kind.__name__}, got {value!r}")
            found[name] = value
        for name in required:
            if name not in found:
                raise Refused(400, f"{name} is missing")
        return found

    def _check_type(self, key: str, now: Any, value: Any) -> None:
        number = isinstance(now, int | float) and not isinstance(now, bool)
        same = (
            isinstance(value, int | float) and not isinstance(value, bool) if number else isinstance(value, type(now))
        )
        if not same or (isinstance(now, dict) and not set(value) <= set(now)):
            raise Refused(400, f"{key} cannot take {value!r}")

    def _object(self, path: str) -> FakeObject:
        if path not in self.objects:
            raise Refused(400, f"Object: {path} does not exist when trying to resolve it.")
        return self.objects[path]

    # -- state and events

    def set(self, path: str, key: str, value: Any) -> None:
        """Change a property, as a request or somebody in the editor does; presets that expose it tell of it."""
        with self._lock:
            thing = self.objects[path]
            now = thing.properties[key]
            thing.properties[key] = {**now, **value} if isinstance(now, dict) else value
            for name, preset in self.presets.items():
                for label, bound in preset.properties.items():
                    if bound == (path, key):
                        field_ = {"PropertyLabel": label, "ObjectPath": path, "PropertyValue": thing.properties[key]}
                        self._changed.setdefault(name, {})[label] = field_

    def flush(self) -> None:
        """Send what changed since the last time: one event a preset."""
        with self._lock:
            changed, self._changed = self._changed, {}
            for name, fields in changed.items():
                event = {"Type": "PresetFieldsChanged", "PresetName": name, "ChangedFields": list(fields.values())}
                self.tell(name, event)

    def watched(self, preset: str) -> bool:
        """Whether somebody registered."""
        return bool(self._watchers.get(preset))

    def tell(self, preset: str, event: dict[str, Any]) -> None:
        """Send an event to who registered."""
        for watcher in list(self._watchers.get(preset, [])):
            try:
                watcher.send(json.dumps(event).encode())  # binary, as Unreal's are
            except ConnectionClosed:
                self._watchers[preset].remove(watcher)

    def hang_up(self) -> None:
        """Close every WebSocket, as an editor that restarts does."""
        for connection in list(self.connections):
            connection.close()

    def serve_socket(self, connection: ServerConnection) -> None:
        """One WebSocket client, until it goes."""
        self.connections.append(connection)
        try:
            for data in connection:
                self._message(connection, data)
        except ConnectionClosed:
            pass
        finally:
            self.connections.remove(connection)
            for watchers in self._watchers.values():
                if connection in watchers:
                    watchers.remove(connection)

    def _message(self, connection: ServerConnection, data: str | bytes) -> None:
        try:
            tree = json.loads(data)
            name = tree["MessageName"].lower()
            parameters = {key.lower(): value for key, value in tree["Parameters"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            self.ignored += 1
            return
        if self.silent:
            return
        if name == "http":
            body = json.dumps(parameters["body"]).encode() if "body" in parameters else b""
            code, answer = self.handle(parameters["verb"], parameters["url"], body)
            number = parameters.get("requestid", -1) if self._repeats_ids else -1
            reply = {"RequestId": number, "ResponseCode": code, "ResponseBody": json.loads(answer) if answer else ""}
            connection.send(json.dumps(reply).encode())
        elif name == "preset.register":
            self._watchers.setdefault(parameters["presetname"], []).append(connection)
        elif name == "preset.unregister":
            self._watchers.get(parameters["presetname"], []).remove(connection)
        else:
            self.ignored += 1


def _handler(editor: FakeEditor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            while editor.silent:
                time.sleep(0.01)
            code, answer = editor.handle(self.command, self.path, body)
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def served(editor: FakeEditor, http_port: int = 0, websocket_port: int = 0) -> Iterator[FakeEditor]:
    """The editor on loopback; its threads are joined at the end."""
    http = ThreadingHTTPServer(("127.0.0.1", http_port), _handler(editor))
    socket_server = serve(editor.serve_socket, "127.0.0.1", websocket_port, compression=None)
    editor.http_port = http.server_address[1]
    editor.websocket_port = socket_server.socket.getsockname()[1]
    stop = threading.Event()

    def flush() -> None:
        while not stop.wait(FLUSH_S):
            editor.flush()

    threads = [
        threading.Thread(target=http.serve_forever, args=(0.02,)),
        threading.Thread(target=socket_server.serve_forever),
        threading.Thread(target=flush),
    ]
    for thread in threads:
        thread.start()
    try:
        yield editor
    finally:
        stop.set()
        editor.silent = False
        http.shutdown()
        http.server_close()
        editor.hang_up()
        socket_server.shutdown()
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()


LEVEL = "/Game/Stage/Main.Main:PersistentLevel"
LIGHT = f"{LEVEL}.DirectionalLight_0"
CAMERA = f"{LEVEL}.CineCameraActor_0"
ORIGIN = f"{LEVEL}.TranslightEnvironment"
CUBE = f"{LEVEL}.CubeMesh_5"


def stage() -> tuple[dict[str, FakeObject], dict[str, FakePreset]]:
    """A level like those of the documents and of ours, for ``FakeEditor.objects`` and ``presets``."""
    objects: dict[str, FakeObject] = {}

    def actor(path: str, kind: str, **properties: Any) -> FakeObject:
        thing = FakeObject(kind, {"RootLocation": {}, "RootRotation": {}, "RootScale": {}, **properties})

        def placed(key: str, name: str) -> Callable[..., Any]:
            def place(**given: Any) -> bool:
                thing.properties[key] = given[name]
                return True

            return place

        for function, key, parameters in (
            ("SetActorLocation", "RootLocation", ("NewLocation", "bSweep", "bTeleport")),
            ("SetActorRotation", "RootRotation", ("NewRotation", "bTeleportPhysics")),
            ("SetActorScale3D", "RootScale", ("NewScale3D",)),
        ):
            thing.functions[function], thing.parameters[function] = placed(key, parameters[0]), parameters
        objects[path] = thing
        return thing

    actor(CUBE, "/Script/Engine.StaticMeshActor", bHidden=False)
    actor(ORIGIN, "/Script/Engine.Actor")
    actor(LIGHT, "/Script/Engine.DirectionalLight")
    actor(CAMERA, "/Script/CinematicCamera.CineCameraActor")
    objects[f"{CUBE}.StaticMeshComponent0"] = FakeObject(
        "/Script/Engine.StaticMeshComponent", {"StreamingDistanceMultiplier": 1}
    )
    light = objects[f"{LIGHT}.LightComponent0"] = FakeObject(
        "/Script/Engine.DirectionalLightComponent",
        {"Intensity": 1.0, "RelativeRotation": {"Pitch": 0.0, "Yaw": 0.0, "Roll": 0.0}},
    )
    light.functions = {
        "SetIntensity": lambda NewIntensity: light.properties.update(Intensity=NewIntensity),
        "SetLightColor": lambda NewLightColor, bSRGB=True: light.properties.update(LightColor=NewLightColor),
    }
    light.parameters = {"SetIntensity": ("NewIntensity",), "SetLightColor": ("NewLightColor", "bSRGB")}
    lens = objects[f"{CAMERA}.CameraComponent"] = FakeObject(
        "/Script/CinematicCamera.CineCameraComponent",
        {"CurrentFocalLength": 35.0, "Filmback": {"SensorWidth": 24.89, "SensorHeight": 18.67}},
        guarded=frozenset({"CurrentFocalLength", "Filmback"}),
    )
    lens.functions = {
        "SetCurrentFocalLength": lambda InFocalLength: lens.properties.update(CurrentFocalLength=InFocalLength),
        "SetFilmback": lambda NewFilmback: lens.properties.update(Filmback=NewFilmback),
    }
    lens.parameters = {"SetCurrentFocalLength": ("InFocalLength",), "SetFilmback": ("NewFilmback",)}
    player = objects["/Game/Translight/Player.Player"] = FakeObject("MediaPlayer", {"playing": False})
    player.functions = {
        "Play": lambda: player.properties.update(playing=True) or True,
        "Close": lambda: player.properties.update(playing=False),
    }
    subsystem = objects["/Script/UnrealEd.Default__EditorActorSubsystem"] = FakeObject("EditorActorSubsystem")
    subsystem.functions = {
        "GetAllLevelActors": lambda: [p for p in objects if p.startswith(LEVEL) and p.count(".") == 2]
    }
    presets = {
        "MyPreset": FakePreset(
            {"Directional Light Rotation": (f"{LIGHT}.LightComponent0", "RelativeRotation")},
            {"Play/Now": ("/Game/Translight/Player.Player", "Play")},
        )
    }
    return objects, presets


def editor_of_a_stage(**options: bool) -> FakeEditor:
    editor = FakeEditor(**options)
    editor.objects, editor.presets = stage()
    return editor
