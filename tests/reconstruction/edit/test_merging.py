import re

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.errors import ReconstructionError
from translight.core.pose import Similarity
from translight.environment.environment import Environment
from translight.reconstruction.edit.merging import merged, merged_cameras
from translight.render.cameras import NamedView, look_at
from translight.render.contract import Layer, Scene
from translight.render.reference import open_backend

VIEW = View(look_at((0, -6, 1), (0, 0, 0)), Camera.from_fov(56, 40, horizontal_deg=70))


def test_a_merged_environment_is_its_parts_as_layers(cloud_of, placement_of):
    parts = [
        Environment("a", cloud_of(40, 1), placement_of(1, 1.3)),
        Environment("b", cloud_of(40, 3, seed=1), placement_of(2, 0.4)),
        Environment("c", cloud_of(40, 0, seed=2), placement_of(3, 2.0)),
    ]
    whole = merged(parts)
    with open_backend() as renderer:
        one = renderer.render(Scene((Layer(whole.splats, whole.stage_from_scene),)), [VIEW])[0].rgba
        layers = tuple(Layer(part.splats, part.stage_from_scene) for part in parts)
        many = renderer.render(Scene(layers), [VIEW])[0].rgba
    assert many[..., 3].max() > 0.5
    assert np.abs(one - many).max() < 1e-4
    assert (whole.name, whole.splats.sh_degree, len(whole.splats)) == ("a", 3, 120)
    assert np.array_equal(whole.splats.means[:40], parts[0].splats.means)


def test_whose_sky(cloud_of, sky_of):
    first, second = Environment("a", cloud_of(2), sky=sky_of()), Environment("b", cloud_of(2), sky=sky_of(seed=9))
    assert merged([first, second]).sky is first.sky
    assert merged([first, second], 1).sky is second.sky


def test_what_cannot_be_drawn_alike_is_refused(cloud_of):
    first = Environment("a", cloud_of(2))
    message = "'a' is not antialiased and 'b' is antialiased: their splats cannot be drawn alike, show them as layers"
    with pytest.raises(ReconstructionError, match=f"^{re.escape(message)}$"):
        merged([first, Environment("b", cloud_of(2), antialiased=True)])
    other = Environment("b", cloud_of(2), Similarity.identity(), encoding="linear")
    message = "'b' has linear colours, 'a' srgb: --convert re-encodes them, nearly right"
    with pytest.raises(ReconstructionError, match=f"^{re.escape(message)}$"):
        merged([first, other])
    assert merged([first, other], convert=True).encoding == "srgb"


def test_cameras_keep_apart():
    own, others = [NamedView("1", VIEW, 0.0), NamedView("2", VIEW, 1.0)], [NamedView("1", VIEW, 0.0)]
    found = merged_cameras(["a", "b", "b"], [own, others, others])
    assert [(view.name, view.time_s) for view in found] == [("1", None), ("2", None), ("b/1", None), ("b/1'", None)]
    assert [view.time_s for view in merged_cameras(["a", "b"], [own, []])] == [0.0, 1.0]
