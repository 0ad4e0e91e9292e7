"""Methods and paths that the contract lacks."""

from __future__ import annotations

import re
import secrets

from contract_tests.context import Context
from contract_tests.exchanges import another_method, at_path, nothing_there
from contract_tests.findings import Level
from contract_tests.raw import plain_request
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import API, ERROR
from contract_tests.target import KEY_VARIABLE

NOT_ALLOWED = "openapi/calls.yaml#/components/responses/MethodNotAllowed"
HALVES = {"create": ("PUT",), "inline": ("PATCH", "TRACE")}


@requirement(
    "methods.not-allowed",
    "A method that a path does not have is answered with 405.",
    source=NOT_ALLOWED,
    how="GET and DELETE are sent to both paths, PUT to that of create, PATCH and TRACE (405 or 501) to that of inline, "
    "with a valid key.",
    why="A client that uses the wrong method must be told so, not that there is nothing there.",
    mend="Route all methods of the path, and answer those that it does not have with 405.",
    variants=OPERATIONS,
    smoke=True,
)
async def not_allowed(it: Context) -> None:
    """Each method."""
    for method in _methods(it):
        exchange = await another_method(it, method)
        allowed = (405, 501) if method == "TRACE" else (405,)
        if exchange.status not in allowed:
            it.wrong(f"{' or '.join(map(str, allowed))}: the path has no {method}", it.target.shown(exchange), exchange)


def _methods(it: Context) -> tuple[str, ...]:
    return ("GET", "DELETE", *(("PUT", "PATCH", "TRACE") if it.deep else HALVES[it.variant]))


@requirement(
    "methods.allow",
    "405 comes with Allow, which names POST and no method that is itself answered with 405.",
    source=f"{NOT_ALLOWED}/headers/Allow",
    how="The header Allow of each 405 but that to TRACE is read, and each method that it names is tried.",
    why="It is how a client learns what to do instead (RFC 9110, 15.5.6).",
    mend="Send Allow: POST with 405.",
    variants=OPERATIONS,
    smoke=True,
)
async def allow(it: Context) -> None:
    """What it names."""
    for method in _methods(it):
        if method == "TRACE":
            continue
        exchange = await another_method(it, method)
        if exchange.status != 405:
            continue
        named = {word.upper() for word in exchange.listed("allow")}
        received = f"Allow: {', '.join(exchange.listed('allow')) or 'missing'}"
        if "POST" not in named:
            it.wrong("Allow: POST", received, exchange)
            continue
        for other in sorted(named - {"POST"}):
            if not re.fullmatch(r"[A-Z]{1,16}", other) or other == "CONNECT":
                continue
            tried = await another_method(it, other)
            if tried.status == 405:
                it.wrong(f"no {other} in Allow: it is answered with 405", received, exchange)


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
    address = f"{it.settings.url}/calls/{it.variant}"
    key = it.target.key()
    it.target.count(key)
    # An HTTP client would not read what must not be there.
    headers = {"X-API-Key": key, "Connection": "close"}
    answer = await plain_request("HEAD", address, it.settings, headers=headers)
    command = f'curl -isS --head -H "X-API-Key: {KEY_VARIABLE}" {address}'
    if answer.status not in (404, 405):
        it.wrong("405 or 404", f"{answer.status}" if answer.status else "no answer", command)
    elif answer.body:
        it.wrong("no body", f"a body that begins with {it.judge.secrets.beginning(answer.body, 80)!r}", command)


@requirement(
    "methods.error-shape",
    "405 and 404 for unknown paths have the shape of an error.",
    source=ERROR,
    level=Level.SHOULD,
    how="The bodies of a 405 and of a 404 are read.",
    why="Clients read error.message of every error.",
    mend="Have the framework's own errors answered in the contract's shape.",
)
async def error_shape(it: Context) -> None:
    """Both errors."""
    it.variant = "inline"
    for exchange in (await another_method(it, "GET"), await nothing_there(it)):
        error = exchange.json_object().get("error")
        if not isinstance(error, dict) or not all(isinstance(error.get(key), str) for key in ("message", "code")):
            it.wrong('{"error": {"message": "...", "code": "..."}}', it.target.shown(exchange, 200), exchange)


@requirement(
    "methods.unknown-paths",
    "Paths that the document does not name are answered with 404.",
    source=API,
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
        exchanges.append(await at_path(it, method, path))
    for exchange in exchanges:
        if exchange.status != 404:
            it.wrong("404: there is nothing at this path", it.target.shown(exchange, 300), exchange)
