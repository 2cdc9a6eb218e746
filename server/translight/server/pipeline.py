"""The composition root: a show's parts put together, and one frame through them; live_process.py paces it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
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
from translight.render.contract import Frame, Renderer, Scene
from translight.render.dissolve import dissolve, relit
from translight.server.device_wall import DeviceWall
from translight.server.governor import LADDER, Quality
from translight.server.places import EnvironmentPlace, Mix
from translight.server.scenes import Scenery
from translight.server.show import Show
from translight.stream.barcode import Barcode, burn
from translight.stream.contract import KeepingSender, PictureSpec, Sender, StripSender
from translight.stream.header import FrameHeader, FrameTimes, clock_id
from translight.stream.urls import open_sender
from translight.volume.compositor import Compositor
from translight.volume.frustum import behind_walls, inner_view

Progress = Callable[[str], None]
NO_MIX = Mix()


class Pipeline:
    """A show's renderer, compositor and senders. Used by one thread; nothing that can be kept is made per frame."""

    def __init__(self, show: Show, base: Path, progress: Progress) -> None:
        self.show = show
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
        """By environment (the show's, then each cue's) and level of detail."""
        for where, place in self._places():
            scene = scenery.scene(place, where)
            if self.scenes and scene.encoding != self.scenes[0][0].encoding:
                raise ShowError(
                    f"{where}.path: {place.path} has {scene.encoding} colours, the show's environment "
                    f"{self.scenes[0][0].encoding}: they cannot dissolve into one another"
                )
            self.scenes.append(scenery.detailed(scene, levels, progress))
        progress("opening the renderer")
        self.renderer: Renderer = self._stack.enter_context(
            open_renderer(show.render.backend, threads=show.render.threads)
        )
        self.output = replace(show.colour, encoding=self.scenes[0][0].encoding)
        self.compositor = Compositor(
            show.canvas,
            self.output,
            feather=show.volume.feather,
            sampling=show.volume.sampling,
            threads=show.render.threads,
        )
        self._wall = DeviceWall.of(self.renderer, show, self.output)
        spec = PictureSpec(show.canvas.width_px, show.canvas.height_px, self.output.pixel_format)
        self.senders: list[Sender] = [self._stack.enter_context(open_sender(url, spec, base)) for url in show.outputs]
        first = self.senders[0]
        self._strips = first if isinstance(first, StripSender) else None
        """The first sender, if it takes strips: the others get the picture when it is whole."""
        # Others write into rooms too: a GPU of ours, and barcodes
        self._kept = isinstance(first, KeepingSender) and self._wall is None and show.barcode is None
        if self._strips is not None:
            self.compositor.watch_rows(self._strips.strip_ends)
        self._header = FrameHeader(
            0, spec.width_px, spec.height_px, spec.format, self.output.wall, show.rate, clock_id=clock_id()
        )
        self._rooms: dict[tuple[int, int, int], Frame] = {}
        self._behind = behind_walls(show.canvas) if show.volume.behind_walls else None
        progress("drawing the outer frustum")
        eye = np.array(show.volume.eye_m)
        self._outers = [self.compositor.draw_outer(self._render, scene, eye, self._behind) for scene, *_ in self.scenes]
        self._outer_of: tuple[int, int] | None = None
        self._warm()

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
        """One frame: render, composite into the first sender's room, send everywhere. Returns the header as sent."""
        view = self._view(pose, camera, quality)
        first, *others = self.senders
        begin_ns = now_ns()
        w, x, y, z = (float(v) for v in pose.wxyz)
        px, py, pz = (float(v) for v in pose.position_m)
        posed = replace(
            self._header,
            frame=number,
            flags=flags,
            pose_sequence=pose_sequence,
            wxyz=(w, x, y, z),
            position_m=(px, py, pz),
        )
        # A barcode changes rows that are composited, so these are sent after it
        picture, rendered_ns, composited_ns = self._fill(view, number, quality, mix, send=self.show.barcode is None)
        if self.show.barcode is not None:
            burn(picture, Barcode(number, now_ns() // 1000), self.show.barcode)
            composited_ns = now_ns()
        times = replace(times, render_begin_ns=begin_ns, render_end_ns=rendered_ns, composite_end_ns=composited_ns)
        header = replace(posed, times=times)
        sent = first.publish(header)
        # The first sender's slot stays untouched for frames to come, so the others copy it after it has gone.
        for other in others:
            np.copyto(other.acquire(), picture)
            other.publish(header)
        return sent

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
                self._fill(view, 0, quality, mix)

    @property
    def _ladder(self) -> Sequence[Quality]:
        return LADDER if self.show.render.hold_rate else LADDER[:1]

    def _view(self, pose: Pose, camera: Camera, quality: Quality) -> View:
        overscan = self.show.volume.overscan
        return inner_view(pose, camera, overscan=overscan, scale=quality.scale, behind=self._behind)

    def _fill(
        self, view: View, number: int, quality: Quality, mix: Mix, *, send: bool = False
    ) -> tuple[np.ndarray, int, int]:
        """Draw and composite a frame into the first sender's room, which is taken no sooner than it is written to.

        Returns that room, when the frame was drawn and when composited, in ns. A GPU of ours does all of it, but for
        dissolves: those are mixed by the processor. With ``send`` a sender that takes strips sends them meanwhile.
        """
        sender = self.senders[0]
        if self._wall is not None and mix.fraction == 0:
            self._show_outer(mix, number, quality)
            picture = sender.acquire()
            self._wall.frame(self.scenes[mix.first][quality.detail], view, self.show.render.order, picture)
            done_ns = now_ns()
            return picture, done_ns, done_ns
        inner = self._draw(view, quality, mix)
        self._show_outer(mix, number, quality)
        rendered_ns = now_ns()
        picture = sender.acquire()
        if send and self._strips is not None:
            self._strips.follow(self.compositor.rows_done)
        self.compositor.composite(inner, view, picture, kept=self._kept)
        composited_ns = now_ns()
        if send and self._strips is not None:
            self._strips.strip(self.show.canvas.height_px)
        return picture, rendered_ns, composited_ns

    def _draw(self, view: View, quality: Quality, mix: Mix) -> Frame:
        """The inner picture; while one environment dissolves into another, of both, unless only the light changes."""
        inner = self._room(view, 0)
        first, second = (self.scenes[number][quality.detail] for number in (mix.first, mix.second))
        between = relit(first, second, mix.fraction) if mix.fraction > 0 else first
        self._render(between or first, [view], [inner])
        if between is None:
            other = self._room(view, 1)
            self._render(second, [view], [other])
            dissolve(inner, other, mix.fraction, self.show.render.threads)
        return inner

    def _show_outer(self, mix: Mix, number: int, quality: Quality) -> None:
        """The outer picture that belongs to ``mix``; in a dissolve, anew every so many frames as the quality says."""
        shown = (mix.first, mix.second if mix.fraction > 0 else mix.first)
        if shown == self._outer_of and (mix.fraction == 0 or number % quality.outer_every):
            return
        if mix.fraction > 0:
            self.compositor.dissolve_outer(self._outers[mix.first], self._outers[mix.second], mix.fraction)
        else:
            self.compositor.show_outer(self._outers[mix.first])
            if self._wall is not None:
                self._wall.show_outer(self._outers[mix.first])
        self._outer_of = shown

    def _render(self, scene: Scene, views: list[View], out: list[Frame] | None = None) -> list[Frame]:
        return self.renderer.render(scene, views, out, order=self.show.render.order, depth="none")

    def _room(self, view: View, number: int) -> Frame:
        size = (view.camera.width_px, view.camera.height_px, number)
        if size not in self._rooms:
            self._rooms[size] = Frame.empty(*size[:2])
        return self._rooms[size]
