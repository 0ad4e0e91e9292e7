"""Recordings: who said what when, as it was heard, and files that are whole however a call ends."""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import connect

from contract.audio import AudioFormat, Encoding, encode
from contract.errors import PeerError
from contract.events import Audio, Clear, Event, Started
from mockserver import wav_file
from mockserver.ending import Ending
from mockserver.option import SettingsError
from mockserver.recording import Recorded, Recordings
from mockserver.server import Server
from mockserver.settings import Settings
from tests.calls.test_mock_command import started
from tests.running import INLINE, VALID_KEY, running_mock

MULAW = AudioFormat(Encoding.MULAW, 8000)
PCM = AudioFormat(Encoding.PCM16, 8000)


def tone(ms: int, audio_format: AudioFormat = PCM, hertz: float = 500.0) -> bytes:
    at = np.arange(audio_format.rate_hz * ms // 1000) / audio_format.rate_hz
    return encode((8000 * np.sin(2 * np.pi * hertz * at)).astype(np.int16), audio_format.encoding)


class Told:
    """A party that says what it is told to."""

    def __init__(self, heard: AudioFormat = PCM, said: AudioFormat = PCM) -> None:
        self.ending: Ending | None = None
        self.on_unsaid: Callable[[Event], None] | None = None
        self._known: tuple[AudioFormat, AudioFormat] | None = None
        self.says: list[Event] = []
        self._formats = heard, said

    def begin(self, now: float, started: Started | None = None) -> list[Event]:
        self._known = self._formats
        return self._said()

    def hear(self, event: Event, now: float) -> list[Event]:
        return self._said()

    def object(self, error: PeerError) -> list[Event]:
        return self._said()

    def tick(self, now: float) -> list[Event]:
        return self._said()

    def speak(self, text: str, now: float) -> list[Event]:
        return self._said()

    def audio_formats(self) -> tuple[AudioFormat, AudioFormat] | None:
        return self._known

    def _said(self) -> list[Event]:
        said, self.says = self.says, []
        return said


class Call:
    """A recorded call with a clock of its own, which began at second 100."""

    def __init__(self, folder: Path, party: Told | None = None) -> None:
        self.party = party or Told()
        self.recordings = Recordings(folder)
        self.recorded: Recorded = self.recordings.of("call1", self.party)
        self.path = folder / "call1.wav"
        self.now = 100.0
        self.recorded.begin(self.now)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            self.recorded.tick(self.now)

    def say(self, *events: Event) -> None:
        self.party.says = list(events)
        self.recorded.tick(self.now)

    def end(self) -> tuple[Any, int]:
        self.recordings.close()
        return recorded(self.path)


def recorded(path: Path) -> tuple[Any, int]:
    """The samples, one row for each side, and the rate of a file that must be whole."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert len(samples) == 2 * file.getnframes()
        return samples.reshape(-1, 2).T, file.getframerate()


def spans_s(samples: Any, rate_hz: int) -> list[tuple[float, float]]:
    """From when until when there is sound, to the hundredth of a second."""
    size = rate_hz // 100
    loud = np.abs(samples[: len(samples) // size * size]).reshape(-1, size).max(axis=1) > 300
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]])))
    return [(start / 100, end / 100) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def test_the_caller_is_left_and_the_agent_right_each_when_it_was_heard(tmp_path: Path) -> None:
    call = Call(tmp_path)
    call.wait(0.5)
    call.say(Audio(payload=tone(300)))
    call.wait(1)
    # It was spoken until now.
    call.recorded.hear(Audio(payload=tone(200)), call.now)
    call.wait(0.5)
    (caller, agent), rate_hz = call.end()
    assert rate_hz == 8000
    assert spans_s(agent, rate_hz) == [(0.5, 0.8)]
    assert spans_s(caller, rate_hz) == [(1.3, 1.5)]
    assert len(caller) == 2.0 * 8000


def test_frames_that_come_a_little_late_or_early_join_without_a_gap(tmp_path: Path) -> None:
    call = Call(tmp_path)
    whole = tone(1000)
    for index in range(50):
        call.say(Audio(payload=whole[index * 320 : (index + 1) * 320]))
        call.wait((0.06, 0, 0)[index % 3])
    (_, agent), _ = call.end()
    assert (agent[:8000] == np.frombuffer(whole, "<i2")).all()


def test_what_was_withdrawn_was_not_heard(tmp_path: Path) -> None:
    call = Call(tmp_path)
    call.say(Audio(payload=tone(5000)))
    call.wait(1)
    call.say(Clear())
    call.wait(2)
    call.say(Audio(payload=tone(100)))
    call.wait(1)
    (_, agent), rate_hz = call.end()
    assert spans_s(agent, rate_hz) == [(0.0, 1.0), (3.0, 3.1)]


def test_both_are_written_at_the_higher_of_their_rates(tmp_path: Path) -> None:
    heard, said = AudioFormat(Encoding.PCM16, 16000), AudioFormat(Encoding.MULAW, 8000)
    call = Call(tmp_path, Told(heard, said))
    call.say(Audio(payload=tone(1000, said, 700)))
    call.wait(1)
    call.recorded.hear(Audio(payload=tone(1000, heard, 300)), call.now)
    call.wait(0.1)
    (caller, agent), rate_hz = call.end()
    assert rate_hz == 16000
    for samples, hertz in ((caller, 300), (agent, 700)):
        assert np.abs(np.fft.rfft(samples[:16000].astype(float))).argmax() == hertz


def test_the_agents_own_track_is_not_the_caller(tmp_path: Path) -> None:
    call = Call(tmp_path)
    call.recorded.hear(Audio(payload=tone(200), track="outbound"), call.now)
    call.wait(1)
    (caller, _), _ = call.end()
    assert not caller.any()


def test_a_flood_of_audio_fills_no_memory(tmp_path: Path) -> None:
    call = Call(tmp_path)
    for _ in range(100):
        call.recorded.hear(Audio(payload=tone(10_000)), call.now)
    (caller, _), rate_hz = call.end()
    assert len(caller) / rate_hz <= 80


def test_the_party_is_told_everything_and_its_ending_shows(tmp_path: Path) -> None:
    call = Call(tmp_path)
    call.party.says = [Clear()]
    assert call.recorded.object(PeerError("start", "$", "wrong")) == [Clear()]
    assert call.recorded.ending is None
    call.party.ending = Ending(1000, "over")
    call.wait(0.02)
    assert call.recorded.ending == Ending(1000, "over")
    call.end()


def test_a_call_whose_stream_never_runs_leaves_no_file(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path)
    recordings.of("call1", Told()).finish()
    recordings.close()
    assert not list(tmp_path.iterdir())


def test_the_file_is_whole_while_the_call_goes_on(tmp_path: Path) -> None:
    call = Call(tmp_path)
    call.say(Audio(payload=tone(5000)))
    call.wait(3.2)
    until(lambda: call.path.exists() and call.path.stat().st_size >= 44 + 2.5 * 8000 * 4)
    (_, agent), rate_hz = recorded(call.path)
    assert spans_s(agent, rate_hz)[0][1] >= 2.4
    call.end()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk here that is always full")
def test_a_full_disk_is_one_line_in_the_log_and_the_call_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "call1.wav").symlink_to("/dev/full")
    with caplog.at_level(logging.INFO, "calls"):
        call = Call(tmp_path)
        call.wait(5)
        call.party.says = [Clear()]
        assert call.recorded.tick(call.now) == [Clear()]
        call.recordings.close()
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == f"call call1: its recording ends here: {call.path}: no space left on device"


def test_a_folder_that_is_gone_is_one_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "calls"):
        call = Call(tmp_path / "gone")
        call.wait(3)
        call.recordings.close()
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == f"call call1: its recording ends here: {call.path}: no such file or directory"


def test_a_disk_that_does_not_keep_up_gets_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wav_file, "MOST_UNWRITTEN_BLOCKS", 0)
    call = Call(tmp_path)
    call.wait(5)
    call.recordings.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"call call1: its recording ends here: {call.path}: the disk is too slow"
    ]


def until(true: Callable[[], bool]) -> None:
    for _ in range(5000):
        if true():
            return
        time.sleep(0.001)
    raise AssertionError("it never happened")


def in_binary(url: str, audio: bytes, *, then: Callable[[Any], None]) -> None:
    """Dial as a custom client, speak, and do something at the first audio that comes."""
    with connect(url, close_timeout=0.2) as call:
        for start in range(0, len(audio), 320):
            call.send(audio[start : start + 320])
        while not isinstance(call.recv(timeout=8), bytes):
            pass
        then(call)


def test_a_call_is_recorded_under_its_id_and_none_that_asks_not_to_be(tmp_path: Path) -> None:
    socket = {"connectionType": "websocket", "websocket": {"inputSampleRate": 8000, "outputSampleRate": 8000}}
    folder = tmp_path / "made" / "for it"
    with running_mock(recordings=str(folder)) as mock:
        kept = mock.create_inline(**socket)
        in_binary(kept["websocketUrl"], tone(600, PCM, 300), then=lambda call: time.sleep(0.3))
        not_kept = mock.create_inline(**socket, recordingEnabled=False)
        in_binary(not_kept["websocketUrl"], b"", then=lambda call: None)
        # It vanishes without a word.
        vanished = mock.create(**socket)
        in_binary(vanished["websocketUrl"], b"", then=lambda call: call.socket.close())
        until(lambda: len(list(folder.iterdir())) == 2)
        going_on = mock.create(connectionType="twilio")
        with connect(going_on["websocketUrl"]) as call:
            start = {"accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound"]}
            media = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
            call.send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
            message = {"event": "start", "sequenceNumber": "1", "streamSid": "MZ1"}
            call.send(json.dumps({**message, "start": {**start, "mediaFormat": media, "customParameters": {}}}))
            assert json.loads(call.recv(timeout=8))["event"] == "media"
            mock.stop()
            assert mock.wait_until_stopped(10)
    assert {path.stem for path in folder.iterdir()} == {kept["id"], vanished["id"], going_on["id"]}
    (caller, agent), rate_hz = recorded(folder / f"{kept['id']}.wav")
    assert np.abs(np.fft.rfft(caller[:4800].astype(float))).argmax() * 8000 / 4800 == pytest.approx(300, abs=2)
    assert spans_s(agent, rate_hz)[0][0] < 0.1
    for other in (vanished, going_on):
        (_, agent), _ = recorded(folder / f"{other['id']}.wav")
        assert agent.any()


def test_without_a_folder_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running_mock() as mock:
        url = mock.create(connectionType="websocket", websocket={"inputSampleRate": 8000, "outputSampleRate": 8000})
        in_binary(url["websocketUrl"], b"", then=lambda call: None)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_the_file_is_whole_when_the_server_is_told_to_end(tmp_path: Path) -> None:
    with started("--recordings", str(tmp_path), "--voice-output", "tones") as (process, base_url, _):
        rates = {"inputSampleRate": 8000, "outputSampleRate": 8000}
        body = {**INLINE, "connectionType": "websocket", "websocket": rates}
        call = httpx.post(f"{base_url}/calls/inline", json=body, headers=VALID_KEY).json()
        in_binary(call["websocketUrl"], b"", then=lambda call: process.send_signal(signal.SIGTERM))
        assert process.wait(10) == 0
    (_, agent), rate_hz = recorded(tmp_path / f"{call['id']}.wav")
    assert spans_s(agent, rate_hz)[0][0] == 0


@pytest.mark.parametrize(("folder", "reason"), [("file", "it is no folder"), ("file/below", "not a directory")])
def test_a_folder_that_cannot_be_made_is_an_error_at_the_start(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError) as error:
        Server(Settings(port=0, voice_output="tones", recordings=tmp_path / folder))
    assert str(error.value) == f"--recordings: cannot make the folder {tmp_path / folder}: {reason}"
