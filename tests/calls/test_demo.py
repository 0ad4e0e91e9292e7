"""The demonstration's twin: it misbehaves in the ways that are told, and in no other."""

from __future__ import annotations

import httpx

from calls.demo import served
from tests.running import INLINE, VALID_KEY


def test_the_twin_takes_numbers_in_quotes_and_answers_a_body_that_nests_too_deep_to_be_read() -> None:
    with served(misbehave=True) as url, httpx.Client(base_url=f"{url}/api/v1", headers=VALID_KEY) as client:
        quoted = client.post("/calls/inline", json=INLINE | {"maxDuration": "90"})
        assert quoted.status_code == 201 and "location" not in quoted.headers
        deep = client.post("/calls/create", content=b"[" * 100_000, headers={"Content-Type": "application/json"})
        assert deep.status_code == 400
