"""Weight files against rubbish, against the safetensors package, and against hashlib."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from translight.core.errors import GenerationError
from translight.core.progress import silent
from translight.generation.diffusion.weights import Weights, digest, find_weights, read_json, read_metadata

WHOLE = save({"a": np.arange(6, dtype=np.float32)}, metadata={"modelspec.license": "MIT"})
MODEL = "diffusion_pytorch_model"


def test_a_whole_file_says_what_its_writer_said(tmp_path: Path):
    (tmp_path / "a.safetensors").write_bytes(WHOLE)
    assert read_metadata(tmp_path / "a.safetensors") == {"modelspec.license": "MIT"}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (WHOLE[:-1], f"cut off or damaged: {len(WHOLE) - 1} bytes, its header says {len(WHOLE)}"),
        (WHOLE + b"x", f"cut off or damaged: {len(WHOLE) + 1} bytes, its header says {len(WHOLE)}"),
        (WHOLE[:20], "cut off or not a safetensors file (20 bytes)"),
        (b"", "cut off or not a safetensors file (0 bytes)"),
        ((1 << 40).to_bytes(8, "little") + b"{}", "cut off or not a safetensors file (10 bytes)"),
        ((4).to_bytes(8, "little") + b"[1,]", "not a safetensors file: its header is not readable"),
        ((7).to_bytes(8, "little") + b'{"a":1}', "not a safetensors file: its header is not readable"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, data: bytes, told: str):
    file = tmp_path / "a.safetensors"
    file.write_bytes(data)
    with pytest.raises(GenerationError) as error:
        read_metadata(file)
    assert str(error.value) == f"{file}: {told}"


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_raise_nothing_else(tmp_path_factory: pytest.TempPathFactory, data: bytes, headed: bool):
    file = tmp_path_factory.getbasetemp() / "random.safetensors"
    file.write_bytes(len(data).to_bytes(8, "little") + data if headed else data)
    try:
        read_metadata(file)
    except GenerationError:
        return
    finally:
        file.unlink()
    assert headed
    assert json.loads(data) == {}


def test_weights_are_found_whole_split_and_in_half_precision(tmp_path: Path):
    half = tmp_path / f"{MODEL}.fp16.safetensors"
    half.write_bytes(WHOLE)
    assert find_weights(tmp_path) == Weights((half,), "fp16")
    first, second = tmp_path / f"{MODEL}-1.safetensors", tmp_path / f"{MODEL}-2.safetensors"
    first.write_bytes(WHOLE)
    index = {"weight_map": {"a": second.name, "b": first.name}}
    (tmp_path / f"{MODEL}.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(GenerationError) as error:
        find_weights(tmp_path)
    assert str(error.value) == f"{second}: missing, and {MODEL}.safetensors.index.json names it"
    second.write_bytes(WHOLE)
    assert find_weights(tmp_path) == Weights((first, second), None)


@pytest.mark.parametrize("name", ["../a.safetensors", "/a.safetensors", "a.bin"])
def test_split_weights_stay_in_their_folder(tmp_path: Path, name: str):
    index = tmp_path / f"{MODEL}.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(GenerationError) as error:
        find_weights(tmp_path)
    assert str(error.value) == f"{index}: {name!r} is not a .safetensors file beside it"


def test_pickled_weights_are_refused_unless_others_are_there(tmp_path: Path):
    (tmp_path / f"{MODEL}.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(GenerationError) as error:
        find_weights(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: holds pickled weights only ({MODEL}.bin), which can run code: "
        "get the .safetensors files of this model, or convert them"
    )
    with pytest.raises(GenerationError, match=r"\.bin: pickled weights can run code: get it as \.safetensors"):
        read_metadata(tmp_path / f"{MODEL}.bin")
    (tmp_path / f"{MODEL}.safetensors").write_bytes(WHOLE)
    assert find_weights(tmp_path).files == (tmp_path / f"{MODEL}.safetensors",)


def test_a_folder_without_weights_is_told(tmp_path: Path):
    with pytest.raises(GenerationError) as error:
        find_weights(tmp_path)
    assert str(error.value) == f"{tmp_path}: no weights; {MODEL}.safetensors or model.safetensors is wanted"


def test_the_digest_is_that_of_the_bytes_in_the_order_of_names(tmp_path: Path):
    b, a = tmp_path / "b", tmp_path / "a"
    b.write_bytes(b"second")
    a.write_bytes(b"first")
    shares: list[float] = []
    found = digest([b, a], "it", lambda what, share: shares.append(share))
    assert found == hashlib.sha256(b"firstsecond").hexdigest()
    assert shares == [5 / 11, 1.0]
    with pytest.raises(GenerationError, match="c: cannot be read \\(No such file or directory\\)"):
        digest([tmp_path / "c"], "it", silent)


def test_json_is_bounded_and_an_object(tmp_path: Path):
    file = tmp_path / "a.json"
    file.write_text("[1]")
    with pytest.raises(GenerationError) as error:
        read_json(file)
    assert str(error.value) == f"{file}: a JSON object is wanted, got a list"
    file.write_bytes(b" " * ((1 << 23) + 1))
    with pytest.raises(GenerationError, match="8388609 bytes; up to 8388608 are read"):
        read_json(file)


def test_a_file_of_the_package_itself_is_whole(tmp_path: Path):
    save_file({"w": np.zeros((3, 4), np.float16), "b": np.zeros(0, np.float32)}, tmp_path / "x.safetensors")
    assert read_metadata(tmp_path / "x.safetensors") == {}
