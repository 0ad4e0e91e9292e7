"""Which outcome a request gets: what it asks for itself, else what was ordered for it, else what goes for all."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.documents import Document, resolved
from mockserver.redaction import redacted
from mockserver.scenarios import BY_NAME, CREATE, OK, SCENARIOS, Scenario, fitted
from mockserver.sequences import OutcomeSequence

log = logging.getLogger("calls")

MOST_ORDERED = 1000
"""How many outcomes may be ordered ahead; the oldest are forgotten."""

_PREFERENCE = re.compile(r'\s*(code|example)\s*=\s*"?([A-Za-z0-9_.-]{1,64})"?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Example:
    """An example of the document: what it answers, word by word."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request gets.

    Attributes:
        scenario: how it goes.
        example: what it is answered with, where the client asked for an example.
        applied: the preferences that it meets, as `Preference-Applied` says them (RFC 7240).
    """

    scenario: Scenario
    example: Example | None = None
    applied: str = ""


class Outcomes:
    """Finds the outcome of each request.

    In this order: the `Prefer` header; the agent's id or `metadata.mock`; what was ordered for the next request; the
    sequences; the default.

    Args:
        document: the OpenAPI document, for its examples.
        default: what goes for requests without another outcome.
        weather: delays, jitter and loss that go for all.
        sequences: outcomes in an order.
        own_agents: ids of agents that the user has named: they are no scenarios, whatever their names.
    """

    def __init__(
        self,
        document: Document,
        *,
        default: Scenario = OK,
        weather: Scenario = OK,
        sequences: Sequence[OutcomeSequence] = (),
        own_agents: Sequence[str] = (),
    ) -> None:
        self._weather = weather
        self._sequences = list(sequences)
        self._by_agent = {each.agent_id: each for each in SCENARIOS if each.agent_id not in own_agents}
        try:
            self._examples = _examples(document)
        except (AttributeError, TypeError):
            # This is no OpenAPI document: whoever serves it says what is wrong with it, and where.
            self._examples = {}
        self._ordered: deque[Scenario] = deque(maxlen=MOST_ORDERED)
        self._first_default = default
        self.default = default

    def order(self, scenario: Scenario) -> None:
        """Let the next request that asks for nothing else go like this; several are taken in their order."""
        self._ordered.append(scenario)

    @property
    def ordered(self) -> list[Scenario]:
        """What was ordered and not yet taken, the next first."""
        return list(self._ordered)

    def take_over(self, before: Outcomes) -> None:
        """Go on with what was ordered, and with the default, of those that these replace."""
        self._ordered = before._ordered
        self.default = before.default

    def reset(self) -> None:
        """As at the start."""
        self.forget()
        self.default = self._first_default

    def forget(self) -> None:
        """Forget what was ordered, and begin all sequences anew."""
        self._ordered.clear()
        for sequence in self._sequences:
            sequence.taken = 0

    def of(self, operation: str, body: Mapping[str, Any], preferences: bytes | None) -> Outcome | None:
        """The outcome of a valid request; None for one that goes as ever."""
        if preferences is not None and (preferred := self._preferred(operation, preferences.decode("latin-1"))):
            return preferred
        scenario = self._named(operation, body) or self._due(operation, body) or self.default
        if scenario is OK and self._weather is OK:
            return None
        if operation not in scenario.operations:
            log.warning("the scenario %s is not for %s: it goes as ever", scenario.name, operation)
            scenario = OK
        return Outcome(fitted(scenario, self._weather))

    def _preferred(self, operation: str, header: str) -> Outcome | None:
        """What a `Prefer` header asks for; None where nothing of it is understood, which is then ignored."""
        found = {
            match[1].lower(): match[2] for part in re.split("[,;]", header) if (match := _PREFERENCE.fullmatch(part))
        }
        if not found:
            return None
        applied = ", ".join(f"{name}={value}" for name, value in found.items())
        code = found.get("code")
        if "example" in found:
            named = self._examples.get(operation, {}).get(found["example"], ())
            example = next((each for each in named if code in (None, str(each.status))), None)
            if example is not None:
                return Outcome(fitted(OK, self._weather), example, applied)
        else:
            for scenario in SCENARIOS:
                if str(scenario.status) == code and operation in scenario.operations:
                    return Outcome(fitted(scenario, self._weather), None, applied)
        log.warning("Prefer: %s: %s has nothing like this in the document; ignored", redacted(applied), operation)
        return None

    def _named(self, operation: str, body: Mapping[str, Any]) -> Scenario | None:
        """What the request names in its own fields."""
        # Where it is no field of the operation, `agentId` means nothing and may be anything.
        if operation == CREATE and (scenario := self._by_agent.get(body["agentId"])):
            return scenario
        metadata = body.get("metadata")
        if type(metadata) is not dict or "mock" not in metadata:
            return None
        name = metadata["mock"]
        scenario = BY_NAME.get(name) if isinstance(name, str) else None
        if scenario is None:
            log.warning("metadata.mock names no scenario; `calls mock --list-scenarios` lists them")
        return scenario

    def _due(self, operation: str, body: Mapping[str, Any]) -> Scenario | None:
        """What was ordered, or is next in a sequence."""
        for index, scenario in enumerate(self._ordered):
            if operation in scenario.operations:
                del self._ordered[index]
                return scenario
        for sequence in self._sequences:
            if (due := sequence.take(operation, body)) is not None:
                return due
        return None


def _examples(document: Document) -> dict[str, dict[str, list[Example]]]:
    """The named examples of the answers of each operation."""
    found: dict[str, dict[str, list[Example]]] = {}
    for methods in resolved(document).get("paths", {}).values():
        for operation in methods.values():
            if not isinstance(operation, dict) or "operationId" not in operation:
                continue
            named = found.setdefault(operation["operationId"], {})
            for status, answer in operation.get("responses", {}).items():
                examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
                for name, example in examples.items():
                    if status.isdigit() and "value" in example:
                        named.setdefault(name, []).append(Example(int(status), example["value"]))
    return found
