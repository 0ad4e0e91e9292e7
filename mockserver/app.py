"""Puts the mock's parts together; the only module that knows them all."""

from __future__ import annotations

import importlib
import logging
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.overlays import HttpContract, Overlay, http_contract
from mockserver.accounts import Accounts
from mockserver.connection import JOIN_PATH, REFUSAL
from mockserver.cors import Cors
from mockserver.envelope import Envelope
from mockserver.errors import NothingHere
from mockserver.espeak import Espeak, EspeakError, espeak, is_installed
from mockserver.http import http_app
from mockserver.ids import Ids
from mockserver.once import Once
from mockserver.option import SettingsError
from mockserver.origins import Origins
from mockserver.rate_limit import RateLimiter
from mockserver.session import Party, Session, StreamEnd
from mockserver.settings import Settings
from mockserver.staging import Stage, stage_of
from mockserver.store import Call, CallStore, MemoryCallStore
from mockserver.switchboard import Switchboard
from mockserver.ticker import Ticker

if TYPE_CHECKING:
    from mockserver.answering import Answering, Studio
    from mockserver.inspection import Inspection
    from mockserver.webrtc.rooms import Rooms

logger = logging.getLogger("calls")

VALIDATE_PATH = f"{JOIN_PATH}/validate"
"""Where LiveKit's clients ask why they could not join; under /rtc/v1 there is nothing, so that clients of a later
dialect go on in this one."""


@dataclass(frozen=True, slots=True)
class Mock:
    """A mock that is ready to be served.

    Attributes:
        app: the ASGI application of everything over HTTP, refusals of dials included.
        switchboard: answers dials, and knows the calls in progress.
        ticker: what paces them.
        store: the calls that wait for their dial.
        origins: which pages may use it.
        rooms: gives the place of webrtc calls.
        prepare: does ahead, in any thread, what the first dial would wait for.  Raises DocumentError for a fault in an
            AsyncAPI document.
        reload: reads the documents, the overlays, the script and the scenarios again, in any thread.  What was counted
            and ordered, and calls in progress, stay; the scenario file's sequences begin anew.  Raises DocumentError,
            and changes nothing then.
        speaks: whether agents really speak, and have not just tones.
        overlays: what changed the OpenAPI document at the start.
        close: lets go of what works in the background, once no call is in progress.
        control_token: opens the control API; None where there is none.
        end_waits: has the requests answered that wait for something to happen.
    """

    app: ASGIApp
    switchboard: Switchboard
    ticker: Ticker
    store: MemoryCallStore
    origins: Origins
    rooms: Once[Rooms]
    prepare: Callable[[], None]
    reload: Callable[[], None]
    speaks: bool
    close: Callable[[], None]
    overlays: tuple[Overlay, ...] = ()
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
        DocumentError: the OpenAPI document, an overlay, the script or the file of scenarios makes no sense.
        SettingsError: what the options ask for cannot be had here.
    """
    store = MemoryCallStore()
    ticker = Ticker(clock)
    speech = _speech(settings.voice_output)
    _make_folder(settings.recordings)
    _have_addresses(settings.webrtc_addresses)

    @Once
    def studio() -> Studio:
        from mockserver.answering import Studio

        return Studio(speech, settings.recordings)

    @Once
    def rooms() -> Rooms:
        from mockserver.webrtc.rooms import rooms_of
        from mockserver.webrtc.tokens import LiveKit

        livekit = None
        if settings.livekit_url and settings.livekit_key and settings.livekit_secret:
            livekit = LiveKit(settings.livekit_url, settings.livekit_key, settings.livekit_secret)
        return rooms_of(base_url, settings.webrtc_addresses or (settings.host,), now, livekit)

    def answer(call: Call, opened_at: float) -> tuple[StreamEnd, Party]:
        return current.answering().answer(call, opened_at)

    def over(call: Call) -> None:
        studio().over(call)

    inspection = _inspection(settings, now)
    new_session: Callable[..., Session] = Session if inspection is None else inspection.new_session
    noting_store: CallStore = store if inspection is None else inspection.noting(store)
    switchboard = Switchboard(
        store,
        ticker,
        answer,
        now=now,
        clock=clock,
        most_calls=settings.max_calls,
        most_webrtc_calls=settings.max_webrtc_calls,
        new_session=new_session,
        over=over,
    )
    accounts = Accounts(settings.api_keys, any_key=settings.any_key, salt=secrets.token_bytes(16))
    limiter = RateLimiter(settings.rate_limit_per_hour)
    ids = Ids() if settings.seed is None else Ids.seeded(settings.seed)
    origins = Origins(frozenset(settings.cors_origins), frozenset(settings.names()))

    shown_now = partial(settings.shown_s, now)

    def read() -> FromDocuments:
        contract = http_contract(settings.overlays)
        stage = stage_of(settings, contract.document, shown_now)
        http = http_app(
            settings=settings,
            accounts=accounts,
            rate_limiter=limiter,
            store=noting_store,
            clock=now,
            contract=contract,
            base_url=base_url,
            ids=ids,
            stage=stage,
        )
        return FromDocuments(contract, http, _answering(settings, studio, rooms), stage)

    current = read()
    plainly = partial(
        Envelope,
        accounts=accounts,
        limiter=limiter,
        now=shown_now,
        new_request_id=ids.request_id,
    )
    refusals, validations = plainly(_refuse), plainly(_validation(rooms))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if REFUSAL in scope:
            await refusals(scope, receive, send)
        elif scope["path"] == VALIDATE_PATH:
            await validations(scope, receive, send)
        else:
            await current.http(scope, receive, send)

    def prepare() -> None:
        current.answering()
        importlib.import_module("mockserver.handover")
        importlib.import_module("mockserver.websocket")
        rooms()

    def reload() -> None:
        nonlocal current
        found = read()
        found.answering()
        found.stage.outcomes.take_over(current.stage.outcomes)
        current = found

    def close() -> None:
        if studio.made is not None:
            studio.made.close()

    mock = Mock(
        app,
        switchboard,
        ticker,
        store,
        origins,
        rooms,
        prepare,
        reload,
        speaks=speech is not None,
        close=close,
        overlays=current.contract.overlays,
    )
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

    contract: HttpContract
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


def _have_addresses(addresses: Sequence[str]) -> None:
    """Raises SettingsError where media cannot be sent to one of these addresses of ours, which would show only late."""
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.bind((address, 0))
        except OSError as error:
            raise SettingsError(f"--webrtc-address: {address} is no address of this machine") from error


def _validation(rooms: Callable[[], Rooms]) -> ASGIApp:
    """What LiveKit's clients ask who could not join."""

    async def validate(scope: Scope, receive: Receive, send: Send) -> None:
        authorization = dict(scope["headers"]).get(b"authorization", b"")
        if scope["method"] not in ("GET", "HEAD") or not rooms().validate(scope["query_string"], authorization):
            raise NothingHere()
        await PlainTextResponse("success")(scope, receive, send)

    return validate


def _answering(settings: Settings, studio: Callable[[], Studio], rooms: Callable[[], Rooms]) -> Callable[[], Answering]:
    """What gives the part that answers dials.

    It is made when it is first asked for: the libraries for sound and the AsyncAPI documents take as long to load as
    all else.  A script is read now, so that a fault in it shows at the start.
    """

    @Once
    def answering() -> Answering:
        from mockserver.answering import Answering

        return Answering(settings, studio(), rooms())

    if settings.behaviour.startswith("script="):
        answering()
    return answering
