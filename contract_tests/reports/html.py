"""The report as one page that needs nothing else: no network, no script (which only adds filters), no second file."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources

from contract_tests.findings import Finding, Run, Verdict
from contract_tests.reports import summary
from contract_tests.reports.html_finding import SIGNS, badge, escaped, fact, finding_details, not_checked_item, style_of

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#findings">Skip to the findings</a>
<header>
{header}
</header>
<main>
{overview}
{controls}
<div id="findings" tabindex="-1">
{findings}
</div>
</main>
<footer><p>{closing}</p></footer>
<script>{script}</script>
</body>
</html>
"""

_OUTCOMES = {0: ("passed", "✓"), 1: ("violated", "✕"), 2: ("warned", "!")}


def render(run: Run) -> str:
    """The page.  Its policy allows its own style and script by their hashes, and nothing else."""
    style, script = _asset("page.css"), _asset("page.js")
    return _PAGE.format(
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'",
        title=escaped(f"{summary.outcome(run)}: {run.target}"),
        style=style,
        header=_header(run),
        overview=_overview(run),
        controls=_controls(run),
        findings=_findings(run),
        closing=escaped(summary.closing(run)),
        script=script,
    )


def _header(run: Run) -> str:
    look, sign = _OUTCOMES[run.exit_code]
    outcome = summary.outcome(run)
    facts = "".join(fact(name, value) for name, value in summary.facts(run))
    return (
        f'<p class="kind">Calls contract, conformance report</p>\n'
        f'<h1 class="outcome {look}"><span class="sign" aria-hidden="true">{sign}</span>'
        f"{escaped(outcome[0].upper() + outcome[1:])}</h1>\n"
        f'<ul class="tiles">{"".join(_tile(run, verdict) for verdict in summary.VERDICTS)}</ul>\n'
        f'<dl class="run">{facts}</dl>\n{_remarks(run)}'
    )


def _tile(run: Run, verdict: Verdict) -> str:
    findings = summary.of(run, verdict)
    known = sum(1 for finding in findings if finding.known)
    note = f" <small>{known} known</small>" if known else ""
    return (
        f'<li class="tile {_style_of_count(verdict, len(findings))}"><b>{len(findings)}</b>'
        f'<span><span aria-hidden="true">{SIGNS[verdict]}</span> {verdict.value}</span>{note}</li>'
    )


def _style_of_count(verdict: Verdict, number: int) -> str:
    # None of a kind is nothing to look at, so it has no colour.
    return style_of(verdict) if number else "none"


def _remarks(run: Run) -> str:
    return "".join(
        f'<section class="remark"><h2>{title}</h2><ul>{"".join(f"<li>{escaped(entry)}</li>" for entry in entries)}</ul>'
        "</section>\n"
        for title, entries in summary.remarks(run)
    )


def _overview(run: Run) -> str:
    if not run.findings:
        return ""
    rows = "".join(_section_row(section) for section in summary.sections(run))
    heads = "".join(
        f'<th scope="col" class="number"><span aria-hidden="true">{SIGNS[verdict]}</span> '
        f'<span class="word">{verdict.value}</span></th>'
        for verdict in summary.VERDICTS
    )
    return (
        '<section><h2 id="sections">Sections</h2>'
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="sections"><table>'
        f'<thead><tr><th scope="col">section</th><td class="bar"></td>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _section_row(section: summary.Section) -> str:
    numbers = "".join(
        f'<td class="number {_style_of_count(verdict, section.counts[verdict])}">{section.counts[verdict]}</td>'
        for verdict in summary.VERDICTS
    )
    return f'<tr><th scope="row">{escaped(section.name)}</th><td class="bar">{_bar(section)}</td>{numbers}</tr>\n'


def _bar(section: summary.Section) -> str:
    # The numbers stand beside it, so it is for the eye alone.
    parts, start = [], 0.0
    for verdict in summary.VERDICTS:
        width = 100 * section.counts[verdict] / section.total
        parts.append(f'<rect class="{style_of(verdict)}" x="{start:.2f}%" width="{width:.2f}%" height="100%"/>')
        start += width
    return f'<svg aria-hidden="true" width="100%" height="10">{"".join(parts)}</svg>'


def _controls(run: Run) -> str:
    boxes = "".join(
        f'<label class="choice"><input type="checkbox" name="verdict" value="{style_of(verdict)}" checked> '
        f"{badge(verdict)}</label>"
        for verdict in summary.VERDICTS
    )
    options = "".join(f"<option>{escaped(section.name)}</option>" for section in summary.sections(run))
    return (
        # A browser that filled the form in again after a reload would show a filter that does not apply.
        '<form class="controls" id="controls" hidden role="search" aria-label="Filter the findings" autocomplete="off">'
        f'<div class="row"><fieldset><legend class="unseen">Verdict</legend>{boxes}</fieldset>'
        '<output id="matches" aria-live="polite"></output></div><div class="row">'
        f'<label>Section <select name="section"><option value="">all</option>{options}</select></label>'
        '<label class="words">Text <input type="search" name="text" placeholder="name, sentence, answer…"></label>'
        '<span class="buttons"><button type="button" id="unfold">Unfold all</button>'
        '<button type="button" id="fold">Fold all</button></span></div></form>'
    )


def _findings(run: Run) -> str:
    groups = [
        _group("Violated", summary.of(run, Verdict.VIOLATED)),
        _group("Warned", summary.of(run, Verdict.WARNED)),
        _not_checked(run),
        _group("Passed", summary.of(run, Verdict.PASSED)),
    ]
    return "\n".join(group for group in groups if group)


def _group(title: str, findings: tuple[Finding, ...]) -> str:
    if not findings:
        return ""
    inside = "\n".join(
        finding_details(finding, opened=finding.verdict is Verdict.VIOLATED and not finding.known)
        for finding in findings
    )
    return f'<section class="group"><h2>{title}</h2>\n{inside}\n</section>'


def _not_checked(run: Run) -> str:
    reasons = "\n".join(
        f'<details class="reason" open><summary><h3>{escaped(reason)}</h3></summary>'
        f"<ul>{''.join(not_checked_item(finding) for finding in findings)}</ul></details>"
        for reason, findings in summary.unchecked(run).items()
    )
    return f'<section class="group"><h2>Not checked</h2>\n{reasons}\n</section>' if reasons else ""


@functools.cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
