"""Exchanges that several checks look at: each is made once in a run."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from contract_tests.context import Context, audio_settings, made_up_agent
from contract_tests.in_force import connection_types
from contract_tests.requirements import OPERATIONS
from contract_tests.target import Exchange, Meant, NotChecked

NOBODYS_KEY = "ck_prod_" + "0" * 64
KEY_HEADERS = ("x-api-key", "X-API-KEY")
MEDIA_TYPES = {
    "create": ("application/json; charset=utf-8", "Application/JSON"),
    "inline": ("application/json;charset=UTF-8", "APPLICATION/JSON"),
}
"""How JSON is spelled in two requests of each operation."""


async def with_ignored_rates(it: Context, operation: str, key: str | None = "") -> dict[str, Exchange]:
    """Answers to requests for all types but websocket that hold websocket nevertheless, but for webrtc."""
    asked: dict[str, dict[str, int] | None] = {
        "twilio": {"inputSampleRate": 16000, "outputSampleRate": 16000},
        "telnyx": {"inputSampleRate": 16000},
        "plivo": {},
        "webrtc": None,
    }
    offered = connection_types(operation, it.settings.overlays)

    async def record() -> dict[str, Exchange]:
        bodies = {
            kind: it.valid(operation, connectionType=kind, websocket=rates)
            for kind, rates in asked.items()
            if kind in offered
        }
        return {kind: await it.post(operation, body, key=key, meant=Meant.VALID) for kind, body in bodies.items()}

    exchanges: dict[str, Exchange] = await it.recording(f"ignored-rates-{operation}", record)
    return exchanges


async def plainly_created(it: Context, operation: str) -> list[Exchange]:
    """Answers to the shortest request, and to one for each connection type: one after the other, with one key."""

    async def record() -> list[Exchange]:
        key = it.target.key()
        shortest = json.dumps(it.valid(operation), ensure_ascii=False).encode()
        # The run may have begun with the shortest one.
        before = [each for each in it.target.journal.exchanges if each.operation == operation and each.status == 201]
        known = [each for each in before if each.content == shortest and each.key in it.settings.api_keys]
        found = known[:1] or [await it.post(operation, it.valid(operation), key=key, meant=Meant.VALID)]
        for kind, exchange in (await with_ignored_rates(it, operation, key)).items():
            if exchange.status != 201:
                body = it.valid(operation, connectionType=kind)
                exchange = await it.post(operation, body, key=key, meant=Meant.VALID)
            found.append(exchange)
        if "websocket" not in connection_types(operation, it.settings.overlays):
            return found
        body = it.valid(operation, **audio_settings("websocket"))
        return [*found, await it.post(operation, body, key=key, meant=Meant.VALID)]

    exchanges: list[Exchange] = await it.recording(f"created-{operation}", record)
    return exchanges


async def respelled(it: Context, operation: str, key: str = "") -> list[Exchange]:
    """Answers to valid requests with the key's header and the media type in other spellings, each in another one.

    The first one names no connection type, and holds websocket without rates.  To inline, each says half of what is to
    be done when nobody speaks: the one what, the other when.
    """

    async def record() -> list[Exchange]:
        what, when = ("prompt", 30) if operation == "inline" else (None, None)
        bodies = (
            it.valid(operation, websocket={"codec": "g711"}, inactivityAction=what),
            it.valid(operation, inactivityTimeout=when),
        )
        found = []
        for body, name, media in zip(bodies, KEY_HEADERS, MEDIA_TYPES[operation], strict=True):
            headers = {name: key or it.target.key()}
            found.append(await it.post(operation, body, key=None, headers=headers, media_type=media, meant=Meant.VALID))
        return found

    exchanges: list[Exchange] = await it.recording(f"respelled-{operation}", record)
    return exchanges


@dataclass(frozen=True, kw_only=True)
class OnOneConnection:
    """One of several requests that share a connection, as long as the target keeps it open.

    Attributes:
        what: is sent, in words.
        due: the status that it must be answered with.
        exchange: what came of it.
        before: the one before it on the connection; None where it is the first one there.
    """

    what: str
    due: int
    exchange: Exchange
    before: Exchange | None


async def on_one_connection(it: Context, operation: str) -> list[OnOneConnection]:
    """A body that is cut off, a plain request, the same without a key, and one more, one after the other.

    Raises NotChecked where no plain request can be made.
    """

    async def record() -> list[OnOneConnection]:
        plain = json.dumps(it.valid(operation)).encode()
        another = json.dumps(it.valid(operation, **audio_settings("twilio"))).encode()
        key = it.target.key()
        # What is left of a body that was not read makes a 400 of the next request, so no 400 is to come after that.
        steps = (
            ("the body is cut off", 400, plain[:-1], key),
            ("a plain request", 201, plain, key),
            ("no key was sent", 401, plain, None),
            ("a plain request", 201, another, key),
        )
        found: list[OnOneConnection] = []
        before = None
        async with it.target.one_connection(patient=it.attempt > 1) as shared:
            for what, due, content, sent in steps:
                meant = Meant.VALID if due == 201 else Meant.INVALID
                exchange = await it.post(operation, content=content, key=sent, meant=meant, by=shared)
                if exchange.status is None and not exchange.late:
                    # Any server may close a connection, also while the next request is on its way (RFC 9112, 9.5).
                    before = None
                    exchange = await it.post(operation, content=content, key=sent, meant=meant, by=shared)
                found.append(OnOneConnection(what=what, due=due, exchange=exchange, before=before))
                before = exchange if exchange.persists else None
        return found

    made: list[OnOneConnection] = await it.recording(f"one-connection-{operation}-{it.attempt}", record)
    return made


async def created(it: Context) -> list[Exchange]:
    """Answers 201 of one operation, on each connection type.  Raises NotChecked where there are none."""
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
            for content in (valid, b"{}", valid[:-1], twice_coded(valid)):
                if (operation, content, "application/json") not in asked:
                    meant = Meant.VALID if content == valid else Meant.INVALID
                    await it.post(operation, content=content, meant=meant)
            if (operation, valid, "text/plain") not in asked:
                await it.post(operation, content=valid, media_type="text/plain", meant=Meant.INVALID)
            await it.post(operation, content=valid, key=None, meant=Meant.INVALID)
            await it.post(operation, content=valid, key=NOBODYS_KEY, meant=Meant.INVALID)
        known = any(each.operation == "create" and each.status == 404 for each in exchanges)
        if it.settings.agent is not None and not known:
            await it.post("create", {"agentId": it.settings.unknown_agent or made_up_agent()}, meant=Meant.INVALID)
        for key in (it.settings.unfunded_key, it.settings.limited_key):
            if key:
                await it.post("inline", it.valid("inline"), key=key, meant=Meant.INVALID)

    await it.recording("typical", record)


def twice_coded(body: bytes) -> bytes:
    """A JSON string that holds a body, which some servers read as the body."""
    return json.dumps(body.decode()).encode()


async def another_method(it: Context, method: str) -> Exchange:
    """Another method on an operation's path."""
    path = f"/calls/{it.variant}"
    exchange: Exchange = await it.recording(f"{method} {path}", lambda: at_path(it, method, path))
    return exchange


async def nothing_there(it: Context) -> Exchange:
    """GET of a path that is not there."""
    path = f"/nothing-{secrets.token_hex(4)}"
    exchange: Exchange = await it.recording("GET nothing", lambda: at_path(it, "GET", path))
    return exchange


async def at_path(it: Context, method: str, path: str) -> Exchange:
    """A request of any method to any path, made anew each time; with a valid body where the method has one."""
    content, headers = b"", None
    if method not in ("GET", "DELETE", "TRACE"):
        operation = "create" if "create" in path and it.settings.agent else "inline"
        content, headers = json.dumps(it.valid(operation)).encode(), {"Content-Type": "application/json"}
    return await it.target.request(method, path, key=it.target.key(), content=content, headers=headers)
