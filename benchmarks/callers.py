"""Many callers in one process, as Twilio: they speak, and note when frames of audio come.

Frames are made beforehand, so that the callers cost less than what they measure.

    python -m benchmarks.callers PORT <PATHS

reads the paths to dial as a JSON array, prints `ready` when all calls stand, and a JSON object at the end.
"""

from __future__ import annotations

import asyncio
import base64
import json
import resource
import sys
import time
from array import array
from functools import partial
from typing import Any, ClassVar, cast

import numpy as np
import uvloop

from contract.audio import Encoding, encode

FRAME_S = 0.02
SLOTS = 20
WARM_UP_S = 2.0
WINDOW_S = 4.0


def caller_frames() -> list[bytes]:
    """Three seconds of a caller, as WebSocket frames; their mask is zero, which any server takes."""
    samples = np.random.default_rng(0).normal(0, 3276, (150, 160))
    samples[100:] /= 100
    frames = []
    for number, frame in enumerate(samples.astype(np.int16), 1):
        payload = base64.b64encode(encode(frame, Encoding.MULAW)).decode()
        media = {"track": "inbound", "chunk": str(number), "timestamp": str(number * 20), "payload": payload}
        frames.append(masked({"event": "media", "sequenceNumber": str(number + 1), "media": media, **STREAM}))
    return frames


STREAM = {"streamSid": "MZ" + "0123456789abcdef" * 2}


def masked(message: dict[str, Any]) -> bytes:
    body = json.dumps(message).encode()
    return b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body


def start_frame() -> bytes:
    described = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    start: dict[str, Any] = {"accountSid": "AC" + "0" * 32, "callSid": "CA" + "0" * 32, "tracks": ["inbound"], **STREAM}
    start |= {"customParameters": {}, "mediaFormat": described}
    return masked({"event": "start", "sequenceNumber": "1", "start": start, **STREAM})


class Caller(asyncio.Protocol):
    """One connection: notes when frames of audio come."""

    measuring: ClassVar[bool] = False

    def __init__(self, path: str, opened: asyncio.Future[None]) -> None:
        self.path = path
        self.opened = opened
        self.arrivals = array("d")
        self.sendings = array("d")
        self.rest = b""
        self.receive = self.read_head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Dial."""
        # uvloop's are none by inheritance.
        self.transport = transport = cast(asyncio.Transport, transport)
        head = f"GET {self.path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        transport.write(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        self.receive(data)

    def read_head(self, data: bytes) -> None:
        """Read the answer to the dial."""
        head, end, frames = (self.rest + data).partition(b"\r\n\r\n")
        if not end:
            self.rest = head
            return
        assert b" 101 " in head, head
        self.rest, self.receive = b"", self.read_frames
        self.opened.set_result(None)
        if frames:
            self.read_frames(frames)

    def read_frames(self, data: bytes) -> None:
        """Count the frames of audio."""
        if self.rest:
            data = self.rest + data
        at, end, audio = 0, len(data), 0
        while at + 4 <= end:
            length = data[at + 1] & 127
            # Only audio is longer than 125 bytes.
            size = 4 + (data[at + 2] << 8 | data[at + 3]) if length == 126 else 2 + length
            if at + size > end:
                break
            audio += length == 126
            at += size
        self.rest = data[at:]
        if self.measuring:
            now = time.monotonic()
            for _ in range(audio):
                self.arrivals.append(now)


async def call(port: int, paths: list[str]) -> None:
    """The callers' process: places the calls, says when it is ready, tells what it saw."""
    loop = asyncio.get_running_loop()
    callers = []
    for path in paths:
        opened = loop.create_future()
        _, caller = await loop.create_connection(partial(Caller, path, opened), "127.0.0.1", port)
        await opened
        caller.transport.write(start_frame())
        callers.append(caller)
    frames = caller_frames()
    slots = [callers[first::SLOTS] for first in range(SLOTS)]
    began, number = loop.time() + 0.1, 0
    late = array("d")
    print("ready", flush=True)
    while (due := began + number * FRAME_S / SLOTS) < began + WARM_UP_S + WINDOW_S:
        if due > loop.time():
            await asyncio.sleep(due - loop.time())
        Caller.measuring = due > began + WARM_UP_S
        if Caller.measuring:
            late.append(loop.time() - due)
        for place, caller in enumerate(slots[number % SLOTS]):
            # Callers do not all speak at the same time.
            caller.transport.write(frames[(number // SLOTS + place * 7) % len(frames)])
        number += 1
    lateness, count = [], 0
    for caller in callers:
        count += len(caller.arrivals)
        if caller.arrivals:
            line = np.array(caller.arrivals) - np.arange(len(caller.arrivals)) * FRAME_S
            lateness.append(line - line.min())
    seen = np.concatenate(lateness) * 1000
    told = {"p50_ms": float(np.percentile(seen, 50)), "p99_ms": float(np.percentile(seen, 99))}
    told |= {"sent_p99_ms": float(np.percentile(np.array(late) * 1000, 99))}
    print(json.dumps({**told, "frames_a_second": count / len(callers) / WINDOW_S}), flush=True)


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(call(int(sys.argv[1]), json.load(sys.stdin)))
