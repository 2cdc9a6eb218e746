"""Windows of the sky: which texels, which directions, how soft, and films seen through a lens."""

import numpy as np
import pytest

from translight.core.errors import GenerationError
from translight.environment.plate import Area
from translight.generation import panorama
from translight.generation.plates.waves import seen
from translight.generation.plates.window import Lens, Window, directions, soft_edge


def test_degrees_become_texels() -> None:
    assert Window.parse("-90,90,0,45").area(64) == Area(32, 16, 64, 16)
    assert Window.parse("0,360,-90,90").area(64) == Area(64, 0, 128, 64)
    assert Window.parse("170,200,10,30").area(180) == Area(350, 60, 30, 20), "over the seam behind the camera"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3", "four numbers are wanted: left,right,low,high in degrees"),
        ("a,2,3,4", "four numbers are wanted: left,right,low,high in degrees"),
        ("10,10,0,5", "left < right, at most 360 degrees apart, and -90 ≤ low < high ≤ 90 are wanted"),
        ("0,10,0,91", "left < right, at most 360 degrees apart, and -90 ≤ low < high ≤ 90 are wanted"),
        ("nan,10,0,5", "left < right, at most 360 degrees apart, and -90 ≤ low < high ≤ 90 are wanted"),
    ],
)
def test_what_is_no_window(text: str, said: str) -> None:
    with pytest.raises(GenerationError) as caught:
        Window.parse(text)
    assert str(caught.value) == f"--window {text}: {said}"


def test_a_window_of_too_few_texels() -> None:
    with pytest.raises(GenerationError) as caught:
        Window.parse("0,90,0,2").area(64)
    assert str(caught.value) == "the window is 32x1 texels of a sky 128 wide: make it larger, or the sky finer"


def test_directions_are_the_panoramas() -> None:
    area = Area(120, 5, 20, 9)
    whole = panorama.directions(64)
    np.testing.assert_allclose(directions(area, 64), whole[5:14][:, area.columns(128)], atol=1e-6)


def test_edges_are_soft_but_where_there_is_none() -> None:
    edge = soft_edge(Area(10, 20, 60, 30), 64)
    assert edge[15, 30] == 1
    assert max(edge[0].max(), edge[-1].max(), edge[:, 0].max(), edge[:, -1].max()) < 0.1
    all_round = soft_edge(Area(3, 0, 128, 30), 64)
    assert all_round[0].min() == 1, "up to the pole, and round to itself"
    assert all_round[-1].max() < 0.1
    assert soft_edge(Area(3, 0, 128, 30), 64, bottom=False).min() == 1


def test_a_film_through_a_lens_lies_where_a_camera_saw_it() -> None:
    """The picture that panorama.py's camera makes of a sky, laid back, is that sky."""
    way = panorama.directions(128)
    sky = (0.5 + 0.4 * np.sin(9 * way + [0, 1, 2])).astype(np.float32)
    window = Window(150.0, 220.0, -5.0, 35.0)
    lens, area = Lens.of(window, 320, 180), window.area(128)
    picture = panorama.perspective(sky, lens.camera, lens.stage_from_camera).astype(np.float32)
    at, cover = lens.texels(area, 128)
    there = sky[area.rows][:, area.columns(256)]
    assert (cover == 1).mean() > 0.5
    off = np.abs(seen(picture, at) - there)[cover > 0]
    assert off.max() < 0.02
    middle = cover[area.height_px // 2, area.width_px // 2]
    assert (middle, cover[0, 0]) == (1, 0), "the corners of the window are beyond a picture of that width"


def test_a_lens_does_not_see_all_round() -> None:
    with pytest.raises(GenerationError) as caught:
        Lens.of(Window(0, 130, 0, 10), 64, 36)
    assert str(caught.value) == "the window is 130° wide: a film is seen through up to 120°"
