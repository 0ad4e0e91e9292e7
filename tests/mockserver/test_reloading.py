"""`calls mock --reload`, on a copy of the project whose documents are edited while it runs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.mockserver.mock import INLINE
from tests.running import VALID_KEY

ROOT = Path(__file__).parents[2]
WITHIN_S = 15.0
OVERLAY = "overlay: 1.0.0\ninfo: {{title: A, version: '1'}}\nactions: [{{target: $.info, update: {{title: {title}}}}}]"


@dataclass
class Reloading:
    """A mock that watches its files."""

    base_url: str
    folder: Path
    log: Path

    def post(self, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.base_url}/calls/inline", json={**INLINE, **body}, headers=VALID_KEY)

    def edit(self, name: str, change: Callable[[str], str]) -> str:
        """Change a file; what the log says of it."""
        said = self.log.read_text()
        path = self.folder / name
        new = path.with_suffix(".new")
        new.write_text(change(path.read_text()))
        # As editors do that never leave half a file.
        new.replace(path)
        return self.wait_for(lambda: self.log.read_text().removeprefix(said), f"{path.name} changed")

    def wait_for(self, look: Callable[[], str], words: str) -> str:
        until = time.monotonic() + WITHIN_S
        while words not in (found := look()):
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found


def copied(folder: Path) -> Path:
    """A copy of the project."""
    for name in ("calls", "contract", "contract_tests", "mockserver", "openapi", "asyncapi"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def reloading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reloading]:
    folder = copied(tmp_path_factory.mktemp("project"))
    (folder / "script.yaml").write_text("steps: [{say: First}]")
    (folder / "order.yaml").write_text("sequences: [{agentId: nobody, outcomes: [ok]}]")
    (folder / "change.yaml").write_text(OVERLAY.format(title="First"))
    options = ["--port", "0", "--reload", "--behaviour", "script=script.yaml", "--scenario-file", "order.yaml"]
    options += ["--overlay", "change.yaml"]
    log = folder / "log"
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(log.open("w"))
        process = subprocess.Popen(
            [sys.executable, "-m", "calls", "mock", *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder)},
            stdout=output,
            stderr=output,
        )
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        running = Reloading("", folder, log)
        running.wait_for(log.read_text, "Ctrl-C")
        found = re.search(r"http://\S+", log.read_text())
        assert found is not None
        running.base_url = found[0]
        yield running


def test_a_changed_bound_counts_at_once(reloading: Reloading) -> None:
    assert reloading.post(maxDuration=7300).status_code == 400
    said = reloading.edit("openapi/calls.yaml", lambda text: text.replace("maximum: 7200", "maximum: 7300"))
    assert "read again" in said
    assert reloading.post(maxDuration=7300).status_code == 201


def test_a_broken_edit_keeps_the_last_good_version_and_says_where_it_is_broken(reloading: Reloading) -> None:
    broken = reloading.edit("openapi/calls.yaml", lambda text: text.replace("maximum: 7300", "maximum: often"))
    assert re.search(r"the last good version goes on: \S*calls\.yaml:\d+: components\.schemas\S*: ", broken)
    assert reloading.post(maxDuration=7300).status_code == 201
    reloading.edit("openapi/calls.yaml", lambda text: text.replace("maximum: often", "maximum: 7200"))
    assert reloading.post(maxDuration=7300).status_code == 400
    not_yaml = reloading.edit("asyncapi/websocket.yaml", lambda text: text + "\n- ] no")
    assert re.search(r"the last good version goes on: \S*websocket\.yaml:\d+: not YAML", not_yaml)
    assert "read again" in reloading.edit("asyncapi/websocket.yaml", lambda text: text.replace("\n- ] no", ""))


def test_a_changed_overlay_counts_at_once_and_one_that_selects_nothing_does_not(reloading: Reloading) -> None:
    def served() -> str:
        return httpx.get(f"{reloading.base_url}/openapi.yaml").text

    assert "title: First\n" in served()
    assert "read again" in reloading.edit("change.yaml", lambda text: text.replace("First", "Second"))
    assert "title: Second\n" in served()
    said = reloading.edit("change.yaml", lambda text: text.replace("$.info", "$.nothing"))
    assert "overlay change.yaml:3: actions[0].target: $.nothing selects nothing" in said
    assert "title: Second\n" in served()
    assert "read again" in reloading.edit("change.yaml", lambda text: text.replace("$.nothing", "$.info"))


def test_a_call_in_progress_lives_on_and_the_next_has_the_new_script(reloading: Reloading) -> None:
    rates = {"inputSampleRate": 16000, "outputSampleRate": 16000}

    def url() -> str:
        return str(reloading.post(connectionType="websocket", websocket=rates).json()["websocketUrl"])

    waiting = url()
    with connect(url()) as call:
        assert '"First"' in final(call)
        assert "read again" in reloading.edit("script.yaml", lambda text: text.replace("First", "Second"))
        call.send('{"type":"ping","timestamp":1}')
        reloading.wait_for(lambda: str(call.recv(timeout=5)), '"pong"')
    with connect(waiting) as call:
        assert '"Second"' in final(call)


def final(call: Any) -> str:
    """The first whole transcript of the agent."""
    while not (isinstance(message := call.recv(timeout=5), str) and '"final":true' in message.replace(" ", "")):
        pass
    return message


def test_a_new_order_counts_at_once_and_what_was_counted_stays(reloading: Reloading) -> None:
    before = int(reloading.post().headers["X-RateLimit-Remaining"])
    said = reloading.edit("order.yaml", lambda text: "sequences: [{outcomes: [no_such]}]")
    assert "order.yaml:1: sequences[0].outcomes[0]: there is no scenario 'no_such'" in said
    reloading.edit("order.yaml", lambda text: "sequences: [{outcomes: [error]}]")
    after = reloading.post()
    assert after.status_code == 500 and int(after.headers["X-RateLimit-Remaining"]) == before - 1


def test_a_mock_with_a_broken_document_does_not_stay(tmp_path: Path) -> None:
    document = copied(tmp_path) / "asyncapi" / "plivo.yaml"
    document.write_text(document.read_text().replace("x-event: Audio", "x-event: Noise"))
    run = subprocess.run(
        [sys.executable, "-m", "calls", "mock", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 2
    assert re.search(r"^calls mock: .*plivo.*Noise", run.stderr, re.MULTILINE), run.stderr
