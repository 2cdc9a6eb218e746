import pytest

from translight.reconstruction.structure_from_motion import attempts as module
from translight.reconstruction.structure_from_motion.attempts import attempts, first_size_px


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch):
    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)


def test_the_time_chooses_the_size():
    sizes = [first_size_px(18, seconds) for seconds in (1, 30, 60, 120, 300, 3600)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[2], sizes[-1]) == (640, 800, 1600)
    assert first_size_px(18, None) == 1600
    assert first_size_px(400, 60) == 640


def test_attempts_go_from_usual_to_desperate():
    tries = attempts(18, 4000, 60)
    assert [t.features.longest_px for t in tries] == [800, 800, 1600, 1600, 1600]
    assert tries[0].mapper.init_angle_deg > tries[1].mapper.init_angle_deg > tries[-1].mapper.init_angle_deg
    assert len({(t.features, t.mapper) for t in tries}) == len(tries)
    assert [t.features.features for t in tries] == [4096, 4096, 8192, 8192, 8192]
    assert {t.features.longest_px for t in attempts(18, 500, None)} == {500}
    assert attempts(18, 4000, None, 1000)[0].features.longest_px == 1000
    assert attempts(18, 4000, None, 4000)[2].features.longest_px == 4000
