"""Faults of keys, bodies and methods."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.faults.fault import Apply, Fault, Hooks, Reply, Request, after, asks, before, hooked

KEY = "ck_mock_valid"


def lets_in(when: Callable[[Request], bool]) -> Apply:
    """Take a request for one with a valid key."""

    def look(request: Request) -> Reply | None:
        if request.operation and request.headers.get("x-api-key") != KEY and when(request):
            request.headers["x-api-key"] = KEY
        return None

    return before(look)


def takes(when: Callable[[Request], bool], operations: tuple[str, ...] = ("create", "inline")) -> Apply:
    """Answer what must be refused like a plain good request."""

    def look(request: Request) -> Reply | None:
        if request.operation in operations and request.headers.get("x-api-key") == KEY and when(request):
            inline = {"systemPrompt": "x", "voice": "x", "language": "en", "greeting": "x"}
            body = {"agentId": "agent_demo"} if request.operation == "create" else inline
            request.body = json.dumps(body).encode()
            request.headers["content-type"] = "application/json"
            request.headers["content-length"] = str(len(request.body))
        return None

    return before(look)


def answers(
    status: int, when: Callable[[Request], bool], *, code: str = "BAD_REQUEST", message: str = "this is refused"
) -> Apply:
    """Answer some requests to the operations with an error."""
    return before(lambda request: Reply.error(status, code, message) if request.operation and when(request) else None)


def on_status(status: int, change: Callable[[Request, Reply], None]) -> Apply:
    """Change the answers with one status."""
    return after(lambda request, reply: change(request, reply) if reply.status == status else None)


def _any_json(request: Request) -> Any:
    """What a reader makes of a body that stops at the end of the first value."""
    try:
        return json.JSONDecoder().raw_decode(request.body.decode())[0]
    except (ValueError, RecursionError):
        return None


def _tails(request: Request) -> bool:
    return request.json() is None and isinstance(_any_json(request), dict)


def _bad(request: Request) -> bool:
    return not isinstance(request.json(), dict)


def _unless_authorised(request: Request) -> Reply | None:
    known = request.headers.get("x-api-key", "") == KEY
    if request.operation and not known and _bad(request):
        return Reply.error(400)
    return None


def _validates_first(request: Request) -> Reply | None:
    known = request.headers.get("x-api-key", "") == KEY
    if request.operation == "create" and not known and "agentId" not in (request.json() or {}):
        return Reply.error(400)
    return None


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(each) for each in inside), default=0)


def _many_fields(request: Request) -> bool:
    body = request.json()
    return isinstance(body, dict) and len(body) > 20


def _many_keys(request: Request) -> bool:
    body = request.json()
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return isinstance(metadata, dict) and len(metadata) > 16


def _deep(request: Request) -> bool:
    try:
        return _depth(request.json()) > 20
    except RecursionError:
        return False


def _method(methods: tuple[str, ...], status: int, **headers: str) -> Apply:
    """Answer methods of the operations' paths in a way of their own."""

    def look(request: Request) -> Reply | None:
        there = request.path.rpartition("/calls/")[2] in ("create", "inline")
        if not there or request.method not in methods:
            return None
        reply = Reply.error(status, "X")
        reply.headers |= headers
        return reply

    return before(look)


def _leak(request: Request, reply: Reply) -> None:
    key = request.headers.get("x-api-key")
    if key:
        reply.put({"error": {"message": f"the key {key} is not known", "code": "UNAUTHORIZED"}})


def _catch_all(request: Request) -> Reply | None:
    if request.method == "GET" and "/calls/create" not in request.path and "nothing-" in request.path:
        return Reply(200, {"content-type": "text/html"}, b"<html>Welcome</html>")
    return None


def _prefix_route(request: Request) -> Reply | None:
    if request.method == "POST" and "/calls/inline/" in request.path:
        request.path = request.path.partition("/calls/inline/")[0] + "/calls/inline"
    return None


def _framework(request: Request, reply: Reply) -> None:
    if reply.status in (404, 405) and not request.operation:
        reply.put({"detail": "Method Not Allowed"})


def _known(*names: str) -> frozenset[str]:
    return frozenset(names)


