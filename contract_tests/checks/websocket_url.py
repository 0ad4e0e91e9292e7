"""The URL as a credential: unguessable, in the path, single-use, short-lived, refused alike."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection

from contract_tests import scenarios
from contract_tests.context import Call, Context, NotDialled, audio_settings
from contract_tests.dialling import Refusal, dial_address
from contract_tests.raw import Answer, handshake, plain_request
from contract_tests.requirements import TALKING, requirement
from contract_tests.target import NotChecked, token_of

URL = "openapi/calls.yaml#/components/schemas/CreatedCall/properties/websocketUrl"
REFUSED_WITHIN_S = 2.0
LEAST_BITS = 112.0
"""A random UUID has 122 bits, a few of the 128; from outside they cannot be told apart with certainty."""

RACERS = 12
HARMLESS = ("get", "head", "post", "no-key", "old-version", "no-upgrade")
"""What is sent to a URL that must not use it up."""


async def _refused(it: Context, outcome: Any) -> Refusal | None:
    """How a dial was refused; None where it was not.  A close at once, with no message before it, is a refusal."""
    if isinstance(outcome, Refusal):
        return outcome
    socket: ClientConnection = outcome
    refusal = await _closed_at_once(socket)
    await socket.close()
    return refusal


async def _closed_at_once(socket: ClientConnection) -> Refusal | None:
    try:
        async with asyncio.timeout(REFUSED_WITHIN_S):
            await socket.recv()
    except TimeoutError:
        return None
    except Exception:
        return Refusal(status=None, reason=f"close {socket.close_code} {socket.close_reason or ''}".strip())
    return None


async def _opened(it: Context, call: Call) -> bool:
    """Dial a call and tell whether it opened; it stays open only for this moment."""
    outcome = await it.dial(call)
    if isinstance(outcome, Refusal):
        return False
    refusal = None
    try:
        async with asyncio.timeout(0.7):
            await outcome.recv()
    except TimeoutError:
        pass
    except Exception:
        refusal = True
    await outcome.close()
    return refusal is None


def _commands(it: Context, call: Call, *more: str) -> tuple[str, ...]:
    return (*it.dial_command(call), *more)


@requirement(
    "websocket-url.dialable",
    "A websocketUrl opens a WebSocket, without key, subprotocol, extension, Origin or query.",
    source=URL,
    how="A call of each connection type is created and dialled with the headers of a plain handshake.",
    why="Carriers send nothing else, and drop the query.",
    mend="Answer the upgrade with 101 by the path alone; ask for no key, no Origin and no subprotocol.",
    variants=(*TALKING, "webrtc"),
    smoke=True,
)
async def dialable(it: Context) -> None:
    """One dial."""
    dialled = await _dialled_again(it)
    if dialled.first is not None:
        it.wrong("101, and an open socket", dialled.first.reason, *_commands(it, dialled.call))


@dataclass
class _Dialled:
    """A call that was dialled, and dialled again: how each dial was refused, None where it was not."""

    call: Call
    first: Refusal | None
    during: Refusal | None = None
    after: list[Refusal | None] = field(default_factory=list)


async def _dialled_again(it: Context) -> _Dialled:
    """One call, dialled plainly, again while it goes on, and twice after its end."""

    async def record() -> _Dialled:
        call = await it.call("inline", **audio_settings(it.variant))
        first = await it.dial(call)
        dialled = _Dialled(call, first if isinstance(first, Refusal) else None)
        if isinstance(first, Refusal):
            return dialled
        if it.variant == "webrtc":
            await first.close()
            return dialled
        try:
            dialled.first = await _closed_at_once(first)
            dialled.during = await _refused(it, await it.dial(call))
        finally:
            await first.close()
        for pause_s in (0.3, 2.0):
            await asyncio.sleep(pause_s)
            dialled.after.append(await _refused(it, await it.dial(call)))
        return dialled

    dialled: _Dialled = await it.judge.recording(f"dialled-again-{it.variant}-{it.attempt}", record)
    return dialled


@requirement(
    "websocket-url.agent-call",
    "The URL of a call to a saved agent can be dialled too.",
    source=URL,
    how="A call of each connection type is created with /calls/create and dialled.",
    why="Both operations hand out the same kind of URL.",
    mend="Store calls of both operations where the socket's side looks.",
    variants=TALKING,
)
async def agent_call(it: Context) -> None:
    """One dial."""
    try:
        recording = await scenarios.agent_call(it)
    except NotDialled as refused:
        it.wrong("101, and an open socket", refused.reason, *_commands(it, refused.call))
        return
    line = recording.line
    if not line.heard and line.closed_at is not None and line.closed_at - line.opened_at < REFUSED_WITHIN_S:
        it.wrong("101, and an open socket", f"close {line.close_code}", *_commands(it, recording.call))


@requirement(
    "websocket-url.unknown-query",
    "Unknown query parameters of a dial are ignored.",
    source=URL,
    how="A URL is dialled with parameters behind it, as some clients add them.",
    why="Client libraries add their version there.",
    mend="Find the call by the path, and look at no query.",
)
async def unknown_query(it: Context) -> None:
    """Parameters that Ultravox' client adds."""
    call = await it.call("inline")
    refusal = await _refused(it, await it.dial(call, query="?clientVersion=1.0&apiVersion=1"))
    if refusal is not None:
        it.wrong("101: unknown parameters are ignored", refusal.reason, *_commands(it, call))


