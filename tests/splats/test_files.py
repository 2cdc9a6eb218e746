import base64
import io
import json
import os
import re
import zipfile

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.splats import ply, splat, spz
from translight.splats.files import describe, load, save
from translight.splats.formats import READ, WRITTEN, Format
from translight.splats.limits import Limits


def test_real_sog_scene_is_a_capture_of_the_known_size(real_scene):
    cloud = load(real_scene("playbot_125k_sog"))
    assert len(cloud) == 125_000
    assert cloud.sh_degree == 2
    lower, upper = cloud.bounds()
    assert ((upper - lower) > 1.0).all()
    assert ((upper - lower) < 2.2).all()
    assert np.allclose(np.linalg.norm(cloud.wxyz, axis=1), 1.0, atol=1e-6)


def test_real_splat_scene_has_the_extent_its_licence_file_states(real_scene):
    cloud = load(real_scene("plant_114k.splat"))
    assert len(cloud) == 113_648
    assert cloud.sh_degree == 0
    lower, upper = cloud.bounds()
    assert np.allclose(upper - lower, [0.5172, 1.0, 0.6098], atol=1e-4)


def test_real_scene_through_every_written_format(real_scene, assert_close, tmp_path):
    cloud = load(real_scene("playbot_125k_sog"))
    save(tmp_path / "scene.ply", cloud)
    assert_close(load(tmp_path / "scene.ply"), cloud)
    save(tmp_path / "scene.spz", cloud)
    # a scale, and colours and SH of some splats of this capture are beyond SPZ's range
    assert_close(load(tmp_path / "scene.spz"), cloud, means=1e-5, scales=0.15, wxyz=3e-3, sh0=9, sh=9)
    save(tmp_path / "scene.splat", cloud)
    assert np.array_equal(load(tmp_path / "scene.splat").means, cloud.means)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.ply", Format.PLY),
        ("a.splat", Format.SPLAT),
        ("a.spz", Format.SPZ),
        ("a.glb", Format.GLTF),
        ("a.gltf", Format.GLTF),
        ("a.usdz", Format.USD),
    ],
)
def test_save_load_describe(random_cloud, assert_close, tmp_path, name, kind):
    if kind is Format.USD:
        pytest.importorskip("pxr")
    cloud = random_cloud(70, 0 if kind is Format.SPLAT else 2)
    path = tmp_path / name
    save(path, cloud)
    assert_close(load(str(path)), cloud, means=1e-3, scales=0.04, wxyz=0.02, opacities=0.003, sh0=0.02, sh=0.01)
    found = describe(path)
    version = {Format.PLY: "1.0", Format.SPZ: "3", Format.GLTF: "2.0"}.get(kind, "")
    assert (found.format, found.version, found.splats, found.sh_degree) == (kind, version, 70, cloud.sh_degree)
    assert found.bytes == path.stat().st_size
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_spz_version_is_chosen(random_cloud, tmp_path):
    pytest.importorskip("zstandard")
    save(tmp_path / "a.spz", random_cloud(5), spz_version=4)
    assert describe(tmp_path / "a.spz").version == "4"
    assert len(load(tmp_path / "a.spz")) == 5


def test_describe_needs_no_zstandard(conformance):
    found = describe(conformance("minimal-v4.spz"))
    assert (found.format, found.version, found.splats) == (Format.SPZ, "4", 4)


def test_describe_a_sog_folder_its_meta_and_its_zip(real_scene, tmp_path):
    folder = real_scene("playbot_125k_sog")
    found = describe(folder)
    assert (found.format, found.version, found.splats, found.sh_degree) == (Format.SOG, "2", 125_000, 2)
    assert found.bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert describe(folder / "meta.json") == found
    packed = tmp_path / "scene.sog"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert describe(packed).splats == 125_000
    assert np.array_equal(load(packed).sh, load(folder / "meta.json").sh)


