"""What a client of the vendor's own socket reads and writes beside audio: transcripts and typed text."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from operator import itemgetter

from contract.events import TextMessage, Transcript
from contract_tests import scenarios
from contract_tests.context import SHORT_GREETING, Call, Context, audio_settings
from contract_tests.findings import Layer, Level
from contract_tests.line import Line
from contract_tests.requirements import requirement
from contract_tests.scenarios import ANSWER_WITHIN_S, LONGEST_TURN_S, PAUSE_S, SLACK_S, TYPED, NotGreeted, Recording
from contract_tests.sources import INLINE_REQUEST
from contract_tests.target import NotChecked

TRANSCRIPT = "asyncapi/websocket.yaml#/components/messages/transcript"
TEXT = "asyncapi/websocket.yaml#/components/messages/userTextMessage"
NAME, OLDER = "user_text_message", "input_text_message"

CUT_WITHIN_S = 1.0
"""How long after a message's final transcript its audio may be withdrawn: the two are sent together."""


def _transcripts(line: Line) -> list[tuple[float, Transcript]]:
    return [(h.at_s, h.event) for h in line.heard if isinstance(h.event, Transcript) and h.fault is None]


async def _recordings(it: Context) -> list[Recording]:
    it.variant = "websocket"
    recordings = list(await asyncio.gather(scenarios.greeted(it), scenarios.typed(it), scenarios.user_first(it)))
    if not any(_transcripts(recording.line) for recording in recordings):
        raise NotChecked("no transcripts came; transcripts.agent says more")
    return recordings


@requirement(
    "transcripts.agent",
    "What the agent says comes as transcripts of role agent, the last one final.",
    source=TRANSCRIPT,
    layer=Layer.MEDIA,
    how="In a call with a greeting and an answer the transcripts are collected.",
    why="The page shows what was said.",
    mend="Send the text of each utterance with its audio, and mark the last piece final.",
    smoke=True,
    lasts_s=13,
    again=True,
)
async def agent_transcripts(it: Context) -> None:
    """At least the greeting's."""
    it.variant = "websocket"
    recording = await scenarios.greeted(it)
    if not recording.greeted:
        raise NotGreeted
    said = [each for _, each in _transcripts(recording.line) if each.role == "agent"]
    if not said:
        it.wrong("transcripts of role agent", "none", *it.dial_command(recording.call))
    elif any(each.medium == "text" for each in said):
        it.wrong("medium voice: it was spoken", "medium text", *it.dial_command(recording.call))
    elif not any(each.final for each in said) and (recording.greeting_over or not it.hasty):
        it.wrong("a final transcript of the greeting", "none is final", *it.dial_command(recording.call))


@requirement(
    "transcripts.every-turn",
    "Each thing that the agent says comes as a transcript, not only the first ones.",
    source=TRANSCRIPT,
    layer=Layer.MEDIA,
    how="In a call, to a saved agent if one is known, the caller speaks twice; of the second answer, too, a transcript "
    "must come.",
    why="A page that stops showing what is said looks broken.",
    mend="Send transcripts wherever the agent speaks.",
    lasts_s=20,
    again=True,
)
async def every_turn(it: Context) -> None:
    """That of the second answer."""
    it.variant = "websocket"
    recording = await scenarios.two_turns(it)
    said = [at for at, each in _transcripts(recording.line) if each.role == "agent"]
    if not recording.answered_again:
        raise NotChecked("there was no second answer; media.every-turn says more")
    if max(said, default=0.0) < recording.spoken_again_at:
        it.wrong("a transcript of the answer to the second turn", "none", *it.dial_command(recording.call))


