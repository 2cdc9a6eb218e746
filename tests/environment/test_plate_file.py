"""A plate's film: every half float comes back, another program reads the same bits, and lies are refused."""

import json
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tests.environment.plates import environment_of, plate_of, random_plate

from translight.core.errors import FormatError
from translight.environment.environment import Environment
from translight.environment.files import EnvironmentLimits, load_environment, save_environment
from translight.environment.plate_file import read_plate, write_plate

ALL_HALVES = 0x7C00
"""Bits below this are the half floats from 0 to 65504."""


def test_every_half_float_from_0_to_65504_comes_back(tmp_path: Path) -> None:
    bits = np.zeros((2, 124, 256, 4), np.uint16)
    bits[0, ..., 0] = bits[1, ..., 1] = np.arange(ALL_HALVES).reshape(124, 256)
    bits[1, ..., 2] = bits[0, ..., 0][::-1]
    bits[..., 3] = np.minimum(bits[..., 0], 0x3C00)
    write_plate(tmp_path / "all.mkv", bits.view(np.float16), Fraction(24))
    np.testing.assert_array_equal(read_plate(tmp_path / "all.mkv", 2, 256, 124).view(np.uint16), bits)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg, a reader that we did not write")
def test_ffmpeg_reads_the_same_bits(tmp_path: Path) -> None:
    plate = random_plate(3, count=3, size=(70, 90))
    write_plate(tmp_path / "a.mkv", plate.frames, plate.rate)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a.mkv"), "-f", "rawvideo", "-pix_fmt", "gbrap16le", "-"]
    run = subprocess.run(command, capture_output=True, timeout=60, check=True)
    green, blue, red, alpha = np.frombuffer(run.stdout, np.float16).reshape(3, 4, 70, 90).transpose(1, 0, 2, 3)
    np.testing.assert_array_equal(np.stack([red, green, blue, alpha], axis=-1), plate.frames)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_package_keeps_its_plates(tmp_path: Path, zipped: bool) -> None:
    plates = random_plate(1, at=(13, 2)), random_plate(2, count=5, size=(2, 16), at=(3, 6))
    environment = environment_of(*plates)
    manifest = save_environment(environment, tmp_path / "a.tlenv", zipped=zipped)
    assert manifest.schema_version == 2
    assert [part.file for role, part in manifest.parts.items() if role.startswith("plate")] == [
        "plate_1.mkv",
        "plate_2.mkv",
    ]
    back = load_environment(tmp_path / "a.tlenv").plates
    for one, other in zip(back, plates, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        assert (one.name, one.rate, one.area) == (other.name, other.rate, other.area)
    assert save_environment(replace(environment, plates=()), tmp_path / "b.tlenv").schema_version == 1


def refused(environment: Environment, folder: Path, limits: EnvironmentLimits | None = None, **entry: object) -> str:
    """What is said of a package whose manifest tells something else of its plate."""
    path = folder / "a.tlenv"
    save_environment(environment, path)
    values = json.loads((path / "environment.json").read_text())
    values["plates"][0] |= entry
    (path / "environment.json").write_text(json.dumps(values))
    with pytest.raises(FormatError) as caught:
        load_environment(path, limits or EnvironmentLimits())
    return str(caught.value).replace(f"{folder}/", "")


def test_a_manifest_that_lies_of_its_plate(tmp_path: Path) -> None:
    environment = environment_of(random_plate(1))
    film = "a.tlenv: plate_1.mkv: "
    assert refused(environment, tmp_path, frames=2) == f"{film}more than the 2 frames that the manifest says"
    assert refused(environment, tmp_path, frames=9) == f"{film}3 frames, the manifest says 9"
    assert refused(environment, tmp_path, width_px=5) == (
        f"{film}ffv1 gbrap16le of 6x4 pixels, the manifest says ffv1 gbrap16le of 5x4"
    )
    assert refused(environment, tmp_path, top_px=5) == (
        "a.tlenv: plate 'random 1': 6x4 texels at column 0, row 5 do not lie on a sky of 16x8"
    )
    small = EnvironmentLimits(max_plate_bytes=575)
    assert refused(environment, tmp_path, small) == "a.tlenv: 576 bytes of plates in memory, the limit is 575"


@pytest.mark.parametrize(
    ("value", "channel", "said"),
    [
        (-1.0, 0, "frame 1 holds values that are negative or not finite"),
        (np.inf, 1, "frame 1 holds values that are negative or not finite"),
        (np.nan, 2, "frame 1 holds values that are negative or not finite"),
        (1.5, 3, "frame 1 covers more than 1 somewhere"),
    ],
)
def test_values_that_a_wall_could_not_show(tmp_path: Path, value: float, channel: int, said: str, monkeypatch) -> None:
    frames = random_plate(1).frames
    frames[1, 2, 3, channel] = value
    with pytest.raises(ValueError, match=f"^a plate: {said}$"):
        write_plate(tmp_path / "a.mkv", frames, Fraction(24))
    with monkeypatch.context() as careless:
        careless.setattr("translight.environment.plate_file._check_bits", lambda *_: None)
        write_plate(tmp_path / "a.mkv", frames, Fraction(24))
    with pytest.raises(FormatError) as caught:
        read_plate(tmp_path / "a.mkv", 3, 6, 4)
    assert str(caught.value) == f"{tmp_path}/a.mkv: {said}"


def test_another_film_and_no_film(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 32, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(FormatError) as caught:
        read_plate(path, 1, 64, 32)
    said = "h264 yuv420p of 64x32 pixels, the manifest says ffv1 gbrap16le of 64x32"
    assert str(caught.value) == f"{path}: {said}"
    path.write_bytes(b"no film at all" * 50)
    with pytest.raises(FormatError, match="not a readable film"):
        read_plate(path, 1, 64, 32)


def test_damage_is_told_or_does_no_harm(tmp_path: Path) -> None:
    """A part's sha256 is checked before; this is what stands behind it."""
    plate = random_plate(5, count=2, size=(16, 24))
    write_plate(tmp_path / "a.mkv", plate.frames, plate.rate)
    whole = (tmp_path / "a.mkv").read_bytes()
    rng, told = np.random.default_rng(0), 0
    for _ in range(40):
        data = bytearray(whole)
        data[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        (tmp_path / "b.mkv").write_bytes(data[: rng.integers(len(data) // 2, len(data))])
        try:
            assert read_plate(tmp_path / "b.mkv", 2, 24, 16).shape == plate.frames.shape
        except FormatError:
            told += 1
    assert told > 20


def test_where_memory_ends(tmp_path: Path, monkeypatch) -> None:
    write_plate(tmp_path / "a.mkv", random_plate(1).frames, Fraction(24))
    monkeypatch.setattr("translight.environment.plate_file.np.empty", _no_memory)
    with pytest.raises(FormatError) as caught:
        read_plate(tmp_path / "a.mkv", 1 << 25, 6, 4)
    assert str(caught.value) == f"{tmp_path}/a.mkv: 6.0 GiB of frames, and there is no memory for them"


def _no_memory(*_: object) -> np.ndarray:
    raise MemoryError


def test_plates_that_lie_on_no_sky(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^plates lie on a sky, and the environment has none$"):
        save_environment(replace(environment_of(plate_of([1.0])), sky=None), tmp_path / "a.tlenv")
    with pytest.raises(ValueError, match=r"^an environment has up to 4 plates, got 5$"):
        save_environment(environment_of(*[plate_of([1.0])] * 5), tmp_path / "a.tlenv")
    assert not list(tmp_path.iterdir())
