"""The judge for callers that are synchronous, such as pytest's tests: runs in threads, and facades of what is async."""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest

from contract_tests.context import Call, Context
from contract_tests.engine import Selection
from contract_tests.findings import Finding, Run
from contract_tests.judge import Judge
from contract_tests.line import Line
from contract_tests.run import judge
from contract_tests.settings import TargetSettings
from contract_tests.target import Exchange, NotChecked

T = TypeVar("T")

_ENDS_WITHIN_S = 15.0
_SAID_LATE_S = 5.0
"""How much longer than it lasts something may take to be said, on a busy machine."""


class NothingFound(Exception):
    """A run ended without a finding that was waited for; the text says why."""


class BackgroundRun:
    """A run of the judge in a thread with an event loop of its own; whoever asks for a finding waits for it.

    Args:
        settings: the target.
        selection: what to check.
        names: the findings that there will be.
    """

    def __init__(self, settings: TargetSettings, selection: Selection, names: Iterable[str]) -> None:
        self._settings = settings
        self._selection = selection
        self._findings: dict[str, Future[Finding]] = {name: Future() for name in names}
        self._run: Future[Run] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Run] | None = None
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._work, name="calls-judge", daemon=True)
        self._thread.start()

    def finding(self, name: str) -> Finding:
        """The finding, as soon as it is there.  Raises NothingFound where the run ended without it."""
        return self._findings[name].result()

    def run(self) -> Run:
        """The run, once it is over."""
        return self._run.result()

    def stop(self) -> None:
        """End the run, if it still goes on."""
        self._began.wait(_ENDS_WITHIN_S)
        if self._loop is not None and self._task is not None and not self._run.done():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_ENDS_WITHIN_S)

    def _work(self) -> None:
        try:
            run = asyncio.run(self._judge())
        except BaseException as error:
            self._run.set_exception(error)
            self._give_up(f"{type(error).__name__}: {error}")
        else:
            self._run.set_result(run)
            self._give_up("; ".join(run.problems))
        finally:
            self._began.set()

    async def _judge(self) -> Run:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._began.set()
        return await judge(
            self._settings,
            self._selection,
            today=datetime.date.today(),
            on_finding=lambda finding: self._findings[finding.name].set_result(finding),
        )

    def _give_up(self, reason: str) -> None:
        for future in self._findings.values():
            if not future.done():
                future.set_exception(NothingFound(reason))


class LoopThread:
    """An event loop in a thread of its own, for those who call from outside."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="calls-loop", daemon=True)
        self._thread.start()

    def result(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of a coroutine that is run in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def result_or_skip(self, work: Coroutine[Any, Any, T]) -> T:
        """As `result`; the test is skipped where something is missing for it, such as an agent."""
        try:
            return self.result(work)
        except NotChecked as reason:
            pytest.skip(str(reason))

    def close(self) -> None:
        """End the loop."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_ENDS_WITHIN_S)
        self.loop.close()


