"""What is measured is what a wall shows: photographs by another renderer, in other coordinates, of a known quality."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.reconstruction.evaluate.photographed import CAMERA, QUANTISED_PSNR_DB, cloud, photographed

from translight.core.errors import BackendError, FormatError, MissingExtra
from translight.core.image import load_image, save_image
from translight.environment.environment import Environment
from translight.reconstruction.dataset import Dataset
from translight.reconstruction.evaluate import evaluation
from translight.reconstruction.evaluate.evaluation import Evaluation, evaluate
from translight.reconstruction.evaluate.perceptual import NAME, Perceptual
from translight.reconstruction.evaluate.views import cameras_part, stage_view
from translight.render.cameras import parse_cameras


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Dataset]:
    return photographed(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="module")
def measured(made: tuple[Environment, Dataset]) -> Evaluation:
    environment, dataset = made
    return evaluate(environment, dataset.images, CAMERA.width_px, "reference")


def test_the_photographed_environment_is_as_near_as_eight_bits_allow(measured: Evaluation):
    assert [score.name for score in measured.scores] == [f"{i:03}.png" for i in range(6)]
    for score in measured.scores:
        assert score.psnr_db == pytest.approx(QUANTISED_PSNR_DB, abs=1.0)
        assert score.corrected_psnr_db == pytest.approx(QUANTISED_PSNR_DB, abs=1.0)
        assert score.ssim is not None
        assert score.ssim > 0.998
        assert score.lpips is not None
        assert score.lpips < 1e-3
    assert measured.mean.psnr_db == pytest.approx(np.mean([s.psnr_db for s in measured.scores]))


def test_by_default_it_is_the_renderer_of_walls_and_that_agrees(
    made: tuple[Environment, Dataset], measured: Evaluation
):
    environment, dataset = made
    walls = evaluate(environment, dataset.images[:2], CAMERA.width_px)
    assert walls.renderer != "reference"
    for score, wanted in zip(walls.scores, measured.scores, strict=False):
        assert score.psnr_db == pytest.approx(wanted.psnr_db, abs=0.5)


def test_another_environment_is_far(made: tuple[Environment, Dataset], measured: Evaluation):
    environment, dataset = made
    other = evaluate(replace(environment, splats=cloud(seed=1)), dataset.images[:2], CAMERA.width_px, "reference")
    assert other.mean.psnr_db is not None
    assert other.mean.psnr_db < 20
    assert other.mean.ssim is not None
    assert other.mean.ssim < 0.5
    assert other.mean.lpips is not None
    assert other.mean.lpips > 0.1


def test_exposure_costs_psnr_and_not_the_corrected_one(made: tuple[Environment, Dataset], tmp_path: Path):
    environment, dataset = made
    image = dataset.images[3]
    darker = tmp_path / "darker.png"
    save_image(darker, (load_image(image.file) * 0.7).astype(np.uint8))
    score = evaluate(environment, [replace(image, file=darker)], CAMERA.width_px, "reference").scores[0]
    assert score.psnr_db is not None
    assert score.corrected_psnr_db is not None
    assert score.psnr_db < 25
    assert score.corrected_psnr_db > 45
    assert score.exposed_psnr_db is None
    gains = {"003.png": (0.7, 0.7, 0.7), "none of these": (9, 9, 9)}
    exposed = evaluate(environment, [replace(image, file=darker)], CAMERA.width_px, "reference", gains=gains).scores[0]
    assert exposed.exposed_psnr_db is not None
    assert exposed.exposed_psnr_db > 45
    assert exposed.psnr_db == score.psnr_db


def test_masked_pixels_do_not_count(made: tuple[Environment, Dataset], tmp_path: Path):
    environment, dataset = made
    image = dataset.images[0]
    pixels, mask = load_image(image.file).copy(), np.full((72, 96), 255, np.uint8)
    pixels[20:40, 30:60], mask[20:40, 30:60] = 255, 0
    save_image(tmp_path / "p.png", pixels)
    save_image(tmp_path / "m.png", mask)
    spoilt = replace(image, file=tmp_path / "p.png")
    without = evaluate(environment, [spoilt], CAMERA.width_px, "reference").scores[0]
    masked = evaluate(environment, [replace(spoilt, mask=tmp_path / "m.png")], CAMERA.width_px, "reference").scores[0]
    assert without.psnr_db is not None
    assert without.psnr_db < 20
    assert masked.psnr_db == pytest.approx(QUANTISED_PSNR_DB, abs=1.0)
    assert masked.lpips is not None
    assert masked.lpips < 1e-3


def test_linear_environments_are_encoded_and_skies_fill(made: tuple[Environment, Dataset], tmp_path: Path):
    environment, dataset = made
    nothing = cloud(count=0)
    grey = np.full((8, 16, 3), 0.2140411, np.float32)  # linear light of the code value 0.5
    save_image(tmp_path / "grey.png", np.full((72, 96, 3), 128, np.uint8))
    image = replace(dataset.images[0], file=tmp_path / "grey.png")
    for encoding in ("srgb", "linear"):
        score = evaluate(
            replace(environment, splats=nothing, sky=grey, encoding=encoding), [image], 96, "reference"
        ).scores[0]
        assert score.psnr_db is not None
        assert score.psnr_db > 50


def test_smaller_when_asked_and_never_larger(made: tuple[Environment, Dataset]):
    environment, dataset = made
    small, large = (evaluate(environment, dataset.images[:1], width, "reference") for width in (48, 1000))
    assert small.shown[0].truth.shape == (36, 48, 3)
    assert large.shown[0].truth.shape == (72, 96, 3)


def test_facts_are_those_of_held_out_views(measured: Evaluation):
    facts = json.loads(json.dumps(measured.facts(), allow_nan=False))
    assert facts["psnr_db"] == pytest.approx(measured.mean.psnr_db, abs=1e-3)
    assert facts["held_out"] == 6
    assert (facts["lpips_metric"], facts["lpips_missing"]) == (NAME, None)
    assert facts["renderer"] == measured.renderer
    assert [view["name"] for view in facts["views"]] == [f"{i:03}.png" for i in range(6)]
    assert "training" not in facts


def test_training_views_do_not_pass_for_held_out_ones(measured: Evaluation):
    facts = replace(measured, held_out=False).facts()
    assert (facts["psnr_db"], facts["ssim"], facts["lpips"], facts["held_out"]) == (None, None, None, 0)
    assert facts["training"]["psnr_db"] == pytest.approx(measured.mean.psnr_db, abs=1e-3)


def test_without_the_learned_metric_the_reason_is_kept(
    made: tuple[Environment, Dataset], monkeypatch: pytest.MonkeyPatch
):
    def absent() -> None:
        raise MissingExtra("stlpips-pytorch", "train")

    monkeypatch.setattr(Perceptual, "open", absent)
    environment, dataset = made
    facts = evaluate(environment, dataset.images[:1], CAMERA.width_px, "reference").facts()
    assert facts["lpips"] is None
    assert facts["lpips_metric"] is None
    assert facts["lpips_missing"] == 'stlpips-pytorch is not installed: pip install "translight[train]"'
    assert facts["psnr_db"] is not None


def test_without_torch_too(made: tuple[Environment, Dataset], monkeypatch: pytest.MonkeyPatch):
    def absent(name: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'")

    monkeypatch.setattr(evaluation, "import_module", absent)
    environment, dataset = made
    found = evaluate(environment, dataset.images[:1], CAMERA.width_px, "reference")
    assert found.lpips_missing == "No module named 'torch': pip install \"translight[train]\""


def test_what_cannot_be_measured_says_why(made: tuple[Environment, Dataset], tmp_path: Path):
    environment, dataset = made
    with pytest.raises(ValueError, match="an evaluation wants at least one photograph"):
        evaluate(environment, [], 96, "reference")
    with pytest.raises(FormatError, match=r"gone\.png: no such file"):
        evaluate(environment, [replace(dataset.images[0], file=tmp_path / "gone.png")], 96, "reference")
    with pytest.raises(BackendError, match="no renderer backend 'crayon'"):
        evaluate(environment, dataset.images, 96, "crayon")


def test_the_packages_cameras_are_read_by_render_and_see_the_same(made: tuple[Environment, Dataset]):
    environment, dataset = made
    part = cameras_part(environment.stage_from_scene, dataset.images)
    views = parse_cameras(json.dumps(part).encode(), "cameras.json")
    assert [view.name for view in views] == [image.name for image in dataset.images]
    points = environment.splats.means.astype(np.float64)
    for named, image in zip(views, dataset.images, strict=True):
        on_stage = environment.stage_from_scene.apply(points)
        seen = named.view.camera.project(named.view.stage_from_camera.inverse().apply(on_stage))
        np.testing.assert_allclose(seen, CAMERA.project(image.scene_from_camera.inverse().apply(points)), atol=1e-6)
        again = stage_view(environment.stage_from_scene, image)
        np.testing.assert_allclose(named.view.stage_from_camera.matrix(), again.stage_from_camera.matrix(), atol=1e-12)
