"""What a call and the service survive: unknown messages, keys, foreign marks, broken frames, peers that vanish."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence

from contract.events import Mark
from contract_tests import scenarios
from contract_tests.context import Context, audio_settings
from contract_tests.dialling import dial_address
from contract_tests.findings import Layer, Level
from contract_tests.line import Line
from contract_tests.raw import connect, frame, handshake, request_head
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, SLACK_S, Recording
from contract_tests.target import NotChecked

CONNECTION = "openapi/calls.yaml#/components/schemas/CreatedCall/properties/connectionType"
URL = "openapi/calls.yaml#/components/schemas/CreatedCall/properties/websocketUrl"
MEDIA = Layer.MEDIA


Send = Callable[[Line], Awaitable[None]]


async def _survives(it: Context, what: str) -> None:
    """Say something odd in a call with firstSpeaker user; the call must go on, and the caller be answered.

    All that is odd is said in one call first; each alone only where that one does not go well.
    """
    together, _ = await _all_oddities(it)
    if together.answered:
        return
    recording, _ = await _odd_call(it, [ODDITIES[what]])
    shown, state = it.dial_command(recording.call), f"closed ({recording.line.close_code})"
    if not recording.spoken_at:
        it.wrong(f"the call goes on after {what}", state, *shown)
    elif not recording.answered:
        state = "nothing" if recording.line.alive else state
        it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s, after {what}", state, *shown)


async def _all_oddities(it: Context) -> tuple[Recording, list[str]]:
    """All that is odd in one call, and after the caller's turn what is broken."""
    carrier = it.variant in CARRIERS
    sends = [send for what, send in ODDITIES.items() if carrier or what in ("an unknown event", NO_JSON)]
    name = f"oddities-{it.variant}-{it.attempt}"
    found: tuple[Recording, list[str]] = await it.judge.recording(
        name, lambda: _odd_call(it, sends, _broken(it.variant))
    )
    return found


async def _odd_call(it: Context, sends: Sequence[Send], broken: Sequence[str] = ()) -> tuple[Recording, list[str]]:
    """One turn of the caller after odd messages, then broken ones, and those of them that were not sent any more.

    The agent may end the call before that: without a turn, `spoken_at` is 0.
    """
    left = list(broken)
    call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
    async with it.line(call) as line:
        recording = Recording(call=call, line=line)
        await line.until(lambda: not line.alive, 0.4)
        for send in sends:
            await send(line)
            await line.until(lambda: not line.alive, 0.6)
        if line.alive and sends:
            await scenarios.talk(it, line, recording)
        while left and line.alive:
            text = left.pop(0)
            await line.send(b"\x01" if text == "binary" else text)
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
    await line.send(b"\x00\xff" * 80)
    await line.send(b"")


async def _send_keys(line: Line) -> None:
    await line.press("1234567890*#")
    await line.quiet(1.5, 20)


async def _send_marks(line: Line) -> None:
    for name in ("never-given", "never-given", "\u2603"):
        await line.say(Mark(name=name))


async def _send_no_json(line: Line) -> None:
    for text in ("{not json", "[]", "42", "null", '"text"', "", '{"event": 5}', '{"type": {}}', "{}"):
        await line.send(text)


NO_JSON = "text that is not JSON"
ODDITIES: dict[str, Send] = {
    "an unknown event": _send_unknown_events,
    "a binary message": _send_binary,
    "marks that were never given": _send_marks,
    "key presses": _send_keys,
    NO_JSON: _send_no_json,
}


@requirement(
    "survival.unknown-events",
    "Unknown events and types are survived.",
    source=CONNECTION,
    layer=MEDIA,
    how="A message with an unknown event (websocket: type) is sent, with odd fields; the call must go "
    "on and be answered.",
    why="Carriers add events without asking.",
    mend="Ignore what you do not know.",
    variants=TALKING,
    again=True,
)
async def unknown_events(it: Context) -> None:
    """A few of them."""
    await _survives(it, "an unknown event")


@requirement(
    "survival.binary",
    "Binary messages on a carrier's socket are survived.",
    source=CONNECTION,
    layer=MEDIA,
    how="Binary messages are sent on a carrier's socket; the call must go on and be answered.",
    why="Carriers' pages and libraries disagree on whether there are any.",
    mend="Ignore binary messages where the protocol has none.",
    variants=CARRIERS,
    again=True,
)
async def binary(it: Context) -> None:
    """Full and empty."""
    await _survives(it, "a binary message")


