"""Calls that several checks look at: each is placed once, and everything that was heard is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from contract_tests.context import ALAW, LONG_GREETING, Call, Context, audio_settings
from contract_tests.line import Line
from contract_tests.target import NotChecked

ANSWER_WITHIN_S = 10.0
"""The agent's audio is due within this time of start, open, or the end of caller speech."""

SILENT_FOR_S = 3.0
INTERRUPTED_WITHIN_S = 2.0
SLACK_S = 0.4
"""What this side and the network may take, beside what the contract forgives."""

LONGEST_TURN_S = 25.0

ODD_FRAMES = (7, 333, 1, 160, 90, 2, 801)
"""Lengths to cut speech into, in samples: any is legal."""


@dataclass(kw_only=True)
class Recording:
    """A call that took place.

    Attributes:
        call: what was created.
        line: what was heard, and when.
        greeted: whether the agent spoke unasked, where it was waited for.
        before_start: how many messages came before the start message.
        unasked: whether the agent was heard while the caller was silent and was to speak first.
        spoken_at: when caller speech began; `spoken_until` when it ended.
        answered: whether the agent was heard in time after it.
        first_until: when the agent's first message had been played.
        deaths: after which message the agent ended the call, for the hostile ones.
        stopped_at: when the carrier's stop was sent.
        ended: whether the agent ended the call in time.
    """

    call: Call
    line: Line
    greeted: bool = False
    before_start: int = 0
    unasked: bool = False
    spoken_at: float = 0.0
    spoken_until: float = 0.0
    answered: bool = False
    first_until: float = 0.0
    deaths: list[str] = field(default_factory=list)
    stopped_at: float = 0.0
    ended: bool = False


async def talk(it: Context, line: Line, recording: Recording, *, silence_after: bool = True, odd: bool = False) -> None:
    """Let the caller speak, and wait for the agent's answer."""
    audio = it.speech(line)
    sample = line.to_agent.bytes_per_sample
    line.silence_on = silence_after
    line.speak(audio, tuple(size * sample for size in ODD_FRAMES) if odd else ())
    recording.spoken_at, recording.spoken_until = line.spoke_at, line.spoke_until
    await line.until(lambda: time.monotonic() >= line.spoke_until or not line.alive, 30)
    recording.answered = await line.hears(line.spoke_until - 0.2, ANSWER_WITHIN_S + SLACK_S)
    line.silence_on = True


async def greeted(it: Context) -> Recording:
    """The agent greets, the caller answers and is answered, presses a key; then the carrier stops."""

    async def record() -> Recording:
        call = await it.call("inline", maxDuration=120, **audio_settings(it.variant))
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            await line.quiet(1.0, LONGEST_TURN_S)
            recording.first_until = line.speaking_until()
            await talk(it, line, recording)
            await line.quiet(1.2, 12)
            return recording

    return await _recorded(it, "greeted", record)


async def user_first(it: Context) -> Recording:
    """The caller is to speak first, is silent for a while, speaks in frames of odd lengths, then sends nothing more."""

    async def record() -> Recording:
        call = await it.call("inline", firstSpeaker="user", maxDuration=120, **audio_settings(it.variant))
        async with it.line(call, begin=False) as line:
            recording = Recording(call=call, line=line)
            if it.variant != "websocket":
                await line.connect()
                await line.until(lambda: not line.alive, 1.2)
                recording.before_start = len(line.heard)
                await line.start()
            recording.unasked = await line.hears(0, SILENT_FOR_S + 0.5)
            await talk(it, line, recording, silence_after=False)
            await line.quiet(1.0, 8)
            return recording

    return await _recorded(it, "user-first", record)


async def odd_frames(it: Context) -> Recording:
    """The caller speaks in frames of odd lengths; Telnyx' caller in A-law."""

    async def record() -> Recording:
        call = await it.call("inline", firstSpeaker="user", maxDuration=120, **audio_settings(it.variant))
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            await line.until(lambda: not line.alive, 0.6)
            await talk(it, line, recording, odd=True)
            return recording

    return await _recorded(it, "odd-frames", record)


async def alaw(it: Context) -> Recording:
    """A Telnyx leg in A-law: silence first, then speech."""

    async def record() -> Recording:
        call = await it.call("inline", firstSpeaker="user", maxDuration=120, connectionType="telnyx")
        async with it.line(call, to_agent=ALAW) as line:
            recording = Recording(call=call, line=line)
            recording.unasked = await line.hears(0, SILENT_FOR_S + 0.5)
            await talk(it, line, recording)
            return recording

    return await _recorded(it, "alaw", record)


async def cut_in(it: Context, interruptible: bool | None) -> Recording:
    """The caller speaks into a long greeting, which may or may not be interrupted (None: the default)."""

    async def record() -> Recording:
        changes = {} if interruptible is None else {"interruptible": interruptible}
        asked = audio_settings(it.variant)
        call = await it.call("inline", greeting=LONG_GREETING, maxDuration=120, **changes, **asked)
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            if not recording.greeted:
                raise NotChecked("the agent did not greet; media.greeting says more")
            await line.until(lambda: not line.alive, 0.5)
            line.speak(it.speech(line))
            recording.spoken_at, recording.spoken_until = line.spoke_at, line.spoke_until
            if interruptible:
                await line.until(lambda: not line.alive, INTERRUPTED_WITHIN_S + 1.5)
            else:
                await line.quiet(0.8, LONGEST_TURN_S)
            recording.first_until = line.speaking_until()
            return recording

    return await _recorded(it, f"cut-in-{interruptible}", record)


async def _recorded(it: Context, name: str, record: object) -> Recording:
    recording = await it.judge.recording(f"{name}-{it.variant}-{it.attempt}", record)  # type: ignore[arg-type]
    assert isinstance(recording, Recording)
    return recording
