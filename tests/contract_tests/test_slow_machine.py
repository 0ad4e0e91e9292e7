"""What this machine is too busy for accuses no target."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import closing, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from websockets.asyncio.client import connect
from websockets.http11 import Request
from websockets.server import ServerProtocol

from contract.audio import AudioFormat, Encoding
from contract.events import Audio, HangUp
from contract_tests import engine, scenarios
from contract_tests.context import Call, Context
from contract_tests.engine import Job
from contract_tests.findings import Verdict
from contract_tests.line import Line
from contract_tests.requirements import CheckFunction
from contract_tests.scenarios import Recording
from contract_tests.target import Exchange, HeldUp
from tests.contract_tests.targets import finding_of, job_named
from tests.running import RunningMock

pytestmark = pytest.mark.alone

TURN_S = 0.12
"""How long each turn of the event loop takes: six frames."""


def job(run: CheckFunction, *, again: bool = False) -> Job:
    named = job_named("survival.keys[plivo]")
    return replace(named, check=replace(named.check, run=run, again=again))


async def is_answered(it: Context) -> None:
    recording = await scenarios.one_turn(it)
    if not recording.answered:
        it.wrong("an answer", recording.line.why_silent)


async def each_turn_takes_long() -> None:
    while True:
        hold_up()
        await asyncio.sleep(0)


def hold_up() -> None:
    time.sleep(TURN_S)


def test_the_callers_words_are_not_stretched_where_each_turn_of_the_loop_takes_long(mock: RunningMock) -> None:
    assert finding_of(mock.base_url, job(is_answered), each_turn_takes_long).verdict is Verdict.PASSED


def test_a_turn_that_was_torn_apart_is_spoken_again(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    torn: list[Line] = []

    async def speak_badly(line: Line, within_s: float) -> None:
        if not torn:
            torn.append(line)
            # What a pause in its middle makes of a short word: nothing that is a turn.
            line._to_say.clear()
            line.stutter_s = 2 * scenarios.STUTTER_S
        await spoken(line, within_s)

    spoken = Line.spoken
    monkeypatch.setattr(Line, "spoken", speak_badly)
    monkeypatch.setattr(scenarios, "ANSWER_WITHIN_S", 3.0)
    assert finding_of(mock.base_url, job(is_answered)).verdict is Verdict.PASSED
    assert torn


def test_what_was_seen_is_kept_where_the_rest_could_not_be_looked_at() -> None:
    async def check(it: Context) -> None:
        it.wrong("nothing", "something")
        raise HeldUp("for the rest")

    assert finding_of("http://127.0.0.1:1", job(check, again=True)).verdict is Verdict.VIOLATED


@pytest.mark.parametrize(("alive", "is_held_up"), [(True, True), (False, False)])
def test_an_agent_that_hangs_up_on_torn_words_has_not_answered(alive: bool, is_held_up: bool) -> None:
    line = cast("Line", SimpleNamespace(alive=alive, stutter_s=1.0))
    recording = Recording(call=Call({}, cast("Exchange", None), {}), line=line)
    with pytest.raises(HeldUp) if is_held_up else nullcontext():
        assert not recording.answered


@pytest.mark.parametrize(("slow", "verdict"), [(1, Verdict.PASSED), (9, Verdict.NOT_CHECKED)])
def test_what_this_machine_was_too_busy_for_is_tried_again(slow: int, verdict: Verdict) -> None:
    attempts: list[int] = []

    async def check(it: Context) -> None:
        attempts.append(it.attempt)
        if it.attempt <= slow:
            raise HeldUp("to dial in time")

    finding = finding_of("http://127.0.0.1:1", job(check))
    assert finding.verdict is verdict
    assert finding.reason == (
        "" if verdict is Verdict.PASSED else "this machine was too busy to dial in time: run again"
    )
    assert attempts == list(range(1, min(slow, engine.ATTEMPTS - 1) + 2))


def test_what_the_agent_said_last_is_heard_where_it_went_while_this_machine_was_held_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held_up, gone = threading.Event(), threading.Event()

    def hang_up(listener: socket.socket) -> None:
        """Open one WebSocket, say hangup while the caller is held up, and go without reading what it said."""
        connection, _ = listener.accept()
        with connection:
            agent = ServerProtocol()
            while not (asked := agent.events_received()):
                agent.receive_data(connection.recv(65536))
            assert isinstance(asked[0], Request)
            agent.send_response(agent.accept(asked[0]))
            connection.sendall(b"".join(agent.data_to_send()))
            held_up.wait(5)
            agent.send_text(b'{"type": "hangup"}')
            connection.sendall(b"".join(agent.data_to_send()))
        gone.set()

    async def hold_up_once(line: Line, event: Audio) -> None:
        await say(line, event)
        if not held_up.is_set():
            # Some frames are due when it is over.
            hold_up()
            held_up.set()
            gone.wait(5)

    async def last_words(port: int) -> list[HangUp]:
        said = AudioFormat(Encoding.PCM16, 16000)
        async with connect(f"ws://127.0.0.1:{port}/") as dialled:
            line = Line(dialled, "websocket", said, said, time.monotonic())
            await line.until(lambda: not line.alive, 5)
            await line.close()
            return [heard.event for heard in line.events(HangUp) if isinstance(heard.event, HangUp)]

    say = Line.say
    monkeypatch.setattr(Line, "say", hold_up_once)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        agent = threading.Thread(target=hang_up, args=(listener,), daemon=True)
        agent.start()
        assert asyncio.run(last_words(listener.getsockname()[1])) == [HangUp()]
        agent.join(5)
