"""Tokens that were never handed out."""

from __future__ import annotations

import re
import string

_UUID = re.compile("[0-9a-f]{8}-?[0-9a-f]{4}-?([0-9a-f])[0-9a-f]{3}-?([0-9a-f])[0-9a-f]{3}-?[0-9a-f]{12}", re.I)
"""A UUID; its version and its variant are groups."""

_INSTEAD = {
    letter: letters[1] if letter == letters[0] else letters[0]
    for letters in (string.digits[2:] + "01", string.ascii_lowercase, string.ascii_uppercase)
    for letter in letters
}
"""What takes the place of each letter and digit; all of it is hexadecimal, and none of it missing in base32."""


def another_like(token: str) -> str:
    """A token of the same look: a letter or digit stays one, and a UUID stays one of its version and variant."""
    kept = {found.start(part) for found in _UUID.finditer(token) for part in (1, 2)}
    places = [place for place, letter in enumerate(token) if letter in _INSTEAD and place not in kept]
    changed = list(token)
    for place in {places[len(places) // 2], places[len(places) // 3]} if places else ():
        changed[place] = _INSTEAD[token[place]]
    return "".join(changed)
