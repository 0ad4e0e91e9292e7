"""Faults of time: maxDuration, inactivity, and what holds by default."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from mockserver.server import Server
from tests.faults.fault import Apply, Close, Hooks, Socket, Wires, asks, hooked, says
from tests.faults.media import CLEARS, broken, drops, missing, payload, puts, silence, with_payload, word
from tests.faults.sockets_too import WebSocketConnection, sockets_too

SCALE = 20


def inherits(name: str, within: Callable[[dict[str, Any]], Any] = lambda body: body) -> Apply:
    """What a call leaves out is what the last one asked for that did not."""

    def apply(server: Server) -> None:
        kept: dict[str, Any] = {}

        def change(operation: str, body: dict[str, Any]) -> None:
            place = within(body)
            if operation == "inline" and isinstance(place, dict):
                if name not in place:
                    place.update(kept)
                elif isinstance(place[name], str):
                    kept[name] = place[name]

        asks(change)(server)

    return apply


def _clock_per_turn(method: str) -> Apply:
    """The deadline moves with each turn of the caller's that this method of the conversation takes."""

    def apply(server: Server) -> None:
        answer = server.mock.switchboard._answer

        def answered(call: Any, opened_at: float) -> Any:
            stream, party = answer(call, opened_at)
            conversation: Any = party
            take = getattr(conversation, method)

            def taken(*turn: Any) -> None:
                conversation._deadline += turn[-1] - opened_at
                take(*turn)

            setattr(conversation, method, taken)
            return stream, party

        server.mock.switchboard._answer = answered

    return apply


def _websocket(body: dict[str, Any]) -> Any:
    return body.get("websocket") if body.get("connectionType") == "websocket" else None


def times(name: str, change: Callable[[int], int]) -> Apply:
    """A duration of the request, changed."""

    def look(operation: str, body: dict[str, Any]) -> None:
        if operation == "inline" and isinstance(body.get(name), int):
            body[name] = change(body[name])

    return asks(look)


def _frames_said(socket: Socket, message: Any) -> Wires:
    """After the greeting nothing is said to who sent no frame within the last second."""
    audio = payload(message)
    if audio is None:
        return [message]
    now = time.monotonic()
    socket.state.begun = getattr(socket.state, "begun", now)
    waits = now - socket.state.begun > 5.0 and now - getattr(socket.state, "heard_at", now - 9) > 1.0
    return [with_payload(message, silence(socket, audio)) if waits else message]


def _timed_by_frames(server: Server) -> None:
    def heard(socket: Socket, message: Any) -> Wires:
        if payload(message) is not None:
            socket.state.heard_at = time.monotonic()
        return [message]

    hooked(Hooks(hears=heard, says=_frames_said))(server)


def _early_hangup(socket: Socket, message: Any) -> Wires:
    first_at = getattr(socket.state, "first_at", None) or time.monotonic()
    socket.state.first_at = first_at
    late = time.monotonic() - first_at > socket.asked.get("maxDuration", 7200) / SCALE / 2 - 0.5
    return [{"type": "hangup"}, message] if late and socket.once("hung_up") else [message]


def _timer_from_start(server: Any) -> None:
    """Where no start comes, no timer runs."""

    def heard(socket: Socket, message: Any) -> Wires:
        socket.state.started = getattr(socket.state, "started", False) or word(message) == "start"
        return [message]

    def closes(socket: Socket) -> bool:
        return getattr(socket.state, "started", False) or socket.kind in ("websocket", "webrtc")

    hooked(Hooks(hears=heard, closes=closes))(server)


class _Holding(WebSocketConnection):
    """Takes no notice of Close frames."""

    def data_received(self, data: bytes) -> None:
        """Take in bytes: a masked Close frame of a client comes by itself."""
        if not data.startswith(b"\x88"):
            super().data_received(data)


def _never_lets_go(server: Server) -> None:
    server.config.app = sockets_too(server)
    server.config.ws = _Holding