@requirement(
    "transcripts.final-text",
    "The pieces of one ordinal join to its final text, and nothing follows the final one.",
    source=TRANSCRIPT,
    layer=Layer.MEDIA,
    how="Texts and deltas of each ordinal are joined and compared with its final text.",
    why="Clients show the pieces as they come.",
    mend="Let text replace and delta append; repeat the whole text in the last piece.",
    lasts_s=20,
)
async def final_text(it: Context) -> None:
    """Several calls."""
    for recording in await _recordings(it):
        joined: dict[int, str] = {}
        finished: set[int] = set()
        deltas: set[int] = set()
        begun: dict[int, float] = {}
        for at, each in _transcripts(recording.line):
            if each.role != "agent":
                continue
            begun.setdefault(each.ordinal, at)
            # How much of a message is kept that was interrupted is free.
            cut = any(begun[each.ordinal] <= cleared <= at + CUT_WITHIN_S for cleared in recording.line.clears)
            if each.ordinal in finished:
                it.wrong(
                    f"nothing after the final transcript of {each.ordinal}",
                    "another one",
                    *it.dial_command(recording.call),
                )
                return
            before = joined.get(each.ordinal, "")
            if each.delta is not None:
                deltas.add(each.ordinal)
                joined[each.ordinal] = before + each.delta
            elif each.text is not None:
                same = " ".join(before.split()) == " ".join(each.text.split())
                if each.final and each.ordinal in deltas and not same and not cut:
                    it.wrong(
                        f"the pieces joined: {before!r}",
                        f"the final text: {each.text!r}",
                        *it.dial_command(recording.call),
                    )
                    return
                joined[each.ordinal] = each.text
            if each.final:
                finished.add(each.ordinal)
        open_ended = [ordinal for ordinal in sorted(joined) if ordinal not in finished]
        if open_ended and open_ended[-1] == max(joined) and _ended_in_speech(recording):
            open_ended.pop()
        if open_ended:
            it.wrong(
                "a final transcript for each ordinal", f"none for {open_ended[0]}", *it.dial_command(recording.call)
            )


def _ended_in_speech(recording: Recording) -> bool:
    """Whether the last utterance may have been going on when the call ended: its audio may follow its first words."""
    line = recording.line
    last_said = max((at for at, each in _transcripts(line) if each.role == "agent"), default=0.0)
    return not line.alive or recording.over_at < max(line.speaking_until(), last_said) + PAUSE_S


@requirement(
    "transcripts.ordinals",
    "Ordinals rise in conversation order, and each belongs to one role.",
    source=TRANSCRIPT,
    layer=Layer.MEDIA,
    how="The ordinals of greeting, typed text and answer are compared, also after an interruption.",
    why="Clients sort by them.",
    mend="Count utterances of both sides with one counter.",
    lasts_s=20,
)
async def ordinals(it: Context) -> None:
    """Greeting, text, answer; a greeting that is cut short, and what follows it."""
    it.variant = "websocket"
    recordings, cut = await asyncio.gather(_recordings(it), scenarios.cut_in(it, True))
    for recording in (*recordings, cut):
        roles: dict[int, str] = {}
        highest: dict[str, int] = {}
        for _, each in _transcripts(recording.line):
            new = each.ordinal not in roles
            if roles.setdefault(each.ordinal, each.role) != each.role:
                it.wrong("one role for each ordinal", f"{each.ordinal} is both", *it.dial_command(recording.call))
                return
            # Text may run ahead of the voice: only where an utterance begins its ordinal tells something.
            if not new:
                continue
            if each.ordinal < highest.get(each.role, -1):
                it.wrong(
                    "rising ordinals", f"{each.ordinal} after {highest[each.role]}", *it.dial_command(recording.call)
                )
                return
            highest[each.role] = each.ordinal
    recording = await scenarios.typed(it)
    spoken = _transcripts(recording.line)
    # Noise may have been taken for words before.
    typed = [each for _, each in spoken if each.role == "user" and (each.medium == "text" or each.text == TYPED)]
    user = [each.ordinal for each in typed]
    before = [each.ordinal for at, each in spoken if each.role == "agent" and at < recording.spoken_at]
    after = [
        each.ordinal
        for at, each in spoken
        if each.role == "agent" and at > recording.spoken_at and each.ordinal not in before
    ]
    if user and before and user[0] <= max(before):
        it.wrong(
            "the typed text behind the greeting", f"{user[0]} after {max(before)}", *it.dial_command(recording.call)
        )
    if user and after and max(after) <= user[0]:
        it.wrong(
            "the answer behind the typed text",
            f"{max(after)} for the answer to {user[0]}",
            *it.dial_command(recording.call),
        )
    if before and after and min(after) <= max(before):
        it.wrong("another ordinal for each utterance", f"{min(after)} again", *it.dial_command(recording.call))


