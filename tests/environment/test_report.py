import re
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import FormatError
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.environment.report import Report
from translight.splats.cloud import SplatCloud


def _environment() -> Environment:
    one = np.zeros((1, 3), np.float32)
    wxyz = np.array([[1, 0, 0, 0]], np.float32)
    return Environment("dot", SplatCloud(one, one + 1, wxyz, np.ones(1, np.float32), np.zeros((1, 1, 3), np.float32)))


def test_steps_are_kept_in_their_order_and_say_when_and_by_whom(tmp_path: Path):
    report = Report().with_step("poses", registered=18).with_step("train", minutes=4.5).with_step("poses", registered=3)
    save_environment(_environment(), tmp_path / "dot.tlenv", report=report.values())
    found = Report.of(tmp_path / "dot.tlenv")
    assert [step["step"] for step in found.steps] == ["poses", "train", "poses"]
    assert found == report
    last = found.last("poses")
    assert last is not None
    assert last["registered"] == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", last["at"])
    assert last["by"].startswith("translight ")
    assert found.last("crop") is None


def test_what_has_no_report_has_no_steps(tmp_path: Path):
    save_environment(_environment(), tmp_path / "dot.tlenv")
    assert Report.of(tmp_path / "dot.tlenv").steps == ()
    assert Report.of(tmp_path / "dot.ply").steps == ()


@pytest.mark.parametrize("values", [[], {"steps": []}, {"report_version": 2, "steps": []}, {"report_version": 1},
                                    {"report_version": 1, "steps": [{"at": "now"}]}])  # fmt: skip
def test_another_kind_of_report_is_refused(tmp_path: Path, values: object):
    path = tmp_path / "dot.tlenv"
    save_environment(_environment(), path, report=values)  # type: ignore[arg-type]
    with pytest.raises(
        FormatError, match=r"dot.tlenv: report.json is not a report of version 1: a list of named steps"
    ):
        Report.of(path)
