"""Devices for tests by name: the emulator in some order of its blocks, and the GPU where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.render.cuda_emulation.emulator import Emulator

from translight.core.device import Device
from translight.core.errors import BackendError
from translight.render.cuda import open_backend

GPU = pytest.param("gpu", marks=pytest.mark.cuda)


@contextmanager
def device_called(name: int | str) -> Iterator[Device]:
    """The emulator with that order, or for ``gpu`` the GPU; skips the test, with the reason, where there is none."""
    if isinstance(name, int):
        yield Emulator(name)
        return
    try:
        renderer = open_backend()
    except BackendError as error:
        pytest.skip(str(error))
    with renderer:
        yield renderer.device
