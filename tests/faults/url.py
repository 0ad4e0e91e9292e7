"""Faults of the websocketUrl as a credential."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from mockserver.server import Server
from mockserver.store import Call, MemoryCallStore
from tests.faults.fault import Apply, Fault, Hooks, Reply, Request, Socket, Wires, hooked


def refuses(when: Callable[[Socket], bool], status: int = 401) -> Apply:
    """Refuse some dials."""

    async def dial(socket: Socket) -> Reply | None:
        return Reply.error(status, "NO") if when(socket) else None

    return hooked(Hooks(dial=dial))


def keeps(when: Callable[[Call], bool] = lambda call: True) -> Apply:
    """Let a token go on opening sockets."""

    def apply(server: Server) -> None:
        store = server.mock.store
        take = store.take

        def kept(token: str, now: datetime) -> Call | None:
            call = take(token, now)
            if call is not None and when(call):
                store.restore(token)
            return call

        store.take = kept  # type: ignore[method-assign]

    return apply


def _reopens(server: Server) -> None:
    """A call that ended can be dialled again."""
    store = server.mock.store
    finish = store.finish

    def finished(call_id: str) -> None:
        store.restore(store._tokens.get(call_id, ""))
        finish(call_id)

    store.finish = finished  # type: ignore[method-assign]


def _reopens_for(header: str) -> Apply:
    """A used URL opens again where the handshake has a header."""

    def apply(server: Server) -> None:
        store = server.mock.store
        taken: dict[str, Call] = {}
        take = store.take

        def kept(token: str, now: datetime) -> Call | None:
            call = take(token, now)
            if call is not None:
                taken[token] = call
            return call

        async def dial(socket: Socket) -> Reply | None:
            if header in socket.headers and socket.token in taken:
                later = datetime.now(UTC) + timedelta(hours=1)
                store.add(msgspec.structs.replace(taken[socket.token], expires_at=later))
            return None

        store.take = kept  # type: ignore[method-assign]
        hooked(Hooks(dial=dial))(server)

    return apply


def _one_dial_ends_another(server: Server) -> None:
    """A dial that is refused ends the call that goes on with its URL."""
    engaged: dict[str, Socket] = {}

    async def dial(socket: Socket) -> Reply | None:
        if socket.token in engaged:
            await engaged[socket.token].close(1000)
        return None

    def opened(socket: Socket) -> Wires:
        engaged[socket.token] = socket
        return []

    hooked(Hooks(dial=dial, opened=opened))(server)


def _conflicts(server: Server) -> None:
    """While a call goes on, its URL is refused in another way than later."""
    engaged: set[str] = set()

    async def dial(socket: Socket) -> Reply | None:
        return Reply.error(409, "ENGAGED") if socket.token in engaged else None

    def opened(socket: Socket) -> Wires:
        engaged.add(socket.token)
        return []

    def ended(socket: Socket, code: int) -> None:
        engaged.discard(socket.token)

    hooked(Hooks(dial=dial, opened=opened, ended=ended))(server)


def _looks_then_takes(server: Server) -> None:
    """Reads, waits for the database, then takes what was read."""
    store: MemoryCallStore = server.mock.store
    take = store.take
    found: dict[str, list[Call]] = {}

    async def dial(socket: Socket) -> Reply | None:
        call = store._waiting.get(socket.token)
        await asyncio.sleep(0.05)
        if call is not None:
            found.setdefault(socket.token, []).append(call)
        return None

    def taken(token: str, now: datetime) -> Call | None:
        read = found[token].pop() if found.get(token) else None
        return take(token, now) or read

    store.take = taken  # type: ignore[method-assign]
    hooked(Hooks(dial=dial))(server)


def uses_up(methods: tuple[str, ...], when: Callable[[Request], bool] = lambda request: True) -> Apply:
    """Plain requests take the token."""

    def apply(server: Server) -> None:
        def look(request: Request) -> None:
            if "/media/" in request.path and request.method in methods and when(request):
                server.mock.store.take(request.path.rpartition("/")[2], datetime.now(UTC))

        hooked(Hooks(before=look))(server)

    return apply


def _origin_uses_up(server: Server) -> None:
    async def dial(socket: Socket) -> Reply | None:
        if "origin" in socket.headers:
            server.mock.store.take(socket.token, datetime.now(UTC))
            return Reply.error(403, "NO")
        return None

    hooked(Hooks(dial=dial))(server)


def plain(answer: Callable[[bool, str], Reply]) -> Apply:
    """Answer plain requests by whether the token is alive."""

    def apply(server: Server) -> None:
        def look(request: Request) -> Reply | None:
            token = request.path.rpartition("/media/")[2]
            return answer(token in server.mock.store._waiting, token) if "/media/" in request.path else None

        hooked(Hooks(before=look))(server)

    return apply


def used(change: Callable[[Reply], None]) -> Apply:
    """Answer a used URL otherwise than an unknown one."""
    return hooked(Hooks(refused=lambda socket, reply: change(reply) if socket.dials else None))


def _expired_in_other_words(socket: Socket, reply: Reply) -> None:
    if socket.asked and not socket.dials:
        reply.put({"error": {"message": "this URL has expired", "code": "EXPIRED"}})


def _as_410(reply: Reply) -> None:
    reply.status = 410


def _as_words(reply: Reply) -> None:
    reply.put({"error": {"message": "this call is over", "code": "GONE"}})


def _with_ids(socket: Socket, reply: Reply) -> None:
    """Refusals name their request, and used URLs are said to be used."""
    what = "used up" if socket.dials else "no call"
    message = f"{what} (request {secrets.token_urlsafe(16)})"
    reply.put({"error": {"message": message, "code": "NOT_FOUND"}})


def _plain_with_ids(live: bool, token: str) -> Reply:
    message = f"{'no upgrade' if live else 'no call'} (request {secrets.token_urlsafe(16)})"
    return Reply.error(404, "NOT_FOUND", message)


def _with_header(reply: Reply) -> None:
    reply.headers["x-call-status"] = "ended"


def spelled(alike: Callable[[str], str]) -> Apply:
    """Tokens of which this makes the same are one: some databases compare text so."""

    def apply(server: Server) -> None:
        async def dial(socket: Socket) -> Reply | None:
            waiting = server.mock.store._waiting
            for token in [each for each in waiting if alike(each) == alike(socket.token)]:
                waiting[socket.token] = waiting.pop(token)
            return None

        hooked(Hooks(dial=dial))(server)

    return apply


def lives(seconds: float, kind: str = "", connection_type: str = "") -> Apply:
    """A URL lives for another time, of both operations or of one, of all connection types or of one."""

    def apply(server: Server) -> None:
        store = server.mock.store
        add = store.add

        def added(call: Call) -> None:
            if kind in ("", call.kind) and connection_type in ("", call.settings.connection_type):
                call = msgspec.structs.replace(call, expires_at=call.created_at + timedelta(seconds=seconds))
            add(call)

        store.add = added  # type: ignore[method-assign]

    return apply


def tokens(make: Callable[[Request, str, int], str]) -> Apply:
    """Hand out tokens of another make: of the request, the call's id and a number."""

    def apply(server: Server) -> None:
        real: dict[str, str] = {}
        numbers = itertools.count(100)

        def after(request: Request, reply: Reply) -> None:
            body = reply.json() if reply.status == 201 else None
            if isinstance(body, dict):
                start, _, token = body["websocketUrl"].rpartition("/")
                made = make(request, body["id"], next(numbers))
                real[made] = token
                body["websocketUrl"] = f"{start}/{made}"
                reply.put(body)

        switchboard = server.mock.switchboard
        dial = switchboard.dial

        def dialled(token: str, open_line: Callable[[Any], None]) -> bool:
            return dial(real.get(token, token), open_line)

        switchboard.dial = dialled  # type: ignore[method-assign]
        hooked(Hooks(after=after))(server)

    return apply


