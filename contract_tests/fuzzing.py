"""Requests that nobody thought of: schemathesis makes them from the document, and something odd is put into each.

The document's copy that they are made from pins what only the target knows (agents, voices), and leaves out what the
contract leaves free.  What a request has to be answered with is decided by openapi-core and the whole document, so the
two libraries check each other.  Making one costs nothing: only those are sent of which it is decided.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from contract_tests.context import Context, audio_settings
from contract_tests.deciding import SCHEMAS, due, likely_due, narrowed
from contract_tests.message_fuzzing import HYPOTHESIS
from contract_tests.odd import KEYS, Rotation, odd_object, odd_text, odd_value
from contract_tests.shrinking import shrunk
from contract_tests.target import PATHS, Exchange, Meant, OutOfRequests

TOOLS: list[Any] = [
    {
        "temporaryTool": {
            "modelToolName": "book_repair",
            "description": "Books a repair.",
            "timeout": "2.5s",
            "precomputable": True,
            "defaultReaction": "AGENT_REACTION_SPEAKS",
            "dynamicParameters": [
                {
                    "name": "day",
                    "location": "PARAMETER_LOCATION_BODY",
                    "schema": {"type": "string"},
                    "required": True,
                }
            ],
            "staticParameters": [{"name": "shop", "location": "PARAMETER_LOCATION_QUERY", "value": "north"}],
            "automaticParameters": [{"name": "call", "location": "PARAMETER_LOCATION_HEADER"}],
            "http": {"baseUrlPattern": "https://shop.example.com/repairs", "httpMethod": "POST"},
        }
    },
    {"temporaryTool": {"modelToolName": "showMap", "timeout": "40s", "client": {}}},
    {"temporaryTool": {"modelToolName": "a", "description": "Looks something up.", "dataConnection": {}}},
]
"""Tools that fit.  Saved ones are not among them: a service may look them up."""

Bodies = Iterator[tuple[int | None, dict[str, Any]]]
"""What each request has to be answered with, and its body."""

MOST_BYTES = 60_000
"""No request is larger: from 64 KiB on a service may refuse it."""
LEFT_OVER = 50
"""Requests that are not spent on making a failing one smaller."""
SHRINKS = 60
"""The most requests that are."""


async def fuzz(it: Context, operation: str, *, valid: bool, websocket: bool, most: int) -> None:
    """Send so many requests of one kind until one is answered wrongly; the smallest one like it is written down."""
    kind = f"{operation}-websocket" if websocket else operation
    plain = it.valid(operation) | (audio_settings("websocket") if websocket else {})
    # In threads: this one keeps the time of calls.
    values = await it.recording(f"fuzzing-{kind}", lambda: asyncio.to_thread(_values, it, operation, websocket))
    random = Random(f"{it.settings.seed + it.attempt} {kind} {valid}")
    bodies = (_odd_bodies if valid else _damaged_bodies)(it, operation, values, plain, random)
    # Found by one library, and decided by the other.
    known = it.valid(operation)
    decided = ((wanted, body) for wanted, body in bodies if due(known, operation, body) == wanted)
    for wanted, body in await asyncio.to_thread(lambda: list(itertools.islice(decided, most))):
        if _is_right(wanted, await _sent(it, operation, body)):
            continue
        found = await _smallest(it, operation, body, plain, wanted)
        if found is not None:
            expected = f"{wanted or 'an answer below 500'}: a plain request {_difference(found, plain)}"
            it.wrong(expected, found.shown(), found, f"# seed {it.settings.seed}")
            return


async def _sent(it: Context, operation: str, body: Any) -> Exchange:
    return await it.post(operation, content=json.dumps(body).encode(), meant=Meant.FREE)


def _is_right(wanted: int | None, exchange: Exchange) -> bool:
    status = exchange.status
    return status is not None and (status == wanted if wanted else status < 500)


def _difference(exchange: Exchange, plain: dict[str, Any]) -> str:
    """What makes a request more than a plain one, in words."""
    body = json.loads(exchange.content)
    others = {key: value for key, value in body.items() if key not in plain or plain[key] != value}
    missing = [key for key in plain if key not in body]
    words = [f"with {json.dumps(others)[:300]}"] if others else []
    return " and ".join([*words, *(f"without {key}" for key in missing)])


async def _smallest(
    it: Context, operation: str, body: Any, plain: dict[str, Any], wanted: int | None
) -> Exchange | None:
    """The answer to the smallest request that is answered as wrongly; None where not even this one is once more."""
    failed: list[Exchange] = []
    tries = itertools.count()
    known = it.valid(operation)

    async def fails(smaller: Any) -> bool:
        if due(known, operation, smaller) != wanted or it.target.left() < LEFT_OVER or next(tries) > SHRINKS:
            return False
        try:
            exchange = await _sent(it, operation, smaller)
        except OutOfRequests:
            return False
        right = _is_right(wanted, exchange)
        if not right:
            failed.append(exchange)
        return not right

    if await fails(body):
        await shrunk(body, plain, fails)
    return failed[-1] if failed else None


def _odd_bodies(
    it: Context, operation: str, values: dict[str, list[Any]], plain: dict[str, Any], random: Random
) -> Bodies:
    """Valid bodies without end: some of the fields, odd texts, odd metadata, fields that nobody knows."""
    known = it.valid(operation)
    # Only a few of them may be sent: what is long, and what is many, comes soon.
    for number in itertools.count():
        body = _mixed(operation, values, plain, random)
        for holder in (body, *_temporary_tools(body)):
            for field in ("systemPrompt", "greeting", "description"):
                if field in holder and random.random() < 0.9:
                    holder[field] = odd_text(random, long=number % 2 == 0)
        if random.random() < 0.9:
            body["metadata"] = odd_object(random, many=number % 2 == 1)
        for _ in range(random.choice((0, 1, 3))):
            body.setdefault(random.choice(KEYS), odd_value(random))
        wanted = likely_due(known, operation, body)
        # What the contract leaves free must not crash; but few requests are spent on it.
        if len(json.dumps(body)) <= MOST_BYTES and (wanted == 201 or (wanted is None and random.random() < 0.1)):
            yield wanted, body


def _damaged_bodies(
    it: Context, operation: str, values: dict[str, list[Any]], plain: dict[str, Any], random: Random
) -> Bodies:
    """Invalid bodies without end: each a valid one with one place damaged."""
    rotation = Rotation(random)
    known = it.valid(operation)
    while True:
        body = _mixed(operation, values, plain, random)
        # What is wrong in there is no fault.
        body.pop("selectedTools", None)
        if "metadata" in body:
            body["metadata"] = {}
        found = rotation.damaged(body, lambda damaged: likely_due(known, operation, damaged) == 400)
        if found is not None:
            yield 400, found[1]


def _mixed(operation: str, values: dict[str, list[Any]], plain: dict[str, Any], random: Random) -> dict[str, Any]:
    """A body of any values; what need not be there is left out at times."""
    share = random.choice((0.0, 0.0, 0.0, 0.6))

    def some(of: dict[str, Any], needed: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in of.items() if key in needed or random.random() >= share}

    body = {key: copy.deepcopy(random.choice(of)) for key, of in some(values, plain).items()}
    if operation == "inline" and random.random() >= share:
        body["selectedTools"] = copy.deepcopy(random.sample(TOOLS, random.choice((1, 2, 2))))
    if "websocket" in body:
        body["websocket"] = some(body["websocket"], plain["websocket"])
    return body


def _temporary_tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["temporaryTool"] for entry in body.get("selectedTools", ()) if "temporaryTool" in entry]


def _values(it: Context, operation: str, websocket: bool) -> dict[str, list[Any]]:
    """Different valid values of each field that the document knows."""
    document = narrowed(it.valid(operation), operation, websocket=websocket)
    for name in (SCHEMAS[operation], "AudioSettings"):
        schema = document["components"]["schemas"][name]
        schema |= {"required": list(schema["properties"]), "additionalProperties": False}
    with HYPOTHESIS:
        bodies = _valid_bodies(document, PATHS[operation], it.settings.seed + it.attempt)
    # As texts, because true and 1 are the same in Python.
    different = {key: {json.dumps(body[key]): body[key] for body in bodies} for key in bodies[0]}
    return {key: list(values.values()) for key, values in different.items()}


def _valid_bodies(document: dict[str, Any], path: str, seed: int) -> list[dict[str, Any]]:
    import schemathesis
    from schemathesis import GenerationMode

    schema = schemathesis.openapi.from_dict(document)
    cases = schema[path]["POST"].as_strategy(generation_mode=GenerationMode.POSITIVE)
    bodies: list[dict[str, Any]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=30,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(cases)
    def collect(case: Any) -> None:
        if isinstance(case.body, dict):
            bodies.append(case.body)

    collect()
    return bodies
