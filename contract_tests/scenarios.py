"""Calls that several checks look at: each is placed once, and everything that was heard is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from contract.events import TextMessage
from contract_tests.context import ALAW, LONG_GREETING, Call, Context, audio_settings
from contract_tests.dialling import Refusal, closed_at_once, dial_address, first_message
from contract_tests.line import RESTLESS, Line
from contract_tests.raw import Answer, handshake, plain_request
from contract_tests.target import NotChecked

ANSWER_WITHIN_S = 10.0
"""The agent's audio is due within this time of start, open, or the end of caller speech."""

SILENT_FOR_S = 3.0
INTERRUPTED_WITHIN_S = 2.0
SLACK_S = 0.4
"""What this side and the network may take, beside what the contract forgives."""

LONGEST_TURN_S = 25.0
TYPED = "What does a new tyre cost at Zoë’s café: 50 €, or more? 🚲"
"""Letters of any kind must come back as they are."""
WITH_PARAMETERS, IN_PIECES, TURNED, UNKNOWN_BEFORE = ODD_STARTS = ("parameters", "pieces", "turned", "unknown")
"""What may be odd about a start message: the customer's parameters; that it comes in three WebSocket frames; that its
fields come in another order; that an unknown event came before it."""
PARAMETERS = {"campaign": "spring", "customerId": "4711"}
"""What a customer may hand on with a stream: TwiML's `<Parameter>`, and its like."""
PAUSE_S = 2.5
"""How long an agent may pause in what it says, between two sentences or before its answer: it has not finished."""

ROOM_WITHIN_S = 5.0

ODD_FRAMES = (7, 333, 1, 161, 90, 2, 801)
"""Lengths to cut speech into, in samples: any is legal."""


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
        answered: whether the agent was heard in time after it; `answered_again`, after the caller's next turn, and None
            where the call did not come so far, and `spoken_again_at`, when that began.
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
    answered: bool = False
    answered_again: bool | None = None
    spoken_again_at: float = 0.0
    greeting_over: bool = False
    first_until: float = 0.0
    stopped_at: float = 0.0
    ended: bool = False
    over_at: float = 0.0
    beside: Line | None = None


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
    """The agent greets, the caller answers and is answered; then comes a ping."""

    async def record() -> Recording:
        # Carriers have mu-law at 8000 Hz whatever it says.
        ignored = {"inputSampleRate": 16000, "outputSampleRate": 16000, "codec": "pcm"}
        call = await it.call("inline", **({"websocket": ignored} | audio_settings(it.variant)))
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            recording.greeting_over = await line.quiet(1.0, 4.0 if it.hasty else LONGEST_TURN_S)
            recording.first_until = line.speaking_until()
            if it.hasty:
                return recording
            await talk(it, line, recording)
            await line.quiet(1.2, 12)
            recording.ponged = await line.pong(5.0) if line.alive else None
            recording.over_at = time.monotonic()
            return recording

    return await _recorded(it, "greeted", record)


async def user_first(it: Context) -> Recording:
    """The caller is to speak first, is silent for a while, speaks in frames of any length, then sends nothing more."""

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
            await talk(it, line, recording, silence_after=False, odd=True)
            await line.quiet(1.0, 8)
            recording.over_at = time.monotonic()
            return recording

    return await _recorded(it, "user-first", record)


async def one_turn(it: Context, *, silence_after: bool = True, odd: bool = False) -> Recording:
    """The caller speaks first: to tell which peculiarity of `user_first` was not understood."""

    async def record() -> Recording:
        call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            await line.until(lambda: not line.alive, 0.6)
            await talk(it, line, recording, silence_after=silence_after, odd=odd)
            return recording

    return await _recorded(it, f"one-turn-{silence_after}-{odd}", record)


async def agent_call(it: Context) -> Recording:
    """A call to the saved agent: it may greet, then the caller speaks, and again after the answer."""

    async def record() -> Recording:
        call = await it.any_call("create", it.variant)
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            await line.hears(0, 2.0)
            await line.quiet(1.0, 20)
            await talk(it, line, recording)
            if recording.answered and await line.quiet(1.2, 15) and line.alive:
                again = Recording(call=call, line=line)
                await talk(it, line, again)
                recording.answered_again, recording.spoken_again_at = again.answered, again.spoken_at
                # Its transcript may come when it has been said.
                await line.quiet(PAUSE_S, 12)
            return recording

    return await _recorded(it, "agent-call", record)


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
            recording.answered = await line.hears(recording.spoken_at, ANSWER_WITHIN_S + SLACK_S)
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


