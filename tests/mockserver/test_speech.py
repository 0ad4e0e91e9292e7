"""The real voice: espeak-ng, where the extra `speech` is installed."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect

from contract.audio import AudioFormat, Encoding, decode
from mockserver.app import build
from mockserver.espeak import VARIANTS, Espeak, Voice, espeak
from mockserver.language import LINES
from mockserver.settings import Settings
from mockserver.store import CallSettings
from mockserver.synthesis import Synthesiser
from mockserver.voices import Voices
from tests.mockserver.test_synthesis import whole
from tests.running import RunningMock, running_mock

pytest.importorskip("espeakng_loader", reason="the extra speech is not installed")

PCM = AudioFormat(Encoding.PCM16, 16000)
GREETING = "Hello, this is the bicycle shop."
FORMATS = [
    AudioFormat(Encoding.MULAW, 8000),
    AudioFormat(Encoding.PCM16, 8000),
    AudioFormat(Encoding.PCM16, 11025),
    AudioFormat(Encoding.PCM16, 48000),
]


@pytest.fixture(scope="module")
def voice() -> Espeak:
    return espeak()


@pytest.fixture(scope="module")
def synthesiser(voice: Espeak) -> Iterator[Synthesiser]:
    made = Synthesiser(voice.speak)
    yield made
    made.close()


@pytest.fixture(scope="module")
def mock() -> Iterator[RunningMock]:
    with running_mock(voice_output="speech", rate_limit_per_hour=0) as running:
        yield running


def spoken(synthesiser: Synthesiser, text: str, voice: Voice, audio_format: AudioFormat = PCM) -> Any:
    """The samples of a text."""
    audio = whole(synthesiser.say(text, audio_format, voice))
    return decode(audio, audio_format.encoding).astype(float)


def loudness(samples: Any, rate_hz: int) -> Any:
    """The level of each 10 ms."""
    size = rate_hz // 100
    return np.sqrt((samples[: len(samples) // size * size].reshape(-1, size) ** 2).mean(axis=1))


def heard(url: str) -> tuple[Any, list[dict[str, Any]]]:
    """The samples and the messages that a custom client gets at 16000 Hz until the agent listens again."""
    audio, messages = b"", []
    with connect(url) as call:
        while True:
            wire = call.recv(timeout=8)
            if isinstance(wire, bytes):
                audio += wire
                continue
            messages.append(json.loads(wire))
            if audio and messages[-1].get("state") == "listening":
                return decode(audio, Encoding.PCM16).astype(float), messages


def websocket(mock: RunningMock, **body: Any) -> str:
    rates = {"inputSampleRate": 16000, "outputSampleRate": 16000}
    return str(mock.create_inline(connectionType="websocket", websocket=rates, **body)["websocketUrl"])


def test_a_greeting_is_really_spoken(mock: RunningMock) -> None:
    samples, messages = heard(websocket(mock, greeting=GREETING))
    assert 1 < len(samples) / 16000 < 3
    levels = loudness(samples, 16000)
    # About as loud as the tones, which speak at 17 dB below full scale.
    assert -27 < 20 * np.log10(np.sqrt((levels[levels > 328] ** 2).mean()) / 32768) < -15
    # A voice has sound in all of the band; the tones have none above 1300 Hz.
    power = np.abs(np.fft.rfft(samples)) ** 2
    assert power[int(1500 * len(samples) / 16000) :].sum() > 0.02 * power.sum()
    said = [each for each in messages if each["type"] == "transcript"]
    assert len(said) == 7
    assert "".join(each.get("text") or each["delta"] for each in said[:-1]) == said[-1]["text"] == GREETING


@pytest.mark.parametrize("audio_format", FORMATS, ids=lambda each: f"{each.encoding.value}-{each.rate_hz}")
def test_it_is_the_same_voice_in_every_format(synthesiser: Synthesiser, audio_format: AudioFormat) -> None:
    samples = spoken(synthesiser, GREETING, Voice("gmw/en"), audio_format)
    assert len(samples) / audio_format.rate_hz == pytest.approx(1.7, abs=0.4)
    assert 14_000 < np.abs(samples).max() < 30_000


def test_a_voice_begins_and_ends_without_a_click(synthesiser: Synthesiser) -> None:
    for name in VARIANTS:
        samples = spoken(synthesiser, "I go. And then", Voice(f"gmw/en+{name}"))
        assert max(np.abs(samples[:16]).max(), np.abs(samples[-16:]).max()) < 500


def test_a_word_is_told_when_it_is_heard(synthesiser: Synthesiser) -> None:
    text = "One. Two. Three."
    speech = synthesiser.say(text, PCM, Voice("gmw/en"))
    levels = loudness(decode(whole(speech), Encoding.PCM16).astype(float), 16000) > 500
    begins = []
    while (ms := speech.next_word_ms) < 10_000:
        begins.append(ms)
        speech.words_until(ms)
    assert len(begins) == 3
    for ms in begins[1:]:
        assert not levels[int(ms / 10) - 15 : int(ms / 10)].any()
        assert levels[int(ms / 10) : int(ms / 10) + 25].any()


def test_a_name_is_a_voice_of_its_own_and_always_the_same(voice: Espeak) -> None:
    assert voice.voice("en", "Mark") == voice.voice("en", "Mark") == Voice("gmw/en+f5", 58, 161)
    names = ["Mark", "Sarah", "3f2c0a52-4d0f-4a3b-9d0a-1f6f5f9e7a10", *map(str, range(200))]
    assert len({voice.voice("en", name) for name in names}) > 0.98 * len(names)


def test_two_names_sound_different(synthesiser: Synthesiser, voice: Espeak) -> None:
    pitches = []
    for name in ("Mark", "Sarah", "Anna", "Tom"):
        found = voice.voice("en", name)
        assert found is not None
        samples = spoken(synthesiser, "Hello there, this is me.", found)
        spectrum = np.abs(np.fft.rfft(samples))
        spectrum[: int(60 * len(samples) / 16000)] = 0
        pitches.append(spectrum[: int(300 * len(samples) / 16000)].argmax() * 16000 / len(samples))
    assert all(abs(one - other) > 3 for one, other in itertools.combinations(pitches, 2)), pitches


def test_each_language_whose_lines_are_known_is_spoken(synthesiser: Synthesiser, voice: Espeak) -> None:
    for language, lines in LINES.items():
        found = voice.voice(language, "Sarah")
        assert found is not None, language
        assert len(spoken(synthesiser, lines.prompt, found)) > 0.4 * 16000, language


@pytest.mark.parametrize(
    ("language", "name"), [("en", "gmw/en"), ("en-US", "gmw/en-US"), ("pt_BR", "roa/pt-BR"), ("zh-CN", "sit/cmn")]
)
def test_a_language_has_its_own_voice(voice: Espeak, language: str, name: str) -> None:
    assert voice.voice(language, "") == Voice(name)


def test_a_language_that_nobody_speaks_is_english_and_logged_once(
    voice: Espeak, caplog: pytest.LogCaptureFixture
) -> None:
    voices = Voices(voice)
    with caplog.at_level(logging.WARNING, "calls"):
        for _ in range(3):
            call = CallSettings(connection_type="twilio", language="quenya", voice="Mark")
            speak = voices.of(call)
    assert isinstance(speak, partial)
    assert speak.keywords["voice"] == voice.voice("en", "Mark")
    assert [record.getMessage() for record in caplog.records] == [
        "espeak-ng does not speak the language 'quenya': the voice is English"
    ]
    voices.close()


@settings(max_examples=15, deadline=None)
@given(text=st.text(max_size=30), language=st.sampled_from(["gmw/en", "sit/cmn", "sem/ar", "jpx/ja"]))
def test_any_text_is_spoken_and_its_words_join_to_it(synthesiser: Synthesiser, text: str, language: str) -> None:
    speech = synthesiser.say(text, PCM, Voice(language))
    audio = whole(speech)
    assert speech.words_until(PCM.duration_ms(len(audio))) == text
    assert bool(audio) == bool(text.strip())


def test_the_server_speaks_where_it_can_and_has_tones_where_it_is_told_to() -> None:
    found = {output: build(Settings(voice_output=output), "http://127.0.0.1:1").speaks for output in ("auto", "tones")}
    assert found == {"auto": True, "tones": False}


def test_what_looks_like_markup_is_read_out(synthesiser: Synthesiser) -> None:
    plain, marked = (len(spoken(synthesiser, text, Voice("gmw/en"))) for text in ("x", "<b>x</b> [[h@l'oU]]"))
    assert marked > 2 * plain


def test_typed_text_and_keys_are_answered_in_words(mock: RunningMock) -> None:
    with connect(websocket(mock, firstSpeaker="user")) as call:
        call.send(json.dumps({"type": "user_text_message", "text": "wheels"}))
        audio, final = b"", None
        while final is None:
            wire = call.recv(timeout=8)
            if isinstance(wire, bytes):
                audio += wire
            elif (told := json.loads(wire)).get("role") == "agent" and told["final"]:
                final = told["text"]
    assert final == "You wrote: wheels"
    assert len(audio) > 2 * 16000 * 0.5
