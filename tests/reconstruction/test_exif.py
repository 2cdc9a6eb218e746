import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin
from tests.reconstruction.photographs import exif_of

from translight.reconstruction.exif import Exif, read_exif

SIZE = (4000, 3000)


def found(exif: Image.Exif, size=SIZE) -> Exif:
    return read_exif(exif, exif.get_ifd(0x8769), exif.get_ifd(0x8825), size)


def test_nothing_said_is_nothing_found():
    assert read_exif({}, {}, {}, SIZE) == Exif()


def test_focal_length_from_the_35_mm_equivalent_is_one_of_diagonals():
    # the diagonal of 36 × 24 mm is 43.27 mm; of 4000 × 3000 pixels 5000
    assert found(exif_of(focal_35mm=26)).focal_px == pytest.approx(26 / 43.2666 * 5000, rel=1e-5)
    assert found(exif_of(focal_35mm=26), (3000, 4000)).focal_px == found(exif_of(focal_35mm=26)).focal_px


def test_a_picture_cut_to_16_9_keeps_its_sensors_width():
    assert found(exif_of(focal_35mm=26), (4000, 2250)).focal_px == found(exif_of(focal_35mm=26), SIZE).focal_px


def test_focal_length_from_the_sensors_resolution():
    # 6000 pixels on 22.3 mm, told in inches, centimetres and millimetres; then the picture was halved
    for unit, mm in ((2, 25.4), (3, 10.0), (4, 1.0)):
        per_unit = TiffImagePlugin.IFDRational(round(6000 / 22.3 * mm * 1000), 1000)
        more = {0xA20E: per_unit, 0xA210: unit, 0xA002: 6000, 0xA003: 4000}.items()
        exif = exif_of(focal_mm=18, more=more)
        assert found(exif, (6000, 4000)).focal_px == pytest.approx(18 * 6000 / 22.3, rel=1e-4)
        assert found(exif, (2000, 3000)).focal_px == pytest.approx(18 * 3000 / 22.3, rel=1e-4)


def test_a_resolution_that_belies_the_35_mm_equivalent_is_not_believed():
    more = {0xA20E: 72, 0xA210: 2, 0xA002: 4000, 0xA003: 3000}.items()
    assert found(exif_of(focal_mm=4, focal_35mm=26, more=more)).focal_px == found(exif_of(focal_35mm=26)).focal_px


def test_exposure_value_at_iso_100():
    # the sunny sixteen rule: f/16, 1/100 s at ISO 100 is EV 14.64
    assert found(exif_of(f_number=16, seconds=0.01, iso=100)).exposure_ev == pytest.approx(14.64, abs=0.01)
    assert found(exif_of(f_number=16, seconds=0.01, iso=400)).exposure_ev == pytest.approx(12.64, abs=0.01)
    apex = {0x9201: 6.0, 0x9202: 4.0}.items()  # 1/64 s, f/4
    assert found(exif_of(iso=100, more=apex)).exposure_ev == pytest.approx(10.0)
    assert found(exif_of(f_number=16, seconds=0.01)).exposure_ev is None


def test_position():
    place = found(exif_of(position=(-33.8568, 151.2153, -4.5)))
    assert (place.latitude_deg, place.longitude_deg) == pytest.approx((-33.8568, 151.2153), abs=1e-7)
    assert place.altitude_m == -4.5
    assert found(exif_of(position=(51.5, -0.12, None))).altitude_m is None
    assert found(exif_of(position=(0, 0, 12))).latitude_deg is None  # a receiver without a fix


def test_time_with_its_fraction():
    exif = exif_of(taken="2024:02:29 12:00:00", more={0x9291: "25"}.items())
    assert found(exif).taken_s == 1709208000.25  # date -u -d '2024-02-29 12:00' +%s
    assert found(exif_of(taken="    :  :     :  :  ")).taken_s is None


def test_camera_says_maker_once_and_lens_and_body():
    more = {0xA434: "Lens 18-55\0\0", 0xA431: "123"}.items()
    assert found(exif_of(make="DJI\0\0", model="FC300S\0", focal_mm=3.61)).camera == "DJI FC300S 3.61 mm"
    assert found(exif_of(make="Canon", model="Canon EOS", more=more)).camera == "Canon EOS Lens 18-55 no. 123"


nonsense = st.one_of(
    st.none(), st.binary(max_size=5), st.text(max_size=5), st.floats(), st.integers(),
    st.tuples(st.floats(), st.floats(), st.floats()), st.builds(TiffImagePlugin.IFDRational, st.integers(-3, 3), st.integers(0, 2)),
)  # fmt: skip
tags = st.sampled_from(
    [1, 2, 3, 4, 5, 6, 0x010F, 0x829A, 0x829D, 0x8827, 0x9003, 0x9201, 0x920A, 0xA405, 0xA002, 0xA003, 0xA20E, 0xA210]
)
directory = st.dictionaries(tags, nonsense)


@settings(max_examples=60)
@given(main=directory, exif=directory, gps=directory)
def test_nonsense_raises_nothing_and_finds_only_what_can_be(main, exif, gps):
    facts = read_exif(main, exif, gps, SIZE)
    assert facts.focal_px is None or facts.focal_px > 0
    assert facts.latitude_deg is None or abs(facts.latitude_deg) <= 90
    numbers = (facts.focal_px, facts.exposure_ev, facts.taken_s, facts.altitude_m)
    assert all(number is None or math.isfinite(number) for number in numbers)
