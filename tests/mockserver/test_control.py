"""The control API as a client of it sees it: a mock in this process, real requests, real sockets."""

from __future__ import annotations

import io
import re
import threading
import time
import wave
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jsonschema_rs
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from contract import documents
from contract.openapi_schema import as_draft4
from mockserver.control.client import ControlClient, ControlError
from mockserver.control.shapes import Event
from mockserver.testing import RunningMock, running_mock

INLINE = {"systemPrompt": "Be brief.", "voice": "Mark", "language": "en", "greeting": "Hi"}
PCM16K = {"inputSampleRate": 16000, "outputSampleRate": 16000, "codec": "pcm"}
DOCUMENT = documents.resolved(documents.control())
HTTP = httpx.Client(verify=False, trust_env=False)
SECRET = "sample-secret-of-16"
START = (
    '{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",'
    '"tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},'
    '"customParameters":{"pin":"1","authToken":"not to be kept"}},"streamSid":"MZ1"}'
)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningMock]:
    with running_mock() as mock:
        yield mock
    HTTP.close()


@pytest.fixture(scope="module")
def special() -> Iterator[RunningMock]:
    """A mock with other settings, which is reached under another name, too."""
    settings: dict[str, Any] = {"url_ttl_s": 0.05, "rate_limit_per_hour": 1, "api_keys": (SECRET,)}
    with running_mock(public_url="https://tunnel.example/mock", control_token=SECRET, **settings) as mock:
        yield mock


@pytest.fixture
def mock(running: RunningMock) -> RunningMock:
    """A mock that remembers nothing yet."""
    running.reset()
    return running


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


# Requests


def test_each_request_is_remembered_with_what_came_and_what_was_answered(mock: RunningMock) -> None:
    post(mock, "/api/v1/calls/create", {"agentId": "agent_demo", "metadata": {"a": 1}}, **{"X-Request-Id": "req-1"})
    (request,) = mock.requests()
    assert (request.id, request.method, request.path) == ("req-1", "POST", "/api/v1/calls/create")
    assert (request.operation, request.status, request.account) == ("createCall", 201, "valid")
    assert request.body == {"agentId": "agent_demo", "metadata": {"a": 1}}, "as it came, without defaults"
    assert request.body_bytes > 20 and request.duration_ms > 0
    assert request.error_code is None and request.closest_rule is None
    assert mock.request("req-1") == request


def line(number: int | None) -> str:
    assert number is not None
    return documents.openapi_text().decode().splitlines()[number - 1].strip()


@pytest.mark.parametrize(
    ("path", "body", "key", "field", "rule", "received", "on_line"),
    [
        ("/calls/create", {"agentId": "agent_demo", "websocket": {"inputSampleRate": 96000}}, None)
        + ("websocket.inputSampleRate", "maximum", "96000", "maximum: 48000"),
        ("/calls/create", {"connectionType": "twilio"}, None, "agentId", "required", "nothing", "required: [agentId]"),
        ("/calls/create", {"agentId": "agent_demo", "connectionType": "websocket"}, None)
        + ("", "not", "an object", "not:"),
        ("/calls/inline", {**INLINE, "selectedTools": [{}]}, None, "selectedTools[0]", "not", "an object", "not:"),
        ("/calls/inline", {**INLINE, "maxDuration": "ck_prod_0123456789"}, None)
        + ("maxDuration", "type", "this string", "type: integer"),
        ("/calls/create", {"agentId": "x"}, None, "agentId", "existing agent", '"x"', "'404':"),
        ("/calls/create", {}, "nobody's", "X-API-Key", "known key", "a key that opens nothing", "apiKey:"),
        ("/calls/create", {}, "ck_mock_rate_limited")
        + ("X-API-Key", "rate limit", "one request too many in this hour", "'429':"),
        ("/calls/create", {"agentId": "agent_demo"}, "ck_mock_no_credit")
        + ("X-API-Key", "balance", "a key whose balance is used up", "'402':"),
        ("/calls/creat", {}, None, "path", "existing path", "/calls/creat", "/calls/create:"),
        ("/api/v1/call/inline", {}, None, "path", "existing path", "/api/v1/call/inline", "/calls/inline:"),
        ("/something/else", {}, None, "path", "existing path", "/something/else", "paths:"),
        ("/media/abc", {}, None)
        + ("websocketUrl", "dialled once, in time", "POST of a URL that opens nothing, or not as a WebSocket")
        + ("websocketUrl:",),
    ],
)
def test_a_refused_request_is_told_the_rule_that_it_broke_and_its_line(
    mock: RunningMock, path: str, body: Any, key: str | None, field: str, rule: str, received: str, on_line: str
) -> None:
    assert post(mock, path, body, key).status_code >= 400
    closest = mock.requests()[0].closest_rule
    assert closest is not None
    assert (closest.field, closest.rule, closest.received) == (field, rule, received)
    assert line(closest.line) == on_line
    assert closest.place is not None and closest.place.startswith("openapi/calls.yaml#/")


