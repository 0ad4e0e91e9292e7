"""`calls explain NAME`: one requirement, where it stands, how it is tested, why it matters, and how to mend it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from calls.arguments import Parser

if TYPE_CHECKING:
    from contract_tests.requirements import Check

WIDTH = 100
INDENT = 14


def main(argv: Sequence[str]) -> int:
    """Print the explanation.  Returns 0, or 2 for a name that no requirement has."""
    parser = Parser(
        prog="calls explain",
        usage="calls explain NAME",
        description="Explains one requirement of those that `calls list` shows.",
    )
    parser.add_argument("name", metavar="NAME", help="a requirement, or a finding as the reports name it")
    given = parser.parse_args(argv)
    from contract_tests.requirements import all_checks
    from contract_tests.run import near

    checks = {check.requirement.name: check for check in all_checks()}
    check = checks.get(given.name) or checks.get(given.name.partition("[")[0])
    if check is None:
        parser.error(f"there is no requirement {given.name!r}{near(given.name, checks)}")
    print(_explanation(check))
    return 0


def _explanation(check: Check) -> str:
    from contract_tests.reports.sarif import location

    requirement = check.requirement
    file, line = location(requirement.source)
    paragraphs = [
        ("", requirement.sentence),
        ("level", f"{requirement.level.value}, layer {requirement.layer.value}"),
        ("source", f"{file}:{line}"),
        ("", requirement.source),
        ("variants", ", ".join(filter(None, check.variants))),
        ("tested", requirement.how),
        ("why", requirement.why),
        ("to mend it", requirement.mend),
    ]
    blocks = [_paragraph(label, text) for label, text in paragraphs if text]
    return "\n".join([requirement.name, *blocks])


def _paragraph(label: str, text: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=f"  {label:{INDENT - 2}}" if label else " " * INDENT,
        subsequent_indent=" " * INDENT,
        break_on_hyphens=False,
        break_long_words=False,
    )
