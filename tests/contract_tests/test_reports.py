from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from rich.console import Console

from contract import documents
from contract_tests.findings import Case, Finding, Layer, Level, Requirement, Run, Verdict
from contract_tests.reports import FORMATS, ReportError, console, destination, html, json_report, sarif, write
from contract_tests.reports.inert import disarmed, in_a_line, visible
from tests.contract_tests.sample import HOSTILE, finding, hostile_run, run

SCHEMA = json.loads((documents.SHIPPED / "docs" / "report.schema.json").read_text())
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\ufeff\ud800-\udfff\ufffe\U000e0000-\U000e007f]")
COMMAND = re.compile(r"::(?:error|stop-commands|add-mask)|##(?:vso)?\[")
EVERY_FORMAT = pytest.mark.parametrize("name", FORMATS)


def terminal(judged: Run, *, width: int = 100) -> str:
    """What the report prints on a terminal of this width, with colours."""
    printed = io.StringIO()
    console.show(judged, Console(file=printed, force_terminal=True, width=width, color_system="standard"))
    return printed.getvalue()


def without_colours(printed: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", printed)


@EVERY_FORMAT
def test_nothing_that_acts_or_cannot_be_seen_comes_through(name: str) -> None:
    assert ACTING.findall(FORMATS[name](hostile_run())) == []


@pytest.mark.parametrize("name", ["text", "json", "github"])
def test_what_goes_to_a_log_holds_no_command_of_a_ci_service(name: str) -> None:
    report = FORMATS[name](hostile_run())
    assert [line for line in report.splitlines() if re.match(r"\s*::", line) or "##[" in line or "##vso[" in line] == []


def test_the_terminal_shows_control_characters_as_escapes_and_markup_as_it_stands() -> None:
    printed = without_colours(terminal(hostile_run(), width=200))
    assert ACTING.findall(printed) == []
    assert "\\x1b[31mred\\x1b[0m" in printed
    shown = without_colours(terminal(run(finding("a.b", Verdict.WARNED, cause="[red]x[/red] [/] :boom:")), width=200))
    assert "[red]x[/red] [/] :boom:" in shown


@pytest.mark.parametrize("width", [20, 37, 80])
def test_a_terminal_that_wraps_makes_no_command_of_a_ci_service(width: int) -> None:
    printed = without_colours(terminal(hostile_run(), width=width))
    assert [line for line in printed.splitlines() if COMMAND.match(line.strip())] == []


def test_a_terminal_without_unicode_gets_escapes() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="cp1252")
    console.show(hostile_run(), Console(file=file, width=80, legacy_windows=False, safe_box=True))
    file.flush()
    assert b"\\U0001f4de" in raw.getvalue()


def test_escapes_name_the_character() -> None:
    assert visible("a\x1b\u202e\U000e0041\r\n\tb") == "a\\x1b\\u202e\\U000e0041\\r\n\tb"
    assert in_a_line("a\n\tb") == "a\\n\\tb"
    assert disarmed("x ::error::y ##[group] std::string ## heading") == (
        "x :\\x3aerror::y #\\x23[group] std::string ## heading"
    )


@EVERY_FORMAT
def test_an_empty_run_can_be_reported(name: str) -> None:
    assert FORMATS[name](run()).endswith("\n")
    assert FORMATS[name](run(problems=("the target does not answer",)))


@EVERY_FORMAT
def test_the_same_run_gives_the_same_report(name: str) -> None:
    assert FORMATS[name](hostile_run()) == FORMATS[name](hostile_run())


