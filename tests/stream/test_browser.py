"""ws:// and webrtc:// from outside, without a browser: HTTP, WebSocket and hostile input, over real sockets."""

import http.client
import io
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from translight.core.errors import MissingExtra, StreamError
from translight.core.image import PixelFormat
from translight.stream import browser
from translight.stream.browser import BrowserSender
from translight.stream.contract import PictureSpec
from translight.stream.header import HEADER_BYTES, FrameHeader, unpack
from translight.stream.urls import open_sender, parse_url

websockets = pytest.importorskip("websockets", reason="websockets is not installed")
pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
from websockets.sync.client import ClientConnection, connect  # noqa: E402

from translight.stream.browser_server import MAX_CONNECTIONS  # noqa: E402

W, H = 64, 48
SPEC = PictureSpec(W, H)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Preview:
    """A sender that is open on a free port, and its numbered frames."""

    def __init__(self, scheme: str, options: str = "") -> None:
        self.port = _free_port()
        sender = open_sender(f"{scheme}://127.0.0.1:{self.port}{options}", SPEC)
        assert isinstance(sender, BrowserSender)
        self.sender = sender
        self.frame = 0

    def publish(self) -> None:
        self.sender.acquire()[...] = 40 + self.frame % 16 * 10
        self.sender.publish(FrameHeader(self.frame, W, H, PixelFormat.RGBA8))
        self.frame += 1

    def until(self, happened: Callable[[], object], seconds: float = 15) -> None:
        """Publish 100 frames a second until it happened."""
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end
            self.publish()
            time.sleep(0.01)

    @contextmanager
    def client(self, **options: Any) -> Iterator[ClientConnection]:
        with connect(f"ws://127.0.0.1:{self.port}/stream", proxy=None, **options) as socket:
            assert json.loads(socket.recv(5))["type"] == "hello"
            yield socket

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        connection.close()
        return response


@pytest.fixture(scope="module")
def jpeg() -> Iterator[Preview]:
    preview = Preview("ws", "?peers=3")
    with preview.sender:
        yield preview


@pytest.fixture(scope="module")
def video() -> Iterator[Preview]:
    pytest.importorskip("aiortc", reason="aiortc is not installed")
    preview = Preview("webrtc", "?peers=3")
    with preview.sender:
        yield preview


