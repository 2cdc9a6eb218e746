"""The render command on files: pictures read back, films decoded, and every refusal one line."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
import tyro

from translight.commands.render import Render
from translight.core.errors import BackendError, FormatError, ShowError
from translight.core.image import load_image
from translight.environment import files
from translight.environment.environment import Environment
from translight.render.contract import Scene
from translight.render.reference import ReferenceRenderer
from translight.splats.cloud import SplatCloud

SCENE = Path("ball.tlenv")
CAMERA = "position=0,-3,0 target=0,0,0 fov=60"


@pytest.fixture
def environment(monkeypatch, cloud_of):
    """One red, nearly opaque ball of a metre around the stage's origin, instead of a file; ``with_`` changes it."""
    state = {"environment": Environment("ball", cloud_of([0, 0, 0], 0.3, opacity=0.99, sh=[1.7, -1.7, -1.7]))}

    def with_(**changes: object) -> None:
        kept = {name: getattr(state["environment"], name) for name in Environment.__dataclass_fields__}
        state["environment"] = Environment(**{**kept, **changes})

    monkeypatch.setattr(files, "load_environment", lambda _: state["environment"])
    return with_


def render(**values: object) -> int:
    return Render(**{"scene": SCENE, "size": "65x37", "backend": "reference", **values}).run()  # type: ignore[arg-type]


def test_command_line():
    command = tyro.cli(Render, args=["x.ply", "-o", "a.png", "--camera", CAMERA, "--size", "64x36"])
    assert (command.scene, command.output, command.camera) == (Path("x.ply"), Path("a.png"), CAMERA)


def test_png_is_what_the_renderer_draws(environment, tmp_path, capsys):
    assert render(output=tmp_path / "a.png", camera=CAMERA) == 0
    picture = load_image(tmp_path / "a.png")
    assert picture.shape == (37, 65, 3)
    np.testing.assert_allclose(picture[18, 32], [247, 5, 5], atol=1)
    assert not picture[:, 0].any()
    assert capsys.readouterr().out == f"{tmp_path / 'a.png'}: 65x37, reference backend\n"


def test_a_tint_is_a_factor_of_light(environment, tmp_path):
    """sRGB 247 is linear 0.93; a quarter of that is sRGB 132. Green and blue are dark already."""
    assert render(output=tmp_path / "a.png", camera=CAMERA, tint=(0.25, 1.0, 0.0)) == 0
    np.testing.assert_allclose(load_image(tmp_path / "a.png")[18, 32], [132, 5, 0], atol=1)


def test_the_filter_is_the_environments_own_unless_asked(environment, tmp_path):
    """From 300 m the ball is a tenth of a pixel wide: with the filter it all but vanishes."""
    far = "position=0,-300,0 target=0,0,0 fov=60"
    environment(antialiased=True)
    brightest = {}
    for choice in ("own", "on", "off"):
        render(output=tmp_path / "a.png", camera=far, antialiased=choice)
        brightest[choice] = int(load_image(tmp_path / "a.png").max())
    assert brightest["own"] == brightest["on"] < 20
    assert brightest["off"] > 100


def test_median_depth_is_the_balls(environment, tmp_path):
    depths = {}
    for kind in ("expected", "median"):
        render(output=tmp_path / "a.png", camera=CAMERA, depth=tmp_path / "z.exr", depth_kind=kind)
        depths[kind] = load_image(tmp_path / "z.exr")
    assert depths["median"][18, 32] == pytest.approx(3.0)
    seen = {kind: np.isfinite(depth).sum() for kind, depth in depths.items()}
    assert 0 < seen["median"] < seen["expected"]


def test_exr_is_linear_half(environment, tmp_path):
    render(output=tmp_path / "a.exr", camera=CAMERA)
    environment(encoding="linear")
    render(output=tmp_path / "b.exr", camera=CAMERA)
    from_srgb, linear = load_image(tmp_path / "a.exr"), load_image(tmp_path / "b.exr")
    # sRGB 0.969 is linear 0.932 (IEC 61966-2-1)
    np.testing.assert_allclose([from_srgb[18, 32, 0], linear[18, 32, 0]], [0.9317, 0.9698], atol=2e-3)


def test_depth(environment, tmp_path):
    render(output=tmp_path / "a.png", camera=CAMERA, depth=tmp_path / "z.exr")
    depth = load_image(tmp_path / "z.exr")
    assert depth[18, 32] == pytest.approx(3.0)
    assert np.isposinf(depth[0, 0])


