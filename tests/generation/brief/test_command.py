import json
import math
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from translight.cli import main
from translight.commands.brief import BriefNew
from translight.core.image import save_image
from translight.generation.brief.brief import Block, Brief, Family, Light, Reference, Stage, Style
from translight.generation.brief.plan import KINDS, PAPER, extents_m, plan
from translight.generation.brief.read import parse_brief
from translight.generation.brief.sheet import palette, sheet
from translight.generation.brief.starter import starter_text
from translight.generation.brief.translate import translate
from translight.generation.brief.words import family_of

BRIEFS = Path(__file__).parents[3] / "docs" / "briefs"


@pytest.mark.parametrize("family", ["dunes", "ocean", "forest", "peaks", "city", "hall", "space"])
def test_a_new_brief_of_every_family_is_good(family, tmp_path):
    brief = parse_brief(starter_text('Ä "quoted" name\\', family).encode(), "x.toml", tmp_path)
    assert (brief.name, brief.place.family) == ('Ä "quoted" name\\', family)
    assert family_of(brief.place.where, "")[0] == family
    # its comments tell every key
    assert {field for field in Brief.__struct_fields__ if f"{field}" not in starter_text("a", family)} == set()


def test_the_command_knows_every_family():
    assert get_args(get_type_hints(BriefNew)["family"]) == get_args(Family)


