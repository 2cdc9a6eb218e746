"""What every engine promises, asked of each of them."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from translight.core.image import save_image
from translight.core.progress import silent
from translight.generation.brief.brief import Brief, Place
from translight.generation.brief.translate import translate
from translight.generation.engines.engine import ENGINES, Order, open_engine
from translight.generation.run.store import load_candidate, save_candidate

SEEDS = (11, 12)


def _source(name, folder):
    """What the engine works from."""
    if name == "import":
        for number in range(2):
            picture = np.random.default_rng(number).random((64, 128, 3)).astype(np.float32)
            save_image(folder / f"{number}.exr", picture)
        return folder
    if name == "diffusers":
        pytest.importorskip("diffusers", reason="diffusers is not here")
        from tests.generation.diffusion import tiny

        return tiny.sd(folder / "model")
    return None


@pytest.fixture(scope="module", params=ENGINES)
def made(request, tmp_path_factory):
    """(name, source, engine, order, its candidates, progress as it was told)."""
    source = _source(request.param, tmp_path_factory.mktemp(request.param))
    engine = open_engine(request.param, source)
    brief = Brief(name="contract", intent="a station hall", candidates=2, seeds=SEEDS, place=Place(family="hall"))
    parameters = replace(translate(brief, control_height_px=32), steps=2, control=None)
    order = Order(brief, parameters, 64)
    order = replace(order, parameters=replace(parameters, seeds=engine.seeds(order)))
    told = []
    candidates = list(engine.candidates(order, lambda what, share: told.append((what, share))))
    return request.param, source, engine, order, candidates, told


pytestmark = pytest.mark.slow  # a panorama of every engine, some of it twice


def test_there_is_a_candidate_for_each_seed_in_their_order(made):
    name, _, engine, order, candidates, _ = made
    assert engine.name == name
    assert [candidate.seed for candidate in candidates] == list(order.parameters.seeds)
    assert len({candidate.name for candidate in candidates}) == len(candidates) == 2
    assert all(candidate.name.startswith(f"{name}-") and candidate.engine == name for candidate in candidates)


def test_pictures_are_light_around_the_eye(made):
    for candidate in made[4]:
        view = candidate.views[0]
        assert (view.image.shape, view.image.dtype) == ((64, 128, 3), np.float32)
        assert np.isfinite(view.image).all()
        assert view.image.min() >= 0
        assert view.image.std() > 0.01
        assert view.camera is None
        assert view.stage_from_camera.position_m == pytest.approx([0, 0, 1.7])
        if view.distance_m is not None:
            assert (view.distance_m.shape, view.distance_m.dtype) == ((64, 128), np.float32)
            assert view.distance_m.min() > 0
            assert np.array_equal(np.isinf(view.distance_m), view.sky)


def test_seeds_differ_and_equal_orders_are_equal(made):
    _, source, _, order, candidates, _ = made
    first, second = (candidate.views[0].image for candidate in candidates)
    assert np.abs(first - second).mean() > 1e-3
    again = open_engine(made[0], source)
    one = replace(order, parameters=replace(order.parameters, seeds=order.parameters.seeds[1:]))
    (repeated,) = again.candidates(one, silent)
    assert np.array_equal(repeated.views[0].image, second)
    assert repeated.settings == candidates[1].settings


def test_the_record_is_whole_and_survives_the_disk(made, tmp_path):
    name, _, engine, _, candidates, _ = made
    for candidate in candidates:
        assert msgspec.json.decode(msgspec.json.encode(candidate.settings)) == candidate.settings
        assert {model.sha256 for model in candidate.models} <= {model.sha256 for model in engine.models()}
        save_candidate(candidate, tmp_path / candidate.name)
        found = load_candidate(tmp_path / candidate.name)
        assert (found.name, found.engine, found.models) == (candidate.name, name, candidate.models)
        assert found.views[0].image == pytest.approx(candidate.views[0].image, rel=1e-3, abs=1e-6)


def test_progress_is_a_share_and_its_interrupt_ends_the_work(made):
    _, source, _, order, _, told = made
    assert told
    assert all(what and 0 <= share <= 1 for what, share in told)

    def interrupting(what, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(open_engine(made[0], source).candidates(order, interrupting))
