"""One call as its agent lives it: the rules that hold whatever the agent says.  Opens no socket and reads no clock.

Events and the time come in, events come out.  The rules are those of the contract: who speaks first, what caller
speech cuts, what follows silence, when the call ends, what a client tool's answer is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contract.audio import AudioFormat, Converter, Encoding
from contract.codec import Codec
from contract.errors import PeerError
from contract.events import (
    Audio,
    Clear,
    Digit,
    Event,
    Fault,
    HangUp,
    Mark,
    OutputMedium,
    Ping,
    Pong,
    Started,
    StateChanged,
    Stopped,
    TextMessage,
    ToolInvoked,
    ToolResult,
    Transcript,
)
from contract.stream import Traits
from mockserver.agents import (
    Act,
    Agent,
    Began,
    CallTool,
    DigitHeard,
    EndCall,
    Happening,
    MarkPassed,
    Said,
    Say,
    SendMark,
    SendTranscript,
    TextRead,
    ToolAnswered,
    TurnHeard,
    Woke,
)
from mockserver.ending import Ending
from mockserver.hearing import Ear, Turn
from mockserver.language import lines
from mockserver.levels import brought_up
from mockserver.redaction import beginning
from mockserver.speaking import Mouth, Sayable, Utterance
from mockserver.store import CallSettings
from mockserver.voice import Speech, say

INTERRUPTION_MS = 200
"""How much caller speech cuts the agent off, in milliseconds: a cough does not."""

GRACE_S = 0.3
"""Between the last word and the hang-up, in seconds: what the carrier still has in its buffer is heard."""

LONGEST_MESSAGE_S = 30.0
"""The longest audio in one message that is taken, in seconds: as long as a turn.  More would hold up other calls."""

MOST_AWAITED = 20
"""How many tool invocations may wait for their answers at once."""

_NOTHING: list[Event] = []

ROOM_AUDIO = AudioFormat(Encoding.PCM16, 48000)
"""How a webrtc room's sound is written on either side of Opus."""

ROOM_FRAME_MS = 20
"""Length of one frame of it, in milliseconds."""

ROOM_FRAME_BYTES = ROOM_AUDIO.bytes_in(ROOM_FRAME_MS)
"""The same in bytes of ROOM_AUDIO."""

ROOM_FRAME_SAMPLES = ROOM_FRAME_BYTES // ROOM_AUDIO.bytes_per_sample
"""The same in samples."""

CARRIER_ENCODINGS = {"audio/x-mulaw": Encoding.MULAW, "PCMU": Encoding.MULAW, "PCMA": Encoding.ALAW}
"""The carriers' words for what they send; their case does not matter, and without any it is mu-law."""

_BY_LOWER_CASE = {"": Encoding.MULAW} | {word.lower(): encoding for word, encoding in CARRIER_ENCODINGS.items()}


@dataclass(slots=True)
class _Awaited:
    """A tool invocation without an answer yet."""

    name: str
    until: float


