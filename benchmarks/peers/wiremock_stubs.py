"""WireMock knows no OpenAPI: stubs that do what it can, the key, the body against the document's schema, unique ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract import documents

PATHS = ("/calls/create", "/calls/inline")


def write(folder: Path) -> None:
    """Write the stubs to `mappings/` of a folder that WireMock gets as its root."""
    mappings = folder / "mappings"
    mappings.mkdir(parents=True, exist_ok=True)
    (mappings / "calls.json").write_text(json.dumps({"mappings": stubs()}, indent=2))


def stubs() -> list[dict[str, Any]]:
    """For each operation: a good request, else a bad body, else no key."""
    document = documents.resolved(documents.openapi())
    found: list[dict[str, Any]] = []
    for path in PATHS:
        schema = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        with_key = {"method": "POST", "urlPath": path, "headers": {"X-API-Key": {"equalTo": "ck_mock_valid"}}}
        valid = with_key | {"bodyPatterns": [{"matchesJsonSchema": schema, "schemaVersion": "V4"}]}
        found += [
            {"priority": 1, "request": valid, "response": _created(has_agent=path == "/calls/create")},
            {"priority": 2, "request": with_key, "response": _error(400, "BAD_REQUEST")},
            {
                "priority": 3,
                "request": {"method": "POST", "urlPath": path},
                "response": _error(401, "INVALID_API_KEY"),
            },
        ]
    return found


def _created(*, has_agent: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": "c{{randomValue length=24 type='ALPHANUMERIC'}}",
        "websocketUrl": "ws://127.0.0.1/media/{{randomValue length=43 type='ALPHANUMERIC'}}",
        "status": "created",
        "connectionType": "{{jsonPath request.body '$.connectionType' default='twilio'}}",
        "createdAt": "{{now}}",
    }
    if has_agent:
        body["agent"] = {"id": "{{jsonPath request.body '$.agentId'}}", "name": "Demo agent"}
    return {
        "status": 201,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": json.dumps(body),
        "transformers": ["response-template"],
    }


def _error(status: int, code: str) -> dict[str, Any]:
    return {
        "status": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps({"error": {"code": code, "message": "refused"}}),
    }
