"""ST-LPIPS against the code of the package that the weights come from, and what is refused."""

import importlib
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from translight.core.errors import FormatError, MissingExtra
from translight.reconstruction.evaluate import perceptual
from translight.reconstruction.evaluate.perceptual import Perceptual

pytest.importorskip("stlpips_pytorch", reason="the train extra is not installed")


@pytest.fixture(scope="module")
def metric() -> Perceptual:
    return Perceptual.open()


@pytest.fixture(scope="module")
def packages_own():
    """The package's network. What it imports and never uses for AlexNet (torchvision …) is stood in for by nothing."""
    with pytest.MonkeyPatch.context() as patch:
        for name, member in (("torchvision", "models"), ("IPython", "embed"), ("torchsummary", "summary")):
            stub = types.ModuleType(name)
            setattr(stub, member, None)
            patch.setitem(sys.modules, name, stub)
        before = set(sys.modules)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module("stlpips_pytorch.stlpips")
            yield module.LPIPS(net="alex", variant="shift_tolerant", verbose=False)
        for name in set(sys.modules) - before:
            if name.startswith("stlpips_pytorch"):
                del sys.modules[name]


def _pair(height: int, width: int, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(height)
    v, u = np.mgrid[0:height, 0:width] / 40
    truth = np.stack([np.sin(u) ** 2, np.cos(u * v) ** 2, np.sin(v + u) ** 2], axis=-1).astype(np.float32)
    picture = np.clip(truth + rng.normal(0, noise, truth.shape), 0, 1).astype(np.float32)
    return picture, truth


@pytest.mark.parametrize("shape", [(64, 64), (71, 90)])
def test_it_is_the_packages_own(metric: Perceptual, packages_own, shape: tuple[int, int]):
    picture, truth = _pair(*shape)
    x, y = (torch.from_numpy(a).permute(2, 0, 1)[None] for a in (picture, truth))
    with torch.no_grad():
        wanted = float(packages_own(x, y, normalize=True))
    assert wanted > 0.01
    assert metric.distance(picture, truth) == pytest.approx(wanted, rel=1e-4)


def test_equal_pictures_are_no_distance_apart_and_more_noise_is_further(metric: Perceptual):
    picture, truth = _pair(64, 64)
    worse, _ = _pair(64, 64, noise=0.3)
    near, far = metric.distance(picture, truth), metric.distance(worse, truth)
    assert metric.distance(truth, truth) == 0
    assert near is not None
    assert far is not None
    assert 0 < near < far


def test_what_has_no_weight_changes_nothing(metric: Perceptual):
    picture, truth = _pair(72, 72)
    weight = np.ones((72, 72), np.float32)
    weight[:, :36] = 0
    spoilt = picture.copy()
    spoilt[:, :36] = 1
    assert metric.distance(spoilt, truth, weight) == metric.distance(picture, truth, weight)
    assert metric.distance(picture, truth, np.ones_like(weight)) == pytest.approx(
        metric.distance(picture, truth), rel=1e-5
    )
    half = metric.distance(picture, truth, weight)
    assert half is not None
    # noise is the same everywhere, so half of the picture says nearly the same as all of it
    assert half == pytest.approx(metric.distance(picture, truth), rel=0.5)


def test_without_weight_or_too_small_there_is_no_value(metric: Perceptual):
    picture, truth = _pair(64, 64)
    assert metric.distance(picture, truth, np.zeros((64, 64), np.float32)) is None
    assert metric.distance(picture[:63], truth[:63]) is None


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(perceptual, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r'^stlpips-pytorch is not installed: pip install "translight\[train\]"$'):
        Perceptual.open()


def test_damaged_and_other_weights_are_refused(tmp_path: Path):
    damaged, other = tmp_path / "a.pth", tmp_path / "b.pth"
    damaged.write_bytes(b"PK\x03\x04 nothing")
    torch.save({"net.slice1.0.weight": torch.zeros(64, 3, 11, 11)}, other)
    with pytest.raises(FormatError, match=r"a\.pth: not readable weights \("):
        Perceptual.open(damaged)
    with pytest.raises(
        FormatError, match=r"b\.pth: not the weights of ST-LPIPS, Alex: scaling_layer\.shift is missing"
    ):
        Perceptual.open(other)
