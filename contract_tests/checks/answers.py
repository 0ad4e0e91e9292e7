"""What a created call is answered with: each field, the headers, and nothing but the document's."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from contract_tests.context import Context, audio_settings
from contract_tests.exchanges import created, typical
from contract_tests.findings import Level
from contract_tests.in_force import Overlays, connection_types
from contract_tests.legal_requests import fullest
from contract_tests.moments import moment_of
from contract_tests.parsing import url_parts
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import CONNECTION_TYPE, CREATED_CALL, HEADERS, WEBSOCKET_URL
from contract_tests.target import Exchange, Meant, NotChecked

CLOCK_SKEW_S = 300.0
FEW_CALLS = 40
"""Fewer calls than this say little about whether all are unique."""

KIND_DEPTH = 6
"""How many levels of an answer tell its kind: the document has no more."""


@requirement(
    "answers.json",
    "A created call is answered with a JSON object, as application/json.",
    source=CREATED_CALL,
    how="The answers 201 on each connection type are read.",
    why="Clients read the media type before they read the body.",
    mend="Send Content-Type: application/json, and one object in UTF-8.",
    variants=OPERATIONS,
    smoke=True,
)
async def json_object(it: Context) -> None:
    """Media type, coding and shape."""
    for exchange in await created(it):
        if exchange.media_type != "application/json":
            it.wrong("Content-Type: application/json", f"Content-Type: {exchange.header('content-type')}", exchange)
        if not isinstance(exchange.json(), dict):
            it.wrong("a JSON object", it.target.shown(exchange), exchange)
        try:
            exchange.body.decode("utf-8")
        except UnicodeDecodeError:
            it.wrong("a body in UTF-8", it.target.shown(exchange, 80), exchange)


@requirement(
    "answers.id",
    "id is a string that is not empty.",
    source=f"{CREATED_CALL}/properties/id",
    how="The answers 201 on each connection type are read.",
    why="It is how a call is named ever after.",
    mend="Answer with the call's id, as a string.",
    variants=OPERATIONS,
    smoke=True,
)
async def call_id(it: Context) -> None:
    """Type and emptiness."""
    for exchange in await created(it):
        value = exchange.json_object().get("id")
        if not isinstance(value, str) or not value.strip():
            it.wrong("id: a string that is not empty", f"id: {value!r}", exchange)


async def _repeated(it: Context) -> None:
    """Whether what is a call's own was in another answer so far."""
    seen: set[tuple[str, str]] = set()
    for exchange in _calls(it):
        for field in ("id", "websocketUrl"):
            value = exchange.json_object().get(field)
            if not isinstance(value, str):
                continue
            if (field, value) in seen:
                it.wrong(f"another {field} than that of a call before", f"the same {field} again", exchange)
                return
            seen.add((field, value))


@requirement(
    "answers.unique",
    "id and websocketUrl are unique for each call.",
    source=f"{CREATED_CALL}/properties/id",
    how="All answers 201 of the whole run are compared, many of which were asked for side by side; where there are "
    "few, six more are, in one moment.",
    why="Two calls with one id, or one URL, are one call to everybody else.",
    mend="Make ids and tokens from enough random bits; not from the time, the agent or the request.",
    order="last",
    ahead=_repeated,
    smoke=True,
)
async def unique(it: Context) -> None:
    """Across operations, over the whole run."""
    if len(_calls(it)) < FEW_CALLS:
        body = it.valid("inline")
        # What the run has seen so far is compared all the same.
        with suppress(NotChecked):
            await asyncio.gather(*(it.post("inline", body) for _ in range(6)))
    if len(_calls(it)) < 2:
        raise NotChecked("fewer than two calls could be created")
    await _repeated(it)


def _calls(it: Context) -> list[Exchange]:
    return [each for each in it.seen if each.status == 201 and each.operation]


@requirement(
    "answers.websocket-url",
    "websocketUrl is a ws:// or wss:// URL with a path.",
    source=WEBSOCKET_URL,
    how="The answers 201 on each connection type are read.",
    why="Carriers dial it as it is.",
    mend="Answer with the whole address, scheme, host and path.",
    variants=OPERATIONS,
    smoke=True,
)
async def websocket_url(it: Context) -> None:
    """Scheme, host, path."""
    for exchange in await created(it):
        url = exchange.json_object().get("websocketUrl")
        parts = url_parts(url) if isinstance(url, str) and url.isprintable() and " " not in url else None
        if parts is None or parts.scheme not in ("ws", "wss") or not parts.hostname or len(parts.path) < 2:
            it.wrong("websocketUrl: ws:// or wss://, a host and a path", f"websocketUrl: {url!r}", exchange)


