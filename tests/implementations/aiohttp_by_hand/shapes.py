"""What a request body may look like: tables of field -> predicate, and strict JSON.

A predicate takes a value and returns None when it likes it, else what is wrong with it. No value is ever repeated in
such a complaint, only names that the tables know.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeAlias, cast

Predicate: TypeAlias = Callable[[object], str | None]

CARRIERS = ("twilio", "telnyx", "plivo")
_NUMERAL_LIMIT = 400


class NotJson(ValueError):
    """The bytes are not an RFC 8259 text."""


def _no_constant(_name: str) -> NoReturn:
    raise NotJson


def _integer(numeral: str) -> int | float:
    # A float parses in linear time however long the numeral is, and becomes infinite instead of failing.
    return int(numeral) if len(numeral) <= _NUMERAL_LIMIT else float(numeral)


def parse(body: bytes) -> object:
    """Read a JSON text strictly: UTF-8, no NaN, no Infinity."""
    try:
        return cast(object, json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_int=_integer))
    except (ValueError, RecursionError):
        raise NotJson from None


def text(value: object) -> str | None:
    """A string, the empty one included."""
    return None if isinstance(value, str) else "must be a string"


def words(value: object) -> str | None:
    """A string that is not empty."""
    return None if isinstance(value, str) and value else "must be a non-empty string"


def flag(value: object) -> str | None:
    """A boolean."""
    return None if isinstance(value, bool) else "must be true or false"


def anything(value: object) -> str | None:
    """Whatever is not null."""
    return "must not be null" if value is None else None


def mapping(value: object) -> str | None:
    """An object with any keys."""
    return None if isinstance(value, dict) else "must be an object"


def number(low: float, high: float) -> Predicate:
    """A number in a closed range; a boolean is no number."""

    def check(value: object) -> str | None:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"must be a number from {low} to {high}"

    return check


def whole(low: int, high: int) -> Predicate:
    """A whole number in a closed range, however it is spelled."""
    in_range = number(low, high)

    def check(value: object) -> str | None:
        fits = in_range(value) is None and (isinstance(value, int) or cast(float, value).is_integer())
        return None if fits else f"must be a whole number from {low} to {high}"

    return check


def one_of(*names: str) -> Predicate:
    """One of a few strings."""
    return lambda value: None if isinstance(value, str) and value in names else "must be one of " + ", ".join(names)


def like(pattern: str, hint: str) -> Predicate:
    """A string that matches as a whole."""
    compiled = re.compile(pattern)
    return lambda value: None if isinstance(value, str) and compiled.fullmatch(value) else f"must be {hint}"


def each(predicate: Predicate) -> Predicate:
    """A list whose every entry is fine."""

    def check(value: object) -> str | None:
        if not isinstance(value, list):
            return "must be a list"
        complaints = ((place, predicate(entry)) for place, entry in enumerate(value))
        return next((f"[{place}] {complaint}" for place, complaint in complaints if complaint), None)

    return check


def record(fields: Mapping[str, Predicate], needed: tuple[str, ...] = (), *rules: Predicate) -> Predicate:
    """An object: the needed fields are there, known fields are fine, unknown ones are nobody's business."""

    def check(value: object) -> str | None:
        if not isinstance(value, dict):
            return "must be an object"
        if absent := [name for name in needed if name not in value]:
            return f"{', '.join(absent)}: required"
        for name, predicate in fields.items():
            if name in value and (complaint := predicate(value[name])):
                return f"{name}: {complaint}"
        return next((complaint for rule in rules if (complaint := rule(value))), None)

    return check


def count_of(names: tuple[str, ...], low: int, high: int) -> Predicate:
    """A rule on an object: how many of some fields it may set."""
    span = "exactly one" if low == high else "at most one"
    return lambda value: (
        None
        if low <= sum(name in cast(dict[str, object], value) for name in names) <= high
        else f"needs {span} of {', '.join(names)}"
    )


def _timeout(value: object) -> str | None:
    fits = isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?s", value) and 0 < float(value[:-1]) <= 40
    return None if fits else 'must be seconds such as "2.5s", more than 0s and at most 40s'


_SOCKET = record(
    {
        "inputSampleRate": whole(8000, 48000),
        "outputSampleRate": whole(8000, 48000),
        "codec": one_of("pcm", "g711"),
        "enableAudioBuffering": flag,
        "twilioStream": flag,
    },
    ("inputSampleRate", "outputSampleRate"),
)

_DYNAMIC_PARAMETER = record(
    {
        "name": text,
        "location": one_of(*(f"PARAMETER_LOCATION_{place}" for place in ("QUERY", "PATH", "HEADER", "BODY"))),
        "schema": anything,
        "required": flag,
    }
)

_TEMPORARY_TOOL = record(
    {
        "modelToolName": like("[A-Za-z][A-Za-z0-9_]{0,63}", "a letter, then letters, digits and _, at most 64 in all"),
        "description": text,
        "timeout": _timeout,
        "precomputable": flag,
        "defaultReaction": text,
        "dynamicParameters": each(_DYNAMIC_PARAMETER),
        "staticParameters": each(anything),
        "automaticParameters": each(anything),
        "http": record({"baseUrlPattern": text, "httpMethod": text}),
        "client": mapping,
        "dataConnection": mapping,
    },
    ("modelToolName",),
    count_of(("http", "client", "dataConnection"), 0, 1),
)

_TOOL = record(
    {"toolId": text, "toolName": text, "temporaryTool": _TEMPORARY_TOOL},
    (),
    count_of(("toolId", "toolName", "temporaryTool"), 1, 1),
)


def _rates_when_websocket(value: object) -> str | None:
    body = cast(dict[str, object], value)
    if body.get("connectionType") != "websocket":
        return None
    complaint = _SOCKET(body.get("websocket"))
    return complaint and f"websocket: {complaint}"


CREATE = record(
    {"agentId": text, "connectionType": one_of(*CARRIERS, "websocket"), "metadata": mapping},
    ("agentId",),
    _rates_when_websocket,
)

INLINE = record(
    {
        "systemPrompt": words,
        "voice": words,
        "language": words,
        "greeting": text,
        "model": text,
        "temperature": number(0, 1),
        "firstSpeaker": one_of("agent", "user"),
        "interruptible": flag,
        "maxDuration": whole(60, 7200),
        "inactivityTimeout": whole(10, 300),
        "inactivityAction": one_of("hang_up", "prompt"),
        "recordingEnabled": flag,
        "connectionType": one_of("webrtc", *CARRIERS, "websocket"),
        "selectedTools": each(_TOOL),
        "metadata": mapping,
    },
    ("systemPrompt", "voice", "language", "greeting"),
    _rates_when_websocket,
)
