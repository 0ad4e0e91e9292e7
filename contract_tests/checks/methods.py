"""Methods and paths that the contract lacks."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import ssl
from urllib.parse import urlsplit

from contract_tests.context import Context
from contract_tests.findings import Level
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.target import KEY_VARIABLE, Exchange

NOT_ALLOWED = "openapi/calls.yaml#/components/responses/MethodNotAllowed"


@requirement(
    "methods.not-allowed",
    "A method that a path does not have is answered with 405.",
    source=NOT_ALLOWED,
    how="GET and DELETE are sent to both paths, PUT, PATCH and TRACE (405 or 501) to one of them, with a valid key.",
    why="A client that uses the wrong method must be told so, not that there is nothing there.",
    mend="Route all methods of the path, and answer those that it does not have with 405.",
    variants=OPERATIONS,
    smoke=True,
)
async def not_allowed(it: Context) -> None:
    """Each method."""
    for method in ("GET", "DELETE", "PUT", "PATCH", "TRACE"):
        exchange = await another_method(it, method)
        allowed = (405, 501) if method == "TRACE" else (405,)
        if exchange.status not in allowed:
            it.wrong(f"{' or '.join(map(str, allowed))}: the path has no {method}", exchange.shown(), exchange)


@requirement(
    "methods.allow",
    "405 comes with Allow, which names POST and no method that is itself answered with 405.",
    source=f"{NOT_ALLOWED}/headers/Allow",
    how="The header Allow of a 405 is read, and each method that it names is tried.",
    why="It is how a client learns what to do instead (RFC 9110, 15.5.6).",
    mend="Send Allow: POST with 405.",
    variants=OPERATIONS,
    smoke=True,
)
async def allow(it: Context) -> None:
    """What it names."""
    for method in ("GET", "DELETE"):
        exchange = await another_method(it, method)
        if exchange.status != 405:
            continue
        named = {word.strip().upper() for word in (exchange.header("allow") or "").split(",") if word.strip()}
        if "POST" not in named:
            it.wrong("Allow: POST", f"Allow: {exchange.header('allow')}", exchange)
            continue
        for other in sorted(named - {"POST"}):
            if not re.fullmatch(r"[A-Z]{1,16}", other) or other == "CONNECT":
                continue
            tried = await another_method(it, other)
            if tried.status == 405:
                it.wrong(
                    f"no {other} in Allow: it is answered with 405", f"Allow: {exchange.header('allow')}", exchange
                )


@requirement(
    "methods.head",
    "HEAD is answered with 405 or 404, without a body.",
    source=f"{NOT_ALLOWED}/description",
    how="HEAD is sent over a bare connection, and everything that comes is read.",
    why="A body after HEAD is taken for the next answer (RFC 9110, 9.3.2).",
    mend="Answer HEAD like GET, and drop the body.",
    variants=OPERATIONS,
)
async def head(it: Context) -> None:
    """Status and emptiness."""
    path = f"{urlsplit(it.settings.url).path}/calls/{it.variant}"
    status, body = await _bare(it, f"HEAD {path} HTTP/1.1")
    command = f'curl -isS --head -H "X-API-Key: {KEY_VARIABLE}" {it.settings.url}/calls/{it.variant}'
    if status not in (404, 405):
        it.wrong("405 or 404", f"{status}" if status else "no answer", command)
    elif body:
        it.wrong("no body", f"{len(body)} bytes: {body[:80]!r}", command)


@requirement(
    "methods.error-shape",
    "405 and 404 for unknown paths have the shape of an error.",
    source="openapi/calls.yaml#/components/schemas/Error",
    level=Level.SHOULD,
    how="The bodies of a 405 and of a 404 are read.",
    why="Clients read error.message of every error.",
    mend="Have the framework's own errors answered in the contract's shape.",
)
async def error_shape(it: Context) -> None:
    """Both errors."""
    it.variant = "inline"
    for exchange in (
        await another_method(it, "GET"),
        await nothing_there(it),
    ):
        body = exchange.json()
        error = body.get("error") if isinstance(body, dict) else None
        if not isinstance(error, dict) or not all(isinstance(error.get(key), str) for key in ("message", "code")):
            it.wrong('{"error": {"message": "...", "code": "..."}}', exchange.shown()[:200], exchange)


@requirement(
    "methods.unknown-paths",
    "Paths that the document does not name are answered with 404.",
    source="openapi/calls.yaml#/info/description",
    how="GET and POST are sent to made-up paths beside and below the two operations.",
    why="A catch-all that answers everything hides every typing error.",
    mend="Answer what is not routed with 404.",
)
async def unknown_paths(it: Context) -> None:
    """Beside and below."""
    word = f"nothing-{secrets.token_hex(4)}"
    exchanges = [await nothing_there(it)]
    for method, path in (
        ("GET", f"/calls/{word}"),
        ("POST", f"/calls/create/{word}"),
        ("POST", f"/calls/inline/{word}"),
        ("POST", f"/{word}/calls/inline"),
    ):
        exchanges.append(await _request(it, method, path))
    for exchange in exchanges:
        if exchange.status != 404:
            it.wrong("404: there is nothing at this path", exchange.shown()[:300], exchange)


async def another_method(it: Context, method: str) -> Exchange:
    """Another method on an operation's path, once in a run."""
    path = f"/calls/{it.variant}"
    exchange: Exchange = await it.judge.recording(f"{method} {path}", lambda: _request(it, method, path))
    return exchange


async def nothing_there(it: Context) -> Exchange:
    """GET of a path that is not there, once in a run."""
    path = f"/nothing-{secrets.token_hex(4)}"
    exchange: Exchange = await it.judge.recording("GET nothing", lambda: _request(it, "GET", path))
    return exchange


async def _request(it: Context, method: str, path: str) -> Exchange:
    content = b"" if method in ("GET", "DELETE", "TRACE") else _valid(it, path)
    headers = {"Content-Type": "application/json"} if content else None
    return await it.target.request(method, path, key=it.target.key(), content=content, headers=headers)


def _valid(it: Context, path: str) -> bytes:
    return json.dumps(it.valid("create" if "create" in path and it.settings.agent else "inline")).encode()


async def _bare(it: Context, line: str) -> tuple[int | None, bytes]:
    """Status and body of an answer, as the bytes come over a connection of its own."""
    parts = urlsplit(it.settings.url)
    secure = parts.scheme == "https"
    context = ssl.create_default_context() if secure else None
    if context is not None and it.settings.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    key = it.target.key()
    request = f"{line}\r\nHost: {parts.netloc}\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n"
    received = b""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if secure else 80), ssl=context
            )
            writer.write(request.encode())
            while len(received) < 65536 and (part := await reader.read(65536)):
                received += part
            writer.close()
    except (OSError, TimeoutError):
        pass
    found = re.match(rb"HTTP/1\.[01] (\d{3})", received)
    return (int(found[1]) if found else None), received.partition(b"\r\n\r\n")[2]
