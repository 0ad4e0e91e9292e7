"""HTTP: keys, budgets, the two operations, and the dial."""

import asyncio
import hashlib
import json
import logging
import math
import secrets
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

import jwt
from aiohttp import WSMsgType, web
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError

from . import shapes
from .conversation import Conversation, Plan
from .lines import Line, Plivo, Room, Socket, Telnyx, Twilio

PREFIX = "/api/v1"
DIAL = "/dial/"
BODY_LIMIT = 1024 * 1024
WINDOW_SECONDS = 3600.0
DEFAULT_MAX_DURATION = 3000.0
TICK_SECONDS = 0.02
PARTING_SECONDS = 3.0
HEARTBEAT_SECONDS = 25.0
# A log of requests would hold the URLs that are credentials.
NO_LOG = logging.getLogger(f"{__name__}.requests")
NO_LOG.disabled = True


class Refusal(Exception):
    """An answer other than the one that was hoped for."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """The contract's shape, and a few keys of our own."""
        error = {"code": self.code, "message": self.message, "retryable": self.status in (429, 503)}
        content = {"status": self.status, "error": error}
        return web.Response(
            status=self.status, text=json.dumps(content), content_type="application/json", headers=self.headers
        )


@dataclass
class Account:
    """What a key stands for."""

    funded: bool = True
    always_limited: bool = False
    spent: deque[float] = field(default_factory=deque)


@dataclass(frozen=True)
class Settings:
    """How the service was started."""

    accounts: Mapping[str, Account]
    agents: frozenset[str]
    time_scale: float
    url_seconds: float
    rate_limit: int


@dataclass(frozen=True)
class Ticket:
    """A call that has been created and not been dialled."""

    call_id: str
    plan: Plan
    expires: float


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _nothing_here() -> web.Response:
    return web.Response(status=404, text="404: nothing here\n")


def _not_allowed() -> web.Response:
    return web.Response(status=405, text="405: only POST\n", headers={"Allow": "POST"})


def _is_json(content_type: str | None) -> bool:
    return content_type is None or content_type.partition(";")[0].strip().lower() == "application/json"


