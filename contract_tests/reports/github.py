"""The report as Markdown, for the page of a GitHub Actions run (GITHUB_STEP_SUMMARY)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contract_tests.findings import Case, Finding, Run, Verdict
from contract_tests.reports import summary
from contract_tests.reports.inert import in_short

MOST_BYTES = 900_000
"""GitHub drops the whole summary of a step that is over 1 MiB (docs.github.com, "Workflow commands")."""

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def render(run: Run) -> str:
    """The report: the outcome, the sections, and each violation and warning to unfold."""
    mark = {0: "✅", 1: "❌"}.get(run.exit_code, "⚠️")
    blocks = [
        f"## {mark} Calls contract: {_plain(summary.outcome(run))}",
        "\n".join(f"- {name}: {_code(value)}" for name, value in summary.facts(run)),
        _table(run),
        *(_remark(title, entries) for title, entries in summary.remarks(run)),
    ]
    end = [_unchecked(run), summary.closing(run)]
    wrong = [*summary.of(run, Verdict.VIOLATED), *summary.of(run, Verdict.WARNED)]
    left = MOST_BYTES - _size([*blocks, *end])
    return "\n\n".join(block for block in [*blocks, *_fitting(wrong, run.seed, left), *end] if block) + "\n"


def _fitting(findings: list[Finding], seed: int, left: int) -> Iterator[str]:
    # All or as many as there is room for, and how many are left out.
    for number, finding in enumerate(findings):
        block = _wrong(finding, seed)
        left -= _size([block])
        if left < 0:
            yield f"{len(findings) - number} more do not fit here; the json and html reports show all."
            return
        yield block


def _table(run: Run) -> str:
    heads = ["section", *(verdict.value for verdict in summary.COLUMNS)]
    rows = [
        [_plain(section.name), *(str(section.counts[verdict]) for verdict in summary.COLUMNS)]
        for section in summary.sections(run)
    ]
    lines = [heads, ["---", *("--:" for _ in summary.COLUMNS)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) if rows else ""


def _wrong(finding: Finding, seed: int) -> str:
    requirement = finding.requirement
    cases, more = summary.shown_cases(finding)
    known = f", known: {_html(finding.known)}" if finding.known else ""
    head = f"<b>{finding.verdict.value}{known}</b> <code>{_html(finding.name)}</code>: {_html(requirement.sentence)}"
    parts = [
        f"<details><summary>{head}</summary>",
        f"{requirement.level.value}, {_code(requirement.source)}, seed {seed}",
        *(part for case in cases for part in _case(case)),
        more,
        f"**Likely cause:** {_plain(summary.likely_cause(finding))}",
        "</details>",
    ]
    return "\n\n".join(part for part in parts if part)


def _case(case: Case) -> Iterator[str]:
    yield f"**Expected**\n{_fenced(case.expected)}"
    yield f"**Received**\n{_fenced(case.received)}"
    if case.reproduce:
        yield f"**Reproduce**\n{_fenced(chr(10).join(case.reproduce), 'sh')}"


def _unchecked(run: Run) -> str:
    grouped = summary.unchecked(run)
    if not grouped:
        return ""
    total = sum(len(findings) for findings in grouped.values())
    lines = [
        f"- {_plain(reason)}: {', '.join(_code(finding.name) for finding in findings)}"
        for reason, findings in grouped.items()
    ]
    return f"<details><summary>{total} not checked</summary>\n\n" + "\n".join(lines) + "\n\n</details>"


def _remark(title: str, entries: tuple[str, ...]) -> str:
    return f"**{title}**\n\n" + "\n".join(f"- {_plain(entry)}" for entry in entries)


def _fenced(text: str, language: str = "text") -> str:
    inside = in_short(text)
    fence = "`" * max(3, _longest_run(inside) + 1)
    return f"{fence}{language}\n{inside}\n{fence}"


def _code(text: str) -> str:
    # Code takes everything literally but a run of as many backticks, and a space at both ends is taken off.
    inside = _line(text)
    fence = "`" * (_longest_run(inside) + 1)
    return f"{fence} {inside} {fence}"


def _plain(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\1", _line(text))


def _html(text: str) -> str:
    # Punctuation as entities: no tag, and no Markdown where a renderer looks into HTML.
    return _PUNCTUATION.sub(lambda found: f"&#{ord(found[0])};", _line(text))


def _line(text: str) -> str:
    return in_short(text).replace("\n", "\\n").replace("\t", "\\t")


def _longest_run(text: str) -> int:
    return max((len(found) for found in re.findall("`+", text)), default=0)


def _size(blocks: list[str]) -> int:
    return sum(len(block.encode()) + 2 for block in blocks)
