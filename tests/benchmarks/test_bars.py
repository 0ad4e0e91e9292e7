from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.bars import Row, svg, tick_step
from benchmarks.samples import Spread

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [Row("ours", [Spread(40, 30, 55, 3), None]), Row("<their> & co", [Spread(80, 60, 90, 3), Spread(20, 20, 20, 1)])]


def _plot(rows: list[Row] = ROWS) -> ElementTree.Element:
    return ElementTree.fromstring(svg("CPU & time", "microseconds", ["create", "inline"], rows))


def test_bars_are_as_long_as_their_medians_and_whiskers_reach_from_least_to_most() -> None:
    plot = _plot()
    first, second = plot.findall(f"{SVG}rect[@class='first'][@height='12'][@x='180']")
    assert float(second.get("width", "")) == pytest.approx(2 * float(first.get("width", "")), abs=0.1)
    scale = float(first.get("width", "")) / 40
    whisker = plot.findall(f"{SVG}path[@class='whisker']")[0].get("d", "")
    least, most = (float(part.split()[0]) for part in whisker.replace("M", "H").split("H")[1:3])
    assert least == pytest.approx(180 + 30 * scale, abs=0.1)
    assert most == pytest.approx(180 + 55 * scale, abs=0.1)


def test_who_cannot_see_the_plot_is_told_its_numbers() -> None:
    plot = _plot()
    assert plot.get("role") == "img"
    assert plot.get("aria-labelledby") == "title desc"
    assert plot.findtext(f"{SVG}title") == "CPU & time"
    words = plot.findtext(f"{SVG}desc") or ""
    assert "ours: create 40 (30 to 55)." in words
    assert "<their> & co: create 80 (60 to 90), inline 20 (20 to 20)." in words


def test_colours_are_there_for_light_and_dark() -> None:
    style = _plot().findtext(f"{SVG}style") or ""
    light, dark = style.split("prefers-color-scheme: dark")
    for name in (".first", ".second", ".page", ".grid", ".whisker"):
        assert name in light
        assert name in dark


def test_nothing_measured_still_makes_a_plot() -> None:
    assert _plot([]).findall(f"{SVG}path") == []


def test_everything_stays_within_the_page() -> None:
    plot = _plot()
    width, height = float(plot.get("width", "")), float(plot.get("height", ""))
    for rect in plot.findall(f"{SVG}rect"):
        assert float(rect.get("x", "0")) + float(rect.get("width", "")) <= width
        assert float(rect.get("y", "0")) + float(rect.get("height", "")) <= height


@pytest.mark.parametrize("most", [0.003, 0.9, 1, 7, 8, 55, 81, 999, 1000, 123456])
def test_marks_are_four_to_nine_whatever_the_values(most: float) -> None:
    assert 4 <= most / tick_step(most) <= 8 or most / tick_step(most) > 3.9


def test_without_values_marks_are_one_apart() -> None:
    assert tick_step(0) == 1
