"""Schemathesis, a fuzzer that reads the document, finds nothing to say about the mock that serves it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.mockserver.mock import DOCUMENT, VALID, mock
from tests.mockserver.serving import served

# By default schemathesis takes 404 for a valid answer to a valid request, and to an invalid one.
CONFIG = """\
[checks.positive_data_acceptance]
expected-statuses = ["201"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "415"]
"""

Change = Callable[[dict[str, Any]], None]


def pinned(change: Change) -> dict[str, Any]:
    """The document, with the demo agent as the only agent, and a change to both request schemas."""
    document = copy.deepcopy(DOCUMENT)
    schemas = document["components"]["schemas"]
    schemas["CreateCallRequest"]["properties"]["agentId"]["enum"] = ["agent_demo"]
    for name in ("CreateCallRequest", "CreateInlineCallRequest"):
        change(schemas[name])
    return document


def nothing(schema: dict[str, Any]) -> None:
    """Leave it as it is."""


def custom_clients_only(schema: dict[str, Any]) -> None:
    """Have every request ask for a WebSocket: left alone, the fuzzer hardly ever does so."""
    schema["properties"]["connectionType"] |= {"enum": ["websocket"], "default": "websocket", "example": "websocket"}
    schema["required"] = [*schema["required"], "connectionType", "websocket"]


@pytest.mark.parametrize("change", [nothing, custom_clients_only], ids=lambda change: change.__name__)
def test_schemathesis_finds_no_fault(change: Change, tmp_path: Path) -> None:
    document = pinned(change)
    (tmp_path / "calls.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    with served(mock(document, rate_limit_per_hour=0).app) as port:
        command = [
            sys.executable,
            "-c",
            "from schemathesis.cli import schemathesis; schemathesis()",
            "run",
            "calls.json",
        ]
        command += ["--url", f"http://127.0.0.1:{port}/api/v1", "-H", f"X-API-Key: {VALID}", "--checks", "all"]
        command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "60", "--seed", "42"]
        command += ["--generation-database", "none", "--no-color", "--request-timeout", "10"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "No issues found" in run.stdout and "Tested: 2" in run.stdout, run.stdout
