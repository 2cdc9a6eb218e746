"""``.cube`` files: what is read and refused, and that we write what we read."""

import contextlib
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.generation.look.cube import Cube, cube_text, parse_cube, read_cube, write_cube

LINES = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 0.5))
GOOD = f'# made by hand\r\nTITLE "A look"\nDOMAIN_MIN 0 0 -1\nDOMAIN_MAX 1 2 1.5e0\n\nLUT_3D_SIZE 2\n{LINES}\n# end\n'


def test_a_file_is_read_red_fastest():
    cube = parse_cube(b"\xef\xbb\xbf" + GOOD.encode(), "x.cube")
    assert (cube.title, cube.size, cube.domain_min, cube.domain_max) == ("A look", 2, (0, 0, -1), (1, 2, 1.5))
    np.testing.assert_array_equal(cube.table[1, 0, 1], [0.5, 0, 1])
    flat = parse_cube(b"LUT_1D_SIZE 3\nLUT_1D_INPUT_RANGE -1 2\n0 0 0\n.5 +.5 .5\n1 1e0 1", "x.cube")
    assert (flat.table.shape, flat.domain_min, flat.domain_max) == ((3, 3), (-1, -1, -1), (2, 2, 2))


BAD = {
    "": "neither LUT_1D_SIZE nor LUT_3D_SIZE: not a .cube file",
    "0 0 0\n": "line 1: numbers before LUT_1D_SIZE or LUT_3D_SIZE",
    "LUT_3D_SIZE 257\n": "line 1: LUT_3D_SIZE must be a whole number from 2 to 256, got '257'",
    "LUT_3D_SIZE -2\n": "line 1: LUT_3D_SIZE must be a whole number from 2 to 256, got '-2'",
    "LUT_1D_SIZE\n": "line 1: LUT_1D_SIZE must be a whole number from 2 to 65536, got ''",
    "LUT_3D_SIZE 256\n0 0 0\n": "line 1: 16777216 lines are wanted, 22 bytes cannot hold them",
    "LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n": "line 2: LUT_3D_SIZE beside LUT_1D_SIZE: one table is wanted",
    "LUT_1D_SIZE 2\n0 0 0\n": "ends after 1 of the 2 lines that LUT_1D_SIZE 2 asks for",
    "LUT_1D_SIZE 2\n0 0 0\n1 1 1\n2 2 2\n": "line 4: more than the 2 lines that LUT_1D_SIZE 2 asks for",
    "LUT_1D_SIZE 2\n0 0\n1 1 1\n": "line 2: 3 numbers are wanted, got '0 0'",
    "LUT_1D_SIZE 2\n0 0 nan\n1 1 1\n": "line 2: 3 numbers are wanted, got '0 0 nan'",
    "LUT_1D_SIZE 2\n0 0 1e40\n1 1 1\n": "line 2: 3 numbers are wanted, got '0 0 1e40'",
    'LUT_1D_SIZE 2\n0 0 0\nTITLE "x"\n1 1 1\n': "line 3: 'TITLE' after the table has begun",
    "TITLE x\nLUT_1D_SIZE 2\n": "line 1: TITLE wants a text in quotation marks, got 'x'",
    "LUT_2D_SIZE 4\n": "line 1: 'LUT_2D_SIZE' is no keyword of a .cube file",
    "DOMAIN_MIN 0 0 0\nDOMAIN_MIN 0 0 0\n": "line 2: DOMAIN_MIN a second time",
    "LUT_1D_SIZE 2\nDOMAIN_MAX 1 1 0\n0 0 0\n1 1 1\n": "DOMAIN_MIN must lie below DOMAIN_MAX, got (0.0, 0.0, 0.0) and (1.0, 1.0, 0.0)",
    "LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 0.99999999 1\n0 0 0\n1 1 1\n": "the domain is less than 1e-05 wide",
    "#" + "x" * 250 + "\n": "line 1 has 251 bytes, 250 are allowed",
    "LUT_1D_SIZE 9" + "9" * 200 + "\n": "line 1: LUT_1D_SIZE must be a whole number from 2 to 65536, got '"
    + "9" * 40
    + "…'",
}


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_a_bad_file_is_told_by_its_line(text):
    with pytest.raises(FormatError, match=f"^x.cube: {re.escape(BAD[text])}$"):
        parse_cube(text.encode(), "x.cube")


@example(b"\xa0")  # a space that is no ASCII
@given(st.binary(max_size=300))
def test_rubbish_raises_nothing_else(data):
    for start in (b"", b"LUT_1D_SIZE 2\n"):
        with contextlib.suppress(FormatError):
            parse_cube(start + data, "x")


def test_what_is_written_is_read_back(tmp_path):
    table = np.random.default_rng(0).normal(size=(3, 3, 3, 3)).astype(np.float32)
    cube = Cube(table, 'a "look"\nof ours', (-0.5, 0.0, 0.0), (1.0, 2.0, 3.0))
    write_cube(tmp_path / "a.cube", cube)
    back = read_cube(tmp_path / "a.cube")
    np.testing.assert_allclose(back.table, table, atol=1e-7)
    assert (back.title, back.domain_min, back.domain_max) == ("a 'look''of ours", cube.domain_min, cube.domain_max)
    assert parse_cube(cube_text(Cube(table[0, 0])).encode(), "x").table.shape == (3, 3)
    with pytest.raises(FormatError, match=r"no\.cube: no such file$"):
        read_cube(tmp_path / "no.cube")
