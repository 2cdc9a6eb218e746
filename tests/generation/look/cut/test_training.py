"""Training: it learns a look from unpaired pictures, goes on to the bit, and refuses what is another's."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra generate is not installed")

from translight.core.errors import FormatError, GenerationError  # noqa: E402
from translight.core.image import save_image  # noqa: E402
from translight.core.progress import silent  # noqa: E402
from translight.generation.look.cut.loss import chance  # noqa: E402
from translight.generation.look.cut.model import Settings, device_named, load_generator  # noqa: E402
from translight.generation.look.cut.stills import Stills, read_stills  # noqa: E402
from translight.generation.look.cut.training import train  # noqa: E402
from translight.generation.look.cut.translator import open_translator  # noqa: E402

TINY = Settings(size_px=32, filters=4, blocks=0, places=16, embedding=8)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stills(tint, seed, count=6):
    """Horizontal streaks of one tint, from −1 to 1."""
    dice = torch.Generator().manual_seed(seed)
    pictures = []
    for _ in range(count):
        streaks = torch.rand((1, 1, 48, 48), generator=dice) - 0.5
        streaks = torch.nn.functional.avg_pool2d(streaks, (1, 9), 1, (0, 4))[0] * 1.5
        pictures.append((streaks + torch.tensor(tint)[:, None, None]).clamp(-1, 1))
    return Stills(tuple(pictures), {f"{i}.png": f"{seed:064x}" for i in range(count)})


WARM, COOL = stills([0.4, 0.0, -0.4], 1), stills([-0.4, 0.0, 0.4], 2)


def taught(folder, steps, settings=TINY, changed=WARM, wanted=COOL, **more):
    options = {"device": device_named("cpu"), "licence": "ours", "commercial": None, **more}
    return train(changed, wanted, folder, settings, steps, silent, **options)


@pytest.mark.slow
def test_warm_pictures_become_cool_and_keep_their_places(tmp_path):
    settings = Settings(size_px=32, filters=8, blocks=1, places=64, embedding=32, learning_rate=4e-3)
    ended = taught(tmp_path / "m", 50, settings)
    generator = load_generator(tmp_path / "m")[0]
    with torch.no_grad():
        made = torch.cat([generator(x[None, :, :48, :48]) for x in WARM.pictures])
    tints = [torch.stack(p).mean((0, 2, 3)) for p in (WARM.pictures, COOL.pictures)]
    before, after = (float((tint - tints[1]).norm()) for tint in (tints[0], made.mean((0, 2, 3))))
    assert after < 0.5 * before
    assert ended.losses.contrast < 0.6 * chance(64)
    rows = torch.stack(list(WARM.pictures)).mean(1) - made.mean(1)
    assert rows.std() < (torch.stack(list(WARM.pictures)).mean(1).roll(7, 1) - made.mean(1)).std(), "streaks stay"


def test_gone_on_with_it_comes_to_the_same_bits(tmp_path):
    taught(tmp_path / "whole", 4)
    asked = iter([False, False, True])
    stopped = taught(tmp_path / "parts", 4, stop=lambda: next(asked))
    assert (stopped.steps, stopped.interrupted) == (2, True)
    assert taught(tmp_path / "parts", 4).steps == 4
    one, other = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert one == other
    assert (tmp_path / "whole" / "model.json").read_bytes() == (tmp_path / "parts" / "model.json").read_bytes()
    taught(tmp_path / "other", 4, Settings(size_px=32, filters=4, blocks=0, places=16, embedding=8, seed=1))
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != one


def test_another_training_is_not_gone_on_with(tmp_path):
    taught(tmp_path / "m", 1)
    record = json.loads((tmp_path / "m" / "model.json").read_text())
    assert (record["steps"], record["changed"]["0.png"], record["licence"]) == (1, f"{1:064x}", "ours")
    for changed, said in (
        ({"settings": Settings(size_px=32, filters=8, blocks=0)}, "settings"),
        ({"changed": COOL}, "stills to change"),
        ({"wanted": WARM}, "wanted stills"),
    ):
        with pytest.raises(GenerationError, match=f"was begun with other {said}; --fresh begins anew$"):
            taught(tmp_path / "m", 2, **changed)
    assert taught(tmp_path / "m", 1, changed=COOL, fresh=True).steps == 1
    (tmp_path / "m" / "checkpoint.pt").write_bytes(b"PK rubbish")
    with pytest.raises(GenerationError, match=r"checkpoint.pt: damaged \(\w+\); --fresh begins anew$"):
        taught(tmp_path / "m", 2, changed=COOL)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")
    with pytest.raises(GenerationError, match=r"mine: holds something else than a network; choose another folder$"):
        taught(tmp_path / "mine", 1, fresh=True)
    assert (tmp_path / "mine" / "precious").is_file()
    with pytest.raises(GenerationError, match=r"^--device must be auto, cpu or cuda, got 'tpu'$"):
        device_named("tpu")


def test_a_model_that_was_changed_is_refused(tmp_path):
    taught(tmp_path / "m", 1)
    weights = tmp_path / "m" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"\x7f")
    with pytest.raises(GenerationError, match=r"is not the file that model.json describes: its sha256 differs$"):
        load_generator(tmp_path / "m")
    weights.write_bytes(whole)
    text = (tmp_path / "m" / "model.json").read_text()
    (tmp_path / "m" / "model.json").write_text(text.replace('"filters": 4', '"filters": 8'))
    with pytest.raises(GenerationError, match=r"does not hold the network that model.json describes$"):
        load_generator(tmp_path / "m")
    (tmp_path / "m" / "model.json").write_text(text.replace('"filters": 4', '"filters": 4000'))
    with pytest.raises(FormatError, match=r"settings.filters: "):
        load_generator(tmp_path / "m")
    with pytest.raises(GenerationError, match=r"no such folder; translight generate look-train makes one$"):
        load_generator(tmp_path / "none")


def test_stills_are_read_small_and_known(tmp_path):
    save_image(tmp_path / "a.png", np.full((40, 60, 3), 188, np.uint8))
    save_image(tmp_path / "b.exr", np.full((96, 192, 3), 5.0, np.float32))
    shown = read_stills(tmp_path, 32, silent, exposed=False)
    assert [tuple(x.shape) for x in shown.pictures] == [(3, 40, 60), (3, 48, 96)]
    torch.testing.assert_close(shown.pictures[0].mean(), torch.tensor(2 * 188 / 255 - 1), atol=1e-3, rtol=0)
    # exposed to grey: 0.18 is 0.4614 in sRGB
    for still in (shown.pictures[1], read_stills(tmp_path, 32, silent, exposed=True).pictures[0]):
        torch.testing.assert_close(still.mean(), torch.tensor(2 * 0.4614 - 1), atol=1e-3, rtol=0)
    crop = shown.crop(32, torch.Generator().manual_seed(1))
    assert crop.shape == (1, 3, 32, 32)
    with pytest.raises(GenerationError, match=r"a.png: 60x40 pixels; at least 64 on each side are wanted \(--size\)$"):
        read_stills(tmp_path, 64, silent, exposed=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(GenerationError, match=r"empty: 0 pictures; from 1 to 1000 are wanted$"):
        read_stills(tmp_path / "empty", 32, silent, exposed=False)


def test_gains_turn_with_the_panorama_and_stay_bounded(tmp_path):
    taught(tmp_path / "m", 1)
    translator = open_translator(tmp_path / "m", 32, "cpu")
    light = np.exp(np.random.default_rng(0).normal(size=(64, 128, 3))).astype(np.float32)
    light[3, 5] = 60_000
    gain = translator.gain(light, panorama=True)
    assert gain.shape == (32, 64, 3)
    assert 1 / 16 <= gain.min() < gain.max() <= 16
    turned = translator.gain(np.roll(light, 16, axis=1), panorama=True)  # 2 pixels for one, times the stride of 4
    np.testing.assert_allclose(turned, np.roll(gain, 8, axis=1), rtol=1e-3)
    light[0, 0] = np.nan
    with pytest.raises(GenerationError, match=r"holds values that are not numbers: it cannot be translated$"):
        translator.gain(light, panorama=True)
    with pytest.raises(GenerationError, match=r"^--cut-height must be a multiple of 4 from 32 to 2048, got 30$"):
        open_translator(tmp_path / "m", 30, "cpu")


def test_too_little_memory_is_one_line(tmp_path, monkeypatch):
    taught(tmp_path / "m", 1)
    translator = open_translator(tmp_path / "m", 32, "cpu")

    def full(*_, **__):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")

    def broken(*_, **__):
        raise RuntimeError("a mistake of ours")

    for forward, kind, said in (
        (full, GenerationError, "does not fit into"),
        (broken, RuntimeError, "^a mistake of ours$"),
    ):
        monkeypatch.setattr("translight.generation.look.cut.network.Generator.forward", forward)
        with pytest.raises(kind, match=said):
            taught(tmp_path / "m", 2)
        with pytest.raises(kind, match=said):
            translator.gain(np.ones((32, 64, 3), np.float32), panorama=True)
