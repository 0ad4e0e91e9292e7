from __future__ import annotations

from typing import Any

import pytest

from contract.audio import AudioFormat, Encoding
from contract.errors import PeerError
from contract.events import (
    Audio,
    Clear,
    Digit,
    HangUp,
    Mark,
    StateChanged,
    Stopped,
    Transcript,
)
from mockserver.agents import MOST_KEYS, Agent, Echo, Silent
from mockserver.language import lines
from mockserver.store import CallSettings
from mockserver.voice import say
from tests.mockserver.talk import MULAW, PCM16K, WEBSOCKET, Talk, noise

PROMPT, FAREWELL = lines("en")

CARRIERS = ["twilio", "telnyx", "plivo"]


def silent(settings: CallSettings) -> Agent:
    return Silent()


@pytest.mark.parametrize("kind", CARRIERS)
def test_the_agent_says_its_greeting_as_soon_as_the_stream_starts(kind: str) -> None:
    talk = Talk(connection_type=kind)
    talk.wait(5)
    assert talk.times(Audio)[0] == 0.0
    assert {len(event.payload) for event in talk.of(Audio)} == {160}


def test_nothing_is_said_before_the_stream_starts() -> None:
    talk = Talk(begin=False)
    talk.wait(5)
    assert talk.said == []


def test_with_first_speaker_user_the_agent_is_silent_until_the_caller_has_spoken() -> None:
    talk = Talk(first_speaker="user")
    talk.wait(30)
    assert talk.of(Audio) == []
    talk.speak(1)
    talk.wait(2)
    assert talk.of(Audio)


def test_audio_is_paced_at_real_time() -> None:
    talk = Talk(greeting="one two three four five six seven eight nine ten")
    talk.wait(20)
    for index, at in enumerate(talk.times(Audio)):
        assert 0 <= index * 0.02 - at + 1e-9 <= 0.06


def test_a_pacer_that_was_held_up_goes_on_later_and_not_faster() -> None:
    talk = Talk(greeting="one two three four five six seven eight nine ten")
    talk.wait(0.5)
    talk.now += 3
    talk.forget()
    talk.wait(0.02)
    assert len(talk.of(Audio)) <= 5


def test_a_mark_follows_the_last_audio_of_what_was_said() -> None:
    talk = Talk()
    talk.wait(5)
    kinds = [type(event) for _, event in talk.said]
    assert kinds == [Audio] * (len(kinds) - 1) + [Mark]


def test_the_parrot_repeats_the_callers_turn_to_the_byte() -> None:
    talk = Talk(first_speaker="user")
    talk.speak(1.8)
    talk.wait(4)
    assert noise(1800) in talk.audio()


def test_a_turn_ends_by_the_clock_though_no_frames_come() -> None:
    talk = Talk(first_speaker="user")
    talk.speak(1)
    talk.wait(0.6)
    assert talk.of(Audio) == []
    talk.wait(0.3)
    assert talk.of(Audio)


def test_a_turn_ends_though_frames_of_silence_go_on() -> None:
    talk = Talk(first_speaker="user")
    talk.speak(1)
    for _ in range(50):
        talk.hear(Audio(payload=b"\xff" * 160))
        talk.wait(0.02)
    assert talk.of(Audio)


def test_a_law_from_the_carrier_is_repeated_as_mu_law() -> None:
    talk = Talk(first_speaker="user", connection_type="telnyx", begin=False)
    talk.begin(encoding="PCMA")
    talk.speak(1, AudioFormat(Encoding.ALAW, 8000))
    talk.wait(3)
    assert noise(1000, AudioFormat(Encoding.ALAW, 8000)) not in talk.audio()
    assert len(talk.audio()) >= 8000


def test_a_stream_in_another_coding_is_closed_with_the_reason() -> None:
    talk = Talk(begin=False)
    talk.begin(encoding="audio/x-l16")
    assert talk.conversation.ending is not None
    assert talk.conversation.ending.code == 1008
    assert "audio/x-l16" in talk.conversation.ending.reason


