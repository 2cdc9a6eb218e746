"""A look on whole candidates: one map for pictures, sky and splats, a record of it, and no seam."""

from dataclasses import replace

import numpy as np
import pytest
from tests.generation.candidates import candidate, panorama

from translight.core.errors import GenerationError
from translight.core.image import save_image
from translight.core.pose import Similarity
from translight.core.progress import silent
from translight.environment.environment import Environment
from translight.environment.procedural_sky import make_sky
from translight.generation.candidate import Model, View
from translight.generation.look.cube import Cube, write_cube
from translight.generation.look.encoding import decode, encode
from translight.generation.look.film import STOCKS, film
from translight.generation.look.look import look
from translight.generation.look.recipe import FilmStep, Recipe, Reference, linear_picture, lut_step
from translight.generation.look.splat_colours import recoloured
from translight.render.sh import SH_0, SH_OFFSET, colours
from translight.splats.cloud import SplatCloud


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A warm reference."""
    file = tmp_path_factory.mktemp("still") / "warm.png"
    chance = np.random.default_rng(3)
    save_image(file, (chance.random((20, 30, 3)) * [200, 120, 60] + 30).astype(np.uint8))
    return file


@pytest.fixture(scope="module")
def lut(tmp_path_factory):
    """Red and blue exchanged, half as bright."""
    file = tmp_path_factory.mktemp("lut") / "swap.cube"
    table = np.stack(np.meshgrid([0, 0.5], [0, 0.5], [0, 0.5], indexing="ij"), axis=-1).astype(np.float32)
    write_cube(file, Cube(table))
    return file


def environment(degree=1, n=40, encoding="srgb"):
    chance = np.random.default_rng(0)
    sh = chance.normal(scale=0.3, size=(n, (degree + 1) ** 2, 3)).astype(np.float32)
    sh[:, 1:] *= 0.05
    cloud = SplatCloud(
        (chance.normal(size=(n, 3)) * 5).astype(np.float32),
        np.full((n, 3), 0.1, np.float32),
        np.tile(np.float32([1, 0, 0, 0]), (n, 1)),
        np.full(n, 0.9, np.float32),
        sh,
    )
    return Environment("e", cloud, Similarity.identity(), np.full((4, 8, 3), 0.5, np.float32), encoding)


def test_a_lut_on_all_that_is_seen_and_its_record(lut):
    before = candidate()
    made = look(before, Recipe(lut=lut_step(lut, "linear")), "other", silent)
    for was, now in zip(before.views, made.candidate.views, strict=True):
        np.testing.assert_allclose(now.image, was.image[..., ::-1] / 2, rtol=1e-5)
        assert (now.distance_m is was.distance_m, now.camera is was.camera) == (True, True)
    assert now.image.dtype == np.float32
    np.testing.assert_allclose(made.candidate.sky, 0.5)
    assert made.candidate.name == "other"
    (told,) = made.candidate.settings["derived"]
    assert (told["step"], told["from"]) == ("looked", "test-0007")
    (step,) = told["looks"]
    assert step.items() >= {"look": "lut", "file": "swap.cube", "input": "linear", "output": "linear"}.items()
    assert len(step["sha256"]) == 64
    again = look(made.candidate, Recipe(lut=lut_step(lut, "linear")), "third", silent)
    assert [entry["from"] for entry in again.candidate.settings["derived"]] == ["test-0007", "other"]


@pytest.mark.parametrize("transfer", ["mk", "idt"])
def test_a_reference_keeps_the_sun_and_turns_with_the_panorama(still, transfer):
    view = panorama(32)
    view.image[3, 9] = [60_000, 50_000, 40_000]
    turned = replace(view, image=np.roll(view.image, 7, axis=1))
    recipe = Recipe(Reference(still, transfer, seed=4))
    made, other = (look(candidate(views=(v,), sky=v.image), recipe, "n", silent).candidate for v in (view, turned))
    np.testing.assert_allclose(other.views[0].image, np.roll(made.views[0].image, 7, axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(made.sky, made.views[0].image)
    knee = made.settings["derived"][0]["looks"][0]["knee"]
    image = made.views[0].image
    near = (
        look(
            candidate(views=(replace(view, image=view.image * 0 + view.image[3, 9] / 60_000 * knee),)),
            Recipe(),
            "x",
            silent,
        )
        .candidate.views[0]
        .image[0, 0]
    )
    assert near.max() == pytest.approx(knee, rel=1e-5)
    assert np.log2(image[3, 9].max() / np.median(image)) > 14
    # warmer than it was: red over blue, in stops
    stops = [np.log2(x[..., 0] / x[..., 2].clip(1e-4)).mean() for x in (view.image.clip(1e-4), image.clip(1e-4))]
    assert stops[1] > stops[0] + 0.4
    half = look(candidate(views=(view,)), Recipe(Reference(still, transfer, 0.0)), "n", silent).candidate
    np.testing.assert_allclose(half.views[0].image, view.image, rtol=1e-4, atol=1e-6)


def test_a_film_glows_and_grains_pictures_and_keeps_its_facts():
    before = candidate()
    step = FilmStep(film("print"), halation=2.0, halation_deg=8.0, grain=1.0, seed=5)
    made = look(before, Recipe(film=step), "n", silent).candidate
    assert made.settings["derived"][0]["looks"] == [
        {
            "look": "film",
            "stock": "print",
            "highlights": 1.0,
            "halation": 2.0,
            "halation_deg": 8.0,
            "grain": 1.0,
            "seed": 5,
        }
    ]
    plain = look(before, Recipe(film=FilmStep(film("print"), halation=0.0)), "n", silent).candidate
    np.testing.assert_allclose(plain.views[0].image, film("print")(before.views[0].image), rtol=1e-5)
    glowed = look(before, Recipe(film=FilmStep(film("print"), 5.0, 8.0)), "n", silent).candidate.views[0].image
    assert glowed[3, 4, 0] / plain.views[0].image[3, 4, 0] > glowed[3, 4, 2] / plain.views[0].image[3, 4, 2]


@pytest.mark.parametrize("encoding", ["srgb", "linear"])
def test_splats_are_mapped_by_their_colour_and_its_slope(encoding):
    scene = environment(encoding=encoding)
    stock = film("daylight negative 250")
    made = recoloured(scene, stock)
    np.testing.assert_allclose(made.sky, stock(scene.sky), rtol=1e-5)
    chance = np.random.default_rng(1)
    rays = chance.normal(size=(40, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    codes = [colours(s.splats.sh, rays) for s in (scene, made)]
    wanted = encode(stock(decode(codes[0], encoding)), encoding)
    mean = np.maximum(scene.splats.sh[:, 0] * SH_0 + SH_OFFSET, 0)
    flat = encode(stock(decode(mean.astype(np.float64), encoding)), encoding)
    lit = (mean > 0.1).all(axis=1)
    slope_error, flat_error = (np.abs(x - wanted)[lit].max() for x in (codes[1], flat))
    assert slope_error < 0.15 * flat_error


def test_an_environment_takes_what_is_a_map_of_colours(still, lut):
    scene = candidate(views=(), sky=None, environment=environment())
    recipe = Recipe(Reference(still), FilmStep(film("print")), lut_step(lut, "srgb"))
    made = look(scene, recipe, "n", silent)
    assert [step["look"] for step in made.facts] == ["reference", "film", "lut"]
    assert "halation" not in made.facts[1], "it is laid on pictures only"
    assert np.isfinite(made.candidate.environment.splats.sh).all()
    with pytest.raises(GenerationError, match=r"is an environment of splats: grain is laid on pictures only$"):
        look(scene, Recipe(film=FilmStep(film("print"), grain=1.0)), "n", silent)
    with pytest.raises(GenerationError, match=r"is an environment of splats: a network changes pictures only$"):
        look(scene, Recipe(), "n", silent, Redder())
    dark = candidate()
    dark.views[1].image[0, 0, 0] = np.inf
    with pytest.raises(GenerationError, match=r"^test-0007: holds values that are not numbers$"):
        look(dark, Recipe(), "n", silent)
    with pytest.raises(GenerationError, match=r"has neither pictures nor splats$"):
        look(candidate(views=()), Recipe(), "n", silent)


@pytest.fixture(scope="module")
def sunny():
    """A procedural sky whose sun's disc, 40,000 times white, is three pixels."""
    sky = make_sky(48, sun_azimuth_deg=20, sun_elevation_deg=30, ground=np.full(3, 0.2), exposure=1.0, seed=0)
    image = sky.picture.copy()
    image[15, 52:55] = sky.sun / sky.sun.max() * 40_000
    return image


