import json
from dataclasses import replace

import numpy as np
import pytest

from translight.core.errors import FormatError, GenerationError
from translight.core.file_lock import locked
from translight.core.image import load_image, save_image
from translight.generation.brief.brief import Brief
from translight.generation.brief.read import read_brief
from translight.generation.brief.write import brief_text
from translight.generation.candidate import Model
from translight.generation.run import generate as run
from translight.generation.run.generate import generate, licence_line
from translight.generation.run.job import Job


class Notes:
    """Remembers notes; raises an interrupt when a progress begins with ``stop_at``."""

    def __init__(self, stop_at="nothing"):
        self.notes, self.stop_at = [], stop_at

    def progress(self, what, _share):
        if what.startswith(self.stop_at):
            raise KeyboardInterrupt

    def note(self, what):
        self.notes.append(what)


@pytest.fixture
def job(tmp_path):
    """Three pictures to import."""
    source = tmp_path / "pictures"
    source.mkdir()
    for i in range(3):
        save_image(source / f"p{i}.png", np.full((8, 16, 3), 60 * i, np.uint8))
    brief = tmp_path / "brief.toml"
    brief.write_text(brief_text(Brief(name="Three", intent="grey dunes", candidates=3)))
    return Job(brief, tmp_path / "run", "import", source)


def test_every_candidate_lies_in_its_folder_and_on_the_sheet(job):
    watch = Notes()
    made = generate(job, watch)
    assert [folder.name.rpartition("-")[0] for folder in made.candidates] == ["import-p0", "import-p1", "import-p2"]
    assert all((folder / "candidate.json").is_file() for folder in made.candidates)
    assert made.made_now == 3
    sheet = load_image(made.contact_sheet)
    assert sheet.shape == (40 + 2 * 394, 12 + 2 * 652, 3)
    centres = [sheet[40 + 160, 12 + 320], sheet[40 + 160, 12 + 652 + 320], sheet[40 + 394 + 160, 12 + 320]]
    assert centres[0].max() < 10 < centres[1].mean() < centres[2].mean()
    assert read_brief(job.folder / "brief.toml") == read_brief(job.brief)
    assert watch.notes[0] == "imported p0.png: unknown, licence not known: ask"
    assert watch.notes[-1] == f"{made.candidates[2].name} (3 of 3)"


def test_an_interrupted_run_goes_on(job):
    with pytest.raises(KeyboardInterrupt):
        generate(job, Notes("reading p1"))
    (first,) = (job.folder / "candidates").glob("import-p0-*/candidate.json")
    before = first.stat().st_mtime_ns
    watch = Notes()
    made = generate(job, watch)
    assert (made.made_now, len(made.candidates)) == (2, 3)
    assert first.stat().st_mtime_ns == before
    assert "1 of 3 candidates are there already" in watch.notes


def test_a_run_that_is_done_makes_nothing(job):
    generate(job, Notes())
    (job.folder / "contact_sheet.jpg").unlink()
    assert generate(job, Notes()).made_now == 0
    assert (job.folder / "contact_sheet.jpg").is_file()


def test_another_run_is_not_mixed_in(job):
    generate(job, Notes())
    other = Job(job.brief, job.folder, "import", job.source / "p1.png", 2048)
    job.brief.write_text(brief_text(Brief(name="Four", intent="grey dunes")))
    with pytest.raises(GenerationError) as caught:
        generate(other, Notes())
    assert str(caught.value) == (
        f"{job.folder} holds another run: the brief has changed; "
        f"--source was {job.source}, is {job.source / 'p1.png'}; --height was 1024, is 2048; --fresh begins anew"
    )
    assert len(list((job.folder / "candidates").iterdir())) == 3
    fresh = Job(job.brief, job.folder, "import", job.source / "p1.png", 2048, fresh=True)
    assert [folder.name[:9] for folder in generate(fresh, Notes()).candidates] == ["import-p1"]


def test_a_folder_of_somebody_else_is_left_alone(job):
    job.folder.mkdir()
    (job.folder / "precious").write_text("x")
    with pytest.raises(GenerationError, match=rf"^{job.folder}: exists and holds no run: choose another folder$"):
        generate(job, Notes())
    assert [entry.name for entry in job.folder.iterdir()] == ["precious"]


def test_what_a_killed_run_left_is_gone_on_with(job):
    (job.folder / "candidates").mkdir(parents=True)
    (job.folder / "lock").touch()
    assert generate(job, Notes()).made_now == 3
    (job.folder / "run.json").write_text("{")
    hidden = next((job.folder / "candidates").iterdir())
    hidden.rename(hidden.with_name(f".{hidden.name}.1-2"))
    assert generate(replace(job, fresh=True), Notes()).made_now == 3


def test_a_candidate_that_was_never_renamed_is_none(job):
    generate(job, Notes())
    made = next((job.folder / "candidates").iterdir())
    made.rename(made.with_name(f".{made.name}.1-2"))
    assert generate(job, Notes()).made_now == 1


def test_a_preview_that_is_gone_is_named(job):
    (folder, *_) = generate(job, Notes()).candidates
    (folder / "preview.jpg").unlink()
    (job.folder / "contact_sheet.jpg").unlink()
    with pytest.raises(FormatError, match=rf"^{folder}/preview.jpg: no such file$"):
        generate(job, Notes())


def test_two_at_once(job):
    generate(job, Notes())
    with (
        locked(job.folder / "lock"),
        pytest.raises(GenerationError, match=rf"^{job.folder}: another run is at work there; wait for it, or "),
    ):
        generate(job, Notes())


def test_a_full_disk_is_told_and_what_is_done_stays(job, monkeypatch):
    saved = run.save_candidate

    def full(candidate, folder):
        if candidate.settings["file"] == "p2.png":
            raise FormatError(f"{folder}: cannot be written (No space left on device)")
        return saved(candidate, folder)

    monkeypatch.setattr(run, "save_candidate", full)
    with pytest.raises(FormatError, match="No space left on device"):
        generate(job, Notes())
    monkeypatch.undo()
    assert generate(job, Notes()).made_now == 1


def test_a_damaged_record_is_named(job):
    generate(job, Notes())
    (job.folder / "run.json").write_text(json.dumps({"schema_version": 1}))
    with pytest.raises(FormatError, match=rf"^{job.folder}/run.json: Object missing required field `brief_sha256`$"):
        generate(job, Notes())


@pytest.mark.parametrize("height", [0, 100, 16384])
def test_a_height_that_cannot_be(job, height):
    with pytest.raises(GenerationError, match=f"^--height must be a multiple of 64 from 128 to 8192, got {height}$"):
        Job(job.brief, job.folder, height_px=height)


def test_no_brief(job, tmp_path):
    with pytest.raises(GenerationError, match=rf"^{tmp_path}/none.toml: "):
        generate(Job(tmp_path / "none.toml", job.folder), Notes())
    assert not job.folder.exists()


def test_licences_are_said_aloud():
    model = Model("flux", "text-to-image", "", "", "flux-1-dev-non-commercial-license", False)
    assert licence_line(model) == "text-to-image flux: flux-1-dev-non-commercial-license, NOT for commercial use"
