"""Who may use the control API."""

from __future__ import annotations

import pytest

from mockserver.testing import RunningMock
from tests.mockserver.control.asking import asked


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x"])
def test_without_the_token_nothing_is_told(mock: RunningMock, header: str) -> None:
    answer = asked(mock, Authorization=header.replace("{token}", mock.token))
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "UNAUTHORIZED"
    assert answer.headers["www-authenticate"] == "Bearer" and mock.token not in answer.text
    for path in ("calls", "requests", "changes", "calls/x/audio"):
        assert asked(mock, path, Authorization=header.replace("{token}", mock.token)).status_code == 401


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("calls.localhost", 200),
        ("127.0.0.9:1", 200),
        ("[::1]:8080", 200),
        ("tunnel.example", 200),
        ("tunnel.example:8443", 200),
        ("attacker.example", 403),
        ("127.0.0.1.attacker.example", 403),
        ("tunnel.example.attacker.example", 403),
        ("localhost@attacker.example", 400),
        ("attacker.example/localhost", 400),
        ("10.0.0.1", 200),
        ("", 403),
    ],
)
def test_a_name_that_is_not_the_server_s_is_refused(name: str, status: int, special: RunningMock) -> None:
    assert asked(special, Host=name).status_code == status


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("origin", ["http://attacker.example", "null", "http://localhost:1", "file://", ""])
def test_a_page_of_another_origin_is_refused_and_gets_no_cors(mock: RunningMock, origin: str, method: str) -> None:
    answer = asked(mock, method=method, Origin=origin, **{"Access-Control-Request-Method": "GET"})
    assert answer.status_code == 403 and answer.json()["error"]["code"] == "FORBIDDEN"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_its_own_may_ask(mock: RunningMock) -> None:
    assert asked(mock, Origin=mock.base_url).status_code == 200