def test_new_and_check(tmp_path, capsys):
    file = tmp_path / "my show.toml"
    assert main(["brief", "new", str(file), "--family", "hall"]) == 0
    assert main(["brief", "check", str(file)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines() == [
        f"{file}: a brief of family hall; translight brief show {file} tells what it means",
        f"{file}: good; hall, 2 blocks, 4 candidates",
    ]


def test_a_brief_is_not_written_over(tmp_path, capsys):
    file = tmp_path / "a.toml"
    file.write_text("mine")
    assert main(["brief", "new", str(file)]) == 1
    assert capsys.readouterr().err == f"translight: {file}: exists; --force replaces it\n"
    assert file.read_text() == "mine"
    assert main(["brief", "new", str(file), "--force"]) == 0
    assert file.read_text().startswith("# A brief.")
    for given, message in (
        ("a.json", "a brief is a .toml file"),
        (".toml", "a brief is a .toml file"),
        ("no/a.toml", "cannot be written (No such file or directory)"),
        (f"{'x' * 101}.toml", "name must be a text of 1 to 100 characters, got 101 characters"),
    ):
        capsys.readouterr()
        assert main(["brief", "new", str(tmp_path / given)]) == 1
        assert capsys.readouterr().err == f"translight: {tmp_path / given}: {message}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.toml"]


def test_show_prints_each_value_with_its_key(capsys):
    assert main(["brief", "show", str(BRIEFS / "space.toml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["Airlock nine", "  family      space"]
    assert ["light.sun_azimuth_deg", "prompt: side-lit from the left"] in [line.split(maxsplit=1) for line in lines]
    assert "  camera      97.4 x 50.9 degrees" in lines
    assert max(map(len, lines)) <= 110


def test_words_that_a_terminal_would_obey_are_not_passed_on(tmp_path, capsys):
    (tmp_path / "a.toml").write_text(
        'name = "a\\u001b[2J\\nb"\nintent = "one\\ntwo\\u001b[31m"\n[[blocking]]\nname = "x\\u001b\\ny"\n'
    )
    assert main(["brief", "show", str(tmp_path / "a.toml"), "-o", str(tmp_path / "a.png")]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "one two [31m, seamless 360" in said
    assert said.splitlines()[0] == r"a\x1b[2J\nb"


def test_show_prints_json(capsys):
    assert main(["brief", "show", str(BRIEFS / "dunes.toml"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["family"] == "dunes"
    assert values["seeds"][0] == 3363216631
    assert values["control"] == {
        "width_px": 1024,
        "height_px": 512,
        "depth_weight": 0.6,
        "edges_weight": 0.4,
        "nearest_m": pytest.approx(1.6, abs=0.001),  # the floor under the eye
    }
    assert values["references"] == [{"file": str(BRIEFS / "stills" / "sunset.jpg"), "weight": 0.5}]
    assert {"key": "light.sun_azimuth_deg", "value": "prompt: backlit"} in values["reasons"]


def test_a_mistake_is_one_line_and_leaves_no_picture(tmp_path, capsys):
    bad = tmp_path / "dunes.toml"
    bad.write_text('name = "a"\nintent = "b"\n[light]\nsun_elevation_deg = 120\n')
    sheet_file = tmp_path / "sheet.jpg"
    good = str(BRIEFS / "dunes.toml")
    for given, message in (
        ([str(bad), "-o", str(sheet_file)], f"{bad}: light.sun_elevation_deg must be from -90 to 90 degrees, got 120"),
        ([good, "-o", str(tmp_path / "a.gif")], f"{tmp_path}/a.gif: a sheet is written as .jpg or .png"),
        ([good, "-o", str(tmp_path / "no/a.jpg")], f"{tmp_path}/no/a.jpg: no such folder: {tmp_path}/no"),
    ):
        assert main(["brief", "show", *given]) == 1
        said = capsys.readouterr()
        assert (said.out, said.err) == ("", f"translight: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["dunes.toml"]


def test_a_reference_that_is_no_picture_is_named(tmp_path, capsys):
    (tmp_path / "look.jpg").write_bytes(b"not a jpeg")
    (tmp_path / "a.toml").write_text('name = "a"\nintent = "b"\n[style]\nreferences = ["look.jpg"]\n')
    assert main(["brief", "show", str(tmp_path / "a.toml"), "-o", str(tmp_path / "a.jpg")]) == 1
    assert capsys.readouterr().err.startswith(f"translight: {tmp_path}/look.jpg: not a readable JPEG (")
    assert not (tmp_path / "a.jpg").exists()


def test_the_sheet_shows_blocking_control_and_palette(tmp_path):
    red_over_blue = np.zeros((60, 90, 3), np.uint8)
    red_over_blue[:40, :, 0], red_over_blue[40:, :, 2] = 200, 200
    save_image(tmp_path / "look.png", red_over_blue)
    brief = Brief(
        name="a",
        intent="A hall",
        blocking=(Block(name="w", kind="wall", size_m=(4.0, 1.0, 6.0), position_m=(0.0, 8.0), words="a wall"),),
        stage=Stage(depth_m=15.0),
        style=Style(references=(Reference(file=tmp_path / "look.png"),)),
    )
    pixels = sheet(brief, translate(brief, control_height_px=128)).astype(int)
    assert pixels.shape[1] == 1600

    def share(colour, at=pixels, within=12):
        return (np.abs(at - colour).max(axis=-1) <= within).mean()

    bottom = pixels[-220:]
    assert share((200, 0, 0), bottom) > 0.01
    assert share((0, 0, 200), bottom) > 0.005
    assert share((255, 255, 255)) > 0.05  # the floor near the eye, in the depth map
    assert palette(red_over_blue, 2)[0] == pytest.approx((200, 0, 0), abs=8)


def test_the_plan_has_forward_up_and_right_on_the_right():
    def drawn(*blocks: Block, light: Light | None = None) -> np.ndarray:
        brief = Brief(name="a", intent="b", blocking=blocks, light=light or Light(sun_azimuth_deg=180))
        return np.asarray(plan(brief, 400, 10.0, "x")).astype(int)

    def middle(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[float, float]:
        rows, columns = np.nonzero(np.abs(picture - colour).max(axis=-1) < 45)
        assert len(rows) > 50
        return (columns.mean() - 200) / 20, (200 - rows.mean()) / 20

    wall = Block(name="w", kind="wall", size_m=(2.0, 2.0, 2.0), position_m=(4.0, 6.0))
    assert middle(drawn(wall), KINDS["wall"]) == pytest.approx((4.0, 6.0), abs=0.3)
    sun = (255, 214, 90)
    x, y = middle(drawn(light=Light(sun_azimuth_deg=-90)), sun)
    assert x == pytest.approx(-8.5, abs=0.6)
    assert y == pytest.approx(0.0, abs=0.2)
    # below the horizon it is hollow
    night = drawn(light=Light(sun_azimuth_deg=-90, sun_elevation_deg=-5))
    assert tuple(night[200, 26]) == PAPER
    assert tuple(drawn(light=Light(sun_azimuth_deg=-90))[200, 26]) == sun


def test_plans_hold_the_stage_and_the_place():
    far = Block(name="w", kind="wall", size_m=(2.0, 2.0, 9.0), position_m=(0.0, 90.0))
    actor = Block(name="a", position_m=(0.0, 6.0))
    near_m, far_m = extents_m(Brief(name="a", intent="b", blocking=(far, actor)))
    assert 6.2 < near_m < 9
    assert 91 < far_m < 120
    assert math.isfinite(extents_m(Brief(name="a", intent="b"))[1])
