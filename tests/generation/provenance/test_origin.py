"""What the records of an asset say of how it came to be."""

import msgspec
from tests.generation.provenance.conftest import NAME, cloud

from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.environment.report import Report
from translight.generation.candidate import Model
from translight.generation.provenance.origin import Input, origin_of

FILMING = Model("waves", "image-to-video", "r1", "b" * 64, "apache-2.0", True)


def test_plates_name_their_films_and_models(tmp_path):
    report = Report().with_step("generate", brief="Pier", candidate=NAME, engine="procedural", seed=7, settings={})
    report = report.with_step("lift", models=[]).with_step("plate", film="traffic.mov", film_sha256="c" * 64)
    still = Environment("Pier", cloud())
    save_environment(still, tmp_path / "a.tlenv", report=report.values(), zipped=True)
    origin = origin_of(tmp_path / "a.tlenv", None, None)
    assert (origin.how, origin.models) == ("procedural", ())
    assert origin.inputs == (Input("traffic.mov", "film of a plate", "c" * 64),)
    report = report.with_step("plate", models=[msgspec.structs.asdict(FILMING)])
    save_environment(still, tmp_path / "b.tlenv", report=report.values(), zipped=True)
    origin = origin_of(tmp_path / "b.tlenv", None, None)
    assert (origin.how, origin.models) == ("mixed", (FILMING,)), "a trained model drew part of what was computed"
    assert [step.what for step in origin.steps][-2:] == ["plate", "plate"]
