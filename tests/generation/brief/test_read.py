import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import GenerationError
from translight.generation.brief.brief import Block, Brief, Lens, Light, LoraChoice, Place, Reference, Stage, Style
from translight.generation.brief.check import check
from translight.generation.brief.read import MAX_BYTES, parse_brief, read_brief
from translight.generation.brief.translate import translate

EXAMPLES = sorted((Path(__file__).parents[3] / "docs" / "briefs").glob("*.toml"))
HEAD = 'name = "a"\nintent = "b"\n'
BLOCK = '[[blocking]]\nname = "Ida"\n'

BAD = {
    "out of range": (
        "[light]\nsun_elevation_deg = 120",
        "light.sun_elevation_deg must be from -90 to 90 degrees, got 120",
    ),
    "nan": ("[light]\nsun_elevation_deg = nan", "light.sun_elevation_deg must be from -90 to 90 degrees, got nan"),
    "inf": ("[lens]\nheight_m = inf", "lens.height_m must be more than 0, up to 50 metres, got inf"),
    "zero": ("[place]\nvisibility_km = 0", "place.visibility_km must be from 0.001 to 300 km, got 0"),
    "negative size": (
        BLOCK + "size_m = [1, -2, 3]",
        "blocking[Ida].size_m[1] must be more than 0, up to 100000 metres, got -2",
    ),
    "unit of a list": (
        "[lens]\nsensor_mm = [36, 0]",
        "lens.sensor_mm[1] must be more than 0, up to 100000 mm, got 0",
    ),
    "nan in a list": (
        BLOCK + "position_m = [1, nan]",
        "blocking[Ida].position_m[1] must be from -100000 to 100000 metres, got nan",
    ),
    "long list": (
        BLOCK + "position_m = [1, 2, 3, 4]",
        "blocking[Ida].position_m must be a list of 2 to 3, got a list of 4",
    ),
    "short list": ("[lens]\nsensor_mm = [36]", "lens.sensor_mm must be a list of 2 numbers, got a list of 1"),
    "too many": ("seeds = [" + "1," * 65 + "]", "seeds must be a list of at most 64, got a list of 65"),
    "no list": ("blocking = 3", "blocking must be a list, got 3"),
    "no table": (
        'place = "sea"',
        'place must be a table with where, family, weather, visibility_km, wind_m_s, wind_from_deg, got "sea"',
    ),
    "fraction": ("candidates = 2.5", "candidates must be a whole number from 1 to 64, got 2.5"),
    "flag": ("candidates = true", "candidates must be a whole number from 1 to 64, got true"),
    "seed": (
        "candidates = 1\nseeds = [4294967296]",
        "seeds[0] must be a whole number from 0 to 4294967295, got 4294967296",
    ),
    "text": ('[lens]\nt_stop = "2.8"', 'lens.t_stop must be a number from 0.5 to 64, got "2.8"'),
    "no text": ("[place]\nwhere = 3", "place.where must be a text of 0 to 2000 characters, got 3"),
    "no flag": ("[avoid]\nnon_commercial_models = 1", "avoid.non_commercial_models must be true or false, got 1"),
    "choice": (
        '[place]\nweather = "rainy"',
        'place.weather must be one of broken, clear, fog, haze, overcast, rain, scattered, snow, got "rainy" (did you mean rain?)',
    ),
    "unhashable choice": (
        "[place]\nweather = []",
        "place.weather must be one of broken, clear, fog, haze, overcast, rain, scattered, snow, got a list of none",
    ),
    "family": (
        '[place]\nfamily = "moor"',
        'place.family must be one of city, dunes, forest, hall, ocean, peaks, space, got "moor"',
    ),
    "near key": (
        "[light]\nsun_elevaton_deg = 3",
        "light.sun_elevaton_deg is not known; did you mean sun_elevation_deg?",
    ),
    "key without unit": ("[stage]\nreach = 3", "stage.reach is not known; did you mean reach_m?"),
    "far key": ("[avoid]\nx = 3", "avoid.x is not known; allowed here: words, non_commercial_models"),
    "key with a line break": (
        '"\\n" = 2',
        "\\n is not known; allowed here: name, intent, candidates, seeds, place, light, lens, stage, blocking, style, avoid",
    ),
    "missing in a block": (
        '[[blocking]]\nkind = "wall"',
        "blocking[0].name is missing, give a text of 1 to 100 characters",
    ),
    "seeds": ("seeds = [1, 2]", "seeds must be as many as candidates, 4, or none, got 2"),
    "twin seeds": (
        "candidates = 2\nseeds = [7, 7]",
        "seeds must differ, as equal ones make equal candidates, got 7 more than once",
    ),
    "twin names": (BLOCK + BLOCK, "blocking[Ida].name must be one block's alone, got it 2 times"),
    "inside": (
        BLOCK + "position_m = [0.2, 0.1]",
        "blocking[Ida] must leave the camera's eye free, at (0, 0, 1.7), got it inside the box",
    ),
    "far block": (
        BLOCK + "position_m = [180, 240]",
        "blocking[Ida].position_m must be within stage.depth_m, 200 metres, got 300 metres from the stage's origin",
    ),
    "reach": (
        "[stage]\nreach_m = [1, 1, 4]",
        "stage.reach_m[2] must be up to 3.4 metres around an eye at lens.height_m 1.7, so that it stays above the floor, got 4",
    ),
    "aspect": (
        "[lens]\naspect = 0.2",
        "lens.aspect must use at least 30% of the 36 x 24 mm of lens.sensor_mm, got 0.2 with 13%",
    ),
    "both sensors": (
        '[lens]\nsensor = "full frame"\nsensor_mm = [36, 24]',
        "lens.sensor and lens.sensor_mm are both given; give one of them",
    ),
    "suffix": ('[style]\nlut = "a.txt"', 'style.lut must be a .cube file, got "{folder}/a.txt"'),
    "pickle": (
        '[[style.loras]]\nfile = "a.ckpt"',
        'style.loras[0].file must be a .safetensors file, got "{folder}/a.ckpt"',
    ),
    "missing file": (
        '[style]\nreferences = ["no.jpg"]',
        'style.references[0].file must be a file that exists, got "{folder}/no.jpg"',
    ),
    "folder for a file": (
        '[style]\nreferences = ["folder.jpg"]',
        'style.references[0].file must be a file, got the folder "{folder}/folder.jpg"',
    ),
    "no path": ('[style]\nreferences = ["\\u0000"]', 'style.references[0].file must be a file\'s path, got "\\x00"'),
    "syntax": ("x = [[[", "not TOML: Invalid value (at end of document)"),
    "syntax in a line": ("candidates = ", "not TOML: Invalid value (at end of document)"),
    "twice": ('name = "b"\ncandidates = 1', "not TOML: Cannot overwrite a value (at line 3, column 11)"),
    "deep": ("x = " + "[" * 20000, "not a brief: a number too long or lists too deep"),
    "huge number": (
        "candidates = 0x" + "f" * 4000,
        "candidates must be a whole number from 1 to 64, got a very large number",
    ),
    "long path": (
        'style.lut = "' + "a" * 300 + '.cube"',
        'style.lut cannot be read (File name too long): "{folder}/' + "a" * 300 + '.cube"',
    ),
    "long number": ("x = " + "9" * 5000, "not a brief: a number too long or lists too deep"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_one_line_with_file_key_found_and_allowed(text, message, tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(GenerationError) as error:
        parse_brief((HEAD + text).encode(), "dunes.toml", tmp_path)
    assert str(error.value) == "dunes.toml: " + message.replace("{folder}", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "name is missing, give a text of 1 to 100 characters"),
        ('name = "a"', "intent is missing, give a text of 1 to 2000 characters"),
        ('name = " "\nintent = "b"', 'name must be a text of 1 to 100 characters, got " "'),
        (f'name = "a"\nintent = "{"x" * 2001}"', "intent must be a text of 1 to 2000 characters, got 2001 characters"),
        ("\xff", "not TOML: Invalid statement (at line 1, column 1)"),
    ],
)
def test_what_every_brief_needs(text, message, tmp_path):
    with pytest.raises(GenerationError) as error:
        parse_brief(text.encode(), "x.toml", tmp_path)
    assert str(error.value) == f"x.toml: {message}"


def test_what_is_no_file_of_text(tmp_path):
    huge, pipe, binary = tmp_path / "huge.toml", tmp_path / "pipe.toml", tmp_path / "binary.toml"
    huge.write_bytes(b"#" * (MAX_BYTES + 1))
    binary.write_bytes(b"\x89PNG\r\n")
    os.mkfifo(pipe)
    for path, message in (
        (huge, "a brief is at most 262144 bytes, this file is larger"),
        (binary, "not a text: byte 0 is not UTF-8"),
        (pipe, "not a file"),
        (tmp_path, "is a folder; a brief is a .toml file"),
        (tmp_path / "none.toml", "no such file"),
    ):
        with pytest.raises(GenerationError) as error:
            read_brief(path)
        assert str(error.value) == f"{path}: {message}"


@given(st.binary(max_size=200) | st.text(alphabet='[]{}=".,\n#tf0123eE+-_axnk ', max_size=80).map(str.encode))
def test_rubbish_raises_nothing_but_its_own_error(data):
    with pytest.raises(GenerationError, match=r"\Ax: .*\Z"):
        parse_brief(data, "x", Path("/nowhere"))


def test_a_whole_brief(tmp_path):
    for name in ("look.jpg", "grain.safetensors", "show.cube"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a.toml").write_text(
        '\ufeffname = "a"\nintent = "b"\ncandidates = 1\nseeds = [3]\n'
        '[place]\nfamily = "ocean"\nweather = "fog"\n'
        "[light]\nsun_elevation_deg = -7\n"
        '[lens]\nsensor = "ARRI Alexa 35"\nsqueeze = 2\naspect = 2.39\n'
        "[stage]\ndepth_m = 80\n"
        '[[blocking]]\nname = "x"\nkind = "hero"\nposition_m = [1, 5, 0.5]\n'
        '[style]\nreferences = ["look.jpg"]\nlut = "show.cube"\n'
        '[[style.loras]]\nfile = "grain.safetensors"\nweight = -1\n',
        encoding="utf-8",
    )
    assert read_brief(tmp_path / "a.toml") == Brief(
        name="a",
        intent="b",
        candidates=1,
        seeds=(3,),
        place=Place(family="ocean", weather="fog"),
        light=Light(sun_elevation_deg=-7.0),
        lens=Lens(sensor_mm=(27.99, 19.22), squeeze=2.0, aspect=2.39),
        stage=Stage(depth_m=80.0),
        blocking=(Block(name="x", kind="hero", position_m=(1.0, 5.0, 0.5)),),
        style=Style(
            references=(Reference(file=tmp_path / "look.jpg"),),
            lut=tmp_path / "show.cube",
            loras=(LoraChoice(file=tmp_path / "grain.safetensors", weight=-1.0),),
        ),
    )


def test_a_brief_built_in_python_passes_the_same_checks():
    check(Brief(name="a", intent="b"))
    with pytest.raises(GenerationError) as error:
        check(Brief(name="a", intent="b", light=Light(sun_elevation_deg=91)))
    assert str(error.value) == "brief: light.sun_elevation_deg must be from -90 to 90 degrees, got 91"
    with pytest.raises(GenerationError) as error:
        check(Brief(name="a\udc80", intent="b"))
    assert str(error.value) == 'brief: name must be a text that UTF-8 can hold, got "a\\udc80"'
    with pytest.raises(GenerationError) as error:
        check(Brief(name="a", intent="b", blocking=(Block(name="k", kind="crowd"),)), "show 3")  # type: ignore[arg-type]
    assert str(error.value) == 'show 3: blocking[k].kind must be one of actor, floor, hero, wall, got "crowd"'


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_briefs_of_their_family(path):
    brief = read_brief(path)
    parameters = translate(brief, control_height_px=32)
    assert brief.place.family == parameters.needed_family() == path.stem
    assert {"actor"} < {block.kind for block in brief.blocking}
    assert len(parameters.seeds) == brief.candidates
    assert parameters.control is not None
    assert parameters.prompt.startswith(brief.intent)
    # named by its words alone, too
    from translight.generation.brief.words import family_of

    assert family_of(brief.place.where, brief.intent)[0] == path.stem


def test_there_is_an_example_of_every_family_and_no_two_have_one_light_or_lens():
    briefs = [read_brief(path) for path in EXAMPLES]
    assert [path.stem for path in EXAMPLES] == ["city", "dunes", "forest", "hall", "ocean", "peaks", "space"]
    assert len({(b.light.sun_azimuth_deg, b.light.sun_elevation_deg) for b in briefs}) == 7
    assert len({b.lens.focal_length_mm for b in briefs}) == 7


def test_words_count_as_wholes_in_any_case_and_number():
    from translight.generation.brief.words import named

    hits = named(("pier", "beach"), "Piers, pierced beaches; a beach")
    assert sorted((hit.start(), hit.group()) for hit in hits) == [(0, "Piers"), (15, "beaches"), (26, "beach")]
    assert not named(("red",), "tired riders")
