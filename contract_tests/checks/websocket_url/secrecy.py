"""The URL as a credential: nobody can guess it, and no other answer shows it."""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import math
import string
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from contract_tests import dials
from contract_tests.context import Call, Context
from contract_tests.dialling import dial_address
from contract_tests.exchanges import typical
from contract_tests.parsing import json_value, url_parts
from contract_tests.raw import Answer, plain_request
from contract_tests.requirements import requirement
from contract_tests.secrets_kept import is_telling
from contract_tests.sources import WEBSOCKET_URL
from contract_tests.target import SHORTEST_TOKEN, Exchange

FEW_CALLS = 12
LEAST_BITS = 112.0
"""A random UUID has 122 bits, a few of the 128; from outside they cannot be told apart with certainty."""

BEGINNING = 20
"""So many characters of a hash are not the same by chance."""

ALPHABETS = (
    string.digits,
    string.digits + "abcdef",
    string.digits + "ABCDEF",
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
)
"""What tokens are written in, the smallest first; any other is taken for base64url."""


async def _guessed(it: Context) -> None:
    """What the URLs so far let guess, where there are enough."""
    if len(calls := _last_calls(it)) >= FEW_CALLS:
        _judge_urls(it, calls)


@requirement(
    "websocket-url.unguessable",
    "A websocketUrl cannot be guessed: at least 128 random bits, never sequential, never holding the API key.",
    source=WEBSOCKET_URL,
    how="The URLs of some twenty calls are compared: what changes from one to the next, and how much of it; they are "
    "searched for the key, the call's id, its hashes, and counters.",
    why="Whoever can guess the URL can take the call.",
    mend="Put 16 random bytes or more from the system's generator into the path (UUIDs have 122 bits).",
    order="last",
    ahead=_guessed,
    smoke=True,
)
async def unguessable(it: Context) -> None:
    """Entropy, order, derivation."""
    calls = _last_calls(it)
    while len(calls) < FEW_CALLS:
        calls.append(await it.call())
    _judge_urls(it, calls)


def _last_calls(it: Context) -> list[Call]:
    known = [each for each in it.seen if each.status == 201 and each.operation]
    return [call for each in known[-40:] if (call := _created(each)).url]


def _judge_urls(it: Context, calls: list[Call]) -> None:
    urls = [call.url for call in calls]
    for call in calls:
        parts = url_parts(call.url)
        searched = f"{parts.path}?{parts.query}" if parts else call.url
        for key in it.settings.api_keys:
            if not is_telling(key):
                continue
            forms = {
                key,
                key[::-1],
                quote(key, safe=""),
                key.encode().hex(),
                base64.urlsafe_b64encode(key.encode()).decode()[:-4],
            }
            if any(form in searched for form in forms):
                it.wrong("a URL without the API key", "the key is in it", *it.dial_command(call))
                return
    paths = [parts.path if (parts := url_parts(url)) else url for url in urls]
    if len(set(paths)) < len(paths):
        if len(set(urls)) == len(urls):
            it.wrong("a path that identifies the call", "the same path for several calls", *it.dial_command(calls[0]))
        return
    bits = _bits(paths)
    if bits < LEAST_BITS:
        changing = f"at most {bits:.0f} bits change from call to call"
        it.wrong("at least 128 random bits", changing, *it.dial_command(calls[0]))
        return
    # Whoever derives tokens derives all of them.
    for call in calls[:FEW_CALLS]:
        if (made_from := _derived_from(call, it.target.token_of(call.body))) is not None:
            it.wrong("a token that follows from nothing else", f"the token is {made_from}", *it.dial_command(call))
            return


def _created(exchange: Exchange) -> Call:
    request = json_value(exchange.content)
    return Call(request if isinstance(request, dict) else {}, exchange, exchange.json_object())


def _bits(paths: list[str]) -> float:
    """How many bits the changing characters of equally built paths can hold."""
    width = max(map(len, paths))
    columns = ["".join(path[index] if index < len(path) else "" for path in paths) for index in range(width)]
    changing = [column for column in columns if len(set(column)) > 1]
    letters = set("".join(changing)) - set("-_/.")
    size = next((len(alphabet) for alphabet in ALPHABETS if letters <= set(alphabet)), 64)
    # A column in which few characters occur among many samples holds less than its alphabet allows.
    return sum(min(math.log2(size), math.log2(len(set(column))) * 1.6 + 0.4) for column in changing)


def _derived_from(call: Call, token: str) -> str | None:
    """What a token was computed from, where that is something that others know or can guess."""
    own = {"the call's id": str(call.body.get("id")), "createdAt": str(call.body.get("createdAt"))}
    for forms in (_forms(own), _numbers()):
        for begins in {token[:BEGINNING], token.lower()[:BEGINNING]}:
            for form in forms.get(begins, ()):
                cut_short = form.is_hash and len(token) >= BEGINNING and form.text.startswith((token, token.lower()))
                if token == form.text or cut_short:
                    return form.what
    return None


