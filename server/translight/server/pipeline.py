"""The composition root: a show's parts put together, and one frame through them; live_process.py paces it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from translight.core.camera import Camera, View
from translight.core.clock import now_ns
from translight.core.pose import Pose
from translight.render.backends import open_renderer
from translight.render.compiling import compiling_told
from translight.render.contract import Frame, Renderer, Scene
from translight.server.governor import LADDER, Quality
from translight.server.scenes import detailed_scenes, load_scene
from translight.server.show import Show
from translight.stream.contract import PictureSpec, Sender
from translight.stream.header import FrameHeader, FrameTimes, clock_id
from translight.stream.urls import open_sender
from translight.volume.compositor import Compositor
from translight.volume.frustum import inner_view

Progress = Callable[[str], None]


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
        scene, encoding = load_scene(show.environment, base)
        self.scenes = [scene]
        """By level of detail."""
        if show.render.hold_rate:
            self.scenes = detailed_scenes(scene, 1 + max(quality.detail for quality in LADDER), progress)
        progress("opening the renderer")
        self.renderer: Renderer = self._stack.enter_context(
            open_renderer(show.render.backend, threads=show.render.threads)
        )
        self.output = replace(show.colour, encoding=encoding)
        self.compositor = Compositor(
            show.canvas,
            self.output,
            feather=show.volume.feather,
            sampling=show.volume.sampling,
            threads=show.render.threads,
        )
        spec = PictureSpec(show.canvas.width_px, show.canvas.height_px, self.output.pixel_format)
        self.senders: list[Sender] = [self._stack.enter_context(open_sender(url, spec)) for url in show.outputs]
        self._header = FrameHeader(
            0, spec.width_px, spec.height_px, spec.format, self.output.wall, show.rate, clock_id=clock_id()
        )
        self._rooms: dict[tuple[int, int], Frame] = {}
        progress("drawing the outer frustum")
        self.refresh_outer()
        self._warm()

    def refresh_outer(self) -> None:
        """Draw the outer picture anew, if what it shows has changed."""
        self.compositor.refresh_outer(self._render, self.scenes[0], np.array(self.show.volume.eye_m))

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
    ) -> FrameHeader:
        """One frame: render, composite into the first sender's room, send everywhere. Returns the header as sent."""
        view = inner_view(pose, camera, overscan=self.show.volume.overscan, scale=quality.scale)
        inner = self._room(view)
        begin_ns = now_ns()
        self.renderer.render(self._scene(quality), [view], [inner], order=self.show.render.order)
        rendered_ns = now_ns()
        first, *others = self.senders
        picture = first.acquire()
        self.compositor.composite(inner, view, picture)
        w, x, y, z = (float(v) for v in pose.wxyz)
        px, py, pz = (float(v) for v in pose.position_m)
        header = replace(
            self._header,
            frame=number,
            flags=flags,
            pose_sequence=pose_sequence,
            wxyz=(w, x, y, z),
            position_m=(px, py, pz),
            times=replace(times, render_begin_ns=begin_ns, render_end_ns=rendered_ns, composite_end_ns=now_ns()),
        )
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
        """Draw each quality once, so that no frame of the show waits for memory or a layout; nothing is sent."""
        show = self.show
        for quality in LADDER if show.render.hold_rate else LADDER[:1]:
            view = inner_view(
                show.camera.rest, show.camera.camera(None), overscan=show.volume.overscan, scale=quality.scale
            )
            self.renderer.render(self._scene(quality), [view], [self._room(view)], order=show.render.order)
            self.compositor.composite(self._room(view), view, self.senders[0].acquire())

    def _scene(self, quality: Quality) -> Scene:
        return self.scenes[min(quality.detail, len(self.scenes) - 1)]

    def _render(self, scene: Scene, views: list[View]) -> list[Frame]:
        return self.renderer.render(scene, views, order=self.show.render.order)

    def _room(self, view: View) -> Frame:
        size = (view.camera.width_px, view.camera.height_px)
        if size not in self._rooms:
            self._rooms[size] = Frame.empty(*size)
        return self._rooms[size]
