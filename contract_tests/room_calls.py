"""Calls that take place in a LiveKit room: each is placed once, and several checks look at what was heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.events import StateChanged, ToolInvoked, ToolResult
from contract_tests.context import LONG_GREETING, Call, Context
from contract_tests.dialling import Refusal
from contract_tests.room.door import RoomRefused
from contract_tests.room.line import MOST_ROOM_DATA_BYTES, RoomLine, load_library
from contract_tests.sample_tool import TOOL_NAME, TOOL_PROMPT, TOOLS
from contract_tests.scenarios import (
    ANSWER_WITHIN_S,
    INTERRUPTED_WITHIN_S,
    LONGEST_SPEECH_S,
    LONGEST_TURN_S,
    PAUSE_S,
    SILENT_FOR_S,
    SLACK_S,
)
from contract_tests.target import NotChecked
from contract_tests.tool_calls import goes_on, invocations, reacts

LEFT_WITHIN_S = 10.0
"""How soon the agent must have left the room, once the caller has closed the control socket: nobody says; this is ours.
"""

JOINED, GREETING, SPEECH, SILENCE, END = "joined", "greeting", "speech", "silence", "end"
TYPED = ("user_text_message", "input_text_message")
SHORT, LONG = "short", "long"
"""How far a call has come; what is long is too long for the room's data."""

