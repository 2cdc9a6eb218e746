"""Outputs in a show file: plain URLs and tables, what they take from [colour], and every mistake's line."""

from __future__ import annotations

import pytest
from tests.server.test_show import SMALL

from translight.colour.depth_curve import DepthCurve
from translight.core.errors import ShowError
from translight.core.image import PixelFormat
from translight.server.outputs import Output, groups
from translight.server.show import Show, show_from_text


def shown(outputs: str, more: str = "") -> Show:
    return show_from_text(f"outputs = [{outputs}]\n{SMALL}{more}", "show.toml")


def test_strings_and_tables_stand_together() -> None:
    show = shown(
        """
        "shm://wall",
        { url = "shm://camera", carries = "camera" },
        { url = "ndi://Depth", carries = "depth", near_m = 1, far_m = 50, format = "rgb10a2" },
        { url = "shm://metres", carries = "depth", format = "rgba16f" },
        { url = "zmq+tcp://*:5556", format = "rgba16f" }"""
    )
    wall, camera, depth, metres, light = show.outputs
    assert wall == Output("shm://wall", "wall", show.colour)
    assert camera == Output("shm://camera", "camera", show.colour)
    assert (depth.carries, depth.curve, depth.encoding) == ("depth", DepthCurve(1, 50), "depth-log")
    assert depth.colour.pixel_format is PixelFormat.RGB10A2
    assert (metres.curve, metres.encoding, metres.colour.pixel_format) == (None, "linear", PixelFormat.RGBA16F)
    assert (light.carries, light.encoding) == ("wall", "linear")
    assert [str(o) for o in show.outputs[:3]] == ["shm://wall", "shm://camera (camera)", "ndi://Depth (depth)"]


def test_what_an_output_does_not_say_is_the_shows() -> None:
    colour = '[colour]\nencoding = "pq"\nformat = "rgb10a2"\nexposure_stops = 1\ndither = true\n'
    outputs = '{ url = "shm://a", carries = "camera" }, { url = "shm://b", format = "rgba8" }, { url = "shm://c", format = "rgba16f" }'
    a, b, c = shown(outputs, colour).outputs
    assert (a.encoding, a.colour.pixel_format) == ("pq", PixelFormat.RGB10A2)
    assert (b.encoding, b.colour.dither) == ("pq", True)
    assert (c.encoding, c.colour.dither) == ("linear", False)
    assert {o.colour.grade.exposure_stops for o in (a, b, c)} == {1}
    linear = '[colour]\nformat = "rgba16f"\n'
    assert [o.encoding for o in shown(outputs, linear).outputs] == ["linear", "srgb", "linear"]


def test_outputs_of_the_same_pixels_go_together_walls_first() -> None:
    show = shown(
        """
        { url = "shm://d", carries = "depth" },
        { url = "shm://c", carries = "camera" },
        "shm://w",
        { url = "shm://w16", format = "rgba16f" },
        { url = "shm://d2", carries = "depth", far_m = 50 },
        { url = "shm://w2" },
        { url = "shm://c2", carries = "camera" }"""
    )
    assert [[o.url for o in group] for group in groups(show.outputs)] == [
        ["shm://w", "shm://w2"], ["shm://w16"], ["shm://c", "shm://c2"], ["shm://d"], ["shm://d2"],
    ]  # fmt: skip


def test_one_table_an_output_may_be_written_out() -> None:
    text = SMALL + '[[outputs]]\nurl = "shm://c"\ncarries = "camera"\n'
    assert [str(o) for o in show_from_text(text, "show.toml").outputs] == ["shm://c (camera)"]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ('{ carries = "camera" }', 'outputs[0].url is missing, give an output URL like "ndi://Camera"'),
        ('"shm://a", { url = "gopher://x" }', "outputs[1].url: 'gopher://x': there is no transport 'gopher'"),
        ('{ url = "shm://a", carries = "sky" }', 'outputs[0].carries is "sky", give "wall" or "camera" or "depth"'),
        ('{ url = "shm://a", near_m = 1 }', "outputs[0].near_m is not known; allowed here: carries, encoding, format, url"),
        ('{ url = "shm://a", carries = "depth", encoding = "pq" }', "outputs[0].encoding is not known; allowed here: carries, far_m, format, near_m, url"),
        ('{ url = "shm://a", carries = "depth", format = "rgba16f", far_m = 9 }', "outputs[0].far_m is not known; allowed here: carries, format, url"),
        ('{ url = "shm://a", carries = "depth", near_m = 2, far_m = 1 }', "outputs[0].far_m is 1.0, give more than near_m, which is 2 m"),
        ('{ url = "shm://a", carries = "depth", far_m = 5000 }', "outputs[0].far_m is 5000, give a number from 0.1 to 1000 m"),
        ('{ url = "shm://a", format = "rgba16f", encoding = "pq" }', "outputs[0].encoding: colour encoding 'linear' and format 'rgba16f' go together, got encoding 'pq' and format 'rgba16f'"),
        ('{ url = "ndi://a", format = "rgba16f" }', 'outputs[0].format is "rgba16f", give "rgba8" or "rgb10a2", which ndi:// carries'),
        ('{ url = "shm://a", format = "rgb8" }', 'outputs[0].format is "rgb8", give "rgba8" or "rgb10a2" or "rgba16f"'),
        ('"shm://a", { url = "shm://a", carries = "camera" }', "outputs is ['shm://a', 'shm://a'], give each output once"),
        ("7", 'outputs is [7], give a list of output URLs like ["shm://main", "zmq+tcp://*:5556"], or of tables with url and carries'),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(outputs: str, message: str) -> None:
    with pytest.raises(ShowError) as caught:
        shown(outputs)
    assert str(caught.value).startswith(f"show.toml: {message}")


def test_a_barcode_must_fit_what_carries_one() -> None:
    barcode = "[barcode]\nshow = true\ncell_px = 20\n"
    small = "[camera]\npixels = [320, 180]\n" + barcode
    shown('"shm://a", { url = "shm://d", carries = "depth" }', small)
    with pytest.raises(ShowError) as caught:
        shown('"shm://a", { url = "shm://c", carries = "camera" }', small)
    assert str(caught.value) == "show.toml: barcode.cell_px: a barcode of 400x240 pixels does not fit 320x180"
