import gzip
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError, MissingExtra
from translight.splats import ply, spz, spz_packing
from translight.splats.limits import Limits

RUB = np.array([1, -1, -1])


def bounds(bits=12):
    """Half a quantisation step of everything that an SPZ of version 3 or 4 rounds."""
    return {
        "means": 0.5 / (1 << bits) + 1e-6,
        "scales": 1 / 32 + 1e-5,
        "wxyz": 3.1 * 0.5 / 511 / np.sqrt(2),  # the largest, at least 1/2, moves up to three times as the others
        "opacities": 1 / 510 + 1e-6,
        "sh0": 1 / 510 / 0.15 + 1e-6,
        "sh": 1 / 256 + 1e-6,
    }


def versions():
    return [3, pytest.param(4, marks=pytest.mark.skipif(not has_zstandard(), reason="zstandard is not installed"))]


def has_zstandard():
    try:
        import zstandard  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def gzipped(data):
    """Without the time: parameters of tests are the same in every process that collects them."""
    return gzip.compress(data, mtime=0)


def legacy(version=3, n=1, degree=0, bits=12, flags=0, payload=None, tail=b""):
    size = n * ((6 if version == 1 else 9) + 7 + (4 if version >= 3 else 3) + 3 * [0, 3, 8, 15, 24][degree])
    head = struct.pack("<4sIIBBBB", b"NGSP", version, n, degree, bits, flags, 0)
    return head + (bytes(size) if payload is None else payload) + tail


def record(kind, payload):
    return struct.pack("<II", kind, len(payload)) + payload


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@settings(max_examples=15, deadline=None)
@given(n=st.integers(0, 40), seed=st.integers(0, 2**32 - 1), extent=st.floats(0.01, 1e5))
def test_round_trip_within_its_quantisation(random_cloud, assert_close, version, degree, n, seed, extent):
    cloud = random_cloud(n, degree, seed, extent)
    data = spz.encode(cloud, version)
    header = spz.read_header(data)
    assert (header.version, header.count, header.degree) == (version, n, degree)
    back = spz.decode(data)
    assert_close(back, cloud, **bounds(header.fractional_bits))
    assert np.allclose(np.linalg.norm(back.wxyz, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("version", versions())
def test_a_second_trip_changes_nothing(random_cloud, version):
    once = spz.encode(random_cloud(300, 3), version, 12)
    assert spz.encode(spz.decode(once), version, 12) == once


def test_writing_is_deterministic(random_cloud):
    assert spz.encode(random_cloud(50, 1)) == spz.encode(random_cloud(50, 1))


@pytest.mark.parametrize("version", [2, *versions()])
@pytest.mark.parametrize("degree", [0, 3])
def test_gsply_reads_the_same_in_its_own_axes(random_cloud, tmp_path, version, degree):
    """gsply leaves positions, rotations and SH in RUB (and takes version 1's half floats for 24 bits: not compared)."""
    gsply = pytest.importorskip("gsply")
    rng = np.random.default_rng(5)
    if version == 2:
        data = gzipped(legacy(2, 50, degree, payload=rng.bytes(50 * (19 + 45 * (degree > 0)))))
    else:
        data = spz.encode(random_cloud(50, degree), version)
    path = tmp_path / "scene.spz"
    path.write_bytes(data)
    theirs, ours = gsply.read_spz(str(path)), spz.decode(data)
    assert np.allclose(theirs.means * RUB, ours.means, atol=1e-6)
    assert np.allclose(np.exp(theirs.scales), ours.scales, rtol=1e-6)
    norms = np.linalg.norm(theirs.quats, axis=1, keepdims=True)
    assert np.allclose(theirs.quats * [1, 1, -1, -1] / norms, ours.wxyz, atol=1e-5)
    assert np.allclose(1 / (1 + np.exp(-theirs.opacities)), ours.opacities, atol=1e-5)
    assert np.allclose(theirs.sh0, ours.sh[:, 0], atol=1e-6)
    if degree:
        signs = np.array([-1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1])[:, None]
        assert np.allclose(theirs.shN * signs, ours.sh[:, 1:], atol=1e-6)


@pytest.mark.parametrize("spz_version", [2, 3, *versions()[1:]])
def test_agrees_with_gaussforge(random_cloud, forge, assert_close, spz_version):
    """gaussforge 0.6 writes the PLY's numbers without turning the axes, so what comes back is turned once."""
    cloud = random_cloud(200, 3)
    back = spz.decode(forge(ply.encode(cloud), "ply", "spz", spz_version))
    signs = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1])[:, None]
    turned = {
        "means": cloud.means * RUB,
        "scales": cloud.scales,
        "wxyz": cloud.wxyz * [1, 1, -1, -1],
        "opacities": cloud.opacities,
        "sh": cloud.sh * signs,
    }
    # it keeps 5 bits of degree 1 and 4 of the others, as Niantic's own writer does
    loose = bounds() | {"sh": 1 / 16 + 1 / 256} | ({"wxyz": 0.2} if spz_version == 2 else {})
    assert_close(back, turned, **loose)