@requirement(
    "transcripts.user",
    "A user turn comes as one final message.",
    source=TRANSCRIPT,
    layer=Layer.MEDIA,
    how="The user's transcripts of spoken and typed turns are counted: each ordinal once, final, with its text, and "
    "not two of them for what is answered once.",
    why="Clients show a turn when it is over.",
    mend="Send the user's text once, whole and final.",
    lasts_s=20,
    again=True,
)
async def user_transcripts(it: Context) -> None:
    """Spoken and typed."""
    recordings = await _recordings(it)
    written = await scenarios.typed(it)
    for recording in recordings:
        seen: set[int] = set()
        for _, each in _transcripts(recording.line):
            if each.role != "user":
                continue
            if each.medium == "text" and recording is not written:
                it.wrong("medium voice: it was spoken", "medium text", *it.dial_command(recording.call))
                return
            if not each.final or each.text is None:
                it.wrong("one final message with its text", "a piece", *it.dial_command(recording.call))
                return
            if each.ordinal in seen:
                it.wrong("one message for each user turn", f"{each.ordinal} twice", *it.dial_command(recording.call))
                return
            seen.add(each.ordinal)
        unanswered = _spoken_but_not_answered(recording)
        if unanswered is not None:
            scenarios.must_be_even(recording.line)
            received = f"{unanswered!r}, and no answer before the next"
            it.wrong("one message for one spoken turn", received, *it.dial_command(recording.call))
            return


@requirement(
    "transcripts.spoken",
    "What the caller says comes as a transcript of role user.",
    source=TRANSCRIPT,
    level=Level.SHOULD,
    layer=Layer.MEDIA,
    how="Where a spoken turn was answered, its transcript is looked for.",
    why="A page that shows one side of a conversation looks broken.",
    mend="Send one final message for each turn; without speech recognition, with a placeholder for its text.",
    lasts_s=20,
    again=True,
)
async def spoken_transcripts(it: Context) -> None:
    """A turn after the greeting, and one that comes first."""
    it.variant = "websocket"
    answered = [each for each in (await scenarios.greeted(it), await scenarios.user_first(it)) if each.heard_answer]
    if not answered:
        raise NotChecked("no turn was answered; media.answer says more")
    for recording in answered:
        if not any(each.role == "user" for _, each in _transcripts(recording.line)):
            it.wrong("a transcript of role user", "none", *it.dial_command(recording.call))
            return


def _spoken_but_not_answered(recording: Recording) -> str | None:
    """What was heard as a user turn of its own that the agent never took for one; None where there is none.

    Where a turn ends is the agent's affair: it may hear two in what was said, and answer both, or begin to.
    """
    line = recording.line
    first: dict[int, tuple[float, Transcript]] = {}
    for at, each in _transcripts(line):
        first.setdefault(each.ordinal, (at, each))
    # What was heard before the caller said anything is noise, and free.
    turns = (found for found in first.values() if not _was_spoken(found[1]) or found[0] >= recording.spoken_at)
    in_order = sorted(turns, key=lambda found: found[1].ordinal)
    for (one_at, one), (next_at, after) in pairwise(in_order):
        reacted = any(one_at <= at <= next_at for at in (*(piece.at_s for piece in line.audible()), *line.clears))
        if _was_spoken(one) and _was_spoken(after) and not reacted:
            return one.text
    spoken = sorted((each for each in in_order if _was_spoken(each[1])), key=itemgetter(0))
    if len(spoken) < 2 or spoken[-1][1].text != spoken[-2][1].text:
        return None
    at, last = spoken[-1]
    # An answer to it may have been to come.
    answered = line.audible(at) or recording.over_at - max(at, line.speaking_until()) < PAUSE_S
    return None if answered else last.text


