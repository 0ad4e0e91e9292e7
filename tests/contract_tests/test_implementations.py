"""The judge accuses no correct implementation: servers in other frameworks, which share no code with this project."""

from __future__ import annotations

import asyncio
import datetime

import pytest

from contract_tests.engine import Selection
from contract_tests.findings import Verdict
from contract_tests.run import judge
from contract_tests.settings import TargetSettings
from tests.contract_tests import targets


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", targets.COMMANDS)
def test_a_correct_implementation_passes(name: str, seed: int) -> None:
    if targets.is_missing(name):
        pytest.skip("Node is not installed")
    with targets.running(name) as url:
        settings = TargetSettings(
            url=url,
            api_keys=(targets.KEYS["--api-key"],),
            unfunded_key=targets.KEYS["--unfunded-key"],
            limited_key=targets.KEYS["--limited-key"],
            agent=targets.AGENT,
            time_scale=targets.TIME_SCALE,
            url_ttl_s=targets.URL_TTL_S,
            seed=seed,
        )
        run = asyncio.run(judge(settings, Selection(), today=datetime.date.today()))
    violated = [(each.name, each.cases) for each in run.findings if each.verdict is Verdict.VIOLATED]
    assert not violated and run.exit_code == 0, (violated, run.problems)
    assert sum(each.verdict is Verdict.PASSED for each in run.findings) > 250
