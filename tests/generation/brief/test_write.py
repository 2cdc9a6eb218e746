from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translight.core.errors import FormatError, GenerationError
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
from translight.generation.brief.read import parse_brief, read_brief
from translight.generation.brief.write import brief_text, write_brief

FILE = Path(__file__).resolve().parents[3] / "docs" / "briefs" / "stills" / "sunset.jpg"


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, exclude_min=low == 0)


def text(low: int = 0) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=low, max_size=12).filter(
        lambda s: not low or s.strip()
    )


azimuth = number(-360, 360)
blocks = st.builds(
    Block,
    name=text(1),
    kind=st.sampled_from(["actor", "hero", "wall", "floor"]),
    size_m=st.tuples(*[number(0.1, 2)] * 3),
    position_m=st.tuples(number(-9, 9), number(5, 90)) | st.tuples(number(-9, 9), number(5, 90), number(-3, 3)),
    turn_deg=azimuth,
    words=text(),
    in_picture=st.booleans(),
)
briefs = st.integers(1, 4).flatmap(
    lambda n: st.builds(
        Brief,
        name=text(1),
        intent=text(1),
        candidates=st.just(n),
        seeds=st.just(()) | st.lists(st.integers(0, 2**32 - 1), min_size=n, max_size=n, unique=True).map(tuple),
        place=st.builds(
            Place,
            where=text(),
            family=st.sampled_from([None, "dunes", "hall"]),
            weather=st.sampled_from(["clear", "fog", "snow"]),
            visibility_km=number(0.001, 300),
            wind_m_s=number(1, 60),
            wind_from_deg=azimuth,
        ),
        light=st.builds(
            Light,
            time_of_day=text(),
            sun_azimuth_deg=azimuth,
            sun_elevation_deg=number(-90, 90),
            colour_temperature_k=number(1500, 20000),
        ),
        lens=st.builds(Lens, height_m=number(1, 50), focal_length_mm=number(4, 2000), aspect=number(0.8, 3)),
        stage=st.builds(
            Stage, depth_m=number(200, 100_000), reach_m=st.tuples(number(0, 99), number(0, 99), number(0, 2))
        ),
        blocking=st.lists(blocks, max_size=3, unique_by=lambda block: block.name).map(tuple),
        style=st.builds(
            Style,
            words=text(),
            references=st.lists(st.builds(Reference, file=st.just(FILE), weight=number(0.1, 1)), max_size=2).map(tuple),
        ),
        avoid=st.builds(Avoid, words=st.lists(text(), max_size=2).map(tuple), non_commercial_models=st.booleans()),
    )
)


@given(briefs)
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_is_read_as_it_was(brief):
    folder = FILE.parents[1]
    assert parse_brief(brief_text(brief, folder).encode(), "x.toml", folder) == brief


def test_a_written_brief_moves_with_its_folder(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "stills").mkdir(parents=True)
        (tmp_path / folder / "stills" / "look.jpg").write_bytes(b"")
        (tmp_path / folder / "fine.safetensors").write_bytes(b"")
    (tmp_path / "show.cube").write_bytes(b"")
    style = Style(
        references=(Reference(file=tmp_path / "a" / "stills" / "look.jpg"),),
        loras=(LoraChoice(file=tmp_path / "a" / "fine.safetensors"),),
        lut=tmp_path / "show.cube",
    )
    write_brief(tmp_path / "a" / "x.toml", Brief(name="x", intent="y", style=style))
    written = (tmp_path / "a" / "x.toml").read_text()
    assert written == (
        'name = "x"\nintent = "y"\n\n[style]\n'
        f'lut = "{(tmp_path / "show.cube").as_posix()}"\n'
        'references = [\n    { file = "stills/look.jpg" },\n]\n'
        'loras = [\n    { file = "fine.safetensors" },\n]\n'
    )
    (tmp_path / "b" / "x.toml").write_text(written)
    assert read_brief(tmp_path / "b" / "x.toml").style.references[0].file == tmp_path / "b" / "stills" / "look.jpg"


def test_nothing_is_written_that_could_not_be_read(tmp_path):
    with pytest.raises(GenerationError, match=r"\Abrief: seeds must be as many as candidates, 4, or none, got 1\Z"):
        write_brief(tmp_path / "x.toml", Brief(name="x", intent="y", seeds=(1,)))
    assert list(tmp_path.iterdir()) == []
    missing = tmp_path / "no" / "x.toml"
    with pytest.raises(FormatError) as error:
        write_brief(missing, Brief(name="x", intent="y"))
    assert str(error.value) == f"{missing}: cannot be written (No such file or directory)"
