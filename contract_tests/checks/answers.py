"""What comes back: each field of a created call, its headers, the one shape of errors, and truth in rate headers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from contract_tests.conformity import faults_of
from contract_tests.context import Context, audio_settings, made_up_agent
from contract_tests.findings import Level
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.target import Exchange, Meant, NotChecked

CREATED = "openapi/calls.yaml#/components/schemas/CreatedCall"
PROPERTIES = f"{CREATED}/properties"
HEADERS = "openapi/calls.yaml#/components/headers"
CLOCK_SKEW_S = 300.0

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


async def with_ignored_rates(it: Context, operation: str) -> dict[str, Exchange]:
    """Answers to requests for all types but websocket that hold websocket nevertheless; asked for once in a run."""
    asked: dict[str, dict[str, int]] = {
        "twilio": {"inputSampleRate": 16000, "outputSampleRate": 16000},
        "telnyx": {"inputSampleRate": 16000},
        "plivo": {},
    }
    if operation == "inline":
        asked["webrtc"] = {}

    async def record() -> dict[str, Exchange]:
        bodies = {kind: it.valid(operation, connectionType=kind, websocket=rates) for kind, rates in asked.items()}
        return {kind: await it.post(operation, body, meant=Meant.VALID) for kind, body in bodies.items()}

    exchanges: dict[str, Exchange] = await it.judge.recording(f"ignored-rates-{operation}", record)
    return exchanges


async def plainly_created(it: Context, operation: str) -> list[Exchange]:
    """Answers to the shortest request, and to one for each connection type; they are asked for once in a run."""

    async def record() -> list[Exchange]:
        shortest = json.dumps(it.valid(operation), ensure_ascii=False).encode()
        # The run may have begun with the shortest one.
        before = [each for each in it.target.journal.exchanges if each.operation == operation and each.status == 201]
        known = [each for each in before if each.content == shortest and each.key in it.settings.api_keys]
        found = known[:1] or [await it.post(operation, it.valid(operation), meant=Meant.VALID)]
        for kind, exchange in (await with_ignored_rates(it, operation)).items():
            if exchange.status != 201:
                exchange = await it.post(operation, it.valid(operation, connectionType=kind), meant=Meant.VALID)
            found.append(exchange)
        body = it.valid(operation, **audio_settings("websocket"))
        return [*found, await it.post(operation, body, meant=Meant.VALID)]

    exchanges: list[Exchange] = await it.judge.recording(f"created-{operation}", record)
    return exchanges


async def _created(it: Context) -> list[Exchange]:
    """Answers 201 of one operation, on each connection type."""
    exchanges = [each for each in await plainly_created(it, it.variant) if each.status == 201]
    if not exchanges:
        raise NotChecked(f"no call could be created; the checks of /calls/{it.variant} say more")
    return exchanges


async def typical(it: Context) -> None:
    """See to it that the run has an answer of each common kind to look at; what was asked before is not asked again."""

    async def record() -> None:
        exchanges = [each for each in it.target.journal.exchanges if each.key in it.settings.api_keys and each.status]
        asked = {(each.operation, each.content, dict(each.headers).get("Content-Type")) for each in exchanges}
        for operation in OPERATIONS:
            if operation == "create" and it.settings.agent is None:
                continue
            valid = json.dumps(it.valid(operation)).encode()
            for content in (valid, b"{}", valid[:-1], b'"hello"'):
                if (operation, content, "application/json") not in asked:
                    meant = Meant.VALID if content == valid else Meant.INVALID
                    await it.post(operation, content=content, meant=meant)
            if (operation, valid, "text/plain") not in asked:
                await it.post(operation, content=valid, media_type="text/plain", meant=Meant.INVALID)
            await it.post(operation, content=valid, key=None, meant=Meant.INVALID)
            await it.post(operation, content=valid, key="ck_prod_" + "0" * 64, meant=Meant.INVALID)
        known = any(each.operation == "create" and each.status == 404 for each in exchanges)
        if it.settings.agent is not None and not known:
            await it.post("create", {"agentId": it.settings.unknown_agent or made_up_agent()}, meant=Meant.INVALID)
        for key in (it.settings.unfunded_key, it.settings.limited_key):
            if key:
                await it.post("inline", it.valid("inline"), key=key, meant=Meant.INVALID)

    await it.judge.recording("typical", record)


def _body(exchange: Exchange) -> dict[str, Any]:
    body = exchange.json()
    return body if isinstance(body, dict) else {}


def _asked_type(exchange: Exchange) -> str:
    found = re.search(rb'"connectionType": "(\w+)"', exchange.content)
    return found[1].decode() if found else "twilio"


@requirement(
    "answers.json",
    "A created call is answered with a JSON object, as application/json.",
    source=CREATED,
    how="The answers 201 on each connection type are read.",
    why="Clients read the media type before they read the body.",
    mend="Send Content-Type: application/json, and one object in UTF-8.",
    variants=OPERATIONS,
    smoke=True,
)
async def json_object(it: Context) -> None:
    """Media type, coding and shape."""
    for exchange in await _created(it):
        if exchange.media_type != "application/json":
            it.wrong("Content-Type: application/json", f"Content-Type: {exchange.header('content-type')}", exchange)
        if not isinstance(exchange.json(), dict):
            it.wrong("a JSON object", exchange.shown(), exchange)
        try:
            exchange.body.decode("utf-8")
        except UnicodeDecodeError:
            it.wrong("a body in UTF-8", repr(exchange.body[:80]), exchange)


@requirement(
    "answers.id",
    "id is a string that is not empty.",
    source=f"{PROPERTIES}/id",
    how="The answers 201 on each connection type are read.",
    why="It is how a call is named ever after.",
    mend="Answer with the call's id, as a string.",
    variants=OPERATIONS,
    smoke=True,
)
async def call_id(it: Context) -> None:
    """Type and emptiness."""
    for exchange in await _created(it):
        value = _body(exchange).get("id")
        if not isinstance(value, str) or not value.strip():
            it.wrong("id: a string that is not empty", f"id: {value!r}", exchange)


@requirement(
    "answers.unique",
    "id and websocketUrl are unique for each call.",
    source=f"{PROPERTIES}/id",
    how="All answers 201 of the whole run are compared, with six made in one moment.",
    why="Two calls with one id, or one URL, are one call to everybody else.",
    mend="Make ids and tokens from enough random bits; not from the time, the agent or the request.",
    order="last",
    smoke=True,
)
async def unique(it: Context) -> None:
    """Across operations, over the whole run."""
    body = it.valid("inline")
    try:
        await asyncio.gather(*(it.post("inline", body) for _ in range(6)))
    except NotChecked:
        pass
    seen: dict[tuple[str, str], Exchange] = {}
    exchanges = [each for each in it.target.journal.exchanges if each.status == 201 and each.operation]
    if len(exchanges) < 2:
        raise NotChecked("fewer than two calls could be created")
    for exchange in exchanges:
        for field in ("id", "websocketUrl"):
            value = _body(exchange).get(field)
            if not isinstance(value, str):
                continue
            if (field, value) in seen:
                it.wrong(f"another {field} than that of a call before", f"the same {field} again", exchange)
                return
            seen[field, value] = exchange


@requirement(
    "answers.websocket-url",
    "websocketUrl is a ws:// or wss:// URL with a path.",
    source=f"{PROPERTIES}/websocketUrl",
    how="The answers 201 on each connection type are read.",
    why="Carriers dial it as it is.",
    mend="Answer with the whole address, scheme, host and path.",
    variants=OPERATIONS,
    smoke=True,
)
async def websocket_url(it: Context) -> None:
    """Scheme, host, path."""
    for exchange in await _created(it):
        url = _body(exchange).get("websocketUrl")
        parts = urlsplit(url) if isinstance(url, str) and url.isprintable() and " " not in url else None
        if parts is None or parts.scheme not in ("ws", "wss") or not parts.hostname or len(parts.path) < 2:
            it.wrong("websocketUrl: ws:// or wss://, a host and a path", f"websocketUrl: {url!r}", exchange)


@requirement(
    "answers.status",
    "status is created.",
    source=f"{PROPERTIES}/status",
    how="The answers 201 on each connection type are read.",
    why="Clients wait for the dial in this state.",
    mend='Answer with "status": "created".',
    variants=OPERATIONS,
    smoke=True,
)
async def status(it: Context) -> None:
    """The word."""
    for exchange in await _created(it):
        value = _body(exchange).get("status")
        if value != "created":
            it.wrong('status: "created"', f"status: {value!r}", exchange)


@requirement(
    "answers.connection-type",
    "connectionType is the connection type in force, the default included.",
    source=f"{PROPERTIES}/connectionType",
    how="Calls are created on each connection type, and without naming one; the answer must say which it is.",
    why="It says what is spoken at the URL.",
    mend="Answer with what was asked for; with twilio where nothing was.",
    variants=OPERATIONS,
    smoke=True,
)
async def connection_type(it: Context) -> None:
    """Each asked type, and none."""
    for exchange in await _created(it):
        value, asked = _body(exchange).get("connectionType"), _asked_type(exchange)
        if value != asked:
            it.wrong(f'connectionType: "{asked}"', f"connectionType: {value!r}", exchange)


@requirement(
    "answers.created-at",
    "createdAt is the moment of creation, an RFC 3339 date-time with its offset.",
    source=f"{PROPERTIES}/createdAt",
    how="The answers 201 are read and compared with this machine's clock; five minutes are forgiven.",
    why="A time without its offset, or of another moment, sorts calls wrongly.",
    mend="Take the time when the call is created, in UTC, and write it with a Z.",
    variants=OPERATIONS,
    smoke=True,
)
async def created_at(it: Context) -> None:
    """Format and moment."""
    for exchange in await _created(it):
        value = _body(exchange).get("createdAt")
        moment = _moment(value)
        if moment is None:
            it.wrong("createdAt: an RFC 3339 date-time with an offset", f"createdAt: {value!r}", exchange)
        elif abs(moment - exchange.answered_at) > CLOCK_SKEW_S:
            now = datetime.fromtimestamp(exchange.answered_at).astimezone().isoformat()
            it.wrong(f"createdAt: now, {now}, give or take 5 minutes", f"createdAt: {value!r}", exchange)


def _moment(value: Any) -> float | None:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value) or value[10] == " ":
        return None
    try:
        return datetime.fromisoformat(value.upper()).timestamp()
    except ValueError:
        return None


@requirement(
    "answers.agent",
    "agent holds the id and the name of the agent that takes the call.",
    source="openapi/calls.yaml#/components/schemas/Agent",
    how="The answers 201 of /calls/create are read: agent.id must be the id that was asked for.",
    why="It is how a client knows that it got the right agent.",
    mend="Answer with the saved agent's id and name; description is a string or left out.",
    smoke=True,
)
async def agent(it: Context) -> None:
    """Id, name, description."""
    it.variant = "create"
    for exchange in await _created(it):
        value = _body(exchange).get("agent")
        if not isinstance(value, dict):
            it.wrong("agent: an object with id and name", f"agent: {value!r}", exchange)
            continue
        if value.get("id") != it.settings.agent:
            it.wrong(f"agent.id: {it.settings.agent!r}", f"agent.id: {value.get('id')!r}", exchange)
        if not isinstance(value.get("name"), str):
            it.wrong("agent.name: a string", f"agent.name: {value.get('name')!r}", exchange)
        if "description" in value and not isinstance(value["description"], str):
            it.wrong("agent.description: a string, or none", f"agent.description: {value['description']!r}", exchange)


@requirement(
    "answers.location",
    "Location is the path (or absolute URL) of the call, ending in its id.",
    source=f"{HEADERS}/Location",
    how="The header of the answers 201 is compared with the id in the body.",
    why="HTTP clients follow it to what they created.",
    mend="Send Location: /calls/ID with 201.",
    variants=OPERATIONS,
    smoke=True,
)
async def location(it: Context) -> None:
    """Presence and end."""
    for exchange in await _created(it):
        value, ident = exchange.header("location"), _body(exchange).get("id")
        last = unquote(urlsplit(value or "").path.rstrip("/").rpartition("/")[2])
        if not value or last != ident:
            it.wrong(f"Location: a path that ends in the id {ident}", f"Location: {value}", exchange)
        elif not (value.startswith("/") or re.match(r"https?://", value)):
            it.wrong("Location: a path that begins with /, or an absolute URL", f"Location: {value}", exchange)


@requirement(
    "answers.no-store",
    "The answer that carries the URL says Cache-Control: no-store.",
    source=f"{HEADERS}/CacheControl",
    level=Level.SHOULD,
    how="The header of the answers 201 is read.",
    why="A cache that keeps the answer keeps a credential.",
    mend="Send Cache-Control: no-store with 201.",
    variants=OPERATIONS,
)
async def no_store(it: Context) -> None:
    """The directive."""
    for exchange in await _created(it):
        value = exchange.header("cache-control") or ""
        if "no-store" not in {part.strip().lower() for part in value.split(",")}:
            it.wrong("Cache-Control: no-store", f"Cache-Control: {value or 'missing'}", exchange)
            return


@requirement(
    "answers.known-fields",
    "Answers hold no fields but those of the document.",
    source=CREATED,
    level=Level.SHOULD,
    how="The keys of the answers 201 are compared with the document.",
    why="What is not in the contract cannot be relied on, and may leak.",
    mend="Leave the field out, or propose it for the contract.",
    variants=OPERATIONS,
)
async def known_fields(it: Context) -> None:
    """The keys, at both depths."""
    known = {"id", "websocketUrl", "status", "connectionType", "createdAt"}
    for exchange in await _created(it):
        body = _body(exchange)
        extra = set(body) - known - ({"agent"} if it.variant == "create" else set())
        inner = body.get("agent")
        if it.variant == "create" and isinstance(inner, dict):
            extra |= {f"agent.{key}" for key in inner.keys() - {"id", "name", "description"}}
        if extra:
            it.wrong("the fields of the document", f"also {', '.join(sorted(extra))}", exchange)
            return


@requirement(
    "answers.fit-the-document",
    "Every answer fits the document: its status, its headers, its body.",
    source="openapi/calls.yaml#/paths",
    how="Every exchange of the whole run with a documented status is held against the document with openapi-core.",
    why="Generated clients trust the document.",
    mend="Compare the answer with the schema that the document gives for this status.",
    order="last",
    smoke=True,
)
async def fit_the_document(it: Context) -> None:
    """Every judged answer of the run."""
    await typical(it)
    # Answers that differ in nothing but values are judged once: openapi-core takes its time.
    kinds = {_kind(each): each for each in it.target.journal.exchanges if each.status is not None and each.operation}
    seen: set[tuple[str, int | None, str]] = set()
    for exchange in kinds.values():
        for fault in await asyncio.to_thread(faults_of, exchange):
            kind = (exchange.operation, exchange.status, fault[:60])
            if kind not in seen:
                seen.add(kind)
                it.wrong("an answer that fits the document", f"{exchange.status}: {fault}", exchange)
    checked = len(kinds)
    if not checked:
        raise NotChecked("nothing was answered")


def _kind(exchange: Exchange) -> tuple[Any, ...]:
    """What an answer has in common with others of its kind."""
    names = frozenset(name for name, _ in exchange.answer_headers)
    return exchange.operation, exchange.status, exchange.meant, exchange.media_type, names, _skeleton(exchange.json())


def _skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _skeleton(part)) for key, part in value.items())
    if isinstance(value, list):
        return tuple(_skeleton(part) for part in value[:3])
    return type(value).__name__ + ("" if value else "-empty")


@requirement(
    "errors.shape",
    'Every error has one shape: {"error": {"message": "...", "code": "..."}}, as application/json.',
    source="openapi/calls.yaml#/components/schemas/Error",
    how="Every error of the whole run on the two operations (400, 401, 402, 404, 413, 415, 429, 5xx) is read.",
    why="Clients read error.message; what they cannot read they cannot show.",
    mend="Answer every error in one place, the framework's own (parse errors, media types) too.",
    order="last",
    smoke=True,
)
async def error_shape(it: Context) -> None:
    """Every error so far, and one of each kind made for this."""
    await typical(it)
    seen: set[tuple[str, int | None, str]] = set()
    for exchange in it.target.journal.exchanges:
        fault = _shape_fault(exchange)
        if fault and (kind := (exchange.operation, exchange.status, fault[:40])) not in seen:
            seen.add(kind)
            it.wrong('{"error": {"message": a string, "code": a string that is not empty}}', fault, exchange)


def _shape_fault(exchange: Exchange) -> str:
    """What is wrong with the shape of an error; empty for what is right, and for what is not judged."""
    judged = exchange.operation and exchange.method == "POST" and exchange.status is not None and exchange.status >= 400
    if not judged or len(exchange.content) > 64 * 1024 or exchange.status == 405 or _is_odd(exchange):
        return ""
    if exchange.media_type != "application/json":
        return f"{exchange.status} with Content-Type {exchange.header('content-type')}: {exchange.shown()[:200]}"
    body = exchange.json()
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return exchange.shown()
    if not isinstance(error.get("message"), str) or not isinstance(error.get("code"), str) or not error["code"].strip():
        return exchange.shown()
    return ""


def _is_odd(exchange: Exchange) -> bool:
    """Whether a request is one for which the contract leaves everything but the status free."""
    declared = dict(exchange.headers)
    if "Content-Encoding" in declared or declared.get("Content-Type", " ").strip() in ("", ";;;///"):
        return True
    if "utf-16" in declared.get("Content-Type", ""):
        return True
    odd = (b"\\u0000", b"\\ud800", b"\\udfff", b"\x00", b"\xef\xbb\xbf", b"[[[[[[", b"__proto__")
    return any(part in exchange.content for part in odd) or b"9" * 300 in exchange.content


@requirement(
    "errors.request-id",
    "Every answer carries X-Request-Id.",
    source=f"{HEADERS}/RequestId",
    level=Level.SHOULD,
    how="The answers of both operations, errors too, are read.",
    why="It is what a user quotes when they ask for help.",
    mend="Make an id for each request, log it, and send it back.",
    order="last",
)
async def request_id(it: Context) -> None:
    """Answers of each status."""
    await typical(it)
    seen: set[int] = set()
    for exchange in it.target.journal.exchanges:
        if (
            exchange.status
            and exchange.operation
            and exchange.status not in seen
            and not exchange.header("x-request-id")
        ):
            seen.add(exchange.status)
            it.wrong("X-Request-Id", f"no such header on {exchange.status}", exchange)


@requirement(
    "errors.payment-required",
    "A key whose account has no balance is answered with 402.",
    source="openapi/calls.yaml#/components/responses/PaymentRequired",
    how="A valid request is sent with the key of --unfunded-key.",
    why="A client must be able to tell an empty account from a wrong request.",
    mend="Check the balance before the call is created, on both operations.",
    variants=OPERATIONS,
    smoke=True,
)
async def payment_required(it: Context) -> None:
    """On each operation and connection type."""
    key = it.settings.unfunded_key
    if not key:
        raise NotChecked("no key without balance was given: --unfunded-key K")
    for changes in ({}, {"connectionType": "plivo"}, audio_settings("websocket")):
        exchange = await it.post(it.variant, it.valid(it.variant, **changes), key=key)
        if exchange.status != 402:
            it.wrong("402: the balance is used up", exchange.shown(), exchange)
        if b"websocketUrl" in exchange.body:
            it.wrong("no call is created", exchange.shown(), exchange)


RATE = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@requirement(
    "rate-limit.truthful",
    "Rate headers tell the truth: the limit is constant, what remains falls, the reset is not in the past.",
    source=f"{HEADERS}/RateLimitRemaining",
    how="Six requests are made one after the other, with nothing beside them, and their headers compared.",
    why="Clients pace themselves by these numbers.",
    mend="Count each request once, per key, and send the counter itself.",
    variants=OPERATIONS,
    order="first",
)
async def rates_truthful(it: Context) -> None:
    """Six requests with one key."""
    key = it.target.key()
    exchanges = [await it.post(it.variant, it.valid(), key=key, limit_matters=True) for _ in range(6)]
    answered = [each for each in exchanges if each.status == 201]
    if any(each.status == 429 for each in exchanges):
        first = next(each for each in exchanges if each.status == 429)
        before = [_number(each, "x-ratelimit-remaining") for each in answered]
        if before and before[-1]:
            it.wrong(f"no 429 while {before[-1]} requests remain", first.shown(), first)
            return
        raise NotChecked("the key is at its rate limit: give more keys (--api-key) or raise the limit")
    values = {name: [each.header(name) for each in answered] for name in RATE}
    if len(answered) < 2 or not any(value is not None for row in values.values() for value in row):
        raise NotChecked("the target sends no rate headers with 201 (a SHOULD: rate-limit.present)")
    for name, row in values.items():
        for exchange, value in zip(answered, row, strict=True):
            if value is not None and not re.fullmatch(r"\d{1,18}", value):
                it.wrong(f"{name}: a whole number", f"{name}: {value}", exchange)
                return
    limits, remaining, resets = ([int(value) for value in row if value is not None] for row in values.values())
    last = answered[-1]
    if len(set(limits)) > 1:
        it.wrong("a constant X-RateLimit-Limit", f"{limits}", last)
    if limits and remaining and max(remaining) > max(limits):
        it.wrong(f"X-RateLimit-Remaining of at most the limit, {limits[0]}", f"{remaining}", last)
    renewed = len(set(resets)) > 1 and resets[-1] - resets[0] > 30
    if (
        remaining
        and any(after > before for before, after in zip(remaining, remaining[1:], strict=False))
        and not renewed
    ):
        it.wrong("X-RateLimit-Remaining that does not rise", f"{remaining}", last)
    if len(remaining) >= 6 and remaining[-1] >= remaining[0] and not renewed:
        it.wrong("X-RateLimit-Remaining that has fallen after five requests", f"{remaining}", last)
    for exchange, reset in zip(answered, resets, strict=False):
        if reset < exchange.answered_at - 2:
            it.wrong("X-RateLimit-Reset in Unix seconds, not in the past", f"{reset}", exchange)
            break
        if reset > exchange.answered_at + 400 * 86400:
            it.wrong("X-RateLimit-Reset in Unix seconds", f"{reset}, which is years ahead", exchange)
            break


def _number(exchange: Exchange, name: str) -> int | None:
    value = exchange.header(name)
    return int(value) if value is not None and value.isdigit() else None


@requirement(
    "rate-limit.present",
    "Answers carry X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset.",
    source=f"{HEADERS}/RateLimitLimit",
    level=Level.SHOULD,
    how="The headers of a 201 and a 400 are read.",
    why="Clients that know how much is left need not run into 429.",
    mend="Send the three headers with every answer to a known key.",
    variants=OPERATIONS,
    order="last",
)
async def rates_present(it: Context) -> None:
    """On success and on a bad request."""
    await typical(it)
    answers = [each for each in it.target.journal.exchanges if each.operation == it.variant]
    for status in (201, 400):
        exchange = next((e for e in answers if e.status == status and e.key in it.settings.api_keys), None)
        missing = [name for name in RATE if exchange is not None and exchange.header(name) is None]
        if exchange is not None and missing:
            it.wrong("the three rate headers", f"{status} without {', '.join(missing)}", exchange)


@requirement(
    "rate-limit.too-many-requests",
    "A key over its limit is answered with 429, Retry-After in whole seconds and the three rate headers, Remaining 0.",
    source="openapi/calls.yaml#/components/responses/TooManyRequests",
    how="Requests are made with the key of --limited-key until it is over its limit; then the answer is read.",
    why="A client can only wait for the right time if it is told.",
    mend="Enforce the limit before the call is created, and send all four headers with 429.",
    order="first",
    smoke=True,
)
async def too_many(it: Context) -> None:
    """Up to 150 requests, then what 429 holds."""
    key = it.settings.limited_key
    if not key:
        raise NotChecked("no key at its rate limit was given: --limited-key K")
    exchange = await it.post("inline", it.valid("inline"), key=key)
    remaining = _number(exchange, "x-ratelimit-remaining")
    for _ in range(150):
        if exchange.status == 429:
            break
        if remaining == 0:
            exchange = await it.post("inline", it.valid("inline"), key=key)
            if exchange.status != 429:
                it.wrong("429: nothing remained after the request before", exchange.shown(), exchange)
                return
            break
        exchange = await it.post("inline", it.valid("inline"), key=key)
        remaining = _number(exchange, "x-ratelimit-remaining")
    if exchange.status != 429:
        it.wrong("429 within 150 requests: the key was given as one that is limited", exchange.shown(), exchange)
        return
    operations = ["inline", *(["create"] if it.settings.agent is not None else [])]
    for operation in operations:
        exchange = await it.post(operation, it.valid(operation), key=key)
        if exchange.status != 429:
            it.wrong(f"429 on /calls/{operation} too", exchange.shown(), exchange)
            continue
        if not re.fullmatch(r"\d+", exchange.header("retry-after") or ""):
            it.wrong("Retry-After: whole seconds", f"Retry-After: {exchange.header('retry-after')}", exchange)
        for name in RATE:
            if _number(exchange, name) is None:
                it.wrong(f"{name}: a whole number", f"{name}: {exchange.header(name)}", exchange)
        if _number(exchange, "x-ratelimit-remaining") not in (0, None):
            it.wrong("X-RateLimit-Remaining: 0", f"{exchange.header('x-ratelimit-remaining')}", exchange)
        reset = _number(exchange, "x-ratelimit-reset")
        if reset is not None and reset < time.time() - 2:
            it.wrong("X-RateLimit-Reset in Unix seconds, not in the past", f"{reset}", exchange)


@requirement(
    "defaults.connection-type",
    "Without connectionType, a call is for twilio.",
    source="openapi/calls.yaml#/components/schemas/CreateCallRequest/properties/connectionType/default",
    how="A request without connectionType is sent; the answer must say twilio.",
    why="A default that differs from the document makes a call that nobody can take.",
    mend="Fill in twilio where connectionType is missing, on both operations.",
    variants=OPERATIONS,
    smoke=True,
)
async def default_connection_type(it: Context) -> None:
    """The answer's word."""
    exchange = (await _created(it))[0]
    if b"connectionType" not in exchange.content and _body(exchange).get("connectionType") != "twilio":
        it.wrong('connectionType: "twilio"', f"connectionType: {_body(exchange).get('connectionType')!r}", exchange)
