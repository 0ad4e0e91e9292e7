"""How a call ends: by the carrier's stop, or when its time is over."""

from __future__ import annotations

import asyncio
import time

from contract.codec import Wire
from contract.events import TextMessage
from contract_tests import scenarios
from contract_tests.context import Context, audio_settings
from contract_tests.findings import Layer
from contract_tests.line import LETS_GO_WITHIN_S, Line
from contract_tests.other_forms import oddly_started
from contract_tests.parsing import json_value
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.scenarios import SLACK_S
from contract_tests.sources import CONNECTION_TYPE, INLINE_REQUEST
from contract_tests.target import NotChecked


@requirement(
    "media.stop",
    "After the carrier's stop, the agent's audio ceases within 1 second and the socket is closed within 5.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="Stop is sent in the middle of a long greeting, on another call after the greeting.",
    why="A call that goes on after its end costs money.",
    mend="On stop, stop sending and close the socket.",
    variants=CARRIERS,
    smoke=True,
    lasts_s=19,
    again=True,
)
async def stop(it: Context) -> None:
    """In mid-speech."""
    recording = (await scenarios.side_by_side(it))[-1]
    shown, stopped_at = it.dial_command(recording.call), recording.stopped_at
    late = [piece for piece in recording.line.audio if piece.at_s > stopped_at + 1.0 + SLACK_S]
    if late:
        it.wrong("no audio 1 s after stop", f"audio {late[-1].at_s - stopped_at:.1f} s after it", *shown)
    if not recording.ended:
        it.wrong("a closed socket within 5 s of stop", "it is open", *shown)
        return
    if it.hasty:
        return
    silent = await oddly_started(it)
    if silent.stopped_at and not silent.ended:
        received = "it is open: the agent had ended its sentence before"
        it.wrong("a closed socket within 5 s of stop", received, *it.dial_command(silent.call))


@requirement(
    "media.caller-hangs-up",
    "When the caller closes the socket, the agent's side closes it, too.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how=f"The caller closes calls that go on. The agent's Close frame, or the end of TCP, must come within "
    f"{LETS_GO_WITHIN_S:g} seconds on one of three calls at least.",
    why="A call that its caller has left goes on costing money.",
    mend="Leave the closing handshake to the WebSocket library (RFC 6455, 5.5.1), and end the call with it.",
    variants=TALKING,
    order="last",
)
async def caller_hangs_up(it: Context) -> None:
    """The ends of all calls."""
    ends = it.judge.hung_up[it.variant]
    for _ in range(LEAST_ENDS - len(ends)):
        async with it.line(await it.any_call("inline", it.variant)) as line:
            await line.until(lambda: not line.alive, 0.3)
    if len(ends) < LEAST_ENDS:
        raise NotChecked("the agent ended each call before the caller did; media.stays-open says more")
    if not any(lets_go for lets_go, _ in ends):
        expected = f"the agent's Close frame within {LETS_GO_WITHIN_S:g} s of the caller's"
        it.wrong(expected, f"none on {len(ends)} calls", *ends[-1][1])


@requirement(
    "media.max-duration",
    "maxDuration ends the call: not more than 1 second early, not more than 5 seconds late, counted from the dial.",
    source=f"{INLINE_REQUEST}/properties/maxDuration",
    layer=Layer.MEDIA,
    how="A call with the shortest maxDuration is dialled two seconds after it was created, and held; the caller speaks "
    "shortly before the end, which must come in time (websocket: with a hangup message before; the caller types, too). "
    "On telnyx and plivo the caller does not stop speaking.",
    why="Calls that never end cost money.",
    mend="Start one timer when the socket opens, and close it when the timer is over.",
    variants=(*TALKING, "webrtc"),
    lasts_s=7,
    waits_s=56,
    again=True,
)
async def max_duration(it: Context) -> None:
    """The shortest duration, or ten real seconds; the caller speaks towards the end."""
    await _ends(it, begin=True)


@requirement(
    "media.max-duration-without-start",
    "The clock of maxDuration runs from the dial, also when no start message ever comes.",
    source=f"{INLINE_REQUEST}/properties/maxDuration",
    layer=Layer.MEDIA,
    how="A carrier's socket is opened with the shortest maxDuration, and nothing is sent.",
    why="Sockets that are opened and left would stay for ever.",
    mend="Start the timer when the socket opens, not on start.",
    variants=CARRIERS,
    lasts_s=1,
    waits_s=60,
    again=True,
)
async def max_duration_without_start(it: Context) -> None:
    """No start."""
    await _ends(it, begin=False)


async def _ends(it: Context, *, begin: bool) -> None:
    # Long enough for a turn shortly before the end: were the clock set anew by it, the end would come too late.
    asked_s = it.setting_s(10.0 if begin else 5.0, least=60, most=7200)
    due_s = it.scaled(asked_s)
    if due_s + 6 > it.judge.left_s():
        raise NotChecked(f"maxDuration takes {due_s:g} s, more than this run has left: --max-time, or --time-scale")
    call = await it.call("inline", maxDuration=asked_s, **audio_settings(it.variant))
    if begin:
        await asyncio.sleep(DIALLED_AFTER_S)
    async with it.line(call, begin=begin) as line:
        line.silence_on = due_s < 20
        goes_on = not await line.ended(line.opened_at + due_s - TURN_BEFORE_S - time.monotonic())
        if begin and it.variant in TALKING and goes_on:
            if it.variant == "websocket":
                await line.say(TextMessage(text=scenarios.TYPED))
            line.speak(scenarios.words(it, line, TALKS_ON_S if it.variant in ("telnyx", "plivo") else 0.0))
        ended = await line.ended(line.opened_at + due_s + 5 + 2 * SLACK_S - time.monotonic())
        shown = it.dial_command(call)
        if not ended or line.closed_at is None:
            it.wrong(f"the end {due_s:g} s after the dial, 5 s late at the most", "the call goes on", *shown)
            return
        after_s = line.closed_at - line.opened_at
        if after_s < due_s - 1 - SLACK_S:
            it.wrong(f"the end {due_s:g} s after the dial", f"it came after {after_s:.1f} s", *shown)
        elif it.variant == "websocket":
            _judge_hangup(it, line, due_s, shown)
        if not begin and line.heard:
            it.wrong("no message, as no start came", f"{len(line.heard)} messages", *shown)


LEAST_ENDS = 3
"""Calls that the caller ended, of which one at least must have been let go: one alone may be a slow machine's doing."""

DIALLED_AFTER_S = 2.2
"""How long after a call's creation it is dialled: were its clock to run from there, the end would come too early."""

TURN_BEFORE_S = 4.0
"""How long before the end a caller speaks."""
TALKS_ON_S = TURN_BEFORE_S + 7.0
"""How long one speaks who does not stop when the time is over: longer than an end may be late."""


def _is_hangup(wire: Wire) -> bool:
    body = json_value(wire.encode()) if isinstance(wire, str) else None
    return isinstance(body, dict) and body.get("type") == "hangup"


def _judge_hangup(it: Context, line: Line, due_s: float, shown: tuple[str, str]) -> None:
    # One with fields that are wrong counts too: those are free.
    said = [heard.at_s for heard in line.heard if _is_hangup(heard.wire)]
    if not said:
        it.wrong("a hangup message before the close", "no such message", *shown)
    elif said[0] - line.opened_at < due_s - 1 - SLACK_S:
        received = f"it came {said[0] - line.opened_at:.1f} s after it, and the close later"
        it.wrong(f"hangup {due_s:g} s after the dial", received, *shown)
