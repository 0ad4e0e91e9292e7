"""Every option of the mock once: default, unit, help, flag, environment name.  Only here is the environment read."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mockserver.origins import is_local_host
from mockserver.scenarios import NO_TIME, OK, Span, scenario_named, share_of, span_of

T = TypeVar("T")

MOCK_KEYS = ("ck_mock_valid", "ck_mock_no_credit", "ck_mock_rate_limited")
"""The keys that always exist: one that works, one without balance (402), one that is over its limit (429)."""

DEMO_AGENT = "agent_demo"
"""The id of the agent that always exists."""

DEFAULT_WEBRTC_CALLS = 15
"""How many webrtc calls one core carries on time with a little left to create calls (docs/benchmarks.md)."""

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


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


def _option(
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
    option = Option(
        flag=flag,
        env="CALLS_" + flag.removeprefix("--").upper().replace("-", "_") + ("S" if repeated else ""),
        help=help,
        expected=expected,
        metavar=metavar,
        parse=parse,
        repeated=repeated,
        secret=secret,
    )
    value: T = field(default=default, repr=not secret, metadata={"option": option})
    return value


def _text(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError
        return text

    return parse


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = int(text) if len(text) < 20 else -1
        if number < least or (most is not None and number > most):
            raise ValueError
        return number

    return parse


def _positive(most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = float(text)
        if not 0 < number <= most:
            raise ValueError
        return number

    return parse


def _switch(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError
    return text.lower() in _TRUE


_PLAIN_URL = re.compile(r"(https?|wss?)://[A-Za-z0-9.:\[\]_-]+(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?")


def _url(text: str) -> str:
    # The port and what stands in brackets are looked at when they are asked for.
    url = urlsplit(text)
    if not _PLAIN_URL.fullmatch(text) or not url.hostname or url.port == 0:
        raise ValueError
    return text.rstrip("/")


def _ip_address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _scenario(text: str) -> str:
    return scenario_named(text).name


def _whole_number(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


_ORIGIN = re.compile(r"\*|none|null|[a-z][a-z0-9+.-]*://[^/?#@,\s]+")


def _origin(text: str) -> str:
    origin = text.lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin):
        raise ValueError
    # Browsers leave the usual port out.
    scheme, _, _ = origin.partition(":")
    return origin.removesuffix({"http": ":80", "https": ":443"}.get(scheme, "/"))


def _agent(text: str) -> tuple[str, str]:
    agent_id, _, name = (part.strip() for part in text.partition("="))
    if not agent_id:
        raise ValueError
    return agent_id, name or agent_id


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a mock is started with.  Values given here are taken as they are; text goes through `from_environment`."""

    host: str = _option(
        "--host",
        "127.0.0.1",
        "address to listen on; 0.0.0.0 or :: for all of them",
        expected="a host name or an IP address",
        parse=_text(r"[A-Za-z0-9.:%_-]+"),
        metavar="HOST",
    )
    port: int = _option(
        "--port",
        8080,
        "port to listen on; 0 for any free one",
        expected="a whole number from 0 to 65535",
        parse=_whole(0, 65535),
        metavar="PORT",
    )
    public_url: str | None = _option(
        "--public-url",
        None,
        "how the outside reaches this server, such as a tunnel's address; websocketUrl begins with it",
        expected="http, https, ws or wss, a host, perhaps a port and a path, without user, query or fragment",
        parse=_url,
        metavar="URL",
    )
    overlays: tuple[str, ...] = _option(
        "--overlay",
        (),
        "an OpenAPI Overlay 1.0 over the HTTP half of the contract: a file, or one that is shipped, such as "
        "webrtc-on-create; applied in their order",
        expected="a file, or the name of an overlay that is shipped",
        parse=_text(r".+"),
        metavar="FILE",
        repeated=True,
    )
    cors_origins: tuple[str, ...] = _option(
        "--cors-origin",
        (),
        "a further origin whose pages may use this mock, beside those on localhost; * for all, none for not even those",
        expected="SCHEME://HOST or SCHEME://HOST:PORT, *, none or null",
        parse=_origin,
        metavar="ORIGIN",
        repeated=True,
    )
    tls_cert: str | None = _option(
        "--tls-cert",
        None,
        "certificate to answer https and wss with, a PEM file, with those between it and its authority behind it",
        expected="a file in PEM",
        parse=_text(r".+"),
        metavar="FILE",
    )
    tls_key: str | None = _option(
        "--tls-key",
        None,
        "private key of --tls-cert, a PEM file without a password",
        expected="a file in PEM",
        parse=_text(r".+"),
        metavar="FILE",
    )
    tls: str | None = _option(
        "--tls",
        None,
        "answer https and wss with a certificate made for this run, which clients must be told to accept",
        expected="self-signed",
        parse=_text("self-signed"),
        metavar="self-signed",
    )
    url_ttl_s: float = _option(
        "--url-ttl",
        60.0,
        "seconds in which a websocketUrl must be dialled",
        expected="a number of seconds above 0, at most 86400 (a day)",
        parse=_positive(86400),
        metavar="SECONDS",
    )
    max_body_bytes: int = _option(
        "--max-body",
        1024 * 1024,
        "largest request body or WebSocket message in bytes",
        expected="a whole number of bytes, at least 1",
        parse=_whole(1),
        metavar="BYTES",
    )
    max_calls: int = _option(
        "--max-calls",
        0,
        "calls in progress at once, so that those there are stay on time; a further dial is refused with 503 and keeps "
        "its URL; 0 sets no limit",
        expected="a whole number, 0 or more",
        parse=_whole(0),
        metavar="CALLS",
    )
    max_webrtc_calls: int = _option(
        "--max-webrtc-calls",
        DEFAULT_WEBRTC_CALLS,
        "webrtc calls in progress at once, so that those there are stay on time: each costs many times as much as "
        "others, and one core carries about as many as the default; a further dial is refused with 503 and keeps its "
        "URL; 0 sets no limit",
        expected="a whole number, 0 or more",
        parse=_whole(0),
        metavar="CALLS",
    )
    rate_limit_per_hour: int = _option(
        "--rate-limit",
        1000,
        "requests an hour for each key; 0 counts nothing",
        expected="a whole number, 0 or more",
        parse=_whole(0),
        metavar="REQUESTS",
    )
    api_keys: tuple[str, ...] = _option(
        "--api-key",
        (),
        f"a further key that is valid, beside {MOCK_KEYS[0]}; better in the environment than on a command line",
        expected="printable characters without spaces and commas",
        parse=_text(r"[!-+\--~]+"),
        metavar="KEY",
        repeated=True,
        secret=True,
    )
    any_key: bool = _option(
        "--any-key",
        False,
        "take every key that is not empty; each has its own rate limit",
        expected="yes or no",
        parse=_switch,
    )
    agents: tuple[tuple[str, str], ...] = _option(
        "--agent",
        (),
        f"a further agent that exists, beside {DEMO_AGENT}",
        expected="ID or ID=NAME",
        parse=_agent,
        metavar="ID[=NAME]",
        repeated=True,
    )
    any_agent: bool = _option(
        "--any-agent",
        False,
        "let every agentId exist",
        expected="yes or no",
        parse=_switch,
    )
    inspector: str = _option(
        "--inspector",
        "on",
        "remember the latest requests and calls, and serve them, and control of live calls, under /__mock__/api",
        expected="on or off",
        parse=_text("on|off"),
        metavar="on|off",
    )
    control_token: str | None = _option(
        "--control-token",
        None,
        "token of the control API; without it one is made up and printed; better in the environment",
        expected="16 printable characters or more, without spaces",
        parse=_text(r"[!-~]{16,}"),
        metavar="TOKEN",
        secret=True,
    )
    behaviour: str = _option(
        "--behaviour",
        "parrot",
        "what agents do: greet, then repeat each caller turn (parrot) or send audio back at once (echo); "
        "nothing (silent); a script",
        expected="parrot, echo, silent or script=FILE",
        parse=_text(r"parrot|echo|silent|script=.+"),
        metavar="parrot|echo|silent|script=FILE",
    )
    voice_output: str = _option(
        "--voice-output",
        "auto",
        "how agents sound: spoken words (speech; needs the extra of that name), one tone a syllable (tones), or speech "
        "where the extra is installed (auto)",
        expected="auto, speech or tones",
        parse=_text(r"auto|speech|tones"),
        metavar="auto|speech|tones",
    )
    recordings: Path | None = _option(
        "--recordings",
        None,
        "folder for a WAV file of each call, unless its recordingEnabled is false: the caller left, the agent right",
        expected="the path of a folder",
        parse=Path,
        metavar="DIR",
    )
    time_scale: float = _option(
        "--time-scale",
        1.0,
        "how much faster maxDuration and inactivityTimeout run, for test suites",
        expected="a number above 0, at most 1000",
        parse=_positive(1000),
        metavar="FACTOR",
    )
    scenario: str = _option(
        "--scenario",
        OK.name,
        "how calls go that ask for nothing else; --list-scenarios shows what there is",
        expected="the name of a scenario; --list-scenarios shows them",
        parse=_scenario,
        metavar="NAME",
    )
    scenario_file: str | None = _option(
        "--scenario-file",
        None,
        "outcomes in an order, such as first 429, then 201 (docs/scenarios.md)",
        expected="the name of a YAML file",
        metavar="FILE",
    )
    latency_ms: Span = _option(
        "--latency",
        NO_TIME,
        "how long each answer takes, beside the time that it needs",
        expected="a time such as 200ms, or two such as 100-800ms, at most 10 minutes",
        parse=span_of,
        metavar="200ms|100-800ms",
    )
    first_audio_delay_ms: Span = _option(
        "--first-audio-delay",
        NO_TIME,
        "how long each agent waits before it begins",
        expected="a time such as 200ms, or two such as 100-800ms, at most 10 minutes",
        parse=span_of,
        metavar="200ms|100-800ms",
    )
    jitter_ms: Span = _option(
        "--jitter",
        NO_TIME,
        "how late each frame of the agents' audio comes",
        expected="a time such as 40ms, or two such as 0-60ms, at most 10 minutes",
        parse=span_of,
        metavar="0-60ms",
    )
    frame_loss: float = _option(
        "--frame-loss",
        0.0,
        "how many frames of the agents' audio never come",
        expected="a share from 0% to 100%, such as 2%",
        parse=share_of,
        metavar="2%",
    )
    seed: int | None = _option(
        "--seed",
        None,
        "make ids, tokens and what is random the same in each run, for tests; URLs can be guessed then, so it listens "
        "on this machine alone",
        expected="a whole number",
        parse=_whole_number,
        metavar="NUMBER",
    )
    clock: datetime | None = _option(
        "--clock",
        None,
        "the time of day that answers show, standing still, for tests",
        expected="a time with its zone, such as 2026-01-31T12:00:00Z",
        parse=_moment,
        metavar="TIME",
    )
    reload: bool = _option(
        "--reload",
        False,
        "read the documents, the overlays, the script and the scenario file again when they change; calls in progress "
        "live on, and a file with a fault in it changes nothing but the log",
        expected="yes or no",
        parse=_switch,
    )
    webrtc_addresses: tuple[str, ...] = _option(
        "--webrtc-address",
        (),
        "IP address at which browsers reach this machine's UDP ports for webrtc; repeat for several; without, those of "
        "--host",
        expected="an IP address",
        parse=_ip_address,
        metavar="ADDRESS",
        repeated=True,
    )
    livekit_url: str | None = _option(
        "--livekit-url",
        None,
        "LiveKit server in whose rooms webrtc calls take place, instead of the mock's own; needs --livekit-key and "
        "--livekit-secret",
        expected="ws, wss, http or https, a host, perhaps a port and a path, without user, query or fragment",
        parse=_url,
        metavar="URL",
    )
    livekit_key: str | None = _option(
        "--livekit-key",
        None,
        "LiveKit API key",
        expected="printable characters without spaces",
        parse=_text(r"[!-~]+"),
        metavar="KEY",
        secret=True,
    )
    livekit_secret: str | None = _option(
        "--livekit-secret",
        None,
        "LiveKit API secret; better in the environment than on a command line",
        expected="printable characters without spaces",
        parse=_text(r"[!-~]+"),
        metavar="SECRET",
        secret=True,
    )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
        """The settings of an environment, and of what was given beside it.

        What is given wins over the environment, and adds to it where an option is repeated.  A given text is read as
        the environment's would be; None stands for not given.  Raises SettingsError.
        """
        values: dict[str, Any] = {}
        for name, option in options():
            found = _from_text(option, environ.get(option.env))
            if (value := given.pop(name, None)) is not None:
                found = _joined(found, value, option)
            if found is not None:
                values[name] = found
        if given:
            raise TypeError(f"no such option: {', '.join(sorted(given))}")
        settings = cls(**values)
        _livekit_is_whole(settings)
        _guessable_is_local(settings)
        _tls_is_whole(settings)
        return settings

    @property
    def is_secure(self) -> bool:
        """Whether clients dial TLS."""
        return bool(self.tls or self.tls_cert)

    def names(self) -> tuple[str, ...]:
        """The hosts by which the server goes, in lower case: `host`, and that of `public_url`."""
        public = urlsplit(self.public_url or "").hostname
        return (self.host.lower(), public) if public else (self.host.lower(),)

    def base_url(self, bound_port: int) -> str:
        """Where a client on this machine, or behind `public_url`, reaches the server; no slash at the end."""
        if self.public_url is not None:
            return self.public_url
        # The addresses that mean "all of them" are not addresses that one can dial.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        scheme = "https" if self.is_secure else "http"
        return f"{scheme}://[{host}]:{bound_port}" if ":" in host else f"{scheme}://{host}:{bound_port}"


