import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.splats.limits import BLOCK, Limits, blocks, brief


@given(count=st.integers(0, 3 * BLOCK + 5))
def test_blocks_cover_every_row_once_and_tell_how_far(count):
    told = []
    parts = list(blocks(count, told.append))
    assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])][: len(parts)]
    assert sum(part.stop - part.start for part in parts) == count
    assert told == [part.stop / count for part in parts]


def test_each_limit_says_what_was_found_and_what_is_allowed():
    limits = Limits(max_splats=10, max_bytes=100, max_ratio=4)
    limits.check_count(10, "it")
    limits.check_bytes(100, "it")
    limits.check_ratio(16 << 20, 1, "it")  # little enough to be let through at any ratio
    with pytest.raises(FormatError, match=r"^it claims 11 splats; the limit is 10$"):
        limits.check_count(11, "it")
    with pytest.raises(FormatError, match=r"^it is 101 bytes; the limit is 100$"):
        limits.check_bytes(101, "it")
    with pytest.raises(FormatError, match=r"^it: 1,000 bytes cannot hold the 16,777,217 bytes that are claimed$"):
        limits.check_ratio((16 << 20) + 1, 1000, "it")


@given(text=st.text())
def test_brief_is_one_short_printable_line(text):
    assert brief(text).isprintable()
    assert len(brief(text)) <= 121


def test_brief_keeps_what_is_short():
    assert brief("a short line") == "a short line"
    assert brief("two\nlines\x1b[31m") == "two lines [31m"
