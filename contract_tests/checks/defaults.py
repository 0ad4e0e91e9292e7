"""What holds where a request does not say."""

from __future__ import annotations

from contract_tests.context import Call, Context, audio_settings
from contract_tests.exchanges import created
from contract_tests.findings import Layer
from contract_tests.line import Line
from contract_tests.requirements import OPERATIONS, TALKING, requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, PAUSE_S, SLACK_S, NotGreeted
from contract_tests.smoothness import judge_coding
from contract_tests.sources import CREATE_REQUEST, INLINE_REQUEST
from contract_tests.target import NotChecked


@requirement(
    "defaults.connection-type",
    "Without connectionType, a call is for twilio.",
    source=f"{CREATE_REQUEST}/properties/connectionType/default",
    how="A request without connectionType is sent; the answer must say twilio.",
    why="A default that differs from the document makes a call that nobody can take.",
    mend="Fill in twilio where connectionType is missing, on both operations.",
    variants=OPERATIONS,
    smoke=True,
)
async def default_connection_type(it: Context) -> None:
    """The answer's word."""
    exchange = (await created(it))[0]
    value = exchange.json_object().get("connectionType")
    if b"connectionType" not in exchange.content and value != "twilio":
        it.wrong('connectionType: "twilio"', f"connectionType: {value!r}", exchange)


@requirement(
    "defaults.max-duration",
    "Without maxDuration a call may last 3000 seconds.",
    source=f"{INLINE_REQUEST}/properties/maxDuration/default",
    layer=Layer.MEDIA,
    how="A call without maxDuration is held for a while longer than the shortest maxDuration; it must go on.",
    why="Callers are cut off by a default that is too short.",
    mend="Fill in 3000 where maxDuration is missing.",
    variants=TALKING,
    lasts_s=7,
    waits_s=59,
    again=True,
)
async def default_max_duration(it: Context) -> None:
    """Longer than a minute."""
    await _left_alone(it, max(it.scaled(62) + 3, 8.0), "the call goes on")


@requirement(
    "defaults.inactivity",
    "Without inactivityTimeout the agent waits for ever: it neither speaks again nor hangs up.",
    source=f"{INLINE_REQUEST}/properties/inactivityTimeout",
    layer=Layer.MEDIA,
    how="A call without inactivityTimeout is held while the caller is silent; after the greeting nothing may come.",
    why="A caller who thinks must not be disturbed unless that was asked for.",
    mend="Set no timer where inactivityTimeout is missing.",
    variants=TALKING,
    lasts_s=7,
    waits_s=59,
    again=True,
)
async def default_inactivity(it: Context) -> None:
    """Longer than the shortest timeout."""
    call, line = await _left_alone(it, max(it.scaled(30) + 8, 12.0), "the agent waits")
    audible = line.audible()
    if not audible:
        raise NotGreeted
    since = audible[0].plays_until_s
    for piece in audible:
        # A greeting of one word is over by then, however it is spoken.
        late = piece.at_s > audible[0].at_s + 8 and piece.at_s > since + 0.25
        if late or piece.at_s > since + PAUSE_S:
            after = f"audio {piece.at_s - since:.1f} s after it"
            it.wrong("silence after the greeting", after, *it.dial_command(call))
            return
        since = max(since, piece.plays_until_s)


@requirement(
    "defaults.not-inherited",
    "What a call leaves out has its default, whatever an earlier call asked for.",
    source=f"{INLINE_REQUEST}/properties/firstSpeaker/default",
    layer=Layer.MEDIA,
    how="A call with firstSpeaker user and codec g711 is created, and right after it one without either: its agent "
    "must greet, in pcm.",
    why="State that calls share makes one customer's settings another's.",
    mend="Make the settings of each call anew; share no object that a request is written into.",
    lasts_s=5,
    again=True,
)
async def not_inherited(it: Context) -> None:
    """One call, and what it must not leave behind."""
    asked = audio_settings("websocket", codec="g711")
    await it.call(firstSpeaker="user", **asked)
    call = await it.call(**audio_settings("websocket"))
    async with it.line(call) as line:
        if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
            it.wrong("a greeting, as firstSpeaker is agent by default", line.why_silent, *it.dial_command(call))
            return
        await line.quiet(1.0, 6)
        judge_coding(it, line, call)


async def _left_alone(it: Context, least_s: float, expected: str) -> tuple[Call, Line]:
    """A call with a silent caller, held long enough for both checks that look at it where this run has the time.

    In the deep profile that is nearly the whole default of maxDuration.
    """
    both_s = it.scaled(2900) if it.deep else max(it.scaled(62) + 3, 12.0)
    held_s = min(it.scaled(2900), both_s if both_s + 2 <= it.judge.left_s() else least_s)
    if held_s + 2 > it.judge.left_s():
        raise NotChecked(f"it takes {held_s:.0f} s, more than this run has left: --max-time, or --time-scale")

    async def record() -> tuple[Call, Line]:
        call = await it.call(greeting="Hello.", maxDuration=None, **audio_settings(it.variant))
        async with it.line(call) as line:
            line.silence_on = held_s < 20
            await line.ended(held_s)
            return call, line

    name = f"left-alone-{it.variant}-{held_s:.0f}-{it.attempt}"
    held: tuple[Call, Line] = await it.recording(name, record)
    call, line = held
    if line.closed_at is not None:
        after = f"the end after {line.closed_at - line.opened_at:.1f} s"
        it.wrong(f"{expected} for more than {held_s:.0f} s", after, *it.dial_command(call))
    return held
