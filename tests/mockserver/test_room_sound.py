"""How what the agent says becomes what is heard in a room."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from av import AudioFrame

from contract.codec import Wire
from mockserver.webrtc.line import RoomLine
from mockserver.webrtc.sound import CallerSound
from mockserver.webrtc.wires import WITHDRAWN, RoomAudio, RoomData


@dataclass
class Heard:
    """A room that keeps what it is given."""

    sound: bytearray = field(default_factory=bytearray)
    words: list[bytes] = field(default_factory=list)

    def play(self, audio: bytes) -> None:
        if not audio:
            self.sound.clear()
        self.sound += audio

    def send(self, data: bytes) -> None:
        self.words.append(data)

    def close(self) -> None:
        pass

    def drop(self) -> None:
        pass

    async def closed(self) -> None:
        pass


def heard(*wires: Wire) -> Heard:
    room = Heard()
    line = RoomLine(session=None)  # type: ignore[arg-type]  # nothing is told of in here
    line.venue = room
    for wire in wires:
        line.send(wire)
    return room


def test_a_piece_that_lacks_a_byte_does_not_make_noise_of_what_follows() -> None:
    assert heard(RoomAudio(b"\x01\x02\x03"), RoomAudio(b"\x04\x05")).sound == b"\x01\x02\x04\x05"


def test_what_was_withdrawn_is_not_heard() -> None:
    assert heard(RoomAudio(b"\x01\x02"), WITHDRAWN, RoomAudio(b"\x03\x04")).sound == b"\x03\x04"


def test_words_go_the_way_of_data() -> None:
    assert json.loads(heard(RoomData('{"type": "state"}')).words[0]) == {"type": "state"}


@pytest.mark.parametrize(("rate_hz", "layout"), [(48000, "stereo"), (48000, "mono"), (8000, "mono")])
def test_a_caller_is_heard_at_the_rate_of_rooms_whatever_the_coding(rate_hz: int, layout: str) -> None:
    channels = 2 if layout == "stereo" else 1
    sound = CallerSound()
    heard = b""
    for number in range(50):
        at = (np.arange(rate_hz // 50) + number * rate_hz // 50) / rate_hz
        tone = (8000 * np.sin(2 * np.pi * 700 * at)).astype(np.int16)
        frame = AudioFrame.from_ndarray(np.repeat(tone, channels).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = rate_hz
        heard += sound.of(frame)
    samples = np.frombuffer(heard, "<i2").astype(float)
    assert abs(len(samples) - 48000) <= 48000 * 0.01
    assert abs(np.argmax(np.abs(np.fft.rfft(samples))) * 48000 / len(samples) - 700) < 2
    assert abs(np.sqrt(np.mean(samples**2)) - 8000 / np.sqrt(2)) < 200
