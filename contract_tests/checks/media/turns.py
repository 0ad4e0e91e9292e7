"""Who speaks first, and that each turn of the caller's is answered, however it comes."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from contract_tests import scenarios
from contract_tests.context import Context, audio_settings
from contract_tests.findings import Layer
from contract_tests.legality import first_forbidden
from contract_tests.line import loudness, samples
from contract_tests.other_forms import WITH_PARAMETERS, must_greet
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.sample_tool import TOOLS
from contract_tests.scenarios import ANSWER_WITHIN_S, LONG_FRAMES, SHORT_FRAMES, SLACK_S
from contract_tests.smoothness import judge_coding
from contract_tests.sources import CONNECTION_TYPE, INLINE_REQUEST
from contract_tests.target import NotChecked

EVERYTHING: dict[str, Any] = {
    "greeting": "Grüß Gott, здравствуйте, 你好! 😀",
    "temperature": 0.7,
    "firstSpeaker": "agent",
    "interruptible": True,
    "maxDuration": 3600,
    "inactivityTimeout": 300,
    "inactivityAction": "prompt",
    "recordingEnabled": False,
    "selectedTools": TOOLS,
    "metadata": {"caller": {"name": "Zoë", "tags": [1, None, True]}},
    "fromTheFuture": 1,
}
"""Beside what every request has, and the connection type."""


@requirement(
    "media.stays-open",
    "The call goes on until one side ends it, or its time is over.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A call with greeting, caller turn and answer is placed; the agent's side must not close the socket in it.",
    why="A caller who is cut off calls again, or does not.",
    mend="See the server's log for an error at that moment.",
    variants=TALKING,
    smoke=True,
    lasts_s=13,
    soon=True,
)
async def stays_open(it: Context) -> None:
    """Greeting and one turn."""
    recording = await scenarios.greeted(it)
    line = recording.line
    if line.closed_at is not None:
        after_s = line.closed_at - line.opened_at
        it.wrong("an open socket", f"{line.why_silent} after {after_s:.1f} s", *it.dial_command(recording.call))


@requirement(
    "media.greeting",
    "With firstSpeaker agent, the agent speaks unasked within 10 seconds of the start of the stream.",
    source=f"{INLINE_REQUEST}/properties/firstSpeaker",
    layer=Layer.MEDIA,
    how="A call is placed, the caller is silent, and the first audible audio is waited for.",
    why="A caller who hears nothing hangs up.",
    mend="Begin to speak on the carrier's start message (websocket: when the socket opens), without waiting for audio.",
    variants=TALKING,
    smoke=True,
    lasts_s=13,
    again=True,
)
async def greeting(it: Context) -> None:
    """Audible audio."""
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        silent = "only silence" if recording.line.audio else "nothing"
        it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s", silent, *it.dial_command(recording.call))


@requirement(
    "media.greeting-without-audio",
    "A custom client that sends no audio is greeted, too.",
    source=f"{INLINE_REQUEST}/properties/firstSpeaker",
    layer=Layer.MEDIA,
    how="A call is placed on which nothing is sent at all; audible audio must come within 10 seconds.",
    why="A page greets while the browser still asks for the microphone.",
    mend="Begin to speak when the socket opens, by a clock of your own, not by the caller's frames.",
    lasts_s=13,
    again=True,
)
async def greeting_without_audio(it: Context) -> None:
    """No frame before the greeting."""
    recording = await scenarios.typed(it)
    if not recording.greeted:
        it.wrong(
            f"audible audio within {ANSWER_WITHIN_S:g} s of the dial, though no audio is sent",
            recording.line.why_silent,
            *it.dial_command(recording.call),
        )


@requirement(
    "media.start-parameters",
    "A start message with the customer's own parameters is understood.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The start message has customParameters (Telnyx: custom_parameters, Plivo: extra_headers); the agent must "
    "greet.",
    why="They come as soon as somebody adds one to the webhook's answer.",
    mend="Take any object of texts there, and use what you know.",
    variants=CARRIERS,
    lasts_s=5,
    soon=True,
    again=True,
)
async def start_parameters(it: Context) -> None:
    """Together with another oddity; alone where that does not go well."""
    await must_greet(it, WITH_PARAMETERS, "with parameters")


@requirement(
    "media.greeting-by-default",
    "Without firstSpeaker, the agent speaks first.",
    source=f"{INLINE_REQUEST}/properties/firstSpeaker/default",
    layer=Layer.MEDIA,
    how="Calls without firstSpeaker, and with the agent as firstSpeaker, are placed; both must greet.",
    why="The default decides who waits for whom.",
    mend="Fill in agent where firstSpeaker is missing.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def greeting_by_default(it: Context) -> None:
    """One call names nobody, the other one the agent."""
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        it.wrong("audible audio: the agent speaks first by default", "nothing", *it.dial_command(recording.call))
    recording = await scenarios.cut_in(it, False)
    if not recording.greeted:
        it.wrong("audible audio: firstSpeaker is agent", "nothing", *it.dial_command(recording.call))


@requirement(
    "media.user-speaks-first",
    "With firstSpeaker user, the agent is silent until the caller has spoken.",
    source=f"{INLINE_REQUEST}/properties/firstSpeaker",
    layer=Layer.MEDIA,
    how="A call is placed, and the caller is silent for 3.5 seconds: nothing audible may come.",
    why="Who calls a customer must let them say hello.",
    mend="Where firstSpeaker is user, wait for speech or text before the first word.",
    variants=TALKING,
    smoke=True,
    lasts_s=20,
    again=True,
)
async def user_speaks_first(it: Context) -> None:
    """Silence."""
    recording = await scenarios.user_first(it)
    if recording.unasked:
        line = recording.line
        first = line.audible()[0]
        after_s = first.at_s - (line.started_at or line.opened_at)
        level = 20 * math.log10(loudness(samples(first.payload, line.from_agent)) / 32768)
        received = f"audible audio ({level:.0f} dBFS) after {after_s:.1f} s"
        it.wrong("no audio for 3 s", received, *it.dial_command(recording.call))


@requirement(
    "media.nothing-before-start",
    "Nothing is sent before the carrier's start message.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A carrier's socket is opened, and 1.2 seconds pass before start: no message may come.",
    why="The stream's id comes with start: what is sent before cannot be played.",
    mend="Wait for start before sending anything.",
    variants=CARRIERS,
    smoke=True,
    lasts_s=20,
)
async def nothing_before_start(it: Context) -> None:
    """Both speakers."""
    for recording in (await scenarios.user_first(it), *await scenarios.side_by_side(it)):
        if recording.before_start:
            it.wrong("no message before start", f"{recording.before_start} messages", *it.dial_command(recording.call))
            return


@requirement(
    "media.answer",
    "The agent answers a caller turn within 10 seconds of its end.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="After the greeting the caller says a sentence, then sends silence; audible audio must come.",
    why="A conversation needs both.",
    mend="Detect the end of speech, and answer.",
    variants=TALKING,
    smoke=True,
    lasts_s=13,
    again=True,
)
async def answer(it: Context) -> None:
    """With silence after speech."""
    recording = await (scenarios.one_turn(it) if it.hasty else scenarios.greeted(it))
    # That the call ended is told by media.stays-open.
    if not recording.answered and recording.line.alive:
        it.wrong(
            f"audible audio within {ANSWER_WITHIN_S:g} s of the end of speech",
            "nothing",
            *it.dial_command(recording.call),
        )


@requirement(
    "media.answer-by-the-clock",
    "The end of speech is silence by the clock, whether or not frames go on.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The caller speaks first, in a call with firstSpeaker user, and then sends no frame at all; audio must come.",
    why="Carriers may send nothing while the caller is silent.",
    mend="Run the timer for the end of a turn on the clock, not on incoming frames.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def answer_by_the_clock(it: Context) -> None:
    """Without frames after speech."""
    recording = await scenarios.user_first(it)
    if not recording.heard_answer:
        recording = await scenarios.one_turn(it, silence_after=False)
    line, shown = recording.line, it.dial_command(recording.call)
    if not line.alive:
        it.wrong("an open socket and an answer", line.why_silent, *shown)
    elif not recording.answered:
        it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s of the last frame", "nothing", *shown)


@requirement(
    "media.any-length",
    "Audio messages of any length are understood.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The caller's sentence is cut into pieces of 1 to 150 samples in one call, of 161 to 801 in another; it must "
    "be answered all the same.",
    why="No carrier promises 20 ms.",
    mend="Collect samples, and cut them into your own frames.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def any_length(it: Context) -> None:
    """Shorter and longer ones than usual; each alone where the call that has them, too, did not go well."""
    understood: set[tuple[int, ...]] = set()
    if it.attempt == 1:
        first, other = await asyncio.gather(scenarios.user_first(it), scenarios.two_turns(it))
        understood |= {SHORT_FRAMES} if first.heard_answer else set()
        understood |= {LONG_FRAMES} if other.answered_again else set()
    for frames in (each for each in (SHORT_FRAMES, LONG_FRAMES) if each not in understood):
        recording = await scenarios.one_turn(it, frames=frames)
        if not recording.answered:
            expected = f"an answer to speech in pieces of {min(frames)} to {max(frames)} samples"
            it.wrong(expected, recording.line.why_silent, *it.dial_command(recording.call))
            return


@requirement(
    "media.long-turn",
    "A turn of the caller's may be long.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The caller says the sentence again and again without a pause, six seconds long; it must be answered.",
    why="Who has a problem explains it.",
    mend="Do not bound the buffer that a turn is collected in, or answer what fits.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def long_turn(it: Context) -> None:
    """Several sentences in one breath."""
    if it.attempt == 1 and (await scenarios.user_first(it)).heard_answer:
        return
    recording = await scenarios.one_turn(it, lasts_s=scenarios.LONG_TURN_S)
    if not recording.answered:
        expected = f"an answer within {ANSWER_WITHIN_S:g} s of a long turn"
        it.wrong(expected, recording.line.why_silent, *it.dial_command(recording.call))


@requirement(
    "media.a-law",
    "A-law from Telnyx is understood when its start message says PCMA.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A Telnyx leg in A-law is silent for 3.5 s, which must not be taken for speech, then speaks and must be "
    "answered, in mu-law as ever.",
    why="Outside North America telephone legs carry A-law: taken for mu-law it is noise, silence too.",
    mend="Decode by start.media_format.encoding.",
    variants=("telnyx",),
    lasts_s=10,
    soon=True,
    again=True,
)
async def a_law(it: Context) -> None:
    """Silence and speech."""
    recording = await scenarios.alaw(it)
    shown = it.dial_command(recording.call, " --alaw")
    if recording.unasked:
        it.wrong("silence: the caller has said nothing", "audio, as if silence in A-law were speech", *shown)
    if not recording.answered:
        it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s of speech in A-law", recording.line.why_silent, *shown)
    judge_coding(it, recording.line, recording.call)


@requirement(
    "media.agent-call",
    "The agent of a call to a saved agent answers what the caller says.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A call is created with /calls/create and placed; the caller's sentence must be answered.",
    why="It is what the operation is for.",
    mend="Give the socket's side the saved agent's configuration.",
    variants=TALKING,
    lasts_s=20,
    soon=True,
    again=True,
)
async def agent_call(it: Context) -> None:
    """One turn."""
    it.needs_agent()
    recording = await scenarios.two_turns(it)
    line, shown = recording.line, it.dial_command(recording.call)
    if (forbidden := first_forbidden(line, it.judge.secrets)) is not None:
        it.wrong("a message that the document allows", forbidden, *shown)
    if not recording.answered:
        it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s of speech", line.why_silent, *shown)


@requirement(
    "media.every-turn",
    "The agent answers each turn of the caller's, not only the first.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="In a call, to a saved agent if one is known, the caller speaks, hears the answer out, and speaks again; an "
    "answer must come.",
    why="What an agent forgets to reset after a turn shows in the next one.",
    mend="Begin each turn anew: buffers, flags, timers.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def every_turn(it: Context) -> None:
    """A second turn."""
    recording = await scenarios.two_turns(it)
    if recording.answered_again is None:
        raise NotChecked("the agent did not get as far as a second turn; media.agent-call says more")
    if not recording.answered_again:
        scenarios.must_be_even(recording.line)
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of the second turn"
        it.wrong(expected, recording.line.why_silent, *it.dial_command(recording.call))


@requirement(
    "media.calls-apart",
    "What is said on one call is answered on that call, and nothing of it is heard on another.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="While another caller is on the line, who came later and says nothing, one types; the answer must be heard by "
    "that one alone.",
    why="A stranger must not hear what is said to somebody else.",
    mend="Keep all that belongs to a call with its socket, nothing in variables that all calls share.",
    lasts_s=13,
    again=True,
)
async def calls_apart(it: Context) -> None:
    """Two custom clients."""
    recording = await scenarios.typed(it)
    if recording.beside is None:
        raise NotChecked("the agent of the second call went on talking")
    if recording.beside.audible(recording.spoken_at):
        it.wrong("silence on the other call", "audible audio", *it.dial_command(recording.call))
    elif not recording.answered:
        received = f"{recording.line.why_silent}, with another call on the line"
        it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s of a text", received, *it.dial_command(recording.call))


@requirement(
    "media.greeting-whatever-is-asked",
    "The agent greets also where every optional field is set.",
    source=f"{INLINE_REQUEST}/properties/greeting",
    layer=Layer.MEDIA,
    how="A call with a greeting in other scripts, metadata, temperature, no recording, audio buffering, times, a tool "
    "and an unknown field is placed; audible audio must come within 10 seconds.",
    why="A field that only fails when the call begins fails in front of the caller.",
    mend="See the server's log for an error at that moment; leave out one field after the other.",
    lasts_s=1,
    again=True,
)
async def greeting_whatever_is_asked(it: Context) -> None:
    """One call."""
    asked = audio_settings("websocket", enableAudioBuffering=True)
    call = await it.call("inline", **asked, **EVERYTHING)
    async with it.line(call) as line:
        if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
            it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s", line.why_silent, *it.dial_command(call))
