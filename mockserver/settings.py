"""Every option of the mock once: default, unit, help, flag, environment name.  Only here is the environment read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mockserver import parsers
from mockserver.option import Option, SettingsError, from_text, joined, option
from mockserver.origins import is_local_host
from mockserver.scenarios import NO_TIME, OK, Span, share_of, span_of

MOCK_KEYS = ("ck_mock_valid", "ck_mock_no_credit", "ck_mock_rate_limited")
"""The keys that always exist: one that works, one without balance (402), one that is over its limit (429)."""

DEMO_AGENT = "agent_demo"
"""The id of the agent that always exists."""

DEFAULT_WEBRTC_CALLS = 15
"""How many webrtc calls one core carries on time with a little left to create calls (docs/benchmarks.md)."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a mock is started with.  Values given here are taken as they are; text goes through `from_environment`."""

    host: str = option(
        "--host",
        "127.0.0.1",
        "address to listen on; 0.0.0.0 or :: for all of them",
        expected="a host name or an IP address",
        parse=parsers.text(r"[A-Za-z0-9.:%_-]+"),
        metavar="HOST",
    )
    port: int = option(
        "--port",
        8080,
        "port to listen on; 0 for any free one",
        expected="a whole number from 0 to 65535",
        parse=parsers.whole(0, 65535),
        metavar="PORT",
    )
    public_url: str | None = option(
        "--public-url",
        None,
        "how the outside reaches this server, such as a tunnel's address; websocketUrl begins with it",
        expected="http, https, ws or wss, a host, perhaps a port and a path, without user, query or fragment",
        parse=parsers.url,
        metavar="URL",
    )
    overlays: tuple[str, ...] = option(
        "--overlay",
        (),
        "an OpenAPI Overlay 1.0 over the HTTP half of the contract: a file, or one that is shipped, such as "
        "webrtc-on-create; applied in their order",
        expected="a file, or the name of an overlay that is shipped",
        parse=parsers.text(r".+"),
        metavar="FILE",
        repeated=True,
    )
    cors_origins: tuple[str, ...] = option(
        "--cors-origin",
        (),
        "a further origin whose pages may use this mock, beside those on localhost; * for all, none for not even those",
        expected="SCHEME://HOST or SCHEME://HOST:PORT, *, none or null",
        parse=parsers.origin,
        metavar="ORIGIN",
        repeated=True,
    )
    tls_cert: str | None = option(
        "--tls-cert",
        None,
        "certificate to answer https and wss with, a PEM file, with those between it and its authority behind it",
        expected="a file in PEM",
        parse=parsers.text(r".+"),
        metavar="FILE",
    )
    tls_key: str | None = option(
        "--tls-key",
        None,
        "private key of --tls-cert, a PEM file without a password",
        expected="a file in PEM",
        parse=parsers.text(r".+"),
        metavar="FILE",
    )
    tls: str | None = option(
        "--tls",
        None,
        "answer https and wss with a certificate made for this run, which clients must be told to accept",
        expected="self-signed",
        parse=parsers.text("self-signed"),
        metavar="self-signed",
    )
    url_ttl_s: float = option(
        "--url-ttl",
        60.0,
        "seconds in which a websocketUrl must be dialled",
        expected="a number of seconds above 0, at most 86400 (a day)",
        parse=parsers.positive(86400),
        metavar="SECONDS",
    )
    max_body_bytes: int = option(
        "--max-body",
        1024 * 1024,
        "largest request body or WebSocket message in bytes",
        expected="a whole number of bytes, at least 1",
        parse=parsers.whole(1),
        metavar="BYTES",
    )
    max_calls: int = option(
        "--max-calls",
        0,
        "calls in progress at once, so that those there are stay on time; a further dial is refused with 503 and keeps "
        "its URL; 0 sets no limit",
        expected="a whole number, 0 or more",
        parse=parsers.whole(0),
        metavar="CALLS",
    )
    max_webrtc_calls: int = option(
        "--max-webrtc-calls",
        DEFAULT_WEBRTC_CALLS,
        "webrtc calls in progress at once, so that those there are stay on time: each costs many times as much as "
        "others, and one core carries about as many as the default; a further dial is refused with 503 and keeps its "
        "URL; 0 sets no limit",
        expected="a whole number, 0 or more",
        parse=parsers.whole(0),
        metavar="CALLS",
    )
    rate_limit_per_hour: int = option(
        "--rate-limit",
        1000,
        "requests an hour for each key; 0 counts nothing",
        expected="a whole number, 0 or more",
        parse=parsers.whole(0),
        metavar="REQUESTS",
    )
    api_keys: tuple[str, ...] = option(
        "--api-key",
        (),
        f"a further key that is valid, beside {MOCK_KEYS[0]}; better in the environment than on a command line",
        expected="printable characters without spaces and commas",
        parse=parsers.text(r"[!-+\--~]+"),
        metavar="KEY",
        repeated=True,
        secret=True,
    )
    any_key: bool = option(
        "--any-key",
        False,
        "take every key that is not empty; each has its own rate limit",
        expected="yes or no",
        parse=parsers.switch,
    )
    agents: tuple[tuple[str, str], ...] = option(
        "--agent",
        (),
        f"a further agent that exists, beside {DEMO_AGENT}",
        expected="ID or ID=NAME",
        parse=parsers.agent,
        metavar="ID[=NAME]",
        repeated=True,
    )
    any_agent: bool = option(
        "--any-agent",
        False,
        "let every agentId exist",
        expected="yes or no",
        parse=parsers.switch,
    )
    inspector: str = option(
        "--inspector",
        "on",
        "remember the latest requests and calls, and serve them, and control of live calls, under /__mock__/api",
        expected="on or off",
        parse=parsers.text("on|off"),
        metavar="on|off",
    )
    control_token: str | None = option(
        "--control-token",
        None,
        "token of the control API; without it one is made up and printed; better in the environment",
        expected="16 printable characters or more, without spaces",
        parse=parsers.text(r"[!-~]{16,}"),
        metavar="TOKEN",
        secret=True,
    )
    behaviour: str = option(
        "--behaviour",
        "parrot",
        "what agents do: greet, then repeat each caller turn (parrot) or send audio back at once (echo); "
        "nothing (silent); a script",
        expected="parrot, echo, silent or script=FILE",
        parse=parsers.text(r"parrot|echo|silent|script=.+"),
        metavar="parrot|echo|silent|script=FILE",
    )
    voice_output: str = option(
        "--voice-output",
        "auto",
        "how agents sound: spoken words (speech; needs the extra of that name), one tone a syllable (tones), or speech "
        "where the extra is installed (auto)",
        expected="auto, speech or tones",
        parse=parsers.text(r"auto|speech|tones"),
        metavar="auto|speech|tones",
    )
    recordings: Path | None = option(
        "--recordings",
        None,
        "folder for a WAV file of each call, unless its recordingEnabled is false: the caller left, the agent right",
        expected="the path of a folder",
        parse=Path,
        metavar="DIR",
    )
    time_scale: float = option(
        "--time-scale",
        1.0,
        "how much faster maxDuration and inactivityTimeout run, for test suites",
        expected="a number above 0, at most 1000",
        parse=parsers.positive(1000),
        metavar="FACTOR",
    )
    scenario: str = option(
        "--scenario",
        OK.name,
        "how calls go that ask for nothing else; --list-scenarios shows what there is",
        expected="the name of a scenario; --list-scenarios shows them",
        parse=parsers.scenario,
        metavar="NAME",
    )
    scenario_file: str | None = option(
        "--scenario-file",
        None,
        "outcomes in an order, such as first 429, then 201 (docs/scenarios.md)",
        expected="the name of a YAML file",
        metavar="FILE",
    )
    latency_ms: Span = option(
        "--latency",
        NO_TIME,
        "how long each answer takes, beside the time that it needs",
        expected="a time such as 200ms, or two such as 100-800ms, at most 10 minutes",
        parse=span_of,
        metavar="200ms|100-800ms",
    )
    first_audio_delay_ms: Span = option(
        "--first-audio-delay",
        NO_TIME,
        "how long each agent waits before it begins",
        expected="a time such as 200ms, or two such as 100-800ms, at most 10 minutes",
        parse=span_of,
        metavar="200ms|100-800ms",
    )
    jitter_ms: Span = option(
        "--jitter",
        NO_TIME,
        "how late each frame of the agents' audio comes",
        expected="a time such as 40ms, or two such as 0-60ms, at most 10 minutes",
        parse=span_of,
        metavar="0-60ms",
    )
    frame_loss: float = option(
        "--frame-loss",
        0.0,
        "how many frames of the agents' audio never come",
        expected="a share from 0% to 100%, such as 2%",
        parse=share_of,
        metavar="2%",
    )
    seed: int | None = option(
        "--seed",
        None,
        "make ids, tokens and what is random the same in each run, for tests; URLs can be guessed then, so it listens "
        "on this machine alone",
        expected="a whole number",
        parse=parsers.whole_number,
        metavar="NUMBER",
    )
    clock: datetime | None = option(
        "--clock",
        None,
        "the time of day that answers show, standing still, for tests",
        expected="a time with its zone, such as 2026-01-31T12:00:00Z",
        parse=parsers.moment,
        metavar="TIME",
    )
    reload: bool = option(
        "--reload",
        False,
        "read the documents, the overlays, the script and the scenario file again when they change; calls in progress "
        "live on, and a file with a fault in it changes nothing but the log",
        expected="yes or no",
        parse=parsers.switch,
    )
    webrtc_addresses: tuple[str, ...] = option(
        "--webrtc-address",
        (),
        "IP address at which browsers reach this machine's UDP ports for webrtc; repeat for several; without, those of "
        "--host",
        expected="an IP address",
        parse=parsers.ip_address,
        metavar="ADDRESS",
        repeated=True,
    )
    livekit_url: str | None = option(
        "--livekit-url",
        None,
        "LiveKit server in whose rooms webrtc calls take place, instead of the mock's own; needs --livekit-key and "
        "--livekit-secret",
        expected="ws, wss, http or https, a host, perhaps a port and a path, without user, query or fragment",
        parse=parsers.url,
        metavar="URL",
    )
    livekit_key: str | None = option(
        "--livekit-key",
        None,
        "LiveKit API key",
        expected="printable characters without spaces",
        parse=parsers.text(r"[!-~]+"),
        metavar="KEY",
        secret=True,
    )
    livekit_secret: str | None = option(
        "--livekit-secret",
        None,
        "LiveKit API secret; better in the environment than on a command line",
        expected="printable characters without spaces",
        parse=parsers.text(r"[!-~]+"),
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
        for name, each in options():
            found = from_text(each, environ.get(each.env))
            if (value := given.pop(name, None)) is not None:
                found = joined(found, value, each)
            if found is not None:
                values[name] = found
        if given:
            raise TypeError(f"no such option: {', '.join(sorted(given))}")
        settings = cls(**values)
        _livekit_is_whole(settings)
        _guessable_is_local(settings)
        _tls_is_whole(settings)
        return settings

    def shown_s(self, now: Callable[[], datetime]) -> float:
        """The time of day that answers show, in Unix seconds: that of `clock`, or what `now` says."""
        return (self.clock or now()).timestamp()

    def names(self) -> tuple[str, ...]:
        """The hosts by which the server goes, in lower case: `host`, and that of `public_url`."""
        public = urlsplit(self.public_url or "").hostname
        return (self.host.lower(), public) if public else (self.host.lower(),)

    def base_url(self, bound_port: int) -> str:
        """Where a client on this machine, or behind `public_url`, reaches the server.

        It begins with http or https, also where `public_url` names what sockets are dialled with, and has no slash at
        its end.
        """
        if self.public_url is not None:
            scheme, _, rest = self.public_url.partition("://")
            return f"{scheme.replace('ws', 'http')}://{rest}"
        # The addresses that mean "all of them" are not addresses that one can dial.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        scheme = "https" if self.tls or self.tls_cert else "http"
        return f"{scheme}://[{host}]:{bound_port}" if ":" in host else f"{scheme}://{host}:{bound_port}"


def options() -> Iterator[tuple[str, Option]]:
    """The name in Settings and the option, of each, in the order in which help should show them."""
    for entry in fields(Settings):
        yield entry.name, entry.metadata["option"]


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
