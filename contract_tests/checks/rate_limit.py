"""The rate limit: headers that tell the truth, and 429 for a key over it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

from contract_tests.context import Context
from contract_tests.exchanges import plainly_created, respelled, typical
from contract_tests.findings import Level
from contract_tests.moments import moment_of
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import HEADERS
from contract_tests.target import Exchange, Meant, NotChecked, OutOfRequests

RATE = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
IN_A_ROW = 6
AT_ONCE_S = 3.0
MOST_REQUESTS = 150
"""How many requests a limited key may take to get over its limit."""
LOOKS = 3
"""A limit that ends between two requests does so once; what is wrong shows each time."""
AN_HOUR = 1000
"""How many requests an hour a key has where no header says so."""

FORGIVEN_S = 2.0
"""How far a reset may lie back by the target's own clock."""
SKEW_S = 300.0
"""How far that clock may be behind this one's."""

AGES_S = 400 * 86400.0
"""A reset that is further ahead is no moment in seconds."""

_WHOLE = re.compile("[0-9]{1,18}")


@requirement(
    "rate-limit.truthful",
    "Rate headers tell the truth: the limit is constant, what remains falls, the reset is not in the past.",
    source=f"{HEADERS}/RateLimitRemaining",
    how="At least six valid requests of one operation are made one after the other, with nothing beside them, and the "
    "headers of their answers compared.",
    why="Clients pace themselves by these numbers.",
    mend="Count each request once, per key, and send the counter itself.",
    variants=OPERATIONS,
    order="first",
)
async def rates_truthful(it: Context) -> None:
    """Six requests or more, with one key."""
    exchanges = await _in_a_row(it)
    answered = [each for each in exchanges if each.status == 201]
    limited = next((each for each in exchanges if each.status == 429), None)
    if limited is not None:
        left = _number(answered[-1], "x-ratelimit-remaining") if answered else None
        if left:
            it.wrong(f"no 429 while {left} requests remain", it.target.shown(limited), limited)
            return
        raise NotChecked("the key is at its rate limit: give more keys (--api-key) or raise the limit")
    values = {name: [each.header(name) for each in answered] for name in RATE}
    if len(answered) < 2 or not any(value is not None for row in values.values() for value in row):
        raise NotChecked("the target sends no rate headers with 201 (a SHOULD: rate-limit.present)")
    for name, row in values.items():
        for exchange, value in zip(answered, row, strict=True):
            if value is not None and not _WHOLE.fullmatch(value):
                it.wrong(f"{name}: a whole number", f"{name}: {value}", exchange)
                return
    limits, remaining, resets = ([int(value) for value in row if value is not None] for row in values.values())
    # In a window that began anew, what remains is as much as before, or more.
    renewed = len(set(resets)) > 1 and resets[-1] - resets[0] > 30
    _judge_counts(it, answered[-1], limits, remaining, renewed=renewed)
    _judge_resets(it, answered, resets)


async def _in_a_row(it: Context) -> list[Exchange]:
    """Valid requests of one operation with one key: at least six that are answered with 201, or all up to a 429."""
    journal = it.seen
    began = len(journal)
    # A rate limit is judged here, not by whom it stops.
    with suppress(OutOfRequests):
        plain = await plainly_created(it, it.variant)
        await respelled(it, it.variant, plain[-1].key or "")
    key = journal[began].key if len(journal) > began else it.target.key()
    # The run may have begun with one of them.
    first = [each for each in journal[:began] if _follows_at_once(it, each) and each.key == key]
    exchanges = [*first, *journal[began:]]
    for _ in range(IN_A_ROW):
        created = sum(each.status == 201 for each in exchanges)
        if created >= IN_A_ROW or any(each.status == 429 for each in exchanges):
            break
        exchanges.append(await it.post(it.variant, it.valid(), key=key, meant=Meant.VALID, limit_matters=True))
    return exchanges


def _follows_at_once(it: Context, exchange: Exchange) -> bool:
    """Whether an earlier exchange belongs to a row that begins now."""
    return (
        exchange.operation == it.variant
        and exchange.status == 201
        and exchange.content == json.dumps(it.valid(), ensure_ascii=False).encode()
        and time.time() - exchange.answered_at < AT_ONCE_S
    )


