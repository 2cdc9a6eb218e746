"""Environments through files: every field kept, every accepted form, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.core.image import load_image, save_image
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.environment.files import EnvironmentLimits, load_environment, load_json_part, save_environment
from translight.environment.manifest import FILE_NAME
from translight.environment.package_write import write_package
from translight.splats import files as splat_files
from translight.splats.cloud import SplatCloud
from translight.splats.limits import Limits

SPLATS = Path(__file__).parents[2].parent / "shared" / "data" / "splats"


@pytest.fixture
def environment() -> Environment:
    rng = np.random.default_rng(8)
    n = 500
    wxyz = rng.normal(size=(n, 4))
    cloud = SplatCloud(
        rng.normal(size=(n, 3)).astype(np.float32),
        rng.uniform(0.01, 0.1, (n, 3)).astype(np.float32),
        (wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        rng.uniform(0.05, 0.95, n).astype(np.float32),
        (0.3 * rng.normal(size=(n, 4, 3))).astype(np.float32),
    )
    sky = rng.uniform(0, 90, (16, 32, 3)).astype(np.float32)
    place = Similarity(0.37, Pose.from_wxyz((0.3, -0.5, 0.7, 0.1), (1.0, -2.0, 3.5)))
    return Environment("Grüner Platz", cloud, place, sky, "linear", 0.25, antialiased=True)


def assert_same(read: Environment, written: Environment) -> None:
    for name in ("name", "encoding", "metres_per_unit", "antialiased"):
        assert getattr(read, name) == getattr(written, name)
    np.testing.assert_allclose(read.stage_from_scene.matrix(), written.stage_from_scene.matrix(), rtol=1e-14)
    np.testing.assert_array_equal(read.splats.means, written.splats.means)
    np.testing.assert_array_equal(read.splats.sh, written.splats.sh)
    np.testing.assert_allclose(read.splats.scales, written.splats.scales, rtol=1e-6)
    np.testing.assert_allclose(read.splats.opacities, written.splats.opacities, rtol=1e-5)
    np.testing.assert_allclose(read.splats.wxyz, written.splats.wxyz, atol=1e-6)
    assert read.sky is not None
    np.testing.assert_array_equal(read.sky, written.sky)


@pytest.mark.parametrize("zipped", [False, True])
def test_round_trip(environment: Environment, tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "square.tlenv"
    manifest = save_environment(environment, path, zipped=zipped)
    assert path.is_dir() is not zipped
    assert manifest.splat_count == 500
    assert manifest.created_by.startswith("translight ")
    assert manifest.bounds is not None
    np.testing.assert_array_equal(manifest.bounds.upper, environment.splats.means.max(axis=0).astype(float))
    assert_same(load_environment(path), environment)
    assert os.listdir(tmp_path) == ["square.tlenv"]


def test_a_renamed_zip_is_still_a_package(environment: Environment, tmp_path: Path) -> None:
    save_environment(environment, tmp_path / "square.zip", zipped=True)
    assert_same(load_environment(tmp_path / "square.zip"), environment)


def test_every_part(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "square.tlenv"
    proxy, claim = tmp_path / "Shadow.GLB", tmp_path / "claim.c2pa"
    proxy.write_bytes(b"glTF proxy")
    claim.write_bytes(b"claim")
    sheet, thumbnail = np.zeros((400, 300, 3), np.uint8), np.zeros((90, 160, 3), np.uint8)
    report = {"psnr_db": 31.25, "made_by": "Grüße"}
    cameras = [{"name": "a.jpg", "wxyz": [1, 0, 0, 0]}]
    manifest = save_environment(
        environment,
        path,
        report=report,
        cameras=cameras,
        contact_sheet=sheet,
        thumbnail=thumbnail,
        copies={"proxy": proxy, "provenance": claim},
        created_by="test",
    )
    assert {role: part.file for role, part in manifest.parts.items()} == {
        "splats": "splats.ply",
        "sky": "sky.exr",
        "proxy": "proxy.glb",
        "provenance": "provenance.c2pa",
        "cameras": "cameras.json",
        "report": "report.json",
        "contact_sheet": "contact_sheet.jpg",
        "thumbnail": "thumbnail.jpg",
    }
    assert (path / "proxy.glb").read_bytes() == b"glTF proxy"
    assert load_json_part(path, "report") == report
    assert load_json_part(path, "cameras") == cameras
    assert load_image(path / "contact_sheet.jpg").shape == (400, 300, 3)
    assert load_image(path / "thumbnail.jpg").shape == (90, 160, 3)
    assert json.loads((path / FILE_NAME).read_text())["created_by"] == "test"


def test_parts_that_are_not_there(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "square.tlenv"
    save_environment(Environment("bare", environment.splats), path)
    assert load_json_part(path, "report") is None
    read = load_environment(path)
    assert read.sky is None
    assert read.metres_per_unit is None


def test_spz_is_smaller_and_near(environment: Environment, tmp_path: Path) -> None:
    manifest = save_environment(environment, tmp_path / "a.tlenv", splat_format="spz")
    assert manifest.parts["splats"].file == "splats.spz"
    read = load_environment(tmp_path / "a.tlenv").splats
    np.testing.assert_allclose(read.means, environment.splats.means, atol=1e-3)
    np.testing.assert_allclose(read.opacities, environment.splats.opacities, atol=1 / 255)


@pytest.mark.parametrize("name", ["plant.ply", "plant.spz", "plant.splat"])
def test_a_bare_splat_file(environment: Environment, tmp_path: Path, name: str) -> None:
    splat_files.save(tmp_path / name, environment.splats)
    read = load_environment(tmp_path / name)
    assert (read.name, len(read.splats), read.sky, read.encoding) == ("plant", 500, None, "srgb")
    assert read.metres_per_unit is None


def test_a_real_sog_folder() -> None:
    folder = SPLATS / "playbot_125k_sog"
    if not folder.is_dir():
        pytest.skip("needs the real capture in shared/data/splats")
    assert load_environment(folder).name == "playbot_125k_sog"
    assert load_environment(folder / "meta.json").name == "playbot_125k_sog"


def refusal(path: Path, limits: EnvironmentLimits | None = None) -> str:
    with pytest.raises(FormatError) as error:
        load_environment(path, limits or EnvironmentLimits())
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert refusal(tmp_path / "notes.txt").startswith("not a splat file that is read")
    assert "no such file" in refusal(tmp_path / "gone.ply").lower()
    assert refusal(tmp_path / "gone.tlenv") == "no such file or folder"


@pytest.mark.parametrize("zipped", [False, True])
def test_refusals_name_the_package_and_not_where_it_was_unpacked(
    environment: Environment, tmp_path: Path, zipped: bool
) -> None:
    path = tmp_path / "square.tlenv"
    save_environment(environment, path, zipped=zipped)
    limits = EnvironmentLimits(splats=Limits(max_splats=100))
    message = refusal(path, limits)
    assert message.startswith("splats.ply: ")
    assert "the limit is 100" in message
    message = refusal(path, EnvironmentLimits(max_sky_pixels=100))
    assert message == "sky.exr: 32x16 pixels; from 1 to 100 are allowed"


def rewritten(path: Path, environment: Environment, sky: np.ndarray | None = None, count: int | None = None) -> None:
    """The package again, its parts as they should not be but their digests right."""
    manifest = save_environment(environment, path)
    fields = {"splat_count": count} if count is not None else {}
    parts = {"splats": ("splats.ply", lambda file: splat_files.save(file, environment.splats))}
    if sky is not None:
        parts["sky"] = ("sky.exr", lambda file: save_image(file, sky))
    import msgspec

    write_package(path, msgspec.structs.replace(manifest, **fields), parts)


def test_a_wrong_count(environment: Environment, tmp_path: Path) -> None:
    rewritten(tmp_path / "a.tlenv", environment, count=7)
    assert refusal(tmp_path / "a.tlenv") == "splats.ply holds 500 splats, the manifest says 7"


def test_wrong_skies(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "a.tlenv"
    rewritten(path, environment, np.zeros((8, 8, 3), np.float32))
    assert refusal(path) == "sky.exr: 8x8 pixels, an equirectangular sky is twice as wide as high"
    rewritten(path, environment, np.zeros((8, 16), np.float32))
    assert refusal(path) == "sky.exr: a linear RGB picture in floating point is wanted (.exr or .hdr)"
    bad = np.zeros((8, 16, 3), np.float32)
    bad[3, 3, 1] = np.nan
    rewritten(path, environment, bad)
    assert refusal(path) == "sky.exr: holds values that are not finite"


def test_a_report_that_is_not_json(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "a.tlenv"
    manifest = save_environment(environment, path)
    parts = {
        "splats": ("splats.ply", lambda file: splat_files.save(file, environment.splats)),
        "report": ("report.json", lambda file: file.write_text("{")),
    }
    write_package(path, manifest, parts)
    with pytest.raises(FormatError, match=r"report\.json: not JSON: "):
        load_json_part(path, "report")


def test_values_that_json_does_not_hold_are_refused_before_anything_is_written(
    environment: Environment, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_environment(environment, tmp_path / "a.tlenv", report={"psnr_db": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_missing_copy_leaves_nothing(environment: Environment, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be copied: No such file or directory"):
        save_environment(environment, tmp_path / "a.tlenv", copies={"proxy": tmp_path / "none.glb"})
    assert os.listdir(tmp_path) == []
