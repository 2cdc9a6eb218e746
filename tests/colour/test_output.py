"""What a wall is sent: formulas, tables against formulas, packing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from translight.colour import lookup
from translight.colour.grade import Grade
from translight.colour.output import LARGEST_CODES, OutputTransform, pack, rounding, unpack
from translight.colour.transfer import pq_encode, srgb_decode, srgb_encode
from translight.core.errors import ShowError
from translight.core.image import PixelFormat

GRADES = [Grade(), Grade(exposure_stops=1.5), Grade(exposure_stops=-3), Grade(source_k=6500, target_k=3200)]
TRANSFORMS = [
    OutputTransform(encoding, grade, wall, PixelFormat.RGB10A2)
    for encoding, grade, wall in product(("srgb", "linear"), GRADES, ("srgb", "gamma2.4", "pq"))
]


def test_srgb_to_srgb_changes_nothing() -> None:
    rgb = np.random.default_rng(0).uniform(0, 1, (50, 3))
    np.testing.assert_allclose(OutputTransform().codes(rgb), 255 * rgb, atol=1e-4)


def test_one_stop_on_linear_input_to_srgb() -> None:
    transform = OutputTransform("linear", Grade(exposure_stops=1))
    np.testing.assert_allclose(transform.codes(np.full(3, 0.2)), 255 * srgb_encode(0.4))


def test_pq_puts_one_at_reference_white_and_clips_at_the_peak() -> None:
    transform = OutputTransform("linear", wall="pq", pixel_format=PixelFormat.RGB10A2, peak_nits=1500)
    levels = np.array([0.0, 1.0, 2.03, 15.0, 400.0])[:, None] * np.ones(3)
    expected = 1023 * pq_encode([0, 100, 203, 1500, 1500])[:, None] * np.ones(3)
    np.testing.assert_allclose(transform.codes(levels), expected)


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: f"{t.encoding}-{t.wall}-{hash(t.grade) & 0xFFFF:x}")
def test_tables_stay_within_a_twentieth_of_a_ten_bit_code(transform: OutputTransform) -> None:
    rng = np.random.default_rng(1)
    signal = rng.uniform(-0.1, 1.3, (40_000, 3))
    brightest = 10 if transform.grade.balanced else 2  # beyond, a matrix's differences of large numbers take over
    wide = np.exp2(rng.uniform(-44, brightest, (40_000, 3)))
    rgb = np.concatenate([signal, wide, np.zeros((1, 3))]).astype(np.float32)
    tables = transform.tables()
    error = np.abs(tables.codes(rgb) - transform.codes(np.maximum(rgb, 0)))
    assert error.max() < 0.05, f"off by {error.max()} codes at {rgb[error.max(axis=1).argmax()]}"


@pytest.mark.parametrize("wall", ["srgb", "gamma2.4", "pq"])
def test_codes_decode_to_the_light_they_stand_for(wall: str) -> None:
    transform = OutputTransform("srgb", Grade(exposure_stops=-1), wall, PixelFormat.RGB10A2)  # type: ignore[arg-type]
    rgb = np.random.default_rng(2).uniform(0, 1, (50, 3))
    np.testing.assert_allclose(transform.linear_from_codes(transform.codes(rgb)), srgb_decode(rgb) / 2, atol=1e-7)


def test_tables_hold_exact_values_at_their_nodes() -> None:
    nodes = lookup.nodes()
    assert (nodes[0], nodes[-1]) == (0, 2.0**10)
    np.testing.assert_array_equal(
        lookup.evaluate(lookup.tabulate(np.sqrt), nodes[:-1]), np.sqrt(nodes[:-1]).astype(np.float32)
    )
    np.testing.assert_array_equal(lookup.evaluate(lookup.tabulate(np.sqrt), np.array([-3.0, -0.0, 1e-30])), 0)


def test_ten_bit_layout() -> None:
    codes = np.array([[[1023.0, 0.0, 0.0], [0.4, 1.0, 2.6]]])
    packed = pack(codes, PixelFormat.RGB10A2, rounding(False))
    assert packed.dtype == np.uint32
    assert packed[0].tolist() == [0xC00003FF, 0xC0000000 | 3 << 20 | 1 << 10]


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_unpack_undoes_pack(pixel_format: PixelFormat) -> None:
    largest = LARGEST_CODES[pixel_format]
    codes = np.random.default_rng(3).integers(0, largest + 1, (9, 13, 3))
    packed = pack(codes.astype(np.float64), pixel_format, rounding(False))
    assert packed.shape == pixel_format.shape(13, 9)
    assert packed.dtype == pixel_format.dtype
    np.testing.assert_array_equal(unpack(packed, pixel_format), codes)
    if pixel_format is PixelFormat.RGBA8:
        assert (packed[..., 3] == 255).all()


def test_dither_keeps_the_mean_and_never_moves_a_whole_code() -> None:
    offsets = rounding(True)
    assert offsets.mean() == 0.5
    assert len(np.unique(offsets)) == 64
    assert offsets.min() > 0
    assert offsets.max() < 1
    ramp = np.broadcast_to(np.linspace(0, 255, 33)[:, None, None, None], (33, 8, 8, 3))
    means = np.array([unpack(pack(level, PixelFormat.RGBA8, offsets), PixelFormat.RGBA8).mean() for level in ramp])
    np.testing.assert_allclose(means, ramp[:, 0, 0, 0], atol=1 / 64)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoding": "acescg"}, "colour encoding is 'srgb' or 'linear', got 'acescg'"),
        ({"wall": "hlg"}, "colour wall encoding is 'srgb', 'gamma2.4', 'pq' or 'linear', got 'hlg'"),
        (
            {"wall": "linear"},
            "colour encoding 'linear' and format 'rgba16f' go together, got encoding 'linear' and format 'rgba8'",
        ),
        (
            {"pixel_format": PixelFormat.RGBA16F},
            "colour encoding 'linear' and format 'rgba16f' go together, got encoding 'srgb' and format 'rgba16f'",
        ),
        (
            {"wall": "linear", "pixel_format": PixelFormat.RGBA16F, "dither": True},
            "colour dither is for formats of whole codes, and 'rgba16f' is none",
        ),
        (
            {"peak_nits": 50},
            "colour wants 0 < reference_white_nits <= peak_nits <= 10000, got 100 and 50",
        ),
    ],
)
def test_values_not_allowed_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ShowError) as refused:
        OutputTransform(**values)  # type: ignore[arg-type]
    assert str(refused.value) == message
