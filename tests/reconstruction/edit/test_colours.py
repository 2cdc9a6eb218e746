from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.camera import Camera, View
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.environment.plate import Plate
from translight.reconstruction.edit.colours import ColourMap, recoloured, reencoded
from translight.render.cameras import look_at
from translight.render.reference import open_backend
from translight.render.scene import scene_of

VIEW = View(look_at((0, -4, 1), (0, 0, 0)), Camera.from_fov(48, 40, horizontal_deg=60))
GAIN = np.array([[0.9, 0.05, 0.0], [0.1, 0.7, 0.05], [0.0, 0.02, 1.1]])
MAP = ColourMap(GAIN, np.array([0.06, 0.03, 0.05]))


def _rgba(environment):
    with open_backend() as renderer:
        return renderer.render(scene_of(environment), [VIEW])[0].rgba.astype(np.float64)


@pytest.mark.parametrize("encoding", ["srgb", "linear"])
def test_in_its_own_encoding_the_picture_is_mapped_exactly(cloud_of, encoding):
    cloud = cloud_of(80, 3, size=0.15)
    cloud.sh[:, 0] = np.abs(cloud.sh[:, 0]) + 0.4  # no colour is clamped
    cloud.sh[:, 1:] *= 0.2
    environment = Environment("e", cloud, Similarity.identity(), encoding=encoding)
    before, after = _rgba(environment), _rgba(recoloured(environment, MAP, encoding))
    wanted = before[..., :3] @ GAIN.T + before[..., 3:] * MAP.lift  # premultiplied
    assert np.abs(after[..., :3] - wanted).max() < 1e-5
    assert np.array_equal(after[..., 3], before[..., 3])


@pytest.mark.parametrize("encoding", ["srgb", "linear"])
def test_the_sky_is_mapped_as_it_is_shown(cloud_of, sky_of, encoding):
    environment = Environment("e", cloud_of(1), Similarity.identity(), sky_of(), encoding)
    sky = recoloured(environment, MAP, encoding).sky
    shown = srgb_encode(environment.sky) if encoding == "srgb" else environment.sky
    mapped = MAP.apply(shown.astype(np.float64))
    assert np.allclose(sky, srgb_decode(mapped) if encoding == "srgb" else mapped, atol=1e-6)
    assert recoloured(environment, MAP, encoding, sky_too=False).sky is environment.sky
    frames = np.concatenate([environment.sky, np.ones((*environment.sky.shape[:2], 1))], axis=2)[None].astype(
        np.float16
    )
    plate = Plate("all", frames, Fraction(24), 0, 0)
    (mapped_plate,) = recoloured(replace(environment, plates=(plate,)), MAP, encoding).plates
    np.testing.assert_allclose(mapped_plate.frames[0, ..., :3], sky, rtol=2e-2, atol=2e-3)
    assert (mapped_plate.frames[..., 3] == 1).all()
    dark = recoloured(environment, ColourMap(np.eye(3), np.full(3, -5.0)), encoding).sky
    assert not dark.any()


def test_in_linear_light_each_splats_mean_colour_is_mapped(cloud_of):
    environment = Environment("e", cloud_of(200), Similarity.identity())
    before = environment.splats.sh[:, 0] * 0.28209479177387814 + 0.5
    after = recoloured(environment, MAP, "linear").splats.sh[:, 0] * 0.28209479177387814 + 0.5
    wanted = srgb_encode(MAP.apply(srgb_decode(np.maximum(before.astype(np.float64), 0))))
    assert np.allclose(after, wanted, atol=1e-5)


def test_in_linear_light_the_harmonics_follow_the_slope(cloud_of):
    cloud = cloud_of(100, 2)
    cloud.sh[:, 0] = np.abs(cloud.sh[:, 0])
    cloud.sh[:, 1:] *= 0.01  # small, so that the slope is all
    environment = Environment("e", cloud, Similarity.identity())
    changed = recoloured(environment, MAP, "linear").splats
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(9,)) * 0.3
    basis[0] = 0.28209479177387814
    before = 0.5 + np.einsum("k,nkc->nc", basis, cloud.sh.astype(np.float64))
    after = 0.5 + np.einsum("k,nkc->nc", basis, changed.sh.astype(np.float64))
    assert np.allclose(after, srgb_encode(MAP.apply(srgb_decode(before))), atol=2e-4)


def test_the_identity_changes_nothing(cloud_of, sky_of):
    environment = Environment("e", cloud_of(50, 2), Similarity.identity(), sky_of())
    same = recoloured(environment, ColourMap.identity(), "srgb")
    assert np.allclose(same.splats.sh, environment.splats.sh, atol=1e-6)
    assert np.allclose(same.sky, environment.sky, atol=1e-6)


def test_re_encoding_there_and_back(cloud_of):
    cloud = cloud_of(60, 2)
    cloud.sh[:, 0] = np.abs(cloud.sh[:, 0]) - 0.5
    environment = Environment("e", cloud, Similarity.identity())
    linear = reencoded(environment, "linear")
    assert linear.encoding == "linear"
    assert np.allclose(reencoded(linear, "srgb").splats.sh, cloud.sh, atol=2e-3)
    assert reencoded(environment, "srgb") is environment


def test_re_encoded_opaque_splats_look_the_same(cloud_of):
    cloud = cloud_of(40, size=0.3)
    cloud.opacities[:] = 0.99
    environment = Environment("e", cloud, Similarity.identity())
    srgb = _rgba(environment)
    linear = _rgba(reencoded(environment, "linear"))
    solid = srgb[..., 3] > 0.999
    difference = np.abs(srgb_encode(linear[..., :3]) - srgb[..., :3])[solid]
    assert solid.any()
    assert np.median(difference) < 0.02
