from __future__ import annotations

import asyncio
import io
import logging
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from calls.logs import LineHandler


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream = io.StringIO()
    handler = LineHandler(stream)
    logger = logging.getLogger("a test's own")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


def test_a_line_is_the_time_of_day_and_the_message(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log
    logger.info("a call of %d seconds", 3)
    assert re.fullmatch(r"\d\d:\d\d:\d\d a call of 3 seconds\n", stream.getvalue())


def test_what_an_event_loop_logs_in_one_turn_is_written_at_its_end(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log

    async def turns() -> list[int]:
        counts = []
        for _ in range(2):
            logger.info("one")
            logger.info("two")
            counts.append(stream.getvalue().count("\n"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            counts.append(stream.getvalue().count("\n"))
        return counts

    assert asyncio.run(turns()) == [0, 2, 2, 4]


def test_a_warning_is_written_at_once_and_in_order(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = log

    async def turn() -> list[str]:
        logger.info("first")
        logger.warning("second")
        return [line[9:] for line in stream.getvalue().splitlines()]

    assert asyncio.run(turn()) == ["first", "second"]


def test_nothing_is_lost_at_the_end_of_the_process_and_tracebacks_are_whole() -> None:
    program = """
import asyncio, logging, sys
from calls.logs import log_to
log_to(sys.stderr)
async def turn():
    try:
        1 / 0
    except ZeroDivisionError:
        logging.getLogger("calls").exception("it failed")
    for number in range(50):
        logging.getLogger("calls").info("line %d", number)
    sys.exit(3)
asyncio.run(turn())
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert run.returncode == 3
    assert run.stderr.count("line ") == 51 and "ZeroDivisionError" in run.stderr