async def oddly_started(it: Context, *oddities: str) -> Recording:
    """The agent greets on a carrier's start message that is odd, and is told to stop when it has fallen silent.

    Args:
        it: the check; its variant is the carrier.
        oddities: of ODD_STARTS; none for all of them.
    """

    async def record() -> Recording:
        odd = oddities or ODD_STARTS
        call = await it.any_call("inline", it.variant, greets=True)
        async with it.line(call, begin=False, rubbish=UNKNOWN_BEFORE in odd) as line:
            recording = Recording(call=call, line=line)
            await line.connect()
            if UNKNOWN_BEFORE in odd:
                await line.send_json({"event": "from-the-future", "future": {"a": [1, None]}})
            parameters = PARAMETERS if WITH_PARAMETERS in odd else {}
            await line.start_with(parameters, in_pieces=IN_PIECES in odd, turned=TURNED in odd)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            if recording.greeted and await line.quiet(1.0, LONGEST_TURN_S) and line.alive:
                await _stop(recording)
            return recording

    return await _recorded(it, f"oddly-started-{oddities}", record)


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
                await _stop(recordings[-1])
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


async def _stop(recording: Recording) -> None:
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

    return await _recorded(it, "alaw", record)


async def cut_in(it: Context, interruptible: bool | None) -> Recording:
    """The caller speaks into a long greeting, which may or may not be interrupted (None: the default)."""
    changes: dict[str, Any] = {} if interruptible is None else {"interruptible": interruptible}
    if interruptible is False:
        changes["firstSpeaker"] = "agent"

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
            recording.spoken_at, recording.spoken_until = line.spoke_at, line.spoke_until
            if interruptible:
                await line.until(lambda: not line.alive, INTERRUPTED_WITHIN_S + 1.5)
            else:
                await line.quiet(PAUSE_S, LONGEST_TURN_S)
            recording.first_until = line.speaking_until()
            if interruptible and line.clears:
                recording.answered = await line.hears(line.spoke_until + 0.1, ANSWER_WITHIN_S + SLACK_S)
            return recording

    return await _recorded(it, f"cut-in-{interruptible}", record)


async def _recorded(it: Context, name: str, record: object) -> Recording:
    recording = await it.recording(f"{name}-{it.variant}-{it.attempt}", record)  # type: ignore[arg-type]
    assert isinstance(recording, Recording)
    return recording


@dataclass
class Dialled:
    """A call that was dialled, and dialled again: how each dial was refused, None where it was not.

    Attributes:
        call: what was created.
        first, during: the first dial, and one while the call went on.
        after: those after its end; none where the first one was refused, or no room was offered on it.
        said: the first message of a webrtc call; empty where none came.
        disguised: how it was dialled once more, with success, where plain dials were refused.
    """

    call: Call
    first: Refusal | None
    during: Refusal | None = None
    after: list[Refusal | None] = field(default_factory=list)
    said: str | bytes = ""
    disguised: tuple[str, ...] = ()


DISGUISES: Mapping[str, tuple[str, ...]] = {
    "twilio": ("with a slash behind it", "with a query"),
    "telnyx": ("with an Origin",),
    "plivo": ("with a character percent-encoded",),
    "websocket": ("with an Origin", "with a subprotocol"),
    "webrtc": ("with a doubled slash",),
    "create": ("with a query", "with an Origin"),
}
"""How a URL is dialled once more that was used: each is tried somewhere."""


async def _disguised(it: Context, call: Call) -> tuple[str, ...]:
    """How a used URL can be dialled once more, if it can."""
    url, token = call.url, it.target.token_of(call.body)
    urls = {
        "with a slash behind it": url + "/",
        "with a character percent-encoded": url.replace(token, f"{token[:-1]}%{ord(token[-1]):02X}") if token else url,
        "with a doubled slash": url.replace(f"/{token}", f"//{token}"),
    }
    headers = {"with an Origin": FOREIGN, "with a subprotocol": {"Sec-WebSocket-Protocol": "audio"}}
    opened = []
    for how in DISGUISES[it.variant]:
        query = UNKNOWN_QUERY if how == "with a query" else ""
        if await it.refusal(urls.get(how, call), headers=headers.get(how), query=query) is None:
            opened.append(how)
    return tuple(opened)


