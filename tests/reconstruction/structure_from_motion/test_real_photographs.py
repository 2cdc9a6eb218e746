from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from translight.core.errors import ReconstructionError
from translight.core.progress import silent
from translight.reconstruction.capture import Capture, GeoPosition, Still
from translight.reconstruction.structure_from_motion.overlap import overlap
from translight.reconstruction.structure_from_motion.solve import Options, solve

pytest.importorskip("pycolmap")
PHOTOS = Path(__file__).parents[3] / ".." / "shared" / "data" / "photos"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PHOTOS.is_dir(), reason="../shared/data/photos is not on this machine"),
]


def stills_of(folder: Path, *, gps: bool = True) -> list[Still]:
    """As a camera's files say: 35 mm focal length and GPS."""
    found = []
    for file in sorted((PHOTOS / folder).glob("*.jpg")):
        with Image.open(file) as picture:
            exif, size = picture.getexif(), picture.size
        place, mm = exif.get_ifd(0x8825), exif.get_ifd(0x8769)[0xA405]

        def degrees(dms, sphere):
            return float(dms[0] + dms[1] / 60 + dms[2] / 3600) * (-1 if sphere in "SW" else 1)

        geo = GeoPosition(degrees(place[2], place[1]), degrees(place[4], place[3]), float(place[6])) if gps else None
        found.append(Still(file.name, file, *size, f"{folder}", mm / 36 * size[0], geo))
    return found


def test_brighton_is_whole_in_metres_and_upright(tmp_path):
    posed = solve(Capture(PHOTOS / "brighton", tuple(stills_of("brighton"))), tmp_path, Options(seconds=60), silent)
    assert (posed.facts["registered"], posed.facts["total"], posed.left_out) == (18, 18, {})
    assert posed.facts["reprojection_error_px"] < 0.8
    assert posed.dataset.metres_per_unit == 1.0
    gps = posed.facts["scale"]["gps"]
    assert gps["agreeing"] >= 16
    assert gps["residual_m"] < 1.0
    # flown level, looking straight down
    heights = -posed.dataset.centres()[:, 1]
    assert np.ptp(heights) < 3.0
    assert 25 < np.median(heights) < 55
    downs = np.array([image.scene_from_camera.rotation()[1, 2] for image in posed.dataset.images])
    assert np.degrees(np.arccos(downs)).max() < 5.0
    # on the stage they look ahead, from its eye
    assert posed.facts["tilted_deg"] == pytest.approx(90, abs=5)
    eyes = posed.dataset.stage_from_scene.apply(posed.dataset.centres())
    assert np.linalg.norm(eyes - (0, 0, 1.7), axis=1).min() < 1e-6


def test_three_photographs_of_berlin_are_labelled(tmp_path):
    posed = solve(Capture(PHOTOS / "berlin", tuple(stills_of("berlin"))), tmp_path, Options(longest_px=1000), silent)
    assert posed.facts["registered"] == 3
    assert posed.facts["notes"][0] == "3 photographs: the scene holds up only near where they were taken"
    assert posed.dataset.metres_per_unit is None


def test_two_places_are_told_apart(tmp_path):
    stills = [*stills_of("berlin"), *stills_of("brighton")[:4]]
    capture = Capture(PHOTOS, tuple(stills))
    groups = overlap(capture, tmp_path, silent).groups()
    assert sorted(len(group) for group in groups)[-1] >= 3
    assert all(len({name.startswith("dji") for name in group}) == 1 for group in groups)
    lone = Capture(PHOTOS, (stills[0], stills[4], stills[6]))
    with pytest.raises(ReconstructionError, match=r": none of 3 photographs could be placed: "):
        solve(lone, tmp_path, Options(seconds=1, longest_px=640), silent)
