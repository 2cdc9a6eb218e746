"""What a GPU's machine runs of training, over gsplat's operators restated for the processor."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.render.gsplat_on_cpu import OPERATORS
from tests.render.test_gsplat_training import rasterize_to_pixels

from benchmarks import bench_training_gpu as bench
from translight.reconstruction.training.rasterisers import Opened
from translight.render.gsplat.training import GsplatRasteriser


@pytest.mark.slow
def test_gradients_and_iterations_are_measured(monkeypatch, capsys):
    opened = Opened(
        GsplatRasteriser(replace(OPERATORS, rasterize_to_pixels=rasterize_to_pixels)),
        torch.device("cpu"),
        "gsplat (in a test)",
    )
    monkeypatch.setattr(bench, "open_rasteriser", lambda *_: opened)
    found = []
    monkeypatch.setattr(bench, "_agreement_line", lambda a: found.append(a) or bench.LEAVES[0])
    bench.main(tiny=True)
    (agreement,) = found
    assert all(0 < error < 5e-3 for error in agreement.relative)
    assert len(agreement.relative) == len(bench.LEAVES)
    assert "| 500 | 16×16 | " in capsys.readouterr().out