@requirement(
    "answers.status",
    "status is created.",
    source=f"{CREATED_CALL}/properties/status",
    how="The answers 201 on each connection type are read.",
    why="Clients wait for the dial in this state.",
    mend='Answer with "status": "created".',
    variants=OPERATIONS,
    smoke=True,
)
async def status(it: Context) -> None:
    """The word."""
    for exchange in await created(it):
        value = exchange.json_object().get("status")
        if value != "created":
            it.wrong('status: "created"', f"status: {value!r}", exchange)


@requirement(
    "answers.connection-type",
    "connectionType is the connection type in force, the default included.",
    source=CONNECTION_TYPE,
    how="Calls are created on each connection type, and without naming one; the answer must say which it is.",
    why="It says what is spoken at the URL.",
    mend="Answer with what was asked for; with twilio where nothing was.",
    variants=OPERATIONS,
    smoke=True,
)
async def connection_type(it: Context) -> None:
    """Each asked type, and none."""
    for exchange in await created(it):
        value, asked = exchange.json_object().get("connectionType"), _asked_type(exchange)
        if value != asked:
            it.wrong(f'connectionType: "{asked}"', f"connectionType: {value!r}", exchange)


async def _mixed_up(it: Context) -> None:
    """Whether an answer so far is that of another request, once it is known that not each answer is wrong."""
    if all(f"answers.connection-type[{operation}]" in it.judge.shown for operation in OPERATIONS):
        _judge_types(it)


@requirement(
    "answers.own-request",
    "Each answer is that of its own request, also where several are made at once.",
    source=CONNECTION_TYPE,
    how="The connection types in all answers 201 of the run, many of which were asked for side by side, are held "
    "against those in their requests; where there are few, two of each type are asked for in one moment.",
    why="What one client asked for decides about another one's call.",
    mend="Keep what belongs to a request in the request: not in a module, a singleton or an object that they share.",
    order="last",
    ahead=_mixed_up,
)
async def own_request(it: Context) -> None:
    """Across operations, over the whole run."""
    if len(_calls(it)) < FEW_CALLS:
        kinds = sorted(connection_types("inline", it.settings.overlays))
        # What the run has seen so far is compared all the same.
        with suppress(NotChecked):
            bodies = [it.valid("inline", **audio_settings(kind)) for kind in kinds + kinds]
            await asyncio.gather(*(it.post("inline", body, meant=Meant.VALID) for body in bodies))
    _judge_types(it)


def _judge_types(it: Context) -> None:
    answered = [each for each in _calls(it) if each.meant is Meant.VALID and each.json_object().get("connectionType")]
    if not answered:
        raise NotChecked("no call was created that says its connectionType; answers.connection-type says more")
    reported = {name.partition("[")[0] for name, shown in it.judge.shown.items() if shown}
    for exchange in answered:
        value, asked = exchange.json_object()["connectionType"], _asked_type(exchange)
        if value != asked and "answers.connection-type" not in reported:
            it.wrong(f'connectionType: "{asked}", as in the request', f"connectionType: {value!r}", exchange)
            return


def _asked_type(exchange: Exchange) -> str:
    found = re.search(rb'"connectionType": "(\w+)"', exchange.content)
    return found[1].decode() if found else "twilio"