def _judge_counts(
    it: Context, last: Exchange, limits: Sequence[int], remaining: Sequence[int], *, renewed: bool
) -> None:
    if len(set(limits)) > 1:
        it.wrong("a constant X-RateLimit-Limit", f"{limits}", last)
    if limits and remaining and max(remaining) > max(limits):
        it.wrong(f"X-RateLimit-Remaining of at most the limit, {limits[0]}", f"{remaining}", last)
    if renewed:
        return
    if any(after > before for before, after in pairwise(remaining)):
        it.wrong("X-RateLimit-Remaining that does not rise", f"{remaining}", last)
    if len(remaining) >= IN_A_ROW and remaining[-1] >= remaining[0]:
        it.wrong("X-RateLimit-Remaining that has fallen after five requests", f"{remaining}", last)


def _behind_s(it: Context) -> float:
    """By how much the target's clock is behind ours, as far as that is forgiven: createdAt tells."""
    for exchange in reversed(it.seen):
        if (late_s := _late_s(exchange)) is not None:
            return late_s
    return 0.0


def _late_s(exchange: Exchange) -> float | None:
    """The same of the clock that an answer was written by; None where it does not tell."""
    moment = moment_of(exchange.json_object().get("createdAt")) if exchange.status == 201 else None
    return None if moment is None else max(0.0, min(SKEW_S, exchange.answered_at - moment))


def _judge_resets(it: Context, answered: Sequence[Exchange], resets: Sequence[int]) -> None:
    behind_s = _behind_s(it)
    for exchange, reset in zip(answered, resets, strict=False):
        if reset < exchange.answered_at - FORGIVEN_S - behind_s:
            it.wrong("X-RateLimit-Reset in Unix seconds, not in the past", f"{reset}", exchange)
            return
        if reset > exchange.answered_at + AGES_S:
            it.wrong("X-RateLimit-Reset in Unix seconds", f"{reset}, which is years ahead", exchange)
            return


async def _past(it: Context) -> None:
    """Whether the last answer so far names a moment that was over."""
    if (exchange := _last_counted(it)) is not None:
        _judge_past(it, exchange)


@requirement(
    "rate-limit.reset-ahead",
    "X-RateLimit-Reset is not in the past, late in the run either.",
    source=f"{HEADERS}/RateLimitReset",
    how="The header of the last 201 of the run is read. Where it names the moment of its own request, a second or two "
    "are waited for, and another valid request is made.",
    why="Who waits until then would not wait at all.",
    mend="Send when the window ends, not when it began.",
    variants=OPERATIONS,
    order="last",
    ahead=_past,
)
async def reset_ahead(it: Context) -> None:
    """As late as there is something to read."""
    exchange = _last_counted(it) or await it.post(it.variant, it.valid(), meant=Meant.VALID)
    over_s = _over_s(it, exchange)
    if 0 < over_s <= FORGIVEN_S:
        await asyncio.sleep(FORGIVEN_S - over_s + 1.0)
        exchange = await it.post(it.variant, it.valid(), meant=Meant.VALID)
    _judge_past(it, exchange)


def _judge_past(it: Context, exchange: Exchange) -> None:
    if (over_s := _over_s(it, exchange)) > FORGIVEN_S:
        reset = exchange.header("x-ratelimit-reset")
        it.wrong("X-RateLimit-Reset in Unix seconds, not in the past", f"{reset}, {over_s:.0f} s ago", exchange)


def _last_counted(it: Context) -> Exchange | None:
    for exchange in reversed(it.seen):
        if exchange.operation == it.variant and exchange.status == 201 and exchange.key in it.settings.api_keys:
            return exchange
    return None


def _over_s(it: Context, exchange: Exchange) -> float:
    """For how long the moment that X-RateLimit-Reset names was over when the answer was asked for, in seconds."""
    reset = _number(exchange, "x-ratelimit-reset") if exchange.status == 201 else None
    if reset is None:
        raise NotChecked("the target sends no such header with 201; rate-limit.present says more")
    # There may be several clocks.
    behind_s = _late_s(exchange)
    return exchange.answered_at - exchange.took_s - reset - (_behind_s(it) if behind_s is None else behind_s)


