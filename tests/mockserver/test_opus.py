"""The agent's sound as Opus, as a decoder that is not ours hears it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import numpy.typing as npt
from av import CodecContext, Packet
from av.audio.codeccontext import AudioCodecContext

from mockserver.conversation import ROOM_FRAME_MS, ROOM_FRAME_SAMPLES
from mockserver.webrtc.opus import SILENCE, TIME_BASE, Encoder
from mockserver.webrtc.sound import AgentTrack

RATE_HZ = 48000
PITCH_HZ = 700


def tone(frames: int) -> list[bytes]:
    samples = 6000 * np.sin(2 * np.pi * PITCH_HZ * np.arange(frames * ROOM_FRAME_SAMPLES) / RATE_HZ)
    return [frame.astype("<i2").tobytes() for frame in np.split(samples, frames)]


def decoded(packets: list[bytes]) -> npt.NDArray[np.float64]:
    """A row for each packet's frame."""
    decoder = CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.format, decoder.layout, decoder.sample_rate = "s16", "mono", RATE_HZ
    heard = []
    for number, payload in enumerate(packets):
        packet = Packet(payload)
        packet.time_base, packet.pts = TIME_BASE, number * ROOM_FRAME_SAMPLES
        heard += [frame.to_ndarray().ravel() for frame in decoder.decode(packet)]
    return np.concatenate(heard).astype(float).reshape(len(packets), -1)


def loudness(frames: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(frames**2)))


def test_who_speaks_again_after_a_silence_sounds_as_before() -> None:
    encoder = Encoder()
    heard = decoded([encoder.encode(frame) for frame in [*tone(20), *[SILENCE] * 60, *tone(20)]])
    before, silence, after = heard[2:20], heard[30:80], heard[82:]
    assert abs(loudness(before) - 6000 / np.sqrt(2)) < 100
    assert abs(loudness(after) - loudness(before)) < 100
    assert loudness(silence) < 1
    spectrum = np.abs(np.fft.rfft(after.ravel()))
    assert abs(np.argmax(spectrum) * RATE_HZ / after.size - PITCH_HZ) < 5


def test_a_silence_is_the_same_small_packet_again_and_again() -> None:
    encoder = Encoder()
    packets = [encoder.encode(frame) for frame in [*tone(5), *[SILENCE] * 60]]
    assert len(set(packets[-10:])) == 1
    assert len(packets[-1]) <= 3


def test_packets_tell_their_time_whatever_is_said() -> None:
    async def first_three() -> list[Packet[Any]]:
        track = AgentTrack()
        track.play(b"".join(tone(2)))
        return [await track.recv() for _ in range(3)]

    packets = asyncio.run(first_three())
    assert [float(packet.pts * packet.time_base) * 1000 for packet in packets if packet.pts is not None] == [
        number * ROOM_FRAME_MS for number in range(3)
    ]
