"""The watermark: found where it is, not where it is not, and hardly seen."""

import io
import json
import re
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from tests.generation.provenance.conftest import NAME

from translight import cli
from translight.core.errors import GenerationError
from translight.core.files import sha256_of
from translight.core.image import load_image, save_image, to_u8
from translight.generation.provenance import watermark, watermark_code, watermark_find
from translight.generation.provenance.watermark import OPEN_KEY, chip_px, mark, pattern
from translight.generation.provenance.watermark_find import MAX_TRIES, find
from translight.generation.review.ledger import read_ledger

IDENTITY = 0x5EEDBEEF1234


def textured(height=300, width=420, seed=0):
    """Light with texture at every scale, as pictures have it, and a flat sky."""
    chance = np.random.default_rng(seed)
    light = sum(
        ndimage.zoom(chance.random((height // s + 1, width // s + 1)), s, order=1)[:height, :width] * s
        for s in (1, 4, 16, 64)
    )
    light = 0.04 + 0.5 * (light / light.max()) ** 2
    light[: height // 4] = 0.55
    return np.stack([light, 0.9 * light, 0.7 * light], axis=-1).astype(np.float32)


@pytest.fixture(scope="module")
def light():
    return textured()


@pytest.fixture(scope="module")
def marked(light):
    return mark(to_u8(watermark.srgb_encode(light)), IDENTITY)


def jpeg(pixels, quality):
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "JPEG", quality=quality)
    return np.array(Image.open(held))


def test_a_codeword_is_read_through_noise():
    coded = watermark_code.encode(IDENTITY, OPEN_KEY)
    assert len(coded) == watermark_code.CODED_BITS == 258
    soft = 1.0 - 2.0 * coded + np.random.default_rng(0).normal(0, 0.9, len(coded))
    assert ((soft < 0) != coded).mean() > 0.08
    assert watermark_code.decode(soft, OPEN_KEY) == IDENTITY
    assert watermark_code.decode(soft, b"another key") is None
    assert watermark_code.decode(np.random.default_rng(1).normal(0, 1, len(coded)), OPEN_KEY) is None
    assert watermark_code.decode(np.full(258, np.nan), OPEN_KEY) is None
    assert watermark_code.decode(np.zeros(258), OPEN_KEY) is None


def test_the_code_is_the_one_that_others_know():
    # one bit sent alone comes out as the generators themselves, 133, 171 and 165 octal, newest bit first
    following, outputs = watermark_code._trellis()
    state, sent = 0, []
    for bit in (1, 0, 0, 0, 0, 0, 0):
        sent.append(outputs[state, bit])
        state = following[state, bit]
    assert state == 0
    assert ["".join(map(str, column)) for column in np.array(sent).T] == ["1011011", "1111001", "1110101"]


@pytest.mark.parametrize("text", ["", "12", "5eedbeef12345", "5eedbeef123g", " 5eedbeef123", "0x5eedbeef12"])
def test_an_id_is_twelve_digits(text):
    with pytest.raises(GenerationError, match=f"^--id has 12 hexadecimal digits, got {re.escape(repr(text))}$"):
        watermark_code.parse_id(text)
    assert watermark_code.parse_id("5EEDbeef1234") == IDENTITY


def test_a_mark_is_found_after_what_happens_to_stills(marked):
    resized = Image.fromarray(marked).resize((567, 405), Image.Resampling.BICUBIC)
    for pixels in (marked, jpeg(marked, 75), np.array(resized), marked[17:290, 31:400]):
        found = find(pixels)
        assert found is not None
        assert found.identity == IDENTITY


def test_the_size_of_a_tile_tells_the_scale(marked):
    resized = np.array(Image.fromarray(marked).resize((567, 405), Image.Resampling.BICUBIC))
    found = find(resized)
    assert found is not None
    assert found.tile_px == pytest.approx((128 * 1.35, 128 * 1.35), rel=5e-3)


def test_it_is_not_found_where_it_is_not(light, marked):
    assert find(to_u8(watermark.srgb_encode(light))) is None
    assert find(marked, b"k" * 16) is None


def test_false_alarms_are_as_rare_as_the_code_makes_them(monkeypatch):
    tries, decode = [], watermark_code.decode
    monkeypatch.setattr(watermark_code, "decode", lambda soft, key: tries.append(soft) or decode(soft, key))
    monkeypatch.setattr(watermark_find, "_FOUND", -np.inf)  # every place is tried, however faint
    monkeypatch.setattr(watermark_find, "_sizes", lambda fine: [(64.0, 64.0)] * watermark_find._SCALES)
    assert find(textured(400, 400)) is None
    assert len(tries) == MAX_TRIES
    assert MAX_TRIES / 2**32 < 4e-8
    # what noise decodes to is spread evenly over all words: its first two bits are 0 once in four times
    words: list[bytes] = []
    monkeypatch.setattr(watermark_code, "zlib", SimpleNamespace(crc32=lambda word: words.append(word) or 0))
    chance, count = np.random.default_rng(2), 150
    for _ in range(count):
        decode(chance.normal(0, 1, watermark_code.CODED_BITS), b"")
    share = sum(word[0] < 64 for word in words) / count
    assert abs(share - 0.25) < 3 * np.sqrt(0.25 * 0.75 / count)


def test_it_is_hardly_seen_and_keeps_hues_black_and_alpha(light, marked):
    plain = to_u8(watermark.srgb_encode(light))
    assert 10 * np.log10(255**2 / np.mean((marked.astype(float) - plain) ** 2)) > 42
    ratio = mark(light, IDENTITY) / light
    np.testing.assert_allclose(ratio[..., 0], ratio[..., 2], rtol=1e-5)
    assert np.abs(np.log(ratio)).max() < 0.06
    assert np.abs(np.log(ratio[:40])).max() < 0.012  # the flat sky
    black = np.zeros((200, 200, 4), np.uint8)
    black[..., 3] = 7
    assert (mark(black, IDENTITY) == black).all()


def test_light_beyond_white_is_marked_at_any_exposure(light):
    bright = mark(light * np.float32(900), IDENTITY)
    assert bright.dtype == np.float32
    for exposed in (bright, bright * np.float32(1e-4)):
        found = find(exposed)
        assert found is not None
        assert found.identity == IDENTITY


def test_a_key_makes_its_own_pattern():
    ours, theirs = (pattern(key).chips(None) for key in (OPEN_KEY, b"k" * 16))
    assert set(np.unique(ours)) == {-1.0, 0.0, 1.0}
    assert (ours == 0).sum() == watermark_code.CODED_BITS * watermark.REPEATS == 2838
    assert abs((ours * theirs).sum()) < 100
    assert [chip_px(*size) for size in ((300, 400), (1080, 1920), (2160, 4096), (9000, 9000))] == [2, 2, 4, 16]


def test_what_cannot_be_marked_is_said(light):
    with pytest.raises(
        GenerationError, match=r"^a picture of three channels and at least 128 pixels each way is wanted$"
    ):
        mark(light[:100], IDENTITY)
    with pytest.raises(GenerationError, match=r"^the picture holds values that are not numbers: it cannot be marked$"):
        mark(light * np.float32(np.inf), IDENTITY)


def test_the_commands_mark_and_the_ledger_and_the_credential_say_so(work, keys, light, capsys):
    still, copy = work.folder / "still.png", work.folder / "marked.png"
    save_image(still, to_u8(watermark.srgb_encode(light)))
    digits = sha256_of(work.candidate / "candidate.json")[:12]
    words = ["provenance", "mark", str(still), "-o", str(copy), "--of", str(work.candidate), "--by", "Ada"]
    assert cli.main([*words, "--ledger", str(work.ledger)]) == 0
    assert capsys.readouterr().out == f"{copy}: 1 marked with {digits}\n"
    assert read_ledger(work.ledger)[0][-1].about == {
        "candidate": NAME, "file": "marked.png", "sha256": sha256_of(copy), "id": digits,
    }  # fmt: skip
    assert cli.main(["provenance", "detect", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == digits
    assert cli.main(["provenance", "detect", str(still)]) == 1
    sign = ["provenance", "sign", str(copy), "--key", str(keys.key), "--of", str(work.candidate)]
    assert cli.main([*sign, "--ledger", str(work.ledger), "--by", "Ada"]) == 0
    capsys.readouterr()
    assert cli.main(["provenance", "show", str(copy)]) == 0
    assert "c2pa.watermarked.unbound watermarked" in capsys.readouterr().out
    assert cli.main(words) == 1
    assert capsys.readouterr().err == f"translight: {copy}: exists; --force replaces it\n"
    save_image(still, np.zeros((200, 200, 3), np.uint8))
    assert cli.main(["provenance", "mark", str(still), "-o", str(work.folder / "dark.png"), "--id", "0" * 12]) == 1
    words = f"translight: {still}: is too small, dark or flat: the mark could not be read from it again\n"
    assert capsys.readouterr().err == words
    assert not (work.folder / "dark.png").exists()


@pytest.mark.slow
def test_a_folder_of_frames_is_marked_as_a_whole(tmp_path, light, capsys):
    frames, out = tmp_path / "frames", tmp_path / "out"
    frames.mkdir()
    for i in range(2):
        save_image(frames / f"{i}.exr", light)
    assert cli.main(["provenance", "mark", str(frames), "-o", str(out), "--id", "0123456789ab"]) == 0
    found = find(load_image(out / "1.exr"))
    assert found is not None
    assert found.identity == 0x0123456789AB
    save_image(frames / "2.png", np.zeros((9, 9, 3), np.uint8))
    assert cli.main(["provenance", "mark", str(frames), "-o", str(tmp_path / "b"), "--id", "0123456789ab"]) == 1
    assert "2.png: a picture of three channels and at least 128 pixels" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "out"]


def test_films_and_environments_are_refused_and_frames_are_looked_through(tmp_path, light, capsys):
    film, place = tmp_path / "traffic.mov", tmp_path / "sea.tlenv"
    film.write_bytes(b"x")
    place.mkdir()
    save_image(place / "sky.exr", light)
    told = {
        film: "a film: its frames are marked before it is encoded: give their folder, or a picture",
        place: "an environment: stills and frames are marked, nothing that plays on a wall",
    }
    for source, words in told.items():
        mark_it = ["provenance", "mark", str(source), "-o", str(tmp_path / "out"), "--id", "0" * 12]
        for command in (mark_it, ["provenance", "detect", str(source)]):
            assert cli.main(command) == 1
            assert capsys.readouterr().err == f"translight: {source}: {words}\n"
    assert not (tmp_path / "out").exists()
    frames = tmp_path / "frames"
    frames.mkdir()
    save_image(frames / "0.exr", light)
    save_image(frames / "1.exr", mark(light, IDENTITY))
    assert cli.main(["provenance", "detect", str(frames)]) == 0
    assert capsys.readouterr().out == f"{frames}/1.exr: watermark {IDENTITY:012x}\n"
    assert cli.main(["provenance", "detect", str(frames), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["picture"] == f"{frames}/1.exr"
    (frames / "1.exr").unlink()
    assert cli.main(["provenance", "detect", str(frames)]) == 1
    assert capsys.readouterr().out == f"{frames}: no watermark found, which does not say that there never was one\n"


@pytest.mark.parametrize("colour", [0, 2])
def test_no_picture_loses_bits_by_its_mark(tmp_path, light, colour, capsys):
    """Grey and RGB of 16 bits, the latter written by hand: Pillow cannot."""
    deep, channels = tmp_path / "deep.png", 3 if colour else 1
    rows = np.clip(light[..., :channels] * 65535, 0, 65535).astype(">u2").reshape(len(light), -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", light.shape[1], light.shape[0], 16, colour, 0, 0, 0))]
    parts += [(b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    with deep.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, body in parts:
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)))
    assert cli.main(["provenance", "mark", str(deep), "-o", str(tmp_path / "out.png"), "--id", "0" * 12]) == 1
    words = "has 16 bits a channel, of which a marked PNG keeps 8: give it as .exr, or in 8"
    assert capsys.readouterr().err == f"translight: {deep}: {words}\n"
    assert not (tmp_path / "out.png").exists()
