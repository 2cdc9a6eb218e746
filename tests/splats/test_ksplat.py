import struct

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.splats import files, ksplat, ply
from translight.splats.limits import Limits

REST = {0: 0, 1: 3, 2: 8, 3: 15}


def build(sections, level, *, sh_range=(-1.5, 1.5), count=None):
    """A file by the description: sections of (cloud, bucket size, block size), each splat written number by number.

    Full buckets come first, then two partly filled ones where there are splats left.
    """
    heads, bodies, total = [], [], 0
    for cloud, size, block in sections:
        n, degree = len(cloud), cloud.sh_degree
        full, left = divmod(n, size)
        partial = [left - left // 2, left // 2] if left > 1 else [left] if left else []
        lengths = [size] * full + partial
        ends = np.cumsum(lengths)
        starts = [int(end) - length for end, length in zip(ends, lengths, strict=True)]
        centres = [cloud.means[a:b].mean(axis=0) for a, b in zip(starts, ends, strict=True)]
        body = struct.pack(f"<{len(partial)}I", *partial) + np.array(centres, "<f4").tobytes()
        for i in range(n):
            bucket = next(b for b, end in enumerate(ends) if i < end)
            rgba = [round(float(v * 0.28209479177387814 + 0.5) * 255) for v in cloud.sh[i, 0]]
            rgba.append(round(float(cloud.opacities[i]) * 255))
            bands = [
                cloud.sh[i, a:b, c] for a, b in ((1, 4), (4, 9), (9, 16)) if b <= 1 + REST[degree] for c in range(3)
            ]
            harmonics = np.concatenate(bands) if bands else np.empty(0)
            if level == 0:
                values = (*cloud.means[i], *cloud.scales[i], *cloud.wxyz[i])
                body += struct.pack("<10f4B", *values, *rgba) + harmonics.astype("<f4").tobytes()
                continue
            steps = [round(float(v)) + 32767 for v in (cloud.means[i] - centres[bucket]) / (block / 2 / 32767)]
            body += struct.pack("<3H7e4B", *steps, *cloud.scales[i], *cloud.wxyz[i], *rgba)
            low, high = sh_range
            codes = np.rint((harmonics - low) / (high - low) * 255).astype("u1")
            body += codes.tobytes() if level == 2 else harmonics.astype("<f2").tobytes()
        head = struct.pack("<IIIIfH2xI4xIIH", n, n, size, len(lengths), block, 12, 0, full, len(partial), degree)
        heads.append(head.ljust(1024, b"\0"))
        bodies.append(body)
        total += n
    header = struct.pack(
        "<BB2xIIIIH2x12xff", 0, 1, len(sections), len(sections), total, total if count is None else count, level,
        *sh_range,
    )  # fmt: skip
    return header.ljust(4096, b"\0") + b"".join(heads) + b"".join(bodies)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_level_and_degree(random_cloud, assert_close, level, degree):
    cloud = random_cloud(60, degree)
    found = ksplat.decode(build([(cloud, 16, 20.0)], level))
    means, scales, sh = [(1e-6, 1e-5, 1e-6), (2e-4, 2e-3, 5e-4), (2e-4, 2e-3, 0.006)][level]
    wxyz = 1e-6 if level == 0 else 5e-4
    assert_close(found, cloud, means=means, scales=scales, wxyz=wxyz, opacities=0.002, sh0=0.0071, sh=sh)


def test_sections_of_several_degrees_are_one_cloud(random_cloud):
    first, second = random_cloud(10, 2), random_cloud(7, 1, seed=1)
    data = build([(first, 4, 20.0), (second, 16, 20.0)], 0)
    cloud = ksplat.decode(data)
    assert (len(cloud), cloud.sh_degree) == (17, 2)
    assert np.array_equal(cloud.means, np.concatenate([first.means, second.means]))
    assert np.array_equal(cloud.sh[10:, 1:4], second.sh[:, 1:])
    assert not cloud.sh[10:, 4:].any()
    header = ksplat.read_header(data)
    assert (header.count, header.sh_degree, header.size) == (17, 2, len(data))


def test_the_range_of_harmonics_is_the_headers(random_cloud):
    cloud = random_cloud(20, 1)
    found = ksplat.decode(build([(cloud, 16, 20.0)], 2, sh_range=(-1.0, 3.0)))
    assert np.abs(found.sh[:, 1:] - cloud.sh[:, 1:]).max() <= 4 / 255 / 2 + 1e-6


def test_the_reference_file_is_read(conformance):
    """Four splats that splat-transform describes as a square of side 1 with colours by quadrant."""
    cloud = files.load(conformance("minimal.ksplat"))
    assert np.array_equal(cloud.means, [[-1, 0, -1], [0, 0, -1], [-1, 0, 0], [0, 0, 0]])
    assert np.allclose(cloud.scales, 0.1)
    assert np.allclose(cloud.opacities, 230 / 255)
    found = files.describe(conformance("minimal.ksplat"))
    assert (found.format, found.version, found.splats, found.sh_degree) == ("KSPLAT", "0.1", 4, 0)


@pytest.mark.parametrize("degree", [0, 1])
def test_what_gaussforge_writes_is_read_as_gaussforge_reads_it(random_cloud, forge, raw_of_ply, assert_close, degree):
    """Beyond degree 1 gaussforge puts all reds first, where the format's own program goes band by band."""
    data = forge(ply.encode(random_cloud(300, degree)), "ply", "ksplat")
    assert_close(files.decode("a.ksplat", data), raw_of_ply(forge(data, "ksplat", "ply")), opacities=2e-5)


def test_an_empty_file_is_an_empty_cloud(random_cloud):
    assert len(ksplat.decode(build([(random_cloud(0), 16, 20.0)], 1))) == 0


def patched(at, fmt, value):
    def change(data):
        out = bytearray(data)
        struct.pack_into(fmt, out, at, value)
        return bytes(out)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d[:4000], "KSPLAT: truncated: a header is 4096 bytes, there are 4,000"),
        (patched(1, "B", 2), "KSPLAT: version 0.2; version 0.1 is read"),
        (patched(20, "<H", 3), "KSPLAT: compression level 3; 0, 1 and 2 are read"),
        (patched(4, "<I", 99), "KSPLAT: truncated: 99 section headers end at byte 105,472"),
        (patched(16, "<I", 31), "KSPLAT: its sections hold 30 splats, its header says 31"),
        (patched(16, "<I", 2**32 - 1), "KSPLAT claims 4,294,967,295 splats; the limit is 1,000"),
        (patched(36, "<f", np.nan), "KSPLAT: its range of SH is nan to 1.5"),
        (patched(4096, "<I", 31), "KSPLAT: section 0: 31 splats in room for 30"),
        (patched(4096 + 20, "<H", 16), "KSPLAT: section 0: 16 bytes a bucket; 12 are read"),
        (patched(4096 + 32, "<I", 9), "KSPLAT: section 0: 9 full and 2 partly filled of 3 buckets"),
        (patched(4096 + 16, "<f", np.inf), "KSPLAT: section 0: buckets of size inf"),
        (patched(4096 + 40, "<H", 4), "KSPLAT: section 0: spherical harmonics of degree 4; degrees 0 to 3 are read"),
        (patched(4096 + 8, "<I", 1), "KSPLAT: 30 splats in buckets that hold 15"),
        (lambda d: d + b"\0", "KSPLAT: its sections end at byte 6,424, the file at 6,425"),
        (lambda d: d[:-1], "KSPLAT: its sections end at byte 6,424, the file at 6,423"),
        (patched(5164 + 6, "<e", np.nan), "KSPLAT: 1 splat has a NaN or infinite scale, the first at index 0"),
        (patched(5164 + 6, "<e", -1), "KSPLAT: 1 splats have a negative scale, the first at index 0"),
    ],
)
def test_what_is_broken_is_refused_in_one_line(random_cloud, change, message):
    data = build([(random_cloud(30, 1), 16, 20.0)], 1)
    with pytest.raises(FormatError) as caught:
        ksplat.decode(change(data), Limits(max_splats=1000))
    assert str(caught.value) == message
