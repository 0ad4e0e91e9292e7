from __future__ import annotations

from pathlib import Path

from benchmarks import report
from benchmarks.samples import Spread


def test_a_section_takes_the_place_of_its_last_one_and_leaves_the_others_alone(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "page.md"
    report.put_section(page, "http", "## HTTP\n\nold")
    report.put_section(page, "media", "## Media\n\nstays")
    report.put_section(page, "http", "## HTTP\n\nnew")
    text = page.read_text()
    assert text.startswith(report.HEAD)
    assert "old" not in text
    assert text.index("new") < text.index("stays")
    report.put_section(page, "http", "## HTTP\n\nnew")
    assert page.read_text() == text


def test_a_table_is_markdown_with_numbers_to_the_right() -> None:
    assert report.table(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"


def test_a_spread_is_a_median_with_its_range() -> None:
    assert report.spread(Spread(1234.5, 2, 5000, 3)) == "1,234 [2-5,000]"
    assert report.spread(Spread(1.234, 1, 2, 3), 2) == "1.23 [1.00-2.00]"
    assert report.spread(None, missing="not installed") == "not installed"


def test_what_is_published_names_neither_hosts_nor_paths() -> None:
    said = "could not get https://registry.example/x/y from /home/me/.npmrc, or ~/x: and/or 404"
    assert report.published(said) == "could not get … from … or … and/or 404"


def test_a_paragraph_has_lines_that_fit() -> None:
    assert max(map(len, report.paragraph(*["some words."] * 40).splitlines())) <= 120
