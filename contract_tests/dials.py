"""What several checks want to know of a URL: each is dialled once, in all ways, and what came of it is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from contract_tests.context import Call, Context
from contract_tests.dialling import Refusal, closed_at_once, dial_address, ended, first_message
from contract_tests.in_force import connection_types
from contract_tests.raw import Answer, handshake, plain_request
from contract_tests.target import NotChecked

ROOM_WITHIN_S = 5.0
ENDS_WITHIN_S = 0.8
"""How soon after a refused dial the call is over that it ends."""


@dataclass
class Dialled:
    """A call that was dialled, and dialled again: how each dial was refused, None where it was not.

    Attributes:
        call: what was created.
        first, during: the first dial, and one while the call went on.
        ended_by_it: whether the call was over right after the refusal of that one.
        after: those after its end; none where the first one was refused, or no room was offered on it.
        said: the first message of a webrtc call; empty where none came.
        disguised: how it was dialled once more, with success, where plain dials were refused.
    """

    call: Call
    first: Refusal | None
    during: Refusal | None = None
    ended_by_it: bool = False
    after: list[Refusal | None] = field(default_factory=list)
    said: str | bytes = ""
    disguised: tuple[str, ...] = ()


DISGUISES: Mapping[str, tuple[str, ...]] = {
    "twilio": ("with a slash behind it", "with a query"),
    "telnyx": ("with an Origin",),
    "plivo": ("with a character percent-encoded",),
    "websocket": ("with an Origin", "with a subprotocol"),
    "webrtc": ("with a doubled slash",),
    "create": ("with a query", "with an Origin"),
}
"""How a URL is dialled once more that was used: each is tried somewhere."""


async def _disguised(it: Context, call: Call) -> tuple[str, ...]:
    """How a used URL can be dialled once more, if it can."""
    url, token = call.url, it.target.token_of(call.body)
    urls = {
        "with a slash behind it": url + "/",
        "with a character percent-encoded": url.replace(token, f"{token[:-1]}%{ord(token[-1]):02X}") if token else url,
        "with a doubled slash": url.replace(f"/{token}", f"//{token}"),
    }
    headers = {"with an Origin": FOREIGN, "with a subprotocol": {"Sec-WebSocket-Protocol": "audio"}}
    opened = []
    for how in DISGUISES[it.variant]:
        query = UNKNOWN_QUERY if how == "with a query" else ""
        if await it.refusal(urls.get(how, call), headers=headers.get(how), query=query) is None:
            opened.append(how)
    return tuple(opened)


async def dialled_again(it: Context) -> Dialled:
    """One call of a connection type, or of a saved agent, dialled plainly, again while it goes on, and twice after it.

    Dials end with the first that opens a second socket.  A webrtc call that offers no room is not dialled again.
    """

    async def record() -> Dialled:
        call = await (it.any_call("create") if it.variant == "create" else it.any_call("inline", it.variant))
        socket = await it.dial(call)
        if isinstance(socket, Refusal):
            return Dialled(call, socket)
        dialled = Dialled(call, None)
        if it.variant == "webrtc":
            dialled.said = await first_message(socket, ROOM_WITHIN_S)
            if not dialled.said:
                await socket.close()
                return dialled
        try:
            if it.variant != "webrtc":
                dialled.first = await closed_at_once(socket)
            dialled.during = await it.refusal(call)
            dialled.ended_by_it = dialled.during is not None and await ended(socket, ENDS_WITHIN_S)
        finally:
            await socket.close()
        for pause_s in (0.3, 2.0):
            await asyncio.sleep(pause_s)
            dialled.after.append(await it.refusal(call))
            if None in (dialled.during, *dialled.after):
                # That it opens more than one socket is plain.
                return dialled
        dialled.disguised = await _disguised(it, call)
        return dialled

    dialled = await it.recording(_dialled_name(it), record)
    assert isinstance(dialled, Dialled)
    return dialled


def was_dialled_again(it: Context) -> bool:
    """Whether `dialled_again` has its answer already."""
    return it.judge.was_played(_dialled_name(it))


def _dialled_name(it: Context) -> str:
    return f"dialled-again-{it.variant}-{it.attempt}"


BROKEN: Mapping[str, Mapping[str, str | None]] = {
    "no-key": {"Sec-WebSocket-Key": None},
    "old-version": {"Sec-WebSocket-Version": "12"},
    "no-upgrade": {"Upgrade": None, "Connection": "close"},
}
"""What is wrong with each broken handshake, beside that it is one."""

HARMLESS = ("get", "head", "post", "put", "options", *BROKEN)
"""What is sent to a URL that must not use it up."""

FOREIGN = {"Origin": "http://evil.example"}
UNKNOWN_QUERY = "?clientVersion=1.0&apiVersion=1"
"""Parameters that Ultravox' client adds to the URL that it dials."""


