"""Connexion, serving the document's operations.  What it does not do, and how, is said at each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract import documents
from contract.errors import DocumentError
from mockserver.accounts import Accounts
from mockserver.admission import KeyCheck, Turnstile
from mockserver.body import BodyReader
from mockserver.calls import Calls
from mockserver.errors import NotFound
from mockserver.exchange import Exchange
from mockserver.framework import (
    AsyncApp,
    ContextMiddleware,
    RequestValidationMiddleware,
    Resolver,
    ResponseValidationMiddleware,
    RoutingMiddleware,
    SecurityMiddleware,
)
from mockserver.rate_limit import RateLimiter
from mockserver.validation import CompiledSchema, RequestBody, ResponseBody, Schemas

_NAME = "openapi/calls.yaml"
_JSON = "application/json"


def operations_app(
    document: Mapping[str, Any],
    calls: Calls,
    base_paths: Sequence[str],
    *,
    accounts: Accounts,
    limiter: RateLimiter,
    now: Callable[[], float],
    max_body_bytes: int,
    read_within_s: float,
) -> ASGIApp:
    """The operations of a document, answered by `calls`, under each base path (without a slash at its end).

    Errors are raised, not answered.  `now` is Unix seconds.  Raises DocumentError if the document cannot be served.
    """
    _compile_schemas(document)
    try:
        app = _connexion(
            document,
            exact_paths=partial(_ExactPaths, base_paths=base_paths),
            security=partial(KeyCheck, accounts),
            admit=partial(Turnstile, limiter=limiter, now=now),
            read_body=partial(
                BodyReader, operations=_with_body(document), max_bytes=max_body_bytes, read_within_s=read_within_s
            ),
        )
        app.add_api(dict(document), base_path="", resolver=Resolver(_finder(document, calls)))
        _build(app)
    except DocumentError:
        raise
    except Exception as error:
        raise _fault(document, error, getattr(error, "absolute_path", ())) from error
    return app  # type: ignore[no-any-return]  # connexion ships no types


def _connexion(
    document: Mapping[str, Any],
    *,
    exact_paths: Callable[[ASGIApp], ASGIApp],
    security: Callable[[], KeyCheck],
    admit: Callable[[ASGIApp], ASGIApp],
    read_body: Callable[[ASGIApp], ASGIApp],
) -> Any:
    """Connexion's application, with its layers in the order in which a request meets them.

    Its own error handling, pages and lifespan are left out: one envelope around everything answers errors.
    """
    schemas = Schemas()
    return AsyncApp(
        __name__,
        middlewares=[
            exact_paths,
            RoutingMiddleware,
            SecurityMiddleware,
            admit,
            read_body,
            RequestValidationMiddleware,
            ResponseValidationMiddleware,
            ContextMiddleware,
        ],
        security_map={"apiKey": security},
        validator_map={
            "body": {_JSON: partial(RequestBody, schemas=schemas)},
            "response": {_JSON: partial(ResponseBody, schemas=schemas)},
        },
        validate_responses=True,
    )


class _ExactPaths:
    """ASGI middleware: takes the base path off, and refuses a path with a slash too many.

    Connexion would check and compile the document once more for each base path, and redirect the slash to where the
    Host header says.
    """

    def __init__(self, app: ASGIApp, *, base_paths: Sequence[str]) -> None:
        self._app = app
        self._prefixes = tuple(f"{path}/" for path in base_paths if path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.endswith("/"):
                raise NotFound("there is nothing at this path; no path ends with a slash")
            prefix = next((prefix for prefix in self._prefixes if path.startswith(prefix)), None)
            if prefix is not None:
                Exchange.of(scope).base_path = prefix[:-1]
                path = path[len(prefix) - 1 :]
                scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


def _finder(document: Mapping[str, Any], calls: Calls) -> Callable[[str], Callable[..., Any]]:
    """What finds the method for an operationId, so that the document names no Python."""
    methods = {"createCall": calls.create, "createInlineCall": calls.create_inline}

    def find(operation_id: str) -> Callable[..., Any]:
        if operation_id not in methods:
            raise _fault(document, f"the mock has no operation {operation_id}", ["paths"])
        return methods[operation_id]

    return find


def _with_body(document: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the operations that take a body."""
    return frozenset(
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "requestBody" in operation
    )


def _compile_schemas(document: Mapping[str, Any]) -> None:
    """Compile every schema of the document once, so that a fault in one shows at the start.  Raises DocumentError."""
    named = documents.resolved(dict(document), _NAME).get("components", {}).get("schemas", {})
    for name, schema in named.items():
        try:
            CompiledSchema(schema)
        except ValueError as error:
            path = ["components", "schemas", name, *getattr(error, "instance_path", ())]
            raise _fault(document, error, path) from error


def _build(app: Any) -> None:
    """Have connexion build its layers now, so that a fault in the document shows at the start.

    It builds them on its first call, before that call goes anywhere.
    """

    class Built(Exception):
        pass

    async def stop(*_: Any) -> Message:
        raise Built

    try:
        app({"type": "lifespan"}, stop, stop).send(None)
    except Built:
        return


def _fault(document: Mapping[str, Any], fault: object, path: Sequence[str | int]) -> DocumentError:
    """A fault at a place of the document, with the line where the document is the shipped one."""
    text = documents.openapi_text()
    shipped = documents.read_mapping(text, _NAME) == document
    name = f"{_NAME}:{documents.line_of(text, path)}" if shipped else _NAME
    place = ".".join(map(str, path))
    words = getattr(fault, "message", None) or str(fault)
    return DocumentError(f"{name}: {place + ': ' if place else ''}{words}")
