"""What may be a secret in JSON that is kept to be shown: keys, tokens, and whatever a tool is preset to send."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"

MOST_DEPTH = 130
"""How deep a value is looked into, a little more than a request's body may nest; what is deeper is hidden."""

PRESET = frozenset(("staticParameters", "automaticParameters"))
"""Fields of a tool whose values are sent to somebody else's server, often in a header that opens it."""

_PRESET_SHOWN = frozenset(("name", "location"))
"""What is told of such a parameter."""

_FARTHEST = 400
"""How many characters of a secret may have to be seen before it is known for one."""

_SECRET_NAME = re.compile(r"key|token|secret|passw|auth|credential", re.IGNORECASE)
_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_TWILIO_ID = r"(?-i:[A-Z]{2}[0-9a-f]{32})"
# Nothing here looks further than a few hundred characters ahead of a place at which it then does not match: a text may
# be made so that there are very many such places.
_SECRET = re.compile(
    r"\bck_\w+|\bsk[-_][\w-]{8,}|\beyJ(?>[\w-]{1,400})\.[\w.-]+"  # keys as providers make them, JSON Web Tokens
    r"|(?<=://)(?>[^/\s@]{1,400})(?=@)"  # who a URL logs in as
    r"|\b(?:bearer|basic)\s{1,9}[^\s\"']+"  # what a header Authorization holds
    # Long, and not just letters as a word has them.
    rf"|\b(?!(?:{_UUID}|{_TWILIO_ID})\b)(?=(?>[a-z_-]{{0,60}})\d)(?=(?>[\d_-]{{0,60}})[a-z])[\w-]{{32,}}=*",
    re.IGNORECASE,
)


def names_a_secret(field: str) -> bool:
    """Whether a field's name speaks of keys and the like."""
    return bool(_SECRET_NAME.search(field))


def redacted(value: Any, *, key: str = "", depth: int = 0) -> Any:
    """The same value, new, with what may be a secret replaced by `***`.

    That is the request's API key `key` wherever it stands, all that a field holds whose name speaks of keys, what a
    tool is preset to send, and what looks like a key or a token within a text.
    """
    if depth > MOST_DEPTH:
        return HIDDEN
    match value:
        case dict():
            return {_text(name, key): _field(name, part, key, depth + 1) for name, part in value.items()}
        case list():
            return [redacted(part, key=key, depth=depth + 1) for part in value]
        case str():
            return _text(value, key)
    return value


def beginning(text: str, most: int, *, key: str = "") -> str:
    """The beginning of a text, `most` characters at the most, with what may be a secret replaced by `***`.

    It is cut last: of half a token nobody could tell that it is one.
    """
    if len(text) <= most + _FARTHEST:
        found = _text(text, key)
        whole = len(found) <= most
    else:
        # However long it is, only so much is searched; what the search sees only the beginning of is left out.
        found = _text(text[: most + _FARTHEST], key)[:-_FARTHEST]
        whole = False
    return found if whole else found[: most - 1] + "…"


def _field(name: str, value: Any, key: str, depth: int) -> Any:
    if name in PRESET:
        return [_preset(part, key, depth + 1) for part in value] if isinstance(value, list) else HIDDEN
    if name.lower() == "headers" and isinstance(value, dict):
        return dict.fromkeys((_text(header, key) for header in value), HIDDEN)
    if names_a_secret(name) and value is not None and not isinstance(value, bool):
        return HIDDEN
    return redacted(value, key=key, depth=depth)


def _preset(parameter: Any, key: str, depth: int) -> Any:
    if not isinstance(parameter, dict):
        return HIDDEN
    return {
        _text(name, key): redacted(value, key=key, depth=depth) if name in _PRESET_SHOWN else HIDDEN
        for name, value in parameter.items()
    }


def _text(text: str, key: str) -> str:
    if key:
        text = text.replace(key, HIDDEN)
    return _SECRET.sub(HIDDEN, text)