class CallsTarget:
    """The target of --calls-url, for synchronous tests; what it sends is valid but for the fields that are given."""

    def __init__(self, loop: LoopThread, judge: Judge) -> None:
        self._loop = loop
        self._judge = judge
        self._created: dict[str, Call] = {}

    def create(self, **fields: Any) -> dict[str, Any]:
        """The answer to a POST /calls/create, which must be 201; a field of None is left out."""
        return self._call("create", fields)

    def create_inline(self, **fields: Any) -> dict[str, Any]:
        """The answer to a POST /calls/inline, which must be 201; a field of None is left out."""
        return self._call("inline", fields)

    def post(self, operation: str, body: Any, *, key: str | None = "") -> Exchange:
        """Whatever is answered to a POST to `create` or `inline`.

        The key is one that works, unless another, or None for no such header, is given.
        """

        async def post() -> Exchange:
            return await self._context().post(operation, body, key=key, limit_matters=True)

        return self._loop.result_or_skip(post())

    def call(self, created: Mapping[str, Any] | str) -> Call:
        """The call that an answer, or its websocketUrl, belongs to.  Raises KeyError if it was not created here."""
        return self._created[created if isinstance(created, str) else created["websocketUrl"]]

    def open(self, call: Call) -> tuple[Line, AsyncExitStack]:
        """Dial a call; the stack closes the line again."""

        async def dial() -> tuple[Line, AsyncExitStack]:
            stack = AsyncExitStack()
            line: Line = await stack.enter_async_context(self._context().line(call, begin=False))
            return line, stack

        return self._loop.result_or_skip(dial())

    def speech(self, line: Line) -> bytes:
        """A short sentence, as this line carries it."""
        return self._context().speech(line)

    def _call(self, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
        async def create() -> tuple[dict[str, Any], Exchange]:
            it = self._context()
            body = it.valid(operation, **fields)
            return body, await it.post(operation, body)

        body, exchange = self._loop.result_or_skip(create())
        created = exchange.json()
        shown = self._judge.target.shown(exchange)
        assert exchange.status == 201, f"expected 201 of POST /calls/{operation}, received {shown}"
        assert isinstance(created, dict), f"expected a JSON object of POST /calls/{operation}, received {shown}"
        self._created[str(created.get("websocketUrl"))] = Call(body, exchange, created)
        return created

    def _context(self) -> Context:
        return Context(self._judge, "")


class CallsCarrier:
    """A dialled websocketUrl with the carrier's (or client's) end in hand, for synchronous tests.

    It sends silence while it says nothing, plays what the agent says at the pace of speech, and returns marks.
    """

    def __init__(self, loop: LoopThread, target: CallsTarget, call: Call) -> None:
        self._loop = loop
        self._target = target
        self._line, self._stack = target.open(call)

    def start(self) -> None:
        """Say that the stream begins, as this connection type does."""

        async def begin() -> None:
            await self._line.connect()
            await self._line.start()

        self._loop.result(begin())

    def speak(self, audio: bytes | None = None) -> None:
        """Have the caller say this (as the line carries it), or a short sentence, and wait until it is said."""
        said = self._target.speech(self._line) if audio is None else audio

        async def speak() -> None:
            self._line.speak(said)
            await self._line.spoken(self._line.to_agent.duration_ms(len(said)) / 1000 + _SAID_LATE_S)

        self._loop.result(speak())

    def press(self, digits: str) -> None:
        """Press keys; carriers only."""
        self._loop.result(self._line.press(digits))

    def stop(self) -> None:
        """Say that the call is over, as the carrier does; a client of one's own just closes."""
        self._loop.result(self._line.stop())

    def send_json(self, body: dict[str, Any]) -> None:
        """Send any JSON object."""
        self._loop.result(self._line.send_json(body))

    def hears(self, within_s: float = 10.0) -> bool:
        """Wait for audible audio that comes from now on; whether it came in time."""

        async def hears() -> bool:
            return await self._line.hears(asyncio.get_running_loop().time(), within_s)

        return self._loop.result(hears())

    def heard_anything(self, within_s: float = 10.0) -> bool:
        """Wait for audible audio since the dial, such as a greeting; whether it came in time."""
        return self._loop.result(self._line.hears(0.0, within_s))

    def quiet(self, for_s: float = 1.0, within_s: float = 60.0) -> bool:
        """Wait until the agent has been silent for a time; False where it goes on and on."""
        return self._loop.result(self._line.quiet(for_s, within_s))

    def ended(self, within_s: float = 10.0) -> bool:
        """Wait for the agent to end the call; whether it did in time."""
        return self._loop.result(self._line.ended(within_s))

    @property
    def audio(self) -> bytes:
        """What the agent said so far, as the line carries it."""
        return b"".join(piece.payload for piece in list(self._line.audio))

    @property
    def messages(self) -> list[str | bytes]:
        """Every message of the agent's so far, as it came."""
        return [heard.wire for heard in list(self._line.heard)]

    @property
    def faults(self) -> list[str]:
        """What was wrong with the agent's messages so far."""
        return [str(heard.fault) for heard in list(self._line.heard) if heard.fault is not None]

    def close(self) -> None:
        """Close the socket."""
        self._loop.result(self._stack.aclose())
