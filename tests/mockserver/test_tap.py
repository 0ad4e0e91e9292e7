from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contract.audio import AudioFormat, Encoding
from contract.events import Audio, Event, Started, TextMessage, Transcript
from mockserver.journal import Journal, Limits
from mockserver.notes import CallNotes
from mockserver.tap import LONGEST_DETAIL, NotedSession, Tap
from tests.mockserver.test_media import CREATED_AT, START, NoTicker, Paper, Script, agent_stream, created

MULAW = AudioFormat(Encoding.MULAW, 8000)


class Talker(Script):
    """A party whose audio goes over the socket."""

    def audio_formats(self) -> tuple[AudioFormat, AudioFormat] | None:
        return MULAW, MULAW


def noting(call_id: str = "c1", limits: Limits | None = None) -> Journal:
    """A journal that knows of one call."""
    journal = Journal(limits or Limits())
    journal.add_call(CallNotes(call_id, "create", "twilio", None, CREATED_AT, CREATED_AT))
    return journal


def noted(journal: Journal, party: Script) -> NotedSession:
    """An open session."""
    session = NotedSession(
        created(),
        agent_stream(),
        party,
        lambda: 0.0,
        NoTicker(),
        lambda over: None,
        journal=journal,
        now=lambda: CREATED_AT,
    )
    session.opened(Paper())
    return session


@contextmanager
def no_garbage_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_a_call_that_is_over_is_let_go_of_without_the_garbage_collector() -> None:
    party: Talker | None = Talker([Audio(payload=b"\xff" * 160)])
    assert party is not None
    found = weakref.ref(party)
    with no_garbage_collector():
        session: NotedSession | None = noted(noting(), party)
        assert session is not None
        session.receive(START)
        session.tick(0.02)
        session.lost("gone")
        party = session = None
        assert found() is None


def test_a_call_that_the_journal_has_forgotten_goes_on() -> None:
    journal = noting("another")
    session = noted(journal, Talker([Audio(payload=b"\xff" * 160)]))
    session.receive(START)
    session.tick(0.02)
    session.lost("gone")
    assert journal.call("c1") is None


def test_a_party_that_does_not_talk_here_is_noted_without_its_audio() -> None:
    journal = noting()
    session = noted(journal, Script([Audio(payload=b"\xff" * 160)]))
    session.receive(START)
    session.tick(0.02)
    call = journal.call("c1")
    assert call is not None and call.events[-1].audio_bytes == 160
    assert not call.audio["agent"].pieces


@pytest.mark.parametrize(
    ("event", "field", "kept"),
    [
        (TextMessage(text="word " * 10_000), "text", LONGEST_DETAIL),
        (Started(parameters={"a": ["word"] * 10_000}), "parameters", 100),
    ],
)
def test_what_is_very_long_is_not_kept_whole(event: Event, field: str, kept: int) -> None:
    journal = noting()
    tap = Tap(journal, Talker(), lambda: 0.0, lambda: CREATED_AT, "a token")
    tap.dialled("c1")
    tap.heard(event, 50_000)
    call = journal.call("c1")
    assert call is not None and call.events[-1].detail is not None
    assert len(call.events[-1].detail[field]) <= kept


def test_a_transcript_grows_as_it_is_said_and_hides_what_may_be_a_secret() -> None:
    journal = noting()
    tap = Tap(journal, Talker(), lambda: 0.0, lambda: CREATED_AT, "a token")
    tap.dialled("c1")
    for piece in (
        Transcript(role="agent", ordinal=0, final=False, text="Your key"),
        Transcript(role="agent", ordinal=0, final=False, delta=" is ck_prod_0123"),
    ):
        tap.said(piece, 10)
    call = journal.call("c1")
    assert call is not None
    (line,) = call.transcript.values()
    assert (line.text, line.final) == ("Your key is ***", False)
    tap.said(Transcript(role="agent", ordinal=0, final=True, text="Your key"), 10)
    assert [(each.text, each.final) for each in call.transcript.values()] == [("Your key", True)]


def test_of_what_is_not_allowed_and_of_what_is_cut_no_secret_is_kept() -> None:
    journal = noting()
    session = noted(journal, Script())
    session.receive('{"event": "ck_mock_valid"}')
    session.receive('{"event": "not shown"}')
    tap = Tap(journal, Talker(), lambda: 0.0, lambda: CREATED_AT, "a token")
    tap.dialled("c1")
    token = "Zm9v0" * 8 + "bar"
    tap.heard(TextMessage(text="a token " + "w " * (LONGEST_DETAIL // 2 - 10) + token + " w" * 9999), 50_000)
    call = journal.call("c1")
    assert call is not None
    key, own, cut = [event.detail for event in call.events]
    assert key is not None and key["message"].startswith("$.event: unknown event '***', expected")
    assert own is not None and own["message"].startswith("$.event: unknown event '***', expected")
    assert cut is not None and cut["text"].startswith("*** w w") and "Zm9v" not in cut["text"]