@pytest.mark.parametrize("shown", ["text", "console"])
def test_people_are_told_what_is_wrong_and_how_to_see_it_again(shown: str) -> None:
    judged = run(
        finding("create.required-fields", Verdict.VIOLATED, "inline"),
        finding("errors.shape", Verdict.VIOLATED, known="release 4.2"),
        finding("errors.request-id"),
        finding("media.greeting", Verdict.NOT_CHECKED),
        notes=("this machine was too slow",),
    )
    report = FORMATS["text"](judged) if shown == "text" else without_colours(terminal(judged, width=200))
    for part in (
        "VIOLATED create.required-fields[inline] (MUST)",
        "A request without a required field is refused with 400.",
        "openapi/calls.yaml#/paths/~1calls~1create/post/responses/400",
        "VALIDATION_ERROR",
        '{"error": "internal"}',
        "curl -s https://voice.example",
        "The body is read before it is validated.",
        "VIOLATED errors.shape (MUST, known: release 4.2)",
        "Not checked: needs --public-url",
        "media.greeting",
        "this machine was too slow",
        "4711",
        "2 violated (1 known), 0 warned, 1 passed, 1 not checked: the target violates the contract (exit code 1).",
    ):
        assert part in report


def test_the_text_report_counts_section_by_section() -> None:
    report = FORMATS["text"](run(finding("create.a"), finding("create.b", Verdict.WARNED), finding("errors.c")))
    assert "        passed  violated  warned  not checked\ncreate       1         .       1            .\n" in report


def test_further_lines_of_a_value_stay_marked_as_its_own() -> None:
    report = FORMATS["text"](run(finding("create.a", Verdict.VIOLATED)))
    assert '  received      500 with\n              | {"error": "internal"}\n' in report
    assert "-d '{}'\n                # the answer's status is 500\n" in report


@pytest.mark.parametrize(
    "judged, sentence",
    [
        (run(finding("a.b")), "the target conforms in all that was checked (exit code 0)."),
        (run(finding("a.b", Verdict.WARNED)), "the target conforms in all that was checked (exit code 0)."),
        (
            run(finding("a.b"), baseline=("old",)),
            "nothing new is wrong, but the baseline is out of date (exit code 1).",
        ),
        (run(), "this run cannot tell whether the target conforms (exit code 2)."),
    ],
)
def test_the_last_sentence_says_what_the_exit_code_means(judged: Run, sentence: str) -> None:
    assert FORMATS["text"](judged).endswith(f"{sentence}\n")


# JSON

# Two surrogates side by side are one character once they went through JSON.
any_text = st.text(st.characters(), max_size=20).map(
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
) | st.sampled_from(HOSTILE)
names = st.from_regex(r"[a-z]{1,5}\.[a-z]{1,5}", fullmatch=True)
seconds = st.floats(0, 1e6)
cases = st.builds(Case, expected=any_text, received=any_text, reproduce=st.lists(any_text, max_size=2).map(tuple))
requirements = st.builds(
    Requirement,
    name=names,
    sentence=any_text,
    source=any_text,
    level=st.sampled_from(Level),
    layer=st.sampled_from(Layer),
    how=any_text,
    why=any_text,
    mend=any_text,
)
any_finding = st.builds(
    Finding,
    requirement=requirements,
    variant=any_text,
    verdict=st.sampled_from(Verdict),
    cases=st.lists(cases, max_size=2).map(tuple),
    cause=any_text,
    reason=any_text,
    took_s=seconds,
    known=any_text,
)
sentences = st.lists(any_text, max_size=2).map(tuple)
any_run = st.builds(
    Run,
    target=any_text,
    profile=any_text,
    seed=st.integers(),
    command=any_text,
    version=any_text,
    started_at=any_text,
    took_s=seconds,
    requests=st.integers(0),
    calls=st.integers(0),
    dials=st.integers(0),
    findings=st.lists(any_finding, max_size=3).map(tuple),
    problems=sentences,
    baseline=sentences,
    notes=sentences,
)


@settings(deadline=None, max_examples=50)
@given(any_run)
def test_a_json_report_reads_back_as_the_same_run(judged: Run) -> None:
    report = json_report.render(judged)
    assert json_report.load(report) == judged
    assert report.isascii()
    Draft202012Validator(SCHEMA).validate(json.loads(report))