def test_caller_speech_does_not_cut_a_first_message_that_is_not_interruptible() -> None:
    talk = Talk(greeting="a long greeting that goes on and on for some time", interruptible=False)
    talk.speak(1)
    assert talk.of(Clear) == []
    frames = len(talk.of(Audio))
    talk.wait(0.4)
    assert len(talk.of(Audio)) > frames


@pytest.mark.parametrize("kind", CARRIERS)
def test_caller_speech_cuts_an_interruptible_first_message_within_half_a_second(kind: str) -> None:
    talk = Talk(connection_type=kind, greeting="a long greeting that goes on and on for some time", interruptible=True)
    talk.wait(0.5)
    talk.speak(0.5)
    assert talk.times(Clear)[0] <= 1.0
    assert talk.times(Audio)[-1] <= talk.times(Clear)[0]


def test_on_a_websocket_an_interruption_clears_the_buffer_and_listens() -> None:
    talk = Talk(greeting="a long greeting that goes on and on for some time", interruptible=True, **WEBSOCKET)
    talk.wait(0.5)
    talk.speak(0.5, PCM16K)
    kinds = [event for _, event in talk.said]
    cut = kinds.index(Clear())
    assert kinds[cut:][-1] == StateChanged(state="listening")
    final = [event for event in talk.of(Transcript) if event.final and event.role == "agent"]
    assert final[0].text is not None
    assert "a long greeting that goes on and on for some time".startswith(final[0].text)
    pieces = [event for event in talk.of(Transcript) if event.ordinal == final[0].ordinal and not event.final]
    assert "".join(event.text or event.delta or "" for event in pieces) == final[0].text


def test_a_click_cuts_nothing() -> None:
    talk = Talk(greeting="a long greeting that goes on and on for some time", interruptible=True)
    talk.speak(0.04)
    talk.wait(1)
    assert talk.of(Clear) == []


def test_a_later_message_may_be_cut_whatever_the_setting() -> None:
    talk = Talk(interruptible=False, greeting="Hi")
    talk.wait(2)
    talk.speak(2)
    talk.wait(1)
    talk.forget()
    talk.speak(0.5)
    assert len(talk.of(Clear)) == 1


def test_silence_on_both_sides_is_answered_with_a_prompt_and_waited_for_again() -> None:
    talk = Talk(first_speaker="user", inactivity_timeout_s=10, inactivity_action="prompt")
    talk.wait(9.9)
    assert talk.of(Audio) == []
    talk.wait(0.3)
    assert talk.of(Audio)
    talk.forget()
    talk.wait(9)
    spoken = len(talk.of(Audio))
    talk.wait(4)
    assert len(talk.of(Audio)) > spoken
    assert talk.conversation.ending is None


def test_silence_with_hang_up_is_answered_with_a_farewell_and_the_end() -> None:
    talk = Talk(first_speaker="user", inactivity_timeout_s=10, inactivity_action="hang_up", **WEBSOCKET)
    talk.wait(30)
    said = [event.text for event in talk.of(Transcript) if event.final]
    assert said == [FAREWELL]
    assert talk.of(HangUp) == [HangUp(reason="inactivityTimeout is over")]
    assert talk.conversation.ending is not None
    assert talk.conversation.ending.code == 1000


def test_the_agents_own_speech_is_no_silence() -> None:
    talk = Talk(greeting="word " * 40, inactivity_timeout_s=10, **WEBSOCKET)
    talk.wait(12)
    assert PROMPT not in [event.text for event in talk.of(Transcript)]


def test_without_a_timeout_silence_lasts_for_ever() -> None:
    talk = Talk(first_speaker="user", max_duration_s=7200)
    talk.wait(600)
    assert talk.said == []


def test_the_time_scale_shortens_the_wait_for_the_caller() -> None:
    talk = Talk(first_speaker="user", inactivity_timeout_s=100, time_scale=10)
    talk.wait(9.9)
    assert talk.of(Audio) == []
    talk.wait(0.3)
    assert talk.of(Audio)


