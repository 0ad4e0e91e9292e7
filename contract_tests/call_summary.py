"""What one dialled call came to, as data, as JSON and as text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from contract_tests.reports.inert import in_a_line

MOST_REASONS = 20
"""How many different faults the text shows."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Where a webrtc call takes place: the room's address and what its token says, without the signature."""

    url: str
    header: dict[str, Any]
    claims: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class CallSummary:
    """One call, measured.  Times are milliseconds or seconds, as their names say; None where nothing was to measure.

    Attributes:
        connected_as: the connection type.
        took_s: from the open socket to the end.
        sent_frames, sent_s: the caller's audio.
        late_p50_ms, late_max_ms: how late our own frames went out.
        first_audio_ms: from the start message (or the open socket) to the first audible audio.
        answer_ms: from the end of the caller's speech to the next audible audio; negative where it came before.
        received_messages, received_s: the agent's audio; on webrtc silence is among it.
        heard_dbfs: how loud what was audible was, in decibels below full scale.
        gaps_ms: how long playback ran dry within an utterance, each time.
        jitter_p50_ms, jitter_max_ms: how far the spacing of audio messages was from the length of their audio.
        marks, marks_returned, clears: how many.
        against: everything that was against the contract, and how often.
        ignored: messages of a type that the contract lets both sides ignore.
        transcripts: who said what, in the conversation's order.
        messages: how many came that are no audio.
        room: on webrtc.
        took_place: whether there was a call: a room that could not be joined from here says nothing of the agent.
        ended: how, in words; `close_code` is the agent's, where it was the agent that closed.
        rate_hz, pcm: what was heard from the start on, as it was played: 16-bit little-endian samples.
    """

    connected_as: str
    took_s: float
    sent_frames: int
    sent_s: float
    late_p50_ms: float | None
    late_max_ms: float | None
    first_audio_ms: float | None
    answer_ms: float | None
    received_messages: int
    received_s: float
    heard_dbfs: float | None
    gaps_ms: tuple[float, ...]
    jitter_p50_ms: float | None
    jitter_max_ms: float | None
    marks: int
    marks_returned: int
    clears: int
    against: tuple[tuple[str, int], ...]
    ignored: int
    transcripts: tuple[tuple[str, str], ...]
    messages: int
    room: Room | None
    took_place: bool
    ended: str
    close_code: int | None
    rate_hz: int
    pcm: bytes = field(repr=False)

    @property
    def exit_code(self) -> int:
        """0 where nothing was against the contract, else 1; 2 where there was no call."""
        if self.against:
            return 1
        return 0 if self.took_place else 2

    def as_json(self) -> dict[str, Any]:
        """Everything but the audio."""
        told = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in asdict(self).items()
            if name != "pcm"
        }
        told["against"] = [{"reason": reason, "times": times} for reason, times in self.against]
        told["transcripts"] = [{"role": role, "text": text} for role, text in self.transcripts]
        return told


def as_text(call: CallSummary) -> list[str]:
    """The summary for people, in lines of text without anything that acts on a terminal."""
    lines = [f"connected as  {call.connected_as}, for {call.took_s:.1f} s"]
    lines += _room_lines(call) if call.connected_as == "webrtc" else _audio_lines(call)
    lines.append(f"contract      {sum(times for _, times in call.against) or 'nothing'} against it")
    lines += [f"              {times} x {in_a_line(reason)}" for reason, times in call.against[:MOST_REASONS]]
    if len(call.against) > MOST_REASONS:
        lines.append(f"              and {len(call.against) - MOST_REASONS} more reasons (--report json has them)")
    if call.ignored:
        lines.append(f"              {call.ignored} messages of unknown types were ignored, as the contract says")
    lines += [f"{role + ' said':14}{in_a_line(text)}" for role, text in call.transcripts]
    lines.append(f"ended         {in_a_line(call.ended)}")
    return lines


def _room_lines(call: CallSummary) -> list[str]:
    if call.room is None:
        return []
    lines = [
        f"roomUrl       {in_a_line(call.room.url)}",
        f"token         {json.dumps(call.room.header)} {json.dumps(call.room.claims)} (signature not shown)",
    ]
    if not call.took_place:
        return lines
    return [
        *lines,
        f"said          {call.sent_s:.1f} s into the microphone",
        f"first audio   {_first(call, 'the join')}",
        f"received      {call.received_s:.1f} s{_level(call)}; {_gaps(call)}",
        f"messages      {call.messages}, with the offer of the room",
    ]


def _audio_lines(call: CallSummary) -> list[str]:
    return [
        f"sent          {call.sent_frames} frames, {call.sent_s:.1f} s; own error: late by "
        f"{_spread(call.late_p50_ms, call.late_max_ms)}",
        f"first audio   {_first(call, 'the start')}",
        f"received      {call.received_s:.1f} s in {call.received_messages} messages{_level(call)}; {_gaps(call)}; "
        f"jitter {_spread(call.jitter_p50_ms, call.jitter_max_ms)}",
        f"marks         {call.marks} asked for, {call.marks_returned} returned; clears: {call.clears}",
    ]


def _first(call: CallSummary, since: str) -> str:
    first = "none" if call.first_audio_ms is None else f"{call.first_audio_ms:.0f} ms after {since}"
    if call.answer_ms is None:
        return first
    if call.answer_ms < 0:
        return f"{first}; spoke while the caller did"
    return f"{first}; answered {call.answer_ms:.0f} ms after the caller's last word"


def _level(call: CallSummary) -> str:
    return "" if call.heard_dbfs is None else f", heard at {call.heard_dbfs:.0f} dBFS"


def _gaps(call: CallSummary) -> str:
    return f"{len(call.gaps_ms)} gaps, longest {max(call.gaps_ms):.0f} ms" if call.gaps_ms else "no gaps"


def _spread(p50_ms: float | None, max_ms: float | None) -> str:
    return "unknown" if p50_ms is None or max_ms is None else f"{p50_ms:.1f} ms p50, {max_ms:.1f} ms max"
