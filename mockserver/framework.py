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
    from connexion import ConnexionMiddleware  # type: ignore[import-untyped]
    from connexion.middleware.abstract import (  # type: ignore[import-untyped]
        ROUTING_CONTEXT,
        RoutedAPI,
        RoutedMiddleware,
    )
    from connexion.middleware.routing import RoutingMiddleware  # type: ignore[import-untyped]
    from connexion.resolver import Resolver  # type: ignore[import-untyped]

__all__ = [
    "ConnexionMiddleware",
    "ROUTING_CONTEXT",
    "Resolver",
    "RoutedAPI",
    "RoutedMiddleware",
    "RoutingMiddleware",
    "route",
]


def route(scope: Scope, operation_id: str) -> None:
    """Note in the scope of a request which operation it is for, as connexion's router does."""
    scope.setdefault("extensions", {})[ROUTING_CONTEXT] = {"api_base_path": "", "operation_id": operation_id}
