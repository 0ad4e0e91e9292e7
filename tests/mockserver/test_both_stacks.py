"""What is slimmed of connexion changes no answer: the same requests to it, and to connexion's own application."""

from __future__ import annotations

import functools
import json
from typing import Any
from unittest import mock as patching

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.framework import ROUTING_CONTEXT, Resolver, RoutingMiddleware, route
from tests.mockserver.mock import BODIES, CREATE, DOCUMENT, INLINE, RATES, VALID, Mock, mock
from tests.mockserver.plain_stack import plain_operations_app
from tests.mockserver.test_validation import ODD

FIELDS = sorted({*DOCUMENT["components"]["schemas"]["CreateInlineCallRequest"]["properties"], "agentId", "other"})
PATHS = ["/calls/create", "/api/v1/calls/create", "/calls/inline", "/api/v1/calls/inline"]
JSON = {"Content-Type": "application/json"}


@functools.cache
def stacks() -> tuple[Mock, Mock]:
    """The mock as it is, and on connexion's own application; ids and times are the same."""
    options: dict[str, Any] = {"draw": bytes, "rate_limit_per_hour": 100_000}
    with patching.patch("mockserver.http.operations_app", plain_operations_app):
        plain = mock(**options)
    return mock(**options), plain


def same(method: str, path: str, **more: Any) -> int:
    """The status that both answer, after everything else in their answers was found to be the same."""
    answers = [stack.request(method, path, **more) for stack in stacks()]
    ours, plain = (_told(each) for each in answers)
    assert ours == plain
    return answers[0].status_code


def _told(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], Any]:
    """All of an answer but the white space in its JSON, which connexion writes in its own way."""
    headers = sorted(pair for pair in answer.headers.multi_items() if pair[0] != "content-length")
    return answer.status_code, headers, answer.json() if answer.content else None


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(FIELDS), ODD | st.sampled_from([RATES, "agent_demo", 60, True]), max_size=5),
)
def test_whatever_the_body_holds(path: str, fields: dict[str, Any]) -> None:
    body = BODIES[path.removeprefix("/api/v1")]
    assert same("POST", path, json={**body, **fields}) in (201, 400, 404)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "POST"])
def test_whatever_the_method(path: str, method: str) -> None:
    assert same(method, path) == (415 if method == "POST" else 405)


@pytest.mark.parametrize("key", [None, "", "ck_wrong", VALID, "ck_mock_no_credit", "ck_mock_rate_limited"])
@pytest.mark.parametrize("path", PATHS)
def test_whatever_the_key(path: str, key: str | None) -> None:
    same("POST", path, key=key, json=BODIES[path.removeprefix("/api/v1")])


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', json.dumps(CREATE).encode(), b"[" * 5000, b"1e999"]
)
@pytest.mark.parametrize("media_type", [None, "text/plain", "application/json", "Application/JSON; charset=utf-16"])
def test_whatever_the_bytes(content: bytes, media_type: str | None) -> None:
    same("POST", "/calls/create", content=content, headers={"Content-Type": media_type} if media_type else {})


@pytest.mark.parametrize(
    "path", ["/", "/calls", "/calls/create/", "/calls//create", "/api/v1", "/api/v1/api/v1/calls/create", "/calls/x"]
)
def test_whatever_the_path(path: str) -> None:
    assert same("POST", path, json=CREATE) == 404


def test_created_calls_are_the_same() -> None:
    for stack in stacks():
        stack.tokens.clear()
    assert same("POST", "/calls/inline", json={**INLINE, "connectionType": "websocket", "websocket": RATES}) == 201


def test_a_route_is_noted_as_connexion_notes_it() -> None:
    noted: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        noted.append(scope["extensions"][ROUTING_CONTEXT])

    async def nothing(*_: Any) -> dict[str, Any]:
        return {"type": "http.request"}

    from connexion.spec import Specification  # type: ignore[import-untyped]  # connexion ships no types

    routing = RoutingMiddleware(app)
    specification = Specification.load(dict(DOCUMENT))
    routing.add_api(specification, base_path="", resolver=Resolver(lambda name: same))
    scope = {"type": "http", "method": "POST", "path": "/calls/create", "headers": [], "app": app}
    try:
        routing(scope, nothing, nothing).send(None)
    except StopIteration:
        pass
    ours: dict[str, Any] = {}
    route(ours, "createCall")
    assert noted == [ours["extensions"][ROUTING_CONTEXT]]
