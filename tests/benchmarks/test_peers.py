from __future__ import annotations

import shutil
import sys
import threading
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.errors import BackendError
from translight.core.pose import Pose, Similarity
from translight.render.contract import Scene
from translight.render.reference import open_backend
from translight.splats.cloud import SplatCloud

ROOT = Path(__file__).parents[2]
BROWSER_PEERS = ("playcanvas", "spark")
WIDTH_PX, HEIGHT_PX = 80, 60


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A placed and turned cloud with harmonics, some of it needles, in front of the views."""
    rng = np.random.default_rng(5)
    n = 300
    wxyz = rng.normal(size=(n, 4))
    cloud = SplatCloud(
        means=rng.uniform((-1, -1, -1), (1, 1, 1), (n, 3)).astype(np.float32),
        scales=np.exp(rng.uniform(-5.5, -2, (n, 3))).astype(np.float32),
        wxyz=(wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(0.1, 1.0, n).astype(np.float32),
        sh=(rng.normal(0, 1, (n, 16, 3)) * np.array([0.8] + [0.15] * 15)[:, None]).astype(np.float32),
    )
    return Scene.of(cloud, Similarity(1.5, Pose.from_wxyz((0.9, 0.3, -0.2, 0.1), (0.2, 4.0, 1.0))))


@pytest.fixture(scope="module")
def views() -> list[View]:
    """Two views at +Y, one of them off its axis."""
    upright = (np.sqrt(0.5), -np.sqrt(0.5), 0.0, 0.0)
    shifted = Camera(WIDTH_PX, HEIGHT_PX, 90.0, 80.0, 30.0, 36.0)
    return [
        View(Pose.from_wxyz(upright, (0.0, 0.0, 1.0)), Camera.from_fov(WIDTH_PX, HEIGHT_PX, horizontal_deg=60)),
        View(Pose.from_wxyz(upright, (0.5, 0.8, 1.3)), shifted),
    ]


@pytest.fixture(scope="module")
def wanted(scene: Scene, views: list[View]) -> list[np.ndarray]:
    return [np.clip(frame.rgba[..., :3], 0.0, 1.0) for frame in open_backend().render(scene, views)]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(max(np.mean((a - b) ** 2), 1e-12)))


def _draws_the_same(name: str, scene: Scene, views: list[View], wanted: list[np.ndarray], least_db: float) -> None:
    from benchmarks.peers import open_peer

    threads = threading.active_count()
    peer = open_peer(name, scene, WIDTH_PX, HEIGHT_PX)
    try:
        measured = peer.measure(views, 2)
        with pytest.raises(ValueError, match="opened for 80x60 pixels, got a view of 40x60"):
            peer.measure([View(views[0].stage_from_camera, views[0].camera.resized(40, 60))], 1)
    finally:
        peer.close()
        peer.close()
    assert peer.name == name
    assert len(peer.version.splitlines()) == 1
    assert len(measured.milliseconds) == 4
    assert min(measured.milliseconds) > 0
    for picture, expected in zip(measured.pictures, wanted, strict=True):
        assert picture.shape == (HEIGHT_PX, WIDTH_PX, 3)
        assert picture.dtype == np.float32
        assert psnr(picture, expected) > least_db
    assert threading.active_count() == threads


def test_torch_draws_the_same(scene: Scene, views: list[View], wanted: list[np.ndarray]) -> None:
    pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
    _draws_the_same("torch", scene, views, wanted, 60.0)


def test_torch_draws_an_empty_scene_black(views: list[View]) -> None:
    pytest.importorskip("torch", reason="torch is not installed", exc_type=ImportError)
    from benchmarks.peers import open_peer

    nothing = SplatCloud(*(np.zeros(shape, np.float32) for shape in ((0, 3), (0, 3), (0, 4), (0,), (0, 4, 3))))
    peer = open_peer("torch", Scene.of(nothing), WIDTH_PX, HEIGHT_PX)
    try:
        measured = peer.measure(views[:1], 1)
    finally:
        peer.close()
    assert not measured.pictures[0].any()


def test_moderngl_draws_the_same(scene: Scene, views: list[View], wanted: list[np.ndarray]) -> None:
    pytest.importorskip("moderngl", reason="moderngl is not installed", exc_type=ImportError)
    from benchmarks.peers.moderngl_quads import open_peer

    try:
        open_peer(scene, WIDTH_PX, HEIGHT_PX).close()
    except BackendError as error:
        pytest.skip(str(error))
    _draws_the_same("moderngl", scene, views, wanted, 40.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BROWSER_PEERS, "playcanvas-swiftshader"])
def test_a_browser_draws_the_same(name: str, scene: Scene, views: list[View], wanted: list[np.ndarray]) -> None:
    from benchmarks.peers import open_peer

    try:
        open_peer(name, scene, WIDTH_PX, HEIGHT_PX).close()
    except BackendError as error:
        if " needs " not in str(error):
            raise
        pytest.skip(str(error))
    _draws_the_same(name, scene, views, wanted, 35.0)


def test_every_peer_of_the_table_has_a_module() -> None:
    from benchmarks.peers import PEERS

    assert set(PEERS) == {"moderngl", "torch", *BROWSER_PEERS, *(f"{name}-swiftshader" for name in BROWSER_PEERS)}
    for module, *_ in PEERS.values():
        assert find_spec(module) is not None


def test_an_unknown_peer_is_refused(scene: Scene) -> None:
    from benchmarks.peers import open_peer

    with pytest.raises(BackendError, match=r"^no peer 'blender'; there are: moderngl, playcanvas, .*, torch$"):
        open_peer("blender", scene, WIDTH_PX, HEIGHT_PX)


@pytest.mark.parametrize("name", ["torch", "moderngl"])
def test_a_missing_package_says_what_installs_it(name: str, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.peers import open_peer

    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        BackendError, match=rf'^the {name} peer cannot be imported: .*; pip install "translight\[peers\]"$'
    ):
        open_peer(name, scene, WIDTH_PX, HEIGHT_PX)


@pytest.mark.parametrize("name", BROWSER_PEERS)
def test_a_missing_browser_says_what_installs_it(name: str, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.peers import open_peer

    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BackendError, match=f"^the {name} peer needs Chromium: apt-get install chromium$"):
        open_peer(name, scene, WIDTH_PX, HEIGHT_PX)


@pytest.mark.parametrize(("name", "package"), [("playcanvas", "playcanvas"), ("spark", "@sparkjsdev/spark")])
def test_a_missing_viewer_says_what_installs_it(
    name: str, package: str, scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from benchmarks.peers import browser, open_peer

    monkeypatch.setattr(shutil, "which", lambda command: f"/usr/bin/{command}")
    monkeypatch.setattr(browser, "_FOLDER", tmp_path)
    line = f"the {name} peer needs {package}: npm install --prefix benchmarks/peers --ignore-scripts --no-package-lock"
    with pytest.raises(BackendError) as caught:
        open_peer(name, scene, WIDTH_PX, HEIGHT_PX)
    assert str(caught.value) == line


def test_a_page_is_told_the_same_camera(views: list[View]) -> None:
    from benchmarks.peers.browser import told_view

    points = np.array([[0.3, 4.0, 1.2], [-0.8, 6.0, 0.4]])
    for view in views:
        told = told_view(view)
        x, y, z, w = told["quaternion"]
        seen = Pose.from_wxyz((w, x, y, z), told["position"]).inverse().apply(points)
        clip = np.column_stack([seen, np.ones(2)]) @ np.reshape(told["projection"], (4, 4))
        ndc = clip[:, :2] / clip[:, 3:]
        pixels = (ndc * (1, -1) + 1) / 2 * (WIDTH_PX, HEIGHT_PX)
        assert pixels == pytest.approx(view.camera.project(view.stage_from_camera.inverse().apply(points)))


def test_the_server_serves_the_page_and_nothing_beside_it(tmp_path: Path) -> None:
    from benchmarks.peers.peer_server import PeerServer

    splats = tmp_path / "scene.ply"
    splats.write_bytes(b"ply")
    server = PeerServer(ROOT / "benchmarks" / "peers", splats, '{"viewer": "none"}')
    try:
        host = server.url.removesuffix("/page/index.html")

        def get(path: str) -> bytes:
            with urllib.request.urlopen(host + path, timeout=10) as answer:
                return bytes(answer.read())

        assert b"importmap" in get("/page/index.html")
        assert get("/scene.ply") == b"ply"
        assert get("/scene.json") == b'{"viewer": "none"}'
        for path in ("/browser.py", "/page/../browser.py", "/page/nothing.js"):
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                get(path)
            refused.value.close()
        server.ask('{"rounds": 1}')
        assert get("/task") == b'{"rounds": 1}'
        assert get("/task") == b""
        with urllib.request.urlopen(host + "/ready", data=b"me", timeout=10) as answer:
            assert answer.status == 204
        assert server.answer(5.0, lambda: True) == ("ready", b"me")
        assert server.answer(5.0, lambda: False) is None
    finally:
        server.close()
