"""``translight environment`` as its user runs it: by the command line's own entry."""

import re
import sys
import zipfile

import numpy as np
import pytest

from translight.cli import main
from translight.core.image import load_image
from translight.environment.environment import Environment
from translight.environment.files import load_environment, load_json_part, save_environment
from translight.environment.package import read_manifest
from translight.environment.report import Report
from translight.render.cameras import parse_cameras
from translight.server import detail_cache
from translight.server.places import EnvironmentPlace
from translight.server.scenes import Scenery
from translight.splats.files import save
from translight.splats.motion import joined


@pytest.fixture
def edit(capsys):
    """Runs a subcommand; returns its status and what it said on standard output and error."""

    def run(*words):
        status = main(["environment", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def _step(path, name):
    step = Report.of(path).last(name)
    assert step is not None
    return step


def test_crop_a_box(edit, package, tmp_path):
    source, target = package(), tmp_path / "new.tlenv"
    before = load_environment(source)
    points = before.stage_from_scene.apply(before.splats.means)
    middle = points.mean(axis=0)
    lower, upper = middle - 0.8, middle + 0.8
    inside = ((points >= lower) & (points <= upper)).all(axis=1)
    status, out, err = edit("crop", source, "-o", target, "--lower", *lower, "--upper", *upper)
    assert (status, err) == (0, "")
    share = inside.mean()
    assert out == f"{target}: cropped to what is inside, 300 → {inside.sum()} splats ({share:.1%})\n"
    after = load_environment(target)
    assert np.array_equal(after.splats.means, before.splats.means[inside])
    step = _step(target, "crop")
    assert (step["source"], step["splats_before"], step["splats_after"]) == ("set.tlenv", 300, int(inside.sum()))
    assert (step["keep"], step["by"]) == ("inside", "centres")
    assert np.allclose(step["box"]["size_m"], 1.6)
    assert load_image(target / "thumbnail.jpg").shape == (360, 640, 3)
    assert set(read_manifest(target).parts) == {"splats", "sky", "proxy", "cameras", "report", "thumbnail"}


def test_crop_outside_a_sphere_by_extents_into_a_zip(edit, package, tmp_path):
    target = tmp_path / "new.tlenv"
    words = ("crop", package(), "-o", target, "--sphere", 0, 0, 0, "--radius", 1.5, "--outside", "--extents", "--zip")
    assert edit(*words)[0] == 0
    assert zipfile.is_zipfile(target)
    assert _step(target, "crop")["by"] == "extents"
    assert _step(target, "crop")["sphere"] == {"centre_m": [0.0, 0.0, 0.0], "radius_m": 1.5}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "crop wants --lower and --upper, a box's corners, or --sphere and --radius"),
        (("--lower", 0, 0, 0), "crop wants --lower and --upper, a box's corners, or --sphere and --radius"),
        (
            ("--lower", 0, 0, 0, "--upper", 1, 0, 1),
            "--lower: a box wants upper above lower along every axis, got (0.0, 0.0, 0.0) and (1.0, 0.0, 1.0)",
        ),
        (("--sphere", 0, 0, 0, "--radius", -1), "--sphere: a ball wants a finite centre and a radius above 0, got (0.0, 0.0, 0.0), -1.0"),
        (("--sphere", 0, 0, 0, "--radius", 1, "--heading", 5), "--heading: only a box is turned"),
    ],
)  # fmt: skip
def test_crops_of_nothing(edit, package, tmp_path, words, message):
    status, out, err = edit("crop", package(), "-o", tmp_path / "new.tlenv", *words)
    assert (status, out, err) == (1, "", f"translight: {message}\n")
    assert not (tmp_path / "new.tlenv").exists()


def test_a_crop_that_leaves_nothing_says_where_the_splats_are(edit, package, tmp_path):
    source = package()
    status, _, err = edit("crop", source, "-o", tmp_path / "new.tlenv", "--sphere", 0, 0, 99, "--radius", 1)
    assert status == 1
    assert re.fullmatch(
        rf"translight: {source}: nothing is left; the splats' centres lie from .* m on the stage\n", err
    )


