import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.lens import LensModel, Mapping
from translight.core.pose import Pose

PLAIN = LensModel(focal_length_mm=35.0, sensor_width_mm=36.0, sensor_height_mm=24.0)
CORNER_MM = math.hypot(18, 12)
GRID = np.stack(np.meshgrid(np.linspace(-18, 18, 13), np.linspace(-12, 12, 9)), axis=-1)


@st.composite
def _lenses(draw: st.DrawFn, strength: float = 1.0) -> LensModel:
    """Lenses that move the picture's corner by some percent, as real ones do; up to a fifth at full strength."""

    def within(limit: float) -> float:
        return draw(st.floats(-limit, limit)) * strength

    s = CORNER_MM**2
    radial = (within(0.15) / s, within(0.05) / s, within(0.05) / s**2, within(0.02) / s**2, within(0.02) / s**3, 0.0)
    return LensModel(
        focal_length_mm=draw(st.floats(12, 135)),
        sensor_width_mm=36.0,
        sensor_height_mm=24.0,
        radial=radial,
        tangential=(within(0.01) / CORNER_MM, within(0.01) / CORNER_MM),
        mapping=draw(st.sampled_from(Mapping)),
        projection_offset_mm=(within(1.0), within(1.0)),
        distortion_offset_mm=(within(0.5), within(0.5)),
    )


@given(lens=_lenses())
def test_distort_and_undistort_undo_each_other(lens: LensModel):
    closed, iterated = lens.undistort, lens.distort
    if lens.mapping is Mapping.UNDISTORTED_TO_DISTORTED:
        closed, iterated = iterated, closed
    np.testing.assert_allclose(iterated(closed(GRID)), GRID, atol=1e-7)
    # the other way a strongly barrelled corner may have no origin: those are NaN, all others come back
    back = closed(iterated(GRID))
    lost = np.isnan(back)
    np.testing.assert_allclose(back[~lost], GRID[~lost], atol=1e-7)
    np.testing.assert_allclose(closed(iterated(GRID * 0.6)), GRID * 0.6, atol=1e-7)


@given(lens=_lenses())
def test_the_centre_of_distortion_stays_and_the_default_maps_distorted_to_undistorted(lens: LensModel):
    centre = np.add(lens.projection_offset_mm, lens.distortion_offset_mm)
    np.testing.assert_allclose(lens.undistort(centre), centre, atol=1e-12)
    # eq. (16), (17) written out for one point, about that centre
    x, y = 9.0, -5.0
    r2 = x * x + y * y
    k1, k2, k3, k4, k5, k6 = lens.radial
    p1, p2 = lens.tangential
    R = (1 + k1 * r2 + k3 * r2**2 + k5 * r2**3) / (1 + k2 * r2 + k4 * r2**2 + k6 * r2**3)
    expected = np.array([(R + 2 * p1 * y + p2 * (r2 / x + 2 * x)) * x, (R + 2 * p2 * x + p1 * (r2 / y + 2 * y)) * y])
    if lens.mapping is Mapping.DISTORTED_TO_UNDISTORTED:
        mapped = lens.undistort(np.add(centre, (x, y)))
    else:
        mapped = lens.distort(np.add(centre, (x, y)))
    np.testing.assert_allclose(mapped - centre, expected, atol=1e-11)


def test_barrel_and_pincushion_go_the_way_that_the_default_says():
    assert PLAIN.mapping is Mapping.DISTORTED_TO_UNDISTORTED
    barrel = replace(PLAIN, radial=(2e-4, 0, 0, 0, 0, 0))
    # a barrel lens squeezes the corner: what is 10 mm out on the sensor belongs farther out
    np.testing.assert_allclose(barrel.undistort((10.0, 0.0)), (10.2, 0.0), atol=1e-12)
    np.testing.assert_allclose(barrel.distort((10.2, 0.0)), (10.0, 0.0), atol=1e-9)
    other = replace(barrel, mapping=Mapping.UNDISTORTED_TO_DISTORTED)
    np.testing.assert_allclose(other.distort((10.0, 0.0)), (10.2, 0.0), atol=1e-12)


def _opencv_pixels(K: np.ndarray, c: np.ndarray, points: np.ndarray) -> np.ndarray:
    """OpenCV's projectPoints for the rational model, from its documentation (calib3d, "Detailed Description")."""
    k1, k2, p1, p2, k3, k4, k5, k6 = np.concatenate([c, np.zeros(8 - len(c))])
    out = []
    for X, Y, Z in points:
        a, b = X / Z, Y / Z
        r2 = a * a + b * b
        radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
        x = a * radial + 2 * p1 * a * b + p2 * (r2 + 2 * a * a)
        y = b * radial + p1 * (r2 + 2 * b * b) + 2 * p2 * a * b
        out.append((K[0, 0] * x + K[0, 2], K[1, 1] * y + K[1, 2]))
    return np.array(out)


