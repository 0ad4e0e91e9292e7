"""What the service survives: peers that vanish or break RFC 6455, and calls that end."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from contract_tests.context import Call, Context
from contract_tests.dialling import NotAllowed
from contract_tests.findings import Layer
from contract_tests.raw import connect, frame, handshake, request_head
from contract_tests.requirements import requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, SLACK_S
from contract_tests.sources import WEBSOCKET_URL
from contract_tests.target import NotChecked, OutOfRequests


@requirement(
    "survival.service",
    "The service survives peers that vanish, broken frames and oversize messages: other calls can be made at once.",
    source=WEBSOCKET_URL,
    layer=Layer.MEDIA,
    how="Several calls at once are opened and dropped, or sent frames that break RFC 6455 or never end; then another "
    "call must be created and greet.",
    why="One bad peer must not take the others down.",
    mend="Handle errors of each connection where they happen.",
    variants=("vanished", "broken-frames", "sizes"),
    lasts_s=6,
    again=True,
)
async def service(it: Context) -> None:
    """Hostile peers, then a good one."""
    async with it.judge.hostile:
        attacks = await asyncio.gather(*(_attacked(it, attack) for attack in ATTACKS[it.variant]))
        attacked = [call for call, opened in attacks if call is not None and opened]
        if not attacked:
            raise NotChecked("no call could be dialled; websocket-url.dialable says more")
        await asyncio.sleep(0.3)
        try:
            after = await it.call()
            twilio = Context(it.judge, "twilio", it.attempt)
            async with twilio.line(after) as line:
                if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
                    it.wrong(f"another call greets after {it.variant}", line.why_silent, *it.dial_command(after))
        except (OutOfRequests, NotAllowed):
            raise
        except NotChecked as failed:
            it.wrong(f"another call can be made after {it.variant}", str(failed), *it.dial_command(attacked[0]))
    if not it.cases and len(attacked) < len(attacks):
        raise NotChecked("a call could not be dialled; websocket-url.dialable says more")


ATTACKS = {
    "vanished": ("vanish", "vanish-in-speech"),
    "broken-frames": ("unmasked", "reserved-bits", "unknown-opcode", "bad-utf-8", "bad-close"),
    "sizes": ("endless-fragments", "huge-frame", "oversize", "ping-flood"),
}
BEGINNING: tuple[dict[str, Any], ...] = (
    {"event": "connected", "protocol": "Call", "version": "1.0.0"},
    {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": "MZ1",
        "start": {"streamSid": "MZ1", "callSid": "CA1"},
    },
)


async def _attacked(it: Context, attack: str) -> tuple[Call | None, bool]:
    """A call on which one bad peer did what it does, and whether its socket had opened; None where there is no call."""
    try:
        call = await it.any_call()
    except NotChecked:
        # Another attack may have taken the service down.
        return None, False
    opened = False
    address = it.dialled(call)
    try:
        reader, writer = await connect(address, it.settings)
    except (OSError, TimeoutError):
        return call, opened
    try:
        writer.write(request_head("GET", address, handshake({})))
        async with asyncio.timeout(5):
            opened = b" 101 " in await reader.readuntil(b"\r\n\r\n")
        if attack != "vanish":
            for message in BEGINNING:
                writer.write(frame(1, json.dumps(message).encode()))
            await asyncio.sleep(0.3)
        writer.write(_attack(attack))
        async with asyncio.timeout(3):
            await writer.drain()
        if attack not in ("vanish", "vanish-in-speech"):
            async with asyncio.timeout(1.0):
                while await reader.read(65536):
                    pass
    except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
        # The target may refuse the peer in any way, at any moment.
        pass
    finally:
        writer.transport.abort()
    return call, opened


def _attack(name: str) -> bytes:
    """What a peer sends that does not just vanish."""
    match name:
        case "unmasked":
            return frame(1, b"{}", masked=False)
        case "reserved-bits":
            return frame(1, b"{}", rsv=7)
        case "unknown-opcode":
            return frame(3, b"x") + frame(11, b"x")
        case "bad-utf-8":
            return frame(1, b"\xff\xfe{}")
        case "endless-fragments":
            return frame(1, b"{", fin=False) + 2000 * frame(0, b" " * 50, fin=False)
        case "huge-frame":
            return b"\x81\xff" + (1 << 62).to_bytes(8, "big") + b"\x00" * 4 + b"x" * 1000
        case "oversize":
            return frame(1, b'{"x": "' + b"y" * 3_000_000 + b'"}')
        case "bad-close":
            return frame(8, b"\x00") + frame(8, b"\x03\xe7reason")
        case "ping-flood":
            return 3000 * frame(9, b"x" * 125)
    return b""


@requirement(
    "survival.reconnect",
    "A call that ended leaves nothing behind that stops the next one.",
    source=WEBSOCKET_URL,
    layer=Layer.MEDIA,
    how="Several calls are opened and closed one after the other; the next must greet.",
    why="Leaks end a service slowly.",
    mend="Free everything a call held when its socket closes.",
    lasts_s=1,
    soon=True,
    again=True,
)
async def reconnect(it: Context) -> None:
    """Two short calls, then one."""
    it.variant = "twilio"
    call = await it.any_call()
    async with it.line(call):
        pass
    try:
        async with it.line(await it.any_call()):
            pass
        call = await it.call()
        async with it.line(call) as line:
            began = time.monotonic()
            if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
                it.wrong("a greeting", f"nothing in {time.monotonic() - began:.0f} s", *it.dial_command(call))
    except (OutOfRequests, NotAllowed):
        raise
    except NotChecked as failed:
        it.wrong("another call can be made after one that ended", str(failed), *it.dial_command(call))
