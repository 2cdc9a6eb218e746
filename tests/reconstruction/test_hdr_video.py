import numpy as np
import pytest

from translight.colour.transfer import pq_encode, srgb_encode
from translight.reconstruction.hdr_video import HLG, PQ, srgb_of


def shown(signal, transfer):
    pixels = np.rint(np.broadcast_to(np.asarray(signal), (1, 1, 3)) * 65535).astype(np.uint16)
    return srgb_of(pixels, transfer)[0, 0].tolist()


def test_greys_are_their_light():
    # half of HLG's signal is 1/12 of scene light; a display of 1000 nits shows 1000 · (1/12)^1.2 = 50.7 nits of it
    expected = round(float(srgb_encode(50.7 / 203)) * 255)
    assert shown(0.5, HLG) == [expected] * 3
    assert shown(pq_encode(50.7), PQ) == [expected] * 3


def test_diffuse_white_is_the_same_in_both_and_nearly_white():
    # BT.2408: 75 % HLG and 58 % PQ
    hlg, pq = shown(0.75, HLG), shown(0.58, PQ)
    assert np.allclose(hlg, pq, atol=1)
    assert 235 <= hlg[0] < 255


def test_highlights_stay_in_order_and_keep_their_hue():
    greys = [shown(signal, HLG)[0] for signal in np.linspace(0, 1, 40)]
    assert greys == sorted(greys)
    assert (greys[0], greys[-1]) == (0, 255)
    sun = shown([1.0, 0.85, 0.6], HLG)
    assert sun[0] > sun[1] > sun[2]


def test_red_of_bt709_stays_red():
    # sRGB's red in BT.2020 (the first column of the inverse matrix), at 50 nits
    red = np.linalg.inv([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])[:, 0]
    r, g, b = shown(pq_encode(50 * red), PQ)
    assert r == pytest.approx(srgb_encode(50 / 203) * 255, abs=1)
    assert max(g, b) <= 3


def test_other_transfer_functions_are_refused():
    with pytest.raises(ValueError, match=r"^HDR video is PQ \(16\) or HLG \(18\), got 1$"):
        srgb_of(np.zeros((1, 1, 3), np.uint16), 1)