@requirement(
    "answers.created-at",
    "createdAt is the moment of creation, an RFC 3339 date-time with its offset.",
    source=f"{CREATED_CALL}/properties/createdAt",
    how="The answers 201 are read and compared with this machine's clock; five minutes are forgiven.",
    why="A time without its offset, or of another moment, sorts calls wrongly.",
    mend="Take the time when the call is created, in UTC, and write it with a Z.",
    variants=OPERATIONS,
    smoke=True,
)
async def created_at(it: Context) -> None:
    """Format and moment."""
    for exchange in await created(it):
        value = exchange.json_object().get("createdAt")
        moment = moment_of(value)
        if moment is None:
            it.wrong("createdAt: an RFC 3339 date-time with an offset", f"createdAt: {value!r}", exchange)
        elif abs(moment - exchange.answered_at) > CLOCK_SKEW_S:
            now = datetime.fromtimestamp(exchange.answered_at).astimezone().isoformat()
            it.wrong(f"createdAt: now, {now}, give or take 5 minutes", f"createdAt: {value!r}", exchange)


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
    for exchange in await created(it):
        value = exchange.json_object().get("agent")
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
    for exchange in await created(it):
        value, ident = exchange.header("location"), exchange.json_object().get("id")
        parts = url_parts(value)
        last = unquote(parts.path.rpartition("/")[2]) if parts else ""
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
    for exchange in await created(it):
        said = exchange.listed("cache-control")
        if "no-store" not in map(str.lower, said):
            it.wrong("Cache-Control: no-store", f"Cache-Control: {', '.join(said) or 'missing'}", exchange)
            return


@requirement(
    "answers.known-fields",
    "Answers hold no fields but those of the document.",
    source=CREATED_CALL,
    level=Level.SHOULD,
    how="The keys of the answers 201 are compared with the document, that to a request with every field among them.",
    why="What is not in the contract cannot be relied on, and may leak.",
    mend="Leave the field out, or propose it for the contract.",
    variants=OPERATIONS,
)
async def known_fields(it: Context) -> None:
    """The keys, at both depths."""
    known = {"id", "websocketUrl", "status", "connectionType", "createdAt"}
    full = await fullest(it, it.variant)
    for exchange in [*await created(it), *([full] if full.status == 201 else [])]:
        body = exchange.json_object()
        extra = body.keys() - known
        if it.variant == "create":
            inner = body.get("agent")
            fields = inner.keys() if isinstance(inner, dict) else set()
            extra = extra - {"agent"} | {f"agent.{key}" for key in fields - {"id", "name", "description"}}
        if extra:
            it.wrong("the fields of the document", f"also {', '.join(sorted(extra))}", exchange)
            return


async def _unfit(it: Context) -> None:
    """What is wrong with the answers so far."""
    # Answers that differ in nothing but values are judged once: openapi-core takes its time.
    kinds = {_kind(each): each for each in reversed(it.seen) if each.status is not None and each.operation}
    seen: set[tuple[str, int | None, str]] = set()
    for exchange in kinds.values():
        for fault in await asyncio.to_thread(_faults_of, exchange, it.settings.overlays):
            kind = (exchange.operation, exchange.status, fault[:60])
            if kind not in seen:
                seen.add(kind)
                received = f"{exchange.status}: {it.judge.secrets.beginning(fault, 400)}"
                it.wrong("an answer that fits the document", received, exchange)
    if not kinds:
        raise NotChecked("nothing was answered")


@requirement(
    "answers.fit-the-document",
    "Every answer fits the document: its status, its headers, its body.",
    source="openapi/calls.yaml#/paths",
    how="Every exchange of the whole run with a documented status is held against the document with openapi-core.",
    why="Generated clients trust the document.",
    mend="Compare the answer with the schema that the document gives for this status.",
    order="last",
    ahead=_unfit,
    smoke=True,
)
async def fit_the_document(it: Context) -> None:
    """Every judged answer of the run."""
    await typical(it)
    await _unfit(it)


def _faults_of(exchange: Exchange, overlays: Overlays) -> list[str]:
    # Nothing waits for it to be loaded: this is a thread.
    from contract_tests.conformity import faults_of

    return faults_of(exchange, overlays)


def _kind(exchange: Exchange) -> tuple[Any, ...]:
    """What an answer has in common with others of its kind."""
    names = frozenset(name for name, _ in exchange.answer_headers)
    return exchange.operation, exchange.status, exchange.meant, exchange.media_type, names, _skeleton(exchange.json())


def _skeleton(value: Any, levels: int = KIND_DEPTH) -> Any:
    if isinstance(value, dict) and levels:
        return frozenset((key, _skeleton(part, levels - 1)) for key, part in value.items())
    if isinstance(value, list) and levels:
        return tuple(_skeleton(part, levels - 1) for part in value[:3])
    return type(value).__name__ + ("" if value else "-empty")
