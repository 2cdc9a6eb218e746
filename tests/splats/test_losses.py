import numpy as np

from translight.splats.formats import Format
from translight.splats.losses import losses


def test_ply_keeps_everything(random_cloud):
    assert losses(random_cloud(10, 3), Format.PLY) == []


def test_splat_drops_sh_and_clips_colours(random_cloud):
    cloud = random_cloud(10, 2)
    cloud.sh[3, 0, 1] = 5.0
    assert losses(cloud, Format.SPLAT) == [
        "SH of degree 2 dropped",
        "base colours of 1 of 10 splats clipped to its range",
        "colour and opacity rounded to 1/255, rotations to 1/128",
    ]
    assert len(losses(random_cloud(10, 0), Format.SPLAT)) == 1


def test_spz_counts_what_it_clips(random_cloud):
    cloud = random_cloud(40, 1, extent=1.0)
    cloud.sh[0, 0, 0], cloud.sh[1:4, 2, 1] = 4.0, -1.5
    cloud.scales[7:12] = np.float32(1e-6)
    assert losses(cloud, Format.SPZ) == [
        "positions rounded to 7.6e-06, scales to 6 %, opacity to 1/255, SH to 1/128",
        "base colours of 1 of 40 splats clipped to its range",
        "sets of SH of 3 of 40 splats clipped to its range",
        "scales of 5 of 40 splats clipped to its range",
    ]


def test_an_empty_cloud_loses_nothing_but_precision(random_cloud):
    assert len(losses(random_cloud(0, 2), Format.SPZ)) == 1