@pytest.mark.parametrize(
    ("name", "version"),
    [("minimal-raw.spz", 2), ("minimal-v2.spz", 2), ("minimal-v3.spz", 3), ("minimal-v4.spz", 4)],
)
def test_golden_files(conformance, name, version):
    data = conformance(name).read_bytes()
    assert spz.read_header(data).version == version
    if version == 4:
        pytest.importorskip("zstandard")
    cloud = spz.decode(data)
    z = 1 if version == 2 else -1  # the fixtures differ: version 2 holds z = -1 in RUB, the others +1
    assert np.allclose(cloud.means, [[-1, 0, z], [0, 0, z], [-1, 0, 0], [0, 0, 0]], atol=1 / 128)
    assert np.allclose(cloud.scales, 0.1, rtol=0.02)
    assert np.allclose(cloud.opacities, 230 / 255)
    assert np.allclose(np.abs(cloud.wxyz), [1, 0, 0, 0], atol=0.005)
    code = 0x55 if version == 2 else 0x69
    assert np.allclose(cloud.sh[0, 0, 0], (code / 255 - 0.5) / 0.15)


def test_fixed_point_and_half_positions_by_hand():
    positions = bytes([0, 0x10, 0, 0, 0xF0, 0xFF, 1, 0, 0])  # 4096, -4096 and 1 in 24 bits
    cloud = spz.decode(legacy(2, payload=positions + bytes(10)))
    assert cloud.means.tolist() == [[1.0, 1.0, -1 / 4096]]
    halves = np.array([1.5, -2.0, 0.25], "<f2").tobytes()
    assert spz.decode(legacy(1, payload=halves + bytes(10))).means.tolist() == [[1.5, 2.0, -0.25]]


