"""What the contract leaves to each implementation is not refused by the documents."""

from __future__ import annotations

import json

import pytest
from openapi_core.testing import MockResponse

from tests.documents.payloads import Json, faults, message
from tests.documents.test_examples import API, as_request

SILENCE = {"payload": "//////////8="}
PLAYED = SILENCE | {"contentType": "audio/x-mulaw", "sampleRate": 8000}
ROOM: Json = {"roomUrl": "wss://livekit.example.org", "token": "a.b.c"}

FREE: list[tuple[str, str, Json]] = [
    *[
        ("telnyx", name, body | {"stream_id": stream_id})
        for stream_id in ("any", None, 7)
        for name, body in (
            ("playMedia", {"event": "media", "media": SILENCE}),
            ("playMark", {"event": "mark", "mark": {"name": "turn-1"}}),
            ("clear", {"event": "clear"}),
        )
    ],
    *[
        ("plivo", "playAudio", {"event": "playAudio", "media": PLAYED, "streamId": stream_id})
        for stream_id in ("any", None, 7)
    ],
    ("plivo", "sendDTMF", {"event": "sendDTMF", "dtmf": "1w2#"}),
    # A compatible clone sends no more than this, and an agent needs no more.
    ("plivo", "playedStream", {"event": "playedStream", "name": "greeting-complete"}),
    *[
        (kind, name, {"type": name, field: value, "fieldFromTheFuture": value})
        for kind in ("websocket", "webrtc")
        for name, field in (("hangup", "reason"), ("error", "message"))
        for value in ("over", None, 1000, {"code": 1000})
    ],
    *[("webrtc", "roomOffered", ROOM | {"roomUrl": f"{scheme}://h", "extra": None}) for scheme in ("ws", "https")],
]
STILL_REFUSED: list[tuple[str, str, Json]] = [
    ("telnyx", "playMedia", {"event": "media", "media": {}}),
    ("plivo", "playAudio", {"event": "playAudio", "media": PLAYED | {"contentType": "audio/x-mulaw;rate=8000"}}),
    ("plivo", "playedStream", {"event": "playedStream"}),
    ("plivo", "sendDTMF", {"event": "sendDTMF", "dtmf": ""}),
    ("webrtc", "roomOffered", ROOM | {"roomUrl": "livekit.example.org"}),
]


@pytest.mark.parametrize(("kind", "name", "body"), FREE)
def test_a_message_that_is_free_in_some_place_is_allowed(kind: str, name: str, body: Json) -> None:
    assert not faults(message(kind, name)["payload"], body)


@pytest.mark.parametrize(("kind", "name", "body"), STILL_REFUSED)
def test_the_rest_of_such_a_message_is_not_free(kind: str, name: str, body: Json) -> None:
    assert faults(message(kind, name)["payload"], body)


@pytest.mark.parametrize("headers", [{}, {"X-RateLimit-Limit": "0", "X-RateLimit-Remaining": "0"}])
def test_a_caller_without_a_key_may_have_no_limit_or_a_limit_of_nothing(headers: dict[str, str]) -> None:
    error = json.dumps({"error": {"message": "no", "code": "ANY_CODE"}}).encode()
    answer = MockResponse(error, 401, headers, content_type="application/json")

    API.validate_response(as_request("createCall", {}), answer)
