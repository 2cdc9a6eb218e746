"""The trainer whole, on a small place whose truth is known: what it learns, how it stops, and how it goes on."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.reconstruction.synthetic import CAMERA, cameras, corner, draw, photographed
from tests.render.gsplat_on_cpu import OPERATORS
from tests.render.test_gsplat_training import CAMERA as ONE_TILE
from tests.render.test_gsplat_training import rasterize_to_pixels

from translight.colour.transfer import srgb_encode
from translight.core.errors import BackendError, ReconstructionError
from translight.core.exr import save_exr
from translight.core.frames import STAGE_FROM_RDF
from translight.core.pose import Pose, angle_between
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.pixels import load_photograph
from translight.reconstruction.training import trainer
from translight.reconstruction.training.checkpoint import FILE_NAME
from translight.reconstruction.training.dome import stage_directions
from translight.reconstruction.training.rasterisers import Opened, open_rasteriser
from translight.reconstruction.training.settings import Settings
from translight.reconstruction.training.trainer import Moment, Trained, train
from translight.render.gsplat.training import GsplatRasteriser
from translight.render.sky import sample_sky
from translight.splats.cloud import SplatCloud

SHORT = Settings(width_px=48, splats=800, iterations=160, degree=1, refine_from=20, refine_every=20, sky="none")


def _psnr(trained: Trained, dataset: Dataset, *, held_out: bool = True) -> float:
    images = dataset.split()[1 if held_out else 0]
    squares = []
    for image in images:
        rgb, _, _ = draw(trained.cloud, image.scene_from_camera)
        squares.append(np.square(np.clip(rgb, 0, 1) - load_photograph(image).rgb).mean())
    return float(-10 * np.log10(np.mean(squares)))


def _same(a: SplatCloud, b: SplatCloud) -> None:
    for name in ("means", "scales", "wxyz", "opacities", "sh"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


class PulledPlugError(Exception):
    """What stands for a plug that is pulled."""


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return photographed(tmp_path / "photographs")


@pytest.mark.parametrize("densification", ["mcmc", pytest.param("default", marks=pytest.mark.slow)])
def test_held_out_views_look_like_the_truth(tmp_path: Path, dataset: Dataset, densification: str):
    moments: list[Moment] = []
    settings = replace(SHORT, iterations=500, densification=densification, antialiased=False, scale_weight=0.0)
    trained = train(dataset, settings, tmp_path / "run", told=moments.append)
    grey = float(-10 * np.log10(np.mean([load_photograph(i).rgb.var() for i in dataset.split()[1]])))
    assert _psnr(trained, dataset) > grey + 9
    assert trained.stopped == "iterations"
    assert 300 < len(trained.cloud) <= 800
    assert trained.cloud.sh_degree == 1
    assert trained.sky is None
    assert trained.facts["pictures"] == 7
    assert moments[-1].iteration == 500
    assert moments[-1].psnr_db > grey + 9
    assert trained.facts["training_psnr_db"] == pytest.approx(moments[-1].psnr_db, abs=0.01)


@pytest.mark.parametrize("densification", ["mcmc", pytest.param("default", marks=pytest.mark.slow)])
def test_an_interrupted_run_comes_to_the_same_splats(
    tmp_path: Path, dataset: Dataset, densification: str, monkeypatch: pytest.MonkeyPatch
):
    settings = replace(SHORT, densification=densification, poses=True, checkpoint_s=0.0, absolute_gradients=True)
    expected = train(dataset, settings, tmp_path / "whole")
    step = trainer.Run.step
    for ends in (41, 97):

        def pulled(self: trainer.Run, views: object, ends: int = ends) -> None:
            step(self, views)  # type: ignore[arg-type]
            if self.iteration == ends:
                raise PulledPlugError

        monkeypatch.setattr(trainer.Run, "step", pulled)
        with pytest.raises(PulledPlugError):
            train(dataset, settings, tmp_path / "interrupted")
    monkeypatch.setattr(trainer.Run, "step", step)
    iterations: list[int] = []
    found = train(dataset, settings, tmp_path / "interrupted", told=lambda moment: iterations.append(moment.iteration))
    assert iterations[0] >= 96
    _same(found.cloud, expected.cloud)
    again = train(dataset, settings, tmp_path / "interrupted", told=lambda moment: iterations.append(moment.iteration))
    assert iterations[-1] == 160
    _same(again.cloud, expected.cloud)


def test_a_folder_holds_one_run(tmp_path: Path, dataset: Dataset):
    folder = tmp_path / "run"
    train(dataset, replace(SHORT, iterations=3), folder)
    with pytest.raises(ReconstructionError) as refused:
        train(dataset, replace(SHORT, iterations=4), folder)
    assert str(refused.value) == f"{folder / FILE_NAME}: is of other photographs or settings: delete it to begin anew"
    (folder / FILE_NAME).write_bytes(b"nothing of the sort")
    with pytest.raises(ReconstructionError, match=r"checkpoint\.pt: damaged \(\w+\): delete it to begin anew$"):
        train(dataset, replace(SHORT, iterations=3), folder)


def test_a_full_disk_is_one_line_and_what_was_kept_stays(
    tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "run"
    settings = replace(SHORT, iterations=3)
    train(dataset, settings, folder)
    kept = (folder / FILE_NAME).read_bytes()

    def full(_state: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(ReconstructionError) as refused:
        train(dataset, settings, folder)
    line = "cannot be written: No space left on device; make room and start the same again"
    assert str(refused.value) == f"{folder / FILE_NAME}: {line}"
    assert [file.name for file in folder.iterdir()] == [FILE_NAME]
    assert (folder / FILE_NAME).read_bytes() == kept


def test_it_ends_when_time_is_up_or_the_pictures_are_good_enough(tmp_path: Path, dataset: Dataset):
    timed = train(dataset, replace(SHORT, iterations=10**6, seconds=1.0), tmp_path / "timed")
    assert timed.stopped == "time"
    assert 1.0 <= timed.seconds < 5.0
    good = train(dataset, replace(SHORT, iterations=2000, stop_db=16.0), tmp_path / "good")
    assert good.stopped == "quality"
    assert good.facts["training_psnr_db"] >= 16.0


@pytest.mark.slow
def test_exposures_are_told_from_the_place(tmp_path: Path):
    rng = np.random.default_rng(3)
    gains = [np.exp(rng.normal(0, 0.3, 3)) for _ in range(9)]
    scale = max(float(gain.max()) for gain in gains)
    gains = [gain / scale for gain in gains]  # nothing is clipped
    dataset = photographed(tmp_path / "photographs", gains=gains)
    settings = replace(SHORT, iterations=700, antialiased=False)
    known = _fitted_psnr(train(dataset, settings, tmp_path / "with"), dataset)
    ignored = _fitted_psnr(train(dataset, replace(settings, exposure=False), tmp_path / "without"), dataset)
    assert known > ignored + 2


def _fitted_psnr(trained: Trained, dataset: Dataset) -> float:
    """Of held-out pictures after one gain a channel."""
    squares = []
    for image in dataset.split()[1]:
        rgb, _, _ = draw(trained.cloud, image.scene_from_camera)
        truth = load_photograph(image).rgb
        gain = (rgb * truth).sum(axis=(0, 1)) / (rgb * rgb).sum(axis=(0, 1))
        squares.append(np.square(rgb * gain - truth).mean())
    return float(-10 * np.log10(np.mean(squares)))


@pytest.mark.slow
def test_held_out_exposures_are_foretold_where_files_say_them(tmp_path: Path):
    evs = np.linspace(10, 11, 9)
    gains = [np.full(3, 2 ** (-(ev - 10) / 2.0)) for ev in evs]
    dataset = photographed(tmp_path / "photographs", gains=gains)
    images = tuple(replace(i, exposure_ev=float(ev)) for i, ev in zip(dataset.images, evs, strict=True))
    dataset = replace(dataset, images=images)
    trained = train(dataset, replace(SHORT, iterations=400), tmp_path / "run")
    assert list(trained.gains) == ["00.png", "08.png"]
    assert trained.gains["00.png"].mean() / trained.gains["08.png"].mean() == pytest.approx(2**0.5, rel=0.06)


@pytest.mark.slow
def test_what_is_masked_is_not_learned(tmp_path: Path, dataset: Dataset):
    from translight.core.image import load_image, save_image

    images = []
    for image in dataset.images:
        pixels = load_image(image.file)
        mask = np.full(pixels.shape[:2], 255, np.uint8)
        if image not in dataset.split()[1]:
            pixels[10:20, 10:30] = (255, 0, 255)
            mask[10:20, 10:30] = 0
            save_image(image.file, pixels)
        file = tmp_path / f"mask_{image.name}"
        save_image(file, mask)
        images.append(replace(image, mask=file))
    settings = replace(SHORT, iterations=400, antialiased=False)
    masked = train(replace(dataset, images=tuple(images)), settings, tmp_path / "masked")
    fooled = train(dataset, settings, tmp_path / "fooled")
    assert _psnr(masked, dataset) > _psnr(fooled, dataset) + 3


@pytest.mark.slow
@pytest.mark.parametrize("known", ["pictures", "points"])
def test_depths_that_are_known_bring_splats_to_their_place(tmp_path: Path, dataset: Dataset, known: str):
    images = []
    for image in dataset.images:
        _, alpha, depth = draw(corner(), image.scene_from_camera)
        file = tmp_path / f"{image.name}.exr"
        save_exr(file, np.where(alpha > 0.9, depth, 0).astype(np.float32))
        images.append(replace(image, depth=file))
    few = replace(dataset, images=tuple(images[::2]), points=None)
    if known == "points":
        few = replace(few, images=dataset.images[::2], points=dataset.points)
    away = []
    for weights in ({"points_weight": 0.0, "depth_weight": 0.0}, {"points_weight": 1.0, "depth_weight": 1.0}):
        settings = replace(SHORT, iterations=300, antialiased=False, **weights)
        start = corner(300, seed=9)
        nearer = SplatCloud(start.means * np.float32(0.9), start.scales, start.wxyz, start.opacities * 0.5, start.sh)
        trained = train(few, settings, tmp_path / f"run{len(away)}", initial=nearer)
        _, alpha, depth = draw(trained.cloud, dataset.images[1].scene_from_camera)
        _, _, truth = draw(corner(), dataset.images[1].scene_from_camera)
        away.append(np.abs(depth - truth)[alpha > 0.9].mean())
    assert away[1] < 0.85 * away[0]


@pytest.mark.slow
def test_poses_that_are_not_quite_right_come_nearer(tmp_path: Path):
    dataset = photographed(tmp_path / "photographs", cloud=corner(2500))
    rng = np.random.default_rng(2)
    wrong = [
        image if i == 0 else replace(image, scene_from_camera=_shaken(image.scene_from_camera, rng))
        for i, image in enumerate(dataset.images)
    ]
    settings = replace(SHORT, iterations=700, splats=1500, antialiased=False, poses=True, exposure=False)
    trained = train(replace(dataset, images=tuple(wrong)), settings, tmp_path / "run")
    assert trained.facts["poses_moved"]["rms_deg"] > 0.05
    kept = train(replace(dataset, images=tuple(wrong)), replace(settings, poses=False), tmp_path / "kept")
    assert trained.facts["training_psnr_db"] > kept.facts["training_psnr_db"] + 0.3


def _shaken(pose: Pose, rng: np.random.Generator) -> Pose:
    return pose @ Pose.exp(np.concatenate([np.zeros(3), rng.normal(0, 0.01, 3)]))


@pytest.mark.slow
def test_a_sky_is_learned_apart_from_the_splats(tmp_path: Path):
    from translight.core.image import load_image, save_image

    whole = corner()
    low = whole.means[:, 1] > 0
    ruins = SplatCloud(
        *(np.ascontiguousarray(a[low]) for a in (whole.means, whole.scales, whole.wxyz, whole.opacities, whole.sh))
    )
    dataset = photographed(tmp_path / "photographs", cloud=ruins)
    for image in dataset.images:
        _, alpha, _ = draw(ruins, image.scene_from_camera)
        pixels = load_image(image.file).astype(np.float32)
        blue = np.array([100, 160, 240], np.float32)
        save_image(image.file, np.clip(pixels + (1 - alpha[..., None]) * blue, 0, 255).astype(np.uint8))
    trained = train(dataset, replace(SHORT, iterations=400, sky="dome", exposure=False), tmp_path / "run")
    assert trained.sky is not None
    assert trained.sky.shape == (256, 512, 3)
    assert trained.facts["sky"] is True
    for image in dataset.split()[1]:
        _, open_sky, _ = draw(ruins, image.scene_from_camera)
        _, alpha, _ = draw(trained.cloud, image.scene_from_camera)
        directions = stage_directions(STAGE_FROM_RDF @ image.scene_from_camera, CAMERA)
        looked_through = (open_sky < 0.02) & (alpha < 0.5)
        assert looked_through.sum() > 200
        assert looked_through.sum() > 0.5 * (open_sky < 0.02).sum(), "splats stand where there is sky"
        sky = srgb_encode(sample_sky(trained.sky, directions[looked_through]))
        np.testing.assert_allclose(np.median(sky, axis=0), np.array([100, 160, 240]) / 255, atol=0.1)


def test_gsplat_says_why_it_does_not_open():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(BackendError):
        open_rasteriser("gsplat", lambda _: None)
    assert open_rasteriser("auto", lambda _: None).device.type == "cpu"


def test_both_rasterisers_train_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """gsplat's operators restated for the processor: its kernels need a GPU."""
    dataset = photographed(tmp_path / "photographs", camera=ONE_TILE)
    settings = replace(SHORT, width_px=16, iterations=12, coarse_share=0.0, refine_from=100)
    initial = corner(60)
    ours = train(dataset, settings, tmp_path / "ours", initial=initial)
    opened = Opened(
        GsplatRasteriser(replace(OPERATORS, rasterize_to_pixels=rasterize_to_pixels)),
        torch.device("cpu"),
        "gsplat's operators, restated",
    )
    monkeypatch.setattr(trainer, "open_rasteriser", lambda _name, _says: opened)
    theirs = train(dataset, settings, tmp_path / "theirs", initial=initial)
    assert theirs.facts["rasteriser"] == "gsplat's operators, restated"
    # how far a splat reaches differs a little, and so which of them no picture sees in the end
    assert abs(len(ours.cloud) - len(theirs.cloud)) < 10
    distances = np.linalg.norm(ours.cloud.means[:, None] - theirs.cloud.means, axis=2)
    same = distances.argmin(axis=1)
    moved = np.linalg.norm(ours.cloud.means[:, None] - initial.means, axis=2).min(axis=1).max()
    assert np.median(distances.min(axis=1)) < 0.02 * moved
    assert np.median(np.abs(ours.cloud.opacities - theirs.cloud.opacities[same])) < 1e-3


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"splats": 0}, "width_px, splats, iterations and refine_every are at least 1"),
        ({"seconds": 0.0}, "a run takes more than 0 seconds, got 0.0"),
        ({"drop": 1.0}, "drop is below 1: with every splat left out nothing is drawn"),
        ({"degree": 4}, "the harmonics' degree is 0 to 3, got 4"),
        ({"densification": "more"}, "densification is mcmc or default, sky is auto, dome, backdrop or none"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object], line: str):
    with pytest.raises(ValueError) as refused:
        replace(SHORT, **wrong)
    assert str(refused.value) == line


def test_the_corner_is_seen_by_its_cameras():
    for pose in cameras(9):
        _, alpha, _ = draw(corner(), pose)
        assert alpha.mean() > 0.8
    assert angle_between(cameras(9)[0], cameras(9)[8]) > np.radians(15)
    assert CAMERA.width_px == 48
