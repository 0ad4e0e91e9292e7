"""What holds for every request body: JSON, an object, in UTF-8; and whatever comes, an answer below 500."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.context import Context
from contract_tests.exchanges import MEDIA_TYPES, on_one_connection, respelled, twice_coded
from contract_tests.legal_requests import (
    ANYTHING,
    GREETING,
    LONG_PROMPT,
    LONG_TEXT,
    NAMES,
    OF_THE_OTHER,
    UNKNOWN,
    UNKNOWN_INSIDE,
    Changes,
    Part,
    legal,
    nested,
)
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.sources import API

REQUEST = "openapi/calls.yaml#/components/responses/BadRequest"


def _text(it: Context, **changes: Any) -> str:
    return json.dumps(it.valid(**changes))


@requirement(
    "bodies.malformed",
    "A body that is not JSON is answered with 400.",
    source=REQUEST,
    how="Texts that are nearly JSON: nothing and a body that is cut off to both operations; a comma too many and two "
    "objects to create; a raw line break in a text, comments and text behind the end to inline. "
    "A plain request comes after the one that is cut off.",
    why="A client that sends broken JSON has a bug that it must hear of.",
    mend="Parse the body strictly, all of it, and answer parse errors with 400 in the shape of an error.",
    variants=OPERATIONS,
    smoke=True,
)
async def malformed(it: Context) -> None:
    """Each kind of brokenness."""
    text = _text(it)
    first_two = [] if it.hasty else (await on_one_connection(it, it.variant))[:2]
    seen = {each.due for each in first_two if each.exchange.status == each.due}
    texts = {"nothing": "", "cut off": text[:-1]}
    halves = {
        "create": {"a comma too many": text[:-1] + ",}", "two objects": text + text},
        "inline": {
            "a text with a raw line break": text[:-1] + ', "note": "a\nb"}',
            "a comment": "/* hi */" + text,
            "text behind the end": text + " x",
        },
    }
    if it.deep:
        seldom = {"single quotes": text.replace('"', "'"), "a number with a leading zero": text[:-1] + ', "x": 07}'}
        seldom |= {"white space": "  ", "a word": "hello", "a form": "agentId=1&voice=2"}
        texts |= halves["create"] | halves["inline"] | seldom
    elif not it.hasty:
        texts |= halves["create"] | halves["inline"] if it.takes_all else halves[it.variant]
    if 400 in seen:
        del texts["cut off"]
    for what, content in texts.items():
        await it.refused(it.variant, None, f"the body is {what}", content=content.encode())
    if not it.hasty and 201 not in seen:
        await it.accepted(it.variant, it.valid(), "a plain request after broken ones")


@requirement(
    "bodies.object",
    "A body that is JSON but no object is answered with 400.",
    source=REQUEST,
    how="An empty array and the valid body in a string are sent to both operations; true and the valid body in an "
    "array to create; a number and null to inline.",
    why="Code that takes fields from something else than an object crashes or guesses.",
    mend="Check that the parsed body is an object before looking into it.",
    variants=OPERATIONS,
)
async def is_object(it: Context) -> None:
    """Each other type."""
    texts = {"an array": "[]", "a string": twice_coded(_text(it).encode()).decode()}
    halves = {
        "create": {"the request in an array": f"[{_text(it)}]", "true": "true"},
        "inline": {"a number": "42", "null": "null"},
    }
    texts |= halves["create"] | halves["inline"] if it.takes_all else halves[it.variant]
    for what, content in texts.items():
        await it.refused(it.variant, None, f"the body is {what}", content=content.encode())


@requirement(
    "bodies.not-a-number",
    "NaN and Infinity are no JSON: such a body is answered with 400.",
    source=REQUEST,
    how="NaN (to create) and Infinity (to inline) are sent inside metadata, and NaN as temperature.",
    why="Python's JSON reader lets them in by default; what they become later is an error that nobody finds.",
    mend="Have the JSON reader refuse the constants NaN, Infinity and -Infinity.",
    variants=OPERATIONS,
)
async def not_a_number(it: Context) -> None:
    """Each constant, each place."""
    text = _text(it)[:-1]
    often = ("NaN", "Infinity") if it.takes_all else ("NaN",) if it.variant == "create" else ("Infinity",)
    for constant in ("NaN", "Infinity", "-Infinity") if it.deep else often:
        for place in ('"metadata": {"a": %s}', '"unknownField": %s') if it.deep else ('"metadata": {"a": %s}',):
            content = f"{text}, {place % constant}}}"
            await it.refused(it.variant, None, f"{constant} is no JSON", content=content.encode())
    if it.variant == "inline":
        await it.refused("inline", None, "NaN is no JSON", content=f'{text}, "temperature": NaN}}'.encode())


@requirement(
    "bodies.utf-8",
    "A body that is not UTF-8 is answered with 400.",
    source=REQUEST,
    how="Bytes that are no UTF-8 are put into a string of an otherwise valid body.",
    why="Text that was read in the wrong coding is wrong for ever.",
    mend="Decode the body as UTF-8 strictly, and answer what cannot be decoded with 400.",
    variants=OPERATIONS,
)
async def utf_8(it: Context) -> None:
    """A Latin-1 letter, a lone surrogate; a lone continuation byte, an overlong form."""
    halves = {"create": b"\xe9", "inline": b"\xed\xa0\x80"}
    often = tuple(halves.values()) if it.takes_all else (halves[it.variant],)
    for broken in (*often, b"\x80", b"\xc0\xaf", b"\xff\xfe") if it.deep else often:
        content = _text(it, metadata={"name": "HERE"}).encode().replace(b"HERE", broken)
        await it.refused(it.variant, None, f"{broken!r} is no UTF-8", content=content)


@requirement(
    "bodies.unicode",
    "Any text is accepted, in any writing.",
    source=API,
    how="Text beyond the Basic Multilingual Plane, right-to-left text and combining characters, plain and escaped.",
    why="Greetings and prompts are written in all the languages of the world.",
    mend="Treat strings as Unicode all the way through; four-byte UTF-8 is legal.",
    variants=OPERATIONS,
)
async def unicode_text(it: Context) -> None:
    """As bytes and as escapes."""
    body = it.valid(metadata=NAMES)
    if it.variant == "inline":
        body["greeting"] = GREETING
    plain, escaped = json.dumps(body, ensure_ascii=False), json.dumps(body)
    each: dict[str, Changes | bytes] = {"text in any writing": plain.encode(), "text as escapes": escaped.encode()}
    await legal(it, it.variant, Part.TEXT, each)


@requirement(
    "bodies.media-type",
    "A body of another media type than JSON is answered with 415 (or 400).",
    source="openapi/calls.yaml#/components/responses/UnsupportedMediaType",
    how="A valid body is sent as text, to create also as a form and as XML, to inline as a form with files and as "
    "another JSON format.",
    why="A browser can send such bodies across origins without asking; and a form is no JSON.",
    mend="Check Content-Type before parsing.",
    variants=OPERATIONS,
)
async def media_type(it: Context) -> None:
    """Each other type."""
    content = _text(it).encode()
    halves = {
        "create": ("application/x-www-form-urlencoded", "application/xml"),
        "inline": ("multipart/form-data; boundary=x", "application/json-seq"),
    }
    often = (*halves["create"], *halves["inline"]) if it.takes_all else halves[it.variant]
    seldom = ("application/octet-stream", "text/html") if it.deep else ()
    for other in ("text/plain", *often, *seldom):
        await it.refused(it.variant, None, f"the media type is {other}", 415, 400, content=content, media_type=other)


@requirement(
    "bodies.media-type-spelling",
    "application/json is understood with a charset parameter and in any letter case.",
    source="openapi/calls.yaml#/components/responses/UnsupportedMediaType",
    how="A valid body is sent as `application/json; charset=utf-8` and in other spellings of the same.",
    why="Most HTTP clients add the parameter by themselves; media types are case-insensitive (RFC 9110, 8.3.1).",
    mend="Compare the media type without its parameters and without regard to case.",
    variants=OPERATIONS,
)
async def media_type_spelling(it: Context) -> None:
    """Each spelling."""
    if not it.deep and all(exchange.status == 201 for exchange in await respelled(it, it.variant)):
        return
    seldom = ('application/json; charset="utf-8"',) if it.deep else ()
    for same in (*MEDIA_TYPES[it.variant], *seldom):
        await it.accepted(it.variant, it.valid(), f"{same} is JSON", media_type=same)


@requirement(
    "bodies.unknown-fields",
    "Unknown fields are accepted and ignored.",
    source=API,
    how="Fields that the document does not know, of every type, null included, at the top and inside websocket.",
    why="Newer clients must be able to speak to older services.",
    mend="Ignore what is unknown; do not forbid additional properties.",
    variants=OPERATIONS,
    smoke=True,
)
async def unknown_fields(it: Context) -> None:
    """At the top and inside."""
    each: dict[str, Changes | bytes] = {
        "a request with unknown fields": it.valid() | UNKNOWN,
        "an unknown field in websocket": it.valid() | UNKNOWN_INSIDE,
        "a field of the other operation, which is an unknown field here,": it.valid() | OF_THE_OTHER[it.variant],
    }
    await legal(it, it.variant, Part.REST, each)


@requirement(
    "bodies.metadata",
    "metadata is an object with any keys and values.",
    source="openapi/calls.yaml#/components/schemas/Metadata",
    how="Objects with every JSON type, many keys, nested and empty, are sent; then null, an array to inline, and text "
    "to create.",
    why="It is the client's own: what is refused or changed there is lost.",
    mend="Take any object, look at nothing in it, and refuse what is no object.",
    variants=OPERATIONS,
)
async def metadata(it: Context) -> None:
    """Any object, and nothing else."""
    await legal(it, it.variant, Part.REST, {"metadata of any JSON": it.valid(metadata=ANYTHING)})
    often: list[Any] = [["a"]] if it.variant == "inline" else ["text"]
    for wrong in ["text", 5, ["a"], True] if it.deep else often:
        await it.refused(it.variant, it.valid(metadata=wrong), f"metadata is {json.dumps(wrong)}, no object")
    await it.refused(it.variant, it.valid() | {"metadata": None}, "metadata is null")


@requirement(
    "bodies.large",
    "A body up to 64 KiB and 64 levels deep is accepted.",
    source=API,
    how="Bodies of 60,000 bytes and of 50 levels of nesting inside metadata.",
    why="System prompts are long.",
    mend="Raise the limits of the body parser.",
    variants=OPERATIONS,
)
async def large(it: Context) -> None:
    """Near the limits."""
    each: dict[str, Changes | bytes] = {
        "a body of 60,000 bytes": it.valid(metadata={"text": LONG_TEXT}),
        "metadata of 50 levels": it.valid(metadata=nested(50)),
    }
    if it.variant == "inline":
        each["a system prompt of 60,000 characters"] = it.valid(systemPrompt=LONG_PROMPT)
    await legal(it, it.variant, Part.REST, each)


Odd = dict[str, tuple[bytes, str | None]]
"""What is odd by name: a body, and its media type ("" for JSON's, None for none)."""


def _odd_bodies(it: Context) -> Odd:
    """What is odd for one operation: what is read before the path matters is halved between the two."""
    text = _text(it)
    start = text[:-1]

    def put(more: str) -> tuple[bytes, str | None]:
        return f"{start}, {more}}}".encode(), ""

    both: Odd = {
        "100,000 levels deep": (b"[" * 100_000, ""),
        "a number of 5,000 digits": put('"x": ' + "9" * 5000),
    }
    halves: dict[str, Odd] = {
        "create": {
            "5,000 levels of objects": put('"x": ' + '{"a":' * 5000 + "1" + "}" * 5000),
            "a lone surrogate": put('"x": "\\ud800", "metadata": {"\\udfff": "\\ud800"}'),
            "a byte order mark": (b"\xef\xbb\xbf" + text.encode(), ""),
            "UTF-16": (text.encode("utf-16"), "application/json; charset=utf-16"),
        },
        "inline": {
            "duplicate keys, __proto__ and NUL": put(
                '"__proto__": {"x": 1}, "constructor": 5, "x": "a\\u0000b", '
                '"metadata": {"__proto__": {"x": 1}, "constructor": {"prototype": 1}}, ' + text[1:-1]
            ),
            "no media type": (text.encode(), None),
            "gzip in name only": (text.encode(), ""),
            "five megabytes": (b'{"x": "' + b"y" * 5_000_000 + b'"}', ""),
        },
    }
    own: dict[str, Odd] = {
        "create": {
            "a lone surrogate as agent": (b'{"agentId": "\\ud800"}', ""),
            "a NUL, quotes and 300 letters as agent": (json.dumps({"agentId": "\0'\"`" + "x" * 300}).encode(), ""),
        },
        "inline": {
            "a lone surrogate as greeting": (json.dumps(it.valid(greeting="\ud800")).encode(), ""),
            "a NUL as system prompt": (json.dumps(it.valid(systemPrompt="\x00")).encode(), ""),
            "a duration of 400 digits": put('"maxDuration": ' + "9" * 400),
            "a temperature beyond all bounds": put('"temperature": 1e999'),
        },
    }
    often = halves["create"] | halves["inline"] if it.takes_all else halves[it.variant]
    if not it.deep:
        return both | often | own[it.variant]
    seldom: Odd = {
        "a number beyond all bounds": put('"x": 1e999'),
        "a NUL byte": (b"\x00" * 10, ""),
        "a media type without sense": (text.encode(), ";;;///"),
        "a megabyte": (json.dumps(it.valid(metadata={"x": "y" * 1_000_000})).encode(), ""),
    }
    return both | often | seldom | own[it.variant]


@requirement(
    "bodies.odd",
    "Any body, however odd, gets an answer below 500, and does the service no harm.",
    source=API,
    how="Deep nesting, huge numbers, lone surrogates and NUL to both operations; deep objects, a BOM and UTF-16 to "
    "create; no media type, duplicate keys, gzip in name only and megabytes to inline; then a plain request.",
    why="Everybody can send such a body; a 500 is a bug, and may be the way to something worse.",
    mend="Catch every error of the JSON reader (recursion and number limits too), and answer it with 400.",
    variants=OPERATIONS,
)
async def odd(it: Context) -> None:
    """Each oddity, then a plain request."""
    bodies = _odd_bodies(it)
    for what, (content, media) in bodies.items():
        headers = {"Content-Encoding": "gzip"} if what.startswith("gzip") else None
        media_type = "application/json" if media == "" else media
        sent = f"the body is {what}"
        exchange = await it.post(it.variant, content=content, media_type=media_type, headers=headers)
        if exchange.status is None and len(content) > 64 * 1024:
            # Who refuses a large body early may reset the connection, and the answer is lost on the way.
            exchange = await it.post(it.variant, it.valid())
            sent = f"to a plain request after a body of {what}"
        if exchange.status is None or exchange.status >= 500:
            it.wrong(f"an answer below 500: {sent}", it.target.shown(exchange), exchange)
    await it.accepted(it.variant, it.valid(), "a plain request after the odd ones")
