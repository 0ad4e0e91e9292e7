"""The smallest body that still fails: what is not needed is left out, in few tries.  Sends nothing itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from contract_tests.odd import ABSENT

T = TypeVar("T")
Fails = Callable[[Any], Awaitable[bool]]


async def shrunk(body: Mapping[str, Any], plain: Mapping[str, Any], fails: Fails) -> dict[str, Any]:
    """The plain body with as little of a failing one as still fails."""
    differences = {key: value for key, value in body.items() if key not in plain or plain[key] != value}
    differences |= {key: ABSENT for key in plain if key not in body}

    def of(changes: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in {**plain, **changes}.items() if value is not ABSENT}

    return of(await _smaller_object(differences, lambda changes: fails(of(changes))))


async def _smaller(value: Any, fails: Fails) -> Any:
    """What is left of a value."""
    if isinstance(value, dict):
        return await _smaller_object(value, fails)
    if isinstance(value, list):
        numbered = await _smaller_object(dict(enumerate(value)), lambda items: fails(list(items.values())))
        return list(numbered.values())
    if isinstance(value, str) and value:
        return await _shorter(value, fails)
    return value


async def _smaller_object(value: dict[Any, Any], fails: Fails) -> dict[Any, Any]:
    """The fewest items, and what is left of each."""
    kept = dict(await _fewest(list(value.items()), lambda items: fails(dict(items))))
    for key in kept:
        kept[key] = await _smaller(kept[key], partial(_fails_with, kept, key, fails))
    return kept


async def _fails_with(value: dict[Any, Any], key: Any, fails: Fails, inner: Any) -> bool:
    return await fails({**value, key: inner})


async def _fewest(items: list[T], fails: Callable[[list[T]], Awaitable[bool]]) -> list[T]:
    """Halves are left out, then quarters, down to single ones (delta debugging)."""
    if items and await fails([]):
        return []
    size = len(items) // 2
    while size:
        start = 0
        while start < len(items) > 1:
            fewer = items[:start] + items[start + size :]
            if fewer and await fails(fewer):
                items = fewer
            else:
                start += size
        size //= 2
    return items


async def _shorter(text: str, fails: Fails) -> str:
    """The shortest beginning, of that the shortest end, and in plain letters if they do."""
    text = text[: await _least(len(text), lambda length: fails(text[:length]))]
    ending = text
    text = ending[len(ending) - await _least(len(ending), lambda length: fails(ending[len(ending) - length :])) :]
    plain = "x" * len(text)
    return plain if plain != text and await fails(plain) else text


async def _least(most: int, fails: Callable[[int], Awaitable[bool]]) -> int:
    """The least number that fails, if all above it do; `most` is known to."""
    least = 0
    while least < most:
        middle = (least + most) // 2
        if await fails(middle):
            most = middle
        else:
            least = middle + 1
    return most
