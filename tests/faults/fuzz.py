"""Faults that nobody would look for: of odd values, odd combinations, and wrong ones where few look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.faults.fault import Apply, Close, Fault, Reply, Socket, Wires, asks, hears

WORDS = ("connectionType", "firstSpeaker", "inactivityAction", "codec")


def inside(value: Any) -> Iterator[Any]:
    """Everything in a value, names too, and the value itself."""
    yield value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from inside(inner)
    if isinstance(value, list):
        for inner in value:
            yield from inside(inner)


def fails(when: Callable[[dict[str, Any]], bool], status: int = 500) -> Apply:
    """Answer bodies of a kind with an error."""
    return asks(lambda operation, body: Reply.error(status, "INTERNAL_ERROR") if when(body) else None)


def _metadata(body: dict[str, Any]) -> dict[str, Any]:
    found = body.get("metadata")
    return found if isinstance(found, dict) else {}


def _formatted(body: dict[str, Any]) -> bool:
    """Texts are formatted with `%` once more."""
    return any(isinstance(value, str) and "%" in value for value in inside(body))


def _too_long(body: dict[str, Any]) -> bool:
    return isinstance(body.get("greeting"), str) and len(body["greeting"]) > 4096


def _like_operators(body: dict[str, Any]) -> bool:
    return any(key.startswith("$") or "." in key for key in _metadata(body))


def _beyond_64_bits(body: dict[str, Any]) -> bool:
    return any(isinstance(value, int) and abs(value) >= 2**63 for value in inside(_metadata(body)))


def _waits_for_ever(body: dict[str, Any]) -> bool:
    return body.get("firstSpeaker") == "user" and body.get("inactivityAction") == "hang_up"


def _unhashable(body: dict[str, Any]) -> bool:
    """A word is looked up in a set before its type is looked at."""
    settings = body.get("websocket")
    holders = [body, settings if isinstance(settings, dict) else {}]
    return any(isinstance(holder.get(word), dict | list) for holder in holders for word in WORDS)


def _buffering_unread(operation: str, body: dict[str, Any]) -> None:
    settings = body.get("websocket")
    if isinstance(settings, dict):
        settings.pop("enableAudioBuffering", None)


def chokes(when: Callable[[dict[str, Any]], bool]) -> Apply:
    """Messages of a kind take the call down."""

    def look(socket: Socket, message: Any) -> Wires:
        return [Close(1011)] if isinstance(message, dict) and when(message) else [message]

    return hears(look)


def _no_number(message: dict[str, Any]) -> bool:
    """The sequence number is made a number of."""
    number = message.get("sequenceNumber", "0")
    return not (isinstance(number, str) and number.isdecimal())


def _array(message: dict[str, Any]) -> bool:
    return message.get("event") != "start" and any(isinstance(value, list) for value in inside(message))


def _number_for_an_object(message: dict[str, Any]) -> bool:
    return any(type(message.get(name)) in (int, float) for name in ("media", "dtmf", "start"))


def _object_for_a_text(message: dict[str, Any]) -> bool:
    return any(isinstance(message.get(name), dict) for name in ("text", "invocationId", "medium", "result", "type"))


def _f(breaks: str, name: str, apply: Apply, says: str, variant: str = "") -> Fault:
    settings = {"any_key": True}
    return Fault(name=name, breaks=f"fuzz.{breaks}", apply=apply, says=says, variant=variant, settings=settings)


FAULTS = [
    _f("valid-requests", "a percent sign in a text crashes", fails(_formatted), r'500.*"[^"]*%'),
    _f("valid-requests", "a greeting of more than 4096 characters is refused", fails(_too_long, 422), "x{200}.*422"),
    _f(
        "valid-requests", "metadata may have 64 keys", fails(lambda body: len(_metadata(body)) > 64, 413), r"key\d.*413"
    ),
    _f("valid-requests", "names like operators of a database crash", fails(_like_operators), r'"(\$set|a\.b|\.)": '),
    _f("valid-requests", "numbers beyond 64 bits crash", fails(_beyond_64_bits), r"\d{19}|1e\+?30"),
    _f("valid-requests", "two options exclude each other", fails(_waits_for_ever, 409), "hang_up.*user|user.*hang_up"),
    _f("invalid-requests", "no word, but an array or an object crashes", fails(_unhashable), r'500.*": [{\[]'),
    _f(
        "invalid-requests",
        "whether audio is buffered is not looked at",
        asks(_buffering_unread),
        "enableAudioBuffering.*received 201",
    ),
    _f("messages", "a sequence number that is none crashes", chokes(_no_number), "sequenceNumber", "twilio"),
    _f("messages", "an array crashes", chokes(_array), r"a crash on .*\[", "telnyx"),
    _f("messages", "a number for an object crashes", chokes(_number_for_an_object), r'"(media|dtmf|start)": ', "plivo"),
    _f("messages", "an object for a text crashes", chokes(_object_for_a_text), r": \{", "websocket"),
]
