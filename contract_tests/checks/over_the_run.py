"""What only all answers of a run together show."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence

from contract_tests.context import Context
from contract_tests.exchanges import plainly_created, respelled
from contract_tests.legal_requests import all_accepted, fullest
from contract_tests.moments import moment_of
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import CREATED_CALL
from contract_tests.target import JUDGED, Exchange, Meant, NotChecked

APART_S = 4.0
MINUTE_S = 60.0
"""createdAt may be in whole minutes."""
AGAIN_S = 2.0
"""After so long no clock names a moment again, to the second, unless it was set back."""
CLOCKS = 3
"""So many nodes' clocks, or one that was set back, may name one moment one after the other."""

QUICK_S = 1.0


async def _stands(it: Context) -> None:
    """Whether createdAt stood still so far, for as long as it is looked at where there is nothing else to go by."""
    timed = _timed(it)
    if not timed or timed[-1][1].answered_at - timed[0][1].answered_at < APART_S + AGAIN_S:
        return
    if timed[-1][0] in {moment for moment, _ in timed[:-1]}:
        _judge_stands(it, timed)


@requirement(
    "answers.created-at-advances",
    "createdAt is the moment of each call's own creation.",
    source=f"{CREATED_CALL}/properties/createdAt",
    how="Of the answers 201 of the run those are looked at that lie two seconds apart, at least three: they must name "
    "more moments than a third of their number; where all name one whole minute, they must lie a minute apart. Whether "
    "the clock is right is another sentence's.",
    why="A time that was taken when the server started is the same for every call.",
    mend="Take the time in the request, not when the module is loaded or the class is made.",
    order="last",
    ahead=_stands,
)
async def created_at_advances(it: Context) -> None:
    """All answers, or two that are made for this; and one more before anybody is accused."""
    timed = _timed(it) or [await _timed_call(it)]
    first = timed[0][1]
    if timed[-1][1].answered_at - first.answered_at < APART_S:
        await asyncio.sleep(max(0.0, first.answered_at + APART_S - time.time()))
        timed.append(await _timed_call(it))
    if not stand([(moment, each.answered_at) for moment, each in timed], to_come=1):
        return
    await asyncio.sleep(AGAIN_S)
    timed.append(await _timed_call(it))
    _judge_stands(it, timed)


def _judge_stands(it: Context, timed: Sequence[tuple[float, Exchange]]) -> None:
    if not stand([(moment, each.answered_at) for moment, each in timed]):
        return
    first, (moment, last) = timed[0][1], timed[-1]
    apart_s = last.answered_at - first.answered_at
    if moment % MINUTE_S == 0 and apart_s < MINUTE_S + AGAIN_S:
        raise NotChecked("createdAt is in whole minutes, and this run was too short to see one go by")
    received = f"{moment - timed[0][0]:.1f} s: {last.json_object()['createdAt']}"
    it.wrong(f"createdAt {apart_s:.1f} s after that of the first call", received, first, last)


def stand(named: Sequence[tuple[float, float]], to_come: int = 0) -> bool:
    """Whether the moments that answers name, each with when it came, in that order, do not go on with the time.

    Several that are named again and again are those at which the workers of one server began.
    """
    moments, looked_at = set(), -math.inf
    looks = to_come
    for moment, answered_at in named:
        if answered_at >= looked_at + AGAIN_S:
            moments.add(moment)
            looks, looked_at = looks + 1, answered_at
    if all(moment % MINUTE_S == 0 for moment in moments):
        return len(moments) == 1
    return looks >= CLOCKS * len(moments)


def _timed(it: Context) -> list[tuple[float, Exchange]]:
    """The answers 201 that came quickly, each with the moment that it names, in the order in which they came."""
    timed = [
        (moment, each)
        for each in it.seen
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


async def _all_refused(it: Context) -> None:
    """What was refused so far, once those that may report it have."""
    if it.judge.plain_over:
        _judge_refused(it)


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
    ahead=_all_refused,
)
async def every_valid_request(it: Context) -> None:
    """The smallest one that was refused."""
    await plainly_created(it, it.variant)
    await respelled(it, it.variant)
    await fullest(it, it.variant)
    await all_accepted(it, it.variant)
    _judge_refused(it)


def _judge_refused(it: Context) -> None:
    refused = [each for each in it.seen if _was_refused(it, each)]
    reported = [shown for exchanges in it.judge.shown.values() for shown in exchanges]
    if refused and not any(shown is each for shown in reported for each in refused):
        exchange = min(refused, key=lambda each: len(each.content))
        it.wrong("201: the request is valid", it.target.shown(exchange), exchange)


def _was_refused(it: Context, exchange: Exchange) -> bool:
    """Whether a valid request of this operation, with a key that works, was refused for what is in it.

    Of a status that is not in the document answers.fit-the-document says so.
    """
    keys = (exchange.key, *(value for name, value in exchange.headers if name.lower() == "x-api-key"))
    return (
        exchange.operation == it.variant
        and exchange.meant is Meant.VALID
        and exchange.status in JUDGED
        and exchange.status not in (201, 402, 429)
        and any(key in it.settings.api_keys for key in keys)
        and it.overruled(it.variant, exchange.content) is not False
    )
