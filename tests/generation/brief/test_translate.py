import math

import pytest

from translight.core.camera import Camera
from translight.core.errors import GenerationError
from translight.generation.brief import optics, words
from translight.generation.brief.brief import (
    Avoid,
    Block,
    Brief,
    Lens,
    Light,
    LoraChoice,
    Place,
    Reference,
    Stage,
    Style,
)
from translight.generation.brief.parameters import Parameters, Reason
from translight.generation.brief.translate import drawn_seeds, focus, translate


def translated(**changes) -> Parameters:
    return translate(Brief(**{"name": "a", "intent": "A quiet dune", **changes}), control_height_px=16)


def reason(parameters: Parameters, key: str) -> list[str]:
    return [one.value for one in parameters.reasons if one.key == key]


def test_a_brief_of_two_words():
    parameters = translated()
    assert parameters.prompt == (
        "A quiet dune, seamless 360 panorama, equirectangular, level horizon, bright daylight, side-lit from the right, "
        "clear sky, sharp throughout, wide view"
    ).replace("side-lit from the right", "backlit")
    assert parameters.negative_prompt == (
        "people, text, watermark, logo, frame, border, visible seam, tilted horizon, fisheye circle, black bars, "
        "blurred, bokeh, lens flare, low detail, camera, tripod, film crew"
    )
    assert (parameters.family, parameters.guidance, parameters.steps, parameters.control) == ("dunes", 7.0, 30, None)
    assert parameters.seeds == drawn_seeds("a", 4)
    assert Reason("intent", 'family dunes, for "dune"') in parameters.reasons


def test_every_phrase_of_the_prompt_has_its_reason():
    parameters = translated(
        place=Place(where="sand sea", wind_m_s=9.0, visibility_km=2.0),
        style=Style(words="on film"),
        avoid=Avoid(words=("palms",)),
        blocking=(Block(name="w", kind="wall", position_m=(0.0, 9.0), words="a ruin"),),
    )
    said = [one.value.removeprefix("prompt: ") for one in parameters.reasons if one.value.startswith("prompt: ")]
    phrases = [one for one in said if not one.startswith("about ")]
    assert ", ".join(phrases) == parameters.prompt
    refused = [one.value.removeprefix("negative: ") for one in parameters.reasons if one.value.startswith("negative: ")]
    assert ", ".join(refused) == parameters.negative_prompt
    assert refused[0] == "palms"
    assert reason(parameters, "blocking[w].words") == ["prompt: a ruin"]
    assert reason(parameters, "place.wind_m_s") == ["prompt: windswept"]
    assert reason(parameters, "place.visibility_km") == ["prompt: misty distance"]


@pytest.mark.parametrize(
    ("elevation_deg", "said"),
    [
        (-40, "starlit night"),
        (-12, "late twilight, nearly night"),
        (-5, "blue hour, even blue light"),
        (3, "golden hour, warm light, very long shadows"),
        (12, "low sun, long shadows"),
        (35, "bright daylight"),
        (70, "high sun, short hard shadows"),
    ],
)
def test_the_suns_height(elevation_deg, said):
    parameters = translated(light=Light(sun_elevation_deg=elevation_deg))
    assert reason(parameters, "light.sun_elevation_deg") == [f"prompt: {said}"]
    seen = [] if elevation_deg < -4 else ["prompt: backlit"]
    assert reason(parameters, "light.sun_azimuth_deg") == seen


@pytest.mark.parametrize("elevation_deg", [-3, 3, 12, 35, 70])
@pytest.mark.parametrize("weather", ["overcast", "fog", "rain", "snow"])
def test_a_hidden_sun_casts_no_shadows(weather, elevation_deg):
    parameters = translated(light=Light(sun_elevation_deg=elevation_deg), place=Place(weather=weather))
    (said,) = reason(parameters, "light.sun_elevation_deg")
    assert "shadow" not in said
    assert "day" in said


@pytest.mark.parametrize(
    ("azimuth_deg", "said"),
    [
        (0, "backlit"),
        (-44, "backlit"),
        (90, "side-lit from the right"),
        (-90, "side-lit from the left"),
        (270, "side-lit from the left"),
        (180, "front-lit"),
        (-360, "backlit"),
    ],
)
def test_the_suns_side(azimuth_deg, said):
    light = Light(sun_azimuth_deg=azimuth_deg)
    assert reason(translated(light=light), "light.sun_azimuth_deg") == [f"prompt: {said}"]
    assert reason(translated(light=light, place=Place(weather="overcast")), "light.sun_azimuth_deg") == []


@pytest.mark.parametrize(
    ("camera_k", "elevation_deg", "said"),
    [
        (5600, 60, []),
        (3800, 60, ["prompt: cool blue colour balance"]),
        (4300, 60, ["prompt: slightly cool blue colour balance"]),
        (3200, 60, ["prompt: strongly cool blue colour balance"]),
        (5600, 3, ["prompt: warm amber colour balance"]),
        (3500, 3, []),
    ],
)
def test_a_cameras_white_in_the_scenes_light(camera_k, elevation_deg, said):
    parameters = translated(light=Light(colour_temperature_k=camera_k, sun_elevation_deg=elevation_deg))
    assert reason(parameters, "light.colour_temperature_k")[:-1] == said


