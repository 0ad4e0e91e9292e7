"""What the mock remembers of the latest requests and calls, bounded in count and in bytes.

No I/O, no clock of its own: whoever tells it something says when it happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from mockserver.notes import CALL_BYTES, EVENT_BYTES, AudioNotes, CallNotes, EventNote, Line, RequestNote, Side, State

MOST_LINES = 2000
"""How many utterances of one call's transcript are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is remembered; what is older is forgotten.

    Attributes:
        requests: how many requests.
        calls: how many calls; those that are over are forgotten first, then those that nobody dialled.
        events: how many events of one call: five minutes of audio both ways.
        audio_bytes: how much audio of one side of one call.
        total_bytes: all of it together.
    """

    requests: int = 1000
    calls: int = 200
    events: int = 30_000
    audio_bytes: int = 16 * 1024 * 1024
    total_bytes: int = 128 * 1024 * 1024


DEFAULT_LIMITS = Limits()


class Journal:
    """The memory of one mock.

    Every change has a number, counted from 1, which never starts again; what changed is told once, with the number of
    its latest change.

    Attributes:
        latest: the number of the latest change.
        held_bytes: how much is remembered, as it is counted here.
        on_change: called after each change.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.latest = 0
        self.held_bytes = 0
        self.on_change: Callable[[], None] = _nothing
        self._limits = limits
        self._requests: deque[tuple[int, RequestNote]] = deque()
        self._request_changes: deque[int] = deque()
        self._request_count = 0
        self._call_count = 0
        self._calls: dict[str, CallNotes] = {}
        # In the order in which they are forgotten.
        self._by_state: dict[State, dict[str, CallNotes]] = {"ended": {}, "created": {}, "dialled": {}}
        self._changes: dict[tuple[str, str], int] = {}

    # What it is told.

    def add_request(self, note: RequestNote) -> None:
        """A request was answered."""
        self._request_count += 1
        self._requests.append((self._request_count, note))
        self.held_bytes += _size(note)
        self._changed("request", note.id)
        self._request_changes.append(self.latest)
        while len(self._requests) > self._limits.requests:
            self._forget_request()
        self._make_room(None)

    def add_call(self, call: CallNotes) -> None:
        """A call was created."""
        self._call_count += 1
        call.number = self._call_count
        self._calls[call.id] = call
        self._by_state["created"][call.id] = call
        self.held_bytes += call.held_bytes
        while len(self._calls) > self._limits.calls:
            self._forget_call(but=call)
        self._changed("call", call.id)

    def dialled(self, call_id: str, at: datetime) -> CallNotes | None:
        """A call was dialled; None if it is forgotten."""
        call = self._calls.get(call_id)
        if call is not None:
            call.dialled_at = at
            self._move(call, "dialled")
        return call

    def ended(self, call: CallNotes, at: datetime, by: Side, reason: str, close_code: int | None) -> None:
        """A call is over."""
        call.ended_at, call.ended_by, call.end_reason, call.close_code = at, by, reason, close_code
        self._move(call, "ended")

    def add_event(self, call: CallNotes, event: EventNote) -> None:
        """Something happened in a call."""
        if not call.kept:
            return
        call.events.append(event)
        # A detail is about as long as its text.
        self._hold(call, EVENT_BYTES + (len(str(event.detail)) if event.detail else 0))
        while len(call.events) > self._limits.events:
            self._forget_event(call)
        self._changed("call", call.id)

    def add_audio(self, call: CallNotes, side: Side, at_ms: float, payload: bytes | None) -> None:
        """Audio went over the wire; None: the other end was told to throw away what it had yet to play."""
        audio = call.audio[side]
        # Nothing but audio makes room, so that a mark of nothing must not pile up.
        if not call.kept or (payload is None and not audio.pieces):
            return
        audio.pieces.append((at_ms, payload))
        size = len(payload or b"") + EVENT_BYTES // 2
        audio.held_bytes += size
        while audio.held_bytes > self._limits.audio_bytes:
            self._forget_audio(call, audio)
        self._hold(call, size)

    def add_line(self, call: CallNotes, line: Line) -> None:
        """Something was said, whole or as far as it came: it replaces what was noted under its ordinal."""
        if call.kept:
            before = call.transcript.get(line.ordinal)
            call.transcript[line.ordinal] = line
            self._hold(call, len(line.text) - len(before.text) if before else EVENT_BYTES + len(line.text))
            while len(call.transcript) > MOST_LINES:
                self._forget_line(call)

    def reset(self) -> None:
        """Forget everything; numbers go on."""
        for call in self._calls.values():
            call.kept = False
        self._requests.clear()
        self._request_changes.clear()
        self._calls.clear()
        for calls in self._by_state.values():
            calls.clear()
        self._changes.clear()
        self.held_bytes = 0
        self._changed("reset", "")

    # What it knows.

    def requests(self, after: int) -> Iterator[tuple[int, RequestNote]]:
        """Requests with their numbers, those above `after`, the oldest first."""
        return (numbered for numbered in self._requests if numbered[0] > after)

    def request(self, request_id: str) -> tuple[int, RequestNote] | None:
        """The latest request of an id, which clients may choose."""
        return next((numbered for numbered in reversed(self._requests) if numbered[1].id == request_id), None)

    def calls(self, after: int) -> Iterator[CallNotes]:
        """Calls whose numbers are above `after`, the oldest first."""
        return (call for call in self._calls.values() if call.number > after)

    def call(self, call_id: str) -> CallNotes | None:
        """A call."""
        return self._calls.get(call_id)

    def changes(self, after: int) -> list[tuple[int, str, str]]:
        """What changed after a change, by the number of its latest one: number, kind (request, call, reset), id."""
        found: list[tuple[int, str, str]] = []
        for (kind, changed), number in reversed(self._changes.items()):
            if number <= after:
                break
            found.append((number, kind, changed))
        return found[::-1]

    # How it forgets.

    def _changed(self, kind: str, changed: str) -> None:
        self.latest += 1
        self._changes.pop((kind, changed), None)
        self._changes[kind, changed] = self.latest
        self.on_change()

    def _move(self, call: CallNotes, state: State) -> None:
        if call.kept:
            del self._by_state[call.state][call.id]
            self._by_state[state][call.id] = call
            self._changed("call", call.id)
        call.state = state

    def _hold(self, call: CallNotes, size: int) -> None:
        """Count what a call holds more, and make room for it: others' at first, then its own."""
        call.held_bytes += size
        self.held_bytes += size
        self._make_room(call)

    def _make_room(self, call: CallNotes | None) -> None:
        while self.held_bytes > self._limits.total_bytes and self._forget_something(call):
            pass

    def _forget_something(self, call: CallNotes | None) -> bool:
        """Forget a call that is over, else a request, else a piece of this call; False if there is nothing left."""
        if self._by_state["ended"]:
            self._forget_call()
        elif self._requests:
            self._forget_request()
        elif call is None or not call.kept:
            return False
        elif any(audio.pieces for audio in call.audio.values()):
            self._forget_audio(call, max(call.audio.values(), key=lambda audio: audio.held_bytes))
        elif call.events:
            self._forget_event(call)
        elif call.transcript:
            self._forget_line(call)
        else:
            return False
        return True

    def _forget_request(self) -> None:
        _, note = self._requests.popleft()
        self.held_bytes -= _size(note)
        # A later request may have the same id.
        if self._changes.get(("request", note.id)) == self._request_changes.popleft():
            del self._changes["request", note.id]

    def _forget_call(self, but: CallNotes | None = None) -> None:
        calls = chain.from_iterable(calls.values() for calls in self._by_state.values())
        call = next(call for call in calls if call is not but)
        del self._calls[call.id], self._by_state[call.state][call.id]
        self._changes.pop(("call", call.id), None)
        call.kept = False
        self.held_bytes -= call.held_bytes

    def _forget_event(self, call: CallNotes) -> None:
        event = call.events.popleft()
        call.first_event += 1
        self._release(call, EVENT_BYTES + (len(str(event.detail)) if event.detail else 0))

    def _forget_line(self, call: CallNotes) -> None:
        oldest = call.transcript.pop(next(iter(call.transcript)))
        self._release(call, EVENT_BYTES + len(oldest.text))

    def _forget_audio(self, call: CallNotes, audio: AudioNotes) -> None:
        _, payload = audio.pieces.popleft()
        size = len(payload or b"") + EVENT_BYTES // 2
        audio.held_bytes -= size
        audio.forgotten_bytes += len(payload or b"")
        self._release(call, size)

    def _release(self, call: CallNotes, size: int) -> None:
        call.held_bytes -= size
        self.held_bytes -= size


def _size(note: RequestNote) -> int:
    return CALL_BYTES + len(note.body or b"")


def _nothing() -> None:
    """Nobody listens."""
