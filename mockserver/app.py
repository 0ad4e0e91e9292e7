"""Puts the mock's parts together; the only module that knows them all."""

from __future__ import annotations

import functools
import importlib.metadata
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from contract import documents
from contract.codec import Codec, Role
from contract.stream import Stream, Traits
from mockserver.accounts import Accounts
from mockserver.closest_rule import ClosestRules
from mockserver.connection import REFUSAL
from mockserver.control.http import PREFIX, control_app
from mockserver.control.operations import Control
from mockserver.control.waiting import Waiting
from mockserver.envelope import Envelope
from mockserver.http import http_app
from mockserver.ids import Ids
from mockserver.journal import Journal
from mockserver.media import Party, Session, Switchboard
from mockserver.rate_limit import RateLimiter
from mockserver.settings import Settings, options
from mockserver.store import Call, CallStore, MemoryCallStore
from mockserver.tap import NotedSession
from mockserver.ticker import Ticker
from mockserver.witness import NotingStore, Witness

if TYPE_CHECKING:
    from mockserver.answering import Answering


@dataclass(frozen=True, slots=True)
class Mock:
    """A mock that is ready to be served.

    Attributes:
        app: the ASGI application of everything over HTTP, refusals of dials included.
        switchboard: answers dials, and knows the calls in progress.
        ticker: what paces them.
        store: the calls that wait for their dial.
        prepare: does ahead, in any thread, what else the first dial would wait for.
        control_token: opens the control API; None where there is none.
        end_waits: has the requests answered that wait for something to happen.
    """

    app: ASGIApp
    switchboard: Switchboard
    ticker: Ticker
    store: MemoryCallStore
    prepare: Callable[[], None]
    control_token: str | None = None
    end_waits: Callable[[], None] = lambda: None


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
    answering = _answering(settings, now)

    def answer(call: Call, opened_at: float) -> tuple[Stream, Party]:
        return answering().answer(call, opened_at)

    journal = Journal() if settings.inspector == "on" else None
    new_session: Callable[..., Session] = Session
    noting_store: CallStore = store
    if journal is not None:
        new_session = functools.partial(NotedSession, journal=journal, now=now)
        noting_store = NotingStore(store, journal)
    switchboard = Switchboard(
        store, ticker, answer, now=now, clock=clock, most_calls=settings.max_calls, new_session=new_session
    )
    accounts = Accounts(settings.api_keys, any_key=settings.any_key, salt=secrets.token_bytes(16))
    limiter = RateLimiter(settings.rate_limit_per_hour)
    ids = Ids()
    document = documents.openapi()
    http = http_app(
        settings=settings,
        accounts=accounts,
        rate_limiter=limiter,
        store=noting_store,
        clock=now,
        document=document,
        base_url=base_url,
        ids=ids,
    )
    refusals = Envelope(
        _refuse,
        accounts=accounts,
        limiter=limiter,
        now=lambda: now().timestamp(),
        new_request_id=ids.request_id,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (refusals if REFUSAL in scope else http)(scope, receive, send)

    def prepare() -> None:
        answering()

    mock = Mock(app, switchboard, ticker, store, prepare)
    if journal is None:
        return mock
    return _inspected(
        mock,
        journal,
        settings,
        base_url,
        accounts=accounts,
        limiter=limiter,
        rules=ClosestRules(document),
        new_request_id=ids.request_id,
        now=now,
    )


def _inspected(
    mock: Mock,
    journal: Journal,
    settings: Settings,
    base_url: str,
    *,
    accounts: Accounts,
    limiter: RateLimiter,
    rules: ClosestRules,
    new_request_id: Callable[[], str],
    now: Callable[[], datetime],
) -> Mock:
    """A mock whose requests are told to the journal, with the control API beside it."""
    waiting = Waiting(journal)
    token = settings.control_token or secrets.token_urlsafe(24)
    control = Control(
        journal=journal,
        waiting=waiting,
        rules=rules,
        switchboard=mock.switchboard,
        store=mock.store,
        limiter=limiter,
        version=importlib.metadata.version("calls-contract"),
        base_url=base_url,
        settings=_shown(settings),
        now=now,
    )

    @functools.cache
    def controlling() -> ASGIApp:
        """What serves the control API: it takes as long to make as what serves the contract."""
        return control_app(
            control,
            token=token,
            names={urlsplit(base_url).hostname or "", settings.host} - {"", "0.0.0.0", "::"},
            accounts=accounts,
            max_body_bytes=settings.max_body_bytes,
            new_request_id=new_request_id,
        )

    witness = Witness(mock.app, journal, rules, now)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        to_us = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (controlling() if to_us else witness)(scope, receive, send)

    def prepare() -> None:
        mock.prepare()
        controlling()
        rules.prepare()

    return replace(mock, app=app, prepare=prepare, control_token=token, end_waits=waiting.end)


def _shown(settings: Settings) -> dict[str, Any]:
    """The options that are set, by their flags, without those that hold secrets."""
    values = ((option.flag, getattr(settings, name)) for name, option in options() if not option.secret)
    return {flag: value for flag, value in values if value is not None}


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application for dials that are told what is wrong; others get the answer of the same GET."""
    raise scope[REFUSAL]


def _answering(settings: Settings, now: Callable[[], datetime]) -> Callable[[], Answering]:
    """What gives the part that answers dials.

    It is made when it is first asked for: the libraries for sound take as long to load as all else.  Documents and a
    script are read now, so that a fault in them shows at the start.
    """
    read = {kind: documents.asyncapi(kind) for kind in documents.connection_types()}
    # Where a document has a room beside its socket, the socket is the channel that it names first.
    compiled = {
        kind: (Codec(document, Role.AGENT, next(iter(document["channels"]))), Traits.of(document))
        for kind, document in read.items()
    }

    @functools.cache
    def answering() -> Answering:
        from mockserver.answering import Answering

        return Answering(settings, compiled, now)

    if settings.behaviour.startswith("script="):
        answering()
    return answering