PADDING = "The part is for an old bicycle. " * (MOST_ROOM_DATA_BYTES // 32 + 1)
TEXTS = {SHORT: f"Please use the tool {TOOL_NAME} for me.", LONG: f"Please use the tool {TOOL_NAME}. {PADDING}"}
RESULTS = {SHORT: "12 euros", LONG: f"12 euros. {PADDING}"}


@dataclass(kw_only=True)
class RoomCall:
    """A call that takes place in a room, and may still go on.

    Attributes:
        call: what was created.
        line: what was heard, and when.
        refused: what the room's server said where it refused the token; nothing else takes place then.
        past: how far it has come.
        greeted: whether the agent spoke unasked, where it was waited for.
        unasked: whether it was heard while the caller was silent and was to speak first.
        answered: what the caller said, and whether the agent was heard in time after it (or called a tool).
        result_answered: for the results that were sent, short and long, whether the agent was heard in time after each.
        agent_left: whether the agent left in time after the caller had hung up; None where it was not in the room.
        again: how the URL was refused after that; None where it was not.
        hung_up: whether the call came so far.
    """

    call: Call
    line: RoomLine
    refused: str = ""
    past: set[str] = field(default_factory=lambda: {JOINED})
    greeted: bool = False
    unasked: bool = False
    answered: dict[str, bool] = field(default_factory=dict)
    result_answered: dict[str, bool] = field(default_factory=dict)
    agent_left: bool | None = None
    again: Refusal | None = None
    hung_up: bool = False

    @property
    def silent_twice(self) -> bool:
        """Whether the agent did not answer what was said last, nor what was said before."""
        return [*self.answered.values()][-2:] == [False, False]


Talk = Callable[[RoomCall], Awaitable[None]]
"""What the caller does once the room is joined."""


async def greeted(it: Context, until: str = END) -> RoomCall:
    """The agent greets; the caller speaks, types under both names, and hangs up."""

    async def talk(found: RoomCall) -> None:
        line = found.line
        found.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
        if it.hasty or not found.greeted:
            return
        await line.quiet(1.5, LONGEST_TURN_S)
        found.past.add(GREETING)
        line.speak(it.speech(line))
        await line.spoken(LONGEST_SPEECH_S)
        found.answered[SPEECH] = await line.hears(line.spoke_until - 0.2, ANSWER_WITHIN_S + SLACK_S)
        for name in TYPED:
            await line.quiet(1.2, 15)
            found.past.add(SPEECH)
            if not line.alive or found.silent_twice:
                return
            sent_at = time.monotonic()
            await line.send_json({"type": name, "text": "What does a new tyre cost?"})
            found.answered[name] = await line.hears(sent_at, ANSWER_WITHIN_S + SLACK_S)
            found.past.add(name)
        await _hang_up(it, found)

    return await _placed(it, "greeted-in-room", until, talk, {})


async def user_first(it: Context, until: str = END) -> RoomCall:
    """The caller is to speak first and is silent, then types a short and a long text and answers the tool's calls."""

    async def talk(found: RoomCall) -> None:
        line = found.line
        found.unasked = await line.hears(0, SILENT_FOR_S + 0.5)
        await line.until(lambda: bool(line.events(StateChanged)) or not line.alive, ANSWER_WITHIN_S - SILENT_FOR_S)
        found.past.add(SILENCE)
        for length, text in TEXTS.items():
            if not await line.quiet(1.2, 12) or not line.alive:
                return
            known, sent_at = len(invocations(line)), time.monotonic()
            await line.send_json({"type": TYPED[0], "text": text})
            found.answered[length] = await _reacts(line, sent_at, known)
            if invocations(line)[known:]:
                await line.quiet(0.5, 5)

                async def tell(invoked: ToolInvoked, result: str = RESULTS[length]) -> None:
                    await line.say(ToolResult(invocation_id=invoked.invocation_id, result=result))

                if (heard := await goes_on(line, tell, known)) is not None:
                    found.result_answered[length] = heard
            found.past.add(length)

    # What is only for custom clients is ignored here.
    asked = {"firstSpeaker": "user", "systemPrompt": TOOL_PROMPT, "selectedTools": TOOLS, "websocket": {}}
    return await _placed(it, "user-first-in-room", until, talk, asked)


async def cut_in(it: Context) -> RoomCall:
    """The caller speaks into a long greeting, which may be interrupted."""

    async def talk(found: RoomCall) -> None:
        line = found.line
        found.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
        if found.greeted:
            await line.until(lambda: not line.alive, 0.5)
            line.speak(it.speech(line))
            await line.until(lambda: not line.alive, INTERRUPTED_WITHIN_S + 2.0)

    return await _placed(it, "cut-in-in-room", END, talk, {"greeting": LONG_GREETING, "interruptible": True})


async def _reacts(line: RoomLine, sent_at: float, known: int) -> bool:
    """Wait for the agent's voice or a call of a tool, and some more for a call that follows the voice."""

    def over() -> bool:
        return len(invocations(line)) > known or time.monotonic() - line.speaking_until() >= PAUSE_S

    reacted = await reacts(line, sent_at, known)
    if reacted:
        await line.until(lambda: over() or not line.alive, 12)
    return reacted


async def _hang_up(it: Context, found: RoomCall) -> None:
    line = found.line
    was_there = line.agent_is_there
    await line.hang_up()
    found.hung_up = True
    if was_there:
        found.agent_left = await line.until(lambda: not line.agent_is_there, LEFT_WITHIN_S)
    found.again = await it.refusal(found.call)


async def _placed(it: Context, name: str, until: str, talk: Talk, asked: Mapping[str, Any]) -> RoomCall:
    """The call, once it has come so far or is over; it goes on without anybody waiting for it."""

    async def record() -> tuple[RoomCall, asyncio.Future[None]]:
        call = await it.call("inline", load_library, connectionType="webrtc", **asked)
        joined: asyncio.Future[RoomCall] = asyncio.get_running_loop().create_future()
        going = it.judge.go_on(_take_place(it, call, joined, talk))
        either: tuple[asyncio.Future[Any], ...] = (joined, going)
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not joined.done():
            going.result()
        return joined.result(), going

    found, going = await it.recording(f"{name}-{it.attempt}", record)

    async def reach() -> None:
        await found.line.until(lambda: until in found.past or going.done(), it.judge.left_s())
        if going.done():
            going.result()

    await it.recording(f"{name}-{until}-{it.attempt}", reach)
    assert isinstance(found, RoomCall)
    return found


async def _take_place(it: Context, call: Call, joined: asyncio.Future[RoomCall], talk: Talk) -> None:
    async with it.room(call) as (call, line):
        found = RoomCall(call=call, line=line)
        try:
            await line.start()
        except RoomRefused as refusal:
            found.refused = str(refusal)
        joined.set_result(found)
        if not found.refused:
            await talk(found)


class NotJoined(NotChecked):
    """The room was not joined, so what happens in it cannot be looked at."""

    def __init__(self) -> None:
        super().__init__("the room could not be joined; webrtc.join says more")


def joined(found: RoomCall) -> RoomCall:
    """The call.  Raises NotJoined where its room was refused."""
    if found.refused:
        raise NotJoined
    return found