def test_the_call_ends_when_its_duration_is_over() -> None:
    talk = Talk(max_duration_s=60, **WEBSOCKET)
    talk.wait(59.9)
    assert talk.conversation.ending is None
    talk.wait(0.2)
    assert talk.of(HangUp) == [HangUp(reason="maxDuration is over")]
    assert talk.conversation.ending is not None


def test_the_call_ends_in_time_though_no_stream_ever_starts() -> None:
    talk = Talk(max_duration_s=60, begin=False)
    talk.wait(60.1)
    assert talk.said == []
    assert talk.conversation.ending is not None
    assert talk.conversation.ending.code == 1000


def test_nothing_is_said_after_the_end() -> None:
    talk = Talk(greeting="word " * 100)
    talk.wait(1)
    talk.hear(Stopped())
    talk.forget()
    talk.wait(5)
    talk.speak(1)
    assert talk.said == []
    assert talk.conversation.ending is not None


def test_a_hang_up_by_the_client_ends_the_call() -> None:
    talk = Talk(**WEBSOCKET)
    talk.hear(HangUp())
    assert talk.conversation.ending is not None


def test_carriers_hear_nothing_that_they_have_no_message_for() -> None:
    talk = Talk(greeting="Hi")
    talk.speak(1)
    talk.wait(5)
    assert {type(event) for _, event in talk.said} <= {Audio, Mark, Clear}


@pytest.mark.parametrize(("keys", "named"), [("12#", "1 2 #"), ("5", "5"), ("1#2", "1 #")])
def test_keys_are_named_after_a_pause_or_a_hash(keys: str, named: str) -> None:
    talk = Talk(first_speaker="user")
    for key in keys:
        talk.hear(Digit(digit=key))
        talk.wait(0.2)
    talk.wait(0.7)
    if not keys.endswith("#"):
        talk.wait(0.4)
    talk.wait(6)
    spoken = say(f"You pressed {named}", MULAW).read(10**6)
    assert talk.audio().startswith(spoken)


def test_a_digit_that_is_none_is_not_heard() -> None:
    talk = Talk(first_speaker="user")
    talk.hear(Digit(digit="1" * 1000))
    talk.wait(5)
    assert talk.of(Audio) == []


def test_of_very_many_keys_the_last_hundred_are_named() -> None:
    talk = Talk(first_speaker="user")
    for _ in range(1000):
        talk.hear(Digit(digit="1"))
    talk.hear(Digit(digit="2"))
    talk.wait(1.1)
    spoken = say("You pressed " + " ".join("1" * (MOST_KEYS - 1) + "2"), MULAW)
    talk.wait(2)
    assert spoken.read(len(talk.audio())) == talk.audio()


def test_the_caller_who_talks_on_does_not_keep_an_agent_that_hangs_up() -> None:
    talk = Talk(first_speaker="user", inactivity_timeout_s=10, inactivity_action="hang_up")
    talk.wait(10.2)
    assert talk.of(Audio)
    talk.speak(20)
    assert talk.conversation.ending is not None


def test_an_agent_that_hangs_up_answers_no_more_turns() -> None:
    talk = Talk(first_speaker="user", inactivity_timeout_s=10, inactivity_action="hang_up", **WEBSOCKET)
    talk.wait(10.2)
    talk.speak(1, PCM16K)
    talk.wait(6)
    assert [event.text for event in talk.of(Transcript) if event.final and event.role == "agent"] == [FAREWELL]
    assert talk.conversation.ending is not None


def test_the_last_words_are_heard_before_the_hang_up() -> None:
    talk = Talk(first_speaker="user", inactivity_timeout_s=10, inactivity_action="hang_up")
    while talk.conversation.ending is None:
        talk.wait(0.02)
    assert talk.now - talk.times(Audio)[-1] >= 0.3


