"""The show file: one TOML, validated whole before anything starts (docs/show_file.md); tables.py reads it strictly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast, get_args

from translight.colour.grade import Grade
from translight.colour.output import OutputTransform, WallEncoding
from translight.core.camera import Camera
from translight.core.clock import parse_rate
from translight.core.errors import ShowError, TranslightError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.image import PixelFormat
from translight.core.pose import Pose
from translight.render.contract import Order
from translight.server.outputs import Output, read_outputs
from translight.server.places import FAR_M, Cue, EnvironmentPlace, read_cues, read_environment
from translight.server.tables import Table, parse_toml, read_show
from translight.stream.barcode import MAX_CELL_PX, MIN_CELL_PX, BarcodePlace, Corner
from translight.tracking.source import SourceSpec, parse_source
from translight.ue_bridge.live_link import LiveLinkSpec, parse_live_link
from translight.volume.canvas import Canvas, side_by_side
from translight.volume.frustum import check_feather
from translight.volume.sampling import Sampling
from translight.volume.wall import ArcWall, PlaneWall, Wall

_LARGEST_PX = 16384


@dataclass(frozen=True, slots=True)
class TrackingPlan:
    """Where poses come from, and what happens to them."""

    source: SourceSpec
    predict: bool
    lost_after_ns: int
    output_delay_ns: int
    """What the wall adds after a frame was sent (LED processor, panel): the pose is predicted that much further."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmCamera:
    """The film camera's picture. ``rest`` is where it stands until the first datagram."""

    width_px: int
    height_px: int
    sensor_width_mm: float
    focal_length_mm: float
    tracked_lens: bool
    rest: Pose

    def camera(self, tracked_focal_length_mm: float | None) -> Camera:
        """The pinhole: by the tracker's focal length when it gives one, else by the show's."""
        return Camera.from_sensor(
            self.width_px,
            self.height_px,
            focal_length_mm=tracked_focal_length_mm or self.focal_length_mm,
            sensor_width_mm=self.sensor_width_mm,
        )


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """Inner and outer frustum."""

    eye_m: tuple[float, float, float]
    overscan: float
    feather: float
    sampling: Sampling
    behind_walls: bool
    """Whether splats between the eye and the walls are left out."""


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """Which backend draws, and how; ``threads`` None is every core."""

    backend: str
    threads: int | None
    hold_rate: bool
    """Whether less may be drawn of a frame to hold the rate."""
    order: Order


@dataclass(frozen=True, slots=True, eq=False)
class Show:
    """A whole show, checked."""

    name: str
    rate: Fraction
    environment: EnvironmentPlace
    cues: tuple[Cue, ...]
    tracking: TrackingPlan
    camera: FilmCamera
    canvas: Canvas
    volume: VolumePlan
    colour: OutputTransform
    render: RenderPlan
    outputs: tuple[Output, ...]
    barcode: BarcodePlace | None
    """Where each frame's number is burned in; None: nowhere."""
    latency_budget_ms: float | None = None
    """The most that 99 of 100 frames may take from their datagram; beyond it, shows warn and end with a status."""
    live_link: tuple[LiveLinkSpec, ...] = ()
    """Where the camera is sent for Unreal's Live Link."""


def load_show(path: Path) -> Show:
    """A show from its file. Raises ShowError naming the file, the key, what was found and what is allowed."""
    return show_from_text(read_show(path), str(path))


def show_from_text(text: str, source: str) -> Show:
    """A show from TOML text; ``source`` is what errors call it."""
    return _read(Table(parse_toml(text, source), source))


