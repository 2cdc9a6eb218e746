"""A still panorama becomes an environment by networks alone: distances estimated, hidden colours drawn."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.generation.candidates import candidate, panorama
from tests.generation.lift.depth_networks import Seer

from translight.cli import main
from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.environment.report import Report
from translight.generation.brief.brief import Avoid, Brief
from translight.generation.brief.write import write_brief
from translight.generation.lift import networks
from translight.generation.lift.depth_model import open_depth_model
from translight.generation.run.store import save_candidate

pytest.importorskip("diffusers", reason="diffusers is not here, which draws what is hidden")
pytestmark = pytest.mark.slow  # importing diffusers and transformers alone takes longer than a default test may


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of a depth network and an inpainting model."""
    from tests.generation.diffusion import tiny
    from tests.generation.lift.depth_networks import depth_anything

    root = tmp_path_factory.mktemp("models")
    return depth_anything(root / "depth"), tiny.sd(root / "inpaint", inpainting=True)


@pytest.fixture
def still(tmp_path):
    """A candidate whose panorama has no distances and one brightness, in a run's folder."""
    view = replace(panorama(64), image=np.full((64, 128, 3), 0.4, np.float32), distance_m=None, sky=None)
    folder = tmp_path / "run" / "candidates" / "c"
    save_candidate(candidate(views=(view,), sky=None, models=()), folder)
    write_brief(tmp_path / "run" / "brief.toml", Brief(name="Still", intent="grey dunes"))
    return folder


def test_networks_stand_in_and_are_recorded(still, models, tmp_path, capsys, monkeypatch):
    depth, inpaint = models
    # random weights see nonsense, of which no panorama can be made: one that sees brightness looks in their place
    monkeypatch.setattr(networks, "open_depth_model", lambda folder: replace(open_depth_model(folder), network=Seer()))
    output = tmp_path / "c.tlenv"
    arguments = ["generate", "lift", str(still), "-o", str(output), "--splats", "30000"]
    assert main(arguments) == 1
    assert capsys.readouterr().err == f"translight: {still}: its panorama has no distances: give --depth FOLDER\n"
    assert main([*arguments, "--depth", str(depth), "--inpaint", str(inpaint), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["environment"] == str(output)
    lifted = Report.of(output).last("lift")
    assert [(model["role"], model["licence"]) for model in lifted["models"]] == [
        ("depth", "unknown"),
        ("inpainting", "openrail++"),
    ]
    assert lifted["inpainted"] == "model"
    assert lifted["options"]["cut"]["erode_px"] == 2
    assert np.isfinite(lifted["nearest_m"])


def test_a_forbidden_licence_ends_it(still, models, tmp_path, capsys):
    brief = tmp_path / "strict.toml"
    write_brief(brief, Brief(name="Strict", intent="grey dunes", avoid=Avoid(non_commercial_models=True)))
    output = tmp_path / "c.tlenv"
    given = ["generate", "lift", str(still), "-o", str(output), "--brief", str(brief), "--depth", str(models[0])]
    assert main(given) == 1
    lines = capsys.readouterr().err.splitlines()
    assert not [line for line in lines if "reading" in line], "refused before its weights are read"
    assert lines[-1].startswith(
        "translight: depth (depth): its licence (unknown) is not known to allow commercial use, and "
    )
    assert not output.exists()


def test_a_barred_models_weights_are_not_looked_at(models, monkeypatch):
    brief = Brief(name="Strict", intent="grey dunes", avoid=Avoid(non_commercial_models=True))
    for name in ("find_weights", "open_depth_model", "digest"):
        monkeypatch.setattr(networks, name, lambda *_: pytest.fail("its weights are read"))
    with pytest.raises(GenerationError, match=r"^depth \(depth\): its licence \(unknown\) is not known to allow"):
        networks.with_distances(panorama(64), models[0], brief, silent)
