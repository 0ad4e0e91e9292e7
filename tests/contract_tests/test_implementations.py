"""The judge accuses no correct implementation: the mock, and servers in other frameworks that share no code with it."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait

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


Judged = Callable[[str, int], Run]


@pytest.fixture(scope="module")
def judged(runs: dict[tuple[str, int], Future[Run]]) -> Judged:
    """What came of a run; one that accuses nobody, but was too busy to judge all, is made again with none beside it."""

    @functools.cache
    def run_of(name: str, seed: int) -> Run:
        if (name, seed) not in runs:
            pytest.skip("Node is not installed")
        run = runs[name, seed].result()
        verdicts = {each.verdict for each in run.findings}
        if Verdict.VIOLATED not in verdicts and any("too busy" in each.reason for each in run.findings):
            wait(runs.values())
            run = targets.judged(name, seed)
        return run

    return run_of


@pytest.mark.parametrize(("name", "seed"), RUNS)
def test_a_correct_implementation_passes(name: str, seed: int, judged: Judged) -> None:
    run = judged(name, seed)
    violated = [(each.name, each.cases) for each in run.findings if each.verdict is Verdict.VIOLATED]
    assert not violated and run.exit_code == 0, (violated, run.problems)
    # One key is enough: Target lets nobody make more requests than the profile's with it.
    assert [each.name for each in run.findings if "budget of requests" in each.reason] == []
    assert sum(each.verdict is Verdict.PASSED for each in run.findings) > 250


def test_the_mock_shows_everything_and_keeps_all_of_it(judged: Judged) -> None:
    run = judged("mock", 1)
    assert [f"{each.name}: {each.reason} {each.cases}" for each in run.findings if each.verdict != Verdict.PASSED] == []
    assert [each.name for each in run.findings] == [job.name for job in Selection().jobs(all_checks())]
