"""The way from a websocketUrl to an open socket: where it may lead, and how a refusal looks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from contract_tests.raw import tls
from contract_tests.settings import TargetSettings
from contract_tests.target import NotChecked

OPEN_WITHIN_S = 10.0
MOST_MESSAGE_BYTES = 4 * 1024 * 1024
REFUSED_WITHIN_S = 2.0
"""How soon a socket that opened must be closed for the dial to have been refused."""

CLOSE_TIMEOUT_S = 2.1
"""How long a close waits for the other side's: longer than `line.LETS_GO_WITHIN_S`, so that a late one shows."""

LINGERS_S = 0.3
"""How long the end of TCP is waited for after a Close frame (RFC 6455, 7.1.1: as a rule the server brings it about)."""

_LOOPBACK = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}


class NotAllowed(NotChecked):
    """A URL of the target's leads to a host that must not be dialled."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A dial that did not become a WebSocket.

    Attributes:
        status: of the answer; None where there was none.
        body: of the answer, as far as it was read.
        headers: of the answer, names in lower case.
        reason: in words.
    """

    status: int | None
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    reason: str = ""


class _Connection(ClientConnection):
    """Ends with the other side's Close frame, whether or not TCP does: some servers leave that to the client."""

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        super().data_received(data)
        if self.protocol.close_rcvd is not None and not self.transport.is_closing():
            self.loop.call_later(LINGERS_S, self.transport.close)


class _Dial(connect):
    """A dial that follows no redirect: it might lead anywhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Refuse."""
        return exc


def dial_address(url: str, settings: TargetSettings) -> str:
    """The address to dial for a websocketUrl: rewritten as told, without query and fragment, as carriers dial it.

    Raises NotAllowed where it leads to a host that must not be dialled, NotChecked where it is no such URL.
    """
    return allowed_address(rewritten(url, settings), settings, "the websocketUrl")


def rewritten(url: str, settings: TargetSettings) -> str:
    """The URL with another beginning, where that was told."""
    for begins, instead in settings.ws_url_rewrites:
        if url.startswith(begins):
            return instead + url[len(begins) :]
    return url


def allowed_address(url: str, settings: TargetSettings, name: str) -> str:
    """The address that a URL of the target's leads to; `name` is what the URL is called.

    Raises NotAllowed where that is a host that must not be dialled, NotChecked where it is no ws:// or wss:// URL.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise NotChecked(f"{name} cannot be dialled: it is no URL") from None
    if parts.scheme not in ("ws", "wss") or not host:
        raise NotChecked(f"{name} cannot be dialled: it is no ws:// or wss:// URL")
    own = urlsplit(settings.url).hostname or ""
    allowed = {_LOOPBACK.get(each, each) for each in (own, *settings.allowed_ws_hosts)}
    if _LOOPBACK.get(host, host) not in allowed:
        shown = re.sub(r"[^\w.:-]", "?", host)[:80]
        raise NotAllowed(f"{name} leads to {shown}, which is not the target's host: --allow-ws-host {shown}")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


async def open_socket(
    address: str, settings: TargetSettings, headers: Mapping[str, str] | None = None, *, query: str = ""
) -> ClientConnection | Refusal:
    """Dial an address as a carrier does: no extension, no subprotocol, no Origin, no key, no redirect."""
    options: dict[str, Any] = {}
    if address.startswith("wss:"):
        options["ssl"] = tls(settings)
    try:
        return await _Dial(
            address + query,
            create_connection=_Connection,
            additional_headers=dict(headers or {}),
            compression=None,
            proxy=None,
            max_size=MOST_MESSAGE_BYTES,
            max_queue=256,
            open_timeout=OPEN_WITHIN_S,
            ping_interval=None,
            close_timeout=CLOSE_TIMEOUT_S,
            user_agent_header="Calls-Judge/1.0",
            **options,
        )
    except InvalidStatus as refused:
        answer = refused.response
        pairs = tuple((name.lower(), value) for name, value in answer.headers.raw_items())
        body = bytes(answer.body or b"")[:4096].decode("utf-8", "replace")
        return Refusal(status=answer.status_code, body=body, headers=pairs, reason=f"HTTP {answer.status_code}")
    except TimeoutError:
        return Refusal(status=None, reason=f"no answer within {OPEN_WITHIN_S:g} s")
    except (WebSocketException, OSError, EOFError, asyncio.IncompleteReadError, ValueError) as error:
        return Refusal(status=None, reason=f"{type(error).__name__}: {error}")


async def refusal_of(outcome: ClientConnection | Refusal, within_s: float = REFUSED_WITHIN_S) -> Refusal | None:
    """How a dial was refused; None where it was not, and the socket is closed.

    A close at once, with no message before it, is a refusal.
    """
    if isinstance(outcome, Refusal):
        return outcome
    refusal = await closed_at_once(outcome, within_s)
    await outcome.close()
    return refusal


async def first_message(socket: ClientConnection, within_s: float) -> str | bytes:
    """What the other side says first; empty where it closes or says nothing in time."""
    try:
        async with asyncio.timeout(within_s):
            return await socket.recv()
    except Exception:
        # However a hostile peer brings it about: nothing was said.
        return ""


async def ended(socket: ClientConnection, within_s: float) -> bool:
    """Whether the other side ends a socket in time, whatever it says before."""
    try:
        async with asyncio.timeout(within_s):
            await socket.wait_closed()
    except TimeoutError:
        return False
    return True


async def closed_at_once(socket: ClientConnection, within_s: float = REFUSED_WITHIN_S) -> Refusal | None:
    """How the other side closed a socket without a word; None where it did not, and the socket stays as it is."""
    try:
        async with asyncio.timeout(within_s):
            await socket.recv()
    except TimeoutError:
        return None
    except Exception:
        # However a hostile peer brings it about: nothing was said, and nothing can be.
        return Refusal(status=None, reason=f"close {socket.close_code} {socket.close_reason or ''}".strip())
    return None
