"""Values that nobody thought of, and where to put them.  Sends nothing; all chance comes in as an argument."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from random import Random
from typing import Any

Path = tuple[str | int, ...]

ABSENT: Any = object()
"""In the place of a value: nothing."""

PIECES = (
    *("Hello, world.", "\u00e9", "\u65e5\u672c\u8a9e", "\U0001f600", "\U0001f469\u200d\U0001f467", "e\u0301"),
    *("\u202e", "\u200b", "\ufeff", "\u2028", "\x07", "\x7f", "\x85", "\t", "\r\n", "\uffff", "\U0010ffff"),
    *("\u0130", "\u00df", "\ufb01", "'", '"', "\\", "%s", "%", "{0}", "${x}", "{{x}}", "<b>", "&amp;", "../"),
    *("--", "`", "null", "1e9", "\u0661"),
)
"""What texts are made of: each has broken somebody's code."""

NUMBERS = (0, -0.0, -1, 0.1, 1e-7, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, 1.5e300, 5e-324)

KEYS = (
    *("", " ", ".", "a.b", "$set", "toString", "length", "0", "-1", "id", "null", "%"),
    *("agent_id", "url", "\n", "\u043a\u043b\u044e\u0447", "\U0001f600", "a" * 300),
)
"""Names of fields that no document knows.

Not among them: `__proto__` and `constructor`, which some readers of JSON refuse on purpose, and known names in another
letter case, which some take for the known ones.
"""


def odd_text(random: Random, *, long: bool | None = None) -> str:
    """A text of odd pieces; four in ten are long, unless it is said whether this one is to be."""
    pieces = random.choices(PIECES, k=random.choice((1, 6, 18)))
    if random.random() < 0.4 if long is None else long:
        pieces.insert(random.randrange(len(pieces)), "x" * (9000 if long else random.choice((300, 5000, 9000))))
    return "".join(pieces)


def odd_value(random: Random, depth: int = 3) -> Any:
    """Any JSON."""
    kind = random.randrange(6 if depth else 4)
    if kind == 0:
        return random.choice((None, True, False))
    if kind == 1:
        return random.choice(NUMBERS)
    if kind < 4:
        return odd_text(random)
    inside = [odd_value(random, depth - 1) for _ in range(random.randrange(4))]
    return inside if kind == 4 else {random.choice(KEYS): value for value in inside}


def odd_object(random: Random, *, many: bool) -> dict[str, Any]:
    """An object with a few odd keys and values, or with hundreds."""
    found = {random.choice(KEYS): odd_value(random) for _ in range(random.randint(1, 12))}
    if many:
        found |= {f"key{number}": number for number in range(random.choice((70, 150, 300)))}
    return found


def _as_text(value: Any, random: Random) -> Any:
    return value.swapcase() if isinstance(value, str) else json.dumps(value)


def _far_out(value: Any, random: Random) -> Any:
    if isinstance(value, str):
        return value + odd_text(random)
    return value * 10**6 + 1 if isinstance(value, int | float) else 10**20


DAMAGES: Mapping[str, Callable[[Any, Random], Any]] = {
    "null": lambda value, random: None,
    "a boolean": lambda value, random: random.choice((True, False)),
    "a number": lambda value, random: random.choice(NUMBERS),
    "a text": lambda value, random: odd_text(random),
    "an empty text": lambda value, random: "",
    "an array": lambda value, random: random.choice(([], [None], ["x"], [[]])),
    "an object": lambda value, random: random.choice(({}, {"a": 1}, {"$ne": None})),
    "in an array": lambda value, random: [value],
    "as text": _as_text,
    "far out": _far_out,
    "absent": lambda value, random: ABSENT,
}
"""What may be done to a value, by what it then is."""


def _damage(what: str, random: Random, value: Any) -> Any:
    return DAMAGES[what](value, random)


def places(body: Any, path: Path = ()) -> Iterator[Path]:
    """The way to everything in a body."""
    if path:
        yield path
    if isinstance(body, dict):
        for key, value in body.items():
            yield from places(value, (*path, key))
    if isinstance(body, list):
        for index, value in enumerate(body):
            yield from places(value, (*path, index))


def changed(body: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy of a body with another value, or none, in one place."""
    body = copy.deepcopy(body)
    holder = body
    for step in path[:-1]:
        holder = holder[step]
    value = change(holder[path[-1]])
    if value is ABSENT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return body


class Rotation:
    """Damages body after body, so that no place and no damage is left out for long."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._used: Counter[object] = Counter()

    def damaged(self, body: Any, fits: Callable[[Any], bool], most: int = 12) -> tuple[str, Any] | None:
        """A copy of a body with one place damaged, and what was done; None where none of so many fits."""
        options = [(path, what) for path in places(body) for what in DAMAGES]
        self._random.shuffle(options)
        for path, what in sorted(options, key=lambda option: self._rank(*option))[:most]:
            found = changed(body, path, partial(_damage, what, self._random))
            place = shown(path)
            self._used.update((place, what, (place, what)))
            # As texts, because true and 1 are the same in Python.
            if json.dumps(found) != json.dumps(body) and fits(found):
                return f"{place} is {what}", found
        return None

    def _rank(self, path: Path, what: str) -> tuple[int, ...]:
        place = shown(path)
        return self._used[place], self._used[place, what], self._used[what]


def shown(path: Path) -> str:
    """A place, for people: `a.b[].c`."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
