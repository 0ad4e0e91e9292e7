"""A page in a real browser, on another origin than the mock: what it may fetch, read and dial."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser import BrowserPage
from tests.running import RunningMock, running_mock

RATES = {"inputSampleRate": 8000, "outputSampleRate": 8000}

CREATE = """async ([url, key]) => {
  const headers = { "Content-Type": "application/json", "X-Request-Id": "page-1", "traceparent": "00-1-2-3" };
  if (key) headers["X-API-Key"] = key;
  const body = JSON.stringify({ agentId: "agent_demo", connectionType: "websocket",
                                websocket: { inputSampleRate: 8000, outputSampleRate: 8000 } });
  const answer = await fetch(url, { method: "POST", headers, body });
  return { status: answer.status, body: await answer.json(), headers: Object.fromEntries(answer.headers) };
}"""

DIAL = """(url) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  socket.onmessage = (message) => { resolve(message.data); socket.close(); };
  socket.onclose = (event) => resolve(event.code);
})"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>An app</title><link rel=icon href=data:,>")

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def page_url() -> Iterator[str]:
    """Where a page is, on a port of its own."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_page_on_another_local_port_creates_calls_reads_refusals_and_dials(
    mock: RunningMock, browser_page: BrowserPage, page_url: str
) -> None:
    page = browser_page.open(page_url)
    url = f"{mock.base_url}/api/v1/calls/create"
    made = page.evaluate(CREATE, [url, "ck_mock_valid"])
    assert (made["status"], made["headers"]["x-request-id"]) == (201, "page-1")
    assert made["headers"]["location"].endswith(made["body"]["id"])
    assert '"type":"state"' in page.evaluate(DIAL, made["body"]["websocketUrl"]).replace(" ", "")
    for key, status in ((None, 401), ("ck_mock_rate_limited", 429)):
        refused = page.evaluate(CREATE, [url, key])
        assert (refused["status"], refused["headers"]["x-request-id"]) == (status, "page-1")
        assert refused["body"]["error"]["message"]
    assert int(refused["headers"]["retry-after"]) > 0
    assert int(refused["headers"]["x-ratelimit-limit"]) > 0


def test_a_page_that_is_not_allowed_reads_and_dials_nothing(browser_page: BrowserPage, page_url: str) -> None:
    with running_mock(rate_limit_per_hour=0, cors_origins=["none"]) as mock:
        page = browser_page.open(page_url)
        told = page.evaluate(
            "async (url) => { try { return await (await fetch(url)).text() } catch (error) { return error.name } }",
            f"{mock.base_url}/openapi.yaml",
        )
        assert told == "TypeError"
        assert page.evaluate(DIAL, mock.create(connectionType="websocket", websocket=RATES)["websocketUrl"]) == 1006
    assert any("blocked by CORS policy" in complaint for complaint in browser_page.complaints)
