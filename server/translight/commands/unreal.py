"""``translight unreal``: reach a running editor by its Remote Control API; unreal_follow.py keeps it in step."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from translight.ue_bridge.remote_http import HttpEditor
    from translight.ue_bridge.remote_messages import Reply, Request


@dataclass(frozen=True, kw_only=True)
class _Editor:
    """Where the editor is."""

    host: str = "127.0.0.1"
    """The address of Unreal's machine."""
    http_port: int = 30010
    """Remote Control HTTP Server Port, as in the editor's project settings."""
    websocket_port: int = 30020
    """Remote Control WebSocket Server Port."""
    timeout: float = 5.0
    """Seconds to wait for an answer."""

    def http(self) -> HttpEditor:
        """The editor over HTTP."""
        from translight.ue_bridge.remote_http import HttpEditor

        return HttpEditor(self.host, self.http_port, self.timeout)

    def done(self, request: Request) -> Any:
        """The body that answers a request. Raises StreamError in the editor's own words when it refuses."""
        return accepted(request, self.http().request(request))


@dataclass(frozen=True)
class Connect(_Editor):
    """Say whether an editor answers, over HTTP and over its WebSocket, and how fast."""

    def run(self) -> int:
        """Print a line for each; exit status 1 when one does not answer."""
        import time

        from translight.core.errors import StreamError
        from translight.ue_bridge import remote_messages
        from translight.ue_bridge.remote_socket import SocketEditor

        failed = False
        begin = time.perf_counter()
        try:
            routes = self.done(remote_messages.info()).get("HttpRoutes", [])
            print(f"http://{self.host}:{self.http_port}: {len(routes)} routes, {_ms(begin)} ms")
        except StreamError as error:
            failed = True
            print(f"translight: {error}", file=sys.stderr)
        begin = time.perf_counter()
        try:
            with SocketEditor(self.host, self.websocket_port, self.timeout) as link:
                accepted(remote_messages.info(), link.exchange([remote_messages.info()])[0])
            print(f"ws://{self.host}:{self.websocket_port}: answers, {_ms(begin)} ms with connecting")
        except StreamError as error:
            failed = True
            print(f"translight: {error}", file=sys.stderr)
        return int(failed)


@dataclass(frozen=True)
class Status(_Editor):
    """List what an editor has: the level's actors and the project's presets."""

    find: str = ""
    """Only actors whose path holds this text."""
    json: bool = False
    """Print one JSON object instead of lines."""

    def run(self) -> int:
        """Print the lists."""
        from translight.ue_bridge import remote_messages

        asked = [remote_messages.level_actors(), remote_messages.presets()]
        actors, presets = (
            accepted(request, reply) for request, reply in zip(asked, self.http().exchange(asked), strict=True)
        )
        found = {
            "actors": [a for a in actors.get("ReturnValue", []) if self.find.lower() in str(a).lower()],
            "presets": [p.get("Name") for p in presets.get("Presets", [])],
        }
        if self.json:
            print(json.dumps(found))
        else:
            for kind, names in found.items():
                print(f"{kind}: {len(names)}")
                for name in names:
                    print(f"  {name}")
        return 0


@dataclass(frozen=True)
class Get(_Editor):
    """Print an object's property, or all of them, as JSON."""

    path: Annotated[str, tyro.conf.Positional]
    """The object, like /Game/Stage/Main.Main:PersistentLevel.DirectionalLight_0.LightComponent0"""
    name: Annotated[str, tyro.conf.Positional] = ""
    """The property's C++ name; all properties when left out."""
    describe: bool = False
    """Print what the object is, its properties' types and its functions, instead of values."""

    def run(self) -> int:
        """Print JSON."""
        from translight.ue_bridge import remote_messages

        described = remote_messages.describe(self.path)
        request = described if self.describe else remote_messages.read(self.path, self.name or None)
        print(json.dumps(self.done(request), indent=2))
        return 0


