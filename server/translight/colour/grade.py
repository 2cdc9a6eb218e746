"""Exposure and white balance as one 3×3 matrix on linear Rec.709 light; ``output.py`` applies it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.core.errors import ShowError

XYZ_FROM_REC709 = np.array(
    [
        [0.4123907992659595, 0.3575843393838780, 0.1804807884018343],
        [0.2126390058715104, 0.7151686787677559, 0.0721923153607337],
        [0.0193308187155918, 0.1191947797946259, 0.9505321522496608],
    ]
)
"""CIE 1931 XYZ (Y of white = 1) of linear ITU-R BT.709 with its D65 white, (0.3127, 0.3290)."""

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""Sharpened cone responses of XYZ: Lam (1985), as in ICC.1:2010 annex E."""

_TEMPERATURES_K = (1700.0, 15_000.0)
_EXPOSURES = (-20.0, 20.0)
_LARGEST_DUV = 0.05


@dataclass(frozen=True, slots=True)
class Grade:
    """What an operator turns: exposure in stops, and a white balance from one light's white to another's.

    What was neutral under ``source_k`` becomes neutral under ``target_k``, at the same luminance: 6500 → 3200 turns
    the picture warm. Whites lie on the Planckian locus, moved off it by ``..._duv`` in CIE 1960 uv (ANSI C78.377:
    positive is green, negative magenta). Raises ShowError on values outside their ranges.
    """

    exposure_stops: float = 0.0
    source_k: float = 6500.0
    target_k: float = 6500.0
    source_duv: float = 0.0
    target_duv: float = 0.0

    def __post_init__(self) -> None:
        for name in ("source_k", "target_k"):
            _check(name, getattr(self, name), *_TEMPERATURES_K, "kelvin")
        for name in ("source_duv", "target_duv"):
            _check(name, getattr(self, name), -_LARGEST_DUV, _LARGEST_DUV, "in CIE 1960 uv")
        _check("exposure_stops", self.exposure_stops, *_EXPOSURES, "stops")

    @property
    def balanced(self) -> bool:
        """Whether the white balance changes nothing, so that ``matrix`` is a plain gain."""
        return (self.source_k, self.source_duv) == (self.target_k, self.target_duv)

    def matrix(self) -> Float64[np.ndarray, "3 3"]:
        """Graded linear Rec.709 = matrix · linear Rec.709: exposure, and the Bradford adaptation of the whites."""
        gain = 2.0**self.exposure_stops
        if self.balanced:
            return gain * np.eye(3)
        source = white_xyz(self.source_k, self.source_duv)
        target = white_xyz(self.target_k, self.target_duv)
        gains = (_BRADFORD @ target) / (_BRADFORD @ source)
        adapted = np.linalg.solve(_BRADFORD, gains[:, None] * _BRADFORD)
        return gain * np.linalg.solve(XYZ_FROM_REC709, adapted @ XYZ_FROM_REC709)


def white_xyz(temperature_k: float, duv: float = 0.0) -> Float64[np.ndarray, "3"]:
    """XYZ with Y = 1 of a white at ``temperature_k``, ``duv`` away from the Planckian locus.

    Krystek (1985), "An algorithm to calculate correlated colour temperature": u, v within 9e-5 from 1000 to 15000 K.
    """
    u, v = planckian_uv(temperature_k)
    step = 1e-4 * temperature_k
    hotter, cooler = planckian_uv(temperature_k + step), planckian_uv(temperature_k - step)
    tangent = np.array(hotter) - np.array(cooler)
    # Along the locus u falls with temperature; its normal that points to larger v points to green.
    normal = np.array([tangent[1], -tangent[0]]) / np.linalg.norm(tangent)
    u, v = u + duv * normal[0], v + duv * normal[1]
    x, y = 3 * u / (2 * u - 8 * v + 4), 2 * v / (2 * u - 8 * v + 4)
    return np.array([x / y, 1.0, (1 - x - y) / y])


def planckian_uv(temperature_k: float) -> tuple[float, float]:
    """CIE 1960 (u, v) of a black body, by Krystek's rational approximation."""
    t = temperature_k
    u = (0.860117757 + 1.54118254e-4 * t + 1.28641212e-7 * t * t) / (1 + 8.42420235e-4 * t + 7.08145163e-7 * t * t)
    v = (0.317398726 + 4.22806245e-5 * t + 4.20481691e-8 * t * t) / (1 - 2.89741816e-5 * t + 1.61456053e-7 * t * t)
    return u, v


def _check(name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise ShowError(f"colour {name} must be within {low:g} to {high:g} {unit}, got {value:g}")
