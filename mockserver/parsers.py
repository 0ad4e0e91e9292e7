"""Texts of a command line or the environment, made values; each parser raises ValueError for what is none."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from mockserver.scenarios import scenario_named

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


def text(pattern: str) -> Callable[[str], str]:
    """A parser of what matches a pattern as a whole."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return parse


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers between bounds."""

    def parse(text: str) -> int:
        number = int(text) if len(text) < 20 else -1
        if number < least or (most is not None and number > most):
            raise ValueError
        return number

    return parse


def positive(most: float) -> Callable[[str], float]:
    """A parser of numbers above 0, up to a bound."""

    def parse(text: str) -> float:
        number = float(text)
        if not 0 < number <= most:
            raise ValueError
        return number

    return parse


def switch(text: str) -> bool:
    """Yes or no, in the usual words."""
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError
    return text.lower() in _TRUE


_PLAIN_URL = re.compile(r"(https?|wss?)://[A-Za-z0-9.:\[\]_-]+(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?")


def url(text: str) -> str:
    """An absolute URL without a query; no slash at its end."""
    # The port and what stands in brackets are looked at when they are asked for.
    url = urlsplit(text)
    if not _PLAIN_URL.fullmatch(text) or not url.hostname or url.port == 0:
        raise ValueError
    return text.rstrip("/")


def ip_address(text: str) -> str:
    """An IP address as it is usually written."""
    return str(ipaddress.ip_address(text))


def scenario(text: str) -> str:
    """The name of a scenario."""
    return scenario_named(text).name


def whole_number(text: str) -> int:
    """A whole number of either sign that fits into 64 bits."""
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError
    return number


def moment(text: str) -> datetime:
    """A moment with its offset from UTC (ISO 8601)."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


_ORIGIN = re.compile(r"\*|none|null|[a-z][a-z0-9+.-]*://[^/?#@,\s]+")


def origin(text: str) -> str:
    """A web page's origin as browsers send it, `*`, or none."""
    origin = text.lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        raise ValueError
    # Browsers leave the usual port out.
    scheme, _, _ = origin.partition(":")
    return origin.removesuffix({"http": ":80", "https": ":443"}.get(scheme, "/"))


def agent(text: str) -> tuple[str, str]:
    """An agent's id and its name, `id=name` or an id alone."""
    agent_id, _, name = (part.strip() for part in text.partition("="))
    if not agent_id:
        raise ValueError
    return agent_id, name or agent_id
