"""The contract as tests: one for each requirement in each variant, named as `calls verify` names its findings.

    pytest --pyargs contract_tests --calls-url URL --calls-api-key KEY --calls-agent ID

All of them are judged side by side in the background, so run them in one process.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

from contract_tests.engine import Job, Selection
from contract_tests.findings import Finding, Verdict
from contract_tests.plugin import NO_TARGET, ContractWarning, selected_jobs, target_settings
from contract_tests.reports import text
from contract_tests.reports.inert import disarmed
from contract_tests.run import command_line
from contract_tests.synchronous import BackgroundRun, NothingFound


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each check that is selected."""
    if "job" in metafunc.fixturenames:
        jobs = selected_jobs(metafunc.config)
        metafunc.parametrize("job", jobs, ids=[job.name for job in jobs])


@pytest.fixture(scope="session")
def judged(request: pytest.FixtureRequest) -> Iterator[BackgroundRun]:
    """The run, of what is left after pytest's own selection."""
    if request.config.getoption("calls_url") is None:
        pytest.skip(NO_TARGET)
    settings = target_settings(request.config)
    params = (item.callspec.params.get("job") for item in request.session.items if hasattr(item, "callspec"))
    names = tuple(job.name for job in params if isinstance(job, Job))
    names = names or tuple(job.name for job in selected_jobs(request.config))
    run = BackgroundRun(settings, Selection(profile=settings.profile, only=names), names)
    yield run
    run.stop()


def test_contract(judged: BackgroundRun, job: Job, request: pytest.FixtureRequest) -> None:
    """The implementation keeps this requirement."""
    try:
        finding = judged.finding(job.name)
    except NothingFound as reason:
        pytest.fail(str(reason), pytrace=False)
    match finding.verdict:
        case Verdict.VIOLATED:
            pytest.fail(_report(finding, request.config), pytrace=False)
        case Verdict.WARNED:
            warnings.warn(ContractWarning(_report(finding, request.config)), stacklevel=1)
        case Verdict.NOT_CHECKED:
            pytest.skip(finding.reason)


def test_run_tells_something(judged: BackgroundRun) -> None:
    """The run as a whole says something: the target answers, and each layer could be checked."""
    problems = judged.run().problems
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def _report(finding: Finding, config: pytest.Config) -> str:
    settings = target_settings(config)
    again = command_line(settings, Selection(profile=settings.profile, only=(finding.name,)))
    return f"{text.finding(finding, settings.seed)}\n  again         {disarmed(again)}"
