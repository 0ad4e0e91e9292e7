"""A WAV file of two channels that grows in the background, and is whole after each write: also if the process dies."""

from __future__ import annotations

import contextlib
import logging
import struct
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BufferedWriter
from pathlib import Path

HEADER_BYTES = 44

BYTES_A_FRAME = 4
"""A sample of 16 bits of each channel."""

MOST_UNWRITTEN_BLOCKS = 60
"""A disk that is so far behind gets no more of this call: memory is for calls."""

logger = logging.getLogger("calls")


class WavFile:
    """The recording of one call.  It raises nothing: what goes wrong is logged, and the call goes on without it.

    Args:
        call_id: for the log.
        path: the file, which is made, or made anew.
        rate_hz: samples of each channel a second.
        writer: the one thread in which the file is touched.
    """

    def __init__(self, call_id: str, path: Path, rate_hz: int, writer: ThreadPoolExecutor) -> None:
        self._call_id = call_id
        self._path = path
        self._rate_hz = rate_hz
        self._writer = writer
        self._blocks: deque[bytes] = deque()
        self._written_bytes = 0
        self._failed = False
        self._file: BufferedWriter | None = None
        self._writer.submit(self._try, self._open)

    def append(self, block: bytes) -> None:
        """Write a block of samples."""
        if len(self._blocks) < MOST_UNWRITTEN_BLOCKS:
            self._blocks.append(block)
            self._writer.submit(self._try, self._write)
        else:
            self._fail("the disk is too slow")

    def close(self) -> None:
        """Nothing more comes."""
        self._writer.submit(self._close)

    def _try(self, step: Callable[[], None]) -> None:
        if self._failed:
            self._blocks.clear()
            return
        try:
            step()
        except OSError as error:
            self._fail((error.strerror or str(error)).lower())

    def _open(self) -> None:
        self._file = self._path.open("wb")

    def _write(self) -> None:
        assert self._file is not None
        block = self._blocks.popleft()
        self._file.seek(HEADER_BYTES + self._written_bytes)
        self._file.write(block)
        # What is announced is there: the header comes last.
        self._file.flush()
        self._written_bytes += len(block)
        self._file.seek(0)
        self._file.write(_header(self._rate_hz, self._written_bytes))
        self._file.flush()

    def _close(self) -> None:
        if self._file is not None:
            # It fails where a write has failed before, and closes all the same.
            with contextlib.suppress(OSError):
                self._file.close()
        if not self._failed:
            seconds = self._written_bytes / (BYTES_A_FRAME * self._rate_hz)
            logger.info("call %s: recorded, %.1f s: %s", self._call_id, seconds, self._path)

    def _fail(self, reason: str) -> None:
        if not self._failed:
            self._failed = True
            logger.error("call %s: its recording ends here: %s: %s", self._call_id, self._path, reason)


def _header(rate_hz: int, data_bytes: int) -> bytes:
    """The head of a WAV file (RIFF, PCM): everything before its samples."""
    size = min(data_bytes, 0xFFFFFFFF - HEADER_BYTES)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", size + HEADER_BYTES - 8, b"WAVE"),
        *(b"fmt ", 16, 1, 2, rate_hz, rate_hz * BYTES_A_FRAME, BYTES_A_FRAME, 16),
        *(b"data", size),
    )
