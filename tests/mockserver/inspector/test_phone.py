"""The phone in the inspector's page, in a real browser whose microphone hears a tone over and over."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from contract.audio import Encoding, decode
from mockserver.testing import RunningMock, running_mock
from tests.browser import PATIENCE_MS, BrowserPage, running_chromium
from tests.clients.browser_example import HEAR_WHAT_IS_PLAYED, RATE_HZ, TONE_HZ, Line, tone_ms, write_tone
from tests.clients.webrtc_page import heard_tone_ms as heard_in_room_ms

LEAST_TONE_MS = 40
"""Of any tone that the mock takes for speech; on a busy machine the call may begin when the tone is nearly over."""


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock() as started:
        yield started


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone hears, and what the caller says from a file."""
    path = tmp_path_factory.mktemp("voice") / "tone.wav"
    write_tone(path)
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory, tone: Path) -> Iterator[BrowserContext]:
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with running_chromium(
        tmp_path_factory.mktemp("profile"), *fake, f"--use-file-for-fake-audio-capture={tone}"
    ) as context:
        yield context


@pytest.fixture
def phone(mock: RunningMock, browser_page: BrowserPage) -> Iterator[BrowserPage]:
    browser_page.page.add_init_script(HEAR_WHAT_IS_PLAYED)
    browser_page.open(mock.base_url + "/", width=1440)
    expect(browser_page.page.locator(".link")).to_have_text("live")
    yield browser_page
    assert browser_page.complaints == []


def call(page: Page) -> None:
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator(".talk .state")).to_contain_text("Talking")


def call_id_of(page: Page) -> str:
    address = page.get_by_role("link", name="Every message of this call").get_attribute("href")
    assert address is not None
    return address.rpartition("/")[2]


def test_what_the_microphone_hears_comes_back_and_is_played(mock: RunningMock, phone: BrowserPage) -> None:
    page, line = phone.page, Line()
    line.listen(page)
    page.get_by_label("Greeting").fill("")
    call(page)
    page.wait_for_function(f"() => Math.abs(window.loudestHz?.() - {TONE_HZ}) < 50")
    assert {len(frame) for frame in line.spoken} == {640}
    assert tone_ms(line.spoken) >= LEAST_TONE_MS
    assert tone_ms(line.heard) >= LEAST_TONE_MS
    call_id = call_id_of(page)
    expect(page.locator(".shown h2")).to_contain_text("websocket call")
    expect(page.locator(".phone").get_by_label("Transcript")).to_contain_text("caller spoke for")
    page.get_by_label("Type to the agent").fill("is anybody there")
    page.keyboard.press("Enter")
    expect(page.locator(".phone .transcript li.caller", has_text="is anybody there")).to_contain_text("typed")
    expect(page.locator(".phone .transcript li.agent", has_text="is anybody there")).to_have_count(1)
    page.locator(".phone").get_by_role("button", name="Hang up").click()
    expect(page.locator(".talk .state")).to_have_text("Over: you hung up.")
    ended = mock.wait_for(call_id, "ended")
    assert ended.ending is not None and ended.ending.by == "caller"
    expect(page.locator(".shown .verdict")).to_contain_text("Ended by the caller")


def test_a_file_is_said_as_each_carrier_does_and_its_rules_are_kept(
    mock: RunningMock, tone: Path, phone: BrowserPage
) -> None:
    pages = {kind: phone.page.context.new_page() for kind in ("twilio", "telnyx", "plivo")}
    called = {}
    for kind, page in pages.items():
        page.bring_to_front()
        BrowserPage(page).open(mock.base_url + "/#phone", width=1000)
        page.get_by_label("Connection type").select_option(kind)
        page.get_by_label("File to say").set_input_files(tone)
        page.get_by_label("Greeting").fill("Hi")
        call(page)
        called[kind] = call_id_of(page)
    for kind, page in pages.items():
        # A page behind others is drawn once a second, and a click waits for it to stand still.
        page.bring_to_front()
        expect(page.get_by_label("Transcript")).to_contain_text("repeats what")
        # The mark behind the answer comes back when the answer was heard.
        until_caller_said(mock, called[kind], "Mark", 2)
        page.get_by_role("group", name="Keys").get_by_role("button", name="#").click()
        until_caller_said(mock, called[kind], "Digit", 1)
        page.get_by_role("button", name="Hang up").click()
        expect(page.locator(".talk .state")).to_have_text("Over: you hung up.")
        mock.wait_for(called[kind], "ended")
        kinds = caller_kinds(mock, called[kind])
        assert "NotAllowed" not in kinds, kind
        assert kinds[0] == ("Started" if kind == "plivo" else "Connected")
        assert ("Stopped" in kinds) is (kind != "plivo")
        assert heard_tone_ms(mock.audio(called[kind], "agent")) > 500, kind
        page.close()


