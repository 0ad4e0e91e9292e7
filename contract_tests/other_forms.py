"""Messages in another form than they usually have: a carrier's start message, and a custom client's text."""

from __future__ import annotations

import json
import time

from contract_tests.context import Call, Context
from contract_tests.line import NEW_FIELD
from contract_tests.scenarios import (
    ANSWER_WITHIN_S,
    LONGEST_TURN_S,
    SLACK_S,
    TYPED,
    Recording,
    hear_out,
    recorded,
    stop,
)

WITH_PARAMETERS, IN_PIECES, TURNED, NEW_FIELDS, UNKNOWN_BEFORE, BINARY_BEFORE = ODD_STARTS = (
    *("parameters", "pieces", "turned", "fields", "unknown", "binary"),
)
"""What may be odd about a start message: the customer's parameters; that it comes in three WebSocket frames; that its
fields come in another order, or others with them; that an unknown event, or a binary message, came before it."""
PARAMETERS = {"campaign": "spring", "customerId": "4711"}
"""What a customer may hand on with a stream: TwiML's `<Parameter>`, and its like."""


async def oddly_started(it: Context, *oddities: str) -> Recording:
    """The agent greets on a carrier's start message that is odd, and is told to stop when it has fallen silent.

    Args:
        it: the check; its variant is the carrier.
        oddities: of ODD_STARTS; none for all of them.
    """

    async def record() -> Recording:
        odd = oddities or ODD_STARTS
        call = await it.any_call("inline", it.variant, greets=True)
        async with it.line(call, begin=False, rubbish=UNKNOWN_BEFORE in odd) as line:
            recording = Recording(call=call, line=line)
            await line.connect()
            if UNKNOWN_BEFORE in odd:
                await line.send_json({"event": "from-the-future", "future": {"a": [1, None]}})
            if BINARY_BEFORE in odd:
                await line.send(b"\x00\xff" * 80)
            parameters = PARAMETERS if WITH_PARAMETERS in odd else {}
            forms = {"in_pieces": IN_PIECES in odd, "turned": TURNED in odd, "new_fields": NEW_FIELDS in odd}
            await line.start_with(parameters, **forms)
            recording.greeted = await line.hears(0, ANSWER_WITHIN_S + SLACK_S)
            if recording.greeted and await line.quiet(1.0, LONGEST_TURN_S) and line.alive:
                await stop(recording)
            return recording

    return await recorded(it, f"oddly-started-{oddities}", record)


async def must_greet(it: Context, oddity: str, shown: str) -> None:
    """Judge whether the agent greets on a start message that is odd: in all ways at once, or else in this one alone.

    Args:
        it: the check; its variant is the carrier.
        oddity: one of ODD_STARTS.
        shown: what the start message is, in words that follow "a start message".
    """
    if (await oddly_started(it)).greeted:
        return
    recording = await oddly_started(it, oddity)
    if not recording.greeted:
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of a start message {shown}"
        it.wrong(expected, recording.line.why_silent, *it.dial_command(recording.call))


async def must_answer(it: Context, shown: str, **oddity: bool) -> None:
    """Judge whether a text is answered that is odd in all ways at once, or else in this one alone.

    Args:
        it: the check; its variant is `websocket`.
        shown: what the text is, in words that follow "a text".
        oddity: `in_pieces`, in three WebSocket frames, `turned`, with its fields in another order, or `new_fields`,
            with one that nobody knows.
    """
    if await _typed_oddly(it, in_pieces=True, turned=True, new_fields=True) is None:
        return
    failed = await _typed_oddly(it, **oddity)
    if failed is not None:
        call, received = failed
        expected = f"audible audio within {ANSWER_WITHIN_S:g} s of a text {shown}"
        it.wrong(expected, received, *it.dial_command(call))


async def _typed_oddly(
    it: Context, *, in_pieces: bool = False, turned: bool = False, new_fields: bool = False
) -> tuple[Call, str] | None:
    """None where a text is answered, else the call and what came instead."""

    async def record() -> tuple[Call, str] | None:
        call = await it.any_call("inline", it.variant, greets=True)
        async with it.line(call) as line:
            await hear_out(line)
            fields = {"type": "user_text_message", "text": TYPED} | (NEW_FIELD if new_fields else {})
            text = json.dumps(dict(reversed(fields.items())) if turned else fields)
            sent_at = time.monotonic()
            await (line.send_in_pieces(text) if in_pieces else line.send(text))
            return None if await line.hears(sent_at, ANSWER_WITHIN_S + SLACK_S) else (call, line.why_silent)

    found: tuple[Call, str] | None = await it.recording(
        f"typed-oddly-{in_pieces}-{turned}-{new_fields}-{it.attempt}", record
    )
    return found
