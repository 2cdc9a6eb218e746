import json
import subprocess
import sys

import numpy as np
import pytest

from translight.core.errors import FormatError, MissingExtra
from translight.core.pose import Pose
from translight.splats import files, usd, usd_reader, usd_write
from translight.splats.limits import Limits

pxr = pytest.importorskip("pxr", reason="usd-core is not installed")
from pxr import Gf, Usd, UsdGeom, UsdValidation, UsdVol  # noqa: E402

RUB = np.array([1.0, -1.0, -1.0])


@pytest.fixture
def read_here(monkeypatch):
    """The reader in this process, for quick tests of what it finds; its bounds on the process are left out."""

    def run(path, limits, arrays, patience_s):
        job = {
            "path": str(path),
            "arrays": None if arrays is None else str(arrays),
            "max_splats": limits.max_splats,
            "max_bytes": limits.max_bytes,
        }
        names = ("Gf", "Sdf", "Tf", "Usd", "UsdGeom", "UsdVol")
        try:
            return usd_reader._report(job, {name: usd_reader.import_module(f"pxr.{name}") for name in names})
        except usd_reader.Refused as refused:
            raise FormatError(f"OpenUSD: {refused}") from None

    monkeypatch.setattr(usd, "_read", run)
    monkeypatch.setattr(usd_reader, "_bound", lambda _, files: files)


@pytest.mark.parametrize("suffix", usd.SUFFIXES)
def test_nothing_is_lost(random_cloud, tmp_path, read_here, suffix):
    cloud = random_cloud(40, 3)
    path = tmp_path / f"a{suffix}"
    usd_write.write(path, cloud)
    found = usd.decode(path)
    for name in ("means", "scales", "opacities", "sh"):
        assert np.array_equal(getattr(found, name), getattr(cloud, name)), name
    assert np.abs(found.wxyz - cloud.wxyz).max() < 1e-7
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_process_of_its_own_reads_the_same(random_cloud, tmp_path):
    cloud = random_cloud(30, 1)
    usd_write.write(tmp_path / "a.usdc", cloud)
    told = []
    found = files.load(tmp_path / "a.usdc", progress=told.append)
    assert np.array_equal(found.sh, cloud.sh)
    assert told[-1] == 1.0
    found = files.describe(tmp_path / "a.usdc")
    assert (found.format, found.version, found.splats, found.sh_degree) == ("OpenUSD", "", 30, 1)


def test_the_process_of_its_own_has_nothing_to_complain_of(random_cloud, tmp_path):
    """OpenUSD reads its schemas' files when it first needs them, and by then it may open none."""
    usd_write.write(tmp_path / "a.usdz", random_cloud(3))
    job = {"path": str(tmp_path / "a.usdz"), "arrays": None, "max_splats": 9, "max_bytes": 9999, "memory": 4 << 30}
    command = [sys.executable, "-m", "translight.splats.usd_reader", json.dumps(job | {"cpu_s": 60})]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert json.loads(run.stdout)["fields"][0]["count"] == 3


def test_the_schema_s_own_api_finds_every_value(random_cloud, tmp_path):
    cloud = random_cloud(20, 2)
    usd_write.write(tmp_path / "a.usda", cloud)
    stage = Usd.Stage.Open(str(tmp_path / "a.usda"))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetDefaultPrim().GetPath() == "/Splats"
    splats = UsdVol.ParticleField3DGaussianSplat(stage.GetPrimAtPath("/Splats/Gaussians"))
    prim = splats.GetPrim()
    known = set(prim.GetPrimDefinition().GetPropertyNames())
    assert {p.GetName() for p in prim.GetAuthoredProperties()} <= known
    assert np.array_equal(np.asarray(splats.GetPositionsAttr().Get()), cloud.means * np.float32(RUB))
    for i, quaternion in enumerate(splats.GetOrientationsAttr().Get()):
        w, x, y, z = cloud.wxyz[i].tolist()
        assert quaternion.GetReal() == w
        assert np.array_equal(np.array(quaternion.GetImaginary()), [x, -y, -z])
    assert np.array_equal(np.asarray(splats.GetScalesAttr().Get()), cloud.scales)
    assert np.array_equal(np.asarray(splats.GetOpacitiesAttr().Get()), cloud.opacities)
    assert splats.GetRadianceSphericalHarmonicsDegreeAttr().Get() == 2
    coefficients = np.asarray(splats.GetRadianceSphericalHarmonicsCoefficientsAttr().Get()).reshape(20, 9, 3)
    assert np.array_equal(coefficients[:, 0], cloud.sh[:, 0])
    # degree 1 is (−y, z, −x), and y and z are flipped
    assert np.array_equal(coefficients[:, 1:4], cloud.sh[:, 1:4] * np.float32([[-1], [-1], [1]]))
    low, high = np.asarray(UsdGeom.Boundable(prim).GetExtentAttr().Get())
    assert (low <= (cloud.means * RUB - cloud.scales.min(axis=1)[:, None])).all()
    assert (high >= (cloud.means * RUB + cloud.scales.min(axis=1)[:, None])).all()