async def _missing(it: Context) -> None:
    """What the first answers of two kinds lack."""
    # Also ahead those of the whole run: the first ones are looked at.
    answers = [each for each in it.target.journal.exchanges if each.operation == it.variant]
    for status in (201, 400):
        exchange = next((e for e in answers if e.status == status and e.key in it.settings.api_keys), None)
        missing = [name for name in RATE if exchange is not None and exchange.header(name) is None]
        if exchange is not None and missing:
            it.wrong("the three rate headers", f"{status} without {', '.join(missing)}", exchange)


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
    ahead=_missing,
)
async def rates_present(it: Context) -> None:
    """On success and on a bad request."""
    await typical(it)
    await _missing(it)


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
    for operation in ("inline", "create") if it.settings.agent is not None else ("inline",):
        refused = await _over_its_limit(it, key)
        if refused is None:
            return
        await _judge_operation(it, operation, refused)


async def _judge_operation(it: Context, operation: str, refused: Exchange) -> None:
    """Look at how a key that was just refused is answered by an operation."""
    again: Exchange | None = refused
    for look in range(LOOKS):
        # Its limit may have ended since, or it may be let in once more.
        if look and (again := await _over_its_limit(it, refused.key, again)) is None:
            return
        exchange = await it.post(operation, it.valid(operation), key=refused.key)
        if exchange.status == 429:
            _judge_refusal(it, exchange)
            return
        if operation == "create" and exchange.status == 404:
            # The key may be of another workspace, which does not have the agent.
            return
    if LOOKS > 1 + _come_back(refused, exchange):
        it.wrong(f"429 on /calls/{operation} too", it.target.shown(exchange), exchange)
        return
    raise NotChecked("the key of --limited-key is let in again too soon to judge its limit")


async def _over_its_limit(it: Context, key: str | None, before: Exchange | None = None) -> Exchange | None:
    """Make requests with a key until it is refused, perhaps again: the answer that says so.

    None, and written down, where it is not refused in time.
    """
    expected = "429 within 150 requests: the key was given as one that is limited"
    exchange = await it.post("inline", it.valid("inline"), key=key)
    spent: list[Exchange] = []
    for _ in range(MOST_REQUESTS):
        if exchange.status == 429:
            return exchange
        if _number(exchange, "x-ratelimit-remaining") == 0:
            spent.append(exchange)
        exchange = await it.post("inline", it.valid("inline"), key=key)
        # Once it may be let in because its limit has just ended, or a request come back.
        if exchange.status != 429 and spent and len(spent) > 1 + _come_back(spent[0], exchange):
            expected = "429: nothing remained after the request before"
            break
    if exchange.status == 429:
        return exchange
    if before is not None and _may_have_ended(before, exchange):
        raise NotChecked("the limit of --limited-key ended while it was looked at: run again")
    it.wrong(expected, it.target.shown(exchange), exchange)
    return None


def _come_back(first: Exchange, last: Exchange) -> float:
    """How many requests are allowed again from one to another, where they come back one by one over the hour."""
    limit = _number(last, "x-ratelimit-limit") or AN_HOUR
    return max(0.0, last.answered_at - first.answered_at + first.took_s) * limit / 3600


def _may_have_ended(refused: Exchange, later: Exchange) -> bool:
    """Whether a key that was refused may have been allowed again by then, as Retry-After says."""
    wait_s = _number(refused, "retry-after")
    return wait_s is None or later.answered_at - refused.answered_at + FORGIVEN_S >= wait_s


def _judge_refusal(it: Context, exchange: Exchange) -> None:
    if not re.fullmatch(r"\d+", exchange.header("retry-after") or ""):
        it.wrong("Retry-After: whole seconds", f"Retry-After: {exchange.header('retry-after')}", exchange)
    for name in RATE:
        if _number(exchange, name) is None:
            it.wrong(f"{name}: a whole number", f"{name}: {exchange.header(name)}", exchange)
    if _number(exchange, "x-ratelimit-remaining") not in (0, None):
        it.wrong("X-RateLimit-Remaining: 0", f"{exchange.header('x-ratelimit-remaining')}", exchange)
    reset = _number(exchange, "x-ratelimit-reset")
    if reset is not None and reset < time.time() - FORGIVEN_S - _behind_s(it):
        it.wrong("X-RateLimit-Reset in Unix seconds, not in the past", f"{reset}", exchange)


def _number(exchange: Exchange, name: str) -> int | None:
    value = exchange.header(name)
    return int(value) if value is not None and _WHOLE.fullmatch(value) else None
