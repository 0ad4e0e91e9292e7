"""Whether one message alone makes the agent's side fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from contract.codec import Wire
from contract_tests.context import Context, audio_settings


async def guilty_among(it: Context, suspects: Sequence[Wire]) -> list[Wire]:
    """Those messages that crash a call, each sent on a call of its own."""
    verdicts = await asyncio.gather(*(_crashes(it, wire) for wire in suspects))
    return [wire for wire, crashes in zip(suspects, verdicts, strict=True) if crashes]


async def _crashes(it: Context, wire: Wire) -> bool:
    call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
    async with it.line(call, rubbish=True) as line:
        # Who closes and is sent more resets the connection, and then its Close frame may be lost.
        line.silence_on = False
        await line.send(wire)
        await line.ended(1.0)
        return line.crashed
