"""What lies under clients/ is what the generators make of the documents; its worth is in `test_generators`."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.documents.conftest import ROOT, NodeTool

SECONDS = 120
"""The longest that the generators may take: far above what they need, so that nothing hangs."""

CHANGED, LEFT_OVER, MISSING = (
    "clients/python/calls_client/py.typed",
    "clients/python/calls_client/models/sip_transport.py",
    "clients/typescript/vonage.d.ts",
)


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory, node_tool: NodeTool) -> subprocess.CompletedProcess[str]:
    """The check of a copy of the clients in which three files differ: of no other is it known what it holds."""
    copy = tmp_path_factory.mktemp("copy")
    for name in ("openapi", "asyncapi", "contract", "clients", "scripts"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*_cache"))
    (copy / "node_modules").symlink_to(node_tool("openapi-typescript").parents[1])
    assert (copy / CHANGED).read_text("utf-8") == "# Marker file for PEP 561"
    (copy / CHANGED).write_text("partial\n", "utf-8")
    (copy / LEFT_OVER).touch()
    shutil.copy(copy / "asyncapi" / "twilio.yaml", copy / "asyncapi" / "vonage.yaml")
    command = (sys.executable, copy / "scripts" / "generate-clients", "--check")
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)


def out_of_date(checked: subprocess.CompletedProcess[str]) -> set[str]:
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert checked.stderr == "the documents have changed, or the files: run scripts/generate-clients\n"
    lines = [line.partition(": ") for line in checked.stdout.splitlines()]
    assert {verdict for _, _, verdict in lines} == {"out of date"}
    return {path for path, _, _ in lines}


def test_the_clients_are_up_to_date(checked: subprocess.CompletedProcess[str]) -> None:
    stale = out_of_date(checked) - {CHANGED, LEFT_OVER, MISSING}
    assert not stale, "run scripts/generate-clients: the documents have changed, or these files by hand"


def test_a_file_that_was_changed_or_left_over_or_is_missing_is_named(
    checked: subprocess.CompletedProcess[str],
) -> None:
    assert out_of_date(checked) >= {CHANGED, LEFT_OVER, MISSING}
