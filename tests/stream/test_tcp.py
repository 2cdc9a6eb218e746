"""tcp://: strips arrive whole, the newest wins, nobody is waited for, and hostile ends change nothing but counts."""

from __future__ import annotations

import contextlib
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.stream import tcp_sender
from translight.stream.contract import PictureSpec, ReceivedFrame, StripSender, strip_ends
from translight.stream.header import FrameHeader, FrameTimes, pack, picture_check, unpack
from translight.stream.strips import ASK, Head, Hello, Kind, StripReader, pack_head, pack_hello, unpack_head
from translight.stream.tcp import TcpReceiver
from translight.stream.tcp_sender import MAX_RECEIVERS, TcpSender
from translight.stream.urls import open_receiver, open_sender

SPEC = PictureSpec(64, 32)
LARGE = PictureSpec(1280, 720)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def url(port: int) -> str:
    return f"tcp://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before, "a thread is left"


def send(sender: TcpSender, frame: int, spec: PictureSpec = SPEC, *, strips: bool = True) -> FrameHeader:
    """A frame whose every pixel tells its number, in strips as they are filled."""
    room, begin = sender.acquire(), 0
    for end in sender.strip_ends if strips else ():
        room[begin:end] = frame % 251
        sender.strip(end)
        begin = end
    room[begin:] = frame % 251
    return sender.publish(FrameHeader(frame, spec.width_px, spec.height_px, spec.format))


def joined(sender: TcpSender, count: int = 1) -> None:
    deadline = time.monotonic() + 5
    while sender.counts().receivers != count and time.monotonic() < deadline:
        time.sleep(0.002)
    assert sender.counts().receivers == count


def connected(sender: TcpSender, *receivers: TcpReceiver) -> None:
    """Receivers connect while they receive."""
    deadline = time.monotonic() + 5
    while sender.counts().receivers < len(receivers) and time.monotonic() < deadline:
        for receiver in receivers:
            assert receiver.receive(0.02) is None
    assert sender.counts().receivers == len(receivers)


def assert_frame(got: ReceivedFrame | None, frame: int) -> None:
    assert got is not None
    assert got.header.frame == frame
    assert (got.pixels == frame % 251).all()


def pair(url: str, spec: PictureSpec = SPEC) -> tuple[TcpSender, TcpReceiver]:
    sender, receiver = open_sender(url, spec), open_receiver(url)
    assert isinstance(sender, TcpSender)
    assert isinstance(sender, StripSender)
    assert isinstance(receiver, TcpReceiver)
    return sender, receiver


@pytest.mark.parametrize("strips", [True, False])
def test_frames_arrive_with_header_and_pixels(url: str, strips: bool) -> None:
    sender, receiver = pair(url)
    with sender, receiver:
        connected(sender, receiver)
        for frame in range(20):
            sent = send(sender, frame, strips=strips)
            got = receiver.receive(2.0)
            assert_frame(got, frame)
            assert got is not None
            assert got.header == sent
            assert got.header.times.sent_ns <= got.done_ns
        counts = receiver.counts
        assert (counts.received, counts.skipped, counts.torn, counts.bad, counts.restarts) == (20, 0, 0, 0, 0)
        assert sender.counts().sent == 20


def rows_of(client: socket.socket, first: int, end: int) -> bytes:
    """The bytes of a picture's rows, from strips that follow one another."""
    data = b""
    while first < end:
        head = unpack_head(client.recv(32, socket.MSG_WAITALL))
        assert (head.kind, head.serial, head.first_row) == (Kind.STRIP, 1, first)
        data += client.recv(head.nbytes, socket.MSG_WAITALL)
        first += head.rows
    assert first == end
    return data


