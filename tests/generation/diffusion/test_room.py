"""A room's parts, and those that do not go together."""

import shutil
from pathlib import Path

import pytest
from tests.generation.diffusion.conftest import Shelf

from translight.core.errors import GenerationError
from translight.generation.diffusion.room import inpainting_folder, read_room


def test_a_room_holds_all_its_parts(shelf: Shelf):
    room = read_room(shelf.room())
    assert [role for role, _ in room.parts()] == [
        "text-to-image",
        "controlnet-depth",
        "controlnet-edges",
        "ip-adapter",
        "image-encoder",
    ]
    assert room.base.path == shelf.room() / "base"


def test_a_bare_folder_is_a_room(shelf: Shelf):
    room = read_room(shelf.model("sd"))
    assert [role for role, _ in room.parts()] == ["text-to-image"]  # its vae/ is its own, not a replacement


@pytest.fixture
def room(shelf: Shelf, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shelf.room(), tmp_path / "room"))


def _told(room: Path) -> str:
    with pytest.raises(GenerationError) as error:
        read_room(room)
    return str(error.value)


def test_a_room_without_a_base_is_told(room: Path):
    shutil.rmtree(room / "base")
    assert _told(room) == f"{room}: not a diffusers folder, it has no model_index.json; a model room has base/ with it"


def test_a_transformer_takes_no_controlnet(shelf: Shelf, room: Path):
    shutil.rmtree(room / "base")
    shutil.copytree(shelf.model("flux"), room / "base")
    wants = "goes with a StableDiffusionPipeline or StableDiffusionXLPipeline, the base is a FluxPipeline"
    assert _told(room) == f"{room / 'controlnet-depth'}: {wants}"
    for name in ("depth", "edges"):
        shutil.rmtree(room / f"controlnet-{name}")
    assert _told(room) == f"{room / 'ip-adapter'}: {wants}"


def test_an_ip_adapter_is_one_file_with_its_encoder(room: Path):
    shutil.rmtree(room / "image-encoder")
    assert _told(room) == f"{room / 'image-encoder'}: missing; the ip-adapter needs its image encoder"
    next((room / "ip-adapter").iterdir()).unlink()
    assert _told(room) == f"{room / 'ip-adapter'}: one .safetensors file is wanted, got 0"


def test_a_part_without_configuration_is_named(room: Path):
    (room / "controlnet-edges" / "config.json").unlink()
    assert _told(room) == f"{room / 'controlnet-edges'}: not a model's folder, it has no config.json"


def test_a_room_fills_with_its_own_model_or_its_base(shelf: Shelf, room: Path):
    assert inpainting_folder(room).path == room / "base"
    shutil.copytree(shelf.model("inpainting"), room / "inpainting")
    assert inpainting_folder(room).pipeline == "StableDiffusionInpaintPipeline"
    with pytest.raises(GenerationError) as error:
        inpainting_folder(shelf.model("z_image"))
    assert str(error.value) == (
        f"{shelf.model('z_image')}: holds a ZImagePipeline; for inpainting one of StableDiffusionPipeline, "
        "StableDiffusionXLPipeline, FluxPipeline, StableDiffusionInpaintPipeline, StableDiffusionXLInpaintPipeline "
        "is wanted"
    )