def _was_spoken(each: Transcript) -> bool:
    return each.role == "user" and each.medium != "text"


@requirement(
    "transcripts.greeting-not-spoken",
    "With firstSpeaker user the greeting is not spoken.",
    source=f"{INLINE_REQUEST}/properties/firstSpeaker",
    layer=Layer.MEDIA,
    how="In a call with firstSpeaker user the agent's transcripts are compared with the greeting.",
    why="A greeting in the middle of a conversation is odd.",
    mend="Drop the greeting where firstSpeaker is user.",
    lasts_s=20,
)
async def greeting_not_spoken(it: Context) -> None:
    """Its text."""
    it.variant = "websocket"
    recording = await scenarios.user_first(it)
    texts = [each.text for _, each in _transcripts(recording.line) if each.role == "agent" and each.text]
    if SHORT_GREETING in texts:
        it.wrong("an answer, not the greeting", f"{SHORT_GREETING!r}", *it.dial_command(recording.call))


@requirement(
    "transcripts.typed-answer",
    "A user_text_message is answered as if it had been spoken.",
    source=TEXT,
    layer=Layer.MEDIA,
    how="After the greeting the caller types a sentence; audible audio must come within 10 seconds.",
    why="Web pages have a text field.",
    mend="Treat the text as a user turn.",
    lasts_s=13,
    again=True,
)
async def typed_answer(it: Context) -> None:
    """One sentence."""
    recording = await scenarios.typed(it)
    if not recording.answered:
        it.wrong(
            f"audible audio within {ANSWER_WITHIN_S:g} s", recording.line.why_silent, *it.dial_command(recording.call)
        )


@requirement(
    "transcripts.every-text",
    "Each typed text is answered and has a transcript, not only the first one.",
    source=TEXT,
    layer=Layer.MEDIA,
    how="In a call with firstSpeaker user the caller types, hears the answer out, and types again; that must be "
    "answered and have its transcript, too.",
    why="What an agent forgets to reset after a text shows in the next one.",
    mend="Begin each turn anew, whether it was spoken or typed.",
    lasts_s=8,
    again=True,
)
async def every_text(it: Context) -> None:
    """Under both names; where the second is not answered, twice under one."""
    _, line, answered = await _typed_as(it, NAME, OLDER)
    if len(answered) == 2 and _told(line) != 1:
        return
    call, line, answered = await _typed_as(it, NAME, NAME)
    if not answered:
        raise NotChecked("the first text was not answered; transcripts.typed-answer says more")
    if len(answered) == 1:
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of the second text"
        it.wrong(expected, line.why_silent, *it.dial_command(call))
    elif _told(line) == 1:
        it.wrong("a transcript of each text", "a transcript of one of two", *it.dial_command(call))


def _told(line: Line) -> int:
    """How many transcripts of the user's hold the text that is typed."""
    return sum(each.role == "user" and each.text == TYPED for _, each in _transcripts(line))


@requirement(
    "transcripts.typed",
    "The transcript of a typed text has role user and medium text, and holds the text.",
    source=TEXT,
    layer=Layer.MEDIA,
    how="After the greeting the caller types a sentence; its transcript is read.",
    why="The page shows it among the rest.",
    mend="Send one final transcript with role user, medium text and the text itself.",
    lasts_s=13,
    again=True,
)
async def typed_transcript(it: Context) -> None:
    """Role, medium, text."""
    recording = await scenarios.typed(it)
    found = [each for at, each in _transcripts(recording.line) if each.role == "user" and at >= recording.spoken_at]
    if not found:
        it.wrong("a transcript of role user", "none", *it.dial_command(recording.call))
    elif not any(each.medium == "text" and each.text == TYPED and each.final for each in found):
        each = found[0]
        shown = f"medium {each.medium}, final {each.final}, text {each.text!r}"
        it.wrong(f"medium text, final, text {TYPED!r}", shown, *it.dial_command(recording.call))


