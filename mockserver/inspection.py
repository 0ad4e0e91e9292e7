"""The inspector's part of a mock: what happens is noted, and served with the control API."""

from __future__ import annotations

import importlib.metadata
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.accounts import Accounts
from mockserver.closest_rule import ClosestRules
from mockserver.connection import REFUSAL
from mockserver.control import is_own
from mockserver.control.waiting import Waiting
from mockserver.cors import Cors
from mockserver.ids import Ids
from mockserver.inspector.session import PageSession
from mockserver.journal import Journal
from mockserver.once import Once
from mockserver.origins import is_local_host
from mockserver.rate_limit import RateLimiter
from mockserver.session import Session
from mockserver.settings import Settings, options
from mockserver.store import CallStore
from mockserver.tap import NotedSession
from mockserver.witness import NotingStore, Witness

if TYPE_CHECKING:
    from mockserver.app import FromDocuments, Mock


class Inspection:
    """What a mock is looked at with.

    Args:
        now: the time of day in UTC.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._journal = Journal()

    def new_session(self, *given: Any) -> Session:
        """A session whose call is noted."""
        return NotedSession(*given, journal=self._journal, now=self._now)

    def noting(self, store: CallStore) -> CallStore:
        """The store, whose calls are noted when they are created."""
        return NotingStore(store, self._journal)

    def around(
        self,
        mock: Mock,
        current: Callable[[], FromDocuments],
        *,
        settings: Settings,
        base_url: str,
        accounts: Accounts,
        limiter: RateLimiter,
        ids: Ids,
    ) -> Mock:
        """The mock with its control API; `current` gives what was last read from the documents."""
        waiting, rules = Waiting(self._journal), ClosestRules(current().contract)
        token = settings.control_token or secrets.token_urlsafe(24)
        address = urlsplit(base_url)
        # Behind a tunnel everybody comes from this machine.
        alone = settings.public_url is None and is_local_host(settings.host)
        session = PageSession(address.port or 0) if alone else None

        # Made when it is first asked for, or ahead: it takes as long as the contract's own operations do.
        @Once
        def control_api() -> ASGIApp:
            from mockserver.control.http import control_app
            from mockserver.control.operations import Control

            control = Control(
                journal=self._journal,
                waiting=waiting,
                rules=rules,
                switchboard=mock.switchboard,
                store=mock.store,
                limiter=limiter,
                outcomes=lambda: current().stage.outcomes,
                version=importlib.metadata.version("calls-contract"),
                base_url=base_url,
                settings=_shown(settings),
                now=self._now,
            )
            return control_app(
                control,
                token=token,
                session=session,
                origins=mock.origins,
                contract=lambda: current().contract.text,
                accounts=accounts,
                max_body_bytes=settings.max_body_bytes,
                new_request_id=ids.request_id,
            )

        public = Cors(Witness(mock.app, self._journal, rules, self._now), mock.origins)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            # A dial that is refused is told what is wrong, wherever it went.
            to_us = scope["type"] == "http" and is_own(scope["path"]) and REFUSAL not in scope
            await (control_api() if to_us else public)(scope, receive, send)

        def prepare() -> None:
            mock.prepare()
            control_api()
            rules.prepare()

        def reload() -> None:
            mock.reload()
            rules.use(current().contract)

        return replace(mock, app=app, prepare=prepare, reload=reload, control_token=token, end_waits=waiting.end)


def _shown(settings: Settings) -> dict[str, Any]:
    """The options that are set, as JSON can hold them, by their flags, without those that hold secrets."""
    values = ((option.flag, getattr(settings, name)) for name, option in options() if not option.secret)
    return {flag: str(value) if isinstance(value, Path) else value for flag, value in values if value is not None}
