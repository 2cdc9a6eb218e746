"""A machine without an NVIDIA GPU is told in one line, before anything heavy is imported."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from translight.core.errors import BackendError
from translight.render.nvidia import require_gpu


class Driver:
    """A driver that starts with a status and finds some devices."""

    def __init__(self, status: int, devices: int) -> None:
        self._status, self._devices = status, devices

    def cuInit(self, _flags: int) -> int:  # noqa: N802 - CUDA's name
        return self._status

    def cuDeviceGetCount(self, count: object) -> int:  # noqa: N802
        count._obj.value = self._devices  # type: ignore[attr-defined]
        return 0


def _raise(_name: str) -> None:
    raise OSError("no such library")


@pytest.mark.parametrize(
    ("driver", "message"),
    [
        (_raise, "the cuda backend needs an NVIDIA GPU; its driver (libcuda.so.1) is not here"),
        (lambda _: Driver(100, 0), "the cuda backend needs an NVIDIA GPU; the driver finds none (CUDA error 100)"),
        (lambda _: Driver(0, 0), "the cuda backend needs an NVIDIA GPU; the driver finds none (CUDA error 0)"),
    ],
)
def test_no_gpu_is_one_line(driver, message, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", driver)
    with pytest.raises(BackendError) as caught:
        require_gpu("cuda")
    assert str(caught.value) == message


def test_a_gpu_is_enough(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(0, 1))
    require_gpu("cuda")


def test_asking_for_a_backend_imports_nothing_heavy_where_there_is_no_gpu():
    try:
        require_gpu("cuda")
    except BackendError:
        pass
    else:
        pytest.skip("there is a GPU")
    code = (
        "import sys; from translight.core.errors import BackendError\n"
        "from translight.render.backends import BACKENDS, open_renderer\n"
        "for name in BACKENDS:\n"
        "    try: open_renderer(name).close()\n"
        "    except BackendError: pass\n"
        "print(sorted({'torch', 'gsplat', 'cupy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
