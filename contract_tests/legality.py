"""Which of the agent's messages the contract forbids, and what it leaves free in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.codec import Wire
from contract.errors import PeerError
from contract_tests.connection_types import CARRIERS
from contract_tests.parsing import json_value

if TYPE_CHECKING:
    from contract_tests.line import Line
    from contract_tests.secrets_kept import Secrets


def first_forbidden(line: Line, secrets: Secrets) -> str | None:
    """What is wrong with the first message that the contract forbids, and its beginning; None where there is none."""
    for heard in line.heard:
        if heard.fault is not None and not is_free(heard.channel or line.kind, heard.fault, heard.wire):
            wire = shown_wire(heard.wire, secrets) if isinstance(heard.wire, str) else repr(f"{len(heard.wire)} bytes")
            return f"{heard.fault}: {wire}"
    return None


def shown_wire(wire: Wire, secrets: Secrets, limit: int = 300) -> str:
    """How a message begins, as Python writes it, without secrets."""
    return repr(secrets.beginning(wire, limit)) if isinstance(wire, str) else secrets.beginning(repr(wire), limit)


def is_free(kind: str, fault: PeerError, wire: Wire) -> bool:
    """Whether the contract leaves free what a document has against a message.

    On a custom client's socket and as a room's data (kind `room`) these are unknown types, and the fields of hangup and
    error; on the socket that offers a room, every object that is no offer: a client ignores what it does not know.
    """
    if kind in CARRIERS:
        # Nobody could confirm that Plivo refuses a rate that is a text (asyncapi/plivo.yaml, playAudio, x-unsure).
        return kind == "plivo" and "sampleRate" in fault.path and '"8000"' in str(wire)
    if kind == "webrtc":
        body = json_value(wire) if isinstance(wire, str) else None
        return isinstance(body, dict) and not {"roomUrl", "token"} <= body.keys()
    if fault.message_name in ("hangup", "error"):
        return True
    return fault.message_name is None and "unknown type" in str(fault)