def test_background_and_transparency(environment, tmp_path):
    render(output=tmp_path / "a.png", camera=CAMERA, background="#0080ff")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png")[0, 0], [0, 128, 255])
    render(output=tmp_path / "b.png", camera=CAMERA, background="transparent")
    picture = load_image(tmp_path / "b.png")
    np.testing.assert_array_equal(picture[0, 0], [0, 0, 0, 0])
    assert picture[18, 32, 3] > 250


def test_sky_shows_unless_a_background_replaces_it(environment, tmp_path):
    environment(sky=np.full((2, 4, 3), 0.21404114, np.float32))
    render(output=tmp_path / "a.png", camera=CAMERA)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png")[0, 0], [128, 128, 128])
    render(output=tmp_path / "a.png", camera=CAMERA, background="white")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png")[0, 0], [255, 255, 255])


def test_without_a_camera_the_scene_is_framed(environment, tmp_path):
    render(output=tmp_path / "a.png")
    picture = load_image(tmp_path / "a.png").astype(int)
    assert picture[18, 32, 0] > 200
    rows, columns = np.nonzero(picture[..., 0] > 20)
    assert abs(columns.mean() - 32) < 1
    assert abs(rows.mean() - 18) < 1


def write_cameras(path: Path, *positions: list[float], **intrinsics: object) -> Path:
    entries = [
        {"name": str(i), "look_at": {"position_m": p, "target_m": [0, 0, 0]}, "time_s": 0.25 * i}
        for i, p in enumerate(positions)
    ]
    if intrinsics:
        entries[0]["intrinsics"] = intrinsics
    path.write_text(json.dumps(entries))
    return path


def test_camera_from_a_file(environment, tmp_path):
    cameras = write_cameras(tmp_path / "cameras.json", [0, -30, 0], [0, -3, 0])
    render(output=tmp_path / "far.png", camera=str(cameras))
    render(output=tmp_path / "near.png", camera=f"{cameras}#1")
    far, near = ((load_image(tmp_path / name)[..., 0] > 20).sum() for name in ("far.png", "near.png"))
    assert far < near / 10
    with pytest.raises(ShowError, match=r"cameras\.json holds no camera 'x'; there are: '0', '1'"):
        render(output=tmp_path / "a.png", camera=f"{cameras}#x")


def test_the_packages_own_cameras(tmp_path, cloud_of):
    cameras = json.loads(write_cameras(tmp_path / "cameras.json", [0, -30, 0], [0, -3, 0]).read_bytes())
    environment = Environment("ball", cloud_of([0, 0, 0], 0.3, opacity=0.99, sh=[1.7, -1.7, -1.7]))
    files.save_environment(environment, tmp_path / "a.tlenv", cameras=cameras)
    files.save_environment(environment, tmp_path / "b.tlenv")
    render(scene=tmp_path / "a.tlenv", output=tmp_path / "near.png", camera="#1")
    assert (load_image(tmp_path / "near.png")[..., 0] > 20).sum() > 300
    render(scene=tmp_path / "a.tlenv", output=tmp_path / "a.mp4", path="#", size="64x36", frames=2)
    assert len(film_of(tmp_path / "a.mp4")[0]) == 2
    with pytest.raises(ShowError, match=r"b\.tlenv holds no cameras of its own"):
        render(scene=tmp_path / "b.tlenv", output=tmp_path / "near.png", camera="#1")
    with pytest.raises(ShowError, match=r"a\.tlenv holds no camera 'x'; there are: '0', '1'"):
        render(scene=tmp_path / "a.tlenv", output=tmp_path / "near.png", camera="#x")


def film_of(path: Path) -> tuple[list[np.ndarray], float]:
    with av.open(str(path)) as container:
        rate = float(container.streams.video[0].average_rate)
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], rate


def test_orbit_film(environment, tmp_path, capsys):
    assert render(output=tmp_path / "a.mp4", path="orbit", size="64x36", frames=5, fps="23.976") == 0
    frames, rate = film_of(tmp_path / "a.mp4")
    assert len(frames) == 5
    assert rate == pytest.approx(24000 / 1001)
    assert all(frame.shape == (36, 64, 3) and frame[18, 32, 0] > 200 for frame in frames)
    assert "64x36, 5 frames, reference backend" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_film_through_cameras(environment, tmp_path):
    """Half a second at 12 frames a second: seven pictures, both ends included, the ball growing."""
    cameras = write_cameras(tmp_path / "cameras.json", [0, -9, 0], [0, -6, 0], [0, -3, 0])
    render(output=tmp_path / "a.mp4", path=str(cameras), size="64x36", fps="12")
    sizes = [(frame[..., 0] > 100).sum() for frame in film_of(tmp_path / "a.mp4")[0]]
    assert len(sizes) == 7
    assert sizes == sorted(sizes)
    render(output=tmp_path / "a.mp4", path=str(cameras), size="64x36", frames=3)
    assert len(film_of(tmp_path / "a.mp4")[0]) == 3


