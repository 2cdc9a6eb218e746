"""The show file: what it means, and that every mistake is one line naming key, value and what is allowed."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from translight.core.errors import ShowError
from translight.core.image import PixelFormat
from translight.server.demo import DemoPlan, demo_show
from translight.server.outputs import Output
from translight.server.places import BUILT_IN
from translight.server.show import Show, load_show, show_from_text
from translight.stream.barcode import BarcodePlace, Corner
from translight.stream.transports import examples
from translight.volume.sampling import Sampling
from translight.volume.wall import ArcWall, PlaneWall

SMALL = """\
rate = "24000/1001"
[tracking]
source = "freed://:40000"
[[walls]]
name = "back"
kind = "plane"
centre_m = [0, 1, 1.5]
width_m = 6
height_m = 3
pixels = [600, 300]
"""


def _documented() -> str:
    """The example of docs/show_file.md."""
    text = (Path(__file__).parents[2] / "docs" / "show_file.md").read_text()
    match = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert match is not None
    return match[1]


def test_a_small_show_takes_its_defaults() -> None:
    show = show_from_text(SMALL, "show.toml")
    assert show.rate == Fraction(24000, 1001)
    assert show.environment.path == BUILT_IN
    assert show.outputs == (Output("shm://main", "wall", show.colour),)
    assert (show.canvas.width_px, show.canvas.height_px) == (600, 300)
    assert show.canvas.walls == (PlaneWall("back", (0.0, 1.0, 1.5), 6.0, 3.0, 600, 300),)
    assert show.tracking.predict
    assert show.render.threads is None
    assert show.render.hold_rate
    assert show.barcode is None


def test_a_barcode_is_shown_where_the_show_says() -> None:
    text = SMALL + '[barcode]\nshow = true\ncorner = "bottom-right"\n'
    assert show_from_text(text, "show.toml").barcode == BarcodePlace(Corner.BOTTOM_RIGHT, 8)


def test_the_documented_show_is_allowed_and_says_what_it_says() -> None:
    show = show_from_text(_documented(), "docs")
    assert show.name == "dusk"
    assert [type(w) for w in show.canvas.walls] == [ArcWall, PlaneWall]
    assert show.canvas.height_px == 1088
    assert show.volume.sampling is Sampling.CATMULL_ROM
    assert show.colour.pixel_format is PixelFormat.RGBA8
    assert show.tracking.lost_after_ns == 500_000_000


def test_the_documented_defaults_are_the_defaults() -> None:
    """Whatever the documentation's example sets to its default must be the default."""
    documented, small = show_from_text(_documented(), "docs"), show_from_text(SMALL, "small")
    for name in ("volume", "render", "barcode"):
        assert getattr(documented, name) == getattr(small, name)
    assert documented.colour == small.colour
    assert documented.tracking.lost_after_ns == small.tracking.lost_after_ns
    for name in ("width_px", "height_px", "sensor_width_mm", "focal_length_mm", "tracked_lens"):
        assert getattr(documented.camera, name) == getattr(small.camera, name)


@pytest.mark.parametrize("environment", [None, Path("scene.ply")])
def test_the_demos_show_is_allowed(environment: Path | None) -> None:
    show = show_from_text(demo_show(DemoPlan(environment, rate="60")), "demo")
    assert show.rate == 60
    assert show.tracking.source.scheme == "simulate"
    assert show.environment.fit == (environment is not None)


def test_the_tracked_focal_length_wins() -> None:
    camera = show_from_text(SMALL, "show.toml").camera
    assert camera.camera(50.0).fx == pytest.approx(camera.camera(None).fx * 50 / 35)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('rate = "24000/1001"', "", 'rate is missing, give a frame rate from 1 to 1000 like "24", "23.976" or "24000/1001"'),
        ('"24000/1001"', '"fast"', 'rate is "fast", give a frame rate from 1 to 1000 like "24", "23.976" or "24000/1001"'),
        ('kind = "plane"', 'kind = "dome"', 'walls[back].kind is "dome", give "plane" or "arc"'),
        ("width_m = 6", "width_m = -6", "walls[back].width_m is -6, give a number from 0.05 to 1000 m"),
        ("[600, 300]", "[600]", "walls[back].pixels is [600], give a list of 2 integers from 1 to 16384"),
        ("width_m = 6", "widht_m = 6\nwidth_m = 6", "walls[back].widht_m is not known; did you mean 'width_m'?"),
        ("[tracking]", "[volum]\n[tracking]", "volum is not known; did you mean 'volume'?"),
        ("rate =", 'outputs = ["gopher://x"]\nrate =', f"outputs: 'gopher://x': there is no transport 'gopher': give {examples()}"),
        ("rate =", 'outputs = ["shm://a", "shm://a"]\nrate =', "outputs is ['shm://a', 'shm://a'], give each output once"),
        ("[tracking]", "[barcode]\nshow = 1\n[tracking]", "barcode.show is 1, give true or false"),
        ("[tracking]", '[barcode]\ncorner = "middle"\n[tracking]', 'barcode.corner is "middle", give "top-left" or "top-right" or "bottom-left" or "bottom-right"'),
        ("[tracking]", "[barcode]\ncell_px = 3\n[tracking]", "barcode.cell_px is 3, give an integer from 4 to 64"),
        ("[tracking]", "[barcode]\nshow = true\ncell_px = 32\n[tracking]", "barcode.cell_px: a barcode of 640x384 pixels does not fit 600x300"),
        ("[tracking]", '[colour]\nencoding = "hlg"\n[tracking]', 'colour.encoding is "hlg", give "srgb" or "gamma2.4" or "pq" or "linear"'),
        ("[tracking]", '[colour]\nformat = "rgba16f"\nencoding = "pq"\n[tracking]', "colour encoding 'linear' and format 'rgba16f' go together, got encoding 'pq' and format 'rgba16f'"),
        ("[tracking]", "[canvas]\npixels = [10, 10]\n[tracking]", "wall 'back': canvas_x_px 0 and 600 pixels wide do not fit the canvas, which is 10 wide"),
        ("[tracking]", "[volume]\nfeather = 0.2\n[tracking]", "volume feather must be within 0 to 0.04545 so that overscan 0.1 hides it, got 0.2"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_what_is_allowed(old: str, new: str, message: str) -> None:
    with pytest.raises(ShowError) as caught:
        show_from_text(SMALL.replace(old, new, 1), "show.toml")
    assert str(caught.value) == f"show.toml: {message}"


def test_a_tracking_url_is_refused_with_the_key() -> None:
    with pytest.raises(ShowError) as caught:
        show_from_text(SMALL.replace("freed://:40000", "freed://:40000?preset=acme"), "show.toml")
    assert str(caught.value).startswith("show.toml: tracking.source: ")
    assert "acme" in str(caught.value)


def test_a_file_is_named_in_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "night.toml"
    path.write_text(SMALL)
    assert isinstance(load_show(path), Show)
    path.write_text(SMALL.replace("rate", "rat"))
    with pytest.raises(ShowError) as caught:
        load_show(path)
    assert str(caught.value).startswith(f"{path}: ")
