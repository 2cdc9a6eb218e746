"""Environments and cues in a show file, and what the cues ask for at a time."""

import pytest

from translight.core.errors import ShowError
from translight.server.places import Crop, Cue, EnvironmentPlace, Mix, mix_at
from translight.server.show import Show, show_from_text

REST = """
[tracking]
source = "freed://:40000"
[[walls]]
name = "back"
kind = "plane"
centre_m = [0, 1, 1.5]
width_m = 6
height_m = 3
pixels = [600, 300]
"""
WHOLE = """
[environment]
path = "day.tlenv"
tint = [1.0, 0.9, 0.5]
[[environment.crops]]
centre_m = [0, 6, 2]
size_m = [8, 4, 5]
heading_deg = 30
[[environment.crops]]
centre_m = [1, 6, 0]
size_m = [1, 1, 1]
keep = "outside"
[[environment.layers]]
path = "car.ply"
position_m = [2, 5, 0]
fit = true
[[cues]]
name = "dusk"
at_s = 10
environment = { path = "day.tlenv", tint = [0.2, 0.2, 0.4] }
[[cues]]
name = "night"
at_s = 20.5
dissolve_s = 4
environment = { path = "night.tlenv" }
"""
CUES = show_from_text('rate = "24"\n' + WHOLE + REST, "x").cues


def read(text: str) -> Show:
    return show_from_text('rate = "24"\n' + text + REST, "show.toml")


def test_it_is_what_the_file_says() -> None:
    show = read(WHOLE)
    crops = Crop((0, 6, 2), (8, 4, 5), 30, inside=True), Crop((1, 6, 0), (1, 1, 1), 0, inside=False)
    car = EnvironmentPlace("car.ply", (2, 5, 0), fit=True)
    assert show.environment == EnvironmentPlace("day.tlenv", tint=(1, 0.9, 0.5), crops=crops, layers=(car,))
    assert show.cues == (
        Cue("dusk", 10, 0, EnvironmentPlace("day.tlenv", tint=(0.2, 0.2, 0.4))),
        Cue("night", 20.5, 4, EnvironmentPlace("night.tlenv")),
    )


def test_without_any_there_are_none() -> None:
    show = read("")
    assert (show.cues, show.environment.layers, show.environment.crops) == ((), (), ())


@pytest.mark.parametrize(
    ("elapsed_s", "mix"),
    [
        (0.0, Mix(0, 0, 0)),
        (9.99, Mix(0, 0, 0)),
        (10.0, Mix(1, 1, 0)),
        (20.4, Mix(1, 1, 0)),
        (20.5, Mix(1, 2, 0)),
        (21.5, Mix(1, 2, 0.25)),
        (24.4, Mix(1, 2, 0.975)),
        (24.5, Mix(2, 2, 0)),
        (1e6, Mix(2, 2, 0)),
    ],
)
def test_cues_cut_or_dissolve_at_their_time(elapsed_s: float, mix: Mix) -> None:
    found = mix_at(CUES, elapsed_s)
    assert (found.first, found.second) == (mix.first, mix.second)
    assert found.fraction == pytest.approx(mix.fraction)


BAD = [
    ('[environment]\ntint = [1, 1, -1]', "environment.tint is [1, 1, -1], give a list of 3 numbers from 0 to 100"),
    ("[[environment.layers]]\nscale = 2", 'environment.layers[0].path is missing, give an environment or splat file, or "builtin:demo"'),
    ("[[environment.layers]]\npath='a'\n[[environment.layers.layers]]\npath='b'", "environment.layers[0].layers is not known; allowed here: crops, fit, heading_deg, path, position_m, scale, tint"),
    ("[environment]\nlayers = 3", "environment.layers is 3, give a list of tables: [[environment.layers]]"),
    ("[[environment.crops]]\ncentre_m = [0, 0, 0]", "environment.crops[0].size_m is missing, give a list of 3 numbers from 0.001 to 20000"),
    ("[[environment.crops]]\ncentre_m = [0, 0, 0]\nsize_m = [1, 0, 1]", "environment.crops[0].size_m is [1, 0, 1], give a list of 3 numbers from 0.001 to 20000"),
    ("[[environment.crops]]\ncentre_m = [0, 0, 0]\nsize_m = [1, 1, 1]\nkeep = 'all'", 'environment.crops[0].keep is "all", give "inside" or "outside"'),
    ("[[cues]]\nat_s = 1", "cues[0].name is missing, give what to call the cue"),
    ("[[cues]]\nname = 'a'", "cues[a].at_s is missing, give a number from 0 to 86400 seconds, after the cue before has ended"),
    ("[[cues]]\nname = 'a'\nat_s = 5\ndissolve_s = 3\n[[cues]]\nname = 'b'\nat_s = 7", "cues[b].at_s is 7, give a number from 8 to 86400 seconds, after the cue before has ended"),
    ("[[cues]]\nname = 'a'\nat_s = 5\n[[cues]]\nname = 'a'\nat_s = 7", 'cues[a].name is "a", give another name: each cue has its own'),
    ("[[cues]]\nname = 'a'\nat_s = 5\ndisolve_s = 7", "cues[a].disolve_s is not known; did you mean 'dissolve_s'?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_mistake_is_one_line(text: str, message: str) -> None:
    with pytest.raises(ShowError) as caught:
        read(text)
    assert str(caught.value) == f"show.toml: {message}"