def _read(top: Table) -> Show:
    canvas, camera, colour = _canvas(top), _camera(top.table("camera")), _colour(top.table("colour"))
    outputs = read_outputs(top, colour)
    show = Show(
        name=top.text("name", "show"),
        rate=top.parsed("rate", None, parse_rate, 'a frame rate from 1 to 1000 like "24", "23.976" or "24000/1001"'),
        environment=read_environment(top.table("environment")),
        cues=read_cues(top),
        tracking=_tracking(top.table("tracking")),
        camera=camera,
        canvas=canvas,
        volume=_volume(top.table("volume")),
        colour=colour,
        render=_render(top.table("render")),
        outputs=outputs,
        barcode=_barcode(top.table("barcode"), canvas, camera, outputs),
        latency_budget_ms=_budget(top.table("latency")),
        live_link=_live_link(top.table("unreal")),
    )
    top.end()
    return show


def _tracking(table: Table) -> TrackingPlan:
    text = table.text("source", None, 'a tracking URL like "osc://:9000?preset=reality-field" or "freed://:40000"')
    try:
        source = parse_source(text)
    except TranslightError as error:
        raise table.refused("source", error) from error
    plan = TrackingPlan(
        source=source,
        predict=table.flag("predict", default=True),
        lost_after_ns=int(table.number("lost_after_ms", 500.0, 10, 60_000, "ms") * 1e6),
        output_delay_ns=int(table.number("output_delay_ms", 0.0, 0, 500, "ms") * 1e6),
    )
    table.end()
    return plan


def _camera(table: Table) -> FilmCamera:
    x, y, z = table.numbers("rest_position_m", (0.0, -4.0, 1.6), 3, -FAR_M, FAR_M)
    width_px, height_px = table.integers("pixels", (1280, 720), 2, 16, _LARGEST_PX)
    camera = FilmCamera(
        width_px=width_px,
        height_px=height_px,
        sensor_width_mm=table.number("sensor_width_mm", 36.0, 1, 200, "mm"),
        focal_length_mm=table.number("focal_length_mm", 35.0, 1, 2000, "mm"),
        tracked_lens=table.flag("tracked_lens", default=True),
        rest=camera_from_pan_tilt_roll(0.0, 0.0, 0.0, (x, y, z)),
    )
    table.end()
    return camera


def _canvas(top: Table) -> Canvas:
    walls = tuple(_wall(table) for table in top.tables("walls", 'at least one [[walls]] with kind "plane" or "arc"'))
    table = top.table("canvas")
    fallback = side_by_side(walls)
    width_px, height_px = table.integers("pixels", fallback, 2, 1, 2 * _LARGEST_PX)
    table.end()
    return top.made(lambda: Canvas(width_px, height_px, walls))


def _wall(table: Table) -> Wall:
    kind = table.choice("kind", None, ("plane", "arc"))
    name = table.text("name", None, "a name that no other wall has")
    width_px, height_px = table.integers("pixels", None, 2, 1, _LARGEST_PX)
    canvas_x, canvas_y = table.integers("canvas", (0, 0), 2, 0, 2 * _LARGEST_PX)
    height_m = table.number("height_m", None, 0.05, 100, "m")
    heading_deg = table.number("heading_deg", 0.0, -360, 360, "degrees")
    wall: Wall
    if kind == "plane":
        cx, cy, cz = table.numbers("centre_m", None, 3, -FAR_M, FAR_M)
        wall = PlaneWall(
            name=name,
            centre_m=(cx, cy, cz),
            width_m=table.number("width_m", None, 0.05, 1000, "m"),
            height_m=height_m,
            width_px=width_px,
            height_px=height_px,
            heading_deg=heading_deg,
            tilt_deg=table.number("tilt_deg", 0.0, -180, 180, "degrees"),
            canvas_x_px=canvas_x,
            canvas_y_px=canvas_y,
        )
    else:
        cx, cy = table.numbers("centre_m", None, 2, -FAR_M, FAR_M)
        wall = ArcWall(
            name=name,
            centre_m=(cx, cy),
            radius_m=table.number("radius_m", None, 0.1, 1000, "m"),
            arc_deg=table.number("arc_deg", None, 0.1, 360, "degrees"),
            height_m=height_m,
            width_px=width_px,
            height_px=height_px,
            base_m=table.number("base_m", 0.0, -100, 100, "m"),
            heading_deg=heading_deg,
            canvas_x_px=canvas_x,
            canvas_y_px=canvas_y,
        )
    table.end()
    return wall


