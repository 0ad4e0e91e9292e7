"""The fields of both requests: required, typed, bounded and listed as the document says; legal values pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from contract import documents
from contract_tests.context import Context, audio_settings, made_up_agent
from contract_tests.exchanges import plainly_created
from contract_tests.findings import Requirement
from contract_tests.in_force import connection_types
from contract_tests.legal_requests import LEGAL_FIELDS, Changes, Part, fullest, legal
from contract_tests.requirements import Check, register_check, requirement
from contract_tests.sources import CREATE_REQUEST, INLINE_REQUEST
from contract_tests.target import Exchange

WHY = "A client that breaks the rule has a bug that it must hear of; one that keeps it must be let in."


@dataclass(frozen=True)
class FieldRule:
    """What one field of one operation may not be; what it may be is in `legal_requests.py`.

    `seldom` holds illegal values that only the deep profile has the requests for.
    """

    operation: str
    field: str
    sentence: str
    illegal: Sequence[Any]
    seldom: Sequence[Any] = ()
    smoke: bool = False


REQUIRED_ON = {"systemPrompt": "websocket", "voice": "webrtc", "language": "telnyx", "greeting": "plivo"}
"""The fields of /calls/inline that are required, and the connection type on which each is left out."""

Values = tuple[Sequence[Any], Sequence[Any]]


def _names(first: str, *wrong: Any) -> Values:
    """Illegal and seldom wrong values of an enumeration, of which one is given."""
    seldom = [first.capitalize(), "nonsense", 5, True, [first], {}]
    return [first.upper(), *wrong, f" {first}", "", None, 0, False], seldom


def _boolean(empty: Any) -> Values:
    """Illegal and seldom wrong values of a boolean; what is empty in every type is taken for false by the same code."""
    return ["true", 1, empty, None], [0 if empty == "" else "", "false", [True], "yes", {}]


def _whole(least: int, most: int, *often: Any) -> Values:
    """Illegal and seldom wrong values of a bounded integer; 60.0 is left alone: JavaScript cannot tell."""
    middle = (least + most) // 2
    illegal = [least - 1, most + 1, middle + 0.5, str(middle), -1, None, 0, *often]
    return illegal, [[middle], -middle, 10**9, 2**32 + middle, "", {}, False, True]


_REQUIRED_STRING = [None, 5, ["x"]]
_STRING = [*_REQUIRED_STRING, False]
_SELDOM_STRING = [1.5, True, False, [], {"a": "b"}]


def _rules() -> list[FieldRule]:
    rules = [
        FieldRule(
            "create", "agentId", "agentId is a string.", [None, 5, {"$ne": None}], [["x"], *_SELDOM_STRING], smoke=True
        ),
        FieldRule(
            "create",
            "connectionType",
            "connectionType is one of twilio, telnyx, plivo and websocket; webrtc is offered by an overlay at most.",
            *_names("twilio"),
            smoke=True,
        ),
        FieldRule(
            "inline",
            "connectionType",
            "connectionType is one of webrtc, twilio, telnyx, plivo and websocket.",
            *_names("twilio", "vonage"),
            smoke=True,
        ),
        FieldRule(
            "inline",
            "systemPrompt",
            "systemPrompt is a string that is not empty.",
            [*_REQUIRED_STRING, ""],
            _SELDOM_STRING,
        ),
        FieldRule("inline", "voice", "voice is a string that is not empty.", [*_REQUIRED_STRING, ""], _SELDOM_STRING),
        FieldRule(
            "inline", "language", "language is a string that is not empty.", [*_REQUIRED_STRING, ""], _SELDOM_STRING
        ),
        FieldRule("inline", "greeting", "greeting is a string.", _STRING, _SELDOM_STRING),
        FieldRule("inline", "model", "model is a string.", _STRING, _SELDOM_STRING),
        FieldRule(
            "inline",
            "temperature",
            "temperature is a number from 0 to 1.",
            [-0.01, 1.01, "0.5", True, None, [0.5]],
            [-1, 1.1, 2, "", False, 100],
        ),
        FieldRule("inline", "firstSpeaker", "firstSpeaker is agent or user.", *_names("agent", "assistant")),
        FieldRule("inline", "interruptible", "interruptible is a boolean.", *_boolean("")),
        FieldRule(
            "inline", "maxDuration", "maxDuration is an integer from 60 to 7200.", *_whole(60, 7200, [300]), smoke=True
        ),
        FieldRule("inline", "inactivityTimeout", "inactivityTimeout is an integer from 10 to 300.", *_whole(10, 300)),
        FieldRule(
            "inline",
            "inactivityAction",
            "inactivityAction is hang_up or prompt.",
            *_names("hang_up", "hangup"),
        ),
        FieldRule("inline", "recordingEnabled", "recordingEnabled is a boolean.", *_boolean(0)),
    ]
    return rules


def _register(rule: FieldRule) -> None:
    kebab = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in rule.field)
    schema = CREATE_REQUEST if rule.operation == "create" else INLINE_REQUEST

    async def check(it: Context) -> None:
        valid, illegal = it.valid(rule.operation), [*rule.illegal]
        values = LEGAL_FIELDS.get(rule.field, ())
        if rule.field == "connectionType":
            offered = connection_types(rule.operation, it.settings.overlays)
            illegal += [kind for kind in documents.connection_types() if kind not in offered]
            for exchange in await plainly_created(it, rule.operation):
                _accepted(it, exchange, f"{rule.field} {json.loads(exchange.content).get(rule.field, 'left out')}")
        elif values:
            each: dict[str, Changes | bytes] = {
                f"{rule.field} {_shown(value)}": valid | {rule.field: value} for value in values
            }
            await legal(it, rule.operation, Part.FIELDS, each)
        kinds = connection_types(rule.operation, it.settings.overlays)
        for index, value in enumerate([*illegal, *(rule.seldom if it.deep else ())]):
            # A rule holds on each connection type: another one is asked for with each value.
            kind = kinds[index % len(kinds)]
            others = {} if kind == "twilio" else audio_settings(kind)
            await it.refused(rule.operation, valid | others | {rule.field: value}, f"{rule.field} is {_shown(value)}")

    register_check(
        Check(
            requirement=Requirement(
                name=f"{rule.operation}.{kebab}",
                sentence=rule.sentence,
                source=f"{schema}/properties/{rule.field}",
                how="Legal values, among them both bounds, must be accepted; values of other types, null, values one "
                "step outside and other spellings must be answered with 400.",
                why=WHY,
                mend=f"Check {rule.field} as the document says: type first (a boolean is no number), then bounds; "
                "convert nothing.",
            ),
            run=check,
            variants=("",),
            smoke=rule.smoke,
        )
    )


def _accepted(it: Context, exchange: Exchange, what: str) -> None:
    if exchange.status != 201:
        it.wrong(f"201: {what} is allowed", it.target.shown(exchange), exchange)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


for _rule in _rules():
    _register(_rule)


@requirement(
    "create.required",
    "agentId is required.",
    source=f"{CREATE_REQUEST}/required",
    how="A request without any field is sent.",
    why=WHY,
    mend="Refuse a body without agentId with 400.",
    smoke=True,
)
async def create_required(it: Context) -> None:
    """Without the field."""
    await it.refused("create", {}, "agentId is missing")


@requirement(
    "create.empty-agent",
    "An empty agentId is answered with 400 or 404.",
    source=f"{CREATE_REQUEST}/properties/agentId",
    how="An empty agentId is sent.",
    why=WHY,
    mend="Refuse an empty agentId.",
)
async def create_empty_agent(it: Context) -> None:
    """The empty id."""
    await it.refused("create", {"agentId": ""}, "agentId is empty", 400, 404)


@requirement(
    "create.unknown-agent",
    "An agent that does not exist is answered with 404.",
    source="openapi/calls.yaml#/components/responses/AgentNotFound",
    how="A call is asked for with an id that no agent has (--unknown-agent, or one that is made up), and with one that "
    "only begins like an agent's, for a custom client.",
    why="A client must be able to tell a wrong id from a wrong request.",
    mend="Look the agent up in the key's workspace, and answer 404 where there is none.",
    smoke=True,
)
async def create_unknown_agent(it: Context) -> None:
    """A made-up id, and the known one with a character more."""
    exchange = await it.post("create", {"agentId": it.settings.unknown_agent or made_up_agent()})
    if exchange.status != 404:
        it.wrong("404: there is no such agent", it.target.shown(exchange), exchange)
    if it.settings.agent:
        exchange = await it.post("create", {"agentId": it.settings.agent + "0"} | audio_settings("websocket"))
        if exchange.status != 404:
            it.wrong("404: the id only begins like that of an agent", it.target.shown(exchange), exchange)


@requirement(
    "create.valid",
    "A valid request creates a call: 201.",
    source="openapi/calls.yaml#/paths/~1calls~1create/post/responses/201",
    how="The shortest request and one with every field are sent.",
    why="It is what the operation is for.",
    mend="See the answer: it should say what was not understood.  Check --agent too.",
    smoke=True,
)
async def create_valid(it: Context) -> None:
    """Short and full."""
    _accepted(it, (await plainly_created(it, "create"))[0], "the shortest request")
    _accepted(it, await fullest(it, "create"), "a request with every field")


@requirement(
    "inline.required",
    "systemPrompt, voice, language and greeting are required.",
    source=f"{INLINE_REQUEST}/required",
    how="A valid request is sent without each of them in turn, also where firstSpeaker is user.",
    why=WHY,
    mend="Refuse a body that lacks one of the four with 400; greeting is required too, whoever speaks first.",
    smoke=True,
)
async def inline_required(it: Context) -> None:
    """Without each field, each on another connection type."""
    for field, kind in REQUIRED_ON.items():
        body = it.valid("inline", **audio_settings(kind))
        del body[field]
        await it.refused("inline", body, f"{field} is missing")
    body = it.valid("inline", firstSpeaker="user")
    del body["greeting"]
    await it.refused("inline", body, "greeting is missing, also where firstSpeaker is user")
    await it.refused("inline", {}, "all required fields are missing")


@requirement(
    "inline.valid",
    "A valid request creates a call: 201.",
    source="openapi/calls.yaml#/paths/~1calls~1inline/post/responses/201",
    how="The shortest request and one with every field are sent.",
    why="It is what the operation is for.",
    mend="See the answer: it should say what was not understood.",
    smoke=True,
)
async def inline_valid(it: Context) -> None:
    """Short and full."""
    _accepted(it, (await plainly_created(it, "inline"))[0], "the shortest request")
    _accepted(it, await fullest(it, "inline"), "a request with every field")