@requirement(
    "websocket-url.single-use",
    "A websocketUrl opens one WebSocket; a second dial is refused.",
    source=URL,
    how="A URL is dialled twice while the call goes on, again after its end, and again some seconds later.",
    why="Whoever finds the URL in a log must not get into the call.",
    mend="Take the token out of the store, in one step, when the upgrade is answered.",
    variants=TALKING,
    smoke=True,
)
async def single_use(it: Context) -> None:
    """During the call and after it."""
    dialled = await _dialled_again(it)
    again = _commands(it, dialled.call, "# the same again")
    if not dialled.after:
        raise NotChecked("the call could not be dialled; websocket-url.dialable says more")
    if dialled.during is None:
        it.wrong("a refusal: the call goes on", "a second open socket", *again)
    elif None in dialled.after:
        it.wrong("a refusal: the call is over", "a second open socket", *again)


@requirement(
    "websocket-url.race",
    "Of many dials of one URL at the same moment, exactly one opens.",
    source=URL,
    how=f"{RACERS} dials are made at once, in three rounds.",
    why="A check and a deletion in two steps let two callers into one call.",
    mend="Look the token up and take it away in one atomic step.",
    smoke=True,
)
async def race(it: Context) -> None:
    """Three rounds."""
    for _ in range(1 if it.hasty else 3):
        began_at = time.monotonic()
        call = await it.call("inline", firstSpeaker="user")
        outcomes = await asyncio.gather(*(it.dial(call) for _ in range(RACERS)))
        refusals = await asyncio.gather(*(_refused(it, outcome) for outcome in outcomes))
        opened = sum(refusal is None for refusal in refusals)
        if not opened and it.judge.lag_since(began_at) > 1.0:
            raise NotChecked("this machine was too busy to dial in time: run again")
        if opened != 1:
            it.wrong("one open socket", f"{opened} of {RACERS}", *_commands(it, call, f"# {RACERS} of these at once"))
            return


@requirement(
    "websocket-url.only-an-upgrade-uses-it-up",
    "A plain GET, a bad handshake or a refused Origin does not use a URL up.",
    source=URL,
    how="Before a URL is dialled it is fetched with GET, HEAD and POST, dialled with broken handshakes "
    "and from a foreign "
    "Origin.",
    why="Link scanners fetch every URL that they see: the call would be lost.",
    mend="Take the token only when 101 is answered.",
    variants=(*HARMLESS, "origin"),
)
async def only_an_upgrade(it: Context) -> None:
    """One attempt of each kind, then the dial."""

    async def all_at_once() -> bool:
        """Whether a URL outlives everything that must not use it up."""
        call = await it.call("inline", firstSpeaker="user")
        harmless = await asyncio.gather(*(_harmless(it, call, attempt) for attempt in HARMLESS))
        return all(harmless) and await _opened(it, call)

    if it.variant in HARMLESS and await it.judge.recording("harmless", all_at_once):
        return
    call = await it.call("inline", firstSpeaker="user")
    if it.variant == "origin":
        if await _refused(it, await it.dial(call, headers={"Origin": "http://evil.example"})) is None:
            return
    elif not await _harmless(it, call, it.variant):
        raise NotChecked("the target opens a WebSocket for such a handshake")
    if not await _opened(it, call):
        it.wrong(f"101: {it.variant} does not use the URL up", "the dial was refused", *_commands(it, call))


