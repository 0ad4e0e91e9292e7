"""Connexion, imported without what it brings along and nothing here needs; the only module that imports it."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from starlette.types import Scope


class _Later(ModuleType):
    """Stands in for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def _only_when_used(*names: str, **parts: type) -> Iterator[None]:
    """Give whoever imports these modules meanwhile stand-ins, with these parts; what is there already stays."""
    stand_ins = {name: _Later(name) for name in names if name not in sys.modules}
    for stand_in in stand_ins.values():
        stand_in.__dict__.update(parts)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


# Templates, clients for HTTP, two of them for tests, and a server: they take as long to import as all the rest.
_NOT_NEEDED = _only_when_used(
    *("httpx", "jinja2", "requests", "starlette.templating", "starlette.testclient"),
    *("werkzeug.serving", "werkzeug.test"),
    Jinja2Templates=object,
    TestClient=object,
    Client=object,
    run_simple=object,
)

with warnings.catch_warnings(), _NOT_NEEDED:
    # Connexion 3.3 imports what its own dependencies call deprecated; nothing of it is used here.
    warnings.filterwarnings("ignore", message=r"jsonschema\.(RefResolver|exceptions\.RefResolutionError)")
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
