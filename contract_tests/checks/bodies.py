"""What holds for every request body: JSON, an object, in UTF-8; and whatever comes, an answer below 500."""

from __future__ import annotations

import json
from typing import Any

from contract_tests.context import Context
from contract_tests.requirements import OPERATIONS, requirement
from contract_tests.target import Meant

REQUEST = "openapi/calls.yaml#/components/responses/BadRequest"
HOLDS = "openapi/calls.yaml#/info/description"


UNKNOWN = {"xNew": 1, "anotherField": {"a": [None]}, "nothing": None, "": "", "agent": "x", "id": "y"}
UNKNOWN_INSIDE = {
    "connectionType": "websocket",
    "websocket": {"inputSampleRate": 16000, "outputSampleRate": 16000, "future": True, "nothing": None},
}
OF_THE_OTHER: dict[str, dict[str, Any]] = {"create": {"systemPrompt": 5, "temperature": "x"}, "inline": {"agentId": 5}}
ANYTHING = {
    "text": "x",
    "number": -1.5,
    "large": 9007199254740993,
    "true": True,
    "null": None,
    "list": [1, "a", None, {"b": []}],
    "deep": {"a": {"b": {"c": {"d": 1}}}},
    "": "empty key",
    "a.b $c": "odd key",
}
LONG_PROMPT = "Be kind " * 7_500


def _text(it: Context, **changes: Any) -> str:
    return json.dumps(it.valid(**changes))


def _nested(levels: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(levels):
        nested = {"a": nested}
    return nested


async def _legal(it: Context, each: dict[str, dict[str, Any]]) -> None:
    """Legal bodies: all that is legal in one request, each alone where that is refused."""
    metadata: dict[str, Any] = ANYTHING | {"nested": _nested(50)}
    every = it.valid() | UNKNOWN | UNKNOWN_INSIDE | OF_THE_OTHER[it.variant] | {"metadata": metadata}
    if it.variant == "inline":
        every["systemPrompt"] = LONG_PROMPT
    else:
        metadata["text"] = "x" * 60_000
    await it.all_accepted(it.variant, "bodies", [every], each)


@requirement(
    "bodies.malformed",
    "A body that is not JSON is answered with 400.",
    source=REQUEST,
    how="Texts that are nearly JSON: cut off, with a comma too many, single quotes, comments, text "
    "behind the end, nothing.",
    why="A client that sends broken JSON has a bug that it must hear of.",
    mend="Parse the body strictly, all of it, and answer parse errors with 400 in the shape of an error.",
    variants=OPERATIONS,
    smoke=True,
)
async def malformed(it: Context) -> None:
    """Each kind of brokenness."""
    text = _text(it)
    texts = {
        "nothing": "",
        "white space": "  ",
        "cut off": text[:-1],
        "a comma too many": text[:-1] + ",}",
        "single quotes": text.replace('"', "'"),
        "a comment": "/* hi */" + text,
        "text behind the end": text + " x",
        "two objects": text + text,
        "a word": "hello",
        "a form": "agentId=1&voice=2",
    }
    seldom = ("white space", "a word", "a form")
    plain = ("nothing", "cut off")
    for what, content in texts.items():
        if it.deep or what in plain or (what not in seldom and not it.hasty):
            await it.refused(it.variant, None, f"the body is {what}", content=content.encode())


@requirement(
    "bodies.object",
    "A body that is JSON but no object is answered with 400.",
    source=REQUEST,
    how="An array, a string, a number, true and null are sent, and the valid body in an array.",
    why="Code that takes fields from something else than an object crashes or guesses.",
    mend="Check that the parsed body is an object before looking into it.",
    variants=OPERATIONS,
)
async def is_object(it: Context) -> None:
    """Each other type."""
    for what, content in {
        "an array": "[]",
        "the request in an array": f"[{_text(it)}]",
        "a string": '"hello"',
        "a number": "42",
        "true": "true",
        "null": "null",
    }.items():
        await it.refused(it.variant, None, f"the body is {what}", content=content.encode())


@requirement(
    "bodies.not-a-number",
    "NaN and Infinity are no JSON: such a body is answered with 400.",
    source=REQUEST,
    how="NaN, Infinity and -Infinity are sent as a known field, an unknown field and inside metadata.",
    why="Python's JSON reader lets them in by default; what they become later is an error that nobody finds.",
    mend="Have the JSON reader refuse the constants NaN, Infinity and -Infinity.",
    variants=OPERATIONS,
)
async def not_a_number(it: Context) -> None:
    """Each constant, each place."""
    text = _text(it)[:-1]
    constants = ("NaN", "-Infinity") if it.variant == "create" else ("Infinity",)
    for constant in ("NaN", "Infinity", "-Infinity") if it.deep else constants:
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
    """A Latin-1 letter, a lone continuation byte, an overlong form."""
    often = b"\xe9" if it.variant == "create" else b"\xc0\xaf"
    for broken in (b"\xe9", b"\x80", b"\xc0\xaf", b"\xff\xfe") if it.deep else (often,):
        content = _text(it, metadata={"name": "HERE"}).encode().replace(b"HERE", broken)
        await it.refused(it.variant, None, f"{broken!r} is no UTF-8", content=content)


@requirement(
    "bodies.unicode",
    "Any text is accepted, in any writing.",
    source=HOLDS,
    how="Text beyond the Basic Multilingual Plane, right-to-left text and combining characters, plain and escaped.",
    why="Greetings and prompts are written in all the languages of the world.",
    mend="Treat strings as Unicode all the way through; four-byte UTF-8 is legal.",
    variants=OPERATIONS,
)
async def unicode_text(it: Context) -> None:
    """As bytes and as escapes."""
    names = {"name": "\U0001f469\u200d\U0001f680 שלום e\u0301 漢字 \U0001d11e"}
    body = it.valid(metadata=names)
    if it.variant == "inline":
        body["greeting"] = "Bonjour ! \U0001f44b 你好"
    plain, escaped = json.dumps(body, ensure_ascii=False), json.dumps(body)
    both = f'{plain[:-2]}, "escaped": {json.dumps(names)}}}}}'
    if it.deep or (await it.post(it.variant, content=both.encode(), meant=Meant.VALID)).status != 201:
        await it.accepted(it.variant, None, "text in any writing", content=plain.encode())
        await it.accepted(it.variant, None, "text as escapes", content=escaped.encode())


@requirement(
    "bodies.media-type",
    "A body of another media type than JSON is answered with 415 (or 400).",
    source="openapi/calls.yaml#/components/responses/UnsupportedMediaType",
    how="A valid body is sent as text, as a form, as XML, as bytes.",
    why="A browser can send such bodies across origins without asking; and a form is no JSON.",
    mend="Check Content-Type before parsing.",
    variants=OPERATIONS,
)
async def media_type(it: Context) -> None:
    """Each other type."""
    content = _text(it).encode()
    for other in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json-seq",
        *(("application/octet-stream", "text/html") if it.deep else ()),
    ):
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
    for same in (
        "application/json; charset=utf-8",
        "Application/JSON",
        *(("application/json;charset=UTF-8", 'application/json; charset="utf-8"') if it.deep else ()),
    ):
        await it.accepted(it.variant, it.valid(), f"{same} is JSON", media_type=same)


