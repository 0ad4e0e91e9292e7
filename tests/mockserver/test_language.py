"""What is said of a silence, in the language of the call."""

from __future__ import annotations

import pytest

from contract.events import Transcript
from mockserver.language import LINES, lines, tags
from tests.mockserver.talk import WEBSOCKET, Talk


def said(language: str, action: str) -> list[str | None]:
    talk = Talk(first_speaker="user", language=language, inactivity_timeout_s=10, inactivity_action=action, **WEBSOCKET)
    talk.wait(15)
    return [event.text for event in talk.of(Transcript) if event.final]


def test_the_lines_are_known_in_forty_languages_each_in_its_own_words() -> None:
    assert len(LINES) >= 40
    assert len({each for both in LINES.values() for each in both}) == 2 * len(LINES)
    assert all(each.strip() and tag == tag.lower() for tag, both in LINES.items() for each in both)


def test_silence_is_answered_in_the_language_of_the_call() -> None:
    assert said("de", "prompt") == ["Sind Sie noch da?"]
    assert said("es-MX", "hang_up") == ["Hace un rato que no oigo nada. Adiós."]


def test_a_saved_agent_says_it_in_english() -> None:
    talk = Talk(inactivity_timeout_s=10, greeting="", **WEBSOCKET)
    talk.wait(12)
    assert [event.text for event in talk.of(Transcript) if event.final] == ["Are you still there?"]


@pytest.mark.parametrize("language", ["tlh", "", " ", "-", "x" * 10_000, "e" * 3 + "-" * 5000, "🚲"])
def test_a_language_that_nobody_knows_is_answered_in_english(language: str) -> None:
    assert lines(language) == LINES["en"]


@pytest.mark.parametrize(
    ("language", "known"),
    [
        ("pt_BR", "pt"),
        ("DE", "de"),
        (" fr-CA ", "fr"),
        ("no", "nb"),
        ("nn-NO", "nb"),
        ("iw", "he"),
        ("zh-Hant-HK", "zh-tw"),
    ],
)
def test_a_language_is_found_however_closely_it_is_named(language: str, known: str) -> None:
    assert lines(language) == LINES[known]


def test_the_closest_code_comes_first() -> None:
    assert list(tags("zh_Hant-HK")) == ["zh-hant-hk", "zh-hant", "zh-tw", "zh"]