@requirement(
    "survival.keys",
    "Key presses are understood.",
    source=CONNECTION,
    layer=MEDIA,
    how="All twelve keys are pressed; the call must go on and be answered.",
    why="Callers press keys.",
    mend="Read the event dtmf; do nothing if nothing is to be done.",
    variants=CARRIERS,
    again=True,
)
async def keys(it: Context) -> None:
    """Twelve keys."""
    await _survives(it, "key presses")


@requirement(
    "survival.marks",
    "Marks that come back are understood, also unexpected ones.",
    source=CONNECTION,
    layer=MEDIA,
    how="Marks with names that the agent never gave are sent; the call must go on and be answered.",
    why="Carriers return every mark after clear, and some twice.",
    mend="Ignore marks that you do not wait for.",
    variants=CARRIERS,
    again=True,
)
async def marks(it: Context) -> None:
    """Unknown names."""
    await _survives(it, "marks that were never given")


@requirement(
    "survival.garbage",
    "Text that is not JSON, or no object, ends no call.",
    source="asyncapi/twilio.yaml#/channels/media/description",
    level=Level.SHOULD,
    layer=MEDIA,
    how="Broken JSON, arrays, numbers and empty text are sent; the call should go on and be answered.",
    why="One broken message is no reason to drop a caller.",
    mend="Ignore what cannot be read, and log it.",
    variants=TALKING,
)
async def garbage(it: Context) -> None:
    """Each kind."""
    await _survives(it, NO_JSON)


@requirement(
    "survival.garbage-does-no-harm",
    "Whatever is sent on a socket, the agent's side does not fail: at the worst it refuses.",
    source="asyncapi/twilio.yaml#/channels/media/description",
    layer=MEDIA,
    how="Broken and mistyped messages are sent, on a new call after each close; a close with 1011, or without a close "
    "frame, is a crash.",
    why="A crash is a bug that anybody can trigger.",
    mend="Catch errors where messages are read.",
    variants=TALKING,
)
async def no_crash(it: Context) -> None:
    """One call for all; a new one after each close."""
    broken = _broken(it.variant)
    recording, left = await _all_oddities(it)
    for calls in range(4):
        if calls:
            recording, left = await _odd_call(it, [], left)
        code = recording.line.close_code
        if recording.line.closed_at is not None and code in (None, 1006, 1011):
            sent = broken[-len(left) - 1][:80] if len(left) < len(broken) else "odd messages"
            shown = "1011" if code == 1011 else "no close frame"
            it.wrong(
                "the call goes on, or a close that refuses", f"{shown} after {sent!r}", *it.dial_command(recording.call)
            )
            return
        if not left:
            return


def _broken(kind: str) -> list[str]:
    tag = "type" if kind == "websocket" else "event"
    media = "user_text_message" if kind == "websocket" else "media"
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
    if kind == "websocket":
        texts.append("binary")
    return texts


@requirement(
    "survival.ping",
    "A ping is answered by a pong.",
    source=CONNECTION,
    layer=MEDIA,
    how="A WebSocket ping is sent in a call; its pong must come within 5 seconds.",
    why="Proxies and carriers drop sockets that do not answer (RFC 6455, 5.5.2).",
    mend="Leave control frames to the WebSocket library.",
    variants=TALKING,
)
async def ping(it: Context) -> None:
    """One ping."""
    recording = await scenarios.greeted(it)
    if recording.ponged is None:
        raise NotChecked("the call had ended before; media.stays-open says more")
    if not recording.ponged:
        it.wrong("a pong within 5 s", "none", *it.dial_command(recording.call))


