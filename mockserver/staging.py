"""How an answer is spoilt, where its request has an outcome of another kind than usual."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from contract.documents import Document
from mockserver.errors import ApiError
from mockserver.exchange import Exchange
from mockserver.outcomes import Outcome, Outcomes
from mockserver.rate_limit import DEFAULT_LIMIT, RateState
from mockserver.scenarios import OK, Mishap, Scenario, drawn_ms, scenario_named
from mockserver.sequences import read_sequences
from mockserver.settings import Settings

TRANSPORT = "calls.transport"
"""The key of an ASGI scope under which stands the connection's transport, where there is one."""

NO_ANSWER_FOR_S = 300.0
"""How long a request that is never answered is kept, in seconds."""

_RESET = struct.pack("ii", 1, 0)


class StagedError(ApiError):
    """An error that was asked for."""

    def __init__(self, scenario: Scenario) -> None:
        headers = {} if scenario.retry_after_s is None else {"Retry-After": str(scenario.retry_after_s)}
        if scenario.status == 405:
            headers["Allow"] = "POST"
        super().__init__(f"{scenario.shows} (the scenario {scenario.name} was asked for)", headers)
        self.status = scenario.status
        self.code = scenario.code


class Stage:
    """Gives requests their outcomes.

    Args:
        outcomes: finds them.
        rate_limit: requests an hour, as told to who is to be over it.
        now: Unix seconds.
        chance: where delays between two ends come from.
    """

    def __init__(self, outcomes: Outcomes, *, rate_limit: int, now: Callable[[], float], chance: random.Random) -> None:
        self.outcomes = outcomes
        self._rate_limit = rate_limit
        self._now = now
        self._chance = chance

    async def play(
        self,
        outcome: Outcome,
        scope: Scope,
        receive: Receive,
        send: Send,
        answer: Callable[[Send], Awaitable[None]],
    ) -> None:
        """Answer a request like this; `answer` is what answers it well.  Raises ApiError where it is to be one."""
        scenario, exchange = outcome.scenario, Exchange.of(scope)
        exchange.mishap = scenario.mishap
        if outcome.applied:
            exchange.more_headers.append((b"preference-applied", outcome.applied.encode()))
        # What was due was taken before this: who asks again meanwhile gets what comes next.
        await asyncio.sleep(drawn_ms(scenario.delay_ms, self._chance) / 1000)
        if outcome.example is not None:
            await _send_json(send, outcome.example.status, outcome.example.body)
        elif scenario.status != 201:
            if scenario.status == 429:
                reset_at = self._now() + (scenario.retry_after_s or 1)
                exchange.rate = RateState(self._rate_limit or DEFAULT_LIMIT, 0, reset_at, allowed=False)
            raise StagedError(scenario)
        else:
            await self._answer(scenario, scope, receive, send, answer)

    async def _answer(
        self,
        scenario: Scenario,
        scope: Scope,
        receive: Receive,
        send: Send,
        answer: Callable[[Send], Awaitable[None]],
    ) -> None:
        match scenario.answer:
            case "whole":
                await answer(send)
            case "empty":
                await answer(_without_body(send))
            case "truncated":
                await answer(_half(send))
                await _cut(scope, receive, rudely=False)
            case "none":
                Exchange.of(scope).cut = True
                try:
                    gone = await _gone(receive)
                except asyncio.CancelledError:
                    # The server goes down; it would answer in our place.
                    await _cut(scope, receive, rudely=True)
                    raise
                if not gone:
                    await _cut(scope, receive, rudely=True)
            case "reset":
                await _cut(scope, receive, rudely=True)


def stage_of(settings: Settings, document: Document, now: Callable[[], float]) -> Stage:
    """The stage that the options ask for; `now` is Unix seconds.  Raises DocumentError for a file with a fault."""
    mishap = Mishap(
        begins_after_ms=settings.first_audio_delay_ms, jitter_ms=settings.jitter_ms, lost=settings.frame_loss
    )
    weather = replace(OK, delay_ms=settings.latency_ms, mishap=mishap)
    outcomes = Outcomes(
        document,
        default=scenario_named(settings.scenario),
        weather=OK if weather == OK else weather,
        sequences=read_sequences(Path(settings.scenario_file)) if settings.scenario_file else (),
        own_agents=[agent_id for agent_id, _ in settings.agents],
    )
    return Stage(outcomes, rate_limit=settings.rate_limit_per_hour, now=now, chance=random.Random(settings.seed))


async def _send_json(send: Send, status: int, body: Any) -> None:
    content = msgspec.json.encode(body)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _without_body(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, b"0" if name == b"content-length" else value) for name, value in message["headers"]]
            await send({**message, "headers": headers})
        else:
            await send({**message, "body": b""})

    return sent


def _half(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message["body"]
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return sent


async def _cut(scope: Scope, receive: Receive, *, rudely: bool) -> None:
    """End the connection, after what was sent or at once and rudely, and wait until the server knows of it."""
    Exchange.of(scope).cut = True
    transport: asyncio.Transport | None = scope.get(TRANSPORT)
    if transport is None:
        return
    if rudely:
        reset(transport)
    else:
        transport.close()
    await _gone(receive)


def reset(transport: asyncio.Transport) -> None:
    """End a connection with a TCP reset."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


async def _gone(receive: Receive) -> bool:
    """Wait until the connection is gone, or long enough; whether it is gone."""
    try:
        async with asyncio.timeout(NO_ANSWER_FOR_S):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
