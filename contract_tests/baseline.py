"""The baseline: a YAML list of violations that are known, each with a reason and a day on which it must be gone.

    - finding: "create.required-fields[inline]"
      reason: mended in release 4.2
      expires: 2027-01-31

It gets shorter by itself: an entry that is expired, or that nothing violates any more, fails the run (exit code 1).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import yaml

from contract_tests.findings import Finding, Run, Verdict

KEYS = ("finding", "reason", "expires")
"""What an entry holds, all of it required."""

LONGEST_FILE_BYTES = 1024 * 1024
"""A file that is longer was not meant."""


class BaselineError(Exception):
    """A baseline cannot be read; the text names file and line, and what was expected there."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One violation that is known.

    Attributes:
        finding: its name, as the reports show it.
        reason: why it is accepted for now.
        expires: the last day on which it is.
        line: where in the file it begins, from 1.
    """

    finding: str
    reason: str
    expires: datetime.date
    line: int


@dataclass(frozen=True)
class Baseline:
    """The violations that are known.

    Attributes:
        path: the file, for messages.
        entries: one for each finding at the most.
    """

    path: str
    entries: tuple[Entry, ...] = ()


def read(path: Path) -> Baseline:
    """The baseline in a file.  Raises BaselineError."""
    node = _composed(path)
    if node is None:
        return Baseline(str(path))
    if not isinstance(node, yaml.SequenceNode):
        _refuse(path, node, f"expected a list of entries, each with {', '.join(KEYS)}")
    entries: dict[str, Entry] = {}
    for item in node.value:
        entry = _entry(path, item)
        if entry.finding in entries:
            _refuse(path, item, f"{entry.finding} is listed before, in line {entries[entry.finding].line}")
        entries[entry.finding] = entry
    return Baseline(str(path), tuple(entries.values()))


def apply(run: Run, baseline: Baseline, today: datetime.date) -> Run:
    """The run, with each violation that the baseline knows marked so, and a sentence for what is out of date in it.

    An expired entry excuses nothing.  An entry whose finding was not checked is left alone: nothing is known of it.
    """
    known = {entry.finding: entry.reason for entry in baseline.entries if entry.expires >= today}
    return replace(
        run,
        findings=tuple(_marked(finding, known) for finding in run.findings),
        baseline=(*run.baseline, *_out_of_date(run, baseline, today)),
    )


def _marked(finding: Finding, known: dict[str, str]) -> Finding:
    is_known = finding.verdict is Verdict.VIOLATED and finding.name in known
    return replace(finding, known=known[finding.name]) if is_known else finding


def _out_of_date(run: Run, baseline: Baseline, today: datetime.date) -> Iterator[str]:
    verdicts = {finding.name: finding.verdict for finding in run.findings}
    for entry in baseline.entries:
        place = f"{baseline.path}:{entry.line}: {entry.finding}"
        match verdicts.get(entry.finding):
            case None:
                yield f"{place} is no finding of this run: correct the name, or take the entry out"
            case Verdict.PASSED:
                yield f"{place} is no longer violated: take the entry out"
            case Verdict.VIOLATED | Verdict.WARNED if entry.expires < today:
                yield f"{place} expired on {entry.expires}: mend it, or agree on a new date"


def _composed(path: Path) -> yaml.Node | None:
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_FILE_BYTES + 1)
        if len(text) > LONGEST_FILE_BYTES:
            raise BaselineError(f"{path}: longer than {LONGEST_FILE_BYTES} bytes")
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise BaselineError(f"{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else f"{path}"
        raise BaselineError(f"{place}: not YAML: {getattr(error, 'problem', None) or error}") from error
    return node


def _entry(path: Path, node: yaml.Node) -> Entry:
    if not isinstance(node, yaml.MappingNode):
        _refuse(path, node, f"expected an entry with {', '.join(KEYS)}")
    values: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value not in KEYS:
            _refuse(path, key, f"expected one of {', '.join(KEYS)}, found {_shown(key)}")
        if key.value in values:
            _refuse(path, key, f"{key.value} stands there twice")
        values[key.value] = value
    for missing in (name for name in KEYS if name not in values):
        _refuse(path, node, f"an entry needs {missing}")
    return Entry(
        finding=_text(path, "finding", values["finding"]),
        reason=_text(path, "reason", values["reason"]),
        expires=_date(path, values["expires"]),
        line=node.start_mark.line + 1,
    )


def _text(path: Path, name: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:str" or not node.value.strip():
        _refuse(path, node, f"{name}: expected a text that is not empty, found {_shown(node)}")
    return str(node.value).strip()


def _date(path: Path, node: yaml.Node) -> datetime.date:
    try:
        return datetime.datetime.strptime(node.value, "%Y-%m-%d").date()
    except (TypeError, ValueError):
        _refuse(path, node, f"expires: expected a date such as 2027-01-31, found {_shown(node)}")


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value)
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _refuse(path: Path, node: yaml.Node, reason: str) -> NoReturn:
    raise BaselineError(f"{path}:{node.start_mark.line + 1}: {reason}")
