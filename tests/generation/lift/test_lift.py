from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import GenerationError
from translight.core.image import load_image
from translight.core.pose import Pose
from translight.environment.files import load_environment, load_json_part
from translight.environment.report import Report
from translight.generation.brief.brief import Stage
from translight.generation.candidate import Model
from translight.generation.candidate import View as Picture
from translight.generation.lift.lift import Lifted, Options, lift, save_lifted
from translight.render.cameras import parse_cameras


def test_better_than_the_published_recipe_against_truth(renderer):
    """From random places within ±1.5 m in a room, with half of its splats: far fewer holes, and a higher PSNR."""
    from benchmarks.bench_lift import places, score, truths, worldgen
    from benchmarks.lift_scenes import room

    world = room()
    panorama = world.panorama(96)
    recipe = worldgen(panorama)
    own = lift(panorama, None, Stage(), Options(splats=9000, magnification=1.0, steps=0, backend="cpu")).environment
    known = truths(world, places(world, 8), 38)
    ours, theirs = (score(renderer, environment, known) for environment in (own, recipe))
    assert len(own.splats) == 9000 < 0.5 * len(recipe.splats)
    assert ours.psnr_db > theirs.psnr_db
    assert theirs.holes > 0.01
    assert ours.holes < 0.2 * theirs.holes


def test_the_package_is_read_back_as_it_was(lifted: Lifted, tmp_path: Path):
    path = tmp_path / "yard.tlenv"
    save_lifted(lifted, path, steps=[{"step": "generate", "seed": 7}])
    back = load_environment(path)
    assert (back.name, back.encoding, back.metres_per_unit) == ("yard", "linear", 1.0)
    np.testing.assert_array_equal(back.splats.means, lifted.environment.splats.means)
    assert back.sky is not None
    assert back.sky.max() > 10, "the sun is in it"
    report = Report.of(path)
    assert [step["step"] for step in report.steps] == ["generate", "lift", "parallax"]
    told = report.last("lift")
    assert told is not None
    assert told["splats"] == 5000
    assert told["reach_m"] == pytest.approx(0.5 * np.sqrt(3**2 + 3**2 + 1), abs=1e-3)
    budget = report.last("parallax")
    assert budget is not None
    assert budget["reach_m"].keys() >= {"left", "right", "ahead", "back", "up", "down"}
    assert load_image(path / "contact_sheet.jpg").shape == (660, 600, 3)
    assert load_image(path / "thumbnail.jpg").shape == (360, 640, 3)
    import json

    (eye,) = parse_cameras(json.dumps(load_json_part(path, "cameras")).encode(), "cameras.json", None)
    np.testing.assert_allclose(eye.view.stage_from_camera.position_m, [0, 0, 1.6])


def test_a_finer_sky_and_coarser_layers(panorama):
    told: list[tuple[str, float]] = []
    options = Options(splats=3000, height_px=48, steps=0)
    model = Model("anything", "depth", "", "0" * 64, "Apache-2.0", True)
    half = lift(panorama, None, Stage(), options, lambda what, share: told.append((what, share)), models=[model])
    assert half.layers.sheets[0].mask.shape == (48, 96)
    assert half.environment.sky is not None
    assert half.environment.sky.shape == (96, 192, 3)
    assert half.parallax is None
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    step = half.report.last("lift")
    assert step is not None
    assert step["models"][0]["licence"] == "Apache-2.0"


def _with(panorama: Picture, **changes) -> Picture:
    return replace(panorama, **changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"distance_m": None}, "the panorama has no distances: give a depth model's folder"),
        (
            lambda p: {"image": p.image[:, :96]},
            "an equirectangular panorama is wanted, twice as wide as high, got 96x96",
        ),
        (lambda p: {"distance_m": p.distance_m[:50]}, "the picture is (96, 192), its distances (50, 192)"),
        (lambda p: {"sky": p.sky[:50]}, "the picture is (96, 192), its sky mask (50, 192)"),
        (lambda p: {"image": p.image * np.nan}, "colours must be finite, distances above 0 (infinite in the sky)"),
        (lambda p: {"distance_m": -p.distance_m}, "colours must be finite, distances above 0 (infinite in the sky)"),
    ],
    ids=["no distances", "shape", "distances", "sky", "nan", "negative"],
)
def test_what_cannot_be_lifted_is_said_in_a_line(panorama, change, message: str):
    with pytest.raises(GenerationError) as caught:
        lift(_with(panorama, **change(panorama)), None, Stage())
    assert str(caught.value) == f"lift: {message}"


@pytest.mark.parametrize("sky", [np.ones((8, 8, 3), np.float32), np.full((8, 16, 3), np.inf, np.float32)])
def test_a_sky_that_is_none(panorama, sky):
    with pytest.raises(GenerationError) as caught:
        lift(panorama, sky, Stage(), Options(steps=0))
    assert str(caught.value) == f"lift: a sky is finite and (h 2·h 3), got {sky.shape}"


def test_too_few_splats(panorama):
    with pytest.raises(GenerationError, match=r"^lift: \d+ splats are the fewest for these layers, got 9$"):
        lift(panorama, None, Stage(), Options(splats=9, steps=0))


def test_nothing_but_sky_cannot_be_lifted():
    view = Picture(np.ones((16, 32, 3), np.float32), None, Pose.identity(), np.full((16, 32), np.inf, np.float32))
    with pytest.raises(GenerationError, match=r"^lift: the panorama shows nothing but sky: it needs no lift$"):
        lift(view, None, Stage())


def test_an_interrupt_passes_through(panorama):
    def stop(what: str, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lift(panorama, None, Stage(), Options(), stop)
