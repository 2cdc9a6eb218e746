"""The page holds the report's figures and is well-formed."""

import re
from html.parser import HTMLParser

from tests.server.latency.runs import run_with

from translight.server.latency.page import page
from translight.server.latency.report import VERSION, Report

_VOID = {"meta", "br", "!doctype"}


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _report(*budgets: float | None) -> Report:
    values = [10.0 + k % 7 for k in range(400)]
    runs = [run_with(values, f"run <{k}>", budget) for k, budget in enumerate(budgets)]
    return Report(VERSION, "0.1.0", "2026-01-01T00:00:00+00:00", "a <machine>", runs)


def test_it_is_well_formed_and_says_what_the_report_says() -> None:
    parser = _Balance()
    html = page(_report(None, 15.0))
    parser.feed(html)
    assert parser.open == []
    text = " ".join(parser.text)
    assert "a <machine>" in text
    assert "run <0>" in text
    assert '"<a show>"' in text
    cells = re.findall(r"<td>([\d.]+)</td>", html)
    assert "13.01" in cells or "13.00" in cells  # the median of 10 … 16


def test_a_run_over_its_budget_stands_out() -> None:
    html = page(_report(None, 15.0, 20.0))
    assert len(re.findall("<tr class=over", html)) == 1
    assert "over its budget of 15 ms" in html


def test_frames_without_a_pose_are_no_frames_of_the_plots() -> None:
    report = Report(VERSION, "", "", "", [run_with([None, None])])
    assert "No frame had a tracked pose." in page(report)
