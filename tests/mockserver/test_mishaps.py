"""Calls that go wrong on purpose, with a clock of their own."""

from __future__ import annotations

import random

from contract.errors import PeerError
from contract.events import Audio, Fault, Started
from mockserver.mishaps import Troubled
from mockserver.scenarios import Mishap
from tests.mockserver.talk import TICK_S, WEBSOCKET, Talk


def test_an_objection_does_not_overtake_audio_that_is_late() -> None:
    talk = Talk(begin=False, **WEBSOCKET)
    party = Troubled(talk.conversation, Mishap(jitter_ms=(1000, 1000)), 0.0, random.Random(0))
    party.begin(0.0, Started())
    party.tick(TICK_S)
    assert party.object(PeerError("hello", "$", "is not known")) == []
    heard = [event for tick in range(2, 60) for event in party.tick(tick * TICK_S)]
    kinds = [type(event) for event in heard]
    assert kinds.count(Fault) == 1 and Audio in kinds[: kinds.index(Fault)]


def test_an_objection_comes_at_once_where_nothing_is_late() -> None:
    talk = Talk(begin=False, **WEBSOCKET)
    party = Troubled(talk.conversation, Mishap(jitter_ms=(1000, 1000)), 0.0, random.Random(0))
    assert [type(event) for event in party.object(PeerError("hello", "$", "is not known"))] == [Fault]
