import inspect

from translight.core import errors
from translight.core.errors import MissingExtra, TranslightError

TREE = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, TranslightError)]


def test_every_error_is_in_the_tree_that_the_docstring_draws():
    assert errors.__doc__ is not None
    drawn = [line.split()[1] for line in errors.__doc__.splitlines() if line.strip().startswith(("├──", "└──"))]
    assert sorted(drawn) == sorted(error.__name__ for error in TREE if error is not TranslightError)
    assert all(error.__mro__[1] is TranslightError for error in TREE if error is not TranslightError)


def test_no_error_is_taken_for_one_of_pythons_own():
    for error in TREE:
        assert not issubclass(error, (ValueError, OSError, RuntimeError))
        assert error.__doc__


def test_a_missing_extra_says_how_to_install_it():
    error = MissingExtra("CuPy", "cuda")
    assert str(error) == 'CuPy is not installed: pip install "translight[cuda]"'
    assert error.extra == "cuda"
