import json
import sys

import numpy as np
import pytest
import tyro
from PIL import Image, ImageFilter
from tests.reconstruction.photographs import exif_of, save_photograph, texture
from tests.reconstruction.test_phones import record3d

from translight.commands.capture import Inspect
from translight.core.errors import FormatError, MissingExtra, ShowError
from translight.core.image import load_image


@pytest.fixture
def beach(tmp_path):
    """Sixteen windows of one texture, as from a camera that moves along a wall."""
    wall = texture(120, 160 + 16 * 20, cell=4)
    for i in range(16):
        exif = exif_of(focal_mm=4, focal_35mm=26, f_number=2, seconds=0.01, iso=100, position=(50, 8 + i / 1e4, 100))
        save_photograph(tmp_path / f"beach/{i:02}.jpg", wall[:, 20 * i : 20 * i + 160], exif, quality=95)
    return tmp_path / "beach"


def test_a_good_capture_in_plain_lines(beach, capsys):
    assert Inspect(beach, skip_overlap=True).run() == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "beach: 16 pictures, Acme One 4 mm 160x120, GPS in 16",
        "nothing speaks against it",
    ]
    assert said.err == ""


def test_findings_in_plain_lines_and_in_json(beach, capsys, tmp_path):
    with Image.open(beach / "03.jpg") as picture:
        picture.filter(ImageFilter.GaussianBlur(3)).save(beach / "03.jpg", exif=picture.getexif())
    (beach / "cut.jpg").write_bytes((beach / "04.jpg").read_bytes()[:2000])
    assert Inspect(beach, skip_overlap=True, picture=tmp_path / "sheet.jpg").run() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "beach: 16 pictures, Acme One 4 mm 160x120, GPS in 16, 1 damaged"
    assert lines[1].startswith(
        "will fail: damaged: 1 picture cannot be read [cut.jpg]: a capture with damaged pictures"
    )
    assert lines[2].startswith("may fail: blur: 1 picture blurred (")
    assert "[03.jpg]" in lines[2]
    assert lines[3:] == ["this will fail"]
    assert load_image(tmp_path / "sheet.jpg").shape[1] > 600

    assert Inspect(beach, json=True, skip_overlap=True, skip_damaged=True).run() == 0
    report = json.loads(capsys.readouterr().out)
    assert report["will_fail"] is False
    assert [(f["severity"], f["kind"], f["pictures"]) for f in report["findings"]] == [
        ("may fail", "blur", ["03.jpg"]),
        ("note", "damaged", ["cut.jpg"]),
    ]
    assert set(report["findings"][0]) == {"severity", "kind", "what", "why", "do", "pictures"}
    assert list(report["damaged"]) == ["cut.jpg"]
    assert report["groups"] is None
    blurred = next(still for still in report["stills"] if still["name"] == "03.jpg")
    assert blurred["verdict"] == "blurred"
    assert blurred["blur"] > report["stills"][0]["blur"] + 0.1
    assert report["stills"][0]["gps"] == {"latitude_deg": 50.0, "longitude_deg": 8.0, "altitude_m": 100.0}


def test_a_terminal_sees_a_table_and_bars(beach, capsys, monkeypatch):
    for i in range(3, 16):
        (beach / f"{i:02}.jpg").unlink()
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    assert Inspect(beach, skip_overlap=True).run() == 1
    said = capsys.readouterr()
    assert "too few: 3 pictures" in said.out
    assert "what to do" in said.out
    assert "looking at photographs" in said.err


def test_all_damaged(tmp_path, capsys):
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert Inspect(tmp_path, skip_overlap=True, picture=tmp_path / "sheet.png").run() == 1
    assert capsys.readouterr().out.startswith(f"{tmp_path.name}: 0 pictures, GPS in 0, 1 damaged\nwill fail: ")
    assert (tmp_path / "sheet.png").exists()


def test_pictures_with_known_cameras_are_looked_at_too(tmp_path, capsys):
    assert Inspect(record3d(tmp_path / "a.r3d", 8)).run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a.r3d: 8 pictures, known camera 24x32, GPS in 0"
    assert lines[1].startswith("may fail: few: too few: 8 pictures: ")
    assert not [line for line in lines if line.startswith("overlap")]


def test_what_was_kept_and_what_was_not(beach, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    recording = record3d(tmp_path / "a.r3d", 8)
    Inspect(recording).run()
    assert list((tmp_path / "tmp").iterdir()) == []
    Inspect(recording, work=tmp_path / "kept").run()
    assert len(list((tmp_path / "kept" / "record3d").iterdir())) == 8


def test_without_pycolmap_the_rest_is_told(beach, capsys, monkeypatch):
    def missing(*_):
        raise MissingExtra("pycolmap", "train")

    monkeypatch.setattr("translight.reconstruction.structure_from_motion.overlap.overlap", missing)
    assert Inspect(beach).run() == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith(
        'note: unseen: overlap was not looked at: pycolmap is not installed: pip install "translight['
    )


def test_wrong_calls_are_one_line(tmp_path, beach):
    for command, kind, words in (
        (
            Inspect(tmp_path / "absent"),
            FormatError,
            "absent: no such file or folder; wanted: a folder of photographs, ",
        ),
        (Inspect(beach, picture=tmp_path / "a.gif"), ShowError, "a.gif: a contact sheet is written as .jpg or .png"),
        (Inspect(beach, picture=tmp_path / "b/a.jpg"), ShowError, f"no such folder: {tmp_path / 'b'}"),
        (Inspect(beach, frames=0), ShowError, "--frames 0: one or more are chosen"),
    ):
        with pytest.raises(kind) as caught:
            command.run()
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_parsing():
    parsed = tyro.cli(Inspect, args=["beach", "--json", "--picture", "a.jpg", "--skip-overlap", "--frames", "40"])
    assert (parsed.photos.name, parsed.json, parsed.picture.name) == ("beach", True, "a.jpg")
    assert (parsed.skip_overlap, parsed.skip_damaged, parsed.frames, parsed.work) == (True, False, 40, None)


@pytest.mark.slow
def test_real_captures_with_their_overlap(photos, capsys):
    pytest.importorskip("pycolmap")
    assert Inspect(photos("brighton"), json=True).run() == 0
    report = json.loads(capsys.readouterr().out)
    assert report["findings"] == []
    assert [len(group) for group in report["groups"]] == [18]
    assert all(still["features"] > 1000 for still in report["stills"])
    assert Inspect(photos("berlin")).run() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("will fail: few: too few: 3 pictures: ")
    assert lines[2:] == ["overlap: 3 of 3 pictures hang together, the median one with 2 others", "this will fail"]


@pytest.mark.slow
def test_a_stranger_among_them_stands_alone(beach, capsys):
    pytest.importorskip("pycolmap")
    save_photograph(beach / "stranger.jpg", np.ascontiguousarray(texture(120, 160, 77, cell=4)), quality=95)
    assert Inspect(beach).run() == 0
    lines = capsys.readouterr().out.splitlines()
    overlap = next(line for line in lines if line.startswith("may fail: overlap: "))
    assert "[stranger.jpg]" in overlap
    assert "16 of 17 hang together" in overlap
