from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.codec import Codec, Role
from contract.documents import asyncapi, connection_types

RECORDINGS = Path(__file__).parent.parent / "recordings"
ROLES = {"carrier": Role.CARRIER, "agent": Role.AGENT}


def recordings() -> list[Any]:
    """Every recorded line of every connection type."""
    cases = []
    for kind in connection_types():
        for number, line in enumerate((RECORDINGS / f"{kind}.jsonl").read_text().splitlines(), 1):
            recording = json.loads(line)
            cases.append(pytest.param(kind, recording, id=f"{kind}-{number}-{recording['from']}-{recording['event']}"))
    return cases


@pytest.mark.parametrize(("kind", "recording"), recordings())
def test_what_the_carriers_pages_show_is_understood_and_survives_the_way_back(
    kind: str, recording: dict[str, Any]
) -> None:
    document = asyncapi(kind)
    channel = recording.get("channel") or next(iter(document["channels"]))
    speaker = ROLES[recording["from"]]
    listener = Codec(document, speaker.peer, channel)
    binary = bytes.fromhex(recording["binary_hex"]) if "binary_hex" in recording else None
    wire = json.dumps(recording["message"]) if binary is None else binary
    event = listener.decode(wire)
    assert type(event).__name__ == recording["event"]
    assert listener.decode(Codec(document, speaker, channel).encode(event)) == event
