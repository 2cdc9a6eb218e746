"""Panoramas enlarged by enlargers whose answer is known; the real network is test_network.py's."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage
from tests.generation.candidates import candidate, panorama

from translight.colour.transfer import srgb_decode
from translight.core.errors import GenerationError
from translight.core.image import save_image
from translight.core.progress import silent
from translight.generation.brief.brief import Brief
from translight.generation.brief.write import brief_text
from translight.generation.candidate import Model
from translight.generation.panorama import directions
from translight.generation.run.generate import generate
from translight.generation.run.job import Job
from translight.generation.run.store import load_candidate, save_candidate
from translight.generation.upscale.range import GREY, see
from translight.generation.upscale.tiles import Around, Canvas, tiles_for
from translight.generation.upscale.upscale import finer_picture, upscale

MODEL = Model("m", "super-resolution", "1", "0" * 64, "MIT", True)


class Same:
    """Makes no more pixels of a picture."""

    scale = 1

    def enlarge(self, encoded):
        return encoded


class Cubic:
    """Splines, each pixel of which lies in its own square of four by four."""

    scale = 4

    def enlarge(self, encoded):
        at = (np.arange(4 * len(encoded)) + 0.5) / 4 - 0.5
        where = np.meshgrid(at, at, indexing="ij")
        planes = [ndimage.map_coordinates(encoded[..., i], where, order=3, mode="mirror") for i in range(3)]
        return np.clip(np.stack(planes, axis=-1), 0, 1).astype(np.float32)


def place(height_px):
    """Soft colours all round, of the direction alone: the same in any number of pixels."""
    x, y, z = np.moveaxis(directions(height_px), -1, 0)
    waves = (np.sin(5 * x + 2 * z), np.cos(4 * y - z), np.sin(3 * z + 2 * x * y))
    return (0.25 + 0.2 * np.stack(waves, axis=-1)).astype(np.float32)


def _laid(picture, height_px, enlarger):
    around, canvas = Around(picture), Canvas(height_px)
    for tile in tiles_for(len(picture)):
        canvas.lay(tile, enlarger.enlarge(around.seen(tile)))
    return canvas.picture()


@pytest.mark.parametrize(("enlarger", "height_px"), [(Same(), 64), (Cubic(), 128)])
def test_what_tiles_see_becomes_the_panorama_again(enlarger, height_px):
    got = _laid(place(64), height_px, enlarger)
    np.testing.assert_allclose(got, place(height_px), atol=2e-3)  # at the poles too


def test_a_turned_panorama_turns():
    """A noisy one by a quarter, after which tiles stand where others stood, and a soft one by any angle."""
    noisy = np.random.default_rng(3).random((32, 64, 3)).astype(np.float32)
    got = _laid(noisy, 64, Cubic())
    np.testing.assert_allclose(_laid(np.roll(noisy, 16, axis=1), 64, Cubic()), np.roll(got, 32, axis=1), atol=2e-4)
    soft = place(64)
    got = _laid(soft, 64, Same())
    np.testing.assert_allclose(_laid(np.roll(soft, 7, axis=1), 64, Same()), np.roll(got, 7, axis=1), atol=2e-3)


def test_a_canvas_with_a_hole_is_refused():
    canvas = Canvas(32)
    tile = tiles_for(32)[0]
    canvas.lay(tile, np.zeros((tile.side_px, tile.side_px, 3), np.float32))
    with pytest.raises(ValueError, match=r"^\d+ pixels lie on no tile$"):
        canvas.picture()


def test_every_pixel_lies_on_tiles_and_none_is_too_large():
    for height_px in (32, 256, 2048):
        tiles = tiles_for(height_px)
        assert max(tile.side_px for tile in tiles) <= 256
        canvas = Canvas(64)
        for tile in tiles:
            canvas.lay(tile, np.ones((8, 8, 3), np.float32))
        np.testing.assert_allclose(canvas.picture(), 1, atol=1e-5)


def test_light_of_any_brightness_comes_back():
    light = place(32) * 0.02  # a night
    light[15, 60] = 9000.0  # and a lamp
    seen = see(light)
    assert seen.encoded.min() >= 0
    assert seen.encoded.max() <= 1
    assert seen.exposure * 0.02 * 0.25 == pytest.approx(GREY, rel=0.3)
    finer = finer_picture(light, 64, Cubic(), silent)
    plain = np.ones((64, 128), bool)
    plain[22:42, 110:] = False
    np.testing.assert_allclose(finer[plain], 0.02 * place(64)[plain], atol=1e-3)
    assert finer.max() > 2000
    assert finer.sum() / 4 == pytest.approx(light.sum(), rel=0.25)  # as narrow as a lamp can be


def test_a_network_s_tint_is_taken_back():
    class Tinted(Cubic):
        def enlarge(self, encoded):
            return super().enlarge(encoded) * np.float32([0.9, 1.0, 0.95])

    np.testing.assert_allclose(
        finer_picture(place(32), 64, Tinted(), silent), finer_picture(place(32), 64, Cubic(), silent), atol=0.01
    )


def test_what_the_shoulder_takes_is_given_back_to_the_last_digit():
    light = np.geomspace(1e-3, 1e5, 2 * 16 * 16 * 3).reshape(16, 32, 3).astype(np.float32)
    seen = see(light)
    np.testing.assert_allclose(seen.light(srgb_decode(seen.encoded)), light, rtol=1e-4)


def test_a_candidate_is_enlarged_whole():
    small = candidate(views=(panorama(32), *candidate().views[1:]), sky=place(32))
    told = []
    large = upscale(small, 64, Cubic(), MODEL, lambda what, share: told.append((what, share)))
    assert large.name == "test-0007-64"
    view = large.views[0]
    assert view.image.shape == large.sky.shape == (64, 128, 3)
    assert view.image.dtype == np.float32
    assert view.distance_m.shape == view.sky.shape == (64, 128)
    np.testing.assert_allclose(large.sky, place(64), atol=0.02)
    assert large.views[1] is small.views[1]
    assert large.models == (*small.models, MODEL)
    wanted = {"step": "upscaled", "from": "test-0007", "from_height_px": 32, "height_px": 64, "network": "m"}
    assert large.settings == {"steps": 3, "words": ["a", "b"], "derived": [wanted]}
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert told[1][0] == "enlarging, tile 2 of 18"


@pytest.mark.parametrize(
    ("height_px", "said"),
    [
        (64, "--height must be a multiple of 64 above 64, the panorama's own, and up to 256, got 64"),
        (100, "--height must be a multiple of 64 above 64, the panorama's own, and up to 256, got 100"),
        (512, "--height must be a multiple of 64 above 64, the panorama's own, and up to 256, got 512"),
    ],
)
def test_heights_that_cannot_be_are_told(height_px, said):
    with pytest.raises(GenerationError) as error:
        upscale(candidate(views=(panorama(64),)), height_px, Cubic(), MODEL, silent)
    assert str(error.value) == said


def test_what_has_no_panorama_is_told():
    for views in ((), candidate().views[1:]):
        with pytest.raises(GenerationError) as error:
            upscale(candidate(views=views), 128, Cubic(), MODEL, silent)
        assert str(error.value) == "test-0007: has no panorama: only panoramas are enlarged"
    narrow = replace(panorama(64), image=np.zeros((64, 100, 3), np.float32))
    with pytest.raises(GenerationError) as error:
        upscale(candidate(views=(narrow,)), 128, Cubic(), MODEL, silent)
    assert str(error.value) == "test-0007: its panorama is 100x64 pixels: twice as wide as high is wanted"
    broken = panorama(64)
    broken.image[3, 4] = np.nan
    with pytest.raises(GenerationError) as error:
        upscale(candidate(views=(broken,)), 128, Cubic(), MODEL, silent)
    assert str(error.value) == "the panorama holds values that are not numbers: it cannot be enlarged"


def test_an_interrupt_ends_it():
    def stop(what, share):
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upscale(candidate(views=(panorama(64),)), 128, Cubic(), MODEL, stop)


def test_a_run_does_not_take_an_enlarged_candidate_for_one_of_its_own(tmp_path):
    save_image(tmp_path / "p.exr", place(32))
    (tmp_path / "brief.toml").write_text(brief_text(Brief(name="One", intent="grey dunes")))
    job = Job(tmp_path / "brief.toml", tmp_path / "run", "import", tmp_path / "p.exr")
    watch = SimpleNamespace(progress=silent, note=lambda what: None)
    (folder,) = generate(job, watch).candidates
    large = upscale(load_candidate(folder), 64, Cubic(), MODEL, silent)
    save_candidate(large, folder.parent / large.name)
    assert generate(job, watch).candidates == (folder,)
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name, f"{folder.name}-64"]
