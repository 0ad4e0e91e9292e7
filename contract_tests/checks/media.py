"""How a call behaves once it is dialled, on the connection types whose audio is on the socket."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np

from contract.audio import Encoding, decode
from contract.errors import PeerError
from contract.events import Audio, HangUp, Mark, StateChanged
from contract_tests import scenarios
from contract_tests.context import Call, Context, audio_settings
from contract_tests.findings import Layer, Level
from contract_tests.line import RESTLESS, HeardAudio, Line
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, INTERRUPTED_WITHIN_S, SLACK_S, Recording
from contract_tests.target import NotChecked

INLINE = "openapi/calls.yaml#/components/schemas/CreateInlineCallRequest/properties"
CONNECTION = "openapi/calls.yaml#/components/schemas/CreatedCall/properties/connectionType"
MEDIA = Layer.MEDIA


def _ago(moment: float, since: float) -> str:
    return f"{moment - since:.1f} s"


def _early_end(it: Context, recording: Recording) -> bool:
    """Whether the agent ended a call that should go on; other checks find nothing to look at then."""
    line = recording.line
    return line.closed_at is not None and not recording.ended


def _shown(it: Context, call: Call, more: str = "") -> tuple[str, ...]:
    return it.dial_command(call, more)


@requirement(
    "media.stays-open",
    "The call goes on until one side ends it, or its time is over.",
    source=CONNECTION,
    layer=MEDIA,
    how="A call with greeting, caller turn and answer is placed; the agent's side must not close the socket in it.",
    why="A caller who is cut off calls again, or does not.",
    mend="See the server's log for an error at that moment.",
    variants=TALKING,
    smoke=True,
)
async def stays_open(it: Context) -> None:
    """Greeting and one turn."""
    recording = await scenarios.greeted(it)
    if recording.line.closed_at is not None:
        after = _ago(recording.line.closed_at, recording.line.opened_at)
        it.wrong("an open socket", f"closed ({recording.line.close_code}) after {after}", *_shown(it, recording.call))


@requirement(
    "media.greeting",
    "With firstSpeaker agent, the agent speaks unasked within 10 seconds of the start of the stream.",
    source=f"{INLINE}/firstSpeaker",
    layer=MEDIA,
    how="A call is placed, the caller is silent, and the first audible audio is waited for.",
    why="A caller who hears nothing hangs up.",
    mend="Begin to speak on the carrier's start message (websocket: when the socket opens), without waiting for audio.",
    variants=TALKING,
    smoke=True,
    again=True,
)
async def greeting(it: Context) -> None:
    """Audible audio."""
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        silent = "only silence" if recording.line.audio else "nothing"
        it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s", silent, *_shown(it, recording.call))


@requirement(
    "media.greeting-by-default",
    "Without firstSpeaker, the agent speaks first.",
    source=f"{INLINE}/firstSpeaker/default",
    layer=MEDIA,
    how="Calls without firstSpeaker, and with the agent as firstSpeaker, are placed; both must greet.",
    why="The default decides who waits for whom.",
    mend="Fill in agent where firstSpeaker is missing.",
    variants=TALKING,
    again=True,
)
async def greeting_by_default(it: Context) -> None:
    """One call names nobody, the other one the agent."""
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        it.wrong("audible audio: the agent speaks first by default", "nothing", *_shown(it, recording.call))
    recording = await scenarios.cut_in(it, False)
    if not recording.greeted:
        it.wrong("audible audio: firstSpeaker is agent", "nothing", *_shown(it, recording.call))


@requirement(
    "media.user-speaks-first",
    "With firstSpeaker user, the agent is silent until the caller has spoken.",
    source=f"{INLINE}/firstSpeaker",
    layer=MEDIA,
    how="A call is placed, and the caller is silent for 3.5 seconds: nothing audible may come.",
    why="Who calls a customer must let them say hello.",
    mend="Where firstSpeaker is user, wait for speech or text before the first word.",
    variants=TALKING,
    smoke=True,
    again=True,
)
async def user_speaks_first(it: Context) -> None:
    """Silence."""
    recording = await scenarios.user_first(it)
    if recording.unasked:
        line = recording.line
        after = _ago(line.audible()[0].at_s, line.started_at or line.opened_at)
        it.wrong("no audio for 3 s", f"audible audio after {after}", *_shown(it, recording.call))


@requirement(
    "media.nothing-before-start",
    "Nothing is sent before the carrier's start message.",
    source=CONNECTION,
    layer=MEDIA,
    how="A carrier's socket is opened, and 1.2 seconds pass before start: no message may come.",
    why="The stream's id comes with start: what is sent before cannot be played.",
    mend="Wait for start before sending anything.",
    variants=CARRIERS,
    smoke=True,
)
async def nothing_before_start(it: Context) -> None:
    """Both speakers."""
    for recording in (await scenarios.user_first(it), *await scenarios.side_by_side(it)):
        if recording.before_start:
            it.wrong("no message before start", f"{recording.before_start} messages", *_shown(it, recording.call))
            return


@requirement(
    "media.answer",
    "The agent answers a caller turn within 10 seconds of its end.",
    source=CONNECTION,
    layer=MEDIA,
    how="After the greeting the caller says a sentence, then sends silence; audible audio must come.",
    why="A conversation needs both.",
    mend="Detect the end of speech, and answer.",
    variants=TALKING,
    smoke=True,
    again=True,
)
async def answer(it: Context) -> None:
    """With silence after speech."""
    recording = await (scenarios.one_turn(it) if it.hasty else scenarios.greeted(it))
    if not recording.answered and not _early_end(it, recording):
        it.wrong(
            f"audible audio within {ANSWER_WITHIN_S:g} s of the end of speech", "nothing", *_shown(it, recording.call)
        )


@requirement(
    "media.answer-by-the-clock",
    "The end of speech is silence by the clock, whether or not frames go on.",
    source=CONNECTION,
    layer=MEDIA,
    how="The caller speaks first, in a call with firstSpeaker user, and then sends no frame at all; audio must come.",
    why="Carriers may send nothing while the caller is silent.",
    mend="Run the timer for the end of a turn on the clock, not on incoming frames.",
    variants=TALKING,
    again=True,
)
async def answer_by_the_clock(it: Context) -> None:
    """Without frames after speech."""
    recording = await scenarios.user_first(it)
    if not recording.answered:
        recording = await scenarios.one_turn(it, silence_after=False)
    if not recording.answered and not _early_end(it, recording):
        it.wrong(
            f"audible audio within {ANSWER_WITHIN_S:g} s of the last frame", "nothing", *_shown(it, recording.call)
        )
    elif _early_end(it, recording):
        it.wrong("an open socket and an answer", f"closed ({recording.line.close_code})", *_shown(it, recording.call))


@requirement(
    "media.any-length",
    "Audio messages of any length are understood.",
    source=CONNECTION,
    layer=MEDIA,
    how="The caller's sentence is cut into pieces of 1 to 801 samples; it must be answered all the same.",
    why="No carrier promises 20 ms.",
    mend="Collect samples, and cut them into your own frames.",
    variants=TALKING,
    again=True,
)
async def any_length(it: Context) -> None:
    """Odd pieces."""
    recording = await scenarios.user_first(it)
    if not recording.answered:
        recording = await scenarios.one_turn(it, odd=True)
    if not recording.answered:
        state = "nothing" if recording.line.alive else f"closed ({recording.line.close_code})"
        it.wrong("an answer", state, *_shown(it, recording.call))


@requirement(
    "media.a-law",
    "A-law from Telnyx is understood when its start message says PCMA.",
    source=CONNECTION,
    layer=MEDIA,
    how="A Telnyx leg in A-law is silent for 3.5 s, which must not be taken for speech, then speaks and "
    "must be answered.",
    why="Outside North America telephone legs carry A-law: taken for mu-law it is noise, silence too.",
    mend="Decode by start.media_format.encoding.",
    variants=("telnyx",),
    again=True,
)
async def a_law(it: Context) -> None:
    """Silence and speech."""
    recording = await scenarios.alaw(it)
    shown = it.dial_command(recording.call, " --alaw")
    if recording.unasked:
        it.wrong("silence: the caller has said nothing", "audio, as if silence in A-law were speech", *shown)
    if not recording.answered:
        state = "nothing" if recording.line.alive else f"closed ({recording.line.close_code})"
        it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s of speech in A-law", state, *shown)


@requirement(
    "media.agent-call",
    "The agent of a call to a saved agent answers what the caller says.",
    source=CONNECTION,
    layer=MEDIA,
    how="A call is created with /calls/create and placed; the caller's sentence must be answered.",
    why="It is what the operation is for.",
    mend="Give the socket's side the saved agent's configuration.",
    variants=TALKING,
    again=True,
)
async def agent_call(it: Context) -> None:
    """One turn."""
    recording = await scenarios.agent_call(it)
    line = recording.line
    _judge_messages(it, recording, line)
    if not recording.answered:
        state = "nothing" if line.alive else f"closed ({line.close_code})"
        it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s of speech", state, *_shown(it, recording.call))


# what the messages are


async def _talked(it: Context) -> list[Recording]:
    """The calls in which all of the agent's messages are looked at."""
    if it.hasty:
        return [await scenarios.greeted(it)]
    return [await scenarios.greeted(it), await scenarios.user_first(it), await scenarios.cut_in(it, True)]


