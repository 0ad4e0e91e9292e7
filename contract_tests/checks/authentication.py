"""Who may create calls: the key, where it goes, and that it is judged before the body."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from contract_tests.context import Context, audio_settings
from contract_tests.exchanges import (
    KEY_HEADERS,
    NOBODYS_KEY,
    another_method,
    nothing_there,
    plainly_created,
    respelled,
    typical,
)
from contract_tests.findings import Layer
from contract_tests.in_force import connection_types
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.secrets_kept import is_telling
from contract_tests.target import Exchange, Meant, NotChecked

SOURCE = "openapi/calls.yaml#/components/securitySchemes/apiKey"
WHY = "Whoever gets in without a valid key spends somebody else's balance."


@requirement(
    "authentication.valid-key",
    "A request with a valid key in the header X-API-Key is let in.",
    source=SOURCE,
    how="A valid request is sent with each working key, with the header's name in three spellings.",
    why="Header names are case-insensitive (RFC 9110, 5.1): proxies and clients change them.",
    mend="Compare header names without regard to case; check that the operation knows every active key.",
    variants=OPERATIONS,
    smoke=True,
)
async def valid_key(it: Context) -> None:
    """Each key, each spelling."""
    plain = (await plainly_created(it, it.variant))[0]
    for key in it.settings.api_keys:
        exchange = plain if plain.key == key else await it.post(it.variant, it.valid(), key=key, meant=Meant.VALID)
        if exchange.status != 201:
            it.wrong("201: a valid request with a valid key is allowed", it.target.shown(exchange), exchange)
        if exchange.status in (401, 403):
            it.cause = "the operation refuses a key that was given as valid"
    if all(exchange.status == 201 for exchange in await respelled(it, it.variant)):
        return
    for name in KEY_HEADERS:
        exchange = await it.post(it.variant, it.valid(), key=None, headers={name: it.target.key()})
        if exchange.status != 201:
            it.wrong(f"201: {name} is the same header as X-API-Key", it.target.shown(exchange), exchange)


async def _unauthorized(it: Context, what: str, kind: str = "", **options: object) -> None:
    body = it.valid() | (audio_settings(kind) if kind else {})
    exchange = await it.post(it.variant, body, **options)  # type: ignore[arg-type]  # passed on
    if exchange.status != 401:
        it.wrong(f"401: {what}", it.target.shown(exchange), exchange)


@requirement(
    "authentication.missing-key",
    "A request without a key is answered with 401.",
    source=SOURCE,
    how="A valid request is sent without X-API-Key, for each connection type, and with an empty one.",
    why=WHY,
    mend="Refuse before anything else when the header is missing or empty, on this operation too.",
    variants=OPERATIONS,
    smoke=True,
)
async def missing_key(it: Context) -> None:
    """No header, and an empty one."""
    await _unauthorized(it, "no key was sent", key=None)
    kinds = connection_types(it.variant, it.settings.overlays)
    for kind in () if it.hasty else [kind for kind in kinds if kind != "twilio"]:
        await _unauthorized(it, f"no key was sent, for connectionType {kind}", kind, key=None)
    await _unauthorized(it, "the key is empty", key=None, headers={"X-API-Key": ""})


@requirement(
    "authentication.wrong-key",
    "A request with a key that is not valid is answered with 401.",
    source=SOURCE,
    how="Keys that nobody has: made up, a valid key cut short, made longer, in another letter case, with a scheme.",
    why=WHY,
    mend="Compare the whole key, byte by byte, and let nothing but an exact match through.",
    variants=OPERATIONS,
    smoke=True,
)
async def wrong_key(it: Context) -> None:
    """Each near miss."""
    key = it.settings.api_keys[0]
    wrong = {
        "nobody has this key": f"ck_prod_{it.judge.random.getrandbits(256):064x}",
        "a valid key without its last character": key[:-1],
        "a valid key without its first character": key[1:],
        "the first half of a valid key": key[: len(key) // 2],
        "a valid key with a character more": key + "0",
        "a valid key twice": key + key,
        "a valid key in another letter case": key.swapcase(),
        "a valid key in capitals": key.upper(),
        "a valid key in small letters": key.lower(),
        "a valid key behind a scheme": f"Bearer {key}",
        "a valid key in quotes": f'"{key}"',
        "a pattern": "*",
        "a pattern of SQL": "' OR '1'='1",
        "the word null": "null",
        "the word undefined": "undefined",
    }
    for what, sent in wrong.items():
        if sent and sent not in it.settings.api_keys:
            it.judge.secrets.add(sent if len(sent) > len(key) // 2 and key[1:-1] in sent else None, "[wrong key]")
            await _unauthorized(it, what, key=sent)


@requirement(
    "authentication.only-in-the-header",
    "The key counts only in the header X-API-Key.",
    source=SOURCE,
    how="A valid key is sent in the query, in Authorization, in a cookie, in similar headers and in the body.",
    why="Keys in URLs end up in logs and histories; a second way in is one more to guard.",
    mend="Read the key from X-API-Key alone.",
    variants=OPERATIONS,
)
async def only_in_the_header(it: Context) -> None:
    """Each other place."""
    key = it.target.key()
    for name in ("X-API-Key", "x-api-key", "api_key", "apiKey", "key"):
        await _unauthorized(it, f"the key is in the query as {name}", key=None, query=f"?{name}={key}")
    others = {
        "Authorization": f"Bearer {key}",
        "Api-Key": key,
        "X-Api-Token": key,
        "X-Auth-Token": key,
        "apikey": key,
        "Cookie": f"X-API-Key={key}; api_key={key}",
    }
    for name, value in others.items():
        await _unauthorized(it, f"the key is in {name}", key=None, headers={name: value})
    await _unauthorized(it, "the key is in Authorization alone", key=None, headers={"Authorization": key})
    body = it.valid() | {"apiKey": key, "X-API-Key": key, "api_key": key}
    exchange = await it.post(it.variant, body, key=None)
    if exchange.status != 401:
        it.wrong("401: the key is in the body", it.target.shown(exchange), exchange)


@requirement(
    "authentication.before-the-body",
    "The key is judged before the body: a bad body without a valid key is a 401.",
    source="openapi/calls.yaml#/components/responses/Unauthorized",
    how="Bodies that break the contract are sent without a key and with a wrong one.",
    why="What is wrong with a body is nobody's business who may not call.",
    mend="Put authentication in front of parsing and validation.",
    variants=OPERATIONS,
    smoke=True,
)
async def before_the_body(it: Context) -> None:
    """Bodies of each kind of badness."""
    bodies = {
        "no JSON": b"{not json",
        "an empty object": b"{}",
        "an array": b"[]",
        "nothing": b"",
        "a wrong type": b'{"agentId": 5, "systemPrompt": 5, "connectionType": "nonsense"}',
    }
    if it.settings.agent is not None and it.variant == "create":
        bodies["an unknown agent"] = b'{"agentId": "nobody-has-this-id"}'
    for what, content in bodies.items():
        for key in (None, NOBODYS_KEY):
            exchange = await it.post(it.variant, content=content, key=key)
            _judge_early(it, exchange, f"the body is {what}")
    for key in (None, NOBODYS_KEY):
        exchange = await it.post(it.variant, content=b"hello", key=key, media_type="text/plain")
        _judge_early(it, exchange, "the media type is text/plain")


def _judge_early(it: Context, exchange: Exchange, what: str) -> None:
    if exchange.status != 401:
        shown = "no key" if exchange.key is None else "a wrong key"
        it.wrong(f"401: {shown}, and {what}", it.target.shown(exchange), exchange)


async def _echoed(it: Context) -> None:
    """Whether a key was in an answer so far."""
    seen = 0
    for exchange in it.seen:
        if exchange.status is None or exchange.key is None or not is_telling(exchange.key):
            continue
        seen += 1
        answer = exchange.body.decode("utf-8", "replace") + "\n".join(f"{k}: {v}" for k, v in exchange.answer_headers)
        if exchange.key in answer:
            it.wrong("an answer without the API key in it", it.target.shown(exchange), exchange)
    if not seen:
        raise NotChecked("no answer came to a request with a key")


@requirement(
    "authentication.never-echoed",
    "The API key never appears in an answer.",
    source="openapi/calls.yaml#/components/securitySchemes/apiKey/description",
    how="Every answer of the run, headers and body, is searched for the keys that were sent, valid and nearly valid.",
    why="Answers are logged, shown and reported; a key in one of them is a key lost.",
    mend="Take the key out of error messages and headers; name it by its id, if at all.",
    order="last",
    ahead=_echoed,
    smoke=True,
)
async def never_echoed(it: Context) -> None:
    """Every answer so far, and some made for this."""
    key = it.settings.api_keys[0]
    for operation in OPERATIONS:
        if operation == "create" and it.settings.agent is None:
            continue
        near = key[:-1] + ("x" if key[-1] != "x" else "y")
        it.judge.secrets.add(near, "[wrong key]")
        await it.post(operation, it.valid(operation), key=near)
        await another_method(Context(it.judge, operation), "GET")
    await nothing_there(it)
    await typical(it)
    await _echoed(it)


async def _leaked(it: Context) -> None:
    """Whether a key was told on a socket so far."""
    if not it.judge.told or not any(map(is_telling, it.settings.api_keys)):
        raise NotChecked("no message came on a socket, or every key is a word that may stand there by chance")
    for kind, commands in it.judge.leaks:
        it.wrong("messages without the API key", f"the key is in one on {kind}", *commands)
        return


@requirement(
    "authentication.not-on-the-socket",
    "The API key is told to nobody who dials a websocketUrl.",
    source="openapi/calls.yaml#/components/securitySchemes/apiKey/description",
    layer=Layer.MEDIA,
    how="Every text message of every call in the run is searched for the keys that were sent, and the claims of the "
    "tokens in it.",
    why="Who dials is a carrier or a browser: the key is for neither.",
    mend="Name the customer by an id; sign a room's token with LiveKit's own key and secret.",
    order="last",
    ahead=_leaked,
)
async def not_on_the_socket(it: Context) -> None:
    """All calls so far."""
    if not it.judge.told:
        await asyncio.gather(_listen(it, "websocket"), _listen(it, "webrtc"))
    await _leaked(it)


async def _listen(it: Context, kind: str) -> None:
    """Have somebody told something."""
    with suppress(NotChecked):
        call = await it.call("inline", **audio_settings(kind))
        async with it.line(call) as line:
            await line.until(lambda: not line.alive, 2.0)
