"""A thousand calls come and go, in every way that a call can end, and leave nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.thousand_calls import CALLS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for open files and memory")

ROOT = Path(__file__).resolve().parents[2]

SECONDS = 120
"""The longest that the calls may take: far above what they need, so that nothing hangs."""

MOST_GROWTH_BYTES = 6 * 1024 * 1024
"""What the process may grow by: 6 kB a call, of the 30 kB that one holds in progress.  Up to a third of it was seen."""

Counts = dict[str, int]


@pytest.fixture(scope="module")
def counted() -> tuple[Counts, Counts]:
    """What was there before the calls, and after them."""
    command = (sys.executable, "-m", "tests.clients.thousand_calls")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    return found["before"], found["after"]


@pytest.mark.parametrize("what", ("in_progress", "ticked", "stored", "sessions", "conversations"))
def test_the_mock_forgets_every_call(counted: tuple[Counts, Counts], what: str) -> None:
    assert counted[1][what] == 0


@pytest.mark.parametrize("what", ("unfinished_tasks", "open_files"))
def test_no_task_and_no_socket_stays(counted: tuple[Counts, Counts], what: str) -> None:
    before, after = counted
    assert after[what] == before[what]


def test_no_object_stays_for_each_call(counted: tuple[Counts, Counts]) -> None:
    before, after = counted
    # A few caches may still have filled.
    assert after["objects"] - before["objects"] < CALLS / 10


def test_memory_does_not_grow_with_the_calls(counted: tuple[Counts, Counts]) -> None:
    before, after = counted
    assert after["resident_bytes"] - before["resident_bytes"] < MOST_GROWTH_BYTES
