"""How audio is written in both directions: codings and sample rates."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from string import hexdigits
from typing import Any

from contract.audio import Encoding
from contract.events import Audio
from contract_tests import scenarios
from contract_tests.context import Context
from contract_tests.findings import Layer
from contract_tests.line import RESTLESS, Line
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, GREETING_PAUSE_S, LONGEST_TURN_S, SLACK_S, NotGreeted, Recording
from contract_tests.smoothness import judge_coding
from contract_tests.sources import AUDIO_SETTINGS, CONNECTION_TYPE
from contract_tests.target import NotChecked

OUTPUT_HZ = {"pcm-8000": 48000, "pcm-48000": 8000, "g711-8000": 8000}
ODD_HZ = 11025
"""A rate at which 20 ms are no whole number of samples."""

SILENT_S = 2.5
"""How long the caller is silent, for the agent to take that for speech if it reads it wrongly."""


PAYLOAD = re.compile(r'"payload":\s*"([^"]*)"')


@dataclass
class AtRates:
    """A call at two sample rates: a greeting, silence, then speech and its answer.

    Attributes:
        recording: the call.
        understood: whether silence was taken for silence, and speech for speech.
    """

    recording: Recording
    understood: bool = False


async def _at_rates(it: Context, input_hz: int, output_hz: int, codec: str = "pcm") -> AtRates:
    async def record() -> AtRates:
        asked = {"inputSampleRate": input_hz, "outputSampleRate": output_hz, "codec": codec}
        call = await it.call(connectionType="websocket", websocket=asked)
        async with it.line(call) as line:
            found = AtRates(Recording(call=call, line=line))
            if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
                return found
            found.recording.greeted = True
            # As long as other greetings are heard that this one is compared with: one may have a pause in it.
            over = await line.quiet(GREETING_PAUSE_S, 4 if it.hasty else 30)
            found.recording.first_until = line.speaking_until()
            over = over and await line.quiet(1.5, 4 if it.hasty else 30)
            line.idle = RESTLESS[line.to_agent.encoding]
            if over and not it.hasty and not await line.hears(time.monotonic(), SILENT_S):
                await _talked(it, line, found.recording)
                found.understood = found.recording.heard_answer
            return found

    name = f"rates-{input_hz}-{output_hz}-{codec}-{it.attempt}"
    found: AtRates = await it.recording(name, record)
    return found


async def _talked(it: Context, line: Line, recording: Recording) -> None:
    await scenarios.talk(it, line, recording)
    await line.quiet(0.5, 4)


@requirement(
    "media.coding",
    "The agent's audio is in the call's coding: mu-law at 8000 Hz for carriers, little-endian PCM or mu-law as asked "
    "for.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The agent's audio is decoded in the right coding and in the ones that it is mixed up with: the right one must "
    "sound smoothest, as voices and tones do.",
    why="In the wrong coding a voice is noise.",
    mend="Encode with the coding of the call; check byte order and law.",
    variants=(*TALKING, "websocket-g711"),
    smoke=True,
    lasts_s=13,
)
async def coding(it: Context) -> None:
    """Smoothness in each coding."""
    g711 = it.variant == "websocket-g711"
    recording = (await _at_rates(it, 8000, 8000, "g711")).recording if g711 else await scenarios.greeted(it)
    line = recording.line
    if sum(len(piece.payload) for piece in line.audio) < line.from_agent.bytes_in(300):
        raise NotChecked("the agent said too little to tell its coding; media.greeting says more")
    judge_coding(it, line, recording.call)
    if _is_hexadecimal(line):
        it.wrong("base64 of the audio", "hexadecimal digits alone", *it.dial_command(recording.call))
    if line.from_agent.encoding is Encoding.PCM16:
        odd = [len(piece.payload) for piece in line.audio if len(piece.payload) % 2]
        if len(odd) > 1:
            it.wrong("whole samples of two bytes", f"messages of {odd[:3]} bytes", *it.dial_command(recording.call))


def _is_hexadecimal(line: Line) -> bool:
    """Whether a carrier's payloads are made of the digits of base 16 alone: that is base64, too, of something else."""
    wires = (heard.wire for heard in line.events(Audio) if isinstance(heard.wire, str))
    text = "".join(found[1] for wire in wires if (found := PAYLOAD.search(wire)))
    # Of silence and the like base64 has few characters, too.
    return len(set(text)) > 4 and any(set(text) <= set(some) for some in (hexdigits.lower(), hexdigits.upper()))


