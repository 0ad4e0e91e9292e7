"""What the agent does and when. No socket and no event loop in here: time comes in, messages go out."""

from __future__ import annotations

import math
import re
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .bodies import CallSettings
from .lines import Line, Wire
from .sound import FRAME_SECONDS, Ear, Samples, Voice

ANSWER = "I hear you, please go on."
TOOL_ANSWER = "Thank you, I have that now."
TOOL_LATE = "Sorry, that took too long."
STILL_THERE = "Are you still with me? Hello?"
FAREWELL = "I will hang up now, goodbye."
UNHEARD_WORDS = "(speech)"

TOOL_PATIENCE = 40.0
MARK_PATIENCE = 5.0
HOLD_WHILE_CALLER_SPEAKS = 5.0
FRAMES_PER_DELTA = 10
LONGEST_QUEUE = 50


@dataclass
class Utterance:
    """Something that the agent says, and how far it has got."""

    text: str
    farewell: bool = False
    queued_at: float = 0.0
    voice: Voice = field(init=False)
    words: list[str] = field(init=False)
    mark: str = ""
    ordinal: int = 0
    cuttable: bool = True
    started: float = 0.0
    frames_sent: int = 0
    words_sent: int = 0

    def prepare(self, rate: int) -> None:
        """Make it ready to be said."""
        self.voice = Voice(self.text, rate)
        self.words = re.findall(r"\S+\s*|\s+", self.text)

    @property
    def next_frame_at(self) -> float:
        """When the next frame is due, or the end once all frames have gone. Counted from the start: no drift."""
        return self.started + self.frames_sent * FRAME_SECONDS

    @property
    def all_sent(self) -> bool:
        """Whether all frames have gone."""
        return self.frames_sent >= self.voice.frames


