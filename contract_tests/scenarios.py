"""Calls that several checks look at: each is placed once, and everything that was heard is kept."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from contract.events import TextMessage
from contract_tests.caller import spoken_turn
from contract_tests.context import ALAW, LONG_GREETING, MULAW, Call, Context, audio_settings
from contract_tests.line import RESTLESS, Line
from contract_tests.target import HeldUp, NotChecked

ANSWER_WITHIN_S = 10.0
"""The agent's audio is due within this time of start, open, or the end of caller speech."""

SILENT_FOR_S = 3.0
INTERRUPTED_WITHIN_S = 2.0
SLACK_S = 0.4
"""What this side and the network may take, beside what the contract forgives."""

LONGEST_TURN_S = 25.0
LONGEST_SPEECH_S = 30.0
"""How long the end of what the caller says is waited for, three times what a file may hold."""

STUTTER_S = 0.3
"""A caller's frame that is later makes a pause that an agent in a hurry takes for the end of the turn."""

PAUSE_S = 2.5
"""How long an agent may pause in what it says, between two sentences or before its answer: it has not finished."""

GREETING_PAUSE_S = 1.0
"""The same where a greeting alone is heard, as far as that: its length is compared, and a pause is no sound."""

TYPED = "What does a new tyre cost at Zoë’s café: 50 €, or more? 🚲"
"""Letters of any kind must come back as they are."""

LONG_TURN_S = 6.0

LATER_S = 0.7
"""How much later than an answer has to come inactivityTimeout is over."""
INACTIVITY_LATE_S = 10.0
"""How much later than inactivityTimeout the agent may speak."""

SHORT_FRAMES, LONG_FRAMES = (7, 90, 1, 120, 150, 33), (161, 801, 333)
"""Lengths to cut speech into, in samples: any is legal, and 160 is usual."""


class NotGreeted(NotChecked):
    """The agent said nothing at the beginning of a call, so what comes after it cannot be looked at."""

    def __init__(self) -> None:
        super().__init__("the agent did not greet; media.greeting says more")


@dataclass(kw_only=True)
class Recording:
    """A call that took place.

    Attributes:
        call: what was created.
        line: what was heard, and when.
        greeted: whether the agent spoke unasked, where it was waited for.
        ponged: whether a ping was answered; None where the call had ended before.
        before_start: how many messages came before the start message.
        unasked: whether the agent was heard while the caller was silent and was to speak first.
        spoken_at: when caller speech began; `spoken_until` when it ended.
        heard_answer: whether the agent was heard in time after it; `answered_again`, after the caller's next turn, and
            None where the call did not come so far, and `spoken_again_at`, when that began.
        broke_silence: whether the agent spoke in time when inactivityTimeout was over; None where that was not seen.
        greeting_over: whether the agent fell silent after its greeting in the time that there was.
        first_until: when the agent's first message had been played.
        stopped_at: when the carrier's stop was sent; 0.0 where none was.
        ended: whether the agent ended the call in time after it.
        over_at: when nobody listened any more, where that was written down.
        beside: another call that was on the line meanwhile, in silence; None where there was none.
    """

    call: Call
    line: Line
    greeted: bool = False
    ponged: bool | None = None
    before_start: int = 0
    unasked: bool = False
    spoken_at: float = 0.0
    spoken_until: float = 0.0
    heard_answer: bool = False
    answered_again: bool | None = None
    spoken_again_at: float = 0.0
    broke_silence: bool | None = None
    greeting_over: bool = False
    first_until: float = 0.0
    stopped_at: float = 0.0
    ended: bool = False
    over_at: float = 0.0
    beside: Line | None = None

    @property
    def withdrawn(self) -> list[float]:
        """When the agent withdrew audio since the caller spoke; what it did before, nobody caused."""
        return [at for at in self.line.clears if at >= self.spoken_at]

    @property
    def answered(self) -> bool:
        """As `heard_answer`.  Raises HeldUp where that is False and the caller's words had not gone out evenly."""
        if not self.heard_answer:
            must_be_even(self.line)
        return self.heard_answer


