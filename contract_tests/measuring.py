"""Measures a dialled call: how evenly the agent's audio came, how it was played, what was against the contract."""

from __future__ import annotations

import bisect
import math
import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from contract.audio import AudioFormat, Encoding
from contract.events import Clear, Mark, RoomOffered, StateChanged, Transcript
from contract_tests.call_summary import CallSummary, Room
from contract_tests.legality import is_free
from contract_tests.line import HeardAudio, Line, loudness, samples
from contract_tests.parsing import jwt_part

LEAST_GAP_S = 0.02
"""How long playback must have run dry to be called a gap: what is shorter, a carrier's buffer hides."""

PAUSE_S = 1.0
"""How long nothing came, for it to be a pause between two utterances and no gap in one."""

_BETWEEN_UTTERANCES = (Mark, Clear, StateChanged)


def summarise(line: Line, complaints: Sequence[str], ended: str, *, took_place: bool = True) -> CallSummary:
    """The summary of a call that is over; `complaints` are what was wrong beside single messages."""
    now = time.monotonic()
    until = line.closed_at or now
    begun = line.started_at or line.opened_at
    audible = line.audible()
    answer = next((piece for piece in audible if piece.at_s > line.spoke_at), None) if line.spoke_at else None
    spacing = sorted(abs(late) for late in _spacing_errors(line))
    late = sorted(line.late_s)
    faults, ignored = _faults(line)
    room = next((_room(heard.event) for heard in line.heard if isinstance(heard.event, RoomOffered)), None)
    if room is not None and not (room.header and room.claims):
        faults.append("roomOffered: $.token: not a JWT")
    return CallSummary(
        connected_as=line.kind,
        took_s=until - line.opened_at,
        sent_frames=len(late),
        sent_s=line.sent_s,
        late_p50_ms=_ms(late[len(late) // 2]) if late else None,
        late_max_ms=_ms(late[-1]) if late else None,
        first_audio_ms=_ms(audible[0].at_s - begun) if audible else None,
        answer_ms=_ms(answer.at_s - line.spoke_until) if answer else None,
        received_messages=len(line.audio),
        received_s=sum(piece.lasts_s for piece in line.audio),
        heard_dbfs=_level(audible, line.from_agent),
        gaps_ms=tuple(map(_ms, _gaps(line))),
        jitter_p50_ms=_ms(spacing[len(spacing) // 2]) if spacing else None,
        jitter_max_ms=_ms(spacing[-1]) if spacing else None,
        marks=len(line.events(Mark)),
        marks_returned=line.marks_returned,
        clears=len(line.clears),
        against=tuple(Counter([*faults, *complaints]).items()),
        ignored=ignored,
        transcripts=transcripts_of(line),
        messages=len(line.heard) - len(line.audio) if line.kind != "webrtc" else len(line.heard),
        room=room,
        took_place=took_place,
        ended=ended,
        close_code=line.close_code,
        rate_hz=line.from_agent.rate_hz,
        pcm=_played(line, begun, until),
    )


def _faults(line: Line) -> tuple[list[str], int]:
    """What is wrong with the agent's messages, and how many could be ignored."""
    wrong = [(heard, heard.fault) for heard in line.heard if heard.fault]
    found = [(fault, is_free(heard.channel or line.kind, fault, heard.wire)) for heard, fault in wrong]
    faults = [str(fault) for fault, free in found if not free]
    ignored = len(found) - len(faults)
    if line.kind == "websocket" and line.from_agent.encoding is Encoding.PCM16:
        halves = (len(piece.payload) for piece in line.audio if len(piece.payload) % 2)
        faults += [f"agentAudio: {size} bytes are not a whole number of 16-bit samples" for size in halves]
    return faults, ignored


def _neighbours(line: Line) -> list[tuple[HeardAudio, HeardAudio]]:
    """Each two pieces that follow one another within one utterance."""
    borders = [heard.at_s for heard in line.heard if isinstance(heard.event, _BETWEEN_UTTERANCES)]

    def together(before: HeardAudio, after: HeardAudio) -> bool:
        apart = bisect.bisect(borders, before.at_s) != bisect.bisect(borders, after.at_s)
        return not apart and after.plays_from_s - before.plays_until_s < PAUSE_S

    return [pair for pair in zip(line.audio, line.audio[1:], strict=False) if together(*pair)]


def _gaps(line: Line) -> list[float]:
    dry = (after.plays_from_s - before.plays_until_s for before, after in _neighbours(line))
    return [seconds for seconds in dry if seconds >= LEAST_GAP_S]


def _spacing_errors(line: Line) -> list[float]:
    return [after.at_s - before.at_s - before.lasts_s for before, after in _neighbours(line)]


def transcripts_of(line: Line) -> tuple[tuple[str, str], ...]:
    """Who said what so far, in the conversation's order."""
    said: dict[int, tuple[str, str]] = {}
    for heard in line.heard:
        if isinstance(heard.event, Transcript):
            event = heard.event
            before = said.get(event.ordinal, ("", ""))[1]
            said[event.ordinal] = (event.role, event.text if event.text is not None else before + (event.delta or ""))
    return tuple(said[ordinal] for ordinal in sorted(said))


def _room(offer: RoomOffered) -> Room:
    parts = offer.token.split(".")
    header, claims = (value if isinstance(value := jwt_part(part), dict) else {} for part in parts[:2])
    return Room(url=offer.room_url, header=header, claims=claims)


def _played(line: Line, begun: float, until: float) -> bytes:
    """The agent's audio as it was played: silence where there was none, and nothing of what was withdrawn."""
    rate_hz = line.from_agent.rate_hz
    heard = np.zeros(max(0, math.ceil((until - begun) * rate_hz)), np.int16)
    cursor, played_until = 0, begun
    for piece in line.audio:
        index = bisect.bisect(line.clears, piece.at_s)
        cut = line.clears[index] if index < len(line.clears) else math.inf
        if cut <= piece.plays_from_s:
            continue
        if piece.plays_from_s > played_until + 1e-6:
            cursor = max(0, round((piece.plays_from_s - begun) * rate_hz))
        played_until = min(piece.plays_until_s, cut)
        part = samples(piece.payload, line.from_agent)
        if cut < piece.plays_until_s:
            part = part[: round((cut - piece.plays_from_s) * rate_hz)]
        part = part[: max(0, len(heard) - cursor)]
        heard[cursor : cursor + len(part)] = part
        cursor += len(part)
    return heard.astype("<i2", copy=False).tobytes()


def _level(audible: Sequence[HeardAudio], written: AudioFormat) -> float | None:
    """How loud audible audio is, in decibels below full scale; None where there is none."""
    of = samples(b"".join(piece.payload for piece in audible), written)
    return round(20 * math.log10(loudness(of) / 32768), 1) if len(of) else None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
