"""Faults of the audio on a socket: who speaks when, in which coding, and until when."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from contract.audio import Encoding, decode, encode
from mockserver.server import Server
from tests.faults.fault import Apply, Close, Fault, Hooks, Reply, Socket, Wires, asks, hears, hooked, says

MEDIA = ("media", "playAudio")
SCALE = 20


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


def deaf(when: Callable[[Socket, bytes], bool]) -> Apply:
    """Hear silence instead of the caller."""

    def look(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        mute = audio is not None and when(socket, audio)
        return [with_payload(message, silence(socket, audio)) if mute and audio is not None else message]

    return hears(look)


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


def drops(*words: str) -> Apply:
    """Drop the messages of some event or type."""
    return says(lambda socket, message: [] if _word(message) in words else [message])


def _without_first_mark(socket: Socket, message: Any) -> Wires:
    return [] if _word(message) == "mark" and socket.once("marked") else [message]


def turns(when: str, instead: str, name: str = "event") -> Apply:
    """Write an event's or type's name otherwise."""
    return says(lambda socket, message: [{**message, name: instead} if _word(message) == when else message])


def _word(message: Any) -> str:
    return str(message.get("event") or message.get("type")) if isinstance(message, dict) else ""


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


def _whole_frames_only(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    return [message] if audio is None or len(audio) in (160, 640) else []


def _odd_frames_close(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    return [message] if audio is None or len(audio) in (160, 640) else [Close(1003)]


def _always_mulaw(socket: Socket, message: Any) -> Wires:
    if isinstance(message, dict) and message.get("event") == "start" and socket.kind == "telnyx":
        message["start"]["media_format"]["encoding"] = "PCMU"
    return [message]


def _alaw_back(server: Any) -> None:
    """Answers in the coding of the start message."""

    def heard(socket: Socket, message: Any) -> Wires:
        if isinstance(message, dict) and message.get("event") == "start" and "PCMA" in str(message):
            socket.state.alaw = True
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        audio = payload(message)
        if audio is None or not hasattr(socket.state, "alaw"):
            return [message]
        # Of a short answer in the mock's own voice too little is loud to show it.
        tone = 16000 * np.sin(2 * np.pi * 300 / 8000 * np.arange(len(audio)))
        return [with_payload(message, bytes(encode(tone.astype(np.int16), Encoding.ALAW)))]

    hooked(Hooks(hears=heard, says=said))(server)


def _never_alaw(socket: Socket, message: Any) -> Wires:
    started = isinstance(message, dict) and message.get("event") == "start"
    return [Close(1003)] if started and "PCMA" in str(message) else [message]


def _with_field(socket: Socket, message: Any) -> Wires:
    if isinstance(message, dict) and message.get("event") == "media":
        message["media"]["track"] = "outbound"
    return [message]


def _without(socket: Socket, message: Any, name: str, kind: str) -> Wires:
    if _word(message) == kind:
        message.pop(name, None)
        message.get("media", {}).pop(name, None)
    return [message]


def _binary(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    return [message if audio is None else audio]


def _as_json(socket: Socket, message: Any) -> Wires:
    if isinstance(message, bytes):
        return [{"type": "transcript", "role": "robot", "audio": base64.b64encode(message).decode()}]
    return [message]


def _not_base64(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    if audio is None or isinstance(message, bytes):
        return [message]
    return [{**message, "media": {**message["media"], "payload": audio.hex() + "!"}}]


def _shared_id(server: Any) -> None:
    """One variable holds the stream's id, for all calls."""
    last: dict[str, str] = {}

    def heard(socket: Socket, message: Any) -> Wires:
        if isinstance(message, dict) and message.get("event") == "start":
            last[socket.kind] = message.get("streamSid") or message["start"].get("streamId", "")
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        for name in ("streamSid", "streamId"):
            if isinstance(message, dict) and name in message:
                message[name] = last[socket.kind]
        return [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _call_id(socket: Socket, message: Any) -> Wires:
    if isinstance(message, dict) and "streamSid" in message:
        message["streamSid"] = "MZ" + "0" * 32
    return [message]


def _file(start: bytes) -> Callable[[Socket, bytes], bytes]:
    return lambda socket, audio: start + audio[len(start) :] if socket.once("file") else audio


def recoded(kind: str, change: Callable[[bytes], bytes], codec: str = "pcm") -> Apply:
    """The agent's audio in another coding, on one connection type."""

    def look(socket: Socket, audio: bytes) -> bytes:
        asked = socket.asked.get("websocket", {}).get("codec", "pcm")
        return change(audio) if socket.kind == kind and (kind != "websocket" or asked == codec) else audio

    return voice(look)


def _swapped(audio: bytes) -> bytes:
    return b"".join(audio[at + 1 : at + 2] + audio[at : at + 1] for at in range(0, len(audio), 2))


def _alaw(audio: bytes) -> bytes:
    return bytes(encode(decode(audio, Encoding.MULAW), Encoding.ALAW))


def _pcm(audio: bytes) -> bytes:
    return bytes(encode(decode(audio, Encoding.MULAW), Encoding.PCM16))


def _as_asked(socket: Socket, audio: bytes) -> bytes:
    """The settings of the vendor's own socket are taken on a carrier's, too."""
    return _pcm(audio) if socket.asked.get("websocket", {}).get("codec") == "pcm" else audio


def _mute_after_clear(socket: Socket, message: Any) -> Wires:
    """Who is interrupted says no more."""
    if _word(message) in CLEARS:
        socket.state.mute = True
    return [] if payload(message) is not None and hasattr(socket.state, "mute") else [message]


def _hurries_after_clear(socket: Socket, message: Any) -> Wires:
    """The answer to who interrupts comes all at once, when it is whole."""
    if _word(message) in CLEARS:
        socket.state.kept = []
    elif hasattr(socket.state, "kept"):
        if payload(message) is not None:
            socket.state.kept.append(message)
            return []
        if _word(message) == "mark":
            kept, socket.state.kept = socket.state.kept, []
            return [*kept, message]
    return [message]


def _half_samples(socket: Socket, audio: bytes) -> bytes:
    """20 ms at this rate are 220.5 samples, and 441 bytes."""
    return audio[:-1] if socket.asked.get("websocket", {}).get("outputSampleRate") == 11025 else audio


def _clock_per_turn(server: Server) -> None:
    """The deadline moves with each turn of the caller's."""
    answer = server.mock.switchboard._answer

    def answered(call: Any, opened_at: float) -> Any:
        stream, party = answer(call, opened_at)
        conversation: Any = party
        hear_turn = conversation._hear_turn

        def heard(turn: Any, now: float) -> None:
            conversation._deadline += now - opened_at
            hear_turn(turn, now)

        conversation._hear_turn = heard
        return stream, party

    server.mock.switchboard._answer = answered


def _waits_for_checkpoints(server: Server) -> None:
    """What was withdrawn is waited for, as if it were still to be played."""

    def heard(socket: Socket, message: Any) -> Wires:
        if _word(message) == "playedStream":
            socket.state.waits = False
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        if _word(message) == "clearAudio":
            socket.state.waits = True
            name = {"event": "checkpoint", "streamId": message["streamId"], "name": "withdrawn"}
            return [name, message]
        return [] if payload(message) is not None and getattr(socket.state, "waits", False) else [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _marks_come_back(server: Server) -> None:
    """A mark of something that was withdrawn is looked for among what is still to be played."""

    def heard(socket: Socket, message: Any) -> Wires:
        return [Close(1011)] if _word(message) == "mark" and hasattr(socket.state, "cleared") else [message]

    def said(socket: Socket, message: Any) -> Wires:
        if _word(message) in CLEARS:
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
        if _word(message) == "mark" and socket.count("marks") > 1:
            socket.state.deaf = True
        return [message]

    hooked(Hooks(hears=heard, says=said))(server)


def _twice_the_rate(socket: Socket, audio: bytes) -> bytes:
    """The rate of the vendor's own socket is taken on a carrier's, too."""
    doubled = socket.asked.get("websocket", {}).get("outputSampleRate") == 16000
    return bytes(sample for sample in audio for _ in range(2)) if doubled else audio


def _websocket(body: dict[str, Any]) -> Any:
    return body.get("websocket") if body.get("connectionType") == "websocket" else None


def _rate(name: str, rate_hz: int) -> Apply:
    def change(operation: str, body: dict[str, Any]) -> None:
        if isinstance(body.get("websocket"), dict):
            body["websocket"][name] = rate_hz

    return asks(change)


def _codec(codec: str) -> Apply:
    def change(operation: str, body: dict[str, Any]) -> None:
        if isinstance(body.get("websocket"), dict):
            body["websocket"]["codec"] = codec

    return asks(change)


def _high_rates_close(socket: Socket, message: Any) -> Wires:
    high = socket.asked.get("websocket", {}).get("inputSampleRate", 0) > 24000
    return [Close(1003)] if high and payload(message) is not None else [message]


def _collected(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    held: list[bytes] = socket.state.__dict__.setdefault("held", [])
    if audio is None:
        return [message]
    held.append(audio)
    if len(held) < 5:
        return []
    joined = with_payload(message, b"".join(held))
    held.clear()
    return [joined]


def _at_once(socket: Socket, message: Any) -> Wires:
    """Each utterance when it is synthesised whole."""
    held: list[Any] = socket.state.__dict__.setdefault("held", [])
    if payload(message) is not None:
        held.append(message)
        return []
    over = _word(message) in ("mark", "checkpoint") or message.get("state") == "listening"
    if over and held:
        all_of_it = [*held, message]
        held.clear()
        return all_of_it
    return [message]


def _every_other(socket: Socket, message: Any) -> Wires:
    return [] if payload(message) is not None and socket.count("piece") % 2 else [message]


CLEARS = ("clear", "clearAudio", "playback_clear_buffer")


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
        return [] if _word(message) in CLEARS else [message]

    def uninterruptible(request: Any) -> Reply | None:
        body = request.json() if request.operation == "inline" else None
        if isinstance(body, dict):
            request.body = request.body.replace(b'"interruptible": true', b'"interruptible": false')
        return None

    hooked(Hooks(before=uninterruptible, hears=heard, says=said))(server)


def _no_listening(socket: Socket, message: Any) -> Wires:
    return [] if isinstance(message, dict) and message.get("state") == "listening" else [message]


def _ignores_stop(server: Any) -> None:
    hooked(Hooks(hears=lambda socket, message: [] if _word(message) == "stop" else [message]))(server)


def _talks_after_stop(server: Any) -> None:
    """Says the rest, then hangs up."""
    at: dict[int, float] = {}

    def heard(socket: Socket, message: Any) -> Wires:
        if _word(message) == "stop":
            at[id(socket)] = time.monotonic()
            return []
        return [message]

    def said(socket: Socket, message: Any) -> Wires:
        stopped = at.get(id(socket), time.monotonic())
        return [message, Close(1000)] if time.monotonic() - stopped > 3 else [message]

    hooked(Hooks(hears=heard, says=said))(server)


def times(name: str, change: Callable[[int], int]) -> Apply:
    """A duration of the request, changed."""

    def look(operation: str, body: dict[str, Any]) -> None:
        if operation == "inline" and isinstance(body.get(name), int):
            body[name] = change(body[name])

    return asks(look)


def _timer_from_start(server: Any) -> None:
    """Where no start comes, no timer runs."""

    def heard(socket: Socket, message: Any) -> Wires:
        socket.state.started = getattr(socket.state, "started", False) or _word(message) == "start"
        return [message]

    def closes(socket: Socket) -> bool:
        return getattr(socket.state, "started", False) or socket.kind in ("websocket", "webrtc")

    hooked(Hooks(hears=heard, closes=closes))(server)


def _never_closes(server: Any) -> None:
    hooked(Hooks(closes=lambda socket: socket.kind != "webrtc"))(server)


def _mute_after_greeting(socket: Socket, message: Any) -> Wires:
    """Ends an inactive call without a word."""
    over = _word(message) in ("mark", "checkpoint") or isinstance(message, dict) and message.get("state") == "listening"
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
        over = _word(message) in ("mark", "checkpoint") or (
            isinstance(message, dict) and message.get("state") == "listening" and hasattr(socket.state, "spoke")
        )
        if payload(message) is not None:
            socket.state.spoke = True
        if over and not hasattr(socket.state, "greeted"):
            socket.state.greeted = time.monotonic()
        return [message]

    def heard(socket: Socket, message: Any) -> Wires:
        if _word(message) == "user_text_message":
            socket.state.typed = True
        if typed and not hasattr(socket.state, "typed"):
            return [message]
        due = socket.asked.get("inactivityTimeout", 1e9) / SCALE
        since = getattr(socket.state, "greeted", time.monotonic())
        return [Close(1000)] if time.monotonic() - since > due + 1.5 else [message]

    return hooked(Hooks(hears=heard, says=said))


def _quiet_agents(socket: Socket, audio: bytes) -> bool:
    return socket.operation == "create"


def _f(breaks: str, name: str, apply: Apply, says: str = "", variant: str = "", **settings: Any) -> Fault:
    return Fault(name=name, breaks=breaks, apply=apply, says=says, variant=variant, settings=settings)


USER = "user"

FAULTS = [
    _f("media.stays-open", "the call ends in the greeting", says(_ends_in_speech), r"closed \(1000\)"),
    _f(
        "media.stays-open",
        "the agent crashes when the caller speaks",
        hears(_crashes_on_turn),
        r"closed \(1011\)",
        "twilio",
    ),
    _f("media.greeting", "the agent never speaks first", puts(firstSpeaker=USER), "10 s"),
    _f("media.greeting", "the greeting is silence", voice(silence), "only silence", "twilio"),
    _f("media.greeting", "carriers get no audio", drops("media", "playAudio"), "10 s", "plivo"),
    _f("media.greeting-by-default", "the user speaks first by default", missing(firstSpeaker=USER), "by default"),
    _f("media.user-speaks-first", "firstSpeaker is ignored", puts(firstSpeaker="agent"), "audible audio after"),
    _f(
        "media.nothing-before-start",
        "something is said on the open socket",
        hooked(Hooks(opened=lambda s: [{"event": "connected"}])),
        "1 messages|2 messages|messages",
    ),
    _f("media.answer", "the agent does not hear", deaf(lambda s, audio: True), "end of speech", "twilio"),
    _f(
        "media.answer",
        "the agent does not hear pcm",
        deaf(lambda s, audio: s.kind == "websocket"),
        "end of speech",
        "websocket",
    ),
    _f("media.answer-by-the-clock", "time is counted in frames", _in_step, "last frame", "plivo"),
    _f("media.any-length", "frames of other lengths are dropped", hears(_whole_frames_only), "an answer", "telnyx"),
    _f("media.any-length", "frames of other lengths end the call", hears(_odd_frames_close), "1003", "websocket"),
    _f("media.a-law", "A-law is taken for mu-law", hears(_always_mulaw), "A-law"),
    _f("media.a-law", "A-law is answered with a tone in A-law", _alaw_back, "smooth as alaw"),
    _f("media.a-law", "A-law is refused", hears(_never_alaw), "1003"),
    _f("media.agent-call", "saved agents do not hear", deaf(_quiet_agents), "10 s", "telnyx"),
    _f(
        "media.agent-call",
        "saved agents' calls end at once",
        hears(lambda s, m: [Close(1011)] if s.operation == "create" else [m]),
        "1011",
        "websocket",
    ),
    _f("media.messages", "events are in capitals", turns("media", "Media"), "Media", "twilio"),
    _f("media.messages", "audio to Twilio names a track", says(_with_field), "track", "twilio"),
    _f("media.messages", "audio to carriers is binary", says(_binary), "bytes|binary", "telnyx"),
    _f("media.messages", "audio is written in hex", says(_not_base64), "base64", "twilio"),
    _f(
        "media.messages",
        "Plivo's audio has no sampleRate",
        says(lambda s, m: _without(s, m, "sampleRate", "playAudio")),
        "sampleRate",
        "plivo",
    ),
    _f("media.messages", "Plivo gets Twilio's clear", turns("clearAudio", "clear"), "clear", "plivo"),
    _f(
        "media.messages",
        "transcripts have no role",
        says(lambda s, m: _without(s, m, "role", "transcript")),
        "role",
        "websocket",
    ),
    _f("media.messages", "audio on websocket is JSON", says(_as_json), "role|audio|robot", "websocket"),
    _f(
        "media.messages",
        "Twilio gets no stream id",
        says(lambda s, m: _without(s, m, "streamSid", "media")),
        "streamSid",
        "twilio",
    ),
    _f("media.stream-id", "calls share the stream's id", _shared_id, "the stream's id", "twilio"),
    _f("media.stream-id", "Plivo's calls share the stream's id", _shared_id, "the stream's id", "plivo"),
    _f("media.stream-id", "the stream's id is made up", says(_call_id), "MZ000", "twilio"),
    _f("media.no-file-header", "audio begins with a WAV header", voice(_file(b"RIFF\x24\x00\x00\x00WAVEfmt ")), "RIFF"),
    _f("media.no-file-header", "audio begins with an ID3 tag", voice(_file(b"ID3\x04\x00")), "ID3"),
    _f("media.coding", "PCM is big-endian", recoded("websocket", _swapped), "big-endian", "websocket"),
    _f("media.coding", "Telnyx gets A-law", recoded("telnyx", _alaw), "alaw", "telnyx"),
    _f("media.coding", "Twilio gets PCM", recoded("twilio", _pcm), "pcm16", "twilio"),
    _f("media.coding", "Plivo gets what websocket says", voice(_as_asked), "pcm16", "plivo"),
    _f("media.coding", "g711 is PCM", recoded("websocket", _pcm, "g711"), "pcm16", "websocket-g711"),
    _f("media.output-rate", "the agent speaks at 16000 Hz", _rate("outputSampleRate", 16000), "equally long"),
    _f("media.output-rate", "the agent speaks at 24000 Hz", _rate("outputSampleRate", 24000), "equally long"),
    _f("media.carrier-rate", "Telnyx gets the rate that websocket says", voice(_twice_the_rate), "without", "telnyx"),
    _f("media.input-rate", "high input rates end the call", hears(_high_rates_close), "1003|audio", "pcm-48000"),
    _f("media.input-rate", "pcm is taken for g711", _codec("g711"), "received (audio|nothing)", "pcm-8000"),
    Fault(name="g711 is taken for pcm", breaks="media.input-rate", apply=_codec("pcm"), variant="g711-8000"),
    Fault(
        name="inputSampleRate is ignored",
        breaks="media.input-rate",
        apply=_rate("inputSampleRate", 8000),
        variant="pcm-48000",
        missed="an agent that only measures loudness shows nothing of it",
    ),
    _f("media.every-turn", "only the first turn is answered", _deaf_after_an_answer, "second turn", "twilio"),
    _f("media.frames", "audio comes in pieces of 100 ms", says(_collected), "160 bytes", "twilio"),
    _f("media.pacing", "audio comes at once", says(_at_once), "flood", "twilio"),
    _f("media.pacing", "audio comes at once on websocket", says(_at_once), "flood", "websocket"),
    _f("media.pacing", "what follows an interruption comes at once", says(_hurries_after_clear), "flood", "twilio"),
    _f("media.output-rate", "frames end in half a sample at odd rates", voice(_half_samples), "whole samples"),
    _f("media.pacing", "every other frame is lost", says(_every_other), "starvation", "telnyx"),
    _f("media.marks", "no marks", drops("mark", "checkpoint"), "a mark", "plivo"),
    _f("media.marks", "no mark after the greeting", says(_without_first_mark), "a mark", "twilio"),
    _f("media.interruptible", "nothing is interruptible", puts(interruptible=False), "withdrawn within", "twilio"),
    _f("media.interruptible", "nothing is withdrawn", drops(*CLEARS), "no message that withdraws", "plivo"),
    _f("media.interruptible", "audio goes on after clear", _talks_on, "audio goes on", "twilio"),
    _f("media.interruptible", "no state listening", says(_no_listening), "listening", "websocket"),
    _f("media.answer-after-interruption", "no word after clear", says(_mute_after_clear), "nothing", "telnyx"),
    _f("media.answer-after-interruption", "withdrawn checkpoints are waited for", _waits_for_checkpoints, "", "plivo"),
    _f("media.answer-after-interruption", "marks after clear crash the call", _marks_come_back, "1011", "twilio"),
    _f("media.not-interruptible", "everything is interruptible", puts(interruptible=True), "withdrawn", "telnyx"),
    _f(
        "media.not-interruptible-by-default",
        "everything is interruptible by default",
        missing(interruptible=True),
        "withdrawn",
        "twilio",
    ),
    _f("media.stop", "stop is ignored", _ignores_stop, "closed socket|no audio", "twilio"),
    _f("media.stop", "the agent talks to the end after stop", _talks_after_stop, "no audio 1 s after stop", "plivo"),
    _f("media.max-duration", "maxDuration is ignored", puts(maxDuration=7200), "goes on", "twilio"),
    _f(
        "media.max-duration",
        "calls end too early",
        times("maxDuration", lambda value: value // 2 + 10),
        "it came after",
        "plivo",
    ),
    _f("media.max-duration", "each turn sets the clock anew", _clock_per_turn, "goes on|after", "twilio"),
    _f("media.max-duration", "no hangup message", drops("hangup"), "hangup", "websocket"),
    _f("media.max-duration", "rooms never end", _never_closes, "goes on", "webrtc"),
    _f(
        "media.max-duration-without-start",
        "the clock runs from the start message",
        _timer_from_start,
        "goes on",
        "telnyx",
    ),
    _f("defaults.not-inherited", "the codec of the last call is kept", inherits("codec", _websocket), "mulaw"),
    _f("defaults.not-inherited", "the first speaker of the last call is kept", inherits("firstSpeaker"), "greeting"),
    _f("defaults.max-duration", "calls last a minute by default", missing(maxDuration=60), "the end after", "twilio"),
    _f(
        "defaults.inactivity",
        "calls without inactivityTimeout prompt",
        missing(inactivityTimeout=10),
        "silence after|the end",
        "telnyx",
    ),
    _f(
        "defaults.inactivity",
        "calls without inactivityTimeout hang up",
        missing(inactivityTimeout=60, inactivityAction="hang_up"),
        "silence after|the end",
        "plivo",
    ),
    _f("media.inactivity-prompt", "prompts hang up", puts(inactivityAction="hang_up"), "goes on waiting", "twilio"),
    _f("media.inactivity-prompt", "nobody asks", times("inactivityTimeout", lambda value: 300), "silence", "plivo"),
    _f(
        "media.inactivity-prompt",
        "the prompt comes too early",
        times("inactivityTimeout", lambda value: max(10, value // 3)),
        "after",
        "websocket",
    ),
    _f("media.inactivity-hang-up", "nobody hangs up", puts(inactivityAction="prompt"), "the call goes on", "twilio"),
    _f(
        "media.inactivity-hang-up",
        "a silent call ends without a word",
        says(_mute_after_greeting),
        "without a word",
        "telnyx",
    ),
    _f(
        "media.inactivity-counts-both",
        "silence is counted from the greeting",
        _timer_from_greeting(typed=False),
        "after the answer",
        "twilio",
    ),
    _f(
        "media.inactivity-counts-both",
        "what is typed is no activity",
        _timer_from_greeting(typed=True),
        "after the answer to a typed text",
        "websocket",
    ),
]