def test_smallest_three_by_hand():
    """Index 3 (w) is largest; a quarter turn about x: x = w = 1/√2, so x is the top of nine bits."""
    word = (3 << 30) | (511 << 20)
    cloud = spz.decode(legacy(3, payload=bytes(16) + word.to_bytes(4, "little")))
    assert np.allclose(cloud.wxyz, [[np.sqrt(0.5), np.sqrt(0.5), 0, 0]], atol=1e-6)
    word = (3 << 30) | ((512 | 511) << 10)  # minus y in RUB is plus y in RDF
    cloud = spz.decode(legacy(3, payload=bytes(16) + word.to_bytes(4, "little")))
    assert np.allclose(cloud.wxyz, [[np.sqrt(0.5), 0, np.sqrt(0.5), 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("system", "flips"),
    [(0, (1, -1, -1)), (4, (1, -1, -1)), (6, (1, 1, 1)), (7, (-1, -1, 1)), (8, (1, -1, 1)), (1, (-1, 1, -1))],
)
def test_adobes_coordinate_system_extension(system, flips):
    """4 is RUB, 6 RDF, 7 LUF, 8 RUF, 1 LDB; 0 says nothing."""
    positions = np.array([[4096, 8192, 12288]], "<i4").view(np.uint8).reshape(3, 4)[:, :3].tobytes()
    tail = record(0xADBE0002, bytes(12)) + record(0xADBE0003, struct.pack("<I", system))
    cloud = spz.decode(gzipped(legacy(2, flags=2, payload=positions + bytes(10), tail=tail)))
    assert cloud.means.tolist() == [[1.0 * flips[0], 2.0 * flips[1], 3.0 * flips[2]]]


@pytest.mark.parametrize(("extent", "bits"), [(0.01, 20), (0.9, 17), (30.0, 12), (2000.0, 12), (5000.0, 10), (8e6, 0)])
def test_fractional_bits_follow_the_clouds_size(random_cloud, extent, bits):
    cloud = random_cloud(200, extent=1.0)
    cloud.means[:] *= np.float32(extent)
    cloud.means[0] = extent
    assert spz_packing.choose_fractional_bits(cloud) == bits
    assert np.abs(spz.decode(spz.encode(cloud)).means - cloud.means).max() <= 0.5 / (1 << bits) + extent * 1e-7


def test_what_no_fraction_can_hold_is_refused(random_cloud):
    cloud = random_cloud(2)
    cloud.means[1, 2] = 1e7
    with pytest.raises(FormatError, match=r"^SPZ: holds positions up to 8,388,607; the farthest is at 10,000,000$"):
        spz.encode(cloud)


def test_values_out_of_range_are_clipped_not_wrapped(random_cloud):
    cloud = random_cloud(1, 1)
    cloud.sh[0, 0], cloud.sh[0, 1:], cloud.scales[:] = [9.0, -9.0, 0.0], 5.0, 1e-9
    cloud.means[:] = 3000.0
    back = spz.decode(spz.encode(cloud, fractional_bits=12))
    assert np.allclose(back.sh[0, 0, :2], [1 / 0.3, -1 / 0.3], atol=1e-3)
    assert np.abs(back.sh[0, 1:]).min() > 0.99
    assert np.allclose(back.scales, np.exp(-10))
    assert np.allclose(np.abs(back.means), 2048, atol=1e-3)


@pytest.mark.parametrize(("version", "bits"), [(2, 12), (5, 12), (3, -1), (3, 25)])
def test_encode_refuses_other_versions_and_fractions(random_cloud, version, bits):
    with pytest.raises(ValueError, match=r"SPZ is written in version 3 or 4|fractional_bits is 0 to 24"):
        spz.encode(random_cloud(1), version, bits)


PACKED = gzipped(legacy(n=100))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "SPZ: it does not begin with an SPZ header"),
        (b"NGSP\x03\x00\x00\x00", "SPZ: it does not begin with an SPZ header"),
        (
            b"\x1f\x8b garbage",
            "SPZ: broken gzip stream (Error -3 while decompressing data: unknown compression method)",
        ),
        (gzipped(b"PSGN" + bytes(30)), "SPZ: it does not begin with an SPZ header"),
        (legacy(5), "SPZ: version 5; versions 1 to 4 are read"),
        (legacy(0), "SPZ: version 0; versions 1 to 4 are read"),
        (legacy(degree=4), "SPZ: spherical harmonics of degree 4; degrees 0 to 3 are read"),
        (legacy(bits=25), "SPZ: 25 fractional bits; 24 at most make sense of 24"),
        (legacy(flags=0x84), "SPZ: flags 0x84; only 1 (antialiased) and 2 (extensions) are known"),
        (legacy()[:-1], "SPZ: truncated: 1 splats are 36 bytes, there are 35"),
        (legacy() + b"!", "SPZ: 1 bytes follow its 1 splats"),
        (gzipped(legacy()[:-1]), "SPZ: truncated: 1 splats are 36 bytes, there are 35"),
        (gzipped(legacy() + b"!"), "SPZ: unpacks to more than the 36 bytes that its header makes it"),
        (PACKED[:-1], "SPZ: truncated gzip stream"),
        (
            PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
            "SPZ: broken gzip stream (Error -3 while decompressing data: incorrect data check)",
        ),
        (PACKED + PACKED, f"SPZ: {len(PACKED)} bytes follow the gzip stream"),
        (legacy(n=2**31, payload=b""), "SPZ claims 2,147,483,648 splats; the limit is 1,000,000"),
        (gzipped(legacy(n=900_000, payload=b"")), "bytes of gzip cannot hold the 900,000 splats it claims"),
        (gzipped(legacy(4)), "SPZ: version 4 is not gzipped"),
        (legacy(flags=2, tail=b"12"), "SPZ: truncated extension record"),
        (legacy(flags=2, tail=record(1, b"1234")[:-1]), "SPZ: truncated extension record"),
        (
            legacy(flags=2, tail=record(0xADBE0003, b"\x09\0\0\0")),
            "SPZ: coordinate system 9; 1 to 8 (left/right, down/up, back/front) are read",
        ),
        (
            legacy(1, payload=b"\0\x7c" * 3 + bytes(10)),
            "SPZ: 1 splat has a NaN or infinite position, the first at index 0",
        ),
    ],
)
def test_refusals(data, message):
    with pytest.raises(FormatError, match=re.escape(message) + "$"):
        spz.decode(data, Limits(max_splats=1_000_000))


def test_gzip_bomb_is_cut_short():
    bomb = legacy(n=1000) + bytes(200 << 20)
    packed = gzipped(bomb)
    assert len(packed) < 300_000
    with pytest.raises(FormatError, match="unpacks to more than the 20,016 bytes"):
        spz.decode(packed)


def ngsp(n=1, degree=0, flags=0, streams=5, toc=32, entries=(), body=b"", bits=12):
    head = struct.pack("<4sIIBBBBI12x", b"NGSP", 4, n, degree, bits, flags, streams, toc)
    return head + b"".join(struct.pack("<QQ", *entry) for entry in entries) + body