def test_strips_leave_before_the_picture_is_finished(port: int) -> None:
    """A client of our own sees the upper half while the lower one is not there yet."""
    with TcpSender("127.0.0.1", port, SPEC, "tcp://test") as sender, socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(ASK)
        s.settimeout(5)
        hello = s.recv(64, socket.MSG_WAITALL)
        assert hello[:4] == b"TLSH"
        sender.acquire()[:16] = 9
        sender.strip(16)
        assert rows_of(s, 0, 16) == b"\x09" * (16 * 256)
        assert select.select([s], [], [], 0.05)[0] == []
        sender.acquire()[16:] = 8
        sender.publish(FrameHeader(0, 64, 32, PixelFormat.RGBA8))
        assert rows_of(s, 16, 32) == b"\x08" * (16 * 256)
        end = s.recv(32 + 256, socket.MSG_WAITALL)
        assert unpack_head(end) == Head(Kind.FRAME, 1, nbytes=256)
        assert unpack(end[32:]).frame == 0
        assert select.select([s], [], [], 0.05)[0] == [], "nothing comes that was not asked for"


def test_rows_that_a_compositor_has_finished_are_sent_meanwhile(port: int) -> None:
    """What it says after the picture was published, or of the next one, counts for nothing."""
    done, asked = [0], threading.Event()

    def rows_done() -> int:
        asked.set()
        return done[0]

    with TcpSender("127.0.0.1", port, SPEC, "tcp://test") as sender, socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(ASK)
        s.settimeout(5)
        assert s.recv(64, socket.MSG_WAITALL)[:4] == b"TLSH"
        with pytest.raises(ValueError, match=r"^follow comes after acquire$"):
            sender.follow(rows_done)
        sender.acquire()[...] = 9
        sender.follow(rows_done)
        assert select.select([s], [], [], 0.05)[0] == []
        done[0] = 20
        assert rows_of(s, 0, 20) == b"\x09" * (20 * 256)
        assert select.select([s], [], [], 0.05)[0] == []
        sender.publish(FrameHeader(0, 64, 32, PixelFormat.RGBA8))
        assert rows_of(s, 20, 32) == b"\x09" * (12 * 256)
        end = s.recv(32 + 256, socket.MSG_WAITALL)
        assert unpack(end[32:]).check == picture_check(np.full(SPEC.nbytes, 9, np.uint8))
        s.sendall(ASK)
        sender.acquire()
        time.sleep(0.01)
        asked.clear()
        assert not asked.wait(0.05), "nobody asks about a picture that is not followed"
        assert select.select([s], [], [], 0.0)[0] == []


@pytest.mark.parametrize("spec", [SPEC, LARGE, PictureSpec(3840, 2160), PictureSpec(5, 1), PictureSpec(16384, 3)])
def test_strips_cover_the_picture_and_end_short(spec: PictureSpec) -> None:
    ends = strip_ends(spec)
    assert ends[-1] == spec.height_px
    assert list(ends) == sorted(set(ends))
    assert ends[0] > 0
    last = ends[-1] - (0, *ends)[-2]
    assert last == 1 or last * spec.nbytes <= (1 << 17) * spec.height_px


def test_the_newest_wins(url: str) -> None:
    sender, receiver = pair(url)
    with sender, receiver:
        connected(sender, receiver)
        send(sender, 0)
        assert_frame(receiver.receive(2.0), 0)
        for frame in range(1, 50):
            send(sender, frame)
        assert_frame(receiver.receive(2.0), 49)
        assert receiver.receive(0.05) is None
        assert receiver.counts.skipped == 48


def test_who_comes_late_gets_the_last_frame(url: str) -> None:
    sender, receiver = pair(url)
    with sender, receiver:
        send(sender, 7)
        assert_frame(receiver.receive(2.0), 7)


def test_a_receiver_waits_for_its_sender_and_finds_the_next_one(url: str) -> None:
    with open_receiver(url) as receiver:
        assert receiver.receive(0.02) is None
        for restart, spec in enumerate((SPEC, PictureSpec(48, 40))):
            with open_sender(url, spec) as sender:
                assert isinstance(sender, TcpSender)
                for frame in (3, 4):
                    send(sender, frame, spec)
                    got = receiver.receive(5.0)
                    assert_frame(got, frame)
                    assert got is not None
                    assert got.pixels.shape == (spec.height_px, spec.width_px, 4)
                assert not receiver.ended
            assert receiver.receive(1.0) is None
            assert receiver.ended
            assert receiver.counts.restarts == restart
        assert receiver.counts.skipped == 0


