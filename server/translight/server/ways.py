"""A show's open ways out, those that carry one picture together, and what finishes it; pipeline.py fills and sends."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from translight.colour.output import ColourEncoding
from translight.server.outputs import Output, groups
from translight.server.show import Show
from translight.stream.contract import KeepingSender, PictureSpec, Sender, StripSender
from translight.stream.header import FrameHeader, clock_id
from translight.stream.urls import open_sender
from translight.volume.camera_picture import CameraPicture, DepthPicture


class Ways:
    """Ways out of one picture. It is made in the first one's room, and the others copy it."""

    def __init__(self, show: Show, outputs: Sequence[Output], encoding: ColourEncoding, base: Path, stack: ExitStack):
        """``encoding`` is the environment's; ``stack`` closes the senders. Raises StreamError, MissingExtra."""
        first = outputs[0]
        self.carries = first.carries
        self.colour = replace(first.colour, encoding=encoding)
        size = show.canvas if first.carries == "wall" else show.camera
        spec = PictureSpec(size.width_px, size.height_px, first.colour.pixel_format)
        self.senders: list[Sender] = [stack.enter_context(open_sender(o.url, spec, base)) for o in outputs]
        made_in = self.senders[0]
        self.strips = made_in if isinstance(made_in, StripSender) else None
        """The first sender, if it takes strips: the others get the picture when it is whole."""
        self.keeps_rooms = isinstance(made_in, KeepingSender)
        """Whether a room still holds what was last made in it."""
        self.header = FrameHeader(
            0,
            spec.width_px,
            spec.height_px,
            spec.format,
            first.encoding,
            show.rate,
            clock_id=clock_id(),
            carries=first.carries,
            near_m=0.0 if first.curve is None else first.curve.near_m,
            far_m=0.0 if first.curve is None else first.curve.far_m,
        )
        """What stands in every frame's header."""
        window = (spec.width_px, spec.height_px, show.volume.overscan)
        threads, sampling = show.render.threads, show.volume.sampling
        self.camera = (
            CameraPicture(*window, self.colour, sampling=sampling, threads=threads)
            if first.carries == "camera"
            else None
        )
        self.depth = (
            DepthPicture(*window, first.depth_curve, spec.format, threads=threads) if first.carries == "depth" else None
        )

    def room(self) -> NDArray[np.generic]:
        """Where the next picture is made."""
        return self.senders[0].acquire()

    def send(self, picture: NDArray[np.generic], header: FrameHeader) -> FrameHeader:
        """Send what ``room`` lent, everywhere; the header as the first one sent it."""
        first, *others = self.senders
        sent = first.publish(header)
        # The first sender's slot stays untouched for frames to come, so the others copy it after it has gone.
        for other in others:
            np.copyto(other.acquire(), picture)
            other.publish(header)
        return sent


def open_ways(show: Show, encoding: ColourEncoding, base: Path, stack: ExitStack) -> list[Ways]:
    """All of a show's, the walls' first. Raises StreamError, MissingExtra."""
    return [Ways(show, outputs, encoding, base, stack) for outputs in groups(show.outputs)]
