"""What a folder holds, and the line that says what is wrong with it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.generation.diffusion import orders, tiny
from tests.generation.diffusion.conftest import Shelf

from translight.core.errors import GenerationError
from translight.generation.diffusion.folder import INPAINTING, TEXT_TO_IMAGE, read_folder, read_part
from translight.generation.engines.engine import open_engine


@pytest.fixture
def copy(shelf: Shelf, tmp_path: Path) -> Path:
    (tmp_path / "plain").symlink_to(shelf.model("sd"))
    return Path(shutil.copytree(shelf.model("sd"), tmp_path / "copy"))


def _told(folder: Path) -> str:
    """What the public engine says of it."""
    with pytest.raises(GenerationError) as error:
        open_engine("diffusers", folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def _change(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_whole_folder_is_read(shelf: Shelf):
    folder = read_folder(shelf.model("sdxl"))
    assert (folder.pipeline, folder.name, folder.variant) == ("StableDiffusionXLPipeline", "sdxl", None)
    assert folder.family("text-to-image") == "sdxl"
    assert [path.parent.name for path in folder.weights] == ["text_encoder", "text_encoder_2", "unet", "vae"]


def test_half_precision_is_taken_as_diffusers_takes_it(copy: Path):
    """Where one component is there in half precision only, diffusers takes it of all that have it: so do the record's files."""
    unet = copy / "unet" / "diffusion_pytorch_model.safetensors"
    unet.rename(unet.with_name("diffusion_pytorch_model.fp16.safetensors"))
    both = copy / "vae" / "diffusion_pytorch_model.safetensors"
    shutil.copy(both, both.with_name("diffusion_pytorch_model.fp16.safetensors"))
    folder = read_folder(copy)
    assert folder.variant == "fp16"
    assert [f"{path.parent.name}/{path.name}" for path in folder.weights] == [
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model.fp16.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ]
    data = both.read_bytes()  # what is not taken is not read either: here it would be another picture
    both.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert np.array_equal(orders.image(copy), orders.image(copy.parent / "plain"))


def test_a_missing_folder_and_one_of_something_else_are_told(tmp_path: Path):
    gone = tmp_path / "gone"
    assert _told(gone) == f"{gone}: no such folder; a diffusers model's folder is wanted, with model_index.json"
    assert _told(tmp_path) == f"{tmp_path}: not a diffusers folder, it has no model_index.json"
    (tmp_path / "sd_xl.safetensors").write_bytes(b"")
    assert _told(tmp_path) == (
        f"{tmp_path}: not a diffusers folder, it has no model_index.json; "
        "sd_xl.safetensors alone is not enough: diffusers' own layout is wanted"
    )
    with pytest.raises(GenerationError) as error:
        open_engine("diffusers")
    assert str(error.value) == "the engine diffusers needs a model's folder, with model_index.json or base/ in it"


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        ("WanImageToVideoPipeline", " (image-to-video)"),
        ("StableDiffusionInpaintPipeline", " (inpainting)"),
        ("AudioLDM2Pipeline", ""),
    ],
)
def test_a_wrong_class_is_named_with_those_that_are_wanted(copy: Path, kind: str, purpose: str):
    tiny.classes(copy, kind)
    assert _told(copy) == (
        f"{copy}: holds a {kind}{purpose}; for text-to-image one of StableDiffusionPipeline, "
        "StableDiffusionXLPipeline, FluxPipeline, Flux2KleinPipeline, ZImagePipeline is wanted"
    )


def test_every_class_named_exists_in_diffusers():
    import diffusers

    assert [name for name in {**TEXT_TO_IMAGE, **INPAINTING} if not hasattr(diffusers, name)] == []


def test_code_in_a_folder_is_refused(copy: Path):
    index = copy / "model_index.json"
    _change(index, unet=["my_unet", "MyUNet"])
    assert _told(copy) == (
        f"{index}: component 'unet' wants code from 'my_unet'; only classes of diffusers and transformers are loaded"
    )
    _change(index, _class_name=["pipeline", "MyPipeline"])
    assert _told(copy).startswith(f"{index}: wants code of its own to run (")


def test_code_in_a_component_is_refused(copy: Path):
    config = copy / "text_encoder" / "config.json"
    _change(config, auto_map={"AutoModel": "modeling.Mine"})
    assert _told(copy) == f"{config}: wants code of its own to run (auto_map), which is not allowed"


def test_a_component_that_is_gone_or_cut_off_is_named(copy: Path):
    file = copy / "unet" / "diffusion_pytorch_model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[:-100])
    assert _told(copy) == f"{file}: cut off or damaged: {len(data) - 100} bytes, its header says {len(data)}"
    file.unlink()
    assert _told(copy).startswith(f"{copy / 'unet'}: no weights; ")
    shutil.rmtree(copy / "unet")
    assert _told(copy) == f"{copy / 'unet'}: missing, and model_index.json names it (UNet2DConditionModel)"
    (copy / "model_index.json").write_text("{")
    assert _told(copy).startswith(f"{copy / 'model_index.json'}: not JSON (")


_WORD = st.text("a./\0_é", max_size=4) | st.sampled_from(["diffusers", "transformers", "unet"])
_LEAF = st.none() | st.booleans() | st.integers() | _WORD
_JSON = _LEAF | st.lists(_LEAF | st.lists(_LEAF, max_size=2), max_size=3) | st.dictionaries(_WORD, _LEAF, max_size=3)


@given(st.dictionaries(st.sampled_from(["_class_name", "_name_or_path", "unet", "vae", "x"]), _JSON, max_size=5))
def test_an_index_of_rubbish_raises_nothing_else(tmp_path_factory: pytest.TempPathFactory, index: dict[str, Any]):
    folder = tmp_path_factory.getbasetemp() / "rubbish"
    folder.mkdir(exist_ok=True)
    (folder / "unet").mkdir(exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(GenerationError):
        read_folder(folder)


def test_components_stay_in_the_folder(copy: Path):
    index = copy / "model_index.json"
    _change(index, **{"../unet": ["diffusers", "UNet2DConditionModel"]})
    assert _told(copy).startswith(f"{index}: component '../unet' is [library, class], got ")


def test_a_download_is_called_as_the_hub_calls_it(shelf: Shelf, tmp_path: Path):
    place = tmp_path / "models--black-forest-labs--FLUX.1-dev" / "snapshots" / ("0" * 40)
    shutil.copytree(shelf.model("flux"), place)
    assert read_folder(place).name == "black-forest-labs/FLUX.1-dev"
    _change(place / "model_index.json", _name_or_path="a/b")
    assert read_folder(place).name == "a/b"


def test_a_part_is_of_the_class_that_is_wanted(shelf: Shelf):
    net = shelf.room() / "controlnet-depth"
    assert read_part(net, "ControlNetModel").pipeline == "ControlNetModel"
    with pytest.raises(GenerationError) as error:
        read_part(net, "AutoencoderKL")
    assert str(error.value) == f"{net}: holds a ControlNetModel, a AutoencoderKL is wanted"