def test_interrupted_film_leaves_nothing(environment, tmp_path, monkeypatch):
    drawn = []

    def two_then_ctrl_c(self: ReferenceRenderer, scene: Scene, views: object, out: object = None) -> object:
        drawn.append(1)
        if len(drawn) > 2:
            raise KeyboardInterrupt
        return original(self, scene, views, out)  # type: ignore[arg-type]

    original = ReferenceRenderer.render
    monkeypatch.setattr(ReferenceRenderer, "render", two_then_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        render(output=tmp_path / "a.mp4", path="orbit", size="64x36", frames=5)
    assert len(drawn) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"output": "a.jpg"}, "--output: a picture is a .png or .exr, got 'a.jpg'"),
        ({"output": "a.mp4"}, "--output: a picture is a .png or .exr, got 'a.mp4'; a film wants --path"),
        ({"output": "a.png", "path": "orbit"}, "--output: a film is an .mp4, got 'a.png'"),
        ({"output": "a.mp4", "path": "orbit", "camera": CAMERA}, "--path: a film takes neither --camera nor --depth"),
        ({"output": "a.mp4", "path": "orbit", "background": "transparent"}, "--background: a film is not transparent"),
        ({"output": "a.mp4", "path": "orbit", "size": "63x36"},
         "--size: a film's width and height are even, got 63x36"),
        ({"output": "a.mp4", "path": "orbit", "frames": 0}, "--frames: 1 to 1000000, got 0"),
        ({"output": "a.mp4", "path": "orbit", "fps": "0"}, "--fps: a frame rate is between 1 and 1000, got 0"),
        ({"output": "a.png", "frames": 3}, "--frames: only a film has frames; it wants --path"),
        ({"output": "a.png", "tint": (1.0, -1.0, 1.0)}, "--tint: three factors from 0 to 100, got 1.0 -1.0 1.0"),
        ({"output": "a.png", "depth": "z.png"}, "--depth: depth is written as .exr, got 'z.png'"),
        ({"output": "a.png", "size": "64"}, "--size: wants WIDTHxHEIGHT such as 1280x720, got '64'"),
        ({"output": "a.png", "size": "0x5"}, "--size: 1 to 65536 pixels a side, got 0x5"),
        ({"output": "a.png", "background": "red"},
         "--background: a background is black, white, transparent or #rrggbb, got 'red'"),
        ({"output": "no/a.png"}, "--output: there is no folder no"),
        ({"output": "a.png", "camera": "x.json"},
         "x.json: No such file or directory; cameras are position=X,Y,Z … or a cameras.json"),
    ],
)  # fmt: skip
def test_refusals_are_one_line(environment, tmp_path, monkeypatch, values, message):
    monkeypatch.chdir(tmp_path)
    paths = {name: Path(value) if name in ("output", "depth") else value for name, value in values.items()}
    with pytest.raises(ShowError) as error:
        render(**paths)
    assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []


def test_cameras_of_several_sizes_want_one(environment, tmp_path):
    cameras = write_cameras(tmp_path / "c.json", [0, -9, 0], [0, -3, 0], width_px=96, height_px=54, fov_deg=50)
    with pytest.raises(ShowError, match=r"c\.json holds cameras of 2 sizes; --size makes them one"):
        render(output=tmp_path / "a.mp4", path=str(cameras), size=None)


def test_a_named_backend_never_falls_back(environment, tmp_path):
    with pytest.raises(BackendError, match="no renderer backend 'gpu'"):
        render(output=tmp_path / "a.png", camera=CAMERA, backend="gpu")


def test_a_missing_scene_is_one_line(tmp_path):
    with pytest.raises(FormatError) as error:
        render(scene=tmp_path / "no.ply", output=tmp_path / "a.png")
    assert "no.ply" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bare_splat_file(tmp_path, cloud_of):
    """From disk, by every room's real code: RDF's −y is the stage's +z, so the blue splat is drawn above."""
    from translight.splats import ply

    cloud: SplatCloud = cloud_of(
        [[0, -0.5, 0], [0, 0.5, 0]], 0.1, opacity=0.99, sh=[[-1.7, -1.7, 1.7], [1.7, -1.7, -1.7]]
    )
    (tmp_path / "two.ply").write_bytes(ply.encode(cloud))
    render(scene=tmp_path / "two.ply", output=tmp_path / "a.png", camera=CAMERA)
    picture = load_image(tmp_path / "a.png").astype(int)
    assert picture[:18, :, 2].max() > 200
    assert picture[18:, :, 0].max() > 200
    assert picture[:18, :, 0].max() < 50