@requirement(
    "bodies.unknown-fields",
    "Unknown fields are accepted and ignored.",
    source=HOLDS,
    how="Fields that the document does not know, of every type, null included, at the top and inside websocket.",
    why="Newer clients must be able to speak to older services.",
    mend="Ignore what is unknown; do not forbid additional properties.",
    variants=OPERATIONS,
    smoke=True,
)
async def unknown_fields(it: Context) -> None:
    """At the top and inside."""
    each = {
        "a request with unknown fields": it.valid() | UNKNOWN,
        "an unknown field in websocket": it.valid() | UNKNOWN_INSIDE,
        "a field of the other operation, which is an unknown field here,": it.valid() | OF_THE_OTHER[it.variant],
    }
    await _legal(it, each)


@requirement(
    "bodies.metadata",
    "metadata is an object with any keys and values.",
    source="openapi/calls.yaml#/components/schemas/Metadata",
    how="Objects with every JSON type, nested and empty, are sent; then values that are no object.",
    why="It is the client's own: what is refused or changed there is lost.",
    mend="Take any object, look at nothing in it, and refuse what is no object.",
    variants=OPERATIONS,
)
async def metadata(it: Context) -> None:
    """Any object, and nothing else."""
    await _legal(it, {"metadata of any JSON": it.valid(metadata=ANYTHING)})
    for wrong in ("text", 5, ["a"], True) if it.deep else (["a"],):
        await it.refused(it.variant, it.valid(metadata=wrong), f"metadata is {json.dumps(wrong)}, no object")
    await it.refused(it.variant, it.valid() | {"metadata": None}, "metadata is null")


