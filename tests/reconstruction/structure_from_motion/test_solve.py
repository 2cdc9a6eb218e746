import json
import shutil
from dataclasses import replace

import numpy as np
import psutil
import pytest
from PIL import Image
from tests.reconstruction.structure_from_motion.rooms import capture_of, looking, photograph, photographed, room, walk

from translight.core.errors import ReconstructionError
from translight.core.pose import Pose, Similarity, angle_between
from translight.core.progress import silent
from translight.reconstruction.capture import Capture, GeoPosition
from translight.reconstruction.structure_from_motion.alignment import umeyama
from translight.reconstruction.structure_from_motion.known_distance import KnownDistance, Mark
from translight.reconstruction.structure_from_motion.solve import Options, solve

pytest.importorskip("pycolmap")

POSES = walk(6)
QUICK = Options(longest_px=320)
METRES_PER_DEGREE = 111_195.0


def _colmap() -> list[psutil.Process]:
    """This process's children that run COLMAP; other tests' helpers are not theirs."""
    return [
        child for child in psutil.Process().children() if any("structure_from_motion" in a for a in child.cmdline())
    ]


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Six stills of a room, posed: (capture, work folder, what came of it)."""
    folder = tmp_path_factory.mktemp("walk")
    capture = photographed(POSES, folder / "photos")
    return capture, folder / "work", solve(capture, folder / "work", QUICK)


def truth_from_scene_of(dataset, poses=POSES):
    """Turned as the cameras are (mean of rotations): places on a line would leave the turn about it open."""
    truth = np.array([pose.position_m for pose in poses])
    turns = zip(poses, dataset.images, strict=True)
    U, _, Vt = np.linalg.svd(sum(pose.rotation() @ image.scene_from_camera.rotation().T for pose, image in turns))
    scale = umeyama(dataset.centres(), truth).scale
    turn = Pose.from_matrix(U @ Vt)
    shift = (truth - scale * turn.apply(dataset.centres())).mean(axis=0)
    return Similarity(scale, Pose(turn.wxyz, shift))


def error_m(dataset, poses=POSES):
    """How far each camera stands from its true place, size and place fitted: photographs tell no more."""
    truth = np.array([pose.position_m for pose in poses])
    return np.linalg.norm(umeyama(dataset.centres(), truth).apply(dataset.centres()) - truth, axis=1)


def test_poses_are_the_truth_up_to_size_and_place(walked):
    _, _, posed = walked
    assert [image.name for image in posed.dataset.images] == [f"p{i:02d}.png" for i in range(6)]
    truth_from_scene = truth_from_scene_of(posed.dataset)
    assert error_m(posed.dataset).max() < 0.03  # of a walk of 3.2 m
    for image, pose in zip(posed.dataset.images, POSES, strict=True):
        assert np.degrees(angle_between(truth_from_scene.pose @ image.scene_from_camera, pose)) < 0.5
        assert image.camera.fx == pytest.approx(267.0, rel=0.02)
        assert (image.camera.width_px, image.camera.height_px) == (320, 240)


def test_the_scene_stands_on_its_floor(walked):
    _, _, posed = walked
    truth_from_scene = truth_from_scene_of(posed.dataset)
    down = truth_from_scene.pose.rotation() @ [0.0, 1.0, 0.0]
    assert np.degrees(np.arccos(down[1])) < 1.0  # the truth is RDF too
    assert posed.facts["up"]["by"].startswith("how the cameras were held, and ")
    assert posed.facts["floor"]["by"] == "a level plane below the cameras"
    # of unknown size, the cameras are taken to be 1.6 m high, as in truth they are about
    assert truth_from_scene.scale == pytest.approx(1.05, abs=0.1)
    assert abs(truth_from_scene.apply(np.zeros(3))[1]) < 0.05
    assert posed.dataset.metres_per_unit is None
    assert np.allclose(posed.dataset.stage_from_scene.apply(np.zeros(3)), 0.0)
    views = [image.scene_from_camera.rotation()[:, 2] for image in posed.dataset.images]
    assert np.mean(views, axis=0) @ [0.0, 0.0, 1.0] > 0.95


def test_points_lie_on_the_room_in_its_colours(walked):
    _, _, posed = walked
    truth_from_scene = truth_from_scene_of(posed.dataset)
    x, y, z = np.abs(truth_from_scene.apply(posed.dataset.points.xyz) - [0, 0, 0]).T
    flat = np.minimum.reduce([y, np.abs(z - 6), np.abs(x - 4)])
    assert np.mean(flat < 0.06) > 0.6  # the boxes have the rest
    image = posed.dataset.images[2]
    camera_points = image.scene_from_camera.inverse().apply(posed.dataset.points.xyz)
    pixels = image.camera.project(camera_points)
    with Image.open(image.file) as picture:
        seen = np.asarray(picture.convert("RGB")).astype(float)
    inside = (pixels > 2).all(axis=1) & (pixels[:, 0] < 318) & (pixels[:, 1] < 238)
    u, v = pixels[inside].astype(int).T
    difference = np.abs(seen[v, u] - posed.dataset.points.rgb[inside])
    swapped = np.abs(seen[v, u] - posed.dataset.points.rgb[inside][:, ::-1])
    assert np.median(difference) < 25 < np.median(swapped)


def test_the_report_holds_what_happened(walked):
    _, _, posed = walked
    facts = json.loads(json.dumps(posed.facts, allow_nan=False))
    assert (facts["registered"], facts["total"], facts["left_out"]) == (6, 6, {})
    assert 0.05 < facts["reprojection_error_px"] < 0.6
    assert facts["mean_track_length"] > 2.5
    assert facts["points"] == len(posed.dataset.points) > 200
    (attempt,) = facts["attempts"]
    assert (attempt["what"], attempt["registered"], attempt["picture_longest_px"]) == ("as usual", 6, 320)
    assert facts["cameras"][0]["exif_focal_px"] == 267.0
    assert facts["notes"] == [
        "6 photographs: the scene holds up only near where they were taken",
        "the size is a guess: give GPS or a known distance",
    ]
    with Image.open(posed.picture) as picture:
        assert picture.size == (1200, 720)


def test_a_second_call_finds_everything_done(walked):
    capture, work, posed = walked
    logs = {path: path.stat().st_size for path in work.rglob("colmap.log")}
    again = solve(capture, work, QUICK)
    assert {path: path.stat().st_size for path in work.rglob("colmap.log")} == logs
    assert np.array_equal(again.dataset.centres(), posed.dataset.centres())


def test_gps_gives_metres_north_and_up(walked):
    capture, work, _ = walked
    chance = np.random.default_rng(0)
    stills = []
    for still, pose in zip(capture.stills, POSES, strict=True):
        # the truth made a hundred times as large, its z to the east: GPS of 0.3 m error sees it well
        x, y, z = 100 * pose.position_m + chance.normal(0, 0.3, 3)
        stills.append(replace(still, geo=GeoPosition(-x / METRES_PER_DEGREE, z / METRES_PER_DEGREE, -y)))
    posed = solve(Capture(capture.source, tuple(stills)), work, QUICK)
    truth = 100 * np.array([pose.position_m for pose in POSES])
    assert umeyama(posed.dataset.centres(), truth).scale == pytest.approx(1.0, rel=0.02)
    assert posed.dataset.metres_per_unit == 1.0
    assert posed.facts["scale"]["by"] == "GPS"
    assert posed.facts["scale"]["gps"]["residual_m"] < 1.0
    # cameras 160 m above the floor: the stage's eye is where the middle still was taken
    assert posed.facts["floor_z_m"] == pytest.approx(1.7 - 170, abs=15)
    eyes = posed.dataset.stage_from_scene.apply(posed.dataset.centres())
    assert np.linalg.norm(eyes - [0, 0, 1.7], axis=1).min() < 1e-9


def test_gps_of_a_small_room_tells_nothing(walked):
    capture, work, _ = walked
    chance = np.random.default_rng(0)
    geo = [GeoPosition(*(chance.normal(0, 4, 2) / METRES_PER_DEGREE), 30.0 + chance.normal(0, 8)) for _ in POSES]
    stills = tuple(replace(still, geo=one) for still, one in zip(capture.stills, geo, strict=True))
    posed = solve(Capture(capture.source, stills), work, QUICK)
    assert posed.dataset.metres_per_unit is None
    assert (
        posed.facts["scale"]["by"] == "GPS is too coarse for so small a capture: guessed, cameras 1.6 m above the floor"
    )


def test_a_known_distance_gives_metres(walked):
    capture, work, _ = walked
    ends = [(-1.5, -2.6, 6.0), (1.2, -2.2, 6.0)]  # on the wall ahead
    where = [POSES[2].inverse().apply(np.array(end)) for end in ends]
    pixels = [267 * p[:2] / p[2] + (160, 120) for p in where]
    marks = [Mark("p02.png", *map(float, pixel)) for pixel in pixels]
    metres = float(np.linalg.norm(where[0] - where[1]))
    posed = solve(capture, work, replace(QUICK, distance=KnownDistance(*marks, 10 * metres)))
    truth = 10 * np.array([pose.position_m for pose in POSES])
    assert umeyama(posed.dataset.centres(), truth).scale == pytest.approx(1.0, rel=0.05)
    assert (posed.dataset.metres_per_unit, posed.facts["scale"]["by"]) == (1.0, "a known distance")


@pytest.fixture
def half_done(walked, tmp_path):
    """(capture, work folder) with features and matches, and no model."""
    capture, work, _ = walked
    shutil.copytree(work, tmp_path / "half", ignore=shutil.ignore_patterns("model-*"))
    return capture, tmp_path / "half"


@pytest.mark.slow
def test_an_interrupted_run_goes_on(half_done):
    capture, work = half_done
    next(work.rglob("overlap.json")).unlink()

    def interrupted(what, share):
        if what == "matching photographs":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(capture, work, QUICK, interrupted)
    assert not _colmap()
    (log,) = work.rglob("colmap.log")
    before = log.stat().st_size
    again = solve(capture, work, QUICK)
    assert "Processed file" not in log.read_text()[before:]
    assert again.facts["registered"] == 6
    assert error_m(again.dataset).max() < 0.03, again.facts["attempts"]


@pytest.mark.slow
def test_a_crash_is_told_and_the_next_attempt_made(half_done):
    capture, work = half_done

    def killing(what, share):
        if what == "placing photographs":
            for child in _colmap():
                child.kill()

    posed = solve(capture, work, QUICK, killing)
    first, second = posed.facts["attempts"]
    assert "COLMAP's process was ended by SIGKILL" in first["failed"]
    assert (first["registered"], second["registered"]) == (0, 6)


@pytest.mark.slow
def test_what_does_not_hang_together_is_left_out_and_said_why(tmp_path):
    pictures = {f"a{i}.png": photograph(room(), pose) for i, pose in enumerate(POSES[:4])}
    pictures["b.png"] = photograph(room(70), POSES[0])
    pictures["dark.png"] = np.full((240, 320, 3), 3, np.uint8)
    posed = solve(capture_of(pictures, tmp_path / "photos"), tmp_path / "work", Options(seconds=0.0, longest_px=320))
    assert set(posed.left_out) == {"b.png", "dark.png"}
    assert posed.left_out["b.png"].startswith("shares nothing with any other (")
    assert posed.left_out["dark.png"].startswith("shows too little to hold on to (0 features, the others about ")
    assert posed.left_out["dark.png"].endswith("): it is dark")
    assert posed.facts["notes"][0].startswith("partial: 4 of 6 photographs have a pose: ")
    assert json.loads(json.dumps(posed.facts))["left_out"] == posed.left_out


def test_too_few_photographs(tmp_path):
    capture = photographed(POSES[:1], tmp_path / "photos")
    wanted = "poses want at least 3 that overlap, and a scene some 20 or more"
    with pytest.raises(ReconstructionError) as caught:
        solve(capture, tmp_path / "work")
    assert str(caught.value) == f"{tmp_path}/photos: one photograph; {wanted}"
    with pytest.raises(ReconstructionError, match=rf"^{tmp_path}/photos: no photographs; {wanted}$"):
        solve(Capture(tmp_path / "photos", ()), tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.mark.slow
def test_photographs_of_different_places_are_refused(tmp_path):
    pictures = {f"{i}.png": photograph(room(100 * i), POSES[i]) for i in range(3)}
    capture = capture_of(pictures, tmp_path / "photos")
    with pytest.raises(ReconstructionError) as caught:
        solve(capture, tmp_path / "work", Options(seconds=0.0, longest_px=320), silent)
    head = f"{tmp_path}/photos: none of 3 photographs could be placed: "
    assert str(caught.value) == f"{head}3 share nothing with any other (0.png, 1.png, 2.png)"


@pytest.mark.slow
def test_turning_on_the_spot_is_refused_after_every_attempt(tmp_path):
    """The global mapper gives poses to such stills that no point supports: they must not count."""
    capture = photographed([looking((0.0, -1.6, -1.0), pan, -5) for pan in range(-16, 17, 8)], tmp_path / "photos")
    with pytest.raises(ReconstructionError) as caught:
        solve(capture, tmp_path / "work", QUICK)
    said = "5 were taken from one spot: step aside between photographs, turning alone shows no depth"
    head = f"{tmp_path}/photos: none of 5 photographs could be placed"
    assert str(caught.value) == f"{head}: {said} (p00.png, p01.png, p02.png, …)"
