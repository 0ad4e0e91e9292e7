from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contract.audio import AudioFormat, Encoding
from mockserver.journal import Journal, Limits
from mockserver.notes import CALL_BYTES, EVENT_BYTES, CallNotes, EventNote, Line, RequestNote

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MULAW = AudioFormat(Encoding.MULAW, 8000)


def request(request_id: str, body: bytes | None = None) -> RequestNote:
    return RequestNote(id=request_id, at=NOW, method="GET", path="/", status=200, duration_ms=1.0, body=body)


def created(journal: Journal, call_id: str) -> CallNotes:
    call = CallNotes(call_id, "create", "twilio", "agent_demo", NOW, NOW)
    journal.add_call(call)
    return call


def dialled(journal: Journal, call_id: str) -> CallNotes:
    call = created(journal, call_id)
    journal.dialled(call_id, NOW)
    return call


def ended(journal: Journal, call_id: str) -> CallNotes:
    call = dialled(journal, call_id)
    journal.ended(call, NOW, "caller", "gone", None)
    return call


def event(at_ms: float = 0.0) -> EventNote:
    return EventNote(at_ms=at_ms, side="agent", kind="Mark", detail={"name": "m"})


def ids(journal: Journal) -> list[str]:
    return [call.id for call in journal.calls(0)]


def test_of_requests_the_latest_are_kept_and_their_numbers_go_on() -> None:
    journal = Journal(Limits(requests=2))
    for name in "abc":
        journal.add_request(request(name))
    assert [(number, note.id) for number, note in journal.requests(0)] == [(2, "b"), (3, "c")]
    assert [number for number, _ in journal.requests(2)] == [3]


def test_of_two_requests_with_one_id_the_later_is_shown_and_outlives_the_earlier() -> None:
    journal = Journal(Limits(requests=2))
    for name in ("same", "same", "other"):
        journal.add_request(request(name))
    found = journal.request("same")
    assert found is not None and found[0] == 2
    assert [change for _, _, change in journal.changes(0)] == ["same", "other"]


def test_calls_that_are_over_are_forgotten_first_then_those_that_wait() -> None:
    journal = Journal(Limits(calls=3))
    dialled(journal, "live")
    created(journal, "waits")
    ended(journal, "over")
    created(journal, "next")
    assert ids(journal) == ["live", "waits", "next"]
    dialled(journal, "more")
    assert ids(journal) == ["live", "next", "more"]
    dialled(journal, "yet more")
    assert ids(journal) == ["live", "more", "yet more"]
    created(journal, "last")
    assert ids(journal) == ["more", "yet more", "last"]


def test_a_forgotten_call_takes_nothing_more() -> None:
    journal = Journal(Limits(calls=1))
    call = dialled(journal, "first")
    created(journal, "second")
    journal.add_event(call, event())
    journal.add_audio(call, "caller", 0.0, b"\xff" * 160)
    journal.add_line(call, Line(ordinal=0, at_ms=0.0, role="agent", text="hello"))
    journal.ended(call, NOW, "caller", "gone", None)
    assert ids(journal) == ["second"]
    assert journal.held_bytes == CALL_BYTES and not call.events
    assert journal.changes(0) == [(3, "call", "second")]


def test_of_a_call_s_events_the_latest_are_kept_and_keep_their_index() -> None:
    journal = Journal(Limits(events=3))
    call = dialled(journal, "c")
    for at_ms in range(5):
        journal.add_event(call, event(at_ms))
    assert call.first_event == 2 and [note.at_ms for note in call.events] == [2, 3, 4]


def test_of_audio_the_latest_is_kept_and_the_rest_is_counted() -> None:
    journal = Journal(Limits(audio_bytes=1000))
    call = dialled(journal, "c")
    for at_ms in range(0, 200, 20):
        journal.add_audio(call, "caller", at_ms, bytes(160))
    audio = call.audio["caller"]
    assert 0 < audio.held_bytes <= 1000
    assert audio.forgotten_bytes + 160 * len(audio.pieces) == 1600
    assert audio.pieces[-1][0] == 180


@pytest.mark.parametrize("other", [ended, dialled])
def test_all_of_it_together_is_bounded_whatever_the_calls_do(other: object) -> None:
    most = 10 * CALL_BYTES
    journal = Journal(Limits(total_bytes=most))
    assert callable(other)
    other(journal, "other")
    call = dialled(journal, "c")
    for at in range(300):
        journal.add_request(request(str(at), bytes(500)))
        journal.add_event(call, event())
        journal.add_audio(call, "agent", at, bytes(640))
        journal.add_line(call, Line(ordinal=at % 5, at_ms=0.0, role="agent", text="word " * (at % 7)))
        assert journal.held_bytes <= most
    assert ("other" in ids(journal)) == (other is dialled), "what is over goes first"
    assert "c" in ids(journal)


def test_of_a_long_transcript_the_latest_lines_are_kept_within_the_bound() -> None:
    most = 10 * CALL_BYTES
    journal = Journal(Limits(total_bytes=most))
    call = dialled(journal, "c")
    for ordinal in range(100):
        journal.add_line(call, Line(ordinal=ordinal, at_ms=0.0, role="agent", text="word " * 100))
        assert journal.held_bytes <= most
    kept = list(call.transcript)
    assert kept == list(range(kept[0], 100)) and len(kept) == (most - CALL_BYTES) // (EVENT_BYTES + 500)


def test_what_is_held_is_counted_back_to_nothing() -> None:
    journal = Journal(Limits(calls=1, requests=1))
    call = dialled(journal, "c")
    journal.add_event(call, event())
    journal.add_audio(call, "agent", 0.0, bytes(640))
    journal.add_line(call, Line(ordinal=0, at_ms=0.0, role="agent", text="he"))
    journal.add_line(call, Line(ordinal=0, at_ms=0.0, role="agent", text="hello"))
    journal.ended(call, NOW, "agent", "over", 1000)
    created(journal, "next")
    assert journal.held_bytes == CALL_BYTES


def test_each_thing_that_changed_is_told_once_by_its_latest_change() -> None:
    journal = Journal()
    call = created(journal, "c")
    journal.add_request(request("r"))
    journal.dialled("c", NOW)
    journal.add_event(call, event())
    assert journal.changes(0) == [(2, "request", "r"), (4, "call", "c")]
    assert journal.changes(2) == [(4, "call", "c")]
    assert journal.changes(4) == []


def test_a_reset_forgets_all_and_is_a_change_of_its_own() -> None:
    journal = Journal()
    call = dialled(journal, "c")
    journal.add_request(request("r"))
    journal.reset()
    assert (journal.held_bytes, ids(journal), list(journal.requests(0))) == (0, [], [])
    assert journal.changes(0) == [(4, "reset", "")]
    journal.add_event(call, event())
    journal.ended(call, NOW, "caller", "gone", None)
    created(journal, "next")
    assert journal.call("next") is not None and next(journal.calls(1)).number == 2
    assert journal.held_bytes == CALL_BYTES