def _receive(preview: Preview, client: ClientConnection) -> bytes:
    """The next picture's message, while frames go on."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        preview.publish()
        try:
            data = client.recv(0.02)
        except TimeoutError:
            continue
        if isinstance(data, bytes):
            return data
    raise AssertionError("no picture came")


def _closing_code(client: ClientConnection) -> int | None:
    """The code by which the server closes, pictures on the way passed over."""
    while True:
        try:
            client.recv(5)
        except websockets.ConnectionClosedError as error:
            return error.rcvd.code if error.rcvd is not None else None


def test_a_client_gets_headers_and_jpegs(jpeg: Preview) -> None:
    from PIL import Image

    with jpeg.client() as client:
        for _ in range(5):
            data = _receive(jpeg, client)
            header = unpack(data)
            with Image.open(io.BytesIO(data[HEADER_BYTES:])) as picture:
                assert picture.size == (W, H)
                assert np.abs(np.asarray(picture).astype(int) - (40 + header.frame % 16 * 10)).max() <= 2
            client.send(json.dumps({"type": "shown", "frame": header.frame}))
        jpeg.until(lambda: jpeg.sender.counts().receivers == 1)
    jpeg.until(lambda: jpeg.sender.counts().receivers == 0)


def test_a_client_that_shows_nothing_gets_two_pictures_and_holds_nobody_up(jpeg: Preview) -> None:
    with jpeg.client() as idle, jpeg.client() as busy:
        for _ in range(8):
            header = unpack(_receive(jpeg, busy))
            busy.send(json.dumps({"type": "shown", "frame": header.frame}))
        pictures = [idle.recv(1), idle.recv(1)]
        assert all(isinstance(picture, bytes) for picture in pictures)
        with pytest.raises(TimeoutError):
            idle.recv(0.2)
        # with room again it gets the newest
        idle.send(json.dumps({"type": "shown", "frame": 0}))
        assert unpack(_receive(jpeg, idle)).frame >= header.frame


def test_pause_and_quality(jpeg: Preview) -> None:
    with jpeg.client() as client:
        client.send(json.dumps({"type": "pause", "on": True}))
        client.send(json.dumps({"type": "ping", "t_ms": 5.5}))
        pong = json.loads(next(d for d in iter(lambda: client.recv(5), None) if isinstance(d, str)))
        assert pong["t_ms"] == 5.5
        assert abs(pong["server_ms"] - time.monotonic() * 1000) < 5000
        while True:  # what was under way
            jpeg.publish()
            try:
                client.recv(0.2)
            except TimeoutError:
                break
        client.send(json.dumps({"type": "quality", "value": 40}))
        client.send(json.dumps({"type": "pause", "on": False}))
        for _ in range(2):
            client.send(json.dumps({"type": "shown", "frame": 0}))
        assert len(_receive(jpeg, client)) > HEADER_BYTES


def test_bad_messages_are_counted_and_fifty_are_enough(jpeg: Preview) -> None:
    before = jpeg.sender.bad
    with jpeg.client() as client:
        for k in range(50):
            client.send(b"\0" * 10 if k % 2 else '{"type":"stop"}')
        assert _closing_code(client) == 1008
    jpeg.until(lambda: jpeg.sender.bad - before == 50)


def test_a_message_too_long_ends_its_client_only(jpeg: Preview) -> None:
    before = jpeg.sender.bad
    with jpeg.client() as other, jpeg.client() as client:
        client.send("x" * 200_000)
        assert _closing_code(client) == 1009
        jpeg.until(lambda: jpeg.sender.bad == before + 1)
        other.send(json.dumps({"type": "ping", "t_ms": 1}))
        assert any(isinstance(other.recv(5), str) for _ in range(4))


def test_a_fourth_client_is_one_too_many(jpeg: Preview) -> None:
    jpeg.until(lambda: jpeg.sender.counts().receivers == 0)
    with ExitStack() as clients:
        for _ in range(3):
            clients.enter_context(jpeg.client())
        with pytest.raises(websockets.InvalidStatus, match="503"), jpeg.client():
            pass
    jpeg.until(lambda: jpeg.sender.counts().receivers == 0)


def test_the_page_and_its_script_are_served(jpeg: Preview) -> None:
    page = jpeg.get("/")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert b'<script src="/player.js">' in page.body  # type: ignore[attr-defined]
    assert b"transferFromImageBitmap" in jpeg.get("/player.js").body  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/../browser.py", "/player.html", "/%2e%2e/", "/stream/x", "//", "/browser.py"])
def test_nothing_else_is_served(jpeg: Preview, path: str) -> None:
    before = jpeg.sender.bad
    assert jpeg.get(path).status == 404
    jpeg.until(lambda: jpeg.sender.bad == before + 1)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "a b", "[::1"])
def test_other_names_for_this_host_are_refused(jpeg: Preview, host: str) -> None:
    assert jpeg.get("/", Host=host).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_pages_of_other_sites_get_no_stream(jpeg: Preview, origin: str) -> None:
    with pytest.raises(websockets.InvalidStatus, match="403"), jpeg.client(origin=origin):
        pass


def test_our_own_page_gets_the_stream(jpeg: Preview) -> None:
    jpeg.until(lambda: jpeg.sender.counts().receivers == 0)
    with jpeg.client(origin=f"http://127.0.0.1:{jpeg.port}") as client:
        assert _receive(jpeg, client)


def test_bytes_that_are_no_http_are_counted_and_the_server_goes_on(jpeg: Preview) -> None:
    before = jpeg.sender.bad
    random = np.random.default_rng(5)
    upgrade = (
        b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    attacks = [
        b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"GET /" + b"x" * 100_000,
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
        upgrade + b"\x81\x05hello",  # unmasked
        upgrade + b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",  # 2^64 - 1 bytes announced
        *(random.bytes(int(n)) for n in random.integers(1, 4000, 20)),
        *(upgrade + random.bytes(int(n)) for n in random.integers(1, 400, 20)),
    ]
    for attack in attacks:
        with socket.create_connection(("127.0.0.1", jpeg.port), timeout=5) as raw:
            try:
                raw.sendall(attack)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(65536):
                    pass
            except OSError:
                pass
    jpeg.until(lambda: jpeg.sender.counts().receivers == 0)
    assert jpeg.sender.bad - before > 20
    assert jpeg.sender.restarts == 0
    assert jpeg.get("/").status == 200


def test_connections_are_bounded(jpeg: Preview) -> None:
    before = jpeg.sender.bad
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS + 16):
            stack.enter_context(socket.create_connection(("127.0.0.1", jpeg.port), timeout=5))
        jpeg.until(lambda: jpeg.sender.bad >= before + 16)
    jpeg.until(lambda: _alive(jpeg))


def _alive(preview: Preview) -> bool:
    try:
        return preview.get("/").status == 200
    except OSError:
        return False


OFFER = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\n"
    "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:102 H264/90000\r\n"
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n"
)  # fmt: skip


def _signal(client: ClientConnection, sdp: str) -> dict[str, object]:
    """Send an offer, then a ping, and give the first reply."""
    client.send(json.dumps({"type": "offer", "sdp": sdp}))
    client.send(json.dumps({"type": "ping", "t_ms": 1}))
    reply: dict[str, object] = json.loads(client.recv(15))
    return reply


def test_a_good_offer_is_answered_with_h264_alone(video: Preview) -> None:
    with video.client() as client:
        reply = _signal(client, OFFER)
        assert reply["type"] == "answer"
        sdp = str(reply["sdp"])
        assert "a=sendonly" in sdp
        assert "H264/90000" in sdp
        assert "VP8" not in sdp


def test_bad_offers_are_counted_and_the_server_goes_on(video: Preview) -> None:
    random = np.random.default_rng(6)
    bad = [
        "x",
        "v=0\r\n",
        OFFER.replace("H264", "VP8"),
        OFFER.replace("m=video", "m=audio"),
        OFFER + OFFER[OFFER.index("m=video") :].replace("mid:0", "mid:1"),
        OFFER.replace("a=ice-ufrag:abcd\r\n", ""),
        OFFER.replace("sha-256 AB", "sha-256 XX"),
        OFFER.replace("102", "999999999999999999"),
    ]
    for _ in range(12):
        lines = OFFER.split("\r\n")
        for _ in range(4):
            at = int(random.integers(len(lines)))
            lines[at] = random.choice(["", lines[at][: len(lines[at]) // 2], lines[at] * 2, "a=mid:" + "9" * 40])
        bad.append("\r\n".join(map(str, lines)))
    for sdp in bad:
        with video.client() as client:
            assert _signal(client, sdp)["type"] in ("pong", "answer")
    assert video.sender.bad >= 5
    assert video.sender.restarts == 0
    with video.client() as client:
        assert _signal(client, OFFER)["type"] == "answer"
        before = video.sender.bad
        assert _signal(client, OFFER)["type"] == "pong"  # one session a peer
        video.until(lambda: video.sender.bad == before + 1)


def test_an_offer_to_a_jpeg_preview_is_refused(jpeg: Preview) -> None:
    before = jpeg.sender.bad
    with jpeg.client() as client:
        client.send(json.dumps({"type": "offer", "sdp": OFFER}))
        jpeg.until(lambda: jpeg.sender.bad == before + 1)


@pytest.mark.slow
def test_a_killed_preview_comes_back_and_the_show_goes_on() -> None:
    preview = Preview("ws")
    with preview.sender:
        child = preview.sender._child
        assert child is not None
        child.kill()
        preview.until(lambda: preview.sender.restarts == 1)
        with preview.client() as client:
            assert unpack(_receive(preview, client)).frame > 0
    assert preview.sender.counts().receivers == 0


def test_closing_leaves_nothing_behind() -> None:
    preview = Preview("ws")
    name = preview.sender._settings.ring
    assert preview.sender._child is not None
    pid = preview.sender._child.pid
    preview.publish()
    preview.sender.close()
    preview.sender.close()
    assert not psutil.pid_exists(pid)
    assert not list(Path("/dev/shm").glob(f"translight-{name}*"))
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", preview.port), timeout=1).close()


@pytest.mark.slow
def test_a_preview_ends_with_its_starter(tmp_path: Path) -> None:
    import subprocess
    import sys

    port = _free_port()
    script = (
        "import time\nfrom translight.stream.contract import PictureSpec\n"
        "from translight.stream.urls import open_sender\n"
        f"sender = open_sender('ws://127.0.0.1:{port}', PictureSpec(64, 48))\n"
        "print(sender._child.pid, sender._settings.ring, flush=True)\ntime.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid, ring = starter.stdout.readline().split()
    starter.kill()
    starter.communicate()
    try:
        end = time.monotonic() + 10
        while psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        # the next preview takes away what was left behind
        preview = Preview("ws")
        preview.sender.close()
        assert not list(Path("/dev/shm").glob(f"translight-{ring}*"))


def test_a_port_in_use_is_one_clear_line(jpeg: Preview) -> None:
    def memory() -> set[Path]:
        return set(Path("/dev/shm").glob(f"translight-preview-{os.getpid()}-*"))

    url, before = f"ws://127.0.0.1:{jpeg.port}", memory()
    with pytest.raises(StreamError) as caught:
        open_sender(url, SPEC)
    assert str(caught.value) == f"{url} cannot be opened: Address already in use"
    assert memory() == before


def test_a_scale_leaves_a_picture() -> None:
    with pytest.raises(StreamError) as caught:
        open_sender("ws://?scale=8", PictureSpec(64, 8))
    assert str(caught.value) == "ws://?scale=8: 1/8 of 64x8 is no picture"


def test_odd_sizes_have_no_video() -> None:
    pytest.importorskip("aiortc", reason="aiortc is not installed")
    with pytest.raises(StreamError) as caught:
        open_sender("webrtc://", PictureSpec(3, 2))
    assert str(caught.value) == "webrtc://: H.264 takes even sizes, got 3x2"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "ws://",
            'the browser preview (websockets and simplejpeg) is not installed: pip install "translight[browser]"',
        ),
        ("webrtc://", 'the browser preview (websockets and aiortc) is not installed: pip install "translight[webrtc]"'),
    ],
)
def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, url: str, message: str) -> None:
    monkeypatch.setattr(browser, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as caught:
        open_sender(url, SPEC)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ws://a b", "'ws://a b': give HOST:PORT, with HOST * to serve on every interface, or nothing for this machine only"),
        ("ws://h:0", "'ws://h:0': give HOST:PORT, with HOST * to serve on every interface, or nothing for this machine only"),
        ("ws://?quality=20", "ws://?quality=20: quality = '20': give a whole number from 40 to 95"),
        ("ws://?bitrate=1", "ws://?bitrate=1: option 'bitrate' is none of ws's: peers, quality, scale"),
        ("webrtc://?bitrate=1", "webrtc://?bitrate=1: bitrate = '1': give a whole number from 200 to 100000"),
        ("webrtc://?peers=99", "webrtc://?peers=99: peers = '99': give a whole number from 1 to 32"),
    ],
)  # fmt: skip
def test_a_bad_url_says_what_is_allowed(url: str, message: str) -> None:
    with pytest.raises(StreamError) as caught:
        parse_url(url)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "url", ["ws://", "ws://:9000", "ws://*:9000", "ws://[::1]:9000", "ws://wall?quality=60&peers=2"]
)
def test_good_urls(url: str) -> None:
    assert str(parse_url(url)) == url
