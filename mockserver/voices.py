"""Which voice speaks in a call: by its language and the name of its voice."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from contract.audio import AudioFormat
from mockserver.espeak import Espeak, Voice
from mockserver.language import DEFAULT
from mockserver.redaction import beginning
from mockserver.speaking import Sayable
from mockserver.store import CallSettings
from mockserver.synthesis import Synthesiser

MOST_LANGUAGES_LOGGED = 100
"""How many languages that nobody speaks are logged, each once."""

logger = logging.getLogger("calls")


class Voices:
    """The voices of all calls; one worker makes what they say.

    Args:
        speech: what speaks.
    """

    def __init__(self, speech: Espeak) -> None:
        self._speech = speech
        self._synthesiser = Synthesiser(speech.speak)
        self._not_spoken: set[str] = set()

    def of(self, settings: CallSettings) -> Callable[[str, AudioFormat], Sayable]:
        """The voice of a call: what gives a text its sound."""
        voice = self._speech.voice(settings.language, settings.voice)
        if voice is None:
            self._log_once(settings.language)
            voice = self._speech.voice(DEFAULT, settings.voice) or Voice(DEFAULT)
        return partial(self._synthesiser.say, voice=voice)

    def close(self) -> None:
        """Make nothing more."""
        self._synthesiser.close()

    def _log_once(self, language: str) -> None:
        if language not in self._not_spoken and len(self._not_spoken) < MOST_LANGUAGES_LOGGED:
            self._not_spoken.add(language)
            logger.warning("espeak-ng does not speak the language %r: the voice is English", beginning(language, 40))
