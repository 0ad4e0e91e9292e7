"""What an agent does with the client's tools: its calls of them, and what follows their results."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from contract.events import ToolInvoked
from contract_tests.line import Line
from contract_tests.scenarios import ANSWER_WITHIN_S, SLACK_S

MOST_IN_A_ROW = 5
"""An agent that calls tools more often before it is heard again is not waited for."""


def invocations(line: Line) -> list[ToolInvoked]:
    """The agent's calls of tools so far."""
    return [heard.event for heard in line.events(ToolInvoked) if isinstance(heard.event, ToolInvoked)]


async def reacts(line: Line, since: float, known: int) -> bool:
    """Wait for the agent's voice after a moment, or a call of a tool beyond the known ones; whether it came in time."""

    def reacted() -> bool:
        return bool(line.audible(since)) or len(invocations(line)) > known

    await line.until(lambda: reacted() or not line.alive, ANSWER_WITHIN_S + SLACK_S)
    return reacted()


async def goes_on(line: Line, tell: Callable[[ToolInvoked], Awaitable[None]], known: int = 0) -> bool | None:
    """Give the agent's calls of tools their results; whether it is heard in time after the last one.

    What follows a result may be another call instead, of the same tool or of another: it gets its result as well.

    Args:
        line: the call.
        tell: gives a call of a tool its result.
        known: how many calls of tools are over, the first ones.

    Returns None for an agent that goes on calling tools, which is its own affair.
    """
    for _ in range(MOST_IN_A_ROW):
        sent_at = time.monotonic()
        for each in invocations(line)[known:]:
            await tell(each)
            known += 1
        if not await reacts(line, sent_at, known):
            return False
        if line.audible(sent_at):
            return True
    return None
