import numpy as np
import pytest

from translight.generation.brief.brief import Brief, Light
from translight.generation.procedural.lamplight import balanced, balanced_materials
from translight.generation.procedural.scene import Material


def at(kelvin):
    return Brief(name="x", intent="x", light=Light(colour_temperature_k=kelvin))


def test_at_daylights_white_lamps_are_as_they_are_named():
    np.testing.assert_allclose(balanced(at(5600), [[1.0, 0.7, 0.4]]), [[1.0, 0.7, 0.4]], rtol=1e-9)


def test_a_camera_set_to_warm_light_sees_it_whiter():
    day, warm = (balanced(at(k), np.array([1.0, 0.70, 0.40])) for k in (5600, 3200))
    assert warm[2] / warm[0] > 1.5 * day[2] / day[0]
    assert (balanced(at(1700), np.array([[0.0, 0.0, 1.0], [4.0, 0.0, 0.0]])) >= 0).all()


def test_only_what_shines_changes():
    dark, lit = balanced_materials(
        at(3200), (Material((0.5,) * 3, (0.5,) * 3), Material((0.5,) * 3, (0.4,) * 3, emission=(1, 1, 1)))
    )
    assert dark.emission == (0, 0, 0)
    assert lit.emission[2] > lit.emission[0]
    assert (lit.a, lit.b) == ((0.5,) * 3, (0.4,) * 3)
    assert dark.roughness == pytest.approx(0.9)
