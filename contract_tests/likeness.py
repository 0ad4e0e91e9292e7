"""Whether an answer may as well be another URL's: what differs among the answers to URLs of one kind tells nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from contract_tests.dialling import Refusal
from contract_tests.parsing import json_value

_NUMBER = re.compile(r"[0-9a-fA-F-]{8,}|\d+")
"""What is in many answers and seldom twice the same: ids in hexadecimal digits, and numbers."""

_WORD = re.compile(r"""[^\s<>()\[\]{}"',;:&|]+|.""", re.DOTALL)
"""A piece of a text, which an id of any alphabet is one of; what stands between is one for each character."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is compared of an answer: its status, its words, and the names of its headers."""

    status: int | None
    words: tuple[str, ...]
    headers: frozenset[str]


def look_of(answer: Refusal, token: str) -> Look:
    """How an answer looks, but for the token, numbers, and what an error has beside its message and code."""
    body = answer.body
    parsed = json_value(body)
    error = parsed.get("error") if isinstance(parsed, dict) else None
    if isinstance(error, dict):
        body = f"{error.get('message')} {error.get('code')}"
    body = _NUMBER.sub("#", body.replace(token, "#"))
    return Look(
        status=answer.status,
        words=(*_WORD.findall(answer.reason), "\n", *_WORD.findall(body)),
        headers=frozenset(name for name, _ in answer.headers),
    )


def is_like(found: Look, others: Sequence[Look]) -> bool:
    """Whether an answer differs from others, all of one kind, in nothing but what differs among these as well."""
    like = [other for other in others if other.status == found.status]
    if not like:
        return False
    headers = [other.headers for other in like]
    if not frozenset.intersection(*headers) <= found.headers <= frozenset.union(*headers):
        return False
    return _are_like(found.words, [other.words for other in like])


def _are_like(words: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> bool:
    if len({len(other) for other in others}) == 1:
        columns = zip(words, *others, strict=False)
        return len(words) == len(others[0]) and all(word == other[0] or len(set(other)) > 1 for word, *other in columns)
    # Something of several words comes and goes: what stays is before the first difference and behind the last one.
    before, behind = _steady(others), _steady([other[::-1] for other in others])
    return words[: len(before)] == before and words[::-1][: len(behind)] == behind


def _steady(texts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What all begin with."""
    columns = zip(*texts, strict=False)
    return tuple(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns))
