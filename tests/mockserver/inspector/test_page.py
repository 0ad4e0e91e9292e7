"""The inspector's page in a real browser: what it shows of requests and calls, and what can be done with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from websockets.sync.client import ClientConnection, connect

from mockserver.testing import RunningMock, running_mock
from tests.browser import BrowserPage, Scheme
from tests.running import INLINE, VALID_KEY

AXE = Path(__file__).parents[3] / "node_modules/axe-core/axe.min.js"
PCM16K = {"inputSampleRate": 16000, "outputSampleRate": 16000}
FRAME = b"\x00\x20\x00\xe0" * 160
"""20 ms of a tone at 8 kHz, as loud as speech."""


@pytest.fixture(scope="module")
def started() -> Iterator[RunningMock]:
    with running_mock(rate_limit_per_hour=0) as mock:
        yield mock


@pytest.fixture
def mock(started: RunningMock) -> RunningMock:
    """A mock that remembers nothing yet."""
    started.reset()
    return started


@pytest.fixture
def inspector(mock: RunningMock, browser_page: BrowserPage) -> Iterator[BrowserPage]:
    """The page; at the end nothing must have broken its policy or gone wrong in it, and nothing come from elsewhere."""
    browser_page.open(mock.base_url + "/", width=1440)
    expect(browser_page.page.locator(".link")).to_have_text("live")
    yield browser_page
    assert browser_page.complaints == []
    own = (mock.base_url, f"blob:{mock.base_url}", "data:", mock.base_url.replace("http", "ws"))
    assert [url for url in browser_page.requests if not url.startswith(own)] == []


def post(mock: RunningMock, operation: str, body: dict[str, Any], key: str = VALID_KEY["X-API-Key"]) -> httpx.Response:
    url = f"{mock.base_url}/api/v1/calls/{operation}"
    return httpx.post(url, json=body, headers={"X-API-Key": key}, trust_env=False)


@contextmanager
def dialled(mock: RunningMock, **more: Any) -> Iterator[tuple[str, ClientConnection]]:
    """A call in progress: its id and its socket."""
    body = {**INLINE, "connectionType": "websocket", "websocket": PCM16K, **more}
    call = post(mock, "inline", body).json()
    with connect(call["websocketUrl"], proxy=None, max_queue=None) as socket:
        yield call["id"], socket


def rows(page: Page, label: str) -> Locator:
    return page.get_by_role("listbox", name=label).get_by_role("option")


# Requests


def test_a_refused_request_shows_the_rule_it_broke_and_its_line_in_the_contract(
    mock: RunningMock, inspector: BrowserPage
) -> None:
    page = inspector.page
    body = {**INLINE, "connectionType": "websocket", "websocket": {**PCM16K, "inputSampleRate": 96000}}
    post(mock, "inline", body, key="ck_mock_valid")
    rows(page, "Requests and calls").first.click()
    expect(page.locator(".shown .verdict").first).to_contain_text("Refused with 400 VALIDATION_ERROR")
    rule = page.locator(".rule")
    for text in ("websocket.inputSampleRate", "maximum", "96000"):
        expect(rule).to_contain_text(text)
    line = mock.requests()[0].closest_rule
    assert line is not None
    expect(rule.locator(".this")).to_have_text(f"{line.line}          maximum: 48000")
    curl = page.locator(".copyable pre").inner_text()
    assert curl.startswith(f"curl -s '{mock.base_url}/api/v1/calls/inline' -H \"X-API-Key: $CALLS_API_KEY\"")
    assert "ck_mock_valid" not in page.locator(".shown").inner_text()


def test_requests_and_calls_come_live_the_newest_first_and_can_be_filtered(
    mock: RunningMock, inspector: BrowserPage
) -> None:
    page = inspector.page
    listed = rows(page, "Requests and calls")
    expect(page.get_by_text("Nothing yet")).to_be_visible()
    post(mock, "create", {"agentId": "nobody"})
    expect(listed).to_have_count(1)
    post(mock, "create", {"agentId": "agent_demo", "connectionType": "telnyx"})
    expect(listed).to_have_count(3)
    expect(listed.nth(0)).to_contain_text("telnyx")
    expect(listed.nth(1)).to_contain_text("201")
    expect(listed.nth(2)).to_contain_text("404")
    page.get_by_label("Filter requests and calls").fill("404 NOBODY")
    expect(listed).to_have_count(1)
    page.get_by_label("Filter requests and calls").fill("")
    page.get_by_role("button", name="Calls", exact=True).click()
    expect(listed).to_have_count(1)
    page.get_by_role("link", name="Mock", exact=True).click()
    page.get_by_role("button", name="Reset:").click()
    expect(page.get_by_text("Nothing yet")).to_be_visible()


def test_what_is_looked_at_in_the_list_stays_where_it_is_while_requests_come(
    mock: RunningMock, inspector: BrowserPage
) -> None:
    page = inspector.page
    for _ in range(20):
        post(mock, "create", {"agentId": "nobody"})
    listed = page.get_by_role("listbox", name="Requests and calls")
    expect(listed.get_by_role("option").first).to_have_attribute("aria-setsize", "20")
    listed.evaluate("box => { box.scrollTop = 120; }")
    post(mock, "create", {"agentId": "nobody"})
    expect(listed.get_by_role("option").first).to_have_attribute("aria-setsize", "21")
    assert listed.evaluate("box => box.scrollTop") == 120 + 52


# Calls


def test_a_call_grows_as_it_is_talked_and_says_why_it_ended(mock: RunningMock, inspector: BrowserPage) -> None:
    page = inspector.page
    with dialled(mock, greeting="Welcome to the bicycle shop") as (call_id, socket):
        rows(page, "Requests and calls").filter(has_text="in progress").click()
        shown = page.locator(".shown")
        expect(shown.locator("h2")).to_contain_text("websocket call")
        expect(shown.get_by_label("Transcript")).to_contain_text("Welcome to the bicycle shop")
        page.get_by_label("Have the agent say…").fill("Your bicycle is ready")
        page.get_by_role("button", name="Say", exact=True).click()
        expect(shown.get_by_label("Transcript")).to_contain_text("Your bicycle is ready")
        page.get_by_label("Press keys, e.g. 42#").fill("42#")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Digit 3")).to_be_visible()
        socket.send('{"type": "no such message"}')
        expect(rows(page, "Messages").filter(has_text="NotAllowed")).to_have_count(1)
        shown.get_by_role("button", name="Hang up").click()
        expect(shown.locator(".verdict")).to_have_text("Ended by the agent: hung up through the control API (1000).")
    rows(page, "Messages").filter(has_text="Digit").first.click()
    expect(page.get_by_label("The chosen message")).to_contain_text('"digit": "4"')
    assert mock.call(call_id).state == "ended"


def test_the_waves_of_both_sides_are_drawn_and_can_be_played_and_kept(
    mock: RunningMock, inspector: BrowserPage
) -> None:
    page = inspector.page
    with dialled(mock) as (call_id, socket):
        for _ in range(25):
            socket.send(FRAME)
        page.goto(f"{mock.base_url}/#call/{call_id}")
        canvas = page.get_by_role("img", name="Waves of caller and agent")
        expect(canvas).to_be_visible()
        for lane in (0, 1):
            page.wait_for_function(_HAS_WAVES, arg=lane)
        page.get_by_role("button", name="Play").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        expect(page.get_by_role("slider")).not_to_have_value("0")
        with page.expect_download() as kept:
            page.get_by_role("button", name="WAV").click()
    assert kept.value.suggested_filename == f"{call_id}.wav"
    assert kept.value.path().read_bytes()[:4] == b"RIFF"


def test_what_is_listened_to_is_not_exchanged_by_an_answer_on_its_way(
    mock: RunningMock, inspector: BrowserPage
) -> None:
    page = inspector.page
    held: list[Route] = []
    with dialled(mock) as (call_id, socket):
        for _ in range(100):
            socket.send(FRAME)
        page.goto(f"{mock.base_url}/#call/{call_id}")
        for lane in (0, 1):
            page.wait_for_function(_HAS_WAVES, arg=lane)
        page.route("**/audio", lambda route: held.append(route))
        with page.expect_request("**/audio"):
            socket.send(FRAME)
        page.get_by_role("button", name="Play").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        with page.expect_response("**/audio"):
            held.pop().continue_()
        page.wait_for_function("() => document.querySelector('audio').ended")
        expect(page.get_by_role("button", name="Play")).to_be_visible()


_HAS_WAVES = """(lane) => {
  const shown = document.querySelector("canvas");
  if (!shown?.width) return false;
  // A canvas that is read would be drawn in another way from then on.
  const canvas = new OffscreenCanvas(shown.width, shown.height);
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(shown, 0, 0);
  const height = Math.floor(canvas.height / 2) - 8;
  const pixels = canvas.getContext("2d").getImageData(0, lane * canvas.height / 2 + 2, canvas.width, height).data;
  const drawn = new Set();
  for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3]) drawn.add(Math.floor(at / 4 / canvas.width));
  return drawn.size > 8;
}"""
"""Whether a lane has more than its middle line."""


def test_ten_thousand_messages_are_a_hundred_rows_in_the_page(mock: RunningMock, inspector: BrowserPage) -> None:
    page = inspector.page
    with dialled(mock) as (call_id, socket):
        for _ in range(10_000):
            socket.send(b"\x00\x00")
        socket.ping().wait(20)
        mock.hang_up(call_id)
    count = mock.wait_for(call_id, "ended").events
    page.goto(f"{mock.base_url}/#call/{call_id}")
    page.get_by_role("button", name="Audio 10,").click()
    messages = page.get_by_role("listbox", name="Messages")
    expect(messages.get_by_role("option").first).to_have_attribute("aria-setsize", str(count))
    assert messages.get_by_role("option").count() < 100
    messages.focus()
    page.keyboard.press("End")
    last = messages.locator(f"[aria-posinset='{count}']")
    expect(last).to_have_attribute("aria-selected", "true")
    expect(last).to_be_in_viewport()
    assert messages.get_by_role("option").count() < 100
    assert page.evaluate(_SCROLLS_THROUGH) == []


_SCROLLS_THROUGH = """async () => {
  const box = document.querySelector(".timeline .rows");
  const frame = () => new Promise(requestAnimationFrame);
  const empty = [];
  for (let part = 0; part <= 20; part++) {
    box.scrollTop = box.scrollHeight * part / 20;
    await frame();
    await frame();
    const { left, top, bottom } = box.getBoundingClientRect();
    if (!document.elementFromPoint(left + 20, (top + bottom) / 2)?.closest(".row")) empty.push(part);
  }
  return empty;
}"""
"""The parts of the way at which there is no row in the middle, two frames after it was scrolled to."""


# Scenarios


def test_the_next_request_goes_as_the_page_says(mock: RunningMock, inspector: BrowserPage) -> None:
    page = inspector.page
    page.get_by_role("link", name="Mock", exact=True).click()
    page.get_by_role("button", name="Next: unavailable").click()
    expect(page.locator(".ordered")).to_contain_text("Ordered: unavailable")
    assert post(mock, "create", {"agentId": "agent_demo"}).status_code == 503
    expect(page.locator(".ordered")).to_have_count(0)
    assert post(mock, "create", {"agentId": "agent_demo"}).status_code == 201
    page.get_by_label("All other requests").select_option("rate_limited")
    expect(page.get_by_label("All other requests")).to_have_value("rate_limited")
    assert post(mock, "create", {"agentId": "agent_demo"}).status_code == 429
    page.get_by_label("All other requests").select_option("ok")
    expect(page.get_by_label("All other requests")).to_have_value("ok")
    assert post(mock, "create", {"agentId": "agent_demo"}).status_code == 201


# How it is used, and looks


def test_it_can_be_used_without_a_mouse(mock: RunningMock, inspector: BrowserPage) -> None:
    page = inspector.page
    for agent in ("agent_demo", "nobody"):
        post(mock, "create", {"agentId": agent})
    listed = page.get_by_role("listbox", name="Requests and calls")
    expect(listed.get_by_role("option")).to_have_count(3)
    inspector.tab_to(listed)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".shown h2")).to_contain_text("404")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".shown h2")).to_contain_text("twilio call")
    assert listed.get_attribute("aria-activedescendant") == listed.locator("[aria-selected=true]").get_attribute("id")
    page.keyboard.press("End")
    expect(page.locator(".shown h2")).to_contain_text("201")
    page.go_back()
    expect(page.locator(".shown h2")).to_contain_text("twilio call")
    inspector.tab_to(page.get_by_role("button", name="Call", exact=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_legible_on_every_window_and_says_to_every_reader_what_it_is(
    mock: RunningMock, inspector: BrowserPage, scheme: Scheme
) -> None:
    if not AXE.exists():
        if os.environ.get("CI"):
            pytest.fail("axe-core is missing in CI: npm ci")
        pytest.skip("accessibility is not checked: axe-core is not installed")
    page = inspector.page
    post(mock, "inline", {**INLINE, "connectionType": "websocket"})
    with dialled(mock) as (call_id, _):
        refused = mock.requests()[0].id
        for width in (360, 1440):
            inspector.open(mock.base_url + "/", width=width, scheme=scheme)
            page.evaluate(AXE.read_text("utf-8"))
            for place in ("list", f"request/{refused}", f"call/{call_id}", "phone", "mock"):
                page.evaluate("place => { location.hash = place; }", place)
                expect(page.locator(".shown h2" if "/" in place else "header h1").first).to_be_visible()
                found = page.evaluate("async () => (await axe.run()).violations.map(v => [v.id, v.nodes[0].html])")
                assert found == [], (width, place)
                assert inspector.sticking_out() == [], (width, place)
    assert min(inspector.contrasts().values()) >= 4.5


def test_the_contract_is_shown(mock: RunningMock, browser_page: BrowserPage) -> None:
    page = browser_page.open(mock.base_url + "/docs")
    expect(page.get_by_text("A call in three steps")).to_be_visible()
    expect(page.get_by_text("/calls/inline").first).to_be_visible()
    expect(page.get_by_role("link", name="telnyx")).to_have_attribute("href", f"{mock.base_url}/asyncapi/telnyx.yaml")
    assert browser_page.complaints == []
    assert [url for url in browser_page.requests if not url.startswith((mock.base_url, "data:"))] == []


def test_beyond_loopback_the_page_asks_for_the_token(browser_page: BrowserPage) -> None:
    with running_mock(public_url="https://tunnel.example/mock") as mock:
        page = browser_page.open(mock.local_url + "/")
        page.get_by_label("Token").fill("not the token")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Control token")).to_be_visible()
        expect(page.locator("[role=status]").last).to_contain_text("token")
        page.get_by_label("Token").fill(mock.token)
        page.keyboard.press("Enter")
        expect(page.locator(".link")).to_have_text("live")
        page.reload()
        expect(page.locator(".link")).to_have_text("live")
        assert page.context.cookies(mock.local_url) == []


def test_a_mock_that_is_started_anew_is_followed_without_a_word(browser_page: BrowserPage) -> None:
    with running_mock() as first:
        post(first, "create", {"agentId": "nobody"})
        page = browser_page.open(first.base_url + "/", width=1440)
        expect(rows(page, "Requests and calls")).to_have_count(1)
        port = int(first.base_url.rpartition(":")[2])
    with running_mock(port=port) as second:
        expect(page.get_by_text("Nothing yet")).to_be_visible()
        post(second, "create", {"agentId": "agent_demo"})
        expect(rows(page, "Requests and calls")).to_have_count(2)