@pytest.mark.parametrize("suffix", [".usda", ".usdz"])
def test_openusd_s_own_validators_are_content(random_cloud, tmp_path, suffix):
    """All that usd-core brings: composition, types of attributes, stage metadata, packages."""
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) >= 20
    context = UsdValidation.ValidationContext(validators)
    usd_write.write(tmp_path / f"a{suffix}", random_cloud(5, 1))
    errors = context.Validate(Usd.Stage.Open(str(tmp_path / f"a{suffix}")))
    assert [error.GetMessage() for error in errors] == []


def test_an_empty_cloud(random_cloud, tmp_path, read_here):
    usd_write.write(tmp_path / "a.usda", random_cloud(0))
    assert len(usd.decode(tmp_path / "a.usda")) == 0


BY_HAND = """#usda 1.0
(
    upAxis = "Z"
    metersPerUnit = 0.01
)
def Xform "World" {
    double3 xformOp:translate = (100, 200, 300)
    uniform token[] xformOpOrder = ["xformOp:translate"]
    def ParticleField3DGaussianSplat "A" {
        point3h[] positionsh = [(10, 20, 30), (0, 0, 0)]
        quath[] orientationsh = [(0, 1, 0, 0), (1, 0, 0, 0)]
        half3[] scalesh = [(1, 2, 4), (8, 8, 8)]
        half[] opacitiesh = [0.5, 1]
        uniform int radiance:sphericalHarmonicsDegree = 0
        half3[] radiance:sphericalHarmonicsCoefficientsh = [(1, 0, 0), (0, 1, 0)]
    }
}
def ParticleField3DGaussianSplat "B" {
    point3f[] positions = [(0, 0, 100)]
}
def Mesh "C" { }
"""


def test_a_file_by_hand(tmp_path, read_here):
    """Z up, centimetres, half floats, a transform, and a prim of positions alone, which the schema fills up."""
    (tmp_path / "a.usda").write_text(BY_HAND)
    cloud = usd.decode(tmp_path / "a.usda")
    # X 1.1 m right, Y 2.2 m forward, Z 3.3 m up is x 1.1, y −3.3, z 2.2 in RDF
    assert np.allclose(cloud.means, [[1.1, -3.3, 2.2], [1, -3, 2], [0, -1, 0]], atol=1e-6)
    assert np.allclose(cloud.scales[:2], [[0.01, 0.02, 0.04], [0.08, 0.08, 0.08]])
    assert np.allclose(cloud.scales[2], 0.01)  # one centimetre, the schema's default of 1
    turn = Pose.from_wxyz(cloud.wxyz[0]).rotation()
    covariance = turn @ np.diag(cloud.scales[0].astype(float) ** 2) @ turn.T
    assert np.allclose(covariance, np.diag([1e-4, 16e-4, 4e-4]), atol=1e-8)
    assert cloud.opacities.tolist() == [0.5, 1.0, 1.0]
    assert cloud.sh.tolist() == [[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 0]]]


