"""The two operations on connexion as its documentation shows it: requests and answers validated, nothing tuned."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from connexion import AsyncApp  # type: ignore[import-untyped]
from connexion.resolver import Resolver  # type: ignore[import-untyped]

from contract import documents

Answer = tuple[dict[str, Any], int, dict[str, str]]


async def create_call(body: dict[str, Any]) -> Answer:
    """`createCall`: a call to a saved agent."""
    answer, status, headers = await create_inline_call(body)
    return answer | {"agent": {"id": body["agentId"], "name": "Demo agent"}}, status, headers


async def create_inline_call(body: dict[str, Any]) -> Answer:
    """`createInlineCall`: a call whose request says everything."""
    call_id = "c" + secrets.token_hex(12)
    answer = {
        "id": call_id,
        "websocketUrl": f"ws://127.0.0.1/media/{secrets.token_urlsafe(32)}",
        "status": "created",
        "connectionType": body.get("connectionType", "twilio"),
        "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return answer, 201, {"Location": f"/api/v1/calls/{call_id}"}


OPERATIONS: dict[str, Callable[[dict[str, Any]], Awaitable[Answer]]] = {
    "createCall": create_call,
    "createInlineCall": create_inline_call,
}

app = AsyncApp(__name__)
app.add_api(
    documents.openapi(), base_path="/api/v1", resolver=Resolver(OPERATIONS.__getitem__), validate_responses=True
)
