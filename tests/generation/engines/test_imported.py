import numpy as np
import pytest

from translight.colour.transfer import srgb_decode
from translight.core.errors import FormatError, GenerationError
from translight.core.image import save_image
from translight.core.progress import silent
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.generation.brief.brief import Brief, Lens
from translight.generation.brief.optics import field_of_view_deg
from translight.generation.brief.parameters import Parameters
from translight.generation.engines.engine import Order, open_engine
from translight.splats.cloud import SplatCloud
from translight.splats.files import save

BRIEF = Brief(name="b", intent="i", lens=Lens(height_m=2.0, focal_length_mm=18.0, sensor_mm=(36.0, 24.0)))


def cloud():
    chance = np.random.default_rng(3)
    return SplatCloud(
        means=chance.random((5, 3)).astype(np.float32),
        scales=np.full((5, 3), 0.1, np.float32),
        wxyz=np.tile(np.float32([1, 0, 0, 0]), (5, 1)),
        opacities=np.full(5, 0.5, np.float32),
        sh=np.zeros((5, 1, 3), np.float32),
    )


def taken(source, brief=BRIEF):
    engine = open_engine("import", source)
    order = Order(brief, Parameters("dunes", "", "", (), 1.0, 1, None, (), (), None, ()))
    parameters = Parameters("dunes", "", "", engine.seeds(order), 1.0, 1, None, (), (), None, ())
    return list(engine.candidates(Order(brief, parameters), silent))


def test_a_panorama_is_linear_and_around_the_eye(tmp_path):
    encoded = np.random.default_rng(0).integers(0, 256, (8, 16, 3)).astype(np.uint8)
    save_image(tmp_path / "sky box.png", encoded)
    (found,) = taken(tmp_path / "sky box.png")
    (view,) = found.views
    assert found.name == f"import-sky-box-{found.seed:010d}"
    assert view.camera is None
    assert view.stage_from_camera.position_m == pytest.approx([0, 0, 2.0])
    assert view.image == pytest.approx(srgb_decode(encoded / 255), abs=1e-6)
    assert view.distance_m is None
    (model,) = found.models
    assert (model.name, model.role, model.licence, model.commercial) == ("sky box.png", "imported", "unknown", None)
    assert found.settings == {"file": "sky box.png", "sha256": model.sha256}


def test_light_beyond_white_is_kept_and_the_distance_beside_is_taken(tmp_path):
    image = np.full((8, 16, 3), 40.0, np.float32)
    distance_m = np.full((8, 16), np.inf, np.float32)
    distance_m[5:] = 3.0
    save_image(tmp_path / "p.exr", image)
    save_image(tmp_path / "p_distance.exr", distance_m)
    (found,) = taken(tmp_path)
    assert np.array_equal(found.views[0].image, image)
    assert np.array_equal(found.views[0].distance_m, distance_m)
    assert np.array_equal(found.views[0].sky, np.isinf(distance_m))


def test_a_still_is_seen_through_the_briefs_lens(tmp_path):
    save_image(tmp_path / "s.jpg", np.full((20, 30, 3), 128, np.uint8))
    ((view,),) = [found.views for found in taken(tmp_path / "s.jpg")]
    assert view.camera.fov_deg[0] == pytest.approx(90.0)
    assert view.stage_from_camera.rotation() @ [0, 0, 1] == pytest.approx([0, 1, 0])


def test_an_anamorphic_lens_sees_wider(tmp_path):
    save_image(tmp_path / "s.jpg", np.full((100, 239, 3), 128, np.uint8))
    lens = Lens(focal_length_mm=50.0, sensor_mm=(22.0, 18.0), squeeze=2.0, aspect=2.39)
    ((view,),) = [found.views for found in taken(tmp_path / "s.jpg", Brief(name="b", intent="i", lens=lens))]
    assert view.camera.fov_deg[0] == pytest.approx(field_of_view_deg(lens)[0])
    assert view.camera.fov_deg[0] > 45


def test_a_file_keeps_its_candidate_and_twins_are_one(tmp_path):
    for name, value in (("b", 10), ("c", 20), ("c_again", 20)):
        save_image(tmp_path / f"{name}.png", np.full((8, 16, 3), value, np.uint8))
    before = {found.settings["file"]: found.name for found in taken(tmp_path)}
    assert list(before) == ["b.png", "c.png"]
    save_image(tmp_path / "a.png", np.zeros((8, 16, 3), np.uint8))
    after = {found.settings["file"]: found.name for found in taken(tmp_path)}
    assert after == {"a.png": after["a.png"], **before}


def test_splats_and_packages_are_environments(tmp_path):
    save(tmp_path / "a.ply", cloud())
    save_environment(Environment("kept", cloud(), metres_per_unit=1.0), tmp_path / "b.tlenv")
    first, second = taken(tmp_path)
    assert (first.name, second.name) == (f"import-a-{first.seed:010d}", f"import-b-{second.seed:010d}")
    assert first.seed == int(first.models[0].sha256[:8], 16)
    assert np.array_equal(first.environment.splats.means, cloud().means)
    assert (second.environment.name, second.environment.metres_per_unit) == ("kept", 1.0)
    assert first.models[0].sha256 != second.models[0].sha256


def test_what_is_not_taken(tmp_path):
    with pytest.raises(GenerationError, match=r"^the import engine wants --source: a picture, panorama or splat file"):
        open_engine("import")
    with pytest.raises(GenerationError, match=rf"^{tmp_path}/none: no such file or folder$"):
        open_engine("import", tmp_path / "none")
    with pytest.raises(GenerationError, match=rf"^{tmp_path}: 0 files that are taken; from 1 to 64 are allowed$"):
        open_engine("import", tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(GenerationError, match=rf"^{tmp_path}/a.txt: .txt is not taken: .png, .jpg, "):
        open_engine("import", tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("shape", "value", "said"),
    [
        ((4, 16), 1.0, "(4, 16) values, (8, 16) as p.exr are wanted"),
        ((8, 16), 0.0, "distances must be above 0 (infinite in the sky)"),
        ((8, 16), np.nan, "distances must be above 0 (infinite in the sky)"),
    ],
)
def test_distances_that_cannot_be(tmp_path, shape, value, said):
    save_image(tmp_path / "p.exr", np.ones((8, 16, 3), np.float32))
    save_image(tmp_path / "p_distance.exr", np.full(shape, value, np.float32))
    with pytest.raises(FormatError) as caught:
        taken(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'p_distance.exr'}: {said}"


def test_a_panorama_that_is_nearly_one(tmp_path):
    save_image(tmp_path / "p.png", np.zeros((400, 801, 3), np.uint8))
    with pytest.raises(FormatError) as caught:
        taken(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'p.png'}: 801x400 pixels; a panorama is exactly twice as wide as high"


def test_a_cut_off_picture(tmp_path):
    save_image(tmp_path / "p.png", np.random.default_rng(0).integers(0, 255, (64, 128, 3)).astype(np.uint8))
    data = (tmp_path / "p.png").read_bytes()
    (tmp_path / "p.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(FormatError, match=rf"^{tmp_path}/p.png: not a readable PNG"):
        taken(tmp_path)


def test_an_unknown_engine():
    with pytest.raises(GenerationError, match=r"^no engine 'magic': procedural, diffusers, import exist$"):
        open_engine("magic")
