from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from calls import report
from contract_tests.findings import Case, Finding, Layer, Verdict, nothing_checked
from contract_tests.merge import MergeError, merge
from contract_tests.reports import json_report
from tests.contract_tests.sample import CASE, finding, hostile_run, requirement, run

PASSED, VIOLATED, WARNED, NOT_CHECKED = Verdict.PASSED, Verdict.VIOLATED, Verdict.WARNED, Verdict.NOT_CHECKED


def media(verdict: Verdict = PASSED) -> Finding:
    return finding("media.greeting", verdict, requirement=requirement("media.greeting", layer=Layer.MEDIA))


def test_one_run_stays_as_it_is() -> None:
    assert merge([hostile_run()]) == hostile_run()


@pytest.mark.parametrize(
    "verdicts, stands",
    [
        ((NOT_CHECKED, PASSED), PASSED),
        ((NOT_CHECKED, VIOLATED), VIOLATED),
        ((PASSED, VIOLATED), VIOLATED),
        ((PASSED, WARNED), WARNED),
        ((WARNED, VIOLATED), VIOLATED),
        ((NOT_CHECKED, NOT_CHECKED), NOT_CHECKED),
        ((PASSED, NOT_CHECKED, VIOLATED), VIOLATED),
    ],
)
def test_the_worst_verdict_that_was_reached_stands(verdicts: tuple[Verdict, ...], stands: Verdict) -> None:
    for order in itertools.permutations(verdicts):
        merged = merge([run(finding("create.a", verdict)) for verdict in order])
        assert [found.verdict for found in merged.findings] == [stands]


def test_cases_of_all_shards_are_kept_once() -> None:
    other = Case(expected="a", received="b")
    first, second = finding("a.b", VIOLATED, cases=(CASE,)), finding("a.b", VIOLATED, cases=(CASE, other))
    assert merge([run(first), run(second)]).findings[0].cases == (CASE, other)


def test_a_violation_that_one_shard_does_not_know_is_not_known() -> None:
    known, unknown = finding("a.b", VIOLATED, known="release 4.2"), finding("a.b", VIOLATED)
    assert merge([run(known), run(unknown)]).exit_code == 1
    assert merge([run(unknown), run(known)]).exit_code == 1
    assert merge([run(known), run(known)]).exit_code == 0


def test_findings_keep_the_order_of_the_contract() -> None:
    first = run(finding("a.a"), finding("a.c"), finding("d.d"))
    second = run(finding("a.a"), finding("a.b"), finding("a.c"), finding("e.e"))
    assert [found.name for found in merge([first, second]).findings] == ["a.a", "a.b", "a.c", "e.e", "d.d"]


def test_traffic_adds_up_and_the_longest_time_stands() -> None:
    merged = merge(
        [
            run(finding("a.a"), requests=1, calls=2, dials=3, took_s=9.0, started_at="2026-11-23T09:31:00Z"),
            run(finding("a.b"), requests=10, calls=20, dials=30, took_s=4.0, started_at="2026-11-23T09:30:00Z"),
        ]
    )
    assert (merged.requests, merged.calls, merged.dials, merged.took_s) == (11, 22, 33, 9.0)
    assert merged.started_at == "2026-11-23T09:30:00Z"


def test_different_seeds_and_commands_are_told() -> None:
    merged = merge([run(seed=1, command="a"), run(seed=2, command="b"), run(seed=1, command="a")])
    assert (merged.seed, merged.command) == (1, "a\nb")
    assert merged.notes == ("the merged runs had different seeds: 1, 2",)


def test_a_layer_that_no_shard_checked_stays_a_problem() -> None:
    problem = f"{nothing_checked(Layer.MEDIA)}, mostly because: the socket cannot be reached"
    http = run(finding("a.a"), media(NOT_CHECKED), problems=(problem,))
    assert merge([http, run(finding("a.b"))]).problems == (problem,)
    assert merge([http, http]).exit_code == 2
    assert merge([http, run(media())]).problems == ()
    assert merge([http, run(media())]).exit_code == 0


def test_other_problems_stay() -> None:
    assert merge([run(finding("a.a")), run(problems=("the key is refused",))]).exit_code == 2


def test_runs_on_different_targets_do_not_belong_together() -> None:
    with pytest.raises(MergeError, match=r"different targets: https://a\.example, https://b\.example"):
        merge([run(target="https://a.example"), run(target="https://b.example")])


def test_nothing_cannot_be_merged() -> None:
    with pytest.raises(MergeError, match="no report to merge"):
        merge([])


# calls report merge


@pytest.fixture
def shards(tmp_path: Path) -> tuple[str, str]:
    http, sockets = tmp_path / "http.json", tmp_path / "media.json"
    http.write_text(json_report.render(run(finding("create.a"), media(NOT_CHECKED))))
    sockets.write_text(json_report.render(run(finding("create.a", NOT_CHECKED), media(VIOLATED))))
    return str(http), str(sockets)


def test_the_command_merges_and_returns_the_exit_code_of_the_whole(
    shards: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main(["merge", shards[0]]) == 0
    capsys.readouterr()
    assert report.main(["merge", *shards]) == 1
    assert "1 violated, 0 warned, 1 passed, 0 not checked" in capsys.readouterr().out


def test_the_command_writes_every_report_that_is_asked_for(
    shards: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, page = tmp_path / "all.json", tmp_path / "all.html"
    report.main(["merge", *shards, "--report", f"json={whole}", "--report", f"html={page}", "--report", "text"])
    assert len(json_report.load(whole.read_text()).findings) == 2
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "exit code 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["merge"], "the following arguments are required: FILE"),
        (["split", "a.json"], "invalid choice"),
        (["merge", "none.json"], "none.json: No such file"),
        (["merge", "{http}", "--report", "xml"], "there is no report format 'xml'"),
        (["merge", "{http}", "--report", "html=/dev/null/x"], "cannot write the report"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    shards: tuple[str, str], arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        report.main([argument.format(http=shards[0]) for argument in arguments])
    said = capsys.readouterr().err
    assert said.startswith("calls report: ") and complaint in said and said.count("\n") == 1


def test_a_file_that_is_no_report_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.json"
    path.write_text(json_report.render(replace(run(), seed=1)).replace('"seed": 1', '"seed": "1"'))
    with pytest.raises(SystemExit):
        report.main(["merge", str(path)])
    assert f"{path}: not a JSON report of calls verify: Expected `int`, got `str`" in capsys.readouterr().err
