"""The report as JUnit XML, which most CI services show as tests."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from contract_tests.findings import Case, Finding, Run, Verdict
from contract_tests.reports import summary
from contract_tests.reports.inert import in_a_line, visible

RUN_SUITE = "run"
"""The suite that holds what concerns the run as a whole: its problems, and what is out of date in the baseline."""


def render(run: Run) -> str:
    """The report: a suite for each section and one for the run as a whole, if there is something to say."""
    root = Element("testsuites", name=in_a_line(f"calls verify {run.target}"), time=_seconds(run.took_s))
    for section, findings in summary.by_section(run.findings).items():
        suite = _suite(root, section, run)
        for finding in findings:
            _finding(suite, finding)
    if run.problems or run.baseline:
        _run_as_a_whole(_suite(root, RUN_SUITE, run), run)
    for suite in root:
        _count(suite)
    _count(root)
    indent(root)
    # tostring is for text here: it declares no encoding, so the declaration is ours.
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(root: Element, name: str, run: Run) -> Element:
    suite = SubElement(root, "testsuite", name=in_a_line(name), timestamp=in_a_line(run.started_at))
    properties = SubElement(suite, "properties")
    for fact, value in summary.facts(run):
        SubElement(properties, "property", name=fact, value=in_a_line(value))
    return suite


def _finding(suite: Element, finding: Finding) -> None:
    case = _test(suite, finding.name, finding.took_s)
    match finding.verdict:
        case Verdict.VIOLATED if finding.known:
            # Known does not fail the run, so it must not fail a CI service that reads only this file.
            SubElement(case, "skipped", message=in_a_line(f"known violation: {finding.known}"))
            SubElement(case, "system-out").text = _story(finding)
        case Verdict.VIOLATED:
            failure = SubElement(case, "failure", type="violated", message=in_a_line(finding.requirement.sentence))
            failure.text = _story(finding)
        case Verdict.WARNED:
            SubElement(case, "system-out").text = _story(finding)
        case Verdict.NOT_CHECKED:
            SubElement(case, "skipped", message=in_a_line(finding.reason))


def _run_as_a_whole(suite: Element, run: Run) -> None:
    for number, problem in enumerate(run.problems, 1):
        SubElement(_test(suite, f"problem {number}"), "error", type="problem", message=in_a_line(problem))
    for number, sentence in enumerate(run.baseline, 1):
        SubElement(_test(suite, f"baseline {number}"), "failure", type="baseline", message=in_a_line(sentence))


def _test(suite: Element, name: str, took_s: float = 0.0) -> Element:
    return SubElement(
        suite, "testcase", name=in_a_line(name), classname=f"calls.{suite.get('name')}", time=_seconds(took_s)
    )


def _story(finding: Finding) -> str:
    requirement = finding.requirement
    parts = [
        f"{finding.verdict.value}: {requirement.sentence} ({requirement.level.value})",
        f"source: {requirement.source}",
        *(line for case in finding.cases for line in _case(case)),
        f"likely cause: {summary.likely_cause(finding)}",
    ]
    return visible("\n".join(parts))


def _case(case: Case) -> Iterator[str]:
    yield f"expected: {case.expected}"
    yield f"received: {case.received}"
    yield from (f"reproduce: {line}" for line in case.reproduce)


def _count(element: Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(element.findall(f".//{tag}"))))


def _seconds(took_s: float) -> str:
    return f"{took_s:.3f}"