def test_places_without_air_or_sky_say_nothing_of_them():
    windy = Place(wind_m_s=20.0, weather="rain", visibility_km=1.0)
    space = translated(intent="Stars above a planet", place=windy)
    assert space.family == "space"
    assert "level horizon" not in space.prompt
    assert "hard unfiltered sunlight" in space.prompt
    hall = translated(intent="A palace", place=windy)
    assert "soft daylight through the windows" in hall.prompt
    for prompt in (space.prompt, hall.prompt):
        assert not any(word in prompt for word in ("rain", "gale", "misty"))
    city = translated(intent="A street", light=Light(sun_elevation_deg=-30, colour_temperature_k=3200))
    assert "night, lit by lamps" in city.prompt
    assert "balance" not in city.prompt


@pytest.mark.parametrize(
    ("where", "intent", "family", "key"),
    [
        ("", "Fog over the harbours", "ocean", "intent"),
        ("a glacier", "as still as a church", "peaks", "place.where"),
        ("", "a seat in a woodshed", None, "place.family"),  # neither sea nor wood
        ("", "a city by the sea", "city", "intent"),  # one word each: the first
        ("", "a city by the sea, a bay with islands", "ocean", "intent"),
        ("", "CATHEDRAL", "hall", "intent"),
        ("", "a full moon over the wood floor of an open space", None, "place.family"),
        ("", "a space station above a planet", "space", "intent"),
    ],
)
def test_a_family_from_words(where, intent, family, key):
    parameters = translated(intent=intent, place=Place(where=where))
    assert parameters.family == family
    assert len(reason(parameters, key)) >= 1
    assert "family" in reason(parameters, key)[0]


def test_an_engine_that_needs_a_family_says_which_there_are():
    with pytest.raises(GenerationError) as error:
        translated(intent="A seat").needed_family()
    assert str(error.value) == (
        "place.family is missing and no word of the brief names one; give one of "
        "dunes, ocean, forest, peaks, city, hall, space"
    )
    assert translated(intent="A seat", place=Place(family="city")).needed_family() == "city"


def test_blocking_becomes_control_and_words():
    actor = Block(name="Ida", position_m=(0.0, 4.0), words="a girl in red")
    alone = translated(blocking=(actor,))
    assert (alone.control.depth_weight, alone.control.edges_weight, alone.steps) == (0.35, 0.0, 40)
    assert "a girl in red" not in alone.prompt  # she stands on the stage, not in the picture
    assert "open foreground" in alone.prompt
    assert alone.negative_prompt.startswith("people, ")
    assert reason(alone, "blocking[Ida]") == ["not drawn: it stands on the stage, and its room is kept free"]

    painted = Block(name="Ida", position_m=(0.0, 40.0), words="a girl in red", in_picture=True)
    far = translated(blocking=(painted,))
    assert (far.control.depth_weight, far.control.edges_weight) == (0.6, 0.4)
    assert far.control.depth.shape == (16, 32)
    assert "a girl in red" in far.prompt
    assert "people" not in far.negative_prompt

    assert translated(intent="A planet", blocking=(actor,)).control is None  # no floor in space
    hull = Block(name="hull", kind="wall", position_m=(0.0, 9.0))
    assert math.isinf(translated(intent="A planet", blocking=(hull,)).control.distance_m[-1].max())


def test_a_block_where_the_camera_moves_is_pointed_at():
    pillar = Block(name="pillar", kind="wall", size_m=(1.0, 1.0, 3.0), position_m=(1.8, 0.0))
    mind = "mind: it stands within stage.reach_m, where the camera moves"
    assert reason(translated(blocking=(pillar,)), "blocking[pillar]") == [mind]
    narrow = Stage(reach_m=(2.5, 3.0, 1.0))
    assert reason(translated(blocking=(pillar,), stage=narrow), "blocking[pillar]") == []


def test_style_passes_through(tmp_path):
    style = Style(
        references=(Reference(file=tmp_path / "a.jpg", weight=0.3),),
        loras=(LoraChoice(file=tmp_path / "b.safetensors"),),
        lut=tmp_path / "c.cube",
    )
    parameters = translated(style=style, avoid=Avoid(non_commercial_models=True))
    assert (parameters.references, parameters.loras, parameters.lut) == (style.references, style.loras, style.lut)
    assert parameters.guidance == 5.5
    assert reason(parameters, "style.references[0]") == ["IP-Adapter a.jpg at 0.3"]
    assert reason(parameters, "style.loras[0]") == ["LoRA b.safetensors at 0.8"]
    assert reason(parameters, "style.lut") == ["LUT c.cube, by generate look --from-brief"]
    assert reason(parameters, "avoid.non_commercial_models") == ["models that forbid commercial use are refused"]


