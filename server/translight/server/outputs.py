"""A show's ways out: a URL each, and what it carries: the walls, the film camera's picture or its depth (show.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from translight.colour.depth_curve import LARGEST_FAR_M, LEAST_NEAR_M, DepthCurve
from translight.colour.output import OutputTransform, WallEncoding
from translight.core.errors import ShowError, StreamError
from translight.core.image import PixelFormat
from translight.server.tables import Table
from translight.stream.header import DEPTH_LOG
from translight.stream.urls import parse_url

Carries = Literal["wall", "camera", "depth"]
"""``stream/header.CARRIES``: the walls' canvas; the inner frustum's picture without its overscan; the same's depth."""
DEFAULT = "shm://main"
_ALLOWED = 'a list of output URLs like ["shm://main", "zmq+tcp://*:5556"], or of tables with url and carries'


@dataclass(frozen=True, slots=True)
class Output:
    """A way out. Two that differ in their URLs only carry the same pixels, which are made once.

    ``colour`` is how a picture becomes code values, its format included; of depth only the format is meant, and
    ``curve`` is how metres become codes, where they do.
    """

    url: str
    carries: Carries
    colour: OutputTransform
    curve: DepthCurve | None = None

    @property
    def depth_curve(self) -> DepthCurve:
        """The curve, or the usual one where depth goes out in metres and needs none."""
        return self.curve or DepthCurve()

    @property
    def encoding(self) -> str:
        """What frame headers call the values' encoding."""
        return self.colour.wall if self.curve is None else DEPTH_LOG

    def alike(self, other: Output) -> bool:
        """Whether both carry the same pixels."""
        return replace(other, url=self.url) == self

    def __str__(self) -> str:
        return self.url if self.carries == "wall" else f"{self.url} ({self.carries})"


def read_outputs(top: Table, colour: OutputTransform) -> tuple[Output, ...]:
    """A show's outputs; what one does not say of its colours is ``colour``'s. Raises ShowError."""
    found: list[Output] = []
    for entry in top.entries("outputs", (DEFAULT,), _ALLOWED):
        if isinstance(entry, str):
            _check(top, "outputs", entry)
            found.append(Output(entry, "wall", colour))
        else:
            found.append(_table(entry, colour))
    urls = [output.url for output in found]
    if len(set(urls)) != len(urls):
        raise top.fail("outputs", urls, "each output once")
    return tuple(found)


def _table(table: Table, colour: OutputTransform) -> Output:
    url = table.text("url", None, 'an output URL like "ndi://Camera"')
    _check(table, "url", url)
    carries = cast("Carries", table.choice("carries", "wall", get_args(Carries)))
    usual = colour.pixel_format.value
    pixel_format = PixelFormat(table.choice("format", usual, [f.value for f in PixelFormat]))
    halves = pixel_format is PixelFormat.RGBA16F
    transport = parse_url(url).transport
    if halves and not transport.linear:
        raise table.fail("format", pixel_format.value, f'"rgba8" or "rgb10a2", which {transport.scheme}:// carries')
    if carries == "depth":
        plain = OutputTransform(wall="linear" if halves else "srgb", pixel_format=pixel_format)
        curve = None if halves else _curve(table)
        table.end()
        return Output(url, carries, plain, curve)
    same = pixel_format is colour.pixel_format
    default = colour.wall if same else "linear" if halves else "srgb" if colour.wall == "linear" else colour.wall
    encoding = cast("WallEncoding", table.choice("encoding", default, get_args(WallEncoding)))
    table.end()
    try:
        changed = replace(colour, wall=encoding, pixel_format=pixel_format, dither=colour.dither and not halves)
    except ShowError as error:
        raise table.refused("encoding", error) from error
    return Output(url, carries, changed)


def _curve(table: Table) -> DepthCurve:
    usual = DepthCurve()
    near_m = table.number("near_m", usual.near_m, LEAST_NEAR_M, 100, "m")
    far_m = table.number("far_m", usual.far_m, 0.1, LARGEST_FAR_M, "m")
    if far_m <= near_m:
        raise table.fail("far_m", far_m, f"more than near_m, which is {near_m:g} m")
    return DepthCurve(near_m, far_m)


def _check(table: Table, key: str, url: str) -> None:
    try:
        parse_url(url)
    except StreamError as error:
        raise table.refused(key, error) from error


def of_kind(outputs: Sequence[Output], carries: Carries) -> tuple[Output, ...]:
    """Those that carry it."""
    return tuple(output for output in outputs if output.carries == carries)


def groups(outputs: Sequence[Output]) -> list[list[Output]]:
    """Outputs that carry the same pixels, together: walls first, which the show is for, else in the show's order."""
    found: list[list[Output]] = []
    for output in sorted(outputs, key=lambda o: get_args(Carries).index(o.carries)):
        for group in found:
            if group[0].alike(output):
                group.append(output)
                break
        else:
            found.append([output])
    return found