@requirement(
    "survival.service",
    "The service survives peers that vanish, broken frames and oversize messages: other calls can be made at once.",
    source=URL,
    layer=MEDIA,
    how="A call is opened and dropped, left half open, or sent frames that break RFC 6455; then another "
    "call must be created "
    "and greet.",
    why="One bad peer must not take the others down.",
    mend="Handle errors of each connection where they happen.",
    variants=("vanished", "broken-frames", "sizes"),
)
async def service(it: Context) -> None:
    """One hostile peer, then a good one."""
    call = await it.call("inline", connectionType="twilio")
    try:
        for number, attack in enumerate(ATTACKS[it.variant]):
            victim = await it.call("inline", connectionType="twilio") if number else call
            await _hostile(it, victim.url, attack)
        await asyncio.sleep(0.3)
        after = await it.call("inline", connectionType="twilio")
        twilio = Context(it.judge, "twilio", it.attempt)
        async with twilio.line(after) as line:
            if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
                state = "nothing" if line.alive else f"closed ({line.close_code})"
                it.wrong(f"another call greets after {it.variant}", state, *it.dial_command(after))
    except NotChecked as failed:
        if "budget" in str(failed) or "rate limit" in str(failed):
            raise
        it.wrong(f"another call can be made after {it.variant}", str(failed), *it.dial_command(call))


ATTACKS = {
    "vanished": ("vanish", "vanish-in-speech", "half-open"),
    "broken-frames": ("unmasked", "reserved-bits", "unknown-opcode", "bad-utf-8", "bad-close"),
    "sizes": ("endless-fragments", "huge-frame", "oversize", "ping-flood"),
}


async def _hostile(it: Context, url: str, attack: str) -> None:
    """What one bad peer does on a bare connection."""
    address = dial_address(url, it.settings)
    it.target.journal.dials += 1
    try:
        reader, writer = await connect(address, it.settings)
        writer.write(request_head("GET", address, handshake({})))
        async with asyncio.timeout(5):
            await reader.readuntil(b"\r\n\r\n")
        start = {
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": "MZ1",
            "start": {"streamSid": "MZ1", "callSid": "CA1"},
        }
        if attack != "vanish":
            writer.write(frame(1, json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}).encode()))
            writer.write(frame(1, json.dumps(start).encode()))
            await asyncio.sleep(0.3)
        for data in _attack(attack):
            writer.write(data)
            async with asyncio.timeout(3):
                await writer.drain()
        if attack == "half-open":
            await asyncio.sleep(0.5)
        elif attack not in ("vanish", "vanish-in-speech"):
            async with asyncio.timeout(1.0):
                while await reader.read(65536):
                    pass
    except (OSError, TimeoutError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        if "writer" in locals():
            writer.transport.abort()


def _attack(variant: str) -> list[bytes]:
    match variant:
        case "unmasked":
            return [frame(1, b"{}", masked=False)]
        case "reserved-bits":
            return [frame(1, b"{}", rsv=7)]
        case "unknown-opcode":
            return [frame(3, b"x"), frame(11, b"x")]
        case "bad-utf-8":
            return [frame(1, b"\xff\xfe{}")]
        case "endless-fragments":
            return [frame(1, b"{", fin=False), *[frame(0, b" " * 50, fin=False) for _ in range(2000)]]
        case "huge-frame":
            return [b"\x81\xff" + (1 << 62).to_bytes(8, "big") + b"\x00" * 4 + b"x" * 1000]
        case "oversize":
            return [frame(1, b'{"x": "' + b"y" * 3_000_000 + b'"}')]
        case "bad-close":
            return [frame(8, b"\x00"), frame(8, b"\x03\xe7reason")]
        case "ping-flood":
            return [frame(9, b"x" * 125) for _ in range(3000)]
    return []


@requirement(
    "survival.reconnect",
    "A call that ended leaves nothing behind that stops the next one.",
    source=URL,
    layer=MEDIA,
    how="Several calls are opened and closed one after the other; the next must greet.",
    why="Leaks end a service slowly.",
    mend="Free everything a call held when its socket closes.",
)
async def reconnect(it: Context) -> None:
    """Two short calls, then one."""
    it.variant = "twilio"
    call = await it.call("inline", connectionType="twilio")
    async with it.line(call):
        pass
    try:
        async with it.line(await it.call("inline", connectionType="twilio")):
            pass
        call = await it.call("inline", connectionType="twilio")
        async with it.line(call) as line:
            began = time.monotonic()
            if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
                it.wrong("a greeting", f"nothing in {time.monotonic() - began:.0f} s", *it.dial_command(call))
    except NotChecked as failed:
        if "budget" in str(failed) or "rate limit" in str(failed):
            raise
        it.wrong("another call can be made after one that ended", str(failed), *it.dial_command(call))
