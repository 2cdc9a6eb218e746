import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.reconstruction.edit.importance import Importance
from translight.reconstruction.edit.motion import taken
from translight.reconstruction.edit.pictures import drawn
from translight.render.cameras import look_at
from translight.render.contract import Scene
from translight.render.reference import open_backend
from translight.render.scene import scene_of
from translight.splats.cloud import SplatCloud

VIEWS = [
    View(look_at(eye, (0, 0, 0)), Camera.from_fov(40, 32, horizontal_deg=60)) for eye in ((0, -4, 1), (3, -3, 0.5))
]


def _scene(cloud, sky=None, encoding="srgb"):
    return scene_of(Environment("e", cloud, Similarity(1.3, Similarity.identity().pose), sky, encoding))


@pytest.mark.parametrize("encoding", ["srgb", "linear"])
def test_change_is_what_leaving_a_splat_out_does(cloud_of, sky_of, encoding):
    scene = _scene(cloud_of(14, 2, size=0.2), sky_of(32), encoding)
    cloud = scene.layers[0].splats
    change, _ = Importance(VIEWS, draws=60).parts(scene)
    wanted = np.zeros(len(cloud))
    with open_backend() as renderer:
        for view in VIEWS:
            whole = drawn(renderer, scene, view)
            for i in range(len(cloud)):
                without = scene.with_clouds([taken(cloud, np.arange(len(cloud)) != i)])
                wanted[i] += ((drawn(renderer, without, view).astype(float) - whole) ** 2).sum()
    large = wanted > 0.05 * wanted.max()
    # 120 draws of squares scatter by 13 %; the slope of the sRGB curve is only a tangent
    assert np.allclose(change[large], wanted[large], rtol=0.45 if encoding == "srgb" else 0.7)
    if encoding == "srgb":
        assert np.isclose(np.mean(change[large] / wanted[large]), 1, atol=0.12)
    assert np.corrcoef(np.log(change[large]), np.log(wanted[large]))[0, 1] > 0.95


def test_weight_is_the_sum_of_blending_weights(cloud_of):
    scene = _scene(cloud_of(14, 1, size=0.2))
    cloud = scene.layers[0].splats
    _, weight = Importance(VIEWS, draws=1).parts(scene)
    wanted = np.zeros(len(cloud))
    with open_backend() as renderer:
        for i in range(len(cloud)):
            # this one white, all others black
            sh = np.full((len(cloud), 1, 3), -0.5 / 0.28209479177387814, np.float32)
            sh[i] *= -1
            only = SplatCloud(cloud.means, cloud.scales, cloud.wxyz, cloud.opacities, sh)
            frames = renderer.render(Scene.of(only, scene.layers[0].stage_from_scene), VIEWS)
            wanted[i] = sum(frame.rgba[..., 0].sum() for frame in frames)
    assert np.allclose(weight, wanted, rtol=2e-3, atol=1e-3)


def test_what_no_view_sees_is_worth_nothing(cloud_of):
    cloud = cloud_of(30, size=0.2)
    cloud.means[:10] = (0, 40, 0)
    cloud.means[:10, 0] += 100
    cloud.opacities[10] = 0
    scene = Scene.of(cloud)
    worth = Importance(VIEWS).of(scene)
    assert not worth[:11].any()
    assert (worth[11:] > 0).any()


def test_the_same_scene_is_worth_the_same(cloud_of):
    scene = _scene(cloud_of(200, 1))
    judge = Importance(VIEWS)
    assert np.array_equal(judge.of(scene), judge.of(scene))
    assert np.array_equal(judge.of(scene), Importance(VIEWS).of(scene))


def test_a_value_that_is_not_finite_is_worth_nothing(cloud_of):
    cloud = cloud_of(30, size=0.2)
    cloud.means[4] = np.nan
    assert Importance(VIEWS).of(Scene.of(cloud))[4] == 0


def test_bad_arguments(cloud_of):
    with pytest.raises(ValueError, match=r"^importance takes at least one view and one draw, got 0 and 2$"):
        Importance([])
    layers = Scene.of(cloud_of(3)).layers * 2
    with pytest.raises(ValueError, match=r"^importance is judged in a scene of one layer, got 2$"):
        Importance(VIEWS).of(Scene(layers))
