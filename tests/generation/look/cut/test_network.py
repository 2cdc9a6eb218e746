"""The networks: turning a panorama turns the result, and comparing places tells what chance would not."""

import pytest

torch = pytest.importorskip("torch", reason="the extra generate is not installed")

from translight.generation.look.cut.loss import chance, contrast, patch_nce  # noqa: E402
from translight.generation.look.cut.network import STRIDE, Generator, Heads, Judge, doubled, halved  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def picture(height=16, width=32, seed=0):
    return torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_a_turned_panorama_gives_the_turned_result():
    torch.manual_seed(0)
    generator = Generator(6, 2).double()
    x = picture().double()
    with torch.no_grad():
        for turn in (STRIDE, 3 * STRIDE):
            turned = generator(x.roll(turn, 3), wrap=True)
            torch.testing.assert_close(turned, generator(x, wrap=True).roll(turn, 3), atol=1e-10, rtol=0)
        assert (generator(x.roll(STRIDE, 3)) - generator(x).roll(STRIDE, 3)).abs().max() > 1e-3, "wrap is what does it"
        assert generator(x).shape == x.shape
        assert generator(x).abs().max() < 1


def test_halving_and_doubling_do_not_shift():
    ramp = torch.arange(32.0).repeat(1, 1, 16, 1)
    half = halved(ramp, False)
    torch.testing.assert_close(half[0, 0, 4, 1:], torch.arange(2.0, 32.0, 2.0))
    back = doubled(half, False)
    # bilinear in pixel centres: half a fine pixel is what halving on even pixels leaves
    torch.testing.assert_close(back[0, 0, 8, 4:-4], torch.arange(4.0, 28.0) - 0.5)
    assert Judge(4)(picture()).shape == (1, 1, 2, 4)


def test_patch_nce_is_log_n_by_chance_and_nothing_when_sure():
    same = torch.eye(32)
    assert float(patch_nce(same, same)) < 1e-4
    alike = torch.ones(32, 1)
    assert float(patch_nce(alike, alike)) == pytest.approx(chance(32), rel=1e-6)
    assert float(patch_nce(same, same.roll(1, 0))) > chance(32)
    # against torch's own: InfoNCE written out
    query = torch.nn.functional.normalize(torch.randn(9, 5, generator=torch.Generator().manual_seed(1)), dim=1)
    logits = query @ query.T / 0.07
    wanted = (torch.logsumexp(logits, 1) - logits.diag()).mean()
    torch.testing.assert_close(patch_nce(query, query), wanted)


def test_places_are_compared_with_themselves():
    torch.manual_seed(0)
    generator = Generator(4, 1)
    heads = Heads(generator.channels(), 16)
    x, dice = picture(), torch.Generator()
    with torch.no_grad():
        features = generator.features(x)
        own = contrast(generator, heads, features, x, 32, dice.manual_seed(2))
        turned = contrast(generator, heads, features, x.roll(16, 3), 32, dice.manual_seed(2))
    assert own < turned