class Conversation:
    """One call, from the start of its stream to its end.

    The line calls the methods that say what the caller did; `advance` does what is due and fills `outbox`;
    `due_at` says when to call it next, and `wake` is called when that moment has come closer.
    """

    def __init__(
        self,
        settings: CallSettings,
        line: Line,
        time_scale: float,
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self.outbox: deque[Wire] = deque()
        self.ended = False
        self._settings = settings
        self._line = line
        self._clock = clock
        self._wake = wake
        timeout = settings.inactivity_timeout
        self._inactivity = math.inf if timeout is None else timeout / time_scale
        self._ear = Ear(line.rate_in)
        self._begun = False
        self._quiet_since = 0.0
        self._queue: deque[Utterance] = deque()
        self._playing: Utterance | None = None
        self._unplayed: dict[str, Utterance] = {}
        self._utterances = 0
        self._leaving = False
        self._next_ordinal = 0
        self._tools_left = deque(settings.client_tools if line.has_tools else ())
        self._tools_awaited: dict[str, float] = {}
        self._state = ""

    # What the caller does.

    def begin(self) -> None:
        """The stream has started: greet, or wait for the caller."""
        if self._begun:
            return
        self._begun = True
        self._quiet_since = self._clock()
        if self._settings.agent_speaks_first and self._settings.greeting:
            self._say(self._settings.greeting)
        else:
            self._show_state()
        self._wake()

    def hear(self, samples: Samples) -> None:
        """The caller's sound. Speech cuts what the agent is saying, where that may be cut."""
        if not self._begun or not self._ear.hear(samples, self._clock()):
            return
        saying = [*self._unplayed.values(), *([self._playing] if self._playing else [])]
        if saying and all(utterance.cuttable for utterance in saying):
            self._cut(saying)
        self._wake()

    def read(self, text: str) -> None:
        """The caller's typed words: a turn like a spoken one."""
        if self._begun:
            self._take_turn(text, "text")
            self._wake()

    def touched(self) -> None:
        """A key was pressed: somebody is there."""
        self._quiet_since = self._clock()

    def played(self, mark: str) -> None:
        """The phone has played an utterance to its end."""
        utterance = self._unplayed.pop(mark, None)
        if utterance is None:
            return
        self._quiet_since = self._clock()
        if utterance.farewell and utterance is not self._playing:
            self.ended = True
        self._wake()

    def tool_answered(self, invocation: str) -> None:
        """A tool's result or error is there. Each is taken once; unknown ones are ignored."""
        if self._tools_awaited.pop(invocation, None) is not None:
            self._say(TOOL_ANSWER)
            self._wake()

    def problem(self, message: str) -> None:
        """Tell the client that what it sent makes no sense."""
        self.note({"type": "error", "error": message})

    def note(self, message: dict[str, object]) -> None:
        """Send a control message, where the line has such."""
        self._emit(self._line.note(message))
        self._wake()

    def end(self) -> None:
        """The call is over."""
        self.ended = True
        self._wake()

    # What the clock does.

    def advance(self) -> None:
        """Do whatever is due by now."""
        if not self._begun or self.ended:
            return
        now = self._clock()
        if self._ear.speaking and now >= self._ear.turn_ends_at():
            self._ear.end_turn()
            self._take_turn(UNHEARD_WORDS, "voice")
        self._stop_waiting(now)
        self._speak(now)
        if self._is_busy():
            self._quiet_since = now
        elif now >= self._quiet_since + self._inactivity:
            hang_up = self._settings.hang_up_when_inactive
            self._say(FAREWELL if hang_up else STILL_THERE, farewell=hang_up)
            self._speak(now)

    def due_at(self) -> float:
        """The moment at which `advance` has something to do again."""
        if not self._begun:
            return math.inf
        moments = [*self._tools_awaited.values(), *map(self._mark_deadline, self._unplayed.values())]
        if self._ear.speaking:
            moments.append(self._ear.turn_ends_at())
        if self._playing is not None:
            moments.append(self._playing.next_frame_at)
        elif self._queue:
            moments.append(self._queue[0].queued_at + HOLD_WHILE_CALLER_SPEAKS)
        if not self._is_busy():
            moments.append(self._quiet_since + self._inactivity)
        return min(moments, default=math.inf)

    # How it speaks.

    def _say(self, text: str, *, farewell: bool = False) -> None:
        if not self._leaving and len(self._queue) < LONGEST_QUEUE:
            self._leaving = farewell
            self._queue.append(Utterance(text, farewell, self._clock()))

    def _speak(self, now: float) -> None:
        while not self.ended:
            utterance = self._playing or self._next(now)
            if utterance is None:
                return
            while not utterance.all_sent and utterance.next_frame_at <= now:
                self._send_frame(utterance)
            if not utterance.all_sent or utterance.next_frame_at > now:
                return
            self._finish(utterance, utterance.next_frame_at)

    def _next(self, now: float) -> Utterance | None:
        """Start what waits to be said. Only a first message talks into the caller's words, unless they never pause."""
        if not self._queue:
            return None
        is_first = self._utterances == 0
        if self._ear.speaking and not is_first and now < self._queue[0].queued_at + HOLD_WHILE_CALLER_SPEAKS:
            return None
        utterance = self._queue.popleft()
        self._utterances += 1
        utterance.prepare(self._line.rate_out)
        utterance.started = now
        utterance.ordinal = self._take_ordinal()
        utterance.mark = f"utterance-{self._utterances}"
        utterance.cuttable = self._settings.interruptible if is_first else not utterance.farewell
        self._playing = utterance
        self._show_state("speaking")
        return utterance

    def _send_frame(self, utterance: Utterance) -> None:
        index = utterance.frames_sent
        if index % FRAMES_PER_DELTA == 0:
            self._send_words(utterance, 1 + (len(utterance.words) - 1) * index // utterance.voice.frames)
        self._emit(self._line.audio(utterance.voice.frame(index)))
        utterance.frames_sent += 1
        if utterance.all_sent and self._line.has_marks:
            self._unplayed[utterance.mark] = utterance
            self._emit(self._line.mark(utterance.mark))

    def _send_words(self, utterance: Utterance, up_to: int) -> None:
        """The words that are new: the first piece is a text, the others are deltas."""
        piece = "".join(utterance.words[utterance.words_sent : up_to])
        if piece:
            key = "delta" if utterance.words_sent else "text"
            self._transcript("agent", utterance.ordinal, "voice", final=False, **{key: piece})
            utterance.words_sent = up_to

    def _finish(self, utterance: Utterance, now: float) -> None:
        self._send_words(utterance, len(utterance.words))
        self._transcript("agent", utterance.ordinal, "voice", final=True, text=utterance.text)
        self._playing = None
        self._quiet_since = max(self._quiet_since, now)
        if utterance.farewell and utterance.mark not in self._unplayed:
            self.ended = True
        elif not self._queue:
            self._show_state()

    def _cut(self, utterances: Iterable[Utterance]) -> None:
        """Stop what is being said and withdraw what the other side has not played yet."""
        self._emit(self._line.clear())
        if self._playing is not None:
            said = "".join(self._playing.words[: self._playing.words_sent])
            self._transcript("agent", self._playing.ordinal, "voice", final=True, text=said)
        self._playing = None
        self._unplayed.clear()
        self._show_state("listening")
        if any(utterance.farewell for utterance in utterances):
            self.ended = True

    # How it takes turns.

    def _take_turn(self, text: str, medium: str) -> None:
        self._quiet_since = self._clock()
        self._transcript("user", self._take_ordinal(), medium, final=True, text=text)
        if self._tools_left and not self._tools_awaited:
            self._invoke(self._tools_left.popleft())
        else:
            self._say(ANSWER)

    def _invoke(self, tool: str) -> None:
        invocation = secrets.token_hex(12)
        self._tools_awaited[invocation] = self._clock() + TOOL_PATIENCE
        self._emit(
            self._line.note(
                {"type": "client_tool_invocation", "invocationId": invocation, "toolName": tool, "parameters": {}}
            )
        )
        if self._playing is None:
            self._show_state()

    def _stop_waiting(self, now: float) -> None:
        """Give up on marks and tools that never come."""
        for utterance in list(self._unplayed.values()):
            if now >= self._mark_deadline(utterance):
                self.played(utterance.mark)
        for invocation, deadline in list(self._tools_awaited.items()):
            if now >= deadline:
                del self._tools_awaited[invocation]
                self._say(TOOL_LATE)

    def _mark_deadline(self, utterance: Utterance) -> float:
        return utterance.next_frame_at + MARK_PATIENCE

    def _is_busy(self) -> bool:
        """Whether either side is speaking, or the agent waits for a tool."""
        return bool(
            self._playing or self._queue or self._unplayed or self._tools_awaited or self._ear.speaking or self.ended
        )

    # How it tells.

    def _take_ordinal(self) -> int:
        self._next_ordinal += 1
        return self._next_ordinal - 1

    def _transcript(self, role: str, ordinal: int, medium: str, *, final: bool, **words: str) -> None:
        message: dict[str, object] = {"type": "transcript", "role": role, "medium": medium, "ordinal": ordinal}
        self._emit(self._line.note({**message, "final": final, **words}))

    def _show_state(self, state: str | None = None) -> None:
        state = state or ("thinking" if self._tools_awaited else "listening")
        if state != self._state:
            self._state = state
            self._emit(self._line.note({"type": "state", "state": state}))

    def _emit(self, message: Wire | None) -> None:
        if message:
            self.outbox.append(message)