def test_a_frame_published_before_the_end_is_still_sent(url: str) -> None:
    sender, receiver = pair(url, LARGE)
    with receiver:
        with sender:
            connected(sender, receiver)
            send(sender, 1, LARGE)
            taken: list[ReceivedFrame | None] = []
            taker = threading.Thread(target=lambda: taken.append(receiver.receive(5.0)))
            taker.start()
        taker.join()
        assert_frame(taken[0], 1)
        assert receiver.receive(1.0) is None
        assert receiver.ended


def stalled_client(port: int) -> socket.socket:
    """Asks for a frame and takes none of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(ASK)
    return client


def test_beside_a_stalled_receiver_another_misses_nothing(port: int) -> None:
    spec, url = LARGE, f"tcp://127.0.0.1:{port}"
    with (
        TcpSender("127.0.0.1", port, spec, url, stall_s=0.5) as sender,
        stalled_client(port),
        open_receiver(url) as receiver,
    ):
        assert isinstance(receiver, TcpReceiver)
        deadline = time.monotonic() + 5
        while sender.counts().receivers < 2 and time.monotonic() < deadline:
            assert receiver.receive(0.02) is None
        for frame in range(40):
            send(sender, frame, spec)
            assert_frame(receiver.receive(5.0), frame)
            time.sleep(0.02)
        assert receiver.counts.skipped == receiver.counts.torn == receiver.counts.bad == 0
        joined(sender, 1)


def slow_reader(port: int, stop: threading.Event, frames: list[int], wrong: list[int]) -> None:
    """A receiver that takes 64 kB every few milliseconds, and looks at every pixel of what it is given."""
    reader = StripReader()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        client.connect(("127.0.0.1", port))
        client.sendall(ASK)
        client.settimeout(0.2)
        while not stop.is_set():
            try:
                picture = reader.filled(client.recv_into(reader.wanted()[: 1 << 16]))
            except TimeoutError:
                continue
            if picture is None:
                time.sleep(0.002)
                continue
            client.sendall(ASK)
            number = picture.header.frame
            frames.append(number)
            if not picture.sound or not (picture.pixels == number % 251).all():
                wrong.append(number)


def test_slow_receivers_skip_frames_and_get_no_mix(port: int) -> None:
    """Three, each far slower than the sender, which takes rooms back from under them; all get on."""
    stop, wrong = threading.Event(), [[], [], []]  # type: tuple[threading.Event, list[list[int]]]
    frames: list[list[int]] = [[], [], []]
    with TcpSender("127.0.0.1", port, LARGE, "tcp://test") as sender:
        readers = [threading.Thread(target=slow_reader, args=(port, stop, frames[k], wrong[k])) for k in range(3)]
        for reader in readers:
            reader.start()
        joined(sender, 3)
        sent, end = 0, time.monotonic() + 20
        while min(map(len, frames)) < 3 and time.monotonic() < end:
            send(sender, sent, LARGE)
            sent += 1
            time.sleep(0.004)
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == [[], [], []]
    assert min(map(len, frames)) >= 3
    for numbers in frames:
        assert numbers == sorted(set(numbers))
        assert len(numbers) < sent / 2, "whole frames are skipped"


def test_a_frame_is_given_up_when_its_room_is_needed(port: int) -> None:
    """With every room held by a stalled receiver's frame or newer ones, acquire takes the oldest and goes on."""
    with TcpSender("127.0.0.1", port, LARGE, "tcp://test") as sender:
        stalled = []
        for number in range(tcp_sender.ROOMS):
            stalled.append(stalled_client(port))
            joined(sender, number + 1)
            send(sender, number, LARGE)
            time.sleep(0.02)
        for frame in range(tcp_sender.ROOMS, 20):
            send(sender, frame, LARGE)
        assert sender.counts().dropped >= 2
        for client in stalled:
            client.close()


