"""URLs that open nothing: used, made up or too old, and all refused alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection

from contract_tests import dials
from contract_tests.context import Call, Context
from contract_tests.dialling import Refusal, dial_address
from contract_tests.likeness import Look, is_like, look_of
from contract_tests.raw import Answer, plain_request
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import WEBSOCKET_URL
from contract_tests.target import NotChecked
from contract_tests.tokens import MOST_OTHERS, another_like, ends_otherwise

SOON_S = 15.0
"""An expired URL is looked at beside others where it expires within this time."""

ASKED_AT_ONCE = 8
"""How many more made-up URLs are asked; after three times, what one answer in ten has is hardly ever missed."""

FETCH = "curl -i WEBSOCKET_URL_AS_HTTP"


@requirement(
    "websocket-url.refused-alike",
    "A used, an expired and an unknown URL are refused with the same answer.",
    source=WEBSOCKET_URL,
    how="A URL whose call goes on, a used one and one with another token are dialled, and an expired one where "
    "--url-ttl says that it expires within 15 seconds; status, body and close are compared, but for what differs from "
    "one answer to the next where more made-up tokens are dialled.",
    why="A difference tells an attacker which tokens were once good.",
    mend="Answer every token that opens nothing in one place, with one answer.",
    smoke=True,
    lasts_s=12,
)
async def refused_alike(it: Context) -> None:
    """Used and expired against made-up."""
    dialled = await dials.dialled_again(Context(it.judge, "twilio", it.attempt))
    if not dialled.after:
        raise NotChecked("the call could not be dialled; websocket-url.dialable says more")
    call = dialled.call
    token = await _token(it, call)

    async def ask(other: str) -> Refusal | None:
        return await it.refusal(call.url.replace(token, other))

    unknown = await ask(_other_token(it, token))
    if unknown is None:
        it.wrong(
            "a refusal: nobody was given this URL", "an open socket", *it.dial_command(call), "# with another token"
        )
        return
    refused = [("a used", call, dialled.after[0]), ("an engaged", call, dialled.during)]
    ttl_s = it.settings.url_ttl_s
    if ttl_s is not None and not it.hasty and ttl_s <= SOON_S and ttl_s + 8 <= it.judge.left_s():
        aged = await dials.aged(it, "inline", ttl_s)
        refused.append(("an expired", aged.late, aged.refusal))
    looks = {
        what: look_of(refusal, it.target.token_of(dead.body)) for what, dead, refusal in refused if refusal is not None
    }
    made_up = await _looks(it, token, unknown, looks.values(), ask)
    for what, dead, refusal in refused:
        if refusal is not None and not is_like(looks[what], made_up):
            it.wrong(
                f"the same refusal as for a made-up token: {_shown(it, unknown, refusal)}",
                f"for {what} token: {_shown(it, refusal, unknown)}",
                *it.dial_command(dead),
                f"# as {what} one, then with another token",
            )


@requirement(
    "websocket-url.plain-get",
    "A plain GET of a websocketUrl never answers 2xx, and is the same for live and dead URLs.",
    source=WEBSOCKET_URL,
    how="A live URL, which can still be dialled afterwards, a used one and one with another token are fetched; the "
    "answers are compared, but for what differs from one answer to the next where more made-up ones are fetched.",
    why="Link scanners would otherwise learn which URLs are alive.",
    mend="Answer GET on the socket's path without looking at the token.",
    smoke=True,
)
async def plain_get(it: Context) -> None:
    """Live, used, made up."""
    used = (await dials.dialled_again(Context(it.judge, "twilio", it.attempt))).call
    outlived = await dials.outlived(it)
    live = outlived.call if outlived.opened else await it.call(firstSpeaker="user")
    token = await _token(it, live)

    async def fetch(other: str) -> Refusal:
        return await _fetched(it, live.url.replace(token, other))

    urls = {"live": live.url, "used": used.url, "made up": live.url.replace(token, _other_token(it, token))}
    tokens = {"live": token, "used": it.target.token_of(used.body)}
    answers: dict[str, Refusal] = {}
    for what, url in urls.items():
        if what == "live" and outlived.opened:
            answer = _as_refusal(outlived.answers["get"])
        else:
            answer = await _fetched(it, url)
        if answer.status is not None and 200 <= answer.status < 300:
            it.wrong("no 2xx for a plain GET", f"{answer.status} for a URL that is {what}", FETCH)
            return
        answers[what] = answer
    looks = {what: look_of(answers[what], tokens[what]) for what in tokens}
    unknown = answers["made up"]
    made_up = await _looks(it, token, unknown, looks.values(), fetch)
    for what, look in looks.items():
        if not is_like(look, made_up):
            it.wrong(
                f"the same answer as for one that is made up: {_shown(it, unknown, answers[what])}",
                f"for a URL that is {what}: {_shown(it, answers[what], unknown)}",
                FETCH,
            )
            return


async def _token(it: Context, call: Call) -> str:
    """What makes a call's URL a credential.

    What stands in every URL of a customer can be told from it only where there are two.
    """
    asked = call.exchange
    alike = [each for each in it.seen if each.status == 201 and each.operation == asked.operation]
    if sum(each.key == asked.key for each in alike) < 2:
        await it.post(asked.operation, content=asked.content, key=asked.key or "", meant=asked.meant)
    return it.target.token_of(call.body)


async def _fetched(it: Context, url: str) -> Refusal:
    return _as_refusal(await plain_request("GET", dial_address(url, it.settings), it.settings))


def _as_refusal(answer: Answer) -> Refusal:
    return Refusal(status=answer.status, body=answer.body, headers=answer.headers, reason=f"HTTP {answer.status}")


async def _looks(
    it: Context, token: str, first: Refusal, found: Collection[Look], ask: Callable[[str], Awaitable[Refusal | None]]
) -> list[Look]:
    """How the answers to made-up tokens look: more are asked for where what others were answered with looks otherwise.

    What differs among these answers was made for each of them: nobody knows anything of these tokens.
    """
    looks = [look_of(first, _other_token(it, token))]
    for asked in range(1, MOST_OTHERS, ASKED_AT_ONCE):
        if all(is_like(each, looks) for each in found):
            break
        # Each only once: a second dial of one may be answered as that of a used one.
        others = [_other_token(it, token, number) for number in range(asked, asked + ASKED_AT_ONCE)]
        # At once, so that answers which come late are waited for but once.
        answers = await asyncio.gather(*map(ask, others))
        looks += [look_of(answer, other) for answer, other in zip(answers, others, strict=True) if answer is not None]
    return looks


def _shown(it: Context, refusal: Refusal, beside: Refusal) -> str:
    """A refusal, and the headers that the one beside it lacks."""
    only = sorted({name for name, _ in refusal.headers} - {name for name, _ in beside.headers})
    headers = f"(headers that the other lacks: {', '.join(only)})" if only else ""
    return " ".join(filter(None, (refusal.reason, it.judge.secrets.beginning(refusal.body, 200), headers)))


def _other_token(it: Context, token: str, number: int = 0) -> str:
    """A token of the same look that was never handed out, one of many; it is shown as little as one that was.

    Raises NotChecked where there is no token.
    """
    if not token:
        raise NotChecked("the websocketUrl holds no token; answers.websocket-url says more")
    other = another_like(token, number)
    if other == token:
        raise NotChecked("the websocketUrl's token holds neither letters nor digits; answers.websocket-url says more")
    it.judge.secrets.add(other, "[made-up token]")
    return other


@requirement(
    "websocket-url.exact",
    "A websocketUrl opens its call as it was handed out, and in no other spelling.",
    source=WEBSOCKET_URL,
    how="A URL that waits for its dial is dialled with another letter in the last quarter of its token, and where the "
    "token has capitals and small letters, with the one turned into the other.",
    why="A token that is read without regard to case, or not to its end, is easier to guess.",
    mend="Compare whole tokens exactly; some databases ignore case where they are not told otherwise.",
)
async def exact(it: Context) -> None:
    """Its end, and its letters in the other case."""
    call = await it.any_call()
    token = await _token(it, call)
    others = {}
    if end := ends_otherwise(token):
        others["with another letter in its last quarter"] = end
    if token not in (token.lower(), token.upper()):
        # Of one case only, as UUIDs and base32: the other is another spelling of the same bits.
        others["with its letters in the other case"] = token.swapcase()
    for how, other in others.items():
        it.judge.secrets.add(other, "[token]")
        if await it.refusal(call.url.replace(token, other)) is None:
            it.wrong(f"a refusal of the URL {how}", "an open socket", *it.dial_command(call), f"# {how}")
            return


@requirement(
    "websocket-url.expires",
    "A websocketUrl has to be dialled soon after the call was created.",
    source=WEBSOCKET_URL,
    how="A URL of each operation is dialled shortly before its time is over, which must work, and another one after "
    "it, which must not; nor may one of each connection type that nobody has dialled.",
    why="A URL that lives for ever is a key that lives for ever.",
    mend="Write down when the call was created, and refuse the dial after the time; count it in real time.",
    variants=OPERATIONS,
    lasts_s=7,
    again=True,
)
async def expires(it: Context) -> None:
    """Just before and just after."""
    ttl_s = it.settings.url_ttl_s
    if ttl_s is None:
        raise NotChecked("how long a URL lives is not known: --url-ttl S")
    if ttl_s + 8 > it.judge.left_s():
        raise NotChecked(
            f"a URL lives for {ttl_s:g} s, longer than this run has left: --max-time, or a shorter --url-ttl"
        )
    aged = await dials.aged(it, it.variant, ttl_s)
    if not aged.opened and aged.over_s < ttl_s:
        within = f"101: less than {aged.over_s:.1f} of {ttl_s:g} s are over"
        it.wrong(within, "a refusal", *it.dial_command(aged.early))
    for kind, other in aged.others.items():
        it.wrong(f"a refusal after {ttl_s:g} s on {kind}, too", "an open socket", *it.dial_command(other))
    if aged.refusal is None:
        expected = f"a refusal {aged.late_s:.1f} s after the call was created"
        it.wrong(expected, "an open socket", *it.dial_command(aged.late))


@requirement(
    "websocket-url.lives-a-while",
    "A websocketUrl lives long enough to be dialled.",
    source=WEBSOCKET_URL,
    how="A URL is dialled some seconds after it was created: half of --url-ttl, five seconds at the most.",
    why="A carrier takes a moment from the webhook's answer to the dial.",
    mend="Give the URL its whole time, from the creation of the call.",
    lasts_s=4,
    soon=True,
    again=True,
)
async def lives_a_while(it: Context) -> None:
    """A dial after some seconds."""
    call = await it.any_call()
    wait_s = it.settings.url_lives_s
    await asyncio.sleep(max(0.0, call.exchange.answered_at + wait_s - time.time()))
    if not await it.opens(call):
        it.wrong(f"101, {wait_s:g} s after the call was created", "a refusal", *it.dial_command(call))
