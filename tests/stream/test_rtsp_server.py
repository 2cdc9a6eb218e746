"""rtsp:// end to end: our receiver, ffmpeg by TCP and UDP, stalled and hostile clients beside one that is served."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.stream.pictures_to_send import bar_error, publish, showing, wait_for
from tests.stream.test_video import ffmpeg_sees, needs_ffmpeg

from translight.core.errors import StreamError
from translight.stream import rtsp_server
from translight.stream.contract import PictureSpec, Sender
from translight.stream.urls import open_receiver, open_sender, parse_url

SPEC = PictureSpec(320, 192)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    return _free_port()


@pytest.fixture
def url(port: int) -> str:
    return f"rtsp://127.0.0.1:{port}/wall?encoder=software&gop=0.5"


@pytest.fixture
def sender(url: str) -> Iterator[Sender]:
    with open_sender(url, SPEC) as sender, showing(sender, SPEC):
        yield sender


class Client:
    """A client by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.sequence = 0
        self.session = ""

    def ask(self, method: str, path: str = "/wall", **headers: str) -> tuple[int, str]:
        self.sequence += 1
        lines = [f"{method} rtsp://127.0.0.1{path} RTSP/1.0", f"CSeq: {self.sequence}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        text = b""
        while b"\r\n\r\n" not in text:
            more = self.socket.recv(4096)
            assert more, "hung up"
            text += more
        said = text.decode("latin-1")
        assert re.search(rf"(?m)^CSeq: {self.sequence}\r$", said)
        if found := re.search(r"(?m)^Session: ([0-9a-f]+)", said):
            self.session = found[1]
        return int(said.split(" ")[1]), said

    def play(self) -> None:
        assert self.ask("SETUP", "/wall/track0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")[0] == 200
        assert self.ask("PLAY")[0] == 200

    def close(self) -> None:
        self.socket.close()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_our_receiver_gets_pictures_with_their_headers(url: str, codec: str):
    url += f"&codec={codec}"
    with open_receiver(url) as receiver:
        assert receiver.receive(0.05) is None, "no server yet"
        with open_sender(url, SPEC) as sender, showing(sender, SPEC):
            frames = []
            assert wait_for(lambda: (got := receiver.receive(1.0)) and (frames.append(got) or len(frames) > 5), 20)
            assert bar_error(frames[-1].pixels[..., :3]) <= 4
            assert frames[-1].header.times.sent_ns > 0
            assert sender.counts().receivers == 1
        with open_sender(url, SPEC) as sender, showing(sender, SPEC):
            assert wait_for(lambda: receiver.receive(1.0) is not None, 20), "the server came back"
        assert receiver.counts.bad == 0


@needs_ffmpeg
@pytest.mark.parametrize("way", ["tcp", "udp"])
def test_ffmpeg_plays_it(way: str, port: int, sender: Sender, tmp_path: Path):
    source = f"rtsp://127.0.0.1:{port}/wall" + ("?tcp" if way == "tcp" else "?udp")
    said, seen = ffmpeg_sees(source, tmp_path, 10)
    assert (said["codec_name"], said["width"], said["height"]) == ("h264", 320, 192)
    assert (said["color_space"], said["color_range"]) == ("bt709", "tv")
    assert bar_error(seen) <= 4
    assert wait_for(lambda: sender.counts().receivers == 0), "they hung up"


def test_a_session_step_by_step(port: int, sender: Sender):
    client = Client(port)
    status, said = client.ask("OPTIONS")
    assert status == 200
    assert "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER" in said
    status, said = client.ask("DESCRIBE", Accept="application/sdp")
    assert (status, "m=video 0 RTP/AVP 96" in said) == (200, True)
    assert client.ask("PLAY")[0] == 454
    assert client.ask("SETUP", "/wall/track0", Transport="RTP/AVP;multicast")[0] == 461
    assert client.ask("DESCRIBE", "/other")[0] == 404
    assert client.ask("RECORD")[0] == 405
    client.play()
    assert wait_for(lambda: sender.counts().receivers == 1)
    client.close()
    assert wait_for(lambda: sender.counts().receivers == 0)


def test_udp_goes_to_who_asked_and_ends_with_teardown(port: int, sender: Sender):
    client = Client(port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as media:
        media.bind(("127.0.0.1", 0))
        media.settimeout(10)
        own = media.getsockname()[1]
        way = f"RTP/AVP;unicast;destination=192.0.2.1;client_port={own}-{own + 1}"
        status, said = client.ask("SETUP", "/wall/track0", Transport=way)
        assert status == 200
        assert re.search(rf"client_port={own}-{own + 1};server_port=\d+-\d+;ssrc=[0-9A-F]{{8}}\r", said)
        assert client.ask("PLAY")[0] == 200
        assert media.recv(2000)[:1] == b"\x80"
        assert client.ask("TEARDOWN")[0] == 200
        assert wait_for(lambda: sender.counts().receivers == 0)
    client.close()


def test_a_client_that_stalls_is_dropped_and_the_others_are_not(port: int, url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rtsp_server, "MAX_WAITING_BYTES", 200_000)
    noise = np.random.default_rng(0).integers(0, 256, (192, 320, 4), dtype=np.uint8)
    with open_sender(url + "&bitrate=100M", SPEC) as sender:
        stalled = Client(port)
        stalled.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stalled.play()
        with open_receiver(url) as receiver:
            served = 0
            for frame in range(3000):
                np.copyto(sender.acquire(), np.roll(noise, frame, axis=0))
                publish_as_it_is(sender, frame)
                served += receiver.receive(0.01) is not None
                if served > 5 and sender.counts().receivers == 1:
                    break
            assert served > 5
            assert sender.counts().receivers == 1
        stalled.close()


def publish_as_it_is(sender: Sender, frame: int) -> None:
    from tests.stream.pictures_to_send import header

    sender.publish(header(frame, SPEC))


def test_no_more_clients_than_there_is_room_for(port: int, sender: Sender):
    clients = [Client(port) for _ in range(rtsp_server.MAX_CLIENTS)]
    assert all(client.ask("OPTIONS")[0] == 200 for client in clients)
    with socket.create_connection(("127.0.0.1", port), 10) as one_more:
        one_more.settimeout(10)
        assert one_more.recv(1) == b""
    clients[0].close()
    assert wait_for(lambda: _served(port))
    for client in clients[1:]:
        client.close()


def _served(port: int) -> bool:
    client = Client(port)
    try:
        return client.ask("OPTIONS")[0] == 200
    except (AssertionError, OSError):
        time.sleep(0.05)
        return False
    finally:
        client.close()


def test_hostile_clients_change_nothing(port: int, sender: Sender):
    rng = np.random.default_rng(11)
    served = Client(port)
    served.play()
    shapes = [
        b"",
        b"OPTIONS rtsp://h/wall RTSP/1.0\r\n\r\n",
        b"OPTIONS rtsp://h/wall RTSP/1.0\r\nCSeq: x\r\n\r\n",
        b"SETUP rtsp://h/wall RTSP/1.0\r\nCSeq: 1\r\nTransport: " + b"RTP/AVP;" * 900 + b"\r\n\r\n",
        b"X" * 100_000,
        b"DESCRIBE rtsp://h/wall RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 60000\r\n\r\n",
        b"$\0\xff\xff" + rng.bytes(70_000),
        *[rng.bytes(int(size)) for size in rng.integers(1, 3000, 20)],
    ]
    for shape in shapes:
        with socket.create_connection(("127.0.0.1", port), 10) as hostile:
            try:
                hostile.sendall(shape)
                hostile.shutdown(socket.SHUT_WR)
                hostile.settimeout(10)
                while hostile.recv(65536):
                    pass
            except (ConnectionError, BrokenPipeError):
                pass
    assert sender.counts().receivers == 1
    served.socket.settimeout(10)
    assert served.socket.recv(100)
    served.close()


def test_rtcp_from_anybody_is_thrown_away(port: int, sender: Sender):
    client = Client(port)
    _, said = client.ask("SETUP", "/wall/track0", Transport="RTP/AVP;unicast;client_port=40000-40001")
    media, control = (int(n) for n in re.search(r"server_port=(\d+)-(\d+)", said).groups())  # type: ignore[union-attr]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hostile:
        for size in (0, 1, 8, 1400, 60_000):
            for target in (media, control):
                hostile.sendto(np.random.default_rng(size).bytes(size), ("127.0.0.1", target))
    assert client.ask("GET_PARAMETER")[0] == 200
    client.close()


def test_closing_ends_every_connection(url: str, port: int):
    sender = open_sender(url, SPEC)
    client = Client(port)
    client.play()
    publish(sender, SPEC, 0)
    sender.close()
    sender.close()
    client.socket.settimeout(10)
    try:
        while client.socket.recv(65536):
            pass
    except ConnectionError:
        pass
    client.close()
    with open_sender(url, SPEC):
        pass


def test_a_port_in_use_is_one_clear_line(url: str):
    with open_sender(url, SPEC), pytest.raises(StreamError) as caught:
        open_sender(url, SPEC)
    assert str(caught.value) == f"{url} cannot be opened: Address already in use"


@pytest.mark.parametrize("text", ["rtsp://h", "rtsp://h:0/x", "rtsp://h:1/a b", "rtsp://h:1/" + "x" * 101])
def test_a_bad_url_says_what_is_allowed(text: str):
    with pytest.raises(StreamError) as caught:
        parse_url(text)
    assert str(caught.value) == (
        f"{text!r}: give HOST:PORT/PATH, with HOST * to serve on every interface and a PATH of A-Z a-z 0-9 . _ - /"
    )
