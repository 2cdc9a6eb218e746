"""A splat viewer of the web in headless Chromium; page/ runs it there, and peer_server.py stands between.

Chromium draws with Mesa's llvmpipe, or with SwiftShader, its own renderer on the processor, which is what a machine
without Mesa gets: PlayCanvas takes half as long again, Spark five times as long, as each instance is drawn by itself.

A viewer sorts in a worker, and goes on drawing in the old order meanwhile. So a frame is timed after the order of its
view has arrived and has been drawn with once. It holds what the viewer does for any frame: every splat's projection in
the vertex shader, blending, the engine's own work. It does not hold the sort, its upload, and what is made anew only
when the camera has moved, such as colours: that is in the viewers' favour.

Debian's ``chromium``, ``libegl1``, ``libgles2`` and ``libgl1-mesa-dri`` are needed, and what is in package.json:
``npm install --prefix benchmarks/peers --ignore-scripts --no-package-lock``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from benchmarks.peers import Measured, check_sizes, llvmpipe
from benchmarks.peers.peer_server import PeerServer
from translight.core.camera import View
from translight.core.errors import BackendError
from translight.core.pose import Pose
from translight.render.contract import Scene
from translight.splats.files import save

FAR_M = 1000.0
_FOLDER = Path(__file__).parent
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--ignore-gpu-blocklist",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-default-apps", "--disable-extensions", "--disable-breakpad", "--no-default-browser-check",
    "--disable-dev-shm-usage", "--disable-gpu-watchdog", "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling", "--force-device-scale-factor=1", "--no-pings",
)  # fmt: skip
_DRAWN_BY = {
    "llvmpipe": ("--use-angle=gl-egl",),
    "swiftshader": ("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
}
_OPENCV_FROM_GL = Pose.from_wxyz((0.0, 1.0, 0.0, 0.0))
_LOADING_S, _FRAME_S = 300.0, 60.0
"""How long a viewer may take to load, and for a frame with its sort."""


class BrowserPeer:
    """Runs a viewer of page/ with one scene at one size, drawn with llvmpipe or swiftshader."""

    def __init__(
        self, name: str, packages: Sequence[str], scene: Scene, width_px: int, height_px: int, drawn_by: str
    ) -> None:
        self.name = name if drawn_by == "llvmpipe" else f"{name}-{drawn_by}"
        self._width, self._height = width_px, height_px
        chromium, versions = _chromium(name), {package: _package_version(name, package) for package in packages}
        self._server: PeerServer | None = None
        self._browser: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="translight-peer-", ignore_cleanup_errors=True)
        try:
            splats = Path(self._folder.name) / "scene.ply"
            (layer,) = scene.layers
            save(splats, layer.splats)
            told = {"viewer": name, "width": width_px, "height": height_px, "packages": versions}
            told["splats"] = _placed(layer.stage_from_scene.pose) | {"scale": layer.stage_from_scene.scale}
            self._server = PeerServer(_FOLDER, splats, json.dumps(told))
            profile = f"--user-data-dir={self._folder.name}/profile"
            size = f"--window-size={width_px},{height_px}"
            self._browser = subprocess.Popen(
                [chromium, *_FLAGS, *_DRAWN_BY[drawn_by], profile, size, self._server.url],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                env=os.environ | llvmpipe.ENVIRONMENT,
            )  # fmt: skip
            kind, body = self._answer(_LOADING_S)
            assert kind == "ready", kind
            found = body.decode()
            if drawn_by not in found.lower():
                raise llvmpipe.missing(name, found)
            self.version = f"{found}, {_version_line(chromium)}"
        except BaseException:
            self.close()
            raise

    def measure(self, views: Sequence[View], rounds: int) -> Measured:
        """See ``Peer``."""
        check_sizes(views, self._width, self._height)
        if self._server is None:
            raise BackendError(f"the {self.name} peer is closed")
        self._server.ask(json.dumps({"views": [told_view(view) for view in views], "rounds": rounds}))
        pictures = []
        for _ in views:
            kind, body = self._answer(_FRAME_S)
            assert kind == "picture", kind
            pictures.append(self._picture(body))
        kind, body = self._answer(_FRAME_S * max(1, rounds * len(views)))
        assert kind == "measured", kind
        return Measured(json.loads(body), pictures)

    def close(self) -> None:
        """End Chromium and the server, and remove the profile."""
        if self._browser is not None:
            with suppress(ProcessLookupError):
                # Its own session, so that the processes that Chromium starts end with it.
                os.killpg(self._browser.pid, signal.SIGKILL)
            self._browser.wait()
            self._browser = None
        if self._server is not None:
            self._server.close()
            self._server = None
        self._folder.cleanup()

    def _answer(self, seconds: float) -> tuple[str, bytes]:
        assert self._server is not None
        assert self._browser is not None
        answer = self._server.answer(seconds, lambda: self._browser is not None and self._browser.poll() is None)
        if answer is None:
            raise BackendError(f"the {self.name} peer did not answer within {seconds:g} s, or Chromium ended")
        if answer[0] == "error":
            raise BackendError(f"the {self.name} peer failed: {' '.join(answer[1].decode().split())}")
        return answer

    def _picture(self, rgba: bytes) -> Float32[np.ndarray, "h w 3"]:
        upwards = np.frombuffer(rgba, np.uint8).reshape(self._height, self._width, 4)
        return upwards[::-1, :, :3].astype(np.float32) / 255


def _placed(world_from_object: Pose) -> dict[str, Any]:
    w, x, y, z = world_from_object.wxyz.tolist()
    return {"position": world_from_object.position_m.tolist(), "quaternion": [x, y, z, w]}


def told_view(view: View) -> dict[str, Any]:
    """A view as the pages take it: pose in OpenGL's camera axes, projection column by column."""
    near, far = view.near_m, FAR_M
    left, right, bottom, top = view.camera.frustum(near)
    rows = np.array([
        [2 * near / (right - left), 0, (right + left) / (right - left), 0],
        [0, 2 * near / (top - bottom), (top + bottom) / (top - bottom), 0],
        [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)],
        [0, 0, -1, 0],
    ])  # fmt: skip
    told = _placed(view.stage_from_camera @ _OPENCV_FROM_GL)
    return told | {"projection": rows.T.ravel().tolist(), "near": near, "far": far}


def _chromium(peer: str) -> str:
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    raise BackendError(f"the {peer} peer needs Chromium: apt-get install chromium")


def _version_line(chromium: str) -> str:
    said = subprocess.run([chromium, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    return " ".join(said.split()[:2])


def _package_version(peer: str, package: str) -> str:
    described = _FOLDER / "node_modules" / package / "package.json"
    if not described.is_file():
        raise BackendError(
            f"the {peer} peer needs {package}: npm install --prefix benchmarks/peers --ignore-scripts --no-package-lock"
        )
    version: str = json.loads(described.read_text(encoding="utf-8"))["version"]
    return version