def test_seeds_are_the_name_hashed():
    # printf 'Last well/0' | sha256sum | cut -c1-8, and so on, as decimals
    assert drawn_seeds("Last well", 3) == (3363216631, 3002765759, 3162629046)
    assert drawn_seeds("Last well", 2) == drawn_seeds("Last well", 64)[:2]
    assert len(set(drawn_seeds("x", 64))) == 64
    assert translated(candidates=2, seeds=(5, 1)).seeds == (5, 1)


def test_a_long_prompt_says_where_it_is_likely_cut_off():
    short = translated()
    assert not [one for one in short.reasons if "CLIP" in one.value]
    long = translated(intent="One two three four five six. " * 10, style=Style(words="old film stock"))
    (cut,) = [one for one in long.reasons if "CLIP" in one.value]
    assert cut.key == "every brief"
    tokens = words.likely_tokens(long.prompt)
    assert cut.value == (
        f'prompt: about {tokens} tokens; CLIP reads 77, so from "seamless 360 panorama, equirectangular" on it may be cut off'
    )


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        # CLIP's rule: a common word, a digit or a mark is one token, and both ends are
        ("a photo of a cat", 7),
        ("hello, world!", 6),
        ("a golden hour, 35 mm", 9),
    ],
)
def test_tokens_of_plain_words(prompt, tokens):
    assert words.likely_tokens(prompt) == tokens


@pytest.mark.parametrize("aspect", [0.8, 1.5, 2.39])
def test_angles_of_view_are_a_pinholes(aspect):
    lens = Lens(focal_length_mm=40, sensor_mm=(27.99, 19.22), aspect=aspect)
    width = min(27.99, 19.22 * aspect)
    camera = Camera.from_fov(1000, round(1000 / aspect), horizontal_deg=optics.field_of_view_deg(lens)[0])
    assert camera.fx == pytest.approx(1000 * 40 / width)
    assert optics.field_of_view_deg(lens)[1] == pytest.approx(camera.fov_deg[1], abs=0.05)


def test_an_anamorphic_sees_its_squeeze_wider():
    flat = Lens(focal_length_mm=50, sensor_mm=(22.0, 18.0), aspect=22 / 18)
    wide = Lens(focal_length_mm=50, sensor_mm=(22.0, 18.0), squeeze=2.0, aspect=44 / 18)
    assert optics.picture_mm(wide) == pytest.approx((44, 18))
    assert optics.field_of_view_deg(wide)[1] == pytest.approx(optics.field_of_view_deg(flat)[1])
    assert math.tan(math.radians(optics.field_of_view_deg(wide)[0] / 2)) == pytest.approx(22 / 50)


@pytest.mark.parametrize(("focal", "stop", "at"), [(35, 2.8, 4.0), (85, 1.5, 5.0), (25, 11, 2.0)])
def test_limits_of_sharpness_are_where_the_spot_is_as_wide_as_allowed(focal, stop, at):
    lens = Lens(focal_length_mm=focal, t_stop=stop, aspect=1.5)
    allowed = math.hypot(36, 24) / 1500

    def spot_mm(distance_m: float) -> float:
        """By the thin lens equation: image planes of both distances, and the cone between them."""
        image, plane = (1 / (1 / focal - 1 / (1000 * d)) for d in (distance_m, at))
        return focal / stop * abs(image - plane) / image

    found = optics.depth_of_field(lens, at)
    assert spot_mm(found.near_m) == pytest.approx(allowed)
    if math.isinf(found.far_m):
        assert found.hyperfocal_m <= at
        assert spot_mm(1e9) <= allowed
    else:
        assert spot_mm(found.far_m) == pytest.approx(allowed)
    assert found.far_blur == pytest.approx(spot_mm(1e9) / 24, rel=1e-4)


def test_focus_is_on_the_nearest_who_stands_on_the_stage():
    far, near = Block(name="far", position_m=(0.0, 9.0)), Block(name="near", kind="hero", position_m=(1.0, 3.0))
    behind, painted = Block(name="b", position_m=(0.0, -2.0)), Block(name="p", position_m=(0.0, 2.0), in_picture=True)
    assert focus(Brief(name="a", intent="b", blocking=(far, near, behind, painted))) == (3.0, "near at 3 m")
    assert focus(Brief(name="a", intent="b")) == (4.0, "4 m")


def test_what_the_lens_blurs_is_told_and_the_picture_stays_sharp():
    open_wide = translated(lens=Lens(focal_length_mm=85, t_stop=1.5))
    deep = translated(lens=Lens(focal_length_mm=18, t_stop=11))
    assert "sharp throughout, bold simple shapes in the distance" in open_wide.prompt
    assert "deep focus, fine detail into the far distance" in deep.prompt
    assert reason(deep, "lens.t_stop")[1].startswith("focused on 4 m, sharp from 0.847 m to infinity")
    assert "wide vista" in deep.prompt
    assert "long-lens compression" in open_wide.prompt
    assert "seen from high above" in translated(lens=Lens(height_m=20), stage=Stage(depth_m=900)).prompt