@requirement(
    "media.messages",
    "Every message of the agent's is one that the connection type's document allows.",
    source="asyncapi/twilio.yaml#/operations/agentSends",
    layer=MEDIA,
    how="All messages of several calls are held against the AsyncAPI document: names, fields, types, base64, no binary "
    "messages to carriers; to Twilio no field too many.",
    why="Carriers drop what they do not know, and the caller hears nothing.",
    mend="Compare the message with the document's example.",
    variants=TALKING,
    smoke=True,
)
async def messages(it: Context) -> None:
    """Several calls."""
    for recording in await _talked(it):
        _judge_messages(it, recording, recording.line)


def _judge_messages(it: Context, recording: Recording, line: Line) -> None:
    for heard in line.heard:
        if heard.fault is not None and not _is_free(it.variant, heard.fault, heard.wire):
            wire = heard.wire[:300] if isinstance(heard.wire, str) else f"{len(heard.wire)} bytes"
            it.wrong("a message that the document allows", f"{heard.fault}: {wire!r}", *_shown(it, recording.call))
            return


def _is_free(kind: str, fault: PeerError, wire: Any) -> bool:
    """Whether the contract leaves a fault free: unknown types on the vendor's socket, fields of hangup and error."""
    if kind in CARRIERS:
        return "sampleRate" in fault.path and kind == "plivo" and '"8000"' in str(wire)
    if fault.message_name in ("hangup", "error"):
        return True
    return fault.message_name is None and "unknown type" in str(fault)


