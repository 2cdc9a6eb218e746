"""``translight track`` as a user runs it: watch a simulated tracker, record it, describe and replay the take."""

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from translight.commands.track import Monitor, Record, Replay, Simulate
from translight.core.errors import FormatError, ShowError, StreamError
from translight.tracking import freed
from translight.tracking.freed import FreeD
from translight.tracking.take import Take

DATA = Path(__file__).parents[1] / "data" / "tracking"


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize("protocol", ["osc", "freed", "opentrackio"])
def test_monitor_a_simulated_tracker(protocol: str, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"simulate://crane?protocol={protocol}&port={port}&rate=100"
    assert Monitor(url, seconds=0.8, json=True).run() == 0
    report = json.loads(capsys.readouterr().out)
    assert report["url"] == url
    assert report["samples"] > 30
    assert 50 < report["rate_hz"] < 120
    assert report["bad"] == 0
    assert len(report["position_m"]) == 3
    assert report["lens"]
    assert (report["age_ms"] is not None) == (protocol == "opentrackio")


def test_monitor_prints_a_line_a_second_where_there_is_no_terminal(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Monitor(f"simulate://pan?port={port}&rate=60", seconds=1.4).run() == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "Hz  jitter p99" in line
    assert "pan " in line
    assert line.endswith("bad 0")


def test_monitor_of_silence_fails_and_says_what_was_bad(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    def send() -> None:
        time.sleep(0.2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"hello", ("127.0.0.1", port))

    thread = threading.Thread(target=send)
    thread.start()
    url = f"freed://127.0.0.1:{port}"
    assert Monitor(url, seconds=0.6, json=True).run() == 1
    thread.join()
    out, err = capsys.readouterr()
    assert json.loads(out)["bad_by_cause"] == {"length": 1}
    assert err == (
        f"translight: {url}: no sample came; 1 bad datagrams, the last: length: FreeD D1 is 29 bytes, got 5\n"
    )


def test_monitor_ends_with_a_take(capsys: pytest.CaptureFixture[str]) -> None:
    path = DATA / "f4" / "second_of_a_pan.f4"
    assert Monitor(f"replay://{path}?speed=20", json=True).run() == 0
    report = json.loads(capsys.readouterr().out)
    assert report["samples"] == 25
    assert report["timecode"] == "15:04:16:01"


def test_interrupting_closes_in_order(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert Monitor(f"simulate://crane?port={port}", json=True).run() == 0
    timer.join()
    assert json.loads(capsys.readouterr().out)["samples"] > 10
    assert signal.getsignal(signal.SIGINT) is before


def test_record_describe_and_replay(port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take = tmp_path / "a.tlt"
    assert Record(f"simulate://dolly?protocol=freed&port={port}&rate=100", take, seconds=0.5).run() == 0
    count = len(list(Take(take).records()))
    assert count > 20
    assert f"a.tlt: {count} datagrams, {count} samples, 0 bad" in capsys.readouterr().out
    assert Replay(take).run() == 0
    assert f"{count} datagrams in " in capsys.readouterr().out
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2.0)
        assert Replay(take, to=f"127.0.0.1:{sock.getsockname()[1]}", speed=5.0).run() == 0
        received = [sock.recv(100) for _ in range(count)]
    assert received == [record.datagram for record in Take(take).records()]
    assert f"{count} datagrams sent" in capsys.readouterr().out
    with pytest.raises(FormatError, match="exists: a take is never written over"):
        Record(f"freed://127.0.0.1:{port}", take, seconds=0.1).run()


def test_a_take_cut_off_is_described_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from translight.tracking.take import TakeWriter

    path = tmp_path / "cut.tlt"
    with TakeWriter(path, "freed://:40000") as writer:
        writer.write(freed.build(FreeD(1, 0, 0, 0, 0, 0, 0, 0, 0)), 0)
        writer.write(b"bad", 40_000_000)
    path.write_bytes(path.read_bytes()[:-24])
    assert Replay(path).run() == 1
    out, err = capsys.readouterr()
    assert "2 datagrams in 0.04 s, 25.00 a second, 1 samples, of freed://:40000, recorded " in out
    assert err == f"translight: {path} was cut off: it has no end\n"


def test_the_mosys_capture_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    path = DATA / "f4" / "second_of_a_pan.f4"
    assert Replay(path).run() == 0
    assert capsys.readouterr().out == (f"{path}: 25 datagrams in 0.96 s, 25.00 a second, 25 samples, of f4://:8001\n")


@pytest.mark.parametrize("move", ["sprint", "simulate://crane?rate=100"])
def test_simulate_takes_a_moves_name(move: str) -> None:
    with pytest.raises(ShowError) as error:
        Simulate(move).run()
    assert str(error.value).startswith(f"there is no move {move!r}: give one of crane, ")


def test_simulate_sends(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2.0)
        to = f"127.0.0.1:{sock.getsockname()[1]}"
        assert Simulate("whip", to=to, protocol="freed", rate=100.0, seconds=0.2, camera="7").run() == 0
        assert freed.parse(sock.recv(100)).camera == 7
    assert "datagrams sent" in capsys.readouterr().out


@pytest.mark.parametrize("to", ["here", ":40000", "host:", "host:0", "host:x"])
def test_where_to_send(to: str) -> None:
    with pytest.raises(ShowError, match=r"give HOST:PORT, like 127\.0\.0\.1:40000"):
        Simulate("crane", to=to).run()


def test_wrong_arguments_are_told(tmp_path: Path) -> None:
    with pytest.raises(ShowError, match="there is no move 'jump'"):
        Simulate("jump").run()
    with pytest.raises(ShowError, match="a take is recorded from a tracker"):
        Record("replay://x.tlt", tmp_path / "y.tlt").run()
    with pytest.raises(ShowError, match="--speed 0: give a number"):
        Replay(DATA / "f4" / "second_of_a_pan.f4", to="127.0.0.1:9", speed=0.0).run()


def test_a_port_that_is_taken_leaves_no_take(port: int, tmp_path: Path) -> None:
    take = tmp_path / "none.tlt"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", port))
        with pytest.raises(StreamError, match="is taken by another program"):
            Record(f"freed://127.0.0.1:{port}", take, seconds=0.1).run()
    assert not take.exists()
