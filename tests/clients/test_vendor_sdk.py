"""The vendor's own browser SDK and Ultravox's, unchanged, in a real browser with a fake microphone, on webrtc calls.

They run as docs/webrtc.md shows them: its programs are what the pages here are built from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from mockserver.control.shapes import Call, Event
from mockserver.testing import RunningMock, running_mock
from mockserver.voice import PITCHES_HZ
from tests.browser import BrowserPage, running_chromium
from tests.clients.browser_example import TONE_HZ, Line, write_tone
from tests.clients.conftest import NodePackage
from tests.clients.held import Held, watching
from tests.clients.webrtc_page import HEAR_THE_AGENT, build, heard_tone_ms, programs, serving

GREETING = "Hello! Say something."
TYPED = "please openPage now"
TOOL_ANSWER = "The tool openPage answered: opened sample"
LONG = "How much is a bicycle? " * 50
"""More than goes as the room's data."""

PAUSE_S = 2.5
CYCLE_S = 3.7
"""After so long the fake microphone hears the tone again."""

LEAST_TONE_MS = 40
"""Of any tone that the mock takes for speech."""

NEAR_HZ = 12

FREE_WITHIN_S = 5.0
"""How soon after the end a call holds nothing any more, in seconds, on a very busy machine."""


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock(voice_output="tones", rate_limit_per_hour=0) as running:
        yield running


@pytest.fixture(scope="module")
def overlaid() -> Iterator[RunningMock]:
    """A mock that lets saved agents' calls be webrtc."""
    with running_mock(voice_output="tones", overlays=("webrtc-on-create",)) as running:
        yield running


@pytest.fixture(scope="module")
def held() -> Iterator[Held]:
    with watching() as watched:
        yield watched


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser whose user allows the microphone, and whose microphone hears a tone."""
    tone = tmp_path_factory.mktemp("microphone") / "tone.wav"
    write_tone(tone, PAUSE_S)
    microphone = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={tone}",
    )
    with running_chromium(tmp_path_factory.mktemp("profile"), *microphone) as context:
        context.add_init_script(HEAR_THE_AGENT)
        yield context


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, node_with: NodePackage, mock: RunningMock, overlaid: RunningMock
) -> Iterator[str]:
    """Where the pages are served: `/omnia/` and `/ultravox/`; `/agent/`, with an agent's id, and `/refused/`."""
    for package in ("esbuild", "@omnia-voice/sdk", "ultravox-client"):
        node_with(package)
    folder = tmp_path_factory.mktemp("pages")
    omnia, ultravox = programs("js")
    with_agent = omnia.replace("joinCall(call)", 'joinCall({ agentId: "agent_demo" })')
    build(omnia, folder / "omnia", mock.base_url)
    build(ultravox, folder / "ultravox", mock.base_url)
    build(with_agent, folder / "agent", overlaid.base_url)
    build(with_agent, folder / "refused", mock.base_url)
    with serving(folder) as url:
        yield url


@dataclass(frozen=True)
class Seen:
    """One call, from the click to the end.

    Attributes:
        call: what the mock says of it at the end.
        events: what happened in it, by the mock.
        statuses: what the session's status became, in order.
        transcript: speaker, medium and text of each utterance that the session knew at the end.
        heard_hz: the loudest tone of what the page heard, again and again.
        muted_ms: how long the mock had heard the microphone's tone while that was muted.
        tone_ms: how long it had heard it at the end.
        sent: the texts that the page sent on its sockets.
        complaints: of the page.
        in_progress: how many calls the mock had while it went on, and afterwards.
        still_held: what the mock held for it afterwards.
    """

    call: Call
    events: list[Event]
    statuses: list[str]
    transcript: list[tuple[str, str, str]]
    heard_hz: list[float]
    muted_ms: int
    tone_ms: int
    sent: list[str]
    complaints: list[str]
    in_progress: tuple[int, int]
    still_held: list[str]


@pytest.fixture(scope="module", params=("omnia", "ultravox"))
def seen(
    request: pytest.FixtureRequest, app: str, mock: RunningMock, held: Held, chromium: BrowserContext
) -> Iterator[Seen]:
    """One call with an SDK, in which everything is done that it can do."""
    with chromium.new_page() as page:
        watched, line = BrowserPage(page), Line()
        line.listen(page)
        watched.open(f"{app}/{request.param}/")
        # Or the tone would cut the answers off.
        page.evaluate("session.muteMic()")
        call_id = join(page, mock)
        unmute_at = time.monotonic() + CYCLE_S
        until(page, "session.status === 'listening' && session.transcripts.length")
        type_to_the_agent(page)
        page.wait_for_timeout(max(0.0, unmute_at - time.monotonic()) * 1000)
        muted_ms = heard_tone_ms(mock.audio(call_id, "caller"))
        page.evaluate("session.unmuteMic()")
        until(page, f"heardHz.some((hz) => Math.abs(hz - {TONE_HZ}) < {NEAR_HZ})")
        in_progress = mock.status().calls_in_progress
        transcript = page.evaluate("session.transcripts.map(({ speaker, medium, text }) => [speaker, medium, text])")
        page.evaluate("session.leaveCall()")
        call = mock.wait_for(call_id, "ended", within_s=FREE_WITHIN_S)
        yield Seen(
            call=call,
            events=mock.events(call_id),
            statuses=page.evaluate("statuses"),
            transcript=[(speaker, medium, text) for speaker, medium, text in transcript],
            heard_hz=page.evaluate("heardHz"),
            muted_ms=muted_ms,
            tone_ms=heard_tone_ms(mock.audio(call_id, "caller")),
            sent=line.messages,
            complaints=watched.complaints,
            in_progress=(in_progress, mock.status().calls_in_progress),
            still_held=held.left(FREE_WITHIN_S),
        )


