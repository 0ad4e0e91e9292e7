"""Faults of who speaks when: greeting, answers, interruption, marks, stop."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from mockserver.server import Server
from tests.faults.fault import Apply, Close, Hooks, Reply, Request, Socket, Wires, asks, hears, hooked, says
from tests.faults.media import CLEARS, broken, drops, missing, payload, puts, silence, voice, with_payload, word


def deaf(when: Callable[[Socket, bytes], bool]) -> Apply:
    """Hear silence instead of the caller."""

    def look(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        mute = audio is not None and when(socket, audio)
        return [with_payload(message, silence(socket, audio)) if mute and audio is not None else message]

    return hears(look)


def _without_first_mark(socket: Socket, message: Any) -> Wires:
    return [] if word(message) == "mark" and socket.once("marked") else [message]


def _ends_in_speech(socket: Socket, message: Any) -> Wires:
    if payload(message) is not None and socket.count("pieces") > 40:
        return [message, Close(1000)]
    return [message]


def _crashes_on_turn(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    loud = audio is not None and len(set(audio)) > 20 and socket.count("loud") > 40
    return [Close(1011)] if loud else [message]


def _in_step(server: Any) -> None:
    """The agent's clock is the caller's frames."""

    def heard(socket: Socket, message: Any) -> Wires:
        if payload(message) is not None:
            socket.state.at = time.monotonic()
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        late = time.monotonic() - getattr(socket.state, "at", time.monotonic()) > 0.3
        return [] if late and payload(message) is not None else [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _deaf_after_speech_in_the_greeting(socket: Socket, message: Any) -> Wires:
    """What was said into the first message leaves the ear open for a turn that never ends."""
    audio = payload(message)
    if audio is None or socket.asked.get("interruptible") is not False:
        return [message]
    now = time.monotonic()
    socket.state.begun = getattr(socket.state, "begun", now)
    if now - socket.state.begun < 5.0 and len(set(audio)) > 40:
        socket.state.deaf = True
    return [with_payload(message, silence(socket, audio)) if hasattr(socket.state, "deaf") else message]


def _mute_after_clear(socket: Socket, message: Any) -> Wires:
    """Who is interrupted says no more."""
    if word(message) in CLEARS:
        socket.state.mute = True
    return [] if payload(message) is not None and hasattr(socket.state, "mute") else [message]


def _deaf_after_clear(server: Server) -> None:
    """Who is interrupted hears no more, and asks some time later whether anybody is there."""

    def said(socket: Socket, message: Any) -> Wires:
        if word(message) in CLEARS:
            socket.state.deaf = True
        return [message]

    def heard(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        gone = audio is not None and hasattr(socket.state, "deaf")
        return [with_payload(message, silence(socket, audio)) if gone and audio is not None else message]

    hooked(Hooks(says=said, hears=heard))(server)


def _waits_for_checkpoints(server: Server) -> None:
    """What was withdrawn is waited for, as if it were still to be played."""

    def heard(socket: Socket, message: Any) -> Wires:
        if word(message) == "playedStream":
            socket.state.waits = False
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        if word(message) == "clearAudio":
            socket.state.waits = True
            name = {"event": "checkpoint", "streamId": message["streamId"], "name": "withdrawn"}
            return [name, message]
        return [] if payload(message) is not None and getattr(socket.state, "waits", False) else [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _marks_come_back(server: Server) -> None:
    """A mark of something that was withdrawn is looked for among what is still to be played."""

    def heard(socket: Socket, message: Any) -> Wires:
        return [Close(1011)] if word(message) == "mark" and hasattr(socket.state, "cleared") else [message]

    def said(socket: Socket, message: Any) -> Wires:
        if word(message) in CLEARS:
            socket.state.cleared = True
            # Something was withdrawn, and so it had its mark.
            sid = {"streamSid": message.get("streamSid")}
            return [{"event": "mark", "mark": {"name": "withdrawn"}, **sid}, message]
        return [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _deaf_after_an_answer(server: Server) -> None:
    """What one turn leaves behind keeps the next from being heard: here, after the marks of greeting and answer."""

    def heard(socket: Socket, message: Any) -> Wires:
        return [] if payload(message) is not None and hasattr(socket.state, "deaf") else [message]

    def said(socket: Socket, message: Any) -> Wires:
        if word(message) == "mark" and socket.count("marks") > 1:
            socket.state.deaf = True
        return [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _talks_on(server: Any) -> None:
    """Clears, and goes on with what was being said."""

    def heard(socket: Socket, message: Any) -> Wires:
        audio, loud = payload(message), getattr(socket.state, "loud", None)
        if audio is not None and hasattr(socket.state, "piece"):
            if loud is None and len(set(audio)) > 40 and socket.count("voiced") > 15:
                socket.state.loud = True
                socket.state.clear = {"event": "clear"}
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        if payload(message) is not None:
            socket.state.piece = message
            if hasattr(socket.state, "loud") and socket.once("sent"):
                sid = message.get("streamSid") if isinstance(message, dict) else None
                return [{"event": "clear", "streamSid": sid}, message]
        return [] if word(message) in CLEARS else [message]

    def uninterruptible(request: Any) -> Reply | None:
        body = request.json() if request.operation == "inline" else None
        if isinstance(body, dict):
            request.body = request.body.replace(b'"interruptible": true', b'"interruptible": false')
        return None

    hooked(Hooks(before=uninterruptible, hears=heard, says=said))(server)


def _no_listening(socket: Socket, message: Any) -> Wires:
    return [] if isinstance(message, dict) and message.get("state") == "listening" else [message]


def _ignores_stop(server: Any) -> None:
    hooked(Hooks(hears=lambda socket, message: [] if word(message) == "stop" else [message]))(server)


def _talks_after_stop(server: Any) -> None:
    """Says the rest, then hangs up."""
    at: dict[int, float] = {}

    def heard(socket: Socket, message: Any) -> Wires:
        if word(message) == "stop":
            at[id(socket)] = time.monotonic()
            return []
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        stopped = at.get(id(socket), time.monotonic())
        return [message, Close(1000)] if time.monotonic() - stopped > 3 else [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _quiet_agents(socket: Socket, audio: bytes) -> bool:
    return socket.operation == "create"


USER = "user"


def _deaf_to_stop() -> Hooks:
    """Only who speaks looks whether there is a stop."""

    def heard(socket: Socket, message: Any) -> Wires:
        silent = time.monotonic() - getattr(socket.state, "said_at", 0.0) > 0.3
        return [] if word(message) == "stop" and silent else [message]

    def said(socket: Socket, message: Any) -> Wires:
        if payload(message) is not None:
            socket.state.said_at = time.monotonic()
        return [message]

    return Hooks(hears=heard, says=said)


def _for_the_newest(server: Server) -> None:
    """All calls share a variable."""
    newest: list[Socket] = []

    def opened(socket: Socket) -> Wires:
        newest.append(socket)
        return []

    def heard(socket: Socket, message: Any) -> Wires:
        if word(message) != "user_text_message" or newest[-1] is socket:
            return [message]
        newest[-1].tell(message)
        return []

    hooked(Hooks(opened=opened, hears=heard))(server)


def _mute_unrecorded(operation: str, body: dict[str, Any]) -> None:
    if body.get("recordingEnabled") is False:
        body["firstSpeaker"] = USER


def _cut_silently(server: Server) -> None:
    """The greeting is cut short, and nobody is told."""

    def look(request: Request) -> None:
        body = request.json() if request.operation == "inline" else None
        if isinstance(body, dict):
            request.body = json.dumps(body | {"interruptible": True}).encode()

    def said(socket: Socket, message: Any) -> Wires:
        return [] if word(message) in CLEARS else [message]

    hooked(Hooks(before=look, says=said))(server)


def _forgets_long_turns(server: Server) -> None:
    """A turn is collected in a buffer of four seconds, and lost where it does not fit."""

    def heard(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        now = time.monotonic()
        if audio is not None and len(set(audio)) > 5:
            goes_on = now - getattr(socket.state, "voiced_at", now) < 0.5
            socket.state.voiced_bytes = (socket.state.voiced_bytes if goes_on else 0) + len(audio)
            socket.state.voiced_at = now
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        lost = audio is not None and getattr(socket.state, "voiced_bytes", 0) > 4 * 8000
        return [with_payload(message, silence(socket, audio or b""))] if lost else [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _waits_for_audio(server: Server) -> None:
    """Nothing is said before the first frame."""

    def heard(socket: Socket, message: Any) -> Wires:
        socket.state.heard = getattr(socket.state, "heard", False) or payload(message) is not None
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        waits = payload(message) is not None and not getattr(socket.state, "heard", False)
        return [with_payload(message, silence(socket, payload(message) or b""))] if waits else [message]

    hooked(Hooks(hears=heard, says=said))(server)


FAULTS = [
    broken("media.long-turn", "a turn of over four seconds is lost", _forgets_long_turns, "nothing", "telnyx"),
    broken("media.stays-open", "the call ends in the greeting", says(_ends_in_speech), r"closed \(1000\)"),
    broken(
        "media.stays-open",
        "the agent crashes when the caller speaks",
        hears(_crashes_on_turn),
        r"closed \(1011\)",
        "twilio",
    ),
    broken("media.greeting", "the agent never speaks first", puts(firstSpeaker=USER), "10 s"),
    broken("media.greeting", "the greeting is silence", voice(silence), "only silence", "twilio"),
    broken("media.greeting", "carriers get no audio", drops("media", "playAudio"), "10 s", "plivo"),
    broken("media.greeting-without-audio", "the greeting waits for the caller's audio", _waits_for_audio, "no audio"),
    broken("media.greeting-by-default", "the user speaks first by default", missing(firstSpeaker=USER), "by default"),
    broken("media.user-speaks-first", "firstSpeaker is ignored", puts(firstSpeaker="agent"), "audible audio .* after"),
    broken(
        "media.nothing-before-start",
        "something is said on the open socket",
        hooked(Hooks(opened=lambda s: [{"event": "connected"}])),
        "1 messages|2 messages|messages",
    ),
    broken("media.answer", "the agent does not hear", deaf(lambda s, audio: True), "end of speech", "twilio"),
    broken(
        "media.answer",
        "the agent does not hear pcm",
        deaf(lambda s, audio: s.kind == "websocket"),
        "end of speech",
        "websocket",
    ),
    broken("media.answer-by-the-clock", "time is counted in frames", _in_step, "last frame", "plivo"),
    broken("media.agent-call", "saved agents do not hear", deaf(_quiet_agents), "10 s", "telnyx"),
    broken(
        "media.agent-call",
        "saved agents' calls end at once",
        hears(lambda s, m: [Close(1011)] if s.operation == "create" else [m]),
        "1011",
        "websocket",
    ),
    broken("media.every-turn", "only the first turn is answered", _deaf_after_an_answer, "second turn", "twilio"),
    broken(
        "media.answer-after-first-message",
        "who spoke into the greeting is not heard any more",
        hears(_deaf_after_speech_in_the_greeting),
        "after the first message",
        "telnyx",
    ),
    broken("media.marks", "no marks", drops("mark", "checkpoint"), "a mark", "plivo"),
    broken("media.marks", "no mark after the greeting", says(_without_first_mark), "a mark", "twilio"),
    broken("media.interruptible", "nothing is interruptible", puts(interruptible=False), "withdrawn within", "twilio"),
    broken("media.interruptible", "nothing is withdrawn", drops(*CLEARS), "no message that withdraws", "plivo"),
    broken("media.interruptible", "audio goes on after clear", _talks_on, "audio goes on", "twilio"),
    broken("media.interruptible", "no state listening", says(_no_listening), "listening", "websocket"),
    broken("media.answer-after-interruption", "no word after clear", says(_mute_after_clear), "nothing", "telnyx"),
    broken(
        "media.answer-after-interruption", "who is interrupted is deaf", _deaf_after_clear, "nothing|silence", "twilio"
    ),
    broken(
        "media.answer-after-interruption", "withdrawn checkpoints are waited for", _waits_for_checkpoints, "", "plivo"
    ),
    broken("media.answer-after-interruption", "marks after clear crash the call", _marks_come_back, "1011", "twilio"),
    broken("media.not-interruptible", "everything is interruptible", puts(interruptible=True), "withdrawn", "telnyx"),
    broken("media.not-interruptible", "caller speech ends the greeting in silence", _cut_silently, "of sound", "plivo"),
    broken(
        "media.not-interruptible-by-default",
        "everything is interruptible by default",
        missing(interruptible=True),
        "withdrawn",
        "twilio",
    ),
    broken("media.stop", "stop is ignored while the agent is silent", hooked(_deaf_to_stop()), "had ended", "telnyx"),
    broken("media.calls-apart", "a text is taken for the newest call's", _for_the_newest, "on the (line|other call)"),
    broken("media.greeting-whatever-is-asked", "calls without a recording are mute", asks(_mute_unrecorded), "nothing"),
    broken("media.stop", "stop is ignored", _ignores_stop, "closed socket|no audio", "twilio"),
    broken(
        "media.stop", "the agent talks to the end after stop", _talks_after_stop, "no audio 1 s after stop", "plivo"
    ),
]