async def talk(
    it: Context,
    line: Line,
    recording: Recording,
    *,
    silence_after: bool = True,
    frames: Sequence[int] = (),
    lasts_s: float = 0.0,
) -> None:
    """Let the caller speak, and wait for the agent's answer.

    Args:
        it: the check.
        line: the call.
        recording: is told when the caller spoke, and whether the agent answered.
        silence_after: whether frames of silence follow the words.
        frames: the lengths to cut the words into, in samples; as carriers do where there are none.
        lasts_s: how long to speak at the least, in seconds.
    """
    audio = words(it, line, lasts_s)
    sample = line.to_agent.bytes_per_sample
    line.silence_on = silence_after
    line.speak(audio, tuple(size * sample for size in frames))
    await line.spoken(LONGEST_SPEECH_S)
    recording.spoken_at, recording.spoken_until = line.spoke_at, line.spoke_until
    recording.heard_answer = await line.hears(line.spoke_until - 0.2, ANSWER_WITHIN_S + SLACK_S)
    line.silence_on = True


def words(it: Context, line: Line, lasts_s: float) -> bytes:
    """The caller's sentence, said again without a pause until it takes so many seconds at the least."""
    sentence = it.speech(line)
    return sentence * max(1, math.ceil(1000 * lasts_s / line.to_agent.duration_ms(len(sentence))))


def turn_s(it: Context) -> float:
    """How long the caller's sentence takes, in seconds."""
    return MULAW.duration_ms(len(spoken_turn(MULAW, it.settings.caller_audio))) / 1000


def must_be_even(line: Line) -> None:
    """Raise HeldUp where this machine made pauses in the caller's last words: an agent may take one for their end."""
    if line.alive and line.stutter_s > STUTTER_S:
        raise HeldUp("to speak evenly, and a pause ends a turn")


async def greeted(it: Context) -> Recording:
    """The agent greets, the caller answers and is answered; then comes a ping."""

    async def record() -> Recording:
        # Carriers have mu-law at 8000 Hz whatever it says.
        ignored = {"inputSampleRate": 16000, "outputSampleRate": 16000, "codec": "pcm"}
        call = await it.call("inline", **({"websocket": ignored} | audio_settings(it.variant)))
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            recording.greeting_over = await line.quiet(GREETING_PAUSE_S, 4.0 if it.hasty else LONGEST_TURN_S)
            recording.first_until = line.speaking_until()
            if it.hasty:
                return recording
            await talk(it, line, recording)
            # What belongs to the answer may come when it is over.
            await line.quiet(PAUSE_S + 0.5, 12)
            recording.ponged = await line.pong(5.0) if line.alive else None
            recording.over_at = time.monotonic()
            return recording

    return await recorded(it, "greeted", record)


async def user_first(it: Context) -> Recording:
    """The caller is to speak first, is silent for a while, speaks long in short frames, then sends nothing."""

    async def record() -> Recording:
        call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
        async with it.line(call, begin=False) as line:
            recording = Recording(call=call, line=line)
            if it.variant != "websocket":
                await line.connect()
                await line.until(lambda: not line.alive, 1.2)
                recording.before_start = len(line.heard)
                await line.start()
            recording.unasked = await line.hears(0, SILENT_FOR_S + 0.5)
            if it.hasty:
                return recording
            await talk(it, line, recording, silence_after=False, frames=SHORT_FRAMES, lasts_s=LONG_TURN_S)
            await line.quiet(1.0, 8)
            recording.over_at = time.monotonic()
            return recording

    return await recorded(it, "user-first", record)


async def one_turn(
    it: Context,
    *,
    silence_after: bool = True,
    frames: Sequence[int] = (),
    lasts_s: float = 0.0,
    overtakes: bool = False,
) -> Recording:
    """The caller speaks first, in one peculiar way: `overtakes` is as in Line, the rest as in `talk`."""

    async def record() -> Recording:
        call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
        async with it.line(call) as line:
            line.overtakes = overtakes
            recording = Recording(call=call, line=line)
            await line.until(lambda: not line.alive, 0.6)
            await talk(it, line, recording, silence_after=silence_after, frames=frames, lasts_s=lasts_s)
            return recording

    return await recorded(it, f"one-turn-{silence_after}-{frames}-{lasts_s}-{overtakes}", record)


