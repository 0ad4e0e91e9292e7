"""What every implementation must accept: all that is legal, in as few requests as hold it.

What is legal in several parts of a request is sent together.  Where that is refused, each part is sent for itself, and
only where that is refused too, each value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from contract_tests.context import Context
from contract_tests.target import Exchange, Meant

Changes = dict[str, Any]


class Part(Enum):
    """What of a request is looked at."""

    FIELDS = "fields"
    AUDIO = "audio"
    TOOLS = "tools"
    REST = "rest"
    TEXT = "text"


# fields of /calls/inline

LEGAL_FIELDS: dict[str, Sequence[Any]] = {
    "systemPrompt": ["x"],
    "greeting": ["Hi", "x" * 2000],
    "temperature": [0, 1, 0.01, 0.99],
    "firstSpeaker": ["agent", "user"],
    "interruptible": [True, False],
    "maxDuration": [60, 7200, 61, 7199],
    "inactivityTimeout": [10, 300, 11, 299],
    "inactivityAction": ["hang_up", "prompt"],
    "recordingEnabled": [True, False],
}
"""Values that each field must take, both bounds among them; connectionType and what the target knows left aside."""

_SMALL, _EXPONENT = '"temperature": 0.01', '"temperature": 1E-2'

# websocket

RATES = {"inputSampleRate": 16000, "outputSampleRate": 16000}
_FULLEST_AUDIO = {"inputSampleRate": 8000, "outputSampleRate": 48000, "codec": "pcm", "enableAudioBuffering": True}
_AUDIO = (
    {"inputSampleRate": 48000, "outputSampleRate": 8000, "codec": "g711", "twilioStream": False},
    {"inputSampleRate": 11025, "outputSampleRate": 22050, "enableAudioBuffering": False, "twilioStream": True},
)

# selectedTools

_HTTP = {"baseUrlPattern": "https://shop.example.com/repairs", "httpMethod": "POST"}
TOOL_NAMES = ("a", "Z9_", "bookRepair", "a" * 64)
TIMEOUTS = ("2.5s", "40s", "0.1s", "1s", "39.9s", "40.0s")
TRANSPORTS: dict[str, Any] = {"http": _HTTP, "client": {}, "dataConnection": {}}
LOCATIONS = tuple(f"PARAMETER_LOCATION_{word}" for word in ("QUERY", "PATH", "HEADER", "BODY"))


def temporary_tool(**fields: Any) -> list[Any]:
    """A value of selectedTools: one temporary tool."""
    return [{"temporaryTool": {"modelToolName": "book_repair", **fields}}]


def parameter(location: Any) -> dict[str, Any]:
    """A dynamic parameter of a tool."""
    return {"name": "day", "location": location, "schema": {"type": "string"}, "required": True}


NOWHERE = {"name": "note", "schema": {"type": "string"}, "required": False}
"""A dynamic parameter that leaves its location to the service."""

FULL_TOOL = temporary_tool(
    description="Books a repair.",
    timeout="5s",
    precomputable=True,
    defaultReaction="AGENT_REACTION_SPEAKS",
    dynamicParameters=[
        parameter("PARAMETER_LOCATION_BODY"),
        parameter("PARAMETER_LOCATION_BODY") | {"name": "at", "required": False},
    ],
    staticParameters=[{"name": "shop", "location": "PARAMETER_LOCATION_QUERY", "value": "north"}],
    automaticParameters=[
        {"name": "call", "location": "PARAMETER_LOCATION_HEADER", "knownValue": "KNOWN_PARAM_CALL_ID"}
    ],
    http=_HTTP,
)


def _named(word: str, tools: Iterable[Changes]) -> list[Any]:
    """Temporary tools that each have a name of their own: two of one name may well be refused."""
    return [
        entry for index, tool in enumerate(tools) for entry in temporary_tool(modelToolName=f"{word}{index}", **tool)
    ]


_EVERY_TOOL = [
    {"toolId": "cmsample0000108l4tool0001"},
    {"toolName": "opening-hours"},
    *(entry for name in TOOL_NAMES for entry in temporary_tool(modelToolName=name)),
    *_named("timeout", ({"timeout": timeout} for timeout in TIMEOUTS)),
    *_named("transport", ({name: value} for name, value in TRANSPORTS.items())),
    *_named("parameter", [{"dynamicParameters": [*map(parameter, LOCATIONS), NOWHERE]}]),
    *FULL_TOOL,
]

# the rest: metadata, unknown fields, size

UNKNOWN: Changes = {"xNew": 1, "anotherField": {"a": [None]}, "nothing": None, "": "", "agent": "x", "id": "y"}
UNKNOWN |= {f"field{number}": number for number in range(20)}
UNKNOWN_INSIDE: Changes = {"connectionType": "websocket", "websocket": {**RATES, "future": True, "nothing": None}}
OF_THE_OTHER: dict[str, Changes] = {"create": {"systemPrompt": 5, "temperature": "x"}, "inline": {"agentId": 5}}
ANYTHING: Changes = {
    "text": "x",
    "number": -1.5,
    "large": 9007199254740993,
    "true": True,
    "null": None,
    "list": [1, "a", None, {"b": []}],
    "deep": {"a": {"b": {"c": {"d": 1}}}},
    "": "empty key",
    "a.b $c": "odd key",
    **{f"key{number}": number for number in range(50)},
}
LONG_TEXT = "x" * 60_000
LONG_PROMPT = "Be kind " * 7_500

# text in any writing

NAMES = {"name": "\U0001f469\u200d\U0001f680 שלום e\u0301 漢字 \U0001d11e"}
GREETING = "Bonjour ! \U0001f44b 你好"


def nested(levels: int) -> dict[str, Any]:
    """Objects in objects."""
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"a": found}
    return found


def _parts(operation: str) -> dict[Part, dict[int, Changes]]:
    """What each part adds to which of the requests that hold everything; text is written as escapes in the first."""
    audio = {slot: {"connectionType": "websocket", "websocket": found} for slot, found in enumerate(_AUDIO)}
    metadata = ANYTHING | {"nested": nested(50)}
    rest: Changes = UNKNOWN | UNKNOWN_INSIDE | OF_THE_OTHER[operation]
    if operation == "create":
        rest["metadata"] = metadata | {"text": LONG_TEXT}
        text: Changes = {"metadata": NAMES}
        return {Part.REST: {1: rest}, Part.AUDIO: audio, Part.TEXT: {0: text, 1: text}}
    rest |= {"metadata": metadata, "systemPrompt": LONG_PROMPT}
    text = {"metadata": NAMES, "greeting": GREETING}
    fields = {
        slot: {field: values[slot % len(values)] for field, values in LEGAL_FIELDS.items()}
        for slot in range(max(map(len, LEGAL_FIELDS.values())))
    }
    return {
        Part.FIELDS: fields,
        Part.AUDIO: audio,
        Part.TOOLS: {0: {"selectedTools": []}, 2: {"selectedTools": _EVERY_TOOL}},
        Part.REST: {3: rest},
        Part.TEXT: {0: text, 3: text},
    }


def _united(changes: Iterable[Changes]) -> Changes:
    """Several parts' changes to one request."""
    found: Changes = {}
    for each in changes:
        for field, value in each.items():
            both = field in ("metadata", "websocket") and field in found
            found[field] = found[field] | value if both else value
    return found