HONEST = [(20, 9), (20, 1), (20, 3), (20, 3), (20, 4)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ngsp()[:31], "SPZ: truncated: version 4 has a header of 32 bytes"),
        (ngsp(toc=16, entries=HONEST), "SPZ: the table of contents lies outside the file"),
        (ngsp(toc=1 << 31), "SPZ: the table of contents lies outside the file"),
        (ngsp(streams=6, entries=HONEST, body=bytes(100)), "SPZ: 6 streams; degree 0 has 5"),
        (ngsp(degree=1, entries=HONEST, body=bytes(100)), "SPZ: 5 streams; degree 1 has 6"),
        (
            ngsp(entries=HONEST, body=bytes(99)),
            "SPZ: truncated, or its streams' lengths do not add up to the file's 211 bytes",
        ),
        (ngsp(entries=[(20, 10), *HONEST[1:]], body=bytes(100)), "SPZ: positions unpack to 10 bytes; 1 splats need 9"),
        (
            ngsp(entries=[(2**63, 9), *HONEST[1:]], body=bytes(100)),
            "SPZ: truncated, or its streams' lengths do not add up to the file's 212 bytes",
        ),
        (
            ngsp(n=10**6, entries=[(s, u * 10**6) for s, u in HONEST], body=bytes(100)),
            "SPZ: 20 bytes of positions cannot hold the 1,000,000 splats it claims",
        ),
        (
            ngsp(n=4 * 10**6, entries=[(s * 1000, u * 4 * 10**6) for s, u in HONEST], body=bytes(100_000)),
            "SPZ: positions: 20,000 bytes cannot hold the 36,000,000 bytes that are claimed",
        ),
        (ngsp(toc=36, entries=[], body=b"1234" + bytes(180)), "SPZ: 4 bytes between header and table of contents"),
        (ngsp(n=2**32 - 1), "SPZ claims 4,294,967,295 splats; the limit is 50,000,000"),
    ],
)
def test_refusals_of_version_4_before_anything_is_unpacked(data, message):
    with pytest.raises(FormatError, match=re.escape(message) + "$"):
        spz.decode(data)


def test_version_4_streams_that_lie_are_refused(random_cloud):
    zstandard = pytest.importorskip("zstandard")
    compress = zstandard.ZstdCompressor(write_content_size=True).compress
    for plain, message in [
        (bytes(10), "SPZ: the frame of positions claims 10 bytes; 9 are needed"),
        (bytes(8), "SPZ: the frame of positions claims 8 bytes; 9 are needed"),
    ]:
        frames = [compress(plain), *(compress(bytes(size)) for size in (1, 3, 3, 4))]
        entries = [(len(frame), size) for frame, size in zip(frames, (9, 1, 3, 3, 4), strict=True)]
        with pytest.raises(FormatError, match=re.escape(message) + "$"):
            spz.decode(ngsp(entries=entries, body=b"".join(frames)))
    unsized = zstandard.ZstdCompressor(write_content_size=False)
    frames = [unsized.compress(bytes(10_000)), *(compress(bytes(size)) for size in (1, 3, 3, 4))]
    entries = [(len(frame), size) for frame, size in zip(frames, (9, 1, 3, 3, 4), strict=True)]
    with pytest.raises(FormatError, match="broken Zstandard stream of positions"):
        spz.decode(ngsp(entries=entries, body=b"".join(frames)))
    whole = spz.encode(random_cloud(20), 4)
    for cut in (whole[:-1], whole + b"!"):
        with pytest.raises(FormatError, match="lengths do not add up"):
            spz.decode(cut)


def test_version_4_extensions_are_read_before_the_table_of_contents(random_cloud):
    pytest.importorskip("zstandard")
    plain = spz.encode(random_cloud(3), 4, 12)
    tail = record(0xADBE0003, struct.pack("<I", 6))
    head = bytearray(plain[:32])
    head[14], head[16] = 2, 32 + len(tail)
    there = spz.decode(bytes(head) + tail + plain[32:])
    assert np.array_equal(there.means, spz.decode(plain).means * RUB.astype(np.float32))


def test_version_4_without_zstandard_says_what_to_install(conformance):
    if has_zstandard():
        pytest.skip("zstandard is installed")
    with pytest.raises(MissingExtra, match=r"^zstandard, which SPZ version 4 needs, is not installed: pip install"):
        spz.decode(conformance("minimal-v4.spz").read_bytes())


def test_empty_cloud_is_allowed():
    assert len(spz.decode(gzipped(legacy(n=0)))) == 0