class Conversation:
    """The agent's side of one call, from the dial to the end.

    Args:
        settings: what the call was created with.
        agent: what to do when something happens.
        codec: the agent's end of the connection type: what it has no message for is not said.
        traits: what the connection type's document says of its audio.
        opened_at: the moment of the dial, in seconds of the clock that all methods are given.
        time_scale: how many times faster than real time `maxDuration` and `inactivityTimeout` pass.
        new_id: gives a fresh id for a tool invocation.
        speak: the agent's voice: what gives a text its sound.

    Attributes:
        ending: how the call is to be closed, once it is over; None while it goes on.
        on_unsaid: told of what is not said because the connection type has no message for it.
    """

    def __init__(
        self,
        settings: CallSettings,
        agent: Agent,
        codec: Codec,
        traits: Traits,
        *,
        opened_at: float,
        time_scale: float,
        new_id: Callable[[], str],
        speak: Callable[[str, AudioFormat], Sayable] = say,
    ) -> None:
        self.ending: Ending | None = None
        self.on_unsaid: Callable[[Event], None] | None = None
        self._settings = settings
        self._agent = agent
        self._traits = traits
        self._sayable = frozenset(message.event for message in codec.sent)
        if traits.encoding == "room":
            # The room's tracks carry it.
            self._sayable |= {Audio, Clear}
        self._new_id = new_id
        self._speak = speak
        self._out: list[Event] = []
        self._ordinal = -1
        self._mouth: Mouth | None = None
        self._ear: Ear | None = None
        self._echo: Converter | None = None
        self._awaited: dict[str, _Awaited] = {}
        self._happened: list[Happening] = []
        self._longest_message_bytes = 0
        self._first_message = True
        self._caller_active_at = opened_at
        self._closing: str | None = None
        self._deadline = opened_at + settings.max_duration_s / time_scale
        timeout_s = settings.inactivity_timeout_s
        self._patience_s = None if timeout_s is None else timeout_s / time_scale

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        """The stream runs; `started` is what the carrier said of it, None where nothing has to be said."""
        try:
            heard, said = self._formats(started)
        except PeerError as error:
            self.ending = Ending(1008, str(error))
            return []
        self._ear = Ear(heard, said)
        self._longest_message_bytes = heard.bytes_in(round(LONGEST_MESSAGE_S * 1000))
        self._echo = Converter(heard, said) if self._agent.echoes else None
        self._mouth = Mouth(
            said,
            emit=self._emit,
            next_ordinal=self._next_ordinal,
            on_said=lambda cut: self._happened.append(Said(cut)),
            now=now,
        )
        self._caller_active_at = now
        self._emit(StateChanged(state="listening"))
        self._react(Began(), now)
        return self._said()

    def hear(self, event: Event, now: float) -> list[Event]:
        """What the agent says to something that the other end said."""
        if self._mouth is None or self._ear is None:
            if isinstance(event, Stopped):
                self._end(1000, "the carrier stopped the stream")
            elif isinstance(event, HangUp):
                self._end(1000, "the caller hung up")
            return self._said()
        if type(event) is Audio:
            # First, since it comes fifty times a second.  On a stream of both tracks one is the agent's own voice.
            if event.track != "outbound":
                self._hear_audio(event.payload, self._ear, self._mouth, now)
            return self._said()
        match event:
            case Digit(digit=digit) if len(digit) == 1:
                self._react(DigitHeard(digit), now)
            case Mark(name=name):
                self._react(MarkPassed(name), now)
            case TextMessage(text=text):
                self._read(text, self._mouth, now)
            case ToolResult(invocation_id=invocation_id, result=result, error=error):
                awaited = self._awaited.pop(invocation_id, None)
                if awaited is not None:
                    if result is None and error is None:
                        error = "its result is not a string"
                    self._react(ToolAnswered(awaited.name, result, error), now)
            case OutputMedium(medium=medium):
                self._mouth.medium = medium
            case Ping(timestamp=timestamp):
                self._emit(Pong(timestamp=timestamp))
            case HangUp():
                self._end(1000, "the caller hung up")
            case Stopped():
                self._end(1000, "the carrier stopped the stream")
        return self._said()

    def speak(self, text: str, now: float) -> list[Event]:
        """What the agent says when it is told to say this: after what it is saying, whatever its own mind."""
        self._perform([Say(text)], now)
        self._settle(now)
        return self._said()

    def audio_formats(self) -> tuple[AudioFormat, AudioFormat] | None:
        """How the caller's audio comes in and the agent's goes out; None before the stream runs."""
        if self._ear is None or self._mouth is None:
            return None
        return self._ear.source, self._mouth.audio_format

    def object(self, error: PeerError) -> list[Event]:
        """What the agent says to a message that the contract does not allow."""
        self._emit(Fault(message=str(error)))
        return self._said()

    def tick(self, now: float) -> list[Event]:
        """What is due by now."""
        if self.ending is not None:
            return []
        if now >= self._deadline:
            self._hang_up("maxDuration is over")
        elif self._mouth is not None and self._ear is not None:
            self._live(self._ear, self._mouth, now)
        return self._said()

    def _live(self, ear: Ear, mouth: Mouth, now: float) -> None:
        turn = ear.turn_over(now)
        if turn is not None:
            self._hear_turn(turn, now)
        if self._awaited:
            self._stop_waiting(now)
        if self._agent.wake_at is not None and now >= self._agent.wake_at:
            self._agent.wake_at = None
            self._react(Woke(), now)
        mouth.tick(now)
        if self._happened:
            self._settle(now)
        if ear.speaking:
            self._caller_active_at = now
        if not mouth.speaking:
            self._mind_silence(mouth.quiet_since, now)

    def _stop_waiting(self, now: float) -> None:
        """Tell the agent of the tools whose time is over."""
        for invocation_id, awaited in list(self._awaited.items()):
            if now >= awaited.until:
                del self._awaited[invocation_id]
                self._react(ToolAnswered(awaited.name, None, "no answer came in time"), now)

    def _mind_silence(self, agent_quiet_since: float, now: float) -> None:
        if self._closing is not None:
            # Whether the caller goes on talking makes no difference to an agent that hangs up.
            if now >= agent_quiet_since + GRACE_S:
                self._hang_up(self._closing)
            return
        quiet_since = max(self._caller_active_at, agent_quiet_since)
        if self._patience_s is None or self._awaited or now < quiet_since + self._patience_s:
            return
        # The agent that is made to say nothing still ends the call when it is told to.
        farewell = self._settings.inactivity_action == "hang_up"
        if self._agent.talks:
            prompt, goodbye = lines(self._settings.language)
            self._perform([Say(goodbye if farewell else prompt, interruptible=not farewell)], now)
        if farewell:
            self._closing = "inactivityTimeout is over"
        self._caller_active_at = now

    def _hear_audio(self, payload: bytes, ear: Ear, mouth: Mouth, now: float) -> None:
        if len(payload) > self._longest_message_bytes:
            sizes = f"{len(payload)} bytes, at most {self._longest_message_bytes} are taken"
            raise PeerError(None, "$", f"more than {LONGEST_MESSAGE_S:g} s of audio in one message: {sizes}")
        ear.hear(payload, now)
        if ear.speaking:
            self._caller_active_at = now
            if ear.voiced_ms >= INTERRUPTION_MS:
                self._interrupt(mouth, now)
        if self._echo is not None and not mouth.speaking:
            self._send_back(payload, ear, self._echo)

    def _send_back(self, payload: bytes, ear: Ear, echo: Converter) -> None:
        if self._settings.first_speaker == "agent" or ear.last_speech_at is not None:
            echoed = echo.convert(payload)
            if echoed:
                self._emit(Audio(payload=echoed))

    def _interrupt(self, mouth: Mouth, now: float) -> None:
        if mouth.interruptible:
            mouth.cut(now)
            self._settle(now)

    def _hear_turn(self, turn: Turn, now: float) -> None:
        text = f"(caller spoke for {turn.spoken_ms / 1000:.1f} s)"
        self._emit(Transcript(role="user", ordinal=self._next_ordinal(), final=True, text=text, medium="voice"))
        self._react(TurnHeard(turn), now)

    def _read(self, text: str, mouth: Mouth, now: float) -> None:
        self._caller_active_at = now
        self._interrupt(mouth, now)
        self._emit(Transcript(role="user", ordinal=self._next_ordinal(), final=True, text=text, medium="text"))
        self._react(TextRead(text), now)

    def _react(self, happening: Happening, now: float) -> None:
        self._perform(self._agent.react(happening, now), now)
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Tell the agent what its own doing led to, until nothing more follows."""
        while self._happened:
            happened, self._happened = self._happened, []
            for happening in happened:
                self._perform(self._agent.react(happening, now), now)

    def _perform(self, acts: Iterable[Act], now: float) -> None:
        for act in acts:
            match act:
                case Say():
                    self._say(act, now)
                case CallTool(name) if len(self._awaited) >= MOST_AWAITED:
                    self._happened.append(ToolAnswered(name, None, "too many calls at once"))
                case CallTool(name, parameters, within_s):
                    invocation_id = self._new_id()
                    self._awaited[invocation_id] = _Awaited(name, now + within_s)
                    self._emit(StateChanged(state="thinking"))
                    self._emit(ToolInvoked(invocation_id=invocation_id, tool_name=name, parameters=parameters))
                case SendMark(name):
                    self._emit(Mark(name=name))
                case SendTranscript(role, text):
                    ordinal = self._next_ordinal()
                    self._emit(Transcript(role=role, ordinal=ordinal, final=True, text=text, medium="text"))
                case EndCall(reason):
                    self._closing = reason

    def _say(self, act: Say, now: float) -> None:
        # Who is about to hang up begins nothing new.
        if self._mouth is None or self._closing is not None:
            return
        audio_format = self._mouth.audio_format
        speech: Sayable
        if act.turn is None:
            speech = self._speak(act.text, audio_format)
        else:
            speech = Speech.of_audio(brought_up(act.turn.audio, audio_format), act.text)
        # Only the call's first message obeys `interruptible`; later ones are the agent's own business.
        interruptible = self._settings.interruptible if self._first_message else act.interruptible
        self._first_message = False
        self._mouth.say(Utterance(speech, interruptible), now)

    def _formats(self, started: Started | None) -> tuple[AudioFormat, AudioFormat]:
        """How the caller's audio comes in and the agent's goes out.  Raises PeerError."""
        settings = self._settings
        if self._traits.encoding == "room":
            return ROOM_AUDIO, ROOM_AUDIO
        if self._traits.rate_hz is None:
            encoding = Encoding.MULAW if settings.codec == "g711" else Encoding.PCM16
            return AudioFormat(encoding, settings.input_rate_hz), AudioFormat(encoding, settings.output_rate_hz)
        said = (started.encoding if started is not None else None) or ""
        # Plivo's XML writes "audio/x-mulaw;rate=8000", its start message leaves the rate out.
        heard = _BY_LOWER_CASE.get(said.partition(";")[0].strip().lower())
        if heard is None:
            expected = ", ".join(CARRIER_ENCODINGS)
            raise PeerError("start", "$", f"the stream is {beginning(said, 40)!r}, expected one of {expected}")
        rate_hz = self._traits.rate_hz
        return AudioFormat(heard, rate_hz), AudioFormat(Encoding.MULAW, rate_hz)

    def _hang_up(self, reason: str) -> None:
        self._emit(HangUp(reason=reason))
        self._end(1000, reason)

    def _end(self, code: int, reason: str) -> None:
        if self.ending is None:
            self.ending = Ending(code, reason)

    def _next_ordinal(self) -> int:
        self._ordinal += 1
        return self._ordinal

    def _emit(self, event: Event) -> None:
        """Say it, if this connection type has a message for it."""
        if self.ending is not None:
            return
        if type(event) in self._sayable:
            self._out.append(event)
        elif self.on_unsaid is not None:
            self.on_unsaid(event)

    def _said(self) -> list[Event]:
        if not self._out:
            return _NOTHING
        said, self._out = self._out, []
        return said
