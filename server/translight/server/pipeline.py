"""The composition root: a show's parts put together, and one frame through them; live_process.py paces it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from translight.core.camera import Camera, View
from translight.core.clock import now_ns
from translight.core.errors import ShowError
from translight.core.pose import Pose
from translight.render.backends import open_renderer
from translight.render.compiling import compiling_told
from translight.render.contract import DepthKind, Frame, Renderer, Scene
from translight.render.dissolve import dissolve, relit
from translight.render.moving_sky import MovingSky
from translight.server.governor import LADDER, Quality
from translight.server.places import EnvironmentPlace, Mix
from translight.server.scenes import Scenery
from translight.server.show import Show
from translight.server.wall_pictures import WallPictures
from translight.server.ways import Ways, open_ways
from translight.stream.barcode import Barcode, burn
from translight.stream.contract import Sender
from translight.stream.header import FrameHeader, FrameTimes
from translight.volume.compositor import Compositor
from translight.volume.frustum import behind_walls, inner_view

Progress = Callable[[str], None]
NO_MIX = Mix()


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A frame that was drawn: the inner picture, unless it stayed on a GPU and nobody here wants it, the walls'
    pictures that the GPU has finished, and when, in ns."""

    inner: Frame | None
    finished: list[np.ndarray]
    done_ns: int


