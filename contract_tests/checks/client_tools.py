"""Tools that the client runs: the agent calls them on the vendor's own socket, and waits for what comes of them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from contract.events import ToolInvoked, ToolResult
from contract_tests import scenarios
from contract_tests.context import Call, Context, audio_settings
from contract_tests.findings import Layer
from contract_tests.legality import first_forbidden
from contract_tests.line import NEW_FIELD, Line
from contract_tests.requirements import requirement
from contract_tests.sample_tool import TOOL_NAME, TOOL_PROMPT, TOOLS
from contract_tests.scenarios import ANSWER_WITHIN_S, PAUSE_S, Recording
from contract_tests.target import NotChecked
from contract_tests.tool_calls import goes_on, invocations, reacts

TOOL = "openapi/calls.yaml#/components/schemas/TemporaryTool/properties/client"

SPOKEN, TYPED = "spoken", "typed"

NO_LIMIT_S = 2.4
"""No agent gives up waiting for a result sooner: 2.5 s is the shortest time that vendors give a tool by default."""
UNKNOWN_ID_S = 2.5
"""An agent that takes an unknown id for its own is heard within this time."""
NEAR_S = 1.0


async def _invoked(it: Context, call: Call, line: Line) -> list[ToolInvoked]:
    """Ask for the tool, by text and then by voice, until it is invoked; what was invoked unasked does not count."""
    await line.until(lambda: not line.alive, 0.3)
    unasked = len(invocations(line))
    await _ask(line)
    if len(invocations(line)) == unasked and line.alive:
        line.speak(it.speech(line))
        await line.until(lambda: len(invocations(line)) > unasked or not line.alive, 6)
    if len(invocations(line)) == unasked:
        if (forbidden := first_forbidden(line, it.judge.secrets)) is not None:
            it.wrong("a message that the document allows", forbidden, *it.dial_command(call))
        raise NotChecked("the agent called no client tool, which is its own affair")
    return invocations(line)[unasked:]


async def _ask(line: Line) -> None:
    """Type that the tool is wanted, and wait for its call."""
    known, sent_at = len(invocations(line)), time.monotonic()
    await line.send_json({"type": "user_text_message", "text": f"Please use the tool {TOOL_NAME} for me."})

    def called() -> bool:
        return len(invocations(line)) > known

    def over() -> bool:
        return time.monotonic() - line.speaking_until() >= PAUSE_S

    await line.until(lambda: called() or bool(line.audible(sent_at)) or not line.alive, ANSWER_WITHIN_S)
    # The call may come with the sentence that announces it, or after it.
    await line.until(lambda: called() or not line.alive or over(), 12)


async def _with_tools(it: Context) -> Call:
    return await it.call(
        "inline", systemPrompt=TOOL_PROMPT, firstSpeaker="user", selectedTools=TOOLS, **audio_settings("websocket")
    )


@requirement(
    "client-tools.name",
    "A client_tool_invocation names the tool as the request did.",
    source=TOOL,
    layer=Layer.MEDIA,
    how="The agent is brought to call a tool whose modelToolName has capitals; toolName is compared with it.",
    why="The client finds its function by this name.",
    mend="Hand modelToolName on as it came.",
    lasts_s=5,
    soon=True,
)
async def tool_name(it: Context) -> None:
    """The only tool that there is."""
    twice = await _twice(it)
    for invoked in twice.first:
        if invoked.tool_name != TOOL_NAME:
            received = f"toolName: {invoked.tool_name!r:.80}"
            it.wrong(f'toolName: "{TOOL_NAME}"', received, *it.dial_command(twice.call))
            return


@requirement(
    "client-tools.waits",
    "After client_tool_invocation nothing is said for it until its result comes; an unknown id is ignored.",
    source=TOOL,
    layer=Layer.MEDIA,
    how="The agent is brought to call a tool. Once it has ended its sentence, a result with an unknown id comes, which "
    "must change nothing; then the right one, which must be answered, and a second one, which must not. How long an "
    "agent waits is its own affair: to speak within 2.4 seconds of the call is not to have waited, and what is heard "
    "after the unknown id counts only where it is not heard at that time without it.",
    why="An agent that does not wait makes the result up.",
    mend="Remember open invocations by their id; speak when the result for one comes.",
    lasts_s=14,
    soon=True,
    again=True,
)
async def tool_waits(it: Context) -> None:
    """Wait, unknown id, result."""
    heard = await _judge_waiting(it)
    if heard is None:
        return
    call, after_s = heard
    if await _speaks_anyway(it, after_s):
        raise NotChecked("the agent does not wait so long for a tool's result, which is its own affair")
    it.wrong("an unknown invocationId is ignored", "audio", *it.dial_command(call))


async def _judge_waiting(it: Context) -> tuple[Call, float] | None:
    """Judge how the agent waits; where it is heard after an unknown id: the call, and how long after its invocation."""
    call = await _with_tools(it)
    async with it.line(call) as line:
        invoked = (await _invoked(it, call, line))[-1]
        invoked_at = line.events(ToolInvoked)[-1].at_s
        # The sentence that announces the call may be said to its end: text runs ahead of the voice.
        await line.until(lambda: not line.alive, 1.0)
        if not await line.quiet(1.5, 12):
            raise NotChecked("the agent went on talking when it had called the tool: whether it waits cannot be told")
        # Where the caller spoke, what is heard may be the answer to that.
        spoken = line.spoke_at > 0
        left_s = invoked_at + NO_LIMIT_S - time.monotonic()
        if not spoken and left_s > 0 and await line.hears(time.monotonic(), left_s):
            it.wrong("silence until the result comes", "audio without a result", *it.dial_command(call))
            return None
        sent_at = time.monotonic()
        await line.say(ToolResult(invocation_id="unknown-" + invoked.invocation_id[:8], result="12"))
        heard = await line.hears(sent_at, UNKNOWN_ID_S)
        if not line.alive:
            it.wrong("an unknown invocationId is ignored", line.why_silent, *it.dial_command(call))
            return None
        if heard and not spoken:
            return call, line.audible(sent_at)[0].at_s - invoked_at
        sent_at = time.monotonic()

        async def tell(each: ToolInvoked) -> None:
            await line.say(ToolResult(invocation_id=each.invocation_id, result='{"price": "12 euros"}'))

        answered = await goes_on(line, tell)
        if answered is None or (heard and not answered):
            raise NotChecked("whether the agent still waited for the result cannot be told: it called tools, or spoke")
        if not answered:
            before = any(piece.at_s < sent_at for piece in line.audible(invoked_at))
            received = "nothing; what was said before it was said without a result" if before else "nothing"
            it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s of the result", received, *it.dial_command(call))
            return None
        if not await line.quiet(PAUSE_S, 12):
            raise NotChecked("the agent went on talking: whether a second result is ignored cannot be told")
        if invocations(line)[-1] is not invoked or spoken:
            return None
        since = time.monotonic()
        await line.say(ToolResult(invocation_id=invoked.invocation_id, result='{"price": "13 euros"}'))
        if await line.hears(since, 3.0) or not line.alive:
            received = "audio" if line.alive else line.why_silent
            it.wrong("a second result for the same invocation is ignored", received, *it.dial_command(call))
        return None


async def _speaks_anyway(it: Context, after_s: float) -> bool:
    """Whether an agent that gets no result is heard so long after its call of the tool, give or take a second."""
    call = await _with_tools(it)
    async with it.line(call) as line:
        await _invoked(it, call, line)
        invoked_at = line.events(ToolInvoked)[-1].at_s
        around = (invoked_at + after_s - NEAR_S, invoked_at + after_s + NEAR_S)
        await line.until(lambda: not line.alive, around[1] - time.monotonic())
        return any(around[0] <= piece.at_s <= around[1] for piece in line.audible())


LONG_RESULT = json.dumps({"price": "12 €", "about": 70 * scenarios.TYPED}, ensure_ascii=False)
WITH_ALL_FIELDS = {"responseType": "tool-response", "agentReaction": "speaks"} | NEW_FIELD
"""What a result may have beside, and what nobody knows yet."""


@requirement(
    "client-tools.every-call",
    "Each invocation has an id of its own, and goes on with its own result.",
    source=TOOL,
    layer=Layer.MEDIA,
    how="The agent is brought to call a tool, gets the result, and is asked again; if it calls the tool again, the id "
    "must be another one, and the result, four thousand letters of any kind, with every field that there is and one "
    "that nobody knows, must be answered.",
    why="With one id for all, the result of one call is taken for that of another.",
    mend="Make an id for each invocation, and forget it with its result.",
    lasts_s=5,
    soon=True,
    again=True,
)
async def every_call(it: Context) -> None:
    """Twice in a call."""
    twice = await _twice(it)
    if not twice.answered:
        raise NotChecked("the first result was not answered, or without end; client-tools.waits says more")
    if not twice.again:
        raise NotChecked("the agent did not call the tool again, which is its own affair")
    if {each.invocation_id for each in twice.first} & {each.invocation_id for each in twice.again}:
        it.wrong("another invocationId", "the one of an earlier invocation", *it.dial_command(twice.call))
    elif twice.answered_again is False:
        expected = f"an answer within {ANSWER_WITHIN_S:g} s of the second call's result"
        it.wrong(expected, twice.line.why_silent, *it.dial_command(twice.call))


@dataclass
class _Twice:
    """A call in which the agent is twice asked for the tool, and gets its results.

    Attributes:
        call, line: what was created, and heard.
        first: its calls of the tool, the first time; `again`, the second time.
        answered: whether it was heard after the first results, and fell silent then.
        answered_again: whether it was heard after the other ones; None where it went on calling tools.
    """

    call: Call
    line: Line
    first: list[ToolInvoked] = field(default_factory=list)
    answered: bool = False
    again: list[ToolInvoked] = field(default_factory=list)
    answered_again: bool | None = None


async def _twice(it: Context) -> _Twice:
    async def record() -> _Twice:
        call = await _with_tools(it)
        async with it.line(call) as line:
            twice = _Twice(call, line)

            async def tell(each: ToolInvoked) -> None:
                if not twice.again:
                    await line.say(ToolResult(invocation_id=each.invocation_id, result='{"price": "12 euros"}'))
                    return
                result = {"type": "client_tool_result", "invocationId": each.invocation_id, "result": LONG_RESULT}
                await line.send(json.dumps(result | WITH_ALL_FIELDS, ensure_ascii=False))

            twice.first = await _invoked(it, call, line)
            await line.quiet(0.5, 5)
            twice.answered = bool(await goes_on(line, tell)) and await line.quiet(1.5, 12)
            if not twice.answered:
                return twice
            twice.first = invocations(line)
            await _ask(line)
            twice.again = invocations(line)[len(twice.first) :]
            await line.quiet(0.5, 5)
            if twice.again:
                twice.answered_again = await goes_on(line, tell, len(twice.first))
            return twice

    found: _Twice = await it.recording(f"tool-twice-{it.attempt}", record)
    return found


FAULTS = {
    "error": {"error": "the shop's computer is down"},
    "errorType": {"errorType": "implementation-error", "errorMessage": "the shop's computer is down"},
}


@requirement(
    "client-tools.error",
    "A client_tool_result with an error, in either spelling, is understood.",
    source="asyncapi/websocket.yaml#/components/messages/clientToolError",
    layer=Layer.MEDIA,
    how="The agent is brought to call a tool, and told that it failed; it must speak.",
    why="Tools fail, and the caller must hear of it.",
    mend="Take error, and errorType with errorMessage.",
    variants=tuple(FAULTS),
    lasts_s=1,
    again=True,
)
async def tool_error(it: Context) -> None:
    """Both spellings."""
    call = await _with_tools(it)
    async with it.line(call) as line:
        await _invoked(it, call, line)
        await line.quiet(0.5, 5)

        async def tell(invoked: ToolInvoked) -> None:
            result = {"type": "client_tool_result", "invocationId": invoked.invocation_id, **FAULTS[it.variant]}
            await line.send_json(result)

        if await goes_on(line, tell) is False:
            it.wrong(f"the agent speaks within {ANSWER_WITHIN_S:g} s", line.why_silent, *it.dial_command(call))


@requirement(
    "client-tools.other-turns",
    "While a tool's result is awaited, other turns are answered.",
    source=TOOL,
    layer=Layer.MEDIA,
    how="The agent is brought to call a tool; before the result the caller speaks, or types, and must be answered.",
    why="Callers go on talking while a tool runs.",
    mend="Wait for results beside the conversation, not instead of it.",
    variants=(SPOKEN, TYPED),
    lasts_s=10,
    again=True,
)
async def other_turns(it: Context) -> None:
    """A text and speech before the result."""
    call, line, reacted = await _other_turns(it, (TYPED, SPOKEN))
    if it.variant not in reacted and it.variant == SPOKEN:
        call, line, reacted = await _other_turns(it, (SPOKEN,))
    if it.variant not in reacted:
        scenarios.must_be_even(line)
        it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s", line.why_silent, *it.dial_command(call))


async def _other_turns(it: Context, kinds: tuple[str, ...]) -> tuple[Call, Line, list[str]]:
    """A call in which the caller has such turns while a tool is awaited, and which of them had a reaction."""

    async def record() -> tuple[Call, Line, list[str]]:
        call, reacted = await _with_tools(it), list[str]()
        async with it.line(call) as line:
            await _invoked(it, call, line)
            for kind in kinds:
                await line.quiet(1.0, 12)
                before, sent_at = len(invocations(line)), time.monotonic()
                if kind == TYPED:
                    await line.send_json({"type": "user_text_message", "text": scenarios.TYPED})
                    answered = await reacts(line, sent_at, before)
                else:
                    recording = Recording(call=call, line=line)
                    await scenarios.talk(it, line, recording)
                    answered = recording.heard_answer or len(invocations(line)) > before
                if not answered:
                    break
                reacted.append(kind)
            return call, line, reacted

    found: tuple[Call, Line, list[str]] = await it.recording(f"other-turns-{kinds}-{it.attempt}", record)
    return found
