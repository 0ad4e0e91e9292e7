"""Requests that nobody thought of: schemathesis makes them from the document, hypothesis shrinks what goes wrong.

The document's copy that they are made from pins what only the target knows (agents, voices), and leaves out what the
contract leaves free.  What a request has to be answered with is decided by openapi-core and the whole document, so the
two libraries check each other.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity

from contract import documents
from contract_tests.conformity import is_valid_request
from contract_tests.context import Context
from contract_tests.target import PATHS, Exchange, Meant, NotChecked

PINNED = ("agentId", "voice", "language", "model")
"""Fields of which only some values exist, which the target alone knows."""

_NOT_BLANK = ("systemPrompt", "greeting", *PINNED)
_INTEGERS = ("maxDuration", "inactivityTimeout")
_RATES = ("inputSampleRate", "outputSampleRate")


def narrowed(it: Context, operation: str, *, websocket: bool) -> dict[str, Any]:
    """The document with one operation, whose requests this target must accept where they are valid."""
    document = copy.deepcopy(documents.openapi())
    path = PATHS[operation]
    document["paths"] = {path: document["paths"][path]}
    name = "CreateCallRequest" if operation == "create" else "CreateInlineCallRequest"
    schema = document["components"]["schemas"][name]
    properties = schema["properties"]
    known = it.valid(operation)
    for field in PINNED:
        if field in known:
            properties[field]["enum"] = [known[field]]
        else:
            properties.pop(field, None)
    properties.pop("selectedTools", None)
    schema.pop("not", None)
    if operation == "inline":
        properties["greeting"]["minLength"] = 1
    if websocket:
        properties["connectionType"] |= {"enum": ["websocket"], "default": "websocket", "example": "websocket"}
        document["components"]["schemas"]["AudioSettings"]["required"] = list(_RATES)
        schema["required"] = [*schema["required"], "connectionType", "websocket"]
    else:
        del properties["websocket"]
        kinds = [kind for kind in properties["connectionType"]["enum"] if kind != "websocket"]
        properties["connectionType"]["enum"] = kinds
    for media in document["paths"][path]["post"]["requestBody"]["content"].values():
        media.pop("examples", None)
    return document


def due(it: Context, operation: str, body: Any) -> int | None:
    """What a request has to be answered with: 201 or 400; None where the contract leaves it free."""
    if not isinstance(body, dict):
        return 400
    if _has_free_text(body) or any(_is_whole_float(body.get(field)) for field in _INTEGERS):
        return None
    known = it.valid(operation)
    for field in PINNED:
        value = body.get(field)
        if isinstance(value, str) and value != known.get(field):
            return None
    if any(isinstance(body.get(field), str) and not body[field].strip() for field in _NOT_BLANK):
        return None
    temperature = body.get("temperature")
    if isinstance(temperature, float) and (abs(temperature) < 1e-6 or abs(temperature - 1) < 1e-6):
        return None
    if "websocket" in body:
        settings = body["websocket"]
        if body.get("connectionType") != "websocket":
            return None
        if isinstance(settings, dict) and any(_is_whole_float(settings.get(rate)) for rate in _RATES):
            return None
    if "selectedTools" in body and operation == "inline":
        return None
    request = Exchange(
        method="POST",
        path=PATHS[operation],
        operation=operation,
        headers=(("Content-Type", "application/json"),),
        content=json.dumps(body).encode(),
        key="any",
    )
    return 201 if is_valid_request(request) else 400


def _is_whole_float(value: Any) -> bool:
    return isinstance(value, float) and value.is_integer()


def _has_free_text(value: Any) -> bool:
    """Whether there is text in it, at any depth, that services may refuse: NUL and lone surrogates."""
    if isinstance(value, str):
        return "\x00" in value or any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)
    if isinstance(value, dict):
        return any(_has_free_text(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_has_free_text, value))


async def fuzz(it: Context, operation: str, *, valid: bool, websocket: bool, most: int) -> None:
    """Send requests of one kind until one is answered wrongly, and write down the smallest one that is."""
    loop = asyncio.get_running_loop()
    wrong: list[tuple[int | None, Exchange]] = []

    async def send(body: Any) -> bool:
        content = json.dumps(body).encode("utf-8", "surrogatepass")
        if len(content) > 60_000:
            return True
        wanted = due(it, operation, body)
        exchange = await it.post(operation, content=content, meant=Meant.FREE)
        right = exchange.status is not None and exchange.status < 500 and exchange.status == (wanted or exchange.status)
        if not right:
            wrong.append((wanted, exchange))
        return right

    def attempt(body: Any) -> None:
        if not asyncio.run_coroutine_threadsafe(send(body), loop).result(30):
            raise WrongAnswer

    document = narrowed(it, operation, websocket=websocket)
    seed = it.settings.seed + it.attempt
    failed = await asyncio.to_thread(_search, document, PATHS[operation], valid, attempt, most, seed)
    if failed:
        wanted, exchange = wrong[-1]
        it.wrong(f"{wanted or 'an answer below 500'}", exchange.shown(), exchange, f"# seed {it.settings.seed}")


class WrongAnswer(Exception):
    """An answer that the contract does not allow."""


def _search(
    document: dict[str, Any], path: str, valid: bool, attempt: Callable[[Any], None], most: int, seed: int
) -> bool:
    """Whether any request was answered wrongly; the last one attempted is then the smallest."""
    import schemathesis
    from schemathesis import GenerationMode

    schema = schemathesis.openapi.from_dict(document)
    mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
    cases = schema[path]["POST"].as_strategy(generation_mode=mode)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @hypothesis.given(cases)
    def every_answer_is_right(case: Any) -> None:
        if isinstance(case.body, dict | list | str | int | float | bool | None):
            attempt(case.body)

    try:
        every_answer_is_right()
    except WrongAnswer:
        return True
    except (NotChecked, hypothesis.errors.Unsatisfiable, hypothesis.errors.Flaky):
        return False
    return False
