"""Whether two URLs are refused alike: what is made for each answer tells nothing, and all else does."""

from __future__ import annotations

import json
import time

import pytest

from contract_tests.dialling import Refusal
from contract_tests.likeness import Look, is_like, look_of


def _look(body: str, *headers: str, status: int | None = 404, reason: str = "HTTP 404") -> Look:
    named = tuple((name, "") for name in headers)
    return look_of(Refusal(status=status, body=body, headers=named, reason=reason), "a-token")


def _error(message: str, code: str = "NOT_FOUND") -> str:
    return json.dumps({"error": {"message": message, "code": code, "requestId": message[::-1]}})


IDS = ("k3jx0qzw", "tz-4hW_x", "Vg=+/x09", "--------")
ERRORS = [_look(_error(f"nothing here (request {each})")) for each in IDS]
PAGES = [
    _look(f"<p>Gone.</p>{advice}<i>{each}</i>")
    for each in IDS
    for advice in ("", "<p>Try another.</p>", "<p>Wait!</p>")
]


@pytest.mark.parametrize("others", [ERRORS, PAGES])
def test_each_answer_of_one_kind_is_like_the_others(others: list[Look]) -> None:
    assert all(is_like(each, others) for each in others)


@pytest.mark.parametrize(
    ("found", "others"),
    [
        (_look(_error("nothing here (request zzzz9zzz)")), ERRORS),
        (_look("<p>Gone.</p><i>zzzz9zzz</i>"), PAGES),
        (_look("it took 17 ms: 0123456789abcdef"), [_look("it took 3 ms: fedcba9876543210")]),
        (_look("no a-token"), [_look("no a-token")]),
        (_look("", "x-served-by"), [_look("", "x-served-by"), _look("")]),
        (_look(""), [_look("", "x-served-by"), _look("")]),
        (_look(""), [_look("", status=429, reason="HTTP 429"), _look("")]),
        (
            _look("", status=None, reason="close 1008 request abcdefg"),
            [_look("", status=None, reason=f"close 1008 request {each}") for each in ("hijklmn", "opqrstu")],
        ),
    ],
)
def test_what_differs_among_the_others_tells_nothing(found: Look, others: list[Look]) -> None:
    assert is_like(found, others)


@pytest.mark.parametrize(
    ("found", "others"),
    [
        (_look(_error("it is over (request zzzz9zzz)")), ERRORS),
        (_look(_error("nothing here (request zzzz9zzz)", "GONE")), ERRORS),
        (_look(_error("nothing here (request zzzz9zzz) any more")), ERRORS),
        (_look(_error("nothing here (request zzzz9zzz)"), "x-call-status"), ERRORS),
        (_look(_error("nothing here (request zzzz9zzz)"), status=410), ERRORS),
        (_look("<p>Over.</p><i>zzzz9zzz</i>"), PAGES),
        (_look("<p>Gone.</p><i>zzzz9zzz</i>.."), PAGES),
        (_look(""), [_look("", "x-call-status")]),
        (_look("", status=429, reason="HTTP 429"), [_look("")]),
        (
            _look("", status=None, reason="close 1000 request abcdefg"),
            [_look("", status=None, reason=f"close 1008 request {each}") for each in ("hijklmn", "opqrstu")],
        ),
        (_look("here: k3jx0qzw"), [_look("here: tz4hwxyz")]),
    ],
)
def test_all_else_is_a_difference(found: Look, others: list[Look]) -> None:
    assert not is_like(found, others)


def test_long_answers_are_compared_soon() -> None:
    others = [_look("abc " * (60_000 + number) + IDS[number % 4]) for number in range(12)]
    began = time.monotonic()
    assert not is_like(_look("abc " * 60_000 + "def ghi"), others[:1])
    assert is_like(_look("abc " * 60_000 + "def ghi"), others)
    assert time.monotonic() - began < 2
