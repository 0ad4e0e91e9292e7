"""The browser app of examples/browser on the mock, in a real browser, with a fake microphone that hears a tone."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import BrowserPage, Scheme, running_chromium
from tests.clients.browser_example import (
    FRAME_BYTES,
    HEAR_WHAT_IS_PLAYED,
    TONE_HZ,
    Line,
    build,
    serving,
    tone_ms,
    write_tone,
)
from tests.clients.conftest import NodePackage
from tests.running import VALID_KEY, RunningMock, running_mock

KEY = VALID_KEY["X-API-Key"]
GREETING = "Hello! Say something."
LOOKS: tuple[tuple[int, Scheme], ...] = ((390, "light"), (390, "dark"), (1280, "light"), (1280, "dark"))
PATIENCE_MS = 20_000
LEAST_TONE_MS = 40
"""Of any tone that the mock takes for speech; on a busy machine the call may begin when the tone is nearly over."""


@pytest.fixture(scope="module")
def own_mock() -> Iterator[RunningMock]:
    """A mock that no other test has calls on."""
    with running_mock() as running:
        yield running


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, node_with: NodePackage) -> Path:
    """The example's backend, compiled."""
    return build(tmp_path_factory.mktemp("checkout"), node_with)


@pytest.fixture(scope="module")
def example(program: Path, own_mock: RunningMock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the example."""
    log = tmp_path_factory.mktemp("log") / "stderr"
    with serving(program, log, CALLS_API_KEY=KEY, CALLS_URL=own_mock.base_url + "/api/v1") as url:
        yield url
    assert log.read_text("utf-8") == ""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser whose user allows the microphone, and whose microphone hears the tone."""
    tone = tmp_path_factory.mktemp("microphone") / "tone.wav"
    write_tone(tone)
    microphone = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={tone}",
    )
    with running_chromium(tmp_path_factory.mktemp("profile"), *microphone) as context:
        yield context


@dataclass(frozen=True)
class Seen:
    """One call, from the page's first look to its last, without a mouse."""

    line: Line
    transcript: list[tuple[str, str]]
    calls_during: int
    calls_after: int
    requests: list[str]
    complaints: list[str]
    problem: str
    contrasts: list[dict[str, float]]
    sticking_out: list[str]


@pytest.fixture(scope="module")
def seen(example: str, own_mock: RunningMock, chromium: BrowserContext) -> Iterator[Seen]:
    with chromium.new_page() as page:
        watched, line = BrowserPage(page), Line()
        page.add_init_script(HEAR_WHAT_IS_PLAYED)
        line.listen(page)
        watched.open(example)
        watched.tab_to(page.get_by_role("button", name="Call"))
        page.keyboard.press("Enter")
        transcript, state = page.get_by_role("log"), page.get_by_role("status")
        expect(transcript.get_by_text(GREETING, exact=True)).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_function(f"() => Math.abs(loudestHz() - {TONE_HZ}) < 20", timeout=PATIENCE_MS)
        expect(state).to_have_text("Listening", timeout=PATIENCE_MS)
        # Or the tone would cut the answer off.
        watched.tab_to(page.get_by_role("button", name="Mute"))
        page.keyboard.press("Space")
        watched.tab_to(page.get_by_label("Type instead of speaking"))
        page.keyboard.type("Is this typed?")
        page.keyboard.press("Enter")
        expect(transcript.get_by_text("You wrote: Is this typed?", exact=True)).to_be_visible(timeout=PATIENCE_MS)
        calls_during = len(own_mock.mock.switchboard)
        watched.tab_to(page.get_by_role("button", name="Hang up"))
        page.keyboard.press("Enter")
        expect(state).to_have_text("Not in a call")
        expect(page.get_by_role("button", name="Call")).to_be_focused()
        contrasts, sticking_out = [], []
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            contrasts.append(watched.contrasts())
            sticking_out += watched.sticking_out()
        yield Seen(
            line=line,
            transcript=[
                (each.locator("b").inner_text(), each.locator("span").inner_text())
                for each in transcript.get_by_role("listitem").all()
            ],
            calls_during=calls_during,
            calls_after=calls_left(own_mock),
            requests=watched.requests,
            complaints=watched.complaints,
            problem=page.get_by_role("alert").inner_text(),
            contrasts=contrasts,
            sticking_out=sticking_out,
        )


def calls_left(mock: RunningMock) -> int:
    """How many calls a mock has in progress once it has had the time to end them."""
    until = time.monotonic() + 5
    while len(mock.mock.switchboard) and time.monotonic() < until:
        time.sleep(0.02)
    return len(mock.mock.switchboard)


def test_the_transcript_begins_with_the_greeting(seen: Seen) -> None:
    assert seen.transcript[0] == ("Agent", GREETING)


def test_the_microphone_is_sent_in_frames_of_20_ms(seen: Seen) -> None:
    assert {len(frame) for frame in seen.line.spoken} == {FRAME_BYTES}
    assert tone_ms(seen.line.spoken) >= LEAST_TONE_MS


def test_what_the_caller_said_comes_back(seen: Seen) -> None:
    """It was also heard at the page's loudspeaker: the call waited for that."""
    assert tone_ms(seen.line.heard) >= LEAST_TONE_MS
    spoken = next(at for at, (_, words) in enumerate(seen.transcript) if words.startswith("(caller spoke for"))
    assert seen.transcript[spoken][0] == "You"
    assert seen.transcript[spoken + 1][0] == "Agent"
    assert seen.transcript[spoken + 1][1].startswith("(repeats what the caller said")


def test_typed_text_is_answered(seen: Seen) -> None:
    assert seen.line.messages == ['{"type":"user_text_message","text":"Is this typed?"}']
    typed = seen.transcript.index(("You (typed)", "Is this typed?"))
    assert seen.transcript[typed + 1] == ("Agent", "You wrote: Is this typed?")


