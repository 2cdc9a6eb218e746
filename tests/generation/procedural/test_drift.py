"""Drifting clouds: at the beginning they are the still sky's, and they go where the wind goes."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import ndimage

from translight.core.errors import GenerationError
from translight.generation.brief.brief import Brief
from translight.generation.brief.read import read_brief
from translight.generation.plates.flow import flow
from translight.generation.plates.window import Window
from translight.generation.procedural.drift import drifting_sky, wind_m_s
from translight.generation.procedural.skies import sky_for

HEIGHT = 128


@pytest.fixture(scope="module")
def brief() -> Brief:
    return read_brief(Path(__file__).parents[3] / "docs" / "briefs" / "ocean.toml")


def under(brief: Brief, weather: str, wind_from_deg: float = 0.0) -> Brief:
    place = replace(brief.place, weather=weather, wind_from_deg=wind_from_deg, wind_m_s=12.0)  # type: ignore[arg-type]
    return replace(brief, place=place)


@pytest.mark.parametrize("weather", ["broken", "overcast", "clear"])
def test_at_the_beginning_it_is_the_still_sky(brief: Brief, weather: str) -> None:
    area = Window(-30, 30, 10, 40).area(HEIGHT)
    columns = area.columns(2 * HEIGHT)
    still = sky_for(under(brief, weather), 11, HEIGHT).radiance[area.rows][:, columns]
    first = drifting_sky(under(brief, weather), 11, HEIGHT, area.rows, columns)(0.0)
    gain = np.median(still / first, axis=(0, 1))
    assert np.ptp(gain) < 0.01 * gain.mean(), "exposed otherwise, and of the same colour"
    off = np.abs(first * gain - still)
    assert off.mean() < 0.01 * still.mean()
    assert np.percentile(off, 99) < 0.06 * still.mean(), "fine noise on the clouds' edges"


@pytest.mark.parametrize(("wind_from_deg", "column", "row"), [(0.0, 0, -1), (270.0, 1, 0)])
def test_clouds_go_where_the_wind_goes(brief: Brief, wind_from_deg: float, column: int, row: int) -> None:
    """Seen ahead: wind from ahead brings them over one's head, wind from the right to the left."""
    area = Window(-25, 25, 25, 65).area(HEIGHT)
    at = drifting_sky(under(brief, "overcast", wind_from_deg), 11, HEIGHT, area.rows, area.columns(2 * HEIGHT))
    shown = [at(t)[..., 1] for t in (0.0, 2.0)]
    # the sheet's brightness by elevation stands still, and would be followed
    rest = [s / ndimage.gaussian_filter(s, 3.0) - 1 for s in shown]
    seen = [(0.5 + 0.15 * r / rest[0].std()).astype(np.float32) for r in rest]
    moved = np.median(flow(*seen)[4:-4, 4:-4], axis=(0, 1))
    along = moved @ (column, row)
    # 19.2 m/s for 2 s, 750 m up, at about 45°: 38 m across 1061 m is 2.1°, or 1.5 texels; half of it along the rise
    assert along == pytest.approx(1.5 if column else 1.5 * 0.71, rel=0.5)
    assert abs(moved @ (row, column)) < 0.6 * along


def test_wind_at_heights(brief: Brief) -> None:
    low, high = wind_m_s(under(brief, "broken", 90.0))
    np.testing.assert_allclose(low, [-19.2, 0], atol=1e-9)
    np.testing.assert_allclose(high, [-30.0, 0], atol=1e-9)


def test_skies_without_anything_that_moves(brief: Brief) -> None:
    night = replace(brief, light=replace(brief.light, sun_elevation_deg=-20.0))
    area = Window(-30, 30, 10, 40).area(HEIGHT)
    for given, said in (
        (under(brief, "fog"), "weather fog: there is nothing in the sky that moves"),
        (night, "the sun stands at -20°: clouds drift from -2.5° on; below, stars would have to be seen between them"),
    ):
        with pytest.raises(GenerationError) as caught:
            drifting_sky(given, 11, HEIGHT, area.rows, area.columns(2 * HEIGHT))
        assert str(caught.value) == said
