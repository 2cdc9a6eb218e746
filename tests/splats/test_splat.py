import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError
from translight.splats import ply, raw, splat
from translight.splats.limits import Limits

ROW = np.zeros(1, [("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("wxyz", "u1", 4)])
ROW["scale"], ROW["wxyz"] = 0.1, [255, 128, 128, 128]


@settings(max_examples=25, deadline=None)
@given(n=st.integers(0, 40), seed=st.integers(0, 2**32 - 1), extent=st.floats(1e-3, 1e6))
def test_round_trip_within_its_quantisation(random_cloud, assert_close, n, seed, extent):
    """Half a step: 1/510 of opacity and colour (over SH_C0 as coefficient); of a rotation 1/256, then normalised."""
    cloud = random_cloud(n, 0, seed, extent)
    back = splat.decode(splat.encode(cloud))
    assert np.array_equal(back.means, cloud.means)
    assert np.array_equal(back.scales, cloud.scales)
    assert_close(back, cloud, wxyz=2 / 128, opacities=1 / 510 + 1e-6, sh0=1 / 510 / raw.SH_C0 + 1e-6)


def test_a_second_trip_changes_nothing_but_rotations_by_a_step(random_cloud):
    once = splat.decode(splat.encode(random_cloud(500)))
    twice = splat.decode(splat.encode(once))
    assert np.array_equal(once.opacities, twice.opacities)
    assert np.array_equal(once.sh, twice.sh)
    assert np.abs(once.wxyz - twice.wxyz).max() < 2 / 128


def test_colours_out_of_range_are_clipped_not_wrapped(random_cloud):
    cloud = random_cloud(2)
    cloud.sh[:] = [[[9.0, -9.0, 0.0]]]
    assert np.frombuffer(splat.encode(cloud), np.uint8).reshape(-1, 32)[:, 24:27].tolist() == [[255, 0, 128]] * 2


def test_golden_file(conformance):
    cloud = splat.decode(conformance("minimal.splat").read_bytes())
    assert cloud.means.tolist() == [[-1, 0, -1], [0, 0, -1], [-1, 0, 0], [0, 0, 0]]
    assert np.allclose(cloud.scales, 0.1)
    assert np.allclose(cloud.wxyz, [0, 0, 0, 1])  # bytes 128 128 128 255, w first
    assert np.allclose(cloud.opacities, 230 / 255)
    codes = np.array([[0x55, 0x55, 0x80], [0xAA, 0x55, 0x80], [0x55, 0xAA, 0x80], [0xAA, 0xAA, 0x80]])
    assert np.allclose(cloud.sh[:, 0] * raw.SH_C0 + 0.5, codes / 255, atol=1e-6)


def test_agrees_with_gaussforge(random_cloud, forge, raw_of_ply, assert_close):
    ours = splat.encode(random_cloud(400))
    # it takes 127.5 for a quaternion's middle where the format's author takes 128: a part in 255 before normalising
    assert_close(splat.decode(ours), raw_of_ply(forge(ours, "splat", "ply")), wxyz=0.01, opacities=5e-5)
    theirs = forge(ply.encode(random_cloud(400)), "ply", "splat")
    assert_close(splat.decode(theirs), splat.decode(ours), wxyz=0.02, opacities=1.01 / 255, sh0=1.01 / 255 / raw.SH_C0)


def test_real_scene_agrees_with_gaussforge(real_scene, forge, raw_of_ply, assert_close):
    data = real_scene("plant_114k.splat").read_bytes()
    assert_close(splat.decode(data), raw_of_ply(forge(data, "splat", "ply")), wxyz=0.01, opacities=5e-5)


def broken(field, value):
    rows = np.repeat(ROW, 3)
    rows[field][1:] = value
    return rows.tobytes()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ROW.tobytes()[:-1], "31 bytes are no whole number of 32-byte splats: truncated, or another format"),
        (np.repeat(ROW, 11).tobytes(), ".splat claims 11 splats; the limit is 10"),
        (broken("mean", np.nan), "2 splats have a NaN or infinite position, the first at index 1"),
        (broken("scale", np.inf), "2 splats have a NaN or infinite scale, the first at index 1"),
        (broken("scale", -1.0), "2 splats have a negative scale, the first at index 1"),
        (broken("wxyz", 128), "2 splats have a zero rotation quaternion, the first at index 1"),
    ],
)
def test_refusals(data, message):
    with pytest.raises(FormatError, match=re.escape(message) + "$"):
        splat.decode(data, Limits(max_splats=10))
