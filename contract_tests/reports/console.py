"""The report on a terminal, in colours.  No text of a finding is read as markup."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from contract_tests.findings import Case, Finding, Run, Verdict
from contract_tests.reports import summary
from contract_tests.reports.inert import in_short

STYLES = {
    Verdict.PASSED: "green",
    Verdict.VIOLATED: "bold red",
    Verdict.WARNED: "yellow",
    Verdict.NOT_CHECKED: "bright_black",
}


def show(run: Run, console: Console) -> None:
    """Print the report: the same content as the text report."""
    page = _Page(console)
    page.facts(run)
    page.sections(run)
    for verdict in (Verdict.VIOLATED, Verdict.WARNED):
        for finding in summary.of(run, verdict):
            page.wrong(finding, run.seed)
    page.unchecked(run)
    for title, entries in summary.remarks(run):
        page.remark(title, entries)
    style = {0: "bold green", 1: "bold red"}.get(run.exit_code, "bold yellow")
    console.print(page.text(summary.closing(run), style))


class _Page:
    def __init__(self, console: Console) -> None:
        self._console = console

    def text(self, text: str, style: str = "") -> Text:
        """Text that is printed as it stands, as far as the terminal's encoding has its characters."""
        clean = in_short(text)
        encoding = self._console.encoding
        return Text(clean.encode(encoding, "backslashreplace").decode(encoding), style)

    def facts(self, run: Run) -> None:
        self._console.print(self._grid(summary.facts(run)))
        self._console.print()

    def sections(self, run: Run) -> None:
        table = Table(header_style="bold")
        table.add_column("section")
        for verdict in STYLES:
            table.add_column(verdict.value, justify="right")
        for section in summary.sections(run):
            numbers = [
                Text(str(section.counts[verdict] or "·"), style if section.counts[verdict] else "bright_black")
                for verdict, style in STYLES.items()
            ]
            table.add_row(self.text(section.name), *numbers)
        if table.rows:
            self._console.print(table)
            self._console.print()

    def wrong(self, finding: Finding, seed: int) -> None:
        requirement = finding.requirement
        known = f", known: {finding.known}" if finding.known else ""
        head = Text.assemble(
            (finding.verdict.name, STYLES[finding.verdict]),
            " ",
            self.text(finding.name, "bold"),
            self.text(f" ({requirement.level.value}{known})", "bright_black"),
        )
        rows = [
            ("source", requirement.source),
            *_cases(finding),
            ("likely cause", summary.likely_cause(finding)),
            ("seed", str(seed)),
        ]
        self._console.print(head)
        self._console.print(Padding(self.text(requirement.sentence), (0, 0, 0, 2), expand=False))
        self._console.print(Padding(self._grid(rows), (0, 0, 1, 2), expand=False))

    def unchecked(self, run: Run) -> None:
        for reason, findings in summary.unchecked(run).items():
            self._console.print(Text.assemble(("Not checked: ", STYLES[Verdict.NOT_CHECKED]), self.text(reason)))
            for finding in findings:
                self._console.print(Padding(self.text(finding.name), (0, 0, 0, 2), expand=False))
            self._console.print()

    def remark(self, title: str, entries: tuple[str, ...]) -> None:
        self._console.print(Text(f"{title}:", "bold yellow"))
        for entry in entries:
            self._console.print(Padding(self.text(entry), (0, 0, 0, 2), expand=False))
        self._console.print()

    def _grid(self, rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Table:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bright_black", no_wrap=True)
        grid.add_column(overflow="fold")
        for label, value in rows:
            grid.add_row(Text(label), self.text(value))
        return grid


def _cases(finding: Finding) -> Iterator[tuple[str, str]]:
    cases, more = summary.shown_cases(finding)
    for case in cases:
        yield from _case(case)
    if more:
        yield "", more


def _case(case: Case) -> Iterator[tuple[str, str]]:
    yield "expected", case.expected
    yield "received", case.received
    if case.reproduce:
        yield "reproduce", "\n".join(case.reproduce)
