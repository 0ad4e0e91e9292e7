"""The report as plain text, without colours, for a log or a file."""

from __future__ import annotations

from collections.abc import Iterator

from contract_tests.findings import Case, Finding, Run, Verdict
from contract_tests.reports import summary
from contract_tests.reports.inert import disarmed, in_short


def render(run: Run) -> str:
    """The report: facts, sections, what is wrong, what was not checked, and one sentence at the end."""
    blocks = [
        _lines(_labelled(name, value) for name, value in summary.facts(run)),
        _table(run),
        *(finding(wrong, run.seed) for wrong in summary.of(run, Verdict.VIOLATED)),
        *(finding(wrong, run.seed) for wrong in summary.of(run, Verdict.WARNED)),
        _unchecked(run),
        *(_list(title, entries) for title, entries in summary.remarks(run)),
        summary.closing(run),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def finding(wrong: Finding, seed: int) -> str:
    """One finding that something is wrong, as it stands in the report of a run with this seed."""
    requirement = wrong.requirement
    cases, more = summary.shown_cases(wrong)
    known = f", known: {in_short(wrong.known)}" if wrong.known else ""
    return _lines(
        [
            f"{wrong.verdict.name} {in_short(wrong.name)} ({requirement.level.value}{known})",
            f"  {_indented(in_short(requirement.sentence), 2)}",
            _labelled("  source", requirement.source),
            *(line for case in cases for line in _case(case)),
            *([f"  {more}"] if more else []),
            _labelled("  likely cause", summary.likely_cause(wrong)),
            _labelled("  seed", str(seed)),
        ]
    )


def _table(run: Run) -> str:
    sections = summary.sections(run)
    width = max((len(section.name) for section in sections), default=0)
    heads = [verdict.value for verdict in summary.COLUMNS]
    rows = [f"{disarmed(section.name):{width}}  {_numbers(section, heads)}" for section in sections]
    return _lines([f"{'':{width}}  {'  '.join(heads)}", *rows] if rows else [])


def _numbers(section: summary.Section, heads: list[str]) -> str:
    cells = (section.counts[verdict] or "." for verdict in summary.COLUMNS)
    return "  ".join(f"{cell:>{len(head)}}" for cell, head in zip(cells, heads, strict=True))


def _case(case: Case) -> Iterator[str]:
    yield _labelled("  expected", case.expected)
    yield _labelled("  received", case.received)
    for number, line in enumerate(case.reproduce):
        yield _labelled("  " if number else "  reproduce", line)


def _unchecked(run: Run) -> str:
    lines = []
    for reason, findings in summary.unchecked(run).items():
        lines.append(f"Not checked: {_indented(in_short(reason), 2)}")
        lines += [f"  {in_short(finding.name)}" for finding in findings]
    return _lines(lines)


def _list(title: str, entries: tuple[str, ...]) -> str:
    return _lines([f"{title}:", *(f"  - {_indented(in_short(entry), 4)}" for entry in entries)])


def _labelled(label: str, value: str) -> str:
    width = 16 if label.startswith(" ") else 10
    return f"{label:{width}}{_indented(in_short(value), width)}"


def _indented(text: str, columns: int) -> str:
    # What follows a line feed stays visibly a part of the same value.
    return text.replace("\n", f"\n{' ' * (columns - 2)}| ")


def _lines(lines: Iterator[str] | list[str]) -> str:
    return "\n".join(lines)
