"""What the agent's messages are: as the document has them, for this stream, and samples only."""

from __future__ import annotations

from collections.abc import Iterator

from contract.events import Audio
from contract_tests import scenarios
from contract_tests.context import Context
from contract_tests.findings import Layer
from contract_tests.requirements import CARRIERS, TALKING, requirement
from contract_tests.scenarios import Recording
from contract_tests.sources import CONNECTION_TYPE
from contract_tests.target import NotChecked

FILE_HEADERS = (b"RIFF", b"ID3\x02\x00", b"ID3\x03\x00", b"ID3\x04\x00", b".snd", b"OggS", b"fLaC")
"""What WAV, MP3, AU, Ogg and FLAC files begin with."""

MOST_TOLD = 5
"""How many messages that are forbidden are shown for one connection type."""


class NothingHeard(NotChecked):
    """The agent sent nothing that could be looked at."""

    def __init__(self) -> None:
        super().__init__("the agent sent nothing to look at; media.greeting says more")


async def _talked(it: Context) -> list[Recording]:
    """The calls in which all of the agent's messages are looked at."""
    if it.hasty:
        return [await scenarios.greeted(it)]
    return [await scenarios.greeted(it), await scenarios.user_first(it), await scenarios.cut_in(it, True)]


async def _forbidden(it: Context) -> None:
    """The messages so far that the document does not allow."""
    told: set[str] = set()
    for kind, forbidden, command in it.judge.forbidden:
        fault = forbidden.partition(": ")[0]
        if kind == it.variant and fault not in told and len(told) < MOST_TOLD:
            told.add(fault)
            it.wrong("a message that the document allows", forbidden, *command)


@requirement(
    "media.messages",
    "Every message of the agent's is one that the connection type's document allows.",
    source="asyncapi/twilio.yaml#/operations/agentSends",
    layer=Layer.MEDIA,
    how="All messages of all calls in which the caller behaves are held against the AsyncAPI document: names, fields, "
    "types, base64, no binary messages to carriers; to Twilio no field too many.",
    why="Carriers drop what they do not know, and the caller hears nothing.",
    mend="Compare the message with the document's example.",
    variants=TALKING,
    order="last",
    ahead=_forbidden,
    smoke=True,
)
async def messages(it: Context) -> None:
    """Several calls, and those of other checks."""
    if not any(kind == it.variant for kind, *_ in it.judge.forbidden):
        recordings = await _talked(it)
        if not any(recording.line.heard for recording in recordings):
            raise NothingHeard
    await _forbidden(it)


@requirement(
    "media.stream-id",
    "What the agent sends carries the right stream id.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="Two calls are opened side by side, each with an id of its own; every id in the agent's messages is compared, "
    "also where audio is withdrawn.",
    why="Audio under another id is played to nobody, or to another caller.",
    mend="Keep the id of the start message with the connection, not in a variable that calls share.",
    variants=CARRIERS,
    smoke=True,
    lasts_s=20,
)
async def stream_id(it: Context) -> None:
    """Two calls at once."""
    recordings = [*await scenarios.side_by_side(it), await scenarios.greeted(it)]
    if not it.hasty:
        recordings.append(await scenarios.cut_in(it, True))
    if not any(recording.line.heard for recording in recordings):
        raise NothingHeard
    for recording in recordings:
        own = recording.line.stream_id
        other = next((found for found in _stream_ids(recording) if found != own), None)
        if other is not None:
            it.wrong(f"the stream's id, {own}", f"{other}", *it.dial_command(recording.call))


def _stream_ids(recording: Recording) -> Iterator[str]:
    """The ids in the agent's messages, but for Telnyx and in Plivo's playAudio, where the id is free."""
    line = recording.line
    for heard in line.heard:
        found = getattr(heard.event, "stream_id", None)
        free = line.kind == "telnyx" or (line.kind == "plivo" and isinstance(heard.event, Audio))
        if found is not None and not free:
            yield found


@requirement(
    "media.no-file-header",
    "Audio carries no file header.",
    source=CONNECTION_TYPE,
    layer=Layer.MEDIA,
    how="The agent's audio is searched for the beginnings of WAV, MP3, AU, Ogg and FLAC files.",
    why="Header bytes are heard as a click or as noise.",
    mend="Send samples only: skip the header of what speech synthesis returns.",
    variants=TALKING,
    lasts_s=20,
)
async def no_file_header(it: Context) -> None:
    """The first bytes of each piece."""
    recordings = await _talked(it)
    if not any(recording.line.audio for recording in recordings):
        raise NothingHeard
    for recording in recordings:
        for piece in recording.line.audio:
            if piece.payload.startswith(FILE_HEADERS) or piece.payload[8:12] == b"WAVE":
                begins = f"a piece that begins with {piece.payload[:8]!r}"
                it.wrong("samples only", begins, *it.dial_command(recording.call))
                return