async def _read(request: web.BaseRequest) -> bytes:
    if request.headers.get("Expect", "").strip().lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # What has been written so far is not yet the response.
        request.writer.output_size = 0
    body = bytearray()
    try:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise Refusal(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {BODY_LIMIT} bytes")
    except (web.RequestPayloadError, HttpProcessingError):
        raise Refusal(400, "INVALID_BODY", "The body is broken") from None
    return bytes(body)


class Service:
    """The voice API."""

    def __init__(self, settings: Settings) -> None:
        self.base = ""
        self.stopping = asyncio.Event()
        self._settings = settings
        self._accounts = {_digest(key): account for key, account in settings.accounts.items()}
        self._tickets: dict[str, Ticket] = {}
        self._room_key, self._room_secret = f"API{secrets.token_hex(6)}", secrets.token_hex(32)
        self._operations: dict[str, Callable[[dict[str, object]], tuple[Plan, dict[str, object]]]] = {
            "/calls/create": self._create,
            "/calls/inline": self._inline,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        if request.method == "CONNECT":
            # Its target is a host, never a path.
            return _not_allowed()
        path = request.path
        if path.startswith(DIAL):
            return await self._dial(request, path.removeprefix(DIAL))
        operation = self._operations.get(path.removeprefix(PREFIX))
        if operation is None:
            return _nothing_here()
        if request.method != "POST":
            return _not_allowed()
        try:
            self._admit(request.headers.get("X-API-Key"))
            if not _is_json(request.headers.get("Content-Type")):
                raise Refusal(400, "INVALID_BODY", "The body must be application/json")
            plan, extra = operation(self._object(await _read(request)))
        except Refusal as refusal:
            return refusal.response()
        return self._created(plan, extra)

    def _admit(self, key: str | None) -> None:
        if not key:
            raise Refusal(401, "MISSING_API_KEY", "The X-API-Key header is missing")
        account = self._accounts.get(_digest(key))
        if account is None:
            raise Refusal(401, "UNAUTHORIZED", "This API key is not valid")
        self._charge(account)
        if not account.funded:
            raise Refusal(402, "PAYMENT_REQUIRED", "The balance does not cover another call")

    def _charge(self, account: Account) -> None:
        limit, now = self._settings.rate_limit, time.monotonic()
        while account.spent and account.spent[0] <= now - WINDOW_SECONDS:
            account.spent.popleft()
        if account.always_limited or 0 < limit <= len(account.spent):
            wait = WINDOW_SECONDS if account.always_limited else account.spent[0] + WINDOW_SECONDS - now
            headers = {
                "Retry-After": str(max(math.ceil(wait), 1)),
                "X-RateLimit-Limit": str(limit or 1000),
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(math.ceil(time.time() + wait)),
            }
            raise Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many requests with this key within an hour", headers)
        if limit:
            account.spent.append(now)

    def _object(self, body: bytes) -> dict[str, object]:
        try:
            content = shapes.parse(body)
        except shapes.NotJson:
            raise Refusal(400, "INVALID_BODY", "The body is not JSON") from None
        if not isinstance(content, dict):
            raise Refusal(400, "INVALID_BODY", "The body must be a JSON object")
        return content

    def _create(self, body: dict[str, object]) -> tuple[Plan, dict[str, object]]:
        self._judge(shapes.CREATE, body)
        agent = cast(str, body["agentId"])
        if agent not in self._settings.agents:
            raise Refusal(404, "NOT_FOUND", "There is no such agent")
        return self._plan(body), {"agent": {"description": "Answers and listens", "name": "Saved agent", "id": agent}}

    def _inline(self, body: dict[str, object]) -> tuple[Plan, dict[str, object]]:
        self._judge(shapes.INLINE, body)
        return self._plan(body, greeting=cast(str, body["greeting"])), {}

    @staticmethod
    def _judge(shape: shapes.Predicate, body: dict[str, object]) -> None:
        if complaint := shape(body):
            raise Refusal(400, "VALIDATION_ERROR", complaint)

    def _plan(self, body: dict[str, object], greeting: str | None = None) -> Plan:
        """A judged body as a plan. Only an inline body has its own greeting and settings; a saved agent has ours."""
        scale, connection = self._settings.time_scale, cast(str, body.get("connectionType", "twilio"))
        socket = cast(dict[str, float | str], body["websocket"]) if connection == "websocket" else {}
        rates = int(socket.get("inputSampleRate", 8000)), int(socket.get("outputSampleRate", 8000))
        codec = str(socket.get("codec", "pcm"))
        if greeting is None:
            return Plan(connection, DEFAULT_MAX_DURATION / scale, in_rate=rates[0], out_rate=rates[1], codec=codec)
        quiet = cast(float | None, body.get("inactivityTimeout"))
        return Plan(
            connection,
            cast(float, body.get("maxDuration", DEFAULT_MAX_DURATION)) / scale,
            greeting,
            agent_begins=body.get("firstSpeaker", "agent") == "agent",
            interruptible=body.get("interruptible") is True,
            quiet_seconds=None if quiet is None else quiet / scale,
            stays_when_quiet=body.get("inactivityAction") == "prompt",
            in_rate=rates[0],
            out_rate=rates[1],
            codec=codec,
        )

    def _created(self, plan: Plan, extra: dict[str, object]) -> web.Response:
        call_id, token, now = str(uuid.uuid4()), secrets.token_urlsafe(32), time.monotonic()
        self._forget_expired(now)
        self._tickets[token] = Ticket(call_id, plan, now + self._settings.url_seconds)
        content = {
            "createdAt": datetime.now(UTC).isoformat(timespec="microseconds"),
            **extra,
            "websocketUrl": f"ws{self.base.removeprefix('http')}{DIAL}{token}",
            "connectionType": plan.connection,
            "status": "created",
            "id": call_id,
        }
        location = {"Location": f"{self.base}{PREFIX}/calls/{call_id}"}
        return web.Response(status=201, text=json.dumps(content), content_type="application/json", headers=location)

    def _forget_expired(self, now: float) -> None:
        # They all live equally long, so the oldest come first.
        while self._tickets and (first := next(iter(self._tickets.items())))[1].expires <= now:
            del self._tickets[first[0]]

    def _redeem(self, token: str) -> Ticket | None:
        ticket = self._tickets.pop(token, None)
        return ticket if ticket and time.monotonic() < ticket.expires else None

    async def _dial(self, request: web.BaseRequest, token: str) -> web.StreamResponse:
        if request.method != "GET" or request.headers.get("Upgrade", "").strip().lower() != "websocket":
            return _nothing_here()
        ws = web.WebSocketResponse(compress=False, heartbeat=HEARTBEAT_SECONDS, timeout=2.0)
        if not _is_handshake(ws, request):
            return web.Response(status=400, text="400: this is not a WebSocket handshake\n")
        await ws.prepare(request)
        # Nothing is awaited between the upgrade and this: of many racing dials, one gets the ticket.
        ticket = self._redeem(token)
        if ticket is None:
            await _bounded(request, ws.close(code=1008))
        else:
            await self._converse(request, ws, ticket)
        return ws

    async def _converse(self, request: web.BaseRequest, ws: web.WebSocketResponse, ticket: Ticket) -> None:
        clock = asyncio.get_running_loop().time
        conversation = Conversation(ticket.plan, self._line(ticket), clock())
        tasks = [
            asyncio.create_task(_listen(ws, conversation, clock)),
            asyncio.create_task(_talk(ws, conversation, clock)),
            asyncio.create_task(self.stopping.wait()),
        ]
        try:
            await asyncio.wait(tasks, timeout=ticket.plan.max_seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _bounded(request, _part(ws, conversation))

    def _line(self, ticket: Ticket) -> Line:
        plan = ticket.plan
        match plan.connection:
            case "twilio":
                return Twilio()
            case "telnyx":
                return Telnyx()
            case "plivo":
                return Plivo()
            case "websocket":
                return Socket(plan.in_rate, plan.out_rate, plan.codec)
            case _:
                return Room(f"ws{self.base.removeprefix('http')}", self._room_token(ticket), ticket.call_id)

    def _room_token(self, ticket: Ticket) -> str:
        now = datetime.now(UTC)
        grants = {"roomJoin": True, "room": ticket.call_id}
        rights = {"canPublish": True, "canSubscribe": True, "canPublishData": True}
        claims = {
            "iss": self._room_key,
            "sub": f"caller-{ticket.call_id}",
            "name": "Caller",
            "nbf": now - timedelta(seconds=10),
            "exp": now + timedelta(hours=3),
            "video": grants | rights,
        }
        return jwt.encode(claims, self._room_secret, algorithm="HS256")


def _is_handshake(ws: web.WebSocketResponse, request: web.BaseRequest) -> bool:
    try:
        return ws.can_prepare(request).ok
    except ValueError:
        # A Sec-WebSocket-Key that is not ASCII.
        return False


async def _listen(ws: web.WebSocketResponse, conversation: Conversation, clock: Callable[[], float]) -> None:
    async for message in ws:
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            conversation.hear(message.data, clock())


async def _talk(ws: web.WebSocketResponse, conversation: Conversation, clock: Callable[[], float]) -> None:
    while not conversation.over:
        for message in conversation.tick(clock()):
            if conversation.over:
                return
            await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))
        await asyncio.sleep(TICK_SECONDS)


async def _part(ws: web.WebSocketResponse, conversation: Conversation) -> None:
    if not ws.closed:
        for message in conversation.farewell():
            await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))
    await ws.close(code=1000)


async def _bounded(request: web.BaseRequest, parting: Awaitable[object]) -> None:
    """Part from a peer that may have vanished or stopped reading."""
    try:
        async with asyncio.timeout(PARTING_SECONDS):
            await parting
    except (TimeoutError, ConnectionError, RuntimeError):
        if request.transport is not None:
            request.transport.abort()


class Connection(web.RequestHandler):
    """One TCP connection. What is no HTTP gets an answer that repeats nothing of it."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be read, or that the service failed on."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has been begun already")
        if isinstance(exc, BadHttpMethod):
            response = _not_allowed()
        elif status == 500:
            self.log_exception("The service failed", exc_info=exc)
            response = Refusal(500, "INTERNAL_ERROR", "The service failed").response()
        else:
            response = Refusal(status, "BAD_REQUEST", "This is not an HTTP request").response()
        response.force_close()
        return response


class Server(web.Server):
    """Makes connections of our own kind."""

    def __call__(self) -> web.RequestHandler:
        """Make one."""
        loop = asyncio.get_running_loop()
        return Connection(self, loop=loop, access_log=NO_LOG, auto_decompress=False, lingering_time=10.0)
