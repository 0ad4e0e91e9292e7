"""Carriers dial what a POST returned, hear the agent, and are heard."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.clients.carrier import Carrier
from tests.clients.carriers import CARRIERS, Plivo, Telnyx, TelnyxAlaw, Twilio
from tests.clients.speech import FRAME_BYTES, RATE_HZ, alaw, is_sound, likeness, mulaw, mulaw_samples, speech
from tests.running import RunningMock

SPOKEN = speech(1.2)
MIDDLE = SPOKEN[RATE_HZ // 10 : -RATE_HZ // 10]
"""What of it must come back unchanged: where speech begins and ends is for the agent to find."""

GREETING = "Hello, who is speaking?"

every_carrier = pytest.mark.parametrize("kind", CARRIERS, ids=lambda kind: kind.__name__)


@dataclass(frozen=True)
class Conversation:
    """What one call was like for the carrier.

    Attributes:
        before_start: what was heard between the upgrade and the start message.
        greeting: what was heard after it.
        answer: what was heard after the caller had spoken.
        keys_read: what was heard after the caller had pressed keys.
        frame_sizes: the lengths of all audio messages, in bytes.
        marks: the marks that the agent asked for, each of which was returned.
        complaints: what the mock logged as not allowed by the contract.
        close_code: how the agent closed the socket after the stop message.
    """

    before_start: bytes
    greeting: bytes
    answer: bytes
    keys_read: bytes
    frame_sizes: set[int]
    marks: list[str]
    complaints: list[str]
    close_code: int | None


def converse(mock: RunningMock, kind: type[Carrier], complaints: list[str]) -> Conversation:
    created = mock.create_inline(connectionType=kind.connection_type, greeting=GREETING)
    with kind.dial(created["websocketUrl"]) as carrier:
        carrier.connected()
        carrier.listen(0.3)
        before_start = carrier.begun
        carrier.start()
        greeting = carrier.hear_out()
        code = alaw if kind is TelnyxAlaw else mulaw
        carrier.speak(code(SPOKEN) + carrier.silence * (RATE_HZ // 2))
        answer = carrier.hear_out()
        carrier.press("12#")
        keys_read = carrier.hear_out()
        carrier.stop()
        carrier.listen(5)
        return Conversation(
            before_start=before_start,
            greeting=greeting,
            frame_sizes=carrier.frame_sizes,
            answer=answer,
            keys_read=keys_read,
            marks=carrier.marks,
            complaints=[line for line in complaints if created["id"] in line],
            close_code=carrier.close_code,
        )


class Complaints(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def conversations(mock: RunningMock) -> Iterator[dict[type[Carrier], Conversation]]:
    """One conversation of each carrier's, all at the same time."""
    complaints = Complaints()
    log = logging.getLogger("calls")
    log.addHandler(complaints)
    with ThreadPoolExecutor(len(CARRIERS)) as pool:
        calls = {kind: pool.submit(converse, mock, kind, complaints.lines) for kind in CARRIERS}
        yield {kind: call.result() for kind, call in calls.items()}
    log.removeHandler(complaints)


@pytest.fixture(scope="module")
def interruptions(mock: RunningMock) -> dict[type[Carrier], tuple[int, bytes]]:
    """One interrupted call of each carrier's, all at the same time."""
    kinds = (Twilio, Telnyx, Plivo)
    with ThreadPoolExecutor(len(kinds)) as pool:
        return dict(zip(kinds, pool.map(lambda kind: interrupt(mock, kind), kinds), strict=True))


@pytest.fixture
def conversation(kind: type[Carrier], conversations: dict[type[Carrier], Conversation]) -> Conversation:
    return conversations[kind]


@every_carrier
def test_nothing_is_said_before_the_carriers_start_message(conversation: Conversation) -> None:
    assert conversation.before_start == b""


@every_carrier
def test_the_greeting_is_spoken_unasked(conversation: Conversation) -> None:
    assert is_sound(mulaw_samples(conversation.greeting))


@every_carrier
def test_audio_comes_in_frames_of_20_ms(conversation: Conversation) -> None:
    assert conversation.frame_sizes == {FRAME_BYTES}


@every_carrier
def test_the_callers_own_audio_comes_back(conversation: Conversation) -> None:
    # Mu-law and A-law together still leave a likeness of more than 0.999.
    assert likeness(mulaw_samples(conversation.answer), MIDDLE) > 0.99


@every_carrier
def test_keys_that_the_caller_presses_are_answered(conversation: Conversation) -> None:
    assert is_sound(mulaw_samples(conversation.keys_read))


@every_carrier
def test_each_thing_said_ends_with_a_mark_of_its_own(conversation: Conversation) -> None:
    assert len(conversation.marks) == len(set(conversation.marks)) == 3


@every_carrier
def test_nothing_that_the_carrier_says_is_objected_to(conversation: Conversation) -> None:
    assert conversation.complaints == []


@every_carrier
def test_the_socket_is_closed_after_the_carriers_stop(conversation: Conversation) -> None:
    assert conversation.close_code == 1000


def interrupt(mock: RunningMock, kind: type[Carrier]) -> tuple[int, bytes]:
    """Speak into a greeting of 20 s that may be interrupted: how often it was withdrawn, and all that was heard."""
    created = mock.create_inline(connectionType=kind.connection_type, greeting="One, two. " * 20, interruptible=True)
    with kind.dial(created["websocketUrl"]) as carrier:
        carrier.connected()
        carrier.start()
        carrier.speak(mulaw(SPOKEN))
        # What is withdrawn has no mark: the first is the answer's.
        heard = carrier.hear_out()
        return carrier.clears, heard


@pytest.mark.parametrize("kind", (Twilio, Telnyx, Plivo), ids=lambda kind: kind.__name__)
def test_caller_speech_withdraws_an_interruptible_greeting(
    interruptions: dict[type[Carrier], tuple[int, bytes]], kind: type[Carrier]
) -> None:
    clears, heard = interruptions[kind]
    assert clears == 1
    assert len(heard) < 10 * RATE_HZ
    assert likeness(mulaw_samples(heard), MIDDLE) > 0.99


def test_caller_speech_does_not_cut_a_greeting_that_is_not_interruptible(
    mock: RunningMock, conversations: dict[type[Carrier], Conversation]
) -> None:
    created = mock.create_inline(greeting=GREETING)
    with Twilio.dial(created["websocketUrl"]) as carrier:
        carrier.connected()
        carrier.start()
        carrier.speak(mulaw(speech(0.8)))
        assert carrier.hear_out() == conversations[Twilio].greeting
        assert carrier.clears == 0
