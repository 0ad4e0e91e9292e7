"""Requests and messages that nobody thought of."""

from __future__ import annotations

from collections.abc import Sequence

from contract.codec import Wire
from contract_tests import odd_messages
from contract_tests.context import Call, Context, audio_settings
from contract_tests.crashing import guilty_among
from contract_tests.findings import Layer
from contract_tests.fuzzing import fuzz
from contract_tests.requirements import TALKING, requirement
from contract_tests.schemathesis_run import run_schemathesis
from contract_tests.settings import LEFT_FOR_OTHERS, REQUESTS_PER_KEY, Profile
from contract_tests.target import NotChecked

PATHS = "openapi/calls.yaml#/paths"
VALID = {"create": 6, "create-websocket": 8, "inline": 16, "inline-websocket": 16}
INVALID = {"create": 10, "create-websocket": 14, "inline": 26, "inline-websocket": 26}
"""Requests for each variant, if the budget has room for all of them: one of them can be odd in many ways, but damaged
in only one place."""
VARIANTS = tuple(VALID)
OTHERS = 370
"""What all other checks ask of a target that does everything right, with all keys together."""
SPARE = 30
"""Requests that are left when these and those of the others have been made."""
LEAST = 1
"""Requests for each variant, however few are left for it."""

MESSAGES = {Profile.SMOKE: 100, Profile.DEFAULT: 100, Profile.DEEP: 2000}
"""Messages with any damage, for each variant, beside those whose damage the schema suggests."""
CALLS = 6
"""How often a call is placed anew because the last one ended, before all messages were sent."""
AT_ONCE = 4
"""Messages that are sent without a pause."""
ALONE = 8
"""How many messages are then sent on a call of their own."""

HOW = (
    "schemathesis makes requests from the document, and something odd is put into each: {what}. The first that is "
    "answered wrongly is made as small as it can be. As many as the budget of requests leaves room for; hundreds in "
    "the deep profile, where schemathesis then also runs by itself, with all its phases and the checks that fit."
)


async def _fuzz(it: Context, *, valid: bool) -> None:
    operation, _, websocket = it.variant.partition("-")
    settings = it.settings
    reserve = LEFT_FOR_OTHERS[settings.profile]
    room = REQUESTS_PER_KEY[settings.profile] * len(settings.api_keys) - OTHERS - SPARE
    share = min(1.0, room / sum([*VALID.values(), *INVALID.values()]))
    most = 400 if it.deep else max(LEAST, int((VALID if valid else INVALID)[it.variant] * share))
    most = max(LEAST, min(most, it.target.left() - reserve))
    # Where no key is left, it says why.
    it.target.key()
    if it.target.left() < LEAST:
        raise NotChecked("the profile's budget of requests leaves none for fuzzing: more keys, or --profile deep")
    await fuzz(it, operation, valid=valid, websocket=bool(websocket), most=most)
    if it.deep and not it.cases:
        await run_schemathesis(it, operation, valid=valid, websocket=bool(websocket))


@requirement(
    "fuzz.valid-requests",
    "Every request that the document allows creates a call.",
    source=PATHS,
    how=HOW.format(what="odd texts, odd metadata, fields that nobody knows, any combination of optional fields"),
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
    how=HOW.format(what="one value at any depth is made another type, another value, or left out"),
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
    how="The documents' own messages are damaged one field at a time: as their schemas suggest, and in ways that "
    "nobody thought of (contract_tests/damage.py, odd.py). Many are sent on one call, in an order that the seed "
    "decides; after a crash the last ones are sent again, each on a call of its own, as are some where calls end "
    "early. In the deep profile hypothesis then makes short lists of messages, any value in any place, and makes a "
    "list that crashes a call as small as it can be.",
    why="A crash is a bug that anybody can trigger.",
    mend="Catch errors where messages are read.",
    variants=TALKING,
    lasts_s=4,
)
async def damaged_messages(it: Context) -> None:
    """Each damaged message, many on one call; then few on many calls."""
    await _many_messages(it)
    if not it.deep or it.cases:
        return
    # hypothesis takes long to load, and only here it is needed in this process.
    from contract_tests.message_fuzzing import smallest_crash

    examples = [payload for _, _, payload in odd_messages.examples(it.variant)]
    if found := await smallest_crash(it, examples):
        call, messages = found
        received = f"a crash on a call that began with {' and '.join(messages)}"
        it.wrong("the call goes on, or a close that refuses", received, *it.dial_command(call))


async def _many_messages(it: Context) -> None:
    waiting = odd_messages.made(it.variant, it.settings.seed, MESSAGES[it.settings.profile])
    number = len(waiting)
    for _ in range(CALLS):
        call = await it.call("inline", firstSpeaker="user", **audio_settings(it.variant))
        sent: list[str] = []
        async with it.line(call, rubbish=True) as line:
            while waiting and line.alive:
                for text in waiting[:AT_ONCE]:
                    await line.send(text)
                    sent.append(text)
                del waiting[:AT_ONCE]
                await line.until(lambda: not line.alive, 0.05)
            await line.until(lambda: not line.alive, 0.5)
            crashed = line.crashed
        if crashed:
            # What came last need not be what it choked on: it may have been busy.
            suspects = sent[: -2 * AT_ONCE - 1 : -1]
            if _judge(it, call, await guilty_among(it, suspects)):
                return
        if not waiting:
            return
    if _judge(it, call, await guilty_among(it, waiting[:ALONE])):
        return
    left = len(waiting[ALONE:])
    if left > number / 2:
        raise NotChecked(f"the agent ended each call so soon that {left} of {number} messages were not sent")


def _judge(it: Context, call: Call, guilty: Sequence[Wire]) -> bool:
    """Write down the shortest message that crashes a call; whether there is one."""
    if guilty:
        shown = min(guilty, key=len)[:300]
        it.wrong("the call goes on, or a close that refuses", f"a crash on {shown!s}", *it.dial_command(call))
    return bool(guilty)
