"""Ways to change what is heard and said in calls, which faults of several groups share."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.faults.fault import Apply, Fault, Socket, Wires, asks, says

MEDIA = ("media", "playAudio")


def payload(message: Any) -> bytes | None:
    """The audio of a message, either way; None for another message."""
    if isinstance(message, bytes):
        return message
    if isinstance(message, dict) and message.get("event") in MEDIA:
        try:
            return base64.b64decode(message["media"]["payload"])
        except (KeyError, TypeError, ValueError):
            return None
    return None


def with_payload(message: Any, audio: bytes) -> Any:
    """The same message with other audio."""
    if isinstance(message, bytes):
        return audio
    return {**message, "media": {**message["media"], "payload": base64.b64encode(audio).decode()}}


def voice(change: Callable[[Socket, bytes], bytes]) -> Apply:
    """Change the agent's audio."""

    def look(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        return [message if audio is None else with_payload(message, change(socket, audio))]

    return says(look)


def silence(socket: Socket, audio: bytes) -> bytes:
    """As long, and silent."""
    pcm = socket.kind == "websocket" and socket.asked.get("websocket", {}).get("codec", "pcm") == "pcm"
    return (b"\x00" if pcm else b"\xff") * len(audio)


def puts(**fields: Any) -> Apply:
    """Take other values than the inline request has."""
    return asks(lambda operation, body: body.update(fields) if operation == "inline" else None)


def missing(**fields: Any) -> Apply:
    """Fill in another default than the document's."""

    def change(operation: str, body: dict[str, Any]) -> None:
        for name, value in fields.items():
            if operation == "inline":
                body.setdefault(name, value)

    return asks(change)


def drops(*words: str) -> Apply:
    """Drop the messages of some event or type."""
    return says(lambda socket, message: [] if word(message) in words else [message])


def word(message: Any) -> str:
    """What kind of message this is; empty for audio in binary."""
    return str(message.get("event") or message.get("type")) if isinstance(message, dict) else ""


CLEARS = ("clear", "clearAudio", "playback_clear_buffer")


def broken(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", **settings: Any) -> Fault:
    """A fault, in one line."""
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, settings=settings)
