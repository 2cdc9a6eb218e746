"""Which monitor a display:// URL means."""

import pytest

from translight.core.errors import StreamError
from translight.stream.monitors import Monitor, choose, described

LEFT = Monitor(1, "DP-1", 3840, 2160, 60, 10)
RIGHT = Monitor(2, "HDMI-1", 1920, 1080, 0, 8)
TWIN = Monitor(3, "HDMI-1", 1920, 1080, 50, 8)


def test_by_number_and_by_name() -> None:
    assert choose([LEFT, RIGHT], "1") is LEFT
    assert choose([LEFT, RIGHT], "2") is RIGHT
    assert choose([LEFT, RIGHT], "HDMI-1") is RIGHT


@pytest.mark.parametrize(
    ("monitors", "place", "message"),
    [
        ([LEFT], "2", "there is no monitor '2'; there is 1 DP-1 (3840x2160 60 Hz, 10 bits)"),
        (
            [LEFT, RIGHT],
            "DP-3",
            "there is no monitor 'DP-3'; there are 1 DP-1 (3840x2160 60 Hz, 10 bits), 2 HDMI-1 (1920x1080, 8 bits)",
        ),
        (
            [RIGHT, TWIN],
            "HDMI-1",
            "more than one monitor is called 'HDMI-1': give its number; there are 2 HDMI-1 (1920x1080, 8 bits), 3 HDMI-1 (1920x1080 50 Hz, 8 bits)",
        ),
    ],
)
def test_another_one_is_refused_saying_which_there_are(monitors: list[Monitor], place: str, message: str) -> None:
    with pytest.raises(StreamError) as caught:
        choose(monitors, place)
    assert str(caught.value) == message


def test_no_monitor_at_all() -> None:
    assert described([]) == "none"