def test_a_wrong_method_or_media_type_is_told_the_right_one(mock: RunningMock) -> None:
    HTTP.get(f"{mock.base_url}/calls/create")
    HTTP.post(f"{mock.base_url}/calls/create", content=b"a=1", headers={"X-API-Key": mock.api_key})
    method, media_type = (request.closest_rule for request in mock.requests())
    assert method is not None and (method.field, method.received, method.expected) == ("method", "GET", "POST")
    assert media_type is not None and (media_type.field, media_type.received) == ("Content-Type", "nothing")
    assert media_type.expected == "application/json"


def test_a_body_that_is_no_json_is_counted_and_not_kept(mock: RunningMock) -> None:
    headers = {"X-API-Key": mock.api_key, "Content-Type": "application/json"}
    HTTP.post(f"{mock.base_url}/calls/create", content=b'{"a', headers=headers)
    (request,) = mock.requests()
    assert (request.body, request.body_bytes, request.error_code) == (None, 3, "INVALID_BODY")
    assert request.closest_rule is not None and request.closest_rule.rule == "invalid body"


def test_no_key_and_no_token_is_in_anything_that_is_remembered(mock: RunningMock) -> None:
    secret = "k1-of-the-tool"
    tool = {
        "temporaryTool": {
            "modelToolName": "t",
            "description": "d",
            "staticParameters": [{"name": "Authorization", "location": "PARAMETER_LOCATION_HEADER", "value": secret}],
            "http": {"baseUrlPattern": "https://user:pass@shop.example", "httpMethod": "GET"},
        }
    }
    call = created(mock, selectedTools=[tool], metadata={"note": mock.api_key, "password": "hunter2"})
    token = call["websocketUrl"].rpartition("/")[2]
    HTTP.get(f"{mock.base_url}/media/{token}")
    with connect(call["websocketUrl"]):
        mock.wait_for(call["id"], "dialled")
    answers = [mock._answer("GET", path) for path in ("requests", "calls", "status", f"calls/{call['id']}/events")]
    told = b"".join(answers).decode()
    for word in (mock.api_key, token, secret, "user:pass", "hunter2", mock.token):
        assert word not in told
    assert "/media/***" in told


# Calls


def test_a_call_is_followed_from_its_creation_to_its_end(mock: RunningMock) -> None:
    call_id = created(mock)["id"]
    call = mock.call(call_id)
    assert (call.kind, call.connection_type, call.state, call.agent_id) == ("inline", "websocket", "created", None)
    with dialled(mock) as (other, _):
        assert mock.call(other).state == "dialled"
        mock.hang_up(other)
        over = mock.wait_for(other, "ended")
    assert over.ending is not None
    assert (over.ending.by, over.ending.reason) == ("agent", "hung up through the control API")
    assert over.ending.close_code == 1000
    assert over.dialled_at is not None and over.ended_at is not None and over.created_at <= over.dialled_at
    assert [each.id for each in mock.calls()] == [call_id, other]
    assert [each.id for each in mock.calls(after=call.number)] == [other]


def test_a_caller_that_closes_ended_the_call(mock: RunningMock) -> None:
    with dialled(mock) as (call_id, line):
        line.close()
        over = mock.wait_for(call_id, "ended")
    assert over.ending is not None and over.ending.by == "caller" and "1000" in over.ending.reason


def test_a_call_that_nobody_dials_in_time_is_expired(special: RunningMock) -> None:
    special.reset()
    call_id = created(special)["id"]
    assert eventually(lambda: special.call(call_id).state == "expired")


