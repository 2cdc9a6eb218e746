import numpy as np
import pytest

from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose
from translight.generation.lift.cells import Cells
from translight.generation.lift.gaussians import OVERLAP, gaussians, overlap_for
from translight.generation.lift.layers import Layer
from translight.generation.panorama import directions

HEIGHT = 64


def pixels(*places: tuple[int, int], size: int = 1) -> Cells:
    row, column = np.array(places, np.int32).T
    return Cells(np.zeros(len(row), np.int32), row, row + size, column, column + size)


def sheet(inverse: np.ndarray, colour: float = 0.5) -> Layer:
    inverse = np.broadcast_to(inverse, (HEIGHT, 2 * HEIGHT)).astype(np.float32)
    return Layer(np.full((*inverse.shape, 3), colour, np.float32), inverse, np.ones(inverse.shape, bool))


def wall(distance_m: float) -> np.ndarray:
    return np.clip(directions(HEIGHT)[..., 1], 1e-3, None) / distance_m


def axes(cloud, i: int) -> np.ndarray:
    return STAGE_FROM_RDF.rotation() @ Pose.from_wxyz(cloud.wxyz[i]).rotation()


@pytest.mark.parametrize("row", [32, 20, 50])
def test_the_published_sizes_for_a_sphere_around_the_eye(row: int):
    """sx = k·d·(2π/W)·sin θ, sy = k·d·π/H where the surface faces the eye."""
    cloud = gaussians([sheet(np.float32(0.25))], pixels((row, 40)), np.zeros(3), 0.5)
    polar = (row + 0.5) / HEIGHT * np.pi
    wanted = 0.5 * 4 * np.pi / HEIGHT * np.array([1.0, np.sin(polar)])
    np.testing.assert_allclose(np.sort(cloud.scales[0])[::-1][:2], wanted, rtol=0.01)
    assert cloud.scales[0].min() < 0.1 * wanted[1]
    assert np.linalg.norm(cloud.means[0]) == pytest.approx(4, rel=3e-3)  # a plane, not a shell


def test_on_a_slanted_wall_they_lie_in_it_and_are_longer_by_the_slant():
    column = 64 + 21  # 60° to the right of the wall's foot
    cloud = gaussians([sheet(wall(3.0))], pixels((32, column)), np.array([1.0, 2.0, 1.5]), 0.5)
    place = STAGE_FROM_RDF.apply(cloud.means[0])
    assert place[1] == pytest.approx(5.0, rel=1e-3)
    turned = axes(cloud, 0)
    assert abs(turned[1, 2]) == pytest.approx(1.0, abs=1e-3), "the thin axis is the wall's normal"
    azimuth = ((column + 0.5) / 128 - 0.5) * 2 * np.pi
    assert cloud.scales[0, 0] == pytest.approx(0.5 * 3 / np.cos(azimuth) ** 2 * np.pi / HEIGHT, rel=0.02)


def test_a_cell_of_many_pixels_is_as_large_as_they_are():
    one = gaussians([sheet(np.float32(0.25))], pixels((31, 60)), np.zeros(3))
    many = gaussians([sheet(np.float32(0.25))], pixels((28, 60), size=8), np.zeros(3))
    np.testing.assert_allclose(many.scales[0, :2] / one.scales[0, :2], 8, rtol=0.02)


def test_slant_is_bounded():
    grazing = gaussians([sheet(wall(3.0))], pixels((32, 64 + 31)), np.zeros(3), 0.5)
    distance = np.linalg.norm(grazing.means[0])
    assert grazing.scales[0, 0] <= 1.02 * 0.5 * distance * np.pi / HEIGHT / 0.1


def test_colours_are_linear_and_not_cut_off():
    cloud = gaussians([sheet(np.float32(0.25), 37.5)], pixels((31, 60), size=2), np.zeros(3))
    np.testing.assert_allclose(0.5 + 0.28209479177387814 * cloud.sh[0, 0], 37.5, rtol=1e-5)
    assert cloud.opacities[0] == np.float32(0.99)


def test_overlap_grows_with_magnification():
    assert overlap_for(0.5) == overlap_for(1.0) == OVERLAP
    assert overlap_for(1.0) < overlap_for(2.0) < overlap_for(3.0) <= 0.7
    assert overlap_for(50.0) == 0.7
