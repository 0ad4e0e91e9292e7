"""What comes last looks at what was seen so far while the run goes on, and tells it."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from dataclasses import replace

from contract_tests.context import Context
from contract_tests.engine import Job, Selection
from contract_tests.findings import Finding, Verdict
from contract_tests.judge import Judge
from contract_tests.requirements import CheckFunction, all_checks
from contract_tests.settings import TargetSettings
from contract_tests.target import Exchange, NotChecked
from tests.contract_tests.targets import job_named, run_on_nothing
from tests.faults.fault import Change, Hooks, Reply, Request, hooked
from tests.trusting import judge_change

MOST_S = 20.0


async def _sees(it: Context) -> None:
    it.wrong("something", "something else")


async def _sees_nothing(it: Context) -> None:
    pass


async def _has_no_request_left(it: Context) -> None:
    raise NotChecked("no request is left")


def _last(run: CheckFunction, variant: str) -> Job:
    """A last check, which sees something ahead."""
    named = job_named("inline.voice")
    return replace(named, variant=variant, check=replace(named.check, run=run, order="last", ahead=_sees))


def test_what_is_seen_ahead_is_told_at_once_and_once_and_the_end_has_the_last_word() -> None:
    told: list[str] = []
    all_told = asyncio.Event()

    def tell(finding: Finding) -> None:
        told.append(finding.variant)
        if len(told) == 3:
            all_told.set()

    async def takes_long(it: Context) -> None:
        await all_told.wait()

    named = job_named("inline.voice")
    slow = replace(named, check=replace(named.check, run=takes_long), variant="slow")
    last = [_last(_sees, "found"), _last(_has_no_request_left, "no look left"), _last(_sees_nothing, "right")]
    found = asyncio.run(asyncio.wait_for(run_on_nothing([*last, slow], tell), MOST_S))
    assert sorted(told[:3]) == ["found", "no look left", "right"] and told[3:] == ["slow"]
    verdicts = [finding.verdict for finding in found]
    assert verdicts == [Verdict.VIOLATED, Verdict.VIOLATED, Verdict.PASSED, Verdict.PASSED]


def test_nobody_looks_again_where_nothing_new_was_seen() -> None:
    looks: list[str] = []

    async def look(it: Context) -> None:
        looks.append(it.variant)

    async def takes_a_while(it: Context) -> None:
        await asyncio.sleep(1.0)

    named = job_named("inline.voice")
    slow = replace(named, check=replace(named.check, run=takes_a_while))
    last = replace(named, variant="last", check=replace(named.check, run=_sees_nothing, order="last", ahead=look))
    asyncio.run(asyncio.wait_for(run_on_nothing([slow, last]), MOST_S))
    assert looks == ["last"]


def test_what_comes_last_looks_ahead() -> None:
    blind = {check.requirement.name for check in all_checks() if check.order == "last" and check.ahead is None}
    # That nobody lets go of calls is said of all of them: one that is let go of is enough.
    assert blind == {"media.caller-hangs-up"}


def test_what_another_of_the_last_ones_tells_of_a_refusal_hides_it_not() -> None:
    def refuse(request: Request) -> Reply | None:
        body = request.json() or {}
        wrong = request.operation == "inline" and "inactivityTimeout" in body and "inactivityAction" not in body
        return Reply.error(400) if wrong else None

    def forget(request: Request, reply: Reply) -> None:
        reply.headers.pop("x-request-id", None)

    names = ("errors.request-id", "answers.every-valid-request[inline]", "websocket-url.plain-get")
    change = Change(name="two faults", apply=hooked(Hooks(before=refuse, after=forget)))
    only = (*names, "authentication.valid-key[inline]")
    judged = asyncio.run(judge_change(change, Selection(only=only).jobs(all_checks())))
    assert judged.crash == ""
    verdicts = {finding.name: finding.verdict for finding in judged.findings}
    assert [verdicts[name] for name in names] == [Verdict.WARNED, Verdict.VIOLATED, Verdict.PASSED]


def _created(customer: str, *, leaks: str = "") -> Exchange:
    """A call of a customer, whose name is in the URL and in a header; `leaks` is in another one."""
    token = secrets.token_urlsafe(16)
    body = {"id": secrets.token_hex(8), "websocketUrl": f"ws://127.0.0.1:1/{customer}/{token}"}
    return Exchange(
        method="POST",
        path="/calls/inline",
        operation="inline",
        status=201,
        answer_headers=(("x-workspace-id", customer), ("x-before", leaks)),
        body=json.dumps(body).encode(),
    )


def test_what_stands_in_every_url_of_a_customer_is_no_token() -> None:
    customers = [f"workspace-{uuid.uuid4()}" for _ in range(3)]
    check = next(check for check in all_checks() if check.requirement.name == "websocket-url.never-echoed")
    ahead = check.ahead
    assert ahead is not None

    async def accused() -> list[bool]:
        it = Judge(TargetSettings(url="http://127.0.0.1:1", api_keys=("ck_any_key",)))
        found = []

        async def look() -> None:
            context = Context(it, "")
            await ahead(context)
            found.append(bool(context.cases))

        try:
            it.plain_ones = [asyncio.create_task(asyncio.sleep(0))]
            for customer in customers:
                it.target.add(_created(customer))
                it.target.add(replace(_created(customer), status=400, body=b"{}"))
            await look()
            await asyncio.gather(*it.plain_ones)
            for customer in customers:
                it.target.add(_created(customer))
            await look()
            token = it.target.token_of(it.target.journal.exchanges[0].json_object())
            it.target.add(_created(customers[0], leaks=token))
            await look()
        finally:
            await it.close()
        return found

    assert asyncio.run(accused()) == [False, False, True]
