"""The pytest plugin: `pytest --pyargs contract_tests --calls-url URL` judges a target, a test for each finding.

Two fixtures are for suites of one's own: `calls_target` creates calls, `calls_carrier` dials them.  pytest imports this
module everywhere, so what is heavy is imported where it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from contract_tests.engine import Job
    from contract_tests.settings import TargetSettings
    from contract_tests.synchronous import CallsCarrier, CallsTarget, LoopThread

NO_TARGET = "no target: --calls-url URL"


class ContractWarning(UserWarning):
    """A SHOULD of the contract is not kept."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin; they mean what those of `calls verify` mean."""
    group = parser.getgroup("calls", "a voice API, held to the Calls contract")
    add = group.addoption
    add("--calls-url", metavar="URL", help="the base of /calls/create and /calls/inline; calls are created there")
    add("--calls-api-key", action="append", default=[], metavar="KEY", help="a key that works [CALLS_API_KEYS]")
    add("--calls-agent", metavar="ID", help="an agent that exists")
    add("--calls-unfunded-key", metavar="KEY", help="a key without balance [CALLS_UNFUNDED_KEY]")
    add("--calls-limited-key", metavar="KEY", help="a key over its rate limit [CALLS_LIMITED_KEY]")
    add("--calls-time-scale", type=float, default=1.0, metavar="FACTOR", help="how much faster the target's clocks run")
    add("--calls-url-ttl", type=float, metavar="SECONDS", help="how long a websocketUrl may be dialled")
    add("--calls-profile", choices=["smoke", "default", "deep"], default="default", help="how thorough to be")
    add("--calls-only", action="append", default=[], metavar="NAME", help="only these sections or requirements")
    add("--calls-overlay", action="append", default=[], metavar="FILE", help="an OpenAPI Overlay over the contract")
    add("--calls-seed", type=int, metavar="N", help="what random choices are made from; default a random number")


def pytest_report_header(config: pytest.Config) -> str | None:
    """The target, and the seed with which the same run can be had again."""
    if config.getoption("calls_url") is None:
        return None
    settings = target_settings(config)
    overlays = "".join(f", --calls-overlay {name}" for name in settings.overlays)
    return f"calls: {settings.url}, profile {settings.profile.value}{overlays}, --calls-seed {settings.seed}"


_SETTINGS: pytest.StashKey[TargetSettings] = pytest.StashKey()


def target_settings(config: pytest.Config) -> TargetSettings:
    """What the options say.  Raises pytest.UsageError."""
    if _SETTINGS not in config.stash:
        config.stash[_SETTINGS] = _read_settings(config)
    return config.stash[_SETTINGS]


def selected_jobs(config: pytest.Config) -> list[Job]:
    """The checks that the options select, in the order of the contract.  Raises pytest.UsageError."""
    from contract_tests.engine import Selection
    from contract_tests.requirements import all_checks
    from contract_tests.run import SettingsError, chosen, known_words
    from contract_tests.settings import Profile

    checks = all_checks()
    try:
        only = chosen("--calls-only", config.getoption("calls_only"), known_words(checks))
    except SettingsError as error:
        raise pytest.UsageError(str(error)) from None
    return Selection(profile=Profile(config.getoption("calls_profile")), only=only).jobs(checks)


def _read_settings(config: pytest.Config) -> TargetSettings:
    import secrets

    from contract.errors import DocumentError
    from contract_tests.run import Keys, SettingsError, base_url
    from contract_tests.settings import MAX_TIME_S, Profile, TargetSettings

    option = config.getoption
    profile = Profile(option("calls_profile"))
    seed, overlays = option("calls_seed"), tuple(option("calls_overlay"))
    positive = (option("calls_time_scale"), option("calls_url_ttl"))
    try:
        keys = Keys.of(option("calls_api_key"), option("calls_unfunded_key"), option("calls_limited_key"), os.environ)
        if not keys.working:
            raise SettingsError("there is no key: give --calls-api-key KEY, or set CALLS_API_KEYS")
        if not all(number is None or 0 < number < float("inf") for number in positive):
            raise SettingsError("--calls-time-scale, --calls-url-ttl: expected a number above 0")
        url = base_url(option("calls_url"))
        if overlays:
            from contract_tests.conformity import must_be_openapi

            must_be_openapi(overlays)
    except (SettingsError, DocumentError) as error:
        raise pytest.UsageError(str(error)) from None
    return TargetSettings(
        url=url,
        api_keys=keys.working,
        agent=option("calls_agent"),
        unfunded_key=keys.unfunded,
        limited_key=keys.limited,
        profile=profile,
        max_time_s=MAX_TIME_S[profile],
        seed=secrets.randbelow(2**31) if seed is None else seed,
        time_scale=option("calls_time_scale"),
        url_ttl_s=option("calls_url_ttl"),
        overlays=overlays,
    )


@pytest.fixture(scope="session")
def _calls_loop() -> Iterator[LoopThread]:
    from contract_tests.synchronous import LoopThread

    loop = LoopThread()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def calls_target(request: pytest.FixtureRequest) -> Iterator[CallsTarget]:
    """The target of --calls-url: creates calls.  Without the option the test is skipped."""
    if request.config.getoption("calls_url") is None:
        pytest.skip(NO_TARGET)
    import dataclasses

    from contract_tests.judge import Judge
    from contract_tests.settings import Profile
    from contract_tests.synchronous import CallsTarget

    loop: LoopThread = request.getfixturevalue("_calls_loop")
    # No budget: how many requests a suite makes is its own affair.
    settings = dataclasses.replace(target_settings(request.config), profile=Profile.DEEP)

    async def judge() -> Judge:
        return Judge(settings)

    own = loop.result(judge())
    yield CallsTarget(loop, own)
    loop.result(own.close())


@pytest.fixture
def calls_carrier(calls_target: CallsTarget, _calls_loop: LoopThread) -> Iterator[Callable[..., CallsCarrier]]:
    """Dials a call that `calls_target` created: `calls_carrier(created)`; closed at the end of the test."""
    from contract_tests.synchronous import CallsCarrier

    carriers: list[CallsCarrier] = []

    def dial(created: Mapping[str, Any] | str) -> CallsCarrier:
        carriers.append(CallsCarrier(_calls_loop, calls_target, calls_target.call(created)))
        return carriers[-1]

    yield dial
    for carrier in carriers:
        carrier.close()