@settings(deadline=None, max_examples=50)
@given(any_run)
def test_every_format_holds_any_text(judged: Run) -> None:
    for render in FORMATS.values():
        assert not ACTING.search(render(judged))
    ElementTree.fromstring(FORMATS["junit"](judged).encode())
    terminal(judged)


def test_the_sample_keeps_to_the_published_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads(json_report.render(hostile_run())))
    assert json_report.load(json_report.render(hostile_run())) == hostile_run()


def test_the_schema_knows_every_field_and_the_fields_keep_their_order() -> None:
    report = json.loads(json_report.render(hostile_run()))
    assert list(report) == list(SCHEMA["properties"]) == SCHEMA["required"]
    entry = SCHEMA["$defs"]["finding"]
    assert list(report["findings"][0]) == list(entry["properties"]) == entry["required"]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "not a JSON report"),
        ("[" * 100_000, "not a JSON report"),
        ("[1]", "expected an object with schema_version"),
        ('{"schema_version": 2}', "schema_version is 2, but this version of calls reads 1"),
        ('{"schema_version": 1}', "missing required field `target`"),
        ('{"schema_version": 1, "seed": NaN}', "NaN is not JSON"),
        (b"\xff\xfe\xff", "not a JSON report"),
    ],
)
def test_what_is_no_report_is_refused(text: str | bytes, complaint: str) -> None:
    with pytest.raises(ReportError, match=re.escape(complaint)):
        json_report.load(text)


def test_a_wrong_value_in_a_report_is_named_by_its_path() -> None:
    report = json.loads(json_report.render(hostile_run()))
    report["findings"][1]["verdict"] = "maybe"
    with pytest.raises(ReportError, match=re.escape("$.findings[1].verdict")):
        json_report.load(json.dumps(report))


# JUnit


