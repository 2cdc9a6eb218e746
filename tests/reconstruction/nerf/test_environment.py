"""nerfacto for real, on the CPU: trained, stopped, taken up, looked at, baked, drawn. Takes minutes."""

import time
from pathlib import Path

import numpy as np
import pytest
from tests.reconstruction.nerf import room

from translight.core.camera import Camera
from translight.core.errors import ReconstructionError
from translight.core.pose import Pose, Similarity
from translight.reconstruction.evaluate.metrics import psnr_db
from translight.reconstruction.evaluate.views import stage_view
from translight.reconstruction.nerf.environment import BakeSettings, nerf_environment
from translight.reconstruction.nerf.process import nerf_python
from translight.reconstruction.nerf.run import NerfSettings, train_nerf
from translight.reconstruction.nerf.views import photograph_views
from translight.render.backends import open_renderer
from translight.render.scene import scene_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
CAMERA = Camera.from_fov(48, 36, horizontal_deg=75)
SIZES = {"train_num_rays_per_batch": 512}
ELSEWHERE = Similarity(7.0, Pose.exp([3.0, -40.0, 12.0, 0.5, 0.3, -0.8]))
"""nerfstudio moves, turns and scales a scene as it likes; what comes back must be where it was."""


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return nerf_python()
    except ReconstructionError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return room.dataset(tmp_path_factory.mktemp("room"), 12, CAMERA, arc_deg=100.0)


def flat(pictures):
    """The PSNR of the best single colour: what an image is worth that shows nothing."""
    return float(np.mean([psnr_db(np.broadcast_to(p.mean((0, 1)), p.shape).copy(), p) for p in pictures]))


def test_a_nerf_becomes_an_environment(python, dataset, tmp_path):
    """From photographs in a place of their own; PSNR and depth against the room itself."""
    moved = dataset.moved(ELSEWHERE)
    said = []
    made = nerf_environment(
        "room",
        moved,
        NerfSettings(width_px=48, iterations=400, seed=3, sizes=SIZES),
        BakeSettings(width_px=48, views=20, splats=4000, iterations=300, degree=1),
        tmp_path,
        python,
        lambda words, _: said.append(words),
    )
    steps = dict(made.steps)
    held_out = dataset.split()[1]
    truths = [room.cast(CAMERA, image.scene_from_camera) for image in held_out]
    assert steps["nerf"]["iteration"] == 400
    assert any(words.startswith("nerfacto: iteration ") for words in said)
    baseline = flat([rgb for rgb, _ in truths])
    for (rgb, depth), picture in zip(truths, made.held_out, strict=True):
        assert psnr_db(picture.rgb, rgb) > baseline + 6
        ball = depth < 2.0  # the walls' soft paint leaves their depth open
        assert ball.mean() > 0.15
        assert np.median(np.abs(picture.depth / ELSEWHERE.scale - depth)[ball] / depth[ball]) < 0.06
    bake = steps["bake"]
    assert 500 < bake["splats"] <= 4000
    assert bake["refined"]["nerf_views"]["psnr_db"] > bake["before_refining"]["nerf_views"]["psnr_db"]
    assert bake["refined"]["photographs"]["psnr_db"] > baseline + 5
    assert bake["lost_db"] == pytest.approx(
        steps["nerf"]["psnr_db"] - bake["refined"]["photographs"]["psnr_db"], abs=1e-3
    )
    # drawn by our renderer where it stands
    view = stage_view(moved.stage_from_scene, moved.split()[1][1])
    with open_renderer("cpu") as renderer:
        (frame,) = renderer.render(scene_of(made.environment), [view])
    assert psnr_db(np.clip(frame.rgba[..., :3], 0, 1), truths[1][0]) > baseline + 5


def test_training_stops_with_a_checkpoint_and_goes_on(python, dataset, tmp_path):
    views = photograph_views(dataset.images[:1], 24)
    reached = []

    def interrupt(words, share):
        if words.startswith("nerfacto: iteration"):
            reached.append(int(words.split()[2]))
            raise KeyboardInterrupt

    settings = NerfSettings(width_px=48, iterations=60, sizes=SIZES)
    with pytest.raises(KeyboardInterrupt):
        train_nerf(dataset, views, settings, tmp_path / "work", python, interrupt)
    assert (tmp_path / "work" / "checkpoint.ckpt").is_file()
    assert not (tmp_path / "work" / "renders").exists()
    began = []
    nerf = train_nerf(
        dataset,
        views,
        settings,
        tmp_path / "work",
        python,
        lambda words, _: began.append(words),
        worker=_watched(tmp_path),
    )
    assert nerf.facts["iteration"] == 60
    resumed = int((tmp_path / "resumed").read_text())
    assert reached[0] <= resumed < 60
    assert nerf.pictures["photo_000"].rgb.shape == (18, 24, 3)


def _watched(tmp_path):
    """The worker, which also leaves where it began."""
    from translight.reconstruction.nerf.process import WORKER

    file = tmp_path / "worker.py"
    wanted = "trainer.train()\n        seconds"
    source = WORKER.read_text()
    assert wanted in source
    kept = f"open({str(tmp_path / 'resumed')!r}, 'w').write(str(trainer._start_step))\n        "
    file.write_text(source.replace(wanted, kept + wanted))
    return file


def test_the_clock_ends_a_training(python, dataset, tmp_path):
    began = time.monotonic()
    settings = NerfSettings(width_px=48, seconds=3.0, sizes=SIZES)
    nerf = train_nerf(dataset, photograph_views(dataset.images[:1], 24), settings, tmp_path / "work", python)
    assert nerf.facts["stopped"] == "time"
    assert 3.0 <= nerf.facts["seconds"] < 30
    assert nerf.facts["iteration"] < 30_000
    assert time.monotonic() - began < 300


def test_a_setting_that_nerfacto_does_not_have(python, dataset, tmp_path):
    with pytest.raises(ReconstructionError, match="nerfstudio: ValueError: nerfacto has no setting colour_of_the_sea"):
        train_nerf(dataset, [], NerfSettings(width_px=48, sizes={"colour_of_the_sea": 1}), tmp_path / "work", python)