def _hears_out(server: Server) -> None:
    """Nobody is cut off who is speaking."""

    def heard(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        if audio is not None and len(set(audio)) > 40:
            socket.state.spoken_at = time.monotonic()
        return [message]

    def closes(socket: Socket) -> bool:
        return time.monotonic() - getattr(socket.state, "spoken_at", 0.0) > 1.0

    hooked(Hooks(hears=heard, closes=closes))(server)


def _clock_from_creation(server: Server) -> None:
    """maxDuration is counted from the moment that the call was created."""
    answer = server.mock.switchboard._answer

    def answered(call: Any, opened_at: float) -> Any:
        stream, party = answer(call, opened_at)
        conversation: Any = party
        if call.kind == "inline" and call.settings.connection_type != "webrtc":
            conversation._deadline -= (datetime.now(UTC) - call.created_at).total_seconds()
        return stream, party

    server.mock.switchboard._answer = answered


def _waits_for_withdrawn_marks(server: Server) -> None:
    """An agent that has withdrawn audio takes itself for speaking: nobody is asked, who falls silent then."""

    def said(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        if word(message) in CLEARS:
            socket.state.cleared_at = time.monotonic()
        if audio is None or not hasattr(socket.state, "cleared_at"):
            return [message]
        now = time.monotonic()
        waits = now - getattr(socket.state, "said_at", socket.state.cleared_at) > 8.0
        if not waits:
            socket.state.said_at = now
        return [with_payload(message, silence(socket, audio)) if waits else message]

    hooked(Hooks(says=said))(server)


def _counts_ends(server: Server) -> None:
    """The clock of silence goes on while the caller speaks, and is set anew when the agent has answered."""

    def said(socket: Socket, message: Any) -> Wires:
        if payload(message) is not None:
            socket.state.said_at = time.monotonic()
        return [message]

    def heard(socket: Socket, message: Any) -> Wires:
        due_s = socket.asked.get("inactivityTimeout", 1e9) / SCALE
        silent_s = time.monotonic() - getattr(socket.state, "said_at", time.monotonic())
        return [Close(1000)] if silent_s > due_s else [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _never_closes(server: Any) -> None:
    hooked(Hooks(closes=lambda socket: socket.kind != "webrtc"))(server)


def _mute_after_greeting(socket: Socket, message: Any) -> Wires:
    """Ends an inactive call without a word."""
    over = word(message) in ("mark", "checkpoint") or isinstance(message, dict) and message.get("state") == "listening"
    if over and hasattr(socket.state, "spoke"):
        socket.state.mute = True
    if payload(message) is not None:
        socket.state.spoke = True
        if hasattr(socket.state, "mute"):
            return []
    return [message]


def _timer_from_greeting(typed: bool) -> Apply:
    """Caller speech (or only what is typed) does not start the timer anew."""

    def said(socket: Socket, message: Any) -> Wires:
        over = word(message) in ("mark", "checkpoint") or (
            isinstance(message, dict) and message.get("state") == "listening" and hasattr(socket.state, "spoke")
        )
        if payload(message) is not None:
            socket.state.spoke = True
        if over and not hasattr(socket.state, "greeted"):
            socket.state.greeted = time.monotonic()
        return [message]

    def heard(socket: Socket, message: Any) -> Wires:
        if word(message) == "user_text_message":
            socket.state.typed = True
        if typed and not hasattr(socket.state, "typed"):
            return [message]
        due = socket.asked.get("inactivityTimeout", 1e9) / SCALE
        since = getattr(socket.state, "greeted", time.monotonic())
        return [Close(1000)] if time.monotonic() - since > due + 1.5 else [message]

    return hooked(Hooks(hears=heard, says=said))


def _waits_for_ever(operation: str, body: dict[str, Any]) -> None:
    body.pop("inactivityTimeout", None)


FAULTS = [
    broken("media.max-duration", "maxDuration is ignored", puts(maxDuration=7200), "goes on", "twilio"),
    broken(
        "media.max-duration",
        "calls end too early",
        times("maxDuration", lambda value: value // 2 + 10),
        "it came after",
        "plivo",
    ),
    broken(
        "media.max-duration", "each turn sets the clock anew", _clock_per_turn("_hear_turn"), "goes on|after", "twilio"
    ),
    broken(
        "media.max-duration",
        "each text sets the clock anew",
        _clock_per_turn("_read"),
        "goes on|after",
        "websocket",
    ),
    broken("media.inactivity-prompt", "the clock of silence needs frames", _timed_by_frames, "silence", "websocket"),
    broken("media.max-duration", "hangup is said at half time", says(_early_hangup), "the close later", "websocket"),
    broken("media.max-duration", "no hangup message", drops("hangup"), "hangup", "websocket"),
    broken(
        "media.max-duration", "the clock runs from the call's creation", _clock_from_creation, "it came after", "twilio"
    ),
    broken(
        "media.inactivity-after-interruption",
        "who has been interrupted asks nobody",
        _waits_for_withdrawn_marks,
        "silence",
        "plivo",
    ),
    broken("media.max-duration", "nobody is cut off", _hears_out, "goes on|after", "telnyx"),
    broken("media.inactivity-counts-both", "words count when they are over", _counts_ends, "ends the call", "twilio"),
    broken("media.caller-hangs-up", "a caller who leaves is not let go", _never_lets_go, "none on 3 calls"),
    broken("media.max-duration", "rooms never end", _never_closes, "goes on", "webrtc"),
    broken(
        "media.max-duration-without-start",
        "the clock runs from the start message",
        _timer_from_start,
        "goes on",
        "telnyx",
    ),
    broken("defaults.not-inherited", "the codec of the last call is kept", inherits("codec", _websocket), "mulaw"),
    broken(
        "defaults.not-inherited", "the first speaker of the last call is kept", inherits("firstSpeaker"), "greeting"
    ),
    broken(
        "defaults.max-duration", "calls last a minute by default", missing(maxDuration=60), "the end after", "twilio"
    ),
    broken(
        "defaults.inactivity",
        "calls without inactivityTimeout prompt",
        missing(inactivityTimeout=10),
        "silence after|the end",
        "telnyx",
    ),
    broken(
        "defaults.inactivity",
        "calls without inactivityTimeout hang up",
        missing(inactivityTimeout=60, inactivityAction="hang_up"),
        "silence after|the end",
        "plivo",
    ),
    broken("media.inactivity-prompt", "prompts hang up", puts(inactivityAction="hang_up"), "goes on waiting", "twilio"),
    broken("media.inactivity-prompt", "nobody asks", asks(_waits_for_ever), "silence", "plivo"),
    broken(
        "media.inactivity-prompt",
        "the prompt comes too early",
        times("inactivityTimeout", lambda value: max(10, value // 3)),
        "after",
        "websocket",
    ),
    broken(
        "media.inactivity-hang-up", "nobody hangs up", puts(inactivityAction="prompt"), "the call goes on", "twilio"
    ),
    broken(
        "media.inactivity-hang-up",
        "a silent call ends without a word",
        says(_mute_after_greeting),
        "without a word",
        "telnyx",
    ),
    broken(
        "media.inactivity-counts-both",
        "silence is counted from the greeting",
        _timer_from_greeting(typed=False),
        "after the answer",
        "twilio",
    ),
    broken(
        "media.inactivity-counts-both",
        "what is typed is no activity",
        _timer_from_greeting(typed=True),
        "after the answer to a typed text",
        "websocket",
    ),
]
