import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.reconstruction.points_ply import read_points
from translight.splats.limits import Limits

XYZ = "property float x\nproperty float y\nproperty float z\n"
RGB = "property uchar red\nproperty uchar green\nproperty uchar blue\n"


def header(encoding, count, properties):
    return f"ply\nformat {encoding} 1.0\ncomment x\nelement vertex {count}\n{properties}end_header\n".encode()


@pytest.mark.parametrize(("encoding", "order"), [("binary_little_endian", "<"), ("binary_big_endian", ">")])
def test_binary_points(tmp_path, encoding, order):
    rows = struct.pack(f"{order}3f3B3f3B", 1, 2, 3, 255, 0, 9, -1, 0.5, 4, 1, 2, 3)
    (tmp_path / "p.ply").write_bytes(header(encoding, 2, XYZ + RGB) + rows)
    points = read_points(tmp_path / "p.ply")
    assert points.xyz.tolist() == [[1, 2, 3], [-1, 0.5, 4]]
    assert points.rgb.tolist() == [[255, 0, 9], [1, 2, 3]]


def test_text_points_with_floats_for_colours_and_with_none(tmp_path):
    file = tmp_path / "p.ply"
    file.write_bytes(header("ascii", 2, XYZ + RGB.replace("uchar", "float")) + b"1 2 3 1 0 0.5\n4 5 6e1 2 -1 nan\n")
    assert read_points(file).rgb.tolist() == [[255, 0, 128], [255, 0, 0]]
    assert read_points(file).xyz.tolist() == [[1, 2, 3], [4, 5, 60]]
    file.write_bytes(header("ascii", 1, XYZ) + b"1 2 3")
    assert read_points(file).rgb.tolist() == [[128, 128, 128]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no ply", "PLY: the file does not begin with a line 'ply'"),
        (header("ascii", 0, XYZ), "no points"),
        (header("ascii", 1, "property float x\n") + b"1\n", "its points have no y"),
        (header("ascii", 1, XYZ) + b"1 2 nan\n", "points at positions that are not finite"),
        (header("ascii", 2, XYZ) + b"1 2 3\n4 5\n", "PLY: point 1 has 2 values, the header says 3"),
        (header("ascii", 2, XYZ) + b"1 2 3\n", "PLY: truncated: 2 points are claimed, 1 are there"),
        (header("ascii", 1, XYZ) + b"1 2 x\n", "PLY: could not convert string to float: b'x'"),
        (header("binary_little_endian", 1, XYZ) + bytes(11), "PLY: truncated: 1 points need 137 bytes, got 136"),
        (header("ascii", 99, XYZ), "PLY: claims 99 points; the limit is 50"),
    ],
)
def test_bad_files(tmp_path, data, words):
    (tmp_path / "p.ply").write_bytes(data)
    with pytest.raises(FormatError) as caught:
        read_points(tmp_path / "p.ply", Limits(max_splats=50))
    assert str(caught.value).startswith(f"{tmp_path / 'p.ply'}: {words}")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_raises_nothing_but_format_errors(tmp_path, data):
    whole = bytearray(header("ascii", 3, XYZ + RGB) + b"1 2 3 4 5 6\n" * 3)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[at] = data.draw(st.integers(0, 255))
    (tmp_path / "p.ply").write_bytes(whole)
    try:
        assert np.isfinite(read_points(tmp_path / "p.ply").xyz).all()
    except FormatError as error:
        assert "\n" not in str(error)  # noqa: PT017 - much damage is harmless