def options() -> Iterator[tuple[str, Option]]:
    """The name in Settings and the option, of each, in the order in which help should show them."""
    for entry in fields(Settings):
        yield entry.name, entry.metadata["option"]


def _from_text(option: Option, text: str | None) -> Any:
    # An empty variable is the shell's way to say "not set".
    if text is None or not text.strip():
        return None
    if option.repeated:
        return tuple(_parsed(option, part.strip()) for part in text.split(",") if part.strip())
    return _parsed(option, text.strip())


def _joined(found: Any, given: Any, option: Option) -> Any:
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


def _livekit_is_whole(settings: Settings) -> None:
    given = (settings.livekit_url, settings.livekit_key, settings.livekit_secret)
    if any(given) and not all(given):
        raise SettingsError("--livekit-url, --livekit-key and --livekit-secret belong together: give all three or none")


def _guessable_is_local(settings: Settings) -> None:
    if settings.seed is not None and (settings.public_url is not None or not is_local_host(settings.host)):
        raise SettingsError(
            "--seed makes URLs that can be guessed: it goes with a --host of this machine alone, such as 127.0.0.1, "
            "and without --public-url"
        )


def _tls_is_whole(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("--tls-cert and --tls-key belong together: give both or neither")
    if settings.tls and settings.tls_cert:
        raise SettingsError("--tls makes a certificate, --tls-cert brings one: give one of them")
