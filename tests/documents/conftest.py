"""The Node tools that some of these tests need: skipped without them on a developer's machine, never in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

NodeTool = Callable[[str], Path]


@pytest.fixture(scope="session")
def node_tool() -> NodeTool:
    """Finds a program of `package-lock.json` by its name; where it is missing the test is skipped, in CI it fails."""

    def find(name: str) -> Path:
        program = ROOT / "node_modules" / ".bin" / name
        if shutil.which("node") and program.exists():
            return program
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing in CI: install Node, then run `npm ci`")
        pytest.skip(f"{name} is not installed: it needs Node, then `npm ci`")

    return find
