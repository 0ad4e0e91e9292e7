"""`--overlay` of `calls mock` and `calls verify`: what is served and asked, and what is said of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from calls.__main__ import main
from calls.welcome import ready_line
from contract import documents
from contract.overlays import http_contract
from contract_tests import fuzzing
from mockserver.settings import Settings
from tests.calls.test_mock_command import run, started
from tests.running import VALID_KEY, RunningMock, running_mock

NAME = "webrtc-on-create"
BROWSER = {"agentId": "agent_demo", "connectionType": "webrtc"}
HEAD = "overlay: 1.0.0\ninfo: {title: A test, version: '1'}\n"


@pytest.fixture(scope="module")
def overlaid() -> Iterator[RunningMock]:
    with running_mock(rate_limit_per_hour=0, overlays=[NAME]) as running:
        yield running


def create(mock: RunningMock, **body: Any) -> httpx.Response:
    return httpx.post(f"{mock.base_url}/api/v1/calls/create", json={**BROWSER, **body}, headers=VALID_KEY)


# the mock


def test_a_call_that_the_overlay_lets_through_is_answered_as_the_changed_document_says(overlaid: RunningMock) -> None:
    answer = create(overlaid)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["connectionType"], body["agent"]["id"]) == ("webrtc", "agent_demo")
    assert create(overlaid, connectionType="vonage").status_code == 400
    example = httpx.post(
        f"{overlaid.base_url}/calls/create", json=BROWSER, headers={**VALID_KEY, "Prefer": "example=webrtc"}
    )
    assert example.headers["Preference-Applied"] == "example=webrtc"
    assert example.json()["connectionType"] == "webrtc"


def test_what_is_served_as_the_contract_is_what_is_kept_to(overlaid: RunningMock, mock: RunningMock) -> None:
    changed = http_contract([NAME]).text
    for path in ("/openapi.yaml", "/__mock__/contract.yaml"):
        assert httpx.get(overlaid.base_url + path).content == changed
        assert httpx.get(mock.base_url + path).content == documents.openapi_text()


def test_a_refused_request_points_into_the_document_that_is_served(overlaid: RunningMock) -> None:
    create(overlaid, connectionType="vonage")
    token = overlaid.mock.control_token
    headers = {"Authorization": f"Bearer {token}"}
    requests = httpx.get(f"{overlaid.base_url}/__mock__/api/requests", headers=headers).json()["requests"]
    rule = next(request for request in requests if request["status"] == 400)["closestRule"]
    assert rule["place"].endswith("CreateCallRequest/properties/connectionType/enum")
    lines = httpx.get(f"{overlaid.base_url}/openapi.yaml").text.splitlines()
    assert lines[rule["line"] - 1].strip() == "enum:"
    assert "- webrtc" in [line.strip() for line in lines[rule["line"] : rule["line"] + 5]]


def test_the_start_says_which_contract_is_served() -> None:
    with started(CALLS_OVERLAYS=NAME) as (_, base_url, printed):
        assert f"\nOverlays on the contract: {NAME} (4 actions)\n" in printed
        assert httpx.post(f"{base_url}/calls/create", json=BROWSER, headers=VALID_KEY).status_code == 201
    told = json.loads(ready_line(Settings(), "http://127.0.0.1:1", None, overlays=http_contract([NAME]).overlays))
    assert told["overlays"] == [NAME]


def test_an_overlay_that_is_not_there_ends_the_start() -> None:
    ended = run("mock", "--port", "0", "--overlay", "nosuch.yaml")
    assert ended.returncode == 2
    complaint = f"calls mock: overlay nosuch.yaml: no such file or directory; expected a file, or .*: {NAME}\n"
    assert re.fullmatch(complaint, ended.stderr), ended.stderr


def test_an_overlay_that_makes_no_openapi_document_ends_the_start(tmp_path: Path) -> None:
    ended = run("mock", "--port", "0", "--overlay", str(breaking(tmp_path)))
    assert ended.returncode == 2
    complaint = r"calls mock: openapi/calls\.yaml with the overlay \S*breaking\.yaml \(1 action\): .*often.*\n"
    assert re.fullmatch(complaint, ended.stderr), ended.stderr


def breaking(folder: Path) -> Path:
    """An overlay after which a bound is no number."""
    path = folder / "breaking.yaml"
    place = "$.components.schemas.CreateInlineCallRequest.properties.maxDuration"
    path.write_text(f"{HEAD}actions: [{{target: {place}, update: {{maximum: often}}}}]")
    return path


# the judge


@pytest.fixture(autouse=True)
def no_keys_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CALLS_")]:
        monkeypatch.delenv(name)


def verify(target: RunningMock, *options: str) -> int:
    keys = ("--api-key", "ck_mock_valid", "--agent", "agent_demo", "--seed", "1")
    return main(["verify", f"{target.base_url}/api/v1", *keys, *options])


ASKED = ("--only", "create.connection-type,answers.connection-type[create],answers.fit-the-document")


def test_a_target_is_held_to_the_contract_that_is_asked_for(
    mock: RunningMock, overlaid: RunningMock, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    assert verify(overlaid, *ASKED, "--overlay", NAME, "--report", f"json={report}", "--report", "text") == 0
    shown = capsys.readouterr()
    changed = f"with the overlay {NAME} (4 actions)"
    assert f"contract  openapi/calls.yaml {changed}" in shown.out
    assert f"the target conforms to the contract {changed} in all that was checked" in shown.out
    assert f"--overlay {NAME} " in shown.out
    assert shown.err.splitlines()[0].endswith(f"; overlay {NAME}")
    assert json.loads(report.read_text())["overlays"] == [{"name": NAME, "actions": 4}]

    assert verify(mock, *ASKED) == 0
    assert "overlay" not in capsys.readouterr().out


def test_a_target_that_keeps_to_the_other_contract_violates_it(
    mock: RunningMock, overlaid: RunningMock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(mock, *ASKED, "--overlay", NAME) == 1
    shown = capsys.readouterr().out
    assert "VIOLATED create.connection-type" in shown and "201: connectionType webrtc is allowed" in shown
    assert verify(overlaid, *ASKED) == 1
    shown = capsys.readouterr().out
    assert "VIOLATED create.connection-type" in shown and '400: connectionType is "webrtc"' in shown


def test_bounds_that_an_overlay_moves_are_judged_as_moved(
    mock: RunningMock, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "longer.yaml"
    place = "$.components.schemas.CreateInlineCallRequest.properties.maxDuration"
    path.write_text(f"{HEAD}actions: [{{target: {place}, update: {{minimum: 61, maximum: 7201}}}}]")
    asked = ("--only", "inline.max-duration", "--overlay", str(path))
    with running_mock(rate_limit_per_hour=0, overlays=[str(path)]) as moved:
        assert verify(moved, *asked) == 0
    capsys.readouterr()
    assert verify(mock, *asked) == 1
    shown = capsys.readouterr().out
    assert "201: by the overlay, a request of which maxDuration is 7201" in shown
    assert "400: maxDuration 60, which the overlay forbids" in shown


def test_fuzzing_is_told_of_the_overlays_and_makes_what_is_refused_small(
    mock: RunningMock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def made(asked: Any) -> Any:
        assert asked["overlays"] == (NAME,)
        return {"create True": [(201, {**BROWSER, "metadata": {"a": 1}})]}

    monkeypatch.setattr(fuzzing, "made_elsewhere", made)
    assert verify(mock, "--only", "fuzz.valid-requests[create]", "--overlay", NAME) == 1
    assert '201: a plain request with {"connectionType": "webrtc"}\n' in capsys.readouterr().out


@pytest.mark.parametrize("broken", [False, True])
def test_an_overlay_that_cannot_be_applied_is_an_error_of_the_options(
    broken: bool, mock: RunningMock, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    name = str(breaking(tmp_path)) if broken else "nosuch.yaml"
    with pytest.raises(SystemExit) as left:
        verify(mock, "--overlay", name)
    assert left.value.code == 2
    complaint = rf"calls verify: .*{re.escape(name)}.*(no such file|often).* \(see `calls verify --help`\)\n"
    assert re.fullmatch(complaint, capsys.readouterr().err)
