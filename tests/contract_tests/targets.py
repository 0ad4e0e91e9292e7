"""Targets for the judge: servers that a team might have written, each in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"--api-key": "ck_test_works", "--unfunded-key": "ck_test_poor", "--limited-key": "ck_test_limited"}
AGENT = "agent_test"
URL_TTL_S = 6.0
TIME_SCALE = 20.0

COMMANDS = {
    "starlette": [sys.executable, "-m", "tests.implementations.starlette_by_hand"],
    "aiohttp": [sys.executable, "-m", "tests.implementations.aiohttp_by_hand"],
    "express": ["node", "tests/implementations/express/server.mjs"],
}


def is_missing(name: str) -> bool:
    """Whether a target cannot be run here: Node or its packages are not installed."""
    return name == "express" and not (shutil.which("node") and (ROOT / "node_modules" / "express").is_dir())


@contextmanager
def running(name: str) -> Iterator[str]:
    """The base URL of a target, which is ended afterwards."""
    options = [word for pair in KEYS.items() for word in pair]
    options += ["--agent", AGENT, "--port", "0", "--rate-limit", "0"]
    options += ["--time-scale", f"{TIME_SCALE:g}", "--url-ttl", f"{URL_TTL_S:g}"]
    process = subprocess.Popen([*COMMANDS[name], *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        word, _, url = process.stdout.readline().strip().partition(" ")
        assert word == "ready", f"{name} did not start"
        yield url + "/api/v1"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close() if process.stdout else None