def test_the_time_scale_shortens_the_call() -> None:
    talk = Talk(first_speaker="user", max_duration_s=60, time_scale=10)
    talk.wait(5.9)
    assert talk.conversation.ending is None
    talk.wait(0.2)
    assert talk.conversation.ending is not None


def test_too_much_audio_in_one_message_is_refused() -> None:
    talk = Talk()
    with pytest.raises(
        PeerError, match="more than 30 s of audio in one message: 240001 bytes, at most 240000 are taken"
    ):
        talk.hear(Audio(payload=b"\xff" * (8000 * 30 + 1)))


def test_the_agents_own_track_is_not_heard() -> None:
    talk = Talk(first_speaker="user")
    for _ in range(50):
        talk.hear(Audio(payload=noise(20), track="outbound"))
        talk.wait(0.02)
    talk.wait(3)
    assert talk.of(Audio) == []


@pytest.mark.parametrize("greeting", ["!", "😀", "?!"])
def test_a_greeting_without_letters_is_heard(greeting: str) -> None:
    assert Talk(greeting=greeting).of(Audio)


@pytest.mark.parametrize("encoding", ["AUDIO/X-MULAW", "audio/x-mulaw;rate=8000", "pcmu", "PCMU", ""])
def test_the_carriers_word_for_mu_law_may_be_spelt_freely(encoding: str) -> None:
    talk = Talk(begin=False)
    talk.begin(encoding=encoding)
    assert talk.of(Audio)


def test_half_a_sample_is_a_peer_error() -> None:
    talk = Talk(**WEBSOCKET)
    with pytest.raises(PeerError, match="not a whole number of 16-bit samples"):
        talk.hear(Audio(payload=b"\x00" * 3))


def test_the_echo_says_its_greeting_and_then_sends_audio_back_at_once() -> None:
    talk = Talk(Echo, greeting="Hi")
    talk.wait(2)
    talk.forget()
    talk.hear(Audio(payload=noise(20)))
    assert talk.said == [(talk.now, Audio(payload=noise(20)))]


def test_the_echo_is_silent_until_the_caller_has_spoken_if_the_caller_speaks_first() -> None:
    talk = Talk(Echo, first_speaker="user")
    talk.hear(Audio(payload=b"\xff" * 160))
    assert talk.said == []
    talk.speak(0.2)
    assert talk.of(Audio)


def test_the_echo_resamples_to_the_rate_that_was_asked_for() -> None:
    wide = {**WEBSOCKET, "output_rate_hz": 48000}
    talk = Talk(Echo, greeting="", **wide)
    talk.speak(1, PCM16K)
    assert 0.97 * 96_000 <= len(talk.audio()) <= 96_000


def test_the_silent_agent_says_nothing() -> None:
    talk = Talk(silent, inactivity_timeout_s=10)
    talk.speak(1)
    talk.wait(30)
    assert talk.said == []


@pytest.mark.parametrize("codec", ["pcm", "g711"])
@pytest.mark.parametrize("rates", [(8000, 48000), (48000, 8000), (11025, 22050), (16000, 16000)])
def test_a_websocket_call_carries_what_it_asked_for(codec: Any, rates: tuple[int, int]) -> None:
    talk = Talk(
        connection_type="websocket", codec=codec, input_rate_hz=rates[0], output_rate_hz=rates[1], greeting="Hi"
    )
    talk.wait(1)
    talk.forget()
    encoding = Encoding.PCM16 if codec == "pcm" else Encoding.MULAW
    talk.speak(1, AudioFormat(encoding, rates[0]))
    talk.wait(4)
    said_ms = AudioFormat(encoding, rates[1]).duration_ms(len(talk.audio()))
    assert 950 <= said_ms <= 1500


def test_frames_are_whole_for_carriers() -> None:
    talk = Talk(first_speaker="user")
    talk.hear(Audio(payload=noise(777)))
    talk.wait(5)
    assert {len(event.payload) for event in talk.of(Audio)} == {MULAW.bytes_in(20)}
