"""Who gets the inspector's page, its session and its files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from mockserver.testing import RunningMock, running_mock
from tests import running as plain

ROOT = Path(__file__).parents[3]
STATUS = "/__mock__/api/status"


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock() as started:
        yield started


@pytest.fixture(scope="module")
def client(mock: RunningMock) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=mock.base_url, trust_env=False) as started:
        yield started


@pytest.fixture
def session(client: httpx.Client) -> str:
    """The Cookie header of whoever has opened the page."""
    given = SimpleCookie(client.get("/").headers["set-cookie"])
    client.cookies.clear()
    return "; ".join(f"{name}={morsel.value}" for name, morsel in given.items())


def test_the_page_on_loopback_brings_a_session_that_scripts_and_other_sites_do_not_get(client: httpx.Client) -> None:
    answer = client.get("/")
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/__mock__"
    assert len(cookie.value) >= 43
    assert cookie.value not in answer.text


def test_mocks_beside_each_other_keep_their_sessions_apart(client: httpx.Client) -> None:
    with running_mock() as other, httpx.Client(base_url=other.base_url, trust_env=False) as at_other:
        one, another = (SimpleCookie(each.get("/").headers["set-cookie"]) for each in (client, at_other))
        assert not one.keys() & another.keys()
        brought = "; ".join(f"{name}={morsel.value}" for name, morsel in one.items())
        assert at_other.get(STATUS, headers={"Cookie": brought}).status_code == 401


def test_the_session_opens_the_control_api(client: httpx.Client, session: str) -> None:
    assert client.get(STATUS).status_code == 401
    assert client.get(STATUS, headers={"Cookie": session}).status_code == 200
    assert client.get(STATUS, headers={"Cookie": session[:-1]}).status_code == 401
    others = 'theme={"dark": true}; bare; =; a b=c'
    assert client.get(STATUS, headers={"Cookie": f"{others}; {session}"}).status_code == 200
    assert client.get(STATUS, headers={"Cookie": others}).status_code == 401


def test_the_session_opens_nothing_for_a_page_of_another_port_or_site(client: httpx.Client, session: str) -> None:
    host = client.base_url.netloc.decode()
    for origin in ("http://127.0.0.1:1", "https://elsewhere.example", "null", f"http://{host}.elsewhere.example"):
        answer = client.post("/__mock__/api/reset", headers={"Cookie": session, "Origin": origin})
        assert answer.status_code == 403, origin
    for site in ("same-site", "cross-site"):
        assert client.get(STATUS, headers={"Cookie": session, "Sec-Fetch-Site": site}).status_code == 401
    for site in ("same-origin", "none"):
        assert client.get(STATUS, headers={"Cookie": session, "Sec-Fetch-Site": site}).status_code == 200
    own = {"Cookie": session, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/__mock__/api/reset", headers=own).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/__mock__/page/inspector.js"])
def test_the_page_is_refused_under_a_foreign_name_and_to_foreign_pages(client: httpx.Client, path: str) -> None:
    for headers in ({"Host": "rebound.example"}, {"Host": "rebound.example:80"}, {"Origin": "http://127.0.0.1:1"}):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "FORBIDDEN"
        assert "set-cookie" not in answer.headers
    port = client.base_url.port
    assert client.get(path, headers={"Host": f"localhost:{port}"}).status_code == 200
    assert client.get(path, headers={"Origin": f"http://127.0.0.1:{port}"}).status_code == 200


@pytest.mark.parametrize("settings", [{"public_url": "https://tunnel.example"}, {"host": "0.0.0.0"}])
def test_beyond_loopback_nobody_gets_a_session(settings: dict[str, str]) -> None:
    with running_mock(**settings) as mock:
        for host in ("127.0.0.1", "localhost", "tunnel.example" if "public_url" in settings else "127.0.0.1"):
            answer = httpx.get(mock.local_url, headers={"Host": host}, trust_env=False)
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers


def test_without_an_inspector_there_is_no_page() -> None:
    with plain.running_mock(inspector="off") as mock:
        for path in ("/", "/docs", "/__mock__/page/inspector.js", "/__mock__/contract.yaml"):
            answer = httpx.get(mock.base_url + path, trust_env=False)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "NOT_FOUND"


def test_the_page_lets_in_nothing_but_its_own(client: httpx.Client) -> None:
    host = client.base_url.netloc.decode()
    answer = client.get("/")
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": f"'self' ws://{host} wss://{host}",
        "media-src": "'self' blob:",
        "img-src": "'self' data:",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    for path in ("/", "/docs", "/__mock__/page/inspector.js", "/__mock__/contract.yaml"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert "'unsafe-inline'" not in client.get("/docs").headers["content-security-policy"].partition("style-src")[0]


def test_to_look_at_the_page_leaves_no_trace(mock: RunningMock, client: httpx.Client) -> None:
    mock.reset()
    for path in ("/", "/docs", "/__mock__/page/inspector.css", "/__mock__/vendor/nothing", "/__mock__/contract.yaml"):
        client.get(path)
    assert mock.requests() == []


def test_only_what_is_there_is_served(client: httpx.Client) -> None:
    for path in (
        "/__mock__/page/",
        "/__mock__/page/../pages.py",
        "/__mock__/page/%2e%2e/pages.py",
        "/__mock__/vendor/x",
    ):
        assert client.get(f"/__mock__/{path}").status_code == 404, path
    assert client.post("/").status_code == 405
    assert client.head("/").content == b""


def test_a_dial_of_the_page_is_answered_as_any_other(client: httpx.Client) -> None:
    dial = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert client.get("/", headers={**dial, "Sec-WebSocket-Key": "short"}).json()["error"]["code"] == "BAD_REQUEST"


def test_the_contract_for_the_page_is_the_contract(client: httpx.Client) -> None:
    assert client.get("/__mock__/contract.yaml").text == client.get("/openapi.yaml").text


def test_the_page_that_is_shipped_is_what_its_source_builds() -> None:
    if not shutil.which("node") or not (ROOT / "node_modules/.bin/esbuild").exists():
        if os.environ.get("CI"):
            pytest.fail("Node or its tools are missing in CI: npm ci")
        pytest.skip("the inspector is not built anew: Node or its tools are not installed")
    built = subprocess.run([ROOT / "scripts/build-inspector", "--check"], capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