CREATE_FIELDS = _known("agentId", "connectionType", "websocket", "metadata")
INLINE_FIELDS = _known("systemPrompt", "voice", "language", "greeting", "model", "temperature", "firstSpeaker")
INLINE_FIELDS |= _known("interruptible", "maxDuration", "inactivityTimeout", "inactivityAction", "recordingEnabled")
INLINE_FIELDS |= _known("selectedTools", "connectionType", "websocket", "metadata")


def _strict(operation: str, body: dict[str, Any]) -> Reply | None:
    return Reply.error(400) if body.keys() - (CREATE_FIELDS if operation == "create" else INLINE_FIELDS) else None


def _strict_inside(operation: str, body: dict[str, Any]) -> Reply | None:
    inside = body.get("websocket")
    return Reply.error(400) if isinstance(inside, dict) and "future" in inside else None


def _media(*others: str) -> Callable[[Request], bool]:
    return lambda request: request.headers.get("content-type", "").partition(";")[0] in others


def _content(pattern: bytes) -> Callable[[Request], bool]:
    return lambda request: re.search(pattern, request.body) is not None


class _Poisoned:
    """A worker that never gets over a bad body."""

    def __init__(self) -> None:
        self.down = False

    def look(self, request: Request) -> Reply | None:
        if self.down:
            return Reply.error(503, "DOWN")
        self.down = b"\\ud800" in request.body
        return None


def _poisoned() -> Apply:
    def apply(server: Any) -> None:
        hooked(Hooks(before=_Poisoned().look))(server)

    return apply


class _Shaken:
    """A worker that answers one more request after a broken body as it did that one."""

    def __init__(self) -> None:
        self.shaken = False

    def look(self, request: Request) -> Reply | None:
        was_shaken, self.shaken = self.shaken, request.json() is None
        return Reply.error(400) if was_shaken else None


def _shaken(server: Any) -> None:
    hooked(Hooks(before=_Shaken().look))(server)


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", **settings: Any) -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, settings=settings)


