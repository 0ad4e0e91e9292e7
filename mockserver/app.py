"""Puts the mock's parts together; the only module that knows them all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from contract import documents
from contract.codec import Codec, Role
from contract.stream import Stream, Traits
from mockserver.accounts import Accounts
from mockserver.agents import Agent, Echo, Parrot, Silent
from mockserver.connection import REFUSAL
from mockserver.conversation import Conversation
from mockserver.envelope import Envelope
from mockserver.http import http_app, random_request_id
from mockserver.media import Party, Switchboard
from mockserver.rate_limit import RateLimiter
from mockserver.script import Script, Scripted
from mockserver.settings import Settings
from mockserver.store import Call, CallSettings, MemoryCallStore
from mockserver.ticker import Ticker
from mockserver.tools import client_tools
from mockserver.webrtc import LiveKit, RoomOffer


@dataclass(frozen=True, slots=True)
class Mock:
    """A mock that is ready to be served.

    Attributes:
        app: the ASGI application of everything over HTTP, refusals of dials included.
        switchboard: answers dials, and knows the calls in progress.
        ticker: what paces them.
        store: the calls that wait for their dial.
    """

    app: ASGIApp
    switchboard: Switchboard
    ticker: Ticker
    store: MemoryCallStore


def build(
    settings: Settings,
    base_url: str,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
) -> Mock:
    """The mock.

    Args:
        settings: the options.
        base_url: where clients reach it; `websocketUrl` begins with it.
        now: the time of day in UTC.
        clock: the event loop's clock, in seconds.

    Raises:
        DocumentError: a document or the script makes no sense.
    """
    store = MemoryCallStore()
    ticker = Ticker(clock)
    switchboard = Switchboard(
        store, ticker, _answerer(settings, now), now=now, clock=clock, most_calls=settings.max_calls
    )
    accounts = Accounts(settings.api_keys, any_key=settings.any_key, salt=secrets.token_bytes(16))
    limiter = RateLimiter(settings.rate_limit_per_hour)
    http = http_app(
        settings=settings,
        accounts=accounts,
        rate_limiter=limiter,
        store=store,
        clock=now,
        document=documents.openapi(),
        base_url=base_url,
    )

    refusals = Envelope(
        _refuse,
        accounts=accounts,
        limiter=limiter,
        now=lambda: now().timestamp(),
        new_request_id=random_request_id,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (refusals if REFUSAL in scope else http)(scope, receive, send)

    return Mock(app, switchboard, ticker, store)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application for dials that are told what is wrong; others get the answer of the same GET."""
    raise scope[REFUSAL]


def _answerer(settings: Settings, now: Callable[[], datetime]) -> Callable[[Call, float], tuple[Stream, Party]]:
    """What makes the stream and the party of each call; every document is compiled here, once."""
    read = {kind: documents.asyncapi(kind) for kind in documents.connection_types()}
    # Where a document has a room beside its socket, the socket is the channel that it names first.
    codecs = {kind: Codec(document, Role.AGENT, next(iter(document["channels"]))) for kind, document in read.items()}
    traits = {kind: Traits.of(document) for kind, document in read.items()}
    new_agent = _agents(settings.behaviour)
    livekit = None
    if settings.livekit_url and settings.livekit_key and settings.livekit_secret:
        livekit = LiveKit(settings.livekit_url, settings.livekit_key, settings.livekit_secret)

    def answer(call: Call, opened_at: float) -> tuple[Stream, Party]:
        kind = call.settings.connection_type
        stream = Stream(codecs[kind], Role.AGENT, traits[kind])
        if traits[kind].encoding == "room":
            deadline = opened_at + call.settings.max_duration_s / settings.time_scale
            offer = RoomOffer(livekit, room=f"call-{call.id}", now_s=now().timestamp(), deadline=deadline)
            return stream, offer
        conversation = Conversation(
            call.settings,
            new_agent(call.settings),
            codecs[kind],
            traits[kind],
            opened_at=opened_at,
            time_scale=settings.time_scale,
            new_id=partial(secrets.token_hex, 12),
        )
        return stream, conversation

    return answer


def _agents(behaviour: str) -> Callable[[CallSettings], Agent]:
    """What makes the agent of each call.  Raises DocumentError for a script that makes no sense."""
    name, _, path = behaviour.partition("=")
    if name == "script":
        return partial(Scripted, Script.read(Path(path)))
    if name == "echo":
        return Echo
    if name == "silent":
        return lambda settings: Silent()
    return lambda settings: Parrot(settings, client_tools(settings.tools))
