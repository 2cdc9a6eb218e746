import numpy as np

from translight.splats import ply


def test_round_trip(random_cloud):
    for degree in range(4):
        cloud = random_cloud(1000, degree)
        back = ply.decode(ply.encode(cloud))
        assert np.array_equal(back.means, cloud.means)
        assert np.array_equal(back.sh, cloud.sh)
        assert np.abs(back.wxyz - cloud.wxyz).max() < 1e-6
        assert np.allclose(back.scales, cloud.scales, rtol=2e-6)
        assert np.abs(back.opacities - cloud.opacities).max() < 1e-6
