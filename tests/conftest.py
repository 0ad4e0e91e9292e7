from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running import RunningMock, running_mock


@pytest.fixture(scope="session")
def mock() -> Iterator[RunningMock]:
    """One mock with default settings and without a rate limit, for all tests that need nothing else."""
    with running_mock(rate_limit_per_hour=0) as running:
        yield running
