"""How the agent's audio flows: in frames, at the pace of speech, with a mark behind it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from contract.events import Mark
from contract_tests import scenarios
from contract_tests.context import Context
from contract_tests.findings import Layer, Level
from contract_tests.line import HeardAudio
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.scenarios import NotGreeted, Recording
from contract_tests.sources import CONNECTION_TYPE
from contract_tests.target import NotChecked

FRAME_BYTES = 160
"""20 ms of mu-law at 8000 samples a second."""

MOST_AHEAD_S = 1.5
"""How far audio may run ahead of being played."""

LONGEST_PAUSE_S = 1.5
SENTENCE_S = 2.0
"""Between sentences, of which few are shorter, may be a pause; nobody says that its silence has to be sent."""


@requirement(
    "media.frames",
    "Carrier audio comes in frames of 20 ms.",
    source="asyncapi/twilio.yaml#/components/schemas/audio",
    level=Level.SHOULD,
    layer=Layer.MEDIA,
    how="The lengths of the agent's audio messages are counted; nine of ten should be 160 bytes.",
    why="Larger pieces are later to be heard and harder to withdraw.",
    mend="Cut audio into 160 bytes.",
    variants=CARRIERS,
    lasts_s=13,
)
async def frames(it: Context) -> None:
    """Lengths."""
    recording = await scenarios.greeted(it)
    lengths = [len(piece.payload) for piece in recording.line.audio]
    if not lengths:
        raise NotChecked("the agent said nothing; media.greeting says more")
    other = [length for length in lengths if length != FRAME_BYTES]
    if len(other) > max(1, len(lengths) // 10):
        it.wrong(
            f"{FRAME_BYTES} bytes a message", f"{other[:5]} among {len(lengths)}", *it.dial_command(recording.call)
        )


@requirement(
    "media.pacing",
    "Audio is paced near real time: neither a flood nor a starvation.",
    source=CONNECTION_TYPE,
    level=Level.SHOULD,
    layer=Layer.MEDIA,
    how="The first message's audio is compared with the time in which it came; an answer's, too, and one's after an "
    "interruption, as far as it comes too fast.",
    why="A flood cannot be withdrawn in time; a starvation is heard as gaps.",
    mend="Send each 20 ms of audio 20 ms after the one before, by a schedule that does not drift.",
    variants=TALKING,
    lasts_s=20,
    again=True,
)
async def pacing(it: Context) -> None:
    """Ahead and behind."""
    recording = await scenarios.greeted(it)
    first = [piece for piece in recording.line.audio if piece.at_s <= recording.first_until]
    audible = [index for index, piece in enumerate(first) if piece.audible]
    if not audible:
        raise NotChecked("the agent said nothing; media.greeting says more")
    # Silence before the first word and after the last one may come at any pace.
    voiced = first[audible[0] : audible[-1] + 1]
    played_s = sum(piece.lasts_s for piece in voiced)
    # A machine that holds us up may hold up the target as well.
    gaps_s = _gaps_s(voiced, played_s) - it.judge.held_up_s(voiced[0].at_s, voiced[-1].at_s)
    shown = it.dial_command(recording.call)
    if (ahead_s := _ahead_s(voiced)) > MOST_AHEAD_S:
        it.wrong("audio at the pace of speech", f"{ahead_s:.1f} s ahead of it: a flood", *shown)
    else:
        await _judge_answers(it, recording)
    if gaps_s > max(0.3, 0.25 * played_s):
        it.wrong("audio without gaps", f"{gaps_s:.1f} s of gaps in {played_s:.1f} s: a starvation", *shown)


def _gaps_s(pieces: Sequence[HeardAudio], played_s: float) -> float:
    """How long nothing was there to be played, but for what may be pauses between sentences, sent as nothing at all."""
    gaps = sorted(max(0.0, piece.at_s - before.plays_until_s) for before, piece in pairwise(pieces))
    pauses = [gap for gap in gaps if gap <= LONGEST_PAUSE_S][-int(played_s / SENTENCE_S) - 1 :]
    return sum(gaps) - sum(pauses)


async def _judge_answers(it: Context, greeted: Recording) -> None:
    """Neither an answer nor what follows an interruption comes much too fast; that it comes slowly may be thought."""
    cut = await scenarios.cut_in(it, True)
    for what, recording in (("an answer", greeted), ("an answer after an interruption", cut)):
        since = max(recording.spoken_until, *recording.line.clears, 0.0)
        if (ahead_s := _ahead_s([piece for piece in recording.line.audio if piece.at_s > since])) > MOST_AHEAD_S:
            shown = it.dial_command(recording.call)
            it.wrong(f"{what} at the pace of speech", f"{ahead_s:.1f} s ahead of it: a flood", *shown)


def _ahead_s(pieces: Sequence[HeardAudio]) -> float:
    """By how much audio came sooner than it is played, at the most."""
    ahead_s, played_s = 0.0, 0.0
    for piece in pieces:
        played_s += piece.lasts_s
        ahead_s = max(ahead_s, played_s - (piece.at_s - pieces[0].at_s))
    return ahead_s


@requirement(
    "media.marks",
    "After what was said comes a mark (Plivo: a checkpoint).",
    source="asyncapi/twilio.yaml#/operations/agentSends",
    level=Level.SHOULD,
    layer=Layer.MEDIA,
    how="Marks after the greeting's audio, and before the caller speaks, are counted.",
    why="Only marks tell the agent what the caller has heard.",
    mend="Send one mark after each utterance.",
    variants=CARRIERS,
    lasts_s=13,
    again=True,
)
async def marks(it: Context) -> None:
    """At least one."""
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        raise NotGreeted
    spoken_at = recording.spoken_at or inf
    said_at = max(piece.at_s for piece in recording.line.audible() if piece.at_s < spoken_at)
    if not any(said_at <= mark.at_s < spoken_at for mark in recording.line.events(Mark)):
        it.wrong("a mark after the greeting", "none", *it.dial_command(recording.call))
