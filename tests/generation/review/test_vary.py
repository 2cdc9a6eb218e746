"""Variations: what is asked is checked as a brief is, and a region drawn anew leaves the rest as it was, to the bit."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from tests.generation.review import runs

from translight.cli import main
from translight.core.errors import FormatError, GenerationError
from translight.core.file_lock import locked
from translight.core.image import save_image
from translight.core.progress import silent
from translight.generation.brief.brief import Block, Brief
from translight.generation.brief.read import parse_brief
from translight.generation.candidate import Candidate
from translight.generation.engines import engine as engines
from translight.generation.review import variations
from translight.generation.review import vary as varying
from translight.generation.review.ledger import read_ledger
from translight.generation.review.vary import Wish, brief_of, read_mask, vary, with_values
from translight.generation.run.job import Identity
from translight.generation.run.store import load_candidate

BRIEF = Brief(name="b", intent="grey dunes", candidates=3, seeds=(1, 2, 3), blocking=(Block(name="mia"),))
RUN = Identity(1, "0" * 64, "fake", None, 128)


class Fake:
    """An engine whose candidates say what they were asked for."""

    def candidates(self, order, _progress):
        for seed in order.parameters.seeds:
            yield Candidate(f"fake-{seed}", "fake", seed, settings={"weather": order.brief.place.weather})


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(varying, "open_engine", lambda name, source: Fake())


def test_values_are_checked_as_in_a_file():
    changed = with_values(BRIEF, ["place.weather=fog", "light.sun_elevation_deg=4", "lens.sensor_mm=[24.0, 18.0]"])
    assert (changed.place.weather, changed.light.sun_elevation_deg) == ("fog", 4.0)
    assert changed.lens.sensor_mm == (24.0, 18.0)
    moved = with_values(BRIEF, ["blocking[mia].position_m=[1.0, 6.0]", "intent=a foggy bay, at dawn"])
    assert (moved.blocking[0].position_m, moved.intent) == ((1.0, 6.0), "a foggy bay, at dawn")
    dotted = Brief(name="b", intent="x", blocking=(Block(name="no. 2 car"),))
    assert with_values(dotted, ["blocking[no. 2 car].turn_deg=30"]).blocking[0].turn_deg == 30.0
    assert with_values(BRIEF, ["place.weather=fog", "place.weather=rain"]).place.weather == "rain"
    assert with_values(BRIEF, ["blocking=[]", 'place={family="ocean"}']).blocking == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("place.weather=fogg", "--set: place.weather must be one of broken, clear, fog, haze, overcast, rain, scattered, snow, got \"fogg\" (did you mean fog?)"),
        ("place.wether=fog", "--set: place.wether is not known; did you mean weather?"),
        ("light.sun_elevation_deg=91", "--set: light.sun_elevation_deg must be from -90 to 90 degrees, got 91"),
        ("fog", "--set 'fog': KEY=VALUE is wanted, as in place.weather=fog"),
        ("seeds=[4]", "--set seeds: a variation is one candidate of its brief; --seed sets its seed"),
        ("blocking[ben].turn_deg=3", "--set blocking[ben].turn_deg: the brief has no blocking[ben] to set that in"),
        ("intent.x=3", "--set intent.x: the brief has no intent to set that in"),
        ("[]=3", "--set []: a key of the brief is wanted, as in place.weather or blocking[mia].words"),
        ("place..weather=fog", "--set place..weather: a key of the brief is wanted, as in place.weather or blocking[mia].words"),
        ("blocking[mia]x.words=3", "--set blocking[mia]x.words: a key of the brief is wanted, as in place.weather or blocking[mia].words"),
        ("blocking[].words=x", "--set blocking[].words: a key of the brief is wanted, as in place.weather or blocking[mia].words"),
        ("blocking[mia]=3", "--set blocking[mia]: a key of the brief is wanted, as in place.weather"),
        ("blocking[mia].position_m=[1, 'a']", '--set: blocking[mia].position_m[1] must be a number from -100000 to 100000 metres, got "a"'),
        ("place=3", "--set: place must be a table with where, family, weather, visibility_km, wind_m_s, wind_from_deg, got 3"),
        ("avoid.words=x", '--set: avoid.words must be a list, got "x"'),
        ('place.weather="fog"\nname = "x"', '--set: place.weather must be one of broken, clear, fog, haze, overcast, rain, scattered, snow, got ""fog"\\nname = "x""'),
        ("intent=\udcff", "--set 'intent=\\udcff': holds what is no UTF-8 text"),
    ],
)  # fmt: skip
def test_values_that_cannot_be(value, said):
    with pytest.raises(GenerationError) as caught:
        with_values(BRIEF, [value])
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "nothing to vary: give --seed, --set KEY=VALUE, or --mask with --prompt and --inpaint"),
        ({"prompt": "a boat"}, "a region wants all three: --mask MASK.png --prompt TEXT --inpaint FOLDER"),
        ({"note": "\udcff", "seed": 1}, "a reason or note is UTF-8 text, got '\\udcff'"),
        ({"mask": "m", "prompt": "\udcff", "inpaint": "f"}, "--prompt '\\udcff': holds what is no UTF-8 text"),
        ({"seed": -1}, "--seed must be from 0 to 4294967295, got -1"),
        ({"mask": "m", "prompt": "x", "inpaint": "f", "values": ("a=1",)}, "--mask draws a region anew, --set makes the whole anew: ask for one of them"),
    ],
)  # fmt: skip
def test_wishes_that_cannot_be(values, said):
    with pytest.raises(GenerationError) as caught:
        Wish(**values)
    assert str(caught.value) == said


def test_another_seed_and_weather_can_be_made_again(fake):
    parent = Candidate("fake-2", "fake", 2)
    made = vary(parent, BRIEF, RUN, Wish(9, ("place.weather=fog",), note="softer"), "fake-2-v1", "a" * 64, silent)
    assert (made.name, made.seed, made.settings["weather"]) == ("fake-2-v1", 9, "fog")
    (step,) = made.settings["derived"]
    assert (step["step"], step["from"], step["from_sha256"], step["seed"]) == ("varied", "fake-2", "a" * 64, 9)
    assert step["note"] == "softer"
    own = parse_brief(step["brief"].encode(), "x", None)
    assert (own.place.weather, own.seeds, own.candidates) == ("fog", (9,), 1)
    assert brief_of(made, BRIEF) == own
    again = vary(made, BRIEF, RUN, Wish(values=("light.sun_elevation_deg=3",)), "fake-2-v1-v1", "b" * 64, silent)
    assert (again.seed, again.settings["weather"]) == (9, "fog"), "a variation is varied from its own brief"


def test_imports_have_nothing_to_vary(fake):
    with pytest.raises(GenerationError, match=r"^imported pictures have neither seed nor brief to vary: draw a region"):
        vary(Candidate("i", "import", 0), BRIEF, Identity(1, "0" * 64, "import", "x", 128), Wish(1), "i-v1", "", silent)
    assert "import" in engines.ENGINES


def test_a_mask_is_its_white(tmp_path):
    mask = np.zeros((16, 32), np.uint8)
    mask[4:8, :6] = 255
    save_image(tmp_path / "m.png", mask)
    assert np.array_equal(read_mask(tmp_path / "m.png", 32), np.kron(mask, np.ones((2, 2))) > 0)
    see_through = np.dstack([np.full((16, 32, 3), 255, np.uint8), mask])
    save_image(tmp_path / "a.png", see_through)
    assert np.array_equal(read_mask(tmp_path / "a.png", 16), mask > 0)
    save_image(tmp_path / "square.png", np.zeros((16, 16), np.uint8))
    save_image(tmp_path / "black.png", np.zeros((16, 32), np.uint8))
    save_image(tmp_path / "white.png", np.full((16, 32), 255, np.uint8))
    for name, said in (
        ("square", "16x16 pixels: a mask is twice as wide as high, as the panorama"),
        ("black", "marks nothing; what shall be drawn anew is white"),
        ("white", "marks everything: a region is wanted; --seed or --set make the whole anew"),
        ("none", "no such file"),
    ):
        with pytest.raises(GenerationError) as caught:
            read_mask(tmp_path / f"{name}.png", 16)
        assert str(caught.value) == f"{tmp_path / name}.png: {said}"


@pytest.mark.slow
def test_a_region_is_drawn_anew_and_the_rest_is_the_same_to_the_bit(tmp_path, capsys):
    pytest.importorskip("diffusers", reason="the extra generate is not installed")
    from tests.generation.diffusion import tiny

    run, (one, _) = runs.make(tmp_path)
    model = tiny.sd(tmp_path / "model", inpainting=True)
    mask = np.zeros((64, 128), np.uint8)
    mask[30:40, :12] = 255
    save_image(tmp_path / "m.png", mask)
    words = ["review", "vary", str(one), "--mask", str(tmp_path / "m.png"), "--prompt", "a red door"]
    capsys.readouterr()
    assert main([*words, "--inpaint", str(model), "--seed", "5", "--by", "Ben", "--note", "door", "--json"]) == 0
    said = capsys.readouterr()
    made = run / "candidates" / f"{one.name}-v1"
    assert json.loads(said.out) == {"candidate": str(made)}
    assert "inpainting model: openrail++, commercial use allowed" in said.err
    before, after = load_candidate(one), load_candidate(made)
    inside = mask > 0
    assert np.array_equal(after.views[0].image[~inside], before.views[0].image[~inside])
    assert np.abs(after.views[0].image - before.views[0].image)[inside].mean() > 0.05
    (step,) = after.settings["derived"]
    assert (step["seed"], step["prompt"], step["from"]) == (5, "a red door", one.name)
    kept = np.asarray(Image.open(io.BytesIO(base64.b64decode(step["mask_png"]))))
    assert np.array_equal(kept, inside), "the record holds the mask"
    entry = read_ledger(run / "ledger.jsonl")[0][-1]
    assert (entry.who, entry.action, entry.about["from"], entry.about["note"]) == ("Ben", "varied", one.name, "door")
    assert (made / "measures.json").is_file()
    assert main([*words, "--inpaint", str(tmp_path), "--by", "Ben"]) == 1
    assert not (run / "candidates" / f"{one.name}-v2").exists()
    assert main(["review", "accept", str(made), "--by", "Ben"]) == 0


def test_names_count_up_and_ledger_measures_and_sheet_follow(tmp_path, capsys, fake, monkeypatch):
    run, (one, _) = runs.make(tmp_path)
    made_by = (run / "run.json").read_text()
    (run / "run.json").write_text(made_by.replace('"import"', '"procedural"'))
    capsys.readouterr()
    values = ["--set", "place.weather=fog", "--set", "light.sun_elevation_deg=3"]
    for number in (1, 2):
        assert main(["review", "vary", str(one), *values, "--by", "Ben"]) == 0
        assert capsys.readouterr().out == f"{one}-v{number}: a variation of {one.name}\n"
    made = load_candidate(one.with_name(f"{one.name}-v2"))
    assert made.settings["derived"][0]["set"] == ["place.weather=fog", "light.sun_elevation_deg=3"]
    entries, _ = read_ledger(run / "ledger.jsonl")
    assert [(e.action, e.about.get("from")) for e in entries[2:]] == [("varied", one.name)] * 2
    assert main(["review", "list", str(run)]) == 0
    assert f"varied from {one.name}" in capsys.readouterr().out
    values = ["--set", "blocking[mia].position_m=[0.0, 9.8]"]
    assert main(["review", "vary", str(one), *values, "--by", "Ben"]) == 0
    moved = json.loads((one.with_name(f"{one.name}-v3") / "measures.json").read_text())
    assert next(m for m in moved["measures"] if m["name"] == "moire")["details"]["wall_distance_m"] == 13.0
    assert main(["review", "measure", str(run)]) == 0
    assert json.loads((one.with_name(f"{one.name}-v3") / "measures.json").read_text()) == moved, "by its own brief"
    capsys.readouterr()
    (run / "run.json").unlink()
    assert main(["review", "vary", str(one), "--seed", "4", "--by", "Ben"]) == 1
    assert capsys.readouterr().err.endswith("holds no run.json, so how its candidates were made is not known\n")


def test_a_variation_that_is_interrupted_or_has_no_room_is_not_there(tmp_path, capsys, fake, monkeypatch):
    run, (one, two) = runs.make(tmp_path)
    (run / "run.json").write_text((run / "run.json").read_text().replace('"import"', '"procedural"'))
    before = (run / "ledger.jsonl").read_bytes()
    words = ["review", "vary", str(one), "--set", "place.weather=fog", "--by", "Ben"]

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    def full(path, _):
        raise FormatError(f"{path}: cannot be written (No space left on device)")

    capsys.readouterr()
    for where in ("save_candidate", "save_measures", "append"):
        with monkeypatch.context() as patch:
            patch.setattr(variations, where, interrupted)
            assert main(words) == 130
        assert capsys.readouterr().err == "translight: interrupted, nothing was written\n"
        assert sorted((run / "candidates").iterdir()) == [one, two]
    with monkeypatch.context() as patch:
        patch.setattr("translight.generation.review.ledger.write_whole", full)
        assert main(words) == 1
    assert capsys.readouterr().err == f"translight: {run}/ledger.jsonl: cannot be written (No space left on device)\n"
    assert sorted((run / "candidates").iterdir()) == [one, two]
    assert (run / "ledger.jsonl").read_bytes() == before
    with locked(run / "lock"):
        assert main(words) == 1
    assert capsys.readouterr().err == f"translight: {run}: another run is at work there; wait for it\n"
    (two / "preview.jpg").unlink()
    assert main(words) == 0, "the sheet alone is not drawn where another candidate is damaged"
    assert capsys.readouterr().err == f"the contact sheet was not drawn anew: {two}/preview.jpg: no such file\n"
    assert (one.with_name(f"{one.name}-v1") / "measures.json").is_file()
