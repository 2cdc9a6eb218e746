"""HDR video (HLG, as telephones record by default, and PQ) as the sRGB that everything here learns from.

Source: ITU-R BT.2100-2 tables 4 and 5 (PQ, HLG and its OOTF for 1000 cd/m²), BT.2408-5 (diffuse white at 203 cd/m²),
BT.2087-0 (BT.2020 to BT.709). ``video`` calls it for frames whose transfer function is one of the two.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from translight.colour.transfer import pq_decode, srgb_encode

PQ, HLG = 16, 18
"""ITU-T H.273's code points of the transfer functions."""
WHITE_NITS = 203.0
_HLG_PEAK_NITS, _HLG_GAMMA = 1000.0, 1.2
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)
_BT709_FROM_BT2020 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_KNEE = 0.75
"""Linear light up to here stays as it is; what is brighter, up to the sun, is pressed into the rest below 1."""


def srgb_of(pixels: UInt16[np.ndarray, "h w 3"], transfer: int) -> UInt8[np.ndarray, "h w 3"]:
    """BT.2020 RGB of 16 bits, HLG or PQ, as sRGB. Raises ValueError on another transfer function."""
    if transfer not in (PQ, HLG):
        raise ValueError(f"HDR video is PQ (16) or HLG (18), got {transfer}")
    signal = pixels.astype(np.float32) / np.float32(65535)
    nits = pq_decode(signal) if transfer == PQ else _hlg_nits(signal)
    linear = np.maximum((nits / np.float32(WHITE_NITS)) @ _BT709_FROM_BT2020.T, 0)
    brightest = linear.max(axis=2, keepdims=True)
    pressed = _KNEE + (1 - _KNEE) * -np.expm1(-(brightest - _KNEE) / (1 - _KNEE))
    shown = np.where(brightest > _KNEE, linear * pressed / np.maximum(brightest, _KNEE), linear)
    return (srgb_encode(shown) * 255 + 0.5).astype(np.uint8)


def _hlg_nits(signal: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """Display light: the inverse OETF, then the OOTF, which scales by the luminance to the power of γ − 1."""
    bright = (np.exp((np.maximum(signal, 0.5) - _C) / _A) + _B) / 12
    scene = np.where(signal <= 0.5, signal * signal / 3, bright)
    luma = np.maximum(scene @ _LUMA_2020, 1e-6)[..., None]
    return (_HLG_PEAK_NITS * luma ** (_HLG_GAMMA - 1) * scene).astype(np.float32)
