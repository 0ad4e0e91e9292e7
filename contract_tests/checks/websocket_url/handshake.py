"""The URL as a way in: one plain dial of it opens the call, and nothing else uses it up."""

from __future__ import annotations

import time

from contract_tests import dials, scenarios
from contract_tests.context import Call, Context, NotDialled
from contract_tests.dialling import REFUSED_WITHIN_S, Refusal, ended
from contract_tests.dials import FOREIGN, HARMLESS, UNKNOWN_QUERY
from contract_tests.requirements import TALKING, requirement
from contract_tests.sources import WEBSOCKET_URL
from contract_tests.target import HeldUp, NotChecked

RACERS, ROUNDS = 12, 6


@requirement(
    "websocket-url.dialable",
    "A websocketUrl opens a WebSocket, without key, subprotocol, extension, Origin or query.",
    source=WEBSOCKET_URL,
    how="A call of each connection type is created and dialled with the headers of a plain handshake.",
    why="Carriers send nothing else, and drop the query.",
    mend="Answer the upgrade with 101 by the path alone; ask for no key, no Origin and no subprotocol.",
    variants=(*TALKING, "webrtc"),
    smoke=True,
    lasts_s=5,
    soon=True,
)
async def dialable(it: Context) -> None:
    """One dial."""
    dialled = await dials.dialled_again(it)
    if dialled.first is not None:
        it.wrong("101, and an open socket", dialled.first.reason, *it.dial_command(dialled.call))


@requirement(
    "websocket-url.agent-call",
    "The URL of a call to a saved agent can be dialled too.",
    source=WEBSOCKET_URL,
    how="A call of each connection type is created with /calls/create and dialled.",
    why="Both operations hand out the same kind of URL.",
    mend="Store calls of both operations where the socket's side looks.",
    variants=TALKING,
    lasts_s=20,
    soon=True,
)
async def agent_call(it: Context) -> None:
    """One dial."""
    it.needs_agent()
    try:
        recording = await scenarios.two_turns(it)
    except NotDialled as refused:
        it.wrong("101, and an open socket", refused.reason, *it.dial_command(refused.call))
        return
    line = recording.line
    if not line.heard and line.closed_at is not None and line.closed_at - line.opened_at < REFUSED_WITHIN_S:
        it.wrong("101, and an open socket", f"close {line.close_code}", *it.dial_command(recording.call))


@requirement(
    "websocket-url.unknown-query",
    "Unknown query parameters of a dial are ignored.",
    source=WEBSOCKET_URL,
    how="A URL is dialled with parameters behind it, as some clients add them.",
    why="Client libraries add their version there.",
    mend="Find the call by the path, and look at no query.",
)
async def unknown_query(it: Context) -> None:
    """Parameters that a known client adds."""
    if (await dials.outlived(it)).opened:
        return
    call = await it.call()
    refusal = await it.refusal(call, query=UNKNOWN_QUERY)
    if refusal is not None:
        it.wrong("101: unknown parameters are ignored", refusal.reason, *it.dial_command(call))


@requirement(
    "websocket-url.single-use",
    "A websocketUrl opens one WebSocket; a second dial is refused.",
    source=WEBSOCKET_URL,
    how="A URL is dialled twice while the call goes on, which must not end for that, again after its end, and again "
    "some seconds later; then once more with an Origin, a subprotocol, a query, or its path spelled otherwise.",
    why="Whoever finds the URL in a log must not get into the call.",
    mend="Take the token out of the store, in one step, when the upgrade is answered.",
    variants=(*TALKING, "webrtc", "create"),
    smoke=True,
)
async def single_use(it: Context) -> None:
    """During the call and after it."""
    dialled = await dials.dialled_again(it)
    if not dialled.after and dialled.first is None:
        raise NotChecked("the call offered no room; webrtc.control-message says more")
    if not dialled.after:
        raise NotChecked("the call could not be dialled; websocket-url.dialable says more")
    again = (*it.dial_command(dialled.call), "# the same again")
    if dialled.during is None:
        it.wrong("a refusal: the call goes on", "a second open socket", *again)
    elif None in dialled.after:
        it.wrong("a refusal: the call is over", "a second open socket", *again)
    elif dialled.ended_by_it and await _goes_on(it):
        it.wrong("a call that goes on when its URL is dialled again", "the end of the call", *again)
    for how in dialled.disguised:
        it.wrong("a refusal: the call is over", f"a second open socket, {how}", *again[:-1], f"# the same again, {how}")


