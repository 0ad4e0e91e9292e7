"""Speech by espeak-ng.  The only module that knows the library; it is loaded where the extra `speech` is installed.

espeak-ng is GPL-3.0-or-later; `espeakng-loader` brings it and its data, so nothing has to be installed beside it.
The interface is that of its header speak_lib.h, version 1.52 (github.com/espeak-ng/espeak-ng, read 2026-11-28).
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mockserver.language import DEFAULT, tags

INSTALL = "pip install 'calls-contract[speech]'"
"""What brings the library."""

VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
"""espeak-ng's ways to alter a language's voice that still sound like people (espeak-ng-data/voices/!v)."""

PITCHES = range(35, 66)
WORDS_PER_MINUTE = range(155, 186)

_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_UTF8, _END_PAUSE = 1, 0x1000
_RATE, _PITCH = 1, 3
_LIST_END, _WORD = 0, 1
_POSITION_IN_CHARACTERS = 1
_BUFFER_MS = 1000
"""How much sound comes in one piece.  Each piece needs Python's lock, so there are to be few."""

_LOADING = threading.Lock()


class EspeakError(Exception):
    """The library cannot be had, or did not speak; the text says why."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How something is spoken.

    Attributes:
        name: the voice's file in espeak-ng's data, perhaps with a variant: `gmw/de+f2`.
        pitch: from 0 to 100.
        words_per_minute: about as many.
    """

    name: str
    pitch: int = 50
    words_per_minute: int = 170


@dataclass(slots=True)
class Sound:
    """What was spoken.

    Attributes:
        rate_hz: samples a second.
        pieces: the sound, one after the other, 16-bit samples of this machine's byte order.
        words: when each word begins, in milliseconds, and the place of its first character in the text.
    """

    rate_hz: int
    pieces: list[bytes] = field(default_factory=list)
    words: list[tuple[int, int]] = field(default_factory=list)


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


class _VoiceEntry(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        # A byte that says how well it fits, then a code that ends with 0, again and again until a 0 comes first.
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_ON_SOUND = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The library, of which a process has one.  It can do one thing at a time: others wait.

    Args:
        library: its file.
        data: the folder that holds `espeak-ng-data`, or is it.

    Raises EspeakError.
    """

    def __init__(self, library: Path, data: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._library = ctypes.CDLL(str(library))
        except OSError as error:
            raise EspeakError(f"espeak-ng cannot be loaded: {error}") from error
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceEntry))
        self.rate_hz = self._library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, str(data).encode(), _DONT_EXIT)
        if self.rate_hz <= 0:
            # It keeps the path in 160 bytes.
            long = ", a path too long for it" if len(str(data).encode()) > 155 else ""
            raise EspeakError(f"espeak-ng cannot be used: it does not find its data in {data}{long}")
        self._sound = Sound(self.rate_hz)
        # The library calls it for as long as the process lives.
        self._on_sound = _ON_SOUND(self._take)
        self._library.espeak_SetSynthCallback(self._on_sound)
        self._voices = self._listed()

    def voice(self, language: str, name: str) -> Voice | None:
        """The voice of a name in a language: the same for the same name, another one for nearly every other name.

        Without a name it is the language's own voice.  None for a language that espeak-ng does not speak.
        """
        found = next((self._voices[tag] for tag in tags(language) if tag in self._voices), None)
        if found is None or not name:
            return None if found is None else Voice(found)
        # By a checksum: Python's own hash differs from run to run.
        number = zlib.crc32(name.encode("utf-8", "surrogatepass"))
        number, variant = divmod(number, len(VARIANTS))
        number, pitch = divmod(number, len(PITCHES))
        pace = WORDS_PER_MINUTE[number % len(WORDS_PER_MINUTE)]
        return Voice(f"{found}+{VARIANTS[variant]}", PITCHES[pitch], pace)

    def speak(self, text: str, voice: Voice, *, pause_after: bool) -> Sound:
        """The text, spoken; a pause follows it where more is to come.  Raises EspeakError.

        Takes about 3 ms of computing for a second of sound, most of them without Python's lock.
        """
        # A character for a character, so that the places of the words are right.
        spelt = text.replace("\0", " ").encode("utf-8", "replace")
        flags = _UTF8 | (_END_PAUSE if pause_after else 0)
        with self._lock:
            self._sound = sound = Sound(self.rate_hz)
            failed = (
                self._library.espeak_SetVoiceByName(voice.name.encode())
                or self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
                or self._library.espeak_SetParameter(_RATE, voice.words_per_minute, 0)
                or self._library.espeak_Synth(
                    spelt, ctypes.c_size_t(len(spelt) + 1), 0, _POSITION_IN_CHARACTERS, 0, flags, None, None
                )
            )
        if failed:
            raise EspeakError(f"espeak-ng did not speak with the voice {voice.name!r}: error {failed}")
        return sound

    def _take(self, samples: int | None, count: int, events: ctypes._Pointer[_Event]) -> int:
        """Take in a piece of sound and what happens in it; the library calls this."""
        if samples and count:
            self._sound.pieces.append(ctypes.string_at(samples, 2 * count))
        index = 0
        while (event := events[index]).type != _LIST_END:
            if event.type == _WORD:
                self._sound.words.append((event.audio_position, event.text_position - 1))
            index += 1
        return 0

    def _listed(self) -> Mapping[str, str]:
        """The voice that fits each language best, by the language's code."""
        fitting: dict[str, tuple[int, str]] = {}
        entries = self._library.espeak_ListVoices(None)
        index = 0
        while entries[index]:
            entry = entries[index].contents
            for score, code in _languages(entry.languages):
                # The lower the better; of equals the first.
                if code not in fitting or score < fitting[code][0]:
                    fitting[code] = score, entry.identifier.decode()
            index += 1
        return {code: name for code, (_, name) in fitting.items()}


def _languages(address: int) -> list[tuple[int, str]]:
    found = []
    while score := ctypes.string_at(address, 1)[0]:
        code = ctypes.string_at(address + 1)
        found.append((score, code.decode().lower()))
        address += 2 + len(code)
    return found


def is_installed() -> bool:
    """Whether the extra `speech` is there."""
    return importlib.util.find_spec("espeakng_loader") is not None


def espeak() -> Espeak:
    """The library, loaded once.  Raises EspeakError."""
    # Of two that were loaded at the same time only one would hear what is spoken.
    with _LOADING:
        return _loaded()


@functools.cache
def _loaded() -> Espeak:
    try:
        import espeakng_loader  # type: ignore[import-untyped]  # it has no types
    except ImportError as error:
        raise EspeakError(f"espeak-ng is not installed: {INSTALL}") from error
    try:
        library, data = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except RuntimeError as error:
        raise EspeakError(f"espeak-ng cannot be used: {error}") from error
    loaded = Espeak(library, data)
    if loaded.voice(DEFAULT, "") is None:
        raise EspeakError(f"espeak-ng cannot be used: it has no voices in {data}")
    return loaded
