"""What a run of the judge is given: the target, the keys to it, what it may cost."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Profile(Enum):
    """How thorough a run is."""

    SMOKE = "smoke"
    DEFAULT = "default"
    DEEP = "deep"


MAX_TIME_S = {Profile.SMOKE: 10.0, Profile.DEFAULT: 90.0, Profile.DEEP: 900.0}
"""How long a run of each profile may take unless it is told otherwise, in seconds."""

REQUESTS_PER_KEY = {Profile.SMOKE: 120, Profile.DEFAULT: 400, Profile.DEEP: 100_000}
"""How many requests a run of each profile makes with one key at the most."""

LEFT_FOR_OTHERS = {Profile.SMOKE: 8, Profile.DEFAULT: 30, Profile.DEEP: 30}
"""Nothing is looked at again where fewer requests than this are left and others have not even been looked at once."""

LEFT_FOR_LAST = 8
"""What those checks take that come when all others are over."""

ALL_FIRST_LOOKS = {Profile.SMOKE: 112, Profile.DEFAULT: 388, Profile.DEEP: 8_000}
"""What it takes to look at everything once, fuzzing included, with all keys together."""

SECOND_LOOK = 4
"""What it takes to look at one thing again, at the most but for a few."""


@dataclass(frozen=True, kw_only=True)
class TargetSettings:
    """The implementation under test and what the judge may do with it.

    Attributes:
        url: the base to which `/calls/create` is appended, without a slash at the end.
        api_keys: keys that work; used in turn.
        agent: the id of an agent that exists.
        unfunded_key: a key whose account has no balance.
        limited_key: a key that is over its rate limit, or gets there within a few requests.
        unknown_agent: an id that no agent has; one is made up where none is given.
        voice, language, model: what valid inline requests name.
        profile: how thorough to be.
        max_time_s: when to stop, in seconds.
        seed: what random choices are made from.
        time_scale: how much faster than real time the target runs maxDuration and inactivityTimeout.
        url_ttl_s: how long a websocketUrl may be dialled, in seconds; None where that is not known.
        insecure: whether certificates are left unchecked.
        allowed_ws_hosts: hosts beside the target's own that may be dialled.
        ws_url_rewrites: beginnings of a websocketUrl or roomUrl and what to dial instead.
        caller_audio: a WAV file with what the caller says; None for the built-in recording.
        max_parallel_calls: how many calls may be open at once.
        request_timeout_s: how long an answer may take, in seconds.
        overlays: what changes the HTTP half of the contract that it is held to: names or paths, in their order.
    """

    url: str
    api_keys: tuple[str, ...]
    agent: str | None = None
    unfunded_key: str | None = None
    limited_key: str | None = None
    unknown_agent: str | None = None
    voice: str = "Mark"
    language: str = "en"
    model: str | None = None
    profile: Profile = Profile.DEFAULT
    max_time_s: float = 90.0
    seed: int = 0
    time_scale: float = 1.0
    url_ttl_s: float | None = None
    insecure: bool = False
    allowed_ws_hosts: tuple[str, ...] = ()
    ws_url_rewrites: tuple[tuple[str, str], ...] = ()
    caller_audio: Path | None = None
    max_parallel_calls: int = 60
    request_timeout_s: float = 10.0
    overlays: tuple[str, ...] = ()

    @property
    def url_lives_s(self) -> float:
        """How old a websocketUrl may be that can be dialled on any target that conforms, in seconds."""
        return min(5.0, (self.url_ttl_s or 10.0) / 2)
