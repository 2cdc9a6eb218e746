"""What this machine can do."""

import socket
import sys

import pytest
from tests.stream.xvfb import xvfb

from translight.commands.doctor import Doctor
from translight.server import doctor
from translight.server.doctor import PORTS, examine


def test_the_renderers_that_open_here_are_named() -> None:
    found = {finding.topic: finding for finding in examine()}
    assert found["backend reference"].verdict == "good"
    assert "cores" in found["processor"].text
    assert {"system", "clock", "shared memory"} <= set(found)


def test_a_port_in_use_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        try:
            taken.bind(("", 39539))
        except OSError:
            pytest.skip("port 39539 is in use already")
        found = {finding.topic: finding for finding in doctor._ports()}
    assert found["port 39539"].text.startswith(f"udp ({PORTS[39539][1]}) cannot be opened: ")


def test_a_missing_extra_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"cuda": ("no_such_module_anywhere",), "dev": ("numpy",)})
    missing, there = doctor._extras()
    assert missing.text == 'without no_such_module_anywhere: pip install "translight[cuda]"'
    assert there.text == "installed"


def test_a_user_who_may_not_raise_priorities_is_told_what_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "may_go_first", lambda: False)
    (found,) = doctor._priority()
    assert found.verdict == "note"
    assert "LimitNICE=-10" in found.text


def test_no_backend_is_bad_news(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "BACKENDS", {"none-such": None})
    assert Doctor().run() == 1
    assert "nothing can be rendered here" in capsys.readouterr().out


def test_monitors_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("glfw")
    if sys.platform != "linux":
        pytest.skip("Xvfb is an X server")
    with xvfb(96, 64) as display:
        monkeypatch.setenv("DISPLAY", display)
        (found,) = doctor._monitors()
    assert (found.verdict, found.text) == ("good", "1 screen (96x64, 8 bits)")
    monkeypatch.setenv("DISPLAY", ":987")
    (found,) = doctor._monitors()
    assert (found.verdict, found.text) == ("note", "no screen: X11: Failed to open display :987")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert doctor._monitors() == []