@requirement(
    "media.stream-id",
    "What the agent sends carries the right stream id.",
    source=CONNECTION,
    layer=MEDIA,
    how="Two calls are opened side by side, each with an id of its own; every id in the agent's messages is compared.",
    why="Audio under another id is played to nobody, or to another caller.",
    mend="Keep the id of the start message with the connection, not in a variable that calls share.",
    variants=CARRIERS,
    smoke=True,
)
async def stream_id(it: Context) -> None:
    """Two calls at once."""
    for recording in (*await scenarios.side_by_side(it), await scenarios.greeted(it)):
        _judge_ids(it, recording.line, recording.call)


def _judge_ids(it: Context, line: Line, call: Call) -> None:
    for heard in line.heard:
        found = getattr(heard.event, "stream_id", None)
        # The id is free on what goes to Telnyx, and on Plivo's playAudio.
        free = it.variant == "telnyx" or (it.variant == "plivo" and isinstance(heard.event, Audio))
        if found is not None and found != line.stream_id and not free:
            it.wrong(f"the stream's id, {line.stream_id}", f"{found}", *_shown(it, call))
            return


@requirement(
    "media.no-file-header",
    "Audio carries no file header.",
    source=CONNECTION,
    layer=MEDIA,
    how="The agent's audio is searched for the beginnings of WAV, MP3, AU, Ogg and FLAC files.",
    why="Header bytes are heard as a click or as noise.",
    mend="Send samples only: skip the header of what speech synthesis returns.",
    variants=TALKING,
)
async def no_file_header(it: Context) -> None:
    """The first bytes of each piece."""
    for recording in await _talked(it):
        for piece in recording.line.audio:
            if piece.payload.startswith((b"RIFF", b"ID3", b".snd", b"OggS", b"fLaC")) or piece.payload[8:12] == b"WAVE":
                it.wrong("samples only", f"a piece that begins with {piece.payload[:8]!r}", *_shown(it, recording.call))
                return


@requirement(
    "media.coding",
    "The agent's audio is in the call's coding: mu-law at 8000 Hz for carriers, little-endian PCM "
    "or mu-law as asked for.",
    source=CONNECTION,
    layer=MEDIA,
    how="The agent's audio is decoded in the right coding and in the ones that it is mixed up with: the "
    "right one must sound "
    "smoothest, as voices and tones do.",
    why="In the wrong coding a voice is noise.",
    mend="Encode with the coding of the call; check byte order and law.",
    variants=(*TALKING, "websocket-g711"),
    smoke=True,
)
async def coding(it: Context) -> None:
    """Smoothness in each coding."""
    recording = await (_g711(it) if it.variant == "websocket-g711" else scenarios.greeted(it))
    line = recording.line
    audio = b"".join(piece.payload for piece in line.audio)
    right = line.from_agent
    if len(audio) < right.bytes_in(300):
        raise NotChecked("the agent said too little to tell its coding; media.greeting says more")
    smoother = _smoother(audio, right.encoding)
    if smoother is not None:
        it.wrong(
            f"{right.encoding.value} audio", f"audio that is smooth as {smoother} only", *_shown(it, recording.call)
        )
    if right.encoding is Encoding.PCM16:
        odd = [len(piece.payload) for piece in line.audio if len(piece.payload) % 2]
        if odd and len(odd) > 1:
            it.wrong("whole samples of two bytes", f"messages of {odd[:3]} bytes", *_shown(it, recording.call))


async def _g711(it: Context) -> Recording:
    settings = {"inputSampleRate": 8000, "outputSampleRate": 8000, "codec": "g711"}
    call = await it.call("inline", connectionType="websocket", websocket=settings)
    async with it.line(call) as line:
        recording = Recording(call=call, line=line)
        await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
        await line.quiet(0.8, 12)
        return recording


