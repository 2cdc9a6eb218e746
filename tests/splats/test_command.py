import hashlib
import json
import sys

import numpy as np
import pytest
import tyro

from translight.commands.splats import Convert, Info
from translight.core.errors import FormatError, ShowError
from translight.environment.manifest import Manifest, Part, Placement, dump_manifest
from translight.splats.files import describe, load, save


@pytest.fixture
def scene(random_cloud, tmp_path):
    path = tmp_path / "scene.ply"
    save(path, random_cloud(200, 2))
    return path


def test_info_as_text(scene, capsys):
    assert Info(scene).run() == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{scene}  PLY 1.0, {scene.stat().st_size:,} bytes"
    assert out[1] == "  splats       200, SH degree 2, 30,400 bytes in memory"
    assert out[2].endswith("(scene units, x right, y down, z forward)")
    assert [line.split()[0] for line in out[3:]] == ["percentiles", "opacity", "scale"]


def test_info_as_json_says_the_clouds_own_numbers(scene, capsys):
    assert Info(scene, json=True).run() == 0
    report = json.loads(capsys.readouterr().out)
    cloud = load(scene)
    assert (report["format"], report["version"], report["splats"], report["sh_degree"]) == ("PLY", "1.0", 200, 2)
    assert report["bytes"] == scene.stat().st_size
    assert np.allclose(report["bounds"]["lower"], cloud.means.min(axis=0))
    assert np.isclose(report["opacity_percentiles"]["50"], np.median(cloud.opacities))
    assert np.isclose(report["scale_percentiles"]["99"], np.percentile(cloud.scales, 99))


def test_info_of_an_empty_cloud_has_no_bounds(random_cloud, tmp_path, capsys):
    save(tmp_path / "a.splat", random_cloud(0))
    Info(tmp_path / "a.splat", json=True).run()
    assert "bounds" not in json.loads(capsys.readouterr().out)
    assert Info(tmp_path / "a.splat").run() == 0


def test_info_of_a_real_capture(real_scene, capsys):
    Info(real_scene("playbot_500k_sog"), json=True).run()
    report = json.loads(capsys.readouterr().out)
    assert (report["format"], report["splats"], report["sh_degree"]) == ("SOG", 500_000, 2)


def test_convert_says_in_one_line_what_is_lost(scene, tmp_path, capsys):
    target = tmp_path / "scene.splat"
    assert Convert(scene, target).run() == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"{target}: not kept: SH of degree 2 dropped; ")
    assert len(load(target)) == 200


def test_convert_to_ply_loses_nothing_and_says_nothing(scene, tmp_path, capsys, assert_close):
    packed, back = tmp_path / "scene.spz", tmp_path / "back.ply"
    Convert(scene, packed).run()
    capsys.readouterr()
    Convert(packed, back).run()
    assert capsys.readouterr().err == ""
    assert_close(load(back), load(packed), scales=1e-5)


def test_convert_chooses_the_spz_version(scene, tmp_path):
    pytest.importorskip("zstandard")
    Convert(scene, tmp_path / "a.spz", spz_version=4).run()
    assert describe(tmp_path / "a.spz").version == "4"
    with pytest.raises(ShowError, match=r"^--spz-version 2: version 3 or 4 is written$"):
        Convert(scene, tmp_path / "b.spz", spz_version=2).run()


def test_convert_replaces_only_when_forced(scene, tmp_path):
    target = tmp_path / "scene.spz"
    target.write_bytes(b"precious")
    with pytest.raises(ShowError, match=r"scene\.spz exists; --force replaces it$"):
        Convert(scene, target).run()
    assert target.read_bytes() == b"precious"
    Convert(scene, target, force=True).run()
    assert len(load(target)) == 200


def test_convert_refuses_before_it_reads(tmp_path):
    with pytest.raises(ShowError, match=r"a\.ksplat: \.ksplat is not written; choose \.ply, \.splat, .* or \.usdz$"):
        Convert(tmp_path / "absent.ply", tmp_path / "a.ksplat").run()


def test_convert_of_a_broken_file_leaves_nothing(tmp_path):
    (tmp_path / "a.ply").write_bytes(b"ply\nnonsense")
    with pytest.raises(FormatError):
        Convert(tmp_path / "a.ply", tmp_path / "b.spz").run()
    assert [p.name for p in tmp_path.iterdir()] == ["a.ply"]


def test_an_environment_package_is_taken_for_its_splats(random_cloud, tmp_path, capsys):
    folder = tmp_path / "set.tlenv"
    folder.mkdir()
    save(folder / "splats.spz", random_cloud(30, 1))
    data = (folder / "splats.spz").read_bytes()
    manifest = Manifest(
        schema_version=1,
        name="A set",
        stage_from_scene=Placement(1.0, (1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        bounds=None,
        splat_count=30,
        colour_encoding="srgb",
        created_by="test",
        parts={"splats": Part("splats.spz", len(data), hashlib.sha256(data).hexdigest())},
    )
    (folder / "environment.json").write_bytes(dump_manifest(manifest))
    Info(folder, json=True).run()
    report = json.loads(capsys.readouterr().out)
    assert (report["format"], report["name"], report["splats"]) == ("environment", "A set", 30)
    assert report["parts"] == {"splats": "splats.spz"}
    assert Info(folder).run() == 0
    assert "A set, srgb colours" in capsys.readouterr().out
    Convert(folder, tmp_path / "out.ply").run()
    assert capsys.readouterr().err.endswith("not kept: the environment's placement, sky and colour encoding\n")
    assert np.array_equal(load(tmp_path / "out.ply").means, load(folder / "splats.spz").means)


def test_a_terminal_sees_a_bar_and_a_pipe_does_not(scene, tmp_path, capsys, monkeypatch):
    Convert(scene, tmp_path / "quiet.ply").run()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    Convert(scene, tmp_path / "shown.ply").run()
    assert "writing shown.ply" in capsys.readouterr().err


def test_help_and_parsing():
    parsed = tyro.cli(Convert, args=["a.ply", "b.spz", "--force", "--spz-version", "4"])
    assert (parsed.source.name, parsed.target.name, parsed.force, parsed.spz_version) == ("a.ply", "b.spz", True, 4)
    assert tyro.cli(Info, args=["a.ply", "--json"]).json
