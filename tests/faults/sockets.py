"""Faults of what a call and the service must survive."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from websockets.frames import Frame

from mockserver.server import Server
from tests.faults.fault import Apply, Close, Fault, Hooks, Reply, Socket, Wires, hears, hooked
from tests.faults.media import payload, silence, with_payload, word
from tests.faults.sockets_too import WebSocketConnection, sockets_too

EVENTS = ("connected", "start", "media", "dtmf", "mark", "stop", "playedStream", "clearedAudio", "error", "playFailed")
TYPES = ("user_text_message", "input_text_message", "client_tool_result", "ping", "hang_up", "set_output_medium")


def ends(when: Callable[[Socket, Any], bool], code: int = 1003) -> Apply:
    """Some messages end the call."""
    return hears(lambda socket, message: [Close(code)] if when(socket, message) else [message])


def deafens(when: Callable[[Socket, Any], bool]) -> Apply:
    """After some messages the caller is not heard any more."""

    def look(socket: Socket, message: Any) -> Wires:
        if when(socket, message):
            socket.state.deaf = True
        audio = payload(message) if isinstance(message, dict | bytes) and not _odd(message) else None
        if audio is not None and hasattr(socket.state, "deaf"):
            return [with_payload(message, silence(socket, audio))]
        return [message]

    return hears(look)


def _odd(message: Any) -> bool:
    return isinstance(message, dict) and message.get("event") == "media" and not isinstance(message.get("media"), dict)


def event(*names: str) -> Callable[[Socket, Any], bool]:
    """Messages of these events."""
    return lambda socket, message: isinstance(message, dict) and message.get("event") in names


def unknown(socket: Socket, message: Any) -> bool:
    """Messages that nobody knows."""
    if not isinstance(message, dict):
        return False
    named = message.get("type") if socket.kind == "websocket" else message.get("event")
    return isinstance(named, str) and named not in (*EVENTS, *TYPES)


def _before_start(when: Callable[[Socket, Any], bool]) -> Callable[[Socket, Any], bool]:
    """Such messages on carriers' sockets, as long as no start message has come."""

    def early(socket: Socket, message: Any) -> bool:
        socket.state.started = getattr(socket.state, "started", False) or word(message) == "start"
        return socket.kind not in ("websocket", "webrtc") and not socket.state.started and when(socket, message)

    return early


def _strange_mark(socket: Socket, message: Any) -> bool:
    return event("mark", "playedStream")(socket, message) and "never-given" in str(message)


def _not_json(socket: Socket, message: Any) -> bool:
    return isinstance(message, str)


def _typed(socket: Socket, message: Any) -> bool:
    return isinstance(message, dict) and message.get("type") == "user_text_message"


def _binary(socket: Socket, message: Any) -> bool:
    return isinstance(message, bytes) and socket.kind != "websocket"


def _event_first(server: Server) -> None:
    """What begins with another field is not known."""
    hears(lambda socket, message: [] if _turned(message) else [message])(server)


def _has_new_field(socket: Socket, message: Any) -> bool:
    return isinstance(message, dict) and "fromTheFuture" in message


def _nul(socket: Socket, message: Any) -> bool:
    return isinstance(message, dict) and "\0" in message.values()


def _goes_back(socket: Socket, message: Any) -> bool:
    number = int(message.get("sequence_number", 0)) if isinstance(message, dict) else 0
    latest: int = getattr(socket.state, "latest", 0)
    socket.state.latest = max(latest, number)
    return 0 < number < latest


def _known_fields(server: Server) -> None:
    """Messages with others are ignored."""
    hears(lambda socket, message: [] if _has_new_field(socket, message) else [message])(server)


def _turned(message: Any) -> bool:
    return isinstance(message, dict) and next(iter(message), "") not in ("event", "type")


def _woken(socket: Socket, message: Any) -> Wires:
    """Whatever comes counts as the caller's first words."""
    if unknown(socket, message):
        socket.state.woken = 25
    audio = payload(message) if isinstance(message, dict | bytes) and not _odd(message) else None
    if audio is not None and getattr(socket.state, "woken", 0) > 0:
        socket.state.woken -= 1
        return [with_payload(message, bytes(0x80 if index % 8 < 4 else 0x00 for index in range(len(audio))))]
    return [message]


def _empty(socket: Socket, message: Any) -> bool:
    return isinstance(message, bytes) and not message


def _has_parameters(socket: Socket, message: Any) -> bool:
    return event("start")(socket, message) and '"campaign": "spring"' in json.dumps(message)


def _mistyped(socket: Socket, message: Any) -> bool:
    return isinstance(message, dict) and any(message.get(name, "") is None for name in ("media", "text", "mark"))


class _Deaf(WebSocketConnection):
    """Leaves pings to the application, which does not know them."""

    def handle_ping(self) -> None:
        self.conn.data_to_send()


class _Frames(WebSocketConnection):
    """Knows no messages of several frames."""

    def handle_cont(self, event: Frame) -> None:
        """Lose it."""