def test_hanging_up_ends_the_call(seen: Seen) -> None:
    assert (seen.calls_during, seen.calls_after) == (1, 0)


def test_the_page_loads_nothing_from_elsewhere_and_nothing_complains(seen: Seen, example: str) -> None:
    assert [request for request in seen.requests if not request.startswith(example + "/")] == []
    assert (seen.complaints, seen.problem) == ([], "")


def test_the_page_can_be_read_light_and_dark_on_a_telephone_and_a_desk(seen: Seen) -> None:
    assert seen.sticking_out == []
    for look, contrasts in zip(LOOKS, seen.contrasts, strict=True):
        assert {"h1", "b", "span", "output", "label", "button"} <= set(contrasts), look
        assert min(contrasts.values()) >= 4.5, look


def test_without_a_microphone_no_call_is_created(browser_page: BrowserPage, example: str) -> None:
    browser_page.page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); };"
    )
    page = browser_page.open(example)
    page.get_by_role("button", name="Call").click()
    expect(page.get_by_role("alert")).to_contain_text("may not use the microphone")
    expect(page.get_by_role("button", name="Call")).to_be_focused()
    assert [request for request in browser_page.requests if request.endswith("/call")] == []


PLAYED = """async ([arrivals_ms, clear_at_ms]) => {
  const { Playback } = await import("/playback.js");
  const playback = new Playback();
  const runs = [];
  const block = new Float32Array(128);
  for (let at = 0; at < 1000; at += 8) {
    arrivals_ms.forEach((arrival, frame) => {
      if (at - 8 < arrival && arrival <= at) playback.push(new Int16Array(320).fill(frame + 1));
    });
    if (at - 8 < clear_at_ms && clear_at_ms <= at) playback.clear();
    playback.fill(block);
    for (const sample of block) {
      if (runs.at(-1)?.[0] === sample * 32768) runs.at(-1)[1] += 1;
      else runs.push([sample * 32768, 1]);
    }
  }
  return runs;
}"""
"""Plays frames, each of 320 samples that are its number from 1, that arrive at these times, for one second.

Gives what is played as runs: a sample, and how often it comes in a row.
"""


NEVER = 10_000


@pytest.fixture(scope="module")
def opened(chromium: BrowserContext, example: str) -> Iterator[Page]:
    """The page without a call, for its parts to be tried."""
    with chromium.new_page() as page:
        page.goto(example)
        yield page


@pytest.mark.parametrize(
    ("arrivals_ms", "clear_at_ms", "runs"),
    [
        pytest.param([0], NEVER, [[1, 320]], id="a single frame is played"),
        pytest.param([0, 0, 0, 10], NEVER, [[1, 320], [2, 320], [3, 320], [4, 320]], id="many at once"),
        pytest.param([0, 0, 0, 0, 0, 200, 200, 200], 16, [[1, 256], [6, 320], [7, 320], [8, 320]], id="cleared"),
    ],
)
def test_frames_are_played_whole_and_in_order_unless_cleared(
    opened: Page, arrivals_ms: list[int], clear_at_ms: int, runs: list[list[int]]
) -> None:
    assert [run for run in opened.evaluate(PLAYED, [arrivals_ms, clear_at_ms]) if run[0]] == runs


def test_late_frames_leave_no_silence_between_them(opened: Page) -> None:
    _, *spoken, _ = opened.evaluate(PLAYED, [[0, 70, 70, 70, 80, 150, 155, 160], NEVER])
    assert spoken == [[frame, 320] for frame in range(1, 9)]


SHOWN = """async (pieces) => {
  const { Transcript } = await import("/transcript.js");
  const list = document.createElement("ol");
  const transcript = new Transcript(list);
  return pieces.map(([role, ordinal, piece]) => {
    transcript.add({ type: "transcript", role, ordinal, ...piece });
    return [...list.querySelectorAll("span")].map((words) => words.textContent);
  });
}"""
"""Adds pieces to a transcript; gives what it shows after each."""


def test_the_transcript_grows_piece_by_piece_in_the_order_of_the_conversation(opened: Page) -> None:
    pieces = [
        ["agent", 7, {"text": "It is", "final": False}],
        ["agent", 7, {"delta": " ten", "final": False}],
        ["user", 6, {"text": "What time is it?", "final": True}],
        ["agent", 7, {"text": "It is ten.", "final": True}],
        ["user", 8, {"text": "Thanks", "final": True}],
    ]
    assert opened.evaluate(SHOWN, pieces) == [
        ["It is"],
        ["It is ten"],
        ["What time is it?", "It is ten"],
        ["What time is it?", "It is ten."],
        ["What time is it?", "It is ten.", "Thanks"],
    ]


def test_another_site_s_page_cannot_create_calls(example: str) -> None:
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert httpx.post(f"{example}/call", headers=headers).status_code == 403


def test_a_refusal_is_told_to_the_operator_and_the_key_to_nobody(
    program: Path, own_mock: RunningMock, tmp_path: Path
) -> None:
    log, key = tmp_path / "stderr", "ck_of_nobody"
    with serving(program, log, CALLS_API_KEY=key, CALLS_URL=own_mock.base_url + "/api/v1") as url:
        answer = httpx.post(f"{url}/call", headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.json()) == (502, {"error": "No call could be created. Please try again later."})
    assert "401" in log.read_text("utf-8")
    assert key not in log.read_text("utf-8")


def test_without_a_key_the_backend_does_not_start(program: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CALLS_API_KEY"}
    done = subprocess.run(("node", program), env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "CALLS_API_KEY is not set" in done.stderr
