"""What every report for people says of a run, whatever it looks like: facts, sections, order, and the last sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contract_tests.findings import Case, Finding, Run, Verdict, count

SHOWN_CASES = 3
"""How many cases of a finding the reports for a terminal or a CI page show; the others show all."""

VERDICTS = (Verdict.VIOLATED, Verdict.WARNED, Verdict.PASSED, Verdict.NOT_CHECKED)
"""The verdicts, the most urgent first."""

COLUMNS = (Verdict.PASSED, Verdict.VIOLATED, Verdict.WARNED, Verdict.NOT_CHECKED)
"""The verdicts as tables have them, the best first."""


@dataclass(frozen=True)
class Section:
    """How one part of the contract fared.

    Attributes:
        name: the part, such as `create`.
        counts: how many findings there are of each verdict, all four of them.
    """

    name: str
    counts: dict[Verdict, int]

    @property
    def total(self) -> int:
        """How many findings there are."""
        return sum(self.counts.values())


def sections(run: Run) -> tuple[Section, ...]:
    """The parts of the contract, in its order."""
    return tuple(Section(name, _counts(findings)) for name, findings in by_section(run.findings).items())


def by_section(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings of each part of the contract, in its order."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.requirement.section, []).append(finding)
    return grouped


def of(run: Run, verdict: Verdict) -> tuple[Finding, ...]:
    """The findings with this verdict, those that a baseline knows at the end."""
    found = (finding for finding in run.findings if finding.verdict is verdict)
    return tuple(sorted(found, key=lambda finding: bool(finding.known)))


def unchecked(run: Run) -> dict[str, list[Finding]]:
    """What was not checked, by the reason."""
    grouped: dict[str, list[Finding]] = {}
    for finding in of(run, Verdict.NOT_CHECKED):
        grouped.setdefault(finding.reason or "no reason given", []).append(finding)
    return grouped


def shown_cases(finding: Finding) -> tuple[tuple[Case, ...], str]:
    """The first cases of a finding, and a line on the others; the line is empty if there are none."""
    more = len(finding.cases) - SHOWN_CASES
    return finding.cases[:SHOWN_CASES], f"and {more} more; the json and html reports show all" if more > 0 else ""


def likely_cause(finding: Finding) -> str:
    """What most likely causes it: of what was seen, or else of what usually does."""
    return finding.cause or finding.requirement.mend


def facts(run: Run) -> tuple[tuple[str, str], ...]:
    """What was judged, how and when, as pairs of name and value."""
    changed = (("contract", f"openapi/calls.yaml with {_overlays(run)}"),) if run.overlays else ()
    return (
        ("target", run.target),
        *changed,
        ("profile", run.profile),
        ("seed", str(run.seed)),
        ("started", f"{run.started_at}, took {run.took_s:.1f} s"),
        ("traffic", f"{run.requests:,} requests, {run.calls:,} calls created, {run.dials:,} dials"),
        ("judge", f"calls {run.version}"),
        ("again", run.command),
    )


def remarks(run: Run) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What concerns the run as a whole, under a title each; none where there is nothing to say."""
    titled = (
        ("Problems of the run", run.problems),
        ("The baseline is out of date", run.baseline),
        ("Notes", run.notes),
    )
    return tuple((title, lines) for title, lines in titled if lines)


def outcome(run: Run) -> str:
    """What the exit code means for this run, in a few words; they say so where the contract was not the plain one."""
    changed = f" with {_overlays(run)}" if run.overlays else ""
    if run.exit_code == 2:
        return "this run cannot tell whether the target conforms"
    if run.exit_code == 0:
        conforms = f"conforms to the contract{changed}" if changed else "conforms"
        return f"the target {conforms} in all that was checked"
    if any(finding.verdict is Verdict.VIOLATED and not finding.known for finding in run.findings):
        return f"the target violates the contract{changed}"
    return "nothing new is wrong, but the baseline is out of date"


def closing(run: Run) -> str:
    """One sentence with the counts and what the exit code means."""
    counts = _counts(run.findings)
    known = sum(1 for finding in run.findings if finding.verdict is Verdict.VIOLATED and finding.known)
    words = [f"{counts[verdict]} {verdict.value}" for verdict in VERDICTS]
    if known:
        words[0] += f" ({known} known)"
    return f"{', '.join(words)}: {outcome(run)} (exit code {run.exit_code})."


def _overlays(run: Run) -> str:
    return f"the overlay{'' if len(run.overlays) == 1 else 's'} {', '.join(map(str, run.overlays))}"


def _counts(findings: Iterable[Finding]) -> dict[Verdict, int]:
    counted = count(tuple(findings))
    return {verdict: counted[verdict] for verdict in VERDICTS}
