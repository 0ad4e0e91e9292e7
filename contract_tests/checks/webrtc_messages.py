"""connectionType webrtc: what is said in the room beside voice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from contract.codec import Wire
from contract.events import Transcript
from contract_tests import room_calls
from contract_tests.context import Context
from contract_tests.findings import Layer
from contract_tests.legality import is_free, shown_wire
from contract_tests.line import Heard
from contract_tests.parsing import json_value
from contract_tests.requirements import requirement
from contract_tests.room.line import MOST_ROOM_DATA_BYTES, RoomLine
from contract_tests.room_calls import GREETING, LONG, SHORT, SPEECH, TYPED, RoomCall, joined
from contract_tests.scenarios import ANSWER_WITHIN_S
from contract_tests.target import NotChecked

ROOM = "asyncapi/webrtc.yaml#/channels/room/description"
MESSAGES = "asyncapi/webrtc.yaml#/components/messages"

AGENTS = ("transcript", "state", "client_tool_invocation", "hangup")
"""What the agent says in the room and clients act on."""

MOST_TOLD = 5


async def _calls(it: Context) -> AsyncIterator[RoomCall]:
    """The calls, the first one also when its greeting is over: what is wrong shows soon."""
    yield joined(await room_calls.greeted(it, GREETING))
    yield joined(await room_calls.greeted(it))
    yield joined(await room_calls.user_first(it))


@requirement(
    "webrtc.messages",
    "Each data message of the agent's in the room is one that the document allows.",
    source=ROOM,
    layer=Layer.MEDIA,
    how="All of the room's data in two calls is held against asyncapi/webrtc.yaml: UTF-8, JSON objects, names, fields.",
    why="Clients parse each as JSON, and one that is not makes some of them give up.",
    mend="Compare the message with the document's example; send user data, one JSON object each.",
    lasts_s=15,
)
async def messages(it: Context) -> None:
    """Two calls."""
    came = 0
    async for found in _calls(it):
        told: set[str] = set()
        for heard in found.line.heard:
            came += bool(heard.channel)
            fault = heard.fault
            if not heard.channel or fault is None or is_free(heard.channel, fault, heard.wire) or str(fault) in told:
                continue
            told.add(str(fault))
            if len(told) <= MOST_TOLD:
                received = f"{fault}: {shown_wire(heard.wire, it.judge.secrets)}"
                it.wrong("a message that the document allows", received, *it.dial_command(found.call))
        if told:
            return
    if not came:
        raise NotChecked("no data came in the room; webrtc.state says more")


@requirement(
    "webrtc.channel",
    "What the agent says beside the offer of the room comes in the room, reliably.",
    source=ROOM,
    layer=Layer.MEDIA,
    how="In two calls, transcripts, states, tool calls and hangups may come on the control socket only where such come "
    "as the room's data, too; none of the document's messages may come as data that may be lost.",
    why="Browsers look for them in the room only, and a piece of a transcript that is lost is lost for good.",
    mend="Publish them as reliable data of the room; on the control socket you only offer it, and hear long messages.",
    lasts_s=15,
)
async def channel(it: Context) -> None:
    """Two calls."""
    async for found in _calls(it):
        shown = it.dial_command(found.call)
        astray = _astray(found.line)
        if astray is not None:
            received = f"on the control socket only: {shown_wire(astray, it.judge.secrets)}"
            it.wrong("transcripts, states and tool calls in the room", received, *shown)
            return
        if not all(heard.reliable for heard in found.line.heard if heard.event is not None):
            it.wrong("data that is sent reliably", "data that may be lost", *shown)
            return


def _astray(line: RoomLine) -> Wire | None:
    """The first message for the client of a kind that came on the control socket only; None where there is none.

    One too long for the room's data may have had no other way.
    """
    in_room = {_type_of(heard) for heard in line.heard if heard.channel}
    for heard in line.heard:
        if not heard.channel and _type_of(heard) in AGENTS and _type_of(heard) not in in_room:
            if len(heard.wire.encode() if isinstance(heard.wire, str) else heard.wire) <= MOST_ROOM_DATA_BYTES:
                return heard.wire
    return None


def _type_of(heard: Heard) -> Any:
    body = json_value(heard.wire)
    kind = body.get("type") if isinstance(body, dict) else None
    return kind if isinstance(kind, str) else None


@requirement(
    "webrtc.transcripts",
    "What the agent says in the room comes as transcripts of role agent, the last one final.",
    source=f"{MESSAGES}/transcript",
    layer=Layer.MEDIA,
    how="In a call with a greeting and answers the transcripts among the room's data are collected.",
    why="The page shows what was said.",
    mend="Send the text of each utterance with its audio, and mark the last piece final.",
    lasts_s=12,
)
async def transcripts(it: Context) -> None:
    """At least the greeting's."""
    found = joined(await room_calls.greeted(it, SPEECH))
    if not found.greeted:
        raise NotChecked("the agent did not greet; webrtc.greeting says more")
    events = [heard.event for heard in found.line.events(Transcript) if heard.channel]
    said = [each for each in events if isinstance(each, Transcript) and each.role == "agent"]
    if not said:
        it.wrong("transcripts of role agent", "none", *it.dial_command(found.call))
    elif not any(each.final for each in said):
        it.wrong("a final transcript", "none is final", *it.dial_command(found.call))