def test_floaters_dry_run_then_for_real(edit, cloud_of, tmp_path):
    cloud = cloud_of(3000, extent=1.0)
    far = cloud_of(5, seed=3, extent=0.001)
    far.means[:] += (50, 0, 0)
    faint = cloud_of(7, seed=4)
    faint.opacities[:] = 0.01
    save(tmp_path / "a.ply", joined([cloud, far, faint]))
    sheet = tmp_path / "sheet.png"
    status, out, _ = edit("floaters", tmp_path / "a.ply", "--dry-run", "--picture", sheet)
    assert status == 0
    counts, would = out.splitlines()
    assert counts == "unusable 0; faint 7; large 0; lonely 5; cluster 0"
    assert would == f"{tmp_path / 'a.ply'}: would be 3,012 → 3,000 splats (99.6%)"
    assert load_image(sheet).shape == (4 * 270 + 3 * 4, 3 * 480 + 2 * 4, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.ply", "sheet.png"]
    target = tmp_path / "b.tlenv"
    status, out, _ = edit("floaters", tmp_path / "a.ply", "-o", target)
    assert out.splitlines()[-1] == f"{target}: 12 floaters deleted, 3,012 → 3,000 splats (99.6%)"
    assert _step(target, "floaters")["removed"]["lonely"] == 5
    assert np.array_equal(load_environment(target).splats.means, cloud.means)
    assert edit("floaters", tmp_path / "a.ply")[2].startswith("translight: floaters wants --output NEW.tlenv, or")


def test_place_moves_cameras_along_and_leaves_splats(edit, package, tmp_path):
    source, target = package(), tmp_path / "new.tlenv"
    words = ("place", source, "-o", target, "--up", 0.1, 0.2, 1, "--scale", 2, "--origin", 1, 2, 0.5, "--heading", -30)
    assert edit(*words)[0] == 0
    before, after = load_environment(source), load_environment(target)
    assert np.array_equal(before.splats.sh, after.splats.sh)
    assert np.array_equal(before.splats.means, after.splats.means)
    move = after.stage_from_scene @ before.stage_from_scene.inverse()
    assert np.isclose(move.scale, 2)
    assert np.allclose(move.apply((1, 2, 0.5)), 0, atol=1e-9)
    up = np.array([0.1, 0.2, 1]) / np.linalg.norm([0.1, 0.2, 1])
    assert np.allclose(move.pose.rotation() @ up, (0, 0, 1), atol=1e-9)
    old = parse_cameras((source / "cameras.json").read_bytes(), "old")[0].view
    new = parse_cameras((target / "cameras.json").read_bytes(), "new")[0].view
    assert np.allclose(new.stage_from_camera.position_m, move.apply(old.stage_from_camera.position_m))
    assert not np.allclose(after.sky, before.sky)
    assert after.metres_per_unit == before.metres_per_unit


def test_place_by_points_in_scene_axes_and_a_measured_length(edit, package, tmp_path):
    source, target = package(), tmp_path / "new.tlenv"
    points = {"a": (0, 0, 0), "b": (0, 0, 1), "c": (1, 0, 0)}
    words = [word for name, point in points.items() for word in (f"--point-{name}", *point)]
    words += ["--measure-from", 0, 0, 0, "--measure-to", 0, 0, 2, "--metres", 5, "--b-is", "forward"]
    assert edit("place", source, "-o", target, "--space", "scene", *words)[0] == 0
    after = load_environment(target)
    assert np.allclose(after.stage_from_scene.apply((0, 0, 0)), 0, atol=1e-9)
    assert np.allclose(after.stage_from_scene.apply((0, 0, 2)), (0, 5, 0), atol=1e-9)
    assert abs(after.stage_from_scene.apply((1, 0, 0))[2]) < 1e-9
    assert np.isclose(after.metres_per_unit, 2.5)


def test_place_on_the_floor_and_bake(edit, tmp_path):
    rng = np.random.default_rng(0)
    from tests.reconstruction.edit.conftest import make_cloud

    cloud = make_cloud(2000, 1)
    cloud.opacities[:] = 0.9
    floor = np.column_stack([rng.uniform(-2, 2, 2000), 1.0 + rng.normal(0, 0.002, 2000), rng.uniform(-2, 2, 2000)])
    cloud.means[:] = floor
    cloud.means[:200] -= (0, 1, 0)
    save(tmp_path / "a.ply", cloud)
    target = tmp_path / "new.tlenv"
    status, out, _ = edit("place", tmp_path / "a.ply", "-o", target, "--floor", "--bake")
    assert status == 0
    assert re.search(r": placed, baked, floor found with 90% of the opaque splats, leaning 0\.\d degrees, 2,000", out)
    after = load_environment(target)
    assert np.allclose(after.stage_from_scene.matrix()[:3, :3], [[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    heights = after.stage_from_scene.apply(after.splats.means)[200:, 2]
    assert abs(heights.mean()) < 0.002
    assert np.abs(heights).max() < 0.02


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "place wants at least one of --up, --floor, points, --scale, --origin, --heading, --bake"),
        (("--point-a", 0, 0, 0), "--point-a, --point-b and --point-c belong together"),
        (("--metres", 2), "--measure-from, --measure-to and --metres belong together"),
        (("--up", 0, 0, 0), "--up: up has no direction: [0.0, 0.0, 0.0]"),
        (("--up", "nan", 0, 0), "place: wants finite numbers, got nan 0 0"),
        (("--scale", 0), "--scale: a scale is a finite number above 0, got 0"),
        (
            ("--measure-from", 1, 1, 1, "--measure-to", 1, 1, 1, "--metres", 2),
            "--measure-from and --measure-to are the same point",
        ),
        (
            ("--floor", "--point-a", 0, 0, 0, "--point-b", 1, 0, 0, "--point-c", 0, 1, 0),
            "--up, --floor and three points each say what is up: give one, or --up with --floor",
        ),
    ],
)
def test_places_that_are_none(edit, package, tmp_path, words, message):
    status, out, err = edit("place", package(), "-o", tmp_path / "new.tlenv", *words)
    assert (status, out, err) == (1, "", f"translight: {message}\n")
    assert not (tmp_path / "new.tlenv").exists()


def test_a_proxy_is_not_baked(edit, package, tmp_path):
    source = package()
    _, _, err = edit("place", source, "-o", tmp_path / "new.tlenv", "--bake")
    assert err == f"translight: {source}: its proxy mesh would not move along: place it without --bake\n"


def test_prune_from_the_packages_cameras(edit, package, tmp_path):
    source, target = package(), tmp_path / "new.tlenv"
    words = ("prune", source, "-o", target, "--splats", 150, "--step", 0.3, "--picture", tmp_path / "curve.png")
    status, out, _ = edit(*words)
    assert status == 0
    lines = out.splitlines()
    assert lines[0].split() == ["splats", "left", "PSNR", "dB", "by", "step", "expected", "loss", "dB"]
    assert [line.split()[0] for line in lines[1:-1]] == ["300", "210", "150"]
    assert re.fullmatch(rf"{target}: pruned at \d\d\.\d\d dB, 300 → 150 splats \(50\.0%\)", lines[-1])
    step = _step(target, "prune")
    assert (step["quality_db"], step["views"], len(step["steps"])) == (25.0, 5, 3)
    assert load_image(tmp_path / "curve.png").shape == (360, 640, 3)
    assert len(load_environment(target).splats) == 150


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "prune: pruning wants to know when to stop: a number of splats, dB lost, or a least PSNR"),
        (("--splats", 100, "--views", 1), "--views: 2 to 1000, got 1"),
        (("--splats", 100, "--width", 1), "--width: 16 to 8192 pixels, got 1"),
        (("--psnr", 30, "--picture", "a.svg"), "--picture: a picture is a .png or .jpg, got 'a.svg'"),
    ],
)
def test_prunings_that_are_none(edit, package, tmp_path, words, message):
    status, _, err = edit("prune", package(), "-o", tmp_path / "new.tlenv", *words)
    assert (status, err) == (1, f"translight: {message}\n")


