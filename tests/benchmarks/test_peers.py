from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from benchmarks import http
from benchmarks.peers import api_key, asgi_empty, installing, starlette_raw, wiremock_stubs
from benchmarks.peers.installing import NotInstalled
from benchmarks.peers.servers import OURS, SERVERS, Launch
from contract import documents

KEY = {"X-API-Key": "ck_mock_valid"}


def _post(app: Any, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            return await client.post(path, content=content, headers={"Content-Type": "application/json"} | headers)

    return asyncio.run(answer())


@pytest.mark.parametrize("operation", ["create", "inline"])
def test_by_hand_a_call_is_created_as_the_document_says(operation: str) -> None:
    path = f"/calls/{operation}"
    answer = _post(starlette_raw.app, "/api/v1" + path, http.request_bodies()[operation], KEY)
    described = documents.resolved(documents.openapi())["paths"][path]["post"]["responses"]["201"]
    assert answer.status_code == 201
    jsonschema_rs.Draft4Validator(described["content"]["application/json"]["schema"]).validate(answer.json())
    assert {name.lower() for name in described["headers"]} <= answer.headers.keys()
    assert answer.json()["connectionType"] == "twilio"


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{}", {}, 401),
        (b"{}", {"X-API-Key": "other"}, 401),
        (b"{}", KEY, 400),
        (b"{", KEY, 400),
        (b"[]", KEY, 400),
        (b'"\xff"', KEY, 400),
        (b'{"agentId": "agent_demo", "connectionType": "websocket"}', KEY, 400),
        (b'{"agentId": "other"}', KEY, 404),
        (b"{}", KEY | {"Content-Type": "text/plain"}, 415),
        (b'{"agentId": "agent_demo"}' + b" " * (1 << 20), KEY, 413),
    ],
)
def test_by_hand_errors_have_the_documents_shape(content: bytes, headers: dict[str, str], status: int) -> None:
    answer = _post(starlette_raw.app, "/api/v1/calls/create", content, headers)
    assert answer.status_code == status
    assert {"message", "code"} <= answer.json()["error"].keys()


def test_by_hand_defaults_are_filled_in_at_all_depths_and_what_is_there_stays() -> None:
    schema = {
        "properties": {
            "a": {"default": 1},
            "b": {"properties": {"c": {"default": 2}}},
            "d": {"properties": {"e": {"default": 3}}},
        }
    }
    body: dict[str, Any] = {"a": 7, "b": {}, "d": "no object"}
    starlette_raw.defaults(schema)(body)
    assert body == {"a": 7, "b": {"c": 2}, "d": "no object"}


def test_the_empty_application_answers_201() -> None:
    assert _post(asgi_empty.app, "/any", b"", {}).status_code == 201


def test_one_key_works() -> None:
    assert api_key.check("ck_mock_valid")
    assert api_key.check("other") is None


def test_wiremock_gets_stubs_for_a_good_request_a_bad_body_and_no_key(tmp_path: Path) -> None:
    wiremock_stubs.write(tmp_path)
    stubs = json.loads((tmp_path / "mappings" / "calls.json").read_text())["mappings"]
    assert [stub["response"]["status"] for stub in stubs] == [201, 400, 401] * 2
    assert "$ref" not in json.dumps(stubs)


def test_ours_is_first_and_keys_and_names_are_unique() -> None:
    assert SERVERS[0].name == OURS
    assert len({each.key for each in SERVERS}) == len({each.name for each in SERVERS}) == len(SERVERS)


def test_options_of_the_mock_are_not_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLS_RATE_LIMIT", "1")
    variables = Launch(command=lambda port: [], folder=Path(), environment={"HOME": "here"}).variables()
    assert "CALLS_RATE_LIMIT" not in variables
    assert variables["HOME"] == "here"


def test_what_npm_says_is_boiled_down_to_its_code() -> None:
    said = "npm error code ENOTFOUND\nnpm error request to https://registry.example/x failed, /home/me/.npm/_logs\n"
    assert installing.npm_reason(said) == "npm could not install it (ENOTFOUND)"
    assert installing.npm_reason("npm ERR! code E404\n") == "npm could not install it (E404)"
    assert installing.npm_reason("Killed") == "npm could not install it"


def test_without_npm_a_package_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotInstalled, match="npm is missing"):
        installing.from_npm(tmp_path, "some-package", "1.0.0")
    with pytest.raises(NotInstalled, match="java is missing"):
        installing.program("java")


def test_what_is_installed_in_this_version_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    package = tmp_path / "node_modules" / "@some" / "package"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "1.0.0"}')
    assert installing.from_npm(tmp_path, "@some/package", "1.0.0") == package
    with pytest.raises(NotInstalled):
        installing.from_npm(tmp_path, "@some/package", "1.0.1")