@requirement(
    "bodies.large",
    "A body up to 64 KiB and 64 levels deep is accepted.",
    source=HOLDS,
    how="Bodies of 60,000 bytes and of 50 levels of nesting inside metadata.",
    why="System prompts are long.",
    mend="Raise the limits of the body parser.",
    variants=OPERATIONS,
)
async def large(it: Context) -> None:
    """Near the limits."""
    each = {
        "a body of 60,000 bytes": it.valid(metadata={"text": "x" * 60_000}),
        "metadata of 50 levels": it.valid(metadata=_nested(50)),
    }
    if it.variant == "inline":
        each["a system prompt of 60,000 characters"] = it.valid(systemPrompt=LONG_PROMPT)
    await _legal(it, each)


@requirement(
    "bodies.odd",
    "Any body, however odd, gets an answer below 500, and does the service no harm.",
    source=HOLDS,
    how="Deep nesting, huge numbers, lone surrogates, NUL, a BOM, other charsets, no media type, "
    "duplicate keys, megabytes.",
    why="Everybody can send such a body; a 500 is a bug, and may be the way to something worse.",
    mend="Catch every error of the JSON reader (recursion and number limits too), and answer it with 400.",
    variants=OPERATIONS,
)
async def odd(it: Context) -> None:
    """Each oddity, then a plain request."""
    text = _text(it)
    start = text[:-1]
    bodies: dict[str, tuple[bytes, str | None]] = {
        "100,000 levels deep": (b"[" * 100_000, ""),
        "a number of 5,000 digits": ((start + ', "x": ' + "9" * 5000 + "}").encode(), ""),
        "a lone surrogate": ((start + ', "x": "\\ud800", "metadata": {"\\udfff": "\\ud800"}}').encode(), ""),
        "UTF-16": (text.encode("utf-16"), "application/json; charset=utf-16"),
        "no media type": (text.encode(), None),
        "five megabytes": (b'{"x": "' + b"y" * 5_000_000 + b'"}', ""),
    }
    others: dict[str, tuple[bytes, str | None]] = {
        "5,000 levels of objects": ((start + ', "x": ' + '{"a":' * 5000 + "1" + "}" * 5000 + "}").encode(), ""),
        "a byte order mark": (b"\xef\xbb\xbf" + text.encode(), ""),
        "duplicate keys, __proto__ and NUL": (
            (start + ', "__proto__": {"x": 1}, "constructor": 5, "x": "a\\u0000b", ' + text[1:]).encode(),
            "",
        ),
        "gzip in name only": (text.encode(), ""),
    }
    seldom: dict[str, tuple[bytes, str | None]] = {
        "a number beyond all bounds": ((start + ', "x": 1e999}').encode(), ""),
        "a NUL byte": (b"\x00" * 10, ""),
        "a media type without sense": (text.encode(), ";;;///"),
        "a megabyte": (json.dumps(it.valid(metadata={"x": "y" * 1_000_000})).encode(), ""),
    }
    bodies |= others
    if it.deep:
        bodies |= seldom
    if it.variant == "inline":
        greeting = json.dumps(it.valid(greeting="\ud800", systemPrompt="\x00"))
        bodies["a lone surrogate as greeting"] = (greeting.encode(), "")
        bodies["a duration of 400 digits"] = ((start + ', "maxDuration": ' + "9" * 400 + "}").encode(), "")
        bodies["a temperature beyond all bounds"] = ((start + ', "temperature": 1e999}').encode(), "")
    else:
        bodies["a lone surrogate as agent"] = (b'{"agentId": "\\ud800"}', "")
        bodies["a NUL as agent"] = (b'{"agentId": "\\u0000"}', "")
    for what, (content, media) in bodies.items():
        headers = {"Content-Encoding": "gzip"} if what.startswith("gzip") else None
        media_type = "application/json" if media == "" else media
        exchange = await it.post(it.variant, content=content, media_type=media_type, headers=headers)
        if exchange.status is None and len(content) > 64 * 1024:
            # Who refuses a large body early may reset the connection, and the answer is lost on the way.
            exchange = await it.post(it.variant, it.valid())
            what = f"a plain request after {what}"
        if exchange.status is None or exchange.status >= 500:
            it.wrong(f"an answer below 500: the body is {what}", exchange.shown(), exchange)
    exchange = await it.post(it.variant, it.valid())
    if exchange.status != 201:
        it.wrong("201: a plain request after the odd ones", exchange.shown(), exchange)
