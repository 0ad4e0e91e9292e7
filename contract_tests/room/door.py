"""The way from a roomUrl into the room: where it may lead, and what the server there says to the token."""

from __future__ import annotations

import asyncio
from urllib.parse import urlunsplit

from contract_tests.dialling import allowed_address, rewritten
from contract_tests.parsing import url_parts
from contract_tests.raw import Answer, plain_request
from contract_tests.settings import TargetSettings
from contract_tests.target import NotChecked

VALIDATE, NOWHERE = "/rtc/validate", "/rtc/validate/nowhere"
"""Where a LiveKit server says whether a token would be let in, and where it has nothing."""

_SCHEMES = {"http": "ws", "https": "wss"}
"""What LiveKit's clients make of an address themselves (asyncapi/webrtc.yaml, roomUrl)."""

_REFUSES = (401, 403)
_NOT_NOW = (429, 500, 502, 503, 504)


class NoWayIn(NotChecked):
    """A room cannot be joined from here, which says nothing about the agent's side."""


class RoomRefused(Exception):
    """The LiveKit server at roomUrl refuses the token; the text is what it says, without the token."""


def room_address(room_url: str, settings: TargetSettings, *, any_host: bool = False) -> str:
    """The address to join for a roomUrl: rewritten as told, as ws:// or wss://, without query and fragment.

    Raises NotAllowed where it leads to a host that must not be dialled, unless any may be, and NoWayIn where it is no
    such URL.
    """
    parts = url_parts(rewritten(room_url, settings))
    if parts is None or not parts.hostname:
        raise NoWayIn("roomUrl cannot be joined: it is no URL")
    address = urlunsplit((_SCHEMES.get(parts.scheme, parts.scheme), parts.netloc, parts.path.rstrip("/"), "", ""))
    return address if any_host else allowed_address(address, settings, "roomUrl")


async def knock(address: str, token: str, settings: TargetSettings) -> bool:
    """Ask a LiveKit server whether it would let the token in; False where it cannot be told that it is one.

    Only a server that looks at tokens where LiveKit does, and there only, is taken for one.  Raises RoomRefused where
    it refuses the token, and NoWayIn where nobody answers, or has no time.
    """
    answer = await _ask(address + VALIDATE, settings, token)
    if answer.status is None:
        raise NoWayIn("no LiveKit server answers at roomUrl")
    if answer.status == 200:
        return answer.body.strip() == "success"
    if answer.status in _NOT_NOW:
        raise NoWayIn(f"what answers at roomUrl has no room now: {answer.status}")
    if answer.status not in (*_REFUSES, 404) or answer.body.lstrip().startswith("<"):
        return False
    # Who says the same without a token, or at any address, has not looked at this one.
    bare, nowhere = await asyncio.gather(_ask(address + VALIDATE, settings), _ask(address + NOWHERE, settings))
    if bare.status in _REFUSES and nowhere.status == 404:
        raise RoomRefused(f"{answer.status} {without(token, answer.body)}".strip())
    return False


async def _ask(address: str, settings: TargetSettings, token: str = "") -> Answer:
    headers = {"Connection": "close"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        return await plain_request("GET", address, settings, headers=headers)
    except ValueError:
        # A host's name that cannot be one.
        return Answer(status=None)


def without(token: str, text: str) -> str:
    """What a stranger says, in a line and without the token."""
    return " ".join(text.replace(token, "[room token]").split())[:200]
