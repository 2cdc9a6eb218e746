import json
from dataclasses import replace

import numpy as np
import pytest

from translight.colour.transfer import srgb_decode
from translight.core.camera import Camera, View
from translight.core.errors import FormatError
from translight.core.frames import STAGE_FROM_RDF
from translight.core.image import save_image
from translight.core.pose import Pose
from translight.core.progress import silent
from translight.generation.brief.brief import Brief, Lens
from translight.generation.brief.translate import translate
from translight.generation.engines.engine import Order, open_engine
from translight.generation.engines.layered import layered_environment
from translight.render.backends import open_renderer
from translight.render.scene import scene_of

EYE = (0.0, 0.0, 2.0)
BRIEF = Brief(name="b", intent="i", lens=Lens(height_m=2.0, focal_length_mm=18.0, sensor_mm=(36.0, 24.0)))
RED, GREEN, BLUE = np.float32([0.9, 0.1, 0.1]), np.float32([0.1, 0.8, 0.1]), np.float32([0.1, 0.2, 0.9])

LEAK = 0.12
"""One splat a pixel, seen finer than it is, lets some of what is behind it through."""


def listed(folder, *layers):
    folder.mkdir(exist_ok=True)
    entries = []
    for file, rgba, metres in layers:
        save_image(folder / file, rgba)
        entries.append({"file": file} if metres is None else {"file": file, "distance_m": metres})
    (folder / "layers.json").write_text(json.dumps({"layers": entries}))
    return folder


def sheet(colour, mask):
    """Linear, premultiplied."""
    return np.concatenate([mask[..., None] * colour, mask[..., None]], axis=2).astype(np.float32)


def colours(environment, position_m):
    """What a camera that looks forward sees at pixels 8 wide and high."""
    camera = Camera.from_fov(160, 80, horizontal_deg=90)
    with open_renderer("cpu") as renderer:
        (frame,) = renderer.render(scene_of(environment), [View(Pose(STAGE_FROM_RDF.wxyz, position_m), camera)])
    return frame.rgba[..., :3], camera


def test_stills_are_planes_where_they_stand(tmp_path):
    """A door 4 m off before a wall 8 m off, and a sky above it: from the eye, and from beside it."""
    wall, door = np.zeros((64, 96)), np.zeros((64, 96))
    wall[24:] = 1
    door[28:56, 40:56] = 1
    folder = listed(
        tmp_path / "set",
        ("sky.exr", sheet(BLUE, np.ones((64, 96))), None),
        ("door.exr", sheet(RED, door), 4.0),
        ("wall.exr", sheet(GREEN, wall), 8.0),
    )
    environment = layered_environment(folder, BRIEF)
    through = Camera.from_sensor(96, 64, focal_length_mm=18.0, sensor_width_mm=36.0)
    for position in (EYE, (0.8, 0.0, 2.0)):
        seen, camera = colours(environment, position)
        for pixel, metres, colour in (
            ((48, 42), 4.0, RED),
            ((42.5, 54), 4.0, RED),
            ((20, 50), 8.0, GREEN),
            ((75, 40), 8.0, GREEN),
            ((48, 14), 1e6, BLUE),
        ):
            point = Pose(STAGE_FROM_RDF.wxyz, EYE).apply(through.ray(np.array(pixel)) * metres)
            where = camera.project(Pose(STAGE_FROM_RDF.wxyz, position).inverse().apply(point))
            column, row = np.floor(where).astype(int)
            assert seen[row, column] == pytest.approx(colour, abs=LEAK), (position, pixel)


def test_panoramas_are_spheres_in_any_order_and_eight_bits_are_encoded(tmp_path):
    coded = np.zeros((64, 128, 4), np.uint8)
    coded[24:44, 58:70] = (200, 100, 50, 255)
    coded[24:44, 70:80] = (255, 255, 255, 100)  # less than half: not there
    folder = listed(tmp_path / "set", ("back.exr", sheet(GREEN, np.ones((64, 128))), 20.0), ("front.png", coded, 2.0))
    environment = layered_environment(folder, BRIEF)
    assert environment.sky is None
    front = srgb_decode(np.float32([200, 100, 50]) / 255)
    for position, column, colour in (
        (EYE, 80, front),
        (EYE, 118, GREEN),
        ((-0.3, 0.0, 2.0), 84, front),
        ((1.2, 0.0, 2.0), 80, GREEN),
    ):
        seen, _ = colours(environment, position)
        assert seen[40, column] == pytest.approx(colour, abs=LEAK), (position, column)
    radius = np.linalg.norm(environment.stage_from_scene.apply(environment.splats.means) - EYE, axis=1)
    assert np.sort(np.unique(np.round(radius)))[[0, -1]] == pytest.approx([2, 20])


def test_a_folder_is_one_candidate_known_by_all_its_bytes(tmp_path):
    def taken(source):
        engine = open_engine("import", source)
        order = Order(BRIEF, translate(BRIEF, control_height_px=32), 64)
        return list(
            engine.candidates(replace(order, parameters=replace(order.parameters, seeds=engine.seeds(order))), silent)
        )

    folder = listed(tmp_path / "set", ("a.exr", sheet(RED, np.ones((16, 32))), 3.0))
    (one,) = taken(folder)
    (among,) = taken(tmp_path)
    assert one.views == ()
    assert one.environment is not None
    assert (one.name, one.seed) == (among.name, among.seed) == (f"import-set-{one.seed:010d}", one.seed)
    save_image(folder / "a.exr", sheet(GREEN, np.ones((16, 32))))
    (other,) = taken(folder)
    assert other.seed != one.seed


ONE = ("a.exr", sheet(RED, np.ones((16, 32))), 3.0)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([ONE, ("b.exr", sheet(RED, np.ones((16, 24))), 5.0)], "set/b.exr: 24x16 pixels, 32x16 as the layer before it are wanted"),
        ([("a.exr", ONE[1], None)], "set/layers.json: layers: none has a distance_m: a sky alone is a picture to import"),
        ([ONE, *((f"{i}.exr", ONE[1], None) for i in range(2))], "set/layers.json: layers: 2 have no distance_m; one can be the sky"),
        ([("a.exr", sheet(RED, np.zeros((16, 32))), 3.0)], "set/layers.json: its layers are empty: alpha is nowhere above 0.5"),
        ([("a.exr", sheet(RED, np.full((16, 32), np.nan)), 3.0)], "set/a.exr: holds values that are not numbers"),
        ([("a.exr", np.ones((16, 32), np.float32), 3.0)], "set/a.exr: one channel; colour, with alpha where it does not cover, is wanted"),
        ([("a.exr", ONE[1], 0.0)], "set/layers.json: layers[0].distance_m: Expected `float` >= 0.1"),
    ],
)  # fmt: skip
def test_what_is_no_set_of_layers(tmp_path, layers, said):
    folder = listed(tmp_path / "set", *layers)
    with pytest.raises(FormatError) as caught:
        layered_environment(folder, BRIEF)
    assert str(caught.value) == f"{tmp_path}/{said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"layers": [{"file": "b.exr"}]}', "b.exr: no such file, layers.json lists it"),
        ('{"layers": []}', "layers.json: layers: Expected `array` of length >= 1"),
        ('{"layers": [{"file": "../b.exr"}]}', "layers.json: layers[0].file: Expected `str` matching regex "),
        ("{", "layers.json: not JSON: Input data was truncated"),
    ],
)
def test_listings_that_lie(tmp_path, text, said):
    (tmp_path / "layers.json").write_text(text)
    with pytest.raises(FormatError) as caught:
        open_engine("import", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/{said}")
