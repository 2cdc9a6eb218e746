"""A brief in memory: place, light, lens and blocking, every quantity with its unit in its name; read.py reads it.

In Python a brief is built as it stands here, ``Brief(name=..., intent=..., light=Light(...))``, and held against the
same rules as a file by check.py.

The stage's axes hold throughout: X right, Y forward, Z up, metres from the stage's origin on its floor. An azimuth is
from stage +Y to the right, an elevation from the horizon up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

Family = Literal["dunes", "ocean", "forest", "peaks", "city", "hall", "space"]
"""What the procedural engine can build: a scene family."""
Weather = Literal["clear", "haze", "scattered", "broken", "overcast", "fog", "rain", "snow"]
BlockKind = Literal["actor", "hero", "wall", "floor"]
"""``actor`` and ``hero`` boxes are kept free and seen in front; ``wall`` and ``floor`` are part of the place."""

_Positive = Annotated[float, msgspec.Meta(gt=0, le=100_000)]
_Coordinate = Annotated[float, msgspec.Meta(ge=-100_000, le=100_000)]
_Text = Annotated[str, msgspec.Meta(max_length=2000)]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where it is, and what the air does. ``family`` is found from the words when it is not given."""

    where: _Text = ""
    family: Family | None = None
    weather: Weather = "clear"
    visibility_km: Annotated[float, msgspec.Meta(ge=0.001, le=300)] = 40.0
    """Meteorological visibility: where contrast falls to 2 % (Koschmieder)."""
    wind_m_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 4.0
    wind_from_deg: Annotated[float, msgspec.Meta(ge=-360, le=360)] = 300.0
    """Azimuth that the wind comes from."""


class Light(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sun (below the horizon: night), and the white that the camera is set to."""

    time_of_day: _Text = ""
    """Words or a clock time, for the prompt: "golden hour", "17:40"."""
    sun_azimuth_deg: Annotated[float, msgspec.Meta(ge=-360, le=360)] = 40.0
    sun_elevation_deg: Annotated[float, msgspec.Meta(ge=-90, le=90)] = 20.0
    colour_temperature_k: Annotated[float, msgspec.Meta(ge=1500, le=20000)] = 5600.0


class Lens(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The film camera: where its eye is, its sensor and lens."""

    height_m: Annotated[float, msgspec.Meta(gt=0, le=50)] = 1.7
    focal_length_mm: Annotated[float, msgspec.Meta(ge=4, le=2000)] = 35.0
    sensor_mm: tuple[_Positive, _Positive] = (36.0, 24.0)
    t_stop: Annotated[float, msgspec.Meta(ge=0.5, le=64)] = 2.8
    squeeze: Annotated[float, msgspec.Meta(ge=1, le=2)] = 1.0
    """An anamorphic lens's factor: it sees as wide as a sensor so many times wider would."""
    aspect: Annotated[float, msgspec.Meta(ge=0.2, le=10)] = 1.78
    """Width to height of the finished picture, the largest that the sensor holds."""


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How deep the set looks, and where on the stage the camera can go."""

    depth_m: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 200.0
    """Distance to the farthest thing that must stand in the right place."""
    reach_m: tuple[_Positive, _Positive, _Positive] = (3.0, 3.0, 1.0)
    """Width (X), depth (Y) and height (Z) of the volume the camera moves in, centred on its eye."""


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One box of the block-out: it stands on the floor at ``position_m`` unless that has a height too."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    kind: BlockKind = "actor"
    size_m: tuple[_Positive, _Positive, _Positive] = (0.6, 0.4, 1.8)
    """Width (X), depth (Y), height (Z) before turning."""
    position_m: Annotated[tuple[_Coordinate, ...], msgspec.Meta(min_length=2, max_length=3)] = (0.0, 4.0)
    """Middle of the box's foot: x and y, and z where it does not stand on the floor."""
    turn_deg: Annotated[float, msgspec.Meta(ge=-360, le=360)] = 0.0
    """About Z, from +Y to the right."""
    words: _Text = ""
    """What it is, for the prompt."""
    in_picture: bool = False
    """True: an actor or hero that the picture itself shall show, as a figure far off. Otherwise it stands on the stage
    before the wall, and its room is kept free. ``wall`` and ``floor`` are always in the picture."""


class LoraChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A LoRA file and how strongly it acts."""

    file: Path
    weight: Annotated[float, msgspec.Meta(ge=-2, le=2)] = 0.8


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A still whose look is wanted."""

    file: Path
    weight: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.6


class Style(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How it shall look."""

    words: _Text = ""
    references: Annotated[tuple[Reference, ...], msgspec.Meta(max_length=16)] = ()
    loras: Annotated[tuple[LoraChoice, ...], msgspec.Meta(max_length=16)] = ()
    lut: Path | None = None


class Avoid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must not appear, and which licences may not be used."""

    words: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=100)] = ()
    non_commercial_models: bool = False
    """True forbids every model whose licence does not allow commercial use."""


class Brief(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a brief. Files in it are absolute once read."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    intent: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    """What the director says, in words."""
    candidates: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    seeds: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)], ...], msgspec.Meta(max_length=64)] = ()
    """One for each candidate; drawn from the brief's name when there are none."""
    place: Place = Place()
    light: Light = Light()
    lens: Lens = Lens()
    stage: Stage = Stage()
    blocking: Annotated[tuple[Block, ...], msgspec.Meta(max_length=200)] = ()
    style: Style = Style()
    avoid: Avoid = Avoid()
