"""A machine in one line."""

import os
import platform

import numpy as np

from translight.core.machine import describe


def test_it_names_what_a_result_hangs_on() -> None:
    line = describe()
    assert "\n" not in line
    for part in (f"{os.cpu_count()} cores", platform.machine(), platform.python_version(), np.__version__):
        assert part in line
