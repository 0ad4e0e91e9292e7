"""What becomes of the first message when the caller speaks into it."""

from __future__ import annotations

import asyncio

from contract.events import StateChanged
from contract_tests import scenarios
from contract_tests.context import Context
from contract_tests.findings import Layer
from contract_tests.line import HeardAudio, Line
from contract_tests.requirements import TALKING, requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, INTERRUPTED_WITHIN_S, SLACK_S, NotGreeted, Recording
from contract_tests.sources import INLINE_REQUEST
from contract_tests.target import NotChecked

PAUSE_AFTER_CUT_S = 0.4
"""How long nothing audible came after a message was withdrawn, for what follows to be another one."""


@requirement(
    "media.interruptible",
    "With interruptible true, caller speech cuts the first message: within 2 seconds unplayed audio is withdrawn.",
    source=f"{INLINE_REQUEST}/properties/interruptible",
    layer=Layer.MEDIA,
    how="The caller speaks into a long greeting. Within 2 seconds the audio must be withdrawn (Twilio, Telnyx: clear; "
    "Plivo: clearAudio; websocket: playback_clear_buffer and the state listening), and no more of it may come.",
    why="An agent that talks on is not listening.",
    mend="On caller speech, stop sending and withdraw what the carrier has not played.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def interruptible(it: Context) -> None:
    """Clear, and silence."""
    recording = await _cut_in(it, True)
    line, due = recording.line, recording.spoken_at + INTERRUPTED_WITHIN_S + SLACK_S
    cleared = [at for at in line.clears if recording.spoken_at <= at <= due]
    played_on = any(piece.audible and piece.plays_until_s > due for piece in line.audio if _not_cut(piece, line))
    shown = it.dial_command(recording.call)
    if not cleared:
        natural = await _natural(it)
        natural_s = natural.speaking_until() - natural.audible()[0].at_s
        heard_s = recording.first_until - line.audible()[0].at_s
        if not played_on and heard_s > natural_s - 0.5:
            raise NotChecked("the first message was over before it could be interrupted: it lasts too short a time")
        late_s = [at - recording.spoken_at for at in line.clears if at > due]
        received = f"it was withdrawn after {late_s[0]:.1f} s" if late_s else "no message that withdraws it"
        it.wrong("unplayed audio withdrawn within 2 s of caller speech", received, *shown)
        return
    late = [piece for piece in _going_on(line, cleared[0]) if piece.at_s < recording.spoken_until + 0.3]
    if sum(piece.lasts_s for piece in late if piece.at_s >= cleared[0] + 0.3) > 0.4:
        scenarios.must_be_even(line)
        it.wrong("no more of the first message once it was withdrawn", "audio goes on", *shown)
    if it.variant == "websocket":
        states = [h.at_s for h in line.events(StateChanged) if getattr(h.event, "state", "") == "listening"]
        if not any(recording.spoken_at - 0.1 <= at <= due for at in states):
            it.wrong("the state listening within 2 s of caller speech", "no such message", *shown)


def _going_on(line: Line, since: float) -> list[HeardAudio]:
    """What came after a moment without a pause; after one it may be another message: "oh, sorry, go ahead"."""
    found: list[HeardAudio] = []
    for piece in line.audible(since):
        if piece.at_s - since > PAUSE_AFTER_CUT_S:
            break
        since = max(since, piece.plays_until_s)
        found.append(piece)
    return found


def _not_cut(piece: HeardAudio, line: Line) -> bool:
    return not any(piece.at_s <= at < piece.plays_until_s for at in line.clears)


@requirement(
    "media.answer-after-interruption",
    "What the caller interrupts the agent with is answered like any other turn.",
    source=f"{INLINE_REQUEST}/properties/interruptible",
    layer=Layer.MEDIA,
    how="The caller speaks into a long greeting, which is withdrawn; an answer must come within "
    f"{ANSWER_WITHIN_S:g} seconds.",
    why="An agent that falls silent when it is interrupted is as bad as one that talks on.",
    mend="After a withdrawal go on listening: marks come back for what was not played, and the turn goes on.",
    variants=TALKING,
    lasts_s=20,
    soon=True,
    again=True,
)
async def answer_after_interruption(it: Context) -> None:
    """An answer to the turn that cut in."""
    recording = await _cut_in(it, True)
    line = recording.line
    if not recording.withdrawn:
        raise NotChecked("the first message was not interrupted; media.interruptible says more")
    if not recording.answered:
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of the turn that interrupted the agent"
        it.wrong(expected, line.why_silent, *it.dial_command(recording.call))


@requirement(
    "media.not-interruptible",
    "With interruptible false, caller speech does not cut the first message.",
    source=f"{INLINE_REQUEST}/properties/interruptible",
    layer=Layer.MEDIA,
    how="The caller speaks into a long greeting, which must go on as long as it does in a call where the caller is "
    "silent.",
    why="Announcements that the law asks for must be heard to the end.",
    mend="Keep playing the first message while the caller speaks, and clear nothing.",
    variants=TALKING,
    lasts_s=19,
    again=True,
)
async def not_interruptible(it: Context) -> None:
    """Explicitly false."""
    await _uncut(it, False)


@requirement(
    "media.not-interruptible-by-default",
    "Without interruptible, caller speech does not cut the first message.",
    source=f"{INLINE_REQUEST}/properties/interruptible/default",
    layer=Layer.MEDIA,
    how="The same with a request that does not name interruptible.",
    why="The default decides what the caller hears.",
    mend="Fill in false where interruptible is missing.",
    variants=TALKING,
    lasts_s=16,
    again=True,
)
async def not_interruptible_by_default(it: Context) -> None:
    """Left out."""
    await _uncut(it, None)


@requirement(
    "media.answer-after-first-message",
    "Who spoke into a first message that goes on is answered when he speaks again.",
    source=f"{INLINE_REQUEST}/properties/interruptible",
    layer=Layer.MEDIA,
    how="The caller speaks into a long greeting that may not be interrupted, hears it out, with what follows, and "
    f"speaks again; an answer must come within {ANSWER_WITHIN_S:g} seconds.",
    why="Callers do not wait for the end of an announcement, and are not to be lost for that.",
    mend="Drop or keep what is said into the message, but end that turn: the next words begin a new one.",
    variants=TALKING,
    lasts_s=19,
    again=True,
)
async def answer_after_first_message(it: Context) -> None:
    """A turn after an announcement."""
    recording = await _cut_in(it, False)
    line = recording.line
    if recording.answered_again is None:
        raise NotChecked("the first message was withdrawn, or words followed it that may be the answer")
    if not recording.answered_again:
        scenarios.must_be_even(line)
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of a turn after the first message"
        it.wrong(expected, line.why_silent, *it.dial_command(recording.call))


async def _uncut(it: Context, value: bool | None) -> None:
    recording, natural = await asyncio.gather(_cut_in(it, value), _natural(it))
    line = recording.line
    begun = line.audible()[0].at_s
    natural_s = natural.speaking_until() - natural.audible()[0].at_s
    # What is cleared after the message was over is another message.
    cleared = [at for at in recording.withdrawn if at < min(recording.first_until + 0.3, begun + natural_s - 0.5)]
    shown = it.dial_command(recording.call)
    if cleared:
        after_s = cleared[0] - recording.spoken_at
        it.wrong("the first message to its end", f"withdrawn {after_s:.1f} s after speech began", *shown)
        return
    # Its sound, not its end: an answer may follow at once what was cut short.
    heard_s, whole_s = _sound_s(line, recording.first_until), _sound_s(natural, natural.speaking_until())
    if heard_s < 0.7 * whole_s - 0.5:
        it.wrong(f"the first message to its end, about {whole_s:.1f} s of sound", f"{heard_s:.1f} s of it", *shown)


def _sound_s(line: Line, until: float) -> float:
    """How much of the agent's voice came before a moment, pauses left out."""
    return sum(piece.lasts_s for piece in line.audible() if piece.at_s < until)


async def _cut_in(it: Context, value: bool | None) -> Recording:
    recording = await scenarios.cut_in(it, value)
    if not recording.greeted:
        raise NotGreeted
    return recording


async def _natural(it: Context) -> Line:
    """The long greeting where nobody cuts in."""
    recording = (await scenarios.side_by_side(it))[0]
    if not recording.greeted:
        raise NotGreeted
    return recording.line
