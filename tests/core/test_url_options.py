"""Options after a URL's ?: taken, checked, refused."""

import pytest

from translight.core.errors import ShowError, StreamError
from translight.core.url_options import read_options

_URL = "x://place"


def test_options_are_taken_with_their_checks() -> None:
    options = read_options(_URL, "a=1.5&b=3&c=yes&d=hi%20there&e=36x24&f=10.0.0.1", "x", tuple("abcdefg"))
    assert options.number("a", 0, 0, 2) == 1.5
    assert options.integer("b", 0, 0, 5) == 3
    assert options.flag("c")
    assert options.text("d") == "hi there"
    assert options.size("e") == (36.0, 24.0)
    assert options.address("f") == "10.0.0.1"
    assert options.given("a")
    assert not options.given("g")
    assert options.integer("g", 7, 0, 9) == 7


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("z=1", "x://place: option 'z' is none of x's: a, b"),
        ("a=1&a=2", "x://place: option 'a' is given twice"),
    ],
)
@pytest.mark.parametrize("error", [ShowError, StreamError])
def test_unknown_and_doubled_options_are_refused(
    query: str, message: str, error: type[ShowError] | type[StreamError]
) -> None:
    with pytest.raises(error) as caught:
        read_options(_URL, query, "x", ("a", "b"), error)
    assert str(caught.value) == message


def test_a_scheme_without_options_says_so() -> None:
    with pytest.raises(ShowError, match=r"^x://place: option 'z' is one too many: it has none$"):
        read_options(_URL, "z=1", "x", ())


def test_a_wrong_value_names_what_is_allowed() -> None:
    options = read_options(_URL, "a=nan&b=2.5", "x", ("a", "b"), StreamError)
    with pytest.raises(StreamError, match=r"^x://place: a = 'nan': give a number from 0 to 1$"):
        options.number("a", 0, 0, 1)
    with pytest.raises(StreamError, match=r"^x://place: b = '2.5': give a whole number from 1 to 9$"):
        options.integer("b", 1, 1, 9)
    with pytest.raises(StreamError, match=r"^x://place: b = '2.5': give one of yes, no, 1, 0$"):
        options.flag("b")