async def _harmless(it: Context, call: Call, attempt: str) -> bool:
    """Send what must open nothing; False where it did."""
    changes: dict[str, dict[str, str | None]] = {
        "no-key": {"Sec-WebSocket-Key": None},
        "old-version": {"Sec-WebSocket-Version": "8"},
        "no-upgrade": {"Upgrade": None, "Connection": "close"},
    }
    address = dial_address(call.url, it.settings)
    if attempt not in changes:
        await plain_request(attempt.upper(), address, it.settings)
        return True
    answer = await plain_request("GET", address, it.settings, headers=handshake(changes[attempt]))
    return answer.status != 101


@requirement(
    "websocket-url.refused-alike",
    "A used and an unknown URL are refused with the same answer.",
    source=URL,
    how="A used URL, an expired one (--url-ttl) and one with another token are dialled; status, body "
    "and close are compared.",
    why="A difference tells an attacker which tokens were once good.",
    mend="Answer every token that opens nothing in one place, with one answer.",
    smoke=True,
)
async def refused_alike(it: Context) -> None:
    """Used against made-up."""
    dialled = await _dialled_again(Context(it.judge, "twilio", it.attempt))
    if not dialled.after:
        raise NotChecked("the call could not be dialled; websocket-url.dialable says more")
    call, used = dialled.call, dialled.after[0]
    token = token_of(call.url)
    other = _other_token(token)
    it.judge.secrets.add(other, "[made-up token]")
    unknown = await _refused(it, await it.dial(call.url.replace(token, other)))
    if unknown is None:
        it.wrong("a refusal: nobody was given this URL", "an open socket", *_commands(it, call, "# with another token"))
    elif used is not None and _look(used, token) != _look(unknown, other):
        it.wrong(
            f"the same refusal as for a made-up token: {_shown(unknown)}",
            f"for a used token: {_shown(used)}",
            *_commands(it, call, "# twice, then with another token"),
        )


def _look(refusal: Refusal, token: str) -> tuple[Any, ...]:
    """A refusal without what differs from one answer to the next by right."""
    body = refusal.body
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if isinstance(error, dict):
        body = f"{error.get('message')} {error.get('code')}"
    body = re.sub(r"[0-9a-fA-F-]{8,}|\d+", "#", body.replace(token, "#"))
    names = frozenset(name for name, _ in refusal.headers)
    return refusal.status, refusal.reason, body, names


def _shown(refusal: Refusal) -> str:
    return f"{refusal.reason} {refusal.body[:200]}".strip()


