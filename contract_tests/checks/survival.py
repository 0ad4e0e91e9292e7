"""What a call survives: unknown messages, keys, foreign marks, text that is not JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from contract.codec import Wire
from contract.events import Mark, TextMessage
from contract_tests import other_forms, scenarios
from contract_tests.context import Context, audio_settings
from contract_tests.crashing import guilty_among
from contract_tests.findings import Layer, Level
from contract_tests.line import Line
from contract_tests.other_forms import must_answer, must_greet
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, Recording
from contract_tests.sources import CONNECTION_TYPE
from contract_tests.target import NotChecked

Send = Callable[[Line], Awaitable[None]]

TOO_LONG_FOR_A_ROOM = scenarios.TYPED * 40
"""Over 1024 bytes: clients send it on the control socket."""

SETTLED_S = 0.1
"""How long a call goes on before something odd is said."""
SUSPECTS = 3
"""How many of the last messages before a crash may have caused it."""
ALONE = 8
"""How many messages are sent on a call of their own where calls end early."""


async def _survives(it: Context, what: str) -> None:
    """Say something odd in a call with firstSpeaker user; the call must go on, and the caller be answered.

    What no agent answers is said with its like in one call first; each alone only where that one does not go well, or
    for a second look.
    """
    if what != KEYS and it.attempt == 1 and (await _said_together(it, what))[0].heard_answer:
        return
    recording, _ = await _odd_call(it, [what])
    shown, received = it.dial_command(recording.call), recording.line.why_silent
    if not recording.spoken_at:
        it.wrong(f"the call goes on after {what}", received, *shown)
    elif not recording.answered:
        it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s, after {what}", received, *shown)


async def _said_together(it: Context, what: str) -> tuple[Recording, list[str]]:
    """All that is odd but may come in one call; in another one what may not, and after a turn what is broken."""
    rough = what in ROUGH
    odd = ROUGH if rough else [UNKNOWN, *([MARKS] if it.variant in CARRIERS else [])]
    name = f"{'rough' if rough else 'odd'}-{it.variant}-{it.attempt}"
    broken = _broken(it.variant) if rough else []
    found: tuple[Recording, list[str]] = await it.recording(name, lambda: _odd_call(it, odd, broken))
    return found


async def _odd_call(it: Context, odd: Sequence[str], broken: Sequence[str] = ()) -> tuple[Recording, list[str]]:
    """One turn of the caller after odd messages, then broken ones, and those of them that were not sent any more.

    The agent may end the call before that: without a turn, `spoken_at` is 0.
    """
    left = list(broken)
    call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
    async with it.line(call, rubbish=True) as line:
        recording = Recording(call=call, line=line)
        await line.until(lambda: not line.alive, SETTLED_S)
        for what in odd:
            await ODDITIES[what](line)
            await line.until(lambda: not line.alive, 0.6)
        if odd:
            # What a message is mistaken for is answered soon.
            recording.unasked = await line.hears(0, 1.5)
        if line.alive and odd:
            await scenarios.talk(it, line, recording)
        while left and line.alive:
            text = left.pop(0)
            await line.send(_wire(text))
            await line.until(lambda: not line.alive, 0.12 if left else 0.6)
        return recording, left


async def _send_unknown_events(line: Line) -> None:
    tag = "type" if line.kind == "websocket" else "event"
    for body in (
        {tag: "telepathy", "streamSid": line.stream_id, "telepathy": {"a": [1, None]}},
        {tag: "from-the-future"},
    ):
        await line.send_json(body)


async def _send_binary(line: Line) -> None:
    if line.kind in CARRIERS:
        await line.send(b"\x00\xff" * 80)
    await line.send(b"")


async def _send_keys(line: Line) -> None:
    await line.press("1234567890*#")
    # The agent may answer them, too, and that is not to be taken for an answer to the speech.
    await line.quiet(2.5, 20)


async def _send_marks(line: Line) -> None:
    for name in ("never-given", "never-given", "\u2603"):
        await line.say(Mark(name=name))


async def _send_no_json(line: Line) -> None:
    for text in ("{not json", "[]", "42", "null", '"text"', "", '{"event": 5}', '{"type": {}}', "{}"):
        await line.send(text)


BINARY = "a binary message"
NO_JSON = "text that is not JSON"
UNKNOWN = "an unknown event"
KEYS = "key presses"
MARKS = "marks that were never given"
ODDITIES: dict[str, Send] = {
    UNKNOWN: _send_unknown_events,
    BINARY: _send_binary,
    MARKS: _send_marks,
    KEYS: _send_keys,
    NO_JSON: _send_no_json,
}
ROUGH = (BINARY, NO_JSON)
"""What may take down a service that expects neither, and is therefore said late in a run."""


@requirement(
    "survival.unknown-events",
    "Unknown events and types are survived.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A message with an unknown event (websocket: type) is sent, with odd fields; the call must go on and be "
    "answered.",
    why="Carriers add events without asking.",
    mend="Ignore what you do not know.",
    variants=TALKING,
    lasts_s=11,
    soon=True,
    again=True,
)
async def unknown_events(it: Context) -> None:
    """A few of them; one before the start message."""
    if it.variant in CARRIERS:
        await must_greet(it, other_forms.UNKNOWN_BEFORE, "after an unknown event")
    if not it.cases:
        await _survives(it, UNKNOWN)
    if it.cases:
        return
    shared = (await _said_together(it, UNKNOWN))[0]
    if shared.unasked and (await _odd_call(it, [UNKNOWN]))[0].unasked:
        received = "audible audio, though the caller has said nothing"
        it.wrong("silence after an unknown event: the caller speaks first", received, *it.dial_command(shared.call))


@requirement(
    "survival.unknown-fields",
    "Fields that no document names are survived.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A carrier's start message has a field too many, and so has what is in it; the agent must greet. So has a "
    "custom client's typed text, which must be answered.",
    why="Carriers add fields without asking.",
    mend="Read the fields that you need, and forbid no others.",
    variants=TALKING,
    lasts_s=6,
    soon=True,
    again=True,
)
async def unknown_fields(it: Context) -> None:
    """A start message or a text."""
    if it.variant in CARRIERS:
        await must_greet(it, other_forms.NEW_FIELDS, "with fields that nobody knows")
    else:
        await must_answer(it, "with a field that nobody knows", new_fields=True)


@requirement(
    "survival.binary",
    "Binary messages on a carrier's socket, and empty ones on any, are survived.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="Binary messages are sent on a carrier's socket, to a custom client's an empty one; the call must go on and be "
    "answered.",
    why="Carriers' pages and libraries disagree on whether there are any; a recorder that has nothing sends nothing.",
    mend="Ignore binary messages where the protocol has none, and those of no samples.",
    variants=TALKING,
    lasts_s=11,
    again=True,
)
async def binary(it: Context) -> None:
    """Full and empty; one before the start message."""
    if it.variant in CARRIERS:
        await must_greet(it, other_forms.BINARY_BEFORE, "after a binary message")
    if not it.cases:
        await _survives(it, BINARY)


@requirement(
    "survival.fragments",
    "A message that comes in several WebSocket frames is put together.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A carrier's start message comes in three frames, and the agent must greet; of a custom client a typed text, "
    "which must be answered.",
    why="Proxies may cut any message into frames (RFC 6455, 5.4).",
    mend="Read messages, not frames: libraries put them together.",
    variants=TALKING,
    lasts_s=6,
    soon=True,
    again=True,
)
async def fragments(it: Context) -> None:
    """A start message or a text."""
    if it.variant in CARRIERS:
        await must_greet(it, other_forms.IN_PIECES, "in three frames")
    else:
        await must_answer(it, "in three frames", in_pieces=True)


@requirement(
    "survival.field-order",
    "A message is understood in whatever order its fields come.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The event of a carrier's start message comes last, and the agent must greet; of a custom client the type of a "
    "typed text, which must be answered.",
    why="A JSON object has no order (RFC 8259, 4); a carrier's next release may write it otherwise.",
    mend="Parse the message, and look the field up by its name.",
    variants=TALKING,
    lasts_s=6,
    soon=True,
    again=True,
)
async def field_order(it: Context) -> None:
    """A start message or a text."""
    if it.variant in CARRIERS:
        await must_greet(it, other_forms.TURNED, "with its event at the end")
    else:
        await must_answer(it, "with its type at the end", turned=True)


@requirement(
    "survival.overtaken",
    "Telnyx' messages may overtake each other: the call goes on, and the caller is understood.",
    source="asyncapi/telnyx.yaml#/operations/carrierSends",
    layer=Layer.MEDIA,
    how="Of the caller's words every fifth frame comes after the one that follows it, each with its own "
    f"sequence_number, chunk and timestamp; an answer must come within {ANSWER_WITHIN_S:g} seconds.",
    why="Telnyx promises no order.",
    mend="Put late frames in their place or leave them out; a number that goes back ends nothing.",
    variants=("telnyx",),
    lasts_s=4,
    soon=True,
    again=True,
)
async def overtaken(it: Context) -> None:
    """One turn."""
    recording = await scenarios.one_turn(it, overtakes=True)
    if not recording.answered:
        expected = f"an answer within {ANSWER_WITHIN_S:g} s of words whose frames overtake each other"
        it.wrong(expected, recording.line.why_silent, *it.dial_command(recording.call))


@requirement(
    "survival.keys",
    "Key presses are understood.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="All twelve keys are pressed; the call must go on and be answered.",
    why="Callers press keys.",
    mend="Read the event dtmf; do nothing if nothing is to be done.",
    variants=CARRIERS,
    lasts_s=10,
    soon=True,
    again=True,
)
async def keys(it: Context) -> None:
    """Twelve keys."""
    await _survives(it, KEYS)


@requirement(
    "survival.marks",
    "Marks that come back are understood, also unexpected ones.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="Marks with names that the agent never gave are sent; the call must go on and be answered.",
    why="Carriers return every mark after clear, and some twice.",
    mend="Ignore marks that you do not wait for.",
    variants=CARRIERS,
    lasts_s=9,
    soon=True,
    again=True,
)
async def marks(it: Context) -> None:
    """Unknown names."""
    await _survives(it, MARKS)


@requirement(
    "survival.garbage",
    "Text that is not JSON, or no object, ends no call.",
    source="asyncapi/twilio.yaml#/channels/media/description",
    level=Level.SHOULD,
    layer=Layer.MEDIA,
    how="Broken JSON, arrays, numbers and empty text are sent; the call should go on and be answered.",
    why="One broken message is no reason to drop a caller.",
    mend="Ignore what cannot be read, and log it.",
    variants=TALKING,
    lasts_s=9,
    again=True,
)
async def garbage(it: Context) -> None:
    """Each kind."""
    await _survives(it, NO_JSON)


@requirement(
    "survival.garbage-does-no-harm",
    "Whatever is sent on a socket, the agent's side does not fail: at the worst it refuses.",
    source="asyncapi/twilio.yaml#/channels/media/description",
    layer=Layer.MEDIA,
    how="Broken and mistyped messages are sent, on a new call after each close; a close with 1011, or without a close "
    "frame, is a crash. The last messages before it are sent again, each on a call of its own.",
    why="A crash is a bug that anybody can trigger.",
    mend="Catch errors where messages are read.",
    variants=TALKING,
    lasts_s=9,
)
async def no_crash(it: Context) -> None:
    """One call for all; a new one after each close."""
    broken = _broken(it.variant)
    recording, left = await _said_together(it, NO_JSON)
    for calls in range(4):
        if calls:
            recording, left = await _odd_call(it, [], left)
        if recording.line.crashed:
            how = "1011" if recording.line.close_code == 1011 else "no close frame"
            last = broken[: len(broken) - len(left)][-SUSPECTS:]
            # What came last need not be what it choked on: it may have been busy.
            guilty: list[Wire] = []
            # It may be that no call can be placed any more.
            with suppress(NotChecked):
                guilty = await guilty_among(it, [_wire(text) for text in last])
            if guilty or recording.line.close_code == 1011:
                _write_down(it, recording, how, guilty[:1] or last)
                return
        if not left:
            return
    guilty = await guilty_among(it, [_wire(text) for text in left[:ALONE]])
    if guilty:
        _write_down(it, recording, "a crash", guilty[:1])
    elif len(left[ALONE:]) > len(broken) / 2:
        unsent = f"{len(left[ALONE:])} of {len(broken)} messages were not sent"
        raise NotChecked(f"the agent ended each call so soon that {unsent}")


@requirement(
    "survival.control-socket",
    "Whatever is sent on the socket that offers a room, the agent's side does not fail: at the worst it refuses.",
    source="asyncapi/webrtc.yaml#/channels/control/description",
    layer=Layer.MEDIA,
    how="After the room was offered a text comes that is too long for it, which is no reason to close, and then broken "
    "and mistyped messages; a close with 1011, or without a close frame, is a crash.",
    why="A browser's data messages come here, too, and the call must not end for one.",
    mend="Catch errors where messages are read.",
    lasts_s=5,
)
async def control_socket(it: Context) -> None:
    """One call for all."""
    call = await it.call(connectionType="webrtc")
    async with it.line(call, rubbish=True) as line:
        await line.until(lambda: bool(line.heard) or not line.alive, ANSWER_WITHIN_S)
        if not line.heard:
            raise NotChecked("no room was offered; webrtc.control-message says more")
        await line.say(TextMessage(text=TOO_LONG_FOR_A_ROOM))
        if await line.ended(1.0):
            expected = "an open socket after a text that is too long for the room"
            it.wrong(expected, line.why_silent, *it.dial_command(call))
        sent: list[str] = []
        for text in _broken("webrtc"):
            if line.alive:
                sent.append(text)
                await line.send(_wire(text))
                await line.until(lambda: not line.alive, 0.12)
        await line.until(lambda: not line.alive, 0.6)
        if line.crashed:
            how = "1011" if line.close_code == 1011 else "no close frame"
            _write_down(it, Recording(call=call, line=line), how, [_wire(text) for text in sent[-SUSPECTS:]])


def _write_down(it: Context, recording: Recording, how: str, after: Sequence[Wire]) -> None:
    sent = " or ".join(repr(wire[:80]) for wire in after) or "odd messages"
    shown = it.dial_command(recording.call)
    it.wrong("the call goes on, or a close that refuses", f"{how} after {sent}", *shown)


def _wire(text: str) -> Wire:
    return b"\x01" if text == "binary" else text


def _broken(kind: str) -> list[str]:
    own = kind not in CARRIERS
    tag = "type" if own else "event"
    media = "user_text_message" if own else "media"
    texts = [
        "{not json",
        "[]",
        "42",
        "null",
        '"text"',
        "",
        "{}",
        json.dumps({tag: 5}),
        json.dumps({tag: None}),
        json.dumps({tag: "\0", "a\0": "\0"}),
        json.dumps({tag: media}),
        json.dumps({tag: media, "media": None}),
        json.dumps({tag: media, "media": {"payload": "not base64!"}}),
        json.dumps({tag: media, "media": {"payload": 5}, "text": 5}),
        json.dumps({tag: media, "media": [], "text": None}),
        json.dumps({tag: "dtmf"}),
        json.dumps({tag: "dtmf", "dtmf": "1"}),
        json.dumps({tag: "mark", "mark": None}),
        json.dumps({tag: "client_tool_result"}),
        json.dumps({tag: "client_tool_result", "invocationId": {}, "result": 5}),
        "[" * 20_000,
        '{"' + "a" * 60_000 + '": 1}',
    ]
    if own:
        texts.append("binary")
    return texts


@requirement(
    "survival.ping",
    "A ping is answered by a pong.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="A WebSocket ping is sent in a call (webrtc: on the control socket); its pong must come within 5 seconds.",
    why="Proxies and carriers drop sockets that do not answer (RFC 6455, 5.5.2).",
    mend="Leave control frames to the WebSocket library.",
    variants=(*TALKING, "webrtc"),
    lasts_s=13,
    again=True,
)
async def ping(it: Context) -> None:
    """One ping."""
    if it.variant == "webrtc":
        call = await it.any_call("inline", "webrtc")
        async with it.line(call) as line:
            if not await line.pong(5.0):
                it.wrong("a pong within 5 s", "none", *it.dial_command(call))
        return
    recording = await scenarios.greeted(it)
    if recording.ponged is None:
        raise NotChecked("the call had ended before; media.stays-open says more")
    if not recording.ponged:
        it.wrong("a pong within 5 s", "none", *it.dial_command(recording.call))
