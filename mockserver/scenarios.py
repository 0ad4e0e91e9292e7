"""Every outcome that a client can ask for by name: the one table that behaviour, help, docs and tests are made from.

Plain data; what acts on it is `staging.py` over HTTP and `mishaps.py` on the socket.
"""

from __future__ import annotations

import dataclasses
import difflib
import random
import re
from dataclasses import dataclass
from typing import Literal

Span = tuple[int, int]
"""From so many milliseconds to so many; each time another value between them."""

NO_TIME: Span = (0, 0)

AGENT_PREFIX = "agent_"
"""What stands before a scenario's name in an `agentId`."""

CREATE, INLINE = "createCall", "createInlineCall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """What goes wrong with a call on its socket.

    Attributes:
        dial: what becomes of the handshake: the URL has expired, it is answered 503, or never, or by a reset.
        agent: what the agent does: nothing, only its greeting, hang up after that.
        noise: whether the agent's audio is noise.
        garbled_every: every so many messages one comes mutilated; 0 for none.
        begins_after_ms: how long the agent waits before it begins.
        jitter_ms: how late each frame of audio comes.
        lost: the share of frames of audio that never come, from 0 to 1.
        ends_after_ms: when the socket comes to its end; None for never.
        ends: how it does: `cut` without a close frame, `close` with 1011, `freeze` where it stays open and is dead.
    """

    dial: Literal["opens", "expired", "unavailable", "unanswered", "reset"] = "opens"
    agent: Literal["talks", "silent", "greets", "hangs up"] = "talks"
    noise: bool = False
    garbled_every: int = 0
    begins_after_ms: Span = NO_TIME
    jitter_ms: Span = NO_TIME
    lost: float = 0.0
    ends_after_ms: int | None = None
    ends: Literal["cut", "close", "freeze"] = "cut"


NO_MISHAP = Mishap()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An outcome.

    Attributes:
        name: as in `metadata.mock`, and after `agent_` in an `agentId`.
        shows: what a client sees, in a few words.
        status: what the request is answered with.
        code: the error's code, if it is one.
        retry_after_s: what its Retry-After says; None for no such header.
        operations: the operations whose document has this status.
        delay_ms: how long the answer takes.
        answer: what becomes of it: the body does not come, or half of it; the connection is reset; nothing ever comes.
        mishap: what goes wrong on the socket.
    """

    name: str
    shows: str
    status: int = 201
    code: str = ""
    retry_after_s: int | None = None
    operations: tuple[str, ...] = (CREATE, INLINE)
    delay_ms: Span = NO_TIME
    answer: Literal["whole", "empty", "truncated", "reset", "none"] = "whole"
    mishap: Mishap = NO_MISHAP

    @property
    def agent_id(self) -> str:
        """The id of the agent whose calls go like this."""
        return AGENT_PREFIX + self.name

    @property
    def shown_status(self) -> int | None:
        """The status that a client gets to see; None where none comes."""
        return None if self.answer in ("reset", "none") else self.status


OK = Scenario(name="ok", shows="a call that goes well")

