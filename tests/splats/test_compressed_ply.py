import re
from dataclasses import fields

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.splats import compressed_ply, files, ply
from translight.splats.cloud import SplatCloud
from translight.splats.limits import Limits

POSITION = [f"{end}_{axis}" for end in ("min", "max") for axis in "xyz"]
SCALE = [f"{end}_scale_{axis}" for end in ("min", "max") for axis in "xyz"]
COLOUR = [f"{end}_{channel}" for end in ("min", "max") for channel in "rgb"]
PACKED = ["packed_position", "packed_rotation", "packed_scale", "packed_color"]


def build(n=1, chunks=1, columns=(*POSITION, *SCALE), sh_columns=0, sh_rows=None, bounds=None, words=None):
    lines = ["ply", "format binary_little_endian 1.0", f"element chunk {chunks}"]
    lines += [f"property float {name}" for name in columns]
    lines += [f"element vertex {n}", *(f"property uint {name}" for name in PACKED)]
    if sh_columns:
        lines += [f"element sh {n if sh_rows is None else sh_rows}"]
        lines += [f"property uchar f_rest_{i}" for i in range(sh_columns)]
    bounds = np.zeros((chunks, len(columns)), "<f4") if bounds is None else np.asarray(bounds, "<f4")
    words = np.zeros((n, 4), "<u4") if words is None else np.asarray(words, "<u4")
    sh = bytes(sh_columns * (n if sh_rows is None else sh_rows))
    return "\n".join([*lines, "end_header", ""]).encode() + bounds.tobytes() + words.tobytes() + sh


def test_fields_by_hand():
    """Position at the bounds' ends, rotation a quarter turn about z, colour and opacity bytes, no colour bounds."""
    half = round((np.sqrt(0.5) * np.sqrt(0.5) + 0.5) * 1023)  # 1/√2 in ten bits of ±1/√2 is the top
    words = [
        (0x7FF << 21) | (0 << 11) | 0x7FF,
        (0 << 30) | (511 << 20) | (511 << 10) | half,
        0,
        (255 << 24) | (0 << 16) | (51 << 8) | 102,
    ]
    data = build(bounds=[[-1, -2, -3, 1, 2, 3, -4, -5, -6, 0, 0, 0]], words=[words])
    cloud = compressed_ply.decode(data)
    assert np.allclose(cloud.means, [[1, -2, 3]])
    assert np.allclose(np.log(cloud.scales), [[-4, -5, -6]])
    assert np.allclose(cloud.wxyz, [[np.sqrt(0.5), 0, 0, np.sqrt(0.5)]], atol=2e-3)
    assert np.allclose(cloud.sh[0, 0] * 0.28209479 + 0.5, [1.0, 0.0, 0.2], atol=1e-6)
    assert np.allclose(cloud.opacities, 0.4)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_what_gaussforge_packs_is_read_as_gaussforge_reads_it(random_cloud, forge, raw_of_ply, assert_close, degree):
    packed = forge(ply.encode(random_cloud(700, degree)), "ply", "compressed.ply")
    cloud = files.decode("scene.ply", packed)
    assert cloud.sh_degree == degree
    # it keeps opacities within 0.001 and 0.999
    assert_close(cloud, raw_of_ply(forge(packed, "compressed.ply", "ply")), opacities=1.01e-3)


@pytest.mark.slow
@pytest.mark.parametrize("degree", [0, 3])
def test_what_gsply_packs_is_the_cloud_and_is_read_as_gsply_reads_it(random_cloud, assert_close, tmp_path, degree):
    """A chunk's bounds are no wider than the cloud's: 6 units and 9 of log scale, in 1023 steps or more.

    Rotations have ten bits for √2, SH 8 bits for 8 units, colours 8 bits for at most 0.6 around the middle.
    """
    gsply = pytest.importorskip("gsply")
    path = tmp_path / "plain.ply"
    original = random_cloud(600, degree)
    path.write_bytes(ply.encode(original))
    gsply.plywrite(str(tmp_path / "packed.ply"), gsply.plyread(str(path)), compressed=True)
    packed = next(tmp_path.glob("packed*"))
    cloud, theirs = files.load(packed), gsply.plyread(str(packed))
    assert cloud.sh_degree == degree
    assert np.allclose(theirs.means, cloud.means, atol=1e-5)
    assert np.allclose(np.exp(theirs.scales), cloud.scales, rtol=1e-4)
    assert np.allclose(theirs.quats, cloud.wxyz, atol=1e-5)
    assert np.allclose(theirs.sh0, cloud.sh[:, 0], atol=1e-5)
    assert np.allclose(1 / (1 + np.exp(-theirs.opacities)), cloud.opacities, atol=1e-3)
    if degree:
        assert np.allclose(theirs.shN, cloud.sh[:, 1:], atol=1e-6)
    order = [int(np.abs(cloud.means - mean).sum(axis=1).argmin()) for mean in original.means]
    assert sorted(order) == list(range(600))
    back = SplatCloud(*(np.ascontiguousarray(getattr(cloud, field.name)[order]) for field in fields(SplatCloud)))
    bounds = {"means": 3 / 1023, "scales": 4.5 / 1023, "wxyz": 4e-3, "opacities": 1 / 255, "sh0": 0.01, "sh": 8 / 255}
    assert_close(back, original, **bounds)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (build(n=257, chunks=1), "257 splats need 2 chunks, the header has 1"),
        (build(n=1, chunks=2), "1 splats need 1 chunks, the header has 2"),
        (build(columns=POSITION), "element 'chunk' needs a property float min_scale_x"),
        (build(columns=(*POSITION, *SCALE, *COLOUR[:-1])), "element 'chunk' needs a property float max_b"),
        (build(sh_columns=10), "element sh is 10 x 1; 9, 24 or 45 columns for each of 1 splats are needed"),
        (build(sh_columns=9, sh_rows=2), "element sh is 9 x 2; 9, 24 or 45 columns for each of 1 splats are needed"),
        (build()[:-1], "truncated: the header makes it 546 bytes, there are 545"),
        (build(n=300, chunks=2), "compressed PLY claims 300 splats; the limit is 256"),
        (build(bounds=[[np.nan] * 12]), "1 splat has a NaN or infinite position, the first at index 0"),
        (build(bounds=[[0] * 6 + [200] * 6]), "1 splat has a NaN or infinite scale, the first at index 0"),
        (
            build().replace(b"uint packed_scale", b"int packed_scale"),
            "element 'vertex' needs a property uint packed_scale",
        ),
    ],
)
def test_refusals(data, message):
    with pytest.raises(FormatError, match=re.escape(message) + "$"):
        compressed_ply.decode(data, Limits(max_splats=256) if "limit" in message else Limits())


def test_empty_cloud_is_allowed():
    assert len(compressed_ply.decode(build(n=0, chunks=0))) == 0
