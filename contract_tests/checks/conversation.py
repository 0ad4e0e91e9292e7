"""What a client of the vendor's own socket reads and writes beside audio: transcripts, typed text, client tools."""

from __future__ import annotations

import time
from typing import Any

from contract.events import TextMessage, ToolInvoked, ToolResult, Transcript
from contract_tests import scenarios
from contract_tests.context import SHORT_GREETING, Call, Context, audio_settings
from contract_tests.findings import Layer
from contract_tests.line import Line
from contract_tests.requirements import requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, SLACK_S, Recording
from contract_tests.target import NotChecked

TRANSCRIPT = "asyncapi/websocket.yaml#/components/messages/transcript"
TEXT = "asyncapi/websocket.yaml#/components/messages/userTextMessage"
TOOL = "openapi/calls.yaml#/components/schemas/TemporaryTool/properties/client"
TYPED = "What does a new tyre cost, please?"
MEDIA = Layer.MEDIA


async def _typed(it: Context) -> Recording:
    """A call in which the caller types after the greeting, and is answered."""

    async def record() -> Recording:
        call = await it.call("inline", **audio_settings("websocket"))
        async with it.line(call) as line:
            recording = Recording(call=call, line=line)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            await line.quiet(1.0, 20)
            await line.until(lambda: not line.alive, 0.3)
            await line.say(TextMessage(text=TYPED))
            recording.spoken_at = time.monotonic()
            recording.answered = await line.hears(recording.spoken_at, ANSWER_WITHIN_S + SLACK_S)
            await line.quiet(1.0, 12)
            await line.until(lambda: not line.alive, 0.5)
            return recording

    recording = await it.judge.recording(f"typed-{it.attempt}", record)
    assert isinstance(recording, Recording)
    return recording


def _transcripts(line: Line) -> list[tuple[float, Transcript]]:
    return [(h.at_s, h.event) for h in line.heard if isinstance(h.event, Transcript) and h.fault is None]


def _shown(it: Context, call: Call) -> tuple[str, ...]:
    return it.dial_command(call)


async def _recordings(it: Context) -> list[Recording]:
    it.variant = "websocket"
    return [await scenarios.greeted(it), await _typed(it), await scenarios.user_first(it)]


@requirement(
    "transcripts.agent",
    "What the agent says comes as transcripts of role agent, the last one final.",
    source=TRANSCRIPT,
    layer=MEDIA,
    how="In a call with a greeting and an answer the transcripts are collected.",
    why="The page shows what was said.",
    mend="Send the text of each utterance with its audio, and mark the last piece final.",
    smoke=True,
    again=True,
)
async def agent_transcripts(it: Context) -> None:
    """At least the greeting's."""
    it.variant = "websocket"
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        raise NotChecked("the agent did not greet; media.greeting says more")
    said = [each for _, each in _transcripts(recording.line) if each.role == "agent"]
    if not said:
        it.wrong("transcripts of role agent", "none", *_shown(it, recording.call))
    elif not any(each.final for each in said):
        it.wrong("a final transcript of the greeting", "none is final", *_shown(it, recording.call))


@requirement(
    "transcripts.final-text",
    "The pieces of one ordinal join to its final text, and nothing follows the final one.",
    source=TRANSCRIPT,
    layer=MEDIA,
    how="Texts and deltas of each ordinal are joined and compared with its final text.",
    why="Clients show the pieces as they come.",
    mend="Let text replace and delta append; repeat the whole text in the last piece.",
)
async def final_text(it: Context) -> None:
    """Several calls."""
    for recording in await _recordings(it):
        joined: dict[int, str] = {}
        finished: set[int] = set()
        deltas: set[int] = set()
        for _, each in _transcripts(recording.line):
            if each.role != "agent":
                continue
            if each.ordinal in finished:
                it.wrong(
                    f"nothing after the final transcript of {each.ordinal}", "another one", *_shown(it, recording.call)
                )
                return
            before = joined.get(each.ordinal, "")
            if each.delta is not None:
                deltas.add(each.ordinal)
                joined[each.ordinal] = before + each.delta
            elif each.text is not None:
                same = " ".join(before.split()) == " ".join(each.text.split())
                if each.final and each.ordinal in deltas and not same:
                    it.wrong(
                        f"the pieces joined: {before!r}", f"the final text: {each.text!r}", *_shown(it, recording.call)
                    )
                    return
                joined[each.ordinal] = each.text
            if each.final:
                finished.add(each.ordinal)
        # The last utterance may still be going on when the call ends.
        open_ended = [ordinal for ordinal in sorted(joined) if ordinal not in finished][:-1]
        if open_ended:
            it.wrong("a final transcript for each ordinal", f"none for {open_ended[0]}", *_shown(it, recording.call))


