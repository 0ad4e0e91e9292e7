"""Messages on the socket that hypothesis makes, and makes small: the documents' own, with any value anywhere."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st

from contract_tests.context import Call, Context, audio_settings
from contract_tests.odd import ABSENT, changed, places
from contract_tests.target import NotChecked

EXAMPLES = 100
SHARE = 1 / 12
"""How much of the time that is left may be spent."""
SETTLES_S = 0.3
"""A call that is going to fail does so within this time."""

ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


class Crash(AssertionError):
    """What hypothesis is told of a call that failed."""


@st.composite
def damaged_message(draw: st.DrawFn, examples: Sequence[Any]) -> str:
    """One of the examples with another value, or none, in one place."""
    example = draw(st.sampled_from(examples))
    place = draw(st.sampled_from(list(places(example))))
    value = draw(st.just(ABSENT) | ANY_JSON)
    return json.dumps(changed(example, place, lambda before: value))


async def smallest_crash(it: Context, examples: Sequence[Any]) -> tuple[Call, list[str]] | None:
    """The smallest list of messages that made the agent's side fail, and the call; None where none did.

    Args:
        it: the check; its variant is the connection type.
        examples: messages that fit.
    """
    loop, over = asyncio.get_running_loop(), threading.Event()
    async with it.judge.alone:
        until = time.monotonic() + it.judge.left_s() * SHARE

        def crashed(messages: list[str]) -> Call | None:
            if over.is_set() or time.monotonic() > until:
                return None
            return asyncio.run_coroutine_threadsafe(_crashed(it, messages), loop).result()

        lists = st.lists(damaged_message(examples), min_size=1, max_size=5)
        try:
            return await asyncio.to_thread(_smallest, lists, crashed, it.settings.seed)
        finally:
            over.set()


def _smallest(
    lists: st.SearchStrategy[list[str]], crashed: Callable[[list[str]], Call | None], seed: int
) -> tuple[Call, list[str]] | None:
    found: list[tuple[Call, list[str]]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(lists)
    def survives(messages: list[str]) -> None:
        if call := crashed(messages):
            found.append((call, messages))
            raise Crash

    try:
        survives()
    except (Crash, hypothesis.errors.Flaky, NotChecked):
        # Flaky, too, is what failed once and not again, or not before the time was up.
        pass
    return min(found, key=lambda each: sum(map(len, each[1])), default=None)


async def _crashed(it: Context, messages: list[str]) -> Call | None:
    """The call that such messages made fail; None where it went on."""
    call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
    async with it.line(call, rubbish=True) as line:
        for message in messages:
            await line.send(message)
        await line.ended(SETTLES_S)
        return call if line.crashed else None
