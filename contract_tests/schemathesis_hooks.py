"""What schemathesis is told when it runs by itself (schemathesis_run.py): what counts, and to write down what it does.

It is loaded in schemathesis' own process, which learns the operation and the valid body from CALLS_FUZZING, the name of
a JSON file, and appends one JSON object a line to the file named in it.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import schemathesis
from schemathesis.core.failures import Failure, ServerError

from contract_tests.deciding import due
from contract_tests.parsing import json_value
from contract_tests.target import MOST_BODY_BYTES, PATHS

RATE_LIMITED = 429
OF_EVERY_CLIENT = (
    *("x-api-key", "user-agent", "accept", "accept-encoding", "connection", "content-length"),
    "x-schemathesis-testcaseid",
)
"""Headers that say nothing of the request; the key is written down by itself."""


_all_of_the_body = requests.Response.iter_content


def _what_is_read(response: requests.Response, *asked: Any, **named: Any) -> Iterator[bytes]:
    """An answer's body as far as the judge reads any: requests knows no bound to its length, or to its time."""
    until, left = time.monotonic() + _given()["request_timeout_s"], MOST_BODY_BYTES
    for piece in _all_of_the_body(response, *asked, **named):
        yield piece
        left -= len(piece)
        if left < 0:
            return
        if time.monotonic() > until:
            raise requests.ReadTimeout("the answer's body does not end", request=response.request)


requests.Response.iter_content = _what_is_read  # type: ignore[assignment, method-assign]


@functools.cache
def _given() -> dict[str, Any]:
    given: dict[str, Any] = json.loads(Path(os.environ["CALLS_FUZZING"]).read_text("utf-8"))
    return given


def _due(request: Any) -> int | None:
    """What a request has to be answered with; None where that is free, or a matter of checks of their own."""
    headers = request.headers
    if request.method != "POST" or headers.get("X-API-Key") != os.environ["CALLS_API_KEY"]:
        return None
    body = json_value(_content(request))
    if headers.get("Content-Type") != "application/json" or body is None:
        return None
    return due(_given()["known"], _given()["operation"], body, tuple(_given()["overlays"]))


def _content(request: Any) -> bytes:
    body = request.body or b""
    return body if isinstance(body, bytes) else str(body).encode("utf-8", "surrogateescape")


@schemathesis.check
def answered_as_is_due(ctx: Any, response: Any, case: Any) -> None:
    """Instead of two checks of schemathesis', to which each request is either valid or not, and nothing is free."""
    wanted = _due(response.request)
    if wanted is not None and response.status_code not in (wanted, RATE_LIMITED):
        raise AssertionError(f"{wanted} is due")


@schemathesis.hook
def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """Whether a failure counts, which is then written down: what is free may be answered in any way but a crash."""
    counts = isinstance(failure, ServerError) or _due(response.request) is not None
    if counts:
        _write(response.request, response, wrong=[failure.title, failure.message])
    return counts


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Write down an exchange."""
    _write(response.request, response)


@schemathesis.hook
def after_network_error(context: Any, case: Any, request: Any) -> None:
    """Write down a request that was not answered."""
    _write(request, None, wrong=["No answer", ""])


def _write(request: Any, response: Any, **more: Any) -> None:
    if response is not None:
        more |= {
            "status": response.status_code,
            "answer_headers": [[name, value] for name, values in response.headers.items() for value in values],
            "answer": response.content.decode("latin-1"),
            "took_s": response.elapsed,
        }
    path = request.url.partition(PATHS[_given()["operation"]])
    line = {
        "method": request.method,
        "path": path[1] + path[2],
        "headers": [[name, value] for name, value in request.headers.items() if name.lower() not in OF_EVERY_CLIENT],
        "content": _content(request).decode("latin-1"),
        "key": request.headers.get("X-API-Key"),
        "due": _due(request),
        "at": time.time(),
        **more,
    }
    with Path(_given()["exchanges"]).open("a", encoding="utf-8") as file:
        print(json.dumps(line, default=str), file=file)
