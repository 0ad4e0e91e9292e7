"""What test suites of others use: `running_mock`, the pytest fixture, and the recipes in docs/control.md."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from mockserver.option import SettingsError
from mockserver.server import PortError
from mockserver.testing import RunningMock, running_mock

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "control.md").read_text(encoding="utf-8")

SUITE = """
import httpx
import pytest

pytest_plugins = ["mockserver.pytest_plugin"]

@pytest.fixture(scope="session")
def calls_mock_settings():
    return {"agents": ["agent_a=Anna"]}

@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_finds_a_mock_that_remembers_nothing(calls_mock, time):
    assert calls_mock.requests() == calls_mock.calls() == []
    headers = {"X-API-Key": calls_mock.api_key}
    answer = httpx.post(f"{calls_mock.base_url}/calls/create", json={"agentId": "agent_a"}, headers=headers)
    assert answer.status_code == 201 and calls_mock.calls()[0].agent_id == "agent_a"
"""

NODE_TEST = """
const mock = await startMock("--agent", "agent_a=Anna");
try {
  const create = (agentId) => fetch(`${mock.baseUrl}/api/v1/calls/create`, {
    method: "POST", headers: { "X-API-Key": mock.apiKey, "Content-Type": "application/json" },
    body: JSON.stringify({ agentId }),
  });
  await create("nobody");
  await mock.control("/reset", {});
  await create("agent_a");
  const { requests } = await mock.control("/requests");
  console.log(JSON.stringify(requests.map(({ status, account }) => ({ status, account }))));
} finally {
  mock.stop();
}
await startMock("--port", "nonsense").catch((error) => console.log(error.message));
"""


def block(language: str) -> str:
    """The guide's one block in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


def environment(**more: str) -> dict[str, str]:
    """This process's environment, in which `calls` is this checkout's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CALLS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    return {**inherited, "PATH": path, "PYTHONPATH": str(ROOT), **more}


def create(mock: RunningMock, **body: Any) -> httpx.Response:
    headers = {"X-API-Key": mock.api_key}
    return httpx.post(f"{mock.base_url}/calls/create", json={"agentId": "agent_demo", **body}, headers=headers)


def test_a_mock_runs_with_its_settings_and_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLS_PORT", "not looked at")
    before = threading.enumerate()
    with running_mock(agents=["agent_a=Anna"], any_key="yes") as mock:
        assert create(mock, agentId="agent_a").json()["agent"]["name"] == "Anna"
        (thread,) = (each for each in threading.enumerate() if each.name == "calls mock" and each not in before)
    assert not thread.is_alive()
    with pytest.raises(httpx.ConnectError):
        create(mock)


def test_a_mock_may_answer_with_tls() -> None:
    with running_mock(tls="self-signed") as mock:
        assert mock.base_url.startswith("https://") and mock.status().base_url == mock.base_url


def test_what_cannot_be_started_says_why_at_once() -> None:
    with pytest.raises(SettingsError, match="--behaviour"), running_mock(behaviour="sing"):
        pass
    with pytest.raises(ValueError, match="needs the control API"), running_mock(inspector="off"):
        pass
    with pytest.raises(PortError, match="cannot listen on 256.0.0.1"), running_mock(host="256.0.0.1"):
        pass


def test_the_pytest_fixture_gives_each_test_a_mock_as_if_just_started(tmp_path: Path) -> None:
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(suite)]
    # Other plugins take longer to load than all of this.
    alone = environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    run = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and "2 passed" in run.stdout, run.stdout + run.stderr


@pytest.fixture
def guided(tmp_path: Path) -> tuple[list[str], Path]:
    """Every line of the guide's shell block, and a folder to run them in."""
    if not (shutil.which("bash") and shutil.which("curl")):
        pytest.skip("bash and curl are not installed")
    return [line for line in block("bash").splitlines() if line], tmp_path


def test_every_line_of_the_guide_does_what_it_says(guided: tuple[list[str], Path], calls_mock: RunningMock) -> None:
    (function, *lines), folder = guided
    script = "\n".join([function, *(f"{line.partition('  #')[0]} || echo FAILED; echo" for line in lines)])
    call = create(calls_mock, connectionType="websocket", websocket={"inputSampleRate": 8000, "outputSampleRate": 8000})
    with connect(call.json()["websocketUrl"], max_queue=None):
        call_id = calls_mock.wait_for(call.json()["id"], "dialled").id
        known = environment(MOCK=calls_mock.base_url, TOKEN=calls_mock.token, CALL=call_id)
        run = subprocess.run(["bash", "-c", script], cwd=folder, env=known, capture_output=True, text=True, timeout=60)
    answers = [line for line in run.stdout.splitlines() if line]
    assert "FAILED" not in run.stdout and len(answers) == len(lines) - 1, run.stdout + run.stderr
    assert all(isinstance(json.loads(answer), dict) for answer in answers)
    assert (folder / "call.wav").read_bytes().startswith(b"RIFF")


def test_the_guide_s_refused_request_is_answered_as_it_says(calls_mock: RunningMock) -> None:
    shown = json.loads(block("json"))
    create(calls_mock, websocket={"inputSampleRate": 96000})
    request = json.loads(calls_mock._answer("GET", "requests"))["requests"][0]
    for field in shown.keys() - {"number", "closestRule"}:
        assert request[field] == shown[field]
    # The line moves with the document.
    assert {**request["closestRule"], "line": 0} == {**shown["closestRule"], "line": 0}


def test_the_recipe_for_node_works(tmp_path: Path) -> None:
    if not shutil.which("node"):
        pytest.skip("Node is not installed")
    program = tmp_path / "recipe.mjs"
    program.write_text(block("js") + NODE_TEST)
    run = subprocess.run(["node", program], env=environment(), capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    requests, refusal = run.stdout.splitlines()
    assert json.loads(requests) == [{"status": 201, "account": "valid"}]
    assert refusal == "calls mock did not start; it says why above"
    assert "--port (CALLS_PORT): 'nonsense' is not" in run.stderr


def test_the_recipe_for_python_works() -> None:
    def place_a_call(base_url: str, api_key: str) -> str:
        rates = {"inputSampleRate": 8000, "outputSampleRate": 8000}
        body = {"agentId": "any", "connectionType": "websocket", "websocket": rates}
        call = httpx.post(f"{base_url}/calls/create", json=body, headers={"X-API-Key": api_key}).json()
        lines.enter_context(connect(call["websocketUrl"], max_queue=None))
        call_id: str = call["id"]
        return call_id

    with contextlib.ExitStack() as lines:
        exec(compile(block("python"), "docs/control.md", "exec"), {"place_a_call": place_a_call})
