"""The procedural engine's own part: the sky alone is the sky of the panorama."""

import numpy as np
import pytest

from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.generation.brief.brief import Brief, Place
from translight.generation.brief.translate import translate
from translight.generation.engines.engine import Order, open_engine
from translight.generation.procedural.engine import SAMPLES, scene_of, sky_picture
from translight.generation.procedural.scene import Air, Material, Scene, Sky
from translight.generation.procedural.shapes import box, placed_once
from translight.generation.procedural.trace import Panorama, draw


def test_the_sky_alone_is_what_the_panorama_shows_of_it():
    toward = np.array([0.0, np.cos(0.3), np.sin(0.3)])
    radiance = np.random.default_rng(4).random((16, 32, 3)).astype(np.float32)
    scene = Scene(
        Sky(radiance, toward, np.full(3, 2.0), 0.05),  # wide enough for rays so far apart
        np.array([0.0, 0.0, 1.6]),
        (Material((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),),
        placed=(placed_once(box((400.0, 400.0, 1.0), 0, foot_m=(0.0, 0.0, -1.0))),),
        air=Air(fog_per_m=0.002, fog_height_m=30.0),
        exposure=2.0,
    )
    drawn = draw(scene, Panorama(64, scene.eye_m), samples=SAMPLES, seed=3)
    alone = sky_picture(scene, 64, 3)
    upper = slice(0, 30)  # clear of the box's edge
    assert np.isinf(drawn.distance_m[upper]).all()
    assert alone[upper] == pytest.approx(drawn.image[upper], rel=1e-5)
    assert alone.max() > 50 * np.median(alone)  # the sun's disc is in it
    assert np.isfinite(alone).all()


def test_a_brief_without_a_family_is_refused():
    brief = Brief(name="b", intent="something blue")
    with pytest.raises(GenerationError, match=r"^place\.family is missing and no word of the brief names one; give "):
        next(open_engine("procedural").candidates(Order(brief, translate(brief), 128), silent))


def test_a_family_found_from_the_words_has_the_sky_of_one_given():
    found = Brief(name="b", intent="waves of the ocean", place=Place(weather="broken"))
    given = Brief(name="b", intent="waves of the ocean", place=Place(weather="broken", family="ocean"))
    assert translate(found).family == "ocean"
    one, two = (scene_of(brief, "ocean", 3, 16).sky.radiance for brief in (found, given))
    np.testing.assert_array_equal(one, two)
