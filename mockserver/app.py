"""Puts the mock's parts together; the only module that knows them all."""

from __future__ import annotations

import functools
import importlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from contract import documents
from contract.documents import Document
from contract.stream import Stream
from mockserver.accounts import Accounts
from mockserver.connection import REFUSAL
from mockserver.cors import Cors
from mockserver.envelope import Envelope
from mockserver.http import http_app
from mockserver.ids import Ids
from mockserver.media import Party, Session, Switchboard
from mockserver.origins import Origins
from mockserver.rate_limit import RateLimiter
from mockserver.settings import Settings
from mockserver.staging import Stage, stage_of
from mockserver.store import Call, CallStore, MemoryCallStore
from mockserver.ticker import Ticker

if TYPE_CHECKING:
    from mockserver.answering import Answering
    from mockserver.inspection import Inspection


@dataclass(frozen=True, slots=True)
class Mock:
    """A mock that is ready to be served.

    Attributes:
        app: the ASGI application of everything over HTTP, refusals of dials included.
        switchboard: answers dials, and knows the calls in progress.
        ticker: what paces them.
        store: the calls that wait for their dial.
        origins: which pages may use it.
        prepare: does ahead, in any thread, what the first dial would wait for.  Raises DocumentError for a fault in an
            AsyncAPI document.
        reload: reads the documents, the script and the scenarios again, in any thread; what was counted and is in
            progress stays.  Raises DocumentError, and changes nothing then.
        control_token: opens the control API; None where there is none.
        end_waits: has the requests answered that wait for something to happen.
    """

    app: ASGIApp
    switchboard: Switchboard
    ticker: Ticker
    store: MemoryCallStore
    origins: Origins
    prepare: Callable[[], None]
    reload: Callable[[], None]
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
        DocumentError: the OpenAPI document, the script or the file of scenarios makes no sense.
    """
    store = MemoryCallStore()
    ticker = Ticker(clock)

    def answer(call: Call, opened_at: float) -> tuple[Stream, Party]:
        return current.answering().answer(call, opened_at)

    inspection = _inspection(settings, now)
    new_session: Callable[..., Session] = Session if inspection is None else inspection.new_session
    noting_store: CallStore = store if inspection is None else inspection.noting(store)
    switchboard = Switchboard(
        store, ticker, answer, now=now, clock=clock, most_calls=settings.max_calls, new_session=new_session
    )
    accounts = Accounts(settings.api_keys, any_key=settings.any_key, salt=secrets.token_bytes(16))
    limiter = RateLimiter(settings.rate_limit_per_hour)
    ids = Ids() if settings.seed is None else Ids.seeded(settings.seed)
    origins = Origins(frozenset(settings.cors_origins), frozenset(settings.names()))

    def read() -> FromDocuments:
        document = documents.openapi()
        stage = stage_of(settings, document, lambda: (settings.clock or now()).timestamp())
        http = http_app(
            settings=settings,
            accounts=accounts,
            rate_limiter=limiter,
            store=noting_store,
            clock=now,
            document=document,
            base_url=base_url,
            ids=ids,
            stage=stage,
        )
        return FromDocuments(document, http, _answering(settings, now), stage)

    current = read()
    refusals = Envelope(
        _refuse,
        accounts=accounts,
        limiter=limiter,
        now=lambda: (settings.clock or now()).timestamp(),
        new_request_id=ids.request_id,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (refusals if REFUSAL in scope else current.http)(scope, receive, send)

    def prepare() -> None:
        current.answering()
        importlib.import_module("mockserver.handover")
        importlib.import_module("mockserver.websocket")

    def reload() -> None:
        nonlocal current
        found = read()
        found.answering()
        found.stage.outcomes.take_over(current.stage.outcomes)
        current = found

    mock = Mock(app, switchboard, ticker, store, origins, prepare, reload)
    if inspection is None:
        return replace(mock, app=Cors(app, origins))
    return inspection.around(
        mock,
        lambda: current,
        settings=settings,
        base_url=base_url,
        accounts=accounts,
        limiter=limiter,
        ids=ids,
    )


@dataclass(frozen=True, slots=True)
class FromDocuments:
    """What is made anew when a document changes: the answers to requests and to dials, and what decides on both."""

    document: Document
    http: ASGIApp
    answering: Callable[[], Answering]
    stage: Stage


def _inspection(settings: Settings, now: Callable[[], datetime]) -> Inspection | None:
    """What the mock is looked at with; None where that is switched off, and not loaded then."""
    if settings.inspector == "off":
        return None
    from mockserver.inspection import Inspection

    return Inspection(now)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application for dials that are told what is wrong; others get the answer of the same GET."""
    raise scope[REFUSAL]


def _answering(settings: Settings, now: Callable[[], datetime]) -> Callable[[], Answering]:
    """What gives the part that answers dials.

    It is made when it is first asked for: the libraries for sound and the AsyncAPI documents take as long to load as
    all else.  A script is read now, so that a fault in it shows at the start.
    """

    @functools.cache
    def answering() -> Answering:
        from mockserver.answering import Answering

        return Answering(settings, now)

    if settings.behaviour.startswith("script="):
        answering()
    return answering
