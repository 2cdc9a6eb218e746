"""``translight library`` as a supervisor uses it."""

import base64
import json
import shutil

import numpy as np
import pytest

from translight.cli import main
from translight.core.errors import FormatError
from translight.core.file_lock import locked
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.environment.report import Report
from translight.generation.library import index
from translight.generation.library.index import Entry
from translight.splats.cloud import SplatCloud


@pytest.fixture(autouse=True)
def by_words_alone(monkeypatch, tmp_path):
    """test_search.py has the model; here it would only cost time."""
    monkeypatch.setattr("translight.generation.library.search.open_reader", lambda: None)
    monkeypatch.chdir(tmp_path)


def package(path, intent, **words):
    cloud = SplatCloud(
        means=np.ones((2, 3), np.float32), scales=np.full((2, 3), 0.1, np.float32),
        wxyz=np.tile(np.float32([1, 0, 0, 0]), (2, 1)), opacities=np.full(2, 0.5, np.float32),
        sh=np.zeros((2, 1, 3), np.float32),
    )  # fmt: skip
    report = Report().with_step("generate", brief="B", intent=intent, settings={"version": "9", **words})
    save_environment(Environment(path.stem, cloud), path, report=report.values(), zipped=path.name.startswith("z"))
    return path


def test_add_search_list_and_remove(tmp_path, capsys):
    sea = package(tmp_path / "library" / "sea_one.tlenv", "grey swell in fog", prompt="a mole")
    sand = package(tmp_path / "z_sand.tlenv", "golden dunes at noon")
    assert main(["library", "add", str(sea), "--tags", "harbour, take 3"]) == 0
    assert main(["library", "add", str(sand)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "1 added to library, 2 in it"
    assert 'by words alone: pip install "translight[library]" finds by meaning too' in said.err
    assert main(["library", "search", "foggy harbour", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["found"]
    assert (found["name"], found["path"]) == ("sea_one", "library/sea_one.tlenv")
    assert found["tags"] == ["harbour", "take 3"]
    index = json.loads((tmp_path / "library" / "library.json").read_text())
    assert [entry["path"] for entry in index["entries"]] == [sand.as_posix(), "sea_one.tlenv"]
    assert index["entries"][1]["text"] == "sea one. B. grey swell in fog. a mole"
    assert main(["library", "add", str(sea), "--tags", "night"]) == 0
    assert main(["library", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[-2:] == ["sea_one  sea_one.tlenv  harbour, take 3, night", "2 environments"]
    sand.write_bytes(b"x")
    shutil.rmtree(sea)
    assert main(["library", "list", "--json"]) == 0
    states = [row["state"] for row in json.loads(capsys.readouterr().out)["environments"]]
    assert states == ["changed since it was added: add it again", "not there any more"]
    assert main(["library", "remove", "sea_one", str(sand)]) == 0
    assert capsys.readouterr().out == "2 removed from library, 0 in it\n"
    assert sand.exists()
    assert main(["library", "search", "fog"]) == 0
    assert capsys.readouterr().out == "nothing found in 0 environments\n"


def test_mistakes_are_one_line_and_change_nothing(tmp_path, capsys, monkeypatch):
    sea = package(tmp_path / "sea.tlenv", "fog")
    (tmp_path / "no.tlenv").write_bytes(b"rubbish")

    def refused(*words):
        assert main(["library", *words]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("translight: ")

    assert refused("search", "fog") == "library: holds no library: translight library add NAME.tlenv begins one"
    assert refused("add", "none.tlenv") == "none.tlenv: no such environment"
    assert refused("add", str(sea), "no.tlenv").startswith("no.tlenv: ")
    assert refused("add", str(sea), "--tags", "a\nb") == "--tags 'a\\nb': a tag is a word or a few, up to 60 characters"
    assert not (tmp_path / "library").exists(), "nothing begins for nothing"
    assert main(["library", "add", str(sea)]) == 0
    capsys.readouterr()
    assert refused("remove", "other") == "other: not in the library"
    assert refused("search", " ") == 'what shall be found? translight library search "foggy harbour"'
    assert refused("search", "fog", "--top", "0") == "--top must be from 1 to 1000, got 0"
    monkeypatch.setattr(index, "_WAIT_S", 0.05)
    with locked(tmp_path / "library" / "library.lock"):
        assert refused("add", str(sea)) == "library/library.json: another is writing to it; try again"
    file = tmp_path / "library" / "library.json"
    for change in ({"schema_version": 2}, {"entries": 3}):
        file.write_text(json.dumps({"schema_version": 1, "entries": []} | change))
        assert refused("list").startswith("library/library.json: ")
    file.write_text("{")
    assert refused("add", str(sea)) == "library/library.json: not JSON: Input data was truncated"
    assert file.read_text() == "{", "a damaged library is not written over"
    assert refused("search", "\udcff") == 'what shall be found? translight library search "foggy harbour"'


def test_what_was_moved_keeps_its_tags(tmp_path, capsys):
    sea = package(tmp_path / "häfen am meer.tlenv", "fog")
    assert main(["library", "add", str(sea), "--tags", "Häfen, take 3"]) == 0
    copy = tmp_path / "copy.tlenv"
    shutil.copytree(sea, copy)
    assert main(["library", "add", str(copy), "--tags", "second"]) == 0
    moved = sea.rename(tmp_path / "elsewhere.tlenv")
    capsys.readouterr()
    assert main(["library", "add", str(moved), str(moved), "--tags", "night"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"häfen am meer was at {sea} before",
        "1 added to library, 2 in it",
    ]
    assert main(["library", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"häfen am meer  {copy}  second",
        f"häfen am meer  {moved}  Häfen, take 3, night",
        "2 environments",
    ]
    assert main(["library", "remove", str(moved), str(moved)]) == 0
    assert capsys.readouterr().out == "1 removed from library, 1 in it\n"


def test_too_many_tags_over_time(tmp_path, capsys):
    sea = package(tmp_path / "sea.tlenv", "fog")
    assert main(["library", "add", str(sea), "--tags", ",".join(f"a{i}" for i in range(50))]) == 0
    capsys.readouterr()
    assert main(["library", "add", str(sea), "--tags", "one more"]) == 1
    assert capsys.readouterr().err == "translight: --tags: at most 50 for each environment, got 51\n"


def test_an_interrupt_or_a_full_disk_leaves_the_library_as_it_was(tmp_path, capsys, monkeypatch):
    sea, sand = package(tmp_path / "sea.tlenv", "fog"), package(tmp_path / "sand.tlenv", "dunes")
    assert main(["library", "add", str(sea)]) == 0
    before = sorted((p.name, p.read_bytes()) for p in (tmp_path / "library").iterdir())
    capsys.readouterr()

    def ends(error):
        def end(*_):
            raise error

        return end

    for error, status, said in (
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            OSError(28, "No space left on device"),
            1,
            "library/library.json: cannot be written (No space left on device)",
        ),
    ):
        with monkeypatch.context() as patch:
            patch.setattr("translight.core.files.os.replace", ends(error))
            assert main(["library", "add", str(sand)]) == status
        assert capsys.readouterr().err == f"translight: {said}\n"
        assert sorted((p.name, p.read_bytes()) for p in (tmp_path / "library").iterdir()) == before


def test_an_embedding_that_is_no_numbers_is_named():
    for packed in ("!!", base64.b64encode(np.full(4, np.nan, "<f2").tobytes()).decode()):
        with pytest.raises(FormatError, match=r"^library\.json: sea: its embedding is damaged; add it again$"):
            Entry("sea", "sea.tlenv", "0" * 64, (), "fog", packed, "m").vector()