def test_prune_to_more_than_there_is(edit, package, tmp_path):
    source = package()
    _, _, err = edit("prune", source, "-o", tmp_path / "new.tlenv", "--splats", 300)
    assert err == f"translight: {source}: has 300 splats, so there is nothing to prune\n"


def test_detail_makes_a_set_that_shows_find(edit, package, tmp_path, monkeypatch):
    target = tmp_path / "town.tlenv"
    status, out, _ = edit("detail", package(), "-o", target, "--levels", 3, "--views", 3)
    assert status == 0
    files = [target, tmp_path / "town-lod1.tlenv", tmp_path / "town-lod2.tlenv"]
    assert [len(load_environment(file).splats) for file in files] == [300, 75, 19]
    lines = out.splitlines()
    assert lines[0] == f"{target}: the finest, 300 splats as before"
    assert re.fullmatch(rf"{files[2]}: level 2 at \d+\.\d\d dB, 300 → 19 splats \(6\.3%\)", lines[2])
    step = _step(files[1], "detail")
    assert step["level"] == 1
    assert step["files"] == [file.name for file in files]
    assert [level["splats"] for level in step["levels"]] == [300, 75, 19]
    assert step["levels"][1]["psnr_db"] > step["levels"][2]["psnr_db"]

    def never(*_arguments):
        raise AssertionError("made anew")

    monkeypatch.setattr(detail_cache, "detail_levels", never)
    scenery = Scenery(tmp_path)
    scene = scenery.scene(EnvironmentPlace("town.tlenv"))
    assert [part.count for part in scenery.detailed(scene, 3, never)] == [300, 75, 19]


def test_a_set_is_whole_or_not_at_all(edit, package, tmp_path):
    source = package()
    (tmp_path / "town-lod1.tlenv").mkdir()
    (tmp_path / "town-lod1.tlenv" / "diary.txt").write_text("dear")
    status, _, err = edit("detail", source, "-o", tmp_path / "town.tlenv", "--levels", 2, "--views", 2)
    assert (status, err) == (1, f"translight: {tmp_path}/town-lod1.tlenv exists; --force replaces it\n")
    words = ("--levels", 2, "--views", 2, "--force")
    status, _, err = edit("detail", source, "-o", tmp_path / "town.tlenv", *words)
    assert status == 1
    assert "is not an environment package" in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["proxy.glb", "set.tlenv", "town-lod1.tlenv"]