@dataclass(frozen=True)
class Set(_Editor):
    """Set an object's property."""

    path: Annotated[str, tyro.conf.Positional]
    """The object."""
    name: Annotated[str, tyro.conf.Positional]
    """The property's C++ name."""
    value: Annotated[str, tyro.conf.Positional]
    """JSON, like 2.5 or {"Pitch": -45}; anything else is taken as a text."""
    undo: bool = False
    """Enter it into the editor's undo history."""

    def run(self) -> int:
        """Set it; Unreal answers nothing when it is done."""
        from translight.ue_bridge import remote_messages

        self.done(remote_messages.write(self.path, self.name, value_of(self.value), undo=self.undo))
        return 0


@dataclass(frozen=True)
class Call(_Editor):
    """Call a function of an object, and print what it returns as JSON."""

    path: Annotated[str, tyro.conf.Positional]
    """The object; an actor, a component, an asset, or a class' default object."""
    function: Annotated[str, tyro.conf.Positional]
    """The function's C++ name."""
    parameters: str = "{}"
    """JSON, by the parameters' C++ names."""
    undo: bool = False
    """Enter it into the editor's undo history."""

    def run(self) -> int:
        """Call it."""
        from translight.ue_bridge import remote_messages

        parameters = parameters_of(self.parameters)
        answer = self.done(remote_messages.call(self.path, self.function, parameters, undo=self.undo))
        print(json.dumps(answer, indent=2))
        return 0


@dataclass(frozen=True)
class Preset(_Editor):
    """Read and set what a Remote Control Preset exposes, and watch it change."""

    name: Annotated[str, tyro.conf.Positional] = ""
    """The preset; all presets are listed when left out."""
    field: Annotated[str, tyro.conf.Positional] = ""
    """The label of an exposed property or function; what is exposed is listed when left out."""
    value: Annotated[str, tyro.conf.Positional] = ""
    """JSON to set the property to; it is read when left out."""
    call: str | None = None
    """Call the exposed function with these parameters (JSON) instead."""
    watch: float | None = None
    """Print the preset's events as JSON lines for this many seconds."""

    def run(self) -> int:
        """Print JSON."""
        from translight.ue_bridge import remote_messages

        if not self.name:
            print(json.dumps(self.done(remote_messages.presets()), indent=2))
            return 0
        if self.watch is not None:
            return self._watch(self.watch)
        if not self.field:
            request = remote_messages.preset(self.name)
        elif self.call is not None:
            request = remote_messages.call_preset(self.name, self.field, parameters_of(self.call))
        elif self.value:
            request = remote_messages.write_preset(self.name, self.field, value_of(self.value))
        else:
            request = remote_messages.read_preset(self.name, self.field)
        answer = self.done(request)
        if answer is not None:
            print(json.dumps(answer, indent=2))
        return 0

    def _watch(self, seconds: float) -> int:
        import time

        from translight.ue_bridge import remote_messages
        from translight.ue_bridge.remote_socket import SocketEditor

        self.done(remote_messages.preset(self.name))  # Unreal registers what does not exist, and says nothing
        with SocketEditor(self.host, self.websocket_port, self.timeout) as link, suppress(KeyboardInterrupt):
            link.register(self.name)
            deadline = time.monotonic() + seconds
            while (left_s := deadline - time.monotonic()) > 0:
                event = link.event(min(left_s, 0.25))
                if event is not None:
                    print(json.dumps(event.body), flush=True)
            link.unregister(self.name)
        return 0


def accepted(request: Request, reply: Reply) -> Any:
    """A reply's body. Raises StreamError in the editor's own words when it refused."""
    from translight.core.errors import StreamError

    if not reply.ok:
        raise StreamError(f"Unreal refused {request.verb} {request.url}: {reply.error}")
    return reply.body


def value_of(text: str) -> Any:
    """JSON, or a text that is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def parameters_of(text: str) -> dict[str, Any]:
    """A JSON object. Raises ShowError otherwise."""
    from translight.core.errors import ShowError

    value = value_of(text)
    if not isinstance(value, dict):
        raise ShowError(f'--parameters is {text!r}: give a JSON object, like {{"NewIntensity": 10}}')
    return value


def _ms(begin: float) -> str:
    import time

    return f"{(time.perf_counter() - begin) * 1e3:.1f}"
