"""Licences from cards, files and names; the ban; revisions."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.generation.brief.brief import Avoid
from translight.generation.candidate import Model
from translight.generation.diffusion.folder import ModelFolder
from translight.generation.diffusion.licences import (
    LORA,
    commercial_use,
    licence_of,
    permit,
    record,
    revision_of,
)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\n", "apache-2.0"),
        ("---\ntags:\n- art\nlicense: 'openrail++' # as SDXL\n---\n", "openrail++"),
        ("---\nlicense:\n- mit\n---\n", "mit"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        (
            "---\nlicense: other\nlicense_name: flux-1-dev-non-commercial-license\n---\n",
            "flux-1-dev-non-commercial-license",
        ),
        ("---\nlicense: other\n---\n", "unknown"),
        ("---\nlicense:\ntags: x\n---\n", "unknown"),
        ("license: mit", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_card_tells(tmp_path: Path, card: str, licence: str):
    (tmp_path / "README.md").write_bytes(card.encode())
    assert licence_of(tmp_path, "x") == licence


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (
            "                                 Apache License\n                           Version 2.0, January 2004",
            "apache-2.0",
        ),
        ("MIT License\n\nCopyright (c)", "mit"),
        ("FLUX.1 [dev] Non-Commercial License v1.1.1", "non-commercial (its licence file)"),
        ("CreativeML Open RAIL++-M License", "openrail++"),
        ("All rights reserved", "unknown"),
    ],
)
def test_a_licence_file_tells(tmp_path: Path, text: str, licence: str):
    (tmp_path / "LICENSE.md").write_text(text)
    assert licence_of(tmp_path, "x") == licence


@pytest.mark.parametrize(
    ("name", "commercial"),
    [
        ("black-forest-labs/FLUX.1-dev", False),
        ("FLUX.1-schnell", True),
        ("black-forest-labs/FLUX.2-klein-4B", True),
        ("black-forest-labs/FLUX.2-klein-9B", False),
        ("stabilityai/stable-diffusion-xl-base-1.0", True),
        ("Tongyi-MAI/Z-Image-Turbo", True),
        ("mine", None),
    ],
)
def test_known_models_without_a_card(tmp_path: Path, name: str, commercial: bool | None):
    assert commercial_use(licence_of(tmp_path, name)) is commercial


@pytest.mark.parametrize(
    ("licence", "commercial"),
    [
        ("MIT", True),
        ("openrail++", True),
        ("cc-by-nc-4.0", False),
        ("cc-by-nc", False),
        ("stabilityai-nc-research-community", False),
        ("flux-1-dev-non-commercial-license", False),
        ("stabilityai-ai-community", None),
        ("unknown", None),
    ],
)
def test_what_a_licence_allows(licence: str, commercial: bool | None):
    assert commercial_use(licence) is commercial


def _model(licence: str) -> Model:
    return Model("M", "text-to-image", "", "0" * 64, licence, commercial_use(licence))


def test_a_ban_names_model_and_licence():
    ban = Avoid(non_commercial_models=True)
    with pytest.raises(GenerationError) as error:
        permit([_model("mit"), _model("cc-by-nc-4.0")], ban, silent)
    assert str(error.value) == (
        "M (text-to-image): its licence (cc-by-nc-4.0) does not allow commercial use, "
        "and avoid.non_commercial_models forbids that: choose another model"
    )
    with pytest.raises(GenerationError) as error:
        permit([_model("unknown")], ban, silent)
    assert str(error.value) == (
        "M (text-to-image): its licence (unknown) is not known to allow commercial use, and avoid.non_commercial_models "
        "forbids that: choose another model, or write `license:` into its README.md once you know it"
    )
    permit([_model("apache-2.0")], ban, silent)


def test_without_a_ban_it_is_said_aloud():
    said: list[str] = []
    permit([_model("mit"), _model("cc-by-nc-4.0"), _model("unknown")], Avoid(), lambda what, share: said.append(what))
    assert said == [
        "M: its licence (cc-by-nc-4.0) does not allow commercial use",
        "M: its licence (unknown) is not known to allow commercial use",
    ]


def test_revisions_as_downloads_leave_them(tmp_path: Path):
    assert revision_of(tmp_path) == ""
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert revision_of(tmp_path / "snapshots" / commit / "base") == commit
    note = tmp_path / ".cache" / "huggingface" / "download" / "model_index.json.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"{commit}\netag\n1700000000.0\n")
    assert revision_of(tmp_path) == commit


@pytest.mark.parametrize(
    ("said", "licence", "commercial"), [("CC-BY-NC-4.0", "CC-BY-NC-4.0", False), ("", "unknown", None)]
)
def test_a_lora_carries_its_licence(tmp_path: Path, said: str, licence: str, commercial: bool | None):
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")  # of something else in that folder
    file = tmp_path / "film.safetensors"
    save_file({"a": np.zeros(1, np.float32)}, file, metadata={"modelspec.license": said})
    model = record("lora", ModelFolder(tmp_path, LORA, "film", (file,), None), "0" * 64)
    assert (model.name, model.role, model.licence, model.commercial) == ("film", "lora", licence, commercial)
