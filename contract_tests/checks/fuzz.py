"""Requests and messages that nobody thought of."""

from __future__ import annotations

import json

from contract import documents
from contract_tests.context import Context, audio_settings
from contract_tests.damage import damaged
from contract_tests.findings import Layer
from contract_tests.fuzzing import fuzz
from contract_tests.requirements import TALKING, requirement
from contract_tests.settings import Profile
from contract_tests.target import NotChecked

PATHS = "openapi/calls.yaml#/paths"
VARIANTS = ("create", "create-websocket", "inline", "inline-websocket")
RESERVE = 60
"""Requests that fuzzing leaves to the other checks."""

HOW = (
    "schemathesis makes requests from the document, hypothesis shrinks the first that is answered "
    "wrongly; as many as the "
    "budget of requests leaves room for, hundreds in the deep profile."
)


async def _fuzz(it: Context, *, valid: bool) -> None:
    operation, _, websocket = it.variant.partition("-")
    most = 400 if it.settings.profile is Profile.DEEP else min(8, (it.target.left() - RESERVE) // 12)
    if most < 2:
        raise NotChecked("the profile's budget of requests leaves none for fuzzing: more keys, or --profile deep")
    await fuzz(it, operation, valid=valid, websocket=bool(websocket), most=most)


@requirement(
    "fuzz.valid-requests",
    "Every request that the document allows creates a call.",
    source=PATHS,
    how=HOW,
    why="Rules that no document names surprise every client.",
    mend="See the answer: it should say what was not understood.",
    variants=VARIANTS,
)
async def valid_requests(it: Context) -> None:
    """Requests that fit."""
    await _fuzz(it, valid=True)


@requirement(
    "fuzz.invalid-requests",
    "Every request that the document forbids is answered with 400.",
    source=PATHS,
    how=HOW,
    why="What slips through validation fails later, where nobody can tell why.",
    mend="Validate the whole body against the document's schema.",
    variants=VARIANTS,
)
async def invalid_requests(it: Context) -> None:
    """Requests that do not fit."""
    await _fuzz(it, valid=False)


@requirement(
    "fuzz.messages",
    "No message on the socket makes the agent's side fail.",
    source="asyncapi/twilio.yaml#/channels/media/description",
    layer=Layer.MEDIA,
    how="The document's own messages are damaged one field at a time (contract_tests/damage.py), and "
    "sent in an order that the "
    "seed decides; after a crash the last message is sent again on a call of its own.",
    why="A crash is a bug that anybody can trigger.",
    mend="Catch errors where messages are read.",
    variants=TALKING,
    lasts_s=8,
)
async def damaged_messages(it: Context) -> None:
    """Each damaged message, many on one call."""
    texts = _damaged_texts(it.variant)
    it.judge.random.shuffle(texts)
    most = len(texts) if it.settings.profile is Profile.DEEP else 60
    waiting = texts[:most]
    for _ in range(3):
        call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
        async with it.line(call) as line:
            while waiting and line.alive:
                text = waiting.pop()
                await line.send(text)
                await line.until(lambda: not line.alive, 0.05)
            await line.until(lambda: not line.alive, 0.5)
            if line.alive:
                return
            crashed = line.close_code in (None, 1006, 1011)
        if crashed and await _crashes(it, text):
            it.wrong("the call goes on, or a close that refuses", f"a crash on {text[:300]}", *it.dial_command(call))
            return


async def _crashes(it: Context, text: str) -> bool:
    """Whether one message alone ends a call without a word."""
    call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
    async with it.line(call) as line:
        await line.send(text)
        await line.ended(1.0)
        return not line.alive and line.close_code in (None, 1006, 1011)


def _damaged_texts(kind: str) -> list[str]:
    """Damaged copies of what the carrier says, but for the message that ends the stream."""
    document = documents.resolved(documents.asyncapi(kind))
    texts = []
    for name, message in document["components"]["messages"].items():
        schema = message["payload"]
        if message.get("x-event") in ("Stopped", "HangUp") or "properties" not in schema:
            continue
        for example in message.get("examples", ()):
            texts += [json.dumps(body) for _, _, body in damaged(schema, example["payload"])]
        texts.append(json.dumps({"event": name, "type": name}))
    return texts
