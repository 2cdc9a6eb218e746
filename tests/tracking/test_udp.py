"""UDP sources on loopback: real sockets, good and bad datagrams, bursts, ports that are taken, multicast."""

import logging
import socket
import time
from collections.abc import Iterator

import pytest

from translight.core.clock import now_ns
from translight.core.errors import StreamError
from translight.tracking import freed
from translight.tracking.freed import FreeD
from translight.tracking.source import open_source, parse_source
from translight.tracking.udp import UdpSource


def packet(camera: int = 1, pan_deg: float = 0.0) -> bytes:
    return freed.build(FreeD(camera, pan_deg, 0, 0, 0, 0, 0, 0, 0))


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield sock


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def source(port: int) -> Iterator[UdpSource]:
    with UdpSource(parse_source(f"freed://127.0.0.1:{port}")) as made:
        yield made


def test_a_sample_comes_with_the_time_it_was_received(source: UdpSource, sender: socket.socket) -> None:
    before = now_ns()
    sender.sendto(packet(7, 30.0), ("127.0.0.1", source.port))
    sample = source.read(2.0)
    assert sample is not None
    assert before < sample.received_ns < now_ns()
    assert (sample.camera, sample.sequence) == ("7", 1)


def test_silence_gives_none_in_time(source: UdpSource) -> None:
    begin = time.monotonic()
    assert source.read(0.05) is None
    assert 0.04 < time.monotonic() - begin < 1.0
    assert source.read(0.0) is None


def test_bad_datagrams_are_counted_by_cause_and_change_nothing(
    source: UdpSource, sender: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    good = packet()
    target = ("127.0.0.1", source.port)
    for data in (good[:-1] + b"\0", good[:20], b"hello", good[:-1] + b"\0", b"x" * 2000, b""):
        sender.sendto(data, target)
    with caplog.at_level(logging.WARNING):
        assert source.read(0.1) is None
    assert source.counts.bad_by_cause == {"checksum": 2, "length": 3, "too large": 1}
    assert source.counts.bad == 6
    assert source.last_fault == "length: FreeD D1 is 29 bytes, got 0"
    assert len(caplog.records) == 1  # at most one line a second
    assert "a bad datagram, the last from 127.0.0.1: FreeD checksum is 00" in caplog.text
    sender.sendto(good, target)
    sample = source.read(2.0)
    assert sample is not None
    assert sample.sequence == 1


def test_of_a_burst_the_newest_counts(source: UdpSource, sender: socket.socket) -> None:
    for n in range(10):
        sender.sendto(packet(pan_deg=float(n)), ("127.0.0.1", source.port))
    sample = source.read(2.0)
    assert sample is not None
    assert sample.sequence == 10
    assert (source.counts.samples, source.counts.superseded) == (10, 9)
    assert source.read(0.0) is None


def test_a_bad_datagram_within_a_burst_does_not_end_it(source: UdpSource, sender: socket.socket) -> None:
    for data in (packet(pan_deg=1), b"bad", packet(pan_deg=2)):
        sender.sendto(data, ("127.0.0.1", source.port))
    sample = source.read(2.0)
    assert sample is not None
    assert sample.sequence == 2
    assert source.counts.bad == 1


def test_only_the_camera_asked_for(port: int, sender: socket.socket) -> None:
    with UdpSource(parse_source(f"freed://127.0.0.1:{port}?camera=2")) as source:
        for camera in (1, 2, 1, 3):
            sender.sendto(packet(camera), ("127.0.0.1", port))
        sample = source.read(2.0)
        assert sample is not None
        assert sample.camera == "2"
        assert source.counts.bad_by_cause == {"wrong camera": 3}


def test_two_shows_on_one_port_are_one_too_many(source: UdpSource) -> None:
    url = f"freed://127.0.0.1:{source.port}"
    with pytest.raises(StreamError) as caught:
        open_source(parse_source(url))
    assert str(caught.value) == (
        f"{url}: UDP port {source.port} is taken by another program, or another show: end it or take another port"
    )
    with pytest.raises(StreamError, match="is taken by another program"):
        open_source(parse_source(f"osc://:{source.port}"))


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(StreamError, match=r"192\.0\.2\.1 is no address of this machine: give one of its own"):
        open_source(parse_source("freed://192.0.2.1:40000"))


def test_the_tap_sees_every_datagram(port: int, sender: socket.socket) -> None:
    seen: list[tuple[bytes, int]] = []
    with UdpSource(
        parse_source(f"freed://127.0.0.1:{port}"), tap=lambda d, _ns, who: seen.append((d, who[1]))
    ) as source:
        sender.sendto(b"bad", ("127.0.0.1", port))
        sender.sendto(packet(), ("127.0.0.1", port))
        assert source.read(2.0) is not None
    assert [data for data, _ in seen] == [b"bad", packet()]
    assert seen[0][1] == sender.getsockname()[1]


def test_multicast_on_loopback(port: int, sender: socket.socket) -> None:
    url = f"opentrackio://239.135.1.77:{port}?interface=127.0.0.1"
    from translight.tracking import opentrackio, opentrackio_packet
    from translight.tracking.opentrackio import Sample, Transform
    from translight.tracking.opentrackio_packet import Encoding

    payload = opentrackio.build(Sample(transforms=[Transform()], source_number=77), Encoding.JSON)
    try:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        source = UdpSource(parse_source(url))
    except (OSError, StreamError) as error:
        pytest.skip(f"no multicast on this machine's loopback: {error}")
    with source:
        sender.sendto(opentrackio_packet.build(payload, Encoding.JSON, 1)[0], ("239.135.1.77", port))
        sample = source.read(2.0)
        assert sample is not None
        assert sample.camera == "77"
        with pytest.raises(StreamError, match="a multicast group can be shared: share=yes"):
            UdpSource(parse_source(url))


def test_a_multicast_group_can_be_shared_when_asked(port: int, sender: socket.socket) -> None:
    url = f"freed://239.135.1.78:{port}?interface=127.0.0.1&share=yes"
    try:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        first = UdpSource(parse_source(url))
    except (OSError, StreamError) as error:
        pytest.skip(f"no multicast on this machine's loopback: {error}")
    with first, UdpSource(parse_source(url)) as second:
        sender.sendto(packet(), ("239.135.1.78", port))
        assert first.read(2.0) is not None
        assert second.read(2.0) is not None


def test_joining_on_a_card_that_is_not_here() -> None:
    with pytest.raises(
        StreamError, match=r"cannot join 239\.135\.1\.1, 192\.0\.2\.1 is no address of this machine: give"
    ):
        open_source(parse_source("opentrackio://239.135.1.1:55555?interface=192.0.2.1"))
