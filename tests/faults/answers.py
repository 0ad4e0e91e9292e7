"""Faults of what comes back: created calls, errors, rate headers."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.server import Server
from tests.faults.fault import Apply, Fault, Faulty, Hooks, Reply, Request, after, before, created, hooked
from tests.faults.sockets_too import sockets_too


def header(name: str, value: Callable[[str], str | None] | str | None, *statuses: int) -> Apply:
    """Change a header: a text, None to drop it, or what becomes of it."""

    def change(request: Request, reply: Reply) -> None:
        if statuses and reply.status not in statuses:
            return
        before = reply.headers.pop(name, None)
        now = value(before or "") if callable(value) else value
        if now is not None:
            reply.headers[name] = now

    return after(change)


def body(change: Callable[[dict[str, Any]], Any]) -> Apply:
    """Change the object of the answer 201."""

    def look(request: Request, answer: dict[str, Any], reply: Reply) -> None:
        change(answer)

    return created(look)


def puts(**fields: Any) -> Apply:
    """Put fields into the object of the answer 201."""
    return body(lambda answer: answer.update(fields))


def drops(*names: str) -> Apply:
    """Drop fields of the object of the answer 201."""
    return body(lambda answer: [answer.pop(name, None) for name in names])


def errors(change: Callable[[Request, Reply], None], *statuses: int) -> Apply:
    """Change the errors of the operations."""

    def look(request: Request, reply: Reply) -> None:
        if request.operation and reply.status >= 400 and (not statuses or reply.status in statuses):
            change(request, reply)

    return after(look)


def renames_status(before: int, now: int, **also: Any) -> Apply:
    """Answer with another status."""

    def look(request: Request, reply: Reply) -> None:
        if reply.status == before:
            reply.status = now

    return after(look)


def counts(name: str) -> Apply:
    """A header that rises with each answer."""

    def apply(server: Any) -> None:
        numbers = itertools.count(100)
        header(name, lambda value: str(next(numbers)))(server)

    return apply


def as_key(other: str, instead: str, *operations: str) -> Apply:
    """Take one key for another."""

    def look(request: Request) -> None:
        if request.headers.get("x-api-key") == other and request.operation in operations:
            request.headers["x-api-key"] = instead

    return before(look)


def _with_array(request: Request, reply: Reply) -> None:
    if reply.status == 201:
        reply.put([reply.json()])


def _location_of_another(request: Request, answer: dict[str, Any], reply: Reply) -> None:
    reply.headers["location"] = "/api/v1/calls/" + "c" * 25


def _with_metadata(request: Request, answer: dict[str, Any], reply: Reply) -> None:
    asked = request.json()
    if isinstance(asked, dict) and "metadata" in asked:
        answer["metadata"] = asked["metadata"]


class _Slow:
    """ASGI application: another one, which lets others go first."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.01)
        await self._app(scope, receive, send)


def _shared(server: Server) -> None:
    """What is asked for is kept in one place for all requests."""
    latest: dict[str, Any] = {}

    def look(request: Request) -> None:
        asked = request.json()
        if isinstance(asked, dict):
            latest["connectionType"] = asked.get("connectionType", "twilio")

    def change(request: Request, reply: Reply) -> None:
        answer = reply.json() if reply.status == 201 else None
        if isinstance(answer, dict):
            reply.put(answer | latest)

    server.config.app = Faulty(_Slow(sockets_too(server)), Hooks(before=look, after=change))


def _stays_authenticated(server: Server) -> None:
    keys: dict[str, str] = {}

    def look(request: Request) -> None:
        if request.headers.get("x-api-key"):
            keys[request.connection] = request.headers["x-api-key"]
        elif request.connection in keys:
            request.headers["x-api-key"] = keys[request.connection]

    hooked(Hooks(before=look))(server)


def _spoilt(server: Server) -> None:
    """Take what was left unread of a request without a key for the beginning of the next one."""
    spoilt: set[str] = set()

    def look(request: Request) -> Reply | None:
        if request.connection not in spoilt:
            return None
        spoilt.discard(request.connection)
        return Reply.error(400)

    def note(request: Request, reply: Reply) -> None:
        if reply.status == 401:
            spoilt.add(request.connection)

    hooked(Hooks(before=look, after=note))(server)


def _beginning() -> Apply:
    """The reset that an answer names is the moment of the first one."""

    def apply(server: Server) -> None:
        began: list[str] = []

        def first(value: str) -> str:
            began.append(str(int(time.time())))
            return began[0]

        header("x-ratelimit-reset", first)(server)

    return apply


