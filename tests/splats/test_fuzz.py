"""Whatever bytes come, a decoder gives a cloud or a FormatError, in bounded memory and time (pytest's timeout)."""

import gzip
import io
import json
import random
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests.splats.test_ksplat import build as build_ksplat

from translight.core.errors import FormatError, MissingExtra
from translight.splats import files, glb, gltf, ply, splat, spz
from translight.splats.cloud import SplatCloud
from translight.splats.limits import Limits

pytestmark = pytest.mark.timeout(120)

ROUNDS = 250
LIMITS = Limits(max_splats=20_000, max_bytes=4 << 20)
# the arrays of 20,000 splats of degree 3 (5 MB), the packed data, and what turns one into the other
MOST_MEMORY = 48 << 20
TELLING = [0, 1, 2, 127, 128, 255, 256, 0xFFFF, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]


def sog_files(n=40):
    rng = np.random.default_rng(0)

    def webp(shape, alpha=None, labels=False):
        pixels = rng.integers(64, 192, shape, np.uint8)
        if alpha is not None:
            pixels[..., 3] = alpha
        if labels:
            pixels[..., 1] = 0
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "WEBP", lossless=True, exact=True)
        return out.getvalue()

    meta = {
        "version": 2,
        "count": n,
        "means": {"mins": [-1, -1, -1], "maxs": [1, 1, 1], "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": np.linspace(-8, 0, 256).tolist(), "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": np.linspace(-1, 1, 256).tolist(), "files": ["sh0.webp"]},
        "shN": {
            "count": 192,
            "bands": 1,
            "codebook": np.linspace(-1, 1, 256).tolist(),
            "files": ["shN_centroids.webp", "shN_labels.webp"],
        },
    }
    shape = (8, 8, 4)
    return {
        "meta.json": json.dumps(meta).encode(),
        "means_l.webp": webp(shape),
        "means_u.webp": webp(shape),
        "scales.webp": webp(shape),
        "quats.webp": webp(shape, 253),
        "sh0.webp": webp(shape),
        "shN_centroids.webp": webp((3, 192, 3)),
        "shN_labels.webp": webp(shape, labels=True),
    }


def sog_zip(contents):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return out.getvalue()


def ksplat_file(cloud):
    return build_ksplat([(cloud, 64, 20.0)], 2)


@pytest.fixture(scope="module")
def seeds(random_cloud, forge):
    """A small valid file of each format: name to bytes."""
    cloud = random_cloud(300, 1)
    found = {
        "a.ply": ply.encode(cloud),
        "b.compressed.ply": forge(ply.encode(cloud), "ply", "compressed.ply"),
        "c.splat": splat.encode(cloud),
        "d.spz": spz.encode(cloud, 3),
        "e.spz": gzip.decompress(spz.encode(cloud, 3)),
        "g.sog": sog_zip(sog_files()),
        "h.ksplat": ksplat_file(cloud),
        "i.glb": gltf.encode(cloud),
        "j.gltf": gltf.encode(random_cloud(20, 1), binary=False),
    }
    try:
        found["f.spz"] = spz.encode(cloud, 4)
    except MissingExtra:
        found["f.spz"] = gzip.decompress(spz.encode(cloud, 3)).replace(b"NGSP\x03", b"NGSP\x04", 1)
    return found