@requirement(
    "webrtc.typed",
    "Text that the caller types in the room is answered as if it had been spoken, under both names of the message.",
    source=f"{MESSAGES}/userTextMessage",
    layer=Layer.MEDIA,
    how="In a call with a greeting a user_text_message and then an input_text_message are sent as the room's data; "
    "audible audio must come within 10 seconds of each.",
    why="The vendor's page names the first, its SDK sends the second.",
    mend="Listen to the room's data, and treat both as a user turn.",
    variants=TYPED,
    lasts_s=15,
    again=True,
)
async def typed(it: Context) -> None:
    """In sound."""
    found = joined(await room_calls.greeted(it, it.variant))
    if it.variant not in found.answered:
        raise NotChecked("the call did not come so far; webrtc.greeting and webrtc.answer say more")
    if not found.answered[it.variant]:
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of the {it.variant}"
        it.wrong(expected, "nothing" if found.line.alive else found.line.why_silent, *it.dial_command(found.call))


@requirement(
    "webrtc.long-messages",
    "A message of the client's over 1,024 bytes is understood on the control socket.",
    source="asyncapi/webrtc.yaml#/operations/clientSendsLong",
    layer=Layer.MEDIA,
    how="A user_text_message of more than 1,024 bytes is sent there; the agent must speak within 10 seconds, or call a "
    "tool.",
    why="The vendor's SDK sends long messages there, since a room's data may not be long.",
    mend="Read the control socket as long as the call lasts, and treat what comes as if it had come in the room.",
    lasts_s=8,
    again=True,
)
async def long_messages(it: Context) -> None:
    """A text."""
    found = joined(await room_calls.user_first(it, LONG))
    if LONG not in found.answered or not found.answered[SHORT]:
        raise NotChecked("the agent did not answer a short text before; webrtc.typed says more")
    if not found.answered[LONG]:
        received = "nothing" if found.line.alive else found.line.why_silent
        it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s", received, *it.dial_command(found.call))


@requirement(
    "webrtc.tool-result",
    "The agent goes on when a tool's result comes, in the room or, over 1,024 bytes, on the control socket.",
    source=f"{MESSAGES}/clientToolResult",
    layer=Layer.MEDIA,
    how="The agent is brought to call a client tool by typed text; its result must be followed by audible audio within "
    "10 seconds. Whether it calls one is its own affair.",
    why="An agent that waits for what has come says nothing more.",
    mend="Take client_tool_result from the room's data and from the control socket.",
    variants=(SHORT, LONG),
    lasts_s=8,
    again=True,
)
async def tool_result(it: Context) -> None:
    """One of each length."""
    found = joined(await room_calls.user_first(it, it.variant))
    answered = found.result_answered.get(it.variant)
    if answered is None:
        raise NotChecked("the agent called no client tool, or again and again, which is its own affair")
    if not answered:
        received = "nothing" if found.line.alive else found.line.why_silent
        where = "in the room" if it.variant == SHORT else "on the control socket"
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of the result {where}"
        it.wrong(expected, received, *it.dial_command(found.call))
