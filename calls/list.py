"""`calls list`: everything that is asked of an implementation, section by section."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from calls.arguments import Parser

if TYPE_CHECKING:
    from contract_tests.requirements import Check

WIDTH = 116


def main(argv: Sequence[str]) -> int:
    """Print the requirements.  Returns 0."""
    parser = Parser(
        prog="calls list",
        description="Lists what `calls verify` asks of an implementation, in the order of the contract.",
        epilog="`calls explain NAME` says how a requirement is tested, why it matters, and how to mend a violation.",
    )
    parser.add_argument("--json", action="store_true", help="as a JSON array, an object for each requirement")
    given = parser.parse_args(argv)
    from contract_tests.requirements import all_checks

    checks = all_checks()
    if given.json:
        print(json.dumps([_object(check) for check in checks], indent=2))
        return 0
    for section, of_section in groupby(checks, key=lambda check: check.requirement.section):
        print(f"{section}\n")
        for check in of_section:
            print(_entry(check))
    findings = sum(len(check.variants) for check in checks)
    print(f"{len(checks)} requirements, {findings} checks with all their variants.")
    return 0


def _object(check: Check) -> dict[str, Any]:
    requirement = check.requirement
    return {
        "name": requirement.name,
        "section": requirement.section,
        "level": requirement.level.value,
        "layer": requirement.layer.value,
        "sentence": requirement.sentence,
        "source": requirement.source,
        "variants": [variant for variant in check.variants if variant],
        "smoke": check.smoke,
    }


def _entry(check: Check) -> str:
    requirement = check.requirement
    variants = ", ".join(filter(None, check.variants))
    head = f"  {requirement.name}  {requirement.level.value}, {requirement.layer.value}"
    sentence = textwrap.fill(
        requirement.sentence, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
    )
    return f"{head}{f' [{variants}]' if variants else ''}\n{sentence}\n      {requirement.source}\n"
