from __future__ import annotations

from typing import Any

import pytest

from benchmarks import samples
from benchmarks.samples import Sample, Spread, percentile


def sample(**changed: Any) -> Sample:
    values: dict[str, Any] = {
        "server": "calls mock",
        "operation": "create",
        "round": 0,
        "seconds": 2.0,
        "created": 10_000,
        "others": {},
        "p50_ms": 1.0,
        "p99_ms": 3.0,
        "server_cpu_s": 1.0,
        "foreign_cores": 0.0,
        "rss_mb": 80.0,
    }
    return Sample(**(values | changed))


def test_a_spread_is_median_least_most_and_nothing_of_nothing() -> None:
    assert Spread.of([5, 1, 3, 8]) == Spread(4, 1, 8, 4)
    assert Spread.of([]) is None


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (1, 1), (50, 50), (50.5, 51), (99, 99), (100, 100)], ids=lambda each: f"{each}"
)
def test_a_percentile_is_the_nearest_rank(percent: float, value: float) -> None:
    assert percentile(range(1, 101), percent) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 1) == percentile([7.0], 99) == 7.0


def test_a_call_costs_cpu_time_by_calls_created_whatever_else_was_answered() -> None:
    assert sample(created=10_000, server_cpu_s=1.0, others={"429": 90_000}).cpu_us == 100.0
    assert sample(created=0).cpu_us is None
    assert sample(created=10_000, seconds=2.0).requests_per_s == 5_000


def test_quiet_is_below_the_bound() -> None:
    assert sample(foreign_cores=0.149).is_quiet
    assert not sample(foreign_cores=0.15).is_quiet


def test_foreign_is_what_is_busy_and_not_ours_and_never_negative() -> None:
    assert samples.foreign_cores(busy_s=4.0, own_s=3.0, seconds=2.0) == 0.5
    assert samples.foreign_cores(busy_s=2.99, own_s=3.0, seconds=2.0) == 0.0


def test_a_ratio_compares_rounds_in_themselves_and_leaves_out_what_one_side_lacks() -> None:
    some = [
        sample(round=0, server_cpu_s=1.0),
        sample(round=1, server_cpu_s=2.0),
        sample(round=2, server_cpu_s=9.0),
        sample(server="peer", round=0, server_cpu_s=3.0),
        sample(server="peer", round=1, server_cpu_s=4.0),
        sample(server="peer", round=2, created=0),
        sample(server="peer", round=0, operation="inline", server_cpu_s=70.0),
    ]
    assert samples.ratio(some, "peer", "calls mock", "create") == Spread(2.5, 2.0, 3.0, 2)
    assert samples.ratio(some, "absent", "calls mock", "create") is None
    assert samples.cpu_us(some, "calls mock", "create") == Spread(200.0, 100.0, 900.0, 3)
