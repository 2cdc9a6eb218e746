import json
import os
import subprocess
import sys

import numpy as np
import pygltflib
import pytest
import trimesh
import tyro

from translight.commands.environment_export import Export
from translight.core.errors import FormatError, MissingExtra, ShowError
from translight.core.frames import STAGE_FROM_RDF
from translight.core.image import load_image
from translight.core.pose import Pose, Similarity
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.reconstruction.edit import exporting
from translight.splats import files as splat_files
from translight.splats import ply
from translight.splats.cloud import SplatCloud

# Three marks on the stage, metres (X right, Y forward, Z up): none is another's mirror image or turn.
MARKS = np.array([[1.0, 2.0, 3.0], [-0.5, 4.0, 0.25], [2.0, -1.0, 1.5]])
LONG = np.array([0.1, 0.4, 0.2])
"""Standard deviations of the first mark along stage X, Y and Z, metres."""
PLACEMENT = Similarity(2.5, Pose.exp([0.3, -1.0, 0.7, 0.4, -0.2, 1.1]))


def scene():
    """The marks as an environment of some placement, whose scene coordinates nobody would guess."""
    scene_from_stage = PLACEMENT.inverse()
    turn = scene_from_stage.pose
    return Environment(
        "Marks",
        SplatCloud(
            means=scene_from_stage.apply(MARKS).astype(np.float32),
            scales=np.tile(LONG / 2.5, (3, 1)).astype(np.float32),
            wxyz=np.tile(turn.wxyz, (3, 1)).astype(np.float32),
            opacities=np.array([0.9, 0.5, 0.1], np.float32),
            sh=np.random.default_rng(0).uniform(-0.5, 0.5, (3, 4, 3)).astype(np.float32),
        ),
        PLACEMENT,
        sky=sky(),
    )


def sky():
    """A sun at azimuth 90 degrees, to the right, and some 45 degrees up."""
    picture = np.full((32, 64, 3), 0.25, np.float32)
    picture[8, 48] = 100.0
    return picture


def unreal_of_gltf(points):
    """Epic's GLTF::ConvertVec3, (X, Z, Y), and 100 for metres to centimetres."""
    x, y, z = np.asarray(points, dtype=float).T
    return np.column_stack([100 * x, 100 * z, 100 * y])


def blender_of_gltf(points):
    """Blender's io_scene_gltf2 (io/com/gltf2_io… convert): (x, −z, y)."""
    x, y, z = np.asarray(points, dtype=float).T
    return np.column_stack([x, -z, y])


def unreal_of_stage(points):
    """This program's: X forward, Y right, Z up, centimetres; as Live Link has it of OpenTrackIO, (Y, X, Z)·100."""
    x, y, z = np.asarray(points, dtype=float).T
    return np.column_stack([100 * y, 100 * x, 100 * z])


