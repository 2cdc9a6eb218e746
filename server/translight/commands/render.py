"""``translight render``: one picture of an environment, or a film along a camera path."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from translight.core.errors import ShowError

if TYPE_CHECKING:
    import numpy as np

    from translight.core.camera import View
    from translight.environment.environment import Environment
    from translight.render.cameras import NamedView
    from translight.render.contract import Frame, Renderer, Scene

_STILLS = (".png", ".exr")
_FILM = ".mp4"
_ORBIT = "orbit"
_ORBIT_S = 8.0
_MAX_SIDE_PX = 65536
_MAX_FRAMES = 1_000_000
_MOST_TINT = 100.0


@dataclass(frozen=True)
class Render:
    """Render an environment, or a bare splat file, to a picture or a film."""

    scene: Annotated[Path, tyro.conf.Positional]
    """A .tlenv package, or a splat file of any format that is read."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """A .png (sRGB, 8 bits) or .exr (linear, half); with --path an .mp4 (H.264)."""
    camera: str | None = None
    """Such as "position=0,-4,1.6 target=0,0,1 fov=60" (metres, degrees, stage axes; also pan=, tilt=, roll=, near=),
    or a cameras.json's first entry, or FILE#NAME for another; #NAME is one of the package's own cameras.
    Without it, a view is found that shows the scene."""
    path: str | None = None
    """A film's camera move: orbit, or a cameras.json whose entries it passes through; # for the package's own."""
    size: str | None = None
    """WIDTHxHEIGHT in pixels; a cameras.json's own, or else 1280x720."""
    backend: str = "auto"
    """The renderer: auto takes the fastest that works here; a named one never falls back."""
    depth: Path | None = None
    """Also write the picture's depth here: an .exr with camera-frame z in metres, infinite where nothing is seen."""
    depth_kind: Literal["expected", "median"] = "expected"
    """expected is the mean over what a pixel shows; median, where half of its light is taken, belongs to one thing."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Relight it: factors of red, green and blue in linear light, the sky's too."""
    antialiased: Literal["own", "on", "off"] = "own"
    """Mip-Splatting's 2D filter, for splats that were trained with it: own is as the environment's manifest says."""
    background: str | None = None
    """black, white, #rrggbb or transparent. It takes the place of the environment's sky; without it, sky or black."""
    fps: str = "24"
    """A film's frames a second: 24, 23.976, 24000/1001 …"""
    frames: int | None = None
    """A film's length. Without it, 8 seconds for an orbit; a cameras.json's time_s, or 2 seconds between entries."""

    def run(self) -> int:
        """Write the picture or the film; what was written is told on standard output."""
        size = parse_size(self.size)
        self._check()
        from translight.environment.files import load_environment
        from translight.render.backends import open_renderer
        from translight.render.scene import scene_of

        environment = load_environment(self.scene)
        if self.background is not None:
            environment = replace(environment, sky=None)
        if self.antialiased != "own":
            environment = replace(environment, antialiased=self.antialiased == "on")
        scene = _tinted(scene_of(environment), self.tint)
        views, rate = self._views(scene, size)
        develop = _developer(environment, self.background, half=self.output.suffix.lower() == ".exr")
        with open_renderer(self.backend, progress=_say) as renderer:
            if self.path is None:
                self._write_still(renderer, scene, views[0], develop)
            else:
                _write_film(self.output, renderer, scene, views, rate, develop)
            camera, count = views[0].camera, f", {len(views)} frames" if self.path is not None else ""
            print(f"{self.output}: {camera.width_px}x{camera.height_px}{count}, {renderer.name} backend")
        return 0

    def _check(self) -> None:
        """What can be refused before anything is loaded."""
        from translight.render.picture import parse_background

        suffix = self.output.suffix.lower()
        if self.path is None and suffix not in _STILLS:
            hint = "; a film wants --path" if suffix == _FILM else ""
            raise ShowError(f"--output: a picture is a .png or .exr, got {self.output.name!r}{hint}")
        if self.path is not None and suffix != _FILM:
            raise ShowError(f"--output: a film is an .mp4, got {self.output.name!r}")
        if self.path is not None and (self.camera is not None or self.depth is not None):
            raise ShowError("--path: a film takes neither --camera nor --depth")
        if self.depth is not None and self.depth.suffix.lower() != ".exr":
            raise ShowError(f"--depth: depth is written as .exr, got {self.depth.name!r}")
        if self.path is None and self.frames is not None:
            raise ShowError("--frames: only a film has frames; it wants --path")
        if self.frames is not None and not 1 <= self.frames <= _MAX_FRAMES:
            raise ShowError(f"--frames: 1 to {_MAX_FRAMES}, got {self.frames}")
        if not all(0 <= factor < _MOST_TINT for factor in self.tint):
            raise ShowError(f"--tint: three factors from 0 to {_MOST_TINT:g}, got {' '.join(map(str, self.tint))}")
        for folder in {file.parent for file in (self.output, self.depth) if file is not None}:
            if not folder.is_dir():
                raise ShowError(f"--output: there is no folder {folder}")
        try:
            background = None if self.background is None else parse_background(self.background)
        except ValueError as error:
            raise ShowError(f"--background: {error}") from error
        if self.path is not None and self.background is not None and background is None:
            raise ShowError("--background: a film is not transparent")

    def _views(self, scene: Scene, size: tuple[int, int] | None) -> tuple[list[View], Fraction]:
        """What is drawn, in order, and how fast it is shown."""
        from translight.core.camera import Camera, View
        from translight.core.clock import parse_rate
        from translight.render.cameras import DEFAULT_FOV_DEG, DEFAULT_NEAR_M, DEFAULT_SIZE, look_at, parse_camera
        from translight.render.framing import framing
        from translight.render.paths import orbit

        try:
            rate = parse_rate(self.fps)
        except ValueError as error:
            raise ShowError(f"--fps: {error}") from error
        if self.camera is not None:
            if "=" in self.camera.split("#")[0]:
                return [parse_camera(self.camera, size or DEFAULT_SIZE)], rate
            file, _, name = self.camera.partition("#")
            return [_named(self._cameras(file, size), file or str(self.scene), name)], rate
        if self.path is not None and self.path != _ORBIT:
            return self._move(self._cameras(self.path.removesuffix("#"), size), rate), rate
        camera = Camera.from_fov(*(size or DEFAULT_SIZE), horizontal_deg=DEFAULT_FOV_DEG)
        seen = framing(scene, camera)
        if self.path is None:
            return [View(look_at(seen.eye_m, seen.target_m), camera, DEFAULT_NEAR_M)], rate
        return orbit(seen, camera, self.frames or round(_ORBIT_S * rate), DEFAULT_NEAR_M), rate

    def _cameras(self, file: str, size: tuple[int, int] | None) -> list[NamedView]:
        """A cameras.json's views; the package's own where ``file`` is empty."""
        from translight.environment.files import load_json_part
        from translight.environment.package import is_package
        from translight.render.cameras import parse_cameras

        if file:
            try:
                return parse_cameras(Path(file).read_bytes(), file, size)
            except OSError as error:
                what = error.strerror or error
                raise ShowError(f"{file}: {what}; cameras are position=X,Y,Z … or a cameras.json") from error
        own = load_json_part(self.scene, "cameras") if is_package(self.scene) else None
        if own is None:
            raise ShowError(f"{self.scene} holds no cameras of its own")
        return parse_cameras(json.dumps(own).encode(), f"{self.scene}: cameras.json", size)

    def _move(self, stops: list[NamedView], rate: Fraction) -> list[View]:
        """A film's views from a file: its times decide the length, or ``frames`` spread over its times."""
        from translight.render.paths import through, times_of

        sizes = {(stop.view.camera.width_px, stop.view.camera.height_px) for stop in stops}
        if len(sizes) > 1:
            raise ShowError(f"--path: {self.path} holds cameras of {len(sizes)} sizes; --size makes them one")
        try:
            times = times_of(stops)
        except ValueError as error:
            raise ShowError(f"--path: {self.path}: {error}") from error
        count = self.frames or min(round(times[-1] * rate) + 1, _MAX_FRAMES)
        step = times[-1] / max(count - 1, 1)
        return [through(stops, times, i * step) for i in range(count)]

    def _write_still(
        self, renderer: Renderer, scene: Scene, view: View, develop: Callable[[Frame], np.ndarray]
    ) -> None:
        from translight.core.image import save_image

        frame = renderer.render(scene, [view], depth=self.depth_kind)[0]
        save_image(self.output, develop(frame))
        if self.depth is not None:
            save_image(self.depth, frame.depth)


