"""Three carriers' messages, written from their own pages."""

from __future__ import annotations

from typing import Any

from tests.clients.carrier import Body, Carrier


class Twilio(Carrier):
    """twilio.com/docs/voice/media-streams/websocket-messages, bidirectional.  Refuses fields it does not know."""

    connection_type = "twilio"
    opener = '{"event": "connected", "protocol": "Call", "version": "1.0.0"}'
    stream_sid = "MZ" + "0123456789abcdef" * 2

    def _start(self) -> Body:
        return self._with_sid(
            "start",
            {
                "streamSid": self.stream_sid,
                "accountSid": "AC" + "0" * 32,
                "callSid": "CA" + "0" * 32,
                "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": {},
            },
        )

    def _media(self, payload: str, chunk: int) -> Body:
        media = {"track": "inbound", "chunk": str(chunk), "timestamp": str((chunk - 1) * 20), "payload": payload}
        return self._with_sid("media", media)

    def _dtmf(self, digit: str) -> Body:
        return self._with_sid("dtmf", {"track": "inbound_track", "digit": digit})

    def _played(self, name: str) -> Body:
        return self._with_sid("mark", {"name": name})

    def _stop(self) -> Body:
        return self._with_sid("stop", {"accountSid": "AC" + "0" * 32, "callSid": "CA" + "0" * 32})

    def _with_sid(self, event: str, part: Body) -> Body:
        return {"event": event, "streamSid": self.stream_sid, event: part}

    def _read(self, message: Body) -> bool:
        if message.pop("streamSid", None) != self.stream_sid:
            return False
        match message:
            case {"event": "media", "media": {"payload": str(payload), **more}, **rest} if not more and not rest:
                self._hear_audio(payload)
            case {"event": "mark", "mark": {"name": str(name), **more}, **rest} if not more and not rest:
                self._hear_mark(name)
            case {"event": "clear", **rest} if not rest:
                self._hear_clear()
            case _:
                return False
        return True


class Telnyx(Carrier):
    """developers.telnyx.com/docs/voice/programmable-voice/media-streaming, bidirectional in rtp mode."""

    connection_type = "telnyx"
    opener = '{"event": "connected", "version": "1.0.0"}'
    encoding = "PCMU"
    stream_id = "32DE0DEA-53CB-4B21-89A4-9E1819C043BC"

    def _numbered(self, body: Body, number: int) -> Body:
        return {**body, "sequence_number": str(number), "stream_id": self.stream_id}

    def _start(self) -> Body:
        start = {
            "user_id": "3e6f995f-85f7-4705-9741-53b116d28237",
            "call_control_id": "v3:T02llQxIyaRkhfRKxgAP8nY511EhFLizdvdUKJiSw8d6A9BborherQ",
            "call_session_id": "ff55a038-6f5d-11ef-9692-02420aeffb1f",
            "from": "+13122010094",
            "to": "+13122123456",
            "tags": [],
            "client_state": "",
            "custom_parameters": {},
            "media_format": {"encoding": self.encoding, "sample_rate": 8000, "channels": 1},
        }
        return {"event": "start", "start": start}

    def _media(self, payload: str, chunk: int) -> Body:
        media = {"track": "inbound", "chunk": str(chunk), "timestamp": str(chunk * 20), "payload": payload}
        return {"event": "media", "media": media}

    def _dtmf(self, digit: str) -> Body:
        return {"event": "dtmf", "occurred_at": "2025-06-05T08:54:19.698408Z", "dtmf": {"digit": digit}}

    def _played(self, name: str) -> Body:
        return {"event": "mark", "mark": {"name": name}}

    def _stop(self) -> Body:
        return {
            "event": "stop",
            "stop": {"user_id": "3e6f995f-85f7-4705-9741-53b116d28237", "call_control_id": "v3:T02"},
        }

    def _read(self, message: Body) -> bool:
        # Telnyx asks for no stream_id; one that is there must be right.
        if message.pop("stream_id", self.stream_id) != self.stream_id:
            return False
        match message:
            case {"event": "media", "media": {"payload": str(payload)}}:
                self._hear_audio(payload)
            case {"event": "mark", "mark": {"name": str(name)}}:
                self._hear_mark(name)
            case {"event": "clear"}:
                self._hear_clear()
            case _:
                return False
        return True


class TelnyxAlaw(Telnyx):
    """Telnyx on a leg outside North America: what the caller says comes as A-law; what goes back stays mu-law."""

    encoding = "PCMA"
    silence = b"\xd5"


class Plivo(Carrier):
    """plivo.com/docs/voice-agents/audio-streaming/concepts/audio-streaming-reference, bidirectional with mu-law."""

    connection_type = "plivo"
    stream_id = "b77e037d-4119-44b5-902d-25826b654539"

    def _numbered(self, body: Body, number: int) -> Body:
        return {**body, "sequenceNumber": number}

    def _start(self) -> Body:
        start = {
            "callId": "7c4b5f3e-6f5d-4d3c-9692-02420aeffb1f",
            "streamId": self.stream_id,
            "accountId": "MA" + "X" * 18,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
        }
        return {"event": "start", "start": start, "extra_headers": ""}

    def _media(self, payload: str, chunk: int) -> Body:
        media = {"track": "inbound", "timestamp": str(1705312200000 + chunk * 20), "chunk": chunk, "payload": payload}
        return self._with_id("media", media=media, extra_headers="")

    def _dtmf(self, digit: str) -> Body:
        dtmf = {"track": "inbound", "digit": digit, "timestamp": "1705312250000"}
        return self._with_id("dtmf", dtmf=dtmf, extra_headers="")

    def _played(self, name: str) -> Body:
        return self._with_id("playedStream", name=name)

    def _stop(self) -> Body:
        # Not on the page; Plivo's own transport (plivo-labs/agent-transport) understands it.
        return {"event": "stop"}

    def _hear_clear(self) -> None:
        super()._hear_clear()
        self._send(self._with_id("clearedAudio"))

    def _with_id(self, event: str, **parts: Any) -> Body:
        return {"event": event, "streamId": self.stream_id, **parts}

    def _read(self, message: Body) -> bool:
        # The page asks for a streamId on all but playAudio.
        if message.pop("streamId", self.stream_id if message["event"] == "playAudio" else None) != self.stream_id:
            return False
        match message:
            case {
                "event": "playAudio",
                "media": {"contentType": "audio/x-mulaw", "sampleRate": 8000, "payload": str(payload)},
            }:
                self._hear_audio(payload)
            case {"event": "checkpoint", "name": str(name)}:
                self._hear_mark(name)
            case {"event": "clearAudio"}:
                self._hear_clear()
            case _:
                return False
        return True


CARRIERS: tuple[type[Carrier], ...] = (Twilio, Telnyx, TelnyxAlaw, Plivo)
