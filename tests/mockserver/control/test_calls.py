"""What the control API tells of calls."""

from __future__ import annotations

import io
import wave
from base64 import b64encode
from typing import Any

import numpy as np
import pytest

from mockserver.control.client import ControlError
from mockserver.testing import RunningMock
from tests.mockserver.control.asking import START, asked, created, dialled, eventually, of_kind, post


def test_a_call_is_followed_from_its_creation_to_its_end(mock: RunningMock) -> None:
    call_id = created(mock)["id"]
    call = mock.call(call_id)
    assert (call.kind, call.connection_type, call.state, call.agent_id) == ("inline", "websocket", "created", None)
    with dialled(mock) as (other, _):
        assert mock.call(other).state == "dialled"
        mock.hang_up(other)
        over = mock.wait_for(other, "ended")
    assert over.ending is not None
    assert (over.ending.by, over.ending.reason) == ("agent", "hung up through the control API")
    assert over.ending.close_code == 1000
    assert over.dialled_at is not None and over.ended_at is not None and over.created_at <= over.dialled_at
    assert [each.id for each in mock.calls()] == [call_id, other]
    assert [each.id for each in mock.calls(after=call.number)] == [other]


def test_a_caller_that_closes_ended_the_call(mock: RunningMock) -> None:
    with dialled(mock) as (call_id, line):
        line.close()
        over = mock.wait_for(call_id, "ended")
    assert over.ending is not None and over.ending.by == "caller" and "1000" in over.ending.reason


def test_a_call_that_nobody_dials_in_time_is_expired(special: RunningMock) -> None:
    special.reset()
    call_id = created(special)["id"]
    assert eventually(lambda: special.call(call_id).state == "expired")


def test_every_message_of_both_ends_is_an_event_in_its_order(mock: RunningMock) -> None:
    with dialled(mock, "twilio") as (call_id, line):
        line.send(
            '{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"5",'
            '"payload":"' + b64encode(bytes(160)).decode() + '"},"streamSid":"MZ1"}'
        )
        line.send(
            '{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"3","dtmf":{"track":"inbound_track","digit":"7"}}'
        )
        line.send("nonsense")
        eventually(lambda: of_kind(mock, call_id, "NotAllowed", "caller"))
        eventually(lambda: of_kind(mock, call_id, "Mark"))
    events = mock.events(call_id)
    assert [event.index for event in events] == list(range(len(events)))
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
    started, audio, digit, fault = (event for event in events if event.side == "caller")
    assert started.kind == "Started" and started.wire_bytes == len(START) and started.detail is not None
    assert started.detail["encoding"] == "audio/x-mulaw" and started.detail["parameters"]["authToken"] == "***"
    assert (audio.kind, audio.audio_bytes, audio.detail) == ("Audio", 160, None)
    assert (digit.kind, digit.detail and digit.detail["digit"]) == ("Digit", "7")
    assert (
        (fault.kind, fault.wire_bytes) == ("NotAllowed", 8) and fault.detail and "not JSON" in fault.detail["message"]
    )
    said = [event for event in events if event.side == "agent"]
    assert {event.kind for event in said if event.wire_bytes is not None} == {"Audio", "Mark"}
    unsaid = {event.kind for event in said if event.wire_bytes is None}
    assert unsaid == {"StateChanged", "Transcript", "Fault"}, "the carrier's document has no message for them"
    assert mock.events(call_id, after=events[-2].index) == [events[-1]]


def test_the_transcript_is_there_on_every_connection_type(mock: RunningMock) -> None:
    with dialled(mock, "twilio", greeting="Hello caller") as (call_id, _):
        assert eventually(lambda: [each.text for each in mock.transcript(call_id) if each.final]) == ["Hello caller"]
    with dialled(mock) as (call_id, line):
        line.send('{"type":"user_text_message","text":"good day"}')
        eventually(lambda: len(mock.transcript(call_id)) > 2)
        told = [(each.role, each.text, each.medium) for each in mock.transcript(call_id) if each.role == "user"]
    assert told == [("user", "good day", "text")]


def test_the_audio_is_a_file_with_the_caller_left_and_the_agent_right(mock: RunningMock) -> None:
    loud = (np.sin(np.arange(16000) / 5) * 8000).astype("<i2").tobytes()
    with dialled(mock, firstSpeaker="user") as (call_id, line):
        for at in range(0, len(loud), 640):
            line.send(loud[at : at + 640])
        # The parrot repeats it after a pause.
        eventually(lambda: len(of_kind(mock, call_id, "Audio")) > 20)
    both = _samples(mock.audio(call_id), channels=2)
    caller, agent = both[:, 0], both[:, 1]
    assert caller[:16000].tobytes() == loud and not agent[:8000].any()
    assert agent[int(np.flatnonzero(agent)[0]) :].any() and np.flatnonzero(agent)[0] > 10_000, "in its time"
    assert _samples(mock.audio(call_id, "caller"), channels=1)[:, 0].tobytes() == loud
    assert mock.call(call_id).caller_audio is not None


def _samples(file: bytes, *, channels: int) -> Any:
    with wave.open(io.BytesIO(file)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (channels, 2, 16000)
        return np.frombuffer(read.readframes(read.getnframes()), "<i2").reshape(-1, channels)


def test_a_call_without_audio_has_no_file(mock: RunningMock) -> None:
    with pytest.raises(ControlError, match="404 RESOURCE_NOT_FOUND: there is no such audio"):
        mock.audio(created(mock)["id"])


def test_a_page_is_no_longer_than_it_may_be_and_all_pages_together_are_everything(mock: RunningMock) -> None:
    long = {"agentId": "agent_demo", "metadata": {"text": "long word " * 5000}}
    for _ in range(12):
        assert post(mock, "/calls/create", long).status_code == 201
    first = asked(mock, "requests").json()["requests"]
    assert len(first) < 12
    assert [request.body for request in mock.requests()] == [long] * 12
    assert len(asked(mock, "calls?limit=5").json()["calls"]) == 5
    assert len(asked(mock, f"calls?after={mock.calls()[8].number}").json()["calls"]) == 3
