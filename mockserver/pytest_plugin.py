"""The pytest fixture `calls_mock`: a mock that each test finds as if it had just been started.

In the conftest.py at the top of a test suite:

    pytest_plugins = ["mockserver.pytest_plugin"]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.testing import RunningMock


@pytest.fixture(scope="session")
def calls_mock_settings() -> dict[str, Any]:
    """The settings of the mock, for a suite to put others in their place; see `running_mock`."""
    return {}


@pytest.fixture(scope="session")
def calls_mock_of_session(calls_mock_settings: dict[str, Any]) -> Iterator[RunningMock]:
    """One mock for all tests."""
    from mockserver.testing import running_mock

    with running_mock(**calls_mock_settings) as mock:
        yield mock


@pytest.fixture
def calls_mock(calls_mock_of_session: RunningMock) -> RunningMock:
    """The mock, reset: it remembers nothing of the tests before, and their calls are hung up."""
    calls_mock_of_session.reset()
    return calls_mock_of_session