def _smoother(audio: bytes, right: Encoding) -> str | None:
    """The coding in which audio is far smoother than in the right one; None where the right one will do."""
    readings: dict[str, Any] = {encoding.value: _reading(audio, encoding) for encoding in Encoding}
    readings["big-endian pcm16"] = np.frombuffer(audio[: len(audio) // 2 * 2], ">i2").astype(np.int16)
    roughness = {name: _roughness(reading) for name, reading in readings.items()}
    own = roughness.pop(right.value)
    if own is None or own < 0.5:
        return None
    best = min((value, name) for name, value in ((n, v) for n, v in roughness.items()) if value is not None)
    return best[1] if best[0] < own * 0.4 else None


def _reading(audio: bytes, encoding: Encoding) -> Any:
    whole = len(audio) // encoding.bytes_per_sample * encoding.bytes_per_sample
    return decode(audio[:whole], encoding)


def _roughness(reading: Any) -> float | None:
    """How much a loud signal changes from one sample to the next: near 2 for noise, small for voices."""
    wide = reading.astype(np.float64)
    frames = wide[: len(wide) // 160 * 160].reshape(-1, 160)
    if not len(frames):
        return None
    level = np.sqrt(np.mean(frames**2, axis=1))
    loud = frames[level > max(200.0, 0.3 * float(level.max()))]
    if not len(loud):
        return None
    centred = loud - loud.mean(axis=1, keepdims=True)
    power = float(np.mean(centred**2))
    return float(np.mean(np.diff(loud, axis=1) ** 2)) / power if power else None


@requirement(
    "media.output-rate",
    "Binary audio from the agent has the requested outputSampleRate.",
    source="openapi/calls.yaml#/components/schemas/AudioSettings/properties/outputSampleRate",
    layer=MEDIA,
    how="The same greeting is asked for at 8000 and at 48000 Hz, the other rate being the input's, and at 16000 Hz: it "
    "must last equally long.",
    why="At another rate a voice is too fast or too slow.",
    mend="Resample the agent's audio to outputSampleRate.",
    again=True,
)
async def output_rate(it: Context) -> None:
    """Two rates."""
    lengths: dict[int, float] = {}
    calls = []

    async def measured(output_hz: int, input_hz: int) -> None:
        asked = {"inputSampleRate": input_hz, "outputSampleRate": output_hz}
        call = await it.call("inline", connectionType="websocket", websocket=asked)
        calls.append(call)
        async with it.line(call) as line:
            if await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
                await line.quiet(1.5, 30)
                lengths[output_hz] = sum(_length_s(piece, line) for piece in line.audible())

    plain, _, _ = await asyncio.gather(
        scenarios.greeted(Context(it.judge, "websocket", it.attempt)), measured(8000, 48000), measured(48000, 8000)
    )
    greeted = [piece for piece in plain.line.audible() if piece.at_s <= plain.first_until]
    lengths[16000] = sum(_length_s(piece, plain.line) for piece in greeted)
    if len(lengths) < 3:
        raise NotChecked("the agent did not greet; media.greeting says more")
    shortest, longest = min(lengths.values()), max(lengths.values())
    if shortest < 0.1:
        raise NotChecked("the greeting is too short to be measured")
    if longest > 1.7 * shortest + 0.3:
        shown = ", ".join(f"{seconds:.1f} s at {rate} Hz" for rate, seconds in sorted(lengths.items()))
        it.wrong("a greeting that lasts equally long at each rate", shown, *_shown(it, calls[0]))


def _length_s(piece: HeardAudio, line: Line) -> float:
    return line.from_agent.duration_ms(len(piece.payload)) / 1000


@requirement(
    "media.input-rate",
    "The agent understands audio at the requested inputSampleRate, and in the requested codec.",
    source="openapi/calls.yaml#/components/schemas/AudioSettings/properties/inputSampleRate",
    layer=MEDIA,
    how="The caller speaks at 8000 and 48000 Hz in pcm, and at 8000 Hz in g711, with silence before; "
    "only speech is answered.",
    why="Audio read at another rate, or in another coding, is not understood.",
    mend="Resample from inputSampleRate, and decode by codec.",
    variants=("pcm-8000", "pcm-48000", "g711-8000"),
    again=True,
)
async def input_rate(it: Context) -> None:
    """Silence, then speech."""
    codec, _, rate = it.variant.partition("-")
    asked = {"inputSampleRate": int(rate), "outputSampleRate": 16000 if codec == "pcm" else 8000, "codec": codec}
    call = await it.call("inline", firstSpeaker="user", connectionType="websocket", websocket=asked)
    async with it.line(call) as line:
        line.idle = RESTLESS[line.to_agent.encoding]
        recording = Recording(call=call, line=line)
        if await line.hears(0, 2.5):
            it.wrong("silence: the caller has said nothing", "audio", *_shown(it, call))
            return
        await scenarios.talk(it, line, recording)
        if not recording.answered:
            state = "nothing" if line.alive else f"closed ({line.close_code})"
            it.wrong("an answer", state, *_shown(it, call))
            return
        await line.quiet(0.5, 4)
        encoding = line.from_agent.encoding
        smoother = _smoother(b"".join(piece.payload for piece in line.audio), encoding)
        if smoother is not None:
            it.wrong(f"{encoding.value} audio", f"audio that is smooth as {smoother} only", *_shown(it, call))


@requirement(
    "media.frames",
    "Carrier audio comes in frames of 20 ms.",
    source="asyncapi/twilio.yaml#/components/schemas/audio",
    level=Level.SHOULD,
    layer=MEDIA,
    how="The lengths of the agent's audio messages are counted; nine of ten should be 160 bytes.",
    why="Larger pieces are later to be heard and harder to withdraw.",
    mend="Cut audio into 160 bytes.",
    variants=CARRIERS,
)
async def frames(it: Context) -> None:
    """Lengths."""
    recording = await scenarios.greeted(it)
    lengths = [len(piece.payload) for piece in recording.line.audio]
    if not lengths:
        raise NotChecked("the agent said nothing; media.greeting says more")
    other = [length for length in lengths if length != 160]
    if len(other) > max(1, len(lengths) // 10):
        it.wrong("160 bytes a message", f"{other[:5]} among {len(lengths)}", *_shown(it, recording.call))


@requirement(
    "media.pacing",
    "Audio is paced near real time: neither a flood nor a starvation.",
    source=CONNECTION,
    level=Level.SHOULD,
    layer=MEDIA,
    how="The first message's audio is compared with the time in which it came.",
    why="A flood cannot be withdrawn in time; a starvation is heard as gaps.",
    mend="Send each 20 ms of audio 20 ms after the one before, by a schedule that does not drift.",
    variants=TALKING,
    again=True,
)
async def pacing(it: Context) -> None:
    """Ahead and behind."""
    recording = await scenarios.greeted(it)
    line = recording.line
    first = [piece for piece in line.audio if piece.at_s <= recording.first_until]
    start = next((index for index, piece in enumerate(first) if piece.audible), None)
    if start is None:
        raise NotChecked("the agent said nothing; media.greeting says more")
    ahead_s, gaps_s, played_s = 0.0, 0.0, 0.0
    voiced = first[start : max(index for index, piece in enumerate(first) if piece.audible) + 1]
    for before, piece in zip([None, *voiced], voiced, strict=False):
        if before is not None:
            gaps_s += max(0.0, piece.at_s - before.plays_until_s)
        played_s += _length_s(piece, line)
        ahead_s = max(ahead_s, played_s - (piece.at_s - voiced[0].at_s))
    if ahead_s > 1.5:
        it.wrong("audio at the pace of speech", f"{ahead_s:.1f} s ahead of it: a flood", *_shown(it, recording.call))
    if gaps_s > max(0.3, 0.25 * played_s):
        it.wrong(
            "audio without gaps",
            f"{gaps_s:.1f} s of gaps in {played_s:.1f} s: a starvation",
            *_shown(it, recording.call),
        )


@requirement(
    "media.marks",
    "After what was said comes a mark (Plivo: a checkpoint).",
    source="asyncapi/twilio.yaml#/operations/agentSends",
    level=Level.SHOULD,
    layer=MEDIA,
    how="Marks after the greeting's audio are counted.",
    why="Only marks tell the agent what the caller has heard.",
    mend="Send one mark after each utterance.",
    variants=CARRIERS,
)
async def marks(it: Context) -> None:
    """At least one."""
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        raise NotChecked("the agent said nothing; media.greeting says more")
    if not recording.line.events(Mark):
        it.wrong("a mark after the greeting", "none", *_shown(it, recording.call))


# interruption


@requirement(
    "media.interruptible",
    "With interruptible true, caller speech cuts the first message: within 2 seconds unplayed audio is withdrawn.",
    source=f"{INLINE}/interruptible",
    layer=MEDIA,
    how="The caller speaks into a long greeting. Within 2 seconds the audio must be withdrawn (Twilio, "
    "Telnyx: clear; Plivo: "
    "clearAudio; websocket: playback_clear_buffer and the state listening), and no more of it may come.",
    why="An agent that talks on is not listening.",
    mend="On caller speech, stop sending and withdraw what the carrier has not played.",
    variants=TALKING,
    again=True,
)
async def interruptible(it: Context) -> None:
    """Clear, and silence."""
    recording = await _cut_in(it, True)
    line, due = recording.line, recording.spoken_at + INTERRUPTED_WITHIN_S + SLACK_S
    cleared = [at for at in line.clears if recording.spoken_at <= at <= due]
    played_on = any(piece.audible and piece.plays_until_s > due for piece in line.audio if _not_cut(piece, line))
    shown = _shown(it, recording.call)
    if not cleared:
        natural_s = await _natural_s(it)
        heard_s = recording.first_until - line.audible()[0].at_s
        if not played_on and heard_s > natural_s - 0.5:
            raise NotChecked("the first message was over before it could be interrupted: it lasts too short a time")
        it.wrong("unplayed audio withdrawn within 2 s of caller speech", "no message that withdraws it", *shown)
        return
    late = [piece for piece in line.audible(cleared[0] + 0.3) if piece.at_s < recording.spoken_until + 0.3]
    if sum(_length_s(piece, line) for piece in late) > 0.4:
        it.wrong("no more of the first message once it was withdrawn", "audio goes on", *shown)
    if it.variant == "websocket":
        states = [h.at_s for h in line.events(StateChanged) if getattr(h.event, "state", "") == "listening"]
        if not any(recording.spoken_at - 0.1 <= at <= due for at in states):
            it.wrong("the state listening within 2 s of caller speech", "no such message", *shown)


def _not_cut(piece: HeardAudio, line: Line) -> bool:
    return not any(piece.at_s <= at < piece.plays_until_s for at in line.clears)


async def _cut_in(it: Context, value: bool | None) -> Recording:
    recording = await scenarios.cut_in(it, value)
    if not recording.greeted:
        raise NotChecked("the agent did not greet; media.greeting says more")
    return recording


async def _natural_s(it: Context) -> float:
    """How long the long greeting lasts where nobody cuts in."""
    recording = (await scenarios.side_by_side(it))[0]
    if not recording.greeted:
        raise NotChecked("the agent did not greet; media.greeting says more")
    return recording.line.speaking_until() - recording.line.audible()[0].at_s


async def _uncut(it: Context, value: bool | None) -> None:
    recording = await _cut_in(it, value)
    line = recording.line
    begun = line.audible()[0].at_s
    # What is cleared after the message was over is another message.
    cleared = [at for at in line.clears if at < recording.first_until + 0.3]
    shown = _shown(it, recording.call)
    if cleared:
        it.wrong(
            "the first message to its end",
            f"withdrawn {_ago(cleared[0], recording.spoken_at)} after speech began",
            *shown,
        )
        return
    heard_s, natural_s = recording.first_until - begun, await _natural_s(it)
    if heard_s < 0.7 * natural_s - 0.5:
        it.wrong(f"the first message to its end, about {natural_s:.1f} s", f"it ends after {heard_s:.1f} s", *shown)


@requirement(
    "media.not-interruptible",
    "With interruptible false, caller speech does not cut the first message.",
    source=f"{INLINE}/interruptible",
    layer=MEDIA,
    how="The caller speaks into a long greeting, which must go on as long as it does in a call where "
    "the caller is silent.",
    why="Announcements that the law asks for must be heard to the end.",
    mend="Keep playing the first message while the caller speaks, and clear nothing.",
    variants=TALKING,
    again=True,
)
async def not_interruptible(it: Context) -> None:
    """Explicitly false."""
    await _uncut(it, False)


@requirement(
    "media.not-interruptible-by-default",
    "Without interruptible, caller speech does not cut the first message.",
    source=f"{INLINE}/interruptible/default",
    layer=MEDIA,
    how="The same with a request that does not name interruptible.",
    why="The default decides what the caller hears.",
    mend="Fill in false where interruptible is missing.",
    variants=TALKING,
    again=True,
)
async def not_interruptible_by_default(it: Context) -> None:
    """Left out."""
    await _uncut(it, None)


# the end


@requirement(
    "media.stop",
    "After the carrier's stop, the agent's audio ceases within 1 second and the socket is closed within 5.",
    source=CONNECTION,
    layer=MEDIA,
    how="Stop is sent in the middle of a long greeting.",
    why="A call that goes on after its end costs money.",
    mend="On stop, stop sending and close the socket.",
    variants=CARRIERS,
    smoke=True,
    again=True,
)
async def stop(it: Context) -> None:
    """In mid-speech."""
    recording = (await scenarios.side_by_side(it))[-1]
    shown, stopped_at = _shown(it, recording.call), recording.stopped_at
    late = [piece for piece in recording.line.audio if piece.at_s > stopped_at + 1.0 + SLACK_S]
    if late:
        it.wrong("no audio 1 s after stop", f"audio {_ago(late[-1].at_s, stopped_at)} after it", *shown)
    if not recording.ended:
        it.wrong("a closed socket within 5 s of stop", "it is open", *shown)


def _whole_s(it: Context, least: int, most: int, real_s: float) -> int:
    """The shortest legal setting that takes about so many real seconds on this target's clock."""
    return max(least, min(most, round(real_s * it.settings.time_scale)))


@requirement(
    "media.max-duration",
    "maxDuration ends the call: not more than 1 second early, not more than 5 seconds late, counted from the dial.",
    source=f"{INLINE}/maxDuration",
    layer=MEDIA,
    how="A call with the shortest maxDuration is held; the end must come in time (websocket: with a "
    "hangup message before).",
    why="Calls that never end cost money.",
    mend="Start one timer when the socket opens, and close it when the timer is over.",
    variants=(*TALKING, "webrtc"),
    lasts_s=66,
)
async def max_duration(it: Context) -> None:
    """The shortest duration."""
    await _ends(it, begin=True)


@requirement(
    "media.max-duration-without-start",
    "The clock of maxDuration runs from the dial, also when no start message ever comes.",
    source=f"{INLINE}/maxDuration",
    layer=MEDIA,
    how="A carrier's socket is opened with the shortest maxDuration, and nothing is sent.",
    why="Sockets that are opened and left would stay for ever.",
    mend="Start the timer when the socket opens, not on start.",
    variants=CARRIERS,
    lasts_s=66,
)
async def max_duration_without_start(it: Context) -> None:
    """No start."""
    await _ends(it, begin=False)


async def _ends(it: Context, *, begin: bool) -> None:
    asked_s = _whole_s(it, 60, 7200, 5.0)
    due_s = it.scaled(asked_s)
    if due_s + 6 > it.judge.left_s():
        raise NotChecked(f"maxDuration takes {due_s:g} s, more than this run has left: --max-time, or --time-scale")
    call = await it.call("inline", maxDuration=asked_s, **audio_settings(it.variant))
    async with it.line(call, begin=begin) as line:
        line.silence_on = due_s < 20
        ended = await line.ended(due_s + 5 + 2 * SLACK_S)
        shown = _shown(it, call)
        if not ended or line.closed_at is None:
            it.wrong(f"the end {due_s:g} s after the dial, 5 s late at the most", "the call goes on", *shown)
            return
        after_s = line.closed_at - line.opened_at
        if after_s < due_s - 1 - SLACK_S:
            it.wrong(f"the end {due_s:g} s after the dial", f"it came after {after_s:.1f} s", *shown)
        elif it.variant == "websocket" and not line.events(HangUp) and not _said_type(line, "hangup"):
            it.wrong("a hangup message before the close", "no such message", *shown)


def _said_type(line: Line, word: str) -> bool:
    return any(isinstance(h.wire, str) and f'"{word}"' in h.wire for h in line.heard)


@requirement(
    "defaults.max-duration",
    "Without maxDuration a call may last 3000 seconds.",
    source=f"{INLINE}/maxDuration/default",
    layer=MEDIA,
    how="A call without maxDuration is held for a while longer than the shortest maxDuration; it must go on.",
    why="Callers are cut off by a default that is too short.",
    mend="Fill in 3000 where maxDuration is missing.",
    variants=TALKING,
    lasts_s=68,
)
async def default_max_duration(it: Context) -> None:
    """Longer than a minute."""
    await _left_alone(it, max(it.scaled(62) + 3, 8.0), "the call goes on")


@requirement(
    "defaults.inactivity",
    "Without inactivityTimeout the agent waits for ever: it neither speaks again nor hangs up.",
    source=f"{INLINE}/inactivityTimeout",
    layer=MEDIA,
    how="A call without inactivityTimeout is held while the caller is silent; after the greeting nothing may come.",
    why="A caller who thinks must not be disturbed unless that was asked for.",
    mend="Set no timer where inactivityTimeout is missing.",
    variants=TALKING,
    lasts_s=68,
)
async def default_inactivity(it: Context) -> None:
    """Longer than the shortest timeout."""
    line = await _left_alone(it, max(it.scaled(30) + 8, 12.0), "the agent waits")
    first = line.audible()
    if not first:
        raise NotChecked("the agent did not greet; media.greeting says more")
    pause_s, since = 2.5, first[0].plays_until_s
    for piece in first:
        # A greeting of one word is over by then, however it is spoken.
        late = piece.at_s > first[0].at_s + 8 and piece.at_s > since + 0.25
        if late or piece.at_s > since + pause_s:
            it.wrong(
                "silence after the greeting", f"audio {_ago(piece.at_s, since)} after it", "calls dial WEBSOCKET_URL"
            )
            return
        since = max(since, piece.plays_until_s)


async def _left_alone(it: Context, least_s: float, expected: str) -> Line:
    """A call with a silent caller, held long enough for both checks that look at it where this run has the time."""
    both_s = max(it.scaled(62) + 3, 12.0)
    held_s = min(it.scaled(2900), both_s if both_s + 2 <= it.judge.left_s() else least_s)
    if held_s + 2 > it.judge.left_s():
        raise NotChecked(f"it takes {held_s:.0f} s, more than this run has left: --max-time, or --time-scale")

    async def record() -> tuple[Call, Line, float]:
        call = await it.call("inline", greeting="Hello.", **audio_settings(it.variant))
        async with it.line(call) as line:
            line.silence_on = held_s < 20
            await line.ended(held_s)
            return call, line, held_s

    call, line, _ = await it.judge.recording(f"left-alone-{it.variant}-{held_s:.0f}", record)
    assert isinstance(line, Line)
    if line.closed_at is not None:
        after = _ago(line.closed_at, line.opened_at)
        it.wrong(f"{expected} for more than {held_s:.0f} s", f"the end after {after}", *_shown(it, call))
    return line


# silence


@requirement(
    "media.inactivity-prompt",
    "After inactivityTimeout the agent speaks; with inactivityAction prompt it then goes on waiting.",
    source=f"{INLINE}/inactivityAction",
    layer=MEDIA,
    how="After the greeting both are silent: the agent must speak not more than 1 s early and 10 s late, and stay.",
    why="A caller who has fallen silent is to be asked, not cut off.",
    mend="Count silence from the end of what was last heard or played, speak, and wait again.",
    variants=TALKING,
    lasts_s=45,
    again=True,
)
async def inactivity_prompt(it: Context) -> None:
    """Speaks and stays."""
    await _falls_silent(it, "prompt")


@requirement(
    "media.inactivity-hang-up",
    "After inactivityTimeout the agent speaks; with inactivityAction hang_up the call then ends within 30 seconds.",
    source=f"{INLINE}/inactivityAction",
    layer=MEDIA,
    how="After the greeting both are silent: the agent must speak in time, and then end the call.",
    why="A line that nobody uses costs money.",
    mend="Speak first, then close the socket when it has been heard.",
    variants=TALKING,
    lasts_s=60,
    again=True,
)
async def inactivity_hang_up(it: Context) -> None:
    """Speaks and ends."""
    await _falls_silent(it, "hang_up")


async def _falls_silent(it: Context, action: str) -> None:
    asked_s = _whole_s(it, 10, 300, 4.0)
    due_s = it.scaled(asked_s)
    if due_s + 25 > it.judge.left_s():
        raise NotChecked(f"it takes {due_s + 25:.0f} s, more than this run has left: --max-time, or --time-scale")
    changes = {"inactivityTimeout": asked_s, "inactivityAction": action}
    call = await it.call("inline", greeting="Hello.", **changes, **audio_settings(it.variant))
    shown = _shown(it, call)
    async with it.line(call) as line:
        if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
            raise NotChecked("the agent did not greet; media.greeting says more")
        pause_s = min(1.0, due_s / 3)
        await line.quiet(pause_s, 20)
        silent_since = line.speaking_until()
        left_s = silent_since + due_s + 10 + 2 * SLACK_S - time.monotonic()
        spoke = await line.hears(silent_since + 0.05, left_s)
        if not spoke:
            what = "the end of the call without a word" if not line.alive else "silence"
            it.wrong(f"the agent speaks {due_s:g} s after both fell silent, 10 s late at the most", what, *shown)
            return
        after_s = line.audible(silent_since + 0.05)[0].at_s - silent_since
        if after_s < due_s - 1 - SLACK_S:
            it.wrong(f"the agent speaks {due_s:g} s after both fell silent", f"after {after_s:.1f} s", *shown)
            return
        spoke_at = time.monotonic()
        if action == "hang_up":
            if not await line.ended(30 + SLACK_S):
                it.wrong("the end of the call within 30 s of that", "the call goes on", *shown)
        elif await line.ended(min(due_s + 3, 12.0) if due_s < 10 else 8.0) and line.closed_at is not None:
            it.wrong("the agent goes on waiting", f"the end {_ago(line.closed_at, spoke_at)} after it spoke", *shown)


@requirement(
    "media.inactivity-counts-both",
    "Silence is counted from the moment that both sides are silent: caller speech and the agent's "
    "answer start it anew.",
    source=f"{INLINE}/inactivityTimeout",
    layer=MEDIA,
    how="The caller speaks in the middle of the timeout; after the answer the agent must be silent for "
    "nearly the whole time again.",
    why="A caller who has just spoken is not inactive.",
    mend="Start the timer anew on caller speech, and when the agent's audio has been played.",
    variants=TALKING,
    lasts_s=30,
    again=True,
)
async def inactivity_counts_both(it: Context) -> None:
    """Speech in between."""
    asked_s = _whole_s(it, 10, 300, 8.0)
    due_s = it.scaled(asked_s)
    if due_s + 20 > it.judge.left_s():
        raise NotChecked(f"it takes {due_s + 20:.0f} s, more than this run has left: --max-time, or --time-scale")
    changes = {"inactivityTimeout": asked_s, "inactivityAction": "hang_up"}
    call = await it.call("inline", greeting="Hello.", **changes, **audio_settings(it.variant))
    async with it.line(call) as line:
        recording = Recording(call=call, line=line)
        if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
            raise NotChecked("the agent did not greet; media.greeting says more")
        await line.quiet(min(3.5, due_s / 2), 20)
        await scenarios.talk(it, line, recording)
        if not recording.answered:
            raise NotChecked("the agent did not answer; media.answer says more")
        await line.quiet(1.0, 20)
        silent_since = line.speaking_until()
        left_s = silent_since + due_s - 1.5 - time.monotonic()
        if left_s <= 0:
            raise NotChecked("the answer was too long to tell")
        await line.until(lambda: not line.alive or bool(line.audible(silent_since + 0.2)), left_s)
        early = line.audible(silent_since + 0.2)
        if early or not line.alive:
            moment = early[0].at_s if early else line.closed_at or time.monotonic()
            what = "speaks" if early else "ends the call"
            it.wrong(
                f"silence for {due_s:g} s after the answer",
                f"the agent {what} {_ago(moment, silent_since)} after it",
                *_shown(it, call),
            )