async def two_turns(it: Context) -> Recording:
    """A call to the saved agent, if one is known: it may greet, then the caller speaks, and again after the answer.

    The second time in long frames, but not where it is looked at again: it may be the frames that were not understood.
    """

    async def record() -> Recording:
        saved = it.settings.agent is not None
        call = await (it.any_call("create", it.variant) if saved else it.call(**audio_settings(it.variant)))
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            await line.hears(0, 2.0)
            await line.quiet(1.0, 20)
            await talk(it, line, recording)
            if recording.heard_answer and await line.quiet(1.2, 15) and line.alive:
                again = Recording(call=call, line=line)
                await talk(it, line, again, frames=LONG_FRAMES if it.attempt == 1 else ())
                recording.answered_again, recording.spoken_again_at = again.heard_answer, again.spoken_at
                # Its transcript may come when it has been said.
                await line.quiet(PAUSE_S, 12)
            return recording

    return await recorded(it, "two-turns", record)


async def hear_out(line: Line) -> bool:
    """Let the agent greet to the end; whether it came to one."""
    await line.hears(0, ANSWER_WITHIN_S)
    return await line.quiet(PAUSE_S, LONGEST_TURN_S)


async def typed(it: Context) -> Recording:
    """On a custom client's socket the agent greets a caller who sends no audio, then types, and is answered.

    Meanwhile another caller is on the line, who came later, has heard the greeting out, and says nothing.
    """

    async def record() -> Recording:
        async with AsyncExitStack() as lines:
            async with it.judge.pairs:
                call = await it.call("inline", **audio_settings("websocket"))
                line = await lines.enter_async_context(it.line(call))
                # A page may still be asking for the microphone.
                line.silence_on = False
                recording = Recording(call=call, line=line)
                another = await it.any_call("inline", "websocket", greets=True)
                beside = await lines.enter_async_context(it.line(another))
            _, silent = await asyncio.gather(_greeted(recording), hear_out(beside))
            recording.beside = beside if silent else None
            await line.until(lambda: not line.alive, 0.3)
            await line.say(TextMessage(text=TYPED))
            recording.spoken_at = time.monotonic()
            recording.heard_answer = await line.hears(recording.spoken_at, ANSWER_WITHIN_S + SLACK_S)
            await line.quiet(PAUSE_S + 0.1, 12)
            recording.over_at = time.monotonic()
            return recording

    recording = await it.recording(f"typed-{it.attempt}", record)
    assert isinstance(recording, Recording)
    return recording


async def _greeted(recording: Recording) -> None:
    recording.greeted = await recording.line.hears(0, ANSWER_WITHIN_S + SLACK_S)
    recording.line.silence_on = True
    await recording.line.quiet(1.0, 20)


async def side_by_side(it: Context) -> list[Recording]:
    """Calls with a long greeting and a silent caller: the second is stopped in it, but on websocket."""

    async def record() -> list[Recording]:
        async with AsyncExitStack() as lines:

            async def connected() -> Recording:
                call = await it.call("inline", greeting=LONG_GREETING, **audio_settings(it.variant))
                line = await lines.enter_async_context(it.line(call, begin=False))
                await line.connect()
                return Recording(call=call, line=line)

            async with it.judge.pairs:
                recordings = await asyncio.gather(*(connected() for _ in range(1 if it.variant == "websocket" else 2)))
            if it.variant != "websocket":
                await asyncio.sleep(1.2)
            await asyncio.gather(*map(_start, recordings))
            if it.variant != "websocket":
                await stop(recordings[-1])
            if not it.hasty:
                await recordings[0].line.quiet(PAUSE_S, LONGEST_TURN_S)
            return recordings

    recordings: list[Recording] = await it.recording(f"side-by-side-{it.variant}-{it.attempt}", record)
    return recordings


