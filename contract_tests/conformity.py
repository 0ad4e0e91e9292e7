"""Exchanges held against the document by openapi-core: a second opinion, on requests as well as on answers."""

from __future__ import annotations

import functools
from urllib.parse import parse_qsl, urlsplit

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from contract import documents
from contract_tests.target import Exchange, Meant

JUDGED = (201, 400, 401, 402, 404, 413, 415, 429, 500, 503)
"""The statuses whose answers the document describes; 405 is partly a SHOULD, and has checks of its own."""


class _Request:
    """An exchange's request, as openapi-core wants it."""

    def __init__(self, exchange: Exchange) -> None:
        parts = urlsplit(exchange.path)
        self.host_url = "http://127.0.0.1:8080"
        self.path = "/api/v1" + parts.path
        self.method = exchange.method.lower()
        headers = [*exchange.headers, *([("X-API-Key", exchange.key)] if exchange.key is not None else [])]
        self.content_type = dict(headers).get("Content-Type", "")
        self.body = exchange.content or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(parts.query)), header=Headers(headers), cookie=ImmutableMultiDict()
        )


class _Response:
    """An exchange's answer, as openapi-core wants it."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code = exchange.status or 0
        self.data = exchange.body
        self.content_type = exchange.header("content-type") or ""
        self.headers = Headers(list(exchange.answer_headers))


@functools.cache
def _openapi() -> OpenAPI:
    return OpenAPI.from_dict(documents.openapi())


def faults_of(exchange: Exchange) -> list[str]:
    """What the document has against the answer of an exchange on one of its operations; nothing where it is free."""
    if exchange.method != "POST" or not exchange.operation or exchange.status is None:
        return []
    if exchange.status not in JUDGED:
        return [] if exchange.meant is Meant.FREE else [f"{exchange.status} is not in the document"]
    if exchange.status >= 400 and exchange.meant is Meant.FREE:
        return []
    try:
        errors = list(_openapi().iter_response_errors(_Request(exchange), _Response(exchange)))
    except RecursionError:
        return ["the body is nested too deeply to be read"]
    return [_words(error) for error in errors]


def is_valid_request(exchange: Exchange) -> bool:
    """Whether the document allows an exchange's request."""
    return not list(_openapi().iter_request_errors(_Request(exchange)))


def _words(error: Exception) -> str:
    """An error and what is behind it, in one line."""
    details = [str(inner.message) for inner in getattr(error, "schema_errors", ()) or ()]
    cause = getattr(error, "__cause__", None)
    details += [str(inner.message) for inner in getattr(cause, "schema_errors", ()) or ()]
    return "; ".join([str(error), *details])[:400]
