"""The one shape of errors, what each answer carries, and the error of an empty account."""

from __future__ import annotations

from contract_tests.context import Context, audio_settings
from contract_tests.exchanges import typical
from contract_tests.findings import Level
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import ERROR, HEADERS
from contract_tests.target import Exchange, NotChecked


async def _shapes(it: Context) -> None:
    """What every error so far looks like."""
    seen: set[tuple[str, int | None, str]] = set()
    for exchange in it.seen:
        fault = _shape_fault(it, exchange)
        if fault and (kind := (exchange.operation, exchange.status, fault[:40])) not in seen:
            seen.add(kind)
            it.wrong('{"error": {"message": a string, "code": a string that is not empty}}', fault, exchange)


@requirement(
    "errors.shape",
    'Every error has one shape: {"error": {"message": "...", "code": "..."}}, as application/json.',
    source=ERROR,
    how="Every error of the whole run on the two operations (400, 401, 402, 404, 413, 415, 429, 5xx) is read.",
    why="Clients read error.message; what they cannot read they cannot show.",
    mend="Answer every error in one place, the framework's own (parse errors, media types) too.",
    order="last",
    ahead=_shapes,
    smoke=True,
)
async def error_shape(it: Context) -> None:
    """Every error so far, and one of each kind made for this."""
    await typical(it)
    await _shapes(it)


def _shape_fault(it: Context, exchange: Exchange) -> str:
    """What is wrong with the shape of an error; empty for what is right, and for what is not judged."""
    judged = exchange.operation and exchange.method == "POST" and exchange.status is not None and exchange.status >= 400
    if not judged or len(exchange.content) > 64 * 1024 or exchange.status == 405 or _is_odd(exchange):
        return ""
    if exchange.media_type != "application/json":
        return (
            f"{exchange.status} with Content-Type {exchange.header('content-type')}: {it.target.shown(exchange, 200)}"
        )
    error = exchange.json_object().get("error")
    if not isinstance(error, dict):
        return it.target.shown(exchange)
    if not isinstance(error.get("message"), str) or not isinstance(error.get("code"), str) or not error["code"].strip():
        return it.target.shown(exchange)
    return ""


def _is_odd(exchange: Exchange) -> bool:
    """Whether a request is one for which the contract leaves everything but the status free."""
    declared = dict(exchange.headers)
    if "Content-Encoding" in declared or declared.get("Content-Type", " ").strip() in ("", ";;;///"):
        return True
    if "utf-16" in declared.get("Content-Type", ""):
        return True
    odd = (b"\\u0000", b"\\ud800", b"\\udfff", b"\x00", b"\xef\xbb\xbf", b"__proto__")
    deep = (b"[" * 6, b'{"a":' * 65)
    return any(part in exchange.content for part in (*odd, *deep, b"9" * 300))


async def _request_ids(it: Context) -> None:
    """Whether every answer so far has one."""
    seen: set[int] = set()
    for exchange in it.seen:
        if not exchange.operation or exchange.status is None or exchange.status in seen:
            continue
        if not exchange.header("x-request-id"):
            seen.add(exchange.status)
            it.wrong("X-Request-Id", f"no such header on {exchange.status}", exchange)


@requirement(
    "errors.request-id",
    "Every answer carries X-Request-Id.",
    source=f"{HEADERS}/RequestId",
    level=Level.SHOULD,
    how="The answers of both operations, errors too, are read.",
    why="It is what a user quotes when they ask for help.",
    mend="Make an id for each request, log it, and send it back.",
    order="last",
    ahead=_request_ids,
)
async def request_id(it: Context) -> None:
    """Answers of each status."""
    await typical(it)
    await _request_ids(it)


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
    elsewhere = False
    for changes in ({}, {"connectionType": "plivo"}, audio_settings("websocket")):
        exchange = await it.post(it.variant, it.valid(it.variant, **changes), key=key)
        elsewhere = elsewhere or (it.variant == "create" and exchange.status == 404)
        if exchange.status != 402 and not elsewhere:
            it.wrong("402: the balance is used up", it.target.shown(exchange), exchange)
        if b"websocketUrl" in exchange.body:
            it.wrong("no call is created", it.target.shown(exchange), exchange)
    if elsewhere:
        raise NotChecked("404: the key of --unfunded-key seems to be of a workspace that does not have the --agent")
