import numpy as np
import pytest
from scipy.linalg import sqrtm

from translight.core.camera import Camera, View
from translight.core.errors import ReconstructionError
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.reconstruction.edit.colours import ColourMap, recoloured
from translight.reconstruction.edit.matching import Palette, matching_map, seen_palette, splat_palette
from translight.render.backends import open_renderer
from translight.render.cameras import look_at
from translight.render.scene import scene_of

VIEW = View(look_at((0, -4, 1), (0, 0, 0)), Camera.from_fov(64, 48, horizontal_deg=60))
SYMMETRIC = ColourMap(np.array([[0.8, 0.1, 0.05], [0.1, 0.9, 0.0], [0.05, 0.0, 1.2]]), np.array([0.05, 0.02, 0.04]))


def _bright(cloud):
    cloud.sh[:, 0] = np.abs(cloud.sh[:, 0]) + 0.3
    cloud.sh[:, 1:] *= 0.2
    return cloud


def _palettes(renderer, environment, by, light):
    if by == "splats":
        return splat_palette(environment, light)
    return seen_palette(renderer, scene_of(environment), [VIEW], light)


@pytest.mark.parametrize("by", ["views", "splats"])
@pytest.mark.parametrize("encoding", ["srgb", "linear"])
def test_a_known_symmetric_map_is_found_again(cloud_of, by, encoding):
    environment = Environment("e", _bright(cloud_of(300, 2, size=0.15)), Similarity.identity(), encoding=encoding)
    wanted = recoloured(environment, SYMMETRIC, encoding)
    with open_renderer() as renderer:
        own, other = (_palettes(renderer, e, by, encoding) for e in (environment, wanted))
        found = matching_map(own, other)
        matched = recoloured(environment, found, encoding)
        reached = _palettes(renderer, matched, by, encoding)
    assert np.abs(found.gain - SYMMETRIC.gain).max() < 2e-3
    assert np.abs(found.lift - SYMMETRIC.lift).max() < 2e-3
    assert own.distance(other) > 0.05
    assert reached.distance(other) < 2e-3


def test_any_map_reaches_the_mean_and_the_spread(cloud_of):
    skewed = ColourMap(np.array([[0.9, 0.3, 0.0], [-0.1, 0.7, 0.2], [0.1, 0.0, 1.2]]), np.array([0.1, 0.0, 0.1]))
    environment = Environment("e", _bright(cloud_of(500)), Similarity.identity())
    own, wanted = (splat_palette(e, "srgb") for e in (environment, recoloured(environment, skewed, "srgb")))
    reached = splat_palette(recoloured(environment, matching_map(own, wanted), "srgb"), "srgb")
    assert np.allclose(reached.mean, wanted.mean, atol=1e-3)
    assert np.allclose(reached.covariance, wanted.covariance, atol=1e-3)


def test_the_map_is_monge_kantorovichs():
    rng = np.random.default_rng(0)
    a, b = (m @ m.T + 0.1 * np.eye(3) for m in rng.normal(size=(2, 3, 3)))
    found = matching_map(Palette(np.zeros(3), a), Palette(np.ones(3), b), most_gain=100)
    root = sqrtm(a).real
    inverse = np.linalg.inv(root)
    assert np.allclose(found.gain, inverse @ sqrtm(root @ b @ root).real @ inverse, atol=1e-4)
    assert np.allclose(found.gain, found.gain.T)
    assert np.allclose(found.gain @ a @ found.gain.T, b, atol=1e-3)
    assert np.allclose(found.lift, 1)


def test_distance_of_shifted_palettes_is_the_shift():
    spread = np.diag([0.1, 0.2, 0.3])
    assert np.isclose(Palette(np.zeros(3), spread).distance(Palette(np.array([0.3, 0.4, 0.0]), spread)), 0.5)


def test_a_gain_is_bounded_and_an_amount_is_a_share():
    grey, colourful = Palette(np.full(3, 0.5), np.full((3, 3), 0.01)), Palette(np.full(3, 0.4), 0.05 * np.eye(3))
    bounded = matching_map(grey, colourful, most_gain=2.0)
    assert np.linalg.eigvalsh(bounded.gain).max() <= 2 + 1e-9
    assert np.allclose(bounded.apply(grey.mean), colourful.mean)
    half = matching_map(grey, colourful, 2.0, amount=0.5)
    assert np.allclose(half.apply(grey.mean), 0.45)
    none = matching_map(grey, colourful, 2.0, amount=0.0)
    assert np.allclose(none.gain, np.eye(3))
    assert np.allclose(none.lift, 0)
    with pytest.raises(ValueError, match=r"^a gain from 1 and an amount from 0 to 1 are allowed, got 0.5 and 1$"):
        matching_map(grey, colourful, 0.5)


def test_nothing_opaque_has_no_colours(cloud_of):
    cloud = cloud_of(5)
    cloud.opacities[:] = 0
    with pytest.raises(ReconstructionError, match=r"^no colours to match: nothing of the environment is opaque$"):
        splat_palette(Environment("e", cloud), "srgb")