def caller_kinds(mock: RunningMock, call_id: str) -> list[str]:
    return [event.kind for event in mock.events(call_id) if event.side == "caller"]


def until_caller_said(mock: RunningMock, call_id: str, kind: str, times: int) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while caller_kinds(mock, call_id).count(kind) < times:
        assert time.monotonic() < deadline, f"{kind} did not come"
        time.sleep(0.05)


def heard_tone_ms(wav: bytes) -> int:
    """For how long the tone is heard in a WAV file at 8000 Hz."""
    samples = decode(wav[44:], Encoding.PCM16)
    return tone_ms([samples.repeat(RATE_HZ // 8000).tobytes()])


def test_plivo_s_agent_is_told_that_what_it_withdrew_is_gone(mock: RunningMock, tone: Path, phone: BrowserPage) -> None:
    page = phone.page
    page.get_by_label("Connection type").select_option("plivo")
    page.get_by_label("File to say").set_input_files(tone)
    page.get_by_label("Greeting").fill("Hi")
    call(page)
    call_id = call_id_of(page)
    for _ in range(3):
        mock.speak(call_id, "A long story that nobody wants to hear to its end, and so it is interrupted")
    page.get_by_role("button", name="Say the file again").click()
    clears = page.get_by_role("option").filter(has_text="Cleared")
    expect(clears.first).to_be_attached()
    page.locator(".phone").get_by_role("button", name="Hang up").click()


def test_client_tools_are_answered_by_hand(mock: RunningMock, tone: Path, phone: BrowserPage) -> None:
    page = phone.page
    page.get_by_label("a sound file").check()
    page.get_by_label("File to say").set_input_files(tone)
    page.get_by_label("Greeting").fill("")
    page.get_by_text("Client tools").click()
    page.get_by_role("button", name="Fill in an example").click()
    call(page)
    call_id = call_id_of(page)
    for answer in ("result", "error"):
        page.get_by_label("Type to the agent").fill("please openPage now")
        page.keyboard.press("Enter")
        tool = page.get_by_role("region", name="Tool openPage").first
        expect(tool).to_contain_text('"page"')
        if answer == "result":
            tool.get_by_label("Result").fill("the page is open")
            tool.get_by_role("button", name="Answer").click()
        else:
            tool.get_by_role("button", name="Fail").click()
        expect(page.get_by_role("option").filter(has_text="ToolResult")).to_have_count(1 if answer == "result" else 2)
    results = [event.detail for event in mock.events(call_id) if event.kind == "ToolResult"]
    assert [each and (each.get("result"), each.get("error")) for each in results] == [
        ("the page is open", None),
        (None, "the tool could not do it"),
    ]
    page.locator(".phone").get_by_role("button", name="Hang up").click()


def test_a_webrtc_call_is_talked_in_with_the_microphone(mock: RunningMock, phone: BrowserPage) -> None:
    page, line = phone.page, Line()
    line.listen(page)
    written: list[str] = []
    page.on("console", lambda message: written.append(message.text))
    page.get_by_label("Connection type").select_option("webrtc")
    page.get_by_label("Greeting").fill("")
    room_client = mock.base_url + "/__mock__/page/room.js"
    assert room_client not in phone.requests
    call(page)
    assert room_client in phone.requests
    call_id = call_id_of(page)
    page.wait_for_function(f"() => Math.abs(window.loudestHz?.() - {TONE_HZ}) < 50")
    assert heard_in_room_ms(mock.audio(call_id, "caller")) >= LEAST_TONE_MS
    assert heard_in_room_ms(mock.audio(call_id, "agent")) >= LEAST_TONE_MS
    page.get_by_label("Type to the agent").fill("is anybody there")
    page.keyboard.press("Enter")
    expect(page.locator(".phone .transcript li.caller", has_text="is anybody there")).to_contain_text("typed")
    expect(page.locator(".phone .transcript li.agent", has_text="is anybody there")).to_have_count(1)
    page.locator(".phone").get_by_role("button", name="Hang up").click()
    expect(page.locator(".talk .state")).to_have_text("Over: you hung up.")
    ended = mock.wait_for(call_id, "ended")
    assert ended.ending is not None and ended.ending.by == "caller"
    assert line.messages == []
    assert written == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


def test_a_file_is_said_in_a_room_and_long_answers_go_round_it(
    mock: RunningMock, tone: Path, phone: BrowserPage
) -> None:
    page, line = phone.page, Line()
    line.listen(page)
    page.get_by_label("Connection type").select_option("webrtc")
    page.get_by_label("a sound file").check()
    page.get_by_label("File to say").set_input_files(tone)
    page.get_by_label("Greeting").fill("Hi")
    page.get_by_text("Client tools").click()
    page.get_by_role("button", name="Fill in an example").click()
    call(page)
    call_id = call_id_of(page)
    expect(page.locator(".phone").get_by_label("Transcript")).to_contain_text("caller spoke for")
    assert heard_in_room_ms(mock.audio(call_id, "caller")) >= LEAST_TONE_MS
    # What was said calls the tool, too.
    answer_tool(page, "the page is open")
    until_caller_said(mock, call_id, "ToolResult", 1)
    page.get_by_label("Type to the agent").fill("please openPage now")
    page.keyboard.press("Enter")
    answer_tool(page, "o" * 1100)
    until_caller_said(mock, call_id, "ToolResult", 2)
    assert [json.loads(message)["result"] for message in line.messages] == ["o" * 1100]
    mock.hang_up(call_id)
    expect(page.locator(".talk .state")).to_contain_text("Over: the agent hung up (1000")


def answer_tool(page: Page, result: str) -> None:
    tool = page.get_by_role("region", name="Tool openPage")
    tool.get_by_label("Result").fill(result)
    tool.get_by_role("button", name="Answer").click()


NOBODY_LISTENS = {"livekit_url": "ws://127.0.0.1:9", "livekit_key": "devkey", "livekit_secret": "s" * 32}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "the agent hung up (1011, webrtc needs pip install "),
        (NOBODY_LISTENS, "the room could not be joined: it is at 127.0.0.1:9, and this page may reach the mock alone."),
    ],
    ids=["no extra", "elsewhere"],
)
def test_a_room_that_cannot_be_joined_says_why(
    settings: dict[str, str], why: str, browser_page: BrowserPage, tone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.webrtc.rooms.are_installed", lambda names: False)
    with running_mock(**settings) as mock:
        page = browser_page.open(mock.base_url + "/", width=1440)
        page.get_by_label("Connection type").select_option("webrtc")
        page.get_by_label("a sound file").check()
        page.get_by_label("File to say").set_input_files(tone)
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.locator(".talk .state")).to_contain_text(f"Over: {why}")
        mock.wait_for(call_id_of(page), "ended")
        assert browser_page.complaints == []


