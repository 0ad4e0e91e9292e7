"""What the agent does when both sides have fallen silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contract_tests import scenarios
from contract_tests.context import Call, Context, audio_settings
from contract_tests.findings import Layer
from contract_tests.line import Line
from contract_tests.requirements import TALKING, requirement
from contract_tests.scenarios import (
    ANSWER_WITHIN_S,
    INACTIVITY_LATE_S,
    LONGEST_TURN_S,
    PAUSE_S,
    SLACK_S,
    NotGreeted,
    Recording,
)
from contract_tests.sources import INLINE_REQUEST
from contract_tests.target import NotChecked


@asynccontextmanager
async def _greeted(
    it: Context, action: str, *, about_s: float, besides_s: float
) -> AsyncIterator[tuple[Call, Line, float]]:
    """A call with an inactivityTimeout of about so many real seconds, once the agent has begun to greet.

    Gives the call, its line and the timeout in real seconds.  `besides_s` is what the rest takes at the most.
    """
    asked_s = it.setting_s(about_s, least=10, most=300)
    due_s = it.scaled(asked_s)
    if due_s + besides_s > it.judge.left_s():
        took_s = due_s + besides_s
        raise NotChecked(f"it takes {took_s:.0f} s, more than this run has left: --max-time, or --time-scale")
    changes = {"inactivityTimeout": asked_s, "inactivityAction": action}
    call = await it.call("inline", **changes, **audio_settings(it.variant))
    async with it.line(call) as line:
        if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
            raise NotGreeted
        yield call, line, due_s


@requirement(
    "media.inactivity-prompt",
    "After inactivityTimeout the agent speaks; with inactivityAction prompt it then goes on waiting.",
    source=f"{INLINE_REQUEST}/properties/inactivityAction",
    layer=Layer.MEDIA,
    how="After the greeting both are silent (a custom client sends nothing at all): the agent must speak not more than "
    "1 s early and 10 s late, and stay.",
    why="A caller who has fallen silent is to be asked, not cut off.",
    mend="Count silence from the end of what was last heard or played, speak, and wait again.",
    variants=TALKING,
    lasts_s=14,
    waits_s=8,
    again=True,
)
async def inactivity_prompt(it: Context) -> None:
    """Speaks and stays."""
    await _falls_silent(it, "prompt")


@requirement(
    "media.inactivity-hang-up",
    "After inactivityTimeout the agent speaks; with inactivityAction hang_up the call then ends within 30 seconds.",
    source=f"{INLINE_REQUEST}/properties/inactivityAction",
    layer=Layer.MEDIA,
    how="After the greeting both are silent: the agent must speak in time, and then end the call.",
    why="A line that nobody uses costs money.",
    mend="Speak first, then close the socket when it has been heard.",
    variants=TALKING,
    lasts_s=10,
    waits_s=7,
    again=True,
)
async def inactivity_hang_up(it: Context) -> None:
    """Speaks and ends."""
    await _falls_silent(it, "hang_up")


async def _falls_silent(it: Context, action: str) -> None:
    async with _greeted(it, action, about_s=4.0, besides_s=28) as (call, line, due_s):
        shown = it.dial_command(call)
        if it.variant == "websocket" and action == "prompt":
            # A page whose microphone is muted sends nothing: silence is a matter of the clock.
            line.silence_on = False
        # The greeting is short: who has not ended by then has begun again.
        await line.quiet(min(PAUSE_S, due_s / 1.5), 20)
        silent_since = line.speaking_until()
        left_s = silent_since + due_s + INACTIVITY_LATE_S + 2 * SLACK_S - time.monotonic()
        if not await line.hears(silent_since + 0.05, left_s):
            what = "silence" if line.alive else "the end of the call without a word"
            it.wrong(f"the agent speaks {due_s:g} s after both fell silent, 10 s late at the most", what, *shown)
            return
        after_s = line.audible(silent_since + 0.05)[0].at_s - silent_since
        if after_s < due_s - 1 - SLACK_S:
            it.wrong(f"the agent speaks {due_s:g} s after both fell silent", f"after {after_s:.1f} s", *shown)
            return
        spoke_at = time.monotonic()
        if action == "hang_up":
            if not await line.ended(30 + SLACK_S):
                it.wrong("the end of the call within 30 s of that", "the call goes on", *shown)
        elif await line.ended(min(due_s + 3, 12.0) if due_s < 10 else 8.0) and line.closed_at is not None:
            after_s = line.closed_at - spoke_at
            it.wrong("the agent goes on waiting", f"the end {after_s:.1f} s after it spoke", *shown)


@requirement(
    "media.inactivity-counts-both",
    "Silence is counted from the moment that both sides are silent: caller speech and the agent's answer start it "
    "anew.",
    source=f"{INLINE_REQUEST}/properties/inactivityTimeout",
    layer=Layer.MEDIA,
    how="The caller speaks (a custom client also types, on a call of its own) two seconds before the timeout is over; "
    "after the answer the agent must be silent for nearly the whole time again.",
    why="A caller who has just spoken is not inactive.",
    mend="Start the timer anew on caller speech, and when the agent's audio has been played.",
    variants=TALKING,
    lasts_s=21,
    waits_s=5,
    again=True,
)
async def inactivity_counts_both(it: Context) -> None:
    """Speech in between; where texts can be typed, that too."""
    kinds = [_counts_again(it, typed=False)]
    if it.variant == "websocket":
        kinds.append(_counts_again(it, typed=True))
    results = await asyncio.gather(*kinds, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _counts_again(it: Context, *, typed: bool) -> None:
    async with _greeted(it, "hang_up", about_s=8.0, besides_s=27) as (call, line, due_s):
        # The words go on until it would be over, did they not count; the agent may speak a second before that.
        await line.quiet(max(due_s / 2, due_s - 2.0), 20)
        began_at = time.monotonic()
        if not await _answers(it, call, line, typed=typed):
            if line.closed_at is None:
                raise NotChecked("the agent did not answer; media.answer says more")
            received = f"the agent ends the call {line.closed_at - began_at:.1f} s after the caller's words began"
            it.wrong("an answer: words end the silence", received, *it.dial_command(call))
            return
        if not await line.quiet(min(PAUSE_S, due_s / 1.5), LONGEST_TURN_S):
            raise NotChecked("the agent went on talking: when its answer was over cannot be told")
        silent_since = line.speaking_until()
        left_s = silent_since + due_s - 1.5 - time.monotonic()
        if left_s <= 0:
            raise NotChecked("the answer was too long to tell")
        await line.until(lambda: not line.alive or bool(line.audible(silent_since + 0.2)), left_s)
        early = line.audible(silent_since + 0.2)
        if early or not line.alive:
            moment = early[0].at_s if early else line.closed_at or time.monotonic()
            what = f"the agent {'speaks' if early else 'ends the call'} {moment - silent_since:.1f} s after it"
            about = "the answer to a typed text" if typed else "the answer"
            it.wrong(f"silence for {due_s:g} s after {about}", what, *it.dial_command(call))


@requirement(
    "media.inactivity-after-interruption",
    "Silence is noticed also after a message that was interrupted.",
    source=f"{INLINE_REQUEST}/properties/inactivityTimeout",
    layer=Layer.MEDIA,
    how="The caller speaks into a long greeting, which is withdrawn, and hears the answer out; then both are silent, "
    "and the agent must speak when the timeout is over, 10 s late at the most. Of Plivo the checkpoints of what was "
    "withdrawn do not come back.",
    why="An agent that waits for marks of what nobody plays any more takes itself for speaking.",
    mend="Forget the marks that you wait for when you withdraw audio.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def inactivity_after_interruption(it: Context) -> None:
    """Speaks."""
    recording = await scenarios.cut_in(it, True)
    if recording.broke_silence is None:
        raise NotChecked("the call did not come to a silence long enough; media.answer-after-interruption says more")
    if not recording.broke_silence:
        what = "silence" if recording.line.alive else "the end of the call without a word"
        expected = f"the agent speaks when inactivityTimeout is over, {INACTIVITY_LATE_S:g} s late at the most"
        it.wrong(expected, what, *it.dial_command(recording.call))


async def _answers(it: Context, call: Call, line: Line, *, typed: bool) -> bool:
    """Speak or type; whether the agent answers."""
    if typed:
        typed_at = time.monotonic()
        await line.send_json({"type": "user_text_message", "text": "Can you repair my bicycle today?"})
        return await line.hears(typed_at, ANSWER_WITHIN_S)
    recording = Recording(call=call, line=line)
    await scenarios.talk(it, line, recording)
    return recording.answered
