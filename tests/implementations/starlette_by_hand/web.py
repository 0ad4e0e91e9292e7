"""The HTTP side: two operations, keys, rate limits and errors of one shape; and the upgrade of dialled URLs."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from . import bodies, store
from .session import NotUpgraded, Session

PREFIXES = ("/api/v1", "")
LARGEST_BODY = 1024 * 1024
LARGEST_BODY_READ = 64 * 1024 * 1024
LIMITED_KEY_LIMIT = 3
AGENT_NAME = "Reception"
AGENT_GREETING = "Hello, you have reached the reception. How can I help you?"

Operation = Callable[[Request, bytes, "Account"], Response]


@dataclass(frozen=True)
class Config:
    """What the command line says."""

    base_url: str
    api_keys: tuple[str, ...]
    unfunded_keys: tuple[str, ...]
    limited_keys: tuple[str, ...]
    agents: tuple[str, ...]
    time_scale: float = 1.0
    url_ttl: float = 60.0
    rate_limit: int = 1000


@dataclass(frozen=True)
class Account:
    """What a key may do."""

    name: str
    rate_limit: int
    funded: bool = True


class ApiError(Exception):
    """An answer other than 201."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def _digest(key: str) -> str:
    """Keys are looked up by their digest, so that the time it takes tells nothing about them."""
    return hashlib.sha256(key.encode()).hexdigest()


def _answer(status: int, content: dict[str, object], headers: dict[str, str]) -> JSONResponse:
    common = {"X-Request-Id": str(uuid.uuid4()), "Cache-Control": "no-store"}
    return JSONResponse(content, status, {**common, **headers})


def _error_answer(error: ApiError, headers: dict[str, str] | None = None) -> JSONResponse:
    content: dict[str, object] = {"error": {"message": error.message, "code": error.code}}
    return _answer(error.status, content, {**(headers or {}), **error.headers})


