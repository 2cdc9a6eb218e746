"""Charts are well-formed SVG, and their lengths say what the numbers say."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_long_as_their_parts() -> None:
    from benchmarks.chart import bars

    chart = ElementTree.fromstring(bars("a < b", "ms", {"one": {"x": 1.0, "y": 3.0}, "two": {"x": 2.0, "y": 0.0}}))
    widths = [float(rect.get("width", 0)) for rect in chart.iter(f"{SVG}rect") if rect.get("height") == "24"]
    assert widths[1] == pytest.approx(3 * widths[0], abs=0.2)
    assert widths[2] == pytest.approx(2 * widths[0], abs=0.2)
    assert widths[3] == 0
    texts = [text.text for text in chart.iter(f"{SVG}text")]
    assert {"a < b", "4 ms", "2 ms", "x", "y"} <= set(texts)


def test_a_limit_is_a_line_at_its_place() -> None:
    from benchmarks.chart import bars

    chart = ElementTree.fromstring(bars("t", "G/s", {"one": {"x": 2.0}}, (8.0, "roof")))
    (line,) = chart.iter(f"{SVG}line")
    (bar,) = [rect for rect in chart.iter(f"{SVG}rect") if rect.get("height") == "24"]
    start = float(bar.get("x", 0))
    assert float(line.get("x1", 0)) - start == pytest.approx(4 * float(bar.get("width", 0)), abs=0.5)


def test_lines_end_where_their_last_number_is() -> None:
    from benchmarks.chart import log_lines

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