def _agent(**fields: Any) -> Apply:
    def change(answer: dict[str, Any]) -> None:
        if isinstance(answer.get("agent"), dict):
            answer["agent"].update(fields)

    return body(change)


def _html(request: Request, reply: Reply) -> None:
    reply.headers["content-type"], reply.body = "text/html", b"<h1>Bad Request</h1>"


def _without_code(request: Request, reply: Reply) -> None:
    found = reply.json()
    if isinstance(found, dict) and "error" in found:
        found["error"].pop("code", None)
        reply.put(found)


def _problem(request: Request, reply: Reply) -> None:
    reply.headers["content-type"] = "application/problem+json"


def _ms(value: str) -> str:
    return value + "000"


def _shift(answer: dict[str, Any]) -> None:
    answer["createdAt"] = (datetime.now(UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stuck(server: Any) -> None:
    """Every answer has the first one's createdAt."""
    first: list[str] = []

    def change(answer: dict[str, Any]) -> None:
        first.append(answer["createdAt"])
        answer["createdAt"] = first[0]

    body(change)(server)


def _typed_wrong(request: Request, answer: dict[str, Any], reply: Reply) -> None:
    if request.operation == "create":
        answer["agent"]["description"] = None


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", **settings: Any) -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, settings=settings)


LIMITED = "ck_mock_rate_limited"
NO_CREDIT = "ck_mock_no_credit"
VALID = "ck_mock_valid"
RATES_ON: dict[str, Any] = {"rate_limit_per_hour": 1000}

FAULTS = [
    _f("answers.json", "a created call comes as text", header("content-type", "text/plain", 201), "text/plain"),
    _f("answers.json", "a created call comes in an array", after(_with_array), "a JSON object"),
    _f("answers.id", "id is empty", puts(id=""), "id: ''"),
    _f("answers.id", "id is a number", puts(id=17), "id: 17"),
    _f("answers.id", "id is called callId", body(lambda answer: answer.update(callId=answer.pop("id"))), "id: None"),
    _f("answers.unique", "id is the agent's", puts(id="agent_demo"), "the same id"),
    _f(
        "answers.unique",
        "all calls have one URL",
        puts(websocketUrl="ws://127.0.0.1:1/media/" + "A" * 43),
        "the same websocketUrl",
    ),
    _f(
        "answers.websocket-url",
        "the URL is http",
        body(lambda answer: answer.update(websocketUrl=answer["websocketUrl"].replace("ws:", "http:"))),
        "http:",
    ),
    _f(
        "answers.websocket-url",
        "the URL lacks its host",
        body(lambda answer: answer.update(websocketUrl="/media/" + answer["websocketUrl"][-43:])),
        "websocketUrl: '/media",
    ),
    _f(
        "answers.websocket-url",
        "the URL has the token in the query alone",
        body(lambda answer: answer.update(websocketUrl="ws://127.0.0.1/?token=" + answer["websocketUrl"][-43:])),
        "a path",
    ),
    _f("answers.status", "status is queued", puts(status="queued"), "queued"),
    _f("answers.status", "status is CREATED", puts(status="CREATED"), "CREATED"),
    _f("answers.connection-type", "connectionType is always twilio", puts(connectionType="twilio"), "twilio"),
    _f("answers.connection-type", "connectionType is left out", drops("connectionType"), "None"),
    _f(
        "answers.created-at",
        "createdAt has no offset",
        body(lambda answer: answer.update(createdAt=answer["createdAt"].rstrip("Z"))),
        "offset",
    ),
    _f("answers.created-at", "createdAt is a number", puts(createdAt=1700000000), "1700000000"),
    _f("answers.created-at", "createdAt is local time with a Z", body(_shift), "5 minutes"),
    _f(
        "answers.created-at",
        "createdAt has a space",
        body(lambda answer: answer.update(createdAt=answer["createdAt"].replace("T", " "))),
        "RFC 3339",
    ),
    _f("answers.created-at-advances", "createdAt is when the server started", _stuck, "0.0 s"),
    _f("answers.agent", "agent is left out", drops("agent"), "agent: None"),
    _f("answers.agent", "agent.id is a row's number", _agent(id="17"), "agent.id"),
    _f("answers.agent", "agent.name is null", _agent(name=None), "agent.name"),
    _f("answers.location", "no Location", header("location", None, 201), "Location: None"),
    _f("answers.location", "Location is another call's", created(_location_of_another), "Location: a path that ends"),
    _f(
        "answers.location",
        "Location does not begin with a slash",
        header("location", lambda value: value.lstrip("/"), 201),
        "begins with /",
    ),
    _f("answers.no-store", "the answer may be cached", header("cache-control", "private", 201), "private"),
    _f("answers.known-fields", "the owner's id leaks", puts(workspaceId="w1"), "workspaceId"),
    _f(
        "answers.known-fields",
        "the agent's prompt leaks",
        _agent(systemPrompt="secret"),
        "agent.systemPrompt",
        "create",
    ),
    _f("answers.known-fields", "metadata comes back", created(_with_metadata), "metadata"),
    _f("answers.own-request", "the latest request's connectionType is everybody's", _shared, "as in the request"),
    _f("answers.one-connection", "a connection stays authenticated", _stays_authenticated, "401: no key was sent"),
    _f("answers.one-connection", "a refusal spoils its connection", _spoilt, "as on a connection of its own"),
    _f("answers.fit-the-document", "createdAt is left out", drops("createdAt"), "createdAt"),
    _f("answers.fit-the-document", "agent.description is null", created(_typed_wrong), "description|agent|None"),
    _f("answers.fit-the-document", "429 without Retry-After", header("retry-after", None, 429), "(?i)retry-after"),
    _f("errors.shape", "errors are FastAPI's", errors(lambda request, reply: reply.put({"detail": "wrong"})), "detail"),
    _f("errors.shape", "400 is a page", errors(_html, 400), "text/html"),
    _f("errors.shape", "404 lacks its code", errors(_without_code, 404), "404"),
    _f("errors.shape", "401 is a problem (RFC 9457)", errors(_problem, 401), "problem"),
    _f("errors.request-id", "answers have no request id", header("x-request-id", None), "on 201"),
    _f("errors.request-id", "errors have no request id", header("x-request-id", None, 400, 401), "on 40"),
    _f(
        "errors.payment-required",
        "inline does not look at the balance",
        as_key(NO_CREDIT, VALID, "inline"),
        "balance",
        "inline",
    ),
    _f("errors.payment-required", "an empty account is forbidden", renames_status(402, 403), "403"),
    # rates
    _f("rate-limit.truthful", "what remains rises", counts("x-ratelimit-remaining"), "does not rise", **RATES_ON),
    _f(
        "rate-limit.truthful",
        "what remains is always the same",
        header("x-ratelimit-remaining", "999"),
        "has fallen",
        **RATES_ON,
    ),
    _f("rate-limit.truthful", "the limit changes", counts("x-ratelimit-limit"), "constant", **RATES_ON),
    _f(
        "rate-limit.truthful",
        "the reset is in milliseconds",
        header("x-ratelimit-reset", _ms),
        "years ahead",
        **RATES_ON,
    ),
    _f(
        "rate-limit.truthful",
        "the reset is in seconds from now",
        header("x-ratelimit-reset", "3600"),
        "not in the past",
        **RATES_ON,
    ),
    _f(
        "rate-limit.truthful",
        "the reset is a date",
        header("x-ratelimit-reset", lambda value: time.strftime("%Y-%m-%d")),
        "whole number",
        **RATES_ON,
    ),
    _f(
        "rate-limit.truthful",
        "more remains than the limit is",
        header("x-ratelimit-limit", "10"),
        "at most the limit",
        **RATES_ON,
    ),
    _f(
        "rate-limit.present",
        "errors have no rate headers",
        header("x-ratelimit-remaining", None, 400),
        "400 without",
        **RATES_ON,
    ),
    _f("rate-limit.reset-ahead", "the reset is when the window began", _beginning(), "not in the past", **RATES_ON),
    _f("rate-limit.present", "there are no rate headers", lambda server: None, "201 without", rate_limit_per_hour=0),
    _f(
        "rate-limit.too-many-requests",
        "a key over its limit is not told when to come back",
        header("retry-after", None, 429),
        "Retry-After: None",
        **RATES_ON,
    ),
    _f(
        "rate-limit.too-many-requests",
        "Retry-After is a date",
        header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", 429),
        "Wed",
        **RATES_ON,
    ),
    _f(
        "rate-limit.too-many-requests",
        "429 says that some remains",
        header("x-ratelimit-remaining", "1", 429),
        "Remaining: 0",
        **RATES_ON,
    ),
    _f(
        "rate-limit.too-many-requests",
        "create is not limited",
        as_key(LIMITED, VALID, "create"),
        "calls/create too",
        **RATES_ON,
    ),
    _f(
        "rate-limit.too-many-requests",
        "nothing is limited",
        as_key(LIMITED, VALID, "create", "inline"),
        "within 150",
        **RATES_ON,
    ),
    _f(
        "rate-limit.too-many-requests",
        "429 without its reset",
        header("x-ratelimit-reset", None, 429),
        "reset",
        **RATES_ON,
    ),
]