async def dialled_again(it: Context) -> Dialled:
    """One call of a connection type, or of a saved agent, dialled plainly, again while it goes on, and twice after it.

    A webrtc call that offers no room is not dialled again.
    """

    async def record() -> Dialled:
        call = await (it.any_call("create") if it.variant == "create" else it.any_call("inline", it.variant))
        socket = await it.dial(call)
        if isinstance(socket, Refusal):
            return Dialled(call, socket)
        dialled = Dialled(call, None)
        if it.variant == "webrtc":
            dialled.said = await first_message(socket, ROOM_WITHIN_S)
            if not dialled.said:
                await socket.close()
                return dialled
        try:
            if it.variant != "webrtc":
                dialled.first = await closed_at_once(socket)
            dialled.during = await it.refusal(call)
        finally:
            await socket.close()
        for pause_s in (0.3, 2.0):
            await asyncio.sleep(pause_s)
            dialled.after.append(await it.refusal(call))
        if None not in (dialled.during, *dialled.after):
            dialled.disguised = await _disguised(it, call)
        return dialled

    dialled = await it.recording(f"dialled-again-{it.variant}-{it.attempt}", record)
    assert isinstance(dialled, Dialled)
    return dialled


BROKEN: Mapping[str, Mapping[str, str | None]] = {
    "no-key": {"Sec-WebSocket-Key": None},
    "old-version": {"Sec-WebSocket-Version": "8"},
    "no-upgrade": {"Upgrade": None, "Connection": "close"},
}
"""What is wrong with each broken handshake, beside that it is one."""

HARMLESS = ("get", "head", "post", "put", "options", *BROKEN)
"""What is sent to a URL that must not use it up."""

FOREIGN = {"Origin": "http://evil.example"}
UNKNOWN_QUERY = "?clientVersion=1.0&apiVersion=1"
"""Parameters that Ultravox' client adds to the URL that it dials."""


async def harmless(it: Context, call: Call, attempt: str) -> Answer:
    """Send a URL what must not use it up; the answer."""
    address = dial_address(call.url, it.settings)
    if attempt not in BROKEN:
        return await plain_request(attempt.upper(), address, it.settings)
    # A server that opens a WebSocket all the same leaves the connection open: there is no end to wait for.
    return await plain_request("GET", address, it.settings, headers=handshake(BROKEN[attempt]), within_s=1.5)


@dataclass(frozen=True)
class Outlived:
    """A call whose URL was sent all that must not use it up, and was dialled then, with a query that nobody knows.

    Attributes:
        call: what was created.
        answers: what each of HARMLESS was answered with.
        opened: whether all went well: none of them opened a WebSocket, and a dial did, from a foreign Origin or, where
            that was refused, from none.
    """

    call: Call
    answers: Mapping[str, Answer]
    opened: bool


async def outlived(it: Context) -> Outlived:
    """One call for everything that must not use a URL up, and that a dial must bear."""

    async def record() -> Outlived:
        call = await it.any_call()
        answers = dict(
            zip(HARMLESS, await asyncio.gather(*(harmless(it, call, attempt) for attempt in HARMLESS)), strict=True)
        )
        opened = all(answer.status != 101 for answer in answers.values())
        if opened and await it.refusal(call, headers=FOREIGN, query=UNKNOWN_QUERY) is not None:
            opened = await it.refusal(call, query=UNKNOWN_QUERY) is None
        return Outlived(call, answers, opened)

    found = await it.recording(f"outlived-{it.attempt}", record)
    assert isinstance(found, Outlived)
    return found


@dataclass(frozen=True, kw_only=True)
class Aged:
    """Two calls, one dialled shortly before the time of its URL was over, the other one after it.

    Attributes:
        early, late: what was created.
        opened: whether the early one could be dialled; `over_s` is how old it was then.
        refusal: how the late one was refused, None where it was not; `late_s` is how old it was then.
    """

    early: Call
    opened: bool
    over_s: float
    late: Call
    refusal: Refusal | None
    late_s: float


async def aged(it: Context, operation: str, ttl_s: float) -> Aged:
    """Wait until a URL that an operation handed out has nearly expired, and another one has."""

    async def record() -> Aged:
        asked_at = time.monotonic()
        quiet = {"firstSpeaker": "user"} if operation == "inline" else {}
        early, late = await it.call(operation, **quiet), await it.call(operation, **quiet)
        created_at = time.monotonic()
        await asyncio.sleep(max(0.0, asked_at + ttl_s - max(1.0, ttl_s / 4) - time.monotonic()))
        opened, over_s = await it.opens(early), time.monotonic() - asked_at
        await asyncio.sleep(max(0.0, created_at + ttl_s + max(1.5, ttl_s / 4) - time.monotonic()))
        refusal = await it.refusal(late)
        late_s = time.monotonic() - created_at
        return Aged(early=early, opened=opened, over_s=over_s, late=late, refusal=refusal, late_s=late_s)

    found = await it.recording(f"aged-{operation}-{it.attempt}", record)
    assert isinstance(found, Aged)
    return found
