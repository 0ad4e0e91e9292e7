"""Puts the mock's parts together; the only module that knows them all."""

from __future__ import annotations

import functools
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from contract import documents
from contract.codec import Codec, Role
from contract.stream import Stream, Traits
from mockserver.accounts import Accounts
from mockserver.connection import REFUSAL
from mockserver.envelope import Envelope
from mockserver.espeak import Espeak, EspeakError, espeak, is_installed
from mockserver.http import http_app
from mockserver.ids import Ids
from mockserver.media import Party, Switchboard
from mockserver.rate_limit import RateLimiter
from mockserver.settings import Settings, SettingsError
from mockserver.store import Call, MemoryCallStore
from mockserver.ticker import Ticker

if TYPE_CHECKING:
    from mockserver.answering import Answering

logger = logging.getLogger("calls")


@dataclass(frozen=True, slots=True)
class Mock:
    """A mock that is ready to be served.

    Attributes:
        app: the ASGI application of everything over HTTP, refusals of dials included.
        switchboard: answers dials, and knows the calls in progress.
        ticker: what paces them.
        store: the calls that wait for their dial.
        prepare: does ahead, in any thread, what else the first dial would wait for.
        speaks: whether agents really speak, and have not just tones.
        close: lets go of what works in the background, once no call is in progress.
    """

    app: ASGIApp
    switchboard: Switchboard
    ticker: Ticker
    store: MemoryCallStore
    prepare: Callable[[], None]
    speaks: bool
    close: Callable[[], None]


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
        SettingsError: what the options ask for cannot be had here.
    """
    store = MemoryCallStore()
    ticker = Ticker(clock)
    speech = _speech(settings.voice_output)
    _make_folder(settings.recordings)
    answering = _answering(settings, now, speech)

    def answer(call: Call, opened_at: float) -> tuple[Stream, Party]:
        return answering().answer(call, opened_at)

    def over(call: Call) -> None:
        answering().over(call)

    switchboard = Switchboard(store, ticker, answer, now=now, clock=clock, most_calls=settings.max_calls, over=over)
    accounts = Accounts(settings.api_keys, any_key=settings.any_key, salt=secrets.token_bytes(16))
    limiter = RateLimiter(settings.rate_limit_per_hour)
    ids = Ids()
    http = http_app(
        settings=settings,
        accounts=accounts,
        rate_limiter=limiter,
        store=store,
        clock=now,
        document=documents.openapi(),
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

    def close() -> None:
        if answering.cache_info().currsize:
            answering().close()

    return Mock(app, switchboard, ticker, store, prepare, speaks=speech is not None, close=close)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI application for dials that are told what is wrong; others get the answer of the same GET."""
    raise scope[REFUSAL]


def _speech(voice_output: str) -> Espeak | None:
    """What speaks; None for tones.  Raises SettingsError where speech is asked for and cannot be had."""
    if voice_output == "tones" or (voice_output == "auto" and not is_installed()):
        return None
    try:
        return espeak()
    except EspeakError as error:
        if voice_output == "speech":
            raise SettingsError(f"--voice-output speech: {error}") from error
        logger.warning("agents have tones: %s", error)
        return None


def _make_folder(recordings: Path | None) -> None:
    """Raises SettingsError where there is no folder for recordings, and none can be made."""
    try:
        if recordings is not None:
            recordings.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is no folder" if isinstance(error, FileExistsError) else (error.strerror or str(error)).lower()
        raise SettingsError(f"--recordings: cannot make the folder {recordings}: {reason}") from error


def _answering(
    settings: Settings, now: Callable[[], datetime], speech: Espeak | None
) -> functools._lru_cache_wrapper[Answering]:
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

        return Answering(settings, compiled, now, speech)

    if settings.behaviour.startswith("script="):
        answering()
    return answering