@pytest.mark.parametrize("step", ["mk", "idt", *STOCKS, "lut", "cut"])
def test_the_suns_disc_and_its_stops_come_through(step, sunny, still, lut):
    if step in ("mk", "idt"):
        recipe = Recipe(Reference(still, step))
    elif step in STOCKS:
        recipe = Recipe(film=FilmStep(film(step), halation=0.0))
    else:
        recipe = Recipe(lut=lut_step(lut, "srgb") if step == "lut" else None)
    view = View(sunny, None, panorama().stage_from_camera)
    network = Redder() if step == "cut" else None
    made = look(candidate(views=(view,), sky=sunny), recipe, "n", silent, network).candidate
    for light in (made.views[0].image, made.sky):
        peak = light.max(axis=-1)
        disc = np.zeros(peak.shape, bool)
        disc[15, 52:55] = True
        assert peak[disc].min() > 100 * peak[~disc].max(), "nothing beside it is near it, all of it is there"
        assert np.log2(peak[disc].min() / np.percentile(peak, 1)) > 14


class Redder:
    """A network that doubles red, twice as much below the horizon."""

    model = Model("redder", "image-translation", "step 1", "0" * 64, "ours", None)

    def gain(self, light, *, panorama):  # noqa: ARG002 - whatever it is
        height = 8 if panorama else 3
        gain = np.ones((height, 2 * height if panorama else 4, 3), np.float32)
        gain[..., 0] = 2
        if panorama:
            gain[height // 2 :, :, 0] = 4
        return gain

    def facts(self):
        return {"look": "cut"}


def test_a_networks_gain_is_laid_on_pictures_and_on_the_sky_as_it_is_seen():
    before = candidate(sky=np.full((16, 32, 3), 0.5, np.float32))
    made = look(before, Recipe(), "n", silent, Redder()).candidate
    ratio = made.views[0].image / before.views[0].image
    np.testing.assert_allclose(ratio[:6, :, 0], 2, rtol=1e-5)
    np.testing.assert_allclose(ratio[-6:, :, 0], 4, rtol=1e-5)
    np.testing.assert_allclose(ratio[..., 1:], 1, rtol=1e-5)
    np.testing.assert_allclose(
        made.views[1].image / before.views[1].image, [[[2, 1, 1]]] * np.ones((6, 9, 1)), rtol=1e-5
    )
    # below the horizon the sky goes on as it was seen above
    np.testing.assert_allclose(made.sky, [[[1.0, 0.5, 0.5]]] * np.ones((16, 32, 1)), rtol=1e-4)
    assert made.models[-1].name == "redder"


def test_references_are_read_as_light(tmp_path):
    save_image(tmp_path / "grey.png", np.full((20, 20), 188, np.uint8))
    light = linear_picture(tmp_path / "grey.png")
    assert light.shape == (20, 20, 3)
    np.testing.assert_allclose(light, 0.5029, atol=1e-4)
    for bad, said in ((Reference, "--strength must lie within 0 and 1, got 2"),):
        with pytest.raises(GenerationError, match=said):
            bad(tmp_path / "grey.png", "mk", 2.0)