async def harmless(it: Context, call: Call, attempt: str) -> Answer:
    """Send a URL what must not use it up; the answer."""
    address = dial_address(call.url, it.settings)
    if attempt not in BROKEN:
        return await plain_request(attempt.upper(), address, it.settings)
    # A server that opens a WebSocket all the same leaves the connection open: there is no end to wait for.
    return await plain_request("GET", address, it.settings, headers=handshake(BROKEN[attempt]), within_s=1.5)


@dataclass(frozen=True)
class Outlived:
    """A call whose URL was sent all that must not use it up, and was dialled then, with a query that nobody knows.

    Attributes:
        call: what was created.
        answers: what each of HARMLESS was answered with.
        opened: whether all went well: none of them opened a WebSocket, and a dial did, from a foreign Origin or, where
            that was refused, from none.
    """

    call: Call
    answers: Mapping[str, Answer]
    opened: bool


async def outlived(it: Context) -> Outlived:
    """One call for everything that must not use a URL up, and that a dial must bear."""

    async def record() -> Outlived:
        call = await it.any_call()
        answers = dict(
            zip(HARMLESS, await asyncio.gather(*(harmless(it, call, attempt) for attempt in HARMLESS)), strict=True)
        )
        opened = all(answer.status != 101 for answer in answers.values())
        if opened and await it.refusal(call, headers=FOREIGN, query=UNKNOWN_QUERY) is not None:
            opened = await it.refusal(call, query=UNKNOWN_QUERY) is None
        return Outlived(call, answers, opened)

    found = await it.recording(_outlived_name(it), record)
    assert isinstance(found, Outlived)
    return found


def was_outlived(it: Context) -> bool:
    """Whether `outlived` has its answer already."""
    return it.judge.was_played(_outlived_name(it))


def _outlived_name(it: Context) -> str:
    return f"outlived-{it.attempt}"


@dataclass(frozen=True, kw_only=True)
class Aged:
    """Two calls, one dialled shortly before the time of its URL was over, the other one after it.

    Attributes:
        early, late: what was created.
        opened: whether the early one could be dialled; `over_s` is how old it was then.
        refusal: how the late one was refused, None where it was not; `late_s` is how old it was then.
        others: calls of other connection types, as old at the least, that could be dialled.
    """

    early: Call
    opened: bool
    over_s: float
    late: Call
    refusal: Refusal | None
    late_s: float
    others: Mapping[str, Call]


async def aged(it: Context, operation: str, ttl_s: float) -> Aged:
    """Wait until a URL that an operation handed out has nearly expired, and another one has."""

    async def record() -> Aged:
        asked_at = time.monotonic()
        quiet = {"firstSpeaker": "user"} if operation == "inline" else {}
        early, late = await it.call(operation, **quiet), await it.call(operation, **quiet)
        kinds = [kind for kind in connection_types(operation, it.settings.overlays) if kind != "twilio"]
        others = {}
        for kind in kinds:
            with suppress(NotChecked):
                others[kind] = await it.undialled(operation, kind)
        created_at = time.monotonic()
        await asyncio.sleep(max(0.0, asked_at + ttl_s - max(1.0, ttl_s / 4) - time.monotonic()))
        opened, over_s = await it.opens(early), time.monotonic() - asked_at
        await asyncio.sleep(max(0.0, created_at + ttl_s + max(1.5, ttl_s / 4) - time.monotonic()))
        refusal = await it.refusal(late)
        late_s = time.monotonic() - created_at
        lasting = {kind: call for kind, call in others.items() if await it.refusal(call) is None}
        return Aged(
            early=early, opened=opened, over_s=over_s, late=late, refusal=refusal, late_s=late_s, others=lasting
        )

    found = await it.recording(f"aged-{operation}-{it.attempt}", record)
    assert isinstance(found, Aged)
    return found
