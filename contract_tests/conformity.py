"""Exchanges held against the document by openapi-core: a second opinion, on requests as well as on answers."""

from __future__ import annotations

import functools
from urllib.parse import parse_qsl, urlsplit

from jsonschema_path import SchemaPath
from jsonschema_rs import Draft4Validator
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from contract import documents
from contract.errors import DocumentError
from contract.openapi_schema import as_draft4
from contract_tests.in_force import Overlays, in_force
from contract_tests.target import JUDGED, Exchange, Meant

RESOLVED_PLACES = 4096
"""Places of the document that are found once, where openapi-core would look for each of them at each exchange."""


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
def _openapi(overlays: Overlays) -> OpenAPI:
    return OpenAPI(SchemaPath.from_dict(in_force(overlays).document, resolved_cache_maxsize=RESOLVED_PLACES))


def must_be_openapi(overlays: Overlays) -> None:
    """Raises DocumentError where these overlays cannot be read or applied, or make no OpenAPI document."""
    contract = in_force(overlays)
    place: list[str | int] = []
    try:
        # First, because it says where in a schema something is wrong.
        for name, schema in documents.resolved(contract.document)["components"]["schemas"].items():
            place = ["components", "schemas", name]
            Draft4Validator(as_draft4(schema))
        place = []
        _openapi(overlays)
    except Exception as error:
        place += getattr(error, "instance_path", ()) or getattr(error, "absolute_path", ())
        # It may go on with all of the document.
        words = (getattr(error, "message", None) or str(error)).partition("\n")[0][:200]
        where = f"{'.'.join(map(str, place))}: " if place else ""
        raise DocumentError(f"{contract.name}: {where}{words}") from error


def faults_of(exchange: Exchange, overlays: Overlays = ()) -> list[str]:
    """What the document has against the answer of an exchange on one of its operations; nothing where it is free."""
    if exchange.method != "POST" or not exchange.operation or exchange.status is None:
        return []
    if exchange.status not in JUDGED:
        return [] if exchange.meant is Meant.FREE else [f"{exchange.status} is not in the document"]
    if exchange.status >= 400 and exchange.meant is Meant.FREE:
        return []
    try:
        errors = list(_openapi(overlays).iter_response_errors(_Request(exchange), _Response(exchange)))
    except RecursionError:
        return ["the body is nested too deeply to be read"]
    return [_words(error) for error in errors]


def is_valid_request(exchange: Exchange, overlays: Overlays = ()) -> bool:
    """Whether the document allows an exchange's request."""
    return not list(_openapi(overlays).iter_request_errors(_Request(exchange)))


def _words(error: Exception) -> str:
    """An error and what is behind it, in one line."""
    details = [str(inner.message) for inner in getattr(error, "schema_errors", ()) or ()]
    cause = getattr(error, "__cause__", None)
    details += [str(inner.message) for inner in getattr(cause, "schema_errors", ()) or ()]
    return "; ".join([str(error), *details])
