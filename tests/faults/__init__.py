"""The mock with one fault each: what the judge must see."""

from __future__ import annotations

from tests.faults import answers, audio, endings, fields, fuzz, http, room, sockets, talk, turns, url
from tests.faults.fault import Fault

FAULTS: list[Fault] = [
    *http.FAULTS,
    *fields.FAULTS,
    *answers.FAULTS,
    *url.FAULTS,
    *turns.FAULTS,
    *audio.FAULTS,
    *endings.FAULTS,
    *talk.FAULTS,
    *room.FAULTS,
    *sockets.FAULTS,
    *fuzz.FAULTS,
]
"""Every fault, its name once."""
