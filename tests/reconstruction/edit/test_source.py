import json
import re
import zipfile

import numpy as np
import pytest

from translight.core.errors import FormatError, ShowError
from translight.core.pose import Similarity
from translight.environment.files import load_environment, load_json_part
from translight.environment.package import open_package, read_manifest
from translight.environment.report import Report
from translight.reconstruction.edit.placing import headed, scaled
from translight.reconstruction.edit.source import check_output, opened, with_cameras_moved, write
from translight.splats.files import save


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("splat_format", ["ply", "spz"])
def test_all_that_a_package_holds_is_kept(package, tmp_path, zipped, splat_format):
    path = package(zipped=zipped, splat_format=splat_format, signed=True, antialiased=True, encoding="linear")
    target = tmp_path / "new.tlenv"
    thumbnail = np.full((9, 16, 3), 99, np.uint8)
    with opened(path) as source:
        assert source.signed
        report = source.report.with_step("crop", n=1)
        write(source, source.environment, report, target, thumbnail=thumbnail, zipped=zipped)
    assert zipfile.is_zipfile(target) == zipped
    before, after = read_manifest(path), read_manifest(target)
    assert set(after.parts) == {"splats", "sky", "proxy", "cameras", "report", "thumbnail"}
    assert after.parts["splats"].file == f"splats.{splat_format}"
    for role in ("sky", "proxy", "cameras"):
        assert after.parts[role].sha256 == before.parts[role].sha256, role
    for field in ("name", "stage_from_scene", "colour_encoding", "metres_per_unit", "antialiased", "splat_count"):
        assert getattr(after, field) == getattr(before, field), field
    assert [step["step"] for step in Report.of(target).steps] == ["train", "evaluate", "crop"]
    with open_package(target) as made:
        assert made.part("proxy").read_bytes() == b"glTF mesh"


def test_a_bare_file_becomes_a_package(cloud_of, tmp_path):
    save(tmp_path / "plant.spz", cloud_of(30, 1))
    with opened(tmp_path / "plant.spz") as source:
        assert (source.splat_format, source.signed, source.proxy, source.views()) == ("spz", False, None, [])
        write(source, source.environment, source.report, tmp_path / "p.tlenv", thumbnail=None)
    assert load_environment(tmp_path / "p.tlenv").name == "plant"
    assert load_json_part(tmp_path / "p.tlenv", "cameras") is None


@pytest.mark.parametrize("zipped", [False, True])
def test_a_package_may_be_written_over_itself(package, zipped):
    path = package(zipped=zipped)
    with opened(path) as source:
        write(source, source.environment, source.report.with_step("crop"), path, thumbnail=None, zipped=zipped)
    assert Report.of(path).last("crop") is not None
    assert "proxy" in read_manifest(path).parts
    assert {p.name for p in path.parent.iterdir()} == {"proxy.glb", path.name}


def test_cameras_move_along(package):
    with opened(package()) as source:
        move = headed(90) @ scaled(2.0)
        moved = with_cameras_moved(source, move).views()
        for before, after in zip(source.views(), moved, strict=True):
            old, new = before.view.stage_from_camera, after.view.stage_from_camera
            assert np.allclose(new.position_m, move.apply(old.position_m))
            assert np.allclose(new.rotation(), move.pose.rotation() @ old.rotation())
            assert after.view.near_m == 2 * before.view.near_m
            assert after.view.camera == before.view.camera
        assert with_cameras_moved(source, Similarity.identity()).views()[0].name == "c0"


def test_outputs_are_checked_before_any_work(tmp_path):
    (tmp_path / "there.tlenv").mkdir()
    for output, message in (
        (tmp_path / "a.ply", "--output: an environment is written as NAME.tlenv, got 'a.ply'"),
        (tmp_path / "there.tlenv", f"{tmp_path}/there.tlenv exists; --force replaces it"),
        (tmp_path / "no" / "a.tlenv", f"--output: there is no folder {tmp_path}/no"),
    ):
        with pytest.raises(ShowError, match=f"^{re.escape(message)}$"):
            check_output(output, force=False)
    check_output(tmp_path / "there.tlenv", force=True)


def test_what_is_no_package_is_never_replaced(package, tmp_path):
    (tmp_path / "precious.tlenv").mkdir()
    (tmp_path / "precious.tlenv" / "diary.txt").write_text("dear")
    with opened(package()) as source, pytest.raises(FormatError, match=r"is not an environment package"):
        write(source, source.environment, source.report, tmp_path / "precious.tlenv", thumbnail=None)
    assert (tmp_path / "precious.tlenv" / "diary.txt").read_text() == "dear"


def test_a_full_disk_leaves_nothing(package, tmp_path, monkeypatch):
    path = package()

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("translight.environment.files.splat_files.save", full)
    with opened(path) as source, pytest.raises(FormatError, match=r"cannot be written: No space left on device$"):
        write(source, source.environment, source.report, tmp_path / "new.tlenv", thumbnail=None)
    assert {p.name for p in tmp_path.iterdir()} == {"proxy.glb", "set.tlenv"}


def test_cameras_that_are_none_are_named(package):
    path = package(cameras=[{"name": "a"}])
    with opened(path) as source, pytest.raises(FormatError, match=r"set\.tlenv: cameras\.json: camera 'a': wants"):
        source.views()
    assert json.loads((path / "cameras.json").read_text()) == [{"name": "a"}]