def glb_positions(path):
    document = pygltflib.GLTF2.load(str(path))
    view = document.bufferViews[0]
    return np.frombuffer(document.binary_blob(), "<f4", view.byteLength // 4, view.byteOffset).reshape(-1, 3)


@pytest.fixture
def proxy(tmp_path):
    """The marks as a mesh of one triangle, in the scene's glTF axes: x right, y up, z back."""
    points = PLACEMENT.inverse().apply(MARKS) * [1, -1, -1]
    path = tmp_path / "mesh.glb"
    trimesh.Trimesh(points, [[0, 1, 2]], process=False).export(path)
    return path


@pytest.fixture
def unreal(tmp_path, proxy):
    exporting.export(scene(), tmp_path / "out", "unreal", ("ply", "spz", "glb"), proxy)
    return tmp_path / "out"


def test_unreal_s_gltf_importer_puts_every_mark_in_place(unreal):
    assert np.allclose(unreal_of_gltf(glb_positions(unreal / "splats.glb")), unreal_of_stage(MARKS), atol=1e-3)


def test_blender_s_gltf_importer_puts_every_mark_in_place(tmp_path, proxy):
    exporting.export(scene(), tmp_path / "out", "blender", ("glb",), proxy)
    assert np.allclose(blender_of_gltf(glb_positions(tmp_path / "out" / "splats.glb")), MARKS, atol=1e-5)
    mesh = trimesh.load(tmp_path / "out" / "proxy.glb").to_geometry()
    assert np.allclose(blender_of_gltf(mesh.vertices), MARKS, atol=1e-5)


def test_the_proxy_mesh_stands_where_the_splats_stand(unreal):
    mesh = trimesh.load(unreal / "proxy.glb").to_geometry()
    assert np.allclose(unreal_of_gltf(mesh.vertices), unreal_of_stage(MARKS), atol=1e-3)


def test_usd_stands_where_gltf_stands(tmp_path):
    pxr = pytest.importorskip("pxr.Usd", reason="usd-core is not installed")
    exporting.export(scene(), tmp_path / "out", "unreal", ("usdc",))
    stage = pxr.Stage.Open(str(tmp_path / "out" / "splats.usdc"))
    positions = np.asarray(stage.GetPrimAtPath("/Splats/Gaussians").GetAttribute("positions").Get())
    # Unreal's USD importer, of a stage with upAxis Y and metersPerUnit 1, does as its glTF importer does
    assert stage.GetMetadata("upAxis") == "Y"
    assert stage.GetMetadata("metersPerUnit") == 1.0
    assert np.allclose(unreal_of_gltf(positions), unreal_of_stage(MARKS), atol=1e-3)


@pytest.mark.parametrize("program", ["unreal", "blender", "any"])
def test_the_matrices_in_the_note_take_every_file_to_the_program(tmp_path, program):
    note = exporting.export(scene(), tmp_path / "out", program, ("ply", "glb"))
    wanted = unreal_of_stage(MARKS) if program == "unreal" else MARKS
    for name, points in (
        ("splats.ply", ply.decode((tmp_path / "out" / "splats.ply").read_bytes()).means),
        ("splats.glb", glb_positions(tmp_path / "out" / "splats.glb")),
    ):
        matrix = np.array(note["files"][name]["matrix"])
        assert np.allclose(points @ matrix[:3, :3].T + matrix[:3, 3], wanted, atol=1e-3), name
    assert np.allclose(note["bounds"]["lower"], wanted.min(axis=0), atol=1e-3)
    assert np.allclose(note["bounds"]["upper"], wanted.max(axis=0), atol=1e-3)
    assert json.loads((tmp_path / "out" / "export.json").read_bytes()) == note


def test_sizes_turns_and_colours_go_along(unreal):
    """The first mark is 0.4 m long towards the stage's forward, which is Unreal's X and the .glb's x."""
    environment = scene()
    cloud = splat_files.load(unreal / "splats.glb")
    turn = Pose.from_wxyz(cloud.wxyz[0]).rotation()
    covariance = np.diag([1, -1, -1]) @ turn @ np.diag(cloud.scales[0].astype(float) ** 2) @ turn.T
    covariance = covariance @ np.diag([1, -1, -1])
    assert np.allclose(covariance, np.diag([0.4**2, 0.2**2, 0.1**2]), atol=1e-6)
    assert np.array_equal(cloud.opacities, environment.splats.opacities)
    # degree 1 is linear in the direction: seen along the stage's forward it is what it was in the scene
    from translight.render.sh import basis

    in_scene = PLACEMENT.pose.inverse().rotation() @ [0, 1, 0]
    in_file = STAGE_FROM_RDF.inverse().rotation() @ [1, 0, 0]  # forward is the turned stage's X
    before = basis(in_scene[None], 1) @ environment.splats.sh[0]
    after = basis(in_file[None], 1) @ cloud.sh[0]
    assert np.allclose(before, after, atol=1e-5)


def test_every_splat_file_is_the_same_scene(unreal):
    clouds = [splat_files.load(unreal / f"splats.{suffix}") for suffix in ("ply", "spz", "glb")]
    for cloud in clouds[1:]:
        assert np.allclose(cloud.means, clouds[0].means, atol=1e-3)


def test_the_sky_and_where_its_sun_is(unreal):
    note = json.loads((unreal / "export.json").read_bytes())
    # to the right on the stage is Unreal's +Y
    assert np.allclose(note["brightest"], [0, 0.7, 0.7], atol=0.1)
    assert np.array_equal(load_image(unreal / "sky.exr"), sky())
    assert np.allclose(load_image(unreal / "sky.hdr"), sky(), rtol=1 / 128)


def test_the_read_me_says_what_to_do(unreal):
    text = (unreal / "README.txt").read_text()
    assert text.startswith("Marks, for Unreal Engine (X forward, Y right, Z up, left-handed, centimetres).")
    assert "rotation 0 0 0" in text
    assert "Colours are blended srgb-encoded, in Rec.709 primaries." in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_the_command(tmp_path, proxy, capsys):
    package = tmp_path / "set.tlenv"
    save_environment(scene(), package, copies={"proxy": proxy})
    out = tmp_path / "out"
    assert Export(package, out, "unreal", ("ply", "glb")).run() == 0
    said = capsys.readouterr().out
    assert said == (
        f"{out}: splats.ply, splats.glb, proxy.glb, sky.hdr, sky.exr for Unreal Engine "
        "(X forward, Y right, Z up, left-handed, centimetres)\n"
    )
    with pytest.raises(ShowError, match=r"out exists; --force replaces an export$"):
        Export(package, out).run()
    (out / "mine.txt").write_text("kept until it is forced")
    assert Export(package, out, formats=("ply",), force=True).run() == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "README.txt", "export.json", "proxy.glb", "sky.exr", "sky.hdr", "splats.ply",
    ]  # fmt: skip
    (out / "export.json").unlink()
    with pytest.raises(ShowError, match=r"out is no export: it holds no export\.json; choose another$"):
        Export(package, out, force=True).run()
    with pytest.raises(ShowError, match=r"^--output: there is no folder .*absent$"):
        Export(package, tmp_path / "absent" / "out").run()
    with pytest.raises(ShowError, match=r"^--formats: names a format twice$"):
        Export(package, out, formats=("ply", "ply")).run()