def mutate(data, rng, other):
    """One to four edits: bit flips, telling numbers, cuts, insertions, repeats, a piece of another file."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        # headers decide most: half of all edits are in the first 256 bytes
        at = rng.randrange(min(len(out), 256) if rng.random() < 0.5 else len(out)) if out else 0
        match rng.randrange(8):
            case 0 | 1 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                out[at : at + 4] = struct.pack("<I", rng.choice(TELLING))
            case 3:
                del out[at:]
            case 4:
                del out[at : at + rng.randint(1, 64)]
            case 5:
                out[at:at] = rng.randbytes(rng.randint(1, 64))
            case 6:
                out[at:at] = out[at : at + rng.randint(1, 512)]
            case 7:
                start = rng.randrange(len(other))
                out[at : at + 64] = other[start : start + 64]
    return bytes(out)


def digits(data, rng):
    """Change numbers that are written in text, as PLY headers and JSON have them."""
    text = bytearray(data)
    places = [i for i in range(min(len(text), 4096)) if chr(text[i]).isdigit()]
    for at in rng.sample(places, min(len(places), 2)):
        text[at : at + 1] = rng.choice([b"-1", b"0", b"9" * 19, b"1e999", b"2147483648", b"", b"NaN", b"1.5", b"7"])
    return bytes(text)


def feed(name, data, limits=LIMITS):
    """Decode, and require a true cloud or the one error; True when it was a cloud."""
    try:
        cloud = files.decode(name, data, limits)
    except (FormatError, MissingExtra) as error:
        text = str(error)
    else:
        text = None
    if text is not None:
        assert "\n" not in text
        assert len(text) < 300
        return False
    assert isinstance(cloud, SplatCloud)
    assert len(cloud) <= limits.max_splats
    for array in (cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, cloud.sh):
        assert np.isfinite(array).all()
    assert np.allclose(np.linalg.norm(cloud.wxyz, axis=1), 1, atol=1e-5)
    assert (cloud.scales >= 0).all()
    assert ((cloud.opacities >= 0) & (cloud.opacities <= 1)).all()
    return True


@pytest.fixture
def bounded_memory():
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_MEMORY, f"{peak:,} bytes at the peak"


NAMES = ["a.ply", "b.compressed.ply", "c.splat", "d.spz", "e.spz", "f.spz", "g.sog", "h.ksplat", "i.glb", "j.gltf"]


@pytest.mark.parametrize("name", NAMES)
def test_the_seeds_are_good(seeds, name):
    if name == "f.spz":
        pytest.importorskip("zstandard")
    assert feed(name, seeds[name])


@pytest.mark.parametrize("name", NAMES)
def test_mutated_files(seeds, bounded_memory, name):
    rng = random.Random(name)
    data, others = seeds[name], list(seeds.values())
    clouds = sum(feed(name, mutate(data, rng, rng.choice(others))) for _ in range(ROUNDS))
    assert clouds < ROUNDS


@pytest.mark.parametrize("name", ["a.ply", "b.compressed.ply", "i.glb", "j.gltf"])
def test_mutated_numbers_in_headers(seeds, bounded_memory, name):
    rng = random.Random(name)
    for _ in range(ROUNDS):
        feed(name, digits(seeds[name], rng))


@pytest.mark.parametrize("name", NAMES)
def test_random_bytes(bounded_memory, name):
    rng = random.Random(name)
    magic = {"a.ply": b"ply\n", "d.spz": b"\x1f\x8b", "e.spz": b"NGSP", "f.spz": b"NGSP\x04\0\0\0", "g.sog": b"PK\3\4"}
    magic |= {"h.ksplat": b"\0\1" + bytes(4094), "i.glb": b"glTF\2\0\0\0", "j.gltf": b'{"asset": {"version": "2.0"}, '}
    for _ in range(ROUNDS):
        data = rng.randbytes(rng.randint(0, 2000))
        feed(name, data)
        feed(name, magic.get(name, b"") + data)


def test_mutated_contents_under_good_gzip(seeds, bounded_memory):
    rng = random.Random(1)
    for _ in range(ROUNDS):
        feed("d.spz", gzip.compress(mutate(seeds["e.spz"], rng, seeds["a.ply"]), 1))


@pytest.mark.parametrize("name", list(sog_files()))
def test_mutated_files_of_a_good_sog(bounded_memory, name):
    rng = random.Random(name)
    contents = sog_files()
    for i in range(ROUNDS // 4):
        change = digits if name == "meta.json" and i % 2 else lambda d, r: mutate(d, r, contents["quats.webp"])
        feed("g.sog", sog_zip(contents | {name: change(contents[name], rng)}))


def test_mutated_json_of_a_good_glb(seeds, bounded_memory):
    """One value of the tree replaced by another of any kind, or by a telling number."""
    rng = random.Random(2)
    document = glb.parse(seeds["i.glb"])
    text, binary = json.dumps(document.json), bytes(document.buffers[0])
    for _ in range(ROUNDS):
        values = json.loads(text)
        for _ in range(rng.randint(1, 3)):
            place = values
            while True:
                keys = list(place) if isinstance(place, dict) else list(range(len(place)))
                if not keys:
                    break
                key = rng.choice(keys)
                if isinstance(place[key], dict | list) and place[key] and rng.random() < 0.85:
                    place = place[key]
                    continue
                place[key] = rng.choice([*TELLING, -1, 1e300, 0.5, None, True, "x", "VEC3", [], {}, [0], [[1]]])
                break
        feed("i.glb", glb.write_glb(values, binary))


def lies(count):
    """Files of at most 1 KB that claim ``count`` splats."""
    names = [*("x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2")]
    names += [f"rot_{i}" for i in range(4)]
    head = "ply\nformat binary_little_endian 1.0\n"
    plain = head + f"element vertex {count}\n" + "".join(f"property float {n}\n" for n in names) + "end_header\n"
    packed = (
        head
        + f"element chunk {-(-count // 256)}\n"
        + "".join(f"property float {end}_{what}\n" for end in ("min", "max") for what in ("x", "y", "z"))
    )
    packed += "".join(f"property float {end}_scale_{axis}\n" for end in ("min", "max") for axis in "xyz")
    packed += f"element vertex {count}\n"
    packed += (
        "".join(f"property uint packed_{n}\n" for n in ("position", "rotation", "scale", "color")) + "end_header\n"
    )
    legacy = struct.pack("<4sIIBBBB", b"NGSP", 3, min(count, 2**32 - 1), 3, 12, 0, 0)
    n = min(count, 2**32 - 1)
    v4 = struct.pack("<4sIIBBBBI12x", b"NGSP", 4, n, 0, 12, 0, 5, 32)
    v4 += b"".join(struct.pack("<QQ", 40, n * size) for size in (9, 1, 3, 3, 4)) + bytes(200)
    contents = sog_files()
    meta = json.loads(contents["meta.json"]) | {"count": count}
    del meta["shN"]
    small = {name: data for name, data in contents.items() if not name.startswith("shN")}
    return {
        "a.ply": plain.encode() + bytes(300),
        "b.compressed.ply": packed.encode() + bytes(100),
        "d.spz": gzip.compress(legacy + bytes(100)),
        "e.spz": legacy + bytes(100),
        "f.spz": v4,
        "g.sog": sog_zip(small | {"meta.json": json.dumps(meta).encode()}),
        "h.ksplat": ksplat_lie(n),
        "i.glb": glb_lie(count),
    }


def ksplat_lie(count):
    header = struct.pack("<BB2xIIIIH", 0, 1, 1, 1, count, count, 1).ljust(4096, b"\0")
    return header + struct.pack("<IIIIfH2xI4xIIH", count, count, 256, 1, 5.0, 12, 0, 1, 0, 3).ljust(1024, b"\0")


def glb_lie(count):
    names = ["POSITION", "KHR_gaussian_splatting:ROTATION", "KHR_gaussian_splatting:SCALE"]
    names += ["KHR_gaussian_splatting:OPACITY", "KHR_gaussian_splatting:SH_DEGREE_0_COEF_0"]
    primitive = {
        "mode": 0,
        "attributes": dict.fromkeys(names, 0),
        "extensions": {"KHR_gaussian_splatting": {}},
    }
    values = {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "accessors": [{"componentType": 5126, "type": "VEC3", "count": count, "bufferView": 0}],
        "bufferViews": [{"buffer": 0, "byteLength": 12 * count}],
        "buffers": [{"byteLength": 24}],
    }
    return glb.write_glb(values, bytes(24))


@pytest.mark.parametrize("count", [10**6, 49_999_999, 2**31, 2**32 - 1, 10**18])
def test_lying_counts_allocate_nothing(count):
    for name, data in lies(count).items():
        assert len(data) < (1024 if name not in ("g.sog", "h.ksplat") else 12_000)
        tracemalloc.start()
        assert not feed(name, data, Limits())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 << 20, f"{name}: {peak:,} bytes"


@pytest.mark.parametrize("rounds", [3, pytest.param(16, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@pytest.mark.parametrize("suffix", [".usdc", *(pytest.param(s, marks=pytest.mark.slow) for s in (".usda", ".usdz"))])
def test_mutated_usd_in_a_process_of_its_own(random_cloud, tmp_path, suffix, rounds):
    """Few by default: each starts a process. OpenUSD may crash on them; this program says so and goes on."""
    pytest.importorskip("pxr", reason="usd-core is not installed")
    files.save(tmp_path / f"a{suffix}", random_cloud(10, 1))
    data, rng = (tmp_path / f"a{suffix}").read_bytes(), random.Random(suffix)
    for _ in range(rounds):
        feed(f"a{suffix}", mutate(data, rng, data))
