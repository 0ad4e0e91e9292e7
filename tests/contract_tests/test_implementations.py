"""The judge accuses no correct implementation: servers in other frameworks, which share no code with this project."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from contract_tests.findings import Run, Verdict
from tests.contract_tests import targets

NAMES = [name for name in targets.COMMANDS if name != "mock"]
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[tuple[str, int], Future[Run]]]:
    """All runs, two at a time: each waits for most of its time."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        present = [name for name in NAMES if not targets.is_missing(name)]
        yield {(name, seed): pool.submit(targets.judged, name, seed) for name in present for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_correct_implementation_passes(name: str, seed: int, runs: dict[tuple[str, int], Future[Run]]) -> None:
    if (name, seed) not in runs:
        pytest.skip("Node is not installed")
    run = runs[name, seed].result()
    violated = [(each.name, each.cases) for each in run.findings if each.verdict is Verdict.VIOLATED]
    assert not violated and run.exit_code == 0, (violated, run.problems)
    # One key is enough: Target lets nobody make more requests than the profile's with it.
    assert [each.name for each in run.findings if "budget of requests" in each.reason] == []
    assert sum(each.verdict is Verdict.PASSED for each in run.findings) > 250