def test_junit_tells_the_verdicts_apart() -> None:
    root = ElementTree.fromstring(FORMATS["junit"](hostile_run()).encode())
    assert [suite.get("name") for suite in root] == ["create", "errors", "websocket-url", "run"]
    outcomes = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert outcomes["create.required-fields[create]"] == ["failure"]
    assert outcomes["create.status[create]"] == []
    assert outcomes["errors.shape"] == ["skipped", "system-out"]
    assert outcomes["errors.request-id"] == ["system-out"]
    assert outcomes["websocket-url.single-use[twilio]"] == ["skipped"]
    assert (outcomes["problem 1"], outcomes["baseline 1"]) == (["error"], ["failure"])
    totals = [root.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert totals == ["12", "3", "1", "4"]


def test_junit_holds_what_came_as_text() -> None:
    root = ElementTree.fromstring(FORMATS["junit"](hostile_run()).encode())
    failure = root.find(".//failure")
    assert failure is not None and failure.text is not None
    assert "received: <![CDATA[ ]]> --> <!-- ]]>" in failure.text
    assert "\\x1b[31mred" in failure.text
    assert "lone \\ud800" in failure.text


# SARIF


def sarif_run(judged: Run) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(FORMATS["sarif"](judged))
    assert log["version"] == "2.1.0"
    only: dict[str, Any] = log["runs"][0]
    return only


def test_sarif_has_a_rule_for_each_requirement_and_a_result_for_what_is_wrong() -> None:
    told = sarif_run(hostile_run())
    rules = [rule["id"] for rule in told["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)) == 6
    assert [(result["ruleId"], result["level"]) for result in told["results"]] == [
        ("create.required-fields", "error"),
        ("create.required-fields", "error"),
        ("errors.shape", "error"),
        ("errors.request-id", "warning"),
    ]
    assert [rules[result["ruleIndex"]] for result in told["results"]] == [r["ruleId"] for r in told["results"]]
    assert len({result["partialFingerprints"]["primaryLocationLineHash"] for result in told["results"]}) == 4
    assert [len(result.get("suppressions", [])) for result in told["results"]] == [0, 0, 1, 0]


def test_sarif_leads_to_the_line_of_the_contract() -> None:
    result = sarif_run(run(finding("create.a", Verdict.VIOLATED)))["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "openapi/calls.yaml", "uriBaseId": "%SRCROOT%"}
    lines = documents.openapi_text().decode().splitlines()
    line = place["region"]["startLine"]
    assert lines[line - 1].strip().startswith(('"400"', "'400'", "400"))
    assert lines.index("  /calls/create:") < line < lines.index("  /calls/inline:")


@pytest.mark.parametrize("connection_type", documents.connection_types())
def test_sarif_finds_lines_in_the_asyncapi_documents(connection_type: str) -> None:
    file, line = sarif.location(f"asyncapi/{connection_type}.yaml#/components/messages")
    assert file == f"asyncapi/{connection_type}.yaml"
    assert documents.asyncapi_text(connection_type).decode().splitlines()[line - 1].strip() == "messages:"


@pytest.mark.parametrize(
    "source", ["asyncapi/none.yaml#/x", "../../secret#/x", "asyncapi/../x.yaml#/y", "RFC 6455, 5.1", ""]
)
def test_sarif_names_line_1_of_what_it_does_not_know(source: str) -> None:
    assert sarif.location(source) == (source.partition("#")[0], 1)


def test_sarif_messages_hold_no_links_and_are_not_too_long() -> None:
    told = sarif_run(run(finding("a.b", Verdict.VIOLATED, cases=[Case(expected="", received=HOSTILE[7])] * 9)))
    assert "](" not in told["results"][0]["message"]["text"]
    assert "and 6 more" in told["results"][0]["message"]["text"]
    told = sarif_run(hostile_run())
    assert all(len(result["message"]["text"]) < 9000 for result in told["results"])


# GitHub

MARKDOWN = MarkdownIt("commonmark").enable("table")


def test_markdown_from_the_target_stays_text() -> None:
    page = MARKDOWN.render(FORMATS["github"](hostile_run()))
    tags = set(re.findall(r"<(/?[a-zA-Z][a-zA-Z0-9]*)", page))
    allowed = "h2 ul li p code pre strong table thead tbody tr th td details summary b".split()
    assert {tag.lstrip("/") for tag in tags} <= set(allowed)
    assert "href" not in page


@settings(deadline=None, max_examples=50)
@given(any_text)
def test_no_text_leaves_its_fence(text: str) -> None:
    wrong = finding("a.b", Verdict.VIOLATED, cases=(Case(expected=text, received=text, reproduce=(text,)),), cause=text)
    tokens = MARKDOWN.parse(FORMATS["github"](run(wrong)))
    assert len([token for token in tokens if token.type == "fence"]) == 3
    assert tokens[-2].content.endswith("(exit code 1).")


def test_a_summary_that_github_would_drop_is_cut() -> None:
    cases = tuple(Case(expected="x" * 2000, received="\u202e" * 2000) for _ in range(3))
    judged = run(*(finding(f"a.b{number}", Verdict.VIOLATED, cases=cases) for number in range(100)))
    report = FORMATS["github"](judged)
    assert len(report.encode()) < 1024 * 1024
    assert re.search(r"\d+ more do not fit here", report)
    assert "100 violated" in report


# HTML


class Page(HTMLParser):
    """The elements of a page, and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_holds_only_its_own_elements() -> None:
    page = Page(html.render(hostile_run()))
    tags = [tag for tag, _ in page.elements]
    assert (tags.count("script"), tags.count("style")) == (1, 1)
    assert not {"img", "iframe", "link", "object", "embed"} & set(tags)
    attributes = {name for _, attrs in page.elements for name in attrs}
    assert not {name for name in attributes if name.startswith("on")} | ({"src", "style", "action"} & attributes)
    assert [attrs["href"] for _, attrs in page.elements if "href" in attrs] == ["#findings"]
    assert "<script>alert(1)</script>" in page.texts


def test_the_pages_policy_allows_its_own_style_and_script_alone() -> None:
    page = html.render(hostile_run())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None and policy[1].startswith("default-src 'none'; ")
    style, script = (re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("style", "script"))
    assert style is not None and script is not None
    assert f"style-src '{html._hash(style[1])}'" in policy[1]
    assert f"script-src '{html._hash(script[1])}'" in policy[1]
    assert "unsafe" not in policy[1] and "http" not in policy[1]


def test_the_page_has_each_finding_once() -> None:
    page = Page(html.render(hostile_run()))
    identifiers = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    shown = [attrs for _, attrs in page.elements if "data-verdict" in attrs]
    assert len(shown) == len(hostile_run().findings)
    assert {attrs["data-verdict"] for attrs in shown} == {"violated", "warned", "passed", "not-checked"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_colours_have_the_contrast_of_wcag_aa(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", html._asset("page.css"), re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", blocks[0 if scheme == "light" else 1]))
    pairs = [(ink, ground) for ink in ("text", "muted", "link") for ground in ("page", "card", "code")]
    for verdict in ("violated", "warned", "passed", "not-checked"):
        pairs += [(verdict, ground) for ground in ("page", "card", f"{verdict}-soft")]
    pairs += [("text", "warned-soft"), ("text", "not-checked-soft")]
    too_weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in too_weak.items() if ratio < 4.5} == {}


def contrast(first: str, second: str) -> float:
    """The ratio of two colours' luminance (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# Where reports go


@pytest.mark.parametrize("asked", ["xml", "", "JSON", "html2=x"])
def test_an_unknown_format_is_named_with_those_that_there_are(asked: str) -> None:
    with pytest.raises(ReportError, match="there is no report format .*; there is text, json, junit"):
        destination(asked, {})


def test_a_path_must_follow_the_equals_sign() -> None:
    with pytest.raises(ReportError, match="a path is missing"):
        destination("html=", {})


@pytest.mark.parametrize(
    "asked, path",
    [
        ("text", None),
        ("json", None),
        ("github", None),
        ("html", "calls-report.html"),
        ("junit", "calls-report.xml"),
        ("sarif", "calls-report.sarif"),
        ("html=-", None),
        ("json=a=b.json", "a=b.json"),
    ],
)
def test_each_format_has_a_place_to_go(asked: str, path: str | None) -> None:
    assert destination(asked, {}).path == (None if path is None else Path(path))


def test_a_report_is_written_into_a_folder_that_is_made(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "calls.xml"
    written = write(hostile_run(), f"junit={target}", stdout=io.StringIO(), environ={})
    assert written == target
    assert target.read_text("utf-8") == FORMATS["junit"](hostile_run())
    assert [path.name for path in target.parent.iterdir()] == ["calls.xml"]


def test_a_report_replaces_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("x" * 100_000)
    write(run(), f"json={target}", stdout=io.StringIO(), environ={})
    assert json_report.load(target.read_text()) == run()


def test_a_report_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot write the report"):
        write(run(), f"json={tmp_path / 'file' / 'report.json'}", stdout=io.StringIO(), environ={})
    with pytest.raises(ReportError, match="cannot write the report"):
        write(run(), f"json={tmp_path}", stdout=io.StringIO(), environ={})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_github_adds_to_the_summary_of_the_step(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    stdout = io.StringIO()
    write(run(), "github", stdout=stdout, environ={"GITHUB_STEP_SUMMARY": str(summary)})
    assert summary.read_text("utf-8") == "before\n" + FORMATS["github"](run())
    assert stdout.getvalue() == ""
    write(run(), "github", stdout=stdout, environ={})
    assert stdout.getvalue() == FORMATS["github"](run())


def test_standard_output_without_unicode_gets_escapes() -> None:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding="ascii")
    write(replace(run(), target="https://bücher.example"), "text", stdout=stdout, environ={})
    stdout.flush()
    assert b"https://b\\xfccher.example" in raw.getvalue()
