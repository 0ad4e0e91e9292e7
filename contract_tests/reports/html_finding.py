"""The parts of the page that tell of one finding.  Everything that is not markup of ours is escaped here."""

from __future__ import annotations

import html
from urllib.parse import quote

from contract_tests.findings import Case, Finding, Verdict
from contract_tests.reports.inert import in_a_line, visible

SIGNS = {Verdict.VIOLATED: "✕", Verdict.WARNED: "!", Verdict.PASSED: "✓", Verdict.NOT_CHECKED: "–"}
"""A sign beside each verdict's word, so that colour is never all that tells them apart."""

_LONG = 1200


def escaped(text: str) -> str:
    """Text as HTML, in an element or in a quoted attribute; on one line."""
    return html.escape(in_a_line(text))


def style_of(verdict: Verdict) -> str:
    """The verdict as a class name."""
    return verdict.value.replace(" ", "-")


def badge(verdict: Verdict, known: str = "") -> str:
    """The verdict in a word, with its sign."""
    word = f"{verdict.value}, known" if known else verdict.value
    return f'<span class="badge {style_of(verdict)}"><span aria-hidden="true">{SIGNS[verdict]}</span> {word}</span>'


def finding_details(finding: Finding, *, opened: bool) -> str:
    """One finding, to unfold: its sentence, what was seen, how it is tested and why it matters."""
    cases = "".join(_case(case, number, len(finding.cases)) for number, case in enumerate(finding.cases, 1))
    return (
        f'<details class="finding {style_of(finding.verdict)}" id="{anchor(finding)}" {_marks(finding)}'
        f"{' open' if opened else ''}>\n"
        f"<summary>{badge(finding.verdict, finding.known)} <h3><code>{escaped(finding.name)}</code></h3> "
        f'<span class="sentence">{escaped(finding.requirement.sentence)}</span></summary>\n'
        f'<div class="body">{cases}{_facts(finding)}</div>\n</details>'
    )


def _marks(finding: Finding) -> str:
    # What the filter goes by.
    return f'data-verdict="{style_of(finding.verdict)}" data-section="{escaped(finding.requirement.section)}"'


def anchor(finding: Finding) -> str:
    """The id of a finding's element; it is also its address in the page."""
    return quote(in_a_line(finding.name), safe="._~-")


def _case(case: Case, number: int, total: int) -> str:
    title = f"<h4>Case {number} of {total}</h4>" if total > 1 else ""
    return (
        f'<div class="case">{title}<div class="sides">'
        f"<div>{_label('Expected')}{_pre(case.expected, 'expected')}</div>"
        f"<div>{_label('Received')}{_pre(case.received, 'received')}</div></div>{_reproduce(case.reproduce)}</div>"
    )


def _reproduce(lines: tuple[str, ...]) -> str:
    if not lines:
        return ""
    copy = '<button type="button" class="copy" hidden>Copy</button>'
    return (
        f'<div class="reproduce"><div class="heading">{_label("Reproduce")}{copy}</div>'
        f"{_pre(chr(10).join(lines), 'reproduce')}</div>"
    )


def _label(word: str) -> str:
    return f'<p class="label">{word}</p>'


def _pre(text: str, label: str) -> str:
    # What may scroll must be reachable with the keyboard.
    is_long = len(text) > _LONG or text.count("\n") > 20
    reach = f' class="long" tabindex="0" role="region" aria-label="{label}"' if is_long else ""
    return f"<pre{reach}><code>{html.escape(visible(text))}</code></pre>"


def _facts(finding: Finding) -> str:
    requirement = finding.requirement
    is_wrong = finding.verdict in (Verdict.VIOLATED, Verdict.WARNED)
    rows = [
        ("Likely cause", finding.cause if is_wrong else ""),
        ("To mend it", requirement.mend if is_wrong else ""),
        ("Known", finding.known),
        ("Level", f"{requirement.level.value}, {requirement.layer.value}"),
        ("Source", requirement.source),
        ("Why", requirement.why),
        ("Tested", requirement.how),
        ("Took", f"{finding.took_s:.2f} s" if finding.verdict is not Verdict.NOT_CHECKED else ""),
    ]
    return f"<dl>{''.join(fact(name, value) for name, value in rows if value)}</dl>"


def fact(name: str, value: str) -> str:
    """A name and its value in a list of facts."""
    is_code = name.lower() in ("source", "again", "target", "seed")
    shown = f"<code>{escaped(value)}</code>" if is_code else escaped(value)
    return f"<div><dt>{name}</dt><dd>{shown}</dd></div>"


def not_checked_item(finding: Finding) -> str:
    """One finding that was not checked, as an item of a list."""
    return (
        f'<li class="finding" id="{anchor(finding)}" {_marks(finding)}><code>{escaped(finding.name)}</code> '
        f"<span>{escaped(finding.requirement.sentence)}</span></li>"
    )
