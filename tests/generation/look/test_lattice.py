"""LUTs on light: against FFmpeg's lut3d, against maps that a lattice holds exactly, and above the domain."""

import shutil
import subprocess

import numpy as np
import pytest

from translight.core.errors import GenerationError
from translight.generation.look.cube import Cube, write_cube
from translight.generation.look.encoding import encode
from translight.generation.look.film import film
from translight.generation.look.lattice import INTERPOLATIONS, Lut, laid_down, looked_up
from translight.generation.look.transfer import LinearTransfer

IDENTITY = laid_down(lambda light: light, "linear", 3, "")


def bent(size=5, seed=0):
    chance = np.random.default_rng(seed)
    return Cube((identity(size) + 0.15 * chance.normal(size=(size, size, size, 3))).clip(0, 1).astype(np.float32))


def identity(size):
    return laid_down(lambda light: light, "linear", size, "").table


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_ffmpeg_finds_the_same_colours(tmp_path, interpolation):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg, the LUT reader that we did not write, is not installed")
    write_cube(tmp_path / "a.cube", bent())
    codes = np.random.default_rng(1).random((32, 64, 3)).astype(np.float32)
    planes = np.ascontiguousarray(codes[..., [1, 2, 0]].transpose(2, 0, 1))  # gbrp
    raw = ["-f", "rawvideo", "-pix_fmt", "gbrpf32le", "-s", "64x32"]
    command = ["ffmpeg", "-v", "error", *raw, "-i", "-", "-vf", f"lut3d=a.cube:interp={interpolation}", *raw, "-"]
    made = subprocess.run(command, input=planes.tobytes(), capture_output=True, cwd=tmp_path, timeout=60, check=True)
    theirs = np.frombuffer(made.stdout, np.float32).reshape(3, 32, 64)[[2, 0, 1]].transpose(1, 2, 0)
    np.testing.assert_allclose(looked_up(bent(), codes, interpolation), theirs, atol=2e-6)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_an_affine_map_is_held_exactly_and_the_ends_hold(interpolation):
    gain = np.array([[0.9, 0.1, 0.0], [-0.2, 1.1, 0.1], [0.0, 0.3, 0.6]])
    cube = Cube((IDENTITY.table @ gain.T + 0.05).astype(np.float32), "", (-1.0, 0.0, 0.0), (1.0, 1.0, 2.0))
    codes = np.random.default_rng(2).uniform([-1, 0, 0], [1, 1, 2], (500, 3))
    wanted = ((codes + np.array([1, 0, 0])) / [2, 1, 2]) @ gain.T + 0.05
    np.testing.assert_allclose(looked_up(cube, codes, interpolation), wanted, atol=1e-6)
    np.testing.assert_allclose(looked_up(cube, np.array([[9.0, -9.0, 0.0]])), cube.table[0, 0, 2][None], atol=1e-7)


def test_one_table_for_each_channel():
    table = np.linspace(0, 1, 9)[:, None] ** np.array([1.0, 2.0, 3.0])
    codes = np.random.default_rng(3).random((200, 3))
    wanted = np.stack([np.interp(codes[:, i], np.linspace(0, 1, 9), table[:, i]) for i in range(3)], axis=1)
    np.testing.assert_allclose(looked_up(Cube(table.astype(np.float32)), codes), wanted, atol=1e-6)


def test_a_linear_transfer_in_log_is_a_lut_without_loss():
    gain = np.array([[1.2, 0.1, 0.0], [0.1, 0.9, 0.05], [0.0, 0.05, 1.1]])
    look = LinearTransfer(gain, np.array([0.4, 0.41, 0.42]), np.array([0.45, 0.4, 0.38]))
    made = Lut(laid_down(look, "log", 17, ""), "log", "log")
    light = (0.18 * 2.0 ** np.random.default_rng(4).uniform(-3, 8, (300, 3))).astype(np.float32)
    np.testing.assert_allclose(made(light), look(light), rtol=1e-4)


def test_a_film_in_a_lut_of_33_is_near_the_film():
    stock = film("daylight negative 250")
    made = Lut(laid_down(stock, "log", 33, ""), "log", "log")
    light = 0.18 * 2.0 ** np.random.default_rng(5).uniform(-4, 8, (2000, 3))
    apart = np.abs(encode(made(light), "log") - encode(stock(light), "log")) * 17.52
    assert np.percentile(apart, 99) < 0.1  # stops


@pytest.mark.parametrize("given", ["srgb", "linear"])
def test_light_above_the_domain_is_carried(given):
    lut = Lut(bent(), given, given)
    assert lut.knee == pytest.approx(1.0)
    light = np.array([[1.0, 0.5, 0.25]])
    np.testing.assert_allclose(lut(light * 2.0**14), lut(light) * 2.0**14, rtol=1e-6)
    assert lut(light.astype(np.float32)).dtype == np.float32
    assert (lut(np.array([[-1.0, 0.2, 0.1]])) >= 0).all()


def test_what_cannot_be_laid_down_or_used_is_refused():
    with pytest.raises(GenerationError, match=r"^--cube-size must lie within 2 and 129, got 130$"):
        laid_down(lambda light: light, "log", 130, "")
    with pytest.raises(GenerationError, match=r"^the LUT's domain ends at -1 in linear light: above 0 is wanted$"):
        Lut(Cube(IDENTITY.table, "", (-2.0,) * 3, (-1.0,) * 3), "linear", "linear")
    with pytest.raises(GenerationError, match=r"^the LUT's domain ends at 1e-38 in linear light: above 0 is wanted$"):
        Lut(Cube(IDENTITY.table, "", (0.0,) * 3, (1e-38,) * 3), "linear", "linear")
    with pytest.raises(ValueError, match=r"^codes that are not numbers have no place in a LUT$"):
        looked_up(IDENTITY, np.array([[np.nan, 0.0, 0.0]]))
