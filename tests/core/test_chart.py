"""Charts are well-formed SVG, and their lengths say what the numbers say."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from translight.core.chart import bars, curves, log_lines

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_their_parts() -> None:
    chart = ElementTree.fromstring(bars("a < b", "ms", {"one": {"x": 1.0, "y": 3.0}, "two": {"x": 2.0, "y": 0.0}}))
    widths = [float(rect.get("width", 0)) for rect in chart.iter(f"{SVG}rect") if rect.get("height") == "24"]
    assert widths[1] == pytest.approx(3 * widths[0], abs=0.2)
    assert widths[2] == pytest.approx(2 * widths[0], abs=0.2)
    assert widths[3] == 0
    texts = [text.text for text in chart.iter(f"{SVG}text")]
    assert {"a < b", "4 ms", "2 ms", "x", "y"} <= set(texts)


def test_a_limit_is_a_line_at_its_place() -> None:
    chart = ElementTree.fromstring(bars("t", "G/s", {"one": {"x": 2.0}}, (8.0, "roof")))
    (line,) = chart.iter(f"{SVG}line")
    (bar,) = [rect for rect in chart.iter(f"{SVG}rect") if rect.get("height") == "24"]
    start = float(bar.get("x", 0))
    assert float(line.get("x1", 0)) - start == pytest.approx(4 * float(bar.get("width", 0)), abs=0.5)


def test_lines_end_where_their_last_number_is() -> None:
    chart = ElementTree.fromstring(log_lines("t", "n", "fps", [1, 2], {"slow": [1.0, 1.0], "fast": [10.0, 100.0]}))
    fast, slow = (line.get("points", "").split() for line in chart.iter(f"{SVG}polyline"))
    assert slow[0].split(",")[1] == slow[1].split(",")[1]
    assert float(fast[1].split(",")[1]) < float(fast[0].split(",")[1])


def test_the_render_charts_are_written(tmp_path: Path) -> None:
    from benchmarks.render_charts import write

    stages = {"project": 1.0, "sort": 1.0, "bin": 1.0, "blend": 5.0, "sky": 0.0}
    rows = [
        {"scene": scene, "splats": splats, "width": width, "height": height, "threads": threads, "fps": 50.0 * threads}
        | {"stages_ms": stages, "fragments_per_s": 1e9, "fma_peak_per_s": 1e11}
        for scene, splats in (("room_100k", 100_000), ("room_500k", 500_000))
        for width, height in ((640, 360), (1280, 720))
        for threads in (1, 2)
    ]
    write(tmp_path, rows)
    names = {"render_fps.svg", "render_stages.svg", "render_roofline.svg"}
    assert {file.name for file in tmp_path.iterdir()} == names
    for name in names:
        ElementTree.parse(tmp_path / name)


@pytest.mark.parametrize("dots", [False, True])
def test_curves_are_level_with_their_limits_and_ticks(dots: bool) -> None:
    chart = ElementTree.fromstring(
        curves("t", "s", "ms", {"a": ([0.0, 5.0, 10.0], [2.0, 4.0, 8.0])}, limits={"most": 4.0}, dots=dots)
    )
    if dots:
        places = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in chart.iter(f"{SVG}circle")]
    else:
        (line,) = chart.iter(f"{SVG}polyline")
        places = [(float(x), float(y)) for x, y in (p.split(",") for p in line.get("points", "").split())]
    (limit,) = [line for line in chart.iter(f"{SVG}line") if line.get("stroke-dasharray")]
    assert places[1][1] == pytest.approx(float(limit.get("y1", 0)), abs=0.11)
    assert places[1][0] - places[0][0] == pytest.approx(places[2][0] - places[1][0], abs=0.11)
    named = {
        text.text: float(text.get("y", 0)) for text in chart.iter(f"{SVG}text") if text.get("text-anchor") == "end"
    }
    assert named["2"] - 4 == pytest.approx(places[0][1], abs=0.11)
    assert {"s", "ms", "most", "a"} <= {(text.text or "").strip() for text in chart.iter(f"{SVG}text")}
