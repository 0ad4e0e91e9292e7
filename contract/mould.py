"""The text of a stream's frames but for what differs from frame to frame: read and written without looking at the rest.

Frames come and go fifty times a second in each call, and one is like the other.  A mould is made of a message that was
held against its schema whole.  A text that fills it holds the same JSON but for a few strings, of which a schema's
rules can say nothing new: audio as long as the first one's, in base64, and decimal numbers.  So it fits as the first
did.  What does not fill the mould is judged in full, by the codec.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import msgspec

from contract.compiled import Leaf
from contract.events import Audio
from contract.spelling import BASE64, DECIMAL

SHORTEST_MOULDED = 40
"""How many letters of base64 must stand for the audio before it is looked for in its message."""

LONGEST_AROUND = 2000
"""How many letters may stand around what differs from frame to frame.

They become a regular expression, which takes seconds to compile where they are as many as a message may have; the
carriers' frames have less than 150.
"""

_NUMBER = "[1-9][0-9]{0,16}"
_NUMBERS_TAKEN = frozenset(("^[1-9][0-9]{0,17}$", "^(0|[1-9][0-9]{0,17})$"))
"""The patterns that a document may ask of a number's digits; each allows whatever `_NUMBER` does."""

_VARYING = ("sequence", "chunk", "at_ms")


class Cast:
    """What we say: the text around the audio of frames that differ in nothing else."""

    __slots__ = ("_after", "_before", "_length")

    def __init__(self, length: int, before: str, after: str) -> None:
        self._length = length
        self._before = before
        self._after = after

    @classmethod
    def of(cls, event: Audio, wire: str | bytes) -> Cast | None:
        """The mould of a message; None where the audio is not to be told from the rest of it."""
        written = BASE64.write(event.payload)
        if not isinstance(wire, str) or len(written) < SHORTEST_MOULDED or wire.count(written) != 1:
            return None
        before, _, after = wire.partition(written)
        mould = cls(len(event.payload), before, after)
        return mould if mould.fill(event) == wire else None

    def fill(self, event: Audio) -> str | None:
        """The message for an event; None if it differs from the first in more than its audio."""
        payload = event.payload
        if (
            len(payload) != self._length
            or event.stream_id is not None
            or event.track is not None
            or event.chunk is not None
            or event.at_ms is not None
            or event.sequence is not None
        ):
            return None
        return f"{self._before}{BASE64.write(payload)}{self._after}"


class Template:
    """What we hear: the text around the audio and the numbers of frames."""

    __slots__ = ("_event", "_match")

    def __init__(
        self, match: Callable[[str], re.Match[str] | None], event: Callable[[tuple[str | Any, ...]], Audio]
    ) -> None:
        self._match = match
        self._event = event

    @classmethod
    def of(cls, wire: str, event: Audio, leaves: tuple[Leaf, ...]) -> Template | None:
        """The mould of a message that fits and means the event.

        None where its strings are not to be told apart, or more than LONGEST_AROUND stands around them.
        """
        holes = _holes(wire, leaves)
        if holes is None or len(wire) - sum(end - start for start, end, _ in holes) > LONGEST_AROUND:
            return None
        pattern, at, fields = "", 0, []
        for start, end, leaf in holes:
            hole = _NUMBER if leaf.spelling is DECIMAL else f".{{{end - start}}}"
            pattern += f"{re.escape(wire[at:start])}({hole})"
            fields.append(leaf.field)
            at = end
        pattern += re.escape(wire[at:])
        # So that a hole needs no look at its letters, which base64 looks at: a line's end is none of them.
        return cls(re.compile(pattern, re.DOTALL).fullmatch, _event_of(tuple(fields), event))

    def read(self, wire: str) -> Audio | None:
        """The event that a text stands for; None if it does not fill the mould."""
        match = self._match(wire)
        if match is None:
            return None
        try:
            return self._event(match.groups())
        except ValueError:
            return None


def _event_of(fields: tuple[str, ...], first: Audio) -> Callable[[tuple[str | Any, ...]], Audio]:
    """A function from the strings in the holes to the event, made as those of `compiled.py` are."""
    read = {field: "base64" if field == "payload" else "int" for field in fields}
    arguments = "".join(f"{field}={read[field]}({field}), " for field in fields)
    names: dict[str, Any] = {"Audio": Audio, "base64": BASE64.read, "first": first}
    exec(
        f"def event(strings):\n    {', '.join(fields)}, = strings\n"
        f"    return Audio({arguments}stream_id=stream_id, track=track)\n"
        "stream_id, track = first.stream_id, first.track\n",
        names,
    )
    made: Callable[[tuple[str | Any, ...]], Audio] = names["event"]
    return made


def _holes(wire: str, leaves: tuple[Leaf, ...]) -> list[tuple[int, int, Leaf]] | None:
    """Where the strings stand that differ from frame to frame, in order; None where that is not certain."""
    body = msgspec.json.decode(wire)
    filled = copy.deepcopy(body)
    holes = []
    for leaf in leaves:
        if leaf.field not in ("payload", *_VARYING):
            continue
        place, other = body, filled
        for key in leaf.path[:-1]:
            place, other = place.get(key, {}), other.get(key, {})
        written = place.get(leaf.path[-1])
        audio = leaf.field == "payload"
        known = leaf.spelling is BASE64 if audio else leaf.spelling is DECIMAL and leaf.pattern in _NUMBERS_TAKEN
        if not known or not isinstance(written, str) or wire.count(f'"{written}"') != 1:
            return None
        if audio and len(written) < SHORTEST_MOULDED:
            return None
        start = wire.index(f'"{written}"') + 1
        holes.append((start, start + len(written), leaf))
        other[leaf.path[-1]] = f"hole {len(holes)}"
    # The proof that each was found, and nothing else: with other words in the holes, just these leaves change.
    text, at = "", 0
    numbered = [(start, end, f"hole {number}") for number, (start, end, _) in enumerate(holes, 1)]
    for start, end, words in sorted(numbered):
        text += wire[at:start] + words
        at = end
    if len({leaf.field for _, _, leaf in holes}) != len(holes) or msgspec.json.decode(text + wire[at:]) != filled:
        return None
    return sorted(holes, key=lambda hole: hole[0])
