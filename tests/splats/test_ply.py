import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.splats import ply
from translight.splats.limits import Limits

NAMES = [
    *("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"),
    *("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
]


def header(count, properties, encoding="binary_little_endian 1.0"):
    lines = ["ply", f"format {encoding}", f"element vertex {count}", *(f"property {p}" for p in properties)]
    return ("\n".join([*lines, "end_header"]) + "\n").encode()


def floats(names=NAMES):
    return [f"float {name}" for name in names]


@settings(max_examples=25, deadline=None)
@given(n=st.integers(0, 40), degree=st.integers(0, 3), seed=st.integers(0, 2**32 - 1), extent=st.floats(1e-3, 1e6))
def test_round_trip_keeps_positions_and_sh_bit_for_bit(random_cloud, n, degree, seed, extent):
    cloud = random_cloud(n, degree, seed, extent)
    back = ply.decode(ply.encode(cloud))
    assert np.array_equal(back.means, cloud.means)
    assert np.array_equal(back.sh, cloud.sh)
    assert np.abs(back.wxyz - cloud.wxyz).max(initial=0) < 3e-7
    assert np.abs(np.log(back.scales / cloud.scales)).max(initial=0) < 2e-6
    assert np.abs(back.opacities - cloud.opacities).max(initial=0) < 5e-7


def test_opacity_0_and_1_and_flat_splats_are_written_as_finite_numbers(random_cloud):
    cloud = random_cloud(2)
    cloud.opacities[:] = [0.0, 1.0]
    cloud.scales[0, 2] = 0.0
    data = ply.encode(cloud)
    assert np.isfinite(np.frombuffer(data[data.index(b"end_header\n") + 11 :], "<f4")).all()
    back = ply.decode(data)
    assert np.abs(back.opacities - [0.0, 1.0]).max() < 1.2e-7
    assert back.scales[0, 2] < 1e-37


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_agrees_with_gsply_both_ways(random_cloud, assert_close, tmp_path, degree):
    gsply = pytest.importorskip("gsply")
    cloud = random_cloud(300, degree, seed=degree)
    path = tmp_path / "ours.ply"
    path.write_bytes(ply.encode(cloud))
    theirs = gsply.plyread(str(path))
    assert np.array_equal(theirs.means, cloud.means)
    assert np.allclose(np.exp(theirs.scales), cloud.scales, rtol=1e-5)
    assert np.allclose(theirs.quats, cloud.wxyz, atol=1e-6)
    assert np.allclose(1 / (1 + np.exp(-theirs.opacities)), cloud.opacities, atol=1e-6)
    assert np.array_equal(theirs.sh0, cloud.sh[:, 0])
    if degree:
        assert np.array_equal(theirs.shN, cloud.sh[:, 1:])
    gsply.plywrite(str(tmp_path / "theirs.ply"), theirs)
    assert_close(ply.decode((tmp_path / "theirs.ply").read_bytes()), cloud)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_gaussforge_reads_what_is_written(random_cloud, forge, raw_of_ply, assert_close, degree):
    cloud = random_cloud(100, degree)
    assert_close(cloud, raw_of_ply(forge(ply.encode(cloud), "ply", "ply")), sh0=1e-5)


def test_any_order_types_and_unknown_properties(random_cloud, assert_close):
    cloud = random_cloud(5)
    kinds = {"x": "double", "rot_2": "float64", "opacity": "float32"}
    names = ["label", *reversed(NAMES), "confidence"]
    types = {"label": "uchar", "confidence": "ushort"}
    dtype = {"double": "<f8", "float64": "<f8", "float32": "<f4", "float": "<f4", "uchar": "u1", "ushort": "<u2"}
    of = {name: types.get(name, kinds.get(name, "float")) for name in names}
    table = np.zeros(5, [(name, dtype[of[name]]) for name in names])
    plain = np.frombuffer(ply.encode(cloud).partition(b"end_header\n")[2], "<f4").reshape(5, -1)
    for i, name in enumerate(["x", "y", "z", "", "", "", *NAMES[3:]]):
        if name:
            table[name] = plain[:, i]
    data = header(5, [f"{of[name]} {name}" for name in names]) + table.tobytes()
    assert_close(ply.decode(data), cloud)


def test_big_endian_comments_carriage_returns_and_a_further_element(random_cloud, assert_close):
    cloud = random_cloud(3)
    plain = np.frombuffer(ply.encode(cloud).partition(b"end_header\n")[2], "<f4").reshape(3, -1)
    wanted = np.delete(plain, [3, 4, 5], axis=1).astype(">f4")
    lines = [
        *("ply", "format binary_big_endian 1.0", "comment Größe", "obj_info made by hand", "element vertex 3"),
        *(f"property float {name}" for name in NAMES),
        *("element camera 2", "property int id", "property uchar used", "end_header"),
    ]
    data = "\r\n".join(lines).encode("latin-1") + b"\r\n" + wanted.tobytes() + bytes(10)
    assert_close(ply.decode(data), cloud)


def test_a_quaternion_of_any_length_is_normalised(random_cloud):
    cloud = random_cloud(2)
    cloud.wxyz[0] *= 1e-6
    cloud.wxyz[1] *= 1e18
    assert np.allclose(np.linalg.norm(ply.decode(ply.encode(cloud)).wxyz, axis=1), 1.0, atol=1e-6)


def test_infinite_logits_are_opacities_0_and_1():
    row = dict.fromkeys(NAMES, 0.0) | {"rot_0": 1.0}
    rows = [[{**row, "opacity": v}[name] for name in NAMES] for v in (-np.inf, np.inf)]
    cloud = ply.decode(header(2, floats()) + np.array(rows, "<f4").tobytes())
    assert cloud.opacities.tolist() == [0.0, 1.0]


ROW = np.zeros((1, len(NAMES)), "<f4")
ROW[0, NAMES.index("rot_0")] = 1.0


def broken(**values):
    rows = np.repeat(ROW, 3, axis=0)
    for name, value in values.items():
        rows[1:, NAMES.index(name)] = value
    return header(3, floats()) + rows.tobytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "PLY: the file does not begin with a line 'ply'"),
        (
            b"ply\nformat ascii 1.0\nend_header\n",
            "PLY: ASCII encoding is not read; write the file as binary_little_endian",
        ),
        (
            b"ply\nformat binary_middle_endian 1.0\nend_header\n",
            "PLY: unknown encoding 'binary_middle_endian 1.0'; binary_little_endian 1.0 is read",
        ),
        (b"ply\nend_header\n", "PLY: the header needs one line 'format binary_little_endian 1.0'"),
        (b"ply\nformat binary_little_endian 1.0\n", "PLY: no 'end_header' within the first 36 bytes"),
        (b"ply\nformat binary_little_endian 1.0\nend_header now\n", "PLY: the line 'end_header' holds more than that"),
        (header(1, ["list uchar int vertex_indices"]), "PLY: list properties are a mesh's; a splat PLY has none"),
        (header(1, ["float x", "float x"]), "PLY: property 'x' of element 'vertex' is declared twice"),
        (header(1, []), "PLY: element 'vertex' has no properties"),
        (header("-1", floats()), "PLY: the header's line 'element vertex -1' is not understood"),
        (header(1, ["quaternion q"]), "PLY: the header's line 'property quaternion q' is not understood"),
        (
            b"ply\nformat binary_little_endian 1.0\nelement face 0\nproperty int a\nend_header\n",
            "PLY: no element 'vertex'; it holds no splats",
        ),
        (
            header(0, ["float x", "float y", "float z"]),
            "PLY: a point cloud or mesh, not splats: it has no property 'f_dc_0'",
        ),
        (
            header(0, floats([*NAMES, "f_rest_0"])),
            "PLY: 1 properties f_rest_*; degrees 0 to 3 have 0, 9, 24 or 45, numbered from 0",
        ),
        (
            header(0, floats([*NAMES, *(f"f_rest_{i}" for i in range(1, 10))])),
            "PLY: 9 properties f_rest_*; degrees 0 to 3 have 0, 9, 24 or 45, numbered from 0",
        ),
        (header(2, floats()) + ROW.tobytes(), "PLY: truncated: the header makes it 469 bytes, there are 413"),
        (
            header(1, floats()) + ROW.tobytes() + b"!",
            "PLY: followed by bytes that are not its own: the header makes it 413 bytes, there are 414",
        ),
        (header(2**31, floats()), "PLY claims 2,147,483,648 splats; the limit is 1,000"),
        (broken(y=np.nan), "PLY: 2 splats have a NaN or infinite position, the first at index 1"),
        (broken(scale_1=100.0), "PLY: 2 splats have a NaN or infinite scale, the first at index 1"),
        (broken(rot_3=np.inf), "PLY: 2 splats have a NaN or infinite rotation, the first at index 1"),
        (broken(opacity=np.nan), "PLY: 2 splats have a NaN or infinite opacity, the first at index 1"),
        (broken(f_dc_2=np.inf), "PLY: 2 splats have a NaN or infinite colour, the first at index 1"),
        (broken(rot_0=0.0), "PLY: 2 splats have a zero rotation quaternion, the first at index 1"),
    ],
)
def test_refusals(data, message):
    with pytest.raises(FormatError, match=re.escape(message) + "$"):
        ply.decode(data, Limits(max_splats=1000))


def test_empty_cloud_is_allowed():
    assert len(ply.decode(header(0, floats()))) == 0