def _other_token(token: str) -> str:
    """A token of the same look that was never handed out."""
    changed = list(token)
    for index in (len(changed) // 2, len(changed) // 3):
        letter = changed[index]
        changed[index] = ("1" if letter == "0" else "0") if letter.isdigit() else ("b" if letter != "b" else "a")
    return "".join(changed)


@requirement(
    "websocket-url.plain-get",
    "A plain GET of a websocketUrl never answers 2xx, and is the same for live and dead URLs.",
    source=URL,
    how="A live URL, a used one and one with another token are fetched; the answers are compared.",
    why="Link scanners would otherwise learn which URLs are alive.",
    mend="Answer GET on the socket's path without looking at the token.",
    smoke=True,
)
async def plain_get(it: Context) -> None:
    """Live, used, made up."""
    used = (await _dialled_again(Context(it.judge, "twilio", it.attempt))).call
    live = await it.call("inline", firstSpeaker="user")
    token = token_of(live.url)
    other = live.url.replace(token, _other_token(token))
    it.judge.secrets.add(_other_token(token), "[made-up token]")
    answers: dict[str, Answer] = {}
    for what, url in (("live", live.url), ("used", used.url), ("made up", other)):
        answers[what] = await plain_request("GET", dial_address(url, it.settings), it.settings)
        status = answers[what].status
        if status is not None and 200 <= status < 300:
            it.wrong("no 2xx for a plain GET", f"{status} for a URL that is {what}", "curl -i WEBSOCKET_URL_AS_HTTP")
            return
    looks = {
        what: _look(Refusal(status=answer.status, body=answer.body, headers=answer.headers), token_of(url))
        for (what, answer), url in zip(answers.items(), (live.url, used.url, other), strict=True)
    }
    for what in ("used", "made up"):
        if looks[what] != looks["live"]:
            it.wrong(
                f"the same answer as for a live URL: {answers['live'].status} {answers['live'].body[:120]}",
                f"for one that is {what}: {answers[what].status} {answers[what].body[:120]}",
                "curl -i WEBSOCKET_URL_AS_HTTP",
            )
            return


@requirement(
    "websocket-url.expires",
    "A websocketUrl has to be dialled soon after the call was created.",
    source=URL,
    how="A URL is dialled shortly before its time is over, which must work, and another one after it, which must not.",
    why="A URL that lives for ever is a key that lives for ever.",
    mend="Write down when the call was created, and refuse the dial after the time; count it in real time.",
    lasts_s=10,
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
    asked_at = time.monotonic()
    early = await it.call("inline", firstSpeaker="user")
    late = await it.call("inline", firstSpeaker="user")
    created_at = time.monotonic()
    await asyncio.sleep(max(0.0, asked_at + ttl_s - max(1.0, ttl_s / 4) - time.monotonic()))
    opened, over_s = await _opened(it, early), time.monotonic() - asked_at
    if not opened and over_s < ttl_s:
        it.wrong(f"101: less than {over_s:.1f} of {ttl_s:g} s are over", "a refusal", *_commands(it, early))
    await asyncio.sleep(max(0.0, created_at + ttl_s + max(1.5, ttl_s / 4) - time.monotonic()))
    if await _refused(it, await it.dial(late)) is None:
        after_s = time.monotonic() - created_at
        it.wrong(f"a refusal {after_s:.1f} s after the call was created", "an open socket", *_commands(it, late))


@requirement(
    "websocket-url.lives-a-while",
    "A websocketUrl lives long enough to be dialled.",
    source=URL,
    how="A URL is dialled some seconds after it was created: half of --url-ttl, five seconds at the most.",
    why="A carrier takes a moment from the webhook's answer to the dial.",
    mend="Give the URL its whole time, from the creation of the call.",
    lasts_s=5,
)
async def lives_a_while(it: Context) -> None:
    """A dial after some seconds."""
    call = await it.call("inline", firstSpeaker="user")
    wait_s = min(5.0, (it.settings.url_ttl_s or 10.0) / 2)
    await asyncio.sleep(wait_s)
    if not await _opened(it, call):
        it.wrong(f"101, {wait_s:g} s after the call was created", "a refusal", *_commands(it, call))


@requirement(
    "websocket-url.unguessable",
    "A websocketUrl cannot be guessed: at least 128 random bits, never sequential, never holding the API key.",
    source=URL,
    how="The URLs of some twenty calls are compared: what changes from one to the next, and how much of it; they are "
    "searched for the key, the call's id, its hashes, and counters.",
    why="Whoever can guess the URL can take the call.",
    mend="Put 16 random bytes or more from the system's generator into the path (UUIDs have 122 bits).",
    order="last",
    smoke=True,
)
async def unguessable(it: Context) -> None:
    """Entropy, order, derivation."""
    known = [exchange for exchange in it.target.journal.exchanges if exchange.status == 201 and exchange.operation]
    calls = [Call({}, each, body) for each in known[-40:] if isinstance(body := each.json(), dict)]
    calls = [call for call in calls if call.url]
    while len(calls) < 12:
        calls.append(await it.call("inline"))
    urls = [call.url for call in calls]
    for call in calls:
        for key in it.settings.api_keys:
            forms = {key, quote(key, safe=""), key.encode().hex(), base64.urlsafe_b64encode(key.encode()).decode()[:-4]}
            if any(len(form) >= 4 and form in call.url for form in forms):
                it.wrong("a URL without the API key", "the key is in it", *_commands(it, call))
                return
    paths = [urlsplit(url).path for url in urls]
    if len(set(paths)) < len(paths):
        if len(set(urls)) == len(urls):
            it.wrong("a path that identifies the call", "the same path for several calls", *_commands(it, calls[0]))
        return
    bits = _bits(paths)
    if bits < LEAST_BITS:
        it.wrong(
            "at least 128 random bits", f"at most {bits:.0f} bits change from call to call", *_commands(it, calls[0])
        )
        return
    for call in calls:
        if (made_from := _derived_from(call)) is not None:
            it.wrong("a token that follows from nothing else", f"the token is {made_from}", *_commands(it, call))
            return


def _bits(paths: list[str]) -> float:
    """How many bits the changing characters of equally built paths can hold."""
    width = max(map(len, paths))
    columns = ["".join(path[index] if index < len(path) else "" for path in paths) for index in range(width)]
    changing = [column for column in columns if len(set(column)) > 1]
    letters = set("".join(changing)) - set("-_/.")
    if letters <= set("0123456789"):
        size = 10
    elif letters <= set("0123456789abcdef") or letters <= set("0123456789ABCDEF"):
        size = 16
    elif letters <= set("0123456789abcdefghijklmnopqrstuvwxyz") or letters <= set(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ):
        size = 36
    else:
        size = 64
    # A column in which few characters occur among many samples holds less than its alphabet allows.
    return sum(min(math.log2(size), math.log2(len(set(column))) * 1.6 + 0.4) for column in changing)


def _derived_from(call: Call) -> str | None:
    """What a token was computed from, where that is something that others know or can guess."""
    token = token_of(call.url)
    known = {"the call's id": str(call.body.get("id")), "createdAt": str(call.body.get("createdAt"))}
    known |= {f"the number {number}": str(number) for number in range(3000)}
    for what, text in known.items():
        raw = text.encode()
        if token == text or token == base64.urlsafe_b64encode(raw).decode().rstrip("="):
            return what
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, raw, usedforsecurity=False)
            coded = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
            if len(token) >= 20 and (digest.hexdigest().startswith(token.lower()) or coded.startswith(token)):
                return f"the {name} of {what}"
    return None


@requirement(
    "websocket-url.never-echoed",
    "The token appears in no other answer than the one that hands it out.",
    source=URL,
    how="Refused dials, plain requests to the URL and all other answers of the run are searched for the tokens.",
    why="Error pages end up in logs and caches.",
    mend="Leave path and token out of error messages: frameworks' own 404 pages often repeat the path.",
    order="last",
    smoke=True,
)
async def never_echoed(it: Context) -> None:
    """What a used URL is answered with."""
    call = await it.call("inline", firstSpeaker="user")
    token = token_of(call.url)
    await it.post("inline", {})
    address = dial_address(call.url, it.settings)
    for method in ("GET", "POST"):
        answer = await plain_request(method, address, it.settings)
        if token in answer.body or any(token in value for _, value in answer.headers):
            it.wrong("an answer without the token", answer.body[:200], f"curl -i -X {method} WEBSOCKET_URL_AS_HTTP")
    first = await it.dial(call)
    if not isinstance(first, Refusal):
        await first.close()
        await asyncio.sleep(0.3)
        again = await _refused(it, await it.dial(call))
        shown = f"{again.body} {again.reason} {again.headers}" if again else ""
        if token in shown:
            it.wrong("a refusal without the token", shown[:200], *_commands(it, call, "# the same again"))
    tokens = {token_of(url): url for url in _handed_out(it) if len(token_of(url)) >= 16}
    for exchange in it.target.journal.exchanges:
        text = exchange.body.decode("utf-8", "replace") + str(exchange.answer_headers)
        for known in tokens:
            own = exchange.json() if exchange.status == 201 else None
            if known in text and not (isinstance(own, dict) and own.get("websocketUrl") == tokens[known]):
                it.wrong("an answer without a token", exchange.shown(), exchange)
                return


def _handed_out(it: Context) -> list[str]:
    bodies = [each.json() for each in it.target.journal.exchanges if each.status == 201]
    return [str(body["websocketUrl"]) for body in bodies if isinstance(body, dict) and body.get("websocketUrl")]