def test_every_message_of_both_ends_is_an_event_in_its_order(mock: RunningMock) -> None:
    with dialled(mock, "twilio") as (call_id, line):
        line.send(
            '{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"5",'
            '"payload":"' + b64encode(bytes(160)).decode() + '"},"streamSid":"MZ1"}'
        )
        line.send(
            '{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"3","dtmf":{"track":"inbound_track","digit":"7"}}'
        )
        line.send("nonsense")
        eventually(lambda: of_kind(mock, call_id, "NotAllowed", "caller"))
        eventually(lambda: of_kind(mock, call_id, "Mark"))
    events = mock.events(call_id)
    assert [event.index for event in events] == list(range(len(events)))
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
    started, audio, digit, fault = (event for event in events if event.side == "caller")
    assert started.kind == "Started" and started.wire_bytes == len(START) and started.detail is not None
    assert started.detail["encoding"] == "audio/x-mulaw" and started.detail["parameters"]["authToken"] == "***"
    assert (audio.kind, audio.audio_bytes, audio.detail) == ("Audio", 160, None)
    assert (digit.kind, digit.detail and digit.detail["digit"]) == ("Digit", "7")
    assert (
        (fault.kind, fault.wire_bytes) == ("NotAllowed", 8) and fault.detail and "not JSON" in fault.detail["message"]
    )
    said = [event for event in events if event.side == "agent"]
    assert {event.kind for event in said if event.wire_bytes is not None} == {"Audio", "Mark"}
    unsaid = {event.kind for event in said if event.wire_bytes is None}
    assert unsaid == {"StateChanged", "Transcript", "Fault"}, "the carrier's document has no message for them"
    assert mock.events(call_id, after=events[-2].index) == [events[-1]]


def test_the_transcript_is_there_on_every_connection_type(mock: RunningMock) -> None:
    with dialled(mock, "twilio", greeting="Hello caller") as (call_id, _):
        assert eventually(lambda: [each.text for each in mock.transcript(call_id) if each.final]) == ["Hello caller"]
    with dialled(mock) as (call_id, line):
        line.send('{"type":"user_text_message","text":"good day"}')
        eventually(lambda: len(mock.transcript(call_id)) > 2)
        told = [(each.role, each.text, each.medium) for each in mock.transcript(call_id) if each.role == "user"]
    assert told == [("user", "good day", "text")]


def test_the_audio_is_a_file_with_the_caller_left_and_the_agent_right(mock: RunningMock) -> None:
    loud = (np.sin(np.arange(16000) / 5) * 8000).astype("<i2").tobytes()
    with dialled(mock, firstSpeaker="user") as (call_id, line):
        for at in range(0, len(loud), 640):
            line.send(loud[at : at + 640])
        # The parrot repeats it after a pause.
        eventually(lambda: len(of_kind(mock, call_id, "Audio")) > 20)
    both = _samples(mock.audio(call_id), channels=2)
    caller, agent = both[:, 0], both[:, 1]
    assert caller[:16000].tobytes() == loud and not agent[:8000].any()
    assert agent[int(np.flatnonzero(agent)[0]) :].any() and np.flatnonzero(agent)[0] > 10_000, "in its time"
    assert _samples(mock.audio(call_id, "caller"), channels=1)[:, 0].tobytes() == loud
    assert mock.call(call_id).caller_audio is not None


