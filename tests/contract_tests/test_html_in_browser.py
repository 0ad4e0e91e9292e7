from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from contract_tests.findings import Case, Finding, Run, Verdict
from contract_tests.reports import write
from contract_tests.reports.html_finding import anchor
from contract_tests.reports.inert import in_a_line, visible
from tests.browser import BrowserPage, Scheme
from tests.contract_tests.sample import HOSTILE, finding, hostile_run, requirement
from tests.contract_tests.sample import run as sample_run

LONG = "x" * 5000

ON_EVERY_SCREEN = pytest.mark.parametrize("width", [360, 1280])
IN_EVERY_SCHEME = pytest.mark.parametrize("scheme", ["light", "dark"])

WHAT_IS_TO_BE_READ = {
    "h1.outcome.violated", "span.sign", "p.kind", "b", "dt", "dd", "li", "h2", "h3", "h4", "th", "td.number.violated",
    "td.number.none", "span.badge.violated", "span.badge.warned", "span.badge.passed", "span.badge.not-checked",
    "span.sentence", "p.label", "code", "label", "select", "input::placeholder", "button", "button.copy", "output", "p",
}  # fmt: skip
"""The kinds of text of which the report consists."""


def long_run() -> Run:
    """The hostile run, with a text without a space wherever one can come from outside."""
    wordless = requirement("tools.result", sentence=f"A sentence {LONG}", source=LONG, how=LONG, why=LONG, mend=LONG)
    case = Case(expected=LONG, received=LONG, reproduce=(f"curl -s https://voice.example/{LONG}",))
    hostile = hostile_run()
    return replace(
        hostile,
        target=f"https://voice.example/{LONG}",
        command=f"calls verify https://voice.example/{LONG}",
        notes=(*hostile.notes, LONG),
        findings=(
            *hostile.findings,
            finding("tools.result", Verdict.VIOLATED, LONG[:500], requirement=wordless, cases=(case,), cause=LONG),
            finding("tools.result", Verdict.NOT_CHECKED, "telnyx", requirement=wordless, reason=LONG),
        ),
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the hostile run, as it is written for somebody to open."""
    return written(hostile_run(), tmp_path_factory.mktemp("report"))


def written(judged: Run, folder: Path) -> Path:
    path = folder / "calls-report.html"
    assert write(judged, f"html={path}", stdout=io.StringIO(), environ={}) == path
    return path


def shown(page: Page) -> set[str]:
    """The ids of the findings that are to be seen."""
    ids: list[str] = page.locator(".finding:visible").evaluate_all("found => found.map((each) => each.id)")
    return set(ids)


def anchors(*verdicts: Verdict) -> set[str]:
    return {anchor(each) for each in hostile_run().findings if each.verdict in verdicts}


def element(finding: Finding) -> str:
    return f'[id="{anchor(finding)}"]'


# What it does to whoever opens it


def test_the_page_loads_nothing_but_itself_and_nothing_complains(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    page.get_by_role("button", name="Unfold all").click()
    page.get_by_role("searchbox", name="Text").fill("alert")
    page.mouse.wheel(0, 20_000)
    page.wait_for_load_state("networkidle")
    assert browser_page.requests == [report.as_uri()]
    assert browser_page.complaints == []


def test_hostile_text_is_shown_as_it_stands_and_does_nothing(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    received = page.locator(".case .sides > div:last-child code").all_inner_texts()
    assert [visible(text).strip("\n") for text in HOSTILE] == [text.strip("\n") for text in received[: len(HOSTILE)]]
    for title in ("Likely cause", "Problems of the run", "Notes", "The baseline is out of date"):
        around = page.get_by_text(title, exact=True).first.locator("..")
        assert " ".join(in_a_line(" ".join(HOSTILE[:-1])).split()) in " ".join(around.inner_text().split())
    assert page.title() == "the target violates the contract: https://voice.example/api/v1"
    assert page.locator("script, style, base, img, meta[http-equiv=refresh]").evaluate_all(
        "found => found.map((each) => each.localName)"
    ) == [
        "style",
        "script",
    ]
    assert browser_page.complaints == []


@pytest.mark.parametrize(
    "broken, complaint",
    [
        ("<script>alert(1)</script>", "script-src"),
        ("<img src=x onerror=alert(1)>", "img-src"),
        ("<img src=http://evil.example/x.png>", "img-src"),
        ("<p style='color: red'>", "style-src"),
        ("<iframe src=/></iframe>", "frame-src"),
    ],
)
def test_markup_that_came_through_would_still_be_stopped(
    browser_page: BrowserPage, report: Path, tmp_path: Path, broken: str, complaint: str
) -> None:
    page = tmp_path / "broken.html"
    page.write_text(report.read_text("utf-8").replace("</header>", f"{broken}</header>"), "utf-8")
    browser_page.open(page)
    assert complaint in " ".join(browser_page.complaints)
    assert "dialog" not in " ".join(browser_page.complaints)


# What there is to read


def test_what_is_wrong_can_be_read_without_a_click(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    new = [each for each in hostile_run().findings if each.verdict is Verdict.VIOLATED and not each.known]
    assert len(new) == 2
    for each in new:
        assert_all_is_readable(page, each)


@pytest.mark.parametrize("name", ["errors.shape", "errors.request-id"])
def test_what_is_known_or_only_a_warning_can_be_read_after_one(
    browser_page: BrowserPage, report: Path, name: str
) -> None:
    page = browser_page.open(report)
    (wanted,) = (each for each in hostile_run().findings if each.name == name)
    expect(page.locator(element(wanted)).get_by_text(wanted.requirement.sentence)).to_be_visible()
    expect(page.locator(element(wanted)).get_by_text("Expected").first).to_be_hidden()
    page.locator(element(wanted)).locator("summary").click()
    assert_all_is_readable(page, wanted)


def assert_all_is_readable(page: Page, wanted: Finding) -> None:
    at = page.locator(element(wanted))
    told = (wanted.requirement.sentence, wanted.requirement.mend, wanted.requirement.source, wanted.requirement.why)
    for text in told:
        expect(at.get_by_text(text, exact=True)).to_be_visible()
    expect(at.locator(".case")).to_have_count(len(wanted.cases))
    for number, case in enumerate(wanted.cases):
        for label, text in (
            ("Expected", case.expected),
            ("Received", case.received),
            ("Reproduce", "\n".join(case.reproduce)),
        ):
            block = at.locator(".case").nth(number).locator(".sides > div, .reproduce").filter(has_text=label).first
            assert block.locator("pre").inner_text().strip("\n") == visible(text).strip("\n")
            box = block.locator("pre").bounding_box()
            assert box is not None and box["width"] > 200 and box["height"] > 20
            assert block.locator("code").evaluate("code => parseFloat(getComputedStyle(code).fontSize)") >= 12


def test_every_reason_for_not_checking_is_open_and_names_what_it_holds_back(
    browser_page: BrowserPage, report: Path
) -> None:
    page = browser_page.open(report)
    group = page.locator(".reason").filter(has_text="needs --public-url")
    expect(group.locator("li:visible code")).to_have_text(
        ["websocket-url.single-use[twilio]", "websocket-url.single-use[telnyx]"]
    )


def test_a_link_to_a_finding_unfolds_it_and_leaves_it_in_sight(browser_page: BrowserPage, report: Path) -> None:
    wanted = finding("errors.media-type")
    page = browser_page.open(f"{report.as_uri()}#{anchor(wanted)}")
    expect(page.locator(element(wanted)).get_by_text(wanted.requirement.how)).to_be_visible()
    expect(page.locator(element(wanted))).to_be_in_viewport()
    assert not is_under_the_controls(page, element(wanted))


def is_under_the_controls(page: Page, selector: str) -> bool:
    element, controls = page.locator(selector).bounding_box(), page.locator("#controls").bounding_box()
    assert element is not None and controls is not None
    return element["y"] < controls["y"] + controls["height"]


def test_without_its_script_the_page_shows_all_and_offers_no_filter(
    chromium: BrowserContext, browser_page: BrowserPage, report: Path
) -> None:
    chromium.new_cdp_session(browser_page.page).send("Emulation.setScriptExecutionDisabled", {"value": True})
    page = browser_page.open(report)
    assert shown(page) == anchors(*Verdict)
    expect(page.get_by_role("search")).to_be_hidden()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    assert_all_is_readable(page, hostile_run().findings[1])


def test_a_run_that_found_nothing_shows_why_and_no_empty_table(browser_page: BrowserPage, tmp_path: Path) -> None:
    page = browser_page.open(written(sample_run(problems=("the target does not answer",)), tmp_path))
    expect(page.get_by_role("heading", level=1)).to_contain_text("This run cannot tell whether the target conforms")
    expect(page.get_by_text("the target does not answer")).to_be_visible()
    expect(page.get_by_role("table")).to_have_count(0)
    expect(page.get_by_role("search")).to_be_hidden()
    assert browser_page.complaints == []


# The filter


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_can_be_hidden_and_shown_again(browser_page: BrowserPage, report: Path, verdict: Verdict) -> None:
    page = browser_page.open(report)
    box = page.get_by_role("checkbox", name=verdict.value)
    title = page.get_by_role("heading", level=2, name=verdict.value.capitalize(), exact=True)
    hidden = anchors(verdict)
    box.uncheck()
    assert shown(page) == anchors(*Verdict) - hidden
    expect(title).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text(f"{10 - len(hidden)} of 10 findings")
    box.check()
    assert shown(page) == anchors(*Verdict)
    expect(title).to_be_visible()


def test_one_section_can_be_looked_at_alone(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    page.get_by_role("combobox", name="Section").select_option("errors")
    assert shown(page) == {"errors.shape", "errors.request-id", "errors.media-type"}
    page.get_by_role("checkbox", name="warned").uncheck()
    assert shown(page) == {"errors.shape", "errors.media-type"}
    page.get_by_role("combobox", name="Section").select_option("all")
    assert shown(page) == anchors(*Verdict) - {"errors.request-id"}


@pytest.mark.parametrize(
    "words, found",
    [
        ("REQUEST-ID", {"errors.request-id"}),
        ("required twilio", set()),
        ("once twilio", {"websocket-url.single-use%5Btwilio%5D"}),
        ("<script>alert(1)", {"create.required-fields%5Bcreate%5D", "errors.shape", "errors.request-id"}),
        ("</style>", {"create.required-fields%5Bcreate%5D", "errors.shape", "errors.request-id"}),
        (LONG, {"create.required-fields%5Bcreate%5D"}),
        ("nothing says this", set()),
    ],
)
def test_words_are_looked_for_in_all_that_a_finding_says(
    browser_page: BrowserPage, report: Path, words: str, found: set[str]
) -> None:
    page = browser_page.open(report)
    page.get_by_role("searchbox", name="Text").fill(words)
    assert shown(page) == found
    expect(page.get_by_role("status")).to_have_text(f"{len(found)} of 10 findings")
    page.get_by_role("searchbox", name="Text").fill("")
    assert shown(page) == anchors(*Verdict)


def test_findings_are_unfolded_and_folded_together(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    page.get_by_role("button", name="Unfold all").click()
    expect(page.locator("details.finding:not([open])")).to_have_count(0)
    page.get_by_role("button", name="Fold all", exact=True).click()
    expect(page.locator("details.finding[open]")).to_have_count(0)


def test_copy_puts_the_reproduction_on_the_clipboard(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    at = page.locator('[id="create.required-fields%5Binline%5D"]')
    at.get_by_role("button", name="Copy").click()
    expect(at.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_role("searchbox", name="Text").press("ControlOrMeta+v")
    # A field of one line turns line feeds into spaces.
    expect(page.get_by_role("searchbox", name="Text")).to_have_value(
        at.locator(".reproduce code").inner_text().replace("\n", " ")
    )
    assert browser_page.complaints == []


# Without a mouse


def test_the_keyboard_works_the_filter(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    box = page.get_by_role("checkbox", name="violated")
    browser_page.tab_to(box)
    assert_focus_shows(page)
    page.keyboard.press("Space")
    assert shown(page) == anchors(*Verdict) - anchors(Verdict.VIOLATED)
    page.keyboard.press("Space")
    browser_page.tab_to(page.get_by_role("combobox", name="Section"))
    assert_focus_shows(page)
    page.keyboard.type("err")
    assert shown(page) == {"errors.shape", "errors.request-id", "errors.media-type"}
    browser_page.tab_to(page.get_by_role("searchbox", name="Text"))
    assert_focus_shows(page)
    page.keyboard.type("request-id")
    assert shown(page) == {"errors.request-id"}
    page.keyboard.press("Enter")
    assert shown(page) == {"errors.request-id"}
    browser_page.tab_to(page.get_by_role("button", name="Unfold all"))
    assert_focus_shows(page)
    page.keyboard.press("Enter")
    expect(page.locator('[id="errors.request-id"]').get_by_text("Expected").first).to_be_visible()


def test_the_keyboard_opens_a_finding_and_scrolls_what_is_long(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    known = page.locator('[id="errors.shape"]')
    browser_page.tab_to(known.locator("summary"))
    assert_focus_shows(page)
    page.keyboard.press("Enter")
    expect(known.get_by_text("Expected")).to_be_visible()
    page.keyboard.press("Space")
    expect(known.get_by_text("Expected")).to_be_hidden()
    page.keyboard.press("Control+Home")
    long = page.get_by_role("region", name="received").first
    page.locator("body").evaluate("() => document.activeElement.blur()")
    browser_page.tab_to(long)
    assert_focus_shows(page)
    page.keyboard.press("End")
    page.wait_for_function("pre => pre.scrollTop > 0", arg=long.element_handle())


def test_the_first_tab_leads_past_everything_to_the_findings(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the findings")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#findings h2").first).to_be_in_viewport()
    assert not is_under_the_controls(page, "#findings h2 >> nth=0")
    page.keyboard.press("Tab")
    expect(page.locator("#findings summary").first).to_be_focused()


def test_what_has_the_focus_never_lies_under_the_controls(browser_page: BrowserPage, report: Path) -> None:
    page = browser_page.open(report)
    page.get_by_role("button", name="Fold all", exact=True).click()
    page.keyboard.press("End")
    # The key scrolls smoothly, and would go on under what has the focus.
    page.wait_for_function("() => scrollY > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 1")
    page.locator("#findings summary").last.focus()
    for _ in range(page.locator("#findings summary").count() - 1):
        page.keyboard.press("Shift+Tab")
        assert not is_under_the_controls(page, "summary:focus")


def assert_focus_shows(page: Page) -> None:
    outline = page.evaluate(
        "(({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
    )
    assert outline == ["solid", "3px"]


# On every screen


@ON_EVERY_SCREEN
def test_the_page_never_scrolls_sideways(browser_page: BrowserPage, tmp_path: Path, width: int) -> None:
    page = browser_page.open(written(long_run(), tmp_path), width=width)
    page.get_by_role("button", name="Unfold all").click()
    assert browser_page.sticking_out() == []
    table = page.get_by_role("region", name="Sections")
    assert table.evaluate("region => region.scrollWidth <= region.clientWidth")


@IN_EVERY_SCHEME
@ON_EVERY_SCREEN
def test_every_text_stands_out_from_its_ground(
    browser_page: BrowserPage, report: Path, scheme: Scheme, width: int
) -> None:
    page = browser_page.open(report, width=width, scheme=scheme)
    page.get_by_role("button", name="Unfold all").click()
    contrasts = browser_page.contrasts()
    assert WHAT_IS_TO_BE_READ - set(contrasts) == set()
    assert {kind: contrast for kind, contrast in contrasts.items() if contrast < 4.5} == {}


def test_the_page_follows_the_readers_scheme(browser_page: BrowserPage, report: Path) -> None:
    brightness = "Number(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0])"
    assert browser_page.open(report, scheme="light").evaluate(brightness) > 200
    assert browser_page.open(report, scheme="dark").evaluate(brightness) < 50
