"""The linters that call the documents clean can say otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.conftest import ROOT, NodeTool

SECONDS = 120
"""The longest that the linters may take: far above what they need, so that nothing hangs."""

ALLOWED = "must be equal to one of the allowed values"


@pytest.fixture
def copy(tmp_path: Path, node_tool: NodeTool) -> Path:
    """A copy of two documents, which are enough here, with everything that lints them."""
    for name in ("openapi", "lint", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "asyncapi").mkdir()
    shutil.copy(ROOT / "asyncapi" / "twilio.yaml", tmp_path / "asyncapi")
    (tmp_path / "node_modules").symlink_to(node_tool("spectral").parents[1])
    return tmp_path


def spoil(document: Path, old: str, new: str) -> None:
    text = document.read_text(encoding="utf-8")
    assert old in text
    document.write_text(text.replace(old, new, 1), encoding="utf-8")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", folder / "scripts" / "lint-documents"],
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@pytest.mark.parametrize(
    ("document", "old", "new", "complaint"),
    [
        pytest.param("openapi/calls.yaml", "in: header", "in: body", "is not valid", id="openapi-error"),
        pytest.param("openapi/calls.yaml", "  url: ", "  x-url: ", "info-license", id="openapi-warning"),
        pytest.param("asyncapi/twilio.yaml", "action: receive", "action: hear", ALLOWED, id="asyncapi-error"),
        pytest.param("asyncapi/twilio.yaml", "  license:", "  x-license:", "info-license", id="asyncapi-warning"),
    ],
)
def test_a_fault_in_a_document_is_found(copy: Path, document: str, old: str, new: str, complaint: str) -> None:
    spoil(copy / document, old, new)

    done = lint(copy)

    assert done.returncode == 1
    assert complaint in done.stdout + done.stderr


def test_asyncapi_s_own_parser_finds_faults_too(copy: Path) -> None:
    document = copy / "asyncapi" / "twilio.yaml"
    spoil(document, "action: receive", "action: hear")

    command: list[str | Path] = ["node", copy / "lint" / "asyncapi.mjs", document]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)

    assert done.returncode == 1
    assert ALLOWED in done.stdout
