"""Tokens that were never handed out."""

from __future__ import annotations

import re
import string

_UUID = re.compile("[0-9a-f]{8}-?[0-9a-f]{4}-?([0-9a-f])[0-9a-f]{3}-?([0-9a-f])[0-9a-f]{3}-?[0-9a-f]{12}", re.I)
"""A UUID; its version and its variant are groups."""

_INSTEAD = {
    letter: [instead for instead in few if instead != letter]
    for few, letters in (
        ("234567", string.digits),
        ("abcdef", string.ascii_lowercase),
        ("ABCDEF", string.ascii_uppercase),
    )
    for letter in letters
}
"""What may take the place of each letter and digit; all of it is hexadecimal, and none of it missing in base32."""

_ALL_RANDOM = re.compile("[A-Za-z0-9_-]{22,}")
"""What a token looks like that has no part of its own for anything else."""

MOST_OTHERS = 25
"""How many tokens there are like another one: two places, with five letters for each."""


def another_like(token: str, number: int = 0) -> str:
    """A token of the same look: a letter or digit stays one, and a UUID stays one of its version and variant.

    Args:
        token: the one that was handed out.
        number: which one, less than MOST_OTHERS.
    """
    places, changed = _changeable(token), list(token)
    if places:
        for place, choice in ((len(places) // 2, number % 5), (len(places) // 3, number // 5)):
            changed[places[place]] = _INSTEAD[token[places[place]]][choice]
    return "".join(changed)


def ends_otherwise(token: str) -> str:
    """The token with another letter in its last quarter; empty where that may be no part of the secret."""
    places = [place for place in _changeable(token) if place >= len(token) * 3 // 4]
    if not _ALL_RANDOM.fullmatch(token) or not places:
        return ""
    return token[: places[0]] + _INSTEAD[token[places[0]]][0] + token[places[0] + 1 :]


def _changeable(token: str) -> list[int]:
    """Where a token has letters and digits that do not say what it is."""
    kept = {found.start(part) for found in _UUID.finditer(token) for part in (1, 2)}
    return [place for place, letter in enumerate(token) if letter in _INSTEAD and place not in kept]