def join(page: Page, mock: RunningMock) -> str:
    """Press the page's button; the id of the call that the mock then has."""
    number = max((call.number for call in mock.calls()), default=0)
    press(page)
    until(page, "['listening', 'speaking'].includes(session.status)")
    (call,) = mock.calls(after=number)
    return call.id


def press(page: Page) -> None:
    """Press the page's button, with an eye on the status."""
    page.evaluate(
        "{ window.statuses = []; session.addEventListener('status', () => { statuses.push(session.status); }); }"
    )
    page.get_by_role("button", name="Call").click()


def until(page: Page, condition: str, argument: Any = None) -> None:
    page.wait_for_function(condition if argument is None else f"argument => {condition}", arg=argument, polling=50)


def type_to_the_agent(page: Page) -> None:
    """Ask for the tool, then for an answer to a long text, and for both in writing."""
    page.evaluate("session.setOutputMedium('text')")
    for typed, answer in ((TYPED, TOOL_ANSWER), (LONG, f"You wrote: {LONG}")):
        page.evaluate("text => session.sendText(text)", typed)
        until(page, "session.transcripts.some(({ text, isFinal }) => isFinal && text === argument)", answer)
    page.evaluate("session.setOutputMedium('voice')")


def said(seen: Seen, side: str, kind: str) -> list[dict[str, Any]]:
    return [event.detail or {} for event in seen.events if (event.side, event.kind) == (side, kind)]


def test_the_status_follows_the_agent(seen: Seen) -> None:
    assert seen.statuses[0] == "connecting"
    assert {"listening", "speaking"} <= set(seen.statuses)
    assert seen.statuses[-2:] == ["disconnecting", "disconnected"]


def test_the_transcript_has_both_sides_and_each_medium(seen: Seen) -> None:
    assert ("agent", "voice", GREETING) in seen.transcript
    assert ("user", "text", TYPED) in seen.transcript
    assert any(
        (speaker, medium) == ("user", "voice") and "caller spoke" in text for speaker, medium, text in seen.transcript
    )


def test_the_agent_hears_the_microphone_as_long_as_it_is_not_muted(seen: Seen) -> None:
    assert seen.muted_ms == 0
    assert seen.tone_ms >= LEAST_TONE_MS


def test_the_page_hears_the_agent_s_voice_and_the_microphone_s_tone_from_it(seen: Seen) -> None:
    for tones_hz in (PITCHES_HZ, (TONE_HZ,)):
        assert any(abs(heard_hz - tone_hz) < NEAR_HZ for heard_hz in seen.heard_hz for tone_hz in tones_hz), tones_hz


def test_a_client_tool_is_run_and_the_agent_goes_on_with_its_result(seen: Seen) -> None:
    (invoked,) = said(seen, "agent", "ToolInvoked")
    assert (invoked["toolName"], invoked["parameters"]) == ("openPage", {"page": "sample"})
    (result,) = said(seen, "caller", "ToolResult")
    assert result["result"] == "opened sample"
    assert ("agent", "text", TOOL_ANSWER) in seen.transcript


def test_a_long_text_goes_by_the_control_socket_and_is_answered_in_the_medium_that_was_asked_for(seen: Seen) -> None:
    (sent,) = map(json.loads, seen.sent)
    assert (sent["type"], sent["text"]) == ("input_text_message", LONG)
    assert ("user", "text", LONG) in seen.transcript
    assert ("agent", "text", f"You wrote: {LONG}") in seen.transcript


def test_leaving_ends_the_call_and_frees_all_that_it_held(seen: Seen) -> None:
    assert seen.call.state == "ended"
    # The SDKs leave the room, then close the control socket: on a busy machine the mock may hear of both at once.
    assert seen.call.ending is not None and seen.call.ending.close_code in (None, 1000)
    assert seen.in_progress == (1, 0)
    assert seen.still_held == []


def test_nothing_breaks_the_contract_and_nothing_goes_wrong_in_the_page(seen: Seen) -> None:
    assert [event.detail for event in seen.events if event.kind == "NotAllowed"] == []
    # LiveKit's client warns of what it tries, such as /rtc/v1; what is refused by CORS begins with "Access to".
    wrong = ("not caught", "dialog", "Access to")
    assert [complaint for complaint in seen.complaints if complaint.startswith(wrong)] == []


def test_a_page_that_is_closed_in_a_call_ends_it(
    app: str, mock: RunningMock, held: Held, chromium: BrowserContext
) -> None:
    page = chromium.new_page()
    BrowserPage(page).open(f"{app}/omnia/")
    call_id = join(page, mock)
    page.close()
    assert mock.wait_for(call_id, "ended", within_s=FREE_WITHIN_S).state == "ended"
    assert held.left(FREE_WITHIN_S) == []


def test_with_the_overlay_an_agent_s_id_is_enough(app: str, overlaid: RunningMock, chromium: BrowserContext) -> None:
    with chromium.new_page() as page:
        BrowserPage(page).open(f"{app}/agent/")
        call_id = join(page, overlaid)
        until(page, "session.transcripts.length")
        page.evaluate("session.leaveCall()")
        call = overlaid.wait_for(call_id, "ended", within_s=FREE_WITHIN_S)
    assert (call.kind, call.agent_id, call.connection_type) == ("create", "agent_demo", "webrtc")


def test_without_the_overlay_the_sdk_is_told_of_it(app: str, chromium: BrowserContext) -> None:
    with chromium.new_page() as page:
        watched = BrowserPage(page)
        watched.open(f"{app}/refused/")
        press(page)
        until(page, "statuses.at(-1) === 'disconnected'")
        (thrown,) = [complaint for complaint in watched.complaints if complaint.startswith("not caught")]
    assert "webrtc-on-create" in thrown