@pytest.mark.parametrize("kind", ["websocket", "webrtc"])
def test_a_microphone_that_is_refused_makes_no_call(kind: str, mock: RunningMock, browser_page: BrowserPage) -> None:
    mock.reset()
    page = browser_page.page
    refuse = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); }"
    page.add_init_script(refuse)
    browser_page.open(mock.base_url + "/", width=1440)
    page.get_by_label("Connection type").select_option(kind)
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator(".phone [role=alert]")).to_contain_text("the browser refuses the microphone")
    assert mock.requests() == []


def test_a_call_that_is_refused_says_why(mock: RunningMock, browser_page: BrowserPage) -> None:
    page = browser_page.open(mock.base_url + "/", width=1440)
    page.get_by_label("API key").fill("ck_mock_no_credit")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator(".phone [role=alert]")).to_contain_text("402: ")
    page.get_by_role("link", name="Why?").click()
    expect(page.locator(".shown .verdict").first).to_contain_text("Refused with 402")
    page.get_by_label("a sound file").check()
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator(".phone [role=alert]")).to_contain_text("choose a sound file")
    page.get_by_label("File to say").set_input_files({"name": "no.wav", "mimeType": "audio/wav", "buffer": b"no sound"})
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator(".phone [role=alert]")).to_contain_text("no.wav cannot be read as sound")
    page.get_by_text("Client tools").click()
    page.get_by_label("selectedTools, as JSON").fill("{")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator(".phone [role=alert]")).to_contain_text("the client tools are not JSON")
    assert [each for each in browser_page.complaints if "402" not in each] == []


def test_the_phone_speaks_on_the_page_s_own_name(mock: RunningMock, browser_page: BrowserPage, tone: Path) -> None:
    page = browser_page.open(mock.base_url.replace("127.0.0.1", "localhost") + "/", width=1440)
    page.get_by_label("a sound file").check()
    page.get_by_label("File to say").set_input_files(tone)
    call(page)
    mock.hang_up(call_id_of(page))
    expect(page.locator(".talk .state")).to_contain_text("the agent hung up (1000")
    assert httpx.get(mock.base_url + "/healthz", trust_env=False).status_code == 200
    assert browser_page.complaints == []
