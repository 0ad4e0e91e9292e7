"""The log of a command: one line a record, cheap enough for thousands of requests a second."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TextIO


def log_to(stream: TextIO) -> None:
    """Have everything that is logged, from INFO on, written to a stream."""
    # Nobody shows them, and to find them out costs more than the rest of a line (Python's logging HOWTO, Optimization).
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    if hasattr(logging, "logAsyncioTasks"):
        logging.logAsyncioTasks = False
    logging.getLogger().addHandler(LineHandler(stream))
    logging.getLogger().setLevel(logging.INFO)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes the time of day and the message.

    What an event loop logs in one turn is written together at its end; warnings, and what is logged outside of one, at
    once.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []
        self._second = -1
        self._time = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, now or soon."""
        try:
            second = int(record.created)
            if second != self._second:
                self._second, self._time = second, time.strftime("%H:%M:%S", time.localtime(second))
            self._waiting.append(f"{self._time} {self.format(record)}\n")
            if record.levelno > logging.INFO or not self._flushes_soon():
                self.flush()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            waiting, self._waiting = self._waiting, []
            if waiting:
                self.stream.write("".join(waiting))
            super().flush()
        finally:
            self.release()

    def _flushes_soon(self) -> bool:
        """Whether this is an event loop, which will flush at the end of its turn."""
        if len(self._waiting) > 1:
            return True
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            return False
        return True
