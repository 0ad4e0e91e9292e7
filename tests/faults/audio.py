"""Faults of the audio itself and of the messages that carry it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from contract.audio import Encoding, decode, encode
from tests.faults.fault import Apply, Close, Fault, Hooks, Socket, Wires, asks, hears, hooked, says
from tests.faults.media import CLEARS, broken, payload, voice, with_payload, word


def turns(when: str, instead: str, name: str = "event") -> Apply:
    """Write an event's or type's name otherwise."""
    return says(lambda socket, message: [{**message, name: instead} if word(message) == when else message])


def _whole_frames_only(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    return [message] if audio is None or len(audio) in (160, 640) else []


def _big_endian(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    swaps = audio is not None and socket.kind == "websocket" and len(audio) % 2 == 0
    return [np.frombuffer(audio or b"", "<i2").byteswap().tobytes() if swaps else message]


def _bounded(most: int) -> Apply:
    """Longer messages of the caller's are lost."""
    return hears(lambda socket, message: [] if len(payload(message) or b"") > most else [message])


def _unbounded(least: int) -> Apply:
    """Shorter ones are."""
    return hears(lambda socket, message: [] if 0 < len(payload(message) or b"") < least else [message])


def _as_hex(socket: Socket, message: Any) -> Wires:
    audio = payload(message)
    return [message if audio is None else {**message, "media": {**message["media"], "payload": audio.hex()}}]


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
    if word(message) == kind:
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


def _hurries_after_clear(socket: Socket, message: Any) -> Wires:
    """The answer to who interrupts comes all at once, when it is whole."""
    if word(message) in CLEARS:
        socket.state.kept = []
    elif hasattr(socket.state, "kept"):
        if payload(message) is not None:
            socket.state.kept.append(message)
            return []
        if word(message) == "mark":
            kept, socket.state.kept = socket.state.kept, []
            return [*kept, message]
    return [message]


def _half_samples(socket: Socket, audio: bytes) -> bytes:
    """20 ms at this rate are 220.5 samples, and 441 bytes."""
    return audio[:-1] if socket.asked.get("websocket", {}).get("outputSampleRate") == 11025 else audio


def _twice_the_rate(socket: Socket, audio: bytes) -> bytes:
    """The rate of the vendor's own socket is taken on a carrier's, too."""
    doubled = socket.asked.get("websocket", {}).get("outputSampleRate") == 16000
    return bytes(sample for sample in audio for _ in range(2)) if doubled else audio


def _wide_to_plivo(socket: Socket, audio: bytes) -> bytes:
    return bytes(sample for sample in audio for _ in range(2)) if socket.kind == "plivo" else audio


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
    over = word(message) in ("mark", "checkpoint") or message.get("state") == "listening"
    if over and held:
        all_of_it = [*held, message]
        held.clear()
        return all_of_it
    return [message]


def _every_other(socket: Socket, message: Any) -> Wires:
    return [] if payload(message) is not None and socket.count("piece") % 2 else [message]


