import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

# examples are timed by a busy machine's clock: a slow one says nothing of the code
settings.register_profile("translight", deadline=None)
settings.load_profile("translight")


@pytest.fixture(autouse=True)
def _no_thread_is_left_running() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + 5
    while (left := set(threading.enumerate()) - before) and time.monotonic() < end:
        time.sleep(0.001)
    assert not left, f"still running: {', '.join(thread.name for thread in left)}"
