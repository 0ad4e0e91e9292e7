"""Requests that share a connection, as those of browsers and of most clients do."""

from __future__ import annotations

import json
from dataclasses import dataclass

from contract_tests.context import Context, audio_settings
from contract_tests.in_force import connection_types
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.target import Exchange, Meant

BROKEN = b"{not json"


@requirement(
    "answers.one-connection",
    "Requests that share a connection are answered each by itself.",
    source="openapi/calls.yaml#/paths",
    how="A valid request, one whose body is no JSON, one without a key, and a valid one are sent one after the other "
    "on one connection, as long as the target keeps it open (it need not). What is answered in another way there than "
    "on a connection of its own is wrong.",
    why="Browsers and most clients use a connection again and again; a proxy puts many people's requests on one.",
    mend="Keep nothing of a request with its connection, and read each body to its end, that of a refused request "
    "too, or close the connection.",
    variants=OPERATIONS,
    again=True,
)
async def one_connection(it: Context) -> None:
    """Good ones and bad ones in turn."""
    async with it.target.one_connection(patient=it.attempt > 1) as shared:
        before: Exchange | None = None
        for step in _steps(it):
            exchange = await it.post(it.variant, content=step.content, key=step.key, meant=step.meant, by=shared)
            if exchange.status is None and not exchange.late:
                # Any server may close a connection, also while the next request is on its way (RFC 9112, 9.5).
                before = None
                exchange = await it.post(it.variant, content=step.content, key=step.key, meant=step.meant, by=shared)
            if exchange.status != step.status and before is not None:
                alone = await it.post(it.variant, content=step.content, key=step.key, meant=step.meant)
                if alone.status == step.status:
                    it.wrong(
                        f"{step.status}: {step.what}, as on a connection of its own",
                        it.target.shown(exchange),
                        before,
                        "# then, on the same connection (curl takes both, with --next between them):",
                        exchange,
                    )
                    return
            before = exchange if exchange.persists else None


@dataclass(frozen=True)
class _Step:
    what: str
    status: int
    content: bytes
    key: str | None
    meant: Meant


def _steps(it: Context) -> list[_Step]:
    kinds = connection_types(it.variant, it.settings.overlays)
    last, first = (json.dumps(it.valid(**audio_settings(kind))).encode() for kind in (kinds[0], kinds[-1]))
    key = it.target.key()
    return [
        _Step("a valid request", 201, first, key, Meant.VALID),
        # What is left of a body that was not read makes a 400 of the next request, so no 400 is to come after it.
        _Step("the body is no JSON", 400, BROKEN, key, Meant.INVALID),
        _Step("no key was sent", 401, first, None, Meant.INVALID),
        _Step("a valid request", 201, last, key, Meant.VALID),
    ]