def _echoes(server: Server) -> None:
    """A framework's 404 that repeats the path."""

    def after(request: Request, reply: Reply) -> None:
        if "/media/" in request.path:
            reply.put({"error": {"message": f"Cannot {request.method} {request.path}", "code": "NOT_FOUND"}})

    hooked(Hooks(after=after))(server)


def _echoes_refused(socket: Socket, reply: Reply) -> None:
    reply.put({"error": {"message": f"no call has the token {socket.token}", "code": "NOT_FOUND"}})


def _remembers(server: Server) -> None:
    """An error that names the last call."""
    last = [""]

    def after(request: Request, reply: Reply) -> None:
        body = reply.json()
        if reply.status == 201 and isinstance(body, dict):
            last[0] = body["websocketUrl"].rpartition("/")[2]
        elif reply.status >= 400 and request.operation:
            reply.put({"error": {"message": f"the call before was {last[0]}", "code": "BAD_REQUEST"}})

    hooked(Hooks(after=after))(server)


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", **settings: Any) -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, settings=settings)


ONE = "websocket-url.only-an-upgrade-uses-it-up"

FAULTS = [
    _f("websocket-url.dialable", "a dial needs the key", refuses(lambda s: "x-api-key" not in s.headers), "401"),
    _f(
        "websocket-url.dialable",
        "a dial needs an Origin",
        refuses(lambda s: "origin" not in s.headers, 403),
        "403",
        "plivo",
    ),
    _f(
        "websocket-url.dialable",
        "a dial needs a subprotocol",
        refuses(lambda s: "sec-websocket-protocol" not in s.headers, 400),
        "400",
        "websocket",
    ),
    _f("websocket-url.dialable", "nobody serves webrtc", refuses(lambda s: s.kind == "webrtc", 404), "404", "webrtc"),
    _f(
        "websocket-url.agent-call",
        "calls of create are stored elsewhere",
        refuses(lambda s: s.operation == "create", 404),
        "404",
        "telnyx",
    ),
    _f("websocket-url.unknown-query", "a dial must have no query", refuses(lambda s: bool(s.query), 404), "404"),
    _f("websocket-url.single-use", "a token stays valid after use", keeps(), "the call goes on", "twilio"),
    _f(
        "websocket-url.single-use",
        "a token stays valid on one connection type",
        keeps(lambda call: call.settings.connection_type == "plivo"),
        "second open socket",
        "plivo",
    ),
    _f(
        "websocket-url.single-use",
        "a URL can be dialled again after its call",
        _reopens,
        "the call is over",
        "websocket",
    ),
    _f(
        "websocket-url.single-use",
        "a webrtc URL works twice",
        keeps(lambda call: call.settings.connection_type == "webrtc"),
        "second open socket",
        "webrtc",
    ),
    _f(
        "websocket-url.single-use",
        "a saved agent's URL works twice",
        keeps(lambda call: call.kind == "create"),
        "second open socket",
        "create",
    ),
    _f("websocket-url.single-use", "a used URL opens for browsers", _reopens_for("origin"), "with an Origin", "telnyx"),
    _f(
        "websocket-url.single-use",
        "a used URL opens with a subprotocol",
        _reopens_for("sec-websocket-protocol"),
        "with a subprotocol",
        "websocket",
    ),
    _f("websocket-url.single-use", "a refused dial ends the call", _one_dial_ends_another, "end of the call", "plivo"),
    _f("websocket-url.race", "a token is read, then written", _looks_then_takes, "of 12"),
    _f(ONE, "GET uses a URL up", uses_up(("GET",), lambda r: "sec-websocket-version" not in r.headers), "get", "get"),
    _f(ONE, "HEAD uses a URL up", uses_up(("HEAD",)), "head", "head"),
    _f(ONE, "PUT uses a URL up", uses_up(("PUT",)), "put", "put"),
    _f(ONE, "OPTIONS uses a URL up", uses_up(("OPTIONS",)), "options", "options"),
    _f(ONE, "POST uses a URL up", uses_up(("POST",)), "post", "post"),
    _f(
        ONE,
        "a handshake without an upgrade uses a URL up",
        uses_up(("GET",), lambda r: "sec-websocket-key" in r.headers),
        "no-upgrade",
        "no-upgrade",
    ),
    _f(ONE, "a refused Origin uses a URL up", _origin_uses_up, "origin", "origin"),
    _f("websocket-url.refused-alike", "a used URL is gone", used(_as_410), "410"),
    _f("websocket-url.refused-alike", "a URL whose call goes on is a conflict", _conflicts, "engaged.*409"),
    _f("websocket-url.refused-alike", "a used URL is refused in other words", used(_as_words), "over"),
    _f("websocket-url.refused-alike", "a used URL is refused with a header more", used(_with_header), "used token"),
    _f(
        "websocket-url.refused-alike",
        "an expired URL is refused in other words",
        hooked(Hooks(refused=_expired_in_other_words)),
        "an expired token.*has expired",
    ),
    _f(
        "websocket-url.refused-alike",
        "a used URL is refused in other words, beside a request's id",
        hooked(Hooks(refused=_with_ids)),
        "no call.*used token.*used up",
    ),
    _f(
        "websocket-url.plain-get",
        "a live URL asks for an upgrade in words, beside a request's id",
        plain(_plain_with_ids),
        "no call.*live.*no upgrade",
    ),
    _f(
        "websocket-url.plain-get",
        "a page is at a live URL",
        plain(lambda live, token: Reply(200, {"content-type": "text/html"}, b"hi") if live else Reply.error(404)),
        "2xx",
    ),
    _f(
        "websocket-url.plain-get",
        "a live URL asks for an upgrade",
        plain(lambda live, token: Reply.error(426 if live else 404)),
        "426",
    ),
    _f("websocket-url.expires", "a URL lives for ever", lives(86400), "refusal"),
    _f("websocket-url.expires", "a URL lives for a second", lives(1), "101"),
    _f("websocket-url.expires", "create's URLs live for ever", lives(86400, "create"), "refusal", "create"),
    _f(
        "websocket-url.expires",
        "URLs of custom clients live for ever",
        lives(86400, connection_type="websocket"),
        "on websocket",
    ),
    _f("websocket-url.exact", "tokens are compared without regard to case", spelled(str.casefold), "other case"),
    _f("websocket-url.exact", "tokens are read up to 24 letters", spelled(lambda token: token[:24]), "last quarter"),
    _f("websocket-url.lives-a-while", "a URL lives for a second, whatever was said", lives(1), "101"),
    _f("websocket-url.unguessable", "tokens are counted", tokens(lambda request, call_id, number: str(number)), "bits"),
    _f(
        "websocket-url.unguessable",
        "tokens have 64 bits",
        tokens(lambda request, call_id, number: secrets.token_hex(8)),
        "bits",
    ),
    _f(
        "websocket-url.unguessable",
        "a token is the time",
        tokens(lambda request, call_id, number: str(time.time_ns())),
        "bits",
    ),
    _f(
        "websocket-url.unguessable",
        "a token is the id's hash",
        tokens(lambda request, call_id, number: hashlib.sha256(call_id.encode()).hexdigest()),
        "sha256 of the call's id",
    ),
    _f(
        "websocket-url.unguessable",
        "a token is the id",
        tokens(lambda request, call_id, number: call_id),
        "the call's id",
    ),
    _f(
        "websocket-url.unguessable",
        "the key is in the URL",
        tokens(lambda request, call_id, number: f"{request.headers.get('x-api-key')}-{secrets.token_hex(16)}"),
        "API key",
    ),
    _f(
        "websocket-url.unguessable",
        "the key is in the URL, backwards",
        tokens(lambda request, call_id, number: request.headers.get("x-api-key", "")[::-1] + secrets.token_hex(16)),
        "API key",
    ),
    _f(
        "websocket-url.unguessable",
        "a token is a counter's hash",
        tokens(lambda request, call_id, number: hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()),
        "the number",
    ),
    _f("websocket-url.never-echoed", "plain requests are answered with their path", _echoes, "token"),
    _f(
        "websocket-url.never-echoed",
        "a refused dial is answered with its token",
        hooked(Hooks(refused=_echoes_refused)),
        "token",
    ),
    _f("websocket-url.never-echoed", "errors name the call before", _remembers, "token"),
]
