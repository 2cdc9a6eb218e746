"""Levels of detail are made once, and a broken cache costs time and nothing else."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from translight.server import detail_cache
from translight.server.detail_cache import default_folder, kept_levels
from translight.splats.cloud import SplatCloud
from translight.splats.detail import detail_levels
from translight.splats.limits import Progress


@pytest.fixture
def cloud() -> SplatCloud:
    rng = np.random.default_rng(3)
    n = 64
    wxyz = rng.normal(size=(n, 4))
    return SplatCloud(
        means=rng.normal(size=(n, 3)).astype(np.float32),
        scales=rng.uniform(0.05, 0.2, (n, 3)).astype(np.float32),
        wxyz=(wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)).astype(np.float32),
        opacities=rng.uniform(0.2, 0.9, n).astype(np.float32),
        sh=rng.normal(size=(n, 4, 3)).astype(np.float32),
    )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for every time that levels are made."""
    calls: list[int] = []

    def counted(cloud: SplatCloud, levels: int, progress: Progress | None) -> list[SplatCloud]:
        calls.append(levels)
        return detail_levels(cloud, levels, progress)

    monkeypatch.setattr(detail_cache, "detail_levels", counted)
    return calls


def _check_same(a: list[SplatCloud], b: list[SplatCloud]) -> None:
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.means, other.means)
        np.testing.assert_allclose(one.scales, other.scales, rtol=1e-6)
        np.testing.assert_allclose(one.opacities, other.opacities, atol=1e-6)
        np.testing.assert_array_equal(one.sh, other.sh)


def test_they_are_made_once(tmp_path: Path, cloud: SplatCloud, made: list[int]) -> None:
    folder = tmp_path / "new" / "detail"
    told: list[float] = []
    first = kept_levels(cloud, 3, folder, told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    told.clear()
    again = kept_levels(cloud, 3, folder, told.append)
    assert told == []
    assert made == [3]
    assert again[0] is cloud
    assert [len(level) for level in again] == [64, 16, 4]
    _check_same(first, again)


def test_other_splats_and_more_levels_are_made_themselves(tmp_path: Path, cloud: SplatCloud, made: list[int]) -> None:
    kept_levels(cloud, 2, tmp_path)
    kept_levels(cloud, 3, tmp_path)
    fainter = SplatCloud(cloud.means, cloud.scales, cloud.wxyz, cloud.opacities * np.float32(0.5), cloud.sh)
    kept_levels(fainter, 3, tmp_path)
    kept_levels(cloud, 2, tmp_path)
    assert made == [2, 3, 3]


def test_a_damaged_file_is_made_anew(
    tmp_path: Path, cloud: SplatCloud, made: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    first = kept_levels(cloud, 2, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-7])
    _check_same(kept_levels(cloud, 2, tmp_path), first)
    assert "levels of detail are made anew" in caplog.text
    kept_levels(cloud, 2, tmp_path)
    assert made == [2, 2]


def test_a_folder_that_cannot_be_made_costs_only_time(
    tmp_path: Path, cloud: SplatCloud, made: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    with caplog.at_level(logging.WARNING):
        assert [len(level) for level in kept_levels(cloud, 2, tmp_path / "file")] == [64, 16]
    assert "levels of detail are not kept" in caplog.text


def test_the_longest_unused_go(tmp_path: Path, cloud: SplatCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detail_cache, "KEPT_FILES", 3)
    for age, name in enumerate(("newest", "older", "oldest")):
        (tmp_path / f"{name}.ply").write_bytes(b"")
        os.utime(tmp_path / f"{name}.ply", (1e9 - age, 1e9 - age))
    kept_levels(cloud, 2, tmp_path)
    assert {file.stem for file in tmp_path.iterdir()} >= {"newest", "older"}
    assert not (tmp_path / "oldest.ply").exists()


def test_tests_have_a_folder_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.name == "posix" and os.uname().sysname == "Linux":
        assert default_folder().is_relative_to(tmp_path_factory.getbasetemp())