@requirement(
    "media.output-rate",
    "Binary audio from the agent has the requested outputSampleRate.",
    source=f"{AUDIO_SETTINGS}/properties/outputSampleRate",
    layer=Layer.MEDIA,
    how="The same greeting is asked for at 8000 and at 48000 Hz, the other rate being the input's, at 16000 Hz and at "
    "11025 Hz: it must last equally long, and consist of whole samples.",
    why="At another rate a voice is too fast or too slow.",
    mend="Resample the agent's audio to outputSampleRate.",
    lasts_s=13,
    again=True,
)
async def output_rate(it: Context) -> None:
    """Four rates."""
    plain, odd, low, high = await asyncio.gather(
        scenarios.greeted(Context(it.judge, "websocket", it.attempt)),
        _greeted_at(it, ODD_HZ),
        _at_rates(it, 48000, 8000),
        _at_rates(it, 8000, 48000),
    )
    if not (plain.greeted and odd.greeted and low.recording.greeted and high.recording.greeted):
        raise NotGreeted
    halves = [len(piece.payload) for piece in odd.line.audio if len(piece.payload) % 2]
    if len(halves) > 1:
        it.wrong("whole samples of two bytes", f"messages of {halves[:3]} bytes", *it.dial_command(odd.call))
        return
    recordings = {8000: low.recording, ODD_HZ: odd, 16000: plain, 48000: high.recording}
    lengths = {rate: _greeting_s(recording) for rate, recording in recordings.items()}
    shortest, longest = min(lengths.values()), max(lengths.values())
    if shortest < 0.1:
        raise NotChecked("the greeting is too short to be measured")
    if longest > 1.7 * shortest + 0.3:
        shown = ", ".join(f"{seconds:.1f} s at {rate} Hz" for rate, seconds in lengths.items())
        it.wrong("a greeting that lasts equally long at each rate", shown, *it.dial_command(low.recording.call))


@requirement(
    "media.carrier-rate",
    "A carrier gets audio at 8000 Hz, whatever rates the call was created with.",
    source=AUDIO_SETTINGS,
    layer=Layer.MEDIA,
    how="The same greeting is asked for with outputSampleRate 16000, without any rate, and for a custom client at "
    "16000 Hz: it must last equally long.",
    why="A carrier plays what comes at 8000 Hz: at twice the rate a voice is half as fast.",
    mend="Look at websocket only where connectionType is websocket.",
    variants=CARRIERS,
    lasts_s=13,
    again=True,
)
async def carrier_rate(it: Context) -> None:
    """With the rate that must be ignored, without, and what another client hears."""
    rated, plain, client = await asyncio.gather(
        scenarios.greeted(it),
        _greeting_of(it, {"connectionType": it.variant}, it.variant),
        _client_greeted(it),
    )
    if not (rated.greeted and plain.greeted):
        raise NotGreeted
    lengths = {"with outputSampleRate 16000": _greeting_s(rated), "without": _greeting_s(plain)}
    if client is not None and client.greeted:
        lengths["for a custom client"] = _greeting_s(client)
    if min(lengths.values()) < 0.1:
        raise NotChecked("the greeting is too short to be measured")
    if max(lengths.values()) > 1.7 * min(lengths.values()) + 0.3:
        shown = ", ".join(f"{seconds:.1f} s {where}" for where, seconds in lengths.items())
        it.wrong("a greeting that lasts equally long", shown, *it.dial_command(rated.call))


async def _client_greeted(it: Context) -> Recording | None:
    """A custom client's greeting; None where there is none to compare with."""
    try:
        return await scenarios.greeted(Context(it.judge, "websocket", it.attempt))
    except NotChecked:
        return None


async def _greeted_at(it: Context, rate_hz: int) -> Recording:
    websocket = {"inputSampleRate": rate_hz, "outputSampleRate": rate_hz}
    return await _greeting_of(it, {"connectionType": "websocket", "websocket": websocket}, f"at-{rate_hz}")


async def _greeting_of(it: Context, asked: dict[str, Any], name: str) -> Recording:
    """A call of which only the greeting is heard."""

    async def record() -> Recording:
        call = await it.call(**asked)
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            await line.quiet(GREETING_PAUSE_S, 4.0 if it.hasty else LONGEST_TURN_S)
            recording.first_until = line.speaking_until()
            return recording

    found: Recording = await it.recording(f"greeting-{name}-{it.attempt}", record)
    return found


def _greeting_s(recording: Recording) -> float:
    """How long the audible part of what the agent said at first lasted, as it is played."""
    return sum(piece.lasts_s for piece in recording.line.audible() if piece.at_s <= recording.first_until)


@requirement(
    "media.input-rate",
    "The agent understands audio at the requested inputSampleRate, and in the requested codec.",
    source=f"{AUDIO_SETTINGS}/properties/inputSampleRate",
    layer=Layer.MEDIA,
    how="The caller speaks at 8000 and 48000 Hz in pcm, and at 8000 Hz in g711, with silence before; only speech is "
    "answered.",
    why="Audio read at another rate, or in another coding, is not understood.",
    mend="Resample from inputSampleRate, and decode by codec.",
    variants=tuple(OUTPUT_HZ),
    lasts_s=13,
    soon=True,
    again=True,
)
async def input_rate(it: Context) -> None:
    """Silence, then speech; after a greeting, and without one where that does not go well."""
    codec, _, rate = it.variant.partition("-")
    output_hz = OUTPUT_HZ[it.variant]
    found = await _at_rates(it, int(rate), output_hz, codec)
    if found.understood:
        judge_coding(it, found.recording.line, found.recording.call)
        return
    asked = {"inputSampleRate": int(rate), "outputSampleRate": output_hz, "codec": codec}
    call = await it.call(firstSpeaker="user", connectionType="websocket", websocket=asked)
    async with it.line(call) as line:
        line.idle = RESTLESS[line.to_agent.encoding]
        recording = Recording(call=call, line=line)
        if await line.hears(0, SILENT_S):
            it.wrong("silence: the caller has said nothing", "audio", *it.dial_command(call))
            return
        await _talked(it, line, recording)
        if not recording.answered:
            it.wrong("an answer", line.why_silent, *it.dial_command(call))
            return
        judge_coding(it, line, call)