class Pipeline:
    """A show's renderer, pictures and ways out. Used by one thread; nothing that can be kept is made per frame."""

    def __init__(self, show: Show, base: Path, progress: Progress) -> None:
        self.show = show
        self.outer_sky_ns = 0
        """Of the last frame: what a plate took to move the outer picture's sky; within the rendering's time."""
        self._stack = ExitStack()
        try:
            with compiling_told(progress):
                self._open(base, progress)
        except BaseException:
            self._stack.close()
            raise

    def _open(self, base: Path, progress: Progress) -> None:
        show = self.show
        progress("reading the environment")
        scenery, levels = Scenery(base), 1 + max(quality.detail for quality in self._ladder)
        self.scenes: list[list[Scene]] = []
        """By environment (the show's, then each cue's) and level of detail; without sky where that moves."""
        self.skies: list[MovingSky | None] = []
        """By environment: the sky where plates move it."""
        for where, place in self._places():
            scene = scenery.scene(place, where)
            if self.scenes and scene.encoding != self.scenes[0][0].encoding:
                raise ShowError(
                    f"{where}.path: {place.path} has {scene.encoding} colours, the show's environment "
                    f"{self.scenes[0][0].encoding}: they cannot dissolve into one another"
                )
            sky = scenery.moving_sky(place, show.render.threads)
            if sky is not None:
                scene = replace(scene, sky=None)
            self.skies.append(sky)
            self.scenes.append(scenery.detailed(scene, levels, progress))
        progress("opening the renderer")
        self.renderer: Renderer = self._stack.enter_context(
            open_renderer(show.render.backend, threads=show.render.threads)
        )
        self.ways: list[Ways] = open_ways(show, self.scenes[0][0].encoding, base, self._stack)
        """By what they carry, the walls' first; a frame's times are those of the first."""
        self.senders: list[Sender] = [sender for ways in self.ways for sender in ways.senders]
        carried = [ways.carries for ways in self.ways]
        self._depth: DepthKind = "median" if "depth" in carried else "none"
        self._wants_camera = carried.count("wall") < len(carried)
        self._rooms: dict[tuple[int, int, int], Frame] = {}
        self._behind = behind_walls(show.canvas) if show.volume.behind_walls else None
        self.wall: WallPictures | None = None
        """None where no output carries the walls: then nothing is composited."""
        if "wall" in carried:
            self._open_wall(progress)
        self._warm()

    def _open_wall(self, progress: Progress) -> None:
        show = self.show
        self.wall = WallPictures(show, self.renderer, [ways.colour for ways in self.ways if ways.carries == "wall"])
        if (strips := self.ways[0].strips) is not None:
            self.wall.compositors[0].watch_rows(strips.strip_ends)
        progress("drawing the outer frustum")

        def render(scene: Scene, views: list[View]) -> list[Frame]:
            return self.renderer.render(scene, views, order=show.render.order, depth="none")

        scenes = [scene for scene, *_ in self.scenes]
        self.wall.draw_outers(render, scenes, np.array(show.volume.eye_m), self._behind, self.skies)

    @property
    def outer_renders(self) -> int:
        """How often an outer picture has been rendered."""
        return 0 if self.wall is None else self.wall.compositors[0].outer_renders

    def _places(self) -> list[tuple[str, EnvironmentPlace]]:
        cues = [(f"cues[{cue.name}].environment", cue.environment) for cue in self.show.cues]
        return [("environment", self.show.environment), *cues]

    def frame(
        self,
        pose: Pose,
        camera: Camera,
        number: int,
        *,
        times: FrameTimes,
        pose_sequence: int,
        flags: int,
        quality: Quality = LADDER[0],
        mix: Mix = NO_MIX,
    ) -> FrameHeader:
        """One frame: render, then finish and send each picture that outputs ask for. Returns the first header as sent.

        All pictures have the frame's number and pose; each its own time of being finished.
        """
        view = self._view(pose, camera, quality)
        begin_ns = now_ns()
        w, x, y, z = (float(v) for v in pose.wxyz)
        px, py, pz = (float(v) for v in pose.position_m)
        drawn = self._draw(view, number, quality, mix)
        times = replace(times, render_begin_ns=begin_ns, render_end_ns=drawn.done_ns)
        first: FrameHeader | None = None
        for index, ways in enumerate(self.ways):
            # A barcode changes rows that are composited, so these are sent after it
            picture, done_ns = self._finish(drawn, index, view, send=self.show.barcode is None)
            if self.show.barcode is not None and ways.carries != "depth":
                burn(picture, Barcode(number, now_ns() // 1000), self.show.barcode)
                done_ns = now_ns()
            header = replace(
                ways.header,
                frame=number,
                flags=flags,
                pose_sequence=pose_sequence,
                times=replace(times, composite_end_ns=done_ns),
                wxyz=(w, x, y, z),
                position_m=(px, py, pz),
            )
            sent = ways.send(picture, header)
            first = first or sent
        assert first is not None
        return first

    def close(self) -> None:
        """Close the senders and the renderer. May be called twice."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _warm(self) -> None:
        """Draw each environment in each quality once, and a dissolve between them, so that no frame of the show waits
        for memory or a layout; nothing is sent."""
        show = self.show
        mixes = [Mix(k, k) for k in range(len(self.scenes))] + [Mix(k, k + 1, 0.5) for k in range(len(show.cues))]
        for quality in self._ladder:
            view = self._view(show.camera.rest, show.camera.camera(None), quality)
            for mix in reversed(mixes):
                drawn = self._draw(view, 0, quality, mix)
                for index in range(len(self.ways)):
                    self._finish(drawn, index, view)

    @property
    def _ladder(self) -> Sequence[Quality]:
        return LADDER if self.show.render.hold_rate else LADDER[:1]

    def _view(self, pose: Pose, camera: Camera, quality: Quality) -> View:
        overscan = self.show.volume.overscan
        return inner_view(pose, camera, overscan=overscan, scale=quality.scale, behind=self._behind)

    def _draw(self, view: View, number: int, quality: Quality, mix: Mix) -> _Drawn:
        """Draw a frame. A GPU of ours also finishes the walls' pictures; it does all but dissolves and skies that move,
        which are mixed by the processor."""
        wall, sky = self.wall, self.skies[mix.first]
        self.outer_sky_ns = 0
        for moving in {mix.first, mix.second}:
            if (each := self.skies[moving]) is not None:
                each.show(number, self.show.rate)
        if wall is None or wall.device is None or mix.fraction > 0 or sky is not None:
            inner = self._inner(view, quality, mix)
            begin_ns = now_ns()
            if wall is not None:
                wall.show_outer(mix, number, quality)
            done_ns = now_ns()
            if mix.fraction == 0 and sky is not None:
                self.outer_sky_ns = done_ns - begin_ns
            return _Drawn(inner, [], done_ns)
        wall.show_outer(mix, number, quality)
        pictures = [ways.room() for ways in self.ways[: len(wall.compositors)]]
        here = self._room(view, 0) if self._wants_camera else None
        scene = self.scenes[mix.first][quality.detail]
        wall.device.frame(scene, view, self.show.render.order, pictures, here, self._depth)
        return _Drawn(here, pictures, now_ns())

    def _finish(self, drawn: _Drawn, index: int, view: View, *, send: bool = False) -> tuple[np.ndarray, int]:
        """A finished picture, in a room that is taken no sooner than it is written to, and when it was, in ns.

        With ``send`` a sender that takes strips sends them meanwhile, if the walls' picture is the first.
        """
        ways = self.ways[index]
        if index < len(drawn.finished):
            return drawn.finished[index], drawn.done_ns
        inner = drawn.inner
        assert inner is not None
        picture = ways.room()
        strips = ways.strips if send and index == 0 and ways.carries == "wall" else None
        if strips is not None:
            strips.follow(self._compositor(index).rows_done)
        if ways.camera is not None:
            ways.camera.fill(inner, view, picture)
        elif ways.depth is not None:
            ways.depth.fill(inner.depth, view, picture)
        else:
            self._compositor(index).composite(inner, view, picture, kept=self._kept(ways))
        done_ns = now_ns()
        if strips is not None:
            strips.strip(ways.header.height_px)
        return picture, done_ns

    def _kept(self, ways: Ways) -> bool:
        """Whether only a compositor writes into a room: barcodes do too, and a GPU of ours."""
        wall = self.wall
        return wall is not None and wall.device is None and self.show.barcode is None and ways.keeps_rooms

    def _compositor(self, index: int) -> Compositor:
        assert self.wall is not None
        return self.wall.compositors[index]

    def _inner(self, view: View, quality: Quality, mix: Mix) -> Frame:
        """The inner picture; while one environment dissolves into another, of both, unless only the light changes."""
        inner = self._room(view, 0)
        first, second = (self.scenes[number][quality.detail] for number in (mix.first, mix.second))
        sky, other_sky = self.skies[mix.first], self.skies[mix.second]
        alike = mix.fraction > 0 and sky is other_sky
        between = relit(first, second, mix.fraction) if alike else None if mix.fraction > 0 else first
        self._render(between or first, view, inner, sky)
        if between is None:
            other = self._room(view, 1)
            self._render(second, view, other, other_sky)
            dissolve(inner, other, mix.fraction, self.show.render.threads)
        return inner

    def _render(self, scene: Scene, view: View, room: Frame, sky: MovingSky | None) -> None:
        self.renderer.render(scene, [view], [room], order=self.show.render.order, depth=self._depth)
        if sky is not None:
            sky.add_to(room, view, scene)

    def _room(self, view: View, number: int) -> Frame:
        size = (view.camera.width_px, view.camera.height_px, number)
        if size not in self._rooms:
            self._rooms[size] = Frame.empty(*size[:2])
        return self._rooms[size]