def _write_film(
    path: Path,
    renderer: Renderer,
    scene: Scene,
    views: list[View],
    rate: Fraction,
    develop: Callable[[Frame], np.ndarray],
) -> None:
    from rich.console import Console
    from rich.progress import track

    from translight.render.contract import Frame
    from translight.render.movie import film

    camera = views[0].camera
    if camera.width_px % 2 or camera.height_px % 2:
        raise ShowError(f"--size: a film's width and height are even, got {camera.width_px}x{camera.height_px}")
    console = Console(stderr=True)
    frame = Frame.empty(camera.width_px, camera.height_px)
    with film(path, camera.width_px, camera.height_px, rate) as write:
        for view in track(views, description=path.name, console=console, disable=not console.is_terminal):
            renderer.render(scene, [view], [frame])
            write(develop(frame))


def _developer(environment: Environment, background: str | None, *, half: bool) -> Callable[[Frame], np.ndarray]:
    """What turns a frame of this environment into the pixels of a file."""
    from translight.render.picture import display_u8, linear_half, over, parse_background

    behind = parse_background(background or "black")
    encoding, sky = environment.encoding, environment.sky is not None

    def develop(frame: Frame) -> np.ndarray:
        pixels = over(frame, encoding, behind, sky=sky)
        return linear_half(pixels, encoding) if half else display_u8(pixels, encoding)

    return develop


def _tinted(scene: Scene, tint: tuple[float, float, float]) -> Scene:
    layers = tuple(replace(layer, tint=tint) for layer in scene.layers)
    return replace(scene, layers=layers, sky_tint=tint)


def _named(views: list[NamedView], file: str, name: str) -> View:
    for named in views:
        if not name or named.name == name:
            return named.view
    there = ", ".join(repr(named.name) for named in views[:10])
    raise ShowError(f"--camera: {file} holds no camera {name!r}; there are: {there}")


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Width and height in pixels of a ``--size``; None where there is none. Raises ShowError."""
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ShowError(f"--size: wants WIDTHxHEIGHT such as 1280x720, got {text!r}")
    size = int(width), int(height)
    if not all(1 <= side <= _MAX_SIDE_PX for side in size):
        raise ShowError(f"--size: 1 to {_MAX_SIDE_PX} pixels a side, got {text}")
    return size


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"preparing: {what}", file=sys.stderr)
