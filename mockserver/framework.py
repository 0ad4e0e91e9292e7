"""Connexion, imported without the warnings that its own imports raise; the only module that imports it."""

from __future__ import annotations

import warnings

from starlette.types import Scope

with warnings.catch_warnings():
    # Connexion 3.3 imports what its own dependencies call deprecated; nothing of it is used here.
    for _message in (
        "Using `httpx` with `starlette.testclient`",
        r"jsonschema\.(RefResolver|exceptions\.RefResolutionError)",
    ):
        warnings.filterwarnings("ignore", message=_message)
    # Connexion ships no types.
    from connexion import AsyncApp  # type: ignore[import-untyped]
    from connexion.middleware.abstract import ROUTING_CONTEXT  # type: ignore[import-untyped]
    from connexion.middleware.context import ContextMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.request_validation import RequestValidationMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.response_validation import ResponseValidationMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.routing import RoutingMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.security import SecurityMiddleware  # type: ignore[import-untyped]
    from connexion.resolver import Resolver  # type: ignore[import-untyped]

__all__ = [
    "AsyncApp",
    "ContextMiddleware",
    "RequestValidationMiddleware",
    "Resolver",
    "ResponseValidationMiddleware",
    "RoutingMiddleware",
    "SecurityMiddleware",
    "operation_id",
]


def operation_id(scope: Scope) -> str | None:
    """The operation that connexion's router found for a request; None for a path that the document does not have."""
    found: str | None = scope["extensions"][ROUTING_CONTEXT]["operation_id"]
    return found