def _volume(table: Table) -> VolumePlan:
    x, y, z = table.numbers("eye_m", (0.0, -4.0, 1.6), 3, -FAR_M, FAR_M)
    plan = VolumePlan(
        eye_m=(x, y, z),
        overscan=table.number("overscan", 0.1, 0, 2),
        feather=table.number("feather", 0.03, 0, 0.5),
        sampling=Sampling(table.choice("sampling", Sampling.CATMULL_ROM.value, [s.value for s in Sampling])),
        behind_walls=table.flag("behind_walls", default=False),
    )
    table.made(lambda: check_feather(plan.feather, plan.overscan))
    table.end()
    return plan


def _colour(table: Table) -> OutputTransform:
    grade = Grade(
        exposure_stops=table.number("exposure_stops", 0.0, -20, 20, "stops"),
        source_k=table.number("white_balance_from_k", 6500.0, 1700, 15_000, "K"),
        target_k=table.number("white_balance_to_k", 6500.0, 1700, 15_000, "K"),
    )
    pixel_format = PixelFormat(table.choice("format", "rgba8", [f.value for f in PixelFormat]))
    usual = "linear" if pixel_format is PixelFormat.RGBA16F else "srgb"
    encoding = cast("WallEncoding", table.choice("encoding", usual, get_args(WallEncoding)))
    white_nits = table.number("reference_white_nits", 100.0, 1, 10_000, "nits")
    peak_nits = table.number("peak_nits", 1500.0, 1, 10_000, "nits")
    dither = table.flag("dither", default=False)
    table.end()
    return table.made(
        lambda: OutputTransform(
            grade=grade,
            wall=encoding,
            pixel_format=pixel_format,
            reference_white_nits=white_nits,
            peak_nits=peak_nits,
            dither=dither,
        )
    )


def _render(table: Table) -> RenderPlan:
    threads = table.integer("threads", 0, 0, 1024)
    plan = RenderPlan(
        backend=table.text("backend", "auto"),
        threads=threads or None,
        hold_rate=table.flag("hold_rate", default=True),
        order=cast("Order", table.choice("order", "distance", get_args(Order))),
    )
    table.end()
    return plan


def _budget(table: Table) -> float | None:
    budget_ms = table.number("budget_ms", None, 1, 10_000, "ms") if table.has("budget_ms") else None
    table.end()
    return budget_ms


def _barcode(table: Table, canvas: Canvas, camera: FilmCamera, outputs: tuple[Output, ...]) -> BarcodePlace | None:
    show = table.flag("show", default=False)
    corner = Corner(table.choice("corner", Corner.TOP_LEFT.value, [c.value for c in Corner]))
    place = BarcodePlace(corner, table.integer("cell_px", 8, MIN_CELL_PX, MAX_CELL_PX))
    table.end()
    if not show:
        return None
    sizes = {"wall": (canvas.width_px, canvas.height_px), "camera": (camera.width_px, camera.height_px)}
    try:
        for carries in sorted({output.carries for output in outputs} - {"depth"}):
            place.origin_px(*sizes[carries])
    except ValueError as error:
        raise table.refused("cell_px", error) from error
    return place


def _live_link(unreal: Table) -> tuple[LiveLinkSpec, ...]:
    specs: list[LiveLinkSpec] = []
    tables = unreal.tables("live_link", "a list of tables: [[unreal.live_link]]") if unreal.has("live_link") else []
    for table in tables:
        url = table.text("url", None, 'a URL like "freed://192.168.1.20:40000" or "opentrackio://239.135.1.1:55555"')
        try:
            specs.append(parse_live_link(url))
        except ShowError as error:
            raise table.refused("url", error) from error
        if url in [spec.url for spec in specs[:-1]]:
            raise table.fail("url", url, "each URL once")
        table.end()
    unreal.end()
    return tuple(specs)
