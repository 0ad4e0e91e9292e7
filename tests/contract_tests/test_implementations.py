"""The judge accuses no correct implementation: the mock, and servers in other frameworks that share no code with it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import pytest

from contract_tests.engine import Selection
from contract_tests.findings import Run, Verdict
from contract_tests.requirements import all_checks
from tests.contract_tests import targets

pytestmark = pytest.mark.alone

RUNS = [("mock", 1), *((name, seed) for name in targets.COMMANDS if name != "mock" for seed in (1, 2))]
SIDE_BY_SIDE = 2


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[tuple[str, int], Future[Run]]]:
    """All runs, a few at a time: each waits for most of its time."""
    with ProcessPoolExecutor(SIDE_BY_SIDE, mp_context=multiprocessing.get_context("spawn")) as pool:
        present = [(name, seed) for name, seed in RUNS if not targets.is_missing(name)]
        yield {(name, seed): pool.submit(targets.judged, name, seed) for name, seed in present}


@pytest.mark.parametrize(("name", "seed"), RUNS)
def test_a_correct_implementation_passes(name: str, seed: int, runs: dict[tuple[str, int], Future[Run]]) -> None:
    if (name, seed) not in runs:
        pytest.skip("Node is not installed")
    run = runs[name, seed].result()
    violated = [(each.name, each.cases) for each in run.findings if each.verdict is Verdict.VIOLATED]
    assert not violated and run.exit_code == 0, (violated, run.problems)
    # One key is enough: Target lets nobody make more requests than the profile's with it.
    assert [each.name for each in run.findings if "budget of requests" in each.reason] == []
    assert sum(each.verdict is Verdict.PASSED for each in run.findings) > 250


def test_the_mock_shows_everything_and_keeps_all_of_it(runs: dict[tuple[str, int], Future[Run]]) -> None:
    run = runs["mock", 1].result()
    assert [f"{each.name}: {each.reason} {each.cases}" for each in run.findings if each.verdict != Verdict.PASSED] == []
    assert [each.name for each in run.findings] == [job.name for job in Selection().jobs(all_checks())]