async def _goes_on(it: Context) -> bool:
    """Whether a call goes on for as long whose URL nobody dials again."""
    operation = "create" if it.variant == "create" else "inline"
    socket = await it.dial(await it.any_call(operation, "twilio" if it.variant == "create" else it.variant))
    if isinstance(socket, Refusal):
        return False
    goes_on = not await ended(socket, REFUSED_WITHIN_S + dials.ENDS_WITHIN_S + 0.5)
    await socket.close()
    return goes_on


@requirement(
    "websocket-url.race",
    "Of many dials of one URL at the same moment, exactly one opens.",
    source=WEBSOCKET_URL,
    how=f"{RACERS} connections are made, and then a handshake is sent on each at once, in {ROUNDS} rounds.",
    why="A check and a deletion in two steps let two callers into one call.",
    mend="Look the token up and take it away in one atomic step.",
    smoke=True,
    lasts_s=1,
    soon=True,
)
async def race(it: Context) -> None:
    """Round after round."""
    for _ in range(3 if it.hasty else ROUNDS):
        began_at = time.monotonic()
        call = await it.any_call()
        opened = await it.raced(call, RACERS)
        if not opened and it.judge.lag_since(began_at) > 1.0:
            raise HeldUp("to dial in time")
        if opened != 1:
            it.wrong("one open socket", f"{opened} of {RACERS}", *it.dial_command(call), f"# {RACERS} of these at once")
            return


@requirement(
    "websocket-url.only-an-upgrade-uses-it-up",
    "A plain GET, a bad handshake or a refused Origin does not use a URL up.",
    source=WEBSOCKET_URL,
    how="Before a URL is dialled it is fetched with GET, HEAD and POST, dialled with broken handshakes and from a "
    "foreign Origin.",
    why="Link scanners fetch every URL that they see: the call would be lost.",
    mend="Take the token only when 101 is answered.",
    variants=(*HARMLESS, "origin"),
)
async def only_an_upgrade(it: Context) -> None:
    """All attempts on one URL, then the dial; each on a URL of its own only where that does not go well."""
    if (await dials.outlived(it)).opened:
        return
    call = await it.call(firstSpeaker="user")
    if it.variant == "origin":
        if await it.refusal(call, headers=FOREIGN) is None:
            return
    elif (await dials.harmless(it, call, it.variant)).status == 101:
        raise NotChecked("the target opens a WebSocket for such a handshake")
    if not await it.opens(call):
        _must_be_young(it, call)
        it.wrong(f"101: {it.variant} does not use the URL up", "the dial was refused", *it.dial_command(call))


def _must_be_young(it: Context, call: Call) -> None:
    """Raise NotChecked where a call's URL may have expired by now: what came before the dial took too long."""
    # From when it was asked for: nobody knows at which moment of the answer its time began.
    age_s = time.time() - (call.exchange.answered_at - call.exchange.took_s)
    ttl_s = it.settings.url_ttl_s
    if ttl_s is None and age_s > it.settings.url_lives_s:
        raise NotChecked(f"the URL was {age_s:.1f} s old when its dial was refused, and may have expired: --url-ttl S")
    # Servers that count whole seconds let it expire up to one too soon.
    if ttl_s is not None and age_s > ttl_s - min(1.0, ttl_s / 4):
        raise NotChecked(
            f"the URL, which lives for {ttl_s:g} s, was {age_s:.1f} s old when its dial was refused, and may have "
            "expired: a longer --url-ttl"
        )