@pytest.mark.parametrize("encode", [ply.encode, spz.encode])
def test_content_decides_before_the_name(random_cloud, tmp_path, encode):
    path = tmp_path / "misnamed.splat"
    path.write_bytes(encode(random_cloud(40, 1)))
    assert load(path).sh_degree == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.lcc", b"{}", f"LCC is not read; convert it to one that is: {READ}"),
        ("a.ksplat", bytes(5000), "KSPLAT: version 0.0; version 0.1 is read"),
        ("a.glb", b"glTF", "glTF: truncated: a .glb begins with 20 bytes"),
        ("a.bin", b"glTF\2\0\0\0", "glTF: truncated: a .glb begins with 20 bytes"),
        ("a.gltf", b"{}", "glTF: version None; version 2 is read"),
        ("a.glb", b"{}", "its content is not that of a .glb file"),
        ("a.usdc", b"PK\3\4", "SOG: a truncated zip: it has no directory"),
        ("a.usda", b"usda", "its content is not that of a .usda file"),
        ("a.ply", b"solid", "its content is not that of a .ply file"),
        ("a.spz", b"", "its content is not that of a .spz file"),
        ("a.jpg", b"\xff\xd8", f"not a splat file that is read: {READ}"),
        ("a.splat", bytes(33), "33 bytes are no whole number of 32-byte splats: truncated, or another format"),
        ("lod-meta.json", b"{}", "streamed SOG is not read; convert it to one SOG scene"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    for read in (load, describe):
        with pytest.raises(FormatError) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith(message)


def test_paths_that_cannot_be_read(tmp_path):
    for path, message in [
        (tmp_path / "absent.ply", "cannot be read: No such file or directory"),
        (tmp_path, "a folder without meta.json is no SOG scene"),
        (tmp_path / "meta.json", "a folder without meta.json is no SOG scene"),
    ]:
        for read in (load, describe):
            with pytest.raises(FormatError, match=f"^{re.escape(str(path))}: {re.escape(message)}$"):
                read(path)
    (tmp_path / "lod-meta.json").write_text("{}")
    with pytest.raises(FormatError, match="streamed SOG is not read"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_device_is_not_read(tmp_path):
    with pytest.raises(FormatError, match="zero is not a regular file"):
        load("/dev/zero")


def test_a_sog_folder_that_misses_a_texture(real_scene, tmp_path):
    (tmp_path / "meta.json").write_bytes((real_scene("playbot_125k_sog") / "meta.json").read_bytes())
    with pytest.raises(FormatError, match=f"^{re.escape(str(tmp_path))}: cannot be read: No such file or directory"):
        load(tmp_path)


def test_a_file_past_the_limit_is_not_read(random_cloud, tmp_path):
    path = tmp_path / "a.ply"
    save(path, random_cloud(100))
    size = path.stat().st_size
    for read in (load, describe):
        with pytest.raises(FormatError, match=rf"a\.ply is {size:,} bytes; the limit is 1,000$"):
            read(path, Limits(max_bytes=1000))
        with pytest.raises(FormatError, match=r"PLY claims 100 splats; the limit is 99$"):
            read(path, Limits(max_splats=99))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.ksplat", f".ksplat is not written; choose {WRITTEN}"),
        ("a.compressed.ply", f"compressed PLY is not written; choose {WRITTEN}"),
        ("a", f"a name without extension is not written; choose {WRITTEN}"),
        ("none/a.ply", "cannot be written: No such file or directory"),
    ],
)
def test_save_refuses(random_cloud, tmp_path, name, message):
    with pytest.raises(FormatError, match=f"{re.escape(str(tmp_path / name))}: {re.escape(message)}$"):
        save(tmp_path / name, random_cloud(1))


@pytest.mark.parametrize("name", ["a.ply", "a.splat", "a.spz", "a.sog", "a.gltf", "a.usda"])
def test_a_cloud_of_nans_is_not_written_and_the_old_file_stays(random_cloud, tmp_path, name):
    cloud = random_cloud(20)
    save(tmp_path / name, cloud)
    before = (tmp_path / name).read_bytes()
    cloud.scales[7, 1] = np.nan
    with pytest.raises(FormatError, match=r"1 splat has a NaN or infinite scale, the first at index 7$"):
        save(tmp_path / name, cloud)
    assert (tmp_path / name).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_empty_clouds_pass_through_every_written_format(random_cloud, tmp_path):
    for name in ("a.ply", "a.splat", "a.spz", "a.sog"):
        save(tmp_path / name, random_cloud(0))
        assert len(load(tmp_path / name)) == 0


@pytest.mark.parametrize("name", ["a.ply", "a.splat", "a.spz", "a.sog", "a.glb"])
def test_progress_rises_to_1(random_cloud, tmp_path, name):
    written, read = [], []
    save(tmp_path / name, random_cloud(100_000), progress=written.append)
    load(tmp_path / name, progress=read.append)
    for told in (written, read):
        assert told == sorted(told)
        assert len(told) >= 3
        assert told[-1] == 1.0


def test_a_zip_that_is_no_scene(tmp_path):
    path = tmp_path / "a.zip"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("environment.json", "{}")
    path.write_bytes(out.getvalue())
    with pytest.raises(FormatError, match=r"SOG: the zip holds no meta\.json$"):
        load(path)


def test_splat_bytes_are_the_codecs_own(random_cloud, tmp_path):
    cloud = random_cloud(3)
    save(tmp_path / "a.splat", cloud)
    assert (tmp_path / "a.splat").read_bytes() == splat.encode(cloud)


def test_a_sog_folder_is_written_whole_and_only_over_its_like(random_cloud, tmp_path):
    folder = tmp_path / "scene"
    save(folder / "meta.json", random_cloud(50, 1))
    assert load(folder).sh_degree == 1
    save(folder / "meta.json", random_cloud(60))
    assert describe(folder).splats == 60
    assert not (folder / "shN_labels.webp").exists()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(FormatError, match=r"the folder holds other files \(notes\.txt\): choose another$"):
        save(folder / "meta.json", random_cloud(70))
    assert describe(folder).splats == 60
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]


def test_a_gltf_with_its_buffer_beside_it(random_cloud, tmp_path):
    cloud = random_cloud(20, 1)
    save(tmp_path / "a.gltf", cloud)
    values = json.loads((tmp_path / "a.gltf").read_bytes())
    uri = values["buffers"][0]["uri"]
    (tmp_path / "the buffer.bin").write_bytes(base64.b64decode(uri.partition(",")[2]))
    values["buffers"][0]["uri"] = "the%20buffer.bin"
    (tmp_path / "b.gltf").write_text(json.dumps(values))
    assert np.array_equal(load(tmp_path / "b.gltf").sh, cloud.sh)
    assert describe(tmp_path / "b.gltf").splats == 20
    values["buffers"][0]["uri"] = "../a.gltf"
    (tmp_path / "c.gltf").write_text(json.dumps(values))
    with pytest.raises(FormatError, match=r"glTF: buffers\[0\] is in the file '\.\./a\.gltf'; a plain name beside it"):
        load(tmp_path / "c.gltf")
