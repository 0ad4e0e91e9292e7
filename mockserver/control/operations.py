"""The operations of the control API, `openapi/control.yaml`: what was noted is shown, and calls in progress are led."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from contract.events import Digit, ToolResult
from mockserver.closest_rule import ClosestRules
from mockserver.control import shapes
from mockserver.control.rendering import call_of, events_of, page, request_of, utterances_of
from mockserver.control.shapes import Change, Shape, to_json
from mockserver.control.waiting import Waiting
from mockserver.ending import Ending
from mockserver.errors import InvalidFields, NotInJournal, NotInProgress
from mockserver.exchange import Exchange, Handled
from mockserver.journal import Journal
from mockserver.notes import CallNotes, Side
from mockserver.operation import Method
from mockserver.outcomes import Outcomes
from mockserver.rate_limit import RateLimiter
from mockserver.scenarios import SCENARIOS, Scenario, scenario_named
from mockserver.session import Session
from mockserver.store import MemoryCallStore
from mockserver.switchboard import Switchboard

_SIDES: tuple[Side, ...] = ("caller", "agent")


@dataclass(frozen=True, kw_only=True)
class Control:
    """The operations.

    Attributes:
        journal: what was noted.
        waiting: lets requests wait for changes of it.
        rules: know on which line a rule stands.
        switchboard: knows the calls in progress.
        store: where calls wait for their dial.
        limiter: counts requests to the operations of the contract.
        outcomes: gives what decides on the outcomes of requests, as it is now.
        version: the mock's.
        base_url: where clients reach it.
        settings: its options by their flags, those without secrets.
        now: the time of day in UTC.
    """

    journal: Journal
    waiting: Waiting
    rules: ClosestRules
    switchboard: Switchboard
    store: MemoryCallStore
    limiter: RateLimiter
    outcomes: Callable[[], Outcomes]
    version: str
    base_url: str
    settings: Mapping[str, Any]
    now: Callable[[], datetime]

    def methods(self) -> dict[str, Method]:
        """The method of each operation, by its operationId."""
        return {
            "getStatus": self.get_status,
            "waitForChanges": self.wait_for_changes,
            "reset": self.reset,
            "listScenarios": self.list_scenarios,
            "getOutcomes": self.get_outcomes,
            "orderOutcomes": self.order_outcomes,
            "forgetOutcomes": self.forget_outcomes,
            "setDefaultScenario": self.set_default_scenario,
            "listRequests": self.list_requests,
            "getRequest": self.get_request,
            "listCalls": self.list_calls,
            "getCall": self.get_call,
            "listEvents": self.list_events,
            "getTranscript": self.get_transcript,
            "getAudio": self.get_audio,
            "hangUp": self.hang_up,
            "speak": self.speak,
            "pressDigits": self.press_digits,
            "answerTool": self.answer_tool,
        }

    # The mock as a whole.

    async def get_status(self, exchange: Exchange) -> Handled:
        """How the mock is."""
        return _ok(
            shapes.Status(
                version=self.version,
                base_url=self.base_url,
                latest=self.journal.latest,
                calls_in_progress=len(self.switchboard),
                held_bytes=self.journal.held_bytes,
                settings=dict(self.settings),
            )
        )

    async def wait_for_changes(self, exchange: Exchange) -> Handled:
        """What changed, as soon as anything did."""
        after = exchange.parameters["after"]
        if after > self.journal.latest:
            # The number is from before a restart.
            after = 0
        await self.waiting.wait_for_change(after, exchange.parameters["waitS"])
        changes = [
            Change(number=number, kind=cast(Any, kind), id=changed)
            for number, kind, changed in self.journal.changes(after)
        ]
        return _ok(shapes.Changes(latest=self.journal.latest, changes=changes))

    async def reset(self, exchange: Exchange) -> Handled:
        """As if the mock had just been started; calls in progress are hung up."""
        self.switchboard.hang_up_all(Ending(1000, "the mock was reset through the control API"))
        self.store.forget_waiting()
        self.limiter.forget()
        self.outcomes().reset()
        self.journal.reset()
        return await self.get_status(exchange)

    # Outcomes.

    async def list_scenarios(self, exchange: Exchange) -> Handled:
        """What can be asked for."""
        return _ok(shapes.Scenarios(scenarios=[_scenario(each) for each in SCENARIOS]))

    async def get_outcomes(self, exchange: Exchange) -> Handled:
        """What is ordered."""
        outcomes = self.outcomes()
        return _ok(
            shapes.Outcomes(default=outcomes.default.name, next=[scenario.name for scenario in outcomes.ordered])
        )

    async def order_outcomes(self, exchange: Exchange) -> Handled:
        """The next requests go like this.  Raises InvalidFields."""
        scenario = _named(exchange)
        for _ in range(exchange.body["times"]):
            self.outcomes().order(scenario)
        return await self.get_outcomes(exchange)

    async def forget_outcomes(self, exchange: Exchange) -> Handled:
        """Nothing is ordered any more."""
        self.outcomes().forget()
        return await self.get_outcomes(exchange)

    async def set_default_scenario(self, exchange: Exchange) -> Handled:
        """All others go like this.  Raises InvalidFields."""
        self.outcomes().default = _named(exchange)
        return await self.get_outcomes(exchange)

    # Requests.

    async def list_requests(self, exchange: Exchange) -> Handled:
        """A page of requests."""
        noted = self.journal.requests(exchange.parameters["after"])
        on_page = page(noted, exchange.parameters["limit"], lambda numbered: 500 + len(numbered[1].body or b""))
        return _ok(shapes.Requests(requests=[request_of(number, note, self.rules) for number, note in on_page]))

    async def get_request(self, exchange: Exchange) -> Handled:
        """One request.  Raises NotInJournal."""
        found = self.journal.request(exchange.parameters["requestId"])
        if found is None:
            raise NotInJournal("request")
        return _ok(request_of(*found, self.rules))

    # Calls.

    async def list_calls(self, exchange: Exchange) -> Handled:
        """A page of calls."""
        now = self.now()
        on_page = page(self.journal.calls(exchange.parameters["after"]), exchange.parameters["limit"], lambda call: 500)
        return _ok(shapes.Calls(calls=[call_of(call, now) for call in on_page]))

    async def get_call(self, exchange: Exchange) -> Handled:
        """One call.  Raises NotInJournal."""
        return _ok(call_of(self._call(exchange), self.now()))

    async def list_events(self, exchange: Exchange) -> Handled:
        """A page of a call's events.  Raises NotInJournal."""
        after, limit = exchange.parameters["after"], exchange.parameters["limit"]
        return _ok(shapes.Events(events=events_of(self._call(exchange), after, limit)))

    async def get_transcript(self, exchange: Exchange) -> Handled:
        """What was said.  Raises NotInJournal."""
        return _ok(shapes.Transcript(utterances=utterances_of(self._call(exchange))))

    async def get_audio(self, exchange: Exchange) -> Handled:
        """What was heard.  Raises NotInJournal."""
        # The libraries for sound take as long to load as all else.
        from mockserver.control.wav import Recorded, wav_of

        call = self._call(exchange)
        side: Side | None = exchange.parameters.get("side")
        kept = [Recorded.of(call.audio[each]) for each in ([side] if side else _SIDES)]
        if not any(kept):
            raise NotInJournal("audio")
        # Minutes of audio take longer than other calls' next frames can wait.
        file = await asyncio.to_thread(wav_of, kept)
        name = f"{call.id}-{side}.wav" if side else f"{call.id}.wav"
        return file, 200, [(b"content-disposition", f'attachment; filename="{name}"'.encode())]

    # Calls in progress.

    async def hang_up(self, exchange: Exchange) -> Handled:
        """The agent ends the call.  Raises NotInJournal, NotInProgress."""
        self._in_progress(exchange).close(Ending(1000, "hung up through the control API"))
        return await self.get_call(exchange)

    async def speak(self, exchange: Exchange) -> Handled:
        """The agent says something.  Raises NotInJournal, NotInProgress."""
        self._running(exchange).speak(exchange.body["text"])
        return await self.get_call(exchange)

    async def press_digits(self, exchange: Exchange) -> Handled:
        """The caller is taken to have pressed keys.  Raises NotInJournal, NotInProgress."""
        session = self._running(exchange)
        for digit in exchange.body["digits"]:
            session.inject(Digit(digit=digit))
        return await self.get_call(exchange)

    async def answer_tool(self, exchange: Exchange) -> Handled:
        """A client tool is taken to have answered.  Raises NotInJournal, NotInProgress."""
        body = exchange.body
        answer = ToolResult(invocation_id=body["invocationId"], result=body.get("result"), error=body.get("error"))
        self._running(exchange).inject(answer)
        return await self.get_call(exchange)

    def _call(self, exchange: Exchange) -> CallNotes:
        call = self.journal.call(exchange.parameters["callId"])
        if call is None:
            raise NotInJournal("call")
        return call

    def _in_progress(self, exchange: Exchange) -> Session:
        call = self._call(exchange)
        session = self.switchboard.session_of(call.id)
        if session is None:
            raise NotInProgress(f"this call is not in progress: it is {call_of(call, self.now()).state}")
        return session

    def _running(self, exchange: Exchange) -> Session:
        session = self._in_progress(exchange)
        if not session.running:
            raise NotInProgress("this call's stream is not running: it has not begun, or is about to end")
        if not session.begun:
            raise NotInProgress("this call has not begun: nobody has joined its room yet, or its agent begins late")
        return session


def _named(exchange: Exchange) -> Scenario:
    """The scenario that a body names.  Raises InvalidFields."""
    try:
        return scenario_named(exchange.body["scenario"])
    except ValueError as error:
        raise InvalidFields(f"scenario: {error}") from None


def _scenario(scenario: Scenario) -> shapes.Scenario:
    return shapes.Scenario(
        name=scenario.name,
        agent_id=scenario.agent_id,
        status=scenario.shown_status,
        operations=list(scenario.operations),
        shows=scenario.shows,
    )


def _ok(shape: Shape) -> Handled:
    return to_json(shape), 200, [(b"cache-control", b"no-store")]
