"""What the other side sent, read without trust: what cannot be read is None, and nothing that it sends raises."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec


def json_value(text: str | bytes) -> Any:
    """The value of a JSON text; None where it is none, or is nested too deeply to be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def url_parts(text: Any) -> SplitResult | None:
    """The parts of a URL; None for what is no text, or cannot be taken apart, such as `ws://[x` and `ws://x:y`."""
    try:
        parts = urlsplit(text) if isinstance(text, str) else None
        # Whether the port is a number is looked at only when it is asked for.
        _ = parts and parts.port
    except ValueError:
        return None
    return parts


def jwt_part(part: str) -> Any:
    """The value of a JWT's header or claims (RFC 7519, 3); None where it is no JSON in base64url."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
