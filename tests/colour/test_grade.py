"""Exposure and white balance against published illuminants and the definition of an adaptation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.colour.grade import XYZ_FROM_REC709, Grade, white_xyz
from translight.core.errors import ShowError

KELVIN = st.floats(2000, 15_000)
DUV = st.floats(-0.01, 0.01)


def chromaticity(xyz: np.ndarray) -> np.ndarray:
    return xyz[:2] / xyz.sum()


def test_illuminant_a_lies_on_the_locus() -> None:
    # CIE 15: illuminant A is 2856 K, (0.44758, 0.40745)
    np.testing.assert_allclose(chromaticity(white_xyz(2856)), [0.44758, 0.40745], atol=4e-4)


def test_d65_is_6504_kelvin_and_a_little_green() -> None:
    # CIE 15: D65 is (0.31272, 0.32903); its Duv is +0.0032
    np.testing.assert_allclose(chromaticity(white_xyz(6504, 0.0032)), [0.31272, 0.32903], atol=3e-4)
    assert white_xyz(6504, 0.01)[1] == 1


def test_rec709_white_is_d65() -> None:
    np.testing.assert_allclose(chromaticity(XYZ_FROM_REC709.sum(axis=1)), [0.3127, 0.3290], atol=1e-6)


def test_exposure_is_a_gain_of_two_a_stop() -> None:
    np.testing.assert_array_equal(Grade(exposure_stops=-2).matrix(), np.eye(3) / 4)


@given(source=KELVIN, target=KELVIN, source_duv=DUV, target_duv=DUV)
def test_the_source_white_becomes_the_target_white(
    source: float, target: float, source_duv: float, target_duv: float
) -> None:
    grade = Grade(source_k=source, target_k=target, source_duv=source_duv, target_duv=target_duv)
    white = np.linalg.solve(XYZ_FROM_REC709, white_xyz(source, source_duv))
    adapted = XYZ_FROM_REC709 @ grade.matrix() @ white
    np.testing.assert_allclose(adapted, white_xyz(target, target_duv), atol=1e-9)


@given(a=KELVIN, b=KELVIN)
def test_there_and_back_changes_nothing(a: float, b: float) -> None:
    there, back = Grade(source_k=a, target_k=b), Grade(source_k=b, target_k=a)
    np.testing.assert_allclose(there.matrix() @ back.matrix(), np.eye(3), atol=1e-9)


def test_bradford_a_to_d65_is_lindblooms() -> None:
    # Bruce Lindbloom, "Chromatic Adaptation", table of Bradford matrices: A to D65, on XYZ
    lindbloom = np.array([[0.8446965, -0.1179225, 0.3948108], [-0.1366303, 1.1041226, 0.1291718],
                          [0.0798489, -0.1348999, 3.1924009]])  # fmt: skip
    grade = Grade(source_k=2856, target_k=6504, target_duv=0.0032)
    on_xyz = XYZ_FROM_REC709 @ grade.matrix() @ np.linalg.inv(XYZ_FROM_REC709)
    np.testing.assert_allclose(on_xyz, lindbloom, atol=0.015)


def test_a_warm_target_is_red_and_a_green_target_green() -> None:
    warm = Grade(source_k=6500, target_k=3200).matrix() @ np.ones(3)
    assert warm[0] > 1 > warm[2]
    green = Grade(target_duv=0.01).matrix() @ np.ones(3)
    assert green[1] > 1 > green[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source_k": 1000}, "colour source_k must be within 1700 to 15000 kelvin, got 1000"),
        ({"target_k": float("nan")}, "colour target_k must be within 1700 to 15000 kelvin, got nan"),
        ({"target_duv": 0.2}, "colour target_duv must be within -0.05 to 0.05 in CIE 1960 uv, got 0.2"),
        ({"exposure_stops": 99}, "colour exposure_stops must be within -20 to 20 stops, got 99"),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ShowError, match=f"^{message}$"):
        Grade(**values)