def _post_route(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route for POST at exactly this path: Starlette's own pattern lets a line feed at the end through."""
    route = Route(path, endpoint, methods=["POST"])
    route.path_regex = re.compile(re.escape(path) + r"\Z")
    return route


async def _whole_body(request: Request) -> bytes | None:
    """The body; None if it is too large. It is read to the end, so that the client lives to see the answer."""
    size = 0
    chunks: list[bytes] = []
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= LARGEST_BODY:
                chunks.append(chunk)
            elif size > LARGEST_BODY_READ:
                break
    except ClientDisconnect:
        return None
    return b"".join(chunks) if size <= LARGEST_BODY else None


class Service:
    """The endpoints and what they share."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._calls = store.Calls(config.url_ttl)
        self._limits = store.RateLimits()
        self._accounts: dict[str, Account] = {}
        for keys, limit, funded in (
            (config.api_keys, config.rate_limit, True),
            (config.unfunded_keys, config.rate_limit, False),
            (config.limited_keys, LIMITED_KEY_LIMIT, True),
        ):
            for key in keys:
                self._accounts[_digest(key)] = Account(_digest(key), limit, funded)

    def app(self) -> Starlette:
        """The application."""
        routes: list[Route | WebSocketRoute] = []
        for prefix in PREFIXES:
            routes.append(_post_route(f"{prefix}/calls/create", self._endpoint(self._create)))
            routes.append(_post_route(f"{prefix}/calls/inline", self._endpoint(self._inline)))
        routes.append(WebSocketRoute("/api/v1/media/{token}", self._dial))
        routes.append(WebSocketRoute("/{path:path}", self._refuse_dial))
        handlers = {HTTPException: self._on_http_exception, Exception: self._on_crash}
        app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]
        app.router.redirect_slashes = False  # A redirect would repeat the token.
        return app

    # HTTP

    def _account(self, connection: HTTPConnection) -> Account | None:
        return self._accounts.get(_digest(connection.headers.get("x-api-key", "")))

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint: the key first, then its rate, then the body, then the operation."""

        async def endpoint(request: Request) -> Response:
            body = await _whole_body(request)
            headers: dict[str, str] = {}
            try:
                account = self._account(request)
                if account is None:
                    raise self._unauthorized(request)
                usage = self._limits.count(account.name, account.rate_limit)
                if usage is not None:
                    headers = usage.headers
                    if usage.exceeded:
                        retry = {"Retry-After": str(usage.seconds_left)}
                        raise ApiError(429, "RATE_LIMIT_EXCEEDED", "Too many requests in this hour.", retry)
                self._check_media_type(request)
                if body is None:
                    raise ApiError(413, "PAYLOAD_TOO_LARGE", f"The body is longer than {LARGEST_BODY} bytes.")
                response = operation(request, body, account)
            except ApiError as error:
                return _error_answer(error, headers)
            except bodies.BadRequest as error:
                return _error_answer(ApiError(400, error.code, error.message), headers)
            response.headers.update(headers)
            return response

        return endpoint

    @staticmethod
    def _unauthorized(request: Request) -> ApiError:
        if request.headers.get("x-api-key"):
            return ApiError(401, "UNAUTHORIZED", "The API key is not valid.")
        return ApiError(401, "MISSING_API_KEY", "The X-API-Key header is missing.")

    @staticmethod
    def _check_media_type(request: Request) -> None:
        media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        is_json = media_type == "application/json" or (
            media_type.startswith("application/") and media_type.endswith("+json")
        )
        if not is_json:
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json.")

    def _create(self, request: Request, body: bytes, account: Account) -> Response:
        agent_id, settings = bodies.read_create(bodies.parse_object(body), AGENT_GREETING)
        if agent_id not in self._config.agents:
            raise ApiError(404, "RESOURCE_NOT_FOUND", "There is no active agent with this id in this workspace.")
        return self._created(request, settings, account, {"agent": {"id": agent_id, "name": AGENT_NAME}})

    def _inline(self, request: Request, body: bytes, account: Account) -> Response:
        return self._created(request, bodies.read_inline(bodies.parse_object(body)), account, {})

    def _created(
        self, request: Request, settings: bodies.CallSettings, account: Account, extra: dict[str, object]
    ) -> Response:
        if not account.funded:
            raise ApiError(402, "PAYMENT_REQUIRED", "The balance of this workspace is used up.")
        call = self._calls.create(settings)
        content: dict[str, object] = {
            "id": call.id,
            "websocketUrl": f"{self._config.base_url}/api/v1/media/{call.token}",
            "status": "created",
            "connectionType": settings.connection_type,
            "createdAt": call.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **extra,
        }
        calls_path = request.url.path.rpartition("/")[0]
        return _answer(201, content, {"Location": f"{calls_path}/{call.id}"})

    async def _on_http_exception(self, request: Request, error: HTTPException) -> Response:
        """404 for unknown paths and 405 for unknown methods, which Starlette finds out."""
        await _whole_body(request)
        if error.status_code != 405:
            return self._nothing_here(request)
        problem = ApiError(405, "METHOD_NOT_ALLOWED", "Only POST is possible here.", {"Allow": "POST"})
        return _error_answer(problem, self._counted(request))

    def _nothing_here(self, connection: HTTPConnection) -> Response:
        return _error_answer(ApiError(404, "NOT_FOUND", "There is nothing here."), self._counted(connection))

    def _counted(self, connection: HTTPConnection) -> dict[str, str]:
        """Count something that no limit refuses; the rate headers. What has no key is counted by where it is from."""
        account = self._account(connection)
        if account is not None:
            usage = self._limits.count(account.name, account.rate_limit)
        else:
            host = connection.client.host if connection.client else "nowhere"
            usage = self._limits.count(f"from {host}", self._config.rate_limit)
        return usage.headers if usage else {}

    async def _on_crash(self, request: Request, error: Exception) -> Response:
        return _error_answer(ApiError(500, "INTERNAL_ERROR", "Something went wrong here."))

    # WebSocket

    async def _dial(self, socket: WebSocket) -> None:
        call = self._calls.claim(str(socket.path_params["token"]))
        if call is None:
            await self._refuse_dial(socket)
            return
        try:
            await Session(socket, call, self._config.time_scale).run()
        except NotUpgraded:
            self._calls.give_back(call)

    async def _refuse_dial(self, socket: WebSocket) -> None:
        """The answer to dead, unknown and misspelt tokens alike, and the one that a plain GET gets."""
        await socket.send_denial_response(self._nothing_here(socket))
