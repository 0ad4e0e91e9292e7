"""Makes requests that nobody thought of: `python -m contract_tests.odd_bodies` reads what is asked for, as JSON.

schemathesis makes valid values from the document, and something odd is put into each request, or one place of it is
damaged.  The document's copy that they are made from pins what only the target knows (agents, voices), and leaves out
what the contract leaves free.  What a request has to be answered with is found by one library, and decided by another
and the whole document; only those of which both agree are given.

It is a process of its own: making them beside calls would hold up the calls, which share the interpreter's lock.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from contract_tests.deciding import due, likely_due, narrowed
from contract_tests.in_force import SCHEMAS, Overlays
from contract_tests.odd import KEYS, Rotation, odd_object, odd_text, odd_value
from contract_tests.target import PATHS

if TYPE_CHECKING:
    from schemathesis import Case, GenerationMode

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


def made(
    known: Mapping[str, dict[str, Any]], audio: dict[str, Any], seed: int, most: int, overlays: Sequence[str] = ()
) -> dict[str, Any]:
    """So many bodies of each kind, by `name_of` the kind, each with what it has to be answered with.

    Args:
        known: a valid body for each operation.
        audio: the fields that ask for a custom client's audio.
        seed: what random choices are made from.
        most: how many.
        overlays: what changes the document.
    """
    found, changes = {}, tuple(overlays)
    for operation, websocket in itertools.product(known, (False, True)):
        body = known[operation]
        plain = body | (audio if websocket else {})
        values = _values(body, operation, websocket, seed, changes)
        for valid in (True, False):
            name = name_of(operation, websocket, valid)
            make = _odd_bodies if valid else _damaged_bodies
            bodies = make(operation, values, body, plain, changes, Random(f"{seed} {name}"))
            decided = ((wanted, odd) for wanted, odd in bodies if due(body, operation, odd, changes) == wanted)
            found[name] = list(itertools.islice(decided, most))
    return found


def name_of(operation: str, websocket: bool, valid: bool) -> str:
    """What bodies of a kind are called."""
    return f"{operation}-websocket {valid}" if websocket else f"{operation} {valid}"


def _odd_bodies(
    operation: str,
    values: dict[str, list[Any]],
    known: dict[str, Any],
    plain: dict[str, Any],
    overlays: Overlays,
    random: Random,
) -> Bodies:
    """Valid bodies without end: some of the fields, odd texts, odd metadata, fields that nobody knows."""
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
        wanted = likely_due(known, operation, body, overlays)
        # What the contract leaves free must not crash; but few requests are spent on it.
        if len(json.dumps(body)) <= MOST_BYTES and (wanted == 201 or (wanted is None and random.random() < 0.1)):
            yield wanted, body


def _damaged_bodies(
    operation: str,
    values: dict[str, list[Any]],
    known: dict[str, Any],
    plain: dict[str, Any],
    overlays: Overlays,
    random: Random,
) -> Bodies:
    """Invalid bodies without end: each a valid one with one place damaged."""
    rotation = Rotation(random)
    while True:
        body = _mixed(operation, values, plain, random)
        # What is wrong in there is no fault.
        body.pop("selectedTools", None)
        if "metadata" in body:
            body["metadata"] = {}
        found = rotation.damaged(body, lambda damaged: likely_due(known, operation, damaged, overlays) == 400)
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


def _values(
    known: dict[str, Any], operation: str, websocket: bool, seed: int, overlays: Overlays
) -> dict[str, list[Any]]:
    """Different valid values of each field that the document knows."""
    document = narrowed(known, operation, websocket=websocket, overlays=overlays)
    for name in (SCHEMAS[operation], "AudioSettings"):
        schema = document["components"]["schemas"][name]
        schema |= {"required": list(schema["properties"]), "additionalProperties": False}
    bodies = _valid_bodies(document, PATHS[operation], seed)
    # As texts, because true and 1 are the same in Python.
    different = {key: {json.dumps(body[key]): body[key] for body in bodies} for key in bodies[0]}
    return {key: list(values.values()) for key, values in different.items()}


def _valid_bodies(document: dict[str, Any], path: str, seed: int) -> list[dict[str, Any]]:
    from schemathesis import GenerationMode

    bodies = (case.body for case in generated(document, path, GenerationMode.POSITIVE, seed, 30))
    return [body for body in bodies if isinstance(body, dict)]


def generated(document: dict[str, Any], path: str, mode: GenerationMode, seed: int, most: int) -> list[Case[Any]]:
    """So many requests, or fewer, of a document's POST operation, as schemathesis makes them by itself."""
    import hypothesis
    import schemathesis
    from hypothesis import HealthCheck, Phase, Verbosity

    # Not the one that lies about where this runs.
    config = schemathesis.Config()
    # All but surrogates, as UTF-8 has it; to find that out hypothesis would encode every character, in 170 MB.
    config.projects.default.generation.codec = None
    strategy = schemathesis.openapi.from_dict(document, config=config)[path]["POST"].as_strategy(generation_mode=mode)
    cases: list[Case[Any]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(case: Any) -> None:
        cases.append(case)

    collect()
    return cases


if __name__ == "__main__":
    # Calls are in progress meanwhile, and they cannot wait.
    if hasattr(os, "nice"):
        os.nice(10)
    json.dump(made(**json.load(sys.stdin)), sys.stdout)