@requirement(
    "transcripts.ordinals",
    "Ordinals rise in conversation order, and each belongs to one role.",
    source=TRANSCRIPT,
    layer=MEDIA,
    how="The ordinals of greeting, typed text and answer are compared.",
    why="Clients sort by them.",
    mend="Count utterances of both sides with one counter.",
)
async def ordinals(it: Context) -> None:
    """Greeting, text, answer."""
    for recording in await _recordings(it):
        roles: dict[int, str] = {}
        highest: dict[str, int] = {}
        for _, each in _transcripts(recording.line):
            if roles.setdefault(each.ordinal, each.role) != each.role:
                it.wrong("one role for each ordinal", f"{each.ordinal} is both", *_shown(it, recording.call))
                return
            if each.ordinal < highest.get(each.role, -1):
                it.wrong("rising ordinals", f"{each.ordinal} after {highest[each.role]}", *_shown(it, recording.call))
                return
            highest[each.role] = each.ordinal
    recording = await _typed(it)
    spoken = _transcripts(recording.line)
    user = [each.ordinal for _, each in spoken if each.role == "user"]
    before = [each.ordinal for at, each in spoken if each.role == "agent" and at < recording.spoken_at]
    after = [
        each.ordinal
        for at, each in spoken
        if each.role == "agent" and at > recording.spoken_at and each.ordinal not in before
    ]
    if user and before and user[0] <= max(before):
        it.wrong("the typed text behind the greeting", f"{user[0]} after {max(before)}", *_shown(it, recording.call))
    if user and after and max(after) <= user[0]:
        it.wrong(
            "the answer behind the typed text", f"{max(after)} for the answer to {user[0]}", *_shown(it, recording.call)
        )
    if before and after and min(after) <= max(before):
        it.wrong("another ordinal for each utterance", f"{min(after)} again", *_shown(it, recording.call))


@requirement(
    "transcripts.user",
    "A user turn comes as one final message.",
    source=TRANSCRIPT,
    layer=MEDIA,
    how="The user's transcripts of spoken and typed turns are counted: each ordinal once, and final, with its text.",
    why="Clients show a turn when it is over.",
    mend="Send the user's text once, whole and final.",
    again=True,
)
async def user_transcripts(it: Context) -> None:
    """Spoken and typed."""
    for recording in await _recordings(it):
        seen: set[int] = set()
        for _, each in _transcripts(recording.line):
            if each.role != "user":
                continue
            if not each.final or each.text is None:
                it.wrong("one final message with its text", "a piece", *_shown(it, recording.call))
                return
            if each.ordinal in seen:
                it.wrong("one message for each user turn", f"{each.ordinal} twice", *_shown(it, recording.call))
                return
            seen.add(each.ordinal)
        voiced = sum(1 for _, each in _transcripts(recording.line) if each.role == "user" and each.medium != "text")
        if voiced > 1:
            it.wrong("one message for one spoken turn", f"{voiced} messages", *_shown(it, recording.call))


@requirement(
    "transcripts.greeting-not-spoken",
    "With firstSpeaker user the greeting is not spoken.",
    source="openapi/calls.yaml#/components/schemas/CreateInlineCallRequest/properties/firstSpeaker",
    layer=MEDIA,
    how="In a call with firstSpeaker user the agent's transcripts are compared with the greeting.",
    why="A greeting in the middle of a conversation is odd.",
    mend="Drop the greeting where firstSpeaker is user.",
)
async def greeting_not_spoken(it: Context) -> None:
    """Its text."""
    it.variant = "websocket"
    recording = await scenarios.user_first(it)
    texts = [each.text for _, each in _transcripts(recording.line) if each.role == "agent" and each.text]
    if SHORT_GREETING in texts:
        it.wrong("an answer, not the greeting", f"{SHORT_GREETING!r}", *_shown(it, recording.call))


