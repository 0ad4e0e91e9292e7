"""How the value of one field is spelt on the wire: as it is, as decimal digits, as base64, as pairs.

A spelling reads what fits the schema, guesses at what does not, and writes.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pybase64


@dataclass(frozen=True, slots=True)
class Spelling:
    """Three functions between a JSON value and an event's field.

    Attributes:
        name: what a value has to be, for messages.
        read: from JSON; raises ValueError, with words that are safe to show, where the value cannot be understood.
        write: to JSON.
        guess: from JSON that breaks the schema; None where there is nothing to guess.
        plain: whether `read` and `write` change nothing.
    """

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    guess: Callable[[Any], Any]
    plain: bool = False


def spelling_of(schema: dict[str, Any], hint: Any) -> Spelling:
    """The spelling of a leaf: its schema says how it is written, the event's type hint what it stands for."""
    if schema.get("contentEncoding") == "base64":
        return BASE64
    if schema.get("x-spelling") == "pairs":
        return PAIRS
    kinds = set(_kinds(hint))
    if int in kinds and str not in kinds:
        return DECIMAL if schema.get("type") == "string" else _plain(int)
    return _plain(*kinds)


def _kinds(hint: Any) -> Iterator[Any]:
    """What a type hint stands for: the classes of a union, the values of a literal, list for a list of anything."""
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        yield from typing.get_args(hint)
    elif origin in (typing.Union, types.UnionType):
        for part in typing.get_args(hint):
            yield from _kinds(part)
    else:
        yield origin or hint


def _read_base64(text: Any) -> bytes:
    # The standard library's strict mode lets padding through that stands for nothing ("AAAA="), and is slower.  Named,
    # the arguments would cost more than what is done with them.
    return pybase64.b64decode(text, None, True)


def _guess_base64(text: Any) -> bytes | None:
    try:
        return _read_base64(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _guess_decimal(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _read_pairs(text: str) -> dict[str, Any]:
    """`k=v;k=v`, or a JSON object: the carrier's page shows the one, its own libraries the other."""
    if text.lstrip().startswith("{"):
        try:
            return msgspec.json.decode(text, type=dict[str, Any])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ValueError(f"not a JSON object: {error}") from error
    parts = [part.partition("=") for part in text.split(";") if part]
    if any(not key or not equals for key, equals, _ in parts):
        raise ValueError("expected k=v;k=v")
    return {key: value for key, _, value in parts}


def _guess_pairs(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    try:
        return _read_pairs(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _write_pairs(pairs: dict[str, Any]) -> str:
    plain = all(isinstance(value, str) and not set("=;{") & set(key + value) for key, value in pairs.items())
    if plain and all(pairs):
        return ";".join(f"{key}={value}" for key, value in pairs.items())
    return msgspec.json.encode(pairs).decode()


def _same(value: Any) -> Any:
    return value


def _plain(*kinds: Any) -> Spelling:
    classes = tuple(kind for kind in kinds if isinstance(kind, type))
    literals = tuple(kind for kind in kinds if isinstance(kind, str))

    def guess(value: Any) -> Any:
        mistaken = isinstance(value, bool) and bool not in classes
        return value if (isinstance(value, classes) and not mistaken) or value in literals else None

    return Spelling(name="JSON", read=_same, write=_same, guess=guess, plain=True)


BASE64 = Spelling(name="base64", read=_read_base64, write=pybase64.b64encode_as_string, guess=_guess_base64)
DECIMAL = Spelling(name="decimal digits", read=int, write=str, guess=_guess_decimal)
PAIRS = Spelling(name="pairs", read=_read_pairs, write=_write_pairs, guess=_guess_pairs)