_RECEIVER = """
import sys
from translight.stream.urls import open_receiver
with open_receiver(sys.argv[1]) as receiver:
    while True:
        frame = receiver.receive(0.5)
        if frame is not None:
            assert (frame.pixels == frame.header.frame % 251).all()
            print(frame.header.frame, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGSTOP is POSIX")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
def test_a_receiver_killed_or_stopped_leaves_the_others_unmoved(port: int, name: str) -> None:
    url = f"tcp://127.0.0.1:{port}"
    with (
        TcpSender("127.0.0.1", port, LARGE, url, stall_s=0.4) as sender,
        open_receiver(url) as other,
        subprocess.Popen([sys.executable, "-c", _RECEIVER, url], stdout=subprocess.PIPE, text=True) as victim,
    ):
        assert isinstance(other, TcpReceiver)
        assert victim.stdout is not None
        try:
            deadline = time.monotonic() + 20
            while sender.counts().receivers < 2 and time.monotonic() < deadline:
                assert other.receive(0.02) is None
            for frame in range(50):
                send(sender, frame, LARGE)
                assert_frame(other.receive(5.0), frame)
                if frame == 10:
                    assert victim.stdout.readline() == "0\n"
                    victim.send_signal(getattr(signal, name))
                time.sleep(0.01)
            assert other.counts.skipped == other.counts.torn == 0
            deadline = time.monotonic() + 5
            frame = 50
            while sender.counts().receivers > 1 and time.monotonic() < deadline:
                send(sender, frame, LARGE)
                assert_frame(other.receive(5.0), frame)
                frame += 1
            assert sender.counts().receivers == 1
            if name == "SIGSTOP":  # and it comes back by itself
                victim.send_signal(signal.SIGCONT)
                joined(sender, 2)
                send(sender, 1000, LARGE)
                while (line := victim.stdout.readline()) != "1000\n":
                    assert line
        finally:
            victim.kill()


def test_garbage_and_silence_are_sent_away(url: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_sender, "GREETING_S", 0.3)
    sender, receiver = pair(url)
    rng = random.Random(1)
    with sender, receiver:
        connected(sender, receiver)
        garbage = [b"GET / HTTP/1.1\r\n\r\n", bytes(8), b"TLSA\x02\x00\x08\x00", rng.randbytes(5000)]
        for data in garbage:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(data)
                client.settimeout(2)
                with contextlib.suppress(ConnectionResetError):
                    assert client.recv(100) == b"", "nothing is said to strangers"
        assert sender.bad == len(garbage)
        with socket.create_connection(("127.0.0.1", port)) as slow:
            slow.settimeout(2)
            begin = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - begin < 2:
                    slow.sendall(ASK[:1])  # a byte now and then does not keep it
                    time.sleep(0.1)
                    if select.select([slow], [], [], 0)[0]:
                        break
            assert time.monotonic() - begin < 2
        with socket.create_connection(("127.0.0.1", port)) as once:
            once.sendall(ASK + b"x" * 8)
            once.settimeout(2)
            send(sender, 1)
            assert_frame(receiver.receive(2.0), 1)
            with contextlib.suppress(ConnectionResetError):
                while once.recv(100_000):
                    pass
        send(sender, 2)
        assert_frame(receiver.receive(2.0), 2)


def test_receivers_are_bounded(port: int) -> None:
    with TcpSender("127.0.0.1", port, SPEC, "tcp://test") as sender:
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(MAX_RECEIVERS)]
        for client in clients:
            client.sendall(ASK)
        joined(sender, MAX_RECEIVERS)
        with socket.create_connection(("127.0.0.1", port)) as one_more:
            one_more.settimeout(5)
            assert one_more.recv(1) == b""
        assert sender.refused == 1
        clients.pop().close()
        send(sender, 1)
        joined(sender, MAX_RECEIVERS - 1)
        for client in clients:
            client.close()


class Impostor:
    """A server that sends bytes to who asks; each client gets the next of them and is hung up on."""

    def __init__(self, port: int, streams: list[bytes]) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._run, args=(streams,))
        self._thread.start()

    def _run(self, streams: list[bytes]) -> None:
        self._listener.settimeout(10)
        for stream in streams:
            client, _ = self._listener.accept()
            with client, contextlib.suppress(OSError):
                client.settimeout(5)
                assert client.recv(8, socket.MSG_WAITALL) == ASK
                client.sendall(stream)
                client.shutdown(socket.SHUT_WR)
                client.recv(1)

    def close(self) -> None:
        self._thread.join()
        self._listener.close()


def frame_bytes(serial: int, *, broken: bool = False) -> bytes:
    pixels = np.full(SPEC.nbytes, serial, np.uint8)
    header = FrameHeader(serial, 64, 32, PixelFormat.RGBA8, times=FrameTimes(), check=picture_check(pixels) + broken)
    strip = pack_head(Head(Kind.STRIP, serial, 0, 32, SPEC.nbytes)) + pixels.tobytes()
    return strip + pack_head(Head(Kind.FRAME, serial, nbytes=256)) + pack(header)


def test_a_hostile_sender_changes_nothing_but_counts(port: int) -> None:
    hello, rng = pack_hello(Hello(SPEC, 5)), random.Random(2)
    bad = [
        b"SSH-2.0-OpenSSH_9.2p1".ljust(64),
        pack_hello(Hello(PictureSpec(16384, 16384, PixelFormat.RGBA16F), 1)),
        hello + rng.randbytes(200),
        hello + frame_bytes(1)[:32] + b"\xff" * 20_000,
        hello + pack_head(Head(Kind.FRAME, 1, nbytes=256)),
    ]
    cut = [b"", hello[:10], hello + frame_bytes(1)[:-1]]
    impostor = Impostor(port, [*bad, *cut, hello + frame_bytes(3, broken=True), hello + frame_bytes(4)])
    with TcpReceiver("127.0.0.1", port, "tcp://test") as receiver:
        got = None
        deadline = time.monotonic() + 10
        while got is None and time.monotonic() < deadline:
            got = receiver.receive(0.2)
        assert_frame(got, 4)
        assert (receiver.counts.bad, receiver.counts.torn, receiver.counts.received) == (len(bad), 1, 1)
    impostor.close()


def test_a_frame_sent_anew_after_a_broken_connection_is_not_new(port: int) -> None:
    hello = pack_hello(Hello(SPEC, 5))
    impostor = Impostor(port, [hello + frame_bytes(1), hello + frame_bytes(1), hello + frame_bytes(2)])
    with TcpReceiver("127.0.0.1", port, "tcp://test") as receiver:
        assert_frame(receiver.receive(5.0), 1)
        assert_frame(receiver.receive(5.0), 2)
        assert (receiver.counts.received, receiver.counts.restarts) == (2, 0)
    impostor.close()


def test_what_cannot_be_opened_is_one_clear_line(url: str, port: int) -> None:
    with open_sender(url, SPEC), pytest.raises(StreamError) as caught:
        open_sender(url, SPEC)
    assert str(caught.value) == f"{url} cannot be opened: Address already in use"
    with pytest.raises(
        StreamError, match=r"^tcp://no\.such\.host\.invalid:5: there is no host 'no\.such\.host\.invalid' \("
    ):
        open_receiver("tcp://no.such.host.invalid:5")


def test_every_interface_and_ipv6(port: int) -> None:
    for url in (f"tcp://*:{port}", f"tcp://[::1]:{port}"):
        if "::" in url and not socket.has_ipv6:
            pytest.skip("there is no IPv6 here")
        try:
            sender, receiver = pair(url)
        except StreamError as error:
            pytest.skip(f"there is no IPv6 here: {error}")
        with sender, receiver:
            send(sender, 3)
            assert_frame(receiver.receive(5.0), 3)


def test_misuse_is_refused(url: str) -> None:
    sender, receiver = pair(url)
    with sender, receiver:
        with pytest.raises(ValueError, match=r"^publish comes after acquire$"):
            sender.publish(FrameHeader(0, 64, 32, PixelFormat.RGBA8))
        with pytest.raises(ValueError, match=r"^strip\(8\) comes after acquire and goes on from the strip before$"):
            sender.strip(8)
        sender.acquire()
        sender.strip(8)
        for end in (7, 33):
            with pytest.raises(ValueError, match=rf"^strip\({end}\) comes after acquire"):
                sender.strip(end)
    with pytest.raises(StreamError, match=rf"^{url} is closed$"):
        sender.acquire()
    with pytest.raises(StreamError, match=rf"^{url} is closed$"):
        receiver.receive(0.1)
    sender.close()
    receiver.close()