class _Crash:
    """A service that some ends of calls take down."""

    def __init__(self, *codes: int) -> None:
        self._codes = codes
        self._down = False

    def ended(self, socket: Socket, code: int) -> None:
        self._down = self._down or code in self._codes

    def before(self, request: Any) -> Reply | None:
        return Reply.error(503, "DOWN") if self._down and request.operation else None


def crash(*codes: int) -> Apply:
    """The service is down after a socket ended with one of these codes."""

    def apply(server: Server) -> None:
        it = _Crash(*codes)
        hooked(Hooks(ended=it.ended, before=it.before))(server)

    return apply


def leak(most: int, *, refuses: bool) -> Apply:
    """Each call takes a slot of a pool, and none is given back."""

    def apply(server: Server) -> None:
        taken: list[Socket] = []

        async def dial(socket: Socket) -> Reply | None:
            taken.append(socket)
            return Reply.error(503, "BUSY") if refuses and len(taken) > most else None

        def said(socket: Socket, message: Any) -> Wires:
            return [message] if socket in taken[:most] else []

        hooked(Hooks(dial=dial, says=said))(server)

    return apply


def _without_fragments(server: Server) -> None:
    server.config.app = sockets_too(server)
    server.config.ws = _Frames


def _without_pongs(server: Server) -> None:
    server.config.app = sockets_too(server)
    server.config.ws = _Deaf


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", missed: str = "") -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, missed=missed)


FAULTS = [
    _f("survival.unknown-events", "unknown events end the call", ends(unknown), "1003", "telnyx"),
    _f("survival.unknown-events", "unknown types end the call", ends(unknown, 1008), "1008", "websocket"),
    _f("survival.binary", "binary messages end a carrier's call", ends(_binary), "1003", "twilio"),
    _f(
        "survival.binary",
        "a binary message before start ends the call",
        ends(_before_start(_binary)),
        "after a binary message",
        "telnyx",
    ),
    _f("survival.binary", "an empty binary message ends a custom client's call", ends(_empty), "1003", "websocket"),
    _f("survival.fragments", "messages of several frames are lost", _without_fragments, "three frames", "telnyx"),
    _f("survival.fragments", "texts of several frames are lost", _without_fragments, "three frames", "websocket"),
    _f("media.start-parameters", "custom parameters end the call", ends(_has_parameters), "1003", "twilio"),
    _f("survival.unknown-fields", "a field too many ends the call", ends(_has_new_field), "nobody knows", "plivo"),
    _f("survival.unknown-fields", "a text with a field too many is lost", _known_fields, "nobody knows", "websocket"),
    _f("survival.overtaken", "a number that goes back ends the call", ends(_goes_back), "1008|closed|close", "telnyx"),
    _f("survival.field-order", "the event must be the first field", _event_first, "at the end", "twilio"),
    _f("survival.field-order", "the type must be the first field", _event_first, "at the end", "websocket"),
    _f(
        "survival.unknown-events",
        "an unknown event before start ends the call",
        ends(_before_start(unknown)),
        "start message",
        "plivo",
    ),
    _f("survival.unknown-events", "an unknown event wakes the agent", hears(_woken), "said nothing", "telnyx"),
    _f("survival.ping", "pings on the control socket are not answered", _without_pongs, "pong", "webrtc"),
    _f("survival.keys", "keys end the call", ends(event("dtmf"), 1011), "1011", "plivo"),
    _f("survival.keys", "after a key the caller is not heard", deafens(event("dtmf")), "an answer", "twilio"),
    _f("survival.marks", "unknown marks end the call", ends(_strange_mark, 1011), "1011", "telnyx"),
    _f("survival.marks", "after an unknown mark the caller is not heard", deafens(_strange_mark), "an answer", "plivo"),
    _f("survival.garbage", "text that is not JSON ends the call", ends(_not_json, 1007), "1007", "twilio"),
    _f("survival.control-socket", "texts end the call before it began", ends(_typed), "too long for the room"),
    _f("survival.control-socket", "text that is not JSON crashes the offer of a room", ends(_not_json, 1011), "1011"),
    _f("survival.garbage-does-no-harm", "a NUL crashes the call", ends(_nul, 1011), "1011", "twilio"),
    _f(
        "survival.garbage-does-no-harm",
        "text that is not JSON crashes the call",
        ends(_not_json, 1011),
        "1011",
        "websocket",
    ),
    _f(
        "survival.garbage-does-no-harm",
        "null in the place of an object crashes the call",
        ends(_mistyped, 1011),
        "1011",
        "telnyx",
    ),
    _f("survival.ping", "pings are not answered", _without_pongs, "pong", "twilio"),
    _f(
        "survival.service",
        "a peer that vanishes takes the service down",
        crash(1005, 1006),
        "vanished",
        "vanished",
    ),
    _f(
        "survival.service",
        "a broken frame takes the service down",
        crash(1002, 1007),
        "broken-frames",
        "broken-frames",
    ),
    _f("survival.service", "an oversize message takes the service down", crash(1009), "sizes", "sizes"),
    _f("survival.reconnect", "the third call is not served", leak(2, refuses=False), "nothing"),
    _f("survival.reconnect", "the third call is refused", leak(2, refuses=True), "refus|503"),
]
