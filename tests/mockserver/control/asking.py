"""What the tests of the control API do to a mock: real requests, real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from mockserver.control.shapes import Event
from mockserver.testing import RunningMock

INLINE = {"systemPrompt": "Be brief.", "voice": "Mark", "language": "en", "greeting": "Hi"}
PCM16K = {"inputSampleRate": 16000, "outputSampleRate": 16000, "codec": "pcm"}
HTTP = httpx.Client(verify=False, trust_env=False)
START = (
    '{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",'
    '"tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},'
    '"customParameters":{"pin":"1","authToken":"not to be kept"}},"streamSid":"MZ1"}'
)


def post(mock: RunningMock, path: str, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
    sent = {"X-API-Key": key or mock.api_key, **headers}
    return HTTP.post(mock.local_url + path, json=body, headers=sent)


def created(mock: RunningMock, connection_type: str = "websocket", **more: Any) -> dict[str, Any]:
    """The answer to a request for an inline call."""
    body = {**INLINE, "connectionType": connection_type, "websocket": PCM16K, **more}
    answer = post(mock, "/calls/inline", body)
    assert answer.status_code == 201, answer.text
    call: dict[str, Any] = answer.json()
    return call


@contextmanager
def dialled(
    mock: RunningMock, connection_type: str = "websocket", **more: Any
) -> Iterator[tuple[str, ClientConnection]]:
    """A call in progress, by its id, whose caller hears all that is said."""
    call = created(mock, connection_type, **more)
    with connect(call["websocketUrl"], max_queue=None) as line:
        if connection_type == "twilio":
            line.send(START)
        eventually(lambda: mock.events(call["id"]))
        yield call["id"], line


def eventually(claim: Callable[[], Any]) -> Any:
    """What a claim holds once it holds; the time is only a limit to a test that fails."""
    until = time.monotonic() + 20
    while not (held := claim()):
        assert time.monotonic() < until, "it never held"
        time.sleep(0.01)
    return held


def of_kind(mock: RunningMock, call_id: str, kind: str, side: str = "agent") -> list[Event]:
    return [event for event in mock.events(call_id) if event.kind == kind and event.side == side]


def said(mock: RunningMock, call_id: str, beginning: str) -> bool:
    return any(each.text.startswith(beginning) for each in mock.transcript(call_id) if each.role == "agent")


def asked(mock: RunningMock, path: str = "status", method: str = "GET", **headers: str) -> httpx.Response:
    """The answer of the control API to a request with the token, or with other headers."""
    sent = {"Authorization": f"Bearer {mock.token}", **headers}
    return HTTP.request(method, f"{mock.local_url}/__mock__/api/{path}", headers=sent)
