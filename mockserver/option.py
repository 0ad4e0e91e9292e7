"""One setting as it is written on a command line and in the environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class SettingsError(ValueError):
    """An option has a value that it cannot have; the text names the option, what came and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """How one setting is written on a command line and in the environment.

    Attributes:
        flag: the command line's name, `--url-ttl`.
        env: the environment's name, `CALLS_URL_TTL`.
        help: one sentence; the unit is in it where there is one.
        expected: what a value must be, to go after "expected".
        metavar: how help text names a value; None for a switch.
        parse: text to value; raises ValueError if it cannot be one.
        repeated: the flag may come several times, the environment holds a comma separated list.
        secret: the value must never be shown.
    """

    flag: str
    env: str
    help: str
    expected: str
    metavar: str | None
    parse: Callable[[str], Any]
    repeated: bool = False
    secret: bool = False


def option(
    flag: str,
    default: T,
    help: str,
    *,
    expected: str,
    parse: Callable[[str], Any] = str,
    metavar: str | None = None,
    repeated: bool = False,
    secret: bool = False,
) -> T:
    """A field of Settings with its option; arguments as Option's, the environment's name follows from the flag."""
    made = Option(
        flag=flag,
        env=_env_of(flag, repeated),
        help=help,
        expected=expected,
        metavar=metavar,
        parse=parse,
        repeated=repeated,
        secret=secret,
    )
    value: T = field(default=default, repr=not secret, metadata={"option": made})
    return value


def _env_of(flag: str, repeated: bool) -> str:
    """The environment's name of a flag; a plural where it may be repeated."""
    name = "CALLS_" + flag.removeprefix("--").upper().replace("-", "_")
    if not repeated:
        return name
    return name + ("ES" if name.endswith("S") else "S")


def from_text(option: Option, text: str | None) -> Any:
    """The value of an environment variable; None where it is not set.  Raises SettingsError."""
    # An empty variable is the shell's way to say "not set".
    if text is None or not text.strip():
        return None
    if option.repeated:
        return tuple(_parsed(option, part.strip()) for part in text.split(",") if part.strip())
    return _parsed(option, text.strip())


def joined(found: Any, given: Any, option: Option) -> Any:
    """What was given, behind what was found before where an option may be repeated.  Raises SettingsError."""
    if option.repeated:
        return (found or ()) + tuple(_parsed(option, part) for part in given)
    return _parsed(option, given)


def _parsed(option: Option, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return option.parse(value)
    except ValueError:
        # A URL may hold a password.
        hidden = option.secret or "@" in value
        came = "what came (not shown)" if hidden else repr(value[:60])
        raise SettingsError(f"{option.flag} ({option.env}): {came} is not {option.expected}") from None