@requirement(
    "transcripts.typed-while-speaking",
    "A text that is typed while the agent speaks is taken, too.",
    source=TEXT,
    layer=Layer.MEDIA,
    how="The caller types while the greeting is said; a transcript of the text must come, at the latest after it.",
    why="Who types does not listen for a pause.",
    mend="Keep what comes while the agent speaks, and answer it when it is over.",
    lasts_s=1,
    again=True,
)
async def typed_while_speaking(it: Context) -> None:
    """A text in the middle of the greeting."""
    call = await it.call("inline", **audio_settings("websocket"))
    async with it.line(call) as line:
        if not await line.hears(0, ANSWER_WITHIN_S + SLACK_S):
            raise NotGreeted
        await line.say(TextMessage(text=TYPED))

        def told() -> bool:
            return any(each.role == "user" and each.text == TYPED for _, each in _transcripts(line))

        await line.until(lambda: told() or not line.alive, LONGEST_TURN_S + ANSWER_WITHIN_S)
        if not told():
            received = "none" if line.alive else line.why_silent
            it.wrong(f"a transcript of role user with the text {TYPED!r}", received, *it.dial_command(call))


@requirement(
    "transcripts.older-spelling",
    "input_text_message is understood like user_text_message.",
    source="asyncapi/websocket.yaml#/components/messages/inputTextMessage",
    layer=Layer.MEDIA,
    how="In a call with firstSpeaker user the caller types, and then under the older name; an answer must come.",
    why="The vendor's own SDK sends this name.",
    mend="Take both names.",
    lasts_s=8,
    again=True,
)
async def older_spelling(it: Context) -> None:
    """The SDK's name."""
    await _first_typed(it, OLDER)


@requirement(
    "transcripts.typed-counts-as-spoken",
    "With firstSpeaker user, a typed text counts as having spoken.",
    source=TEXT,
    layer=Layer.MEDIA,
    how="In a call with firstSpeaker user the caller types; an answer must come.",
    why="Who types is there.",
    mend="Let a text end the wait for the caller's first words.",
    lasts_s=8,
    again=True,
)
async def typed_counts(it: Context) -> None:
    """The documented name."""
    await _first_typed(it, NAME)


async def _first_typed(it: Context, name: str) -> None:
    """A text under this name must be answered; on a call of its own where it was not after one under the other."""
    call, line, answered = await _typed_as(it, NAME, OLDER)
    if name not in answered and name != NAME:
        call, line, answered = await _typed_as(it, name)
    if name not in answered:
        it.wrong(f"an answer to {name}", line.why_silent, *it.dial_command(call))


async def _typed_as(it: Context, *names: str) -> tuple[Call, Line, list[str]]:
    """A call with firstSpeaker user in which texts are typed under these names, and under which ones with success."""

    async def record() -> tuple[Call, Line, list[str]]:
        call = await it.call(firstSpeaker="user", **audio_settings("websocket"))
        answered = []
        async with it.line(call) as line:
            for name in names:
                if not await line.quiet(1.5, 12):
                    break
                sent_at = time.monotonic()
                await line.send_json({"type": name, "text": TYPED})
                if not await line.hears(sent_at, ANSWER_WITHIN_S + SLACK_S):
                    break
                answered.append(name)
            # The last one's transcript may come with the end of its answer.
            if _told(line) < len(answered):
                await line.quiet(PAUSE_S, 12)
            return call, line, answered

    found: tuple[Call, Line, list[str]] = await it.recording(f"typed-{names}-{it.attempt}", record)
    return found
