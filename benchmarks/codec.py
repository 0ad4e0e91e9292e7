"""One Twilio media frame, decoded and encoded with full validation, against plain `json` and base64 without any.

Both sides run in turn, round after round, so that what else the machine does falls on both.  Prints microseconds of
CPU a frame (median of the rounds) and the ratio.  Targets on a quiet machine: decode <= 3 us, encode <= 1.5 us.

    python -m benchmarks.codec [ROUNDS]
"""

from __future__ import annotations

import base64
import json

from benchmarks import side_by_side
from benchmarks.side_by_side import report
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

    for name, ours, plain in (
        ("decode", lambda: agent.decode(heard), plain_decode),
        ("encode", lambda: agent.encode(said), plain_encode),
    ):
        report(name, rounds, ours, plain, their_name="plain json", repeat=FRAMES)


if __name__ == "__main__":
    main(side_by_side.rounds())