def splats(text="", metadata="", around=""):
    head = f"#usda 1.0\n({metadata}\n)\n" if metadata else "#usda 1.0\n"
    inside = text or "point3f[] positions = [(0, 0, 0)]"
    return f'{head}def ParticleField3DGaussianSplat "A" {around}\n{{\n {inside}\n}}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('#usda 1.0\ndef Mesh "A" { }', "holds no ParticleField3DGaussianSplat"),
        (splats(metadata="subLayers = [@other.usda@]"), "refers to another file (other.usda); flatten it into one layer first"),
        (splats(around="(references = @/etc/passwd@</A>)"), "refers to another file (/etc/passwd); flatten it into one layer first"),
        (splats(around="(payload = @http://a/b.usd@)"), "refers to another file (http://a/b.usd); flatten it into one layer first"),
        (splats(around="(clips = { dictionary default = { asset[] assetPaths = [@b.usd@] } })"), "has value clips (/A), which are not read"),
        (splats("uniform int radiance:sphericalHarmonicsDegree = 4"), "/A: spherical harmonics of degree 4; degrees 0 to 3 are read"),
        (splats(metadata="metersPerUnit = 0"), "metersPerUnit is 0; a number above 0 is needed"),
        (splats("point3f[] positions = [(0,0,0)]\n float3[] scales = [(-1, 1, 1)]"), "1 splats have a negative scale, the first at index 0"),
        (splats("point3f[] positions = [(0,0,0)]\n float[] opacities = [1.5]"), "1 splats have an opacity outside 0 to 1, the first at index 0"),
        (splats("point3f[] positions = [(nan,0,0)]"), "1 splat has a NaN or infinite position, the first at index 0"),
        (splats("point3f[] positions = [(0,0,0)]\n quatf[] orientations = [(0,0,0,0)]"), "1 splat has a zero rotation quaternion, the first at index 0"),
        (splats("point3f[] positions = [(0,0,0)]\n float3 xformOp:scale = (1, 2, 1)\n uniform token[] xformOpOrder = [\"xformOp:scale\"]"), "a prim scales splats unequally, shears or mirrors them, which is not read"),
        (splats("point3f[] positions = [(0,0,0), (1,1,1), (2,2,2)]"), "/A has 3 splats; the limit leaves 2"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_refused_in_one_line(tmp_path, read_here, text, message):
    (tmp_path / "a.usda").write_text(text)
    with pytest.raises(FormatError) as caught:
        usd.decode(tmp_path / "a.usda", Limits(max_splats=2))
    assert str(caught.value) == f"OpenUSD: {message}"


def test_a_broken_file_is_one_line(tmp_path):
    for text, message in (
        (b"#usda 1.0\ndef {", f"broken: {tmp_path / 'a.usda'}:2:1: parse error"),
        (b"#usda 1.0\n\xff\xfe\x80 \xc3(", "broken: not UTF-8"),
    ):
        (tmp_path / "a.usda").write_bytes(text)
        with pytest.raises(FormatError) as caught:
            files.load(tmp_path / "a.usda")
        assert str(caught.value).startswith(f"{tmp_path / 'a.usda'}: OpenUSD: {message}"[:100])
        assert "\n" not in str(caught.value)


def test_a_reader_that_dies_is_a_broken_file(tmp_path, monkeypatch):
    (tmp_path / "a.usda").write_text(splats())
    for code, message in (
        ("import os; os.kill(os.getpid(), 11)", "OpenUSD: the file ended its reader (signal 11)"),
        ("print('half a')", "OpenUSD: the file ended its reader (status 0)"),
    ):
        real = subprocess.run
        monkeypatch.setattr(
            usd.subprocess, "run", lambda _, c=code, r=real, **more: r([sys.executable, "-c", c], **more)
        )
        with pytest.raises(FormatError) as caught:
            usd.decode(tmp_path / "a.usda")
        assert str(caught.value) == message
        monkeypatch.undo()


def test_a_reader_that_hangs_is_ended(tmp_path, monkeypatch):
    (tmp_path / "a.usda").write_text(splats())
    real = subprocess.run
    hang = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(usd.subprocess, "run", lambda _, **more: real(hang, **more))
    with pytest.raises(FormatError, match=r"^OpenUSD: takes longer than 0\.3 s to read$"):
        usd.decode(tmp_path / "a.usda", patience_s=0.3)


def test_without_usd_core_the_extra_is_named(tmp_path, monkeypatch, random_cloud):
    monkeypatch.setattr(
        usd.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, b'{"missing": true}', b"")
    )
    with pytest.raises(MissingExtra, match=r'usd-core, .* is not installed: pip install "translight\[usd\]"'):
        usd.decode(tmp_path / "a.usda")

    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(usd_write, "import_module", missing)
    with pytest.raises(MissingExtra, match=r"usd-core"):
        usd_write.write(tmp_path / "a.usda", random_cloud(1))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_the_reader_gives_up_memory_and_files_before_it_reads(tmp_path):
    """10^4 copies of 10^4 positions by internal references: a text of 300 kB, 1.2 GB in memory."""
    many = ", ".join("(1,1,1)" for _ in range(10_000))
    copies = "\n".join(f'def "C{i}" (references = </A>) {{\n}}' for i in range(10_000))
    (tmp_path / "a.usda").write_text(splats(f"point3f[] positions = [{many}]") + copies)
    with pytest.raises(FormatError) as caught:
        usd.decode(tmp_path / "a.usda", Limits(max_bytes=1 << 20))
    assert str(caught.value) in (
        "OpenUSD: unpacks to more than the limits allow",
        "OpenUSD: the file ended its reader (signal 25)",
    )
    code = (
        "import json, translight.splats.usd_reader as r\n"
        "r._bound({'memory': 4 << 30, 'cpu_s': 9, 'max_bytes': 9}, files=False)\n"
        "r._bound({}, files=True)\n"
        "try:\n    open('/dev/null')\nexcept OSError as error:\n    print(error.errno)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "24\n"


def test_the_reader_s_report_is_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(usd_reader, "_bound", lambda _, files: files)
    (tmp_path / "a.usda").write_text(splats())
    job = {"path": str(tmp_path / "a.usda"), "arrays": None, "max_splats": 5, "max_bytes": 9999}
    usd_reader.main(json.dumps(job))
    report = json.loads(capsys.readouterr().out)
    assert report["fields"] == [{"count": 1, "degree": 0, "matrix": np.eye(4).reshape(-1).tolist()}]
    assert (report["up_axis"], report["metres_per_unit"]) == ("Y", 0.01)


def test_columns_and_rows_are_not_mixed_up():
    matrix = Gf.Matrix4d().SetTranslate(Gf.Vec3d(1, 2, 3))
    assert [matrix[3][i] for i in range(3)] == [1, 2, 3]  # Gf's vectors are rows, so the shift is the last row
