"""A plot of horizontal bars with whiskers as SVG text, readable in light and dark, and by screen readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.samples import Spread

WIDTH = 760
_LABELS_PX = 180
_VALUES_PX = 150
_BAR_PX = 14
_GAP_PX = 12
_TOP_PX = 64
_STYLE = """\
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 15px; }
    .small { font-size: 11px; fill: #59636e; stroke: #ffffff; stroke-width: 3px; paint-order: stroke; }
    .first { fill: #0969da; } .second { fill: #8250df; }
    .grid { stroke: #d1d9e0; } .whisker { stroke: #1f2328; stroke-width: 1.5; }
    .page { fill: #ffffff; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .small { fill: #9198a1; stroke: #0d1117; }
      .first { fill: #4493f8; } .second { fill: #ab7df8; }
      .grid { stroke: #3d444d; } .whisker { stroke: #e6edf3; }
      .page { fill: #0d1117; }
    }"""


@dataclass(frozen=True)
class Row:
    """One thing that was measured, with one spread for each series; None where it has none."""

    name: str
    spreads: Sequence[Spread | None]


def svg(title: str, unit: str, series: Sequence[str], rows: Sequence[Row]) -> str:
    """The plot: a bar to each median, a whisker from the least to the most, the numbers in words for who cannot see.

    There may be one series or two.
    """
    most = max((spread.most for row in rows for spread in row.spreads if spread), default=1.0)
    step = tick_step(most)
    end = step * math.ceil(most / step)
    scale = (WIDTH - _LABELS_PX - _VALUES_PX) / end
    row_px = _BAR_PX * len(series) + _GAP_PX
    bottom = _TOP_PX + row_px * len(rows)
    height = bottom + 28
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title desc">',
        f'  <title id="title">{escape(title)}</title>',
        f'  <desc id="desc">{escape(_in_words(unit, series, rows))}</desc>',
        f"  <style>\n{_STYLE}\n  </style>",
        f'  <rect class="page" width="{WIDTH}" height="{height}"/>',
        f'  <text class="title" x="16" y="24">{escape(title)}</text>',
    ]
    at = 16
    for name, kind in zip(series, ("first", "second"), strict=False):
        lines.append(f'  <rect class="{kind}" x="{at}" y="36" width="12" height="12"/>')
        lines.append(f'  <text class="small" x="{at + 18}" y="46">{escape(name)}</text>')
        at += 36 + 7 * len(name)
    for index in range(round(end / step) + 1):
        x = _LABELS_PX + index * step * scale
        lines.append(f'  <line class="grid" x1="{x:.1f}" y1="{_TOP_PX - 6}" x2="{x:.1f}" y2="{bottom}"/>')
        lines.append(
            f'  <text class="small" text-anchor="middle" x="{x:.1f}" y="{bottom + 16}">{index * step:,g}</text>'
        )
    lines.append(f'  <text class="small" text-anchor="end" x="{WIDTH - 16}" y="{bottom + 16}">{escape(unit)}</text>')
    for index, row in enumerate(rows):
        lines += _row(row, _TOP_PX + index * row_px, scale)
    return "\n".join([*lines, "</svg>", ""])


def tick_step(most: float) -> float:
    """A round distance between marks, so that four to ten of them reach `most`."""
    if most <= 0:
        return 1.0
    magnitude: float = 10.0 ** math.floor(math.log10(most))
    return next(magnitude * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2) if most / (magnitude * part) <= 8)


def _row(row: Row, top: float, scale: float) -> list[str]:
    middle = top + _BAR_PX * len(row.spreads) / 2
    lines = [f'  <text text-anchor="end" x="{_LABELS_PX - 10}" y="{middle + 4.5:.1f}">{escape(row.name)}</text>']
    for index, (spread, kind) in enumerate(zip(row.spreads, ("first", "second"), strict=False)):
        if spread is None:
            continue
        y = top + index * _BAR_PX
        centre = y + (_BAR_PX - 2) / 2
        least, most = (_LABELS_PX + value * scale for value in (spread.least, spread.most))
        lines += [
            f'  <rect class="{kind}" x="{_LABELS_PX}" y="{y}" width="{spread.median * scale:.1f}" '
            f'height="{_BAR_PX - 2}"/>',
            f'  <path class="whisker" fill="none" d="M{least:.1f} {centre}H{most:.1f}M{least:.1f} {centre - 3}v6'
            f'M{most:.1f} {centre - 3}v6"/>',
            f'  <text class="small" x="{most + 8:.1f}" y="{centre + 4}">{spread.median:,.0f} '
            f"[{spread.least:,.0f}-{spread.most:,.0f}]</text>",
        ]
    return lines


def _in_words(unit: str, series: Sequence[str], rows: Sequence[Row]) -> str:
    parts = []
    for row in rows:
        values = [
            f"{name} {spread.median:.0f} ({spread.least:.0f} to {spread.most:.0f})"
            for name, spread in zip(series, row.spreads, strict=True)
            if spread
        ]
        parts.append(f"{row.name}: {', '.join(values) or 'not measured'}.")
    return f"Medians in {unit}, with the least and the most. " + " ".join(parts)
