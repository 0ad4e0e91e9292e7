"""One Twilio media frame, decoded and encoded with full validation, against plain `json` and base64 without any.

Both sides run in turn, round after round, so that what else the machine does falls on both.  Prints microseconds of
CPU a frame (median of the rounds) and the ratio.  Targets on a quiet machine: decode <= 3 us, encode <= 1.5 us.

    python benchmarks/codec.py [ROUNDS]
"""

from __future__ import annotations

import base64
import json
import statistics
import sys
import time
from collections.abc import Callable

from contract.codec import Codec, Role
from contract.documents import asyncapi
from contract.events import Audio

FRAMES = 5_000
STREAM_ID = "MZ" + "0123456789abcdef" * 2
PAYLOAD = bytes(range(160))


def main(rounds: int) -> None:
    document = asyncapi("twilio")
    agent, carrier = Codec(document, Role.AGENT), Codec(document, Role.CARRIER)
    heard = carrier.encode(Audio(stream_id=STREAM_ID, sequence=2, chunk=1, at_ms=20, track="inbound", payload=PAYLOAD))
    said = Audio(stream_id=STREAM_ID, payload=PAYLOAD)

    def plain_decode() -> bytes:
        return base64.b64decode(json.loads(heard)["media"]["payload"])

    def plain_encode() -> str:
        payload = base64.b64encode(PAYLOAD).decode()
        return json.dumps({"event": "media", "streamSid": STREAM_ID, "media": {"payload": payload}})

    report("decode", rounds, lambda: agent.decode(heard), plain_decode)
    report("encode", rounds, lambda: agent.encode(said), plain_encode)


def report(name: str, rounds: int, ours: Callable[[], object], plain: Callable[[], object]) -> None:
    """Time both in turn and print one line."""
    times = [(frame_us(ours), frame_us(plain)) for _ in range(rounds)]
    our_us, plain_us = (statistics.median(each) for each in zip(*times, strict=True))
    ratio = statistics.median(ours / plain for ours, plain in times)
    best_us = min(ours for ours, _ in times)
    print(f"{name}: {our_us:.2f} us a frame (best round {best_us:.2f}), plain {plain_us:.2f} us, ratio {ratio:.2f}")


def frame_us(work: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(FRAMES):
        work()
    return (time.process_time() - started) / FRAMES * 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
