import json

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.splats import files, losses, sog, sog_write, sog_zip, webp
from translight.splats.cloud import SplatCloud
from translight.splats.codebook import ENTRIES, codebook_of, codes_of
from translight.splats.formats import Format
from translight.splats.order import along_curve
from translight.splats.palette import palette_of, palette_size


def read_back(cloud):
    written = sog_write.encode(cloud)
    return written, files.decode("a.sog", sog_zip.encode(written))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_values_come_back_as_near_as_said(random_cloud, assert_close, degree):
    cloud = along_curve(random_cloud(900, degree))
    _, found = read_back(cloud)
    # up to 1024 splats have a set of SH each, so only the codebook rounds
    assert_close(
        found, cloud, means=2 * np.log(4) / 131070 * 4, scales=0.05, wxyz=0.006, opacities=0.002, sh0=0.01, sh=0.01
    )


def test_the_files_are_those_that_the_format_names(random_cloud):
    cloud = random_cloud(2000, 2)
    written = sog_write.encode(cloud)
    meta = json.loads(written["meta.json"])
    assert (meta["version"], meta["count"], meta["shN"]["bands"]) == (2, 2000, 2)
    assert list(written)[-1] == "meta.json"
    assert set(written) == {"meta.json", *sog.files(sog.parse_meta(written["meta.json"]))}
    assert webp.size(written["sh0.webp"], "") == (48, 44)
    assert webp.size(written["shN_centroids.webp"], "") == (64 * 8, -(-meta["shN"]["count"] // 64))
    assert sog_write.encode(cloud) == written  # no chance is left in it


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_gaussforge_reads_the_same(random_cloud, forge, raw_of_ply, assert_close, degree):
    written, own = read_back(random_cloud(3000, degree))
    theirs = raw_of_ply(forge(sog_zip.encode(written), "sog", "ply"))
    assert_close(own, theirs, means=2e-6, opacities=2e-5)


def test_gsply_reads_the_same(random_cloud, tmp_path, assert_close):
    pytest.importorskip("imagecodecs")
    gsply = pytest.importorskip("gsply")
    files.save(tmp_path / "scene" / "meta.json", random_cloud(3000, 2))
    theirs = gsply.sogread(tmp_path / "scene")
    values = {
        "means": theirs.means,
        "scales": np.exp(theirs.scales),
        "wxyz": theirs.quats,
        "opacities": 1 / (1 + np.exp(-theirs.opacities)),
        "sh": np.concatenate([theirs.sh0[:, None], theirs.shN], axis=1),
    }
    assert_close(files.load(tmp_path / "scene"), values)


def test_a_real_scene_is_written_as_well_as_it_was(real_scene):
    """A scene that SOG held before loses nothing of its colours: they had codebooks and a palette already."""
    cloud = along_curve(files.load(real_scene("playbot_125k_sog")))
    _, found = read_back(cloud)
    assert np.abs(np.log1p(np.abs(found.means)) - np.log1p(np.abs(cloud.means))).max() < 2e-5
    assert np.abs(np.log(found.scales / cloud.scales)).max() < 1e-5
    assert np.abs(found.sh[:, 0] - cloud.sh[:, 0]).max() < 1e-6
    assert np.abs(found.sh[:, 1:] - cloud.sh[:, 1:]).max() < 1e-6


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_tiny_clouds(random_cloud, n):
    _, found = read_back(random_cloud(n, 1))
    assert len(found) == n


def test_one_flat_splat_far_away():
    one = SplatCloud(
        means=np.array([[1e6, -3e-9, 0.0]], np.float32),
        scales=np.array([[0.0, 1.0, 2.0]], np.float32),
        wxyz=np.array([[-0.5, 0.5, -0.5, 0.5]], np.float32),
        opacities=np.ones(1, np.float32),
        sh=np.zeros((1, 1, 3), np.float32),
    )
    _, found = read_back(one)
    assert np.allclose(found.means, one.means, rtol=1e-6)
    assert found.scales[0, 0] < 1e-30
    assert np.allclose(found.wxyz, [[0.5, -0.5, 0.5, -0.5]], atol=1e-2)


def test_more_splats_than_a_texture_holds(random_cloud, monkeypatch):
    monkeypatch.setattr(sog_write, "MOST_SPLATS", 4)
    with pytest.raises(FormatError, match=r"^SOG: holds up to 4 splats, got 5$"):
        sog_write.encode(random_cloud(5))


def test_losses_are_told(random_cloud):
    told = losses.losses(random_cloud(3000, 1), Format.SOG)
    assert told[0].startswith("the splats' order, positions to 0.00017 at")
    assert told[-1] == "SH to 2,048 sets for 3,000 splats"
    assert losses.losses(random_cloud(0), Format.SOG) == []
    assert losses.losses(random_cloud(5, 1), Format.GLTF) == []


def test_a_codebook_of_few_values_is_exact():
    values = np.array([3.0, -1.0, 3.0, 7.5], np.float32)
    book = codebook_of(values)
    assert len(book) == ENTRIES
    assert np.array_equal(book[codes_of(values, book)], values)
    assert not codebook_of(np.empty(0)).any()


def test_a_codebook_beats_even_steps():
    """By Panter and Dite (1951), 256 best levels for a Gaussian have an error of √3·π/2 · σ² / 256² or a little more."""
    values = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    book = codebook_of(values)
    error = np.mean((book[codes_of(values, book)] - values) ** 2)
    even = ((values.max() - values.min()) / 255) ** 2 / 12
    best = np.sqrt(3) * np.pi / 2 / 256**2
    assert best * 0.9 < error < 2 * best
    assert error < even
    assert (np.diff(book) >= 0).all()


def test_codes_are_the_nearest():
    rng = np.random.default_rng(1)
    values, book = rng.normal(size=500), np.sort(rng.normal(size=ENTRIES))
    nearest = np.abs(values[:, None] - book).argmin(axis=1)
    assert np.allclose(np.abs(book[codes_of(values, book)] - values), np.abs(book[nearest] - values))


def test_palettes_find_what_is_there():
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(40, 9)).astype(np.float32) * 10
    rows = np.repeat(centres, 100, axis=0) + rng.normal(size=(4000, 9)).astype(np.float32) * 0.01
    sets, labels = palette_of(rows[rng.permutation(4000)], 400)
    assert len(sets) <= 400
    assert (np.bincount(labels, minlength=len(sets)) >= 0).all()
    shuffled = rows[np.random.default_rng(3).permutation(4000)]
    sets, labels = palette_of(shuffled, 400)
    assert np.sqrt(np.mean((sets[labels] - shuffled) ** 2)) < 0.02


@pytest.mark.parametrize(("count", "size"), [(0, 0), (3, 3), (1500, 1024), (2048, 2048), (125_000, 65_536)])
def test_palette_sizes(count, size):
    assert palette_size(count) == size


def test_a_zip_is_the_same_every_time(random_cloud):
    written = sog_write.encode(random_cloud(10))
    assert sog_zip.encode(written) == sog_zip.encode(dict(written))
