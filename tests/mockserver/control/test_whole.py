"""The control API as a whole: its changes, a reset, its document."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from websockets.sync.client import connect

from contract import documents
from contract.openapi_schema import as_draft4
from mockserver.control.client import ControlClient, ControlError
from mockserver.testing import RunningMock, running_mock
from tests.mockserver.control.asking import HTTP, asked, created, dialled, post
from tests.mockserver.control.conftest import SECRET

DOCUMENT = documents.resolved(documents.control())


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


def test_outcomes_are_ordered_and_a_reset_forgets_them(mock: RunningMock) -> None:
    def status() -> int:
        return post(mock, "/calls/create", {"agentId": "agent_demo"}).status_code

    assert {"rate_limited", "unavailable", "ok"} <= {each.name for each in mock.scenarios()}
    assert mock.order("rate_limited", times=2).next == ["rate_limited"] * 2
    assert mock.set_default_scenario("unavailable").default == "unavailable"
    assert [status() for _ in range(3)] == [429, 429, 503]
    mock.order("error")
    assert mock.forget_outcomes().next == [] and status() == 503
    mock.order("error")
    mock.reset()
    assert (mock.outcomes().default, mock.outcomes().next) == ("ok", []) and status() == 201
    with pytest.raises(ControlError, match="400 VALIDATION_ERROR: scenario: there is no scenario 'eror'"):
        mock.order("eror")


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


def test_the_status_and_a_reset_show_the_folder_of_recordings(tmp_path: Path) -> None:
    with running_mock(recordings=tmp_path) as mock:
        for status in (mock.status(), mock.reset()):
            assert status.settings["--recordings"] == str(tmp_path)


def test_the_control_api_leaves_no_trace_and_speaks_of_no_limit(mock: RunningMock) -> None:
    answer = asked(mock, "status")
    assert answer.status_code == 200 and not [name for name in answer.headers if "ratelimit" in name]
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["x-request-id"] and answer.headers["cache-control"] == "no-store"
    assert mock.requests() == []


# The document


def test_what_is_answered_is_what_the_document_says(mock: RunningMock) -> None:
    with dialled(mock) as (call_id, _):
        post(mock, "/calls/create", {})
        schemas = DOCUMENT["components"]["schemas"]
        for path, name in (("status", "Status"), (f"calls/{call_id}", "Call"), ("changes?waitS=0", "Changes")):
            answer = asked(mock, path).json()
            assert jsonschema_rs.is_valid(as_draft4(schemas[name]), answer), answer
        assert not jsonschema_rs.is_valid(as_draft4(schemas["Call"]), {"id": "x"})


def test_every_operation_of_the_document_is_served_and_the_document_too(mock: RunningMock) -> None:
    for path, item in DOCUMENT["paths"].items():
        for method in item:
            filled = re.sub(r"\{\w+\}", "x", path)
            answer = HTTP.request(method, f"{mock.base_url}/__mock__/api{filled}")
            assert answer.status_code == 401, f"{method} {path}"
    assert HTTP.get(f"{mock.base_url}/__mock__/openapi.yaml").content == documents.control_text()
    assert asked(mock, "nothing").json()["error"]["message"].endswith("/__mock__/openapi.yaml says what there is")
    assert asked(mock, "status", "POST").status_code == 405


def test_without_the_inspector_there_is_no_control_api_and_nothing_is_noted() -> None:
    from tests.running import running_mock as plain_mock

    with plain_mock(inspector="off") as running:
        assert HTTP.get(f"{running.base_url}/__mock__/api/status").status_code == 404
        with connect(running.create()["websocketUrl"]):
            pass
        assert running.mock.control_token is None
