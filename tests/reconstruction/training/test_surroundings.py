"""What stands around the splats in training: first splats, exposures, the dome, refined poses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.reconstruction.synthetic import CAMERA, cameras, corner, draw, photographed

from translight.colour.transfer import srgb_encode
from translight.core.exr import save_exr
from translight.core.pose import Pose, Similarity
from translight.reconstruction.dataset import Dataset, SparsePoints
from translight.reconstruction.pixels import load_photograph
from translight.reconstruction.training.dome import Dome, has_sky, sampling_grid, stage_directions
from translight.reconstruction.training.exposure import Exposures
from translight.reconstruction.training.initial import initial_cloud, scene_size, typical_depths
from translight.reconstruction.training.optimiser import Adam
from translight.reconstruction.training.poses import Poses
from translight.reconstruction.training.views import load_views
from translight.render.sky import sample_sky

CPU = torch.device("cpu")


def _initial(dataset: Dataset, most: int, fill: int = 0):
    photographs = [load_photograph(image) for image in dataset.split()[0]]
    return initial_cloud(dataset, photographs, most=most, opacity=0.5, fill=fill, rng=np.random.default_rng(0))


def test_first_splats_are_the_points_as_large_as_their_neighbours_are_far(tmp_path: Path):
    dataset = photographed(tmp_path)
    assert dataset.points is not None
    cloud = _initial(dataset, 1000)
    np.testing.assert_allclose(cloud.means, dataset.points.xyz, rtol=1e-6)
    np.testing.assert_allclose(0.5 + 0.28209479 * cloud.sh[:, 0], dataset.points.rgb / 255, atol=1e-5)
    distances = np.linalg.norm(dataset.points.xyz[:, None] - dataset.points.xyz, axis=2)
    nearest = np.sort(distances, axis=1)[:, 1:4]
    np.testing.assert_allclose(cloud.scales[:, 0], np.sqrt((nearest**2).mean(axis=1)), rtol=1e-5)
    assert len(_initial(dataset, 120)) == 120


def test_depth_pictures_give_first_splats_where_there_are_no_points(tmp_path: Path):
    dataset = photographed(tmp_path)
    images = []
    for image in dataset.images:
        _, alpha, depth = draw(corner(), image.scene_from_camera)
        file = tmp_path / f"{image.name}.exr"
        save_exr(file, np.where(alpha > 0.9, depth, 0).astype(np.float32) * 2)
        images.append(replace(image, depth=file, depth_scale=0.5))
    cloud = _initial(Dataset(tuple(images)), 2000)
    assert 1500 < len(cloud) <= 2000
    x, y, z = cloud.means.T
    away = np.minimum(np.minimum(np.abs(y - 1), np.abs(z - 3)), np.abs(x + 1.5))
    assert np.median(away) < 0.12  # the splats are round, with a deviation of 0.1


def test_between_known_points_lie_more_of_them(tmp_path: Path):
    cloud = _initial(photographed(tmp_path), 2000, fill=1500)
    assert len(cloud) == 1500
    x, y, z = cloud.means[300:].T
    away = np.minimum(np.minimum(np.abs(y - 1), np.abs(z - 3)), np.abs(x + 1.5))
    assert np.median(away) < 0.1
    expected = 0.5 + 0.45 * np.sin(4 * cloud.means + np.array([0, 2, 4]) + 1)
    wall = np.flatnonzero(np.abs(cloud.means[:, 2] - 3) < 0.05)
    assert len(wall) > 100
    colours = 0.5 + 0.28209479 * cloud.sh[:, 0]
    assert np.median(np.abs(colours - expected)[wall]) < 0.1


def test_where_there_may_be_sky_nothing_is_filled_outside_the_known_points(tmp_path: Path):
    dataset = photographed(tmp_path)
    assert dataset.points is not None
    low = dataset.points.xyz[:, 1] > 0
    known = replace(dataset, points=SparsePoints(dataset.points.xyz[low], dataset.points.rgb[low]))
    photographs = [load_photograph(image) for image in dataset.split()[0]]
    lowest = {}
    for beyond in (True, False):
        cloud = initial_cloud(
            known, photographs, most=2000, opacity=0.5, fill=1500, beyond=beyond, rng=np.random.default_rng(0)
        )
        lowest[beyond] = cloud.means[:, 1].min()
    assert lowest[False] > -0.05
    assert lowest[True] < -0.3


def test_without_points_or_depths_places_are_guessed_in_view(tmp_path: Path):
    dataset = replace(photographed(tmp_path), points=None)
    cloud = _initial(dataset, 500)
    assert len(cloud) == 500
    seen = np.zeros(500, bool)
    for image in dataset.images:
        u, v = np.moveaxis(CAMERA.project(image.scene_from_camera.inverse().apply(cloud.means)), -1, 0)
        seen |= (u >= 0) & (u < CAMERA.width_px) & (v >= 0) & (v < CAMERA.height_px)
    assert seen.all()


def test_a_scene_is_as_large_as_its_cameras_stand_apart_or_as_it_is_far(tmp_path: Path):
    dataset = photographed(tmp_path)
    centres = dataset.centres()
    spread = np.linalg.norm(centres - centres.mean(axis=0), axis=1).max()
    assert scene_size(dataset) == pytest.approx(1.1 * spread)
    depths = typical_depths(dataset)
    assert 1.0 < np.median(depths) < 5.0
    one_spot = replace(dataset, images=dataset.images[:1])
    assert scene_size(one_spot) == pytest.approx(0.25 * np.median(typical_depths(one_spot)))


def test_exposures_begin_with_what_files_say_and_foretell_the_others():
    evs = [10.0, 11.0, 12.0]
    exposures = Exposures(evs, CPU)
    logs = exposures.logs.detach().numpy()
    np.testing.assert_allclose(logs.mean(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(logs[0] - logs[2], 2 * np.log(2) / 2.2, rtol=1e-5)
    with torch.no_grad():
        exposures.logs += torch.tensor([[0.1, 0, -0.1], [0, 0, 0], [-0.1, 0, 0.1]])
    predicted = exposures.predicted(13.0)
    assert predicted is not None
    np.testing.assert_allclose(np.log(predicted), 2 * exposures.logs.detach().numpy()[2], rtol=1e-5)
    assert exposures.predicted(None) is None
    assert Exposures([10.0, None], CPU).predicted(10.0) is None
    same = Exposures([10.0, 10.0], CPU).predicted(12.0)
    assert same is not None
    np.testing.assert_array_equal(same, 1)


def test_exposures_keep_their_mean():
    exposures = Exposures([None] * 3, CPU)
    optimiser = Adam()
    for _ in range(5):
        exposures.gain(1).sum().backward()
        exposures.step(optimiser, 0.0)
    logs = exposures.logs.detach()
    assert float(logs[1, 0]) < -1e-3
    np.testing.assert_allclose(logs.mean(dim=0).numpy(), 0, atol=1e-7)


def test_the_dome_is_the_sky_that_renderers_show():
    rng = np.random.default_rng(5)
    texels = torch.tensor(rng.random((3, 256, 512)), dtype=torch.float32)
    dome = Dome(texels, torch.ones((256, 512), dtype=torch.bool))
    directions = rng.normal(size=(40, 50, 3))
    found = dome.picture(sampling_grid(directions, CPU)).detach().permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, sample_sky(texels.permute(1, 2, 0).numpy(), directions), atol=1e-4)
    np.testing.assert_allclose(srgb_encode(dome.sky()), texels.permute(1, 2, 0).numpy(), atol=1e-5)


def test_off_the_processor_the_dome_moves_by_torchs_operations():
    """Their shapes are checked on torch's device without memory, where there is no GPU."""
    nowhere = torch.device("meta")
    dome = Dome(torch.zeros((3, 256, 512), device=nowhere), torch.zeros((256, 512), dtype=torch.bool, device=nowhere))
    dome.texels.grad = torch.zeros_like(dome.texels)
    dome.step(Adam(), 0.5)
    assert dome.texels.grad is None


