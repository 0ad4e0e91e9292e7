from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from contract_tests.baseline import Baseline, BaselineError, Entry, apply, read
from contract_tests.findings import Run, Verdict
from tests.contract_tests.sample import finding, run

TODAY = datetime.date(2026, 11, 23)
VIOLATED = finding("create.required-fields", Verdict.VIOLATED, "inline")


def entry(name: str, expires: datetime.date = TODAY) -> Entry:
    return Entry(finding=name, reason="release 4.2", expires=expires, line=7)


def applied(judged: Run, *entries: Entry) -> Run:
    return apply(judged, Baseline("known.yaml", entries), TODAY)


def test_a_baseline_is_read(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(
        "# what we know\n"
        '- finding: "create.required-fields[inline]"\n'
        "  reason: mended in release 4.2\n"
        "  expires: 2027-01-31\n"
        "- {finding: errors.shape, reason: 'not ours', expires: '2026-12-01'}\n"
    )
    assert read(path).entries == (
        Entry(
            finding="create.required-fields[inline]",
            reason="mended in release 4.2",
            expires=datetime.date(2027, 1, 31),
            line=2,
        ),
        Entry(finding="errors.shape", reason="not ours", expires=datetime.date(2026, 12, 1), line=5),
    )


@pytest.mark.parametrize("text", ["", "# nothing is known\n", "[]"])
def test_an_empty_baseline_knows_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(text)
    assert read(path) == Baseline(str(path))


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("finding: x", ":1: expected a list of entries, each with finding, reason, expires"),
        ("\n- errors.shape", ":2: expected an entry with finding, reason, expires"),
        ("- finding: x\n  reason: y", ":1: an entry needs expires"),
        ("- reason: y\n  expires: 2027-01-31", ":1: an entry needs finding"),
        ("- finding: x\n  reason:\n  expires: 2027-01-31", ":2: reason: expected a text that is not empty, found ''"),
        ("- finding: [x]\n  reason: y\n  expires: 2027-01-31", ":1: finding: expected a text that is not empty, found"),
        (
            "- finding: x\n  reason: y\n  expires: never",
            ":3: expires: expected a date such as 2027-01-31, found 'never'",
        ),
        ("- finding: x\n  reason: y\n  expires: 2027-02-30", ":3: expires: expected a date such as 2027-01-31"),
        ("- finding: x\n  reason: y\n  expires: [1]", ":3: expires: expected a date such as 2027-01-31, found a list"),
        ("- finding: x\n  ticket: 12", ":2: expected one of finding, reason, expires, found 'ticket'"),
        ("- finding: x\n  finding: y", ":2: finding stands there twice"),
        (
            "- &a {finding: x, reason: y, expires: 2027-01-31}\n- {finding: x, reason: z, expires: 2027-01-31}",
            ":2: x is listed before, in line 1",
        ),
        ("- finding: x\n - y: [", ":2: not YAML"),
        ("[" * 2000, "not YAML"),
        ("- !!python/object/apply:os.system ['true']", ":1: expected an entry"),
        ("a: 1\n---\nb: 2", "not YAML: but found another document"),
        ("\x00", "not YAML"),
        ("#" * 1024 * 1024 + "#", "longer than 1048576 bytes"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(text)
    with pytest.raises(BaselineError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert complaint in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"none\.yaml: No such file"):
        read(tmp_path / "none.yaml")


def test_a_known_violation_does_not_fail_the_run() -> None:
    assert run(VIOLATED).exit_code == 1
    known = applied(run(VIOLATED), entry(VIOLATED.name))
    assert (known.findings[0].known, known.baseline, known.exit_code) == ("release 4.2", (), 0)


def test_an_entry_is_for_one_variant_alone() -> None:
    other = finding("create.required-fields", Verdict.VIOLATED, "create")
    known = applied(run(VIOLATED, other), entry(VIOLATED.name))
    assert [bool(found.known) for found in known.findings] == [True, False]
    assert known.exit_code == 1


def test_an_expired_entry_excuses_nothing() -> None:
    expired = applied(run(VIOLATED), entry(VIOLATED.name, TODAY - datetime.timedelta(days=1)))
    assert expired.findings[0].known == ""
    assert expired.baseline == (
        "known.yaml:7: create.required-fields[inline] expired on 2026-11-22: mend it, or agree on a new date",
    )


@pytest.mark.parametrize("expires", [TODAY, datetime.date(2020, 1, 1)])
def test_an_entry_that_is_no_longer_violated_fails_the_run(expires: datetime.date) -> None:
    stale = applied(run(finding("errors.shape")), entry("errors.shape", expires))
    assert stale.baseline == ("known.yaml:7: errors.shape is no longer violated: take the entry out",)
    assert stale.exit_code == 1


def test_an_entry_for_a_finding_that_does_not_exist_fails_the_run() -> None:
    stale = applied(run(finding("errors.shape")), entry("errors.shapes"))
    assert stale.baseline == (
        "known.yaml:7: errors.shapes is no finding of this run: correct the name, or take the entry out",
    )


@pytest.mark.parametrize("expires", [TODAY, datetime.date(2020, 1, 1)])
def test_nothing_is_said_of_an_entry_whose_finding_was_not_checked(expires: datetime.date) -> None:
    judged = run(finding("errors.shape", Verdict.NOT_CHECKED), finding("errors.code"))
    assert applied(judged, entry("errors.shape", expires)) == judged


def test_a_warning_needs_no_entry_and_an_entry_for_it_is_not_stale() -> None:
    judged = run(finding("errors.request-id", Verdict.WARNED))
    assert applied(judged, entry("errors.request-id")) == judged
