"""Outcomes in an order: a YAML file says what the first, the second, the third request gets (docs/scenarios.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import jsonschema_rs

from contract.documents import line_of, place_of, read_mapping
from contract.errors import DocumentError
from mockserver.scenarios import CREATE, INLINE, Scenario, scenario_named, share_of, span_of

_SPANS = ("latency", "firstAudioDelay", "jitter")

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sequences"],
    "properties": {
        "sequences": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["outcomes"],
                "properties": {
                    "operation": {"enum": [CREATE, INLINE]},
                    "agentId": {"type": "string", "minLength": 1},
                    "outcomes": {"type": "array", "minItems": 1, "items": {"type": ["string", "object"]}},
                    "afterwards": {"enum": ["normal", "repeat", "last"]},
                },
            },
        }
    },
}
_OUTCOME_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["scenario"],
    "properties": {name: {"type": "string"} for name in ("scenario", *_SPANS, "frameLoss")},
}


@dataclass(slots=True)
class OutcomeSequence:
    """What the requests that match get, one after the other.

    Attributes:
        outcomes: in their order.
        operation: only requests of this operation match; None for all.
        agent_id: only requests that name this agent match; None for all.
        afterwards: what those get that come after the last: what they would get anyway, all again, or the last again.
        taken: how many have been given out.
    """

    outcomes: Sequence[Scenario]
    operation: str | None = None
    agent_id: str | None = None
    afterwards: Literal["normal", "repeat", "last"] = "normal"
    taken: int = 0

    def take(self, operation: str, body: Mapping[str, Any]) -> Scenario | None:
        """The outcome of a request, if it matches and there is one left; each is given out once."""
        if self.operation not in (None, operation) or self.agent_id not in (None, body.get("agentId")):
            return None
        at = self.taken
        if at >= len(self.outcomes):
            if self.afterwards == "normal":
                return None
            at = len(self.outcomes) - 1 if self.afterwards == "last" else at % len(self.outcomes)
        self.taken += 1
        return self.outcomes[at]


def read_sequences(path: Path) -> list[OutcomeSequence]:
    """The sequences in a file.  Raises DocumentError, naming file, line, what came and what was expected."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    content = read_mapping(text, str(path))
    try:
        _must_fit(content, _SCHEMA, ())
        return [_sequence(each, ("sequences", index)) for index, each in enumerate(content["sequences"])]
    except _Fault as fault:
        place = place_of(fault.place)
        where = f"{path}:{line_of(text, fault.place)}"
        raise DocumentError(f"{where}: {place}: {fault}" if place else f"{where}: {fault}") from None


class _Fault(Exception):
    def __init__(self, place: Sequence[str | int], text: str) -> None:
        super().__init__(text)
        self.place = place


def _must_fit(value: Any, schema: dict[str, Any], place: tuple[str | int, ...]) -> None:
    error = next(iter(jsonschema_rs.Draft7Validator(schema).iter_errors(value)), None)
    if error is not None:
        raise _Fault((*place, *error.instance_path), error.message)


def _sequence(said: Mapping[str, Any], place: tuple[str | int, ...]) -> OutcomeSequence:
    outcomes = [_outcome(each, (*place, "outcomes", index)) for index, each in enumerate(said["outcomes"])]
    operation = said.get("operation")
    for index, scenario in enumerate(outcomes):
        if operation is not None and operation not in scenario.operations:
            raise _Fault((*place, "outcomes", index), f"{operation} has no {scenario.status}, so no {scenario.name}")
    return OutcomeSequence(outcomes, operation, said.get("agentId"), said.get("afterwards", "normal"))


def _outcome(said: Any, place: tuple[str | int, ...]) -> Scenario:
    if isinstance(said, str):
        said, name_place = {"scenario": said}, place
    else:
        _must_fit(said, _OUTCOME_SCHEMA, place)
        name_place = (*place, "scenario")
    try:
        scenario = scenario_named(said["scenario"])
    except ValueError as error:
        raise _Fault(name_place, str(error)) from None
    spans = {name: _span(said[name], (*place, name)) for name in _SPANS if name in said}
    mishap = replace(
        scenario.mishap,
        begins_after_ms=spans.get("firstAudioDelay", scenario.mishap.begins_after_ms),
        jitter_ms=spans.get("jitter", scenario.mishap.jitter_ms),
        lost=_share(said["frameLoss"], (*place, "frameLoss")) if "frameLoss" in said else scenario.mishap.lost,
    )
    return replace(scenario, delay_ms=spans.get("latency", scenario.delay_ms), mishap=mishap)


def _span(text: str, place: tuple[str | int, ...]) -> tuple[int, int]:
    try:
        return span_of(text)
    except ValueError:
        raise _Fault(place, f"{text!r:.40} is not a time such as 200ms or 100-800ms") from None


def _share(text: str, place: tuple[str | int, ...]) -> float:
    try:
        return share_of(text)
    except ValueError:
        raise _Fault(place, f"{text!r:.40} is not a share such as 2%") from None
