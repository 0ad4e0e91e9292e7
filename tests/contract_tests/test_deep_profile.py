"""What only the deep profile does: schemathesis runs by itself, and hypothesis talks on the socket."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest

from contract_tests import fuzzing
from contract_tests.context import Call, Context
from contract_tests.engine import Selection
from contract_tests.findings import Finding, Verdict
from contract_tests.judge import Judge
from contract_tests.message_fuzzing import smallest_crash
from contract_tests.run import judge
from contract_tests.settings import Profile, TargetSettings
from contract_tests.target import Target
from tests.faults.fault import Apply, Close, Reply, Request, Socket, Wires, after, hears
from tests.freedoms import balance_of
from tests.running import running_mock

pytestmark = pytest.mark.alone

EXAMPLES = [
    {"event": "mark", "sequenceNumber": "4", "streamSid": "MZ1", "mark": {"name": "greeting"}},
    {"event": "dtmf", "sequenceNumber": "5", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "1"}},
]


def nothing(server: Any) -> None:
    """Leave it as it is."""


def _settings(base_url: str, max_time_s: float) -> TargetSettings:
    return TargetSettings(
        url=f"{base_url}/api/v1",
        api_keys=("ck_mock_valid",),
        agent="agent_demo",
        profile=Profile.DEEP,
        max_time_s=max_time_s,
        seed=7,
    )


def _finding(name: str, apply: Apply) -> Finding:
    """What the deep profile says of one check; schemathesis has a twentieth of the time."""
    selection = Selection(profile=Profile.DEEP, only=(name,))
    with running_mock(apply, rate_limit_per_hour=0) as mock:
        run = asyncio.run(judge(_settings(mock.base_url, 240.0), selection, today=datetime.date.today()))
    assert not run.problems
    (finding,) = run.findings
    return finding


def _no_code(request: Request, reply: Reply) -> None:
    """A refusal has no code: its status is right, and the other fuzzing looks at no more."""
    body = reply.json()
    if reply.status == 400:
        del body["error"]["code"]
        reply.put(body)


@pytest.mark.parametrize(("apply", "verdict"), [(nothing, Verdict.PASSED), (after(_no_code), Verdict.VIOLATED)])
def test_schemathesis_runs_by_itself_and_makes_what_it_finds_small(
    apply: Apply, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The other fuzzing is looked at elsewhere.
    monkeypatch.setitem(fuzzing.BODIES, Profile.DEEP, 4)
    finding = _finding("fuzz.invalid-requests[inline]", apply)
    assert finding.verdict is verdict, finding
    for case in finding.cases:
        assert case.expected == "400, as the document describes it"
        assert '"code" is a required property; 400 {"error": {"message": "' in case.received
        assert "$CALLS_API_KEY" in case.reproduce[0] and len(case.reproduce[0]) < 800


def test_a_balance_that_ends_while_schemathesis_runs_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fuzzing.BODIES, Profile.DEEP, 4)
    asked: list[str] = []

    async def is_spent(self: Target, key: str) -> bool:
        asked.append(key)
        return await true_is_spent(self, key)

    true_is_spent = Target.is_spent
    monkeypatch.setattr(Target, "is_spent", is_spent)
    finding = _finding("fuzz.valid-requests[inline]", balance_of(40))
    assert finding.verdict is Verdict.PASSED, finding
    assert asked == ["ck_mock_valid"]


def _names_are_looked_up(socket: Socket, message: Any) -> Wires:
    """A call fails on a mark whose name is a list."""
    mark = message.get("mark") if isinstance(message, dict) else None
    return [Close(1011)] if isinstance(mark, dict) and isinstance(mark.get("name"), list) else [message]


async def _smallest(settings: TargetSettings) -> tuple[Call, list[str]] | None:
    it = Judge(settings)
    try:
        return await smallest_crash(Context(it, "twilio"), EXAMPLES)
    finally:
        await it.close()


def test_hypothesis_makes_messages_that_crash_a_call_small() -> None:
    with running_mock(hears(_names_are_looked_up), rate_limit_per_hour=0) as mock:
        found = asyncio.run(_smallest(_settings(mock.base_url, 600.0)))
    assert found is not None
    assert found[1] == ['{"event": "mark", "sequenceNumber": "4", "streamSid": "MZ1", "mark": {"name": []}}']


def test_hypothesis_finds_nothing_on_a_call_that_goes_on() -> None:
    with running_mock(rate_limit_per_hour=0) as mock:
        assert asyncio.run(_smallest(_settings(mock.base_url, 120.0))) is None
