"""What only all answers of a run together show."""

from __future__ import annotations

import asyncio
import time

from contract_tests.context import Context
from contract_tests.exchanges import plainly_created, respelled
from contract_tests.legal_requests import all_accepted, fullest
from contract_tests.moments import moment_of
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import CREATED_CALL
from contract_tests.target import Exchange, Meant, NotChecked

APART_S = 4.0
FORGIVEN_S = 2.5
"""createdAt may be in whole seconds, and an answer takes up to QUICK_S."""

QUICK_S = 1.0


@requirement(
    "answers.created-at-advances",
    "createdAt is the moment of each call's own creation.",
    source=f"{CREATED_CALL}/properties/createdAt",
    how="Two answers 201 of the run that lie four seconds apart or more must be as far apart by their createdAt; two "
    "and a half are forgiven.",
    why="A time that was taken when the server started is the same for every call.",
    mend="Take the time in the request, not when the module is loaded or the class is made.",
    order="last",
)
async def created_at_advances(it: Context) -> None:
    """The first and the last answer, or one that is made for this."""
    timed = _timed(it) or [await _timed_call(it)]
    (began, exchange), (ended, other) = timed[0], timed[-1]
    if other.answered_at - exchange.answered_at < APART_S:
        await asyncio.sleep(max(0.0, exchange.answered_at + APART_S - time.time()))
        ended, other = await _timed_call(it)
    apart_s = other.answered_at - exchange.answered_at
    if abs(ended - began - apart_s) > FORGIVEN_S:
        received = f"{ended - began:.1f} s: {other.json_object()['createdAt']}"
        it.wrong(f"createdAt {apart_s:.1f} s after that of the first call", received, exchange, other)


def _timed(it: Context) -> list[tuple[float, Exchange]]:
    """The answers 201 that came quickly, each with the moment that it names, in the order in which they came."""
    timed = [
        (moment, each)
        for each in it.target.journal.exchanges
        if each.status == 201
        and each.took_s < QUICK_S
        and (moment := moment_of(each.json_object().get("createdAt"))) is not None
    ]
    return sorted(timed, key=lambda pair: pair[1].answered_at)


async def _timed_call(it: Context) -> tuple[float, Exchange]:
    exchange = await it.post("inline", it.valid("inline"), meant=Meant.VALID)
    moment = moment_of(exchange.json_object().get("createdAt"))
    if exchange.status != 201 or moment is None:
        raise NotChecked("no call was created that says when; answers.created-at says more")
    if exchange.took_s >= QUICK_S:
        raise NotChecked("the target answers too slowly to tell a call's moment")
    return moment, exchange


@requirement(
    "answers.every-valid-request",
    "Every valid request of the run is answered with 201.",
    source="openapi/calls.yaml#/paths",
    how="Requests with all that is legal in them are sent, and the answers to every valid request of the run are "
    "looked at: what is legal in each part must be legal in any combination. Where another check has reported one of "
    "them, this one says nothing.",
    why="A rule that no document names surprises its clients one by one.",
    mend="See the answer: it should say what was not understood. Leave the rule out, or propose it for the contract.",
    variants=OPERATIONS,
    order="last",
)
async def every_valid_request(it: Context) -> None:
    """The smallest one that was refused."""
    await plainly_created(it, it.variant)
    await respelled(it, it.variant)
    await fullest(it, it.variant)
    await all_accepted(it, it.variant)
    refused = [each for each in it.target.journal.exchanges if _was_refused(it, each)]
    reported = [shown for exchanges in it.judge.shown.values() for shown in exchanges]
    if refused and not any(shown is each for shown in reported for each in refused):
        exchange = min(refused, key=lambda each: len(each.content))
        it.wrong("201: the request is valid", it.target.shown(exchange), exchange)


def _was_refused(it: Context, exchange: Exchange) -> bool:
    """Whether a valid request of this operation, with a key that works, was refused for what is in it."""
    keys = (exchange.key, *(value for name, value in exchange.headers if name.lower() == "x-api-key"))
    return (
        exchange.operation == it.variant
        and exchange.meant is Meant.VALID
        and exchange.status not in (None, 201, 402, 429)
        and any(key in it.settings.api_keys for key in keys)
        and it.overruled(it.variant, exchange.content) is not False
    )