@requirement(
    "transcripts.typed-answer",
    "A user_text_message is answered as if it had been spoken.",
    source=TEXT,
    layer=MEDIA,
    how="After the greeting the caller types a sentence; audible audio must come within 10 seconds.",
    why="Web pages have a text field.",
    mend="Treat the text as a user turn.",
    again=True,
)
async def typed_answer(it: Context) -> None:
    """One sentence."""
    recording = await _typed(it)
    if not recording.answered:
        state = "nothing" if recording.line.alive else f"closed ({recording.line.close_code})"
        it.wrong(f"audible audio within {ANSWER_WITHIN_S:g} s", state, *_shown(it, recording.call))


@requirement(
    "transcripts.typed",
    "The transcript of a typed text has role user and medium text, and holds the text.",
    source=TEXT,
    layer=MEDIA,
    how="After the greeting the caller types a sentence; its transcript is read.",
    why="The page shows it among the rest.",
    mend="Send one final transcript with role user, medium text and the text itself.",
)
async def typed_transcript(it: Context) -> None:
    """Role, medium, text."""
    recording = await _typed(it)
    found = [each for at, each in _transcripts(recording.line) if each.role == "user" and at >= recording.spoken_at]
    if not found:
        it.wrong("a transcript of role user", "none", *_shown(it, recording.call))
    elif not any(each.medium == "text" and each.text == TYPED and each.final for each in found):
        each = found[0]
        shown = f"medium {each.medium}, final {each.final}, text {each.text!r}"
        it.wrong(f"medium text, final, text {TYPED!r}", shown, *_shown(it, recording.call))


@requirement(
    "transcripts.older-spelling",
    "input_text_message is understood like user_text_message.",
    source="asyncapi/websocket.yaml#/components/messages/inputTextMessage",
    layer=MEDIA,
    how="In a call with firstSpeaker user the caller types under the older name; an answer must come.",
    why="The vendor's own SDK sends this name.",
    mend="Take both names.",
    again=True,
)
async def older_spelling(it: Context) -> None:
    """The SDK's name."""
    await _first_typed(it, "input_text_message")


@requirement(
    "transcripts.typed-counts-as-spoken",
    "With firstSpeaker user, a typed text counts as having spoken.",
    source=TEXT,
    layer=MEDIA,
    how="In a call with firstSpeaker user the caller types; an answer must come.",
    why="Who types is there.",
    mend="Let a text end the wait for the caller's first words.",
    again=True,
)
async def typed_counts(it: Context) -> None:
    """The documented name."""
    await _first_typed(it, "user_text_message")


async def _first_typed(it: Context, name: str) -> None:
    call = await it.call("inline", firstSpeaker="user", **audio_settings("websocket"))
    async with it.line(call) as line:
        await line.until(lambda: not line.alive, 0.5)
        sent_at = time.monotonic()
        await line.send_json({"type": name, "text": TYPED})
        if not await line.hears(sent_at, ANSWER_WITHIN_S + SLACK_S):
            state = "nothing" if line.alive else f"closed ({line.close_code})"
            it.wrong(f"an answer to {name}", state, *_shown(it, call))


# client tools

TOOLS = [
    {
        "temporaryTool": {
            "modelToolName": "look_up_price",
            "description": "Looks up the price of a part. Call it whenever the caller says or asks anything.",
            "timeout": "30s",
            "dynamicParameters": [
                {
                    "name": "part",
                    "location": "PARAMETER_LOCATION_BODY",
                    "schema": {"type": "string"},
                    "required": True,
                }
            ],
            "client": {},
        }
    }
]


async def _invoked(it: Context, line: Line) -> list[ToolInvoked]:
    """Ask for the tool, by text and by voice, until it is invoked."""
    await line.until(lambda: not line.alive, 0.3)
    await line.send_json({"type": "user_text_message", "text": "Please use the tool look_up_price for me."})
    await line.until(lambda: bool(_calls(line)) or not line.alive, 4)
    if not _calls(line) and line.alive:
        await line.quiet(1.0, 12)
        line.speak(it.speech(line))
        await line.until(lambda: bool(_calls(line)) or not line.alive, 6)
    if not _calls(line):
        raise NotChecked("the agent called no client tool, which is its own affair")
    return _calls(line)


def _calls(line: Line) -> list[ToolInvoked]:
    return [heard.event for heard in line.events(ToolInvoked) if isinstance(heard.event, ToolInvoked)]