def _samples(file: bytes, *, channels: int) -> Any:
    with wave.open(io.BytesIO(file)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (channels, 2, 16000)
        return np.frombuffer(read.readframes(read.getnframes()), "<i2").reshape(-1, channels)


def test_a_call_without_audio_has_no_file(mock: RunningMock) -> None:
    with pytest.raises(ControlError, match="404 RESOURCE_NOT_FOUND: there is no such audio"):
        mock.audio(created(mock)["id"])


def test_a_page_is_no_longer_than_it_may_be_and_all_pages_together_are_everything(mock: RunningMock) -> None:
    long = {"agentId": "agent_demo", "metadata": {"text": "long word " * 5000}}
    for _ in range(12):
        assert post(mock, "/calls/create", long).status_code == 201
    first = _asked(mock, "requests").json()["requests"]
    assert len(first) < 12
    assert [request.body for request in mock.requests()] == [long] * 12
    assert len(_asked(mock, "calls?limit=5").json()["calls"]) == 5
    assert len(_asked(mock, f"calls?after={mock.calls()[8].number}").json()["calls"]) == 3


# Live


def test_the_agent_says_what_it_is_told(mock: RunningMock) -> None:
    with dialled(mock) as (call_id, _):
        mock.speak(call_id, "Your bicycle is ready.")
        eventually(lambda: said(mock, call_id, "Your bicycle"))


def test_keys_are_pressed_in_the_caller_s_place(mock: RunningMock) -> None:
    with dialled(mock, firstSpeaker="user") as (call_id, _):
        mock.press_digits(call_id, "42#")
        eventually(lambda: said(mock, call_id, "You pressed 4"))
    pressed = of_kind(mock, call_id, "Digit", "caller")
    assert [event.detail for event in pressed] == [{"digit": "4"}, {"digit": "2"}, {"digit": "#"}]
    assert all(event.wire_bytes is None for event in pressed), "nothing went over the wire"


def test_a_client_tool_is_answered_in_the_caller_s_place(mock: RunningMock) -> None:
    tool = {"temporaryTool": {"modelToolName": "look_up", "description": "d", "client": {}}}
    with dialled(mock, firstSpeaker="user", selectedTools=[tool]) as (call_id, line):
        line.send('{"type":"user_text_message","text":"look_up"}')
        (invoked,) = eventually(lambda: of_kind(mock, call_id, "ToolInvoked"))
        mock.answer_tool(call_id, invoked.detail["invocationId"], result="Monday")
        eventually(lambda: said(mock, call_id, "The tool look_up answered"))


def test_what_cannot_be_done_is_refused_with_the_reason(mock: RunningMock) -> None:
    waiting = created(mock)["id"]
    with pytest.raises(ControlError, match="409 CONFLICT: this call is not in progress: it is created"):
        mock.hang_up(waiting)
    with pytest.raises(ControlError, match="404 RESOURCE_NOT_FOUND: there is no such call"):
        mock.speak("nobody", "hello")
    with pytest.raises(ControlError, match="404"):
        mock.request("nothing/at all")
    call = created(mock, "twilio")
    with connect(call["websocketUrl"]):
        mock.wait_for(call["id"], "dialled")
        with pytest.raises(ControlError, match="409 CONFLICT: this call's stream is not running"):
            mock.press_digits(call["id"], "1")
    with dialled(mock) as (call_id, _):
        with pytest.raises(ControlError, match='400 VALIDATION_ERROR: digits: "x" does not match'):
            mock.press_digits(call_id, "x")
        with pytest.raises(ControlError, match="400 VALIDATION_ERROR: exactly one of result, error is required"):
            mock.answer_tool(call_id, "a", result="b", error="c")


def test_a_number_may_be_as_large_as_it_likes(mock: RunningMock) -> None:
    call_id = created(mock)["id"]
    for path in ("requests?after=", "calls?after=", f"calls/{call_id}/events?after=", "changes?waitS=0&after="):
        assert _asked(mock, path + "9" * 99).status_code == 200
    assert _asked(mock, "changes?waitS=5e-324").status_code == 200
    for number in ("61", "1e99", "1e999", "nan", "inf", "-1"):
        assert _asked(mock, f"changes?waitS={number}").status_code == 400


@pytest.mark.parametrize("query", ["after=-2", "after=x", "limit=0", "limit=2001", "limit=1.5", "after="])
def test_a_parameter_that_makes_no_sense_is_refused(mock: RunningMock, query: str) -> None:
    answer = _asked(mock, f"requests?{query}")
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert answer.json()["error"]["message"].startswith(query.partition("=")[0])


# Following along


def test_a_change_is_told_to_who_waits_for_it(mock: RunningMock) -> None:
    latest = mock.status().latest
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(mock.changes(latest, wait_s=20)))
    waiting.start()
    call_id = created(mock)["id"]
    waiting.join(20)
    kinds = {(change.kind, change.id) for change in found[0].changes}
    assert ("call", call_id) in kinds and found[0].latest > latest


def test_who_waits_is_told_of_nothing_when_the_time_is_over(mock: RunningMock) -> None:
    latest = mock.status().latest
    assert mock.changes(latest, wait_s=0.05).changes == []
    assert mock.changes(0, wait_s=0).changes[0].kind == "reset"


def test_who_knows_a_change_that_never_was_is_told_everything(mock: RunningMock) -> None:
    assert mock.changes(10**9, wait_s=20).changes[0].kind == "reset"


def test_who_waits_is_answered_when_the_mock_ends() -> None:
    found: list[Any] = []
    with running_mock() as mock:
        other = ControlClient(mock.base_url, mock.token)
        latest = other.status().latest
        waiting = threading.Thread(target=lambda: found.append(other.changes(latest, wait_s=60)))
        waiting.start()
        time.sleep(0.2)
    waiting.join(20)
    other.close()
    assert found and found[0].changes == []


# The mock as a whole