@dataclass(frozen=True, slots=True)
class _Form:
    """A token that is made from something: what it is, the token, and whether a part that has its BEGINNING will do."""

    what: str
    text: str
    is_hash: bool = False


def _forms(texts: Mapping[str, str]) -> Mapping[str, list[_Form]]:
    """The tokens that are made from texts, by their first BEGINNING characters; `texts` by what they are."""
    found = defaultdict(list)
    for what, text in texts.items():
        forms = [_Form(what, text), _Form(what, _base64url(text.encode()))]
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, text.encode(), usedforsecurity=False).digest()
            forms += [_Form(f"the {name} of {what}", coded, True) for coded in (digest.hex(), _base64url(digest))]
        for form in forms:
            found[form.text[:BEGINNING]].append(form)
    return found


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@functools.cache
def _numbers() -> Mapping[str, list[_Form]]:
    """Those of what counts calls."""
    return _forms({f"the number {number}": str(number) for number in range(3000)})


async def _echoed(it: Context) -> None:
    """Whether a token was in another answer so far, or in what was said to who dials."""
    if not it.judge.plain_over:
        # Of few calls nobody knows what in their URLs is a token, and what stands in each URL of a customer.
        return
    await _judge_answers(it)
    if dials.was_outlived(it):
        _judge_outlived(it, await dials.outlived(it))
    if dials.was_dialled_again(twilio := Context(it.judge, "twilio", it.attempt)):
        _judge_refusals(it, await dials.dialled_again(twilio))


@requirement(
    "websocket-url.never-echoed",
    "The token appears in no other answer than the one that hands it out.",
    source=WEBSOCKET_URL,
    how="Refused dials, plain requests to the URL and all other answers of the run are searched for the tokens.",
    why="Error pages end up in logs and caches.",
    mend="Leave path and token out of error messages: frameworks' own 404 pages often repeat the path.",
    order="last",
    ahead=_echoed,
    smoke=True,
)
async def never_echoed(it: Context) -> None:
    """All answers, and what a live URL and a used one are answered with."""
    await typical(it)
    await _judge_answers(it)
    _judge_outlived(it, await dials.outlived(it))
    dialled = await dials.dialled_again(Context(it.judge, "twilio", it.attempt))
    for method in ("GET", "POST"):
        address = dial_address(dialled.call.url, it.settings)
        _judge_plain(it, dialled.call, method, await plain_request(method, address, it.settings))
    _judge_refusals(it, dialled)


async def _judge_answers(it: Context) -> None:
    # It may take long where answers are, and calls may be in progress.
    if (exchange := await asyncio.to_thread(_leaking, it, list(it.seen))) is not None:
        it.wrong("an answer without a token", it.target.shown(exchange), exchange)


def _leaking(it: Context, exchanges: list[Exchange]) -> Exchange | None:
    """The first answer that holds the token of another one."""
    created = [it.target.token_of(each.json_object()) for each in exchanges if each.status == 201]
    tokens = {token for token in created if len(token) >= SHORTEST_TOKEN}
    for exchange in exchanges:
        text = exchange.body.decode("utf-8", "replace") + str(exchange.answer_headers)
        own = it.target.token_of(exchange.json_object()) if exchange.status == 201 else None
        if any(token in text and token != own for token in tokens):
            return exchange
    return None


def _judge_outlived(it: Context, outlived: dials.Outlived) -> None:
    for attempt, answer in outlived.answers.items():
        _judge_plain(it, outlived.call, attempt.upper(), answer)


def _judge_refusals(it: Context, dialled: dials.Dialled) -> None:
    for refusal in (dialled.during, *dialled.after):
        shown = f"{refusal.body} {refusal.reason} {refusal.headers}" if refusal else ""
        if _shows(it, dialled.call, shown):
            it.wrong(
                "a refusal without the token",
                it.judge.secrets.beginning(shown, 200),
                *it.dial_command(dialled.call),
                "# the same again",
            )
            return


def _judge_plain(it: Context, call: Call, attempt: str, answer: Answer) -> None:
    if _shows(it, call, f"{answer.body} {answer.headers}"):
        command = f"curl -i -X {attempt} WEBSOCKET_URL_AS_HTTP"
        broken = f"# a handshake of WEBSOCKET_URL that is broken: {attempt.lower()}"
        shown = broken if attempt.lower() in dials.BROKEN else command
        received = f"{answer.status} {it.judge.secrets.beginning(answer.body, 200)}"
        it.wrong("an answer without the token", received, shown)


def _shows(it: Context, call: Call, text: str) -> bool:
    token = it.target.token_of(call.body)
    return len(token) >= SHORTEST_TOKEN and token in text