def test_a_bare_splat_file_is_exported_too(tmp_path):
    splat_files.save(tmp_path / "a.ply", scene().splats)
    Export(tmp_path / "a.ply", tmp_path / "out", "any", ("spz",)).run()
    note = json.loads((tmp_path / "out" / "export.json").read_bytes())
    assert list(note["files"]) == ["splats.spz"]
    assert note["brightest"] is None


def test_a_broken_proxy_leaves_nothing(tmp_path):
    (tmp_path / "mesh.glb").write_bytes(b"solid")
    with pytest.raises(FormatError, match=r"^proxy: not a \.glb$"):
        exporting.export(scene(), tmp_path / "out", "any", ("ply",), tmp_path / "mesh.glb")
    assert [path.name for path in tmp_path.iterdir()] == ["mesh.glb"]


def test_usd_without_usd_core_is_said_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"translight\[usd\]"):
        Export(tmp_path / "absent.ply", tmp_path / "out", "unreal").run()


def test_the_command_line_spells_it_for():
    parsed = tyro.cli(Export, args=["a.tlenv", "-o", "out", "--for", "unreal", "--formats", "ply", "glb"])
    assert (parsed.program, parsed.formats) == ("unreal", ("ply", "glb"))


def test_the_program_runs(tmp_path):
    splat_files.save(tmp_path / "a.ply", scene().splats)
    run = subprocess.run(
        [sys.executable, "-m", "translight.cli", "environment", "export", "a.ply", "-o", "out", "--for", "any"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("out: splats.ply, splats.spz, splats.glb for any program")