def test_a_reset_forgets_everything_and_hangs_up(mock: RunningMock) -> None:
    waiting = created(mock)
    with dialled(mock) as (call_id, line):
        mock.reset()
        with pytest.raises(Exception, match="reset through the control API"):
            while True:
                line.recv(timeout=20)
    assert (mock.requests(), mock.calls()) == ([], [])
    with pytest.raises(ControlError):
        mock.call(call_id)
    assert HTTP.get(waiting["websocketUrl"].replace("ws://", "http://")).status_code == 404
    with pytest.raises(Exception, match="404"), connect(waiting["websocketUrl"]):
        pass


def test_a_reset_begins_a_new_hour(special: RunningMock) -> None:
    statuses = []
    for _ in range(2):
        special.reset()
        statuses += [post(special, "/calls/create", {"agentId": "agent_demo"}).status_code for _ in range(2)]
    assert statuses == [201, 429, 201, 429]


def test_the_status_shows_the_settings_and_no_secret(special: RunningMock) -> None:
    status = special.status()
    assert status.settings["--rate-limit"] == 1 and status.settings["--public-url"] == special.base_url
    assert status.base_url == "https://tunnel.example/mock"
    assert SECRET not in special._answer("GET", "status").decode()


def test_the_control_api_leaves_no_trace_and_speaks_of_no_limit(mock: RunningMock) -> None:
    answer = _asked(mock, "status")
    assert answer.status_code == 200 and not [name for name in answer.headers if "ratelimit" in name]
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["x-request-id"] and answer.headers["cache-control"] == "no-store"
    assert mock.requests() == []


# Access


def _asked(mock: RunningMock, path: str = "status", method: str = "GET", **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {mock.token}", **headers}
    return HTTP.request(method, f"{mock.local_url}/__mock__/api/{path}", headers=sent)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x"])
def test_without_the_token_nothing_is_told(mock: RunningMock, header: str) -> None:
    answer = _asked(mock, Authorization=header.replace("{token}", mock.token))
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "UNAUTHORIZED"
    assert answer.headers["www-authenticate"] == "Bearer" and mock.token not in answer.text
    for path in ("calls", "requests", "changes", "calls/x/audio"):
        assert _asked(mock, path, Authorization=header.replace("{token}", mock.token)).status_code == 401


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
        ("localhost@attacker.example", 403),
        ("attacker.example/localhost", 403),
        ("10.0.0.1", 403),
        ("", 403),
    ],
)
def test_a_name_that_is_not_the_server_s_is_refused(name: str, status: int, special: RunningMock) -> None:
    assert _asked(special, Host=name).status_code == status


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("origin", ["http://attacker.example", "null", "http://localhost:1", "file://", ""])
def test_a_page_of_another_origin_is_refused_and_gets_no_cors(mock: RunningMock, origin: str, method: str) -> None:
    answer = _asked(mock, method=method, Origin=origin, **{"Access-Control-Request-Method": "GET"})
    assert answer.status_code == 403 and answer.json()["error"]["code"] == "FORBIDDEN"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_its_own_may_ask(mock: RunningMock) -> None:
    assert _asked(mock, Origin=mock.base_url).status_code == 200


# The document


def test_what_is_answered_is_what_the_document_says(mock: RunningMock) -> None:
    with dialled(mock) as (call_id, _):
        post(mock, "/calls/create", {})
        schemas = DOCUMENT["components"]["schemas"]
        for path, name in (("status", "Status"), (f"calls/{call_id}", "Call"), ("changes?waitS=0", "Changes")):
            answer = _asked(mock, path).json()
            assert jsonschema_rs.is_valid(as_draft4(schemas[name]), answer), answer
        assert not jsonschema_rs.is_valid(as_draft4(schemas["Call"]), {"id": "x"})


def test_every_operation_of_the_document_is_served_and_the_document_too(mock: RunningMock) -> None:
    for path, item in DOCUMENT["paths"].items():
        for method in item:
            filled = re.sub(r"\{\w+\}", "x", path)
            answer = HTTP.request(method, f"{mock.base_url}/__mock__/api{filled}")
            assert answer.status_code == 401, f"{method} {path}"
    assert HTTP.get(f"{mock.base_url}/__mock__/openapi.yaml").content == documents.control_text()
    assert _asked(mock, "nothing").json()["error"]["message"].endswith("/__mock__/openapi.yaml says what there is")
    assert _asked(mock, "status", "POST").status_code == 405


def test_without_the_inspector_there_is_no_control_api_and_nothing_is_noted() -> None:
    from tests.running import running_mock as plain_mock

    with plain_mock(inspector="off") as running:
        assert HTTP.get(f"{running.base_url}/__mock__/api/status").status_code == 404
        with connect(running.create()["websocketUrl"]):
            pass
        assert running.mock.control_token is None