@st.composite
def _calibrations(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    fx = draw(st.floats(900, 5000))
    fy = fx * draw(st.floats(0.9, 1.1))
    K = np.array([[fx, 0, draw(st.floats(900, 1020))], [0, fy, draw(st.floats(500, 580))], [0, 0, 1]])
    count = draw(st.sampled_from([0, 4, 5, 8]))
    limits = [0.1, 0.05, 0.005, 0.005, 0.02, 0.05, 0.02, 0.01]
    return K, np.array([draw(st.floats(-limit, limit)) for limit in limits[:count]])


@given(calibration=_calibrations())
def test_a_converted_calibration_gives_opencvs_pixels(calibration: tuple[np.ndarray, np.ndarray]):
    K, coefficients = calibration
    lens = LensModel.from_opencv(K, coefficients, width_px=1920, height_px=1080, sensor_width_mm=27.99)
    rng = np.random.default_rng(1)
    z = rng.uniform(1, 20, 50)
    points = np.stack([rng.uniform(-0.9, 0.9, 50) * 960 / K[0, 0] * z, rng.uniform(-0.4, 0.4, 50) * z, z], axis=-1)
    source = lens.camera(1920, 1080, overscan=1.3).resized(2500, 1400)
    # OpenCV's whole numbers are pixel centres, ours are at +0.5
    film_pixels = _opencv_pixels(K, coefficients, points) + 0.5
    found = lens.undistorted_pixels(film_pixels, 1920, 1080, source)
    np.testing.assert_allclose(found, source.project(points), atol=1e-4)
    size_mm = (lens.sensor_width_mm, lens.sensor_height_mm)
    pinhole_mm = points[:, :2] / points[:, 2:] * lens.focal_length_mm + lens.projection_offset_mm
    distorted_px = lens.distort(pinhole_mm) / size_mm * (1920, 1080) + (960, 540)
    np.testing.assert_allclose(distorted_px, film_pixels, atol=1e-7)


@given(calibration=_calibrations())
def test_opencv_calibrations_come_back(calibration: tuple[np.ndarray, np.ndarray]):
    K, coefficients = calibration
    lens = LensModel.from_opencv(K, coefficients, width_px=1920, height_px=1080, sensor_width_mm=27.99)
    K_back, back = lens.to_opencv(1920, 1080)
    np.testing.assert_allclose(K_back, K, rtol=1e-12)
    np.testing.assert_allclose(back, np.concatenate([coefficients, np.zeros(8 - len(coefficients))]), atol=1e-14)


def test_what_opencv_does_not_hold_is_refused():
    with pytest.raises(ValueError, match="only Brown-Conrady U-D lenses"):
        PLAIN.to_opencv(1920, 1080)
    off_centre = replace(PLAIN, mapping=Mapping.UNDISTORTED_TO_DISTORTED, distortion_offset_mm=(0.1, 0.0))
    with pytest.raises(ValueError, match="distorted about the principal point"):
        off_centre.to_opencv(1920, 1080)
    for matrix, coefficients in ((np.eye(2), []), (np.eye(3), [0.1] * 6)):
        with pytest.raises(ValueError, match="0, 4, 5 or 8 coefficients"):
            LensModel.from_opencv(matrix, coefficients, width_px=10, height_px=10, sensor_width_mm=10.0)


def test_the_pinhole_part_is_the_data_sheets_camera():
    lens = replace(PLAIN, projection_offset_mm=(0.36, -0.24))
    camera = lens.camera(3600, 2400)
    assert (camera.fx, camera.fy) == (3500.0, 3500.0)
    np.testing.assert_allclose((camera.cx, camera.cy), (1800 + 36, 1200 - 24))
    # eq. (7): the same point lies 1.5 times nearer to the picture's middle, the offset too
    point = (0.3, -0.2, 2.0)
    offset = camera.project(point) - (1800, 1200)
    np.testing.assert_allclose(lens.camera(3600, 2400, overscan=1.5).project(point) - (1800, 1200), offset / 1.5)


def test_the_entrance_pupil_is_ahead_of_the_sensor():
    lens = replace(PLAIN, entrance_pupil_m=0.12)
    sensor = Pose.from_wxyz((0.5, 0.5, -0.5, 0.5), (1.0, 2.0, 3.0))
    pinhole = lens.pinhole(sensor)
    np.testing.assert_allclose(pinhole.position_m, np.array([1, 2, 3]) + 0.12 * sensor.rotation()[:, 2])
    np.testing.assert_allclose(pinhole.rotation(), sensor.rotation())


def test_without_distortion_only_the_pinhole_remains():
    lens = replace(
        PLAIN, radial=(1e-4, 0, 0, 0, 0, 0), tangential=(1e-4, 0), projection_offset_mm=(1.0, 0.0), overscan=1.1
    )
    bare = lens.without_distortion()
    np.testing.assert_array_equal(bare.undistort(GRID), GRID)
    np.testing.assert_array_equal(bare.distort(GRID), GRID)
    assert bare.camera(100, 80) == lens.camera(100, 80)
    assert bare.required_overscan() == 1.0


def test_a_fold_is_found_where_calculus_puts_it():
    # r(1 − r²/(3·20²)) is greatest at r = 20
    lens = replace(PLAIN, radial=(-1 / 1200, 0, 0, 0, 0, 0))
    assert math.isclose(lens.valid_radius_mm(), 20.0, rel_tol=1e-9)
    peak = 20 * (1 - 1 / 3)
    np.testing.assert_allclose(lens.undistort((20.0, 0.0)), (peak, 0.0))
    np.testing.assert_allclose(lens.distort(lens.undistort((19.0, 0.0))), (19.0, 0.0), atol=1e-6)
    # two points map here; the one inside the fold, r² + 25r − 575 = 0, is meant
    np.testing.assert_allclose(lens.distort(lens.undistort((25.0, 0.0))), ((math.sqrt(2925) - 25) / 2, 0.0), atol=1e-7)
    assert np.isnan(lens.distort((peak + 0.01, 0.0))).all()
    # a pole: 1 − r²/15² in the denominator
    assert math.isclose(replace(PLAIN, radial=(0, -1 / 225, 0, 0, 0, 0)).valid_radius_mm(), 15.0, rel_tol=1e-9)
    assert PLAIN.valid_radius_mm() == math.inf
    assert replace(PLAIN, radial=(1e-4, 0, 1e-8, 0, 0, 0)).valid_radius_mm() == math.inf


def test_points_without_an_origin_give_nan_and_spoil_no_other():
    lens = replace(PLAIN, radial=(-1 / 1200, 0, 0, 0, 0, 0))
    points = np.array([[1.0, 2.0], [100.0, 0.0], [np.nan, 0.0], [-3.0, 4.0]])
    found = lens.distort(points)
    assert np.isnan(found).any(axis=-1).tolist() == [False, True, True, False]
    np.testing.assert_allclose(lens.undistort(found[[0, 3]]), points[[0, 3]], atol=1e-9)


@settings(max_examples=30)
@given(lens=_lenses(strength=0.2))
def test_the_required_overscan_fills_the_picture_and_no_less_does(lens: LensModel):
    overscan = lens.required_overscan()
    assert overscan >= 1.0

    def coordinates(factor: float) -> np.ndarray:
        # every pixel corner of a coarse picture, as a share of the source's size
        source = lens.camera(1200, 800, overscan=factor)
        v, u = np.mgrid[0:129, 0:129] / 128
        return lens.undistorted_pixels(np.stack([u * 36, v * 24], axis=-1), 36, 24, source) / (1200, 800)

    inside = coordinates(overscan)
    assert inside.min() > -1e-9
    assert inside.max() < 1 + 1e-9
    if overscan > 1.001:
        less = coordinates(overscan / 1.001)
        assert less.min() < 0 or less.max() > 1


def test_a_lens_that_folds_in_the_picture_has_no_overscan():
    folding = replace(PLAIN, radial=(-1 / 300, 0, 0, 0, 0, 0))
    for mapping in Mapping:
        with pytest.raises(ValueError, match="folds back inside the picture"):
            replace(folding, mapping=mapping).required_overscan()


def test_the_distortion_map_of_a_plain_lens_is_every_pixel_centre():
    camera = PLAIN.camera(6, 4)
    expected = np.stack(np.meshgrid(np.arange(6) + 0.5, np.arange(4) + 0.5), axis=-1)
    np.testing.assert_allclose(PLAIN.distortion_map(6, 4, camera), expected, atol=1e-12)
    padded = camera.padded(2, 1, 2, 1)
    np.testing.assert_allclose(PLAIN.distortion_map(6, 4, padded), np.add(expected, (2, 1)), atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {"focal_length_mm": 0.0},
        {"focal_length_mm": math.nan},
        {"sensor_width_mm": -36.0},
        {"sensor_height_mm": math.inf},
        {"radial": (0.0, math.nan, 0.0, 0.0, 0.0, 0.0)},
        {"radial": (0.0,) * 5},
        {"tangential": (0.0,)},
        {"entrance_pupil_m": math.inf},
        {"overscan": 0.9},
        {"overscan": math.nan},
    ],
)
def test_impossible_lenses_are_refused(change: dict[str, object]):
    with pytest.raises(ValueError, match=r"lens|focal length"):
        replace(PLAIN, **change)
