from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.reconstruction.structure_from_motion.rooms import capture_of, looking, photograph, photographed, room

from translight.core.errors import FormatError, ReconstructionError
from translight.reconstruction.capture import Capture, GeoPosition, Still
from translight.reconstruction.structure_from_motion import pairing
from translight.reconstruction.structure_from_motion.overlap import overlap

pytest.importorskip("pycolmap")


def silent(what, share):
    pass


@pytest.fixture(scope="module")
def two_rooms(tmp_path_factory):
    """Three stills of each of two rooms, and a grey one."""
    folder = tmp_path_factory.mktemp("rooms")
    poses = [looking((x, -1.6, 0.0)) for x in (-0.4, 0.0, 0.4)]
    pictures = {
        f"{place}{i}.png": photograph(room(seed), pose)
        for place, seed in (("a", 0), ("b", 50))
        for i, pose in enumerate(poses)
    }
    pictures["grey.png"] = np.full((240, 320, 3), 128, np.uint8)
    return capture_of(pictures, folder)


@pytest.mark.slow
def test_rooms_hang_together_each_by_itself(two_rooms, tmp_path):
    told = []
    found = overlap(two_rooms, tmp_path, lambda what, share: told.append((what, share)))
    assert [set(group) for group in found.groups()] == [
        {"a0.png", "a1.png", "a2.png"},
        {"b0.png", "b1.png", "b2.png"},
        {"grey.png"},
    ]
    assert list(found.features) == [still.name for still in two_rooms.stills]
    assert found.features["grey.png"] == 0
    assert all(found.features[name] > 200 for name in found.features if name != "grey.png")
    assert found.pairing == "every pair"
    assert min(found.partners("a1.png")[other] for other in ("a0.png", "a2.png")) > 100
    assert found.partners("grey.png") == {}
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert told[-1] == ("matching photographs", 1.0)
    log_size = next(tmp_path.glob("overlap-*/colmap.log")).stat().st_size
    assert overlap(two_rooms, tmp_path, silent) == found
    assert next(tmp_path.glob("overlap-*/colmap.log")).stat().st_size == log_size


def test_masked_pixels_have_no_features(tmp_path):
    capture = photographed([looking((0.0, -1.6, 0.0))], tmp_path / "photos")
    mask = np.zeros((240, 320), np.uint8)
    mask[:, 160:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    (still,) = capture.stills
    masked = Capture(capture.source, (Still(still.name, still.file, 320, 240, "c", mask=tmp_path / "mask.png"),))
    whole, half = overlap(capture, tmp_path, silent), overlap(masked, tmp_path, silent)
    share = half.features[still.name] / whole.features[still.name]
    assert 0.3 < share < 0.7


def test_a_still_that_lies_about_itself_is_refused(tmp_path):
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    a = Still("a.png", tmp_path / "a.png", 30, 21, "camera")
    b = Still("b.png", tmp_path / "b.png", 30, 20, "camera")
    with pytest.raises(FormatError, match=rf"^{tmp_path}/a\.png: 30x20 pixels, a\.png is 30x21$"):
        overlap(Capture(tmp_path, (a,)), tmp_path / "work", silent)
    with pytest.raises(FormatError, match=rf"^{tmp_path}/b\.png: not a readable picture"):
        overlap(Capture(tmp_path, (b,)), tmp_path / "work", silent)


def test_no_stills(tmp_path):
    with pytest.raises(ReconstructionError, match=rf"^{tmp_path}: no stills to compare$"):
        overlap(Capture(tmp_path, ()), tmp_path / "work", silent)


@pytest.mark.parametrize(
    ("sequential", "gps", "said"),
    [
        (False, False, "look-alikes, and those that follow one another by name"),
        pytest.param(True, False, "those that follow one another, and look-alikes", marks=pytest.mark.slow),
        pytest.param(False, True, "neighbours by GPS, and look-alikes", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_many_stills_are_matched_with_some(two_rooms, tmp_path, monkeypatch, sequential, gps, said):
    """As with hundreds, where not every pair is matched; a vocabulary is learnt from the stills themselves."""
    monkeypatch.setattr(pairing, "EXHAUSTIVE_STILLS", 4)
    monkeypatch.setattr(pairing, "NEIGHBOURS", 2)
    kept = two_rooms.stills[:6]
    places = [GeoPosition(50.0 + 0.001 * (i // 3) + 1e-6 * i, 8.0, 100.0) for i in range(6)]
    stills = tuple(replace(still, geo=geo if gps else None) for still, geo in zip(kept, places, strict=True))
    found = overlap(Capture(two_rooms.source, stills, sequential), tmp_path, silent)
    assert found.pairing == said
    assert [set(group) for group in found.groups()] == [{"a0.png", "a1.png", "a2.png"}, {"b0.png", "b1.png", "b2.png"}]
