"""Connexion's router, which finds what has no parameters in its path by looking it up, not by trying each route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import NotFound
from mockserver.exchange import Exchange
from mockserver.framework import RoutingMiddleware, route


class Routing(RoutingMiddleware):  # type: ignore[misc]  # connexion ships no types
    """ASGI middleware: finds the operation of a request, under each base path (without a slash at its end).

    Connexion would check and compile the document once more for each base path, and redirect a slash too many to where
    the Host header says.
    """

    def __init__(self, app: ASGIApp, *, base_paths: Sequence[str]) -> None:
        super().__init__(app)
        self._base_paths = base_paths
        self._known: dict[tuple[str, str], tuple[str, str]] = {}

    def add_api(self, specification: Any, **more: Any) -> None:
        """Connexion's interface."""
        super().add_api(specification, **more)
        for path, methods in specification["paths"].items():
            for method, operation in methods.items():
                if "{" not in path and isinstance(operation, dict) and "operationId" in operation:
                    for base_path in self._base_paths:
                        found = base_path, operation["operationId"]
                        self._known[method.upper(), base_path + path] = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find it, and go on.  Raises NotFound, and Starlette's HTTPException for a method that a path lacks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        found = self._known.get((scope["method"], scope["path"]))
        if found is not None:
            Exchange.of(scope).base_path, operation_id = found
            route(scope, operation_id)
            await self.app(scope, receive, send)
        else:
            await super().__call__(self._without_base_path(scope), receive, send)

    def _without_base_path(self, scope: Scope) -> Scope:
        path: str = scope["path"]
        if path.endswith("/"):
            raise NotFound("there is nothing at this path; no path ends with a slash")
        for base_path in filter(None, self._base_paths):
            if path.startswith(f"{base_path}/"):
                Exchange.of(scope).base_path = base_path
                path = path[len(base_path) :]
                return {**scope, "path": path, "raw_path": path.encode()}
        return scope