def test_the_dome_learns_what_it_is_looked_at_and_goes_on_with_it_elsewhere():
    level = Pose.from_matrix([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    directions = stage_directions(level, CAMERA)
    grid = sampling_grid(directions, CPU)
    sky = torch.where(torch.tensor(directions[..., 2]) > 0, 0.8, 0.2).float().expand(3, -1, -1)
    dome = Dome.begun([(directions, torch.full((3, 36, 48), 0.5), None)], CPU)
    optimiser = Adam()
    for _ in range(150):
        (dome.picture(grid) - sky).square().mean().backward()
        dome.step(optimiser, 0.0)
    away = (dome.picture(grid) - sky).detach().abs()
    assert float(away.median()) < 0.02
    encoded = srgb_encode(dome.sky())
    np.testing.assert_allclose(encoded[110, 0], 0.8, atol=0.05)  # behind the camera, ten degrees up
    np.testing.assert_allclose(encoded[2], 0.8, atol=0.1)  # the zenith


def test_a_capture_has_a_sky_when_it_looks_up():
    level = (Pose.identity(), CAMERA)
    down = (Pose.from_matrix([[1, 0, 0], [0, 0, 1], [0, -1, 0]]), CAMERA)
    assert has_sky([level, down])
    assert not has_sky([down, down])


def test_poses_move_and_do_not_drift(tmp_path: Path):
    dataset = photographed(tmp_path, 3)
    views, _ = load_views(dataset.images, 48, Similarity.identity(), CPU, None, lambda _: None)
    poses = Poses(views, 2.0)
    optimiser = Adam()
    for index in (0, 1, 2, 1):
        (poses.of(index) * torch.arange(1.0, 8)).sum().backward()
        poses.step(optimiser, 0.0)
    values, begun = poses.values.detach(), poses.begun
    np.testing.assert_allclose(values[:, 4:].mean(dim=0).numpy(), begun[:, 4:].mean(dim=0).numpy(), atol=1e-6)
    np.testing.assert_array_equal(values[0, :4].numpy(), begun[0, :4].numpy())
    turned, moved = poses.moved()
    assert 0 < turned < 0.2
    assert 0 < moved < 0.01
    assert cameras(3)[1].position_m.shape == (3,)
