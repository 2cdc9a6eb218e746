"""HTTP and WebSocket against the fake editor: batches, events, silence, restarts, hostile servers."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.ue_bridge.fake_editor import CUBE, LIGHT, FakeEditor, editor_of_a_stage, served
from websockets.sync.server import serve

from translight.core.errors import ProtocolError, StreamError
from translight.ue_bridge import remote_messages as rc
from translight.ue_bridge.remote_http import HttpEditor
from translight.ue_bridge.remote_socket import SocketEditor

LAMP = f"{LIGHT}.LightComponent0"


def http(editor: FakeEditor) -> HttpEditor:
    return HttpEditor("127.0.0.1", editor.http_port, 5.0)


@contextmanager
def answering(data: bytes) -> Iterator[int]:
    """A server that takes one connection and says this, whatever was asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(data)

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def test_a_batch_is_one_exchange_with_every_answer(editor):
    replies = http(editor).exchange(
        [rc.write(LAMP, "Intensity", 2.0), rc.read(LAMP, "Intensity"), rc.read(LAMP, "Nothing"), rc.level_actors()]
    )
    assert [r.code for r in replies] == [200, 200, 400, 200]
    assert replies[0].body is None
    assert replies[1].body == {"Intensity": 2.0}
    assert replies[2].error == f"Object property: Nothing could not be resolved on object: {LAMP}."
    assert CUBE in replies[3].body["ReturnValue"]
    assert http(editor).exchange([]) == []


@pytest.mark.parametrize("repeats_ids", [True, False])
def test_the_websocket_does_the_same_with_and_without_numbers(repeats_ids):
    before = threading.active_count()
    with (
        served(editor_of_a_stage(repeats_ids=repeats_ids)) as editor,
        SocketEditor("127.0.0.1", editor.websocket_port) as link,
    ):
        assert link.exchange([rc.write(LAMP, "Intensity", 2.0)])[0].body is None
        replies = link.exchange([rc.read(LAMP, "Intensity"), rc.read(LAMP, "Nothing")])
        assert [r.code for r in replies] == [200, 400]
        assert link.exchange([]) == []
    assert threading.active_count() == before


def test_a_presets_events_come_while_requests_are_answered(editor):
    with SocketEditor("127.0.0.1", editor.websocket_port) as link:
        link.register("MyPreset")
        assert link.exchange([rc.read(LAMP)])[0].ok  # and so the registration is through
        editor.set(LAMP, "RelativeRotation", {"Pitch": -45.0})
        event = link.event(5)
        assert event is not None
        assert event.changed() == {"Directional Light Rotation": {"Pitch": -45.0, "Yaw": 0.0, "Roll": 0.0}}
        link.unregister("MyPreset")
        link.exchange([rc.read(LAMP)])
        editor.set(LAMP, "RelativeRotation", {"Pitch": 0.0})
        assert link.event(0.3) is None


def test_an_editor_that_hangs_up(editor):
    with SocketEditor("127.0.0.1", editor.websocket_port) as link:
        link.exchange([rc.info()])
        editor.hang_up()
        with pytest.raises(StreamError, match=rf"Unreal at ws://127.0.0.1:{editor.websocket_port}: "):
            link.exchange([rc.info()])


def test_an_editor_that_is_silent(editor):
    editor.silent = True
    silence = "no answer in time; a modal dialogue or a long load holds the editor's answers back"
    with SocketEditor("127.0.0.1", editor.websocket_port, 0.2) as link:
        with pytest.raises(StreamError) as caught:
            link.exchange([rc.info()])
        assert str(caught.value) == f"Unreal at ws://127.0.0.1:{editor.websocket_port}: {silence}"
    with pytest.raises(StreamError) as caught:
        HttpEditor("127.0.0.1", editor.http_port, 0.2).request(rc.info())
    assert str(caught.value) == f"Unreal at http://127.0.0.1:{editor.http_port}: {silence}"


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, reach in (
        (f"http://127.0.0.1:{port}", lambda: HttpEditor("127.0.0.1", port).request(rc.info())),
        (f"ws://127.0.0.1:{port}", lambda: SocketEditor("127.0.0.1", port)),
    ):
        with pytest.raises(StreamError) as caught:
            reach()
        assert str(caught.value) == (
            f"Unreal at {url}: nobody listens there; in Unreal, enable the plugin Remote Control API and run "
            "WebControl.StartServer, or start with -RCWebControlEnable -RCWebInterfaceEnable"
        )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", StreamError),
        (b"SSH-2.0-OpenSSH_9.2\r\n", StreamError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>", ProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", StreamError),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", StreamError),
    ],
)
def test_servers_that_are_no_editors(answer, error):
    with answering(answer) as port, pytest.raises(error) as caught:
        HttpEditor("127.0.0.1", port).request(rc.info())
    assert "\n" not in str(caught.value)


def test_a_reply_that_trickles_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                for _ in range(100):
                    connection.sendall(b" ")
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(StreamError, match="no answer in time"):
            HttpEditor("127.0.0.1", server.getsockname()[1], 0.3).request(rc.info())
        thread.join(10)
        assert not thread.is_alive()


def test_a_reply_beyond_the_limit_is_not_read(monkeypatch):
    monkeypatch.setattr("translight.ue_bridge.remote_http.MAX_MESSAGE_BYTES", 100)
    body = json.dumps({"x": "y" * 200}).encode()
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as port:
        with pytest.raises(StreamError) as caught:
            HttpEditor("127.0.0.1", port).request(rc.info())
        assert str(caught.value) == f"Unreal at http://127.0.0.1:{port}: its reply passes the limit of 100 bytes"


def test_nonsense_on_the_websocket_is_counted_and_passed_over():
    def nonsense(connection):
        for data in (b"\xff\xfe", "hello", b"[]", b'{"Type": "PresetFieldsChanged", "ChangedFields": [3, {}]}'):
            connection.send(data)
        for data in connection:
            number = json.loads(data)["Parameters"]["RequestId"]
            connection.send(json.dumps({"RequestId": number - 1, "ResponseCode": 500}).encode())
            connection.send(json.dumps({"RequestId": number, "ResponseCode": 200}).encode())

    with serve(nonsense, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with SocketEditor("127.0.0.1", server.socket.getsockname()[1]) as link:
            assert link.exchange([rc.info()])[0].code == 200
            assert link.bad == 3
            event = link.event(1)
            assert event is not None
            assert event.changed() == {}
        server.shutdown()
        thread.join(5)
        assert not thread.is_alive()