def everything(it: Context, operation: str, parts: Sequence[Part] = ()) -> list[bytes]:
    """The bodies that hold everything legal of these parts of a request, or of all."""
    added = {part: slots for part, slots in _parts(operation).items() if not parts or part in parts}
    bodies = []
    for slot in sorted({slot for slots in added.values() for slot in slots}):
        body = it.valid(operation) | _united(slots[slot] for slots in added.values() if slot in slots)
        # A number may be written with an exponent.
        bodies.append(json.dumps(body, ensure_ascii=slot == 0).replace(_SMALL, _EXPONENT).encode())
    return bodies


async def all_accepted(it: Context, operation: str, *parts: Part) -> bool:
    """Whether the requests that hold everything of these parts, or of all, are accepted; each is sent once in a run."""

    async def record() -> bool:
        bodies = everything(it, operation, parts)
        answers = [await it.post(operation, content=body, meant=Meant.VALID) for body in bodies]
        return all(answer.status == 201 for answer in answers)

    name = "-".join(part.value for part in parts)
    accepted: bool = await it.recording(f"legal-{operation}-{name}", record)
    return accepted


async def legal(it: Context, operation: str, part: Part, each: Mapping[str, Changes | bytes]) -> None:
    """See that what is legal in one part of a request is accepted.

    `each` is what is legal, and a body (or its bytes) that holds just this.
    """
    if not it.deep and (await all_accepted(it, operation) or await all_accepted(it, operation, part)):
        # Nothing is left but what an overlay forbids.
        each = {what: body for what, body in each.items() if it.overruled(operation, body) is False}
    for what, body in each.items():
        if isinstance(body, bytes):
            await it.accepted(operation, None, what, content=body)
        else:
            await it.accepted(operation, body, what)


async def fullest(it: Context, operation: str) -> Exchange:
    """The answer to a request with every field; made once in a run."""
    changes: Changes = {"connectionType": "websocket", "websocket": _FULLEST_AUDIO, "metadata": {"a": 1}}
    if operation == "inline":
        changes |= {
            "temperature": 0.3,
            "firstSpeaker": "user",
            "interruptible": True,
            "maxDuration": 300,
            "inactivityTimeout": 30,
            "inactivityAction": "prompt",
            "recordingEnabled": False,
            "websocket": {**_FULLEST_AUDIO, "twilioStream": True},
            "selectedTools": temporary_tool(http=_HTTP),
        }

    async def record() -> Exchange:
        return await it.post(operation, it.valid(operation, **changes), meant=Meant.VALID)

    exchange: Exchange = await it.recording(f"fullest-{operation}", record)
    return exchange