FAULTS = [
    broken("media.any-length", "frames of other lengths are dropped", hears(_whole_frames_only), "an answer", "telnyx"),
    broken(
        "media.input-rate", "samples are read with their bytes swapped", hears(_big_endian), "an answer", "pcm-8000"
    ),
    broken("media.any-length", "frames of over 20 ms are lost", _bounded(160), "161 to 801", "plivo"),
    broken("media.any-length", "frames of under 20 ms are lost", _unbounded(160), "1 to 150", "twilio"),
    broken("media.coding", "audio is written in hexadecimal digits", says(_as_hex), "hexadecimal", "telnyx"),
    broken("media.any-length", "frames of other lengths end the call", hears(_odd_frames_close), "1003", "websocket"),
    broken("media.a-law", "A-law is taken for mu-law", hears(_always_mulaw), "A-law"),
    broken("media.a-law", "A-law is answered with a tone in A-law", _alaw_back, "smooth as alaw"),
    broken("media.a-law", "A-law is refused", hears(_never_alaw), "1003"),
    broken("media.messages", "events are in capitals", turns("media", "Media"), "Media", "twilio"),
    broken("media.messages", "audio to Twilio names a track", says(_with_field), "track", "twilio"),
    broken("media.messages", "audio to carriers is binary", says(_binary), "bytes|binary", "telnyx"),
    broken("media.messages", "audio is written in hex", says(_not_base64), "base64", "twilio"),
    broken(
        "media.messages",
        "Plivo's audio has no sampleRate",
        says(lambda s, m: _without(s, m, "sampleRate", "playAudio")),
        "sampleRate",
        "plivo",
    ),
    broken("media.messages", "Plivo gets Twilio's clear", turns("clearAudio", "clear"), "clear", "plivo"),
    broken(
        "media.messages",
        "transcripts have no role",
        says(lambda s, m: _without(s, m, "role", "transcript")),
        "role",
        "websocket",
    ),
    broken("media.messages", "audio on websocket is JSON", says(_as_json), "role|audio|robot", "websocket"),
    broken(
        "media.messages",
        "Twilio gets no stream id",
        says(lambda s, m: _without(s, m, "streamSid", "media")),
        "streamSid",
        "twilio",
    ),
    broken("media.stream-id", "calls share the stream's id", _shared_id, "the stream's id", "twilio"),
    broken("media.stream-id", "Plivo's calls share the stream's id", _shared_id, "the stream's id", "plivo"),
    broken(
        "media.stream-id",
        "what is withdrawn is another stream's",
        says(lambda s, m: [{**m, "streamId": "another"} if word(m) == "clearAudio" else m]),
        "another",
        "plivo",
    ),
    broken("media.stream-id", "the stream's id is made up", says(_call_id), "MZ000", "twilio"),
    broken(
        "media.no-file-header", "audio begins with a WAV header", voice(_file(b"RIFF\x24\x00\x00\x00WAVEfmt ")), "RIFF"
    ),
    broken("media.no-file-header", "audio begins with an ID3 tag", voice(_file(b"ID3\x04\x00")), "ID3"),
    broken("media.coding", "PCM is big-endian", recoded("websocket", _swapped), "big-endian", "websocket"),
    broken("media.coding", "Telnyx gets A-law", recoded("telnyx", _alaw), "alaw", "telnyx"),
    broken("media.coding", "Twilio gets PCM", recoded("twilio", _pcm), "pcm16", "twilio"),
    broken("media.coding", "Plivo gets what websocket says", voice(_as_asked), "pcm16", "plivo"),
    broken("media.coding", "g711 is PCM", recoded("websocket", _pcm, "g711"), "pcm16", "websocket-g711"),
    broken("media.output-rate", "the agent speaks at 16000 Hz", _rate("outputSampleRate", 16000), "equally long"),
    broken("media.output-rate", "the agent speaks at 24000 Hz", _rate("outputSampleRate", 24000), "equally long"),
    broken(
        "media.carrier-rate", "Telnyx gets the rate that websocket says", voice(_twice_the_rate), "without", "telnyx"
    ),
    broken("media.carrier-rate", "Plivo gets 16000 Hz", voice(_wide_to_plivo), "for a custom client", "plivo"),
    broken("media.input-rate", "high input rates end the call", hears(_high_rates_close), "1003|audio", "pcm-48000"),
    broken("media.input-rate", "pcm is taken for g711", _codec("g711"), "received (audio|nothing)", "pcm-8000"),
    Fault(name="g711 is taken for pcm", breaks="media.input-rate", apply=_codec("pcm"), variant="g711-8000"),
    Fault(
        name="inputSampleRate is ignored",
        breaks="media.input-rate",
        apply=_rate("inputSampleRate", 8000),
        variant="pcm-48000",
        missed="an agent that only measures loudness shows nothing of it",
    ),
    broken("media.frames", "audio comes in pieces of 100 ms", says(_collected), "160 bytes", "twilio"),
    broken("media.pacing", "audio comes at once", says(_at_once), "flood", "twilio"),
    broken("media.pacing", "audio comes at once on websocket", says(_at_once), "flood", "websocket"),
    broken("media.pacing", "what follows an interruption comes at once", says(_hurries_after_clear), "flood", "twilio"),
    broken("media.output-rate", "frames end in half a sample at odd rates", voice(_half_samples), "whole samples"),
    broken("media.pacing", "every other frame is lost", says(_every_other), "starvation", "telnyx"),
]