async def _start(recording: Recording) -> None:
    line = recording.line
    recording.before_start = len(line.heard)
    await line.start()
    recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)


async def stop(recording: Recording) -> None:
    """Say that the call is over, as its carrier does, and wait for its end."""
    line = recording.line
    await line.until(lambda: not line.alive, 0.7)
    line.silence_on = False
    await line.stop()
    recording.stopped_at = time.monotonic()
    recording.ended = await line.ended(5 + SLACK_S)


async def alaw(it: Context) -> Recording:
    """A Telnyx leg in A-law: silence first, then speech."""

    async def record() -> Recording:
        call = await it.call("inline", firstSpeaker="user", connectionType="telnyx")
        async with it.line(call, to_agent=ALAW) as line:
            line.idle = RESTLESS[ALAW.encoding]
            recording = Recording(call=call, line=line)
            recording.unasked = await line.hears(0, SILENT_FOR_S + 0.5)
            await talk(it, line, recording)
            # Enough of the answer to tell its coding.
            await line.quiet(0.5, 4)
            return recording

    return await recorded(it, "alaw", record)


async def cut_in(it: Context, interruptible: bool | None) -> Recording:
    """The caller speaks into a long greeting, which may or may not be interrupted (None: the default).

    Where it was, both are silent after the answer, until inactivityTimeout is over; where it was not, the caller speaks
    again.
    """
    changes: dict[str, Any] = {} if interruptible is None else {"interruptible": interruptible}
    if interruptible is False:
        changes["firstSpeaker"] = "agent"
    # Who is deaf from the interruption on counts from there: sooner, what it says then might be taken for the answer.
    answers_within_s = turn_s(it) + ANSWER_WITHIN_S + 2 * SLACK_S
    asked_s = it.setting_s(answers_within_s + LATER_S, least=10, most=300)
    due_s = it.scaled(asked_s)
    waits = interruptible and answers_within_s < due_s < it.judge.left_s() - 40
    if waits:
        changes |= {"inactivityTimeout": asked_s, "inactivityAction": "prompt"}

    async def record() -> Recording:
        asked = audio_settings(it.variant)
        call = await it.call("inline", greeting=LONG_GREETING, **changes, **asked)
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            # Agents must get along with either.
            line.marks_return = it.variant != "plivo"
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            if not recording.greeted:
                return recording
            await line.until(lambda: not line.alive, 0.5)
            line.speak(it.speech(line))
            if interruptible:
                await line.until(lambda: not line.alive, INTERRUPTED_WITHIN_S + 1.5)
            else:
                await line.quiet(PAUSE_S, LONGEST_TURN_S)
            recording.first_until = line.speaking_until()
            await line.spoken(LONGEST_SPEECH_S)
            recording.spoken_at, recording.spoken_until = line.spoke_at, line.spoke_until
            if interruptible and recording.withdrawn:
                left_s = line.spoke_until + ANSWER_WITHIN_S + SLACK_S - time.monotonic()
                recording.heard_answer = await line.hears(line.spoke_until + 0.1, left_s)
                if waits and recording.heard_answer and await line.quiet(PAUSE_S, 12) and line.alive:
                    silent_since = line.speaking_until()
                    left_s = silent_since + due_s + INACTIVITY_LATE_S + 2 * SLACK_S - time.monotonic()
                    recording.broke_silence = await line.hears(silent_since + 0.05, left_s)
            elif interruptible is False and line.alive and not recording.withdrawn:
                again = Recording(call=call, line=line)
                await talk(it, line, again)
                # What it had to say of the words before may have come between: whether that was all cannot be told.
                if again.heard_answer or not line.audible(again.spoken_at):
                    recording.answered_again = again.heard_answer
            return recording

    return await recorded(it, f"cut-in-{interruptible}", record)


async def recorded(it: Context, name: str, record: object) -> Recording:
    """What came of a scenario in this variant; it is played once."""
    recording = await it.recording(f"{name}-{it.variant}-{it.attempt}", record)  # type: ignore[arg-type]
    assert isinstance(recording, Recording)
    return recording
