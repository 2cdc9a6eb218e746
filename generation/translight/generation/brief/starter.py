"""A brief to begin from, by scene family: a TOML text whose comments say what each key takes; read.py reads it."""

from __future__ import annotations

from dataclasses import dataclass

import tomli_w

from translight.generation.brief.brief import Family


@dataclass(frozen=True, slots=True)
class _Start:
    """What differs between families."""

    intent: str
    where: str
    weather: str
    sun: tuple[float, float]
    """Azimuth and elevation, degrees."""
    white_k: float
    depth_m: float
    wall: str
    """What the one wall block is."""


_STARTS: dict[Family, _Start] = {
    "dunes": _Start(
        "A lone rider stops on the crest of a dune and looks back",
        "sand desert",
        "clear",
        (40, 5),
        4300,
        600,
        "a half-buried stone wall",
    ),
    "ocean": _Start(
        "Two fishermen wait on a jetty for the boat",
        "open sea off a rocky coast",
        "scattered",
        (-30, 8),
        4800,
        800,
        "the rocks of a breakwater",
    ),
    "forest": _Start(
        "A child follows a path into a clearing",
        "clearing in an old beech forest",
        "haze",
        (-60, 25),
        5600,
        120,
        "a fallen trunk",
    ),
    "peaks": _Start(
        "A climber rests below the summit",
        "snow peaks above a glacier",
        "clear",
        (110, 18),
        5600,
        5000,
        "an ice-covered boulder",
    ),
    "city": _Start(
        "She waits under a street lamp after the rain",
        "street of a big city at night",
        "rain",
        (0, -20),
        3400,
        250,
        "a brick front with lit windows",
    ),
    "hall": _Start(
        "The queen crosses an empty hall", "great stone hall", "clear", (60, 30), 5200, 45, "a row of stone columns"
    ),
    "space": _Start(
        "The crew look down on the planet for the last time",
        "low orbit above a planet",
        "clear",
        (-50, 12),
        5600,
        2000,
        "the hull of the station",
    ),
}


def starter_text(name: str, family: Family) -> str:
    """A commented brief of that name."""
    start = _STARTS[family]
    texts = {"name": name, "intent": start.intent, "where": start.where, "wall": start.wall}
    text = {key: tomli_w.dumps({"x": value})[4:].strip() for key, value in texts.items()}
    return f"""# A brief. Metres, stage axes: X right, Y forward (where the camera looks), Z up, from a point
# on the stage's floor. Azimuths are degrees from +Y to the right.
# Check it: translight brief check FILE. See what it means: translight brief show FILE -o sheet.jpg.
name = {text["name"]}
# What a director would say. It leads the prompt.
intent = {text["intent"]}
candidates = 4
# seeds = [1, 2, 3, 4]    # one for each candidate; drawn from the name without it

[place]
where = {text["where"]}
family = "{family}"    # dunes, ocean, forest, peaks, city, hall, space; found from the words without it
weather = "{start.weather}"    # clear, haze, scattered, broken, overcast, fog, rain, snow
visibility_km = 40.0    # where contrast falls to 2 %
wind_m_s = 4.0
wind_from_deg = 300.0

[light]
time_of_day = ""    # words for the prompt, such as "just before dawn"
sun_azimuth_deg = {start.sun[0]:.1f}    # 0 is straight ahead (backlit), 180 behind the camera
sun_elevation_deg = {start.sun[1]:.1f}    # below 0: it has set
colour_temperature_k = {start.white_k:.1f}    # the white that the camera is set to

[lens]
height_m = 1.7    # of the camera's eye above the floor
focal_length_mm = 35.0
sensor = "arri alexa 35"    # or sensor_mm = [width, height]
t_stop = 2.8
squeeze = 1.0    # of an anamorphic lens
aspect = 2.39

[stage]
depth_m = {start.depth_m:.1f}    # to the farthest thing that must stand in the right place
reach_m = [3.0, 3.0, 1.0]    # width, depth and height of the volume that the camera moves in

# Boxes. actor and hero stand on the stage, and their room is kept free (in_picture = true paints them instead);
# wall and floor are part of the picture.
[[blocking]]
name = "lead"
kind = "actor"
size_m = [0.6, 0.4, 1.8]    # width, depth, height
position_m = [0.0, 4.0]    # middle of the foot; a third number lifts it off the floor
turn_deg = 0.0

[[blocking]]
name = "background"
kind = "wall"
size_m = [6.0, 1.0, 2.5]
position_m = [-6.0, 14.0]
turn_deg = -15.0
words = {text["wall"]}

[style]
words = "photographic, natural colours"
# references = ["stills/look.jpg"]    # or [[style.references]] with file and weight
# lut = "show.cube"
# [[style.loras]]
# file = "look.safetensors"
# weight = 0.8

[avoid]
words = []    # what must not appear
non_commercial_models = false    # true refuses models whose licence forbids commercial use
"""
