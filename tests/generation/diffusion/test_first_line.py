import pytest

from translight.generation.diffusion.first_line import first_line


@pytest.mark.parametrize(
    ("said", "line"),
    [("", "ValueError"), (" \n\n", "ValueError"), ("\n  no such key \nmore", "no such key"), ("x" * 400, "x" * 300)],
)
def test_the_first_line_that_says_something(said: str, line: str):
    assert first_line(ValueError(said)) == line