SCENARIOS: tuple[Scenario, ...] = (
    OK,
    # What the request is answered with.
    Scenario(name="bad_request", shows="the request is refused as invalid", status=400, code="BAD_REQUEST"),
    Scenario(name="unauthorized", shows="the API key is not valid any more", status=401, code="UNAUTHORIZED"),
    Scenario(name="no_credit", shows="the balance is used up", status=402, code="PAYMENT_REQUIRED"),
    Scenario(
        name="not_found",
        shows="there is no such agent",
        status=404,
        code="RESOURCE_NOT_FOUND",
        operations=(CREATE,),
    ),
    Scenario(
        name="inactive",
        shows="the agent is not active",
        status=404,
        code="RESOURCE_NOT_FOUND",
        operations=(CREATE,),
    ),
    Scenario(
        name="method_not_allowed",
        shows="the path does not take this method",
        status=405,
        code="METHOD_NOT_ALLOWED",
    ),
    Scenario(name="too_large", shows="the body is too large", status=413, code="PAYLOAD_TOO_LARGE"),
    Scenario(
        name="unsupported_media_type",
        shows="the body is not taken for JSON",
        status=415,
        code="UNSUPPORTED_MEDIA_TYPE",
    ),
    Scenario(
        name="rate_limited",
        shows="the rate limit is used up",
        status=429,
        code="RATE_LIMIT_EXCEEDED",
        retry_after_s=30,
    ),
    Scenario(name="error", shows="the service fails", status=500, code="INTERNAL_ERROR"),
    Scenario(
        name="unavailable",
        shows="the service is down for a while",
        status=503,
        code="SERVICE_UNAVAILABLE",
        retry_after_s=5,
    ),
    # How the answer comes.
    Scenario(name="slow", shows="the answer takes 3 s", delay_ms=(3000, 3000)),
    Scenario(name="never_answers", shows="no answer ever comes: the client has to give up", answer="none"),
    Scenario(name="resets", shows="the connection is reset before an answer", answer="reset"),
    Scenario(name="empty_answer", shows="201 without a body", answer="empty"),
    Scenario(name="truncated_answer", shows="the connection ends in the middle of the answer", answer="truncated"),
    # What becomes of the dial.
    Scenario(name="expired_url", shows="the URL has expired when it is dialled: 404", mishap=Mishap(dial="expired")),
    Scenario(name="refuses_socket", shows="every dial is refused with 503", mishap=Mishap(dial="unavailable")),
    Scenario(name="resets_socket", shows="the dial is reset", mishap=Mishap(dial="reset")),
    Scenario(name="never_opens", shows="the dial is never answered", mishap=Mishap(dial="unanswered")),
    # What becomes of the call.
    Scenario(name="never_speaks", shows="the agent says nothing at all", mishap=Mishap(agent="silent")),
    Scenario(name="only_greets", shows="the agent greets, then never answers", mishap=Mishap(agent="greets")),
    Scenario(name="hangs_up", shows="the agent greets and hangs up", mishap=Mishap(agent="hangs up")),
    Scenario(name="speaks_late", shows="the agent begins after 4 s", mishap=Mishap(begins_after_ms=(4000, 4000))),
    Scenario(name="bad_audio", shows="the agent's audio is noise", mishap=Mishap(noise=True)),
    Scenario(
        name="choppy_audio",
        shows="frames come up to 300 ms late, and one in ten is lost",
        mishap=Mishap(jitter_ms=(0, 300), lost=0.1),
    ),
    Scenario(name="bad_messages", shows="every tenth message is mutilated", mishap=Mishap(garbled_every=10)),
    Scenario(
        name="drops_call",
        shows="the socket is cut after 3 s, without a close frame",
        mishap=Mishap(ends_after_ms=3000),
    ),
    Scenario(
        name="fails",
        shows="the service closes the socket with 1011 after 3 s",
        mishap=Mishap(ends_after_ms=3000, ends="close"),
    ),
    Scenario(
        name="goes_dead",
        shows="after 3 s the socket is still open, and nothing comes or is read",
        mishap=Mishap(ends_after_ms=3000, ends="freeze"),
    ),
)
"""All of them, as they are listed."""

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def scenario_named(name: str) -> Scenario:
    """The scenario of a name, or of its agent's id.  Raises ValueError that says which there are."""
    found = BY_NAME.get(name) or BY_NAME.get(name.removeprefix(AGENT_PREFIX))
    if found is None:
        near = difflib.get_close_matches(name, BY_NAME, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(BY_NAME)}"
        raise ValueError(f"there is no scenario {name!r:.60}; {hint}")
    return found


def fitted(scenario: Scenario, weather: Scenario) -> Scenario:
    """A scenario under what goes for all calls: its own words count where it has any."""
    return dataclasses.replace(
        scenario,
        delay_ms=_sum(scenario.delay_ms, weather.delay_ms),
        mishap=dataclasses.replace(
            scenario.mishap,
            begins_after_ms=_sum(scenario.mishap.begins_after_ms, weather.mishap.begins_after_ms),
            jitter_ms=_sum(scenario.mishap.jitter_ms, weather.mishap.jitter_ms),
            lost=max(scenario.mishap.lost, weather.mishap.lost),
        ),
    )


def _sum(one: Span, other: Span) -> Span:
    return one[0] + other[0], one[1] + other[1]


_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s)?(?:-(\d+(?:\.\d+)?))?(ms|s)")
_LONGEST_MS = 600_000


def span_of(text: str) -> Span:
    """A span as it is written: `200ms`, `100-800ms`, `500ms-2s`.  Raises ValueError for anything else."""
    match = _SPAN.fullmatch(text)
    if match is None or (match[2] and not match[3]):
        raise ValueError(text)
    low_ms = _in_ms(match[1], match[2] or match[4])
    high_ms = _in_ms(match[3], match[4]) if match[3] else low_ms
    if not 0 <= low_ms <= high_ms <= _LONGEST_MS:
        raise ValueError(text)
    return low_ms, high_ms


def _in_ms(number: str, unit: str) -> int:
    return round(float(number) * (1000 if unit == "s" else 1))


def drawn_ms(span: Span, chance: random.Random) -> float:
    """So many milliseconds, between the ends of a span."""
    low, high = span
    return chance.uniform(low, high) if high > low else low


def share_of(text: str) -> float:
    """A share as it is written: `2%`, `0.5%`.  Raises ValueError for anything else."""
    if not re.fullmatch(r"\d{1,3}(\.\d+)?%", text) or float(text[:-1]) > 100:
        raise ValueError(text)
    return float(text[:-1]) / 100
