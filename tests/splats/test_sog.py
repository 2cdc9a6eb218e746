import io
import json
import re
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from translight.core.errors import FormatError
from translight.splats import files, ply, raw, sog, sog_zip
from translight.splats.limits import Limits

N = 90
WIDTH = 12


def webp(pixels, **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", **({"lossless": True, "exact": True} | options))
    return out.getvalue()


def build(n=N, bands=2, seed=0):
    """A scene's files by name, and the cloud's arrays as its numbers say by the format's description."""
    rng = np.random.default_rng(seed)
    height = -(-max(n, 1) // WIDTH)
    codes = {name: rng.integers(0, 256, (height, WIDTH, 4), np.uint8) for name in ("low", "high", "scales", "sh0")}
    quats = rng.integers(64, 192, (height, WIDTH, 4), np.uint8)
    quats[..., 3] = rng.integers(252, 256, (height, WIDTH))
    k = {0: 0, 1: 3, 2: 8, 3: 15}[bands]
    palette = rng.integers(0, 256, (3, 64 * k, 3), np.uint8) if k else None
    labels = np.zeros((height, WIDTH, 4), np.uint8)
    labels[..., 0] = rng.integers(0, 130, (height, WIDTH))
    labels[..., 3] = 255
    books = {name: np.sort(rng.normal(size=256)) for name in ("scales", "sh0", "shN")}
    mins, maxs = np.array([-1.5, -0.5, 0.1]), np.array([1.0, 2.0, 0.1])
    meta = {
        "version": 2,
        "asset": {"generator": "test"},
        "count": n,
        "means": {"mins": mins.tolist(), "maxs": maxs.tolist(), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": books["scales"].tolist(), "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": books["sh0"].tolist(), "files": ["sh0.webp"]},
    }
    out = {
        "means_l.webp": webp(codes["low"]),
        "means_u.webp": webp(codes["high"]),
        "scales.webp": webp(codes["scales"]),
        "quats.webp": webp(quats),
        "sh0.webp": webp(codes["sh0"]),
    }
    flat = {name: array.reshape(-1, 4)[:n].astype(np.int64) for name, array in codes.items()}
    logs = mins + (maxs - mins) * (flat["low"][:, :3] + 256 * flat["high"][:, :3]) / 65535
    sh = np.zeros((n, 1 + k, 3))
    sh[:, 0] = books["sh0"][flat["sh0"][:, :3]]
    if k:
        meta["shN"] = {
            "count": 130,
            "bands": bands,
            "codebook": books["shN"].tolist(),
            "files": ["shN_centroids.webp", "shN_labels.webp"],
        }
        out |= {"shN_centroids.webp": webp(palette), "shN_labels.webp": webp(labels)}
        for i, label in enumerate(labels.reshape(-1, 4)[:n, 0].tolist()):
            for j in range(k):
                sh[i, 1 + j] = books["shN"][palette[label // 64, (label % 64) * k + j]]
    wxyz = np.empty((n, 4))
    for i, (a, b, c, tag) in enumerate(quats.reshape(-1, 4)[:n]):
        small = [(v / 255 - 0.5) * np.sqrt(2) for v in (int(a), int(b), int(c))]
        small.insert(int(tag) - 252, np.sqrt(1 - sum(v * v for v in small)))
        wxyz[i] = small
    values = {
        "means": np.sign(logs) * (np.exp(np.abs(logs)) - 1),
        "scales": np.exp(books["scales"][flat["scales"][:, :3]]),
        "wxyz": wxyz,
        "opacities": flat["sh0"][:, 3] / 255,
        "sh": sh,
    }
    return {"meta.json": json.dumps(meta).encode()} | out, values


def pack(contents, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return out.getvalue()


def decode(contents, limits=None):
    return sog.decode(sog.parse_meta(contents["meta.json"]), lambda name: contents[name], limits or Limits())


def edited(change, bands=2):
    contents, _ = build(bands=bands)
    meta = json.loads(contents["meta.json"])
    change(meta)
    return contents | {"meta.json": json.dumps(meta).encode()}


@pytest.mark.parametrize("bands", [0, 1, 2, 3])
def test_values_are_what_the_description_says(assert_close, bands):
    contents, values = build(bands=bands)
    assert_close(decode(contents), values, wxyz=1e-6, opacities=1e-6)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_holds_the_same(assert_close, compression):
    contents, values = build()
    assert_close(sog_zip.decode(pack(contents, compression)), values)
    assert sog_zip.read_meta(pack(contents, compression)).count == N


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_what_gaussforge_writes_is_read_as_gaussforge_reads_it(random_cloud, forge, raw_of_ply, assert_close, degree):
    data = forge(ply.encode(random_cloud(600, degree)), "ply", "sog")
    cloud = files.decode("scene.sog", data)
    assert cloud.sh_degree == degree
    assert_close(cloud, raw_of_ply(forge(data, "sog", "ply")), opacities=2e-5)


def test_real_scene_agrees_with_gaussforge(real_scene, forge, raw_of_ply, assert_close):
    folder = real_scene("playbot_125k_sog")
    data = pack({path.name: path.read_bytes() for path in folder.iterdir()})
    assert_close(files.load(folder), raw_of_ply(forge(data, "sog", "ply")), opacities=2e-5)


def test_real_scene_agrees_with_gsply(real_scene, assert_close):
    pytest.importorskip("imagecodecs")
    gsply = pytest.importorskip("gsply")
    folder = real_scene("playbot_125k_sog")
    theirs = gsply.sogread(folder)
    values = {
        "means": theirs.means,
        "scales": np.exp(theirs.scales),
        "wxyz": theirs.quats,
        "opacities": 1 / (1 + np.exp(-theirs.opacities)),
        "sh": np.concatenate([theirs.sh0[:, None], theirs.shN], axis=1),
    }
    assert_close(files.load(folder), values)


def test_a_codebook_shorter_than_256_is_read_as_far_as_it_is_used():
    contents, _ = build(n=2, bands=0)
    meta = json.loads(contents["meta.json"])
    tiny = np.zeros((1, 2, 4), np.uint8)
    tiny[..., :3], tiny[..., 3] = [[[0, 1, 2], [1, 1, 1]]], 255
    meta["scales"]["codebook"] = [-1.0, -2.0, -3.0]
    cloud = decode(contents | {"meta.json": json.dumps(meta).encode(), "scales.webp": webp(tiny)})
    assert np.allclose(np.log(cloud.scales), [[-1, -2, -3], [-2, -2, -2]])
    meta["scales"]["codebook"] = [-1.0, -2.0]
    with pytest.raises(FormatError, match=r"^SOG: scales uses code 2 of a codebook of 2$"):
        decode(contents | {"meta.json": json.dumps(meta).encode(), "scales.webp": webp(tiny)})


def test_empty_cloud_is_allowed():
    assert len(decode(build(n=0)[0])) == 0


def setter(*keys, value):
    def change(meta):
        for key in keys[:-1]:
            meta = meta[key]
        meta[keys[-1]] = value

    return change


def remover(key):
    return lambda meta: meta.pop(key)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remover("version"), "SOG: meta.json has no version (version 1); version 2 is read"),
        (setter("version", value=3), "SOG: meta.json has version 3; version 2 is read"),
        (remover("quats"), "SOG: meta.json: Object missing required field `quats`"),
        (setter("count", value=-1), "SOG: meta.json: Expected `int` >= 0 - at `$.count`"),
        (setter("count", value=1.5), "SOG: meta.json: Expected `int`, got `float` - at `$.count`"),
        (setter("count", value=2**31), "SOG claims 2,147,483,648 splats; the limit is 1,000,000"),
        (setter("count", value=97), "SOG: means_l.webp: 12 x 8 pixels hold no 97 splats"),
        (
            setter("means", "mins", value=[0, 0]),
            "SOG: meta.json: Expected `array` of length 3 - at `$.means.mins`",
        ),
        (
            setter("means", "maxs", value=[1, 1, "1"]),
            "SOG: meta.json: Expected `float`, got `str` - at `$.means.maxs[2]`",
        ),
        (
            setter("means", "maxs", value=[1e4, 0, 0]),
            "SOG: 88 splats have a NaN or infinite position, the first at index 0",
        ),
        (
            setter("scales", "codebook", value=[200.0] * 256),
            "SOG: 90 splats have a NaN or infinite scale, the first at index 0",
        ),
        (
            setter("scales", "codebook", value=[0.0] * 257),
            "SOG: meta.json: Expected `array` of length <= 256 - at `$.scales.codebook`",
        ),
        (setter("sh0", "codebook", value=[0.0] * 9), "SOG: sh0 uses code 255 of a codebook of 9"),
        (setter("shN", "bands", value=4), "SOG: meta.json: Expected `int` <= 3 - at `$.shN.bands`"),
        (setter("shN", "bands", value=1), "SOG: shN_centroids.webp: 512 x 3 pixels; 130 sets of degree 1 are 192 x 3"),
        (
            setter("shN", "count", value=1000),
            "SOG: shN_centroids.webp: 512 x 3 pixels; 1,000 sets of degree 2 are 512 x 16",
        ),
        (setter("shN", "count", value=70), "splats use an SH set beyond the palette's 70, the first at index"),
        (
            setter("sh0", "files", value=["../sh0.webp"]),
            "SOG: meta.json names the file '../sh0.webp'; a plain file name is needed",
        ),
        (
            setter("sh0", "files", value=["/etc/passwd"]),
            "SOG: meta.json names the file '/etc/passwd'; a plain file name is needed",
        ),
        (setter("sh0", "files", value=["C:sh0"]), "SOG: meta.json names the file 'C:sh0'; a plain file name is needed"),
        (
            setter("sh0", "files", value=["meta.json"]),
            "SOG: meta.json names the file 'meta.json'; a plain file name is needed",
        ),
        (setter("sh0", "files", value=[]), "SOG: meta.json: Expected `array` of length 1 - at `$.sh0.files`"),
    ],
)
def test_refusals_of_meta(change, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        decode(edited(change), Limits(max_splats=1_000_000))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff\xfe", b'{"version": 2, "x": ' + b"[" * 10_000, b" " * (2 << 20)]
)
def test_meta_that_is_no_json_of_this_shape_is_refused(data):
    with pytest.raises(FormatError, match=r"^SOG: meta\.json"):
        sog.parse_meta(data)


def lossy():
    rng = np.random.default_rng(0)
    return webp(rng.integers(0, 256, (8, 12, 3), np.uint8), lossless=False, quality=50)


def animated():
    out = io.BytesIO()
    frames = [Image.new("RGBA", (12, 8), colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    return out.getvalue()


def claiming(width, height):
    """A real WebP whose header says another size."""
    data = bytearray(build()[0]["sh0.webp"])
    assert data[12:16] == b"VP8L"
    data[21:25] = struct.pack("<I", (width - 1) | (height - 1) << 14 | data[24] >> 4 << 28)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "SOG: sh0.webp: not a WebP image"),
        (b"RIFF" + bytes(100), "SOG: sh0.webp: not a WebP image"),
        (lossy(), "SOG: sh0.webp: a lossy or animated WebP; data textures are lossless stills"),
        (animated(), "SOG: sh0.webp: a lossy or animated WebP; data textures are lossless stills"),
        (build()[0]["sh0.webp"][:200], "SOG: sh0.webp: broken WebP image"),
        (claiming(16384, 16384), "SOG: sh0.webp: 16384 x 16384 pixels are more than its splats need (65,896 at most)"),
        (claiming(100, 100), "SOG: sh0.webp: broken WebP image"),
    ],
    ids=["empty", "zeros", "lossy", "animated", "truncated", "huge", "lying"],
)
def test_refusals_of_textures(data, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        decode(build()[0] | {"sh0.webp": data})


def test_quaternion_without_a_largest_component_is_refused():
    contents, _ = build()
    quats = np.full((8, 12, 4), 255, np.uint8)
    quats[0, 5, 3] = 251
    with pytest.raises(FormatError, match=r"^SOG: 1 rotations have an alpha below 252, the first at index 5$"):
        decode(contents | {"quats.webp": webp(quats)})


def test_means_that_could_not_hold_so_many_are_refused_before_they_are_unpacked():
    flat = webp(np.zeros((4096, 4096, 4), np.uint8))
    assert len(flat) < 1000
    contents = edited(setter("count", value=4096 * 4096), bands=0) | {"means_l.webp": flat, "means_u.webp": flat}
    with pytest.raises(
        FormatError, match=r"^SOG: means: [\d,]+ bytes cannot hold the 100,663,296 bytes that are claimed$"
    ):
        decode(contents)


def with_entry(name, data, **fields):
    """A .sog of which one entry's directory record says something else."""
    packed = bytearray(pack(build()[0] | {name: data}, zipfile.ZIP_DEFLATED))
    at = packed.rfind(b"PK\x01\x02", 0, packed.rfind(name.encode()))
    for offset, (form, value) in fields.values():
        struct.pack_into(form, packed, at + offset, value)
    return bytes(packed)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pack(build()[0])[:-30], "SOG: a truncated zip: it has no directory"),
        (b"PK\x03\x04" + bytes(100), "SOG: a truncated zip: it has no directory"),
        (b"PK\x05\x06" + bytes(18), "SOG: the zip holds no meta.json"),
        (pack({"scene/meta.json": b"{}"}), "SOG: the zip holds no meta.json"),
        (pack({k: v for k, v in build()[0].items() if k != "sh0.webp"}), "SOG: the zip holds no sh0.webp"),
        (
            pack(build()[0], zipfile.ZIP_BZIP2),
            "SOG: meta.json is encrypted or compressed by another method than deflate",
        ),
        (
            pack({"meta.json": b" " * (2 << 20)}, zipfile.ZIP_DEFLATED),
            "SOG: meta.json unpacks to 2,097,152 bytes; the limit is 1,048,576",
        ),
        (
            with_entry("meta.json", b"{}", flags=(8, ("<H", 1))),
            "SOG: meta.json is encrypted or compressed by another method than deflate",
        ),
        (with_entry("meta.json", b" " * 5000, size=(24, ("<I", 10))), "SOG: meta.json"),
        (
            with_entry("meta.json", b" " * 50, size=(24, ("<I", 1000))),
            "SOG: meta.json unpacks to 50 bytes, its directory says 1,000",
        ),
        (
            with_entry("meta.json", b"{}", crc=(16, ("<I", 1))),
            "SOG: meta.json: broken zip (Bad CRC-32 for file 'meta.json')",
        ),
        (with_entry("meta.json", b"{}", place=(42, ("<I", 10**9))), "SOG: "),
    ],
)
def test_refusals_of_zips(data, message):
    with pytest.raises(FormatError, match=re.escape(message)):
        sog_zip.decode(data)


def test_a_texture_bomb_in_a_zip_is_cut_short():
    bomb = pack(build()[0] | {"sh0.webp": bytes(64 << 20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match=r"^SOG: sh0\.webp unpacks to 67,108,864 bytes; the limit is 1,000,000$"):
        sog_zip.decode(bomb, Limits(max_bytes=1_000_000))


def test_a_directory_of_very_many_entries_is_refused():
    many = pack(build()[0] | {f"{i:060}": b"" for i in range(12_000)})
    with pytest.raises(FormatError, match=r"^SOG: a zip directory of more than 1,048,576 bytes, or zip64$"):
        sog_zip.decode(many)


def test_names_that_climb_are_never_followed(tmp_path):
    contents, _ = build()
    path = tmp_path / "scene.sog"
    path.write_bytes(pack(contents | {"../climbed.txt": b"x", "/absolute.txt": b"x"}))
    assert len(files.load(path)) == N
    assert [p.name for p in tmp_path.iterdir()] == ["scene.sog"]
    assert not (tmp_path.parent / "climbed.txt").exists()


def test_c0_is_the_constant_basis_function():
    assert np.isclose(raw.SH_C0, 0.5 / np.sqrt(np.pi))