FAULTS = [
    # keys
    _f(
        "authentication.valid-key",
        "create does not know the keys",
        answers(401, lambda r: r.operation == "create" and r.headers.get("x-api-key") == KEY),
        "refuses a key that was given as valid",
        "create",
    ),
    _f(
        "authentication.valid-key",
        "inline answers valid keys with 403",
        answers(403, lambda r: r.operation == "inline"),
        "403",
        "inline",
    ),
    _f(
        "authentication.missing-key",
        "create is open to who sends no key",
        lets_in(lambda r: r.operation == "create" and "x-api-key" not in r.headers),
        "no key was sent",
        "create",
    ),
    _f(
        "authentication.missing-key",
        "create for custom clients is open to who sends no key",
        lets_in(lambda r: r.operation == "create" and "x-api-key" not in r.headers and b'"websocket"' in r.body),
        "for connectionType websocket",
        "create",
    ),
    _f(
        "authentication.missing-key",
        "an empty key opens inline",
        lets_in(lambda r: r.operation == "inline" and r.headers.get("x-api-key") == ""),
        "key is empty",
        "inline",
    ),
    _f(
        "authentication.wrong-key",
        "keys are compared without regard to case",
        lets_in(lambda r: r.headers.get("x-api-key", "").lower() == KEY),
        "letter case|capitals",
    ),
    _f(
        "authentication.wrong-key",
        "a key is looked up by its first characters",
        lets_in(lambda r: r.headers.get("x-api-key", "").startswith(KEY)),
        "a character more",
    ),
    _f(
        "authentication.wrong-key",
        "the beginning of a key is enough",
        lets_in(lambda r: len(r.headers.get("x-api-key", "")) > 4 and KEY.startswith(r.headers["x-api-key"])),
        "without its last character",
    ),
    _f(
        "authentication.wrong-key",
        "a scheme before the key is skipped",
        lets_in(lambda r: r.headers.get("x-api-key", "").removeprefix("Bearer ") == KEY),
        "scheme",
    ),
    _f(
        "authentication.wrong-key",
        "every key is taken",
        lets_in(lambda r: "x-api-key" in r.headers),
        "nobody has this key",
    ),
    _f(
        "authentication.only-in-the-header",
        "the key is taken from the query",
        lets_in(lambda r: r.parameters.get("api_key") == KEY),
        "in the query as api_key",
    ),
    _f(
        "authentication.only-in-the-header",
        "the key is taken from Authorization",
        lets_in(lambda r: r.headers.get("authorization", "").endswith(KEY)),
        "Authorization",
    ),
    _f(
        "authentication.only-in-the-header",
        "the key is taken from a cookie",
        lets_in(lambda r: f"api_key={KEY}" in r.headers.get("cookie", "")),
        "Cookie",
    ),
    _f(
        "authentication.only-in-the-header",
        "the key is taken from the body",
        lets_in(lambda r: (r.json() or {}).get("apiKey") == KEY if isinstance(r.json(), dict) else False),
        "in the body",
    ),
    _f(
        "authentication.before-the-body",
        "the body is parsed before the key is judged",
        before(_unless_authorised),
        "no JSON|array|nothing",
    ),
    _f(
        "authentication.before-the-body",
        "the body is validated before the key is judged",
        before(_validates_first),
        "empty object",
        "create",
    ),
    _f(
        "authentication.before-the-body",
        "an agent is looked up before the key is judged",
        answers(404, lambda r: b"nobody-has" in r.body),
        "unknown agent",
        "create",
    ),
    _f(
        "authentication.before-the-body",
        "the media type is judged before the key",
        answers(415, _media("text/plain")),
        "media type is text/plain",
    ),
    _f(
        "authentication.never-echoed",
        "a wrong key is repeated in the error",
        on_status(401, _leak),
        "without the API key",
    ),
    _f(
        "authentication.never-echoed",
        "the key is sent back in a header",
        after(lambda q, a: a.headers.update({"x-debug-key": q.headers.get("x-api-key", "")})),
        "without the API key",
    ),
    # bodies
    _f("bodies.malformed", "text behind the JSON is ignored", takes(_tails), "text behind the end"),
    _f("bodies.malformed", "an empty body crashes", answers(500, lambda r: not r.body, code="INTERNAL"), "500"),
    _f("bodies.malformed", "broken JSON is answered with 422", answers(422, lambda r: r.json() is None), "422"),
    _f("bodies.malformed", "what follows broken JSON is refused", _shaken, "after broken ones", "inline"),
    _f("bodies.malformed", "texts may hold line breaks", takes(_content(rb"a\nb")), "line break", "inline"),
    _f("bodies.malformed", "a trailing comma is forgiven", takes(lambda r: r.body.endswith(b",}")), "comma"),
    _f(
        "bodies.object",
        "the first of an array is taken",
        takes(lambda r: isinstance(r.json(), list) and bool(r.json())),
        "in an array",
    ),
    _f("bodies.object", "JSON in a string is read", takes(lambda r: isinstance(r.json(), str)), "a string"),
    _f("bodies.object", "null crashes", answers(500, lambda r: r.body == b"null"), "null"),
    _f("bodies.object", "a string is answered with 422", answers(422, lambda r: isinstance(r.json(), str)), "a string"),
    _f("bodies.not-a-number", "NaN is read", takes(_content(rb": NaN")), "NaN"),
    _f("bodies.not-a-number", "Infinity is read", takes(_content(rb"Infinity")), "Infinity"),
    _f("bodies.utf-8", "bytes that are no UTF-8 are replaced", takes(_content(rb"\xe9|\xed\xa0")), "UTF-8"),
    _f("bodies.utf-8", "surrogates may be coded", takes(_content(rb"\xed\xa0")), "UTF-8", "inline"),
    _f("bodies.utf-8", "bytes that are no UTF-8 crash", answers(500, _content(rb"\xe9|\xed\xa0")), "UTF-8"),
    _f(
        "bodies.unicode",
        "only ASCII is stored",
        answers(400, lambda r: not r.body.isascii() or b"\\u" in r.body),
        "any writing",
    ),
    _f("bodies.unicode", "escapes beyond the BMP crash", answers(500, _content(rb"\\ud83d")), "escapes"),
    _f("bodies.media-type", "text/plain is read as JSON", takes(_media("text/plain")), "text/plain"),
    _f(
        "bodies.media-type",
        "forms are read as JSON",
        takes(_media("application/x-www-form-urlencoded")),
        "form-urlencoded",
    ),
    _f(
        "bodies.media-type-spelling",
        "a charset makes it another media type",
        answers(415, lambda r: "charset" in r.headers.get("content-type", "")),
        "charset",
    ),
    _f(
        "bodies.media-type-spelling",
        "media types are compared with regard to case",
        answers(415, lambda r: r.headers.get("content-type") == "Application/JSON"),
        "Application/JSON",
    ),
    _f(
        "bodies.media-type-spelling",
        "a charset in capitals is another one",
        answers(415, lambda r: "UTF-8" in r.headers.get("content-type", "")),
        "charset=UTF-8",
        "inline",
    ),
    _f("bodies.unknown-fields", "unknown fields are refused", asks(_strict), "unknown fields"),
    _f("bodies.unknown-fields", "a request has 20 fields at most", answers(400, _many_fields), "unknown fields"),
    _f(
        "bodies.unknown-fields",
        "unknown fields in websocket are refused",
        asks(_strict_inside),
        "unknown field in websocket",
    ),
    _f(
        "bodies.unknown-fields",
        "both operations share one model",
        answers(
            400,
            lambda r: (
                r.operation == "create" and isinstance((r.json() or {}).get("systemPrompt"), int)
                if isinstance(r.json(), dict)
                else False
            ),
        ),
        "other operation",
        "create",
    ),
    _f("bodies.metadata", "metadata may be an array", takes(_content(rb'"metadata": \[')), r'\["a"\]'),
    _f("bodies.metadata", "metadata may be a text", takes(_content(rb'"metadata": "')), '"text"', "create"),
    _f("bodies.metadata", "metadata may be null", takes(_content(rb'"metadata": null')), "null"),
    _f("bodies.metadata", "metadata holds text only", answers(400, _content(rb'"metadata": \{.*"number"')), "any JSON"),
    _f("bodies.metadata", "metadata has 16 keys at most", answers(400, _many_keys), "any JSON"),
    _f("bodies.large", "bodies above 16 KiB are refused", answers(413, lambda r: len(r.body) > 16384), "60,000 bytes"),
    _f("bodies.large", "more than 20 levels are refused", answers(400, _deep), "50 levels"),
    _f("bodies.odd", "deep nesting crashes", answers(500, lambda r: r.body.startswith(b"[[[[")), "levels", "create"),
    _f(
        "bodies.odd",
        "a request without media type crashes",
        answers(500, lambda r: "content-type" not in r.headers),
        "no media type",
    ),
    _f(
        "bodies.odd",
        "__proto__ in metadata crashes",
        answers(500, _content(rb'"metadata": {"__proto__"')),
        "__proto__",
        "inline",
    ),
    _f("bodies.odd", "a lone surrogate brings the worker down", _poisoned(), "503|plain request"),
    _f("bodies.odd", "long ids crash", answers(500, _content(rb"x{300}")), "300 letters", "create"),
    _f("bodies.odd", "a huge number crashes", answers(500, _content(rb"1e999|9{300}")), "number|duration|temperature"),
    # methods
    _f("methods.not-allowed", "DELETE is answered with 404", _method(("DELETE",), 404), "no DELETE"),
    _f(
        "methods.not-allowed",
        "other methods are answered with 404",
        _method(("GET", "PUT", "PATCH", "DELETE", "TRACE"), 404),
        "no GET",
    ),
    _f("methods.not-allowed", "GET asks for a login", _method(("GET",), 401), "no GET"),
    _f("methods.allow", "405 without Allow", _method(("GET", "DELETE", "PUT"), 405), "Allow: missing"),
    _f(
        "methods.allow",
        "PATCH is answered with 405 without Allow",
        _method(("PATCH",), 405),
        "Allow: missing",
        "inline",
    ),
    _f(
        "methods.allow",
        "Allow names what is not allowed",
        after(lambda q, a: a.headers.update({"allow": "GET, POST, DELETE"}) if a.status == 405 else None),
        "in Allow",
    ),
    _f("methods.head", "HEAD is answered with 200", _method(("HEAD",), 200), "200"),
    _f("methods.error-shape", "404 and 405 are the framework's own", after(_framework), "detail"),
    _f("methods.unknown-paths", "a page answers every path", before(_catch_all), "200"),
    _f("methods.unknown-paths", "inline answers below its path", before(_prefix_route), "201"),
]