async def _with_tools(it: Context) -> Call:
    prompt = "Whenever the caller says anything, call the tool look_up_price first, then answer in one sentence."
    return await it.call(
        "inline", systemPrompt=prompt, firstSpeaker="user", selectedTools=TOOLS, **audio_settings("websocket")
    )


@requirement(
    "client-tools.waits",
    "After client_tool_invocation nothing is said for it until its result comes; an unknown id is ignored.",
    source=TOOL,
    layer=MEDIA,
    how="The agent is brought to call a tool. For 3 seconds nothing may be heard; a result with an "
    "unknown id changes nothing; "
    "the right one is answered.",
    why="An agent that does not wait makes the result up.",
    mend="Remember open invocations by their id; speak when the result for one comes.",
    again=True,
)
async def tool_waits(it: Context) -> None:
    """Wait, unknown id, result."""
    call = await _with_tools(it)
    async with it.line(call) as line:
        invoked = (await _invoked(it, line))[-1]
        # What was being said when the tool was called may end.
        await line.until(lambda: not line.alive, 0.6)
        since = max(time.monotonic(), line.speaking_until()) + 0.1
        if await line.hears(since, 3.0):
            it.wrong("silence until the result comes", "audio without a result", *_shown(it, call))
            return
        await line.say(ToolResult(invocation_id="unknown-" + invoked.invocation_id[:8], result="12"))
        if await line.hears(time.monotonic(), 2.5):
            it.wrong("an unknown invocationId is ignored", "audio", *_shown(it, call))
            return
        if not line.alive:
            it.wrong("an unknown invocationId is ignored", f"closed ({line.close_code})", *_shown(it, call))
            return
        sent_at = time.monotonic()
        for each in _calls(line):
            await line.say(ToolResult(invocation_id=each.invocation_id, result='{"price": "12 euros"}'))
        if not await line.hears(sent_at, ANSWER_WITHIN_S + SLACK_S):
            it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s of the result", "nothing", *_shown(it, call))
            return
        await line.quiet(1.5, 12)
        if _calls(line)[-1] is not invoked:
            return
        since = time.monotonic()
        await line.say(ToolResult(invocation_id=invoked.invocation_id, result='{"price": "13 euros"}'))
        if await line.hears(since, 3.0):
            it.wrong("a second result for the same invocation is ignored", "audio", *_shown(it, call))


@requirement(
    "client-tools.error",
    "A client_tool_result with an error, in either spelling, is understood.",
    source="asyncapi/websocket.yaml#/components/messages/clientToolError",
    layer=MEDIA,
    how="The agent is brought to call a tool, and told that it failed; it must speak.",
    why="Tools fail, and the caller must hear of it.",
    mend="Take error, and errorType with errorMessage.",
    variants=("error", "errorType"),
    again=True,
)
async def tool_error(it: Context) -> None:
    """Both spellings."""
    call = await _with_tools(it)
    async with it.line(call) as line:
        for invoked in await _invoked(it, line):
            fault: dict[str, Any] = {"error": "the shop's computer is down"}
            if it.variant == "errorType":
                fault = {"errorType": "implementation-error", "errorMessage": "the shop's computer is down"}
            await line.quiet(0.5, 5)
            sent_at = time.monotonic()
            await line.send_json({"type": "client_tool_result", "invocationId": invoked.invocation_id, **fault})
        if not await line.hears(sent_at, ANSWER_WITHIN_S + SLACK_S):
            state = "nothing" if line.alive else f"closed ({line.close_code})"
            it.wrong(f"the agent speaks within {ANSWER_WITHIN_S:g} s", state, *_shown(it, call))


@requirement(
    "client-tools.other-turns",
    "While a tool's result is awaited, other turns are answered.",
    source=TOOL,
    layer=MEDIA,
    how="The agent is brought to call a tool; before the result the caller speaks, and must be answered.",
    why="Callers go on talking while a tool runs.",
    mend="Wait for results beside the conversation, not instead of it.",
    again=True,
)
async def other_turns(it: Context) -> None:
    """Speech before the result."""
    call = await _with_tools(it)
    async with it.line(call) as line:
        recording = Recording(call=call, line=line)
        before = len(await _invoked(it, line))
        await line.quiet(1.0, 6)
        await scenarios.talk(it, line, recording)
        if not recording.answered and len(_calls(line)) == before:
            state = "nothing" if line.alive else f"closed ({line.close_code})"
            it.wrong(f"an answer within {ANSWER_WITHIN_S:g} s", state, *_shown(it, call))
