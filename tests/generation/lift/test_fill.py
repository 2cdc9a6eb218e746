import numpy as np
import pytest

from translight.core.errors import GenerationError
from translight.generation.lift.fill import filled
from translight.generation.lift.patches import textured
from translight.generation.lift.push_pull import push_pull


@pytest.fixture(scope="module")
def stripes() -> tuple[np.ndarray, np.ndarray]:
    """A picture with diagonal stripes, and a hole in it as wide as two of them."""
    y, x = np.mgrid[0:64, 0:128]
    picture = np.repeat((0.5 + 0.4 * np.sign(np.sin((x + y) * 2 * np.pi / 8)))[..., None], 3, axis=2)
    hole = np.zeros((64, 128), bool)
    hole[24:40, 50:66] = True
    return picture.astype(np.float32), hole


def test_texture_goes_on_where_smooth_colours_do_not(stripes):
    picture, hole = stripes
    weight = (~hole).astype(np.float32)
    smooth = push_pull(picture, weight)
    made = filled(picture, weight, hole)
    np.testing.assert_array_equal(made[~hole], picture[~hole])
    error = [np.abs(p - picture)[hole].mean() for p in (made, smooth)]
    assert error[0] < 0.5 * error[1]
    assert filled(picture, weight, hole).tobytes() == made.tobytes()


def test_colours_of_no_weight_are_not_taken(stripes):
    _, hole = stripes
    picture = np.full((64, 128, 3), 0.2, np.float32)
    picture[:, 66:90] = 40.0
    weight = np.ones((64, 128), np.float32)
    weight[:, 66:90] = 0
    assert filled(picture, weight, hole)[hole].max() == pytest.approx(0.2, rel=1e-3)


def test_light_above_one_stays(stripes):
    picture, hole = stripes
    bright = 100 * picture
    made = textured(push_pull(bright, (~hole).astype(np.float32)), ~hole, hole)
    assert 30 < made[hole].mean() < 70
    assert made[hole].max() > 60


def test_a_model_may_do_it_instead(stripes):
    picture, hole = stripes
    asked = []

    def model(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        asked.append(mask)
        return np.full_like(image, 3.0)

    weight = (~hole).astype(np.float32)
    weight[:5] = 0
    made = filled(picture, weight, hole, model)
    assert (made[hole] == 3).all()
    np.testing.assert_array_equal(made[~hole], picture[~hole])
    np.testing.assert_array_equal(asked[0], weight < 1)


@pytest.mark.parametrize("wrong", [lambda i, m: i[:10], lambda i, m: i * np.nan], ids=["size", "nan"])
def test_a_model_that_gives_rubbish_is_named(stripes, wrong):
    picture, hole = stripes
    with pytest.raises(GenerationError, match=r"the inpainting gave .* or values not finite; \(64, 128, 3\) is wanted"):
        filled(picture, (~hole).astype(np.float32), hole, wrong)


def test_nothing_wanted_or_nothing_known_changes_nothing(stripes):
    picture, hole = stripes
    assert filled(picture, np.ones((64, 128), np.float32), hole & False) is picture
    assert filled(picture, np.zeros((64, 128), np.float32), hole) is picture
