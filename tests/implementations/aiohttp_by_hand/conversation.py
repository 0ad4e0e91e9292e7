"""One call as a state machine: it is told what comes in and what time it is, and tells what goes out."""

from collections import deque
from dataclasses import dataclass

from . import sound
from .lines import Line, Message, Pressed, Started, Stopped, Typed, Voice

REPLY = "I see. Please do carry on"
ANYONE = "Are you still on the line?"
GOODBYE = "I hear no one. Goodbye now."
MOST_OWED = 4
LAST_WORD_GRACE = 0.4


@dataclass(frozen=True)
class Plan:
    """How a call is to behave. Seconds are real ones: the time scale has been applied."""

    connection: str
    max_seconds: float
    greeting: str = "Hello, this is your agent. How can I help?"
    agent_begins: bool = True
    interruptible: bool = False
    quiet_seconds: float | None = None
    stays_when_quiet: bool = False
    in_rate: int = 8000
    out_rate: int = 8000
    codec: str = "pcm"


class Conversation:
    """The agent's side of one call."""

    def __init__(self, plan: Plan, line: Line, now: float) -> None:
        self.over = False
        self.reason = "the call is over"
        self._plan = plan
        self._line = line
        self._ear = sound.Ear()
        self._at_once: list[Message] = line.greet()
        self._outbox: deque[tuple[float, Message]] = deque()
        self._started = False
        self._leaving = False
        self._speaking = False
        self._utterances = 0
        self._ordinal = 0
        self._owed = 0
        self._played_until = now
        self._caller_until = now
        if line.opens_by_itself:
            self._start(now)

    def hear(self, message: Message, now: float) -> None:
        """Take in one message of the other side."""
        match self._line.hear(message):
            case Started():
                self._start(now)
            case Voice(samples):
                self._ear.feed(samples, self._line.in_rate, now)
                if self._ear.in_turn:
                    self._caller_until = max(self._caller_until, self._ear.last_loud)
                if self._ear.speaking:
                    self._give_way(now)
            case Typed(text):
                self._caller_until = now
                self._at_once += self._line.transcript("user", "text", self._next_ordinal(), text)
                self._owe()
            case Pressed():
                self._caller_until = now
            case Stopped():
                self.over = True

    def tick(self, now: float) -> list[Message]:
        """What goes out now."""
        if self._started and not self.over:
            self._decide(now)
            if self._speaking != (now < self._played_until):
                self._speaking = not self._speaking
                # The state comes before what belongs to it.
                self._at_once[:0] = self._line.state(self._speaking)
        out, self._at_once = self._at_once, []
        while self._outbox and self._outbox[0][0] <= now and not self.over:
            out.append(self._outbox.popleft()[1])
        return out

    def farewell(self) -> list[Message]:
        """What goes out before the agent's side closes."""
        return self._line.farewell(self.reason)

    def _start(self, now: float) -> None:
        self._started = True
        self._played_until = self._caller_until = now
        if self._plan.agent_begins and self._plan.greeting:
            self._say(self._plan.greeting, now)
        else:
            self._at_once += self._line.state(False)

    def _decide(self, now: float) -> None:
        if self._ear.turn_over(now):
            self._owe()
        if self._leaving:
            self.over = now >= self._played_until + LAST_WORD_GRACE
        elif self._owed:
            if self._played_until - now <= self._line.backlog:
                self._owed -= 1
                self._say(REPLY, now)
        elif self._too_quiet(now):
            self._leaving = not self._plan.stays_when_quiet
            self.reason = "nobody spoke" if self._leaving else self.reason
            self._say(GOODBYE if self._leaving else ANYONE, now)

    def _too_quiet(self, now: float) -> bool:
        if self._plan.quiet_seconds is None or self._ear.in_turn:
            return False
        return now - max(self._played_until, self._caller_until) >= self._plan.quiet_seconds

    def _owe(self) -> None:
        self._owed = min(self._owed + 1, MOST_OWED)

    def _say(self, text: str, now: float) -> None:
        begin = max(now, self._played_until)
        self._utterances += 1
        self._played_until = begin + sound.seconds_of(text)
        self._at_once += self._line.transcript("agent", "voice", self._next_ordinal(), text)
        frames = self._line.say(sound.speak(text, self._line.out_rate))
        # What is not paced is due at once: the other side queues it.
        self._outbox.extend((begin + after if after else now, frame) for after, frame in frames)

    def _give_way(self, now: float) -> None:
        """The caller speaks: stop, if this is the first message and it may be cut."""
        if self._plan.interruptible and self._utterances == 1 and now < self._played_until and not self._leaving:
            self._outbox.clear()
            self._played_until = now
            self._at_once += self._line.withdraw()

    def _next_ordinal(self) -> int:
        self._ordinal += 1
        return self._ordinal
