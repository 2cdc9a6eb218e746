"""Numba's compiler says what it compiles, once."""

import numba

from translight.render.compiling import compiling_told


def test_each_function_is_told_when_it_is_compiled_and_not_when_it_is_called_again() -> None:
    @numba.njit
    def _inner(x: int) -> int:
        return x + 1

    @numba.njit
    def outer(x: int) -> int:
        return 2 * _inner(x)

    said: list[str] = []
    with compiling_told(said.append):
        assert outer(3) == 8
        assert outer(4) == 10
    assert said == [
        "compiling, once on this machine: part 1, outer",
        "compiling, once on this machine: part 2, inner",
    ]
    outer(1.5)
    assert len(said) == 2, "after the block nothing is told"
