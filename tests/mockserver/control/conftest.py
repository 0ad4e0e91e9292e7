from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mockserver.testing import RunningMock, running_mock
from tests.mockserver.control.asking import HTTP

SECRET = "sample-secret-of-16"


@pytest.fixture(scope="session", autouse=True)
def connections() -> Iterator[None]:
    """Those that all tests here use are closed at the end."""
    yield
    HTTP.close()


@pytest.fixture
def mock(calls_mock: RunningMock) -> RunningMock:
    """A mock that remembers nothing yet."""
    return calls_mock


@pytest.fixture(scope="session")
def special() -> Iterator[RunningMock]:
    """A mock with other settings, which is reached under another name, too."""
    settings: dict[str, Any] = {"url_ttl_s": 0.05, "rate_limit_per_hour": 1, "api_keys": (SECRET,)}
    with running_mock(public_url="https://tunnel.example/mock", control_token=SECRET, **settings) as mock:
        yield mock