@pytest.mark.parametrize("light", ["linear", "encoded"])
@pytest.mark.parametrize("by", ["views", "splats"])
def test_match_reaches_the_others_colours(edit, package, cloud_of, tmp_path, light, by):
    other = cloud_of(300, seed=6)
    other.sh[:, 0] = other.sh[:, 0] * (0.5, 0.4, 0.3) + (0.1, 0.4, 0.8)
    save(tmp_path / "other.ply", other)
    target = tmp_path / "new.tlenv"
    words = ("match", package(), "-o", target, "--to", tmp_path / "other.ply", "--light", light, "--by", by)
    status, out, _ = edit(*words, "--views", 4, "--width", 96)
    assert status == 0
    step = _step(target, "match")
    assert step["distance_after"] < 0.3 * step["distance_before"]
    assert step["light"] == ("linear" if light == "linear" else "srgb")
    assert re.search(r"colours matched to other\.ply, distance \d\.\d{3} → \d\.\d{3}, 300 splats as before$", out)


def test_merge_puts_the_parts_where_they_stand(edit, package, cloud_of, tmp_path):
    first, target = package(), tmp_path / "new.tlenv"
    save(tmp_path / "plant.ply", cloud_of(40, 3, seed=2))
    status, out, _ = edit("merge", first, tmp_path / "plant.ply", "-o", target)
    assert (status, out) == (0, f"{target}: 2 environments merged, 300 → 340 splats\n")
    whole, plant = load_environment(target), load_environment(tmp_path / "plant.ply")
    stage = whole.stage_from_scene.apply(whole.splats.means)[300:]
    assert np.allclose(stage, plant.stage_from_scene.apply(plant.splats.means), atol=1e-5)
    step = _step(target, "merge")
    assert [part["splats"] for part in step["parts"]] == [300, 40]
    assert step["sky_of"] == "set"
    assert [s["step"] for s in Report.of(target).steps] == ["train", "evaluate", "merge"]
    assert len(load_json_part(target, "cameras")) == 5


def test_merge_refuses_other_encodings_until_told(edit, package, cloud_of, tmp_path):
    first, target = package(), tmp_path / "new.tlenv"
    save_environment(Environment("lit", cloud_of(9), encoding="linear"), tmp_path / "lit.tlenv")
    words = ("merge", first, tmp_path / "lit.tlenv", "-o", target)
    _, _, err = edit(*words)
    assert err == "translight: 'lit' has linear colours, 'set' srgb: --convert re-encodes them, nearly right\n"
    assert edit(*words, "--convert", "--sky", 2)[0] == 0
    assert load_environment(target).sky is None
    assert edit("merge", first, "-o", target)[2] == "translight: merge wants two or more sources\n"
    assert edit(*words, "--sky", 3)[2] == "translight: --sky: 1 to 2, the source whose sky is taken, got 3\n"


def test_an_edit_of_itself_needs_force_and_adds_to_the_report(edit, package, capsys):
    source = package(signed=True)
    _, _, err = edit("place", source, "-o", source, "--heading", 10)
    assert err == f"translight: {source} exists; --force replaces it\n"
    status, _, err = edit("place", source, "-o", source, "--heading", 10, "--force")
    assert status == 0
    assert err == f"{source}: not kept: the provenance signature, which an edit makes void\n"
    edit("place", source, "-o", source, "--heading", -10, "--force")
    assert [step["step"] for step in Report.of(source).steps] == ["train", "evaluate", "place", "place"]


def test_a_terminal_sees_bars_one_after_another(edit, package, tmp_path, monkeypatch):
    source = package()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    status, out, err = edit("prune", source, "-o", tmp_path / "new.tlenv", "--splats", 200, "--width", 32)
    assert status == 0, err
    assert "reading set.tlenv" in err
    assert "weighing splats" in err  # of how many left, hangs on when the bar is drawn
    assert "weighing" not in out


def test_rubbish_is_one_line(edit, tmp_path):
    (tmp_path / "a.ply").write_bytes(b"ply\nnonsense")
    for words in (
        ("crop", tmp_path / "a.ply", "--sphere", 0, 0, 0, "--radius", 1),
        ("crop", tmp_path / "absent.tlenv", "--sphere", 0, 0, 0, "--radius", 1),
        ("place", tmp_path, "--heading", 3),
        ("prune", tmp_path / "a.ply", "--splats", 3),
    ):
        status, out, err = edit(*words, "-o", tmp_path / "new.tlenv")
        assert (status, out) == (1, "")
        assert err.startswith("translight: ")
        assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.ply"]
